//go:build unix

package e2e

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const fixRepo = `
-- go.mod --
module example.org/m

go 1.21

require (
	example.com/lib v1.1.0
	example.com/other v1.1.0
)
-- m.go --
package m

import (
	_ "example.com/lib"
	_ "example.com/other"
)
`

// newFixMachine is a machine whose module cache has its usual modes: read-only
// folders.
func newFixMachine(t *testing.T) *machine {
	m := newMachine(t, fixRepo)
	m.set("GOFLAGS=")
	m.mustRun("go", "clean", "-modcache")
	m.mustRun("go", "mod", "download")
	m.mustRun("go", "build", "./...")
	m.commit()
	t.Cleanup(func() { m.mustRun("chmod", "-R", "u+w", m.home) })
	return m
}

func (m *machine) cache(name string) string { return filepath.Join(m.home, ".home", "mod", name) }

// poison adds a file to a read-only folder of the module cache.
func (m *machine) poison(folder string) (file string) {
	m.Helper()
	dir := m.cache(folder)
	file = filepath.Join(dir, "evil.go")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(file, []byte("package lib\n"), 0o444), os.Chmod(dir, 0o555)); err != nil {
		m.Fatal(err)
	}
	return file
}

// fix runs gopreflight fix and returns what it says and its exit code.
func (m *machine) fix(args ...string) (string, int) {
	m.Helper()
	cmd := m.command(m.services.program, append([]string{"fix"}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func (m *machine) quarantined(pattern string) []string {
	found, _ := filepath.Glob(filepath.Join(m.home, ".home", ".cache", "gopreflight", "quarantine", "*", pattern))
	return found
}

// expectHealthy asserts that everybody is content with the module cache.
func (m *machine) expectHealthy() {
	m.Helper()
	m.mustRun("go", "mod", "verify")
	if out, err := m.command(m.services.program, "--only", "modcache").CombinedOutput(); err != nil || !strings.Contains(string(out), "2 modules proven") {
		m.Errorf("%v\n%s", err, out)
	}
}

// silentProxy is a proxy that never answers, and says when it was asked.
func silentProxy(t *testing.T) (url string, asked chan struct{}) {
	asked = make(chan struct{})
	release := make(chan struct{})
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() { close(asked) })
		<-release
	}))
	t.Cleanup(func() {
		close(release)
		server.Close()
	})
	return server.URL, asked
}

// TestFixKilled: a fix that was killed while it downloaded is ended by the next one.
func TestFixKilled(t *testing.T) {
	t.Parallel()
	m := newFixMachine(t)
	before := m.snapshot()
	proxy := m.env
	silent, asked := silentProxy(t)
	evil := m.poison("example.com/lib@v1.1.0")
	if err := os.Truncate(m.cache("cache/download/example.com/lib/@v/v1.1.0.zip"), 10); err != nil {
		t.Fatal(err)
	}
	m.set("GOPROXY=" + silent)
	cmd := m.command(m.services.program, "fix")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if _, err := os.Lstat(evil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it downloads before it has moved anything: %v", err)
	}
	m.env = proxy
	for _, pid := range m.children(cmd.Process.Pid) { // the go command that nobody waits for any more
		m.mustRun("kill", "-KILL", strings.Fields(pid)[0])
	}
	out, code := m.fix()
	if code != 0 || !strings.Contains(out, "an earlier fix was interrupted") || !strings.Contains(out, "example.com/lib@v1.1.0  mended") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	m.expectHealthy()
	if out, code := m.fix(); code != 0 || !strings.Contains(out, "NOTHING TO MEND") {
		t.Errorf("once more: exit code %d\n%s", code, out)
	}
	if got := m.snapshot(); got != before {
		t.Errorf("the tree is\n%s\nwas:\n%s", got, before)
	}
}

// TestFixInterrupted: a signal ends a fix with its exit code, and the next one goes on.
func TestFixInterrupted(t *testing.T) {
	t.Parallel()
	m := newFixMachine(t)
	env := m.env
	silent, asked := silentProxy(t)
	if err := os.Truncate(m.cache("cache/download/example.com/lib/@v/v1.1.0.zip"), 10); err != nil {
		t.Fatal(err)
	}
	m.set("GOPROXY=" + silent)
	cmd := m.command(m.services.program, "fix")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 143 || !strings.Contains(stdout.String(), "INTERRUPTED") {
		t.Errorf("exit code %d\n%s", code, stdout.Bytes())
	}
	m.env = env
	if out, code := m.fix(); code != 0 || !strings.Contains(out, "example.com/lib@v1.1.0  mended") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	m.expectHealthy()
}

// TestFixTwice: two at once do not tread on each other.
func TestFixTwice(t *testing.T) {
	t.Parallel()
	m := newFixMachine(t)
	m.poison("example.com/lib@v1.1.0")
	m.poison("example.com/other@v1.1.0")
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			if out, code := m.fix(); code != 0 {
				t.Errorf("exit code %d\n%s", code, out)
			}
		})
	}
	wait.Wait()
	m.expectHealthy()
	if found := m.quarantined("_moved/example.com/*/evil.go"); len(found) != 2 {
		t.Errorf("quarantined: %q", found)
	}
}

