package report

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// Terminal is for people: the checks as a list, the verdict, and every finding
// with its place, its evidence and what mends it, root cause first.
var Terminal = &Reporter{
	Name:  "terminal",
	Doc:   "for people, on a terminal or in a job log",
	Write: writeTerminal,
}

// Limits of the terminal's output; --verbose lifts the first two.
const (
	// maxPerRule is how many findings of one rule are shown.
	maxPerRule = 20
	// maxEvidence is how many lines of evidence one finding shows.
	maxEvidence = 12
	// maxFact is the length of a fact's value, in runes.
	maxFact = 200
	// maxFactLines is how many texts of a fact's list are shown.
	maxFactLines = 24
)

// indent is how far a finding's text stands in; labelled lines ("fix", "why")
// keep labelWidth columns for the label.
const (
	indent     = "      "
	labelWidth = 8
)

func writeTerminal(_ context.Context, d Dest, r *checks.Report) error {
	t := terminal{style: style{d.Color, d.ASCII}, d: d, r: r}
	if !d.Quiet {
		t.header()
		t.lists()
	}
	t.verdict()
	t.findings()
	text := t.String()
	if d.Log {
		text = guardLog(text)
	}
	if _, err := d.Out.Write([]byte(text)); err != nil {
		return fmt.Errorf("writing the terminal report: %w", err)
	}
	return nil
}

// terminal builds the text of one report.
type terminal struct {
	style
	bytes.Buffer
	d Dest
	r *checks.Report
}

func (t *terminal) linef(format string, args ...any) {
	fmt.Fprintf(&t.Buffer, format+"\n", args...)
}

// header says what looked at what.
func (t *terminal) header() {
	if t.d.ListShown {
		t.linef("")
	}
	name := cmp.Or(oneLine(t.r.Tool.Name), "gopreflight") + " " + oneLine(t.r.Tool.Version)
	var parts []string
	if path, others := mainModule(t.r); path != "" {
		if others > 0 {
			path += " (+" + plain.Count(others, "module") + ")"
		}
		parts = append(parts, path)
	}
	parts = append(append(parts, goVersion(t.r)), aside(t.r)...)
	t.linef("%s  %s", t.bold(strings.TrimSpace(name)), strings.Join(parts, ", "))
}

// lists shows the checks, unless they stand on Out already, and with --verbose
// their facts.
func (t *terminal) lists() {
	start, end := runTimes(t.r)
	if !t.d.Sections {
		if !t.d.ListShown || t.d.Verbose { // the live lines have no facts
			t.list(t.d.Verbose)
		}
		return
	}
	if !t.d.ListShown {
		t.WriteString(sectionChecks.start(start, headerChecks))
		t.list(false)
		t.WriteString(sectionChecks.end(end))
	}
	if t.d.Verbose {
		t.WriteString(sectionFacts.start(end, "gopreflight: checks with their facts"))
		t.list(true)
		t.WriteString(sectionFacts.end(end))
	}
}

// list is the checks by stage.
func (t *terminal) list(verbose bool) {
	var stage checks.Stage
	for i := range t.r.Results {
		res := &t.r.Results[i]
		if i == 0 || res.Stage != stage {
			stage = res.Stage
			t.linef("\n%s", t.bold(oneLine(checks.StageTitle(stage))))
		}
		t.linef("%s%s", t.checkLine(res, blocker(t.r, res), t.d.Width), t.moduleLines(res, t.d.Width, verbose))
		if verbose {
			t.facts(res)
		}
	}
}

