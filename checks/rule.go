package checks

import "fmt"

// Severity says how hard a finding bites. The zero value means "as the rule
// declares".
type Severity string

// The severities, from hard to soft. Off drops the finding altogether.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Notice  Severity = "notice"
	Off     Severity = "off"
)

// Rank orders severities: the higher, the harder. Off and unknown words are 0.
func (s Severity) Rank() int {
	switch s {
	case Error:
		return 3
	case Warning:
		return 2
	case Notice:
		return 1
	}
	return 0
}

// A Rule is one thing that can be wrong. It is declared beside the function
// that reports it and is the only copy of its prose: explain, docs/rules.md and
// the configuration's schema are made from it. A rule is never renamed; a
// retired one stays listed with Retired set.
type Rule struct {
	// ID is "check/slug", in words that explain themselves.
	ID string
	// Severity is the default; configuration may change it.
	Severity Severity
	// Summary is one sentence: what is wrong.
	Summary string
	// Help is Markdown: why it matters and how to fix it.
	Help string
	// Transient says that trying again may help.
	Transient bool
	// Blocks says that what needs this rule's check has no meaning while a
	// finding of this rule stands.
	Blocks bool
	// Retired rules are never reported any more.
	Retired bool
}

// Finding starts a finding of this rule with a one-line message. Severity is
// left for the runner to set.
func (r *Rule) Finding(format string, args ...any) Finding {
	return Finding{Rule: r.ID, Message: fmt.Sprintf(format, args...), Transient: r.Transient}
}
