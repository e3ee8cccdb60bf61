// Package repo finds the modules and workspaces of a repository on disk and
// parses their go.mod, go.sum and go.work files with positions.
//
// It only reads, only regular files inside the root, and only so many bytes of
// each. It never runs the go command and judges nothing: a file that cannot be
// read or parsed is kept with its error.
package repo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/mod/modfile"

	"github.com/gopreflight/gopreflight/internal/git"
)

// MaxFile is the largest go.mod, go.sum, go.work or modules.txt that is read,
// in bytes; the largest known go.sum has a few megabytes.
const MaxFile = 32 << 20

// Repo is what lies on disk.
type Repo struct {
	// Root is the repository's top, absolute, symbolic links resolved.
	Root string
	// Git is git for the root; nil where there is no git or no work tree.
	Git *git.Git
	// Modules are all main modules, by directory.
	Modules []*Module
	// Workspaces are those that the go command finds from the folder of one of
	// Modules, a member or not, or from the place where the run started.
	Workspaces []*Workspace

	root *os.Root
	// modCache is the module cache where it lies below the root, as a slash path
	// from there; empty where it does not.
	modCache string
}

// File is a file of the repository.
type File struct {
	// Name is a slash path relative to the root; it starts with "../" for a
	// go.work above the root.
	Name string
	Data []byte
	// Err is why Data is missing; nil when it is not.
	Err error
}

// Module is one main module.
type Module struct {
	// Dir is a slash path relative to the root, "." for the root itself.
	Dir string
	// Path is the module path; empty when go.mod does not say.
	Path string
	// GoMod is go.mod, or the file that -modfile names.
	GoMod File
	// GoSum is its go.sum; nil when there is none.
	GoSum *File
	// Syntax is the parsed go.mod; nil when it does not parse.
	Syntax *modfile.File
	// Workspace is the workspace that it is a member of; nil when it is none's.
	Workspace *Workspace
	// Vendor is whether a vendor folder lies beside its go.mod.
	Vendor bool
}

// Workspace is a go.work and its members.
type Workspace struct {
	// Dir is a slash path relative to the root, "../..." above it.
	Dir string
	// Work is go.work, Sum go.work.sum (nil when there is none).
	Work File
	Sum  *File
	// Syntax is the parsed go.work; nil when it does not parse.
	Syntax *modfile.WorkFile
	// Vendor is whether a vendor folder lies beside go.work that go work vendor
	// made, the only one from which a workspace builds; true, too, of one whose
	// modules.txt cannot be read.
	Vendor bool

	// root is the repository's, abs the folder of go.work: both absolute.
	root, abs string
	// used are the directories of its use lines, as UseDir gives them.
	used map[string]bool
}

// Options says what to load.
type Options struct {
	// Dir is where the run starts: modules below it are loaded, or else the
	// one that contains it.
	Dir string
	// Git is nil where there is no git or no work tree.
	Git *git.Git
	// GOWORK is the setting's value: "", "auto", "off" or an absolute path.
	GOWORK string
	// GOMODCACHE is left out of the search.
	GOMODCACHE string
	// ModFile is the value of -modfile in GOFLAGS; "" for none.
	ModFile string
}

// NoModulesError says that there is nothing to judge, and what was there instead.
type NoModulesError struct {
	Dir string
	// Hint is what was found instead, and what to do; may be empty.
	Hint string
}

func (e *NoModulesError) Error() string {
	msg := fmt.Sprintf("%s: no go.mod here or below", e.Dir)
	if e.Hint != "" {
		msg += ": " + e.Hint
	}
	return msg
}

// Load finds and parses everything. The error is a *NoModulesError when there
// is no module to judge.
func Load(ctx context.Context, o Options) (*Repo, error) {
	dir, err := filepath.EvalSymlinks(o.Dir)
	if err != nil {
		return nil, err
	}
	r := &Repo{Root: dir, Git: o.Git}
	if o.Git != nil {
		r.Root = o.Git.Top()
	}
	if r.root, err = os.OpenRoot(r.Root); err != nil {
		return nil, err
	}
	if err := r.load(ctx, o, dir); err != nil {
		return nil, errors.Join(err, r.root.Close())
	}
	return r, nil
}

func (r *Repo) load(ctx context.Context, o Options, dir string) error {
	r.modCache = r.within(o.GOMODCACHE)
	files, err := r.goMods(ctx)
	if err != nil {
		return err
	}
	start, err := filepath.Rel(r.Root, dir)
	if err != nil {
		return err
	}
	start = filepath.ToSlash(start)
	files = selectUnder(files, start)
	for _, f := range files {
		m := r.module(path.Dir(f), o.ModFile)
		if len(files) == 1 || !r.isMarker(ctx, m) {
			r.Modules = append(r.Modules, m)
		}
	}
	r.loadWorkspaces(o.GOWORK, start)
	if len(r.Modules) == 0 {
		return &NoModulesError{Dir: o.Dir, Hint: r.hint(o, start)}
	}
	return nil
}

// Close releases the root.
func (r *Repo) Close() error { return r.root.Close() }

// goMods lists the go.mod files of the repository's modules, sorted by
// directory: those that git tracks and that exist, or those on disk without git.
func (r *Repo) goMods(ctx context.Context) ([]string, error) {
	var files []string
	if r.Git != nil {
		tracked, err := r.Git.Files(ctx, "go.mod")
		if err != nil {
			return nil, err
		}
		for _, f := range tracked {
			if !ignored(path.Dir(f)) && (r.modCache == "" || !strings.HasPrefix(f, r.modCache+"/")) && r.isGoMod(f) {
				files = append(files, f)
			}
		}
	} else {
		err := fs.WalkDir(r.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil && name == ".":
				return err
			case err != nil:
				return fs.SkipDir // an unreadable folder has no module that could be built
			case d.IsDir() && (ignored(path.Base(name)) || name == r.modCache):
				return fs.SkipDir
			case d.Name() == "go.mod" && r.isGoMod(name):
				files = append(files, name)
			}
			return ctx.Err()
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(path.Dir(a), path.Dir(b)) })
	return files, nil
}

