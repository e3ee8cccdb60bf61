package goproxy

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestDirectConnectsToNoLocalAddress: whatever a go.mod names, and whatever a
// name resolves to or is redirected to, nobody of this machine or of a private
// network is connected to.
func TestDirectConnectsToNoLocalAddress(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var mu sync.Mutex
	var connected []string
	note := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		connected = append(connected, s)
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			note("listener")
			c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for _, path := range []string{
		"localhost/x", "localhost:" + port + "/x", "127.0.0.1/x", "127.0.0.1:" + port + "/x", "a.localhost/x", "127.1/x", "2130706433/x", "0x7f.1/x",
		"169.254.169.254/latest/meta-data", "169.254.169.254.git/x", "10.1.2.3/x.git", "192.168.0.1/x", "[::1]:" + port + "/x", "corp/x", "github.com/../x",
	} {
		r := (&Prober{Now: time.Now, Dialling: note, Resolver: nameServer(t)}).Direct(t.Context(), path)
		if r.NotAsked == "" && r.Fault == nil {
			t.Errorf("%s: %+v", path, r)
		}
	}
	for _, ip := range []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(169, 254, 169, 254), net.IPv4(10, 0, 0, 1), net.IPv4(100, 100, 100, 200), net.IPv6loopback} {
		p := &Prober{Now: time.Now, Dialling: note, Resolver: nameServer(t, ip), Timeout: 2 * time.Second}
		for _, path := range []string{"rebind.example/x", "rebind.example/x.git", "github.com/owner/x"} {
			if r := p.Direct(t.Context(), path); r.NotAsked != "its host leads to an address of this machine or of a private network" || r.Fault != nil {
				t.Errorf("%s at %v: %+v", path, ip, r)
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(connected) > 0 {
		t.Errorf("connected to %v", connected)
	}
}

// TestDirectRedirect: a host that is reached through the environment's HTTP proxy
// sends us to a local one.
func TestDirectRedirect(t *testing.T) {
	t.Parallel()
	asked := &recorder{}
	inner := asked.server(t, "inner", http.NotFoundHandler())
	ca := newAuthority(t)
	target := mustURL(t, ca.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(inner, "http:", "https:", 1)+"/x", http.StatusFound)
	}), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "example.com"))
	via := plainServer(t, connectTo(target.Host))
	p := &Prober{Now: time.Now, Roots: ca.pool(), Getenv: func(name string) string { return map[string]string{"HTTPS_PROXY": via}[name] }}
	if r := p.Direct(t.Context(), "example.com/x"); r.NotAsked == "" || r.Fault != nil {
		t.Errorf("%+v", r)
	}
	if got := asked.names(); len(got) > 0 {
		t.Error("a local address was asked")
	}
}

// connectTo is an HTTP proxy that leads everywhere to one server.
func connectTo(address string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
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
		go buffered.WriteTo(out)
		buf := make([]byte, 32<<10)
		for {
			n, err := out.Read(buf)
			if n > 0 {
				in.Write(buf[:n])
			}
			if err != nil {
				return
			}
		}
	}
}

