// Package git asks git about one work tree, with everything switched off by
// which the repository's own configuration could run a program, take a lock or
// reach the network.
//
// It never changes the repository and never fetches.
package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/child"
)

// maxWords is how much of git's error messages is kept, in bytes.
const maxWords = 4 << 10

// Git is git for one work tree.
type Git struct {
	path string
	top  string
	env  []string
}

// ErrNoWorkTree means that a directory is in no git work tree.
var ErrNoWorkTree = errors.New("not in a git work tree")

// Open returns git for the work tree that contains dir. path is the git
// program, env its whole environment, without the GIT_* variables that name
// another repository. The error is ErrNoWorkTree where no parent of dir has a
// .git and where git says that what it holds is no repository with a work tree;
// git's own words where git refuses the tree.
func Open(ctx context.Context, path, dir string, env []string) (*Git, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	top, err := findTop(dir)
	if err != nil {
		return nil, err
	}
	// No protocol is allowed, because git before 2.44 does not know
	// GIT_NO_LAZY_FETCH and fetches what a partial clone lacks.
	g := &Git{path: path, top: top, env: append(append([]string{}, env...),
		"GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none", "LC_ALL=C")}
	out, err := g.run(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		if said := err.Error(); strings.Contains(said, "not a git repository") || strings.Contains(said, "must be run in a work tree") {
			err = fmt.Errorf("%w: %w", ErrNoWorkTree, err)
		}
		return nil, err
	}
	said := filepath.FromSlash(strings.TrimRight(string(out), "\r\n"))
	for at := top; !sameDir(at, said); at = g.top {
		// A .git that git passes over, or core.worktree with a folder elsewhere.
		if g.top, err = findTop(filepath.Dir(at)); err != nil || g.top == at {
			return nil, fmt.Errorf("%w: %s belongs to the work tree %s", ErrNoWorkTree, filepath.Join(top, ".git"), said)
		}
	}
	return g, nil
}

// findTop is the nearest parent of dir with a .git, which is a file in linked
// work trees. It is found without git, because safe.directory must name it.
func findTop(dir string) (string, error) {
	for {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", ErrNoWorkTree
		}
		dir = parent
	}
}

