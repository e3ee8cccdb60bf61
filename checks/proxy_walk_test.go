package checks

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// TestProxyWalkRows: the table module → entry → outcome, in the facts and in the
// evidence of what stops.
func TestProxyWalkRows(t *testing.T) {
	t.Parallel()
	missing, good := proxyServer(t, proxyStatus(404)), proxyServer(t, proxyServing())
	broken := proxyServer(t, proxyStatus(500))
	noZip := proxyServer(t, proxyServing("v1.0.0.zip", ""))
	for goproxy, want := range map[string][]string{
		missing + "," + good + ",direct": {
			"entry 1 of 3: " + missing + " → not found, goes on", "entry 2 of 3: " + good + " → served", "entry 3 of 3: direct → not asked", "→ served by entry 2 of 3: " + good,
		},
		noZip + "," + good:  {"→ info served, mod served, zip not found, goes on", "→ info not asked, mod not asked, zip served", "→ served by entry 2 of 2: " + good},
		broken + "," + good: {"→ fails, stops here", "→ not asked", "→ stopped at entry 1 of 2: " + broken + " (info)"},
		broken + "|" + good: {`→ fails, "|" goes on`, "→ served", "→ served by entry 2 of 2: " + good},
		missing + ",off":    {"→ not found, goes on", "→ the last, gives up", "→ not served by any entry (info)"},
		missing + ",direct": {"→ not found, goes on", "→ asked, not known with what outcome", "→ depends on entry 2 of 2: direct (info)"},
	} {
		facts, findings, err := runProxy(t.Context(), proxySession(t, map[string]string{"GOPROXY": goproxy}))
		if err != nil {
			t.Fatal(err)
		}
		rows := facts.Values["walk"].([]string)
		for i, text := range want {
			if i >= len(rows) || !strings.HasPrefix(rows[i], "example.com/lib@v1.0.0 → ") || !strings.HasSuffix(rows[i], text) {
				t.Errorf("%s: row %d is not %q:\n%s", goproxy, i, text, strings.Join(rows, "\n"))
			}
		}
		for _, f := range findings {
			if slices.Contains([]string{"proxy/status", "proxy/fallback"}, f.Rule) && !strings.Contains(strings.Join(f.Evidence, "\n"), strings.Join(rows, "\n")) {
				t.Errorf("%s: the table is not in the evidence of %s:\n%s", goproxy, f.Rule, strings.Join(f.Evidence, "\n"))
			}
		}
	}
}

// TestProxyTold: who learns the module's name, and what GONOPROXY keeps back.
func TestProxyTold(t *testing.T) {
	t.Parallel()
	missing, good, other := proxyServer(t, proxyStatus(404)), proxyServer(t, proxyServing()), proxyServer(t, proxyServing())
	s := proxySession(t, map[string]string{"GOPROXY": missing + "," + good + "," + other, "GONOPROXY": "git.example"})
	s.Modules[0] = mainModule(t, "example.org/main", "require example.com/lib v1.0.0", "require git.example/team/lib v1.2.0")
	facts, findings, err := runProxy(t.Context(), s)
	if err != nil || len(findings) > 0 {
		t.Fatalf("findings = %v, error %v", findingTexts(findings), err)
	}
	want := []string{missing, good}
	slices.Sort(want)
	if got := facts.Values["told"].([]string); !slices.Equal(got, want) {
		t.Errorf("told = %v, want %v", got, want)
	}
	rows := facts.Values["walk"].([]string)
	if got, want := rows[len(rows)-1], "git.example/team/lib@v1.2.0 → GONOPROXY → from git.example itself, no proxy is asked"; got != want {
		t.Errorf("last row = %s, want %s", got, want)
	}
}

// TestProxyHosts: what a firewall has to let through.
func TestProxyHosts(t *testing.T) {
	t.Parallel()
	storage := proxyServer(t, proxyServing())
	leads := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/sumdb/") {
			return
		}
		http.Redirect(w, r, storage+r.URL.Path+"?signature=s3cr3t", http.StatusFound)
	})
	front, missing := proxyServer(t, leads), proxyServer(t, proxyStatus(404))
	for _, tt := range []struct {
		goproxy string
		want    string
	}{
		{front, "FRONT module proxy FRONT; STORAGE FRONT redirects there; git.example:443 modules that GONOPROXY matches"},
		{front + ",direct", "FRONT module proxy FRONT; STORAGE FRONT redirects there; git.example:443 modules that GONOPROXY matches"},
		{missing + ",direct", "MISSING module proxy MISSING; sum.golang.org:443 checksum database: no module proxy leads to it; git.example:443 modules that GONOPROXY matches; " +
			"example.com:443 direct: GOPROXY leads to direct for it; code.example:443 the repository of example.com"},
		{storage, "STORAGE module proxy STORAGE; sum.golang.org:443 checksum database: no module proxy leads to it; git.example:443 modules that GONOPROXY matches"},
	} {
		s := proxySession(t, map[string]string{"GOPROXY": tt.goproxy, "GONOPROXY": "git.example", "GOSUMDB": "sum.golang.org"})
		o := newOrigin(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte(`<head><meta name="go-import" content="example.com git https://code.example/repo"></head>`))
		}))
		s.Getenv = o.getenv
		s.prober = func(p *goproxy.Prober) { p.Roots = o.roots }
		s.Modules[0] = mainModule(t, "example.org/main", "require example.com/lib v1.0.0", "require git.example/team/lib v1.2.0")
		facts, _, err := runProxy(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, h := range facts.Values["hosts"].([]hostValue) {
			texts = append(texts, h.Host+" "+h.For)
		}
		got := strings.NewReplacer(strings.TrimPrefix(front, "http://"), "FRONT", strings.TrimPrefix(missing, "http://"), "MISSING", strings.TrimPrefix(storage, "http://"), "STORAGE").Replace(strings.Join(texts, "; "))
		if got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.goproxy, got, tt.want)
		}
		if strings.Contains(got, "s3cr3t") {
			t.Error("a signature is among the hosts")
		}
	}
}

