package vendored

import (
	"fmt"
	"go/version"
	"path/filepath"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// A Kind is one way in which modules.txt and go.mod disagree.
type Kind int

// The kinds, in the order in which the go command looks for them.
const (
	// NotExplicit: required in go.mod, not marked as explicit in modules.txt.
	NotExplicit Kind = iota + 1
	// VersionDiffers: packages are vendored from another version than go.mod
	// requires; only seen below Go 1.14, which marks nothing as explicit.
	VersionDiffers
	// ReplaceMissing: replaced in go.mod or go.work, not in modules.txt.
	ReplaceMissing
	// ReplaceDiffers: replaced by something else in modules.txt.
	ReplaceDiffers
	// StaleExplicit: marked as explicit in modules.txt, not required.
	StaleExplicit
	// ReplaceStale: replaced in modules.txt only.
	ReplaceStale
)

// String names the kind for test output and debugging.
func (k Kind) String() string {
	names := [...]string{"", "not-explicit", "version-differs", "replace-missing", "replace-differs", "stale-explicit", "replace-stale"}
	if k < 0 || int(k) >= len(names) {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return names[k]
}

// A Mismatch is one disagreement.
type Mismatch struct {
	Kind Kind
	// Module is the module that it is about; Version is empty for a
	// replacement of all versions.
	Module module.Version
	// Name is the go.mod or go.work (Main.Name, Workspace.Name) that has the
	// line; empty means modules.txt.
	Name string
	// Line is the 1-based line.
	Line int
	// Detail is what the go command says after "path@version: ".
	Detail string
}

// String is the line that the go command prints.
func (m Mismatch) String() string { return describe(m.Module) + ": " + m.Detail }

// A Main is a main module that builds from the vendor directory.
type Main struct {
	// Dir is its directory: an operating-system path, absolute or relative to
	// the same place as Workspace.Dir.
	Dir string
	// Name is how messages call its go.mod: "go.mod", "tools/go.mod".
	Name string
	File *modfile.File
}

// A Workspace is the go.work whose directory has the vendor directory.
type Workspace struct {
	// Dir is its directory, see Main.Dir.
	Dir string
	// Name is how messages call it: "go.work".
	Name string
	File *modfile.WorkFile
}

// Consistency compares modules.txt with what it was made from: exactly one main
// module when work is nil, else all modules of the workspace in the order of
// its use lines. The result is what the go command lists under "inconsistent
// vendoring"; empty means that it would build from vendor.
//
// The rules are those of checkVendorConsistency (cmd/go, modload/vendor.go).
// Below Go 1.14, or without a go line, modules.txt lacks the marks, and only
// what contradicts go.mod is reported.
func (f *File) Consistency(mains []Main, work *Workspace) []Mismatch {
	c := newComparison(f, mains, work)
	c.requirements()
	c.replacements()
	c.staleRequirements()
	c.staleReplacements()
	return c.found
}

// IsPre114 reports whether a module's vendor directory is from before Go 1.14:
// its go line is older or missing. The go command then uses the directory only
// with -mod=vendor.
func IsPre114(f *modfile.File) bool {
	return f.Go == nil || version.Compare("go"+f.Go.Version, "go1.14") < 0
}

type comparison struct {
	*File
	mains    []Main
	work     *Workspace
	pre114   bool
	paths    map[string]bool         // of the main modules
	required map[module.Version]bool // by any main module
	inWork   replacements            // of go.work
	inMains  []replacements          // of each of mains
	found    []Mismatch
}

// replacements maps the left sides of one file's replace lines to their right sides.
type replacements map[module.Version]module.Version

func index(lines []*modfile.Replace) replacements {
	r := make(replacements, len(lines))
	for _, l := range lines {
		r[l.Old] = l.New
	}
	return r
}

// find prefers the exact version to all versions.
func (r replacements) find(m module.Version) (module.Version, bool) {
	to, ok := r[m]
	if !ok {
		to, ok = r[module.Version{Path: m.Path}]
	}
	return to, ok
}

// A target is the right side of a replacement and the file that says so. The
// zero value means that nothing is replaced. dir is the directory of the main
// module that says so, empty for go.work.
type target struct {
	module.Version
	name string
	dir  string
}

func newComparison(f *File, mains []Main, work *Workspace) *comparison {
	c := &comparison{
		File: f, mains: mains, work: work,
		paths:    map[string]bool{},
		required: map[module.Version]bool{},
	}
	if work != nil {
		c.inWork = index(work.File.Replace)
	} else if len(mains) == 1 {
		c.pre114 = IsPre114(mains[0].File)
	}
	for _, main := range mains {
		c.inMains = append(c.inMains, index(main.File.Replace))
		if main.File.Module != nil {
			c.paths[main.File.Module.Mod.Path] = true
		}
		for _, r := range main.File.Require {
			c.required[r.Mod] = true
		}
	}
	return c
}

func (c *comparison) report(k Kind, m module.Version, name string, line int, format string, args ...any) {
	c.found = append(c.found, Mismatch{k, m, name, line, fmt.Sprintf(format, args...)})
}

func (c *comparison) requirements() {
	for _, main := range c.mains {
		for _, r := range main.File.Require {
			if m := c.byVersion[r.Mod]; m != nil && m.Explicit {
				continue
			}
			line := r.Syntax.Start.Line
			if !c.pre114 {
				c.report(NotExplicit, r.Mod, main.Name, line,
					"is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt")
			} else if v, ok := c.selected[r.Mod.Path]; ok && v != r.Mod.Version {
				c.report(VersionDiffers, r.Mod, main.Name, line,
					"is explicitly required in go.mod, but vendor/modules.txt indicates %s@%s", r.Mod.Path, v)
			}
		}
	}
}

func (c *comparison) replacements() {
	seen := map[module.Version]bool{}
	check := func(name string, replaces []*modfile.Replace) {
		for _, r := range replaces {
			if seen[r.Old] {
				continue
			}
			seen[r.Old] = true
			c.replacement(name, r)
		}
	}
	for _, main := range c.mains {
		check(main.Name, main.File.Replace)
	}
	if c.work != nil {
		check(c.work.Name, c.work.File.Replace)
	}
}

// replacement judges the replacement in force for the left side of r, which
// another file's line may have overridden.
func (c *comparison) replacement(name string, r *modfile.Replace) {
	force := c.inForce(r.Old)
	var marked module.Version
	if m := c.byVersion[r.Old]; m != nil {
		marked = m.Replacement
	}
	line := r.Syntax.Start.Line
	switch {
	case marked == (module.Version{}):
		if force == (target{}) {
			return // a main module
		}
		if c.pre114 && (r.Old.Version == "" || c.selected[r.Old.Path] != r.Old.Version) {
			return // not written before Go 1.14
		}
		c.report(ReplaceMissing, r.Old, name, line,
			"is replaced in %s, but not marked as replaced in vendor/modules.txt", force.name)
	case marked != c.canonical(force):
		c.report(ReplaceDiffers, r.Old, name, line,
			"is replaced by %s in %s, but marked as replaced by %s in vendor/modules.txt",
			describe(force.Version), force.name, describe(marked))
	}
}

func (c *comparison) staleRequirements() {
	article := ""
	if c.work != nil {
		article = "a "
	}
	for _, m := range c.providers {
		if m.Explicit && !c.required[m.Version] {
			c.report(StaleExplicit, m.Version, "", m.Line,
				"is marked as explicit in vendor/modules.txt, but not explicitly required in %sgo.mod", article)
		}
	}
}

func (c *comparison) staleReplacements() {
	where := "go.mod"
	if c.work != nil {
		where = "the workspace"
	}
	for _, m := range c.Modules {
		if len(m.ReplaceLines) == 0 || c.inForce(m.Version) != (target{}) {
			continue
		}
		for _, line := range m.ReplaceLines {
			c.report(ReplaceStale, m.Version, "", line,
				"is marked as replaced in vendor/modules.txt, but not replaced in %s", where)
		}
	}
}

// inForce is cmd/go's replacementFrom: go.work first, then the main modules,
// of which the last wins. The main modules themselves are never replaced.
func (c *comparison) inForce(m module.Version) target {
	if m.Version == "" && c.paths[m.Path] {
		return target{}
	}
	if to, ok := c.inWork.find(m); ok {
		return target{Version: to, name: c.work.Name}
	}
	var found target
	for i, main := range c.mains {
		if to, ok := c.inMains[i].find(m); ok {
			found = target{Version: to, name: main.Name, dir: main.Dir}
		}
	}
	return found
}

// canonical is cmd/go's canonicalizeReplacePath: in a workspace, a directory
// that a go.mod names is written relative to go.work.
func (c *comparison) canonical(t target) module.Version {
	if c.work == nil || t.dir == "" || t.Version.Version != "" || filepath.IsAbs(t.Path) {
		return t.Version
	}
	dir := filepath.Join(t.dir, t.Path)
	if rel, err := filepath.Rel(c.work.Dir, dir); err == nil {
		dir = rel
	}
	if !modfile.IsDirectoryPath(dir) {
		dir = "./" + filepath.ToSlash(filepath.Clean(dir))
	}
	return module.Version{Path: dir}
}

func describe(m module.Version) string {
	if m.Version == "" {
		return m.Path
	}
	return m.Path + "@" + m.Version
}
