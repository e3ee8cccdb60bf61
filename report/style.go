package report

import (
	"fmt"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// style is how text may look; the zero value is plain UTF-8. Every colour stands
// beside a mark or a word that says the same.
type style struct {
	// color allows ANSI colours.
	color bool
	// ascii draws every sign of our own with ASCII characters.
	ascii bool
}

func (s style) paint(code, text string) string {
	if !s.color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(text string) string   { return s.paint("1", text) }
func (s style) dim(text string) string    { return s.paint("2", text) }
func (s style) red(text string) string    { return s.paint("31", text) }
func (s style) green(text string) string  { return s.paint("32", text) }
func (s style) yellow(text string) string { return s.paint("33", text) }
func (s style) blue(text string) string   { return s.paint("36", text) }

// sign is one of our own signs, or what stands for it in ASCII.
func (s style) sign(sign, ascii string) string {
	if s.ascii {
		return ascii
	}
	return sign
}

// more is the beginning of a line that counts what is not shown.
func (s style) more() string { return s.sign("…", "...") + " " }

// mark is the sign of a status, one column wide.
func (s style) mark(status checks.Status) string {
	switch status {
	case checks.Passed:
		return s.green(s.sign("✓", "+"))
	case checks.Warned:
		return s.yellow("!")
	case checks.Failed:
		return s.red(s.sign("✗", "x"))
	case checks.Blocked:
		return s.dim(s.sign("⊘", "/"))
	case checks.Skipped:
		return s.dim(s.sign("–", "-"))
	}
	return s.yellow("?")
}

// severity is the sign of a finding, one column wide.
func (s style) severity(v checks.Severity) string {
	switch v {
	case checks.Error:
		return s.red(s.sign("✗", "x"))
	case checks.Warning:
		return s.yellow("!")
	}
	return s.blue(s.sign("·", "*"))
}

// verdict is a report's first word.
func (s style) verdict(v checks.Verdict) string {
	word := verdictWord(v)
	switch v {
	case checks.Pass:
		return s.paint("1;32", word)
	case checks.Fail:
		return s.paint("1;31", word)
	}
	return s.paint("1;33", word)
}

// Columns of a check's line: mark, name, duration, text.
const (
	nameWidth     = 10
	durationWidth = 9
	textColumn    = 2 + 2 + nameWidth + 1 + durationWidth + 2
)

// checkLine is the line of a check, as the terminal's list and the live view
// show it. blocker is the rule that blocks it, empty when nothing known does. Text
// that does not fit into width is continued below itself; width 0 never breaks.
func (s style) checkLine(r *checks.Result, blocker string, width int) string {
	paint := func(text string) string { return text }
	switch r.Status {
	case checks.Failed:
		paint = s.red
	case checks.Warned, checks.Errored:
		paint = s.yellow
	case checks.Blocked, checks.Skipped:
		paint = s.dim
	}
	line := "  " + s.mark(r.Status) + " " + pad(oneLine(r.Check), nameWidth) + " " + s.dim(padLeft(checkTime(r), durationWidth)) +
		"  " + hang(statusText(r, blocker), textColumn, width, paint)
	return strings.TrimRight(line, " ")
}

// hang is text that begins at a column and, where it does not fit into width,
// is continued below that. Every line is painted by itself.
func hang(text string, column, width int, paint func(string) string) string {
	room := 0
	if width > 0 {
		room = max(20, width-column)
	}
	lines := wrap(text, room)
	for i, l := range lines {
		lines[i] = paint(l)
	}
	return strings.Join(lines, "\n"+strings.Repeat(" ", column))
}

// moduleLines is what stands below a check's line when its main modules came to
// different ends.
func (s style) moduleLines(r *checks.Result, width int, verbose bool) string {
	var b strings.Builder
	in := strings.Repeat(" ", textColumn)
	lines := modulesText(r, verbose)
	for i, l := range lines {
		if i == maxModuleLines && !verbose {
			b.WriteString("\n" + in + s.more() + plain.Count(len(lines)-i, "more line"))
			break
		}
		b.WriteString("\n" + in + s.mark(l.status) + " " + hang(l.dirs+": "+l.why, textColumn+2, width, s.dim))
	}
	return b.String()
}

// maxModuleLines is how many lines about main modules stand under a check.
const maxModuleLines = 10

// statusText is why a check has its status, in words that are clear without
// the mark.
func statusText(r *checks.Result, blocker string) string {
	reason := oneLine(r.Reason)
	switch r.Status {
	case checks.Blocked:
		n := 0
		for _, m := range r.Modules {
			if m.Status == checks.Blocked {
				n++
			}
		}
		switch {
		case blocker != "" && n < len(r.Modules):
			return fmt.Sprintf("blocked in %d of %s by %s", n, plain.Count(len(r.Modules), "module"), blocker)
		case blocker != "":
			return "blocked by " + blocker
		}
		return prefixed("blocked", reason)
	case checks.Skipped:
		return prefixed("skipped", reason)
	case checks.Errored:
		return prefixed("could not find out", reason)
	case checks.Passed:
		return reason
	case checks.Warned, checks.Failed:
		if reason == "" {
			reason = counts(r.Findings)
		}
		return reason
	}
	return prefixed(oneLine(string(r.Status)), reason)
}

// checkTime is how long a check took; empty when it did not run.
func checkTime(r *checks.Result) string {
	if r.DurationMs == 0 && (r.Status == checks.Blocked || r.Status == checks.Skipped) {
		return ""
	}
	return duration(r.DurationMs)
}

// prefixed is "word: reason", or what there is of it.
func prefixed(word, reason string) string {
	switch {
	case reason == "":
		return word
	case strings.HasPrefix(reason, word):
		return reason
	}
	return word + ": " + reason
}
