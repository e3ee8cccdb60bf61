package checks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/gopreflight/gopreflight/internal/child"
	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/repo"
	"github.com/gopreflight/gopreflight/internal/toolchain"
)

// errOffline is the answer to what cannot be known without the network.
var errOffline = Skip("offline: the module cache does not hold all that this needs")

// query is a question to the go command about one main module.
type query struct {
	args []string
	// workspace runs it in the module's workspace, if it has one; else the
	// module stands alone (GOWORK=off).
	workspace bool
	// workCopy lets a workspace that builds from vendor be asked by a copy of its
	// go.work too: any other question than one to vendor may write beside it.
	workCopy bool
	// noNetwork keeps the answer to what is on this machine.
	noNetwork bool
	// exclusive is for builds.
	exclusive bool
	// env is added to the environment.
	env []string
}

// askModule asks the go command that the module builds with, first without the
// network: a warm cache answers alone, and a dead proxy cannot hang it. Only
// what the cache does not hold is asked again with the network, unless that is
// forbidden (errOffline).
func (s *Session) askModule(ctx context.Context, m *repo.Module, q query) (child.Output, error) {
	if m.GoMod.Err != nil {
		// It may be a link out of the repository, and the go command quotes what it cannot parse.
		return child.Output{}, m.GoMod.Err
	}
	path, err := s.goFor(ctx, m)
	if err != nil {
		return child.Output{}, err
	}
	gowork := "off"
	if q.workspace && m.Workspace != nil {
		work := s.workFile
		if q.workCopy {
			work = s.copyOfWork
		}
		if gowork, err = work(m); err != nil {
			return child.Output{}, err
		}
	}
	question := gocmd.Question{
		Path: path,
		Dir:  s.Repo.Abs(m.Dir),
		Args: q.args,
		Env: []string{
			"GOWORK=" + gowork,
			"GOFLAGS=" + goflags(s.Env.Get("GOFLAGS"), m),
			"GOTOOLCHAIN=local",
		},
		Exclusive: q.exclusive,
	}
	question.Env = append(question.Env, q.env...)
	local := question
	local.Env = append(slices.Clone(question.Env), gocmd.Offline()...)
	out, err := s.Go.Ask(ctx, local)
	if err != nil || out.Exit == 0 || q.noNetwork || !gocmd.NeedsNetwork(string(out.Stdout)+string(out.Stderr)) {
		return out, err
	}
	if s.Offline {
		return out, errOffline
	}
	return s.Go.Ask(ctx, question)
}

// keptFlags are the flags of GOFLAGS that change what a build is made of. All
// others change what is printed or written, or run other programs.
var keptFlags = []string{
	"asan", "asmflags", "buildmode", "compiler", "gccgoflags", "gcflags", "installsuffix",
	"ldflags", "linkshared", "modcacherw", "msan", "p", "pgo", "race", "tags", "trimpath",
}

// goflags is the GOFLAGS of a child: the user's flags that a build depends on,
// without what writes files or runs programs, and never a VCS query. -mod is
// said on the command line; -modfile is kept where the module has that file.
func goflags(value string, m *repo.Module) string {
	flags, _ := goenv.ParseGOFLAGS(value) // check env reports what is wrong
	kept := []goenv.Flag{{Text: "-buildvcs=false"}}
	for _, f := range flags {
		switch {
		case slices.Contains(keptFlags, f.Name):
			kept = append(kept, f)
		case f.Name == "modfile" && filepath.Base(f.Value) == filepath.Base(m.GoMod.Name) && filepath.Base(f.Value) != "go.mod":
			kept = append(kept, f)
		}
	}
	joined, err := goenv.JoinGOFLAGS(kept)
	if err != nil {
		return "-buildvcs=false"
	}
	return joined
}

// choice is the Go release that a module or workspace asks for, by GOTOOLCHAIN.
func (s *Session) choice(m *repo.Module) (toolchain.Choice, error) {
	in := toolchain.Inputs{Local: s.Env.Get("GOVERSION"), Setting: s.Env.Get("GOTOOLCHAIN")}
	_, g, t := versionLines(m)
	if g != nil {
		in.GoLine = g.Version
	}
	if t != nil {
		in.ToolchainLine = t.Name
	}
	return toolchain.Choose(in)
}