// facts shows what a check learned, sorted by name; of a list of texts each on a
// line of its own, up to maxFactLines.
func (t *terminal) facts(res *checks.Result) {
	for _, name := range slices.Sorted(maps.Keys(res.Facts)) {
		if lines := textsOf(res.Facts[name]); len(lines) > 1 {
			t.linef("%s%s", strings.Repeat(" ", textColumn), t.dim(oneLine(name)))
			for i, line := range lines {
				if i == maxFactLines {
					line = fmt.Sprintf("and %d more", len(lines)-i)
				}
				t.linef("%s%s", strings.Repeat(" ", textColumn+2), t.dim(cut(oneLine(line), maxFact)))
				if i == maxFactLines {
					break
				}
			}
			continue
		}
		value, err := json.Marshal(res.Facts[name])
		if err != nil {
			value = []byte("(" + err.Error() + ")")
		}
		t.linef("%s%s", strings.Repeat(" ", textColumn), t.dim(oneLine(name)+" "+cut(oneLine(string(value)), maxFact)))
	}
}

// textsOf is a fact that is a list of texts; nil for any other.
func textsOf(fact any) []string {
	list, ok := fact.([]any)
	if !ok {
		return nil
	}
	var texts []string
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil
		}
		texts = append(texts, text)
	}
	return texts
}

// verdict is the line that says how it ended.
func (t *terminal) verdict() {
	line := t.style.verdict(t.r.Verdict) + " in " + duration(t.r.DurationMs)
	for _, more := range []string{interrupted(t.r), tally(t.r)} {
		if more != "" {
			line += ", " + more
		}
	}
	for _, more := range remarks(t.r) {
		line += "; " + more
	}
	if t.r.Untrusted {
		line += "; by the word of an untrusted run, which decides no exit code"
	}
	if !t.d.Quiet {
		t.linef("")
	}
	t.linef("%s", line)
}

// findings tells what was found, the hardest first. What could not be found out
// comes before the warnings: an inconclusive run has nothing else to point at.
func (t *terminal) findings() {
	groups := outline(t.r)
	for _, g := range groups {
		if g.rank <= rankError {
			t.group(g)
		}
	}
	t.unanswered()
	t.lesser(groups, rankWarning, sectionWarnings)
	t.lesser(groups, rankNotice, sectionNotices)
}

// lesser tells the warnings or the notices: folded in a log with sections, not
// at all with --quiet. Warnings that fail the run are told like errors.
func (t *terminal) lesser(groups []group, of rank, s section) {
	groups = slices.DeleteFunc(slices.Clone(groups), func(g group) bool { return g.rank != of })
	failing := of == rankWarning && t.r.FailOn == string(checks.Warning)
	if len(groups) == 0 || t.d.Quiet && !failing {
		return
	}
	folded := t.d.Sections && !failing
	_, end := runTimes(t.r)
	if folded {
		n, noun := 0, string(checks.Notice)
		if of == rankWarning {
			noun = string(checks.Warning)
		}
		for _, g := range groups {
			n += len(g.items)
		}
		t.linef("")
		t.WriteString(s.start(end, plain.Count(n, noun)))
	}
	for _, g := range groups {
		t.group(g)
	}
	if folded {
		t.WriteString(s.end(end))
	}
}

// group is the findings of one rule: one by itself, or several as a list. What
// they share is said once: the fix at the end, and where to read why.
func (t *terminal) group(g group) {
	items := g.items
	if !t.d.Verbose && len(items) > maxPerRule {
		items = items[:maxPerRule]
	}
	first := items[0]
	t.linef("")
	if len(g.items) == 1 {
		t.linef("  %s %s", t.severity(first.Severity), joined(t.bold(oneLine(g.rule)), t.blue(place(first.Finding)), t.dim(about(first.Finding))))
		t.wrapped(indent, oneLine(first.Message))
		t.evidence(first)
		t.fix(first.Fix)
		t.consequences(first)
	} else {
		t.linef("  %s %s  %s", t.severity(first.Severity), t.bold(oneLine(g.rule)), t.dim(plain.Count(len(g.items), "finding")))
		oneFix := !slices.ContainsFunc(items, func(it item) bool { return !it.Fix.Equal(first.Fix) })
		for i, it := range items {
			t.listed(it)
			t.evidence(it)
			if !oneFix {
				t.fix(it.Fix)
			}
			t.consequences(it)
			if last := i == len(items)-1; last && len(items) < len(g.items) {
				t.linef("%s%s%s: --verbose shows all", indent, t.more(), plain.Count(len(g.items)-len(items), "more finding"))
			}
		}
		if oneFix {
			t.fix(first.Fix)
		}
	}
	if why := explainCommand(g.rule); why != "" {
		t.label("why", why)
	}
}

