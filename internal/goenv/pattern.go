package goenv

import (
	"path"
	"strings"
)

// BadPattern is an entry of GOPRIVATE, GONOPROXY, GONOSUMDB or GOINSECURE that
// matches no module, or not those that it seems to.
type BadPattern struct {
	// Pattern is the entry as it was written.
	Pattern string
	// Why it does not match: one clause.
	Why string
	// Better is what was probably meant; empty when that is not clear.
	Better string
}

// LintPatterns finds the entries of a comma-separated list of module patterns
// that x/mod/module's MatchPrefixPatterns can never match with a module path.
// Empty entries and "none", the idiom for "nothing", are not reported.
func LintPatterns(value string) []BadPattern {
	var bad []BadPattern
	for p := range strings.SplitSeq(value, ",") {
		if p == "" || p == "none" {
			continue
		}
		if why, better := lintPattern(p); why != "" {
			bad = append(bad, BadPattern{Pattern: p, Why: why, Better: better})
		}
	}
	return bad
}

func lintPattern(p string) (why, better string) {
	trimmed := strings.Trim(p, " \t\r\n\"'")
	switch {
	case trimmed == "":
		return "it is blank", ""
	case strings.ContainsAny(trimmed, " \t"):
		return "entries are separated by commas, and no module path has a space", strings.Join(strings.Fields(trimmed), ",")
	case strings.ContainsAny(p, "\"'"):
		return "quotes are part of the pattern", trimmed
	case trimmed != p:
		return "spaces are not trimmed", trimmed
	}
	if _, rest, ok := strings.Cut(p, "://"); ok {
		return "a pattern is a module path without a scheme", strings.TrimSuffix(rest, "/")
	}
	if prefix, ok := strings.CutSuffix(p, "/..."); ok {
		return `"..." has no meaning here; a pattern matches everything below it anyway`, prefix
	}
	if strings.HasPrefix(p, "/") {
		return "no module path begins with a slash", strings.TrimLeft(p, "/")
	}
	if _, err := path.Match(p, ""); err != nil {
		return "it is not a valid glob", ""
	}
	return "", ""
}
