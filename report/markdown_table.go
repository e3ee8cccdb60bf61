package report

import (
	"fmt"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// table has every check, in order.
func (m markdown) table() string {
	switch {
	case len(m.r.Results) == 0:
		return ""
	case m.comment:
		return m.shortTable()
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
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", statusSign(res.Status), checkName(res), ms, m.resultCell(res))
	}
	return b.String() + "\n"
}

// shortTable has a row for every check that somebody has to look at, and one
// row for all that passed and all that were skipped.
func (m markdown) shortTable() string {
	var b strings.Builder
	b.WriteString("| | Check | Result |\n| :-: | :-- | :-- |\n")
	var passed, skipped []string
	rows := 0
	for i := range m.r.Results {
		res := &m.r.Results[i]
		switch res.Status {
		case checks.Passed:
			passed = append(passed, gfmText(cut(res.Check, 40)))
			continue
		case checks.Skipped:
			skipped = append(skipped, gfmText(cut(res.Check, 40)))
			continue
		}
		if rows++; rows <= maxRows {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", statusSign(res.Status), checkName(res), m.resultCell(res))
		}
	}
	if rows > maxRows {
		fmt.Fprintf(&b, "| | %s | |\n", plain.Count(rows-maxRows, "more check"))
	}
	for _, rest := range []struct {
		status checks.Status
		names  []string
	}{{checks.Passed, passed}, {checks.Skipped, skipped}} {
		n := len(rest.names)
		if n == 0 {
			continue
		}
		if more := n - maxRows; more > 0 {
			rest.names = append(rest.names[:maxRows], "… "+plain.Thousands(more)+" more")
		}
		fmt.Fprintf(&b, "| %s | %s&nbsp;%s | %s |\n", statusSign(rest.status), plain.Thousands(n), rest.status, strings.Join(rest.names, ", "))
	}
	return b.String() + "\n"
}

// checkName is a check's name; those that went wrong stand out.
func checkName(res *checks.Result) string {
	name := gfmText(cut(res.Check, 40))
	if res.Status == checks.Failed || res.Status == checks.Errored {
		return "<b>" + name + "</b>"
	}
	return name
}

// resultCell is why a check has its status, and where its main modules differ.
func (m markdown) resultCell(res *checks.Result) string {
	text := gfmText(cut(statusText(res, blocker(m.r, res)), maxCell))
	lines := modulesText(res, false)
	for j, l := range lines {
		if j == maxModuleLines {
			text += "<br>… " + plain.Count(len(lines)-j, "more line")
			break
		}
		text += "<br>" + statusSign(l.status) + " " + gfmCode(cut(l.dirs, maxCell)) + " " + gfmText(cut(l.why, maxCell))
	}
	return text
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
	return style{}.mark(s)
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
