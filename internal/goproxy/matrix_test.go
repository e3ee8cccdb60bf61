package goproxy

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The matrix holds Walk against the real go command: each module of it is one
// fault at one endpoint, and one go command downloads them all along a chain.
// A module is example.com/KIND/ENDPOINT at v1.0.0, and the faulty server does to
// it what its name says; the good one has everything, a third one nothing.
type matrix struct {
	faulty, good, none string // the servers
	origin             string // an HTTP proxy that plays every other host
	mu                 sync.Mutex
	asked              map[string]map[string]bool // "KIND/ENDPOINT info" → names of servers
	direct             string                     // what go-import names: a server, or empty for no answer
}

// statuses are those of the matrix and the odd ones of each class.
var statuses = []int{
	201, 202, 203, 204, 206, 300, 304, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 418, 421, 425, 429, 451, 500, 501, 502, 503, 504, 511, 599,
}

// others are the faults that are no status.
var others = []string{"good", "found", "moved", "loop", "reset", "eof", "page", "empty", "truncated", "version", "foreign", "text"}

func matrixKinds() []string {
	kinds := slices.Clone(others)
	for _, s := range statuses {
		kinds = append(kinds, fmt.Sprint("s", s))
	}
	return kinds
}

func newMatrix(t *testing.T) *matrix {
	m := &matrix{asked: map[string]map[string]bool{}}
	start := func(name string, h func(http.ResponseWriter, *http.Request, string, string, Endpoint)) string {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			path, redirected := strings.CutPrefix(r.URL.Path, "/moved")
			kind, at, e := split(path)
			if !redirected {
				m.note(kind+"/"+at, e, name)
			}
			h(w, r, kind, at, e)
		}))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.Start()
		t.Cleanup(s.Close)
		return s.URL
	}
	m.good = start("G", func(w http.ResponseWriter, r *http.Request, kind, at string, e Endpoint) {
		serveGood(w, r, kind, at, e)
	})
	m.none = start("N", func(w http.ResponseWriter, _ *http.Request, _, _ string, _ Endpoint) { http.Error(w, "none", 404) })
	m.faulty = start("F", func(w http.ResponseWriter, r *http.Request, kind, at string, e Endpoint) {
		if at != string(e) {
			serveGood(w, r, kind, at, e)
			return
		}
		m.fail(w, r, kind, at, e)
	})
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect || m.direct == "" {
			if r.Method != http.MethodConnect {
				kind, at, _ := split("/" + r.Host + r.URL.Path)
				m.note(kind+"/"+at, "go-get", "D")
			}
			http.Error(w, "no way", http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, `<html><head><meta name="go-import" content="%s%s mod %s"></head></html>`, r.Host, r.URL.Path, m.direct)
	}))
	t.Cleanup(origin.Close)
	m.origin = origin.URL
	return m
}

// split reads /example.com/KIND/ENDPOINT/@v/v1.0.0.EXT.
func split(path string) (kind, at string, e Endpoint) {
	p := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(p) > 2 {
		kind, at = p[1], p[2]
	}
	return kind, at, Endpoint(strings.TrimPrefix(filepath.Ext(path), "."))
}

func (m *matrix) note(module string, e Endpoint, server string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := module + " " + string(e)
	if m.asked[key] == nil {
		m.asked[key] = map[string]bool{}
	}
	m.asked[key][server] = true
}

func serveGood(w http.ResponseWriter, r *http.Request, kind, at string, e Endpoint) {
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(matrixFile(kind, at, e)))
}

func matrixFile(kind, at string, e Endpoint) []byte {
	path := "example.com/" + kind + "/" + at
	switch e {
	case Info:
		return []byte(`{"Version":"v1.0.0","Time":"2020-01-02T03:04:05Z"}`)
	case Mod:
		return []byte("module " + path + "\n")
	case Zip:
		return zipOf(path + "@v1.0.0/")
	}
	return []byte("v1.0.0\n")
}

// zipOf is a zip of two files in a folder.
func zipOf(prefix string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range []string{"go.mod", "lib.go"} {
		f, err := w.Create(prefix + name)
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
	return b.Bytes()
}

// fail does what a kind says.
func (m *matrix) fail(w http.ResponseWriter, r *http.Request, kind, at string, e Endpoint) {
	var status int
	if n, _ := fmt.Sscanf(kind, "s%d", &status); n == 1 {
		w.WriteHeader(status)
		return
	}
	switch kind {
	case "good":
		serveGood(w, r, kind, at, e)
	case "found":
		http.Redirect(w, r, m.good+"/moved"+r.URL.Path, http.StatusFound)
	case "moved":
		http.Redirect(w, r, m.none+"/moved"+r.URL.Path, http.StatusMovedPermanently)
	case "loop":
		http.Redirect(w, r, r.URL.Path, http.StatusMovedPermanently)
	case "reset", "eof":
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		if kind == "reset" {
			conn.(*net.TCPConn).SetLinger(0)
		}
		conn.Close()
	case "page":
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, page)
	case "empty":
	case "truncated":
		data := matrixFile(kind, at, e)
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		w.Write(data[:len(data)/2])
	case "version": // a file of the right kind, but another one
		switch e {
		case Info:
			io.WriteString(w, `{"Version":"v9.9.9"}`)
		case Mod:
			io.WriteString(w, "module example.com/another\n")
		default:
			w.Write(zipOf("example.com/" + kind + "/" + at + "@v9.9.9/"))
		}
	case "foreign":
		w.Write(zipOf("example.com/another@v1.0.0/"))
	case "text":
		io.WriteString(w, "hello")
	}
}
