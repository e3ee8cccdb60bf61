// Package plain makes text that came from a repository, the network or a child
// process safe to keep: valid UTF-8 without control characters, terminal
// escapes or invisible direction marks, bounded in length, and without secrets.
//
// It does not escape for any output format: each format does that for itself.
package plain

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what is kept of one text and of one list of lines.
const (
	// MaxLine is the longest line, in bytes.
	MaxLine = 1000
	// MaxLines is the most lines of evidence.
	MaxLines = 40
)

// terminalEscape matches ANSI control sequences and operating system commands
// whole, so that their parameters do not stay behind as text.
var terminalEscape = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])`)

// Line is s as one clean line of at most MaxLine bytes.
func Line(s string) string {
	s = terminalEscape.ReplaceAllString(s, "")
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case r == utf8.RuneError:
			r = '\uFFFD'
		case r == '\t' || r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			r = ' '
		case unicode.IsControl(r), invisible(r):
			continue
		}
		if r == ' ' && space {
			continue
		}
		space = r == ' '
		if b.Len()+utf8.RuneLen(r) > MaxLine {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// invisible reports whether a rune changes how others are shown without being
// seen itself: direction overrides, zero-width and tag characters.
func invisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) || r == '\u034F' || r == '\u115F' || r == '\u1160' || r == '\u3164' || r == '\uFFA0'
}

// Text is s, which may have several lines, with each line clean but for its
// indentation; at most MaxLines lines.
func Text(s string) string {
	return strings.Join(Lines(strings.Split(s, "\n")), "\n")
}

// Lines is each line clean, keeping its indentation as spaces; what is over
// MaxLines is counted in a last line.
func Lines(lines []string) []string {
	var out []string
	for _, l := range lines {
		for one := range strings.SplitSeq(strings.TrimRight(l, "\r\n"), "\n") {
			body := strings.TrimLeft(one, " \t")
			indent := strings.ReplaceAll(one[:len(one)-len(body)], "\t", "    ")
			if len(indent) > 40 {
				indent = indent[:40]
			}
			out = append(out, strings.TrimRight(indent+Line(body), " "))
		}
	}
	if len(out) > MaxLines {
		more := len(out) - MaxLines + 1
		out = append(out[:MaxLines-1], "… "+Count(more, "more line"))
	}
	return out
}
