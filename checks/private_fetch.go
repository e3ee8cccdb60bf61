package checks

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/net/publicsuffix"

	"github.com/gopreflight/gopreflight/internal/failure"
	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/localnet"
	gomodcache "github.com/gopreflight/gopreflight/internal/modcache"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// maxFetched is how many private modules are asked for, each of another host or
// owner: credentials differ by these.
const maxFetched = 8

// fetchPrivate asks for one module of each host and owner that the go command
// would fetch past all proxies. The error says what could not be found out.
func fetchPrivate(ctx context.Context, s *Session, modules []namedModule) (fetches, []Finding, error) {
	asked := fetchable(s, modules)
	if len(asked) == 0 {
		return nil, nil, nil
	}
	dir, err := s.Temp("private")
	if err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module gopreflight.invalid/private\n"), 0o600); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Config.Proxy.Timeout)
	defer cancel()
	found := credentialsFound(ctx, s)
	list := make(fetches, len(asked))
	var wg sync.WaitGroup
	for i, m := range asked {
		list[i].module = m
		wg.Go(func() { list[i].ask(ctx, s, dir, found) })
	}
	wg.Wait()
	return list, list.findings(), list.err()
}

// fetchable are the modules to ask for: past all proxies, not in the module cache,
// and on a host that the environment names: what a repository alone names is never
// connected to, since the name can lead to this machine or its network.
func fetchable(s *Session, modules []namedModule) []namedModule {
	cache := s.Env.Get("GOMODCACHE")
	patterns := privatePatterns(s.Env)
	var list []namedModule
	seen := map[string]bool{}
	for _, m := range modules {
		owner := ownerOf(m.Path)
		if !m.direct || seen[owner] || len(list) == maxFetched || gomodcache.Present(cache, m.Path, m.Version.Version) ||
			!namesHost(patterns, m.Path) || localnet.Host(hostOf(m.Path)) {
			continue
		}
		seen[owner] = true
		list = append(list, m)
	}
	return list
}

