//go:build unix

package child

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shell is a command for a real shell.
func shell(t *testing.T, script string, args ...string) Cmd {
	t.Helper()
	return Cmd{
		Path: "/bin/sh",
		Args: append([]string{"-c", script, "sh"}, args...),
		Dir:  t.TempDir(),
		Env:  []string{"PATH=/usr/bin:/bin"},
	}
}

func TestRunOutputAndExit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, script   string
		limit          int
		stdout, stderr string
		cut            int64
		exit           int
	}{
		{name: "streams are kept apart", script: "echo out; echo err >&2", stdout: "out\n", stderr: "err\n"},
		{name: "exit code is no error", script: "echo no >&2; exit 3", stderr: "no\n", exit: 3},
		{name: "ended by a signal", script: "kill -KILL $$", exit: -1},
		{name: "as long as the limit", script: "printf 12345; printf abcde >&2", limit: 5, stdout: "12345", stderr: "abcde"},
		{name: "each stream is cut and the rest counted", script: "printf 1234567; printf abcdef >&2", limit: 5, stdout: "12345", stderr: "abcde", cut: 3},
		{name: "cut over many writes", script: "i=0; while [ $i -lt 100 ]; do echo 123456789; i=$((i+1)); done", limit: 25, stdout: "123456789\n123456789\n12345", cut: 975},
		{name: "far more than a pipe holds", script: "head -c 3000000 /dev/zero | tr '\\0' x", limit: 3, stdout: "xxx", cut: 2999997},
		{name: "nothing to read", script: "cat; echo end", stdout: "end\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := shell(t, tt.script)
			c.Limit = tt.limit
			out, err := Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if string(out.Stdout) != tt.stdout || string(out.Stderr) != tt.stderr {
				t.Errorf("stdout %.80q, stderr %.80q; want %q, %q", out.Stdout, out.Stderr, tt.stdout, tt.stderr)
			}
			if out.Cut != tt.cut || out.Exit != tt.exit {
				t.Errorf("cut %d, exit %d; want %d, %d", out.Cut, out.Exit, tt.cut, tt.exit)
			}
		})
	}
}

func TestRunEnvironment(t *testing.T) {
	t.Setenv("CHILD_TEST_SECRET", "must not be seen")
	for _, tt := range []struct {
		name string
		env  []string
		want string
	}{
		{"none at all", nil, ""},
		{"exactly the given one, the last of equal names", []string{"A=1", "B=x y", "A=2"}, "A=2\nB=x y\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env, err := filepath.EvalSymlinks("/usr/bin/env")
			if err != nil {
				t.Skip(err)
			}
			out, err := Run(t.Context(), Cmd{Path: env, Dir: t.TempDir(), Env: tt.env})
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.SplitAfter(string(out.Stdout), "\n")
			slices.Sort(lines)
			if got := strings.Join(lines, ""); got != tt.want {
				t.Errorf("environment %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, tt := range []struct {
		name string
		cmd  Cmd
		want string
		is   error
	}{
		{"a program that is not there", Cmd{Path: dir + "/gone", Args: []string{"version"}, Dir: dir}, "gone version: ", fs.ErrNotExist},
		{"a folder that is not there", Cmd{Path: "/bin/sh", Dir: dir + "/gone"}, "sh: ", fs.ErrNotExist},
		{"a name to be looked up", Cmd{Path: "sh", Dir: dir}, `sh: program "sh"`, nil},
		{"our own folder", Cmd{Path: "/bin/sh"}, `folder ""`, nil},
		{"an argument that no program can get", Cmd{Path: "/bin/sh", Args: []string{"a\x00b"}, Dir: dir}, "sh a\x00b: ", syscall.EINVAL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := Run(t.Context(), tt.cmd)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %v is not %v", err, tt.is)
			}
			if out.Exit != -1 {
				t.Errorf("exit %d, want -1", out.Exit)
			}
		})
	}
}

// alive reports whether a process runs; a zombie, which only waits to be
// collected by whoever adopted it, does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) || !isDir("/proc/self")
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z") && !strings.HasPrefix(after, "X")
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// readPids waits for a file with a number of lines, each a process ID.
func readPids(t *testing.T, name string, n int) []int {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		data, _ := os.ReadFile(name)
		fields := strings.Fields(string(data))
		if len(fields) == n && strings.HasSuffix(string(data), "\n") {
			var pids []int
			for _, f := range fields {
				pid, err := strconv.Atoi(f)
				if err != nil {
					t.Fatal(err)
				}
				pids = append(pids, pid)
			}
			return pids
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %q, want %d process IDs", name, data, n)
		}
	}
}

