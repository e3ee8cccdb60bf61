package checks

import (
	"bytes"
	"context"
	"strings"

	sums "github.com/gopreflight/gopreflight/internal/gosum"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
	"github.com/gopreflight/gopreflight/internal/tidydiff"
)

const helpSumTidy = "\n\nRun `go mod tidy` in the module's directory and commit go.sum. Where the line is of a module that\n" +
	"nobody added or updated, find out first how it came or went: go.sum is the record of what was reviewed."

var (
	ruleSumMissing = &Rule{
		ID:       "gosum/missing",
		Severity: Error,
		Summary:  "go.sum lacks a line that go mod tidy would add.",
		Help: "Without the line nothing ties the module's content to what was reviewed. Builds stop with \"missing\n" +
			"go.sum entry\" when they need the module's packages or its go.mod; `go mod download` succeeds all the\n" +
			"same and does not add the line of a module's content. The finding says which commands stop, and with\n" +
			"what words." + helpSumTidy,
	}
	ruleSumUnused = &Rule{
		ID:       "gosum/unused",
		Severity: Error,
		Summary:  "go.sum has a line that go mod tidy would remove.",
		Help: "The line is of a module version that no package, test or tool of this module needs any more. It\n" +
			"does no harm to a build, but the next `go mod tidy` makes an unrelated change, and a reviewer cannot\n" +
			"tell a leftover from something that was put there." + helpSumTidy,
	}
	ruleSumForm = &Rule{
		ID:       "gosum/not-canonical",
		Severity: Warning,
		Summary:  "go.sum has the right lines, but in another order or more than once, or with other line ends.",
		Help: "`go mod tidy -diff` reports a difference, but `go mod tidy` does not write the file, so a gate that\n" +
			"uses the one can never be satisfied by the other (golang/go#77713).\n\n" +
			"Let tidy write the file anew, which it does as soon as it has a line to add or to remove: append one\n" +
			"that nothing needs, as the command of the finding does, and run `go mod tidy`.",
	}
)

// maxSumFindings is up to how many missing or unused module versions get a
// finding each; more are one finding.
const maxSumFindings = 20

// judgeTidySum compares go.sum with what go mod tidy would write: one finding
// for each module version. The error says why that cannot be told.
func judgeTidySum(ctx context.Context, s *Session, m *repo.Module) ([]Finding, error) {
	// Tidy needs a go command that takes the module and a go.mod that parses, and
	// would read, and unpack, what was just found to be wrong in the cache.
	if err := s.blockedBy(m, env, toolchainCheck, gomod, modcache); err != nil {
		return nil, err
	}
	t, err := s.tidied(ctx, m)
	if err != nil || t.sum.Empty() {
		return nil, err
	}
	formatted, err := formattedGoMod(m)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(formatted, t.mod) {
		return nil, Skip("go.mod is not tidy, and which lines go.sum needs follows from it: see tidy")
	}
	var before []byte
	name := strings.TrimSuffix(m.GoMod.Name, ".mod") + ".sum"
	if m.GoSum != nil {
		before = m.GoSum.Data
	}
	after, err := t.sum.Apply(before)
	if err != nil {
		return nil, err
	}
	was, err := sums.Parse(before)
	if err != nil {
		return nil, err
	}
	is, err := sums.Parse(after)
	if err != nil {
		return nil, err
	}
	if m.GoSum == nil {
		f := ruleSumMissing.Finding("there is no go.sum: %s missing", plain.Count(len(is.Lines), "line"))
		f.File, f.Line = m.GoMod.Name, 1
		if len(is.Lines) > 0 {
			f.Evidence = missedWords(s.missesSums(ctx, m), is.Lines[0].Path)
		}
		f.Fix = tidyFix(m)
		return []Finding{f}, nil
	}
	missing := sumsWithout(is, was)
	lines := 1 + bytes.Count(bytes.TrimSuffix(before, []byte("\n")), []byte("\n"))
	for i := range missing {
		missing[i].line = min(addedSum(t.sum, missing[i].lines[0]), lines)
	}
	findings := sumFindings(ruleSumMissing, "go.sum has no line for %s", "+ ", name, missing)
	if len(findings) > 0 {
		commands := s.missesSums(ctx, m)
		for i := range findings {
			about := findings[i].Module
			if about == "" {
				about = missing[0].module
			}
			findings[i].Evidence = append(findings[i].Evidence, missedWords(commands, about)...)
		}
	}
	findings = append(findings, sumFindings(ruleSumUnused, "nothing needs %s any more", "- ", name, sumsWithout(was, is))...)
	for i := range findings {
		findings[i].Fix = tidyFix(m)
	}
	if len(findings) == 0 && len(was.Bad) == 0 {
		findings = append(findings, sumForm(m, name, was, t.sum))
	}
	return findings, nil
}

