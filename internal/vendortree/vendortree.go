// Package vendortree compares a vendor directory with the modules that it was
// made from, file by file, and gives the answer of "go mod vendor -o TMP" and a
// recursive comparison, without running them: which files must be there, with
// what content, and which may not (cmd/go, modcmd/vendor.go).
//
// It only reads: vendor below an os.Root, modules through an fs.FS that the
// caller has proven or not. It opens regular files only, follows no symbolic
// link inside vendor, downloads nothing, runs nothing, and does not judge: what
// a difference means is the caller's to say. Empty directories, file modes and
// modules.txt are not compared.
package vendortree

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// ModulesTxt is the one file of a vendor directory that comes from no module.
const ModulesTxt = "modules.txt"

const (
	// maxEntries bounds the entries of one vendor directory, whose names are kept;
	// the largest public ones have some 20,000.
	maxEntries = 1 << 18
	// maxMainEntries bounds those of a main module, which are not.
	maxMainEntries = 1 << 23
	// MaxDifferences is how many differences of one module are kept; more are counted.
	MaxDifferences = 1000
)

// A Module is one module of modules.txt.
type Module struct {
	// Path is its path as packages import it: the left side of a replacement.
	Path string
	// Packages are the import paths that are vendored from it.
	Packages []string
	// Open opens what the module holds, from its root, and is called once; what
	// it returns is closed before other modules are opened without end. nil when
	// there is nothing to open: the module's packages are then not compared, and
	// nothing below them is said to be added.
	Open func() (fs.FS, io.Closer, error)
}

// Options says what to compare.
type Options struct {
	// Vendor is the vendor directory, Listing what List found there.
	Vendor  *os.Root
	Listing *Listing
	// Modules are those of modules.txt, in its order: where two write the same
	// file, the last one's is what go mod vendor leaves.
	Modules []Module
	// Rules are those of the Go release.
	Rules Rules
	// Jobs is how many modules are compared at once; 0 means GOMAXPROCS.
	Jobs int
	// Progress is called with the number of modules done; it may be nil.
	Progress func(done int)
}

// A Kind is one way in which a file differs.
type Kind int

// The kinds.
const (
	// Modified: it has other content than the module's.
	Modified Kind = iota + 1
	// LineEndings: it has other line endings than the module's, and is the same otherwise.
	LineEndings
	// Missing: the module has it, vendor does not.
	Missing
	// Added: vendor has it, no module does.
	Added
	// Irregular: it is neither a regular file nor a directory.
	Irregular
)

// A Difference is one file that differs.
type Difference struct {
	Kind Kind
	// Path is a slash path below vendor.
	Path string
	// Code says that a build can read it: source, and what is embedded.
	Code bool
	// Module is an index of Options.Modules; -1 where the file is nobody's.
	Module int
	// Line is the 1-based line of the vendored file where a Modified one begins
	// to differ, 0 where that is no text.
	Line int
	// Is and Want are that line in vendor and in the module, without its end and
	// cut; both empty where it is no text.
	Is, Want string
	// Mode is what an Irregular entry is.
	Mode fs.FileMode
}

// A Comparison is what became of one module.
type Comparison struct {
	// Files are those that must be in vendor, Equal those that are there with
	// the module's content, Bytes what those hold. Code are those of Files that
	// a build can read.
	Files, Equal, Code int
	Bytes              int64
	// OnDisk counts, for a module without content, the files in its packages'
	// directories.
	OnDisk int
	// Foreign are packages of modules.txt that the module does not have.
	Foreign []string
	// Imports are, by package, what its files import, tests left out. For a
	// module without content they come from vendor.
	Imports map[string][]Import
	// Errs are why something could not be found out.
	Errs []error
	// Dropped counts the differences above MaxDifferences.
	Dropped int
}

// A Result is what became of a vendor directory.
type Result struct {
	// Modules are the comparisons, in the order of Options.Modules.
	Modules []Comparison
	// Differences are sorted by path.
	Differences []Difference
	// Unlisted are directories with Go files, no tests, that belong to no
	// package of modules.txt, UnlistedFiles the number of all files in them; none
	// of these is said to be Added.
	Unlisted      []string
	UnlistedFiles int
	// Dropped counts differences that are nobody's above MaxDifferences.
	Dropped int
}

