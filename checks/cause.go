package checks

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/failure"
)

// causeError is the error of a go command that did not answer, with the causes
// that the failure catalogue knows for what it printed.
type causeError struct {
	command string
	output  string
	causes  []failure.Cause
	// own are the findings to report where nobody else reported the cause;
	// none: one of the check's rule Unanswered is made.
	own []Finding
	// text, of an error that came with a shard's report, is what it says; own is
	// then all that there is to report.
	text string
}

// newCauseError reads what a go command printed into its causes.
func newCauseError(command, output string) *causeError {
	return &causeError{command: command, output: output, causes: failure.Diagnose(output)}
}

func (e *causeError) Error() string {
	if e.text != "" {
		return e.text
	}
	if len(e.causes) > 0 {
		return e.causes[0].Summary
	}
	return e.command + ": " + firstLine(e.output)
}

// findings are what a check tells of a cause that nobody else reported, in the
// main module in dir.
func (e *causeError) findings(rule *Rule, dir string) []Finding {
	if rule == nil {
		return nil
	}
	own := slices.Clone(e.own)
	if len(own) == 0 && e.text == "" {
		own = []Finding{unansweredFinding(rule, e)}
	}
	for i := range own {
		f := &own[i]
		f.attributed = true
		if f.Dir = dir; f.File == "" && dir != "" {
			f.File = path.Join(dir, "go.mod")
		}
	}
	return own
}

// firstLine is the first line that says something: progress and the headings of
// packages are passed over.
func firstLine(output string) string {
	for l := range strings.Lines(output) {
		l = strings.TrimSpace(l)
		if l != "" && !isProgress(l) && !strings.HasPrefix(l, "# ") {
			return l
		}
	}
	return "failed without a word"
}

// isProgress reports whether a line only says what the go command was doing.
func isProgress(line string) bool {
	return strings.HasPrefix(line, "go: downloading ") || strings.HasPrefix(line, "go: finding ")
}

// blockedError takes the place of a causeError whose cause another check reported.
type blockedError struct {
	rule, fingerprint string
}

func (e *blockedError) Error() string { return "blocked by " + e.rule }

// attribute looks, once all checks have ended, for the finding behind each
// question that got no answer: an errored check whose cause another check
// reported is blocked by that finding. A cause that nobody reported becomes a
// finding of the check's own; where several checks met it, of the one for which
// it is an error.
func (r *Runner) attribute(s *Session, list []*outcome) {
	var told []toldCause
	for _, severity := range []Severity{Error, Warning, ""} {
		for i, o := range list {
			if unansweredSeverity(r.Checks[i]) == severity {
				told = append(told, r.attributeOne(s, r.Checks[i], o, list, told)...)
			}
		}
	}
	followBlocks(list)
}

// unansweredSeverity is how hard it is for a check to have no answer; "" where
// it has no rule for that.
func unansweredSeverity(c *Check) Severity {
	if c.Unanswered == nil {
		return ""
	}
	return c.Unanswered.Severity
}

// toldCause is a cause for which a check reported a finding of its own.
type toldCause struct {
	cause   failure.Cause
	dir     string
	finding *Finding
}

