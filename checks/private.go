package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/goproxy"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// private asks who is told the names of private modules, whether patterns are so
// broad that public modules lose their verification, and whether private modules
// that the module cache lacks can be fetched without a prompt. It looks at names
// and settings, and tells nobody: only a module that the go command itself would
// fetch in this run is asked for, and only where it would ask.
var private = &Check{
	Name:  "private",
	Stage: StageProxy,
	Title: "private modules stay private and can be fetched",
	Doc: "Names first, without asking anybody. A module looks private where its host is no name of the public\n" +
		"internet, or where the CI calls this repository private and the module shares its host and owner.\n" +
		"Such a name goes to every module proxy that comes before the answer, and to the checksum database,\n" +
		"unless GOPRIVATE (or GONOPROXY and GONOSUMDB) matches it. A pattern that matches everybody's modules\n" +
		"of a public host takes the checksum database away from all of them.\n\n" +
		"Then credentials: of each host and owner that GONOPROXY matches, one module that the module cache\n" +
		"lacks is asked for its versions by the go command itself, past all proxies, in a folder of its own\n" +
		"with an empty module cache: netrc, GOAUTH, git's insteadOf and credential helpers and the ssh agent\n" +
		"count as they would in a build, and nothing can prompt. What is in the cache is not asked for: the\n" +
		"go command would not either. It costs one `git ls-remote` for each, all at once, and never more than\n" +
		"`proxy.timeout`.",
	Needs: []*Check{env},
	After: []*Check{proxy},
	Rules: []*Rule{
		rulePrivateTold, rulePrivateTooBroad,
		rulePrivateCredentials, rulePrivateSSH, rulePrivateUnreachable, rulePrivateNotFound, rulePrivateVCS,
	},
	Run: runPrivate,
}

func runPrivate(ctx context.Context, s *Session) (Facts, []Finding, error) {
	if s.Offline {
		return Facts{}, nil, Skip("offline")
	}
	if s.Go == nil {
		return Facts{}, nil, Skip("no go command")
	}
	modules := namedModules(s)
	if len(modules) == 0 {
		return Facts{}, nil, Skip("no dependencies")
	}
	chain, err := goproxy.Parse(s.Env.Get("GOPROXY"), privatePatterns(s.Env))
	if err != nil {
		return Facts{}, nil, fmt.Errorf("GOPROXY: %w", err)
	}
	to := listenersOf(s, chain)
	findings := to.told(s, modules)
	findings = append(findings, tooBroad(s, modules)...)
	reached, found, err := fetchPrivate(ctx, s, modules)
	findings = append(findings, found...)
	return Facts{
		Summary: privateSummary(modules, to, reached),
		Values: map[string]any{
			"modules": len(modules), "direct": count(modules, func(m namedModule) bool { return m.direct }),
			"unverified": count(modules, func(m namedModule) bool { return m.unverified }),
			"asked":      reached.values(), "proxies": to.names(),
		},
	}, findings, err
}

// privateSummary is one line: "3 of 40 modules bypass proxies, 2 hosts let us in".
func privateSummary(modules []namedModule, to listeners, reached fetches) string {
	direct := count(modules, func(m namedModule) bool { return m.direct })
	var parts []string
	switch {
	case direct > 0:
		parts = append(parts, fmt.Sprintf("%s of %s bypass proxies", plain.Thousands(direct), plain.Count(len(modules), "module")))
	case len(to.proxies) == 0:
		parts = append(parts, "no proxy is told of "+plain.Count(len(modules), "module"))
	default:
		parts = append(parts, "no private module among "+plain.Thousands(len(modules)))
	}
	if n := len(reached); n > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s could be asked", reached.good(), plain.Count(n, "repository")))
	}
	return strings.Join(parts, "; ")
}

func count[T any](list []T, is func(T) bool) int {
	n := 0
	for _, e := range list {
		if is(e) {
			n++
		}
	}
	return n
}

// A fetch is what became of asking for one private module.
type fetch struct {
	module namedModule
	// finding is what is wrong; nil where the go command got an answer.
	finding *Finding
	// err is why that could not be found out.
	err error
}

type fetches []fetch

func (fs fetches) good() int {
	return count(fs, func(f fetch) bool { return f.finding == nil && f.err == nil })
}

func (fs fetches) values() map[string]any {
	values := map[string]any{}
	for _, f := range fs {
		switch {
		case f.err != nil:
			values[f.module.Path] = "could not be found out: " + f.err.Error()
		case f.finding != nil:
			values[f.module.Path] = f.finding.Rule
		default:
			values[f.module.Path] = "answers"
		}
	}
	return values
}

func (fs fetches) err() error {
	var errs []error
	for _, f := range fs {
		if f.err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.module.Path, f.err))
		}
	}
	return errors.Join(errs...)
}

// findings are those of all fetches, each cause at its first module.
func (fs fetches) findings() []Finding {
	var findings []Finding
	for _, f := range fs {
		same := func(g Finding) bool { return g.Rule == f.finding.Rule && g.Key == f.finding.Key }
		if f.finding != nil && !slices.ContainsFunc(findings, same) {
			findings = append(findings, *f.finding)
		}
	}
	return findings
}
