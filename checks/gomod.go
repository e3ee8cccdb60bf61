package checks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

var gomod = &Check{
	Name:  "gomod",
	Stage: StageTidy,
	Title: "go.mod and go.work parse and mean one thing",
	Doc: `Reads every go.mod and go.work as the go command does and looks for what makes it fail: lines that do not parse,
directives newer than the Go that builds, versions that must be looked up in the network, requirements and
replacements that contradict each other, replacement and workspace directories that are not there.

Nothing is reported that the go command accepts without effect, such as a replacement of a module that is not required.
Whether the requirements are the right ones is the question of ` + "`tidy`" + `. Runs no command.`,
	Rules: []*Rule{
		ruleGoModUnreadable, ruleGoModSyntax, ruleGoModMergeConflict, ruleGoModGoVersion, ruleGoModToolchainVersion,
		ruleGoModVersionNotCanonical, ruleGoModMajorVersion,
		ruleGoModModulePath, ruleGoModToolPath, ruleGoModNoGoLine, ruleGoModDirectiveTooNew,
		ruleGoModDuplicateRequire, ruleGoModExcluded, ruleGoModReplaceConflict, ruleGoModReplacePath, ruleGoModReplaceMissing,
		ruleGoModUseMissing, ruleGoModUseDuplicate, ruleGoModModuleDuplicate, ruleGoModWorkGoVersion, ruleGoModWorkReplace,
	},
	Run: runGoMod,
}

func runGoMod(ctx context.Context, s *Session) (Facts, []Finding, error) {
	used := map[*repo.Workspace][]usedModule{}
	for _, ws := range s.Repo.Workspaces {
		used[ws] = usedModules(s.Repo, ws)
	}
	statuses, findings := s.forEachModule(ctx, func(_ context.Context, m *repo.Module) (string, []Finding, error) {
		return "parses and means one thing", judgeGoMod(gatherGoMod(s, m, used[m.Workspace])), nil
	})
	for _, ws := range s.Repo.Workspaces {
		findings = append(findings, judgeGoWork(gatherGoWork(s, ws, used[ws]))...)
	}
	summary := plain.Count(len(s.Modules), "go.mod file")
	if n := len(s.Repo.Workspaces); n > 0 {
		summary += ", " + plain.Count(n, "go.work file")
	}
	return Facts{Summary: summary, Modules: statuses}, findings, nil
}

// goModFacts is what there is to know about one go.mod.
type goModFacts struct {
	// name is the file, relative to the root.
	name string
	data []byte
	err  error
	// goVersion is the release that the module builds with; empty when it is
	// unknown or already known to be too old for the go line.
	goVersion string
	// members are the module paths of its workspace, whose go.mod files never
	// need updates and do not replace each other; nil outside of one.
	members map[string]bool
	// work are the replacements of its go.work, which come first.
	work []*modfile.Replace
	// vendored is whether it builds from vendor, which reads no replacement.
	vendored bool
	// target tells why a replacement directory cannot be used; empty if it can.
	target func(dir string) string
}

// gatherGoMod learns about a module; used are the modules of its workspace.
func gatherGoMod(s *Session, m *repo.Module, used []usedModule) goModFacts {
	facts := goModFacts{
		name: m.GoMod.Name, data: m.GoMod.Data, err: m.GoMod.Err,
		target:   replacementDirs(s.Repo.Abs(m.Dir)),
		vendored: s.buildsFromVendor(m),
	}
	if c, err := s.choice(m); err == nil && !c.TooOld {
		facts.goVersion = c.Version
	}
	if ws := m.Workspace; ws != nil {
		facts.members = map[string]bool{}
		for _, u := range used {
			if u.syntax != nil && u.syntax.Module != nil {
				facts.members[u.syntax.Module.Mod.Path] = true
			}
		}
		facts.work = ws.Syntax.Replace
	}
	return facts
}

// replacementDirs tells what is wrong with the directories that replace lines
// of a file in dir name: nothing, or why the go command cannot use them.
func replacementDirs(dir string) func(string) string {
	return func(target string) string {
		abs := filepath.FromSlash(target)
		if !filepath.IsAbs(abs) {
			abs = filepath.Join(dir, abs)
		}
		if _, err := os.Stat(abs); errors.Is(err, fs.ErrNotExist) {
			return "does not exist"
		}
		if _, err := os.Stat(filepath.Join(abs, "go.mod")); errors.Is(err, fs.ErrNotExist) {
			return "has no go.mod"
		}
		return ""
	}
}

// judgeGoMod is what is wrong with one go.mod.
func judgeGoMod(facts goModFacts) []Finding {
	if facts.err != nil {
		return []Finding{unreadable(facts.name, facts.err)}
	}
	file, findings := parseGoMod(facts.name, facts.data)
	if file == nil {
		return findings
	}
	j := &goModJudge{goModFacts: facts, file: file}
	j.paths()
	j.goLine()
	j.found = append(j.found, tooNew(facts.name, file.Syntax, facts.goVersion)...)
	if facts.members == nil {
		j.duplicateRequires()
		j.excluded()
	}
	if conflicts := replaceConflicts(facts.name, file.Replace); len(conflicts) > 0 {
		return append(j.found, conflicts...)
	}
	j.replacements()
	return j.found
}

