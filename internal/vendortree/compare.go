package vendortree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	// pieceSize is how much of a file is read at once.
	pieceSize = 64 << 10
	// maxHeader bounds the imports and the comments before them.
	maxHeader = 4 << 20
)

// A worker compares one module at a time; its buffers serve all files.
type worker struct {
	*comparer
	ours, theirs []byte

	// Of the module at hand.
	index   int
	content fs.FS
	path    string
	out     *Comparison
	found   map[string]verdict
	meta    map[string]bool // directories whose metadata was copied
}

func newWorker(c *comparer) *worker {
	return &worker{comparer: c, ours: make([]byte, pieceSize), theirs: make([]byte, pieceSize)}
}

// module compares all packages of one module.
func (w *worker) module(i int, out *Comparison) {
	m := w.Modules[i]
	w.index, w.content, w.path, w.out = i, nil, m.Path, out
	w.found, w.meta = map[string]verdict{}, map[string]bool{}
	out.Imports = map[string][]Import{}
	if m.Open != nil {
		content, closer, err := m.Open()
		if err != nil {
			out.Errs = append(out.Errs, err)
		} else {
			defer closer.Close()
			w.content = content
		}
	}
	packages := slices.Clone(m.Packages)
	slices.Sort(packages)
	for _, pkg := range slices.Compact(packages) {
		if w.ctx.Err() != nil {
			return
		}
		var err error
		if w.content == nil {
			err = w.onlyVendored(pkg)
		} else {
			err = w.pkg(pkg)
		}
		if err != nil {
			out.Errs = append(out.Errs, fmt.Errorf("%s: %w", pkg, err))
		}
	}
	w.note(w.found)
}

// onlyVendored counts what vendor has of a package of which nothing is known.
func (w *worker) onlyVendored(pkg string) error {
	w.notePackage(pkg, pkgInfo{module: w.index, unknown: true})
	if w.tree.behindIrregular(pkg) {
		return nil
	}
	entries, err := fs.ReadDir(w.vendor, pkg)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		w.out.OnDisk++
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		h, err := w.headerOf(w.vendor, path.Join(pkg, e.Name()))
		if err != nil {
			return err
		}
		w.imports(pkg, e.Name(), h)
	}
	return nil
}

// imports records what a file that builds can use imports.
func (w *worker) imports(pkg, file string, h header) {
	if h.ignored || file[0] == '.' || file[0] == '_' {
		return
	}
	list := w.out.Imports[pkg]
	for _, i := range h.imports {
		if !slices.ContainsFunc(list, func(old Import) bool { return old.Path == i.Path }) {
			i.File = file
			list = append(list, i)
		}
	}
	w.out.Imports[pkg] = list
}

// headerOf reads the header of a Go file.
func (w *worker) headerOf(fsys fs.FS, name string) (header, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	n, err := fill(f, w.theirs)
	if err != nil {
		return header{}, err
	}
	h, _, err := w.longHeader(f, n, name)
	return h, err
}

// longHeader reads the header of a file of which the first n bytes are in
// theirs. What it had to read beyond is returned.
func (w *worker) longHeader(f io.Reader, n int, name string) (header, []byte, error) {
	data := w.theirs[:n]
	h, ok := readHeader(data)
	if ok || n < len(w.theirs) {
		return h, nil, nil
	}
	more, err := io.ReadAll(io.LimitReader(f, maxHeader))
	if err != nil {
		return h, nil, err
	}
	h, ok = readHeader(append(slices.Clone(data), more...))
	if !ok && len(more) == maxHeader {
		return h, nil, fmt.Errorf("%s: more than %d bytes before the imports end", name, maxHeader)
	}
	return h, more, nil
}

