package checks

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/gopreflight/gopreflight/internal/plain"
)

// depsModule is one module of a build list.
type depsModule struct {
	version string
	// replacement is what it is replaced by; empty for nothing.
	replacement string
	direct      bool
	// line is that of its requirement; 0 for none.
	line int
}

// text is the module's version as go list -m prints it: "v1.0.0 => ./fork".
func (m depsModule) text() string {
	if m.replacement == "" {
		return m.version
	}
	return m.version + " => " + m.replacement
}

// list is the modules of some versions, with what the file says of each.
func (f depsFile) list(versions map[string]string) map[string]depsModule {
	replaced := newReplaceIndex(f.replace)
	list := make(map[string]depsModule, len(versions))
	for path, version := range versions {
		m := depsModule{version: version}
		if r := replaced.find(module.Version{Path: path, Version: version}); r != nil {
			m.replacement = f.replacement(r)
		}
		if r := f.require[path]; r != nil {
			m.direct, m.line = !r.Indirect, r.Syntax.Start.Line
		}
		list[path] = m
	}
	return list
}

// replacement is the right side of a replace line, a directory as seen from the
// root: the modules of a repository name one directory in many ways, and all of
// them are one change.
func (f depsFile) replacement(r *modfile.Replace) string {
	dir := filepath.ToSlash(r.New.Path)
	if r.New.Version != "" || path.IsAbs(dir) || filepath.IsAbs(r.New.Path) {
		return describeModule(r.New)
	}
	switch dir = path.Join(path.Dir(f.name), dir); {
	case dir == ".":
		return "./"
	case dir == "..", strings.HasPrefix(dir, "../"):
		return dir
	}
	return "./" + dir
}

// requirements are the modules that the file itself requires.
func (f depsFile) requirements() map[string]depsModule {
	versions := make(map[string]string, len(f.require))
	for path, r := range f.require {
		versions[path] = r.Mod.Version
	}
	return f.list(versions)
}

// direct are those without "// indirect".
func (f depsFile) direct() map[string]depsModule {
	list := f.requirements()
	for path, m := range list {
		if !m.direct {
			delete(list, path)
		}
	}
	return list
}

// depsChange is a change with the module as it is now, or as it was where it
// was removed.
type depsChange struct {
	ModuleChange
	module depsModule
}

// compareDeps is what became of the modules, sorted as in a report. By is empty.
func compareDeps(before, after map[string]depsModule) []depsChange {
	var changes []depsChange
	add := func(path, kind string, was, is, m depsModule) {
		changes = append(changes, depsChange{
			ModuleChange{Path: path, Old: was.text(), New: is.text(), Kind: kind, Direct: m.direct, By: []string{}}, m,
		})
	}
	for path, was := range before {
		is, ok := after[path]
		switch {
		case !ok:
			add(path, ChangeRemoved, was, is, was)
		case was.replacement != is.replacement:
			add(path, ChangeReplaced, was, is, is)
		case semver.Compare(was.version, is.version) < 0:
			add(path, ChangeUpgraded, was, is, is)
		case semver.Compare(was.version, is.version) > 0:
			add(path, ChangeDowngraded, was, is, is)
		}
	}
	for path, is := range after {
		if _, ok := before[path]; !ok {
			add(path, ChangeAdded, depsModule{}, is, is)
		}
	}
	slices.SortFunc(changes, func(a, b depsChange) int { return orderChanges(a.ModuleChange, b.ModuleChange) })
	return changes
}

// orderChanges puts direct requirements first, then goes by path and version.
func orderChanges(a, b ModuleChange) int {
	if a.Direct != b.Direct {
		if a.Direct {
			return -1
		}
		return 1
	}
	return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Old, b.Old), strings.Compare(a.New, b.New))
}

// mergeChanges is the changes of all modules of a repository: the same one
// once, direct where it is so in one of them, brought by all who bring it.
func mergeChanges(all []ModuleChange) []ModuleChange {
	type key struct{ path, old, new string }
	index := map[key]int{}
	merged := []ModuleChange{}
	for _, c := range all {
		k := key{c.Path, c.Old, c.New}
		i, ok := index[k]
		if !ok {
			index[k] = len(merged)
			merged = append(merged, c)
			continue
		}
		m := &merged[i]
		m.Direct = m.Direct || c.Direct
		m.By = append(slices.Clone(m.By), c.By...)
	}
	for i := range merged {
		m := &merged[i]
		slices.Sort(m.By)
		m.By = slices.Compact(m.By)
		m.By = m.By[:min(len(m.By), maxBringers)]
	}
	slices.SortFunc(merged, orderChanges)
	return merged
}

// countKinds counts the changes of each kind.
func countKinds(changes []ModuleChange) map[string]int {
	counts := map[string]int{}
	for _, c := range changes {
		counts[c.Kind]++
	}
	return counts
}

// tallyChanges is "2 added, 1 upgraded", or that there is none.
func tallyChanges(changes []ModuleChange) string {
	counts := countKinds(changes)
	var words []string
	for _, kind := range ChangeKinds {
		if n := counts[kind]; n > 0 {
			words = append(words, fmt.Sprintf("%s %s", plain.Thousands(n), kind))
		}
	}
	if len(words) == 0 {
		return "no module changes"
	}
	return strings.Join(words, ", ")
}
