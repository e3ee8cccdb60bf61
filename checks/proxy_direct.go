package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// minDirectTime is what must be left of the time for an entry to ask an origin.
const minDirectTime = 500 * time.Millisecond

// A directProbe is what was found out about fetching one module from its origin.
type directProbe struct {
	module module.Version
	// why says what sends the go command there.
	why string
	goproxy.DirectResult
	// allowed and installed are about the VCS of the result: GOVCS, and PATH.
	allowed, installed bool
	govcs              string
	// insecure says that GOINSECURE lets the go command do without TLS, which
	// was not tried.
	insecure bool
}

// directModule is the first module that was asked for and that the chain leads to
// direct, and why the go command would fetch it from its origin. What GONOPROXY
// matches is for the check private.
func directModule(probes []proxyProbe) (m module.Version, why string, ok bool) {
	for i := range probes {
		p := &probes[i]
		w := p.walkOf()
		if w.End == goproxy.Open && p.chain[w.Entry].Keyword == goproxy.Direct {
			return p.module, "GOPROXY leads to direct for it", true
		}
	}
	return module.Version{}, "", false
}

// askDirect asks the origin of a module in the time that is left.
func askDirect(ctx context.Context, s *Session, p *goproxy.Prober, m module.Version, why string, left time.Duration) directProbe {
	d := directProbe{module: m, why: why, govcs: s.Env.Get("GOVCS")}
	if left < minDirectTime {
		host, _, _ := strings.Cut(m.Path, "/")
		d.DirectResult = goproxy.DirectResult{Module: m.Path, Host: host, NotAsked: "the proxies took all the time"}
		return d
	}
	own := *p
	own.Timeout = left
	d.DirectResult = own.Direct(ctx, m.Path)
	d.insecure = module.MatchPrefixPatterns(s.Env.Get("GOINSECURE"), m.Path)
	d.allowed = vcsAllowed(d.govcs, s.Env.Get("GOPRIVATE"), d.Root, d.VCS)
	d.installed = d.VCS == "mod" || inPath(d.VCS, s.Getenv("PATH"), s.Getenv("PATHEXT"))
	return d
}

// vcsAllowed is checkGOVCS of cmd/go/internal/vcs/vcs.go; a GOVCS that does not
// parse is told by another check.
func vcsAllowed(govcs, goprivate, root, vcs string) bool {
	rules, err := goenv.ParseGOVCS(govcs)
	if err != nil || vcs == "mod" {
		return true
	}
	private := module.MatchPrefixPatterns(goprivate, root)
	rules = append(rules, goenv.VCSRule{Pattern: "private", Allowed: []string{"all"}}, goenv.VCSRule{Pattern: "public", Allowed: []string{"git", "hg"}})
	for _, r := range rules {
		match := module.MatchPrefixPatterns(r.Pattern, root)
		switch r.Pattern {
		case "private":
			match = private
		case "public":
			match = !private
		}
		if match {
			return slices.Contains(r.Allowed, vcs) || slices.Contains(r.Allowed, "all")
		}
	}
	return false
}

// judge is the first thing that keeps the module from being fetched.
func (d *directProbe) judge() []Finding {
	var f Finding
	fault := d.Fault
	switch {
	case d.NotAsked != "" || d.insecure && fault != nil:
		return nil
	case fault != nil && fault.Kind == goproxy.Canceled:
		return nil
	case fault != nil && (fault.Kind == goproxy.Content || fault.Phase == goproxy.HTTP && fault.Status != 0):
		f = ruleProxyDirectMeta.Finding("https://%s?go-get=1 names no repository: %s", d.Module, fault.Text)
		f.Fix.Description = "Correct the module's path, or let a module proxy serve it."
	case fault != nil:
		f = ruleProxyDirectHost.Finding("%s cannot be asked for %s: %s (%s)", d.Host, d.Module, fault.Text, fault.Phase)
		f.Transient = fault.Transient()
		f.Fix.Description = "Open the way to " + d.Host + " from here, or let a module proxy serve the module."
	case !d.allowed:
		f = ruleProxyDirectVCS.Finding("GOVCS=%q does not allow %s for %s", d.govcs, d.VCS, d.Root)
		f.Fix.Description = "Allow it in GOVCS, list the module in GOPRIVATE if it is private, or let a module proxy serve it."
	case !d.installed:
		f = ruleProxyDirectGit.Finding("%s is needed to fetch %s from %s, and is not in PATH", d.VCS, d.Module, d.Host)
		f.Fix.Description = "Install " + d.VCS + "."
	default:
		return nil
	}
	f.Key = d.Host
	f.Module = d.module.String()
	f.Evidence = append([]string{d.why}, d.texts()...)
	return []Finding{f}
}

// texts is what is known of the origin.
func (d *directProbe) texts() []string {
	var texts []string
	if d.NotAsked != "" {
		return []string{d.Host + " was not asked: " + d.NotAsked}
	}
	for _, t := range d.Timings {
		text := fmt.Sprintf("%s %s %s", t.Host, t.Phase, millis(t.Duration))
		if t.Failed {
			text = fmt.Sprintf("%s %s failed after %s", t.Host, t.Phase, millis(t.Duration))
		}
		texts = append(texts, text)
	}
	if d.Status != 0 {
		texts = append(texts, fmt.Sprintf("%s answers with status %d", d.Host, d.Status))
	}
	if d.Repo != "" {
		texts = append(texts, fmt.Sprintf("%s is in the %s repository %s", d.Root, d.VCS, d.Repo))
	}
	if d.VCS != "" && d.VCS != "mod" {
		texts = append(texts, fmt.Sprintf("%s in PATH: %v; allowed by GOVCS: %v", d.VCS, d.installed, d.allowed))
	}
	return texts
}
