//go:build unix

package git

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/goenv"
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
		if err := os.WriteFile(name, []byte(data), 0o755); err != nil {
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
	if got, err := g.MergeBase(ctx, third); err != nil || got != first {
		t.Errorf("MergeBase = %q, %v; want %q", got, err, first)
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

// snapshot is every file under a folder: mode, time and content.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		state := fmt.Sprint(info.Mode(), " ", info.ModTime().UnixNano())
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			state += fmt.Sprintf(" %x", sha256.Sum256(data))
		}
		all[name] = state
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// everything calls every method.
func everything(t *tester, dir string) {
	t.Helper()
	ctx := t.Context()
	g := t.open(dir)
	head := g.Commit(ctx)
	if _, err := g.ResolveCommit(ctx, "HEAD"); err != nil {
		t.Error(err)
	}
	if _, err := g.MergeBase(ctx, head); err != nil {
		t.Error(err)
	}
	if data, err := g.ReadFile(ctx, head, "go.mod"); err != nil || string(data) != goMod["go.mod"] {
		t.Errorf("go.mod at HEAD: %q, %v", data, err)
	}
	equal(t.T, "files", t.files(g, "go.mod"), []string{"go.mod"})
	g.RemoteURL(ctx)
	if ok, words, err := g.Trusted(ctx); err != nil || !ok {
		t.Errorf("Trusted: %v, %q, %v", ok, words, err)
	}
}

// A repository's configuration can name programs in many places; none runs,
// and nothing is written.
func TestHostileConfiguration(t *testing.T) {
	t.Parallel()
	tt := newTester(t)
	dir := tt.repo("repo", map[string]string{"go.mod": goMod["go.mod"], ".gitattributes": "* filter=evil diff=evil merge=evil\n"})
	mark := filepath.Join(tt.dir, "mark")
	evil := filepath.Join(tt.dir, "evil")
	tt.write(tt.dir, map[string]string{"evil": "#!/bin/sh\necho \"$0 $*\" >>" + mark + "\ncat\n"})
	for _, hook := range []string{"post-index-change", "fsmonitor-watchman", "post-checkout", "reference-transaction", "pre-auto-gc"} {
		tt.write(filepath.Join(dir, ".git", "hooks"), map[string]string{hook: "#!/bin/sh\necho " + hook + " >>" + mark + "\n"})
		tt.write(filepath.Join(dir, "hooks"), map[string]string{hook: "#!/bin/sh\necho own " + hook + " >>" + mark + "\n"})
	}
	config := []string{
		"core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "core.gitProxy", "core.alternateRefsCommand",
		"diff.external", "diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process",
		"merge.evil.driver", "gpg.program", "credential.helper", "pager.ls-files", "pager.rev-parse", "pager.config",
		"remote.origin.uploadpack", "sequence.editor", "trace2.eventTarget",
	}
	for _, key := range config {
		tt.git(dir, "config", key, evil)
	}
	for _, name := range []string{"rev-parse", "ls-files", "ls-tree", "cat-file", "merge-base", "config"} {
		tt.git(dir, "config", "alias."+name, "!"+evil)
	}
	tt.git(dir, "config", "core.hooksPath", filepath.Join(dir, "hooks"))
	tt.git(dir, "config", "core.untrackedCache", "true")
	tt.git(dir, "config", "gc.auto", "1")
	if err := os.RemoveAll(mark); err != nil { // git config of the lines above
		t.Fatal(err)
	}
	// Files newer than the index: a refresh would write it.
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "go.mod"), later, later); err != nil {
		t.Fatal(err)
	}

	before := snapshot(t, dir)
	everything(tt, dir)
	if after := snapshot(t, dir); !reflect.DeepEqual(before, after) {
		for name, state := range after {
			if before[name] != state {
				t.Errorf("%s: %s, was %s", name, state, before[name])
			}
		}
	}
	if ran, err := os.ReadFile(mark); err == nil {
		t.Errorf("these ran: %s", ran)
	}

	// The mark works: plain git runs the file system monitor of this repository.
	cmd := exec.Command(tt.path, "status")
	cmd.Dir, cmd.Env = dir, tt.env
	if err := cmd.Run(); err != nil {
		t.Logf("git status: %v", err)
	}
	if _, err := os.Stat(mark); err != nil {
		t.Error("git status ran nothing: this test shows nothing")
	}
}

