package vendortree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// A Main is a main module that builds from the vendor directory.
type Main struct {
	// Path is its module path.
	Path string
	// Content is its directory.
	Content fs.FS
	// Ignore are the paths of its ignore directives.
	Ignore []string
	// Tools are the packages of its tool directives.
	Tools []string
}

// An UnlistedImport is one for which no package is vendored.
type UnlistedImport struct {
	Import
	// Main is an index of mains; -1 where a vendored package has it.
	Main int
	// Dir is the importing package's directory, relative to the main module, or
	// to vendor.
	Dir string
}

// Reached is what the imports of main modules lead to.
type Reached struct {
	// Unused are listed packages that nothing leads to, sorted.
	Unused []string
	// Unlisted are imports of packages that are not listed, one for each
	// package, sorted by it.
	Unlisted []UnlistedImport
	// Errs are why something could not be found out: neither list is then whole.
	Errs []error
}

// Reach follows the imports from all packages of the main modules, their tests
// included, and from their tools, through what is vendored: the packages that
// go mod vendor lists (modload.LoadPackages of "all" with UseVendorAll, every
// build tag both on and off). vendored are the imports of each listed package.
func Reach(ctx context.Context, mains []Main, vendored map[string][]Import) *Reached {
	r := &reacher{ctx: ctx, mains: mains, vendored: vendored, seen: map[string]bool{}, out: &Reached{}}
	r.scanMains()
	for i, m := range mains {
		for _, tool := range m.Tools {
			r.follow(tool, UnlistedImport{Import: Import{Path: tool, File: "go.mod"}, Main: i, Dir: "."})
		}
	}
	for len(r.queue) > 0 && ctx.Err() == nil {
		next := r.queue[0]
		r.queue = r.queue[1:]
		for _, i := range next.imports {
			r.follow(i.Path, UnlistedImport{Import: i, Main: next.main, Dir: next.dir})
		}
	}
	if ctx.Err() != nil {
		r.out.Errs = append(r.out.Errs, context.Cause(ctx))
	}
	for pkg := range vendored {
		if !r.seen[pkg] {
			r.out.Unused = append(r.out.Unused, pkg)
		}
	}
	slices.Sort(r.out.Unused)
	slices.SortFunc(r.out.Unlisted, func(a, b UnlistedImport) int { return strings.Compare(a.Path, b.Path) })
	return r.out
}

type reacher struct {
	ctx      context.Context
	mains    []Main
	vendored map[string][]Import
	// seen are the import paths that were followed.
	seen  map[string]bool
	queue []pack
	out   *Reached
}

// A pack is one whose imports are to be followed.
type pack struct {
	main    int // -1 for a vendored one
	dir     string
	imports []Import
}

// follow adds what an import leads to.
func (r *reacher) follow(pkg string, from UnlistedImport) {
	if r.seen[pkg] || skipped(pkg) {
		return
	}
	r.seen[pkg] = true
	if imports, ok := r.vendored[pkg]; ok {
		r.queue = append(r.queue, pack{-1, pkg, imports})
		return
	}
	if main, dir := r.mainOf(pkg); main >= 0 {
		// One that "./..." does not match, below testdata for example.
		found, err := scanPackage(r.mains[main].Content, dir)
		if err != nil {
			r.out.Errs = append(r.out.Errs, err)
		} else if found.imports != nil {
			found.main = main
			r.queue = append(r.queue, found)
		}
		return
	}
	if first, _, _ := strings.Cut(pkg, "/"); !strings.Contains(first, ".") {
		return // the standard library's
	}
	r.out.Unlisted = append(r.out.Unlisted, from)
}

// skipped reports whether an import is none that leads to a package
// (modload/load.go, scanDir).
func skipped(pkg string) bool {
	return pkg == "C" || pkg == "appengine" || strings.HasPrefix(pkg, "appengine/") ||
		pkg == "appengine_internal" || strings.HasPrefix(pkg, "appengine_internal/")
}

