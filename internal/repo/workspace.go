package repo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/mod/modfile"

	"github.com/gopreflight/gopreflight/internal/vendored"
)

// loadWorkspaces finds each module's workspace as the go command does
// (modload/init.go, FindGoWork): GOWORK, else the nearest go.work at or above
// the module's directory. A module that this go.work does not use is built
// outside of it.
func (r *Repo) loadWorkspaces(gowork, start string) {
	if gowork == "off" {
		return
	}
	byFile := map[string]*Workspace{}
	for _, m := range r.Modules {
		ws := r.workspaceAbove(gowork, m.Dir, byFile)
		if ws != nil && ws.used[m.Dir] {
			m.Workspace = ws
		}
	}
	r.workspaceAbove(gowork, start, byFile)
}

func (r *Repo) workspaceAbove(gowork, dir string, byFile map[string]*Workspace) *Workspace {
	file := gowork
	switch {
	case gowork == "" || gowork == "auto":
		if file = findUp(r.Abs(dir), "go.work"); file == "" {
			return nil
		}
	case !filepath.IsAbs(gowork):
		return nil // the go command refuses it; check env says so
	}
	ws, ok := byFile[file]
	if !ok {
		ws = r.workspace(file)
		byFile[file] = ws
		r.Workspaces = append(r.Workspaces, ws)
	}
	return ws
}

// findUp is the nearest file of a name in dir or above it; "" for none.
func findUp(dir, name string) string {
	for {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			return file
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

func (r *Repo) workspace(file string) *Workspace {
	dir := filepath.Dir(file)
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	file = filepath.Join(dir, filepath.Base(file))
	rel, err := filepath.Rel(r.Root, file)
	if err != nil { // another volume
		rel = file
	}
	name := filepath.ToSlash(rel)
	ws := &Workspace{Dir: path.Dir(name), root: r.Root, abs: dir, used: map[string]bool{}}
	if filepath.IsLocal(rel) {
		ws.Work, ws.Sum = r.file(name), r.optional(name+".sum")
		ws.Vendor = forWorkspace(r.optional(path.Join(ws.Dir, modulesTxt)))
	} else {
		// GOWORK, or a go.work above the root, belongs to the user, not to the repository.
		ws.Work = outside(file, name)
		if sum := outside(file+".sum", name+".sum"); !errors.Is(sum.Err, fs.ErrNotExist) {
			ws.Sum = &sum
		}
		if text := outside(filepath.Join(dir, modulesTxt), path.Join(ws.Dir, modulesTxt)); !errors.Is(text.Err, fs.ErrNotExist) {
			ws.Vendor = forWorkspace(&text)
		}
	}
	if ws.Work.Err == nil {
		ws.Syntax, _ = modfile.ParseWork(ws.Work.Name, ws.Work.Data, nil) // check gomod says why not
	}
	if ws.Syntax != nil {
		for _, u := range ws.Syntax.Use {
			ws.used[ws.UseDir(u.Path)] = true
		}
	}
	return ws
}

// modulesTxt is what go mod vendor and go work vendor say they vendored.
const modulesTxt = "vendor/modules.txt"

// forWorkspace reports whether go work vendor wrote a modules.txt; nil is one
// that is not there.
func forWorkspace(text *File) bool {
	return text != nil && (text.Err != nil || vendored.ForWorkspace(text.Data))
}

func outside(file, name string) File {
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", name) // opening a pipe could wait for ever
	}
	if err != nil {
		return File{Name: name, Err: err}
	}
	f, err := os.Open(file)
	if err != nil {
		return File{Name: name, Err: err}
	}
	defer f.Close()
	data, err := readCapped(f, name)
	return File{Name: name, Data: data, Err: err}
}

// UseDir is the directory that a use directive names: a slash path relative to
// the root, with "../" for one outside; absolute for one on another volume.
func (w *Workspace) UseDir(use string) string {
	use = filepath.FromSlash(use)
	if !filepath.IsAbs(use) {
		use = filepath.Join(w.abs, use)
	} else if real, err := filepath.EvalSymlinks(use); err == nil {
		use = real
	}
	rel, err := filepath.Rel(w.root, use)
	if err != nil {
		rel = use
	}
	return filepath.ToSlash(rel)
}