// namesHost reports whether a pattern that matches a module path names its host:
// the labels that it fixes are more than a suffix under which anybody can have a name.
func namesHost(patterns, modPath string) bool {
	for pattern := range strings.SplitSeq(patterns, ",") {
		if !module.MatchPrefixPatterns(pattern, modPath) {
			continue
		}
		fixed := hostOf(pattern)
		if i := strings.LastIndexAny(fixed, `*?[]\`); i >= 0 {
			_, fixed, _ = strings.Cut(fixed[i:], ".")
		}
		if suffix, _ := publicsuffix.PublicSuffix(fixed); fixed != "" && (fixed != suffix || !isPublicHost(fixed)) {
			return true
		}
	}
	return false
}

// ask has the go command list the module's versions: it finds the repository and
// asks it for its tags (git ls-remote), with all that it would log in with.
func (f *fetch) ask(ctx context.Context, s *Session, dir string, found []string) {
	args := []string{"list", "-m", "-versions", f.module.Path}
	out, err := s.Go.Ask(ctx, gocmd.Question{Dir: dir, Args: args, Env: []string{
		"GOPROXY=direct", "GOFLAGS=-mod=mod", "GOWORK=off", "GOTOOLCHAIN=local", "GOMODCACHE=" + filepath.Join(dir, "mod"),
	}})
	switch {
	case err != nil && ctx.Err() == context.DeadlineExceeded:
		f.finding = f.report(rulePrivateUnreachable, fmt.Sprintf("%s: no answer within %s", f.module.Path, s.Config.Proxy.Timeout), nil, found)
		f.finding.Fix.Description = "ask by hand, with GOPROXY=direct and -x; raise proxy.timeout if the host is known to be slow"
		return
	case err != nil:
		f.err = err
		return
	case out.Exit == 0:
		return
	}
	text := string(out.Stderr)
	causes := failure.Diagnose(text)
	i := slices.IndexFunc(causes, func(c failure.Cause) bool { return fetchRule(c.Class) != nil })
	if i < 0 {
		f.err = newCauseError("GOPROXY=direct go "+strings.Join(args, " "), text)
		return
	}
	f.finding = f.report(fetchRule(causes[i].Class), f.module.Path+": "+causes[i].Summary, strings.Split(strings.TrimSpace(text), "\n"), found)
	f.finding.Fix.Description = cmp.Or(fetchAdvice(s, f.finding.Rule), causes[i].Fix)
	f.finding.Transient = causes[i].Transient
}

// report makes the finding of a fetch; said is what the go command said, found
// what there is to log in with.
func (f *fetch) report(rule *Rule, message string, said, found []string) *Finding {
	finding := f.module.place(rule.Finding("%s", message))
	finding.Key = ownerOf(f.module.Path)
	for _, l := range said[:min(len(said), maxSaid)] {
		finding.Evidence = append(finding.Evidence, strings.TrimSpace(l))
	}
	finding.Evidence = append(finding.Evidence, found...)
	finding.Fix.Command = "GOPROXY=direct GOMODCACHE=\"$(mktemp -d)\" go list -x -m -versions " + shellQuote(f.module.Path+"@"+f.module.Version.Version)
	return &finding
}

// maxSaid is how many lines of the go command's words a finding repeats.
const maxSaid = 8

// fetchRules are the rules by the class of the failure catalogue.
var fetchRules = map[string]*Rule{
	"git-credentials": rulePrivateCredentials, "proxy-credentials": rulePrivateCredentials, "goauth-failed": rulePrivateCredentials,
	"ssh-key": rulePrivateSSH, "ssh-host-key": rulePrivateSSH,
	"git-status": rulePrivateUnreachable, "git-dns": rulePrivateUnreachable, "git-connect": rulePrivateUnreachable, "git-tls": rulePrivateUnreachable,
	"dns-failure": rulePrivateUnreachable, "dns-no-such-host": rulePrivateUnreachable, "http-proxy": rulePrivateUnreachable,
	"connection-refused": rulePrivateUnreachable, "connection-reset": rulePrivateUnreachable, "connection-timeout": rulePrivateUnreachable,
	"connection-unroutable": rulePrivateUnreachable, "tls-expired": rulePrivateUnreachable, "tls-failure": rulePrivateUnreachable,
	"tls-name": rulePrivateUnreachable, "tls-untrusted": rulePrivateUnreachable, "http-on-https": rulePrivateUnreachable,
	"git-not-found": rulePrivateNotFound, "import-page-no-meta": rulePrivateNotFound,
	"git-missing": rulePrivateVCS, "govcs-disallowed": rulePrivateVCS,
}

func fetchRule(class string) *Rule { return fetchRules[class] }

// fetchAdvice is what to do where this run cannot see the job's own credentials.
func fetchAdvice(s *Session, rule string) string {
	if s.Scope != ScopeContainer {
		return ""
	}
	switch rule {
	case rulePrivateCredentials.ID, rulePrivateNotFound.ID:
		return "a container action does not see the job's git configuration and netrc: hand a netrc in by the input netrc, or use host/"
	case rulePrivateSSH.ID:
		return "a container action does not see the job's ssh agent: hand a key in by the inputs ssh-key and ssh-known-hosts, or use host/"
	}
	return ""
}

// credentialsFound says what there is to log in with, without a secret: one line
// for each kind.
func credentialsFound(ctx context.Context, s *Session) []string {
	goauth := cmp.Or(s.Env.Get("GOAUTH"), "netrc")
	lines := []string{"GOAUTH: " + goauth}
	if commands, err := goenv.ParseGOAUTH(goauth); err == nil && slices.ContainsFunc(commands, func(w []string) bool { return w[0] == "netrc" }) {
		names := []string{}
		for _, m := range readNetrc(s.Getenv) {
			names = append(names, m.Name)
		}
		slices.Sort(names)
		names = slices.Compact(names)
		line := "netrc: no machine"
		if len(names) > 0 {
			line = "netrc: " + strings.Join(names[:min(len(names), maxNamed)], ", ")
		}
		lines = append(lines, line)
	}
	if s.Git != nil {
		for _, rewrite := range s.Git.URLRewrites(ctx) {
			if len(lines) < maxNamed {
				lines = append(lines, "git: "+plain.Line(rewrite))
			}
		}
	}
	agent := "ssh agent: none (SSH_AUTH_SOCK is not set)"
	if s.Getenv("SSH_AUTH_SOCK") != "" {
		agent = "ssh agent: SSH_AUTH_SOCK is set"
	}
	return append(lines, agent)
}
