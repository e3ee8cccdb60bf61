package checks

import (
	"errors"
	"fmt"
	"go/version"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/repo"
)

// A usedModule is what a use line of go.work names.
type usedModule struct {
	use *modfile.Use
	// dir is its directory and goMod its go.mod, relative to the root, with
	// "../" outside of it.
	dir, goMod string
	// missing is whether there is no go.mod.
	missing bool
	// syntax is the parsed go.mod; nil when it does not parse, or lies outside
	// of the root and is not read.
	syntax *modfile.File
}

// usedModules looks up what the use lines of a go.work name. It is empty when
// go.work does not parse.
func usedModules(r *repo.Repo, ws *repo.Workspace) []usedModule {
	if ws.Syntax == nil {
		return nil
	}
	known := map[string]*repo.Module{}
	for _, m := range r.Modules {
		known[m.Dir] = m
	}
	var used []usedModule
	for _, u := range ws.Syntax.Use {
		dir := ws.UseDir(u.Path)
		one := usedModule{use: u, dir: dir, goMod: path.Join(dir, "go.mod")}
		if m := known[dir]; m != nil {
			one.goMod, one.syntax = m.GoMod.Name, m.Syntax
		} else if filepath.IsLocal(filepath.FromSlash(dir)) {
			data, err := r.ReadFile(one.goMod)
			one.missing = errors.Is(err, fs.ErrNotExist)
			if err == nil {
				one.syntax, _ = modfile.Parse(one.goMod, data, nil) // the go command says why not
			}
		} else {
			_, err := os.Stat(r.Abs(one.goMod))
			one.missing = errors.Is(err, fs.ErrNotExist)
		}
		used = append(used, one)
	}
	return used
}

// goWorkFacts is what there is to know about one go.work.
type goWorkFacts struct {
	// name is the file; it starts with "../" when it is not the repository's.
	name string
	data []byte
	err  error
	// goVersion is the release that the workspace builds with; empty when it is
	// unknown or already known to be too old for the go line.
	goVersion string
	used      []usedModule
	// vendored is whether the workspace builds from vendor, which reads no
	// replacement.
	vendored bool
	// target tells why a replacement directory cannot be used; empty if it can.
	target func(dir string) string
}

func gatherGoWork(s *Session, ws *repo.Workspace, used []usedModule) goWorkFacts {
	facts := goWorkFacts{
		name: ws.Work.Name, data: ws.Work.Data, err: ws.Work.Err,
		used:     used,
		vendored: s.buildsFromVendor(&repo.Module{Workspace: ws}),
		target:   replacementDirs(s.Repo.Abs(ws.Dir)),
	}
	if c, err := s.choice(&repo.Module{Workspace: ws}); err == nil && !c.TooOld {
		facts.goVersion = c.Version
	}
	return facts
}

// judgeGoWork is what is wrong with one go.work. Findings are about all modules
// that build in the workspace, so that Dir is empty. Of a go.work that is not
// the repository's, the message names the place.
func judgeGoWork(facts goWorkFacts) []Finding {
	findings := judgeGoWorkFile(facts)
	for i := range findings {
		if f := &findings[i]; strings.HasPrefix(f.File, "../") {
			f.Message = f.Place() + ": " + f.Message
			f.File, f.Line, f.EndLine, f.Column = "", 0, 0, 0
		}
	}
	return findings
}

func judgeGoWorkFile(facts goWorkFacts) []Finding {
	if facts.err != nil {
		return []Finding{unreadable(facts.name, facts.err)}
	}
	file, findings := parseGoWork(facts.name, facts.data)
	if file == nil {
		return findings
	}
	j := &goWorkJudge{goWorkFacts: facts, file: file}
	j.found = append(j.found, tooNew(facts.name, file.Syntax, facts.goVersion)...)
	j.uses()
	j.goLines()
	if conflicts := replaceConflicts(facts.name, file.Replace); len(conflicts) > 0 {
		return append(j.found, conflicts...)
	}
	j.memberReplaces()
	j.replacedMembers()
	return j.found
}

