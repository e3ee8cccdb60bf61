package hostinfo

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMount looks at a file system made for it; it needs the right to mount.
func TestMount(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOEXEC, "size=4m,nr_inodes=32"); err != nil {
		t.Skip("cannot mount a file system here:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	p := LookAt(dir)
	if p.NoExec != Yes || p.ReadOnly != No || p.Writable != Yes {
		t.Errorf("got %+v, want noexec and writable", p)
	}
	if p.Space == nil || p.Space.Total != 4<<20 || p.Space.TotalInodes != 32 || p.Space.FreeInodes >= 32 || p.Space.FreeInodes < 25 {
		t.Errorf("got %+v, want 4 MiB and 32 inodes", p.Space)
	}
	if parent := LookAt(os.TempDir()); parent.Volume == p.Volume {
		t.Errorf("the mount has its parent's volume %q", p.Volume)
	}
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if p := LookAt(dir); p.ReadOnly != Yes || p.Writable != No || p.Why != unix.EROFS.Error() {
		t.Errorf("got %+v, want read-only", p)
	}
}

// TestPermission needs a user whom the kernel refuses something.
func TestPermission(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	if p := LookAt(dir); p.Writable != No || p.Why != unix.EACCES.Error() || p.ReadOnly != No {
		t.Errorf("got %+v, want permission denied", p)
	}
}