// listed is the first line of a finding among several of its rule.
func (t *terminal) listed(it item) {
	p := place(it.Finding)
	message := hang(oneLine(it.Message), len(indent)+utf8.RuneCountInString(p)+2, t.d.Width, func(l string) string { return l })
	t.linef("%s%s", indent, joined(t.blue(p), message, t.dim(about(it.Finding))))
}

// joined is the parts that are not empty, two spaces apart.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "  ")
}

// evidence is what was seen, and why it was accepted if it was.
func (t *terminal) evidence(it item) {
	lines := plain.Lines(it.Evidence)
	if len(lines) > maxEvidence && !t.d.Verbose {
		more := len(lines) - maxEvidence + 1
		lines = append(slices.Clip(lines[:maxEvidence-1]), t.more()+plain.Count(more, "more line"))
	}
	for _, l := range lines {
		t.linef("%s%s", indent, t.dim("| "+l))
	}
	if it.Exception != nil {
		t.label("waived", exceptionText(it.Exception))
	}
}

// fix is what to do: the sentence, then the command on lines of its own.
func (t *terminal) fix(f checks.Fix) {
	label := "fix"
	if description := oneLine(f.Description); description != "" {
		t.label(label, description)
		label = ""
	}
	for _, c := range verbatim(f.Command) {
		t.linef("%s%s%s", indent, t.dim(pad(label, labelWidth)), t.bold(c))
		label = ""
	}
	if t.d.Verbose {
		for _, p := range verbatim(f.Patch) {
			t.linef("%s%s%s", indent, strings.Repeat(" ", labelWidth), p)
		}
	}
}

// consequences are what a finding takes with it.
func (t *terminal) consequences(it item) {
	if len(it.blocks) > 0 {
		t.label("blocks", oneLine(strings.Join(it.blocks, ", ")))
	}
	if len(it.follows) == 0 {
		return
	}
	t.label("causes", followText(it.follows))
	if t.d.Verbose {
		for _, f := range it.follows {
			t.wrapped(indent+strings.Repeat(" ", labelWidth), strings.TrimSpace(oneLine(f.Rule)+" "+place(f))+": "+oneLine(f.Message))
		}
	}
}

// unanswered lists the checks that could not find out and have no finding that
// says why: an inconclusive run has nothing else to point at.
func (t *terminal) unanswered() {
	for i := range t.r.Results {
		res := &t.r.Results[i]
		if res.Status != checks.Errored || len(res.Findings) > 0 {
			continue
		}
		t.linef("\n  %s %s", t.mark(res.Status), t.bold(oneLine(res.Check)))
		t.wrapped(indent, statusText(res, ""))
	}
}

// label writes "label  text" with the text's continuation below itself.
func (t *terminal) label(label, text string) {
	for i, l := range wrap(text, t.room(len(indent)+labelWidth)) {
		if i > 0 {
			label = ""
		}
		t.linef("%s%s%s", indent, t.dim(pad(label, labelWidth)), l)
	}
}

// wrapped writes text behind an indentation on as many lines as it needs.
func (t *terminal) wrapped(in, text string) {
	for _, l := range wrap(text, t.room(len(in))) {
		t.linef("%s%s", in, l)
	}
}

// room is the width that is left of a column; 0 for no limit.
func (t *terminal) room(column int) int {
	if t.d.Width <= 0 {
		return 0
	}
	return max(20, t.d.Width-column)
}