// A partial clone lacks files; git would fetch them when they are asked for,
// and run what remote.origin.uploadpack says.
func TestPartialCloneIsNotCompleted(t *testing.T) {
	t.Parallel()
	tt := newTester(t)
	origin := tt.repo("origin", goMod)
	tt.git(origin, "config", "uploadpack.allowFilter", "true")
	dir := filepath.Join(tt.dir, "partial")
	tt.git(tt.dir, "clone", "-q", "--no-checkout", "--filter=blob:none", "file://"+origin, dir)
	mark := filepath.Join(tt.dir, "mark")
	tt.write(tt.dir, map[string]string{"evil": "#!/bin/sh\ntouch " + mark + "\nexec git-upload-pack \"$@\"\n"})
	tt.git(dir, "config", "remote.origin.uploadpack", filepath.Join(tt.dir, "evil"))
	before := snapshot(t, dir)
	if data, err := tt.open(dir).ReadFile(t.Context(), "HEAD", "go.mod"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadFile = %q, %v; want git's words", data, err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("git fetched")
	}
	if after := snapshot(t, dir); !reflect.DeepEqual(before, after) {
		t.Error("the clone changed")
	}
}

func TestTreeOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	tt := newTester(t)
	dir := tt.repo("repo", goMod)
	if ok, words, err := tt.open(dir).Trusted(t.Context()); err != nil || !ok || words != "" {
		t.Errorf("own tree: trusted %v, %q, %v; want true", ok, words, err)
	}
	tt.git(dir, "worktree", "add", "-q", filepath.Join(tt.dir, "linked"))
	for _, top := range []string{dir, filepath.Join(tt.dir, "linked")} {
		err := filepath.WalkDir(top, func(name string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(name, 12345, 12345))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, top := range []string{dir, filepath.Join(tt.dir, "linked")} {
		g := tt.open(top)
		equal(t, "files", tt.files(g, "go.mod"), []string{"go.mod"})
		if data, err := g.ReadFile(t.Context(), g.Commit(t.Context()), "go.mod"); err != nil || string(data) != goMod["go.mod"] {
			t.Errorf("%s: go.mod at HEAD: %q, %v", top, data, err)
		}
		ok, words, err := g.Trusted(t.Context())
		if err != nil || ok || !strings.Contains(words, "detected dubious ownership in repository at '"+top+"'") {
			t.Errorf("%s: trusted %v, %q, %v; want false and git's words", top, ok, words, err)
		}
		// The user's own exception is what git, and go build, then go by.
		tt.git(tt.dir, "config", "--global", "--add", "safe.directory", top)
		if ok, words, err := g.Trusted(t.Context()); err != nil || !ok {
			t.Errorf("%s: with safe.directory: trusted %v, %q, %v; want true", top, ok, words, err)
		}
	}
}

// The variables that point git to another repository do not get through.
func TestEnvironmentDoesNotRedirect(t *testing.T) {
	t.Parallel()
	tt := newTester(t)
	dir := tt.repo("repo", goMod)
	other := tt.repo("other", map[string]string{"x/go.mod": ""})
	environ := append(slices.Clone(tt.env),
		"GIT_DIR="+filepath.Join(other, ".git"), "GIT_WORK_TREE="+other, "GIT_INDEX_FILE="+filepath.Join(other, ".git", "index"),
		"GIT_OBJECT_DIRECTORY="+filepath.Join(other, ".git", "objects"), "GIT_COMMON_DIR="+filepath.Join(other, ".git"),
		"GIT_NAMESPACE=x", "GIT_PREFIX=x/", "GIT_CEILING_DIRECTORIES="+dir, "GIT_CONFIG="+filepath.Join(other, ".git", "config"),
		"GIT_LITERAL_PATHSPECS=1", "GIT_EXTERNAL_DIFF=false", "GIT_TRACE="+filepath.Join(tt.dir, "trace"),
	)
	env, err := goenv.Read(t.Context(), goenv.Options{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	g, err := Open(t.Context(), tt.path, filepath.Join(dir), goenv.ChildEnv(environ, env))
	if err != nil {
		t.Fatal(err)
	}
	if g.Top() != dir || g.Commit(t.Context()) != tt.git(dir, "rev-parse", "HEAD") {
		t.Errorf("top %q at %q, want %q", g.Top(), g.Commit(t.Context()), dir)
	}
	equal(t, "files", tt.files(g, "go.mod"), []string{"go.mod"})
	if _, err := os.Stat(filepath.Join(tt.dir, "trace")); err == nil {
		t.Error("git wrote a trace")
	}
}
