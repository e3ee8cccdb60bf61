package checks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

var policy = &Check{
	Name:  "policy",
	Stage: StageTidy,
	Title: "dependencies keep to the policy",
	Doc: `Looks at what go.mod and go.work say, not at what the modules hold: replacements that point at directories or that
silence the versions of go.mod, and modules that the configuration denies (` + "`dependencies.deny`" + `).

` + "`dependencies.replace-allow`" + ` names modules that may be replaced. How hard each rule bites is set under ` + "`severity`" + `.
Runs no command.`,
	Needs: []*Check{gomod},
	Rules: []*Rule{
		rulePolicyReplaceOutside, rulePolicyReplaceLocal, rulePolicyReplaceUnpinned, rulePolicyDeniedModule,
		ruleExceptionExpired, ruleExceptionUnused, ruleConfigUnread,
	},
	Run: runPolicy,
}

// The rules about the configuration itself, which the runner reports.
var (
	ruleExceptionExpired = &Rule{
		ID: "policy/exception-expired", Severity: Notice,
		Summary: "An exception of the configuration has expired.",
		Help:    "What it accepted counts again. Mend the finding and delete the exception, or give it a new date with a reason.",
	}
	ruleExceptionUnused = &Rule{
		ID: "policy/exception-unused", Severity: Notice,
		Summary: "An exception of the configuration matches no finding.",
		Help: "What it accepted is gone, or the exception never matched: compare its rule, module and file with the finding's. " +
			"Delete it, so that it does not accept something else one day.",
	}
	ruleConfigUnread = &Rule{
		ID: "policy/config-unread", Severity: Warning,
		Summary: "The configuration could not be read from the base revision, and the defaults were used.",
		Help: "On a pull or merge request the configuration is read from the base revision, so that a change cannot relax its own gate. " +
			"It could not: the base's commit is not in this clone (`fetch-depth: 0` brings it, `--base` names it), or its file is broken. " +
			"Mend that; a file that this change mends counts from the next one on.",
	}
)

func runPolicy(ctx context.Context, s *Session) (Facts, []Finding, error) {
	judge := func(f policyFile) []Finding {
		f.root, f.own, f.policy = s.Repo.Root, s.modulePathIn, s.Config.Dependencies
		return judgePolicy(f)
	}
	statuses, findings := s.forEachModule(ctx, func(_ context.Context, m *repo.Module) (string, []Finding, error) {
		if m.Syntax == nil {
			return "", nil, fmt.Errorf("%s does not parse", m.GoMod.Name)
		}
		return "keeps to the policy", judge(policyFile{
			name: m.GoMod.Name, dir: m.Dir, command: "go mod edit",
			require: m.Syntax.Require, replace: m.Syntax.Replace,
		}), nil
	})
	for _, ws := range s.Repo.Workspaces {
		// A go.work above the root is somebody's own, not the repository's.
		if ws.Syntax != nil && !strings.HasPrefix(ws.Dir, "..") {
			findings = append(findings, judge(policyFile{
				name: ws.Work.Name, dir: ws.Dir, command: "go work edit", replace: ws.Syntax.Replace,
			})...)
		}
	}
	return Facts{Summary: policySummary(s.Modules), Modules: statuses}, findings, nil
}

// modulePathIn is the path of the module in a directory of the repository, also
// outside of the folder that the run is about; empty where there is none.
func (s *Session) modulePathIn(dir string) string {
	data, err := s.Repo.ReadFile(path.Join(dir, "go.mod"))
	if err != nil {
		return ""
	}
	return modfile.ModulePath(data)
}

func policySummary(modules []*repo.Module) string {
	requires, replaces := 0, 0
	for _, m := range modules {
		if m.Syntax != nil {
			requires += len(m.Syntax.Require)
			replaces += len(m.Syntax.Replace)
		}
	}
	return fmt.Sprintf("%s, %s", plain.Count(requires, "requirement"), plain.Count(replaces, "replacement"))
}

// A policyFile is a go.mod or go.work and what it is judged by.
type policyFile struct {
	// name is the file and dir its directory, relative to the root.
	name, dir string
	// command edits it: "go mod edit" or "go work edit".
	command string
	require []*modfile.Require
	replace []*modfile.Replace

	// root is the repository's top, absolute.
	root string
	// own is the path of the module in a directory of the repository; empty for none.
	own    func(dir string) string
	policy config.Dependencies
}

// judgePolicy is where a file does not keep to the policy.
func judgePolicy(p policyFile) []Finding {
	var findings []Finding
	required := map[string]string{}
	for _, r := range p.require {
		required[r.Mod.Path] = r.Mod.Version
	}
	for _, r := range p.replace {
		switch target, inside := p.target(r); {
		case p.allowed(r.Old.Path):
		case r.New.Version != "":
			if f := p.unpinned(r, required[r.Old.Path]); f != nil {
				findings = append(findings, *f)
			}
		case !inside && required[r.Old.Path] != "" && p.missing(r):
			// The build wants it and finds nothing: check gomod reports that.
		case !inside:
			findings = append(findings, p.outside(r))
		case p.own(target) == r.Old.Path:
			// A repository of many modules builds them from each other.
		default:
			findings = append(findings, p.local(r))
		}
	}
	return append(findings, p.denied()...)
}

// missing reports whether the directory of a replacement is not there.
func (p policyFile) missing(r *modfile.Replace) bool {
	_, err := os.Stat(p.directory(r))
	return errors.Is(err, fs.ErrNotExist)
}

// directory is the absolute path of a replacement by a directory.
func (p policyFile) directory(r *modfile.Replace) string {
	dir := filepath.FromSlash(r.New.Path)
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(p.root, filepath.FromSlash(p.dir), dir)
}