type goWorkJudge struct {
	goWorkFacts
	file  *modfile.WorkFile
	found []Finding
}

func (j *goWorkJudge) report(r *Rule, line int, format string, args ...any) *Finding {
	f := r.Finding(format, args...)
	f.File, f.Line = j.name, line
	j.found = append(j.found, f)
	return &j.found[len(j.found)-1]
}

var (
	ruleGoModUseMissing = &Rule{
		ID: "gomod/use-missing", Severity: Error, Blocks: true,
		Summary: "go.work uses a directory that is missing or has no go.mod.",
		Help: "Every go command in the workspace fails with \"cannot load module listed in go.work file\". Remove the use line " +
			"(`go work edit -dropuse=DIR`), or check the directory out: it may be another repository's, a git submodule, or not committed.",
	}
	ruleGoModUseDuplicate = &Rule{
		ID: "gomod/use-duplicate", Severity: Error, Blocks: true,
		Summary: "go.work uses a directory twice.",
		Help:    "Every go command in the workspace fails with \"appears multiple times in workspace\". Delete one of the lines.",
	}
	ruleGoModModuleDuplicate = &Rule{
		ID: "gomod/module-duplicate", Severity: Error, Blocks: true,
		Summary: "Two modules of a workspace have the same module path.",
		Help:    "Every go command in the workspace fails with \"appears multiple times in workspace\". One of the go.mod files was copied without changing its module line, or one of the use lines has to go.",
	}
)

func (j *goWorkJudge) uses() {
	dirs := map[string]*modfile.Use{}
	paths := map[string]usedModule{}
	for _, u := range j.used {
		line := u.use.Syntax.Start.Line
		if first := dirs[u.dir]; first != nil {
			f := j.report(ruleGoModUseDuplicate, line, "%s is used here and in line %d", u.dir, first.Syntax.Start.Line)
			f.Key = u.dir
			f.Fix.Description = "Delete one of the two lines."
			continue
		}
		dirs[u.dir] = u.use
		if u.missing {
			f := j.report(ruleGoModUseMissing, line, "%s is used, but %s does not exist", u.use.Path, u.goMod)
			f.Key = u.dir
			f.Fix = Fix{
				Description: "Check the directory out, or remove the use line.",
				Command:     inDirOf(j.name, "go work edit -dropuse="+shellQuote(u.use.Path)),
			}
			continue
		}
		if u.syntax == nil || u.syntax.Module == nil {
			continue
		}
		p := u.syntax.Module.Mod.Path
		if first, ok := paths[p]; ok {
			f := j.report(ruleGoModModuleDuplicate, line, "%s and %s both have the module path %s", first.dir, u.dir, p)
			f.Module, f.Key = p, u.dir
			f.Fix.Description = "Give one of them another module path, or remove one use line."
			continue
		}
		paths[p] = u
	}
}

var ruleGoModWorkGoVersion = &Rule{
	ID: "gomod/work-go-version", Severity: Error, Blocks: true,
	Summary: "The go line of go.work is lower than that of one of its modules.",
	Help: "Every go command in the workspace fails: the go line of go.work decides for all modules, and since Go 1.21 it must be at least that of each. " +
		"Without a go line, 1.18 is assumed. `go work use` raises it.",
}

// goLines is cmd/go's errWorkTooOld.
func (j *goWorkJudge) goLines() {
	work, line, says := "1.18", 1, "has no go line, which means 1.18"
	if j.file.Go != nil {
		work, line = j.file.Go.Version, j.file.Go.Syntax.Start.Line
		says = "says go " + work
	}
	highest, at := "", ""
	var evidence []string
	for _, u := range j.used {
		if u.syntax == nil || u.syntax.Go == nil {
			continue
		}
		v := u.syntax.Go.Version
		if version.Compare("go"+v, "go"+work) <= 0 || version.Compare("go"+v, "go1.21") < 0 {
			continue
		}
		evidence = append(evidence, fmt.Sprintf("%s:%d: go %s", u.goMod, u.syntax.Go.Syntax.Start.Line, v))
		if highest == "" || version.Compare("go"+v, "go"+highest) > 0 {
			highest, at = v, u.goMod
		}
	}
	if highest == "" {
		return
	}
	f := j.report(ruleGoModWorkGoVersion, line, "%s needs go >= %s, but %s %s", at, highest, j.name, says)
	f.Evidence = evidence
	f.Fix = Fix{Description: "Raise the go line of go.work.", Command: inDirOf(j.name, "go work edit -go="+highest)}
}