func (r *Runner) attributeOne(s *Session, c *Check, o *outcome, list []*outcome, told []toldCause) []toldCause {
	findings := o.Findings
	changed := false
	var newly []toldCause
	said := map[string]bool{} // of the causes that are every module's, those with a finding
	settle := func(err error, dir string) error {
		var cause *causeError
		if !errors.As(err, &cause) {
			return err
		}
		changed = true
		own := cause.findings(c.Unanswered, dir)
		if s.Shard != nil {
			o.unanswered = append(o.unanswered, r.unanswered(c, s, err, dir, cause, own))
		}
		causedBy := ""
		if root := explain(cause, dir, o, list, told); root != nil {
			// Where it is an error to have no answer (a build that cannot start
			// does not build), what is less than an error explains that, no more.
			if root.Severity == Error || unansweredSeverity(c) != Error {
				return &blockedError{root.Rule, root.Fingerprint}
			}
			causedBy = root.Fingerprint
		}
		if c.Unanswered == nil {
			return err
		}
		if len(cause.causes) > 0 && cause.causes[0].Outside {
			if said[cause.causes[0].Summary] {
				return &blockedError{rule: c.Unanswered.ID}
			}
			said[cause.causes[0].Summary] = true
		}
		for _, f := range own {
			f.CausedBy = causedBy
			findings = append(findings, f)
		}
		if len(cause.causes) > 0 {
			newly = append(newly, toldCause{cause: cause.causes[0], dir: dir})
		}
		return err
	}
	o.err = settle(o.err, "")
	for j := range o.Modules {
		o.Modules[j].err = settle(o.Modules[j].err, o.Modules[j].Dir)
	}
	if !changed {
		return nil
	}
	o.Findings = r.clean(c, s, findings)
	o.Reason, o.BlockedBy = "", ""
	r.settle(o)
	for i := range newly {
		for j := range o.Findings {
			if f := &o.Findings[j]; f.Dir == newly[i].dir {
				newly[i].finding = f
				break
			}
		}
	}
	return newly
}

// explain is the finding of another check that explains one of the causes.
func explain(e *causeError, dir string, self *outcome, list []*outcome, told []toldCause) *Finding {
	var elsewhere *Finding
	for _, cause := range e.causes {
		for _, o := range list {
			if o == self {
				continue
			}
			for i := range o.Findings {
				f := &o.Findings[i]
				if f.Severity == Notice || !failure.Explains(cause, f.Rule, subject(f)) {
					continue
				}
				if f.Dir == "" || dir == "" || f.Dir == dir {
					return f
				}
				// Another main module's fault can reach this one, by a replace;
				// only a cause that names it says so.
				if elsewhere == nil && cause.Module != "" && f.Module != "" {
					elsewhere = f
				}
			}
		}
	}
	if elsewhere != nil || len(e.causes) == 0 {
		return elsewhere
	}
	for _, t := range told {
		if t.finding != nil && t.is(e.causes[0], dir) {
			return t.finding
		}
	}
	return nil
}

// is reports whether a cause that was met in a directory is the one that was told.
func (t toldCause) is(c failure.Cause, dir string) bool {
	if c.Class != t.cause.Class {
		return false
	}
	return t.dir == dir && c.Module == t.cause.Module || c.Outside && c.Summary == t.cause.Summary
}

// subject is the module that a finding is about. A package that nobody has is
// asked for, by tidy, as a module of that path.
func subject(f *Finding) string {
	if f.Rule == ruleBuildImport.ID {
		return f.Key
	}
	return f.Module
}

// unansweredFinding tells why a go command gave no answer.
func unansweredFinding(rule *Rule, e *causeError) Finding {
	f := rule.Finding("%s", e.Error())
	f.Evidence = []string{"$ " + e.command}
	for l := range strings.Lines(e.output) {
		if !isProgress(l) {
			f.Evidence = append(f.Evidence, strings.TrimRight(l, "\n"))
		}
	}
	if len(e.causes) > 0 {
		root := e.causes[0]
		f.Module = root.Module
		f.Transient = root.Transient
		f.Fix.Description = root.Fix
	}
	return f
}

// followBlocks makes a result that is blocked by a check name the finding that
// check turned out to be blocked by.
func followBlocks(list []*outcome) {
	by := map[string]string{}
	for _, o := range list {
		if o.Status == Blocked {
			by[o.Check] = o.BlockedBy
		}
	}
	for _, o := range list {
		if o.Status == Blocked {
			o.BlockedBy = follow(by, o.BlockedBy)
		}
		for i := range o.Modules {
			o.Modules[i].BlockedBy = follow(by, o.Modules[i].BlockedBy)
		}
	}
}

// follow goes from what blocks to what blocks that, to the last that is known.
func follow(by map[string]string, name string) string {
	for range by { // as many steps as there are checks, so that no loop is endless
		next, ok := by[name]
		if !ok || next == "" {
			break
		}
		name = next
	}
	return name
}
