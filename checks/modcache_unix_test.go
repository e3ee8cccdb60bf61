//go:build unix

package checks

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestModcacheUnwritable: what has to be extracted where this user may not write
// is told; what is extracted already is fine there. Root writes anywhere, so that
// the test runs itself once more as somebody else then.
func TestModcacheUnwritable(t *testing.T) {
	const asNobody, nobody = "GOPREFLIGHT_TEST_AS_NOBODY", 65534
	if os.Geteuid() == 0 {
		if os.Getenv(asNobody) != "" {
			t.Fatal("still root")
		}
		dir, err := os.MkdirTemp("", "gopreflight-nobody")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		program := filepath.Join(dir, "test")
		labCopy(t, os.Args[0], program)
		for _, path := range []string{dir, program} {
			if err := os.Chmod(path, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestModcacheUnwritable$", "-test.v")
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GOCACHE=" + filepath.Join(dir, "gocache"), "TMPDIR=" + dir, asNobody + "=1"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestModcacheUnwritable") {
			t.Fatalf("as nobody: %v\n%s", err, out)
		}
		return
	}
	l := newCacheLab(t)
	labRemove(t, l.dir(labLib))
	l.freeze(t)
	facts, findings, err := runModcache(t.Context(), l.session(t, l.proxy))
	want := []string{"modcache/unwritable " + fileLine{"go.sum", l.sumLine(t, labLib)}.String() + " " + labLib}
	if got := told(findings); err != nil || !slices.Equal(got, want) {
		t.Fatalf("%q, %v, want %q", got, err, want)
	}
	if !strings.Contains(findings[0].Evidence[0], "permission denied") || facts.Link.State != Proven {
		t.Errorf("evidence %q, link %+v", findings[0].Evidence, facts.Link)
	}
	if o := l.end(t, l.proxy, "build", "./..."); o.exit != 1 || !strings.Contains(o.words, "permission denied") {
		t.Errorf("go build: %s, want permission denied", o)
	}
}
