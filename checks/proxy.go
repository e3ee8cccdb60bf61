package checks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// proxy asks every module proxy of GOPROXY, all at once, for one module that
// the repository needs, and says what the go command will do with the chain.
// Where that comes to "direct", it asks the module's own host too. Not asked:
// whether the proxies have every other module, and whether git can clone. Costs a
// handful of small requests to each entry; writes nothing.
var proxy = &Check{
	Name:  "proxy",
	Stage: StageProxy,
	Title: "module proxies answer",
	Doc: "Asks every entry of GOPROXY for one module of the build list (or those of `proxy.probe`): its\n" +
		"info, mod, version list and the first 256 KiB of its zip. Each entry is followed phase by phase\n" +
		"(DNS, connection, HTTP proxy, TLS, HTTP, content), and the chain is then judged as the go command\n" +
		"walks it: only \"not found\" (404, 410) falls through `,`, any error falls through `|`, and bad\n" +
		"content of a mod or a zip falls through neither. A transient fault is tried once more, and told.\n\n" +
		"Beside that, for a second at most: every address of the entry's name, `@latest`, a version that does\n" +
		"not exist, a module with a capital in its path, and whether it leads to the checksum database. Where\n" +
		"the go command would fetch it from the module's own host (`direct`), that host is asked for\n" +
		"its `go-import` tag, and PATH and GOVCS are looked at; nothing is cloned, and no address of this\n" +
		"machine or of a private network is connected to because go.mod names it.\n\n" +
		"The module that is asked for is public: none that GOPRIVATE or GONOPROXY matches, none that is\n" +
		"replaced, none of the main module's own host and owner. GOAUTH commands are not run. It never takes\n" +
		"more than `proxy.timeout`, although the go command itself would wait for ever.",
	Needs: []*Check{env},
	Rules: []*Rule{
		ruleProxyDNS, ruleProxyConnect, ruleProxyTimeout, ruleProxyHTTPProxy,
		ruleProxyTLSExpired, ruleProxyTLSUntrusted, ruleProxyTLSName, ruleProxyTLS,
		ruleProxyCredentials, ruleProxyStatus, ruleProxyRedirect, ruleProxyContent, ruleProxyFile,
		ruleProxyFallback, ruleProxyListRefused, ruleProxyNotFound, ruleProxyTLSExpiring, ruleProxyStandby,
		ruleProxyFlaky, ruleProxyAddress, ruleProxyClock, ruleProxyUnknownVersion, ruleProxyEscaping,
		ruleProxyDirectHost, ruleProxyDirectMeta, ruleProxyDirectVCS, ruleProxyDirectGit,
	},
	Run: runProxy,
}

func runProxy(ctx context.Context, s *Session) (Facts, []Finding, error) {
	if s.Offline {
		return Facts{}, nil, Skip("offline")
	}
	if s.Go == nil && s.Env.Get("GOPROXY") == "" {
		return Facts{}, nil, Skip("no go command, which has GOPROXY's default")
	}
	gonoproxy := privatePatterns(s.Env)
	chain, err := goproxy.Parse(s.Env.Get("GOPROXY"), gonoproxy)
	if err != nil {
		return Facts{}, nil, fmt.Errorf("GOPROXY: %w", err)
	}
	if !slices.ContainsFunc(chain, func(e goproxy.Entry) bool { return e.URL != nil || e.Keyword == goproxy.Direct }) {
		return Facts{}, nil, Skip(fmt.Sprintf("GOPROXY is %q: there is no module proxy to ask", chain.String()))
	}
	modules, err := proxyModules(s.Modules, s.Config.Proxy.Probe, gonoproxy, s.Env.Get("GOPRIVATE"))
	if err != nil {
		return Facts{}, nil, err
	}
	credentials, other, err := proxyCredentials(s)
	if err != nil {
		return Facts{}, nil, err
	}
	p := &goproxy.Prober{
		Timeout: s.Config.Proxy.Timeout, Now: s.Now, Getenv: s.Getenv, Credentials: credentials,
		Capital: capitalModule(s.Modules, modules[0], gonoproxy+","+s.Env.Get("GOPRIVATE")), SumDB: sumDBName(s.Env),
	}
	if s.prober != nil {
		s.prober(p)
	}
	start := s.Now()
	probes := probeModules(ctx, p, chain, modules, other)
	if err := ctx.Err(); err != nil {
		return Facts{}, nil, err
	}
	var v proxyVerdict
	for i := range probes {
		v.add(probes[i].judge())
	}
	private := privateModules(s.Modules, gonoproxy)
	var direct []directProbe
	if m, why, ok := directModule(probes); ok {
		direct = append(direct, askDirect(ctx, s, p, m, why, s.Config.Proxy.Timeout-s.Now().Sub(start)))
		v.add(proxyVerdict{findings: direct[0].judge()})
	}
	facts := Facts{Summary: probes[0].summary(), Values: proxyValues(s, probes, direct, private)}
	if v.unknown != "" {
		err = Skip(v.unknown)
	}
	return facts, v.findings, err
}