type goModJudge struct {
	goModFacts
	file  *modfile.File
	found []Finding
}

// report adds a finding at a line.
func (j *goModJudge) report(r *Rule, line *modfile.Line, mod string, format string, args ...any) *Finding {
	f := r.Finding(format, args...)
	f.File, f.Module = j.name, mod
	if line != nil {
		f.Line, f.EndLine = line.Start.Line, line.End.Line
	}
	j.found = append(j.found, f)
	return &j.found[len(j.found)-1]
}

// edit is a go mod edit command for the file.
func (j *goModJudge) edit(flags string) string {
	return "go mod edit " + flags + " " + shellQuote(j.name)
}

var (
	ruleGoModModulePath = &Rule{
		ID: "gomod/module-path", Severity: Error, Blocks: true,
		Summary: "go.mod has no module line, or its module path is not allowed.",
		Help: "Every go command fails. A module path is made of letters, digits and `-._~` between slashes " +
			"(https://go.dev/ref/mod#go-mod-file-ident); `go` and `toolchain` are reserved. Set it with `go mod edit -module=PATH`.",
	}
	ruleGoModToolPath = &Rule{
		ID: "gomod/tool-path", Severity: Error, Blocks: true,
		Summary: "A tool line does not name a package.",
		Help:    "Every go command fails. A tool line has the import path of a main package, not a directory or a version: `go get -tool example.com/cmd/x@v1.2.3` writes it.",
	}
)

func (j *goModJudge) paths() {
	if j.file.Module == nil {
		f := j.report(ruleGoModModulePath, nil, "", "%s has no module line", j.name)
		f.Line = 1
		f.Fix.Description = "Add the module line: go mod edit -module=PATH " + j.name
	} else {
		m := j.file.Module
		if p := m.Mod.Path; p == "go" || p == "toolchain" {
			j.report(ruleGoModModulePath, m.Syntax, "", "the module path %q is reserved", p)
		} else if err := module.CheckImportPath(p); err != nil {
			j.report(ruleGoModModulePath, m.Syntax, "", "malformed module path %q: %v", p, pathReason(err))
		}
	}
	for _, t := range j.file.Tool {
		if err := module.CheckImportPath(t.Path); err != nil {
			f := j.report(ruleGoModToolPath, t.Syntax, "", "malformed tool path %q: %v", t.Path, pathReason(err))
			f.Key = t.Path
		}
	}
}

// pathReason is why a path is invalid, without the path.
func pathReason(err error) error {
	var invalid *module.InvalidPathError
	if errors.As(err, &invalid) {
		return invalid.Err
	}
	return err
}

var ruleGoModNoGoLine = &Rule{
	ID: "gomod/no-go-line", Severity: Notice,
	Summary: "go.mod has no go line, which means Go 1.16.",
	Help: "The go command takes such a module for one of Go 1.16: without the language of later releases, without pruned module graphs, " +
		"and without building from vendor by itself. Say so with `go mod edit -go=1.16`, or raise it: `go mod edit -go=1.N` and `go mod tidy`.",
}

func (j *goModJudge) goLine() {
	if j.file.Go != nil {
		return
	}
	var line *modfile.Line
	if j.file.Module != nil {
		line = j.file.Module.Syntax
	}
	f := j.report(ruleGoModNoGoLine, line, "", "%s has no go line: the go command assumes go 1.16", j.name)
	f.Fix = Fix{Description: "Write down what is assumed.", Command: j.edit("-go=1.16")}
}

var ruleGoModDuplicateRequire = &Rule{
	ID: "gomod/duplicate-require", Severity: Error,
	Summary: "go.mod requires a module at two versions.",
	Help: "The go command would take the higher one, but must rewrite go.mod for that and refuses to: \"updates to go.mod needed\". " +
		"As a rule this is what a merge left over. `go mod tidy` keeps the higher version.",
}

func (j *goModJudge) duplicateRequires() {
	first := map[string]*modfile.Require{}
	for _, r := range j.file.Require {
		old := first[r.Mod.Path]
		if old == nil {
			first[r.Mod.Path] = r
			continue
		}
		if old.Mod.Version == r.Mod.Version {
			continue // accepted; tidy merges them
		}
		f := j.report(ruleGoModDuplicateRequire, r.Syntax, r.Mod.Path, "%s is required at %s here and at %s in line %d",
			r.Mod.Path, r.Mod.Version, old.Mod.Version, old.Syntax.Start.Line)
		f.Key = r.Mod.Version
		f.Fix = Fix{Description: "Delete one of the two lines, or let tidy keep the higher version.", Command: inDirOf(j.name, "go mod tidy")}
	}
}

var ruleGoModExcluded = &Rule{
	ID: "gomod/excluded", Severity: Error,
	Summary: "go.mod requires a version that it excludes.",
	Help: "The go command ignores the requirement, must write another one for it and refuses to: \"updates to go.mod needed\". " +
		"Require another version, or drop the exclude line.",
}

