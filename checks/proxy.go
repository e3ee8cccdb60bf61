package checks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// proxy asks every module proxy of GOPROXY, all at once, for one module that
// the repository needs, and says what the go command will do with the chain.
// Not asked: whether the proxies have every other module, and what "direct"
// would find. Costs four small requests to each entry; writes nothing.
var proxy = &Check{
	Name:  "proxy",
	Stage: StageProxy,
	Title: "module proxies answer",
	Doc: "Asks every entry of GOPROXY for one module of the build list (or those of `proxy.probe`): its\n" +
		"info, mod, version list and the first bytes of its zip. Each entry is followed phase by phase\n" +
		"(DNS, connection, HTTP proxy, TLS, HTTP, content), and the chain is then judged as the go command\n" +
		"walks it: only \"not found\" (404, 410) falls through `,`, any error falls through `|`, and bad\n" +
		"content of a mod or a zip falls through neither.\n\n" +
		"The module that is asked for is public: none that GOPRIVATE or GONOPROXY matches, none that is\n" +
		"replaced, none of the main module's own host and owner. GOAUTH commands are not run. What\n" +
		"`direct` would find is not asked. It costs four small requests to each entry and never more\n" +
		"than `proxy.timeout` for an entry, although the go command itself would wait for ever.",
	Needs: []*Check{env},
	Rules: []*Rule{
		ruleProxyDNS, ruleProxyConnect, ruleProxyTimeout, ruleProxyHTTPProxy,
		ruleProxyTLSExpired, ruleProxyTLSUntrusted, ruleProxyTLSName, ruleProxyTLS,
		ruleProxyCredentials, ruleProxyStatus, ruleProxyRedirect, ruleProxyContent, ruleProxyFile,
		ruleProxyFallback, ruleProxyListRefused, ruleProxyNotFound, ruleProxyTLSExpiring, ruleProxyStandby,
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
	if !slices.ContainsFunc(chain, func(e goproxy.Entry) bool { return e.URL != nil }) {
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
	}
	probes := make([]proxyProbe, len(modules))
	for i, m := range modules {
		probes[i] = proxyProbe{chain: chain, module: m, results: p.Probe(ctx, chain, m), otherAuth: other, now: s.Now()}
		if err := ctx.Err(); err != nil {
			return Facts{}, nil, err
		}
	}
	var v proxyVerdict
	for i := range probes {
		v.add(probes[i].judge())
	}
	facts := Facts{Summary: probes[0].summary(), Values: proxyValues(probes)}
	if v.unknown != "" {
		err = Skip(v.unknown)
	}
	return facts, v.findings, err
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

// A proxyValue is one entry among the facts.
type proxyValue struct {
	Entry     string            `json:"entry"`
	Module    string            `json:"module"`
	HTTPProxy string            `json:"httpProxy,omitempty"`
	Phases    []string          `json:"phases"`
	Answers   map[string]string `json:"answers"`
}

func proxyValues(probes []proxyProbe) map[string]any {
	values := []proxyValue{}
	for _, p := range probes {
		for i := range p.results {
			r := &p.results[i]
			if !r.Probed {
				continue
			}
			v := proxyValue{Entry: r.Entry.String(), Module: p.module.String(), HTTPProxy: r.HTTPProxy,
				Phases: phaseTexts(r), Answers: map[string]string{}}
			for _, a := range r.Answers {
				v.Answers[string(a.Endpoint)] = answerText(&a)
			}
			values = append(values, v)
		}
	}
	return map[string]any{"chain": probes[0].chain.String(), "entries": values}
}

// phaseTexts is each phase of the first request with its time.
func phaseTexts(r *goproxy.Result) []string {
	texts := []string{}
	for _, t := range r.Timings {
		text := string(t.Phase) + " " + millis(t.Duration)
		if t.Failed {
			text = string(t.Phase) + " failed after " + millis(t.Duration)
		}
		texts = append(texts, text)
	}
	return texts
}

// answerText is what became of one endpoint.
func answerText(a *goproxy.Answer) string {
	switch {
	case a.Fault == nil:
		return "ok in " + millis(a.Duration)
	case a.Assumed:
		return "not asked"
	}
	return a.Fault.Text
}

// A proxyProbe is what was found out with one module.
type proxyProbe struct {
	chain   goproxy.Chain
	module  module.Version
	results []goproxy.Result
	// otherAuth says that GOAUTH has credentials that were not used.
	otherAuth bool
	now       time.Time
}
