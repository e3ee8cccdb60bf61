package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/git"
)

// tree writes files into a new folder, whose path has no symbolic links.
func tree(t *testing.T, files ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, files...)
	return dir
}

// write writes files: "name" alone, which for a go.mod means one with a module
// path made of its folder, or "name=content". A name with "/" at its end is a folder.
func write(t *testing.T, dir string, files ...string) {
	t.Helper()
	for _, f := range files {
		name, data, given := strings.Cut(f, "=")
		abs := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(abs, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if !given && filepath.Base(abs) == "go.mod" {
			data = "module " + modulePath(strings.TrimSuffix(name, "go.mod")) + "\n\ngo 1.20\n"
		}
		if err := os.MkdirAll(filepath.Dir(abs), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(abs, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func modulePath(dir string) string {
	return strings.Trim("example.com/"+strings.Trim(dir, "/"), "/")
}

// openGit makes a git repository of a folder, with all its files added but
// those that .gitignore names, and opens it.
func openGit(t *testing.T, dir string) *git.Git {
	t.Helper()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Skip("no git: ", err)
	}
	home := t.TempDir()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home, "GIT_CONFIG_NOSYSTEM=1"}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}} {
		cmd := exec.Command(path, args...)
		cmd.Dir, cmd.Env = dir, env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	g, err := git.Open(t.Context(), path, dir, env)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func load(t *testing.T, o Options) *Repo {
	t.Helper()
	r, err := Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// soon fails the test when f does not come to an end.
func soon(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it hangs")
	}
}

func dirs(r *Repo) []string {
	var all []string
	for _, m := range r.Modules {
		all = append(all, m.Dir)
	}
	return all
}

func wantDirs(t *testing.T, r *Repo, want ...string) {
	t.Helper()
	if got := dirs(r); !slices.Equal(got, want) {
		t.Errorf("modules in %q, want %q", got, want)
	}
}

// leftOut is a repository with a go.mod wherever one is not to be judged.
var leftOut = []string{
	"go.mod", "b/go.mod", "a/go.mod", "a.b/go.mod", "a/deep/er/go.mod", "vendored/go.mod", "x_y/go.mod",
	"vendor/v/go.mod", "a/vendor/v/go.mod", "testdata/go.mod", "a/testdata/x/go.mod", "_x/go.mod", "a/_x/y/go.mod",
	".x/go.mod", "a/.x/go.mod", "node_modules/p/go.mod", "cache/mod/example.com/m@v1.0.0/go.mod", "go.mod.orig", "c/go.mod/",
	"c/go.mod/go.modx", "d/xgo.mod", "e/GO.MOD=module e",
}

var judged = []string{".", "a", "a.b", "a/deep/er", "b", "vendored", "x_y"}

func TestModules(t *testing.T) {
	t.Parallel()
	t.Run("on disk", func(t *testing.T) {
		t.Parallel()
		dir := tree(t, leftOut...)
		r := load(t, Options{Dir: dir, GOMODCACHE: filepath.Join(dir, "cache", "mod")})
		wantDirs(t, r, judged...)
		if r.Root != dir {
			t.Errorf("root %q, want %q", r.Root, dir)
		}
		for _, m := range r.Modules {
			if want := modulePath(strings.TrimPrefix(m.Dir, ".")); m.Dir != "a.b" && m.Path != want || m.Syntax == nil || m.GoMod.Err != nil || m.GoSum != nil {
				t.Errorf("%s: %+v, want module %s", m.Dir, m, want)
			}
			if want := m.Dir == "." || m.Dir == "a"; m.Vendor != want {
				t.Errorf("%s: vendor %v, want %v", m.Dir, m.Vendor, want)
			}
		}
	})
	t.Run("with git", func(t *testing.T) {
		t.Parallel()
		dir := tree(t, append(leftOut, ".gitignore=ignored\n", "ignored/go.mod", "removed/go.mod", "replaced/go.mod")...)
		g := openGit(t, dir)
		write(t, dir, "untracked/go.mod")
		for _, name := range []string{"removed", "replaced"} {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		write(t, dir, "replaced=no folder any more")
		r := load(t, Options{Dir: dir, Git: g, GOMODCACHE: filepath.Join(dir, "cache", "mod")})
		wantDirs(t, r, judged...)
	})
	t.Run("GOMODCACHE by another name", func(t *testing.T) {
		t.Parallel()
		dir := tree(t, "go.mod", "cache/m@v1.0.0/go.mod")
		link := filepath.Join(tree(t), "link")
		symlink(t, dir, link)
		wantDirs(t, load(t, Options{Dir: dir, GOMODCACHE: filepath.Join(link, "cache")}), ".")
		wantDirs(t, load(t, Options{Dir: link, GOMODCACHE: filepath.Join(dir, "cache")}), ".")
		wantDirs(t, load(t, Options{Dir: dir, GOMODCACHE: filepath.Join(dir, "cac")}), ".", "cache/m@v1.0.0")
	})
	t.Run("GOMODCACHE around the repository", func(t *testing.T) {
		t.Parallel()
		dir := tree(t, "m@v1.0.0/go.mod")
		wantDirs(t, load(t, Options{Dir: filepath.Join(dir, "m@v1.0.0"), GOMODCACHE: dir}), ".")
		wantDirs(t, load(t, Options{Dir: dir, GOMODCACHE: dir}), "m@v1.0.0")
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Load(ctx, Options{Dir: tree(t, "go.mod")}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want %v", err, context.Canceled)
		}
	})
}

func symlink(t *testing.T, old, link string) {
	t.Helper()
	if err := os.Symlink(old, link); err != nil {
		if runtime.GOOS == "windows" {
			t.Skip("no symbolic links: ", err)
		}
		t.Fatal(err)
	}
}

func TestDirBelowRoot(t *testing.T) {
	t.Parallel()
	dir := tree(t, "go.mod", "a/go.mod", "a/b/c/go.mod", "a/x/main.go=package x\n", "ab/go.mod", "docs/x.md")
	g := openGit(t, dir)
	for _, tt := range []struct {
		dir  string
		want []string
	}{
		{".", []string{".", "a", "a/b/c", "ab"}},
		{"a", []string{"a", "a/b/c"}},
		{"a/b", []string{"a/b/c"}},
		{"a/b/c", []string{"a/b/c"}},
		{"a/x", []string{"a"}},
		{"docs", []string{"."}},
	} {
		r := load(t, Options{Dir: filepath.Join(dir, tt.dir), Git: g})
		if r.Root != dir || !slices.Equal(dirs(r), tt.want) {
			t.Errorf("%s: modules in %q of %s, want %q", tt.dir, dirs(r), r.Root, tt.want)
		}
	}
	// Without git nothing above is looked at.
	r := load(t, Options{Dir: filepath.Join(dir, "a")})
	if want := filepath.Join(dir, "a"); r.Root != want {
		t.Errorf("root %q, want %q", r.Root, want)
	}
	wantDirs(t, r, ".", "b/c")
}

func TestNoModules(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		files     []string
		untracked []string
		dir       string
		git       bool
		options   Options
		want      string
	}{
		{name: "empty", want: "the folder is empty"},
		{name: "empty repository", git: true, want: "the folder is empty"},
		{name: "Go files", files: []string{"main.go=package main\n"}, want: "there are Go files; run: go mod init MODULE/PATH"},
		{name: "other files", files: []string{"README.md"}, want: "is this a Go repository?"},
		{name: "not added", git: true, untracked: []string{"go.mod"}, want: "there is a go.mod that git does not track; run: git add go.mod"},
		{name: "not added, below", git: true, files: []string{"x/main.go"}, untracked: []string{"x/go.mod"}, dir: "x", want: "run: git add x/go.mod"},
		{name: "a folder of that name", git: true, files: []string{"go.mod/x"}, want: "is this a Go repository?"},
		{name: "left out", git: true, files: []string{"a/testdata/m/go.mod"}, dir: "a/testdata/m", want: "folders named vendor, testdata, node_modules, _* or .* are left out"},
		{name: "go.work alone", files: []string{"go.work=go 1.20\n"}, want: "go.work has no member with a go.mod here or below"},
		{name: "another file by -modfile", files: []string{"go.alt.mod=module m\n", "main.go"}, options: Options{ModFile: "go.alt.mod"}, want: "GOFLAGS names go.alt.mod by -modfile, but the go command still needs a go.mod"},
		{name: "only above, without git", files: []string{"go.mod", "a/x.go"}, dir: "a", want: "without git only what lies below is looked at, and "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := tt.options
			dir := tree(t, tt.files...)
			o.Dir = filepath.Join(dir, tt.dir)
			if tt.git {
				o.Git = openGit(t, dir)
			}
			write(t, dir, tt.untracked...)
			r, err := Load(t.Context(), o)
			var none *NoModulesError
			if r != nil || !errors.As(err, &none) {
				t.Fatalf("error %v, want a *NoModulesError", err)
			}
			if none.Dir != o.Dir || !strings.Contains(none.Hint, tt.want) {
				t.Errorf("%s: hint %q, want %q", none.Dir, none.Hint, tt.want)
			}
			if want := o.Dir + ": no go.mod here or below: " + none.Hint; none.Error() != want {
				t.Errorf("error %q, want %q", none, want)
			}
		})
	}
	if _, err := Load(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "gone")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such folder: error %v, want %v", err, fs.ErrNotExist)
	}
}

// A go.mod that cannot be read is a module with an error, never one that is
// not there, and never one that hangs. One that is empty is a module only where
// there is Go to build.
func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	dir := tree(t,
		"good/go.mod", "good/go.sum=x v1.0.0 h1:x\n",
		"inside/", "other/real.mod=module example.com/inside\n",
		"escaping/", "dangling/", "loop/",
		"broken/go.mod=modul x\n", "empty/go.mod=", "empty/sub/x.go", "marker/go.mod=\n", "marker/x.c", "binary/go.mod=\x00\xff\xfe",
		"large/go.mod="+strings.Repeat("// many words\n", MaxFile/14+1),
		"sumdir/go.mod", "sumdir/go.sum/",
		"locked/go.mod",
	)
	out := tree(t, "go.mod=module example.com/secret\n")
	symlink(t, filepath.Join("..", "other", "real.mod"), filepath.Join(dir, "inside", "go.mod"))
	symlink(t, filepath.Join(out, "go.mod"), filepath.Join(dir, "escaping", "go.mod"))
	symlink(t, "nothing", filepath.Join(dir, "dangling", "go.mod"))
	symlink(t, "go.mod", filepath.Join(dir, "loop", "go.mod"))
	want := map[string]struct{ path, err string }{
		"good":     {path: "example.com/good"},
		"inside":   {path: "example.com/inside"},
		"escaping": {err: "escapes"},
		"loop":     {err: "loop"},
		"broken":   {},
		"empty":    {},
		"binary":   {},
		"large":    {err: "large/go.mod: larger than 32 MiB"},
		"sumdir":   {path: "example.com/sumdir"},
		"locked":   {path: "example.com/locked"},
	}
	if err := mkfifo(filepath.Join(dir, "go.mod")); err == nil {
		want["."] = struct{ path, err string }{err: "go.mod: not a regular file"}
	}
	if os.Getuid() > 0 { // root reads everything
		if err := os.Chmod(filepath.Join(dir, "locked", "go.mod"), 0); err != nil {
			t.Fatal(err)
		}
		want["locked"] = struct{ path, err string }{err: "permission denied"}
	}
	var r *Repo
	var err error
	soon(t, func() { r, err = Load(t.Context(), Options{Dir: dir}) })
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := dirs(r); len(got) != len(want) {
		t.Errorf("modules in %q, want %d", got, len(want))
	}
	for _, m := range r.Modules {
		w, ok := want[m.Dir]
		if !ok {
			t.Errorf("module in %q", m.Dir)
			continue
		}
		if m.Path != w.path || (m.GoMod.Err == nil) != (w.err == "") || (m.Syntax != nil) != (w.path != "" || m.Dir == "empty") {
			t.Errorf("%s: path %q, error %v, parsed %v; want %q, %q", m.Dir, m.Path, m.GoMod.Err, m.Syntax != nil, w.path, w.err)
		}
		if m.GoMod.Err != nil && (!strings.Contains(m.GoMod.Err.Error(), w.err) || m.GoMod.Data != nil) {
			t.Errorf("%s: error %v with %d bytes, want %q with none", m.Dir, m.GoMod.Err, len(m.GoMod.Data), w.err)
		}
		switch m.Dir {
		case "good":
			if m.GoSum == nil || m.GoSum.Name != "good/go.sum" || string(m.GoSum.Data) != "x v1.0.0 h1:x\n" {
				t.Errorf("good: go.sum %+v", m.GoSum)
			}
		case "sumdir":
			if m.GoSum == nil || m.GoSum.Err == nil {
				t.Errorf("sumdir: go.sum %+v, want its error", m.GoSum)
			}
		default:
			if m.GoSum != nil {
				t.Errorf("%s: go.sum %+v, want none", m.Dir, m.GoSum)
			}
		}
	}

	for name, words := range map[string]string{"../" + filepath.Base(out) + "/go.mod": "escapes", "good": "not a regular file", out + "/go.mod": "escapes"} {
		if data, err := r.ReadFile(name); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("ReadFile(%q) = %q, %v; want an error with %q", name, data, err, words)
		}
	}
	if _, err := r.ReadFile("good/gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadFile of no file: %v, want %v", err, fs.ErrNotExist)
	}
}

