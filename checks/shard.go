package checks

import (
	"encoding/json"
	"slices"

	"github.com/gopreflight/gopreflight/internal/failure"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// ShardModules is the part of a repository that one run of several is about.
type ShardModules struct {
	// Index goes from 1 to Count.
	Index, Count int
	// Modules are the main modules of the shard, in the repository's order; none
	// where there are more shards than modules.
	Modules []*repo.Module
}

func (s *ShardModules) String() string { return Shard{Index: s.Index, Count: s.Count}.String() }

// ofMachine reports whether a stage is about the machine. Its checks are asked in
// every shard, also in one without modules: each shard is another machine.
func ofMachine(s Stage) bool { return s == StageEnv || s == StageProxy }

// Part is what Join has to know of a shard's result that the result does not
// say: which modules and findings were only settled, blocked or attributed after
// the check had run, so that all shards together can be settled as one run.
type Part struct {
	// Unselected says that the check was not to be run.
	Unselected bool `json:"unselected,omitempty"`
	// Own is how the check as a whole ended when it did not answer, whatever its
	// modules did: Dir is empty. nil: it answered.
	Own *ModuleStatus `json:"own,omitempty"`
	// Unasked are the modules that a Need kept from being asked, by what it said.
	Unasked []ModuleStatus `json:"unasked,omitempty"`
	// Unanswered are the questions whose go command failed, and Attributed the
	// fingerprints of the findings that the attribution made of them.
	Unanswered []Unanswered `json:"unanswered,omitempty"`
	Attributed []string     `json:"attributed,omitempty"`
	// Unused are, of check policy, the findings on exceptions that nothing in
	// this shard matched.
	Unused []Finding `json:"unused,omitempty"`
}

// Unanswered is a question that a go command did not answer.
type Unanswered struct {
	// Dir is the main module's directory; empty for the check as a whole.
	Dir string `json:"dir"`
	// Reason is one line: what went wrong.
	Reason string `json:"reason"`
	// Causes are those that the failure catalogue knows, the root cause first.
	Causes []UnansweredCause `json:"causes,omitempty"`
	// Findings are what is to be told where no other finding explains a cause.
	Findings []Finding `json:"findings,omitempty"`
}

// UnansweredCause is what the attribution reads of a failure.Cause.
type UnansweredCause struct {
	Class   string   `json:"class"`
	Summary string   `json:"summary"`
	Module  string   `json:"module"`
	Outside bool     `json:"outside"`
	Rules   []string `json:"rules,omitempty"`
}

// part is what Join has to know of an outcome.
func (o *outcome) part(r *Runner) *Part {
	p := &Part{Unselected: o.unselected, Unasked: o.unasked, Unanswered: o.unanswered}
	whole := slices.ContainsFunc(o.unanswered, func(u Unanswered) bool { return u.Dir == "" })
	if o.err != nil && !whole {
		p.Own = &ModuleStatus{Status: statusOf(o.err), Reason: r.line(o.err.Error()), BlockedBy: blockerOf(o.err)}
	}
	for i := range o.Findings {
		if o.Findings[i].attributed {
			p.Attributed = append(p.Attributed, o.Findings[i].Fingerprint)
		}
	}
	return p
}

// unanswered is a question whose go command failed, as a report holds it. own are
// the findings that it may become.
func (r *Runner) unanswered(c *Check, s *Session, err error, dir string, cause *causeError, own []Finding) Unanswered {
	u := Unanswered{Dir: dir, Reason: r.line(err.Error()), Findings: r.judge(c, s, own)}
	for _, known := range cause.causes {
		u.Causes = append(u.Causes, UnansweredCause{
			Class: known.Class, Summary: r.text(known.Summary), Module: r.text(known.Module), Outside: known.Outside, Rules: known.Rules,
		})
	}
	return u
}

// err is the question's error as it was before anything was attributed.
func (u Unanswered) err() *causeError {
	e := &causeError{text: u.Reason, own: u.Findings}
	for _, known := range u.Causes {
		e.causes = append(e.causes, failure.Cause{
			Class: known.Class, Summary: known.Summary, Module: known.Module, Outside: known.Outside, Rules: known.Rules,
		})
	}
	return e
}

// number is a number among the facts of a report: one that has just been made,
// or one that was saved and read again. 0 for anything else.
func number(fact any) int {
	switch n := fact.(type) {
	case float64:
		return int(n)
	case json.Number:
		i, _ := n.Int64() // what is no number counts nothing
		return int(i)
	}
	return 0
}

// texts are the texts of a list among the facts of a report.
func texts(fact any) []string {
	list, _ := fact.([]any)
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// restored is the error of which a status came; nil for one that answers.
func (m ModuleStatus) restored() error {
	switch m.Status {
	case Skipped:
		return Skip(m.Reason)
	case Blocked:
		return &block{m.Reason, m.BlockedBy}
	case Errored:
		return &restoredError{m.Reason}
	case Failed, Warned, Passed:
	}
	return nil
}

// restoredError is why a question of a shard has no answer.
type restoredError struct{ reason string }

func (e *restoredError) Error() string { return e.reason }