// versionLines are the go and toolchain lines that decide, nil where there is
// none, and their file: go.work for a member of a workspace that parses, else
// go.mod.
func versionLines(m *repo.Module) (file string, g *modfile.Go, t *modfile.Toolchain) {
	switch {
	case m.Workspace != nil && m.Workspace.Syntax != nil:
		return m.Workspace.Work.Name, m.Workspace.Syntax.Go, m.Workspace.Syntax.Toolchain
	case m.Syntax != nil:
		return m.GoMod.Name, m.Syntax.Go, m.Syntax.Toolchain
	}
	return m.GoMod.Name, nil, nil
}

// goFor is the path of the go command that a module builds with: "" for the
// installed one, else that of the release its files ask for, which the
// installed one fetches and verifies once.
func (s *Session) goFor(ctx context.Context, m *repo.Module) (string, error) {
	c, err := s.choice(m)
	if err != nil {
		return "", err
	}
	if !c.Switch {
		return "", nil
	}
	if s.Offline {
		return "", Skip(fmt.Sprintf("offline: %s is wanted, %s is here", c.Version, s.Env.Get("GOVERSION")))
	}
	setting := c.Version
	if c.FromPath {
		setting += "+path"
	}
	// A folder without go.mod, so that no other line has a say.
	dir, err := s.shared.toolchainDir.get("", func() (string, error) { return s.Temp("toolchain") })
	if err != nil {
		return "", err
	}
	out, err := s.Go.Ask(ctx, gocmd.Question{Dir: dir, Args: []string{"env", "GOROOT"}, Env: []string{"GOTOOLCHAIN=" + setting, "GOWORK=off", "GOFLAGS=-buildvcs=false"}})
	if err != nil {
		return "", err
	}
	if out.Exit != 0 {
		return "", newCauseError("GOTOOLCHAIN="+setting+" go env GOROOT", string(out.Stderr))
	}
	goroot := strings.TrimSpace(string(out.Stdout))
	return filepath.Join(goroot, "bin", filepath.Base(s.Go.Path())), nil
}

// goVersion is the release that a module builds with: "go1.24.3".
func (s *Session) goVersion(m *repo.Module) string {
	if c, err := s.choice(m); err == nil {
		return c.Version
	}
	return s.Env.Get("GOVERSION")
}

// workFile is the go.work to build a member with: the real one where it builds
// from the vendor folder beside it, which writes nothing; else a copy in a
// temporary folder with absolute paths, because every other workspace command
// adds missing lines to the go.work.sum beside the file (modload/init.go,
// commitRequirements).
func (s *Session) workFile(m *repo.Module) (string, error) {
	if s.buildsFromVendor(m) {
		return s.Repo.Abs(m.Workspace.Work.Name), nil
	}
	return s.copyOfWork(m)
}

// copyOfWork is the copy of a member's go.work.
func (s *Session) copyOfWork(m *repo.Module) (string, error) {
	ws := m.Workspace
	real := s.Repo.Abs(ws.Work.Name)
	if ws.Syntax == nil {
		return "", fmt.Errorf("%s does not parse", ws.Work.Name)
	}
	return s.shared.workCopies.get(real, func() (string, error) {
		work, err := modfile.ParseWork(ws.Work.Name, ws.Work.Data, nil)
		if err != nil {
			return "", err
		}
		absolute := func(dir string) string {
			if filepath.IsAbs(filepath.FromSlash(dir)) {
				return dir
			}
			return filepath.ToSlash(filepath.Join(filepath.Dir(real), filepath.FromSlash(dir)))
		}
		uses := make([]*modfile.Use, len(work.Use))
		for i, u := range work.Use {
			uses[i] = &modfile.Use{Path: absolute(u.Path), ModulePath: u.ModulePath}
		}
		work.SetUse(uses)
		for _, r := range work.Replace {
			if r.New.Version == "" {
				if err := work.AddReplace(r.Old.Path, r.Old.Version, absolute(r.New.Path), ""); err != nil {
					return "", err
				}
			}
		}
		dir, err := s.Temp("work")
		if err != nil {
			return "", err
		}
		copied := filepath.Join(dir, "go.work")
		if err := os.WriteFile(copied, modfile.Format(work.Syntax), 0o600); err != nil {
			return "", err
		}
		if ws.Sum != nil && ws.Sum.Err == nil {
			if err := os.WriteFile(copied+".sum", ws.Sum.Data, 0o600); err != nil {
				return "", err
			}
		}
		return copied, nil
	})
}
