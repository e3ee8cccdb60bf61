package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/modfile"

	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// deps asks what a change does to what is built. Added and upgraded modules are
// the report's ModuleChanges, not findings. It is information: where the base
// cannot be read it is skipped, and never leaves a run without an answer.
var deps = &Check{
	Name:  "deps",
	Stage: StageTidy,
	Title: "what this change does to the build list is known",
	Doc: "Compares every go.mod and go.work with that of the base revision: modules that were added, removed, upgraded,\n" +
		"downgraded or replaced, who brings them, and the replace, go and toolchain lines.\n\n" +
		"From Go 1.17 on go.mod names every module that packages are built from, and the two files are the whole answer.\n" +
		"Modules of older Go need the module graph, and so does who brings a module: one or two `go mod graph`, answered by\n" +
		"the module cache alone. Without it older modules are compared by their requirements, which the reason says, and\n" +
		"nobody is named who brings a module.\n\n" +
		"The base is the merge base with what `--base` or the CI's event names. A main module that the change deletes is not listed.",
	After: []*Check{env, toolchainCheck, gomod, tidy, policy},
	Rules: []*Rule{ruleDepsReplaceAdded, ruleDepsDowngraded, ruleDepsGoRaised, ruleDepsToolchainChanged},
	Join:  joinDeps,
	Run:   runDeps,
}