func mustEnd(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		for deadline := time.Now().Add(5 * time.Second); alive(pid); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				t.Fatalf("process %d outlived Run", pid)
			}
		}
	}
}

func TestRunEndsTheGroup(t *testing.T) {
	t.Parallel()
	stop := errors.New("the user said stop")
	tests := []struct {
		name, script string
		pids         int
		cancel       bool
		stdout       string
		atLeast      time.Duration // how long Run takes after the cancellation
		atMost       time.Duration
	}{
		{
			name:   "cancelled: the shell and what it left in the background",
			script: `sleep 600 >/dev/null 2>&1 & echo $! >>"$1"; echo $$ >>"$1"; wait`,
			pids:   2, cancel: true, atMost: waitDelay,
		},
		{
			// The shell may clean up: the go command removes its work folder.
			name:   "cancelled: the interrupt is heard before anything is killed",
			script: `trap 'echo cleaned up; exit 0' INT; echo $$ >>"$1"; while :; do sleep 0.02; done`,
			pids:   1, cancel: true, stdout: "cleaned up\n", atMost: waitDelay,
		},
		{
			name:   "cancelled: interrupts are ignored",
			script: `trap '' INT; sleep 600 & echo $! >>"$1"; echo $$ >>"$1"; while :; do sleep 0.1; done`,
			pids:   2, cancel: true, atLeast: waitDelay, atMost: waitDelay + 5*time.Second,
		},
		{
			name:   "ended by itself, a child in the background keeps the pipe open",
			script: `echo done; sleep 600 & echo $! >>"$1"`,
			pids:   1, stdout: "done\n", atLeast: waitDelay, atMost: waitDelay + 5*time.Second,
		},
		{
			name:   "ended by itself, a silent child in the background",
			script: `echo done; sleep 600 >/dev/null 2>&1 & echo $! >>"$1"`,
			pids:   1, atMost: waitDelay, stdout: "done\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			pidFile := filepath.Join(t.TempDir(), "pids")
			type result struct {
				out Output
				err error
			}
			done := make(chan result, 1)
			go func() {
				out, err := Run(ctx, shell(t, tt.script, pidFile))
				done <- result{out, err}
			}()
			pids := readPids(t, pidFile, tt.pids)
			start := time.Now()
			if tt.cancel {
				cancel(stop)
			}
			var r result
			select {
			case r = <-done:
			case <-time.After(30 * time.Second):
				t.Fatal("Run hangs")
			}
			took := time.Since(start)
			mustEnd(t, pids)
			if took < tt.atLeast-100*time.Millisecond || took > tt.atMost {
				t.Errorf("Run took %v, want %v to %v", took, tt.atLeast, tt.atMost)
			}
			if got := string(r.out.Stdout); got != tt.stdout {
				t.Errorf("stdout %q, want %q", got, tt.stdout)
			}
			if !tt.cancel {
				if r.err != nil || r.out.Exit != 0 {
					t.Errorf("exit %d, error %v; want 0, nil", r.out.Exit, r.err)
				}
				return
			}
			if !errors.Is(r.err, stop) || !strings.HasPrefix(r.err.Error(), "sh -c ") {
				t.Errorf("error %v, want the cause %q behind the command", r.err, stop)
			}
		})
	}
}

func TestRunCancelledBefore(t *testing.T) {
	t.Parallel()
	stop := errors.New("too late")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	c := shell(t, `touch started`)
	if _, err := Run(ctx, c); !errors.Is(err, stop) {
		t.Errorf("error %v, want %v", err, stop)
	}
	if _, err := os.Stat(filepath.Join(c.Dir, "started")); err == nil {
		t.Error("the command ran")
	}
}

// A child that could open our terminal could ask there, or be stopped by it.
func TestRunHasNoTerminal(t *testing.T) {
	t.Parallel()
	out, err := Run(t.Context(), shell(t, `(: </dev/tty) 2>/dev/null && echo terminal; ps -o pid= -o sess= -p $$ 2>/dev/null`))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(out.Stdout), "terminal") {
		t.Error("the child has a terminal")
	}
	fields := strings.Fields(string(out.Stdout))
	if len(fields) != 2 {
		t.Skipf("no ps here: %q", out.Stdout)
	}
	if fields[0] != fields[1] {
		t.Errorf("process %s is in session %s, want one of its own", fields[0], fields[1])
	}
}

func TestCmdString(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ path, want string }{
		{"/usr/local/go/bin/go", "go mod tidy"},
		{`C:\Go\bin\go.exe`, "go.exe mod tidy"},
		{"go", "go mod tidy"},
	} {
		if got := (Cmd{Path: tt.path, Args: []string{"mod", "tidy"}}).String(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.path, got, tt.want)
		}
	}
}
