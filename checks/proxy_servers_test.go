package checks

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/modfile"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/goproxy"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// proxySession is a session for a main module that requires example.com/lib
// v1.0.0, with some Go settings.
func proxySession(t *testing.T, settings map[string]string) *Session {
	t.Helper()
	s := &Session{
		Modules: []*repo.Module{mainModule(t, "example.org/main", "require example.com/lib v1.0.0")},
		Env:     goenv.FromMap(settings),
		Config:  config.Default(),
		Now:     time.Now,
	}
	o := proxyOrigin(t)
	s.Getenv = o.getenv
	s.prober = func(p *goproxy.Prober) { p.Roots = o.roots }
	s.Config.Proxy.Timeout = 3 * time.Second
	return s
}

// mainModule is a main module with these go.mod lines.
func mainModule(t *testing.T, path string, lines ...string) *repo.Module {
	t.Helper()
	f, err := modfile.Parse("go.mod", []byte("module "+path+"\n"+strings.Join(lines, "\n")+"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &repo.Module{Dir: ".", Path: path, Syntax: f}
}

// proxyFiles are what a module proxy has of example.com/lib v1.0.0.
var proxyFiles = map[string]string{
	"list":        "v1.0.0\n",
	"v1.0.0.info": `{"Version":"v1.0.0","Time":"2020-01-02T03:04:05Z"}`,
	"v1.0.0.mod":  "module example.com/lib\n",
	"v1.0.0.zip":  zipText("example.com/lib@v1.0.0/go.mod", "example.com/lib@v1.0.0/lib.go"),
}

// zipText is a zip of files with these names.
func zipText(names ...string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		f, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(f, "package lib\n")
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// proxyServing is a module proxy where some files are others: name, text, ...
// The text "403" is that status, and "" a missing file.
func proxyServing(changes ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/example.com/lib/@v/")
		text, ok := proxyFiles[name]
		for i := 0; i < len(changes); i += 2 {
			if changes[i] == name {
				text = changes[i+1]
			}
		}
		switch {
		case !ok || text == "":
			http.Error(w, "not found", http.StatusNotFound)
		case text == "403":
			http.Error(w, "not for you", http.StatusForbidden)
		default:
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
		}
	}
}

func proxyStatus(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "a fault of the test", status) }
}

func proxyServer(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// proxyTLSServer has a certificate that it signed itself.
func proxyTLSServer(t *testing.T, notAfter time.Time, names ...string) (url string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Corp CA 2"}, DNSNames: names,
		NotBefore: notAfter.AddDate(-1, 0, 0), NotAfter: notAfter,
	}
	if len(names) == 0 {
		tmpl.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(cert)
	s := httptest.NewUnstartedServer(proxyServing())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, roots
}

func proxyClosedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// proxyBlackHole accepts connections and stays silent.
func proxyBlackHole(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	return "http://" + l.Addr().String()
}

const proxyPage = "<!DOCTYPE html><html><title>Please log in</title></html>"
