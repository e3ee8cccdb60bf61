//go:build unix

package quarantine

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestReadOnlyCache: of a cache whose folders are all read-only their owner gets
// what is wrong out, and every other folder has its mode again. Root may do
// anything, so somebody else has to.
func TestReadOnlyCache(t *testing.T) {
	t.Parallel()
	const variable = "QUARANTINE_TEST_DIR"
	if os.Geteuid() == 0 {
		program, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		dir, err := os.MkdirTemp("/tmp", "quarantine-test-") // a test's own folder has parents for root only
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		data, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		own := filepath.Join(dir, "quarantine.test")
		if err := os.WriteFile(own, data, 0o755); err != nil {
			t.Fatal(err)
		}
		chmod(t, 0o777, dir)
		cmd := exec.Command(own, "-test.run=^TestReadOnlyCache$", "-test.v")
		cmd.Dir, cmd.Env = dir, []string{"TMPDIR=" + dir, variable + "=" + dir}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestReadOnlyCache") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	o := newCache(t)
	parents := []string{o.Cache, filepath.Join(o.Cache, "example.com"), filepath.Join(o.Cache, "cache"), filepath.Dir(filepath.Join(o.Cache, libAt))}
	chmod(t, 0o555, parents...)
	q := mustOpen(t, o)
	entries, err := q.Move(t.Context(), libGroup(o))
	if err != nil || len(entries) != 3 || slices.ContainsFunc(entries, func(e Entry) bool { return e.State != Moved }) {
		t.Fatalf("%+v, %v", entries, err)
	}
	for _, dir := range parents {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o555 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
	if got := below(t, filepath.Join(q.Dir(), movedName)); !slices.Contains(got, libName+" dr-xr-xr-x") {
		t.Errorf("moved: %q", got)
	}
}

// TestMovePipe: a pipe is moved, not opened.
func TestMovePipe(t *testing.T) {
	t.Parallel()
	o := newCache(t)
	chmod(t, 0o755, filepath.Join(o.Cache, libName))
	for _, name := range []string{libName + "/pipe", libAt + "zip"} {
		os.Remove(filepath.Join(o.Cache, name))
		if err := unix.Mkfifo(filepath.Join(o.Cache, name), 0o644); err != nil {
			t.Skip(err)
		}
	}
	q := mustOpen(t, o)
	entries, err := q.Move(t.Context(), libGroup(o))
	if err != nil || len(entries) != 3 || entries[1].Note != "1 of its entries are neither files nor folders" || entries[2].Kind != "other" || entries[2].State != Moved {
		t.Errorf("%+v, %v", entries, err)
	}
}
