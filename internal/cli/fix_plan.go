package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/report"
)

// A mending is one action with what carries it out.
type mending struct {
	report.FixAction
	// check is the name of the check that is asked again.
	check string
	// aside are absolute paths below FixAction.Cache.
	aside []string
	again *checks.Again
	// problem is why something could not be done, other than that a module
	// could not be brought back, which is missing.
	problem, missing error
}

// plan makes actions of the findings of the rules that were asked for: one for
// each module version, whose problems are mended together, and one for each rule
// of what the go command makes again by itself.
func (f *fixer) plan(results []checks.Result) []*mending {
	var list []*mending
	byName := map[string]*mending{}
	for _, res := range results {
		for _, finding := range res.Findings {
			if !f.rules[finding.Rule] {
				continue
			}
			mends := finding.Fix.Mends()
			if !mends && finding.Severity.Rank() < checks.Error.Rank() && finding.Exception == nil {
				continue // nothing that is broken, or known to be
			}
			outcome := report.FixPlanned
			switch {
			case finding.Exception != nil:
				outcome = report.FixAccepted
			case !mends:
				outcome = report.FixLeft
			}
			name := finding.Rule
			if finding.Fix.Again != nil {
				name = finding.Fix.Again.ID()
			} else if !mends && finding.Module != "" {
				name = finding.Module
			}
			key := strings.Join([]string{res.Check, string(outcome), name}, "\x00")
			m := byName[key]
			if m == nil {
				m = &mending{check: res.Check, again: finding.Fix.Again}
				m.Name, m.Outcome = name, outcome
				byName[key] = m
				list = append(list, m)
			}
			m.Findings = append(m.Findings, finding)
			if outcome == report.FixPlanned {
				f.add(m, finding.Fix.Aside)
			}
		}
	}
	for _, m := range list {
		if m.Outcome == report.FixPlanned && m.again != nil {
			m.Command = m.again.Command()
		}
	}
	return list
}

// add adds paths to an action; one that lies in no cache that is the job's own
// stays where it is.
func (f *fixer) add(m *mending, paths []string) {
	for _, path := range paths {
		if slices.Contains(m.aside, path) {
			continue
		}
		cache := f.cacheOf(path)
		if cache == "" || m.Cache != "" && m.Cache != cache {
			m.problem = fmt.Errorf("%q lies in no cache that is the job's own", path)
			continue
		}
		m.Cache = cache
		m.aside = append(m.aside, path)
		rel, _ := filepath.Rel(cache, path)
		m.Aside = append(m.Aside, filepath.ToSlash(rel))
	}
}

// cacheOf is the cache that a path lies below; empty for none.
func (f *fixer) cacheOf(path string) string {
	for _, cache := range f.own {
		if rel, err := filepath.Rel(cache, path); err == nil && filepath.IsLocal(rel) && rel != "." {
			return cache
		}
	}
	return ""
}

// skipped are the targets whose question did not arise, with the reason.
func (f *fixer) skipped(results []checks.Result) []string {
	var list []string
	for _, r := range results {
		if r.Status == checks.Skipped && f.isTarget(r.Check) {
			list = append(list, r.Check+" skipped: "+r.Reason)
		}
	}
	return list
}

func (f *fixer) isTarget(name string) bool {
	return slices.ContainsFunc(f.targets, func(c *checks.Check) bool { return c.Name == name })
}

// unanswered are the checks among the targets that could not find out.
func (f *fixer) unanswered(results []checks.Result) []string {
	var list []string
	for i := range results {
		r := &results[i]
		if r.Unanswered() && f.isTarget(r.Check) {
			list = append(list, fmt.Sprintf("%s could not find out: %s", r.Check, r.Reason))
		}
	}
	return list
}

// judge says what became of the actions, by what the checks say now.
func (f *fixer) judge(list []*mending, results []checks.Result) {
	before := map[string]bool{} // what others than the action itself are about
	for _, m := range list {
		for _, finding := range m.Findings {
			before[finding.Fingerprint] = true
		}
	}
	for _, m := range list {
		if m.Outcome != report.FixPlanned {
			continue
		}
		i := slices.IndexFunc(results, func(r checks.Result) bool { return r.Check == m.check })
		if i < 0 {
			m.Outcome, m.Detail = report.FixUnknown, "the check was not asked again"
			continue
		}
		m.Outcome, m.Detail = m.judge(&results[i], before)
		m.Detail = f.redactor.Line(m.Detail)
	}
}

func (m *mending) judge(r *checks.Result, before map[string]bool) (report.FixOutcome, string) {
	for i := range r.Findings {
		now := &r.Findings[i]
		same := slices.ContainsFunc(m.Findings, func(old checks.Finding) bool { return old.Fingerprint == now.Fingerprint })
		about := m.again != nil && now.Module == plain.Line(m.again.ID()) && !before[now.Fingerprint] && now.Severity.Rank() >= checks.Error.Rank()
		switch {
		case !same && !about:
		case m.missing != nil && now.Severity.Rank() < checks.Warning.Rank() && !isOtherContent(m.missing):
			return report.FixMissing, m.missing.Error() // what builds mend, too
		case m.problem != nil:
			return report.FixBroken, m.problem.Error()
		case m.missing != nil:
			return report.FixBroken, m.missing.Error()
		default:
			return report.FixBroken, now.Message
		}
	}
	switch {
	case m.missing != nil && isOtherContent(m.missing):
		return report.FixBroken, m.missing.Error()
	case m.missing != nil:
		return report.FixMissing, m.missing.Error()
	case r.Unanswered():
		return report.FixUnknown, r.Reason
	case m.problem != nil:
		return report.FixMended, "though not by this run: " + m.problem.Error()
	case m.again != nil && len(m.again.Zip)+len(m.again.Mod) > 0:
		return report.FixMended, "brought back, and what go.sum names"
	case m.again != nil:
		return report.FixMended, "brought back; go.sum has no line to hold it to"
	}
	return report.FixMended, "moved aside; the go command makes or downloads again what it needs"
}