// TestProxyDirect: where GOPROXY is direct alone, the module's own host is asked,
// and a good one is nothing to tell of.
func TestProxyDirect(t *testing.T) {
	t.Parallel()
	s := proxySession(t, map[string]string{"GOPROXY": "direct"})
	facts, findings, err := runProxy(t.Context(), s)
	if err != nil || len(findings) > 0 {
		t.Errorf("findings = %v, error %v, want none", findingTexts(findings), err)
	}
	if got, want := facts.Summary, "example.com/lib@v1.0.0 comes from its own host (direct)"; got != want {
		t.Errorf("summary = %q, want %q", got, want)
	}
	text := strings.Join(facts.Values["direct"].([]string), "\n")
	for _, want := range []string{"example.com/lib@v1.0.0: GOPROXY leads to direct for it", "example.com answers with status 200", "example.com is in the git repository https://example.com/repo", "git in PATH: true; allowed by GOVCS: true"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestProxyConnectsToNoLocalAddress: a go.mod that names an address of this
// machine or the cloud's metadata makes nobody connect there, whatever the
// settings, and the name of a host that leads there neither.
func TestProxyConnectsToNoLocalAddress(t *testing.T) {
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
	good := proxyServer(t, proxyServing())
	paths := []string{"169.254.169.254/latest/meta-data", "localhost.localdomain.localhost/x", "127.0.0.1/x", "10.0.0.8/x.git", "0x7f.1/x", "rebind.example/x", "rebind.example/y.git"}
	for _, path := range paths {
		for _, settings := range []map[string]string{
			{"GOPROXY": "direct"}, {"GOPROXY": good, "GOPRIVATE": "*"}, {"GOPROXY": good, "GOPRIVATE": path, "GOINSECURE": "*", "GOVCS": "*:all"}, {"GOPROXY": good + ",direct", "GONOPROXY": path},
		} {
			s := proxySession(t, settings)
			s.Getenv = func(string) string { return "" }
			s.Modules[0] = mainModule(t, "example.org/main", "require "+path+" v1.0.0")
			s.Config.Proxy.Probe = []string{"example.com/lib@v1.0.0"}
			if settings["GOPROXY"] == "direct" || settings["GOPRIVATE"] == "*" {
				s.Config.Proxy.Probe = nil
			}
			s.prober = func(p *goproxy.Prober) {
				p.Resolver = localNames()
				p.Dialling = func(address string) {
					if address != strings.TrimPrefix(good, "http://") {
						note(path + " " + address)
					}
				}
			}
			runProxy(t.Context(), s) // what it finds is for other tests
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(connected) > 0 {
		t.Errorf("connected to %v", connected)
	}
}

// localNames is a resolver for whom every name is the cloud's metadata server,
// without asking anybody.
func localNames() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: fakeNames(net.IPv4(169, 254, 169, 254))}
}

// TestProxyTime: a healthy chain is judged within two seconds, and an unhealthy
// one within proxy.timeout and a tenth, however many entries and modules.
func TestProxyTime(t *testing.T) {
	t.Parallel()
	const limit = 2 * time.Second
	good := proxyServer(t, proxyServing())
	for name, tt := range map[string]struct {
		goproxy string
		within  time.Duration
	}{
		"healthy":   {good + "," + good + "/a," + good + "/b,direct", 2 * time.Second},
		"unhealthy": {proxyBlackHole(t) + "|" + strings.Replace(proxyBlackHole(t), "http", "https", 1) + "|" + proxyBlackHole(t) + "|direct", limit + limit/10},
	} {
		s := proxySession(t, map[string]string{"GOPROXY": tt.goproxy})
		s.Config.Proxy.Timeout = limit
		s.Config.Proxy.Probe = []string{"example.com/lib@v1.0.0", "example.com/b@v1.0.0", "example.com/c@v1.0.0"}
		start := time.Now()
		_, findings, err := runProxy(t.Context(), s)
		if d := time.Since(start); d > tt.within {
			t.Errorf("%s: %v, want %v at most", name, d, tt.within)
		}
		if err != nil || name == "unhealthy" && len(findings) != 3 {
			t.Errorf("%s: findings = %v, error %v", name, findingTexts(findings), err)
		}
	}
}
