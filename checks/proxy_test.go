package checks

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/goproxy"
	"github.com/gopreflight/gopreflight/internal/repo"
)

func TestProxyFaults(t *testing.T) {
	t.Parallel()
	expired, _ := proxyTLSServer(t, time.Now().AddDate(0, 0, -3))
	untrusted, _ := proxyTLSServer(t, time.Now().AddDate(1, 0, 0))
	wrongName, _ := proxyTLSServer(t, time.Now().AddDate(1, 0, 0), "other.example")
	plain := proxyServer(t, proxyServing())
	loop := proxyServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
	}))
	html := proxyServer(t, proxyServing("list", proxyPage, "v1.0.0.info", proxyPage, "v1.0.0.mod", proxyPage, "v1.0.0.zip", proxyPage))
	file := filepath.ToSlash(t.TempDir())
	if err := os.MkdirAll(filepath.FromSlash(file+"/example.com/lib/@v/v1.0.0.info"), 0o755); err != nil {
		t.Fatal(err)
	}
	fileURL := "file:///" + strings.TrimPrefix(file, "/")
	tests := []struct {
		name, faulty string
		rule         string // reported where it stops
		message      string // part of it
		transient    bool
	}{
		{"closed port", proxyClosedPort(t), "proxy/connect", "refuses the connection", true},
		{"black hole", proxyBlackHole(t), "proxy/timeout", "no answer within 300ms (http)", true},
		{"expired", expired, "proxy/tls-expired", "expired on " + time.Now().UTC().AddDate(0, 0, -3).Format(time.DateOnly) + " (issuer: Corp CA 2)", false},
		{"untrusted", untrusted, "proxy/tls-untrusted", "not trusted here (issuer: Corp CA 2)", false},
		{"wrong name", wrongName, "proxy/tls-name", "for another name: other.example", false},
		{"plain http", strings.Replace(plain, "http:", "https:", 1), "proxy/tls", "speaks plain HTTP", false},
		{"401", proxyServer(t, proxyStatus(401)), "proxy/credentials", "401 Unauthorized", false},
		{"403", proxyServer(t, proxyStatus(403)), "proxy/status", "403 Forbidden (info of example.com/lib@v1.0.0)", false},
		{"429", proxyServer(t, proxyStatus(429)), "proxy/status", "429 Too Many Requests", true},
		{"500", proxyServer(t, proxyStatus(500)), "proxy/status", "500 Internal Server Error", true},
		{"mod 403", proxyServer(t, proxyServing("v1.0.0.mod", "403")), "proxy/status", "(mod of example.com/lib@v1.0.0)", false},
		{"redirect loop", loop, "proxy/redirect", "stopped after 10 redirects", false},
		{"web page everywhere", html, "proxy/content", "answers with a web page", false},
		{"wrong version", proxyServer(t, proxyServing("v1.0.0.info", `{"Version":"v9.9.9"}`)), "proxy/content", `"v9.9.9" instead of v1.0.0`, false},
		{"credentials over http", strings.Replace(plain, "http://", "http://user:s3cr3t@", 1), "proxy/credentials", "refusing to pass credentials", false},
		{"folder for a file", fileURL, "proxy/file", "not a regular file", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key := strings.Replace(tt.faulty, "user:s3cr3t", "xxxxx", 1)
			good := proxyServer(t, proxyServing())
			falls := "proxy/fallback"
			if tt.faulty == html {
				falls = tt.rule // its info falls through, its mod is taken for good
			}
			for goproxy, want := range map[string]string{
				tt.faulty:              tt.rule,
				tt.faulty + "," + good: tt.rule,
				tt.faulty + ",direct":  tt.rule,
				tt.faulty + "|" + good: falls,
				tt.faulty + "|direct":  falls,
				tt.faulty + "|off":     tt.rule,
				good + "|" + tt.faulty: "proxy/standby",
			} {
				s := proxySession(t, map[string]string{"GOPROXY": goproxy, "GOAUTH": "off"})
				if tt.rule == "proxy/timeout" {
					s.Config.Proxy.Timeout = 300 * time.Millisecond
				}
				facts, findings, err := runProxy(t.Context(), s)
				if err != nil {
					t.Fatalf("%s: %v", goproxy, err)
				}
				if len(findings) != 1 || findings[0].Rule != want || findings[0].Key != key {
					t.Errorf("%s: findings = %v, want only %s of %s", goproxy, findingTexts(findings), want, key)
					continue
				}
				f := findings[0]
				if !strings.Contains(f.Message, tt.message) {
					t.Errorf("%s: message = %q, want %q in it", goproxy, f.Message, tt.message)
				}
				if f.Transient != tt.transient {
					t.Errorf("%s: transient = %v, want %v", goproxy, f.Transient, tt.transient)
				}
				// With the good proxy in the chain the fix is proven.
				wantFix := ""
				if strings.Contains(goproxy, good) {
					wantFix = "export GOPROXY=" + good
				}
				if f.Fix.Command != wantFix || f.Fix.Description == "" {
					t.Errorf("%s: fix = %+v, want command %q", goproxy, f.Fix, wantFix)
				}
				if text := strings.Join(append(f.Evidence, f.Message, f.Key, facts.Summary, f.Fix.Description), "\n"); strings.Contains(text, "s3cr3t") {
					t.Errorf("%s: the password is in\n%s", goproxy, text)
				}
			}
		})
	}
}

