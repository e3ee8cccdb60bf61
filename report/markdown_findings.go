package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// group writes the findings of one rule as one fold and returns how many
// findings it accounts for: all of them, or none when the fold does not fit.
func (m markdown) group(b *bounded, g group) int {
	first := g.items[0]
	var head, foot strings.Builder
	head.WriteString("<details><summary>" + severitySign(first.Severity) + " " + gfmCode(g.rule) + " ")
	oneFix := !slices.ContainsFunc(g.items, func(it item) bool { return !it.Fix.Equal(first.Fix) })
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
		foot.WriteString(fixText(first.Fix, !m.told[first.Finding]))
	}
	if why := explainCommand(g.rule); why != "" {
		fmt.Fprintf(&foot, "Why: %s\n\n", gfmCode(why))
	}
	foot.WriteString("</details>\n\n")

	most := maxItems
	if m.comment {
		most = maxCommentItems
	}
	var items strings.Builder
	room := b.left - head.Len() - foot.Len() - len(moreOfRule(len(g.items))) - 1
	for i, it := range g.items {
		text := m.item(it, len(g.items) > 1, !oneFix)
		if i > 0 && (i == most || items.Len()+len(text) > room) {
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
		b.WriteString(fixText(it.Fix, !m.told[it.Finding]))
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