func (j *goModJudge) excluded() {
	at := map[module.Version]int{}
	for _, x := range j.file.Exclude {
		at[x.Mod] = x.Syntax.Start.Line
	}
	for _, r := range j.file.Require {
		if line, ok := at[r.Mod]; ok {
			f := j.report(ruleGoModExcluded, r.Syntax, r.Mod.String(), "%s is required here and excluded in line %d", r.Mod, line)
			f.Fix = Fix{
				Description: "Require another version, or drop the exclusion.",
				Command:     j.edit("-dropexclude=" + shellQuote(r.Mod.String())),
			}
		}
	}
}

var (
	ruleGoModReplacePath = &Rule{
		ID: "gomod/replace-path", Severity: Error,
		Summary: "A required module is replaced by something that is no module path.",
		Help: "The line parses, and the go command fails when it loads the module. The right side is a module path with a version, or a directory " +
			"that begins with `./`, `../` or `/`; a git address is neither. To fetch by SSH: `git config --global url.ssh://git@HOST/.insteadOf https://HOST/` and GOPRIVATE.",
	}
	ruleGoModReplaceMissing = &Rule{
		ID: "gomod/replace-missing", Severity: Error,
		Summary: "A required module is replaced by a directory that is missing or has no go.mod.",
		Help: "The go command fails with \"replacement directory does not exist\" or \"reading go.mod\". Often the line was meant for one " +
			"developer's machine, or the directory is a git submodule that was not checked out.\n\n" +
			"Remove the line (`go mod edit -dropreplace=MODULE`), check the directory out in CI too, or use a go.work that is not committed.",
	}
)

// replacements judges the replacement in force for each requirement.
func (j *goModJudge) replacements() {
	lines := newReplaceIndex(j.file.Replace)
	work := newReplaceIndex(j.work)
	seen := map[*modfile.Replace]bool{}
	for _, req := range j.file.Require {
		r := lines.find(req.Mod)
		if r == nil || seen[r] || work.find(req.Mod) != nil || j.members[req.Mod.Path] {
			continue
		}
		seen[r] = true
		f := j.replacement(r, req.Mod)
		if f != nil {
			f.Fix = Fix{
				Description: "Mend the line, or remove it.",
				Command:     j.edit("-dropreplace=" + shellQuote(describeModule(r.Old))),
			}
		}
	}
}

func (j *goModJudge) replacement(r *modfile.Replace, req module.Version) *Finding {
	if r.New.Version != "" {
		if err := module.CheckPath(r.New.Path); err != nil {
			return j.report(ruleGoModReplacePath, r.Syntax, req.String(), "%s is replaced by %q, which is no module path: %v",
				describeModule(r.Old), r.New.Path, pathReason(err))
		}
		return nil
	}
	if j.vendored {
		return nil
	}
	if why := j.target(r.New.Path); why != "" {
		return j.report(ruleGoModReplaceMissing, r.Syntax, req.String(), "%s is replaced by %s, which %s",
			describeModule(r.Old), r.New.Path, why)
	}
	return nil
}

var ruleGoModReplaceConflict = &Rule{
	ID: "gomod/replace-conflict", Severity: Error, Blocks: true,
	Summary: "A module is replaced by two different things.",
	Help: "Every go command fails with \"conflicting replacements\". Keep one of the lines; between modules of a workspace, a replace line in go.work " +
		"decides: `go work edit -replace MODULE=REPLACEMENT`.",
}

// replaceConflicts finds different replacements of one left side in a file.
func replaceConflicts(name string, lines []*modfile.Replace) []Finding {
	first := map[module.Version]*modfile.Replace{}
	var findings []Finding
	for _, r := range lines {
		old := first[r.Old]
		if old == nil {
			first[r.Old] = r
			continue
		}
		if old.New != r.New {
			mod := describeModule(r.Old)
			f := ruleGoModReplaceConflict.Finding("%s is replaced by %s here and by %s in line %d",
				mod, describeModule(r.New), describeModule(old.New), old.Syntax.Start.Line)
			f.File, f.Line, f.Module, f.Key = name, r.Syntax.Start.Line, mod, describeModule(r.New)
			f.Fix.Description = "Delete one of the two lines."
			findings = append(findings, f)
		}
	}
	return findings
}

// replaceIndex finds the line that replaces a module version.
type replaceIndex map[module.Version]*modfile.Replace

func newReplaceIndex(lines []*modfile.Replace) replaceIndex {
	x := make(replaceIndex, len(lines))
	for _, r := range lines {
		x[r.Old] = r
	}
	return x
}

// find prefers the line for this version to that for all versions; nil for none.
func (x replaceIndex) find(m module.Version) *modfile.Replace {
	if r := x[m]; r != nil {
		return r
	}
	return x[module.Version{Path: m.Path}]
}

// inDirOf is a shell command for the directory of a file, to be run in the root.
func inDirOf(name, command string) string {
	dir := "."
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		dir = name[:i]
	}
	return inDir(dir, command)
}

// standalone is a shell command for a module that must not see its workspace.
func standalone(m *repo.Module, command string) string {
	if m.Workspace == nil {
		return command
	}
	return fmt.Sprintf("GOWORK=off %s", command)
}
