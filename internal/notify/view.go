package notify

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/config"
)

// A view is a run as one receiver is concerned with it.
type view struct {
	// state is what to compare with the last run. An empty status says that
	// nothing can be said: what concerns it was not answered.
	state State
	// problems are those that concern it, the most important first; questions
	// likewise, in order.
	problems  []Problem
	questions []Question
}

// look reduces a run to what concerns a receiver. Where its severity is the
// default, a problem is what the run's own verdict rests on.
func look(t config.Notify, e *Event) view {
	var v view
	for _, p := range e.Problems {
		if counts(t, e, &p) && selects(t.Only, p.Stage, p.Check, p.Rule) {
			v.problems = append(v.problems, p)
		}
	}
	slices.SortStableFunc(v.problems, func(a, b Problem) int { return cmp.Compare(weight(&b), weight(&a)) })
	for _, q := range e.Unanswered {
		if selects(t.Only, q.Stage, q.Check, "") {
			v.questions = append(v.questions, q)
		}
	}
	v.state = State{Status: v.status(t, e), StartedAt: e.StartedAt.UTC()}
	if v.state.Status != Pass {
		v.state.Causes = causes(v.problems, v.questions)
	}
	return v
}

// counts reports whether a problem is grave enough for a receiver.
func counts(t config.Notify, e *Event, p *Problem) bool {
	if t.Severity == "" {
		return p.RootCause && e.Verdict != Pass
	}
	return rank(p.Severity) >= rank(t.Severity)
}

// status is what the run is to a receiver: Pass, Fail, Inconclusive, or empty
// where nothing can be said. Without problems, what was not asked is not fine.
func (v *view) status(t config.Notify, e *Event) string {
	whole := t.Severity == "" && len(t.Only) == 0
	switch {
	case t.Severity != "" && len(v.problems) > 0,
		e.Verdict == Fail && (len(v.problems) > 0 || whole):
		return Fail
	case len(v.questions) == 0 && len(v.problems) == 0 && (e.Verdict != Inconclusive || !whole):
		return Pass
	case e.Verdict == Inconclusive, t.On == config.OnAlways:
		return Inconclusive
	}
	return ""
}

// selects reports whether a list of stages, checks and rules has one of these;
// without a rule, whether it has any rule of the check.
func selects(only []string, stage, check, rule string) bool {
	if len(only) == 0 {
		return true
	}
	return slices.ContainsFunc(only, func(s string) bool {
		return s == stage || s == check || s == rule || rule == "" && strings.HasPrefix(s, check+"/")
	})
}

// rank orders severities, the gravest highest.
func rank(severity string) int {
	switch severity {
	case config.Error:
		return 3
	case config.Warning:
		return 2
	}
	return 1
}

// weight orders problems, the most important highest: root causes, then the rest
// by severity.
func weight(p *Problem) int {
	if p.RootCause {
		return 10 + rank(p.Severity)
	}
	return rank(p.Severity)
}

// causes is what tells one failure from another: never a line or wording.
func causes(problems []Problem, questions []Question) []string {
	var list []string
	for _, p := range problems {
		list = append(list, digest(p.Rule, cmp.Or(p.Fingerprint, p.File+"\x00"+p.Module)))
	}
	for _, q := range questions {
		list = append(list, digest("unanswered", q.Check))
	}
	slices.Sort(list)
	list = slices.Compact(list)
	return list[:min(len(list), maxCauses)]
}
