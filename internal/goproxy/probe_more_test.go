package goproxy

import (
	"archive/zip"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers every name with these addresses.
func nameServer(t *testing.T, addresses ...net.IP) *net.Resolver {
	t.Helper()
	return resolver(t, func(m *dnsmessage.Message) {
		for _, ip := range addresses {
			h := dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 1}
			switch v4 := ip.To4(); {
			case v4 != nil && m.Questions[0].Type == dnsmessage.TypeA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: [4]byte(v4)}})
			case v4 == nil && m.Questions[0].Type == dnsmessage.TypeAAAA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AAAAResource{AAAA: [16]byte(ip)}})
			}
		}
	})
}

// TestProbeAgain: a transient fault is tried once more, both attempts are told,
// and what fails twice is not tried a third time.
func TestProbeAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		failures int32
		handler  http.HandlerFunc
		want     string
		requests int32 // of the failing kind
		first    string
	}{
		{"503 once", 1, answerStatus(503), "info ok, mod ok, zip ok, list ok", 1, "status 503 Service Unavailable"},
		{"reset once", 1, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "info ok, mod ok, zip ok, list ok", 1, "EOF"},
		{"503 for ever", 99, answerStatus(503), same("http/status"), 2 + 1 + 2 + 1, "status 503 Service Unavailable"}, // the zip is asked for twice: ranges
		{"403 is no matter of luck", 1, answerStatus(403), "info http/status, mod ok, zip ok, list ok", 1, ""},
		{"404 neither", 1, answerStatus(404), "info http/not-found, mod ok, zip ok, list ok", 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var failed atomic.Int32
			good := serve(proxyFiles(t))
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if failed.Add(1) <= tt.failures {
					tt.handler(w, r)
					return
				}
				good(w, r)
			}))
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			s.Start()
			defer s.Close()
			r := probeOne(t, &Prober{}, s.URL)
			if got := summary(r); got != tt.want {
				t.Errorf("answers = %s\nwant %s", got, tt.want)
			}
			first := ""
			if f := r.Answer(Info).First; f != nil {
				first = f.Text
			}
			if first != tt.first {
				t.Errorf("first attempt = %q, want %q", first, tt.first)
			}
			if tt.failures > 1 && failed.Load() != tt.requests {
				t.Errorf("%d requests, want %d", failed.Load(), tt.requests)
			}
		})
	}
}

func TestProbeAddresses(t *testing.T) {
	t.Parallel()
	s := plainServer(t, serve(proxyFiles(t)))
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s, "http://"))
	var dialled atomic.Int32
	p := &Prober{
		Resolver: nameServer(t, net.IPv4(127, 0, 0, 1), net.IPv4(127, 0, 0, 9), net.IPv6loopback),
		Dialling: func(string) { dialled.Add(1) },
		Getenv:   func(string) string { return "" },
		Now:      time.Now,
		Timeout:  5 * time.Second,
		SumDB:    "sum.example",
		Capital:  module.Version{Path: "example.com/Upper/lib", Version: "v1.0.0-RC1"},
		Roots:    nil,
	}
	r := probeOne(t, p, "http://goproxy.example:"+port)
	if got := summary(r); got != "info ok, mod ok, zip ok, list ok" {
		t.Errorf("answers = %s", got)
	}
	got := map[string]string{}
	for _, a := range r.Addresses {
		got[a.Addr.String()] = "ok"
		if a.Fault != nil {
			got[a.Addr.String()] = string(a.Fault.Kind)
		}
	}
	if got["127.0.0.1"] != "ok" || got["127.0.0.9"] != "refused" || got["::1"] != "refused" && got["::1"] != "unreachable" || len(got) != 3 {
		t.Errorf("addresses = %v", got)
	}
	if dialled.Load() < 4 {
		t.Errorf("Dialling was told of %d connections", dialled.Load())
	}
	// An address itself, and what an HTTP proxy resolves, is not compared.
	if r := probeOne(t, &Prober{}, s); r.Addresses != nil {
		t.Errorf("addresses of an address = %v", r.Addresses)
	}
}

// TestProbeExtras: what decides nothing is asked of who serves, and its faults
// stay apart.
func TestProbeExtras(t *testing.T) {
	t.Parallel()
	files := with(t)
	files["/example.com/!upper/lib/@latest"] = `{"Version":"v1.0.0-RC1"}`
	files["/sumdb/sum.example/supported"] = ""
	files["/example.com/Upper/other/@v/v1.2.0.info"] = `{"Version":"v1.2.0"}` // not escaped
	s := plainServer(t, serve(files))
	r := probeOne(t, &Prober{SumDB: "sum.example", Capital: module.Version{Path: "example.com/Upper/other", Version: "v1.2.0"}}, s)
	got := map[Endpoint]string{}
	for _, a := range r.Extras {
		got[a.Endpoint] = "ok"
		if a.Fault != nil {
			got[a.Endpoint] = string(a.Fault.Kind)
		}
	}
	want := map[Endpoint]string{Latest: "ok", Missing: "not-found", SumDB: "ok", Escaped: "not-found", Unescaped: "ok"}
	for e, text := range want {
		if got[e] != text {
			t.Errorf("%s = %q, want %q", e, got[e], text)
		}
	}
	if a := r.Answer(Missing); a == nil || !strings.HasSuffix(a.URL, "/@v/v0.0.0-no.such.version.info") {
		t.Errorf("missing = %+v", a)
	}
	if r := probeOne(t, &Prober{}, plainServer(t, answerStatus(403))); len(r.Extras) > 0 {
		t.Errorf("extras of a proxy that serves nothing: %+v", r.Extras)
	}
}

