package goproxy

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// probeOne probes a single entry for the test module.
func probeOne(t *testing.T, p *Prober, goproxy string) *Result {
	t.Helper()
	chain, err := Parse(goproxy, "")
	if err != nil {
		t.Fatal(err)
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	return &p.Probe(t.Context(), chain, testModule)[0]
}

// summary is the answers as "info ok, mod tls/tls-name, ...".
func summary(r *Result) string {
	var s []string
	for _, a := range r.Answers {
		text := string(a.Endpoint) + " ok"
		if f := a.Fault; f != nil {
			text = string(a.Endpoint) + " " + string(f.Phase) + "/" + string(f.Kind)
		}
		s = append(s, text)
	}
	return strings.Join(s, ", ")
}

// same is the summary when every endpoint has the same fault.
func same(fault string) string {
	return "info " + fault + ", mod " + fault + ", zip " + fault + ", list " + fault
}

func plainServer(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// with is the good files with some replaced; an empty text removes one.
func with(t *testing.T, changes ...string) map[string]string {
	t.Helper()
	files := proxyFiles(t)
	for i := 0; i < len(changes); i += 2 {
		name := escapedModule + changes[i]
		if changes[i] == "list" {
			name = "/example.com/!upper/lib/@v/list"
		}
		files[name] = changes[i+1]
		if changes[i+1] == "" {
			delete(files, name)
		}
	}
	return files
}

const page = "<!DOCTYPE html><title>Please log in</title>"

func TestProbeAnswers(t *testing.T) {
	t.Parallel()
	noRange := func(h http.Handler) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				http.Error(w, "no ranges", http.StatusRequestedRangeNotSatisfiable)
				return
			}
			h.ServeHTTP(w, r)
		}
	}
	truncated := func(suffix string) http.HandlerFunc {
		good := serve(proxyFiles(t))
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, suffix) {
				w.Header().Set("Content-Length", "400")
				io.WriteString(w, "{")
				return
			}
			good(w, r)
		}
	}
	loop := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }
	reset := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	tests := []struct {
		name    string
		handler http.Handler
		want    string
	}{
		{"good", serve(proxyFiles(t)), "info ok, mod ok, zip ok, list ok"},
		{"no ranges", noRange(serve(proxyFiles(t))), "info ok, mod ok, zip ok, list ok"},
		{"404", answerStatus(404), same("http/not-found")},
		{"410", answerStatus(410), same("http/not-found")},
		{"204", answerStatus(204), same("http/status")},
		{"403", answerStatus(403), same("http/status")},
		{"500", answerStatus(500), same("http/status")},
		{"web page everywhere", serve(with(t, ".info", page, ".mod", page, ".zip", page, "list", page)), same("protocol/content")},
		{"wrong version", serve(with(t, ".info", `{"Version":"v9.9.9"}`)), "info protocol/content, mod ok, zip ok, list ok"},
		{"empty info", serve(with(t, ".info", " ")), "info protocol/content, mod ok, zip ok, list ok"},
		{"mod without module line", serve(with(t, ".mod", "go 1.20\n")), "info ok, mod protocol/content, zip ok, list ok"},
		{"mod with a block", serve(with(t, ".mod", "module (\n\texample.com/Upper/lib\n)\n")), "info ok, mod ok, zip ok, list ok"},
		{"zip that is none", serve(with(t, ".zip", "hello")), "info ok, mod ok, zip protocol/content, list ok"},
		{"no list", serve(with(t, "list", "")), "info ok, mod ok, zip ok, list http/not-found"},
		{"truncated info", truncated(".info"), "info protocol/truncated, mod ok, zip ok, list ok"},
		{"truncated zip", truncated(".zip"), "info ok, mod ok, zip protocol/truncated, list ok"},
		{"redirect loop", http.HandlerFunc(loop), same("http/redirect-loop")},
		{"reset", http.HandlerFunc(reset), same("http/reset")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(tt.handler)
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.Start()
			defer s.Close()
			r := probeOne(t, &Prober{}, s.URL)
			if got := summary(r); got != tt.want {
				t.Errorf("answers = %s\nwant %s\n%+v", got, tt.want, r.Answers[0].Fault)
			}
		})
	}
}

func TestProbeDetail(t *testing.T) {
	t.Parallel()
	s := plainServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "denied: \x1b[31mtoken=s3cr3t\u202e\n::error::s3cr3t\n\nhidden", http.StatusForbidden)
	}))
	r := probeOne(t, &Prober{}, s+"?token=s3cr3t")
	f := r.Answer(Info).Fault
	if want := []string{"denied: xxxxx", "::error::xxxxx"}; !slices.Equal(f.Detail, want) {
		t.Errorf("Detail = %q, want %q", f.Detail, want)
	}
	if f.Text != "status 403 Forbidden" || f.Status != 403 {
		t.Errorf("fault = %+v", f)
	}
	if want := s + "/example.com/%21upper/lib/@v/v1.0.0-%21r%21c1.info?xxxxx"; r.Answer(Info).URL != want {
		t.Errorf("URL = %s, want %s", r.Answer(Info).URL, want)
	}
}

func TestProbeClosedPort(t *testing.T) {
	t.Parallel()
	r := probeOne(t, &Prober{}, "http://"+closedPort(t))
	if got, want := summary(r), same("connect/refused"); got != want {
		t.Errorf("answers = %s, want %s", got, want)
	}
	if r.Answers[0].Assumed || !r.Answers[1].Assumed {
		t.Error("only the first endpoint is worth asking")
	}
	if len(r.Timings) != 1 || r.Timings[0].Phase != Connect || !r.Timings[0].Failed {
		t.Errorf("timings = %+v", r.Timings)
	}
}

