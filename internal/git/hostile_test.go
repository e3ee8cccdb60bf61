//go:build unix

package git

import (
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