// memberReplaces finds modules of the workspace that replace one left side by
// different things, where go.work does not decide (modload/init.go,
// makeMainModules).
func (j *goWorkJudge) memberReplaces() {
	decided := map[string]bool{}
	for _, r := range j.file.Replace {
		decided[r.Old.Path] = true
	}
	type said struct {
		by     usedModule
		target module.Version
		line   int
	}
	first := map[module.Version]said{}
	for _, u := range j.used {
		if u.syntax == nil {
			continue
		}
		for _, r := range u.syntax.Replace {
			if decided[r.Old.Path] {
				continue
			}
			target := r.New
			if target.Version == "" && !path.IsAbs(target.Path) {
				target.Path = path.Join(u.dir, target.Path)
			}
			now := said{by: u, target: target, line: r.Syntax.Start.Line}
			old, ok := first[r.Old]
			if !ok {
				first[r.Old] = now
				continue
			}
			if old.target == target || old.by.dir == u.dir {
				continue
			}
			mod := describeModule(r.Old)
			f := ruleGoModReplaceConflict.Finding("%s is replaced by %s here and by %s in %s:%d, another module of the workspace",
				mod, describeModule(target), describeModule(old.target), old.by.goMod, old.line)
			f.File, f.Line, f.Module, f.Key = u.goMod, now.line, mod, j.name
			f.Fix.Description = fmt.Sprintf("Let go.work decide: go work edit -replace %s=REPLACEMENT", mod)
			j.found = append(j.found, f)
		}
	}
}

var ruleGoModWorkReplace = &Rule{
	ID: "gomod/work-replace", Severity: Error, Blocks: true,
	Summary: "go.work replaces one of its own modules at all versions.",
	Help:    "Every go command in the workspace fails. A module that go.work uses needs no replacement: drop the line, or give the version that it is for.",
}

// replacedMembers judges the replace lines of go.work: none may replace a
// module of the workspace, and the directories of those in force must exist.
func (j *goWorkJudge) replacedMembers() {
	members := map[string]bool{}
	required := map[*modfile.Replace]module.Version{}
	lines := newReplaceIndex(j.file.Replace)
	for _, u := range j.used {
		if u.syntax == nil {
			continue
		}
		if u.syntax.Module != nil {
			members[u.syntax.Module.Mod.Path] = true
		}
		for _, req := range u.syntax.Require {
			if r := lines.find(req.Mod); r != nil {
				required[r] = req.Mod
			}
		}
	}
	for _, r := range j.file.Replace {
		line, mod := r.Syntax.Start.Line, describeModule(r.Old)
		fix := Fix{
			Description: "Remove the line.",
			Command:     inDirOf(j.name, "go work edit -dropreplace="+shellQuote(mod)),
		}
		if members[r.Old.Path] {
			if r.Old.Version == "" {
				f := j.report(ruleGoModWorkReplace, line, "%s is a module of the workspace and replaced at all versions", mod)
				f.Module, f.Fix = mod, fix
			}
			continue
		}
		if _, ok := required[r]; !ok || r.New.Version != "" || j.vendored {
			continue
		}
		if why := j.target(r.New.Path); why != "" {
			f := j.report(ruleGoModReplaceMissing, line, "%s is replaced by %s, which %s", mod, strings.TrimSuffix(r.New.Path, "/"), why)
			f.Module, f.Fix = mod, fix
		}
	}
}
