package report

import (
	"context"
	"fmt"
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
	// minMarkdown is the least room, in bytes, that compose can keep to.
	minMarkdown = 4 << 10
	// maxRows is how many rows a table shows.
	maxRows = 60
	// maxCell is the length of a table's text, in runes.
	maxCell = 240
	// maxFence is the size of one block of code, in bytes, and maxFenceLines
	// its lines.
	maxFence      = 8 << 10
	maxFenceLines = 80
	// maxItems is how many findings of one rule a summary lists, and
	// maxCommentItems a comment.
	maxItems        = 200
	maxCommentItems = 20
	// maxChanges is how many module changes a summary lists, and
	// maxCommentChanges a comment.
	maxChanges        = 200
	maxCommentChanges = 50
	// maxUnanswered is how many checks without an answer the head names.
	maxUnanswered = 6
	// maxFollows is how many consequences of one finding are listed.
	maxFollows = 20
	// maxText is the length of a message or a fix, in runes.
	maxText = 1200
	// maxLabel is the length of a comment's label, in runes.
	maxLabel = 120
)

// markdownText is the report as a job summary, in at most limit bytes.
func markdownText(r *checks.Report, limit int) string { return markdown{r: r}.compose(limit) }

// markdown writes the parts of one report, as a summary or as a comment. Every
// method returns whole blocks, each followed by a blank line: GitLab and Gitea
// read Markdown inside a fold only behind one.
type markdown struct {
	r *checks.Report
	// comment makes it the comment of a pull request: shorter, without
	// pictures, and every line as it stands, since comments break where
	// their lines do.
	comment bool
	// label is which of a job's comments this is; empty for the only one.
	label string
	// told are the patches that another rule's fold has already.
	told map[*checks.Finding]bool
}

// compose puts the parts together in at most limit bytes, which is minMarkdown
// or more: the head, the checks, the module changes, the findings, most telling
// first, and what stands behind them. What does not fit is left out whole, and
// said or counted.
func (m markdown) compose(limit int) string {
	groups := outline(m.r)
	total := 0
	for i := range groups {
		total += groups[i].size()
	}
	m.told = toldPatches(groups)

	behind := m.behind()
	b := bounded{left: limit - len(leftOut(total)) - len(lost(behind))}
	// No more than half of the room is kept for what is not a finding.
	floor := b.left / 2
	changes := m.changes()
	if !b.reserve(changes, floor) {
		changes = m.changesLost()
		b.left -= len(changes)
	}
	var tail strings.Builder
	var cut []part
	for _, p := range behind {
		if b.reserve(p.text, floor) {
			tail.WriteString(p.text)
		} else {
			cut = append(cut, p)
		}
	}

	b.add(m.title())
	b.add(m.provenance())
	if len(groups) > 0 && (groups[0].rank <= rankError || m.r.Verdict == checks.Fail) {
		b.add(m.first(groups[0]))
	} else {
		b.add(m.unanswered())
	}
	if !b.add(m.table()) {
		b.add("**" + plain.Count(len(m.r.Results), "check") + "** did not fit here: the JSON report has all of them.\n\n")
	}
	b.WriteString(changes)
	shown := 0
	if total > 0 && b.add(m.heading("Findings")) {
		for _, g := range groups {
			n := m.group(&b, g)
			if shown += n; n == 0 {
				break
			}
		}
	}
	return b.String() + leftOut(total-shown) + lost(cut) + tail.String()
}

// toldPatches are the findings whose patch is that of an earlier rule's: what tidies
// a module is the same for all that is untidy in it.
func toldPatches(groups []group) map[*checks.Finding]bool {
	told := map[*checks.Finding]bool{}
	first := map[string]int{} // the group that has it first
	for i, g := range groups {
		for _, it := range g.items {
			if at, ok := first[it.Fix.Patch]; ok && at != i {
				told[it.Finding] = true
			} else {
				first[it.Fix.Patch] = i
			}
		}
	}
	return told
}

// leftOut says that findings are missing.
func leftOut(n int) string {
	if n == 0 {
		return ""
	}
	return "**" + plain.Count(n, "more finding") + "** did not fit here: the JSON report has all of them.\n\n"
}

// part is a piece of the text and the name by which it is missed.
type part struct{ name, text string }

// lost says that parts are missing.
func lost(parts []part) string {
	if len(parts) == 0 {
		return ""
	}
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = "the " + p.name
	}
	return "Left out for want of room: " + strings.Join(names, ", ") + ". The JSON report has all of it.\n\n"
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

// reserve keeps room for a part that is written later, unless less than floor
// would be left.
func (b *bounded) reserve(part string, floor int) bool {
	if b.left-len(part) < floor {
		return false
	}
	b.left -= len(part)
	return true
}

// heading is the heading of a part.
func (m markdown) heading(text string) string {
	if m.comment {
		return ""
	}
	return "### " + text + "\n\n"
}

// verdictSign is the one emoji of a head: it is seen before the words.
func (m markdown) verdictSign() string {
	switch m.r.Verdict {
	case checks.Pass:
		if m.r.Untrusted { // a green mark would vouch for what anyone can forge
			return "⚪"
		}
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
	if label := gfmCode(cut(oneLine(m.label), maxLabel)); label != "" {
		facts = append(facts, label)
	}
	if !m.comment { // there it is in the footer
		facts = append(facts, gfmText(cut(goVersion(m.r), maxCell)), duration(m.r.DurationMs))
	}
	facts = append(facts, aside(m.r)...)
	for _, remark := range remarks(m.r) {
		facts = append(facts, "<b>"+remark+"</b>")
	}
	level := "##"
	if m.comment {
		level = "###"
	}
	name := "gopreflight"
	if m.r.Untrusted {
		name += " (untrusted run)"
	}
	title := level + " " + m.verdictSign() + " " + name + ": " + answer + "\n\n"
	if len(facts) > 0 {
		title += strings.Join(facts, " · ") + "\n\n"
	}
	return title
}

// provenance says whose word an untrusted report is, and what is known apart
// from it.
func (m markdown) provenance() string {
	if !m.r.Untrusted {
		return ""
	}
	text := "**An untrusted run reported this:** the pull request's own code had a part in it and could have written anything below."
	if c := gfmText(cut(oneLine(m.r.CI.Conclusion), 40)); c != "" {
		text += " " + siteName(m.r.CI.Provider) + " says that the run ended: **" + c + "**"
		if m.r.Verdict == checks.Pass && m.r.CI.Conclusion != "success" {
			text += ", and nothing in the report explains that"
		}
		text += "."
	}
	return text + "\n\n"
}

// siteName is what people call a CI.
func siteName(provider string) string {
	switch provider {
	case "github":
		return "GitHub"
	case "gitlab":
		return "GitLab"
	case "gitea":
		return "Gitea"
	}
	return "The CI"
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
	b.WriteString("<br>" + gfmText(cut(it.Message, maxText)))
	if len(it.blocks) > 0 {
		b.WriteString("<br>Blocks " + codeList(it.blocks))
	}
	return b.String() + "\n\n" + fixText(it.Fix, false)
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
