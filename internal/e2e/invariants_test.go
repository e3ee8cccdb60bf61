//go:build unix

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/checks"
)

// A run that is killed in the middle leaves the work tree as it was, and its
// temporary folder to the next run.
func TestKilledRunLeavesNothing(t *testing.T) {
	m := newMachine(t, workspaceRepo)
	if err := os.WriteFile(filepath.Join(m.repo, "go.work.sum"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	m.commit()
	before := m.snapshot()
	m.mustRun("gopreflight", "--quiet") // fills the caches
	start := time.Now()
	if r, code := m.report(m.command("gopreflight", "--format", "json")); code != 0 {
		t.Fatalf("a whole run: exit %d, %+v", code, r.RootCauses)
	}
	whole := time.Since(start)
	if got := m.snapshot(); got != before {
		t.Fatalf("a whole run changed the tree:\n%s\nwas:\n%s", got, before)
	}
	if left := m.leftovers(); len(left) > 0 {
		t.Fatalf("a whole run left %q behind", left)
	}

	killed := 0
	for eighth := range 8 {
		made := len(m.leftovers())
		cmd := m.command("gopreflight", "--format", "json")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if eighth > 0 {
			// The others are killed when the checks have begun.
			m.eventually("the run has a temporary folder", func() bool { return len(ended) > 0 || len(m.leftovers()) > made })
		}
		time.Sleep(whole * time.Duration(eighth) / 8)
		_ = cmd.Process.Kill() // it may have ended already
		var exit *exec.ExitError
		if errors.As(<-ended, &exit) && !exit.Exited() {
			killed++
		}
		// What it started goes on to its end, and must not touch the tree either.
		m.eventually("the orphans end", func() bool { return len(m.children(0)) == 0 })
		if got := m.snapshot(); got != before {
			t.Errorf("killed after %d/8 of a run, the tree is\n%s\nwas:\n%s", eighth, got, before)
		}
	}
	left := m.leftovers()
	if killed < 3 || len(left) == 0 {
		t.Fatalf("%d of 8 runs were killed and %d temporary folders left: too few to tell", killed, len(left))
	}

	// Folders that may still be somebody's are let be; those of an hour ago not.
	hourAgo := time.Now().Add(-time.Hour)
	for _, dir := range left {
		if err := os.Chtimes(dir, hourAgo, hourAgo); err != nil {
			t.Fatal(err)
		}
	}
	if _, code := m.report(m.command("gopreflight", "--format", "json", "--only", "gomod")); code != 0 {
		t.Fatalf("the next run: exit %d", code)
	}
	if left := m.leftovers(); len(left) > 0 {
		t.Errorf("the next run left %q behind", left)
	}
}

// A signal ends the run and all of its children, and the partial report is
// written all the same.
func TestSignalWritesPartialReport(t *testing.T) {
	for _, test := range []struct {
		signal os.Signal
		code   int
		name   string
	}{
		{os.Interrupt, 130, "interrupt"},
		{syscall.SIGTERM, 143, "terminated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t, workspaceRepo)
			m.commit()
			before := m.snapshot()
			// A proxy that takes requests and never answers holds a go command up.
			asked := make(chan struct{}, 100)
			hanging := listen(t, func(c net.Conn) {
				asked <- struct{}{}
				_, _ = io.Copy(io.Discard, c)
			})
			m.set("GOPROXY=http://"+hanging, "GOMODCACHE="+filepath.Join(m.home, "cold"))
			file := filepath.Join(m.home, "report.json")
			cmd := m.command("gopreflight", "--format", "json="+file, "--format", "terminal", "--skip", "proxy")
			var stdout bytes.Buffer
			cmd.Stdout = &stdout
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-asked
			if len(m.children(cmd.Process.Pid)) == 0 {
				t.Error("no child runs, but the proxy was asked")
			}
			if err := cmd.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != test.code {
				t.Errorf("exit code %d, want %d", got, test.code)
			}
			if left := m.children(cmd.Process.Pid); len(left) > 0 {
				t.Errorf("children survive:\n%s", strings.Join(left, "\n"))
			}
			if left := m.leftovers(); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var r checks.Report
			if err := json.Unmarshal(data, &r); err != nil {
				t.Fatal(err)
			}
			if r.Interrupted != test.name || len(r.Results) != len(checks.All) {
				t.Errorf("interrupted by %q with %d results, want %q and %d", r.Interrupted, len(r.Results), test.name, len(checks.All))
			}
			status := statusesOf(&r)
			if status["gomod"] != checks.Passed || status["tidy"] != checks.Errored || status["build"] != checks.Errored {
				t.Errorf("gomod %s, tidy %s, build %s; want what ended, and what did not", status["gomod"], status["tidy"], status["build"])
			}
			if !strings.Contains(stdout.String(), test.name) {
				t.Errorf("the log does not tell of the signal:\n%s", stdout.String())
			}
			if got := m.snapshot(); got != before {
				t.Errorf("the tree is\n%s\nwas:\n%s", got, before)
			}
		})
	}
}

// A signal also ends what is done about the comment, whose site may hang; the
// verdict stands by then.
func TestSignalEndsComment(t *testing.T) {
	m := newMachine(t, workspaceRepo)
	m.commit()
	asked := make(chan struct{}, 100)
	hanging := listen(t, func(c net.Conn) {
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, c)
	})
	event := filepath.Join(m.home, "event.json")
	commit := strings.Repeat("4f", 20)
	if err := os.WriteFile(event, []byte(`{"number": 7, "pull_request": {"head": {"sha": "`+commit+`"}, "base": {"sha": "`+commit+`"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	m.set("GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=pull_request", "GITHUB_EVENT_PATH="+event, "GITHUB_REPOSITORY=acme/shop",
		"GITHUB_API_URL=http://"+hanging, "GITHUB_TOKEN=ghs_0123456789abcdefghij")
	cmd := m.command("gopreflight", "--only", "gomod", "--comment", "always")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	signalled := time.Now()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	// One request alone is given twice as long.
	if took := time.Since(signalled); took > 5*time.Second {
		t.Errorf("it ended %v after the signal", took)
	}
	if got := cmd.ProcessState.ExitCode(); got != 0 {
		t.Errorf("exit code %d, want that of the verdict", got)
	}
	if !strings.Contains(stderr.String(), "warning: comment: not written") {
		t.Errorf("standard error says:\n%s", stderr.String())
	}
}

// The same input gives the same report, but for times, however many go commands
// run at once.
func TestSameInputSameReport(t *testing.T) {
	// Two modules with errors, in what several checks say.
	m := newMachine(t, workspaceRepo+"-- c/go.mod --\nmodule example.org/w/c\n\ngo 1.21\n-- c/c.go --\npackage c\n\nvar A int = undefined1\n\nvar B int = undefined2\n"+
		"-- d/go.mod --\nmodule example.org/w/d\n\ngo 1.21\n-- d/d.go --\npackage d\n\nvar A int = undefined1\n")
	file := filepath.Join(m.repo, "b", "go.mod")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(data, "\nrequire example.com/other v1.0.0\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	m.commit()
	var first string
	for i, jobs := range []string{"1", "2", "8", "1", "8"} {
		// The build cache is no input that stays: each run leaves something there.
		cmd := m.command("gopreflight", "--skip", "buildcache", "--format", "json", "--jobs", jobs)
		out, err := cmd.Output()
		if cmd.ProcessState.ExitCode() != 1 {
			t.Fatalf("exit code %d, want 1: %v\n%s", cmd.ProcessState.ExitCode(), err, out)
		}
		got := disk.ReplaceAllString(times.ReplaceAllString(timeFacts.ReplaceAllString(string(out), ""), "TIME"), "DISK")
		if i == 0 {
			first = got
		} else if got != first {
			t.Fatalf("--jobs %s:\n%s\nfirst:\n%s", jobs, got, first)
		}
	}
}

// times are what may differ between two reports on the same input.
var times = regexp.MustCompile(`"(startedAt|startMs|durationMs)": "?[^",\n]*"?|(under )?\b[0-9.]+ (ms|s)\b`)

// timeFacts are facts that are times: lines that are not there when one is nothing.
var timeFacts = regexp.MustCompile(`\n *"(ms|firstByteMs|bytesPerSecond|clockSkewSeconds)": -?[0-9.]+,?`)

// disk is what check host says of the disk, on which others write too.
var disk = regexp.MustCompile(`[0-9.,]+ [KMGT]iB free|"free[A-Za-z]*": [0-9]+`)

// A work tree that cannot be written to is no obstacle.
func TestReadOnlyWorkTree(t *testing.T) {
	m := newMachine(t, workspaceRepo)
	m.commit()
	program := m.copyProgram()
	cmd := m.command(program, "--format", "json")
	if os.Geteuid() == 0 {
		// Root writes anywhere, so somebody else has to run it.
		const nobody = 65534
		m.set("GOCACHE=" + filepath.Join(m.home, "gocache"))
		cmd.Env = m.env
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if err := os.Chmod(filepath.Dir(m.home), 0o755); err != nil {
			t.Fatal(err)
		}
		m.mustRun("chown", "-R", "65534:65534", m.home)
	}
	m.mustRun("chmod", "-R", "a-w", m.repo)
	t.Cleanup(func() { m.mustRun("chmod", "-R", "u+w", m.repo) })
	before := m.snapshot()
	r, code := m.report(cmd)
	if code != 0 {
		t.Errorf("exit code %d, %+v, %v", code, r.RootCauses, statusesOf(r))
	}
	if got := m.snapshot(); got != before {
		t.Errorf("the tree is\n%s\nwas:\n%s", got, before)
	}
}