func findingTexts(findings []Finding) []string {
	var texts []string
	for _, f := range findings {
		texts = append(texts, f.Rule+" "+f.Key+": "+f.Message)
	}
	return texts
}

// TestProxyHealthy: what is not a fault is not reported.
func TestProxyHealthy(t *testing.T) {
	t.Parallel()
	good := proxyServer(t, proxyServing())
	missing := proxyServer(t, proxyStatus(404))
	gone := proxyServer(t, proxyStatus(410))
	for _, goproxy := range []string{
		good, good + ",direct", good + "|direct", good + ",off", missing + "," + good, gone + "|" + good,
		good + "," + missing, missing + ",direct", missing + "," + gone + "|direct",
	} {
		facts, findings, err := runProxy(t.Context(), proxySession(t, map[string]string{"GOPROXY": goproxy, "GONOPROXY": "private.example"}))
		if err != nil || len(findings) > 0 {
			t.Errorf("%s: findings = %v, error %v, want none", goproxy, findingTexts(findings), err)
		}
		if strings.HasPrefix(goproxy, good) {
			if want := strings.TrimPrefix(good, "http://") + " answers in "; !strings.HasPrefix(facts.Summary, want) || !strings.HasSuffix(facts.Summary, " ms (list, info, mod, zip)") {
				t.Errorf("%s: summary = %q", goproxy, facts.Summary)
			}
		}
	}
}

func TestProxyEvidence(t *testing.T) {
	t.Parallel()
	bad := proxyServer(t, proxyStatus(403))
	_, findings, err := runProxy(t.Context(), proxySession(t, map[string]string{"GOPROXY": bad + ",direct", "GONOPROXY": "private.example"}))
	if err != nil || len(findings) != 1 {
		t.Fatalf("findings = %v, error %v", findingTexts(findings), err)
	}
	evidence := strings.Join(findings[0].Evidence, "\n")
	for _, want := range []string{
		"entry 1 of 2: " + bad, "connect ", "info 403, mod 403, zip 403, list 403",
		"GET " + bad + "/example.com/lib/@v/v1.0.0.info: status 403 Forbidden",
		"server: a fault of the test",
		`the go command stops here: only "not found" (404, 410) falls through ","`,
	} {
		if !strings.Contains(evidence, want) {
			t.Errorf("no %q in the evidence:\n%s", want, evidence)
		}
	}
}

