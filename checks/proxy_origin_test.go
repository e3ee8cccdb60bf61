package checks

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// An origin plays every host that is not this machine: an HTTP proxy of the
// environment that leads each CONNECT to one TLS server. So no test asks a real one.
type origin struct {
	via     string // what HTTPS_PROXY and HTTP_PROXY are
	ca      *testCA
	roots   *x509.CertPool
	handler http.Handler
	connect atomic.Int32 // status to refuse CONNECT with; 0 for none
	asked   atomic.Int32
}

// proxyOrigin has a page with a go-import tag for every host.
func proxyOrigin(t *testing.T) *origin {
	t.Helper()
	return newOrigin(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<html><head><meta name="go-import" content="%s git https://%[1]s/repo"></head></html>`, r.Host)
	}))
}

func newOrigin(t *testing.T, h http.Handler) *origin {
	t.Helper()
	ca := newTestCA(t, "Origin CA")
	o := &origin{ca: ca, roots: ca.pool(), handler: h}
	inner := httptest.NewUnstartedServer(h)
	inner.Config.ErrorLog = log.New(io.Discard, "", 0)
	inner.TLS = &tls.Config{Certificates: []tls.Certificate{ca.leaf(t, testLeaf{names: []string{"example.com", "*.example.com", "*.example"}})}}
	inner.StartTLS()
	t.Cleanup(inner.Close)
	address := inner.Listener.Addr().String()
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.asked.Add(1)
		if status := o.connect.Load(); status != 0 {
			w.WriteHeader(int(status))
			return
		}
		if r.Method != http.MethodConnect {
			h.ServeHTTP(w, r)
			return
		}
		tunnel(w, address)
	}))
	t.Cleanup(outer.Close)
	o.via = outer.URL
	return o
}

// tunnel is what an HTTP proxy does with CONNECT.
func tunnel(w http.ResponseWriter, address string) {
	out, err := net.Dial("tcp", address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer out.Close()
	w.WriteHeader(http.StatusOK)
	in, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer in.Close()
	go func() {
		io.Copy(out, buffered)
		out.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(in, out)
}

// getenv is an environment in which the origin is the way to everywhere.
func (o *origin) getenv(name string) string {
	switch name {
	case "HTTPS_PROXY", "HTTP_PROXY":
		return o.via
	case "PATH", "PATHEXT":
		return os.Getenv(name)
	}
	return ""
}

// A testCA signs certificates.
type testCA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	der  []byte
}

// A testLeaf is what a certificate is to say; zero values are good for 127.0.0.1
// and localhost for a year.
type testLeaf struct {
	names               []string
	notBefore, notAfter time.Time
}

func newTestCA(t *testing.T, name string) *testCA {
	t.Helper()
	return signTestCA(t, name, nil, time.Now().AddDate(2, 0, 0))
}

// signTestCA is an authority that another one signed, or itself.
func signTestCA(t *testing.T, name string, by *testCA, notAfter time.Time) *testCA {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().AddDate(-2, 0, 0), NotAfter: notAfter,
	}
	ca := &testCA{key: key}
	parent, signer := tmpl, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	if ca.der, err = x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, signer); err != nil {
		t.Fatal(err)
	}
	if ca.cert, err = x509.ParseCertificate(ca.der); err != nil {
		t.Fatal(err)
	}
	return ca
}

func (c *testCA) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(c.cert)
	return p
}

// pem is the authority as SSL_CERT_FILE has it.
func (c *testCA) pem() []byte {
	var b bytes.Buffer
	if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.der}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// leaf is a server's certificate with its chain, without the authority at the top.
func (c *testCA) leaf(t *testing.T, l testLeaf) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, DNSNames: l.names,
		NotBefore: l.notBefore, NotAfter: l.notAfter,
	}
	if l.names == nil {
		tmpl.DNSNames, tmpl.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	if tmpl.NotAfter.IsZero() {
		tmpl.NotAfter = time.Now().AddDate(1, 0, 0)
	}
	if tmpl.NotBefore.IsZero() {
		tmpl.NotBefore = tmpl.NotAfter.AddDate(-2, 0, 0)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, c.cert, &key.PublicKey, c.key)
	if err != nil {
		t.Fatal(err)
	}
	chain := [][]byte{der}
	if !bytes.Equal(c.cert.RawIssuer, c.cert.RawSubject) {
		chain = append(chain, c.der)
	}
	return tls.Certificate{Certificate: chain, PrivateKey: key}
}
