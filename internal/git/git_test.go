//go:build unix

package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// tester is a real git with a home of its own, and a folder to work in.
type tester struct {
	*testing.T
	path string
	env  []string
	dir  string
}

func newTester(t *testing.T) *tester {
	t.Helper()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Skip("no git: ", err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	return &tester{T: t, path: path, dir: dir, env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
	}}
}

// git runs git plainly, as the user would.
func (t *tester) git(dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command(t.path, args...)
	cmd.Dir, cmd.Env = dir, t.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (t *tester) write(dir string, files map[string]string) {
	t.Helper()
	for name, data := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		// Some are programs: one that a child inherits open for writing, because
		// another test starts one just now, cannot be run (go.dev/issue/22315).
		syscall.ForkLock.RLock()
		err := os.WriteFile(name, []byte(data), 0o755)
		syscall.ForkLock.RUnlock()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// repo is a new repository with one commit of files.
func (t *tester) repo(name string, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.dir, name)
	t.git(t.dir, "init", "-q", "-b", "main", dir)
	t.write(dir, files)
	t.git(dir, "add", "-A")
	t.git(dir, "commit", "-q", "-m", "first", "--allow-empty")
	return dir
}

func (t *tester) open(dir string) *Git {
	t.Helper()
	g, err := Open(t.Context(), t.path, dir, t.env)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (t *tester) files(g *Git, names ...string) []string {
	t.Helper()
	files, err := g.Files(t.Context(), names...)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

var goMod = map[string]string{"go.mod": "module example.com/m\n"}

func TestOpen(t *testing.T) {
	t.Parallel()
	tt := newTester(t)
	dir := tt.repo("repo", map[string]string{"go.mod": "module m\n", "a/b/go.mod": "module b\n"})
	link := filepath.Join(tt.dir, "link")
	if err := os.Symlink(filepath.Join(dir, "a"), link); err != nil {
		t.Fatal(err)
	}
	tt.git(dir, "worktree", "add", "-q", filepath.Join(tt.dir, "linked"))
	tt.write(filepath.Join(dir, "a", "c", ".git"), map[string]string{"HEAD": "nonsense"})
	for _, c := range []struct{ name, dir, top string }{
		{"the top", dir, dir},
		{"a folder in it", filepath.Join(dir, "a", "b"), dir},
		{"through a symbolic link", filepath.Join(link, "b"), dir},
		{"a linked work tree, whose .git is a file", filepath.Join(tt.dir, "linked", "a"), filepath.Join(tt.dir, "linked")},
		{"a .git that git passes over", filepath.Join(dir, "a", "c"), dir},
	} {
		g := tt.open(c.dir)
		if g.Top() != c.top {
			t.Errorf("%s: top %q, want %q", c.name, g.Top(), c.top)
		}
		if got, want := g.Commit(t.Context()), tt.git(dir, "rev-parse", "HEAD"); got != want {
			t.Errorf("%s: commit %q, want %q", c.name, got, want)
		}
		equal(t, c.name, tt.files(g, "go.mod"), []string{"a/b/go.mod", "go.mod"})
	}
}

func TestOpenWithoutWorkTree(t *testing.T) {
	t.Parallel()
	tt := newTester(t)
	bare := filepath.Join(tt.dir, "bare.git")
	tt.git(tt.dir, "init", "-q", "--bare", bare)
	empty := filepath.Join(tt.dir, "empty")
	tt.write(empty, map[string]string{".git/x": ""})
	// What a container sees that gets a linked work tree without its repository.
	lone := filepath.Join(tt.dir, "lone")
	tt.write(lone, map[string]string{".git": "gitdir: /nowhere/.git/worktrees/lone\n"})
	declared := tt.repo("declared", goMod)
	tt.git(declared, "config", "core.bare", "true")
	elsewhere := tt.repo("elsewhere", goMod)
	tt.git(elsewhere, "config", "core.worktree", tt.dir)
	for _, c := range []struct{ name, dir, words string }{
		{"no .git anywhere", tt.dir, ""},
		{"a bare repository", bare, ""},
		{"an empty .git", empty, "not a git repository"},
		{"a .git file that points nowhere", lone, "not a git repository: /nowhere"},
		{"a .git that says it is bare", declared, "must be run in a work tree"},
		{"a work tree that is another folder", elsewhere, "belongs to the work tree " + tt.dir},
	} {
		g, err := Open(t.Context(), tt.path, c.dir, tt.env)
		if g != nil || !errors.Is(err, ErrNoWorkTree) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: error %v, want %v with %q", c.name, err, ErrNoWorkTree, c.words)
		}
	}

	unknown := tt.repo("unknown", goMod)
	tt.git(unknown, "config", "core.repositoryFormatVersion", "1")
	tt.git(unknown, "config", "extensions.fromTheFuture", "1")
	if _, err := Open(t.Context(), tt.path, unknown, tt.env); err == nil || errors.Is(err, ErrNoWorkTree) || !strings.Contains(strings.ToLower(err.Error()), "fromthefuture") {
		t.Errorf("a repository that git refuses: error %v, want git's words", err)
	}
	if _, err := Open(t.Context(), filepath.Join(tt.dir, "git"), declared, tt.env); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNoWorkTree) {
		t.Errorf("no git: error %v, want %v", err, fs.ErrNotExist)
	}
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if _, err := Open(ctx, tt.path, declared, tt.env); !errors.Is(err, stop) {
		t.Errorf("cancelled: error %v, want %v", err, stop)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	tt := newTester(t)
	odd := []string{"new\nline", `quo"te`, "back\\slash", "sp ace", "üml", "\xff\xfe", ":(top)", "-v", "*"}
	files := map[string]string{"go.mod": "", "a/go.mod": "", "a/go.work": "", "a/xgo.mod": "", "a/go.modx": "", "b/GO.MOD": ""}
	want := []string{"a/go.mod", "go.mod"}
	for _, o := range odd {
		if os.WriteFile(filepath.Join(tt.dir, o), nil, 0o600) != nil {
			continue // a file system of UTF-8 only
		}
		files[o+"/go.mod"] = ""
		want = append(want, o+"/go.mod")
	}
	slices.Sort(want)
	dir := tt.repo("repo", files)
	tt.write(dir, map[string]string{"untracked/go.mod": "", ".gitignore": "ignored\n", "ignored/go.mod": ""})
	g := tt.open(filepath.Join(dir, "a"))
	equal(t, "go.mod", tt.files(g, "go.mod"), want)
	equal(t, "two names", tt.files(g, "go.work", "xgo.mod"), []string{"a/go.work", "a/xgo.mod"})
	equal(t, "none", tt.files(g, "go.sum"), []string{})

	tt.git(dir, "add", "-N", "untracked/go.mod")
	tt.git(dir, "rm", "-q", "--cached", "a/go.mod")
	if err := os.Remove(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	want = slices.Sorted(slices.Values(append(slices.DeleteFunc(want, func(f string) bool { return f == "a/go.mod" }), "untracked/go.mod")))
	equal(t, "the index counts, not the disk", tt.files(g, "go.mod"), want)
}

func TestFilesOfSpecialTrees(t *testing.T) {
	t.Parallel()
	tt := newTester(t)
	origin := tt.repo("origin", map[string]string{"go.mod": "1\n", "a/go.mod": "1\n", "b/go.mod": "1\n"})
	first := tt.git(origin, "rev-parse", "HEAD")
	tt.write(origin, map[string]string{"go.mod": "2\n"})
	tt.git(origin, "commit", "-q", "-am", "second")
	second := tt.git(origin, "rev-parse", "HEAD")
	url := "file://" + origin

	t.Run("submodule", func(t *testing.T) {
		dir := tt.repo("super", goMod)
		tt.git(dir, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "sub")
		tt.git(dir, "commit", "-q", "-m", "sub")
		equal(t, "of the outer", tt.files(tt.open(dir), "go.mod"), []string{"go.mod"})
		inner := tt.open(filepath.Join(dir, "sub", "a"))
		equal(t, "of the inner", tt.files(inner, "go.mod"), []string{"a/go.mod", "b/go.mod", "go.mod"})
		if want := filepath.Join(dir, "sub"); inner.Top() != want {
			t.Errorf("top %q, want %q", inner.Top(), want)
		}
	})
	t.Run("nested repository", func(t *testing.T) {
		dir := tt.repo("outer", goMod)
		tt.git(dir, "clone", "-q", url, "inner")
		equal(t, "of the outer", tt.files(tt.open(dir), "go.mod"), []string{"go.mod"})
	})
	t.Run("shallow clone", func(t *testing.T) {
		dir := filepath.Join(tt.dir, "shallow")
		tt.git(tt.dir, "clone", "-q", "--depth=1", url, dir)
		g := tt.open(dir)
		equal(t, "files", tt.files(g, "go.mod"), []string{"a/go.mod", "b/go.mod", "go.mod"})
		if got := g.Commit(t.Context()); got != second {
			t.Errorf("commit %q, want %q", got, second)
		}
		if got, err := g.ResolveCommit(t.Context(), first); err == nil {
			t.Errorf("the commit that was not fetched is %q", got)
		}
		if _, err := g.MergeBase(t.Context(), first); err == nil {
			t.Error("a merge base with a commit that was not fetched")
		}
	})
	t.Run("sparse checkout", func(t *testing.T) {
		dir := filepath.Join(tt.dir, "sparse")
		tt.git(tt.dir, "clone", "-q", url, dir)
		tt.git(dir, "sparse-checkout", "set", "--cone", "--sparse-index", "a")
		equal(t, "files", tt.files(tt.open(dir), "go.mod"), []string{"a/go.mod", "b/go.mod", "go.mod"})
		if _, err := os.Stat(filepath.Join(dir, "b")); err == nil {
			t.Error("b is on disk: this is no sparse checkout")
		}
	})
	t.Run("middle of a merge", func(t *testing.T) {
		dir := filepath.Join(tt.dir, "merge")
		tt.git(tt.dir, "clone", "-q", url, dir)
		tt.git(dir, "checkout", "-q", "-b", "other", first)
		tt.write(dir, map[string]string{"go.mod": "3\n"})
		tt.git(dir, "commit", "-q", "-am", "third")
		cmd := exec.Command(tt.path, "merge", "-q", "main")
		cmd.Dir, cmd.Env = dir, tt.env
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Fatalf("no conflict: %s", out)
		}
		equal(t, "files", tt.files(tt.open(dir), "go.mod"), []string{"a/go.mod", "b/go.mod", "go.mod"})
	})
	t.Run("no commit yet", func(t *testing.T) {
		dir := filepath.Join(tt.dir, "unborn")
		tt.git(tt.dir, "init", "-q", dir)
		g := tt.open(dir)
		if got := g.Commit(t.Context()); got != "" {
			t.Errorf("commit %q, want none", got)
		}
		equal(t, "files", tt.files(g, "go.mod"), []string{})
		tt.write(dir, goMod)
		tt.git(dir, "add", "go.mod")
		equal(t, "files added", tt.files(g, "go.mod"), []string{"go.mod"})
		if _, err := g.ReadFile(t.Context(), "HEAD", "go.mod"); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("reading at HEAD: error %v, want git's words", err)
		}
	})
}

func TestCommits(t *testing.T) {
	t.Parallel()
	tt := newTester(t)
	dir := tt.repo("repo", map[string]string{"go.mod": "first\n", "sub/x": "x"})
	if err := os.Symlink("go.mod", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	odd := ":(icase)go.MOD"
	tt.write(dir, map[string]string{odd: "odd\n", "big": strings.Repeat("x", 1<<20)})
	tt.git(dir, "add", "-A")
	tt.git(dir, "commit", "-q", "--amend", "-m", "first")
	first := tt.git(dir, "rev-parse", "HEAD")
	tt.git(dir, "checkout", "-q", "-b", "change")
	tt.write(dir, map[string]string{"go.mod": "second\n"})
	tt.git(dir, "commit", "-q", "-am", "second")
	second := tt.git(dir, "rev-parse", "HEAD")
	tt.git(dir, "checkout", "-q", "main")
	tt.git(dir, "commit", "-q", "--allow-empty", "-m", "third")
	tt.git(dir, "tag", "-a", "v1.0.0", "-m", "v1.0.0")
	third := tt.git(dir, "rev-parse", "HEAD")
	tt.git(dir, "checkout", "-q", "change")
	tt.write(dir, map[string]string{"go.mod": "not committed\n"})
	ctx := t.Context()
	g := tt.open(filepath.Join(dir, "sub"))

	for rev, want := range map[string]string{"main": third, "v1.0.0": third, "HEAD": second, first[:12]: first, "HEAD~1": first} {
		if got, err := g.ResolveCommit(ctx, rev); err != nil || got != want {
			t.Errorf("ResolveCommit(%q) = %q, %v; want %q", rev, got, err, want)
		}
	}
	for _, rev := range []string{"nothing", "", strings.Repeat("0", 40), "HEAD:go.mod", "--all", "main...change"} {
		if got, err := g.ResolveCommit(ctx, rev); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("no commit %q", rev)) {
			t.Errorf("ResolveCommit(%q) = %q, %v; want an error that names it", rev, got, err)
		}
	}
	if _, err := g.ResolveCommit(ctx, "nothing"); err == nil || err.Error() != `no commit "nothing" in this clone` {
		t.Errorf("ResolveCommit says %q, want no more than what is wrong", err)
	}
	if got, err := g.MergeBase(ctx, third); err != nil || got != first {
		t.Errorf("MergeBase = %q, %v; want %q", got, err, first)
	}
	// The newest of what HEAD has in common with them, in any order.
	for _, revs := range [][]string{{third, second}, {second, third}, {second, "change", first}} {
		if got, err := g.MergeBase(ctx, revs...); err != nil || got != second {
			t.Errorf("MergeBase(%q) = %q, %v; want %q", revs, got, err, second)
		}
	}
	if _, err := g.MergeBase(ctx, "--is-ancestor"); err == nil {
		t.Error("MergeBase took an option for a revision")
	}
	tt.git(dir, "checkout", "-q", "-f", "--orphan", "unrelated")
	tt.git(dir, "commit", "-q", "--allow-empty", "-m", "unrelated")
	if got, err := g.MergeBase(ctx, third); err == nil {
		t.Errorf("MergeBase of histories without one = %q", got)
	}

	for _, c := range []struct{ commit, name, want string }{
		{first, "go.mod", "first\n"}, {second, "go.mod", "second\n"}, {first, "sub/x", "x"}, {first, odd, "odd\n"},
		{first, "big", strings.Repeat("x", 1<<20)},
	} {
		if got, err := g.ReadFile(ctx, c.commit, c.name); err != nil || string(got) != c.want {
			t.Errorf("ReadFile(%.7s, %q) = %.40q, %v; want %.40q", c.commit, c.name, got, err, c.want)
		}
	}
	for _, c := range []struct {
		commit, name, want string
		missing            bool
	}{
		{first, "gone", "gone at ", true},
		{first, "sub/gone", "sub/gone at ", true},
		{first, "go.mod/x", "", true},
		{first, "*", "", true},
		{first, "sub", "not a regular file", false},
		{first, "link", "not a regular file", false},
		{strings.Repeat("1", 40), "go.mod", "not a tree object", false},
		{"--help", "go.mod", "", false},
	} {
		got, err := g.ReadFile(ctx, c.commit, c.name)
		if err == nil || errors.Is(err, fs.ErrNotExist) != c.missing || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ReadFile(%.7s, %q) = %.40q, %v; want an error with %q, missing %v", c.commit, c.name, got, err, c.want, c.missing)
		}
	}

	if got := g.RemoteURL(ctx); got != "" {
		t.Errorf("RemoteURL %q, want none", got)
	}
	tt.git(dir, "remote", "add", "origin", "https://git.example.com/org/m.git")
	if got, want := g.RemoteURL(ctx), "https://git.example.com/org/m.git"; got != want {
		t.Errorf("RemoteURL %q, want %q", got, want)
	}
}
