package checks

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"time"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/shard"
)

// Limits of the numbers that a report of an untrusted run may name.
const (
	// maxRun is the longest duration: what GitHub lets a workflow run take.
	maxRun = 35 * 24 * time.Hour
	// maxReportAge is how long ago a run may have started: GitHub keeps no
	// artifact for longer.
	maxReportAge = 400 * 24 * time.Hour
	// maxPosition is the largest line or column.
	maxPosition = 10_000_000
)

// shortWord is all that a version may be.
var shortWord = regexp.MustCompile(`^[A-Za-z0-9(][A-Za-z0-9.+()_-]{0,63}$`)

// Distrust is what may be believed of a report that a run without any trust
// wrote, as that of a fork's pull request. It is a new report, made field by
// field: nothing is copied as a whole.
//
//   - What is ours: every check of the registry once and in its order, with its
//     stage and title; severities, by rule and policy; Transient, by rule;
//     fingerprints; statuses, as far as findings decide them; FailOn; and what
//     Conclude makes of all that.
//   - What is the run's own word, cleaned and bounded: messages, reasons,
//     evidence, places, modules, keys, module changes, numbers, versions; and
//     which finding caused or blocked what, where both ends are in the report.
//   - What is left out: fixes, exceptions, facts, parts, addresses, the repository, its
//     commit and pull request, the CI, the Go environment. Who knows the
//     repository and the CI from elsewhere fills them in. No link of the chain
//     is more than unproven.
//
// A check that the file does not name is errored; checks and rules that the
// registry does not have are dropped, rules with a word in the check's reason.
// now decides which exceptions of the policy have expired.
func Distrust(r *Report, registry []*Check, cfg *config.Config, now time.Time) *Report {
	d := &distrust{
		Runner:  &Runner{Checks: registry, Redactor: &plain.Redactor{}}, // secrets of the run, known by their form alone
		session: &Session{Config: cfg, Now: func() time.Time { return now }},
		prints:  map[string]string{},
	}
	out := &Report{
		Schema:        Schema,
		Tool:          Tool{Name: "gopreflight", Version: word(r.Tool.Version)},
		Scope:         ScopeContainer, // of the two, what claims less
		FailOn:        cfg.FailOn,
		Untrusted:     true,
		Repository:    Repository{Dir: ".", Modules: d.mainModules(r.Repository.Modules)},
		Go:            Go{Version: word(r.Go.Version)},
		Shard:         Shard{Index: 1, Count: 1},
		DurationMs:    milliseconds(r.DurationMs),
		ModuleChanges: d.moduleChanges(r.ModuleChanges),
		Results:       d.results(r.Results),
	}
	if r.Scope == ScopeJob {
		out.Scope = ScopeJob
	}
	if r.Interrupted == "interrupt" || r.Interrupted == "terminated" {
		out.Interrupted = r.Interrupted
	}
	if r.Shard.Index >= 1 && r.Shard.Index <= r.Shard.Count && r.Shard.Count <= shard.Max {
		out.Shard = Shard{Index: r.Shard.Index, Count: r.Shard.Count}
		for _, dir := range r.Shard.Dirs {
			if dir = d.path(dir); dir != "" {
				out.Shard.Dirs = append(out.Shard.Dirs, dir)
			}
		}
	}
	if !r.StartedAt.After(now) && now.Sub(r.StartedAt) <= maxReportAge {
		out.StartedAt = r.StartedAt.UTC()
	}
	Conclude(out, claimedLinks(r.Chain))
	return out
}

// distrust makes the results of Distrust, by the runner's own means: they are
// cleaned, judged and settled as those of a run.
type distrust struct {
	*Runner
	session *Session
	// prints maps the fingerprints of the file to those that were computed anew,
	// for the findings that were kept.
	prints map[string]string
}

func (d *distrust) results(claims []Result) []Result {
	byName := map[string]*Result{}
	for i := range claims {
		if name := claims[i].Check; byName[name] == nil {
			byName[name] = &claims[i]
		}
	}
	list := make([]*outcome, len(d.Checks))
	unknown := make([]int, len(d.Checks))
	for i, c := range d.Checks {
		list[i], unknown[i] = d.outcome(c, byName[c.Name])
	}
	d.relate(list)
	results := make([]Result, len(list))
	for i, o := range list {
		d.settle(o)
		if n := unknown[i]; n > 0 {
			o.Reason = d.line(plain.Count(n, "finding") + " of unknown rules left out; " + o.Reason)
		}
		results[i] = o.Result
	}
	return results
}

// outcome is what may be believed of a check's result, still to be settled:
// CausedBy and BlockedBy are those of the file. claim is nil where the file does
// not name the check. unknown counts the findings of rules that it does not have.
func (d *distrust) outcome(c *Check, claim *Result) (o *outcome, unknown int) {
	o = &outcome{Result: Result{Check: c.Name, Stage: c.Stage, Title: c.Title}}
	if claim == nil {
		o.err = errors.New("the report says nothing about it")
		return o, 0
	}
	o.StartMs, o.DurationMs = milliseconds(claim.StartMs), milliseconds(claim.DurationMs)
	o.BlockedBy = claim.BlockedBy
	known, unknown := d.findings(c, claim.Findings)
	o.Findings = d.judge(c, d.session, known)
	before := make([]string, len(o.Findings))
	for i := range o.Findings {
		before[i] = o.Findings[i].Fingerprint
	}
	SetFingerprints(o.Findings)
	for i, old := range before {
		if old != "" && d.prints[old] == "" {
			d.prints[old] = o.Findings[i].Fingerprint
		}
	}

	worst := Passed
	for i := range o.Findings {
		if s := findingStatus(o.Findings[i].Severity); s.Rank() > worst.Rank() {
			worst = s
		}
	}
	// What is left out may be why it failed, unless what is known is bad enough.
	told := len(known) > 0 && (unknown == 0 || worst.Rank() >= claim.Status.Rank())
	status, reason := believe(claim.Status, d.line(claim.Reason), told)
	switch status {
	case Skipped:
		o.err = Skip(reason)
	case Blocked:
		o.err = &block{reason: reason}
	case Errored:
		o.err = errors.New(reason)
	default:
		o.Reason = reason
	}
	o.Modules = d.modules(claim.Modules, known)
	return o, unknown
}

