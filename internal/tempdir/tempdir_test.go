package tempdir

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// childBase makes the test program the child of TestSweepDeadProcess: it opens
// a folder under this base, says so, and waits to be killed.
const childBase = "TEMPDIR_TEST_BASE"

func TestMain(m *testing.M) {
	base := os.Getenv(childBase)
	if base == "" {
		os.Exit(m.Run())
	}
	d, err := New(base, time.Now())
	if err == nil {
		_, err = d.Sub("work")
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(d.Path(), "file"), []byte("x"), 0o600)
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(d.Path())
	time.Sleep(time.Minute) // not select {}: with nothing else to wait for that is a deadlock, and the end
	runtime.KeepAlive(d)    // and with it its lock
}

// names are the entries of a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func newDir(t *testing.T, base string, now time.Time) *Dir {
	t.Helper()
	d, err := New(base, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Remove() })
	return d
}

// soon fails the test when f does not come to an end.
func soon(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("it hangs")
	}
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

func TestDir(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	d := newDir(t, base, time.Now())
	if filepath.Dir(d.Path()) != base || !strings.HasPrefix(filepath.Base(d.Path()), "gopreflight-") {
		t.Errorf("path %q, want gopreflight-* in %q", d.Path(), base)
	}
	if info, err := os.Stat(d.Path()); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v; want 0700", info.Mode(), err)
	}
	first, err := d.Sub("go")
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.Sub("go")
	if err != nil || first == second || filepath.Dir(first) != d.Path() {
		t.Errorf("folders %q and %q, %v; want two in %q", first, second, err, d.Path())
	}
	if err := os.WriteFile(filepath.Join(first, "x"), nil, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(); err != nil {
		t.Error(err)
	}
	if left := names(t, base); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
	if _, err := New(filepath.Join(base, "gone"), time.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no base: error %v, want %v", err, fs.ErrNotExist)
	}
}

// A real process that is killed leaves its folder, and the next run takes it
// away; not before the process is dead.
func TestSweepDeadProcess(t *testing.T) {
	t.Parallel()
	base := filepath.Join(t.TempDir(), "[a-z]*") // no pattern
	if err := os.Mkdir(base, 0o700); err != nil {
		t.Skip(err) // not a name on Windows
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), childBase+"="+base)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	left := strings.TrimSpace(line)
	if !exists(left) {
		t.Fatalf("the child said %q", line)
	}
	later := time.Now().Add(time.Hour)
	newDir(t, base, later)
	if !exists(filepath.Join(left, "file")) {
		t.Fatal("the folder of a living process was swept")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	newDir(t, base, time.Now())
	if !exists(filepath.Join(left, "file")) {
		t.Error("a young folder was swept")
	}
	newDir(t, base, later)
	if exists(left) {
		t.Errorf("%q is still there: %q", left, names(t, left))
	}
	if got := len(names(t, base)); got != 3 {
		t.Errorf("%d folders, want those of 3 that live", got)
	}
}

func TestSweepLeaves(t *testing.T) {
	t.Parallel()
	old := time.Now().Add(-time.Hour)
	tests := []struct {
		name string
		make func(t *testing.T, path, elsewhere string) error
		keep bool
	}{
		{name: "gopreflight-1", make: func(t *testing.T, path, _ string) error { // killed before it was locked
			return errors.Join(os.Mkdir(path, 0o700), os.Chtimes(path, old, old))
		}},
		{name: "gopreflight-2", keep: true, make: func(t *testing.T, path, _ string) error { // not ours: no lock, not empty
			return errors.Join(os.Mkdir(path, 0o700), os.Mkdir(filepath.Join(path, "x"), 0o700), os.Chtimes(path, old, old))
		}},
		{name: "gopreflight-fork", keep: true, make: func(t *testing.T, path, _ string) error { // somebody's clone
			return errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, lockName), nil, 0o600), os.Chtimes(path, old, old))
		}},
		{name: "gopreflight-3", keep: true, make: func(t *testing.T, path, _ string) error { // young
			return os.Mkdir(path, 0o700)
		}},
		{name: "gopreflight-4", make: func(t *testing.T, path, elsewhere string) error { // with a link inside
			return errors.Join(os.Mkdir(path, 0o700), os.WriteFile(filepath.Join(path, lockName), nil, 0o600),
				os.Symlink(elsewhere, filepath.Join(path, "x")), os.Chtimes(path, old, old))
		}},
		{name: "gopreflight-5", keep: true, make: func(t *testing.T, path, elsewhere string) error { // a link
			return os.Symlink(elsewhere, path)
		}},
		{name: "gopreflight-6", keep: true, make: func(t *testing.T, path, _ string) error { // a file
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, old, old))
		}},
		{name: "gopreflight-7", keep: true, make: func(t *testing.T, path, elsewhere string) error { // its lock is a link
			return errors.Join(os.Mkdir(path, 0o700), os.Symlink(filepath.Join(elsewhere, "created"), filepath.Join(path, lockName)), os.Chtimes(path, old, old))
		}},
		{name: "gopreflight-8", keep: true, make: func(t *testing.T, path, _ string) error { // its lock is a pipe
			if err := errors.Join(os.Mkdir(path, 0o700), mkfifo(filepath.Join(path, lockName))); err != nil {
				return err
			}
			return os.Chtimes(path, old, old)
		}},
		{name: "gopreflight-9", keep: true, make: func(t *testing.T, path, _ string) error { // another user's
			if os.Geteuid() != 0 {
				return os.WriteFile(path, nil, 0o600) // nobody else's folder can be made: a file serves
			}
			return errors.Join(os.Mkdir(path, 0o700), os.Chown(path, 12345, 12345), os.Chtimes(path, old, old))
		}},
		{name: "gopreflight", keep: true, make: func(t *testing.T, path, _ string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Chtimes(path, old, old))
		}},
		{name: "other", keep: true, make: func(t *testing.T, path, _ string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Chtimes(path, old, old))
		}},
	}
	base, elsewhere := t.TempDir(), t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(elsewhere, "kept"), nil, 0o600), os.Chtimes(elsewhere, old, old)); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, tt := range tests {
		if err := tt.make(t, filepath.Join(base, tt.name), elsewhere); err != nil {
			if runtime.GOOS == "windows" {
				t.Skip(err)
			}
			t.Fatalf("%s: %v", tt.name, err)
		}
		if tt.keep {
			want = append(want, tt.name)
		}
	}
	var d *Dir
	var err error
	soon(t, func() { d, err = New(base, time.Now()) })
	if err != nil {
		t.Fatal(err)
	}
	defer d.Remove()
	want = append(want, filepath.Base(d.Path()))
	slices.Sort(want)
	if got := names(t, base); !slices.Equal(got, want) {
		t.Errorf("after the sweep %q, want %q", got, want)
	}
	if got := names(t, elsewhere); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("elsewhere %q, want what was there", got)
	}
}

// Runs that start at the same time leave each other alone.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			d, err := New(base, time.Now())
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := d.Sub("x"); err != nil {
				t.Error(err)
			}
			if err := d.Remove(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if left := names(t, base); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}
