package checks

import (
	"context"
	"errors"
	"fmt"
	goversion "go/version"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
	"github.com/gopreflight/gopreflight/internal/tidydiff"
)

// tidy asks, for every module, whether go mod tidy would change its go.mod.
// What it would change in go.sum is reported by check gosum, from the same
// answer. It runs the go command, which may fill the module cache; go.mod and
// go.sum are never written.
var tidy = &Check{
	Name:  "tidy",
	Stage: StageTidy,
	Title: "go mod tidy would change nothing in go.mod",
	Doc: "Runs `go mod tidy -diff` (before Go 1.23: `go mod tidy` on temporary copies) in every\n" +
		"module of the repository, and judges what it prints, not its exit code, which is the same for\n" +
		"\"untidy\" and \"network down\". A warm module cache answers alone; only what it does not hold is\n" +
		"asked from the network. go.sum's part of the answer is reported by check gosum.",
	Needs: []*Check{toolchainCheck, modcache, gomod},
	After: []*Check{proxy},
	Rules: []*Rule{
		ruleTidyUnusedRequire, ruleTidyMissingRequire, ruleTidyVersion,
		ruleTidyIndirect, ruleTidyGoLine, ruleTidyOther, ruleTidyUnanswered,
	},
	Unanswered: ruleTidyUnanswered,
	Run:        runTidy,
}

const helpTidy = "\n\nRun `go mod tidy` in the module's directory and commit go.mod and go.sum."

var (
	ruleTidyUnusedRequire = &Rule{
		ID:       "tidy/unused-require",
		Severity: Error,
		Summary:  "go.mod requires a module that no package of this module needs.",
		Help: "Such a requirement still takes part in version selection: it can raise the version of other\n" +
			"modules, and everybody who depends on this module downloads its go.mod." + helpTidy,
	}
	ruleTidyMissingRequire = &Rule{
		ID:       "tidy/missing-require",
		Severity: Error,
		Summary:  "go.mod lacks a requirement that this module's packages need.",
		Help: "Builds do not add requirements by themselves (-mod=readonly, since Go 1.16): they fail with\n" +
			"\"no required module provides package\" or \"updates to go.mod needed\". Since Go 1.17 indirect\n" +
			"dependencies must be listed too." + helpTidy,
	}
	ruleTidyVersion = &Rule{
		ID:       "tidy/version",
		Severity: Error,
		Summary:  "go.mod requires another version than the one that is selected.",
		Help: "Another requirement asks for a higher version, so the line in go.mod is not what gets built.\n" +
			"Builds fail with \"updates to go.mod needed\"." + helpTidy,
	}
	ruleTidyIndirect = &Rule{
		ID:       "tidy/indirect",
		Severity: Error,
		Summary:  "An // indirect comment is missing or wrong.",
		Help: "The comment says that no package of this module imports the dependency itself. Tools and\n" +
			"reviewers rely on it to tell chosen dependencies from inherited ones." + helpTidy,
	}
	ruleTidyGoLine = &Rule{
		ID:       "tidy/go-line",
		Severity: Error,
		Summary:  "go mod tidy would change the go or toolchain line.",
		Help: "The go line must be at least as high as that of every dependency (since Go 1.21), and redundant\n" +
			"toolchain lines are dropped." + helpTidy,
	}
	ruleTidyOther = &Rule{
		ID:       "tidy/format",
		Severity: Error,
		Summary:  "go mod tidy would write go.mod differently, without changing what it means.",
		Help: "Duplicate lines, lines outside their block, or formatting: the next person who runs `go mod tidy`\n" +
			"gets an unrelated change." + helpTidy,
	}
	ruleTidyUnanswered = &Rule{
		ID:       "tidy/unanswered",
		Severity: Warning,
		Summary:  "go mod tidy could not find out whether go.mod is tidy.",
		Help: "The go command failed before it could compare: a package that no module provides, a module\n" +
			"that cannot be downloaded, or a broken file. This says nothing about whether go.mod is tidy; the\n" +
			"evidence says what to mend first.",
	}
)

// goWithTidyDiff is the first release whose go mod tidy has -diff.
const goWithTidyDiff = "go1.23"

func runTidy(ctx context.Context, s *Session) (Facts, []Finding, error) {
	statuses, findings := s.forEachModule(ctx, func(ctx context.Context, m *repo.Module) (string, []Finding, error) {
		d, err := s.tidyDiff(ctx, m)
		if err != nil {
			return "", nil, err
		}
		found, err := judgeTidy(m, d.GoMod)
		return "tidy", found, err
	})
	return Facts{Summary: "go.mod is tidy in " + plain.Count(len(s.Modules), "module"), Modules: statuses}, findings, nil
}

// tidyDiff is what go mod tidy would change in a module.
func (s *Session) tidyDiff(ctx context.Context, m *repo.Module) (tidydiff.Diff, error) {
	if goversion.Compare(s.goVersion(m), goWithTidyDiff) < 0 {
		return s.tidyCopy(ctx, m)
	}
	out, err := s.askModule(ctx, m, query{args: []string{"mod", "tidy", "-diff"}})
	if err != nil {
		return tidydiff.Diff{}, err
	}
	if out.Exit != 0 && len(strings.TrimSpace(string(out.Stdout))) == 0 {
		return tidydiff.Diff{}, newCauseError("go mod tidy -diff", string(out.Stderr))
	}
	return tidydiff.Parse(out.Stdout)
}

