package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// FixOutcome is what became of a FixAction.
type FixOutcome string

// The outcomes.
const (
	// FixPlanned: nothing was done yet.
	FixPlanned FixOutcome = ""
	// FixMended: the same check, asked again, has nothing to say any more.
	FixMended FixOutcome = "mended"
	// FixMissing: what was wrong is out of the way, and nothing could be put in its place.
	FixMissing FixOutcome = "not brought back"
	// FixBroken: the check still finds fault.
	FixBroken FixOutcome = "still broken"
	// FixUnknown: the check, asked again, could not find out.
	FixUnknown FixOutcome = "could not find out"
	// FixLeft: no machine should decide this.
	FixLeft FixOutcome = "left alone"
	// FixAccepted: the policy accepts it.
	FixAccepted FixOutcome = "accepted"
)

// A FixAction is what gopreflight fix does about findings that go together.
type FixAction struct {
	// Name is what it is about: a module version, or a rule.
	Name string
	// Findings are what was found, as a report has it.
	Findings []checks.Finding
	// Cache is the folder that is moved from, and Aside what, relative to it.
	Cache string
	Aside []string
	// Command is what is run then; empty for nothing.
	Command string
	Outcome FixOutcome
	// Detail is why, in one line.
	Detail string
}

// A FixReport is a run of gopreflight fix.
type FixReport struct {
	// Report says what looked at what; its results are not shown.
	*checks.Report
	Actions []FixAction
	// Skipped are checks whose question did not arise, with the reason.
	Skipped []string
	// Unanswered are checks that could not find out, with the reason.
	Unanswered []string
	// Quarantines are the folders that now hold what was moved.
	Quarantines []string
	// Into are the folders that a dry run would move things to.
	Into   []string
	DryRun bool
}

// Count is how many actions came to one of these ends.
func (r *FixReport) Count(outcomes ...FixOutcome) int {
	n := 0
	for _, a := range r.Actions {
		if slices.Contains(outcomes, a.Outcome) {
			n++
		}
	}
	return n
}

// maxAside is how many names of one action are shown; the manifest has them all.
const maxAside = 50

// WriteFixPlan tells, before anything is done, what was found and what will be done.
func WriteFixPlan(d Dest, r *FixReport) error {
	t := terminal{style: style{d.Color, d.ASCII}, d: d, r: r.Report}
	t.header()
	for i := range r.Actions {
		t.action(&r.Actions[i])
	}
	return t.flush(d.Out)
}

// WriteFixEnd tells what became of it all.
func WriteFixEnd(d Dest, r *FixReport) error {
	t := terminal{style: style{d.Color, d.ASCII}, d: d, r: r.Report}
	if !r.DryRun {
		for i := range r.Actions {
			t.outcome(&r.Actions[i], i == 0)
		}
	}
	for _, k := range r.Skipped {
		t.linef("\n  %s %s", t.dim(t.sign("–", "-")), oneLine(k))
	}
	for _, u := range r.Unanswered {
		t.linef("\n  %s %s", t.yellow("?"), oneLine(u))
	}
	t.linef("\n%s", t.fixVerdict(r))
	for _, dir := range r.Quarantines {
		t.label("aside", oneLine(dir)+" (its manifest.json says what, why, and how to put it back)")
	}
	for _, dir := range r.Into {
		t.label("to", oneLine(dir))
	}
	return t.flush(d.Out)
}

func (t *terminal) flush(w io.Writer) error {
	text := t.String()
	if t.d.Log {
		text = guardLog(text)
	}
	if _, err := io.WriteString(w, text); err != nil {
		return fmt.Errorf("writing what fix does: %w", err)
	}
	return nil
}

// action is what was found, and what will be done about it.
func (t *terminal) action(a *FixAction) {
	t.linef("")
	for i := range a.Findings {
		f := &a.Findings[i]
		t.linef("  %s %s", t.severity(f.Severity), joined(t.bold(oneLine(f.Rule)), t.blue(place(f)), t.dim(about(f))))
		t.wrapped(indent, oneLine(f.Message))
	}
	if len(a.Findings) == 0 {
		t.linef("  %s %s", t.yellow("!"), t.bold(oneLine(a.Name)))
		t.wrapped(indent, oneLine(a.Detail))
	}
	switch a.Outcome {
	case FixLeft:
		f := &a.Findings[0]
		t.label("left", "not for a machine to decide")
		t.fix(f.Fix)
		if why := explainCommand(oneLine(f.Rule)); why != "" {
			t.label("why", why)
		}
		return
	case FixAccepted:
		t.label("waived", exceptionText(a.Findings[0].Exception))
		return
	}
	t.names("aside", a.Aside)
	if len(a.Aside) > 0 {
		t.label("from", oneLine(a.Cache))
	}
	if a.Command != "" {
		t.label("then", oneLine(a.Command)+t.dim("  in a temporary module, held to go.sum"))
	}
}

// names is a label with one name on each line.
func (t *terminal) names(label string, names []string) {
	shown := names
	if len(names) > maxAside && !t.d.Verbose {
		shown = names[:maxAside]
	}
	for _, name := range shown {
		t.linef("%s%s%s", indent, t.dim(pad(label, labelWidth)), oneLine(name))
		label = ""
	}
	if more := len(names) - len(shown); more > 0 {
		t.linef("%s%s%s%s: --verbose shows all", indent, strings.Repeat(" ", labelWidth), t.more(), plain.Count(more, "more name"))
	}
}

// outcome is one line about an action.
func (t *terminal) outcome(a *FixAction, first bool) {
	if first {
		t.linef("\n%s", t.bold("Outcome"))
	}
	mark := t.yellow("?")
	switch a.Outcome {
	case FixMended:
		mark = t.green(t.sign("✓", "+"))
	case FixBroken, FixLeft:
		mark = t.red(t.sign("✗", "x"))
	case FixAccepted:
		mark = t.dim(t.sign("–", "-"))
	}
	text := string(a.Outcome)
	if a.Outcome == FixMissing && len(a.Aside) > 0 {
		text = "moved aside, and " + text
	}
	if a.Detail != "" {
		text += ": " + oneLine(a.Detail)
	}
	t.linef("  %s %s", mark, joined(oneLine(a.Name), text))
}

// fixVerdict is the last line: the worst that is left comes first.
func (t *terminal) fixVerdict(r *FixReport) string {
	mended, broken := r.Count(FixMended), r.Count(FixBroken, FixLeft)
	open := r.Count(FixMissing, FixUnknown) + len(r.Unanswered)
	planned := r.Count(FixPlanned)
	took := " in " + duration(r.DurationMs)
	var parts []string
	add := func(n int, text string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", plain.Thousands(n), text))
		}
	}
	word := t.paint("1;32", "MENDED")
	switch {
	case r.Interrupted != "":
		word = t.paint("1;33", "INTERRUPTED")
		parts = append(parts, "run the same command again to end it")
	case r.DryRun && planned+broken > 0:
		word = t.paint("1;33", "DRY RUN")
		parts = append(parts, "nothing was changed")
		add(planned, "would be mended")
		add(broken, "not by a machine")
		add(open, "without an answer")
		return word + took + ", " + strings.Join(parts, ", ")
	case broken > 0:
		word = t.paint("1;31", "STILL BROKEN")
	case open > 0:
		word = t.paint("1;33", "INCONCLUSIVE")
	case mended == 0:
		word = t.paint("1;32", "NOTHING TO MEND")
	}
	add(mended, "mended")
	add(broken, "still broken")
	add(open, "without an answer")
	return word + took + strings.Repeat(", ", min(1, len(parts))) + strings.Join(parts, ", ")
}
