//go:build unix

package gocmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program writes a shell script that stands for a go command: it logs its
// start and end, with its arguments, to a file that it returns.
func program(t *testing.T, body string) (path, log string) {
	t.Helper()
	dir := t.TempDir()
	path, log = filepath.Join(dir, "go"), filepath.Join(dir, "log")
	script := "#!/bin/sh\nlog=" + log + "\necho \"start $*\" >>$log\n" + body + "\necho \"end $*\" >>$log\n"
	if err := writeProgram(path, script); err != nil {
		t.Fatal(err)
	}
	return path, log
}

// writeProgram writes a file that can be run at once: while it is open for
// writing no other test may start a child, which would inherit it open, and so
// make it busy (go.dev/issue/22315).
func writeProgram(name, script string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(name, []byte(script), 0o700)
}

func logged(t *testing.T, log string) []string {
	t.Helper()
	data, err := os.ReadFile(log)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// waitFor waits until the log has a line.
func waitFor(t *testing.T, log, line string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		lines := logged(t, log)
		for _, l := range lines {
			if l == line {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("log %q has no %q", lines, line)
		}
	}
}

var pathOnly = []string{"PATH=/usr/bin:/bin"}

func TestAskOnce(t *testing.T) {
	t.Parallel()
	path, log := program(t, `echo "$V in $PWD"; sleep 0.1; exit 4`)
	other, _ := program(t, `echo other`)
	g := New(path, append([]string{"V=1"}, pathOnly...), 4)
	dir, elsewhere := t.TempDir(), t.TempDir()

	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			out, err := g.Ask(t.Context(), Question{Dir: dir, Args: []string{"list", "-m"}})
			if err != nil || string(out.Stdout) != "1 in "+dir+"\n" || out.Exit != 4 {
				t.Errorf("stdout %q, exit %d, error %v", out.Stdout, out.Exit, err)
			}
		})
	}
	wg.Wait()
	if got := logged(t, log); len(got) != 1 || got[0] != "start list -m" {
		t.Errorf("runs: %q, want one", got)
	}

	// What differs in anything is another question.
	for _, tt := range []struct {
		q    Question
		want string
	}{
		{Question{Dir: dir, Args: []string{"list -m"}}, "1 in " + dir},
		{Question{Dir: elsewhere, Args: []string{"list", "-m"}}, "1 in " + elsewhere},
		{Question{Dir: dir, Args: []string{"list", "-m"}, Env: []string{"V=2"}}, "2 in " + dir},
		{Question{Dir: dir, Env: []string{"V=2", "list", "-m"}}, "2 in " + dir},
		{Question{Dir: dir, Args: []string{"list", "-m"}, Path: other}, "other"},
	} {
		before := len(logged(t, log))
		out, err := g.Ask(t.Context(), tt.q)
		if got := strings.TrimSpace(string(out.Stdout)); err != nil || got != tt.want {
			t.Errorf("%+v: %q, error %v; want %q", tt.q, got, err, tt.want)
		}
		if after := len(logged(t, log)); tt.q.Path == "" && after == before {
			t.Errorf("%+v was not asked", tt.q)
		}
	}
}

func TestAskAfterAbortedRun(t *testing.T) {
	t.Parallel()
	path, log := program(t, `if [ $(grep -c start $log) = 1 ]; then exec sleep 600; fi; echo answer`)
	g := New(path, pathOnly, 2)
	q := Question{Dir: t.TempDir(), Args: []string{"env"}}

	stop := errors.New("the check ran out of time")
	ctx, cancel := context.WithCancelCause(t.Context())
	leader := make(chan error, 1)
	go func() {
		_, err := g.Ask(ctx, q)
		leader <- err
	}()
	waitFor(t, log, "start env")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			out, err := g.Ask(t.Context(), q)
			if err != nil || string(out.Stdout) != "answer\n" {
				t.Errorf("a waiting one got %q, error %v", out.Stdout, err)
			}
		})
	}
	// One that waits may leave without disturbing the run.
	impatient, leave := context.WithCancelCause(t.Context())
	leave(stop)
	if _, err := g.Ask(impatient, q); !errors.Is(err, stop) || !strings.HasPrefix(err.Error(), "go env: ") {
		t.Errorf("one that leaves got %v, want the cause %v", err, stop)
	}
	cancel(stop)
	if err := <-leader; !errors.Is(err, stop) {
		t.Errorf("the stopped one got %v, want %v", err, stop)
	}
	wg.Wait()
	if got := logged(t, log); len(got) != 3 {
		t.Errorf("log %q, want a run that was stopped and one that ended", got)
	}
}

func TestAskFailsForEachThatAsks(t *testing.T) {
	t.Parallel()
	g := New(filepath.Join(t.TempDir(), "go"), nil, 1)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, err := g.Ask(t.Context(), Question{Dir: t.TempDir(), Args: []string{"version"}}); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("error %v, want %v", err, os.ErrNotExist)
			}
		})
	}
	wg.Wait()
}

func TestSlots(t *testing.T) {
	t.Parallel()
	path, log := program(t, `sleep 0.05`)
	const jobs = 3
	g := New(path, pathOnly, jobs)
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 12 {
		q := Question{Dir: dir, Args: []string{fmt.Sprint("list", i)}}
		if i%4 == 3 {
			q = Question{Dir: dir, Args: []string{fmt.Sprint("build", i)}, Exclusive: true}
		}
		wg.Go(func() {
			if _, err := g.Ask(t.Context(), q); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	running := map[string]bool{}
	most := 0
	lines := logged(t, log)
	for _, l := range lines {
		event, name, _ := strings.Cut(l, " ")
		if event == "end" {
			delete(running, name)
			continue
		}
		running[name] = true
		most = max(most, len(running))
		for n := range running {
			if strings.HasPrefix(n, "build") && len(running) > 1 {
				t.Errorf("%s ran beside others: %v", n, running)
			}
		}
	}
	if len(lines) != 24 || len(running) != 0 {
		t.Errorf("log of %d lines, still running %v; want 24 lines, none", len(lines), running)
	}
	if most > jobs || most < 2 {
		t.Errorf("%d ran at once, want 2 to %d", most, jobs)
	}
}

// One that waits for a slot is let go when its context ends.
func TestSlotCancelled(t *testing.T) {
	t.Parallel()
	path, log := program(t, `sleep 600`)
	g := New(path, pathOnly, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.Ask(ctx, Question{Dir: t.TempDir(), Args: []string{"build"}, Exclusive: true})
	}()
	waitFor(t, log, "start build")
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	out, err := g.Ask(short, Question{Dir: t.TempDir(), Args: []string{"list"}})
	if !errors.Is(err, context.DeadlineExceeded) || len(out.Stdout) != 0 {
		t.Errorf("%q, error %v, want %v", out.Stdout, err, context.DeadlineExceeded)
	}
	cancel()
	<-done
	if got := logged(t, log); len(got) != 1 {
		t.Errorf("log %q, want the build alone", got)
	}
}

func TestAskEnvironment(t *testing.T) {
	t.Parallel()
	path, _ := program(t, `echo "A=$A B=$B PWD=$PWD"`)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	g := New(path, append([]string{"A=1", "B=1", "PWD=/elsewhere"}, pathOnly...), 0)
	out, err := g.Ask(t.Context(), Question{Dir: link, Env: []string{"B=2"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(out.Stdout), "A=1 B=2 PWD="+link+"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if g.Path() != path {
		t.Errorf("Path() = %q, want %q", g.Path(), path)
	}
}