// TestProxyBrokenContent: what the go command takes for good is not saved by
// another entry, whatever the separator.
func TestProxyBrokenContent(t *testing.T) {
	t.Parallel()
	good := proxyServer(t, proxyServing())
	for _, name := range []string{"v1.0.0.mod", "v1.0.0.zip"} {
		bad := proxyServer(t, proxyServing(name, proxyPage))
		for _, separator := range []string{",", "|"} {
			_, findings, err := runProxy(t.Context(), proxySession(t, map[string]string{"GOPROXY": bad + separator + good}))
			if err != nil || len(findings) != 1 || findings[0].Rule != "proxy/content" || findings[0].Key != bad {
				t.Errorf("%s%s: findings = %v, error %v, want proxy/content of %s", name, separator, findingTexts(findings), err, bad)
			}
		}
	}
}

func TestProxyList(t *testing.T) {
	t.Parallel()
	good := proxyServer(t, proxyServing())
	for name, text := range map[string]string{"403": "403", "missing": "", "web page": proxyPage} {
		mirror := proxyServer(t, proxyServing("list", text))
		facts, findings, err := runProxy(t.Context(), proxySession(t, map[string]string{"GOPROXY": mirror}))
		if err != nil || len(findings) != 1 || findings[0].Rule != "proxy/list-refused" || findings[0].Key != mirror {
			t.Errorf("%s: findings = %v, error %v, want proxy/list-refused of %s", name, findingTexts(findings), err, mirror)
		}
		if !strings.HasSuffix(facts.Summary, "(info, mod, zip)") {
			t.Errorf("%s: summary = %q", name, facts.Summary)
		}
	}
	// Queries are then served by the next entry.
	for goproxy, fine := range map[string]bool{
		proxyServer(t, proxyServing("list", "")) + "," + good:    true,
		proxyServer(t, proxyServing("list", "403")) + "|" + good: true,
		proxyServer(t, proxyServing("list", "403")) + "," + good: false,
	} {
		_, findings, err := runProxy(t.Context(), proxySession(t, map[string]string{"GOPROXY": goproxy}))
		if err != nil || len(findings) == 0 != fine {
			t.Errorf("%s: findings = %v, error %v", goproxy, findingTexts(findings), err)
		}
	}
}

func TestProxyNotFound(t *testing.T) {
	t.Parallel()
	missing := proxyServer(t, proxyStatus(404))
	for _, goproxy := range []string{missing, missing + ",off", missing + "|" + missing + "/b"} {
		_, findings, err := runProxy(t.Context(), proxySession(t, map[string]string{"GOPROXY": goproxy}))
		if err != nil || len(findings) != 1 || findings[0].Rule != "proxy/not-found" || findings[0].Key != goproxy || findings[0].Module != "example.com/lib@v1.0.0" {
			t.Errorf("%s: findings = %v, error %v, want proxy/not-found", goproxy, findingTexts(findings), err)
		}
	}
}

// TestProxyTwoFaults: every faulty entry is named once, by what it means.
func TestProxyTwoFaults(t *testing.T) {
	t.Parallel()
	a, b := proxyServer(t, proxyStatus(500)), proxyServer(t, proxyStatus(403))
	for goproxy, want := range map[string][]string{
		a + "|" + b: {"proxy/fallback " + a, "proxy/status " + b},
		a + "," + b: {"proxy/status " + a, "proxy/standby " + b},
	} {
		_, findings, err := runProxy(t.Context(), proxySession(t, map[string]string{"GOPROXY": goproxy}))
		var got []string
		for _, f := range findings {
			got = append(got, f.Rule+" "+f.Key)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: findings = %v, error %v, want %v", goproxy, findingTexts(findings), err, want)
		}
	}
}