// probeModules asks for all modules at once: however many they are, it takes no
// longer than the slowest entry.
func probeModules(ctx context.Context, p *goproxy.Prober, chain goproxy.Chain, modules []module.Version, otherAuth bool) []proxyProbe {
	probes := make([]proxyProbe, len(modules))
	var wg sync.WaitGroup
	for i, m := range modules {
		wg.Go(func() {
			probes[i] = proxyProbe{chain: chain, module: m, capital: p.Capital, results: p.Probe(ctx, chain, m), otherAuth: otherAuth, now: p.Now()}
		})
	}
	wg.Wait()
	return probes
}

// sumDBName is the checksum database that the go command would ask; empty for
// none, and for a setting that another check tells of.
func sumDBName(e *goenv.Env) string {
	db, err := goenv.ParseGOSUMDB(e.Get("GOSUMDB"))
	if err != nil || db.Off || db.URL != nil {
		return ""
	}
	return db.Name
}

// privatePatterns is what the go command takes for GONOPROXY: GOPRIVATE when it
// is not set (cmd/go/internal/cfg).
func privatePatterns(e *goenv.Env) string {
	if v := e.Get("GONOPROXY"); v != "" {
		return v
	}
	return e.Get("GOPRIVATE")
}

// proxyCredentials is how to log in as GOAUTH says, as far as that is netrc;
// other says that GOAUTH names a command too, which is not run here.
func proxyCredentials(s *Session) (lookup goproxy.Credentials, other bool, err error) {
	goauth := s.Env.Get("GOAUTH")
	if goauth == "" {
		goauth = "netrc" // the default, and all that there was before Go 1.24
	}
	commands, err := goenv.ParseGOAUTH(goauth)
	if err != nil {
		return nil, false, err
	}
	for _, words := range commands {
		switch words[0] {
		case "off":
		case "netrc":
			if lookup == nil {
				lookup = readNetrc(s.Getenv).Lookup
			}
		default:
			other = true
		}
	}
	return lookup, other, nil
}

// readNetrc reads the user's netrc file. Like the go command it takes one that
// is missing or cannot be read for an empty one.
func readNetrc(getenv func(string) string) goproxy.Netrc {
	home := getenv("HOME")
	if runtime.GOOS == "windows" {
		home = getenv("USERPROFILE")
	}
	paths := goproxy.NetrcPaths(runtime.GOOS, home)
	if p := getenv("NETRC"); p != "" {
		paths = []string{p}
	}
	for _, p := range paths {
		// Without a home the path is relative, and would be the repository's.
		info, err := os.Stat(p)
		if !filepath.IsAbs(p) || err != nil || !info.Mode().IsRegular() || info.Size() > goproxy.MaxNetrc {
			continue
		}
		if data, err := os.ReadFile(p); err == nil {
			return goproxy.ParseNetrc(string(data))
		}
	}
	return nil
}

// summary says in a line who answers, and how fast.
func (p *proxyProbe) summary() string {
	d := p.chain.Decide(p.outcomes(goproxy.Info))
	if d.End == goproxy.Open && p.chain[d.Entry].Keyword == goproxy.Direct {
		return fmt.Sprintf("%s comes from its own host (direct)", p.module)
	}
	if d.End != goproxy.Served {
		for i := range p.results {
			if r := &p.results[i]; r.Probed && r.Answer(goproxy.Info).Outcome() == goproxy.NotExist {
				return fmt.Sprintf("%s answers in %s, without %s", r.Entry.Host(), millis(r.Answer(goproxy.Info).Duration), p.module)
			}
		}
		return "no proxy serves " + p.module.String()
	}
	r := &p.results[d.Entry]
	var served []string
	for _, e := range []goproxy.Endpoint{goproxy.List, goproxy.Info, goproxy.Mod, goproxy.Zip} {
		if r.Answer(e).Fault == nil {
			served = append(served, string(e))
		}
	}
	return fmt.Sprintf("%s answers in %s (%s)", r.Entry.Host(), millis(r.Answer(goproxy.Info).Duration), strings.Join(served, ", "))
}

// millis is a duration for people: "under 1 ms", "120 ms", "1.4 s".
func millis(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "under 1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// A proxyProbe is what was found out with one module.
type proxyProbe struct {
	chain  goproxy.Chain
	module module.Version
	// capital is the module with a capital in its path that was asked for too.
	capital module.Version
	results []goproxy.Result
	// otherAuth says that GOAUTH has credentials that were not used.
	otherAuth bool
	now       time.Time
}
