package checks

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	sums "github.com/gopreflight/gopreflight/internal/gosum"
	gomodcache "github.com/gopreflight/gopreflight/internal/modcache"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// A wantedModule is one module version that the repository builds with, and
// the lines that name it.
type wantedModule struct {
	gomodcache.Want
	// zip and mod are the first lines that name the content and the go.mod
	// file; zip is a line of go.mod where no go.sum names the content.
	zip, mod fileLine
	// dir is the main module that names it, where go mod download is to be run.
	dir string
}

// A fileLine is a line of a file.
type fileLine struct {
	file string
	line int
}

func (p fileLine) String() string { return fmt.Sprintf("%s:%d", p.file, p.line) }

// id is path@version.
func (w *wantedModule) id() string { return w.Path + "@" + w.Version }

// disputed reports whether go.sum lines contradict each other about it: what
// equals one of them is not proven. Check gosum reports the lines.
func (w *wantedModule) disputed() bool { return len(w.Zip) > 1 || len(w.Mod) > 1 }

// wants collects wanted modules, each once.
type wants map[module.Version]*wantedModule

func (ws wants) get(mod module.Version, dir string) *wantedModule {
	w := ws[mod]
	if w == nil {
		w = &wantedModule{Want: gomodcache.Want{Path: mod.Path, Version: mod.Version, ModOnly: true}, dir: dir}
		ws[mod] = w
	}
	return w
}

// wantedModules is the union of what the main modules build with, sorted by
// path and version: every line of their go.sum and go.work.sum files; and
// where a module needs no line of its own (in a workspace), or has none, what
// its go.mod requires, after replace directives. The error names the sum files
// that could not be read. all are the repository's modules, for the members of
// workspaces among them.
func wantedModules(modules, all []*repo.Module) ([]*wantedModule, error) {
	ws := wants{}
	var errs []error
	for _, f := range sumFiles(modules) {
		if err := f.parse(); err != nil {
			errs = append(errs, err)
			continue
		}
		for _, l := range f.parsed.Lines {
			if l.Known() {
				ws.addLine(l, f)
			}
		}
	}
	for _, m := range modules {
		if m.Syntax != nil && (m.Workspace != nil || m.GoSum == nil) {
			ws.addRequires(m, all)
		}
	}
	list := make([]*wantedModule, 0, len(ws))
	for _, w := range ws {
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b *wantedModule) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), semver.Compare(a.Version, b.Version), strings.Compare(a.Version, b.Version))
	})
	return list, errors.Join(errs...)
}

// addLine adds what one go.sum line names.
func (ws wants) addLine(l sums.Line, f sumFile) {
	w := ws.get(module.Version{Path: l.Path, Version: l.Version}, f.dir)
	hashes, first := &w.Zip, &w.zip
	if l.GoMod {
		hashes, first = &w.Mod, &w.mod
	} else {
		w.ModOnly = false
	}
	if len(*hashes) == 0 {
		*first = fileLine{f.file.Name, l.Num}
	}
	if !slices.Contains(*hashes, l.Hash) {
		*hashes = append(*hashes, l.Hash)
	}
}

// addRequires adds what a go.mod requires and no go.sum line names.
func (ws wants) addRequires(m *repo.Module, all []*repo.Module) {
	for _, r := range m.Syntax.Require {
		member := slices.ContainsFunc(all, func(other *repo.Module) bool {
			return m.Workspace != nil && other.Workspace == m.Workspace && other.Path == r.Mod.Path
		})
		mod, ok := replacement(m, r.Mod)
		if member || !ok {
			continue
		}
		w := ws.get(mod, m.Dir)
		w.ModOnly = false
		if w.zip == (fileLine{}) {
			w.zip = fileLine{m.GoMod.Name, r.Syntax.Start.Line}
		}
	}
}

// replacement is the module version that stands for a required one. ok is false
// when that is a folder, which is not in the cache.
func replacement(m *repo.Module, mod module.Version) (_ module.Version, ok bool) {
	if w := m.Workspace; w != nil && w.Syntax != nil {
		// Replace directives of go.work override those of the members (go.dev/ref/mod#go-work-file-replace).
		if r := findReplace(w.Syntax.Replace, mod); r != nil {
			return r.New, r.New.Version != ""
		}
	}
	if r := findReplace(m.Syntax.Replace, mod); r != nil {
		return r.New, r.New.Version != ""
	}
	return mod, true
}

// findReplace finds the directive for a version: one that names the version
// goes before one for all versions (go.dev/ref/mod#go-mod-file-replace).
func findReplace(replaces []*modfile.Replace, mod module.Version) *modfile.Replace {
	var found *modfile.Replace
	for _, r := range replaces {
		switch {
		case r.Old == mod:
			return r
		case r.Old.Path == mod.Path && r.Old.Version == "":
			found = r
		}
	}
	return found
}

// A sumFile is one go.sum or go.work.sum of the repository.
type sumFile struct {
	file *repo.File
	// dir is the directory of a main module that it belongs to.
	dir string
	// module is whose go.sum it is; nil for a go.work.sum.
	module *repo.Module
	// parsed is set by parse.
	parsed *sums.File
}

// sumFiles lists every go.sum and go.work.sum of the modules, each once, in the
// modules' order. They are parsed one at a time: together, those of a large
// repository would fill the memory.
func sumFiles(modules []*repo.Module) []sumFile {
	var files []sumFile
	seen := map[*repo.Workspace]bool{}
	for _, m := range modules {
		if m.GoSum != nil {
			files = append(files, sumFile{file: m.GoSum, dir: m.Dir, module: m})
		}
		if w := m.Workspace; w != nil && !seen[w] {
			seen[w] = true
			if w.Sum != nil {
				files = append(files, sumFile{file: w.Sum, dir: m.Dir})
			}
		}
	}
	return files
}

func (s *sumFile) parse() error {
	err := s.file.Err
	if err == nil {
		s.parsed, err = sums.Parse(s.file.Data)
	}
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", s.file.Name, err)
	}
	return nil
}
