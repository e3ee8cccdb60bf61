// Package checks holds what gopreflight asks about a repository and a machine:
// the types (Check, Rule, Finding, Result, Report), the ordered registry All,
// and the runner. One file per check.
//
// A check gathers facts through the engines of its Session, judges them with
// pure functions, and returns findings. It never prints, never exits, never
// talks to a CI's API, never reads the process environment or the clock but
// through its Session, and never knows how a report is rendered.
package checks

import (
	"context"
)

// Stage groups checks; checks can be selected by stage. The order of Stages is
// the order in every report.
type Stage string

// The five stages, in order.
const (
	StageEnv    Stage = "env"
	StageProxy  Stage = "proxy"
	StageCache  Stage = "cache"
	StageTidy   Stage = "tidy"
	StageVendor Stage = "vendor"
)

// Stages is the declared order of the stages.
var Stages = []Stage{StageEnv, StageProxy, StageCache, StageTidy, StageVendor}

// StageTitle is the heading that people read above a stage's checks.
func StageTitle(s Stage) string {
	switch s {
	case StageEnv:
		return "Environment"
	case StageProxy:
		return "Network"
	case StageCache:
		return "Cache"
	case StageTidy:
		return "Tidy"
	case StageVendor:
		return "Vendor and build"
	}
	return string(s)
}

// A Check is one question and the function that answers it. Checks are struct
// literals, one per file, listed in All.
type Check struct {
	// Name is what the command line, the configuration and the report call it.
	Name string
	// Stage is the stage that it belongs to.
	Stage Stage
	// Title is a positive sentence: what is true when the check passes.
	Title string
	// Doc says, in a paragraph or two of Markdown, what is asked, what is
	// deliberately not asked, and what it costs. Shown by explain.
	Doc string
	// Needs are checks without which this one has no meaning: it is blocked
	// when one of them reports a finding whose rule has Blocks, or could not
	// find out, or is blocked itself. A check that was not selected counts as met.
	Needs []*Check
	// After are checks that must have ended first, whatever they found.
	After []*Check
	// Rules are all rules that Run may report.
	Rules []*Rule
	// Unanswered is the rule of the finding that tells a cause which kept the
	// check from an answer and which no other check reported; nil: the result's
	// reason alone tells it.
	Unanswered *Rule
	// Join makes a check one of those that cost: in a run of several shards each
	// shard asks it for its own modules alone, and Join sums up what they found
	// out as Run would have: Summary, Link, Changes and Values. Checks without it
	// are asked in every shard for all modules, because they are about the machine
	// or cost next to nothing, and what they report can keep any module from being
	// judged.
	Join func(*Joint) Facts
	// Mends says that findings may have a fix that `gopreflight fix` carries out.
	Mends bool
	// Run answers the question. Findings and an error may be returned
	// together; an error means "could not find out" (see Skip and Cause for
	// the two errors with a meaning of their own).
	Run func(ctx context.Context, s *Session) (Facts, []Finding, error)
}

// Facts is what a check learned, beside its findings.
type Facts struct {
	// Summary is one line for people: "560 modules proven against go.sum".
	// It becomes the Reason of a result that passed.
	Summary string
	// Link is the check's link of the chain of evidence; nil when it has none.
	Link *Link
	// Modules is the outcome per main module, for checks that judge each one;
	// nil for the others. The runner adds the blocked ones and takes each
	// module's findings into account, so a check only lists what findings
	// cannot say: passed, skipped or errored, with a reason.
	Modules []ModuleStatus
	// Changes is what the change that is judged does to the build list, in the
	// order of the report.
	Changes []ModuleChange
	// Values is for display and debugging; JSON-encodable, no secrets.
	Values map[string]any
}

// rule returns the rule with an ID, or nil.
func (c *Check) rule(id string) *Rule {
	for _, r := range c.Rules {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// blocks reports whether one of the check's findings keeps what needs the check
// from being asked. One that the policy accepts by an exception does not.
func (c *Check) blocks(f *Finding) bool {
	r := c.rule(f.Rule)
	return r != nil && r.Blocks && f.Exception == nil
}

// skip is the error of Skip.
type skip struct{ reason string }

func (e *skip) Error() string { return e.reason }

// Skip returns the error by which a check says that its question does not
// arise here ("no vendor folder", "offline"). The result is skipped, not
// errored, with the reason.
func Skip(reason string) error { return &skip{reason} }
