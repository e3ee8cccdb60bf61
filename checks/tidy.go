package checks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	goversion "go/version"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

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
	After: []*Check{proxy, buildcache},
	Rules: []*Rule{
		ruleTidyUnusedRequire, ruleTidyMissingRequire, ruleTidyVersion,
		ruleTidyIndirect, ruleTidyGoLine, ruleTidyFormat, ruleTidyRewrites, ruleTidyUnanswered,
	},
	Unanswered: ruleTidyUnanswered,
	Join: func(j *Joint) Facts {
		return Facts{Summary: tidySummary(j.Modules)}
	},
	Run: runTidy,
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
	ruleTidyFormat = &Rule{
		ID:       "tidy/format",
		Severity: Error,
		Summary:  "go mod tidy would write go.mod differently, without changing what it means.",
		Help: "Duplicate lines, or lines in the wrong block: `go mod tidy -diff` fails, and the next person who\n" +
			"runs `go mod tidy` gets an unrelated change." + helpTidy,
	}
	ruleTidyRewrites = &Rule{
		ID:       "tidy/rewrites",
		Severity: Notice,
		Summary:  "go mod tidy would write go.mod anew, although go mod tidy -diff says nothing.",
		Help: "The diff starts from the formatted file, so it does not show spaces and blank lines, but tidy\n" +
			"writes the formatted file (golang/go#75299): the next person who runs it gets an unrelated change." + helpTidy,
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
		t, err := s.tidied(ctx, m)
		if err != nil {
			return "", nil, err
		}
		found, err := judgeTidy(m, t.mod)
		if patch := tidyPatch(m, t); len(found)*len(patch) <= maxTidyPatches {
			for i := range found {
				found[i].Fix.Patch = patch
			}
		}
		return "tidy", found, err
	})
	return Facts{Summary: tidySummary(statuses), Modules: statuses}, findings, nil
}

func tidySummary(statuses []ModuleStatus) string { return "go.mod is tidy in " + answered(statuses) }

// tidyAnswer is what go mod tidy would write.
type tidyAnswer struct {
	// mod is go.mod.
	mod []byte
	// sum is what would change in go.sum.
	sum tidydiff.Changes
}

// maxTidyPatches is how much the findings of one module may hold of its patch, in
// bytes: each has all of it.
const maxTidyPatches = 64 << 10

// patchName is a path that a patch can name without quotes.
var patchName = regexp.MustCompile(`^[A-Za-z0-9._+@~-]+(/[A-Za-z0-9._+@~-]+)*$`)

// tidyPatch is what go mod tidy would change in go.mod and go.sum; empty where a
// patch of files that are there cannot say it.
func tidyPatch(m *repo.Module, t tidyAnswer) string {
	if !patchName.MatchString(m.GoMod.Name) || bytes.ContainsRune(m.GoMod.Data, '\r') {
		return ""
	}
	mod, err := tidydiff.Compare("go.mod", m.GoMod.Data, t.mod)
	if err != nil {
		return ""
	}
	patch, err := mod.Patch(m.GoMod.Name)
	if err != nil || t.sum.Empty() {
		return patch
	}
	sum := repo.File{Name: strings.TrimSuffix(m.GoMod.Name, ".mod") + ".sum"}
	if m.GoSum != nil {
		sum = *m.GoSum
	}
	if sum.Err != nil || bytes.ContainsRune(sum.Data, '\r') {
		return ""
	}
	if _, err := t.sum.Apply(sum.Data); err != nil {
		return ""
	}
	more, err := t.sum.Patch(sum.Name)
	if err != nil {
		return ""
	}
	if m.GoSum == nil {
		more = strings.Replace(more, "--- a/"+sum.Name+"\n", "--- /dev/null\n", 1)
	}
	return patch + more
}

// tidied asks what go mod tidy would write in a module.
func (s *Session) tidied(ctx context.Context, m *repo.Module) (tidyAnswer, error) {
	formatted, err := formattedGoMod(m)
	if err != nil {
		return tidyAnswer{}, err
	}
	if goversion.Compare(s.goVersion(m), goWithTidyDiff) < 0 {
		return s.tidiedCopy(ctx, m)
	}
	out, err := s.askModule(ctx, m, query{args: []string{"mod", "tidy", "-diff"}})
	if err != nil {
		return tidyAnswer{}, err
	}
	if out.Exit != 0 && len(strings.TrimSpace(string(out.Stdout))) == 0 {
		return tidyAnswer{}, s.tidyFailed(m, "go mod tidy -diff", string(out.Stderr))
	}
	d, err := tidydiff.Parse(out.Stdout)
	if err != nil {
		return tidyAnswer{}, err
	}
	// The diff starts from the formatted file, not from the one on disk
	// (modload/init.go, UpdateGoModFromReqs).
	mod, err := d.GoMod.Apply(formatted)
	return tidyAnswer{mod: mod, sum: d.GoSum}, err
}

