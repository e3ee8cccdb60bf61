// Package failure is the catalogue of what the go command, git and the network
// beneath them say when they fail: it turns printed text into causes, the root
// cause first.
//
// It only reads the text it is given. It never runs a command, opens a file or
// asks the network, and it knows nothing of the checks whose rules it names:
// a rule ID is a string to it.
package failure

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// A Cause is one reason for a failure, as the text tells it.
type Cause struct {
	// Class names the kind of failure: "gosum-mismatch". Classes are stable.
	// "offline" (a module lookup that GOPROXY=off forbade) is the one that
	// callers act on: the same command may succeed with the network.
	Class string
	// Summary is one sentence with the concrete values of the text.
	Summary string
	// Module is the module that it is about: path@version or a path alone;
	// empty when the text does not say.
	Module string
	// URL is the address that was asked, without credentials and query; empty
	// when the text names none.
	URL string
	// Line is the 1-based number, in the text, of the line that says so.
	Line int
	// Text is that line, without credentials, cut to maxLine bytes.
	Text string
	// Fix is a shell command or a sentence; empty when there is none to give.
	Fix string
	// Transient says that the same command may succeed when it is run again.
	Transient bool
	// Outside says that the words are the system's, the network's or git's: no
	// file of the repository is at fault, and wherever the same Summary is met,
	// it is the same cause.
	Outside bool
	// Rules are the IDs of the rules which, when they were reported already,
	// explain this cause. "vendor/*" stands for all rules of a check.
	Rules []string
}

// maxCauses bounds the answer of Diagnose.
const maxCauses = 20

// Diagnose reads what the go command printed and returns the causes that it
// knows, the root cause first: words of the system and the network come before
// the words of the go command that quote them, and those before general
// wrappers; equals stand in the order of the text. There is one cause for each
// class and module, at most maxCauses of them, and none when nothing is known.
//
// Of a text that is too long only the beginning and the end are read.
func Diagnose(text string) []Cause {
	messages := split(text)
	var found []match
	for _, m := range messages {
		found = append(found, m.matches()...)
	}
	slices.SortStableFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.entry.rank, b.entry.rank), cmp.Compare(a.line(), b.line()))
	})

	causes := []Cause{}
	seen := map[[2]string]bool{}
	for _, f := range found {
		if f.entry.rank == hint && len(causes) > 0 {
			break // a remark beside a cause adds nothing
		}
		c := f.cause()
		id := [2]string{c.Class, c.Module}
		if seen[id] {
			continue
		}
		if seen[id] = true; len(causes) < maxCauses {
			causes = append(causes, c)
		}
	}
	return causes
}

// Explains reports whether a finding that was already reported, of rule ruleID
// and about module ("" when it is about none, else a path or path@version),
// explains c: c names the rule and, where both modules are known, their paths
// are equal.
func Explains(c Cause, ruleID, module string) bool {
	named := slices.ContainsFunc(c.Rules, func(pattern string) bool {
		ok, _ := path.Match(pattern, ruleID)
		return ok
	})
	if !named || c.Module == "" || module == "" {
		return named
	}
	return modulePath(c.Module) == modulePath(module)
}

// Rules returns, sorted, every rule ID and pattern that a cause may name, so that
// a test can hold them against the rules that there are.
func Rules() []string {
	var all []string
	for _, e := range catalogue() {
		all = append(all, e.rules...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func modulePath(m string) string {
	p, _, _ := strings.Cut(m, "@")
	return p
}
