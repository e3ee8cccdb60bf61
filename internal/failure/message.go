package failure

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds on what is read of a text, whoever wrote it.
const (
	// maxHead and maxTail are how many bytes of a text that is longer than
	// both are read from its beginning and its end.
	maxHead = 128 << 10
	maxTail = 384 << 10
	// maxMessage is how many bytes of one message are searched.
	maxMessage = 8 << 10
	// maxMatches is how often one entry may match in one message.
	maxMatches = 16
	// maxLine cuts what is quoted.
	maxLine = 500
)

// A message is a line with the lines that continue it.
type message struct {
	line int // 1-based number of the first line
	text string
}

// listHeader starts a message whose next lines are FILE:LINE: problem.
var listHeader = regexp.MustCompile(`^(?:go: )?(?:errors? (?:parsing|loading) |malformed )\S+:$`)

// listItem is such a line.
var listItem = regexp.MustCompile(`^\S+:\d+(?::\d+)?: `)

// testLog is a line of a test's own log ("    x_test.go:12: ..."): what a
// program under test says is not what the go command says.
var testLog = regexp.MustCompile(`^ {4,}\S+_test\.go:\d+: `)

// split cuts a text into messages, redacted. Lines that belong to no message
// are not kept.
func split(text string) []message {
	if len(text) <= maxHead+maxTail {
		return splitFrom(nil, text, 1)
	}
	head := text[:maxHead]
	rest := text[len(text)-maxTail:]
	skipped := strings.Count(text[maxHead:len(text)-maxTail], "\n")
	all := splitFrom(nil, head, 1)
	return splitFrom(all, rest, 1+strings.Count(head, "\n")+skipped)
}

func splitFrom(all []message, text string, number int) []message {
	inList := false
	open := false // whether the last message takes further lines
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if len(line) > maxMessage {
			line = line[:maxMessage]
		}
		switch {
		case line == "": // a blank line does not end an indented list
			inList = false
		case testLog.MatchString(line):
			open = false
		case open && (line[0] == '\t' || line[0] == ' ' || inList && listItem.MatchString(line)):
			last := &all[len(all)-1]
			if len(last.text)+len(line) < maxMessage {
				last.text += "\n" + redact(line)
			}
		default:
			inList = listHeader.MatchString(line)
			open = true
			all = append(all, message{number, redact(line)})
		}
		number++
	}
	return all
}

// matches returns what the catalogue knows of a message: the entries of the
// lowest rank that occurs, and of those that overlap only the first.
func (m *message) matches() []match {
	var found []match
	entries := catalogue()
	for i := range entries {
		e := &entries[i]
		if !strings.Contains(m.text, e.literal) {
			continue
		}
		for _, loc := range e.re.FindAllStringSubmatchIndex(m.text, maxMatches) {
			found = append(found, match{e, m, loc})
		}
	}
	slices.SortStableFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.loc[0], b.loc[0]), cmp.Compare(b.loc[1], a.loc[1]))
	})
	end := -1
	return slices.DeleteFunc(found, func(f match) bool {
		if f.rank != found[0].rank || f.loc[0] < end {
			return true
		}
		end = f.loc[1]
		return false
	})
}

// userinfo and query are the parts of an address that may hold a secret.
var (
	userinfo = regexp.MustCompile(`(https?://)[^/\s"']*@`)
	password = regexp.MustCompile(`([a-z][a-z0-9+.-]*://[^/\s:@"']*):[^/\s"']*@`)
	query    = regexp.MustCompile(`(https?://[^\s"'?]*)\?[^\s"']*?(:?[\s"']|:?$)`)
)

// goauth is how the go command quotes GOAUTH, whose commands may hold a secret.
var goauth = regexp.MustCompile(`\(GOAUTH=[^)]*\)`)

// redact takes what may be secret out of a line: credentials and queries of
// addresses, GOAUTH.
func redact(line string) string {
	line = goauth.ReplaceAllString(line, "(GOAUTH=...)")
	if !strings.Contains(line, "://") {
		return line
	}
	line = userinfo.ReplaceAllString(line, "${1}xxxxx@")
	line = password.ReplaceAllString(line, "${1}:xxxxx@")
	return query.ReplaceAllString(line, "${1}${2}")
}

// cut bounds what is quoted and leaves valid UTF-8.
func cut(s string) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= maxLine {
		return s
	}
	end := maxLine
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "..."
}