// silentPort is the address of a port that accepts connections and never answers.
func silentPort(t testing.TB) string {
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
	return l.Addr().String()
}

func TestProbeTimeout(t *testing.T) {
	t.Parallel()
	for scheme, want := range map[string]string{"http": "http/timeout", "https": "tls/timeout"} {
		start := time.Now()
		r := probeOne(t, &Prober{Timeout: 100 * time.Millisecond}, scheme+"://"+silentPort(t))
		if got := summary(r); got != same(want) {
			t.Errorf("%s: answers = %s, want %s", scheme, got, same(want))
		}
		if got, want := r.Answers[0].Fault.Text, "no answer within 100ms"; got != want {
			t.Errorf("%s: text = %q, want %q", scheme, got, want)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s: took %v", scheme, d)
		}
	}
}

func TestProbeCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	chain, err := Parse("http://"+silentPort(t), "")
	if err != nil {
		t.Fatal(err)
	}
	r := (&Prober{Now: time.Now}).Probe(ctx, chain, testModule)[0]
	if f := r.Answer(Info).Fault; f == nil || f.Kind != Canceled || r.Answer(Info).Outcome() != Unknown {
		t.Errorf("fault = %+v, want canceled, which is unknown", f)
	}
}

// dnsServer answers every question with an error code, or never if silent.
func dnsServer(t testing.TB, code dnsmessage.RCode, silent bool) *net.Resolver {
	t.Helper()
	if silent {
		return resolver(t, nil)
	}
	return resolver(t, func(m *dnsmessage.Message) { m.RCode = code })
}

// resolver is one whose name server answers by a function, or never.
func resolver(t testing.TB, answer func(*dnsmessage.Message)) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if answer == nil || m.Unpack(buf[:n]) != nil || len(m.Questions) == 0 {
				continue
			}
			m.Response, m.Additionals = true, nil
			answer(&m)
			if out, err := m.Pack(); err == nil {
				conn.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func TestProbeDNS(t *testing.T) {
	t.Parallel()
	tests := []struct {
		resolver *net.Resolver
		want     string
	}{
		{dnsServer(t, dnsmessage.RCodeNameError, false), "dns/nxdomain"},
		{dnsServer(t, dnsmessage.RCodeServerFailure, false), "dns/dns-other"},
		{dnsServer(t, 0, true), "dns/dns-timeout"},
	}
	for _, tt := range tests {
		r := probeOne(t, &Prober{Resolver: tt.resolver, Timeout: 300 * time.Millisecond}, "https://goproxy.example,direct")
		if got := summary(r); got != same(tt.want) {
			t.Errorf("answers = %s, want %s\n%+v", got, same(tt.want), r.Answers[0].Fault)
		}
		if f := r.Answers[0].Fault; f.NameServer == "" && f.Kind != DNSTimeout {
			t.Errorf("%s: the name server is not told", tt.want)
		}
		if got, want := r.Answers[0].Fault.Host, "goproxy.example:443"; got != want {
			t.Errorf("host = %s, want %s", got, want)
		}
	}
}

func TestProbeInsecureCredentials(t *testing.T) {
	t.Parallel()
	asked := &recorder{}
	s := asked.server(t, "server", serve(proxyFiles(t)))
	r := probeOne(t, &Prober{}, strings.Replace(s, "http://", "http://user:s3cr3t@", 1))
	if got, want := summary(r), same("http/insecure-credentials"); got != want {
		t.Errorf("answers = %s, want %s", got, want)
	}
	if strings.Contains(r.Answers[0].Fault.Text, "s3cr3t") {
		t.Errorf("text = %s", r.Answers[0].Fault.Text)
	}
	if got := asked.names(); len(got) > 0 {
		t.Error("credentials went over plain HTTP")
	}
}

func TestProbeFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range proxyFiles(t) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	base := filepath.ToSlash(dir)
	if !strings.HasPrefix(base, "/") {
		base = "/" + base
	}
	if got, want := summary(probeOne(t, &Prober{}, "file://"+base)), "info ok, mod ok, zip ok, list ok"; got != want {
		t.Errorf("answers = %s, want %s", got, want)
	}
	if got, want := summary(probeOne(t, &Prober{}, "file://"+base+"/none")), same("protocol/not-found"); got != want {
		t.Errorf("missing: answers = %s, want %s", got, want)
	}
	mod := filepath.Join(dir, filepath.FromSlash(escapedModule+".mod"))
	if err := errors.Join(os.Remove(mod), os.Mkdir(mod, 0o755)); err != nil {
		t.Fatal(err)
	}
	if got, want := summary(probeOne(t, &Prober{}, "file://"+base)), "info ok, mod protocol/file, zip ok, list ok"; got != want {
		t.Errorf("folder: answers = %s, want %s", got, want)
	}
}

// TestProbeOrder: results come in the chain's order, the slow first entry too,
// and keywords have no answers.
func TestProbeOrder(t *testing.T) {
	t.Parallel()
	slow := plainServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond)
		serve(nil)(w, r)
	}))
	chain, err := Parse(slow+","+plainServer(t, serve(proxyFiles(t)))+",direct", "private.example")
	if err != nil {
		t.Fatal(err)
	}
	results := (&Prober{Now: time.Now}).Probe(t.Context(), chain, testModule)
	if got, want := Outcomes(results, Info), []Outcome{UseProxy, NotExist, OK, Unknown}; !slices.Equal(got, want) {
		t.Errorf("outcomes = %v, want %v", got, want)
	}
	if results[3].Probed || results[3].Answers != nil {
		t.Errorf("direct was probed: %+v", results[3])
	}
}