// Compare compares vendor with the modules. The error says that vendor as a
// whole could not be read, or that ctx ended.
func Compare(ctx context.Context, o Options) (*Result, error) {
	c := &comparer{Options: o, ctx: ctx, tree: o.Listing, vendor: o.Vendor.FS(), verdicts: map[string]verdict{}, packages: map[string]pkgInfo{}}
	r := &Result{Modules: make([]Comparison, len(o.Modules))}
	jobs := o.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	next := make(chan int)
	var workers sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for range min(jobs, len(o.Modules)) {
		workers.Go(func() {
			w := newWorker(c)
			for i := range next {
				w.module(i, &r.Modules[i])
				mu.Lock()
				done++
				if o.Progress != nil {
					o.Progress(done)
				}
				mu.Unlock()
			}
		})
	}
	// Those with the most packages first, so that none is left over at the end.
	order := make([]int, len(o.Modules))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(len(o.Modules[b].Packages), len(o.Modules[a].Packages))
	})
	for _, i := range order {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	c.settle(r)
	if err := c.leftOver(r); err != nil {
		return nil, err
	}
	slices.SortFunc(r.Differences, func(a, b Difference) int { return strings.Compare(a.Path, b.Path) })
	r.bound()
	return r, nil
}

// A verdict is what one comparison found about one file of vendor.
type verdict struct {
	// module is whose file it is: of several, the last one's counts, as with go
	// mod vendor's writes.
	module   int
	kind     Kind // 0: equal
	code     bool
	size     int64
	line     int
	is, want string
}

// A comparer is one run of Compare.
type comparer struct {
	Options
	ctx    context.Context
	tree   *Listing
	vendor fs.FS

	mu       sync.Mutex
	verdicts map[string]verdict
	packages map[string]pkgInfo

	// last reads headers once the workers are done.
	last *worker
}

// A pkgInfo is what there is to know about a package of modules.txt when a file
// turns up that no module has.
type pkgInfo struct {
	module int
	// unknown says that nothing is known: its module has no content.
	unknown bool
	// cgo says that it has C code.
	cgo bool
	// embedded are the files of vendor that its patterns match, relative to it.
	embedded []string
}

func (c *comparer) notePackage(pkg string, info pkgInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.packages[pkg] = info
}

// note keeps the verdicts of one module, which are in the order of its writes.
func (c *comparer) note(found map[string]verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, v := range found {
		if old, ok := c.verdicts[name]; ok && old.module > v.module {
			continue
		}
		c.verdicts[name] = v
	}
}

// A Listing is what lies below a vendor directory.
type Listing struct {
	files map[string]bool
	// irregular are entries that are neither files nor directories.
	irregular map[string]fs.FileMode
	// dirs are the directories that hold a file themselves.
	dirs map[string]bool
}

// Files is the number of regular files.
func (l *Listing) Files() int { return len(l.files) }

// HasPackage reports whether a directory, a slash path, holds a file itself, or
// whether it cannot be told: it lies behind something irregular.
func (l *Listing) HasPackage(dir string) bool { return l.dirs[dir] || l.behindIrregular(dir) }

// List walks a vendor directory. The types come with the directory listing, so
// that no link is followed. The error says that it could not be read to its end.
func List(ctx context.Context, vendor *os.Root) (*Listing, error) {
	l := &Listing{files: map[string]bool{}, irregular: map[string]fs.FileMode{}, dirs: map[string]bool{}}
	n := 0
	err := fs.WalkDir(vendor.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if n++; n > maxEntries {
			return fmt.Errorf("more than %d entries", maxEntries)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch {
		case d.IsDir():
		case d.Type().IsRegular():
			l.files[name] = true
			l.dirs[path.Dir(name)] = true
		default:
			l.irregular[name] = d.Type()
		}
		return nil
	})
	return l, err
}