// modules are the outcomes per main module, before the findings raise them.
func (d *distrust) modules(claims []ModuleStatus, findings []Finding) []ModuleStatus {
	told := map[string]bool{} // the directories that a finding is about
	for i := range findings {
		told[findings[i].Dir] = true
	}
	seen := map[string]bool{}
	var list []ModuleStatus
	for i := range claims {
		dir := d.path(claims[i].Dir)
		if dir == "" || seen[dir] {
			continue
		}
		seen[dir] = true
		status, reason := believe(claims[i].Status, d.line(claims[i].Reason), told[dir])
		list = append(list, ModuleStatus{Dir: dir, Status: status, Reason: reason})
	}
	return list
}

// believe is what a claimed status is worth before the findings are looked at.
// Findings alone make failed and warned: told says whether there are any that
// could have. Without them nobody knows why, which is no answer.
func believe(claim Status, reason string, told bool) (Status, string) {
	switch claim {
	case Failed, Warned:
		if told {
			return Passed, ""
		}
		return Errored, fmt.Sprintf("said to have %s, but no known finding tells why: %s", claim, cmp.Or(reason, "no reason is given"))
	case Passed:
		return Passed, reason
	case Skipped, Blocked, Errored:
		return claim, cmp.Or(reason, "no reason is given")
	}
	return Errored, "the report gives it no known status"
}

// findings are those of the check's own rules, made anew; their severities,
// final fingerprints and causes are still to be set. unknown counts the others.
func (d *distrust) findings(c *Check, claims []Finding) (known []Finding, unknown int) {
	for i := range claims {
		claim := &claims[i]
		rule := c.rule(claim.Rule)
		if rule == nil {
			unknown++
			continue
		}
		f := rule.Finding("%s", cmp.Or(d.text(claim.Message), rule.Summary))
		if f.File = d.path(claim.File); f.File == "." {
			f.File = ""
		}
		if f.File != "" {
			f.Line, f.Column, f.EndLine = position(claim.Line), position(claim.Column), position(claim.EndLine)
		}
		f.Dir, f.Module, f.Key = d.path(claim.Dir), claim.Module, claim.Key // cleaned by judge, as the evidence
		f.Evidence = claim.Evidence
		f.CausedBy, f.Fingerprint = claim.CausedBy, claim.Fingerprint
		known = append(known, f)
	}
	return known, unknown
}

// relate makes CausedBy and BlockedBy name what is in this report, or nothing,
// and opens circles: a finding is not its own cause.
func (d *distrust) relate(list []*outcome) {
	byPrint := map[string]*Finding{}
	for _, o := range list {
		by, isFinding := d.prints[o.BlockedBy]
		isCheck := slices.ContainsFunc(d.Checks, func(c *Check) bool { return c.Name == o.BlockedBy })
		if isFinding || !isCheck || o.BlockedBy == o.Check {
			o.BlockedBy = by
		}
		for i := range o.Findings {
			f := &o.Findings[i]
			f.CausedBy = d.prints[f.CausedBy]
			byPrint[f.Fingerprint] = f
		}
	}
	walk := 0
	met := map[*Finding]int{} // the walk on which a finding was met first
	for _, o := range list {
		for i := range o.Findings {
			walk++
			for f := &o.Findings[i]; f != nil && met[f] == 0; f = byPrint[f.CausedBy] {
				met[f] = walk
				if cause := byPrint[f.CausedBy]; cause != nil && met[cause] == walk {
					f.CausedBy = ""
				}
			}
		}
	}
}

func (d *distrust) mainModules(claims []RepositoryMod) []RepositoryMod {
	var list []RepositoryMod
	for _, m := range claims {
		if dir, path := d.path(m.Dir), d.text(m.Path); dir != "" && path != "" {
			list = append(list, RepositoryMod{Path: path, Dir: dir})
		}
	}
	return list
}

func (d *distrust) moduleChanges(claims []ModuleChange) []ModuleChange {
	var list []ModuleChange
	for _, c := range d.cleanChanges(claims) {
		if c.Path != "" && slices.Contains(ChangeKinds, c.Kind) {
			list = append(list, c)
		}
	}
	return list
}

// claimedLinks are the links of an untrusted run's chain: whatever it says of
// them, nothing is proven by it.
func claimedLinks(claims []Link) []Link {
	var list []Link
	for _, l := range claims {
		switch l.State {
		case Proven, Consistent, Unproven, Broken, Absent:
			list = append(list, Link{Link: l.Link, State: Unproven, Why: "an untrusted run says: " + string(l.State)})
		}
	}
	return list
}

// path is a slash path inside the repository, "." for its root; empty for
// anything else.
func (d *distrust) path(name string) string {
	if name = d.text(name); fs.ValidPath(name) {
		return name
	}
	return ""
}

// word is a version as it may be shown, or nothing.
func word(s string) string {
	if shortWord.MatchString(s) {
		return s
	}
	return ""
}

// milliseconds is a duration or a time within a run, at most maxRun.
func milliseconds(n int64) int64 { return min(max(n, 0), maxRun.Milliseconds()) }

// position is a line or a column; 0 for none, and for one that no file has.
func position(n int) int {
	if n < 0 || n > maxPosition {
		return 0
	}
	return n
}