func runDeps(ctx context.Context, s *Session) (Facts, []Finding, error) {
	if s.Base == nil {
		return Facts{}, nil, Skip(s.NoBase)
	}
	var mu sync.Mutex
	var all []ModuleChange
	statuses, findings := s.forEachModule(ctx, func(ctx context.Context, m *repo.Module) (string, []Finding, error) {
		d, err := s.gatherDeps(ctx, m)
		if err != nil {
			return "", nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		for _, c := range d.changes {
			all = append(all, c.ModuleChange)
		}
		return d.reason(), judgeDeps(d), nil
	})
	var notes []string
	for _, ws := range s.Repo.Workspaces {
		// One that does not parse, check gomod reports; one above the root is nobody's change.
		if ws.Syntax == nil || localFile(ws.Work.Name) == "" {
			continue
		}
		d, err := s.gatherWorkDeps(ctx, ws)
		var unread *skip
		switch {
		case errors.As(err, &unread):
			notes = append(notes, ws.Work.Name+": "+unread.reason)
		case err != nil:
			return Facts{}, nil, err
		default:
			findings = append(findings, judgeDeps(d)...)
		}
	}
	limit := maxChanges
	if s.Shard != nil {
		limit = maxShardChanges
	}
	facts := depsFacts(statuses, all, s.Base.Commit, notes, limit)
	facts.Modules = statuses
	excepted := exceptedRules(s.Config.Exceptions)
	if s.Shard != nil {
		facts.Values[factExcepted] = excepted
		return facts, findings, nil
	}
	return facts, mergeSame(findings, excepted), nil
}

// depsFacts sums up the changes of some modules since the base, which is empty
// where it is not known. notes are about go.work files. At most limit changes are
// listed.
func depsFacts(statuses []ModuleStatus, all []ModuleChange, base string, notes []string, limit int) Facts {
	all = mergeChanges(all)
	facts := Facts{Changes: all[:min(len(all), limit)], Values: map[string]any{factBase: base}}
	if len(notes) > 0 {
		facts.Values[factNotes] = notes
	}
	for kind, n := range countKinds(all) {
		facts.Values[kind] = n
	}
	facts.Summary = tallyChanges(all)
	if len(statuses) == 1 && statuses[0].err == nil {
		facts.Summary = statuses[0].Reason
	}
	if base != "" {
		facts.Summary += fmt.Sprintf(" since %.12s", base)
	}
	if of := answered(statuses); of != plain.Count(len(statuses), "module") {
		notes = append(slices.Clone(notes), "in "+of)
	}
	if len(all) > limit {
		notes = append(slices.Clone(notes), fmt.Sprintf("the first %s are listed", plain.Thousands(limit)))
	}
	facts.Summary = strings.Join(append([]string{facts.Summary}, notes...), "; ")
	return facts
}

// joinDeps sums up what shards found out, and merges what each of them left apart.
func joinDeps(j *Joint) Facts {
	base, notes, excepted := "", []string(nil), []string(nil)
	for _, facts := range j.Facts {
		if len(facts) == 0 {
			continue // a shard that did not answer
		}
		base, _ = facts[factBase].(string)
		notes, excepted = texts(facts[factNotes]), texts(facts[factExcepted])
	}
	at := map[string]int{"": len(j.Modules)} // go.work files come last
	for i, m := range j.Modules {
		at[m.Dir] = i
	}
	slices.SortStableFunc(j.Findings, func(a, b Finding) int { return cmp.Compare(at[a.Dir], at[b.Dir]) })
	j.Findings = mergeSame(j.Findings, excepted)
	orderFindings(j.Findings)
	return depsFacts(j.Modules, j.Changes, base, notes, maxChanges)
}

// Facts of this check that Join reads; only shards have the last.
const (
	factBase     = "base"
	factNotes    = "notes"
	factExcepted = "excepted"
)

const (
	// maxChanges is up to how many changes of the build list a report holds: more
	// than anybody reads, and than the go.mod of a large repository requires.
	maxChanges = 2000
	// maxShardChanges is the same of a shard, where Join counts them.
	maxShardChanges = 20_000
)

// depsDiff is one go.mod or go.work at the base and now.
type depsDiff struct {
	before, after depsFile
	// isNew is whether the base has no such file.
	isNew bool
	// module is the module of a go.mod; nil for a go.work.
	module *repo.Module
	// policy judges the replacements of after.
	policy policyFile
	// reported are the lines of after whose replacement check policy has
	// reported, or an exception accepts.
	reported map[int]bool

	changes []depsChange
	// partial is why the changes are those of the requirements alone; empty
	// where they are those of all modules that are built.
	partial string
}

// depsFile is what this check reads in a go.mod or go.work.
type depsFile struct {
	name string
	// goVersion is that of the go line, or what the go command assumes without.
	goVersion string
	// goLine is the line's number; 0 where there is none.
	goLine    int
	toolchain *modfile.Toolchain
	require   map[string]*modfile.Require
	replace   []*modfile.Replace
}

// What the go command assumes where there is no go line (gover/version.go:
// DefaultGoModVersion, DefaultGoWorkVersion).
const (
	assumedGoMod  = "1.16"
	assumedGoWork = "1.18"
)

func newDepsFile(name, assumed string, g *modfile.Go, t *modfile.Toolchain, replace []*modfile.Replace) depsFile {
	f := depsFile{name: name, goVersion: assumed, toolchain: t, replace: replace}
	if g != nil {
		f.goVersion, f.goLine = g.Version, g.Syntax.Start.Line
	}
	return f
}

func goModDeps(name string, f *modfile.File) depsFile {
	d := newDepsFile(name, assumedGoMod, f.Go, f.Toolchain, f.Replace)
	d.require = requires(f)
	return d
}

func goWorkDeps(name string, f *modfile.WorkFile) depsFile {
	return newDepsFile(name, assumedGoWork, f.Go, f.Toolchain, f.Replace)
}

// gatherDeps compares a module with the base.
func (s *Session) gatherDeps(ctx context.Context, m *repo.Module) (depsDiff, error) {
	name := m.GoMod.Name
	if m.Syntax == nil {
		if err := s.blockedBy(m, gomod); err != nil {
			return depsDiff{}, err
		}
		return depsDiff{}, Skip(name + " does not parse")
	}
	d := s.newDepsDiff(name, m.Dir, "go mod edit")
	d.module = m
	d.after = goModDeps(name, m.Syntax)
	data, err := s.readBase(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		d.isNew = true
		d.changes = compareDeps(nil, d.after.direct())
		return d, nil
	}
	if err != nil {
		return depsDiff{}, err
	}
	base, err := modfile.Parse(name, data, nil)
	if err != nil {
		return depsDiff{}, s.brokenBase(err)
	}
	d.before = goModDeps(name, base)
	if string(data) != string(m.GoMod.Data) {
		s.compareModules(ctx, m, data, &d)
	}
	return d, nil
}

// gatherWorkDeps compares a go.work, which parses, with the base.
func (s *Session) gatherWorkDeps(ctx context.Context, ws *repo.Workspace) (depsDiff, error) {
	name := ws.Work.Name
	d := s.newDepsDiff(name, ws.Dir, "go work edit")
	d.after = goWorkDeps(name, ws.Syntax)
	data, err := s.readBase(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		d.isNew = true
		return d, nil
	}
	if err != nil {
		return depsDiff{}, err
	}
	base, err := modfile.ParseWork(name, data, nil)
	if err != nil {
		return depsDiff{}, s.brokenBase(err)
	}
	d.before = goWorkDeps(name, base)
	return d, nil
}

// brokenBase is the error of a file that does not parse at the base.
func (s *Session) brokenBase(err error) error {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return Skip(fmt.Sprintf("it does not parse at the base %.12s: %s", s.Base.Commit, first))
}

// readBase is a file of the base revision. The error is fs.ErrNotExist where it
// has none, and a Skip where it cannot be read: a partial clone, a folder.
func (s *Session) readBase(ctx context.Context, name string) ([]byte, error) {
	data, err := s.Base.ReadFile(ctx, name)
	if err == nil && len(data) > repo.MaxFile {
		err = fmt.Errorf("%s: larger than %d MiB", name, repo.MaxFile>>20)
	}
	if err == nil || ctx.Err() != nil || errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	return nil, Skip(fmt.Sprintf("it cannot be read at the base %.12s: %v", s.Base.Commit, err))
}

// newDepsDiff is a comparison of a file that knows how its replacements are
// judged and which of them check policy has spoken of.
func (s *Session) newDepsDiff(name, dir, command string) depsDiff {
	d := depsDiff{
		policy: policyFile{
			name: name, dir: dir, command: command,
			root: s.Repo.Root, own: s.modulePathIn, policy: s.Config.Dependencies,
		},
		reported: map[int]bool{},
	}
	if r := s.Result(policy); r != nil {
		for i := range r.Findings {
			f := &r.Findings[i]
			if f.File == plain.Line(name) && (f.Exception != nil || f.Severity.Rank() >= Warning.Rank()) {
				d.reported[f.Line] = true
			}
		}
	}
	return d
}

// reason is what was found out, in one line.
func (d depsDiff) reason() string {
	if d.isNew {
		return "new module, " + plain.Count(len(d.changes), "direct requirement")
	}
	list := make([]ModuleChange, len(d.changes))
	for i, c := range d.changes {
		list[i] = c.ModuleChange
	}
	text := tallyChanges(list)
	if d.partial != "" {
		text += " (" + d.partial + ")"
	}
	return text
}
