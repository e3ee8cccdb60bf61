//go:build unix

package buildcache

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

// TestVerifyPipes: nothing opens a named pipe, so nothing hangs.
func TestVerifyPipes(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"object", "entry", "executable", "trim.txt"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			id, object, entry := c.put("p", "package p")
			tool, inner := c.putExecutable("tool", "tool", "ELF")
			path, want := "", ""
			switch what {
			case "object":
				path, want = object, fmt.Sprintf("irregular %s-d: is a named pipe", short(id))
			case "entry":
				path, want = entry, "irregular "+entry[len(entry)-66:][:4]+"-a: is a named pipe"
			case "executable":
				path, want = inner, fmt.Sprintf("irregular %s-d: holds what is a named pipe", short(tool))
			case "trim.txt":
				path = c.dir + "/trim.txt"
			}
			c.check(os.Remove(path))
			c.check(syscall.Mkfifo(path, 0o666))
			if got := told(c.verify(Options{})); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
		})
	}
}

// What cannot be read is neither sound nor broken.
func TestVerifyUnreadable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	c := newCache(t)
	_, object, _ := c.put("p", "package p")
	_, _, entry := c.put("q", "package q")
	c.check(os.Chmod(object, 0))
	c.check(os.Chmod(entry, 0))
	s := c.verify(Options{})
	if s.Unreadable != 2 || len(s.Problems) != 0 || s.Sound != 1 {
		t.Errorf("%d unreadable (%v), %d sound, problems %q; want 2, 1 and none", s.Unreadable, s.Errs, s.Sound, told(s))
	}
}