// TestFixReadOnlyCache: a user who is not root mends a cache whose folders are
// read-only, as the go command leaves those of modules. Not in parallel: a program
// that was just written is busy while another test starts a child.
func TestFixReadOnlyCache(t *testing.T) {
	m := newFixMachine(t)
	m.poison("example.com/lib@v1.1.0")
	program := m.copyProgram()
	m.set("GOCACHE=" + filepath.Join(m.home, "gocache"))
	root := os.Geteuid() == 0
	if err := os.Chmod(filepath.Dir(m.home), 0o755); err != nil {
		t.Fatal(err)
	}
	fix := func() string {
		cmd := m.command(program, "fix")
		if root {
			const nobody = 65534
			m.mustRun("chown", "-R", "65534:65534", m.home)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	if out := fix(); !strings.Contains(out, "1 mended") {
		t.Errorf("%s", out)
	}
	m.expectHealthy()

	// Where all folders are, what is wrong goes out all the same; but the go command
	// loosens nothing that it did not make, and cannot put another one in its place.
	m.poison("example.com/lib@v1.1.0")
	m.mustRun("chmod", "a-w", m.cache("example.com"))
	if out := fix(); !strings.Contains(out, "moved aside, and not brought back: this user may not mkdir") {
		t.Errorf("%s", out)
	}
	if info, err := os.Stat(m.cache("example.com")); err != nil || info.Mode().Perm() != 0o555 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	m.mustRun("chmod", "u+w", m.cache("example.com"))
	if found := m.quarantined("_moved/example.com/lib@v1.1.0/evil.go"); len(found) != 2 {
		t.Errorf("quarantined: %q", found)
	}
	m.mustRun("go", "mod", "download")
	m.expectHealthy()
}

// TestFixPlantedLink: nothing is moved over a link that somebody planted in the
// cache, and nothing behind it is touched.
func TestFixPlantedLink(t *testing.T) {
	t.Parallel()
	m := newFixMachine(t)
	m.poison("example.com/lib@v1.1.0")
	victim := filepath.Join(m.home, "victim")
	if err := errors.Join(os.Rename(m.cache("example.com"), victim), os.Symlink(victim, m.cache("example.com"))); err != nil {
		t.Fatal(err)
	}
	before, err := snapshot(victim)
	if err != nil {
		t.Fatal(err)
	}
	out, code := m.fix()
	if code != 1 || !strings.Contains(out, "is not a folder but a link") || !strings.Contains(out, "STILL BROKEN") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if after, err := snapshot(victim); err != nil || after != before {
		t.Errorf("behind the link is\n%s\nwas:\n%s", after, before)
	}
	// A folder that is itself a link goes as a link.
	if err := errors.Join(os.Remove(m.cache("example.com")), os.Rename(victim, m.cache("example.com")),
		os.Chmod(m.cache("example.com/lib@v1.1.0"), 0o755), os.Rename(m.cache("example.com/lib@v1.1.0"), victim),
		os.Symlink(victim, m.cache("example.com/lib@v1.1.0"))); err != nil {
		t.Fatal(err)
	}
	if before, err = snapshot(victim); err != nil {
		t.Fatal(err)
	}
	if out, code := m.fix(); code != 0 || !strings.Contains(out, "modcache/irregular") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if after, err := snapshot(victim); err != nil || after != before {
		t.Errorf("behind the link is\n%s\nwas:\n%s", after, before)
	}
	m.expectHealthy()
}

// TestFixBusy: while a go command is at work on a version, fix waits for it.
func TestFixBusy(t *testing.T) {
	t.Parallel()
	m := newFixMachine(t)
	evil := m.poison("example.com/lib@v1.1.0")
	lock, err := os.OpenFile(m.cache("cache/download/example.com/lib/@v/v1.1.0.lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	done := make(chan string)
	go func() {
		out, _ := m.fix()
		done <- out
	}()
	m.eventually("the manifest is written", func() bool { return len(m.quarantined("manifest.json")) == 1 })
	select {
	case out := <-done:
		t.Errorf("it did not wait:\n%s", out)
	case <-time.After(300 * time.Millisecond):
	}
	if _, err := os.Lstat(evil); err != nil {
		t.Errorf("moved under the go command's hands: %v", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if out := <-done; !strings.Contains(out, "1 mended") {
		t.Errorf("%s", out)
	}
	m.expectHealthy()
}

// TestFixHostileNames: names that a shell, a terminal or a log would obey.
func TestFixHostileNames(t *testing.T) {
	t.Parallel()
	m := newFixMachine(t)
	dir := m.cache("example.com/lib@v1.1.0")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"-rf", "a\nb", "\x1b[31m", "$(touch pwned)", "::error::x"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	download := m.cache("cache/download/example.com/lib/@v/")
	if err := os.WriteFile(download+"/v1.1.0.zip1\n\x1b[31m::error::.tmp", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	m.set("GITHUB_ACTIONS=true")
	out, code := m.fix("--verbose")
	if code != 0 || !strings.Contains(out, "example.com/lib@v1.1.0  mended") || strings.Contains(out, "\x1b") {
		t.Errorf("exit code %d\n%q", code, out)
	}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
			t.Errorf("a workflow command: %q", line)
		}
	}
	m.expectHealthy()
	if found := m.quarantined("_moved/example.com/lib@v1.1.0/-rf"); len(found) != 1 {
		t.Errorf("quarantined: %q", found)
	}
}