func TestProxyHTTPProxy(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ via, rule string }{
		"407":         {proxyServer(t, proxyStatus(407)), "proxy/credentials"},
		"403":         {proxyServer(t, proxyStatus(403)), "proxy/http-proxy"},
		"closed port": {proxyClosedPort(t), "proxy/http-proxy"},
	} {
		s := proxySession(t, map[string]string{"GOPROXY": "https://goproxy.example,direct"})
		via := strings.Replace(tt.via, "http://", "http://user:s3cr3t@", 1)
		s.Getenv = func(v string) string { return map[string]string{"HTTPS_PROXY": via}[v] }
		_, findings, err := runProxy(t.Context(), s)
		if err != nil || len(findings) != 1 || findings[0].Rule != tt.rule || findings[0].Key != "https://goproxy.example" {
			t.Errorf("%s: findings = %v, error %v, want %s", name, findingTexts(findings), err, tt.rule)
			continue
		}
		text := strings.Join(append(findings[0].Evidence, findings[0].Message), "\n")
		if want := strings.Replace(tt.via, "http://", "http://xxxxx@", 1); !strings.Contains(text, want) || strings.Contains(text, "s3cr3t") {
			t.Errorf("%s: want %s and no password in\n%s", name, want, text)
		}
	}
}

func TestProxyCertificateExpiring(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]string{
		5:  "expires in 5 days (issuer: Corp CA 2)",
		60: "",
	} {
		url, roots := proxyTLSServer(t, time.Now().Add(time.Duration(days)*24*time.Hour+time.Hour))
		chain, err := goproxy.Parse(url, "")
		if err != nil {
			t.Fatal(err)
		}
		m := module.Version{Path: "example.com/lib", Version: "v1.0.0"}
		p := proxyProbe{chain: chain, module: m, now: time.Now()}
		p.results = (&goproxy.Prober{Now: time.Now, Roots: roots}).Probe(t.Context(), chain, m)
		findings := p.judge().findings
		switch {
		case want == "" && len(findings) > 0:
			t.Errorf("%d days: findings = %v, want none", days, findingTexts(findings))
		case want != "" && (len(findings) != 1 || findings[0].Rule != "proxy/tls-expiring" || !strings.HasSuffix(findings[0].Message, want)):
			t.Errorf("%d days: findings = %v, want proxy/tls-expiring", days, findingTexts(findings))
		}
	}
}

// TestProxyCertificateLife: how near its end a certificate is depends on how
// long it lives.
func TestProxyCertificateLife(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, tt := range []struct {
		life, left time.Duration
		want       bool
	}{
		{90 * day, 15 * day, false}, {90 * day, 13 * day, true}, {365 * day, 13 * day, true}, {365 * day, 15 * day, false},
		{6 * day, 2 * day, false}, {6 * day, day / 2, true}, {12 * time.Hour, 5 * time.Hour, false}, {12 * time.Hour, time.Hour, true},
	} {
		chain, err := goproxy.Parse("https://goproxy.example", "")
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		p := proxyProbe{chain: chain, now: now, results: []goproxy.Result{{
			Entry: chain[0], TLS: &goproxy.TLSState{Chain: []goproxy.Certificate{{NotBefore: now.Add(tt.left - tt.life), NotAfter: now.Add(tt.left)}}},
		}}}
		if got := len(p.judgeCertificates()) > 0; got != tt.want {
			t.Errorf("%v of %v left: warned %v, want %v", tt.left, tt.life, got, tt.want)
		}
	}
}