func TestProbeTellsWhoAnswers(t *testing.T) {
	t.Parallel()
	files := serve(proxyFiles(t))
	storage := plainServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "storage/1.0 \u202eevil")
		w.Header().Set("Via", "1.1 squid")
		w.Header().Set("X-Cache", strings.Repeat("HIT ", 100))
		w.Header().Set("Date", time.Now().Add(-20*time.Minute).UTC().Format(http.TimeFormat))
		w.Header().Set("Age", "1200") // a cache's
		files(w, r)
	}))
	s := plainServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		http.Redirect(w, r, storage+r.URL.Path+"?signature=s3cr3t", http.StatusTemporaryRedirect)
	}))
	r := probeOne(t, &Prober{}, s)
	if got := summary(r); got != "info ok, mod ok, zip ok, list ok" {
		t.Fatalf("answers = %s", got)
	}
	want := []Hop{{307, storage + "/example.com/!upper/lib/@v/v1.0.0-!r!c1.info"}}
	if a := r.Answer(Info); !slices.Equal(a.Hops, want) || a.FirstByte <= 0 {
		t.Errorf("hops = %v, want %v; first byte after %v", a.Hops, want, a.FirstByte)
	}
	if r.Headers["Via"] != "1.1 squid" || strings.Contains(r.Headers["Server"], "\u202e") || len(r.Headers["X-Cache"]) > maxHeader+10 {
		t.Errorf("headers = %q", r.Headers)
	}
	if !r.HasDate || r.Skew.Abs() > time.Minute {
		t.Errorf("skew = %v, %v, want none: an old answer has an age", r.HasDate, r.Skew)
	}
}

func TestProbeTLSState(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := ca.serve(t, serve(proxyFiles(t)), time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	r := probeOne(t, &Prober{Roots: ca.pool()}, s)
	if s := r.TLS; s == nil || s.Version != "TLS 1.3" || s.ALPN != "http/1.1" && s.ALPN != "" || len(s.Chain) != 2 || s.Chain[1].Subject != "Corp CA 2" || !s.Chain[1].SelfSigned || s.Chain[0].SelfSigned {
		t.Errorf("TLS = %+v", s)
	}
	old := httptest.NewUnstartedServer(serve(proxyFiles(t)))
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	if got := summary(probeOne(t, &Prober{Roots: ca.pool()}, old.URL)); got != same("tls/tls-version") {
		t.Errorf("TLS 1.1: answers = %s", got)
	}
}

// TestProbeZip: a large zip is judged by its first name and its size, and its
// speed is known.
func TestProbeZip(t *testing.T) {
	t.Parallel()
	noise := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB, stored
	big := storedZip(t, testModule.Path+"@"+testModule.Version+"/noise", noise)
	foreign := storedZip(t, "example.com/other@v1.0.0/noise", noise)
	for name, tt := range map[string]struct {
		zip     []byte
		ranges  bool
		want    string
		measure bool
	}{
		"large":                 {big, true, "zip ok", true},
		"large, without ranges": {big, false, "zip ok", true},
		"large and foreign":     {foreign, true, "zip protocol/content", true},
	} {
		files := with(t, ".zip", string(tt.zip))
		h := serve(files)
		if !tt.ranges {
			inner := h
			h = func(w http.ResponseWriter, r *http.Request) { r.Header.Del("Range"); inner(w, r) }
		}
		r := probeOne(t, &Prober{}, plainServer(t, h))
		if got := strings.Split(summary(r), ", ")[2]; got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		if a := r.Answer(Zip); a.Bytes != maxZip || (r.Throughput() > 0) != tt.measure {
			t.Errorf("%s: %d bytes, %v a second", name, a.Bytes, r.Throughput())
		}
	}
	huge := func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".zip") {
			w.Header().Set("Content-Range", "bytes 0-511/524288001")
			w.WriteHeader(http.StatusPartialContent)
			w.Write(big[:512])
			return
		}
		serve(proxyFiles(t))(w, r)
	}
	if got := summary(probeOne(t, &Prober{}, plainServer(t, http.HandlerFunc(huge)))); got != "info ok, mod ok, zip protocol/too-large, list ok" {
		t.Errorf("over the go command's limit: %s", got)
	}
}

// TestProbeUnread: what is too long to read is not judged, because the go command
// reads it all.
func TestProbeUnread(t *testing.T) {
	t.Parallel()
	info := `{"Version":"v1.0.0-RC1","X":"` + strings.Repeat("x", maxInfo) + `"}`
	r := probeOne(t, &Prober{}, plainServer(t, serve(with(t, ".info", info))))
	if a := r.Answer(Info); a.Fault == nil || a.Fault.Kind != Unread || a.Outcome() != Unknown {
		t.Errorf("answer = %+v", a)
	}
}

// storedZip is a zip of one file, not compressed.
func storedZip(t *testing.T, name string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err == nil {
		_, err = f.Write(data)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
