package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// stopGrace is how long a check that does not heed its context is waited for.
const stopGrace = 10 * time.Second

// Runner runs checks: each as soon as what it needs and comes after has ended,
// many at once, with results in declared order.
type Runner struct {
	// Checks are the checks in declared order; as a rule All.
	Checks []*Check
	// Selected says whether a check is to run, and if not, why not. nil: all run.
	Selected func(*Check) (ok bool, why string)
	// Timeout bounds each check; 0 means no bound.
	Timeout time.Duration
	// Redactor masks secrets in everything that checks return; nil masks those of a
	// known form.
	Redactor *plain.Redactor
	// Started, Progress and Done follow a run; they may be nil and are called
	// from several goroutines.
	Started  func(*Check)
	Progress func(*Check, string)
	Done     func(*Result)

	// joining says that the findings come from shards, which have judged and
	// cleaned them: they only get their order and fingerprints.
	joining bool
}

// outcome is a result with what a report does not carry.
type outcome struct {
	Result
	link    *Link
	changes []ModuleChange
	// unselected says that it was not to be run.
	unselected bool
	// unanswered are the questions whose go command failed, and unasked the
	// modules that a Need kept from being asked: for Part.
	unanswered []Unanswered
	unasked    []ModuleStatus
	// err is why it errored; statuses of modules have their own.
	err  error
	done chan struct{}
}

// Run runs the checks and returns their results, their links and what the change
// does to the build list. When ctx ends it returns what there is: checks that had
// not ended are errored.
func (r *Runner) Run(ctx context.Context, s *Session) ([]Result, []Link, []ModuleChange) {
	start := s.Now()
	if s.shared == nil {
		s.shared = &shared{}
	}
	outcomes := make(map[*Check]*outcome, len(r.Checks))
	for _, c := range r.Checks {
		outcomes[c] = &outcome{
			Result: Result{Check: c.Name, Stage: c.Stage, Title: c.Title},
			done:   make(chan struct{}),
		}
	}
	for _, c := range r.Checks {
		go func() {
			o := outcomes[c]
			defer close(o.done)
			r.runCheck(ctx, s, c, outcomes, start)
			if r.Done != nil {
				r.Done(&o.Result)
			}
		}()
	}
	for _, c := range r.Checks {
		<-outcomes[c].done
	}

	list := make([]*outcome, len(r.Checks))
	for i, c := range r.Checks {
		list[i] = outcomes[c]
	}
	r.attribute(s, list)
	unused := r.judgePolicyFile(s, list)
	results := make([]Result, len(list))
	var links []Link
	var changes []ModuleChange
	for i, o := range list {
		if s.Shard != nil {
			o.Part = o.part(r)
			if o.Check == policyName {
				o.Part.Unused = unused
			}
		}
		results[i] = o.Result
		changes = append(changes, o.changes...)
		if o.link != nil {
			links = append(links, *o.link)
		}
	}
	return results, links, changes
}

// runCheck waits for what a check depends on, runs it, and settles its result.
func (r *Runner) runCheck(ctx context.Context, s *Session, c *Check, all map[*Check]*outcome, start time.Time) {
	o := all[c]
	if r.Selected != nil {
		if ok, why := r.Selected(c); !ok {
			o.Status, o.Reason, o.err, o.unselected = Skipped, why, Skip(why), true
			return
		}
	}
	if s.Shard != nil && len(s.Shard.Modules) == 0 && !ofMachine(c.Stage) {
		why := fmt.Sprintf("%s has no module", s.Shard)
		o.Status, o.Reason, o.err = Skipped, why, Skip(why)
		return
	}
	for _, list := range [][]*Check{c.Needs, c.After} {
		for _, dep := range list {
			if d := all[dep]; d != nil {
				<-d.done
			}
		}
	}
	o.StartMs = s.Now().Sub(start).Milliseconds()
	if ctx.Err() != nil {
		o.Status, o.Reason, o.err = Errored, "not started: "+context.Cause(ctx).Error(), ctx.Err()
		return
	}
	asked := s.Modules
	if s.Shard != nil && c.Join != nil {
		asked = s.Shard.Modules
	}
	modules, blocked, by := unblocked(c, asked, all)
	o.unasked = slices.Clone(blocked)
	if by != nil && (len(blocked) == 0 || len(modules) == 0) {
		o.Status, o.Reason, o.BlockedBy, o.Modules, o.err = Blocked, by.reason, by.by, blocked, by
		return
	}

	own := *s
	own.Modules, own.whole = modules, s.Modules
	own.result = func(other *Check) *Result {
		if !slices.Contains(c.Needs, other) && !slices.Contains(c.After, other) {
			panic(fmt.Sprintf("check %s asks for the result of %s, which it does not come after", c.Name, other.Name))
		}
		if d := all[other]; d != nil && d.Status != "" {
			return &d.Result
		}
		return nil
	}
	own.Progress = func(format string, args ...any) {
		if r.Progress != nil {
			r.Progress(c, r.text(fmt.Sprintf(format, args...)))
		}
	}
	if r.Started != nil {
		r.Started(c)
	}
	facts, findings, err := r.call(ctx, c, &own)
	findings, err = ownFindings(c, findings, err)
	o.DurationMs = s.Now().Sub(start).Milliseconds() - o.StartMs
	o.changes = r.cleanChanges(facts.Changes)
	o.err, o.link, o.Facts = err, r.cleanLink(facts.Link), r.cleanFacts(facts.Values)
	o.Findings = r.clean(c, s, findings)
	for i := range facts.Modules {
		facts.Modules[i].Dir = plain.Line(facts.Modules[i].Dir) // as that of findings
	}
	o.Modules = inOrder(asked, slices.Concat(facts.Modules, blocked))
	o.Reason = facts.Summary
	r.settle(o)
}

