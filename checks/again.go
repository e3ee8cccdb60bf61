package checks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// Again is a module version that the go command is to bring back into the module
// cache, and what go.sum says of it.
type Again struct {
	Path, Version string
	// Dir is the main module that names it, "." for the root: its Go release
	// brings it back.
	Dir string
	// Zip and Mod are the hashes that go.sum names for its content and its go.mod.
	Zip, Mod []string
	// ModOnly says that only the go.mod is of interest.
	ModOnly bool
	// Lock is the file, absolute, that the go command locks while it downloads
	// and extracts this version (cmd/go, modfetch/cache.go, lockVersion); empty
	// where it does neither.
	Lock string
}

// ID is path@version.
func (a *Again) ID() string { return a.Path + "@" + a.Version }

// args are the arguments of the go command that brings it back: list reads the
// go.mod of a version and nothing else of it.
func (a *Again) args() []string {
	if a.ModOnly {
		return []string{"list", "-m", a.ID()}
	}
	return []string{"mod", "download", a.ID()}
}

// Command is what BringBack runs, for people.
func (a *Again) Command() string {
	words := []string{"go"}
	for _, w := range a.args() {
		words = append(words, shellQuote(w))
	}
	return strings.Join(words, " ")
}

// ErrOtherContent says that what was downloaded is not what go.sum names.
var ErrOtherContent = errors.New("what was downloaded is not what go.sum names")

// BringBack lets the go command download and extract a module version, held to
// what go.sum says: in a module of its own in a temporary folder, because the
// command may write go.mod and go.sum, and because there no replace directive
// puts another version in its place. As always it is asked without the network
// first.
//
// The error is ErrOtherContent where the hash is not go.sum's; ErrOffline where
// the network was needed and is forbidden.
func (s *Session) BringBack(ctx context.Context, a *Again) error {
	m := s.moduleIn(a.Dir)
	if s.Go == nil || m == nil {
		return errors.New("there is no go command to download it with")
	}
	if s.shared == nil {
		s.shared = &shared{}
	}
	path, err := s.goFor(ctx, m)
	if err != nil {
		return err
	}
	dir, err := s.againModule(a, m)
	if err != nil {
		return err
	}
	question := gocmd.Question{
		Path: path,
		Dir:  dir,
		Args: a.args(),
		Env:  []string{"GOWORK=off", "GOFLAGS=" + againFlags(s.Env.Get("GOFLAGS")), "GOTOOLCHAIN=local"},
	}
	local := question
	local.Env = append(slices.Clone(question.Env), gocmd.Offline()...)
	out, err := s.Go.Ask(ctx, local)
	if err == nil && out.Exit != 0 && gocmd.NeedsNetwork(string(out.Stdout)+string(out.Stderr)) {
		if s.Offline {
			return ErrOffline
		}
		out, err = s.Go.Ask(ctx, question)
	}
	if err != nil || out.Exit == 0 {
		return err
	}
	text := string(out.Stderr)
	cause := newCauseError(a.Command(), text)
	if strings.Contains(text, "checksum mismatch") {
		return fmt.Errorf("%w: %w", ErrOtherContent, cause)
	}
	return cause
}

// ErrOffline says that the network was needed, and forbidden.
var ErrOffline = errors.New("offline: nothing was downloaded")

// moduleIn is the main module in a directory; nil where there is none.
func (s *Session) moduleIn(dir string) *repo.Module {
	i := slices.IndexFunc(s.Modules, func(m *repo.Module) bool { return m.Dir == dir })
	if i < 0 {
		return nil
	}
	return s.Modules[i]
}

// againModule makes the module in which a version is brought back: its go.sum has
// the lines about that version, and no others.
func (s *Session) againModule(a *Again, m *repo.Module) (dir string, err error) {
	if err := module.Check(a.Path, a.Version); err != nil {
		return "", err
	}
	work := new(modfile.File)
	err = work.AddModuleStmt("gopreflight.invalid/again")
	if _, g, _ := versionLines(m); g != nil && err == nil {
		err = work.AddGoStmt(g.Version)
	}
	if err != nil {
		return "", err
	}
	data, err := work.Format()
	if err != nil {
		return "", err
	}
	var sum strings.Builder
	for _, h := range a.Zip {
		fmt.Fprintf(&sum, "%s %s %s\n", a.Path, a.Version, h)
	}
	for _, h := range a.Mod {
		fmt.Fprintf(&sum, "%s %s/go.mod %s\n", a.Path, a.Version, h)
	}
	if dir, err = s.Temp("again"); err != nil {
		return "", err
	}
	return dir, errors.Join(
		os.WriteFile(filepath.Join(dir, "go.mod"), data, 0o600),
		os.WriteFile(filepath.Join(dir, "go.sum"), []byte(sum.String()), 0o600),
	)
}

// againFlags are the flags of GOFLAGS that say how the module cache is written.
func againFlags(value string) string {
	if slices.Contains(strings.Fields(value), "-modcacherw") {
		return "-modcacherw"
	}
	return ""
}

// Named is the module version of an ID as the repository's go.sum files and go.mod
// files name it; nil where none does.
func (s *Session) Named(id string) *Again {
	named, _ := wantedModules(s.Modules, s.Repo.Modules) // a file that cannot be read names nothing
	for _, w := range named {
		if w.id() == id {
			return w.again()
		}
	}
	return nil
}

// OwnCache reports whether a cache is the job's own, as far as this run can see:
// in a container action only one inside the work tree is.
func (s *Session) OwnCache(dir string) bool {
	return dir != "" && (s.Scope != ScopeContainer || within(s.Root(), dir))
}
