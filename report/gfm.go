package report

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Everything that a report echoes into GitHub Flavored Markdown goes through
// gfmText, gfmCode or gfmFence. The first two return HTML whose text is made of
// letters, digits, a few harmless signs and character references: it means the
// same in a paragraph, a table cell and a <summary>, and nothing in it is left
// for Markdown to read (CommonMark, "Entity and numeric character references":
// a reference never stands for structure).
//
// References do not stop what is looked for in the text after Markdown was
// read: mentions, issue and commit references, emoji names, formulas, and
// GitLab's own references (docs.gitlab.com, "GitLab-specific references"). All
// of these leave <code> alone, so a word that could be one is set as code. That
// is also how such words (addresses, options, versions) read best.

// gfmText is text as GFM that shows it and does nothing else.
func gfmText(s string) string {
	words := strings.Fields(oneLine(s))
	for i, w := range words {
		if !needsCode(w) {
			words[i] = entities(w)
			continue
		}
		// Punctuation of the sentence stays outside.
		body := strings.TrimLeft(w, `("'`)
		open := w[:len(w)-len(body)]
		trimmed := strings.TrimRight(body, `)"'.,;:!?`)
		end := body[len(trimmed):]
		if trimmed == "" || needsCode(open) || needsCode(end) {
			words[i] = gfmCode(w)
			continue
		}
		words[i] = entities(open) + gfmCode(trimmed) + entities(end)
	}
	text := strings.Join(words, " ")
	if startsBlock.MatchString(text) {
		text = "&#" + strconv.Itoa(int(text[0])) + ";" + text[1:]
	}
	return text
}

// startsBlock matches what would begin a list, be a line, or be a quick action at
// the start of one.
var startsBlock = regexp.MustCompile(`^(-|/|[0-9]+[.)])`)

// gfmCode is text as inline code. HTML and not backticks: those would need
// another escape inside a table, and none works in a <summary>.
func gfmCode(s string) string {
	s = oneLine(s)
	if s == "" {
		return ""
	}
	return "<code>" + entities(s) + "</code>"
}

// gfmFence is lines as a block of code, to be placed between blank lines. The
// fence is longer than every run of backticks inside, so nothing closes it.
//
// A fence does not stop what reads a comment line by line and not as Markdown:
// GitLab takes a line of three backticks inside a longer fence for its end and
// the "/close" behind it for a quick action (lib/gitlab/quick_actions/
// extractor.rb), older ones do the same with ">>>" quotes and "::include", and
// bots on GitHub look for commands ("/lgtm", "@dependabot merge") at the start of
// a line. So such a line begins with a space here, which means nothing to a shell.
func gfmFence(language string, lines []string) string {
	longest := 0
	lines = slices.Clone(lines)
	for i, l := range lines {
		if startsCommand.MatchString(l) {
			lines[i] = " " + l
		}
		if strings.HasPrefix(strings.TrimLeft(l, " "), longestFence) {
			lines[i] = "    " + l
		}
		for rest := l; rest != ""; {
			run := len(rest) - len(strings.TrimLeft(rest, "`"))
			longest = max(longest, run)
			rest = rest[max(run, 1):]
		}
	}
	fence := strings.Repeat("`", max(3, longest+1))
	return fence + language + "\n" + strings.Join(lines, "\n") + "\n" + fence + "\n"
}

// startsCommand matches a line that is one to what does not read Markdown; "@@" of
// a patch is none.
var startsCommand = regexp.MustCompile(`^(?:[/>:]|@[0-9A-Za-z])`)

// longestFence closes any fence on GitHub: cmark-gfm keeps the length of one in a
// byte, and takes a longer one for this (src/blocks.c, open_new_blocks). But no
// line that stands in by four columns is the end of a fence.
var longestFence = strings.Repeat("`", 255)

// looksLike matches what GitHub or GitLab would turn into something else in
// running text, beside what its signs give away: addresses, commits, issues of
// the form GH-1 or of another tracker (JIRA-1), emoji names, and GitLab's merge
// requests (!1), milestones (%1, %name, %"a name") and quick actions (/close).
var looksLike = regexp.MustCompile(`(?i)//|www\.|mailto:|xmpp:|(^|[^0-9a-z])[0-9a-f]{7,}([^0-9a-z]|$)|gh-[0-9]|:[^:]+:|![0-9]|[%~]"|%[0-9a-z_]|^/[a-z]|(?-i:(^|[^0-9a-zA-Z_])[A-Z][A-Z0-9_]+-[0-9])`)

// needsCode reports whether a word is anything but a plain word or number.
func needsCode(w string) bool {
	signs := strings.ContainsAny(w, "@#$`*_~<>[]{}|\\^&=+")
	return signs && strings.IndexFunc(w, wordy) >= 0 || looksLike.MatchString(w)
}

// wordy reports whether a rune can be part of a name, or begin a mention, a
// reference or a formula.
func wordy(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("@#$", r)
}

// harmless are the signs of ASCII that mean nothing to Markdown, HTML or
// GitHub inside a line.
const harmless = ` .,;/%-()!?'"`

// entities is s with every other sign of ASCII as a numeric character
// reference. Two addresses need more, because cmark-gfm looks for them in the
// text of <code> too, references resolved: a comment stands before every "@",
// and the dot of "www." is a reference.
func entities(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r >= utf8.RuneSelf, unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(r)
		case r == '@':
			b.WriteString("<!-- -->&#64;")
		case r == '.' && i >= 3 && strings.EqualFold(s[i-3:i], "www"), !strings.ContainsRune(harmless, r):
			b.WriteString("&#" + strconv.Itoa(int(r)) + ";")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