// inOrder sorts outcomes by the order of their modules.
func inOrder(modules []*repo.Module, statuses []ModuleStatus) []ModuleStatus {
	at := make(map[string]int, len(modules))
	for i, m := range modules {
		at[plain.Line(m.Dir)] = i
	}
	slices.SortStableFunc(statuses, func(a, b ModuleStatus) int { return cmp.Compare(at[a.Dir], at[b.Dir]) })
	return statuses
}

// call runs a check within its timeout, turns a panic into an error, and leaves
// a check behind that does not end when its context does.
func (r *Runner) call(ctx context.Context, c *Check, s *Session) (Facts, []Finding, error) {
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.Timeout, &timeoutError{r.Timeout})
		defer cancel()
	}
	type answer struct {
		facts    Facts
		findings []Finding
		err      error
	}
	done := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a.err = panicError(p)
			}
			done <- a
		}()
		a.facts, a.findings, a.err = c.Run(ctx, s)
	}()
	var a answer
	select {
	case a = <-done:
	case <-ctx.Done():
		grace := time.NewTimer(stopGrace)
		defer grace.Stop()
		select {
		case a = <-done:
		case <-grace.C:
			a.err = errors.New("did not stop")
		}
	}
	if a.err != nil && ctx.Err() != nil {
		a.err = context.Cause(ctx)
	}
	return a.facts, a.findings, a.err
}

// ownFindings are the findings of a check's own rules; another one is a bug of
// ours, and the check's answer no answer.
func ownFindings(c *Check, findings []Finding, err error) ([]Finding, error) {
	kept := findings[:0]
	for _, f := range findings {
		if c.rule(f.Rule) == nil {
			err = fmt.Errorf("internal error, please report it: check %s reported %q, which is none of its rules", c.Name, f.Rule)
			continue
		}
		kept = append(kept, f)
	}
	return kept, err
}

// timeoutError says that a check took too long.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string {
	return fmt.Sprintf("no answer within %s (--timeout)", e.after)
}

// panicError is a bug of ours, told as such.
func panicError(p any) error {
	return fmt.Errorf("internal error, please report it: %v\n%s", p, debug.Stack())
}

// block is why a check, or one of its modules, cannot be asked. As an error it
// is that of a check that was not asked at all.
type block struct{ reason, by string }

func (b *block) Error() string { return b.reason }

