package vendortree

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/vendored"
)

// TestSameAsGoModVendor: what go mod vendor makes, for go lines of all ages, has
// no difference and no file that was not compared, whether the modules are read
// from folders or from zips; and the imports lead to exactly what it lists.
func TestSameAsGoModVendor(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, goLine := range []string{"1.16", "1.17", "1.21", "1.22", "1.26"} {
		dir := l.app(goLine)
		for _, zips := range []bool{false, true} {
			l.same(dir, filepath.Join(dir, "vendor"), goLine, l.modules(dir, zips), fmt.Sprintf("go %s, zips %v", goLine, zips))
		}
	}
	// The tables above are worth something only if the rules bite.
	for name, want := range map[string]bool{
		"app 1.16/vendor/example.com/plain/go.mod": true, "app 1.17/vendor/example.com/plain/go.mod": false,
		"app 1.21/vendor/example.com/embed/tests/testdata/in.txt": true, "app 1.22/vendor/example.com/embed/tests/testdata/in.txt": false,
		"app 1.26/vendor/example.com/embed/hidden/_yes/.z": true, "app 1.26/vendor/example.com/embed/data/_no.txt": false,
		"app 1.26/vendor/example.com/plain/doc.go": true, "app 1.26/vendor/example.com/plain/bom.go": false,
		"app 1.26/vendor/example.com/plain/longtool.go": false, "app 1.26/vendor/example.com/plain/a/NOTICE.txt": true,
		"app 1.26/vendor/example.com/local/link.go": false,
	} {
		if _, err := os.Lstat(filepath.Join(l.dir, filepath.FromSlash(name))); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", name, err == nil, want)
		}
	}
}

// same wants a vendor folder to be the same as its modules.
func (l *lab) same(dir, vendor, goLine string, modules []Module, what string) {
	l.Helper()
	r := l.compare(vendor, goLine, modules)
	if lines := told(r); len(lines) > 0 {
		l.Errorf("%s: %q", what, lines)
	}
	files := 0
	imports := map[string][]Import{}
	for i, m := range r.Modules {
		files += m.Equal
		if len(m.Errs) > 0 || len(m.Foreign) > 0 || m.Files != m.Equal {
			l.Errorf("%s: %s: %+v", what, modules[i].Path, m)
		}
		for _, p := range modules[i].Packages {
			imports[p] = m.Imports[p]
		}
	}
	if want := len(walk(l, vendor)) - 1; files != want { // without modules.txt
		l.Errorf("%s: %d files, vendor has %d", what, files, want)
	}
	l.sameText(dir, goLine, modules, what)
	reached := Reach(l.Context(), []Main{{Path: "example.com/app", Content: os.DirFS(dir)}}, imports)
	if len(reached.Unused)+len(reached.Unlisted)+len(reached.Errs) > 0 {
		l.Errorf("%s: %+v", what, reached)
	}
}

// sameText wants modules.txt to be what it is expected to be.
func (l *lab) sameText(dir, goLine string, modules []Module, what string) {
	l.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	l.check(err)
	file, err := modfile.Parse("go.mod", data, nil)
	l.check(err)
	text := l.text(dir)
	lines := text.Expected([]vendored.Main{{Dir: ".", Name: "go.mod", File: file}}, nil, goLine, func(v module.Version) (string, bool) {
		for _, m := range modules {
			if m.Path != v.Path {
				continue
			}
			content, closer, err := m.Open()
			l.check(err)
			defer closer.Close()
			data, err := fs.ReadFile(content, "go.mod")
			if errors.Is(err, fs.ErrNotExist) {
				return "", true
			}
			l.check(err)
			f, err := modfile.ParseLax("go.mod", data, nil)
			l.check(err)
			return f.Go.Version, true
		}
		l.Errorf("%s: %s has no content", what, v)
		return "", false
	})
	if d := text.Compare(lines); len(d) > 0 {
		l.Errorf("%s: modules.txt: %+v", what, d)
	}
	if len(lines) < 3*len(modules) && goLine != "1.16" {
		l.Errorf("%s: only %d lines", what, len(lines))
	}
}

// walk is the content of every file of a folder by its slash path.
func walk(l *lab, dir string) map[string][]byte {
	l.Helper()
	files := map[string][]byte{}
	l.check(fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[name], err = os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		return err
	}))
	return files
}

// TestSameAsRecursiveCompare changes a vendor folder at random, many times over,
// and holds the differences against those of a recursive comparison with what
// go mod vendor makes.
func TestSameAsRecursiveCompare(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	const goLine = "1.26"
	dir := l.app(goLine)
	pristine := walk(l, filepath.Join(dir, "vendor"))
	var names []string
	for name := range pristine {
		if name != ModulesTxt {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 1))
		files := map[string][]byte{}
		for name, data := range pristine {
			files[name] = data
		}
		for range 1 + random.IntN(8) {
			name := names[random.IntN(len(names))]
			switch random.IntN(5) {
			case 0:
				delete(files, name)
			case 1:
				files[name] = append([]byte("x"), files[name]...)
			case 2:
				files[name] = append(bytes.Clone(files[name]), '\n')
			case 3:
				files[path.Join(path.Dir(name), fmt.Sprintf("new%d.go", seed))] = []byte("package x\n")
			case 4:
				files[path.Join(path.Dir(name), "more", fmt.Sprintf("new%d.txt", seed))] = []byte("x\n")
			}
		}
		vendor := filepath.Join(l.TempDir(), "vendor")
		for name, data := range files {
			l.write(vendor, map[string]string{name: string(data)})
		}
		r := l.compare(vendor, goLine, l.modules(dir, seed%2 == 0))
		got := map[string]bool{}
		for _, d := range r.Differences {
			got[d.Path] = true
		}
		for name, data := range files {
			want := name != ModulesTxt && (pristine[name] == nil || !bytes.Equal(pristine[name], data))
			if is := got[name] || pristine[name] == nil && slices.Contains(r.Unlisted, path.Dir(name)); is != want {
				t.Errorf("seed %d: %s differs: %v, want %v", seed, name, is, want)
			}
			delete(got, name)
		}
		for name := range pristine {
			if _, there := files[name]; !there && !got[name] {
				t.Errorf("seed %d: %s is missing, and not told", seed, name)
			}
			delete(got, name)
		}
		if len(got) > 0 {
			t.Errorf("seed %d: told of %v, which nobody touched", seed, got)
		}
	}
}