// isGoMod reports whether a go.mod is there for the go command, which passes
// over a folder and over a link to nothing (modload/init.go, findModuleRoot).
// One that only cannot be looked at is there: its File says why.
func (r *Repo) isGoMod(name string) bool {
	info, err := r.root.Lstat(name)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		info, err = r.root.Stat(name)
	}
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
	}
	return !info.IsDir()
}

// isMarker reports whether a go.mod is only there to keep its folder out of the
// module around it: it is empty, and no Go file lies below.
func (r *Repo) isMarker(ctx context.Context, m *Module) bool {
	if m.GoMod.Err != nil || len(bytes.TrimSpace(m.GoMod.Data)) > 0 {
		return false
	}
	err := fs.WalkDir(r.root.FS(), m.Dir, func(name string, _ fs.DirEntry, err error) error {
		if err == nil && path.Ext(name) == ".go" {
			err = fs.ErrExist
		}
		return cmp.Or(err, ctx.Err())
	})
	return err == nil
}

// ignored reports whether a slash path has an element that the go command's
// "./..." leaves out, or that holds other people's files.
func ignored(dir string) bool {
	for e := range strings.SplitSeq(dir, "/") {
		if e == "vendor" || e == "testdata" || e == "node_modules" ||
			strings.HasPrefix(e, "_") || strings.HasPrefix(e, ".") && e != "." {
			return true
		}
	}
	return false
}

// within is the slash path from the root of an absolute directory that lies
// below the root; "" for any other.
func (r *Repo) within(dir string) string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	rel, err := filepath.Rel(r.Root, dir)
	if err != nil || rel == "." || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}

// selectUnder keeps the go.mod files at or below start; if there are none, the
// nearest one above it.
func selectUnder(files []string, start string) []string {
	if start == "." {
		return files
	}
	var under []string
	for _, f := range files {
		if d := path.Dir(f); d == start || strings.HasPrefix(d, start+"/") {
			under = append(under, f)
		}
	}
	if len(under) > 0 {
		return under
	}
	for d := start; ; d = path.Dir(d) {
		if f := path.Join(d, "go.mod"); slices.Contains(files, f) {
			return []string{f}
		}
		if d == "." {
			return nil
		}
	}
}

// Abs is the absolute path of a slash path relative to the root.
func (r *Repo) Abs(name string) string { return filepath.Join(r.Root, filepath.FromSlash(name)) }

// ReadFile reads a regular file of the repository by its slash path; symbolic
// links are followed only inside the root.
func (r *Repo) ReadFile(name string) ([]byte, error) {
	info, err := r.root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := r.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readCapped(f, name)
}

func readCapped(f io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%s: larger than %d MiB", name, MaxFile>>20)
	}
	return data, nil
}

func (r *Repo) file(name string) File {
	data, err := r.ReadFile(name)
	return File{Name: name, Data: data, Err: err}
}

// optional is a file that need not be there.
func (r *Repo) optional(name string) *File {
	f := r.file(name)
	if errors.Is(f.Err, fs.ErrNotExist) {
		return nil
	}
	return &f
}

func (r *Repo) isDir(name string) bool {
	info, err := r.root.Stat(name)
	return err == nil && info.IsDir()
}

// module loads the module in a directory. The go command reads the file that
// -modfile names instead of go.mod, and its .sum beside it.
func (r *Repo) module(dir, modFile string) *Module {
	name := path.Join(dir, "go.mod")
	alt := path.Join(dir, filepath.ToSlash(modFile))
	if filepath.IsAbs(modFile) {
		alt = r.within(modFile)
	}
	if modFile != "" && filepath.IsLocal(alt) && strings.HasSuffix(alt, ".mod") && r.optional(alt) != nil {
		name = alt
	}
	m := &Module{Dir: dir, GoMod: r.file(name), Vendor: r.isDir(path.Join(dir, "vendor"))}
	m.GoSum = r.optional(strings.TrimSuffix(name, ".mod") + ".sum")
	m.Path = modfile.ModulePath(m.GoMod.Data)
	if m.GoMod.Err == nil {
		m.Syntax, _ = modfile.Parse(m.GoMod.Name, m.GoMod.Data, nil) // check gomod says why not
	}
	return m
}

// hint is what was found where a module was expected, and what people may have meant.
func (r *Repo) hint(o Options, start string) string {
	goMod := path.Join(start, "go.mod")
	here := r.isGoMod(goMod)
	switch {
	case o.ModFile != "":
		return fmt.Sprintf("GOFLAGS names %s by -modfile, but the go command still needs a go.mod to know the module's root", o.ModFile)
	case here && ignored(start):
		return "folders named vendor, testdata, node_modules, _* or .* are left out"
	case here && r.Git != nil:
		return "there is a go.mod that git does not track; run: git add " + goMod
	case len(r.Workspaces) > 0:
		return fmt.Sprintf("%s has no member with a go.mod here or below", r.Workspaces[0].Work.Name)
	}
	if above := findUp(r.Root, "go.mod"); above != "" && r.Git == nil {
		return fmt.Sprintf("without git only what lies below is looked at, and %s lies above", above)
	}
	entries, _ := fs.ReadDir(r.root.FS(), start)
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == ".git" })
	if len(entries) == 0 {
		return "the folder is empty"
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") {
			return "there are Go files; run: go mod init MODULE/PATH"
		}
	}
	return "is this a Go repository?"
}