// mainOf is the main module that has a package, and its directory there.
func (r *reacher) mainOf(pkg string) (main int, dir string) {
	main = -1
	for i, m := range r.mains {
		if main >= 0 && len(m.Path) < len(r.mains[main].Path) {
			continue
		}
		if pkg == m.Path {
			main, dir = i, "."
		} else if rest, ok := strings.CutPrefix(pkg, m.Path+"/"); ok {
			main, dir = i, rest
		}
	}
	return main, dir
}

// scanMains reads all packages of the main modules, as "./..." matches them.
func (r *reacher) scanMains() {
	type job struct {
		main int
		dir  string
	}
	jobs := make(chan job)
	var mu sync.Mutex
	var workers sync.WaitGroup
	var found []pack
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for j := range jobs {
				p, err := scanPackage(r.mains[j.main].Content, j.dir)
				p.main = j.main
				mu.Lock()
				if err != nil {
					r.out.Errs = append(r.out.Errs, err)
				} else if p.imports != nil {
					found = append(found, p)
				}
				mu.Unlock()
			}
		})
	}
	for i, m := range r.mains {
		n := 0
		err := fs.WalkDir(m.Content, ".", func(dir string, d fs.DirEntry, err error) error {
			n++
			switch {
			case err != nil:
				return err
			case r.ctx.Err() != nil:
				return context.Cause(r.ctx)
			case n > maxMainEntries:
				return fmt.Errorf("more than %d entries", maxMainEntries)
			case !d.IsDir():
				return nil
			}
			base := d.Name()
			if dir != "." {
				if base[0] == '.' || base[0] == '_' || base == "testdata" || ignores(m.Ignore, dir) {
					return fs.SkipDir
				}
				if info, err := fs.Stat(m.Content, path.Join(dir, "go.mod")); err == nil && !info.IsDir() {
					return fs.SkipDir
				}
			}
			jobs <- job{i, dir}
			if base == "vendor" {
				return fs.SkipDir
			}
			return nil
		})
		if err != nil {
			r.out.Errs = append(r.out.Errs, err)
		}
	}
	close(jobs)
	workers.Wait()
	slices.SortFunc(found, func(a, b pack) int { return strings.Compare(a.dir, b.dir) })
	for _, p := range found {
		r.seen[path.Join(r.mains[p.main].Path, p.dir)] = true
	}
	r.queue = found
}

// ignores reports whether an ignore directive leaves a directory out (cmd/go,
// search.IgnorePatterns).
func ignores(patterns []string, dir string) bool {
	slashed := "/" + dir + "/"
	for _, p := range patterns {
		p, atRoot := strings.CutPrefix(p, "./")
		p = "/" + strings.Trim(p, "/") + "/"
		if atRoot && strings.HasPrefix(slashed, p) || !atRoot && strings.Contains(slashed, p) {
			return true
		}
	}
	return false
}

// scanPackage reads the imports of one package of a main module and of its
// tests. imports is nil where the directory has no Go file that counts.
func scanPackage(fsys fs.FS, dir string) (pack, error) {
	p := pack{dir: dir}
	entries, err := fs.ReadDir(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	w := worker{theirs: make([]byte, pieceSize)}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || name[0] == '.' || name[0] == '_' || !strings.HasSuffix(name, ".go") {
			continue
		}
		file := path.Join(dir, name)
		if !e.Type().IsRegular() {
			// The go command follows a link to a file.
			if info, err := fs.Stat(fsys, file); err != nil || !info.Mode().IsRegular() {
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					return p, err
				}
				continue
			}
		}
		h, err := w.headerOf(fsys, file)
		if err != nil {
			return p, err
		}
		if h.ignored {
			continue
		}
		if p.imports == nil {
			p.imports = []Import{}
		}
		for _, i := range h.imports {
			if !slices.ContainsFunc(p.imports, func(old Import) bool { return old.Path == i.Path }) {
				i.File = name
				p.imports = append(p.imports, i)
			}
		}
	}
	return p, nil
}