func (p policyFile) allowed(modPath string) bool {
	return module.MatchPrefixPatterns(strings.Join(p.policy.ReplaceAllow, ","), modPath)
}

// target is the directory of a replacement, relative to the root, and whether
// it lies in the repository. Symbolic links are followed where they lead.
func (p policyFile) target(r *modfile.Replace) (dir string, inside bool) {
	if r.New.Version != "" {
		return "", false
	}
	abs := p.directory(r)
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	return relative(p.root, abs)
}

func (p policyFile) finding(rule *Rule, r *modfile.Replace, format string, args ...any) Finding {
	f := rule.Finding(format, args...)
	f.File, f.Line, f.EndLine = p.name, r.Syntax.Start.Line, r.Syntax.End.Line
	f.Module = describeModule(r.Old)
	return f
}

// edit is a command that changes the file, to be run in the root.
func (p policyFile) edit(flags ...string) string {
	command := p.command
	for _, f := range flags {
		command += " " + shellQuote(f)
	}
	return command + " " + shellQuote(p.name)
}

var (
	rulePolicyReplaceOutside = &Rule{
		ID: "policy/replace-outside", Severity: Error,
		Summary: "A module is replaced by a directory outside of the repository.",
		Help: "What is built depends on a directory that no commit of this repository names: another machine has something else there, or nothing. " +
			"Such a line is written for one's own work and committed by mistake.\n\nKeep it in a go.work that is not committed, or replace the module by a " +
			"version of a fork. A module that may be replaced is named in `dependencies.replace-allow`.",
	}
	rulePolicyReplaceLocal = &Rule{
		ID: "policy/replace-local", Severity: Notice,
		Summary: "A module is replaced by a directory of the repository that is not its own.",
		Help: "It builds here, but nowhere else: replace lines count in the main module only, so that whoever imports this module gets the published version, " +
			"and `go install MODULE@VERSION` refuses a module with replace lines altogether. go.sum has no hash for a directory.\n\n" +
			"A module of this repository that is replaced by its own directory is not reported. A module that may be replaced is named in `dependencies.replace-allow`.",
	}
)

func (p policyFile) outside(r *modfile.Replace) Finding {
	f := p.finding(rulePolicyReplaceOutside, r, "%s is replaced by %s, outside of the repository", describeModule(r.Old), r.New.Path)
	f.Fix = Fix{
		Description: "Remove the line; for work on both modules, use a go.work that is not committed.",
		Command:     p.edit("-dropreplace=" + describeModule(r.Old)),
	}
	return f
}

func (p policyFile) local(r *modfile.Replace) Finding {
	return p.finding(rulePolicyReplaceLocal, r, "%s is replaced by the directory %s", describeModule(r.Old), r.New.Path)
}

var rulePolicyReplaceUnpinned = &Rule{
	ID: "policy/replace-unpinned", Severity: Notice,
	Summary: "All versions of a required module are replaced by one version.",
	Help: "A replace line without a version on its left side counts for every version, so that the version in the require line says nothing: raising it, for a " +
		"security fix too, changes what go.mod says and not what is built.\n\nName the version that is replaced: then the next upgrade takes effect, " +
		"or shows that the replacement has to move with it.",
}

// unpinned judges a replacement by a module version. It is silent where the
// require line says what is built.
func (p policyFile) unpinned(r *modfile.Replace, required string) *Finding {
	if r.Old.Version != "" || required == "" || r.New.Path == r.Old.Path && r.New.Version == required {
		return nil
	}
	f := p.finding(rulePolicyReplaceUnpinned, r, "every version of %s is replaced by %s; the required %s says nothing",
		r.Old.Path, r.New, required)
	f.Fix = Fix{
		Description: "Replace the required version only.",
		Command: p.edit("-dropreplace="+r.Old.Path,
			fmt.Sprintf("-replace=%s@%s=%s", r.Old.Path, required, r.New)),
	}
	return &f
}

var rulePolicyDeniedModule = &Rule{
	ID: "policy/denied-module", Severity: Error,
	Summary: "go.mod requires a module, or replaces one by a module, that the policy denies.",
	Help: "`dependencies.deny` of the configuration names it, with the reason and what to use instead. For an indirect requirement, " +
		"`go mod why -m MODULE` tells who needs it.",
}

// denied finds modules that the policy denies, at their require and replace lines.
func (p policyFile) denied() []Finding {
	var findings []Finding
	report := func(mod module.Version, line *modfile.Line, how string) {
		for _, d := range p.policy.Deny {
			if !module.MatchPrefixPatterns(d.Module, mod.Path) {
				continue
			}
			f := rulePolicyDeniedModule.Finding("%s %s is denied%s", mod, how, deniedWhy(d))
			f.File, f.Line, f.EndLine, f.Module = p.name, line.Start.Line, line.End.Line, mod.String()
			if d.UseInstead != "" {
				f.Fix.Description = "Use " + d.UseInstead + " instead."
			}
			findings = append(findings, f)
			return
		}
	}
	for _, r := range p.require {
		how := "(required)"
		if r.Indirect {
			how = "(required indirectly)"
		}
		report(r.Mod, r.Syntax, how)
	}
	for _, r := range p.replace {
		if r.New.Version != "" {
			report(r.New, r.Syntax, fmt.Sprintf("(in place of %s)", describeModule(r.Old)))
		}
	}
	return findings
}

func deniedWhy(d config.DeniedModule) string {
	if d.Reason == "" {
		return ""
	}
	return ": " + d.Reason
}