func TestDirect(t *testing.T) {
	t.Parallel()
	const head = `<html><head><meta charset="utf-8">`
	tests := []struct {
		name, path, page string
		status           int
		want             string // VCS root repo, or phase/kind
	}{
		{"tag", "example.com/team/lib", head + `<meta name="go-import" content="example.com/team git https://git.example/team.git">`, 200, "git example.com/team https://git.example/team.git"},
		{"tag in a page of status 404", "example.com/lib", head + `<meta name="go-import" content="example.com/lib hg https://hg.example/lib">`, 404, "hg example.com/lib https://hg.example/lib"},
		{"mod comes first", "example.com/lib", head + `<meta name="go-import" content="example.com/lib git https://a.example"><meta name="go-import" content="example.com/lib mod https://b.example">`, 200, "mod example.com/lib https://b.example"},
		{"secret in the tag", "example.com/lib", head + `<meta name="go-import" content="example.com/lib git https://u:s3cr3t@a.example/r">`, 200, "git example.com/lib https://xxxxx@a.example/r"},
		{"behind the head", "example.com/lib", head + `</head><meta name="go-import" content="example.com/lib git https://a.example">`, 200, "protocol/content"},
		{"another prefix", "example.com/lib", head + `<meta name="go-import" content="example.com/li git https://a.example">`, 200, "protocol/content"},
		{"no page", "example.com/lib", "", 500, "http/status"},
		{"not found", "example.com/lib", "nothing here", 404, "http/not-found"},
		{"known by its path", "example.com/team/lib.git/sub", "", 404, "git example.com/team/lib.git https://example.com/team/lib.git"},
	}
	ca := newAuthority(t)
	for _, tt := range tests {
		target := mustURL(t, ca.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if want := "/" + strings.TrimPrefix(tt.path, "example.com/"); r.URL.Query().Get("go-get") == "1" && r.URL.Path != want {
				t.Errorf("%s: asked for %s, want %s", tt.name, r.URL.Path, want)
			}
			w.WriteHeader(tt.status)
			fmt.Fprint(w, tt.page)
		}), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "example.com"))
		via := plainServer(t, connectTo(target.Host))
		p := &Prober{Now: time.Now, Roots: ca.pool(), Getenv: func(name string) string { return map[string]string{"HTTPS_PROXY": via}[name] }}
		r := p.Direct(t.Context(), tt.path)
		got := r.VCS + " " + r.Root + " " + r.Repo
		if r.Fault != nil {
			got = string(r.Fault.Phase) + "/" + string(r.Fault.Kind)
		}
		if got != tt.want || r.NotAsked != "" {
			t.Errorf("%s: %s, want %s\n%+v", tt.name, got, tt.want, r)
		}
	}
}

func TestKnownRepo(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"github.com/owner/repo/v2":          "git github.com/owner/repo",
		"github.com/owner":                  "",
		"bitbucket.org/owner/repo":          "git bitbucket.org/owner/repo",
		"git.example.com/team/x.git/sub":    "git git.example.com/team/x.git",
		"hg.example.com/team/x.hg":          "hg hg.example.com/team/x.hg",
		"example.com/x":                     "",
		"chiselapp.com/user/a/repository/b": "fossil chiselapp.com/user/a/repository/b",
	} {
		vcs, root, known := knownRepo(path)
		if got := strings.TrimSpace(vcs + " " + root); got != want || known != (want != "") {
			t.Errorf("%s: %q, %v, want %q", path, got, known, want)
		}
	}
}

func FuzzParseImports(f *testing.F) {
	f.Add(`<html><head><meta name="go-import" content="example.com git https://a.example"></head>`)
	f.Add(`<META NAME=go-import CONTENT='a mod b c'><body><meta name="go-import" content="d git e">`)
	f.Add("<?xml version=\"1.0\" encoding=\"latin-9\"?><meta")
	f.Fuzz(func(t *testing.T, page string) {
		imports, err := parseImports(strings.NewReader(page))
		if err != nil && imports != nil {
			t.Errorf("both tags and an error: %v, %v", imports, err)
		}
		for _, m := range imports {
			if slices.Contains([]string{m.Prefix, m.VCS, m.RepoRoot}, "") {
				t.Errorf("incomplete: %+v", m)
			}
		}
	})
}

func FuzzCheckContent(f *testing.F) {
	for _, e := range []Endpoint{Info, Mod, Zip, List, Latest, Missing} {
		f.Add(string(e), `{"Version":"v1.0.0-RC1"}`)
		f.Add(string(e), "PK\x03\x04"+strings.Repeat("\xff", 64))
		f.Add(string(e), "PK\x03\x04"+strings.Repeat("\xff", maxZip))
	}
	f.Fuzz(func(_ *testing.T, e, data string) {
		if len(data) > maxZip {
			data = data[:maxZip]
		}
		if err := checkContent(Endpoint(e), testModule, []byte(data)); err != nil {
			oneLine(err.Error(), maxText)
		}
	})
}