func sameDir(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// run runs git and returns what it printed; an exit code other than 0 is an
// error with git's words.
func (g *Git) run(ctx context.Context, args ...string) ([]byte, error) {
	return g.feed(ctx, nil, args...)
}

// feed is run with a standard input.
func (g *Git) feed(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	safe := []string{
		"-c", "safe.directory=" + filepath.ToSlash(g.top),
		"-c", "safe.bareRepository=explicit",
		"-c", "core.fsmonitor=false",
		"-c", "core.hooksPath=" + os.DevNull,
	}
	out, err := child.Run(ctx, child.Cmd{Path: g.path, Args: append(safe, args...), Dir: g.top, Env: g.env, Stdin: stdin})
	if err != nil {
		return nil, err
	}
	if out.Exit != 0 {
		return nil, &exitError{command: "git " + strings.Join(args, " "), code: out.Exit, words: words(out.Stderr)}
	}
	if out.Cut > 0 {
		return nil, fmt.Errorf("git %s: printed more than %d bytes", strings.Join(args, " "), child.DefaultLimit)
	}
	return out.Stdout, nil
}

// exitError is a git that ended with another exit code than 0.
type exitError struct {
	command string
	code    int
	// words are git's own; empty where it said nothing.
	words string
}

func (e *exitError) Error() string {
	text := fmt.Sprintf("%s: exit status %d", e.command, e.code)
	if e.words != "" {
		text += ": " + e.words
	}
	return text
}

// words is what git says on its standard error, as much as anyone reads.
func words(stderr []byte) string {
	return strings.ToValidUTF8(strings.TrimSpace(string(stderr[:min(len(stderr), maxWords)])), "\uFFFD")
}

// Top is the top of the work tree: absolute, symbolic links resolved.
func (g *Git) Top() string { return g.top }

// Commit is the commit that is checked out; empty in a repository without one.
func (g *Git) Commit(ctx context.Context) string {
	out, err := g.run(ctx, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// ResolveCommit is the commit that a revision names.
func (g *Git) ResolveCommit(ctx context.Context, rev string) (string, error) {
	out, err := g.run(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	var exit *exitError
	if errors.As(err, &exit) && exit.words == "" {
		return "", fmt.Errorf("no commit %q in this clone", rev) // --quiet says no more
	}
	if err != nil {
		return "", fmt.Errorf("no commit %q in this clone: %w", rev, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// MergeBase is the commit from which HEAD and a merge of all revs went apart.
func (g *Git) MergeBase(ctx context.Context, revs ...string) (string, error) {
	out, err := g.run(ctx, append([]string{"merge-base", "--end-of-options", "HEAD"}, revs...)...)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(out)), nil
}

// Contains reports whether HEAD is the commit, or comes after it. It is false
// where this clone does not have the commit.
func (g *Git) Contains(ctx context.Context, commit string) bool {
	_, err := g.run(ctx, "merge-base", "--is-ancestor", commit, "HEAD")
	return err == nil
}

// ReadFile is the content of a regular file (slash path from the top) at a
// commit. The error is os.ErrNotExist where the commit has no such file.
func (g *Git) ReadFile(ctx context.Context, commit, name string) ([]byte, error) {
	listed, err := g.run(ctx, "--literal-pathspecs", "ls-tree", "-z", "--full-tree", "--end-of-options", commit, "--", name)
	if err != nil {
		return nil, err
	}
	entry, _, _ := strings.Cut(string(listed), "\t") // mode, type and object, then the name
	fields := strings.Fields(entry)
	switch {
	case len(fields) != 3:
		return nil, fmt.Errorf("%s at %.12s: %w", name, commit, os.ErrNotExist)
	case !strings.HasPrefix(fields[0], "100"):
		return nil, fmt.Errorf("%s at %.12s: not a regular file", name, commit)
	}
	return g.run(ctx, "cat-file", "blob", fields[2])
}

// Files are the files that git tracks and whose last element is one of names:
// slash paths from the top, sorted by git, each once, also in the middle of a
// merge. Some may not be on disk.
func (g *Git) Files(ctx context.Context, names ...string) ([]string, error) {
	args := []string{"ls-files", "-z", "--cached", "--"}
	for _, n := range names {
		args = append(args, ":(top,glob)**/"+n)
	}
	out, err := g.run(ctx, args...)
	if err != nil {
		return nil, err
	}
	files := strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
	return slices.Compact(files), nil
}

// RemoteURL is the URL of the remote "origin"; empty when there is none.
func (g *Git) RemoteURL(ctx context.Context) string {
	out, err := g.run(ctx, "config", "--get", "remote.origin.url")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// Trusted reports whether git, without our safe.directory, works in this tree
// for this user, and git's words where it does not ("detected dubious
// ownership in repository at ...").
func (g *Git) Trusted(ctx context.Context) (bool, string, error) {
	out, err := child.Run(ctx, child.Cmd{Path: g.path, Args: []string{"rev-parse", "--git-dir"}, Dir: g.top, Env: g.env})
	if err != nil {
		return false, "", err
	}
	return out.Exit == 0, words(out.Stderr), nil
}

// URLRewrites are the settings url.*.insteadOf of this user, system and
// environment, as "url.BASE.insteadof PREFIX"; nil where there are none, and for a
// git before 2.26. The repository's own configuration does not count.
func (g *Git) URLRewrites(ctx context.Context) []string {
	out, err := g.run(ctx, "config", "--show-scope", "--get-regexp", `^url\..*\.insteadof$`)
	if err != nil {
		return nil
	}
	var all []string
	for line := range strings.Lines(string(out)) {
		scope, setting, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if scope != "local" && scope != "worktree" {
			all = append(all, setting)
		}
	}
	return all
}
