package goproxy

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/module"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	tests := []struct {
		goproxy, gonoproxy string
		outcomes           []Outcome
		want               Decision
	}{
		{"a.x,b.x", "", []Outcome{OK, Failed}, Decision{Served, 0, -1}},
		{"a.x,b.x", "", []Outcome{NotExist, OK}, Decision{Served, 1, -1}},
		{"a.x,b.x", "", []Outcome{Failed, OK}, Decision{Stopped, 0, 0}},
		{"a.x|b.x", "", []Outcome{Failed, OK}, Decision{Served, 1, -1}},
		{"a.x|b.x", "", []Outcome{Failed, Failed}, Decision{Stopped, 1, 1}},
		{"a.x|b.x", "", []Outcome{Failed, NotExist}, Decision{Exhausted, 1, 0}},
		{"a.x|b.x|", "", []Outcome{Failed, Failed}, Decision{Exhausted, 1, 1}},
		{"a.x,b.x", "", []Outcome{NotExist, NotExist}, Decision{Exhausted, 1, 1}},
		{"a.x|off", "", []Outcome{Failed}, Decision{Exhausted, 1, 0}},
		{"a.x,off", "", []Outcome{NotExist}, Decision{Exhausted, 1, 1}},
		{"a.x,off", "", []Outcome{Failed}, Decision{Stopped, 0, 0}},
		{"off", "", nil, Decision{Exhausted, 0, 0}},
		{"a.x,direct", "", []Outcome{NotExist}, Decision{Open, 1, -1}},
		{"a.x|direct", "", []Outcome{Failed, NotExist}, Decision{Exhausted, 1, 1}},
		{"a.x|direct", "", []Outcome{Failed, Failed}, Decision{Stopped, 1, 1}},
		{"a.x,b.x", "", []Outcome{Unknown, OK}, Decision{Open, 0, -1}},
		{"a.x,b.x", "", []Outcome{OK}, Decision{Served, 0, -1}},
		{"a.x,b.x", "", []Outcome{NotExist}, Decision{Open, 1, -1}},
		{"a.x", "p.x", []Outcome{UseProxy, OK}, Decision{Served, 1, -1}},
		{"a.x", "p.x", []Outcome{UseProxy, NotExist}, Decision{Exhausted, 1, 1}},
		{"a.x", "p.x", []Outcome{UseProxy, Failed}, Decision{Stopped, 1, 1}},
		{"a.x", "p.x", []Outcome{NotExist, NotExist}, Decision{Exhausted, 1, 0}},
		{"a.x", "p.x", []Outcome{NotExist, Failed}, Decision{Stopped, 1, 0}},
		{"off", "p.x", []Outcome{Failed}, Decision{Stopped, 0, 0}},
		{"off", "p.x", []Outcome{OK}, Decision{Served, 0, -1}},
	}
	for _, tt := range tests {
		chain, err := Parse(tt.goproxy, tt.gonoproxy)
		if err != nil {
			t.Fatal(err)
		}
		if got := chain.Decide(tt.outcomes); got != tt.want {
			t.Errorf("%q (GONOPROXY %q) with %v = %+v, want %+v", tt.goproxy, tt.gonoproxy, tt.outcomes, got, tt.want)
		}
	}
}

var testModule = module.Version{Path: "example.com/Upper/lib", Version: "v1.0.0-RC1"}

const escapedModule = "/example.com/!upper/lib/@v/v1.0.0-!r!c1"

// proxyFiles serves the test module, whole and well.
func proxyFiles(t *testing.T) map[string]string {
	t.Helper()
	const mod = "module example.com/Upper/lib\n"
	var z bytes.Buffer
	w := zip.NewWriter(&z)
	for name, text := range map[string]string{"go.mod": mod, "lib.go": "package lib\n"} {
		f, err := w.Create(testModule.Path + "@" + testModule.Version + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		escapedModule + ".info":           `{"Version":"v1.0.0-RC1","Time":"2020-01-02T03:04:05Z"}`,
		escapedModule + ".mod":            mod,
		escapedModule + ".zip":            z.String(),
		"/example.com/!upper/lib/@v/list": "v1.0.0-RC1\n",
	}
}

// serve answers from files, as a module proxy does.
func serve(files map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		data, ok := files[r.URL.Path]
		if !ok {
			http.Error(w, "not found: no such module", http.StatusNotFound)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(data))
	}
}

// answerStatus answers every request with one status.
func answerStatus(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "test fault", status) }
}

// closedPort is the address of a port on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A recorder notes which servers were asked.
type recorder struct {
	mu    sync.Mutex
	asked []string
}

func (r *recorder) server(t *testing.T, name string, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		if !slices.Contains(r.asked, name) {
			r.asked = append(r.asked, name)
		}
		r.mu.Unlock()
		h.ServeHTTP(w, req)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func (r *recorder) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.Sort(r.asked)
	return slices.Clone(r.asked)
}

func (o Outcome) String() string {
	return fmt.Sprint([]string{"unknown", "ok", "not-exist", "failed", "bad", "use-proxy"}[o])
}
