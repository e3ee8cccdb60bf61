package report

import (
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// behind is what stands behind the findings, in order.
func (m markdown) behind() []part {
	parts := []part{{"chain of evidence", m.chain()}, {"timeline", m.timeline()}, {"environment", m.environment()}}
	if m.comment {
		parts = []part{{"footer", m.footer()}}
	}
	return slices.DeleteFunc(parts, func(p part) bool { return p.text == "" })
}

// changes is what the change does to the build list.
func (m markdown) changes() string {
	list := m.r.ModuleChanges
	if len(list) == 0 {
		return ""
	}
	most := maxChanges
	if m.comment {
		most = maxCommentChanges
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<details><summary>%s</summary>\n\n| Module | Change | Version | Because of |\n| :-- | :-- | :-- | :-- |\n", changesTally(list))
	for i, c := range list {
		if i == most {
			fmt.Fprintf(&b, "| … %s: the JSON report has all of them | | | |\n", plain.Count(len(list)-i, "more module change"))
			break
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", gfmCode(cut(c.Path, 120)), changeKind(c.Kind), versions(c), because(c))
	}
	b.WriteString("\n</details>\n\n")
	return b.String()
}

// because is what brings a module change: a line of go.mod, or the modules that
// are required there and bring it along.
func because(c checks.ModuleChange) string {
	if c.Direct {
		return "<b>go.mod</b>"
	}
	text := codeList(c.By[:min(len(c.By), maxBy)])
	if more := len(c.By) - maxBy; more > 0 {
		text += ", … " + plain.Thousands(more) + " more"
	}
	return text
}

// maxBy is how many modules are named that bring a changed one.
const maxBy = 3

// changesLost stands for changes where they do not fit.
func (m markdown) changesLost() string {
	if len(m.r.ModuleChanges) == 0 {
		return ""
	}
	return "**" + changesTally(m.r.ModuleChanges) + "**, which did not fit here: the JSON report has all of them.\n\n"
}

// changeKind is one of the kinds, or a word for what is none.
func changeKind(kind string) string {
	if slices.Contains(checks.ChangeKinds, kind) {
		return kind
	}
	return "changed"
}

// changesTally counts module changes: "3 module changes: 1 added, 2 upgraded".
func changesTally(list []checks.ModuleChange) string {
	n := map[string]int{}
	for _, c := range list {
		n[changeKind(c.Kind)]++
	}
	var parts []string
	for _, kind := range append(slices.Clip(checks.ChangeKinds), "changed") {
		if n[kind] > 0 {
			parts = append(parts, plain.Thousands(n[kind])+" "+kind)
		}
	}
	return plain.Count(len(list), "module change") + ": " + strings.Join(parts, ", ")
}

// versions is what a module's version was and is.
func versions(c checks.ModuleChange) string {
	list := []string{gfmCode(cut(c.Old, 120)), gfmCode(cut(c.New, 120))}
	return strings.Join(slices.DeleteFunc(list, empty), " → ")
}

// chain is the chain of evidence, if any link of it was looked at: as a picture
// and, for those who cannot see it and for the reasons, as a table.
func (m markdown) chain() string {
	if len(m.r.Chain) == 0 {
		return ""
	}
	var b strings.Builder
	if picture := chainPicture(m.r.Chain); picture != "" {
		b.WriteString("### Chain of evidence\n\n" + picture + "\n")
	}
	b.WriteString("<details><summary>Chain of evidence, in words</summary>\n\n| Link | State | Against | Why |\n| :-- | :-- | :-- | :-- |\n")
	for i, l := range m.r.Chain {
		if i == maxRows { // only a forged report has so many
			fmt.Fprintf(&b, "| %s | | | |\n", plain.Count(len(m.r.Chain)-i, "more link"))
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

// timeline is when the checks ran. It stays unfolded, as the chain's picture
// does: several sites measure a picture wrong that is hidden when it is drawn
// (go-gitea/gitea#32392, mermaid-js/mermaid#1325).
func (m markdown) timeline() string {
	picture, unknown := timeline(m.r)
	if picture == "" {
		return ""
	}
	text := "### Timeline\n\n" + picture + "\n"
	if unknown > 0 {
		text += "Not drawn: " + plain.Count(unknown, "check") + " whose name is unknown here or stands twice.\n\n"
	}
	return text
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

// footer says what made a comment, where its run is, and for which commit.
func (m markdown) footer() string {
	parts := []string{gfmText(cut(strings.TrimSpace("gopreflight "+m.r.Tool.Version), 80))}
	if link := runURL(m.r); link != "" {
		parts = append(parts, `<a href="`+html.EscapeString(link)+`">the run</a>`)
	}
	if at := commitText(m.r); at != "" {
		parts = append(parts, at)
	}
	parts = append(parts, gfmText(cut(goVersion(m.r), 80)), duration(m.r.DurationMs))
	return "<sub>" + strings.Join(parts, " · ") + "</sub>\n"
}

// commitText is the commit that a comment is about: the change's own, and the
// one that was checked out where that is another, a test merge as a rule. Links
// to lines go to the latter, whose lines they are.
func commitText(r *checks.Report) string {
	head, judged := r.CI.HeadSHA, r.Repository.Commit
	if !commitID.MatchString(head) {
		head, judged = judged, ""
	}
	if !commitID.MatchString(head) {
		return ""
	}
	text := "at " + gfmCode(head[:7])
	if commitID.MatchString(judged) && judged != head {
		text += ", checked out as " + gfmCode(judged[:7])
	}
	return text
}
