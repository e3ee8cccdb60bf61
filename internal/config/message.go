package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gopreflight/gopreflight/internal/nearest"
)

// maxQuote is how much of a wrong text an error repeats, in characters.
const maxQuote = 100

// kindName is what a node is, in words.
func kindName(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!map":
		return "a mapping"
	case "!!seq":
		return "a list"
	case "!!null":
		return "nothing"
	case "!!str":
		return quote(n.Value)
	}
	return map[string]string{
		"!!int": "the number ", "!!float": "the number ", "!!timestamp": "the date ",
	}[n.ShortTag()] + quoteCut(n.Value)
}

// quotesHelp says that a number, a date or a truth value would be right in
// quotes, if it would.
func (p *parser) quotesHelp(n *yaml.Node, f field) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!str" || !slices.Contains(tagsOf(f), "!!str") || grammars[grammarOf(f)].secret {
		return ""
	}
	if _, err := grammars[grammarOf(f)].read(n.Value, p.known); err != nil {
		return ""
	}
	return fmt.Sprintf(" (in quotes it is a text: %s)", quote(n.Value))
}

// hint is " (did you mean …?)", or empty when nothing is near.
func hint(got string, known []string) string {
	if word, ok := nearest.Word(got, known); ok {
		return fmt.Sprintf(" (did you mean %q?)", word)
	}
	return ""
}

// keyHint is hint, or all known keys.
func keyHint(got string, known []string) string {
	return cmp.Or(hint(got, known), fmt.Sprintf(" (known are %s)", strings.Join(known, ", ")))
}

// ruleHint is hint for rules, of which there are too many to list.
func ruleHint(got string, known Known) string {
	if slices.Contains(known.Checks, got) {
		for _, rule := range known.Rules {
			if strings.HasPrefix(rule, got+"/") {
				return fmt.Sprintf(": it is a check; its rules begin with %q, such as %q", got+"/", rule)
			}
		}
	}
	return hint(got, known.Rules)
}

// quote is a text as errors show it: in double quotes, cut, without control
// characters.
func quote(text string) string { return strconv.Quote(quoteCut(text)) }

// quoteCut cuts a text that is too long to be repeated.
func quoteCut(text string) string {
	if runes := []rune(text); len(runes) > maxQuote {
		return string(runes[:maxQuote]) + "…"
	}
	return text
}

func join(where, key string) string {
	if where == "" {
		return key
	}
	return where + "." + key
}

func in(where string) string {
	if where == "" {
		return ""
	}
	return " in " + where
}

func prefix(where string) string {
	if where == "" {
		return ""
	}
	return where + ": "
}
