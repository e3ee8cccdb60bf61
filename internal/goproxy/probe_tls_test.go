package goproxy

import (
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
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// An authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Corp CA 2"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().AddDate(-2, 0, 0), NotAfter: time.Now().AddDate(2, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// serve starts a TLS server with a certificate of this authority.
func (a *authority) serve(t *testing.T, h http.Handler, notBefore, notAfter time.Time, names ...string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, NotBefore: notBefore, NotAfter: notAfter,
		DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if len(names) > 0 {
		tmpl.IPAddresses = nil
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func TestProbeTLS(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	now := time.Now()
	year := 365 * 24 * time.Hour
	good := serve(proxyFiles(t))
	tests := []struct {
		name, url string
		roots     *x509.CertPool
		want      string
	}{
		{"good", ca.serve(t, good, now.Add(-year), now.Add(year)), ca.pool(), "info ok, mod ok, zip ok, list ok"},
		{"expired", ca.serve(t, good, now.Add(-year), now.Add(-72*time.Hour)), ca.pool(), same("tls/tls-expired")},
		{"not yet valid", ca.serve(t, good, now.Add(time.Hour), now.Add(year)), ca.pool(), same("tls/tls-not-yet-valid")},
		{"unknown authority", other.serve(t, good, now.Add(-year), now.Add(year)), ca.pool(), same("tls/tls-unknown-authority")},
		{"wrong name", ca.serve(t, good, now.Add(-year), now.Add(year), "other.example"), ca.pool(), same("tls/tls-name")},
		{"http on https", strings.Replace(plainServer(t, good), "http:", "https:", 1), ca.pool(), same("tls/http-on-https")},
	}
	for _, tt := range tests {
		r := probeOne(t, &Prober{Roots: tt.roots}, tt.url)
		if got := summary(r); got != tt.want {
			t.Errorf("%s: answers = %s, want %s\n%+v", tt.name, got, tt.want, r.Answers[0].Fault)
		}
		switch {
		case tt.name == "good":
			if r.Certificate() == nil || r.Certificate().Issuer != "Corp CA 2" || r.Certificate().NotAfter.Sub(now.Add(year)).Abs() > time.Second {
				t.Errorf("certificate = %+v", r.Certificate())
			}
			var phases []Phase
			for _, timing := range r.Timings {
				phases = append(phases, timing.Phase)
			}
			if want := []Phase{Connect, TLS, HTTP}; !slices.Equal(phases, want) {
				t.Errorf("phases = %v, want %v", phases, want)
			}
		case tt.name != "http on https":
			if c := r.Answers[0].Fault.Certificate; c == nil || c.Issuer != "Corp CA 2" {
				t.Errorf("%s: certificate = %+v", tt.name, c)
			}
		}
	}
}

func TestProbeRedirects(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	now := time.Now()
	var leaked atomic.Value
	files := serve(proxyFiles(t))
	storage := ca.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, h := range []string{"Authorization", "Referer"} {
			if v := r.Header.Get(h); v != "" {
				leaked.Store(h + ": " + v)
			}
		}
		files(w, r)
	}), now.Add(-time.Hour), now.Add(time.Hour))
	var unauthorized atomic.Int32
	front := ca.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if login, password, _ := r.BasicAuth(); login != "user" || password != "s3cr3t" {
			unauthorized.Add(1)
		}
		http.Redirect(w, r, storage+r.URL.Path, http.StatusFound)
	}), now.Add(-time.Hour), now.Add(time.Hour))

	netrc := ParseNetrc("machine " + strings.TrimPrefix(front, "https://") + " login user password s3cr3t")
	for name, goproxy := range map[string]string{
		"netrc": front + "?token=s3cr3t",
		"url":   strings.Replace(front, "https://", "https://user:s3cr3t@", 1),
	} {
		r := probeOne(t, &Prober{Roots: ca.pool(), Credentials: netrc.Lookup}, goproxy)
		if got, want := summary(r), "info ok, mod ok, zip ok, list ok"; got != want {
			t.Errorf("%s: answers = %s, want %s\n%+v", name, got, want, r.Answers[0].Fault)
		}
		if n := unauthorized.Load(); n > 0 {
			t.Errorf("%s: %d requests without credentials at the host that they are meant for", name, n)
		}
		if got, want := r.CredentialsKept, strings.TrimPrefix(storage, "https://"); got != want {
			t.Errorf("%s: CredentialsKept = %q, want %q", name, got, want)
		}
	}
	if v := leaked.Load(); v != nil {
		t.Errorf("another host was sent %v", v)
	}

	insecure := ca.serve(t, http.RedirectHandler("http://user:s3cr3t@127.0.0.1:1/x", http.StatusFound), now.Add(-time.Hour), now.Add(time.Hour))
	r := probeOne(t, &Prober{Roots: ca.pool()}, insecure)
	if got := summary(r); got != same("http/insecure-redirect") {
		t.Errorf("https to http: answers = %s", got)
	}
	if text := r.Answers[0].Fault.Text; strings.Contains(text, "s3cr3t") || !strings.HasPrefix(text, "redirected from secure URL") {
		t.Errorf("https to http: text = %s", text)
	}
}