// tidyCopy tidies copies of go.mod and go.sum in a temporary folder, for
// releases without -diff, and compares.
func (s *Session) tidyCopy(ctx context.Context, m *repo.Module) (tidydiff.Diff, error) {
	dir, err := s.Temp("tidy")
	if err != nil {
		return tidydiff.Diff{}, err
	}
	mod := filepath.Join(dir, "go.mod")
	var sumBefore []byte
	if m.GoSum != nil {
		sumBefore = m.GoSum.Data
	}
	for _, f := range []struct {
		suffix string
		data   []byte
	}{{".mod", m.GoMod.Data}, {".sum", sumBefore}} {
		if err := os.WriteFile(filepath.Join(dir, "go"+f.suffix), f.data, 0o600); err != nil {
			return tidydiff.Diff{}, err
		}
	}
	out, err := s.askModule(ctx, m, query{args: []string{"mod", "tidy", "-modfile=" + mod}})
	if err != nil {
		return tidydiff.Diff{}, err
	}
	if out.Exit != 0 {
		return tidydiff.Diff{}, newCauseError("go mod tidy", string(out.Stderr))
	}
	after, err := os.ReadFile(mod)
	if err != nil {
		return tidydiff.Diff{}, err
	}
	sumAfter, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return tidydiff.Diff{}, err
	}
	return tidydiff.Compare(m.GoMod.Data, after, sumBefore, sumAfter)
}

// judgeTidy compares what go.mod says with what tidy would make it say, line
// by line: one finding for each requirement, at its line.
func judgeTidy(m *repo.Module, c tidydiff.Changes) ([]Finding, error) {
	if c.Empty() {
		return nil, nil
	}
	tidied, err := c.Apply(m.GoMod.Data)
	if err != nil {
		return nil, err
	}
	after, err := modfile.Parse(m.GoMod.Name, tidied, nil)
	if err != nil {
		return nil, fmt.Errorf("reading what go mod tidy would write: %w", err)
	}
	before := m.Syntax
	var findings []Finding
	add := func(f Finding, line int) {
		f.File, f.Line = m.GoMod.Name, line
		f.Fix = Fix{Description: "tidy the module", Command: inDir(m.Dir, "go mod tidy")}
		findings = append(findings, f)
	}
	was, is := requires(before), requires(after)
	for _, r := range before.Require {
		if was[r.Mod.Path] != r {
			continue // the same module again; the selected one speaks for it
		}
		line := r.Syntax.Start.Line
		now := is[r.Mod.Path]
		var f Finding
		switch {
		case now == nil:
			f = ruleTidyUnusedRequire.Finding("%s is required, but no package of this module needs it", r.Mod)
			f.Evidence = []string{"- " + r.Mod.String()}
		case now.Mod.Version != r.Mod.Version:
			f = ruleTidyVersion.Finding("%s is required at %s, but %s is selected", r.Mod.Path, r.Mod.Version, now.Mod.Version)
			f.Evidence = []string{"- " + r.Mod.String(), "+ " + now.Mod.String()}
		case now.Indirect && !r.Indirect:
			f = ruleTidyIndirect.Finding("%s is not imported by this module itself: its line lacks the // indirect comment", r.Mod)
		case !now.Indirect && r.Indirect:
			f = ruleTidyIndirect.Finding("%s is imported by this module itself: its line must not say // indirect", r.Mod)
		default:
			continue
		}
		f.Module = r.Mod.String()
		add(f, line)
	}
	for _, r := range after.Require {
		if was[r.Mod.Path] != nil || is[r.Mod.Path] != r {
			continue
		}
		f := ruleTidyMissingRequire.Finding("%s is needed, but go.mod does not require it", r.Mod)
		f.Module = r.Mod.String()
		f.Evidence = []string{"+ " + r.Mod.String()}
		if r.Indirect {
			f.Evidence[0] += " // indirect"
		}
		add(f, addedAt(c, r.Mod.Path))
	}
	if f := goLineChange(before, after); f != nil {
		line := 1
		if before.Go != nil {
			line = before.Go.Syntax.Start.Line
		}
		add(*f, line)
	}
	if len(findings) == 0 {
		f := ruleTidyOther.Finding("go mod tidy would write go.mod differently")
		line := 0
		for _, l := range c.Removed {
			f.Evidence = append(f.Evidence, "- "+l.Text)
		}
		for _, l := range c.Added {
			f.Evidence = append(f.Evidence, "+ "+l.Text)
		}
		if len(c.Removed) > 0 {
			line = c.Removed[0].Num
		} else if len(c.Added) > 0 {
			line = c.Added[0].Num
		}
		add(f, line)
	}
	return findings, nil
}

// requires is the requirement that counts for each module path: the one with
// the highest version, as the go command selects.
func requires(f *modfile.File) map[string]*modfile.Require {
	byPath := map[string]*modfile.Require{}
	for _, r := range f.Require {
		if old := byPath[r.Mod.Path]; old == nil || semver.Compare(old.Mod.Version, r.Mod.Version) < 0 {
			byPath[r.Mod.Path] = r
		}
	}
	return byPath
}

// addedAt is the line in front of which the requirement of a module would be added.
func addedAt(c tidydiff.Changes, path string) int {
	for _, l := range c.Added {
		for word := range strings.FieldsSeq(l.Text) {
			if strings.Trim(word, "\"`") == path {
				return l.Num
			}
		}
	}
	return 0
}

func goLineChange(before, after *modfile.File) *Finding {
	was, is := "", ""
	if before.Go != nil {
		was = "go " + before.Go.Version
	}
	if before.Toolchain != nil {
		was += ", toolchain " + before.Toolchain.Name
	}
	if after.Go != nil {
		is = "go " + after.Go.Version
	}
	if after.Toolchain != nil {
		is += ", toolchain " + after.Toolchain.Name
	}
	if was == is {
		return nil
	}
	f := ruleTidyGoLine.Finding("go mod tidy would change %q to %q", was, is)
	f.Evidence = []string{"- " + was, "+ " + is}
	return &f
}
