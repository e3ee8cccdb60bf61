//go:build unix

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/gopreflight/gopreflight/checks"
)

// workspaceRepo is a healthy workspace whose members together select a version of
// example.com/lib that is in no go.sum: a go command would write to go.work.sum.
const workspaceRepo = `
-- go.work --
go 1.21

use (
	./a
	./b
)
-- a/go.mod --
module example.org/w/a

go 1.21

require example.com/lib v1.0.0
-- a/a.go --
package a

import "example.com/lib"

const Name = "a with " + lib.Name
-- b/go.mod --
module example.org/w/b

go 1.21

require example.com/other v1.1.0
-- b/b.go --
package b

import "example.com/other"

const Name = "b with " + other.Name
`

// machine is a machine of a test's own with a repository on it, as the scripts
// have it.
type machine struct {
	*testing.T
	services *services
	home     string // where everything lies
	repo     string
	env      []string
}

// newMachine puts the files of an archive into a git repository, tidies its
// modules, and leaves the caches warm.
func newMachine(t *testing.T, archive string) *machine {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: runs the go command many times")
	}
	s := startServices(t)
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{T: t, services: s, home: home, repo: filepath.Join(home, "repo")}
	tmp := filepath.Join(home, "tmp")
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		t.Fatal(err)
	}
	e := &testscript.Env{WorkDir: home, Vars: []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + tmp}, Values: map[any]any{}}
	if err := s.setup(e); err != nil {
		t.Fatal(err)
	}
	m.env = e.Vars
	if err := os.MkdirAll(m.repo, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range m.files(archive) {
		if filepath.Base(name) == "go.mod" {
			m.mustRun("go", "-C", filepath.Dir(name), "mod", "tidy")
		}
	}
	m.mustRun("git", "init", "-q")
	return m
}

// files writes the files of an archive into the repository, and returns their names.
func (m *machine) files(archive string) []string {
	m.Helper()
	var names []string
	for _, f := range txtar.Parse([]byte(archive)).Files {
		name := filepath.Join(m.repo, filepath.FromSlash(f.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, f.Data, 0o644)); err != nil {
			m.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// commit commits everything, so that git has nothing left to refresh.
func (m *machine) commit() {
	m.Helper()
	m.mustRun("git", "add", ".")
	m.mustRun("git", "commit", "-qm", "all")
	m.mustRun("git", "status")
}

// set changes the environment of what is run from now on.
func (m *machine) set(vars ...string) {
	m.env = append(slices.Clone(m.env), vars...)
}

func (m *machine) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = m.repo, m.env
	return cmd
}

func (m *machine) mustRun(name string, args ...string) {
	m.Helper()
	if out, err := m.command(name, args...).CombinedOutput(); err != nil {
		m.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// report runs gopreflight and returns its report and exit code.
func (m *machine) report(cmd *exec.Cmd) (*checks.Report, int) {
	m.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.Fatal(err)
	}
	var r checks.Report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		m.Fatalf("no report: %v\n%s%s", err, stdout.Bytes(), stderr.Bytes())
	}
	return &r, cmd.ProcessState.ExitCode()
}

func (m *machine) snapshot() string {
	m.Helper()
	s, err := snapshot(m.repo)
	if err != nil {
		m.Fatal(err)
	}
	return s
}

// leftovers are the temporary folders of gopreflight.
func (m *machine) leftovers() []string {
	found, _ := filepath.Glob(filepath.Join(m.home, "tmp", "gopreflight-*"))
	return found
}

// children are the processes, but for pid, that run with this machine's HOME.
func (m *machine) children(pid int) []string {
	m.Helper()
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil || len(environs) == 0 {
		m.Skip("there is no /proc to see processes in")
	}
	var found []string
	home := []byte("HOME=" + filepath.Join(m.home, ".home") + "\x00")
	for _, name := range environs {
		proc := filepath.Dir(name)
		data, err := os.ReadFile(name)
		cmdline, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		// What has ended and was not waited for yet has no command line.
		if err == nil && len(cmdline) > 0 && bytes.Contains(data, home) && filepath.Base(proc) != strconv.Itoa(pid) {
			found = append(found, filepath.Base(proc)+" "+string(bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '})))
		}
	}
	return found
}

// eventually waits until a condition holds, and fails where it never does.
func (m *machine) eventually(what string, holds func() bool) {
	m.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.Fatalf("never: %s", what)
		}
	}
}

// copyProgram puts gopreflight where another user can run it.
func (m *machine) copyProgram() string {
	m.Helper()
	data, err := os.ReadFile(m.services.program)
	if err != nil {
		m.Fatal(err)
	}
	dir := filepath.Join(m.home, "bin")
	program := filepath.Join(dir, filepath.Base(m.services.program))
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(program, data, 0o755)); err != nil {
		m.Fatal(err)
	}
	return program
}

// statusesOf is how each check ended.
func statusesOf(r *checks.Report) map[string]checks.Status {
	all := map[string]checks.Status{}
	for _, res := range r.Results {
		all[res.Check] = res.Status
	}
	return all
}

// listen takes connections on loopback until the test ends, and returns its
// address.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				handle(c)
			}()
		}
	}()
	return l.Addr().String()
}
