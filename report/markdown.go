package report

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// Markdown is the job summary as a file of its own: GitHub Flavored Markdown.
var Markdown = &Reporter{
	Name:  "markdown",
	Doc:   "for job summaries and comments: GitHub Flavored Markdown",
	Write: writeMarkdown,
}

func writeMarkdown(_ context.Context, d Dest, r *checks.Report) error {
	text := markdownText(r, MaxSummary)
	if d.Log { // blocks of code hold their lines as they are
		text = guardLog(text)
	}
	if _, err := d.Out.Write([]byte(text)); err != nil {
		return fmt.Errorf("writing the Markdown report: %w", err)
	}
	return nil
}

// Bounds of one report's parts, so that the head, the table and the environment
// always fit and one finding cannot take the room of all.
const (
	// minMarkdown is the least room, in bytes, that markdownText can keep to.
	minMarkdown = 4 << 10
	// maxRows is how many rows a table shows.
	maxRows = 60
	// maxCell is the length of a table's text, in runes.
	maxCell = 240
	// maxFence is the size of one block of code, in bytes, and maxFenceLines
	// its lines.
	maxFence      = 8 << 10
	maxFenceLines = 80
	// maxItems is how many findings of one rule are listed.
	maxItems = 200
	// maxUnanswered is how many checks without an answer the head names.
	maxUnanswered = 6
	// maxFollows is how many consequences of one finding are listed.
	maxFollows = 20
	// maxText is the length of a message or a fix, in runes.
	maxText = 1200
)

// markdownText is the report in at most limit bytes: the head, the checks, the
// findings most telling first, the environment. What does not fit is left out
// whole, part by part from the end, and counted.
func markdownText(r *checks.Report, limit int) string {
	m := markdown{r}
	groups := outline(r)
	total := 0
	for i := range groups {
		total += groups[i].size()
	}

	tail := m.chain() + m.environment()
	b := bounded{left: limit - len(leftOut(total)) - len(tail)}
	if b.left < minMarkdown/2 { // the environment is the first to go
		b.left += len(tail)
		tail = ""
	}
	b.add(m.title())
	if len(groups) > 0 && (groups[0].rank <= rankError || r.Verdict == checks.Fail) {
		b.add(m.first(groups[0]))
	} else {
		b.add(m.unanswered())
	}
	if !b.add(m.table()) {
		b.add("**" + plain.Count(len(r.Results), "check") + "** did not fit here: the JSON report has all of them.\n\n")
	}
	shown := 0
	if total > 0 && b.add("### Findings\n\n") {
		for _, g := range groups {
			n := m.group(&b, g)
			if shown += n; n == 0 {
				break
			}
		}
	}
	return b.String() + leftOut(total-shown) + tail
}

// leftOut says that findings are missing.
func leftOut(n int) string {
	if n == 0 {
		return ""
	}
	return "**" + plain.Count(n, "more finding") + "** did not fit here: the JSON report has all of them.\n\n"
}

// bounded takes parts as long as they fit.
type bounded struct {
	strings.Builder
	left int
}

// add writes a part whole, or not at all.
func (b *bounded) add(part string) bool {
	if len(part) > b.left {
		return false
	}
	b.left -= len(part)
	b.WriteString(part)
	return true
}

// markdown writes the parts of one report. Every method returns whole blocks,
// each followed by a blank line.
type markdown struct{ r *checks.Report }

// verdictSign is the one emoji of a summary: it is seen before the words.
func verdictSign(v checks.Verdict) string {
	switch v {
	case checks.Pass:
		return "✅"
	case checks.Fail:
		return "❌"
	}
	return "⚠️"
}

// title is the answer in one line, and what was looked at in another.
func (m markdown) title() string {
	words := map[checks.Verdict]string{checks.Pass: "passed", checks.Fail: "failed", checks.Inconclusive: "inconclusive"}
	answer := words[m.r.Verdict]
	for _, more := range []string{tally(m.r), interrupted(m.r)} {
		if more != "" {
			answer += ", " + more
		}
	}
	var facts []string
	if path, others := mainModule(m.r); path != "" {
		path = gfmCode(cut(path, maxCell))
		if others > 0 {
			path += " and " + plain.Count(others, "more module")
		}
		facts = append(facts, path)
	}
	facts = append(facts, gfmText(cut(goVersion(m.r), maxCell)), duration(m.r.DurationMs))
	facts = append(facts, aside(m.r)...)
	for _, remark := range remarks(m.r) {
		facts = append(facts, "<b>"+remark+"</b>")
	}
	return "## " + verdictSign(m.r.Verdict) + " gopreflight: " + answer + "\n\n" + strings.Join(facts, " · ") + "\n\n"
}

// first is the most telling finding in short: what it is, and what to run.
func (m markdown) first(g group) string {
	it := g.items[0]
	label, alert := "First "+string(it.Severity), "WARNING"
	if g.rank == rankRoot {
		label = "Root cause"
	}
	if m.r.Verdict == checks.Fail {
		alert = "CAUTION"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "> [!%s]\n> **%s:** %s", alert, label, gfmCode(it.Rule))
	if p := placeLink(m.r, it.Finding); p != "" {
		b.WriteString(" at " + p)
	}
	fmt.Fprintf(&b, "<br>%s\n", gfmText(cut(it.Message, maxText)))
	if len(it.blocks) > 0 {
		fmt.Fprintf(&b, "> <br>Blocks %s\n", codeList(it.blocks))
	}
	return b.String() + "\n" + fixText(it.Fix, false)
}

