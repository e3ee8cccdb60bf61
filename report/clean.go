package report

import (
	"strings"
	"unicode"

	"github.com/gopreflight/gopreflight/internal/plain"
)

// The runner cleans what enters a report; a saved report may have been written
// by anyone, so every reporter cleans again what it shows.

// oneLine is s as one line without control or invisible characters.
func oneLine(s string) string { return plain.Line(s) }

// LogLine is text as one line for any log: clean, and no command to a CI that
// reads it.
func LogLine(s string) string { return guardLog(oneLine(s)) }

// verbatim is text to be copied (a command, a patch) as lines: what cannot be
// seen is taken out, everything else, spaces above all, stays as it is.
func verbatim(s string) []string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), plain.Invisible(r), r == '\u2028', r == '\u2029':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Trim(s, "\n")
	if strings.TrimSpace(s) == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// guardLog breaks up what GitHub's runner would take for a workflow command in
// a job log: "::" at the start of a line, which it looks for after trimming
// white space, and "##[", which it looks for anywhere in a line (actions/runner,
// ActionCommand.TryParseV2 and TryParse). A line ends at a carriage return, too:
// the runner reads with .NET's ReadLine.
//
// A backslash does it: it is seen, unlike a zero-width character, which would
// be copied along with a command and break it in silence; and a shell reads an
// unquoted `\:` or `\[` as the character itself.
func guardLog(text string) string {
	text = guardTag(text)
	if !strings.Contains(text, "::") {
		return text
	}
	var b strings.Builder
	for text != "" {
		line := text
		if end := strings.IndexAny(text, "\r\n"); end >= 0 {
			line = text[:end+1]
		}
		text = text[len(line):]
		body := strings.TrimLeftFunc(line, unicode.IsSpace)
		b.WriteString(line[:len(line)-len(body)])
		if strings.HasPrefix(body, "::") {
			b.WriteByte('\\')
		}
		b.WriteString(body)
	}
	return b.String()
}

// guardTag breaks up "##[", which the runner obeys and the page that shows a log
// colours or folds by.
func guardTag(s string) string { return strings.ReplaceAll(s, "##[", `##\[`) }
