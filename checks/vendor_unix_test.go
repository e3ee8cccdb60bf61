//go:build unix

package checks

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestVendorPipes: nothing opens a named pipe, in vendor or in a directory that
// replaces a module, so nothing hangs.
func TestVendorPipes(t *testing.T) {
	t.Parallel()
	s := vendorSession(t, nil, map[string]string{"m.go": "package m\n\nimport _ \"example.com/a\"\n"}, "")
	for _, name := range []string{"vendor/example.com/a/pipe.go", "a/pipe.go", "vendor/pipe"} {
		if err := syscall.Mkfifo(s.Repo.Abs(name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	facts, findings, err := runVendor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"vendor/irregular vendor/example.com/a/pipe.go example.com/a@v1.0.0", "vendor/irregular vendor/pipe"}
	if got := told(findings); !slices.Equal(got, want) || facts.Link.State != Broken {
		t.Errorf("got %q, link %+v; want %q, broken", got, facts.Link, want)
	}
	if got, want := findings[0].Message, "vendor/pipe is a named pipe"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

// TestVendorLink: a vendor folder that is a link is not followed, and its fix
// leaves what it leads to alone.
func TestVendorLink(t *testing.T) {
	t.Parallel()
	s := vendorSession(t, nil, nil, "")
	if err := os.Rename(s.Repo.Abs("vendor"), s.Repo.Abs("elsewhere")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("elsewhere", s.Repo.Abs("vendor")); err != nil {
		t.Fatal(err)
	}
	loadFiles(t, s, s.Root())
	_, findings, err := runVendor(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got := told(findings); !slices.Equal(got, []string{"vendor/irregular vendor"}) || !strings.Contains(findings[0].Message, "a symbolic link") {
		t.Fatalf("got %q", got)
	}
	vendorMended(t, s, findings[0].Fix.Command, ".")
	if _, err := os.Stat(filepath.Join(s.Root(), "elsewhere", "modules.txt")); err != nil {
		t.Error(err)
	}
}