// tidyFailed is the error of a go mod tidy without an answer. Tidy does not read
// go.work: in a member that imports an unpublished sibling it cannot be asked at
// all, by nobody. A published one that cannot be had now, or is not what go.sum
// says, is another matter.
func (s *Session) tidyFailed(m *repo.Module, command, stderr string) error {
	failed := newCauseError(command, stderr)
	if len(failed.causes) > 0 {
		root := failed.causes[0]
		if root.Transient || strings.HasPrefix(root.Class, "gosum-") || strings.HasPrefix(root.Class, "sumdb-") {
			return failed
		}
	}
	if m.Workspace != nil && m.Workspace.Syntax != nil {
		for _, sibling := range s.Repo.Modules {
			if sibling == m || sibling.Workspace != m.Workspace || sibling.Path == "" {
				continue
			}
			if lacksModule(stderr, sibling.Path) {
				return Skip(fmt.Sprintf("go mod tidy does not read go.work, and cannot find %s, which only the workspace has", sibling.Path))
			}
		}
	}
	return failed
}

// lacksModule reports whether what the go command said is about a module, or
// about a package of it that nothing provides.
func lacksModule(stderr, modPath string) bool {
	for word := range strings.FieldsSeq(stderr) {
		if version, ok := strings.CutPrefix(word, modPath); ok && strings.HasPrefix(version, "@") {
			return true
		}
	}
	for _, after := range strings.Split(stderr, "providing package "+modPath)[1:] {
		if after == "" || strings.ContainsAny(after[:1], "/: \n") {
			return true
		}
	}
	return false
}

// formattedGoMod is go.mod as the go command would print what it read.
func formattedGoMod(m *repo.Module) ([]byte, error) {
	f, err := modfile.Parse(m.GoMod.Name, m.GoMod.Data, nil)
	if err != nil {
		return nil, err
	}
	return f.Format()
}

// tidiedCopy tidies copies of go.mod and go.sum in a temporary folder, for
// releases without -diff.
func (s *Session) tidiedCopy(ctx context.Context, m *repo.Module) (tidyAnswer, error) {
	dir, err := s.Temp("tidy")
	if err != nil {
		return tidyAnswer{}, err
	}
	mod, sum := filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.sum")
	var sumBefore []byte
	if m.GoSum != nil {
		sumBefore = m.GoSum.Data
	}
	if err := errors.Join(os.WriteFile(mod, m.GoMod.Data, 0o600), os.WriteFile(sum, sumBefore, 0o600)); err != nil {
		return tidyAnswer{}, err
	}
	out, err := s.askModule(ctx, m, query{args: []string{"mod", "tidy", "-modfile=" + mod}})
	if err != nil {
		return tidyAnswer{}, err
	}
	if out.Exit != 0 {
		return tidyAnswer{}, s.tidyFailed(m, "go mod tidy", string(out.Stderr))
	}
	after, err := os.ReadFile(mod)
	if err != nil {
		return tidyAnswer{}, err
	}
	sumAfter, err := os.ReadFile(sum)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return tidyAnswer{}, err
	}
	changes, err := tidydiff.Compare("go.sum", sumBefore, sumAfter)
	return tidyAnswer{mod: after, sum: changes}, err
}

// judgeTidy compares what go.mod says with what tidy would make it say: one
// finding for each requirement, at its line.
func judgeTidy(m *repo.Module, tidied []byte) ([]Finding, error) {
	formatted, err := formattedGoMod(m)
	if err != nil {
		return nil, err
	}
	onDisk := bytes.ReplaceAll(m.GoMod.Data, []byte("\r\n"), []byte("\n"))
	if bytes.Equal(onDisk, tidied) {
		return nil, nil
	}
	change, err := tidydiff.Compare("go.mod", onDisk, tidied)
	if err != nil {
		return nil, err
	}
	place := func(f Finding, line int) Finding {
		f.File, f.Line = m.GoMod.Name, line
		f.Fix = tidyFix(m)
		return f
	}
	if bytes.Equal(formatted, tidied) {
		f := ruleTidyRewrites.Finding("go mod tidy would write go.mod anew, with other spaces or blank lines")
		return []Finding{place(f, change.FirstLine())}, nil
	}
	after, err := modfile.Parse(m.GoMod.Name, tidied, nil)
	if err != nil {
		return nil, fmt.Errorf("reading what go mod tidy would write: %w", err)
	}
	var findings []Finding
	for _, r := range changedRequires(m.Syntax, after) {
		findings = append(findings, place(r.finding, r.line))
	}
	if f := goLineChange(m.Syntax, after); f != nil {
		line := 1
		if m.Syntax.Go != nil {
			line = m.Syntax.Go.Syntax.Start.Line
		}
		findings = append(findings, place(*f, line))
	}
	if len(findings) == 0 {
		f := ruleTidyFormat.Finding("go mod tidy would write go.mod differently")
		f.Evidence = change.Lines()
		findings = append(findings, place(f, change.FirstLine()))
	}
	return findings, nil
}

// changedRequire is a finding about a requirement, and its line.
type changedRequire struct {
	finding Finding
	line    int
}

func changedRequires(before, after *modfile.File) []changedRequire {
	var changed []changedRequire
	was, is := requires(before), requires(after)
	for _, r := range before.Require {
		if was[r.Mod.Path] != r {
			continue // the same module again; the selected one speaks for it
		}
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
		changed = append(changed, changedRequire{f, r.Syntax.Start.Line})
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
		changed = append(changed, changedRequire{f, lineForRequire(before)})
	}
	return changed
}

// lineForRequire is the line at which a new requirement belongs: the last one
// that is there, else the go line, else the first line.
func lineForRequire(f *modfile.File) int {
	line := 1
	if f.Go != nil {
		line = f.Go.Syntax.Start.Line
	}
	for _, r := range f.Require {
		line = max(line, r.Syntax.Start.Line)
	}
	return line
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