// unblocked divides the modules into those that can be judged and those that a
// Need has blocked. by is the first block found; with no module named by any,
// the whole check is blocked (blocked is then empty).
func unblocked(c *Check, modules []*repo.Module, all map[*Check]*outcome) (free []*repo.Module, blocked []ModuleStatus, by *block) {
	dirs := map[string]*block{}
	for _, need := range c.Needs {
		n := all[need]
		if n == nil {
			continue
		}
		for i := range n.Findings {
			f := &n.Findings[i]
			if !need.blocks(f) {
				continue
			}
			b := &block{"blocked by " + f.Rule, f.Fingerprint}
			if f.Dir == "" {
				return nil, nil, b
			}
			if dirs[f.Dir] == nil {
				dirs[f.Dir] = b
			}
		}
		perModule := false
		for _, m := range n.Modules {
			if m.Status == Errored || m.Status == Blocked {
				perModule = true
				if dirs[m.Dir] == nil {
					dirs[m.Dir] = &block{fmt.Sprintf("%s could not find out", need.Name), need.Name}
				}
			}
		}
		if !perModule {
			switch {
			case n.err != nil && n.Status == Errored:
				return nil, nil, &block{fmt.Sprintf("%s could not find out", need.Name), need.Name}
			case n.Status == Blocked:
				return nil, nil, &block{n.Reason, n.BlockedBy}
			}
		}
	}
	for _, m := range modules {
		dir := plain.Line(m.Dir)
		b := dirs[dir]
		if b == nil {
			free = append(free, m)
			continue
		}
		if by == nil {
			by = b
		}
		blocked = append(blocked, ModuleStatus{Dir: dir, Status: Blocked, Reason: b.reason, BlockedBy: b.by})
	}
	return free, blocked, by
}

// settle derives a result's status and reason from its error, its findings and
// its modules: the worst counts.
func (r *Runner) settle(o *outcome) {
	own, ownReason := Passed, o.Reason
	if o.err != nil {
		own, ownReason = statusOf(o.err), r.line(o.err.Error())
	}
	worst := map[string]Status{}
	status := own
	reason := ownReason
	raise := func(s Status, why string) {
		if s.Rank() > status.Rank() {
			status, reason = s, why
		}
	}
	for i := range o.Findings {
		f := &o.Findings[i]
		s := findingStatus(f.Severity)
		if f.Dir != "" && s.Rank() > worst[f.Dir].Rank() {
			worst[f.Dir] = s
		}
		raise(s, f.Message)
	}
	if n := len(o.Findings); n > 1 && (status == Failed || status == Warned) {
		reason = plain.Count(n, "finding") + ", first: " + reason
	}
	if len(o.Modules) > 0 {
		// Modules that were skipped do not make the whole one skipped, unless all were.
		allSkipped := own == Passed
		for i := range o.Modules {
			m := &o.Modules[i]
			if m.err != nil {
				m.Status, m.Reason, m.BlockedBy = statusOf(m.err), r.line(m.err.Error()), blockerOf(m.err)
			}
			if s := worst[m.Dir]; s.Rank() > m.Status.Rank() {
				m.Status, m.Reason, m.BlockedBy = s, "", ""
			}
			m.Reason = r.line(m.Reason)
			allSkipped = allSkipped && m.Status == Skipped
			why := m.Reason
			if len(o.Modules) > 1 && m.Status != Blocked {
				why = m.Dir + ": " + why
			}
			raise(m.Status, why)
		}
		if allSkipped && len(o.Findings) == 0 {
			status, reason = Skipped, o.Modules[0].Reason
		}
	}
	switch {
	case reason == "" && len(o.Findings) > 0:
		reason = o.Findings[0].Message
	case reason == "":
		reason = o.Title
	}
	o.Status, o.Reason = status, r.line(reason)
	if o.Status != Blocked {
		o.BlockedBy = ""
	} else if o.BlockedBy == "" {
		o.BlockedBy = blocker(o)
	}
}

// blocker is what blocks a result as a whole, or else the first of its modules
// of which that is known.
func blocker(o *outcome) string {
	if by := blockerOf(o.err); by != "" {
		return by
	}
	for _, m := range o.Modules {
		if m.BlockedBy != "" {
			return m.BlockedBy
		}
	}
	return ""
}

// blockerOf is what an error says that blocks: a finding or a check; empty for none.
func blockerOf(err error) string {
	var attributed *blockedError
	var unasked *block
	switch {
	case errors.As(err, &attributed):
		return attributed.fingerprint
	case errors.As(err, &unasked):
		return unasked.by
	}
	return ""
}

func (r *Runner) line(s string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return r.text(first)
}

// statusOf is what an error makes of a result.
func statusOf(err error) Status {
	var sk *skip
	var attributed *blockedError
	var unasked *block
	switch {
	case errors.As(err, &sk):
		return Skipped
	case errors.As(err, &attributed), errors.As(err, &unasked):
		return Blocked
	}
	return Errored
}

// findingStatus is what a finding makes of a result; a notice leaves it passed.
func findingStatus(s Severity) Status {
	switch s {
	case Error:
		return Failed
	case Warning:
		return Warned
	}
	return Passed
}