// TestProbeLocalRedirect plays a public server: the resolver knows its name as
// a documentation address, and an HTTP proxy of the environment is the way to it.
func TestProbeLocalRedirect(t *testing.T) {
	t.Parallel()
	asked := &recorder{}
	inner := asked.server(t, "inner", serve(proxyFiles(t)))
	proxy := plainServer(t, http.RedirectHandler(inner+"/x", http.StatusFound))
	getenv := func(name string) string {
		return map[string]string{"HTTP_PROXY": proxy}[name]
	}
	// 127.0.0.1 is never proxied, so the redirect's target would be dialled directly.
	r := probeOne(t, &Prober{Getenv: getenv}, "http://goproxy.example")
	if got, want := summary(r), same("http/local-redirect"); got != want {
		t.Errorf("answers = %s, want %s\n%+v", got, want, r.Answers[0].Fault)
	}
	if got := asked.names(); len(got) > 0 {
		t.Error("a local address was asked because a public server said so")
	}
	if o := r.Answer(Info).Outcome(); o != Unknown {
		t.Errorf("outcome = %v, want unknown", o)
	}
	// The same from a local server is fine.
	local := plainServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inner+r.URL.Path, http.StatusFound)
	}))
	r = probeOne(t, &Prober{}, strings.Replace(local, "127.0.0.1", "localhost", 1))
	if got, want := summary(r), "info ok, mod ok, zip ok, list ok"; got != want {
		t.Errorf("local to local: answers = %s, want %s", got, want)
	}
}

func TestProbeHTTPProxy(t *testing.T) {
	t.Parallel()
	refusing := func(status int) string {
		return plainServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	}
	tests := []struct {
		name, proxy, entry, want string
		status                   int
	}{
		{"407 to CONNECT", refusing(407), "https://goproxy.example", "http-proxy/proxy-auth", 407},
		{"407 to GET", refusing(407), "http://goproxy.example", "http-proxy/proxy-auth", 407},
		{"403 to CONNECT", refusing(403), "https://goproxy.example", "http-proxy/proxy-connect", 403},
		{"403 to GET", refusing(403), "http://goproxy.example", "http/status", 403},
		{"nobody there", "http://user:s3cr3t@" + closedPort(t), "https://goproxy.example", "http-proxy/proxy-connect", 0},
		{"half a URL", "http://user:s3cr3t@[", "https://goproxy.example", "http-proxy/proxy-connect", 0},
		{"silent", "http://" + silentPort(t), "https://goproxy.example", "http-proxy/timeout", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			getenv := func(name string) string {
				return map[string]string{"https_proxy": tt.proxy, "HTTP_PROXY": tt.proxy}[name]
			}
			p := &Prober{Getenv: getenv, Timeout: 500 * time.Millisecond, Resolver: dnsServer(t, dnsmessage.RCodeNameError, false)}
			r := probeOne(t, p, tt.entry)
			if got := summary(r); got != same(tt.want) {
				t.Errorf("answers = %s, want %s\n%+v", got, same(tt.want), r.Answers[0].Fault)
			}
			f := r.Answers[0].Fault
			if f.Status != tt.status {
				t.Errorf("status = %d, want %d", f.Status, tt.status)
			}
			if strings.Contains(r.HTTPProxy+f.Text+f.Host, "s3cr3t") {
				t.Errorf("password in %q, %+v", r.HTTPProxy, f)
			}
		})
	}
}

// TestProbeThroughHTTPProxy uses a proxy that connects to a TLS server for us.
func TestProbeThroughHTTPProxy(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	target := mustURL(t, ca.serve(t, serve(proxyFiles(t)), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "goproxy.example"))
	proxy := plainServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != "goproxy.example:443" || r.Header.Get("Proxy-Authorization") == "" {
			http.Error(w, "what is this?", http.StatusBadRequest)
			return
		}
		out, err := net.Dial("tcp", target.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer out.Close()
		w.WriteHeader(http.StatusOK)
		in, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer in.Close()
		go io.Copy(out, buffered)
		io.Copy(in, out)
	}))
	getenv := func(name string) string {
		return map[string]string{"HTTPS_PROXY": strings.Replace(proxy, "http://", "http://user:s3cr3t@", 1)}[name]
	}
	r := probeOne(t, &Prober{Getenv: getenv, Roots: ca.pool()}, "goproxy.example")
	if got, want := summary(r), "info ok, mod ok, zip ok, list ok"; got != want {
		t.Fatalf("answers = %s, want %s\n%+v", got, want, r.Answers[0].Fault)
	}
	if want := strings.Replace(proxy, "http://", "http://xxxxx@", 1); r.HTTPProxy != want {
		t.Errorf("HTTPProxy = %s, want %s", r.HTTPProxy, want)
	}
	var phases []Phase
	for _, timing := range r.Timings {
		phases = append(phases, timing.Phase)
	}
	if want := []Phase{HTTPProxy, TLS, HTTP}; !slices.Equal(phases, want) {
		t.Errorf("phases = %v, want %v", phases, want)
	}
}
