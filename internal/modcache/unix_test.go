//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package modcache

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestVerifyPipes: nothing opens a named pipe, so nothing hangs.
func TestVerifyPipes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		path func(files) string
	}{
		{"in the folder", func(f files) string { return filepath.Join(f.dir, "lib.go") }},
		{"zip", func(f files) string { return f.with("zip") }},
		{"ziphash", func(f files) string { return f.with("ziphash") }},
		{".mod", func(f files) string { return f.with("mod") }},
		{".info", func(f files) string { return f.with("info") }},
		{".lock", func(f files) string { return f.with("lock") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			w, f := c.lib()
			path := tt.path(f)
			c.check(os.Remove(path))
			c.check(syscall.Mkfifo(path, 0o666))
			e := c.verify(w)[0]
			if _, problems := Judge(w, e); kinds(problems) != "irregular" {
				t.Errorf("problems %q, want irregular", kinds(problems))
			}
			if e.IrregularCount != 1 || !strings.HasSuffix(e.Irregular[0], "is a named pipe") {
				t.Errorf("Irregular = %v", e.Irregular)
			}
		})
	}
}

func TestVerifyNewlineInName(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	w, f := c.lib()
	c.write(filepath.Join(f.dir, "a\nb.go"), "package lib\n")
	e := c.verify(w)[0]
	if _, problems := Judge(w, e); kinds(problems) != "irregular" {
		t.Errorf("problems %q, want irregular", kinds(problems))
	}
	if strings.Contains(strings.Join(e.Irregular, ""), "\n") {
		t.Errorf("Irregular = %q", e.Irregular)
	}
}

// TestVerifyBusy: a marker beside a held lock is an extraction that goes on,
// not one that was interrupted.
func TestVerifyBusy(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	w, f := c.lib()
	c.write(f.with("partial"), "")
	lock, err := os.OpenFile(f.with("lock"), os.O_RDWR, 0)
	c.check(err)
	defer lock.Close()
	c.check(syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	e := c.verify(w)[0]
	outcome, problems := Judge(w, e)
	if !e.Busy || outcome != Unknown || len(problems) != 0 {
		t.Errorf("Busy = %t, outcome %d, problems %q", e.Busy, outcome, kinds(problems))
	}
}

// TestVerifyUnreadable: what may not be read is neither fine nor bad.
func TestVerifyUnreadable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	for _, name := range []string{"zip", "file in the folder", "folder", "ziphash", ".mod", "download folder"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			w, f := c.lib()
			path := map[string]string{
				"zip": f.with("zip"), "ziphash": f.with("ziphash"), ".mod": f.with("mod"), "folder": f.dir,
				"file in the folder": filepath.Join(f.dir, "lib.go"), "download folder": f.download,
			}[name]
			c.check(os.Chmod(path, 0))
			t.Cleanup(func() { os.Chmod(path, 0o700) })
			e := c.verify(w)[0]
			outcome, problems := Judge(w, e)
			if outcome != Unknown || len(problems) != 0 || len(e.Errs) == 0 {
				t.Errorf("outcome %d, problems %q, errors %v", outcome, kinds(problems), e.Errs)
			}
		})
	}
}
