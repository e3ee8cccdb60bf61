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
	// MaxLine is the longest line, in bytes, without its indentation.
	MaxLine = 1000
	// MaxLines is the most lines of evidence.
	MaxLines = 40
)

const (
	// maxIndent is the deepest indentation of a line, in spaces.
	maxIndent = 40
	// maxRead is how much of a line is looked at, in bytes: what is shown of a
	// longer one would be cut anyway.
	maxRead = 64 << 10
	// cut ends a line that was longer.
	cut = "…"
)

// terminalEscape matches terminal sequences whole, so that their parameters do
// not stay behind as text (ECMA-48, 5.3 to 5.6): control sequences, control
// strings (operating system and device commands) to their end or the line's,
// and the short escapes; with ESC or, in the first two, its 8-bit form.
var terminalEscape = regexp.MustCompile(
	`(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]` +
		`|(?:\x1b[PX\]^_]|[\x{90}\x{98}\x{9d}-\x{9f}])[^\x07\x1b\x{9c}\n]*(?:\x07|\x1b\\|\x{9c})?` +
		`|\x1b[ -/]*[0-~]`)

// escapes are the characters with which a terminalEscape begins: hardly any
// line has one, and looking for the expression takes far longer.
const escapes = "\x1b\u0090\u0098\u009b\u009d\u009e\u009f"

// Line is s as one clean line of at most MaxLine bytes.
func Line(s string) string {
	if len(s) > maxRead {
		s = s[:maxRead]
	}
	if strings.ContainsAny(s, escapes) {
		s = terminalEscape.ReplaceAllString(s, "")
	}
	var b strings.Builder
	b.Grow(min(len(s), MaxLine+utf8.UTFMax))
	for _, r := range s {
		switch {
		case r >= ' ' && r <= '~': // as nearly all of any text, and the rest takes longer
		case r == '\t' || r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			r = ' '
		case unicode.IsControl(r), Invisible(r):
			continue
		}
		if r == ' ' && (b.Len() == 0 || b.String()[b.Len()-1] == ' ') {
			continue
		}
		b.WriteRune(r) // what is not valid UTF-8 is U+FFFD here
		if b.Len() > MaxLine {
			return Cut(b.String(), MaxLine)
		}
	}
	return strings.TrimSpace(b.String())
}

// Cut is valid text of at most n bytes, and no fewer than its end mark: what is
// longer loses its end at a whole character, spaces there too, and shows it by "…".
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n = max(n-len(cut), 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.TrimSpace(s[:n]) + cut
}

// Invisible reports whether a rune changes how others are shown without being
// seen itself: direction overrides, zero-width and tag characters.
func Invisible(r rune) bool {
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
	n := 0
	for _, l := range lines {
		for one := range strings.SplitSeq(strings.TrimRight(l, "\r\n"), "\n") {
			if n++; n <= MaxLines {
				out = append(out, indented(one))
			}
		}
	}
	if n > MaxLines {
		out[MaxLines-1] = cut + " " + Count(n-MaxLines+1, "more line")
	}
	return out
}

// indented is a clean line behind its indentation.
func indented(s string) string {
	body := strings.TrimLeft(s, " \t")
	indent := s[:min(len(s)-len(body), maxIndent)]
	indent = strings.ReplaceAll(indent, "\t", "    ")
	return strings.TrimRight(indent[:min(len(indent), maxIndent)]+Line(body), " ")
}