func TestModFile(t *testing.T) {
	t.Parallel()
	dir := tree(t, "go.mod", "go.sum=1", "go.alt.mod=module example.com/alt\n", "go.alt.sum=2", "a/go.mod", "b/go.mod", "b/go.alt.mod=module example.com/b/alt\n", "x/y.mod=module example.com/y\n")
	outside := tree(t, "o.mod=module example.com/outside\n")
	for _, tt := range []struct {
		modFile             string
		root, rootSum, a, b string
	}{
		{"", "go.mod", "go.sum", "a/go.mod", "b/go.mod"},
		{"go.alt.mod", "go.alt.mod", "go.alt.sum", "a/go.mod", "b/go.alt.mod"},
		{"x/y.mod", "x/y.mod", "", "a/go.mod", "b/go.mod"},
		{"../x/y.mod", "go.mod", "go.sum", "x/y.mod", "x/y.mod"},
		{filepath.Join(dir, "x", "y.mod"), "x/y.mod", "", "x/y.mod", "x/y.mod"},
		{filepath.Join(outside, "o.mod"), "go.mod", "go.sum", "a/go.mod", "b/go.mod"},
		{"go.alt.sum", "go.mod", "go.sum", "a/go.mod", "b/go.mod"},
	} {
		r := load(t, Options{Dir: dir, ModFile: tt.modFile})
		wantDirs(t, r, ".", "a", "b")
		got := []string{r.Modules[0].GoMod.Name, "", r.Modules[1].GoMod.Name, r.Modules[2].GoMod.Name}
		if sum := r.Modules[0].GoSum; sum != nil {
			got[1] = sum.Name
		}
		if want := []string{tt.root, tt.rootSum, tt.a, tt.b}; !slices.Equal(got, want) {
			t.Errorf("-modfile=%s: files %q, want %q", tt.modFile, got, want)
		}
	}
}

func TestThousandModules(t *testing.T) {
	t.Parallel()
	const n = 1000
	var files []string
	work := "go 1.20\n\nuse (\n"
	dir := tree(t)
	for i := range n {
		name := fmt.Sprintf("group%d/m%d", i%20, i)
		files = append(files, name+"/go.mod")
		if i%2 == 0 {
			work += "\t./" + name + "\n"
		} else {
			work += "\t" + filepath.ToSlash(dir) + "/" + name + "\n"
		}
	}
	write(t, dir, append(files, "go.work="+work+")\n")...)
	g := openGit(t, dir)
	for _, o := range []Options{{Dir: dir}, {Dir: dir, Git: g}} {
		start := time.Now()
		r := load(t, o)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("git %v: Load took %v", o.Git != nil, took)
		}
		if len(r.Modules) != n || len(r.Workspaces) != 1 {
			t.Fatalf("%d modules, %d workspaces; want %d, 1", len(r.Modules), len(r.Workspaces), n)
		}
		for _, m := range r.Modules {
			if m.Workspace != r.Workspaces[0] {
				t.Fatalf("%s is in no workspace", m.Dir)
			}
		}
	}
}