// unneededSum is a line that go mod tidy removes, and writes the file anew then.
const unneededSum = "example.com/unneeded v0.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

// sumForm is the finding on a file that has the right lines only.
func sumForm(m *repo.Module, name string, was *sums.File, change tidydiff.Changes) Finding {
	f := ruleSumForm.Finding("the lines of go.sum are right, but not as go mod tidy -diff wants them")
	f.File = name
	if len(change.Removed) > 0 {
		f.Line = change.Removed[0].Num
	}
	switch {
	case was.CRLF > 0:
		f.Evidence = []string{plain.Count(was.CRLF, "line") + " with CRLF"}
	case len(was.Dropped) > 0:
		f.Evidence = []string{plain.Count(len(was.Dropped), "line") + " with the hash of an empty go.mod, which go commands ignore"}
	default:
		f.Evidence = []string{"duplicate or blank lines, lines out of order, or no end of the last line"}
	}
	f.Fix = Fix{
		Description: "let go mod tidy write the file anew, which it does when it has a line to remove",
		Command:     `printf '\n` + unneededSum + `\n' >> ` + shellQuote(name) + " && " + inDir(m.Dir, "go mod tidy"),
	}
	return f
}

func tidyFix(m *repo.Module) Fix {
	return Fix{Description: "tidy the module", Command: inDir(m.Dir, "go mod tidy")}
}

// sumGroup is lines of one module version.
type sumGroup struct {
	module string
	lines  []sums.Line
	// line is where in the file as it is.
	line int
}

// sumsWithout groups the lines of a that b does not have, in a's order.
func sumsWithout(a, b *sums.File) []sumGroup {
	have := map[string]bool{}
	for _, l := range b.Lines {
		have[sumText(l)] = true
	}
	var groups []sumGroup
	index := map[string]int{}
	for _, l := range a.Lines {
		if have[sumText(l)] {
			continue
		}
		id := l.Path + "@" + l.Version
		i, ok := index[id]
		if !ok {
			i = len(groups)
			index[id] = i
			groups = append(groups, sumGroup{module: id, line: l.Num})
		}
		groups[i].lines = append(groups[i].lines, l)
	}
	return groups
}

// sumText is a line as the go command writes it.
func sumText(l sums.Line) string { return l.Mod().Path + " " + l.Mod().Version + " " + l.Hash }

// addedSum is the line in front of which a line would be added.
func addedSum(c tidydiff.Changes, l sums.Line) int {
	for _, a := range c.Added {
		if a.Text == sumText(l) {
			return a.Num
		}
	}
	return 1
}

// sumFindings is one finding for each group, or one for all where they are many.
func sumFindings(rule *Rule, message, sign, file string, groups []sumGroup) []Finding {
	if len(groups) > maxSumFindings {
		f := rule.Finding(message, plain.Count(len(groups), "module version")+", first: "+groups[0].module)
		f.File, f.Line, f.Key = file, groups[0].line, "many"
		for _, g := range groups {
			f.Evidence = append(f.Evidence, sign+sumText(g.lines[0]))
		}
		return []Finding{f}
	}
	var findings []Finding
	for _, g := range groups {
		about := g.module
		if len(g.lines) == 1 {
			about = lineSubject(g.lines[0])
		}
		f := rule.Finding(message, about)
		f.File, f.Line, f.Module = file, g.line, g.module
		for _, l := range g.lines {
			f.Evidence = append(f.Evidence, sign+sumText(l))
		}
		findings = append(findings, f)
	}
	return findings
}