// TestProxyCredentials: netrc is used as GOAUTH says, and a server that only
// wants what a GOAUTH command has is not judged.
func TestProxyCredentials(t *testing.T) {
	t.Parallel()
	url, _ := proxyTLSServer(t, time.Now().AddDate(1, 0, 0))
	netrc := filepath.Join(t.TempDir(), "netrc")
	if err := os.WriteFile(netrc, []byte("machine "+strings.TrimPrefix(url, "https://")+" login user password s3cr3t\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lookedUp := func(goauth string) (bool, bool) {
		s := proxySession(t, map[string]string{"GOAUTH": goauth})
		s.Getenv = func(v string) string { return map[string]string{"NETRC": netrc}[v] }
		lookup, other, err := proxyCredentials(s)
		if err != nil {
			t.Fatal(err)
		}
		if lookup == nil {
			return false, other
		}
		chain, err := goproxy.Parse(url, "")
		if err != nil {
			t.Fatal(err)
		}
		_, _, ok := lookup(chain[0].URL)
		return ok, other
	}
	for goauth, want := range map[string][2]bool{
		"": {true, false}, "netrc": {true, false}, "off": {false, false},
		"/usr/bin/helper": {false, true}, "/usr/bin/helper; netrc": {true, true},
	} {
		if ok, other := lookedUp(goauth); ok != want[0] || other != want[1] {
			t.Errorf("GOAUTH=%q: netrc used = %v, other = %v, want %v", goauth, ok, other, want)
		}
	}

	fault := &goproxy.Fault{Phase: goproxy.HTTP, Kind: goproxy.Status, Status: 401, Text: "status 401 Unauthorized"}
	chain, err := goproxy.Parse("https://goproxy.example,direct", "")
	if err != nil {
		t.Fatal(err)
	}
	p := proxyProbe{chain: chain, module: module.Version{Path: "example.com/lib", Version: "v1.0.0"}, otherAuth: true, now: time.Now()}
	r := goproxy.Result{Entry: chain[0], Probed: true}
	for _, e := range goproxy.Endpoints {
		r.Answers = append(r.Answers, goproxy.Answer{Endpoint: e, Fault: fault})
	}
	p.results = []goproxy.Result{r, {Entry: chain[1]}}
	if v := p.judge(); len(v.findings) > 0 || !strings.Contains(v.unknown, "GOAUTH has a command") {
		t.Errorf("verdict = %+v, want unknown", v)
	}
	p.otherAuth = false
	if v := p.judge(); len(v.findings) != 1 || v.findings[0].Rule != "proxy/credentials" || v.unknown != "" {
		t.Errorf("verdict = %+v, want proxy/credentials", v)
	}
}

// TestProxyLocalRedirect: what is not followed is not judged either.
func TestProxyLocalRedirect(t *testing.T) {
	t.Parallel()
	via := proxyServer(t, http.RedirectHandler(proxyServer(t, proxyServing())+"/x", http.StatusFound))
	s := proxySession(t, map[string]string{"GOPROXY": "http://goproxy.example,direct"})
	s.Getenv = func(v string) string { return map[string]string{"HTTP_PROXY": via}[v] }
	_, findings, err := runProxy(t.Context(), s)
	var sk *skip
	if !errors.As(err, &sk) || !strings.HasPrefix(sk.reason, "goproxy.example was not asked to the end: redirected to a loopback") || len(findings) > 0 {
		t.Errorf("findings = %v, error %v, want skipped", findingTexts(findings), err)
	}
}

func TestProxySkips(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	url := proxyServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	for name, tt := range map[string]struct {
		settings map[string]string
		change   func(*Session)
		want     string
	}{
		"offline":      {map[string]string{"GOPROXY": url}, func(s *Session) { s.Offline = true }, "offline"},
		"off":          {map[string]string{"GOPROXY": "off", "GOPRIVATE": "x.example"}, nil, `GOPROXY is "off": there is no module proxy to ask`},
		"all private":  {map[string]string{"GOPROXY": url, "GOPRIVATE": "example.com"}, nil, "no public module in the build list to ask a proxy for (proxy.probe can name one)"},
		"no modules":   {map[string]string{"GOPROXY": url}, func(s *Session) { s.Modules = nil }, "no public module in the build list to ask a proxy for (proxy.probe can name one)"},
		"private only": {map[string]string{"GOPROXY": url, "GONOPROXY": "example.com"}, func(s *Session) { s.Config.Proxy.Probe = []string{"example.com/lib"} }, "GONOPROXY or GOPRIVATE matches every module of proxy.probe"},
	} {
		s := proxySession(t, tt.settings)
		if tt.change != nil {
			tt.change(s)
		}
		_, findings, err := runProxy(t.Context(), s)
		var sk *skip
		if !errors.As(err, &sk) || sk.reason != tt.want || len(findings) > 0 {
			t.Errorf("%s: findings = %v, error %v, want skipped: %s", name, findingTexts(findings), err, tt.want)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, findings, err := runProxy(ctx, proxySession(t, map[string]string{"GOPROXY": url})); !errors.Is(err, context.Canceled) || len(findings) > 0 {
		t.Errorf("canceled: findings = %v, error %v", findingTexts(findings), err)
	}
}

func TestProxyModules(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		lines      []string
		configured []string
		gonoproxy  string
		goprivate  string
		want       string // or the error
	}{
		{name: "first direct one", lines: []string{"require example.com/a v1.0.0 // indirect", "require example.com/b v1.1.0"}, want: "example.com/b@v1.1.0"},
		{name: "indirect if need be", lines: []string{"require example.com/a v1.0.0 // indirect"}, want: "example.com/a@v1.0.0"},
		{name: "not the same owner", lines: []string{"require git.example/Owner/a v1.0.0", "require git.example/other/b v1.0.0"}, want: "git.example/other/b@v1.0.0"},
		{name: "not replaced", lines: []string{"require example.com/a v1.0.0", "require example.com/b v1.0.0", "replace example.com/a => ./a"}, want: "example.com/b@v1.0.0"},
		{name: "another version replaced", lines: []string{"require example.com/a v1.0.0", "replace example.com/a v0.9.0 => ./a"}, want: "example.com/a@v1.0.0"},
		{name: "not private", lines: []string{"require example.com/a v1.0.0", "require example.net/b v1.0.0", "require example.edu/c v1.0.0"}, gonoproxy: "example.com", goprivate: "*.net", want: "example.edu/c@v1.0.0"},
		{name: "no host", lines: []string{"require corp/a v1.0.0", "require 10.0.0.1/b v1.0.0", "require 127.1/b v1.0.0", "require a.localhost/b v1.0.0", "require example.com/c v1.0.0"}, want: "example.com/c@v1.0.0"},
		{name: "configured", configured: []string{"example.com/x@v1.2.3", "example.com/y@v0.1.0"}, want: "example.com/x@v1.2.3 example.com/y@v0.1.0"},
		{name: "configured path", lines: []string{"require example.com/a v1.0.0"}, configured: []string{"example.com/a"}, want: "example.com/a@v1.0.0"},
		{name: "configured but private", configured: []string{"example.com/x@v1.2.3", "example.net/y@v0.1.0"}, gonoproxy: "example.com", want: "example.net/y@v0.1.0"},
		{name: "configured without version", configured: []string{"example.com/x"}, want: "proxy.probe: no module requires example.com/x: name its version, as in example.com/x@v1.2.3"},
		{name: "configured badly", configured: []string{"example.com/x@latest"}, want: `proxy.probe: example.com/x@latest: invalid version: not a semantic version`},
	}
	for _, tt := range tests {
		main := mainModule(t, "git.example/owner/main", tt.lines...)
		modules, err := proxyModules([]*repo.Module{main, {Dir: "broken"}}, tt.configured, tt.gonoproxy, tt.goprivate)
		var texts []string
		for _, m := range modules {
			texts = append(texts, m.String())
		}
		got := strings.Join(texts, " ")
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestCapitalModule: a module with a capital is asked for beside one without.
func TestCapitalModule(t *testing.T) {
	t.Parallel()
	lower, upper, private := module.Version{Path: "example.com/a", Version: "v1.0.0"}, module.Version{Path: "example.com/B", Version: "v1.1.0"}, module.Version{Path: "example.net/C", Version: "v1.2.0"}
	mains := []*repo.Module{mainModule(t, "git.example/owner/main", "require example.com/a v1.0.0", "require example.net/C v1.2.0", "require example.com/B v1.1.0")}
	if got := capitalModule(mains, lower, "example.net"); got != upper {
		t.Errorf("beside %s: %s, want %s", lower, got, upper)
	}
	if got := capitalModule(mains, private, ""); got != (module.Version{}) {
		t.Errorf("beside %s: %s, want none", private, got)
	}
	if got := capitalModule(mains[:0], lower, ""); got != (module.Version{}) {
		t.Errorf("without modules: %s, want none", got)
	}
}
