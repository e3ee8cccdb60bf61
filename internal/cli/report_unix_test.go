//go:build unix

package cli

import (
	"path/filepath"
	"syscall"
	"testing"
)

// TestReadPipe: an artifact may hold a pipe that nobody writes to; whoever opens
// it waits for ever.
func TestReadPipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "report.json"), 0o600); err != nil {
		t.Skip(err)
	}
	sys := testSystem(t, dir, nil)
	const want = "report.json: not a regular file"
	if _, err := sys.readSaved(&savedOptions{from: []string{"report.json"}}, place{}); err == nil || err.Error() != "read "+filepath.Join(dir, want) {
		t.Errorf("report: got %v, want %q", err, want)
	}
	if _, err := sys.policyHere("report.json"); err == nil || err.Error() != "reading the configuration: read "+filepath.Join(dir, want) {
		t.Errorf("policy: got %v, want %q", err, want)
	}
}