// unanswered names the checks that could not find out, when nothing worse was
// found.
func (m markdown) unanswered() string {
	var lines []string
	for i := range m.r.Results {
		if res := &m.r.Results[i]; res.Status == checks.Errored {
			lines = append(lines, gfmCode(cut(oneLine(res.Check), 40))+" "+gfmText(cut(statusText(res, ""), maxCell)))
		}
	}
	if len(lines) == 0 {
		return ""
	}
	if more := len(lines) - maxUnanswered; more > 0 {
		lines = append(lines[:maxUnanswered], plain.Count(more, "more check"))
	}
	return "> [!WARNING]\n> " + strings.Join(lines, "<br>") + "\n\n"
}

// table has one row for every check, in order.
func (m markdown) table() string {
	if len(m.r.Results) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| | Check | Time | Result |\n| :-: | :-- | --: | :-- |\n")
	for i := range m.r.Results {
		if i == maxRows {
			fmt.Fprintf(&b, "| | %s | | |\n", plain.Count(len(m.r.Results)-i, "more check"))
			break
		}
		res := &m.r.Results[i]
		ms := strings.ReplaceAll(checkTime(res), " ", "&nbsp;")
		text := gfmText(cut(statusText(res, blocker(m.r, res)), maxCell))
		for j, l := range modulesText(res, false) {
			if j == maxModuleLines {
				text += "<br>…"
				break
			}
			text += "<br>" + statusSign(l.status) + " " + gfmCode(cut(l.dirs, maxCell)) + " " + gfmText(cut(l.why, maxCell))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", statusSign(res.Status), bold(gfmText(cut(res.Check, 40)), res.Status), ms, text)
	}
	return b.String() + "\n"
}

// statusSign is the sign of a status: in colour what wants to be looked at.
func statusSign(s checks.Status) string {
	switch s {
	case checks.Failed:
		return "❌"
	case checks.Warned:
		return "⚠️"
	case checks.Errored:
		return "❓"
	}
	return style(false).mark(s)
}

// severitySign is the sign of a finding.
func severitySign(s checks.Severity) string {
	switch s {
	case checks.Error:
		return "❌"
	case checks.Warning:
		return "⚠️"
	}
	return "ℹ️"
}

// bold makes the checks that went wrong stand out.
func bold(text string, s checks.Status) string {
	if s == checks.Failed || s == checks.Errored {
		return "<b>" + text + "</b>"
	}
	return text
}

// group writes the findings of one rule as one fold and returns how many
// findings it accounts for: all of them, or none when the fold does not fit.
func (m markdown) group(b *bounded, g group) int {
	first := g.items[0]
	var head, foot strings.Builder
	head.WriteString("<details><summary>" + severitySign(first.Severity) + " " + gfmCode(g.rule) + " ")
	oneFix := !slices.ContainsFunc(g.items, func(it item) bool { return it.Fix != first.Fix })
	if len(g.items) == 1 {
		if p := placeLink(m.r, first.Finding); p != "" {
			head.WriteString(p + " ")
		}
		head.WriteString(gfmText(cut(first.Message, maxText)))
	} else {
		head.WriteString(plain.Count(len(g.items), "finding"))
	}
	head.WriteString("</summary>\n\n")
	if oneFix {
		foot.WriteString(fixText(first.Fix, true))
	}
	if why := explainCommand(g.rule); why != "" {
		fmt.Fprintf(&foot, "Why: %s\n\n", gfmCode(why))
	}
	foot.WriteString("</details>\n\n")

	var items strings.Builder
	room := b.left - head.Len() - foot.Len() - len(moreOfRule(len(g.items))) - 1
	for i, it := range g.items {
		text := m.item(it, len(g.items) > 1, !oneFix)
		if i > 0 && (i == maxItems || items.Len()+len(text) > room) {
			items.WriteString(moreOfRule(len(g.items) - i))
			break
		}
		items.WriteString(text)
	}
	if len(g.items) > 1 {
		items.WriteByte('\n') // ends the list
	}
	if !b.add(head.String() + items.String() + foot.String()) {
		return 0
	}
	return g.size()
}

// moreOfRule says that findings of a rule are missing.
func moreOfRule(n int) string {
	return "- … " + plain.Count(n, "more finding") + " of this rule: the JSON report has all of them\n"
}

// item is one finding inside its rule's fold: by itself, its place and message
// stand in the fold's summary; in a list they are its first line.
func (m markdown) item(it item, listed, fix bool) string {
	var b strings.Builder
	if about := about(it.Finding); about != "" {
		fmt.Fprintf(&b, "About %s\n\n", gfmText(cut(about, maxText)))
	}
	if it.Exception != nil {
		fmt.Fprintf(&b, "Waived: %s\n\n", gfmText(cut(exceptionText(it.Exception), maxText)))
	}
	if evidence := fenced(plain.Lines(it.Evidence)); len(evidence) > 0 {
		b.WriteString(gfmFence("text", evidence) + "\n")
	}
	if fix {
		b.WriteString(fixText(it.Fix, true))
	}
	if len(it.blocks) > 0 {
		fmt.Fprintf(&b, "Blocks %s\n\n", codeList(it.blocks))
	}
	b.WriteString(m.follows(it.follows))
	if !listed {
		return b.String()
	}
	line := []string{placeLink(m.r, it.Finding), gfmText(cut(it.Message, maxText))}
	head := "- " + strings.Join(slices.DeleteFunc(line, empty), " ") + "\n"
	if b.Len() == 0 {
		return head
	}
	return head + "\n  " + strings.ReplaceAll(strings.TrimRight(b.String(), "\n"), "\n", "\n  ") + "\n\n"
}

func empty(s string) bool { return s == "" }

// follows lists consequences, each in a line.
func (m markdown) follows(list []*checks.Finding) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("Follows from it:\n\n")
	for i, f := range list {
		if i == maxFollows {
			fmt.Fprintf(&b, "- … %s: %s\n", plain.Thousands(len(list)-i)+" more", "the JSON report has all of them")
			break
		}
		line := []string{gfmCode(f.Rule), placeLink(m.r, f), gfmText(cut(f.Message, maxCell))}
		b.WriteString("- " + strings.Join(slices.DeleteFunc(line, empty), " ") + "\n")
	}
	b.WriteByte('\n')
	return b.String()
}