// pkg compares one package: its directory, the metadata of its parents up to
// the module's root, and what it embeds, in the order of cmd/go's vendorPkg.
func (w *worker) pkg(pkg string) error {
	dir, ok := w.sourceDir(pkg)
	var entries []fs.DirEntry
	if ok {
		var err error
		if entries, err = fs.ReadDir(w.content, dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if !hasGo(entries) {
		w.out.Foreign = append(w.out.Foreign, pkg)
		w.notePackage(pkg, pkgInfo{module: w.index, cgo: true})
		return nil
	}
	embeds, cgo := false, false
	copied := map[string]bool{}
	for _, e := range entries {
		if !e.Type().IsRegular() || !w.Rules.copies(e.Name()) {
			// What only tests embed may be copied too; go/build looks at them.
			embeds = embeds || strings.HasSuffix(e.Name(), "_test.go") && w.Rules.copiesTestEmbeds()
			continue
		}
		h, left, err := w.compared(path.Join(dir, e.Name()), path.Join(pkg, e.Name()), strings.HasSuffix(e.Name(), ".go"))
		if err != nil {
			return err
		}
		if strings.HasSuffix(e.Name(), ".go") {
			embeds, cgo = embeds || h.embeds, cgo || h.cgo
			w.imports(pkg, e.Name(), h)
		}
		copied[e.Name()] = !left
	}
	for name, is := range copied {
		if is && isCode(name, cgo) {
			w.markCode(path.Join(pkg, name))
		}
	}
	info := pkgInfo{module: w.index, cgo: cgo}
	defer func() { w.notePackage(pkg, info) }()
	if err := w.metadata(pkg, dir); err != nil {
		return err
	}
	if !embeds {
		return nil
	}
	var err error
	info.embedded, err = w.embedded(pkg, dir, copied)
	return err
}

func (w *worker) markCode(dst string) {
	v := w.found[dst]
	v.code = true
	w.found[dst] = v
}

// sourceDir is a package's directory in its module.
func (w *worker) sourceDir(pkg string) (string, bool) {
	if pkg == w.path {
		return ".", true
	}
	return strings.CutPrefix(pkg, w.path+"/")
}

// hasGo reports whether a directory is a package (cmd/go, modload/import.go,
// dirInModule).
func hasGo(entries []fs.DirEntry) bool {
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return e.Type().IsRegular() && strings.HasSuffix(e.Name(), ".go")
	})
}

// metadata compares the licences and the like of a package's parents, each
// directory once for a module (copyMetadata).
func (w *worker) metadata(pkg, dir string) error {
	for parent := 0; !w.meta[pkg]; parent++ {
		w.meta[pkg] = true
		if parent > 0 {
			entries, err := fs.ReadDir(w.content, dir)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if e.Type().IsRegular() && isMetadata(e.Name()) {
					if _, _, err := w.compared(path.Join(dir, e.Name()), path.Join(pkg, e.Name()), false); err != nil {
						return err
					}
				}
			}
		}
		if pkg == w.path {
			return nil
		}
		pkg, dir = path.Dir(pkg), path.Dir(dir)
	}
	return nil
}

// embedded compares what a package embeds. The result are the files of vendor
// that its patterns match: one that has been added there is compiled in.
func (w *worker) embedded(pkg, dir string, copied map[string]bool) ([]string, error) {
	patterns, err := embedPatterns(w.content, dir, w.Rules.copiesTestEmbeds())
	if err != nil {
		return nil, fmt.Errorf("finding what it embeds: %w", err)
	}
	if len(patterns) == 0 {
		return nil, nil
	}
	files, err := resolveEmbed(w.content, dir, patterns)
	if err != nil {
		return nil, fmt.Errorf("finding what it embeds: %w", err)
	}
	for _, file := range files {
		dst := path.Join(pkg, file)
		if !copied[file] {
			if _, _, err := w.compared(path.Join(dir, file), dst, false); err != nil {
				return nil, err
			}
		}
		w.markCode(dst)
	}
	// An error here is that of a file that is missing, which is told.
	there, _ := resolveEmbed(w.vendor, pkg, patterns)
	return there, nil
}
