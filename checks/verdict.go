package checks

import (
	"cmp"
	"slices"
)

// Conclude computes what follows from a report's results: the chain in its
// order, the root causes, the verdict, and whether trying again may help. It is
// a pure function of the results, the links and FailOn, and the only place that
// decides them: no reporter does.
func Conclude(r *Report, links []Link) {
	r.Chain = chain(r.Results, links)
	r.Verdict = verdict(r)
	r.RootCauses = rootCauses(r)
	r.Retryable = retryable(r)
}

// chain completes the links in their declared order: one that no check spoke
// of is unproven, and says so.
func chain(results []Result, links []Link) []Link {
	out := make([]Link, 0, len(Links))
	for _, name := range Links {
		i := slices.IndexFunc(links, func(l Link) bool { return l.Link == name })
		if i >= 0 {
			out = append(out, links[i])
			continue
		}
		why := "no check of this version looks at it"
		for _, res := range results {
			if res.Check == name {
				why = string(res.Status) + ": " + res.Reason
			}
		}
		out = append(out, Link{Link: name, State: Unproven, Why: why})
	}
	return out
}

// failRank is the rank from which a finding fails the run; 0 for never.
func (r *Report) failRank() int {
	switch r.FailOn {
	case "never":
		return 0
	case string(Warning):
		return Warning.Rank()
	}
	return Error.Rank()
}

// verdict: a finding at or above fail-on fails; else a question without an
// answer leaves the run inconclusive.
func verdict(r *Report) Verdict {
	limit := r.failRank()
	if limit == 0 {
		return Pass
	}
	for _, f := range r.Findings {
		if f.Severity.Rank() >= limit {
			return Fail
		}
	}
	for i := range r.Results {
		if r.Results[i].Unanswered() {
			return Inconclusive
		}
	}
	return Pass
}

// Unanswered reports whether the check, or one of its modules, got no answer: it
// could not find out, or a root cause kept it from being asked.
func (r *Result) Unanswered() bool {
	return unanswered(r.Status) || slices.ContainsFunc(r.Modules, func(m ModuleStatus) bool { return unanswered(m.Status) })
}

func unanswered(s Status) bool { return s == Errored || s == Blocked }

// rootCauses are the findings that nothing reported causes and that either are
// errors, fail the run or cause what does, or keep a check from its answer: those that block most
// first, then the hardest, then in report order.
func rootCauses(r *Report) []RootCause {
	blocks := map[string][]string{}
	for _, res := range r.Results {
		if res.BlockedBy != "" {
			blocks[res.BlockedBy] = append(blocks[res.BlockedBy], res.Check)
		}
	}
	limit := r.failRank()
	if limit == 0 || limit > Error.Rank() {
		limit = Error.Rank()
	}
	causing := map[string]bool{}
	for _, f := range r.Findings {
		if f.CausedBy != "" && f.Severity.Rank() >= limit {
			causing[f.CausedBy] = true
		}
	}
	causes := []RootCause{}
	rank := map[string]int{}
	for res, f := range r.Findings {
		if f.CausedBy != "" || f.Severity.Rank() < limit && len(blocks[f.Fingerprint]) == 0 && !causing[f.Fingerprint] {
			continue
		}
		rank[f.Fingerprint] = f.Severity.Rank()
		blocked := blocks[f.Fingerprint]
		if blocked == nil {
			blocked = []string{}
		}
		causes = append(causes, RootCause{Check: res.Check, Rule: f.Rule, Fingerprint: f.Fingerprint, Blocks: blocked})
	}
	slices.SortStableFunc(causes, func(a, b RootCause) int {
		return cmp.Or(
			cmp.Compare(len(b.Blocks), len(a.Blocks)),
			cmp.Compare(rank[b.Fingerprint], rank[a.Fingerprint]),
		)
	})
	return causes
}

// retryable: the run did not pass, and every root cause may go away by itself.
func retryable(r *Report) bool {
	if r.Verdict == Pass || len(r.RootCauses) == 0 {
		return false
	}
	roots := map[string]bool{}
	for _, c := range r.RootCauses {
		roots[c.Fingerprint] = true
	}
	for _, f := range r.Findings {
		if roots[f.Fingerprint] && !f.Transient {
			return false
		}
	}
	return true
}

// ExitCode is the exit code of a run (README, exit codes).
func (r *Report) ExitCode() int {
	switch {
	case r.Interrupted == "interrupt":
		return 130
	case r.Interrupted == "terminated":
		return 143
	case r.Verdict == Fail:
		return 1
	case r.Verdict == Inconclusive:
		return 3
	}
	return 0
}