// fixText is what to do: a sentence, a command to copy, and, if asked for, the
// patch.
func fixText(f checks.Fix, patch bool) string {
	var b strings.Builder
	if d := gfmText(cut(oneLine(f.Description), maxText)); d != "" {
		fmt.Fprintf(&b, "**Fix:** %s\n\n", d)
	}
	if c := fenced(verbatim(f.Command)); len(c) > 0 {
		b.WriteString(gfmFence("sh", c) + "\n")
	}
	if p := fenced(verbatim(f.Patch)); patch && len(p) > 0 {
		b.WriteString(gfmFence("diff", p) + "\n")
	}
	return b.String()
}

// fenced bounds the lines of a block of code.
func fenced(lines []string) []string {
	size := 0
	for i, l := range lines {
		if size += len(l) + 1; i == maxFenceLines || size > maxFence {
			return append(slices.Clip(lines[:i]), "… "+plain.Count(len(lines)-i, "more line"))
		}
	}
	return lines
}

// codeList is names as code with commas.
func codeList(names []string) string {
	more := ""
	if n := len(names) - maxRows; n > 0 {
		names, more = names[:maxRows], ", … "+plain.Thousands(n)+" more"
	}
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = gfmCode(cut(oneLine(n), 80))
	}
	return strings.Join(list, ", ") + more
}

// chain is the chain of evidence, if any link of it was looked at.
func (m markdown) chain() string {
	if len(m.r.Chain) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("<details><summary>Chain of evidence</summary>\n\n| Link | State | Against | Why |\n| :-- | :-- | :-- | :-- |\n")
	for i, l := range m.r.Chain {
		if i == maxRows {
			break
		}
		why := l.Why
		if l.Total > 0 {
			unit := l.Unit
			if l.Total == 1 {
				unit = strings.TrimSuffix(unit, "s")
			}
			amount := plain.Thousands(l.Total) + " " + unit
			if l.Proven > 0 {
				amount = plain.Thousands(l.Proven) + " of " + amount
			}
			why = strings.TrimSuffix(amount+"; "+why, "; ")
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", gfmText(cut(l.Link, 40)), gfmText(string(l.State)), gfmText(cut(l.Against, 80)), gfmText(cut(why, maxCell)))
	}
	b.WriteString("\n</details>\n\n")
	return b.String()
}

// environment is what the run saw around it.
func (m markdown) environment() string {
	rows := [][2]string{
		{"gopreflight", m.r.Tool.Version},
		{"go", goVersion(m.r)},
		{"GOROOT", m.r.Go.GOROOT},
		{"commit", m.r.Repository.Commit},
		{"base", m.r.Repository.Base},
	}
	for _, name := range slices.Sorted(maps.Keys(m.r.Go.Env)) {
		if name != "GOOS" && name != "GOARCH" && name != "GOROOT" { // said above
			rows = append(rows, [2]string{name, m.r.Go.Env[name]})
		}
	}
	rows = slices.DeleteFunc(rows, func(row [2]string) bool { return row[1] == "" })
	var b strings.Builder
	b.WriteString("<details><summary>Environment</summary>\n\n| Setting | Value |\n| :-- | :-- |\n")
	for i, row := range rows {
		if i == maxRows {
			fmt.Fprintf(&b, "| %s | |\n", plain.Count(len(rows)-i, "more variable"))
			break
		}
		fmt.Fprintf(&b, "| %s | %s |\n", gfmCode(cut(row[0], 80)), gfmCode(cut(oneLine(row[1]), maxCell)))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}
