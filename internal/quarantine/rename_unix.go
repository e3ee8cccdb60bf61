//go:build unix

package quarantine

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// rename moves an entry from one open folder to another. By their descriptors,
// because a Root renames only below itself, and a path could have become another's.
func rename(from, to *os.Root, name string) error {
	f, err := from.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	t, err := to.Open(".")
	if err != nil {
		return err
	}
	defer t.Close()
	return os.NewSyscallError("renameat", unix.Renameat(int(f.Fd()), name, int(t.Fd()), name))
}

func isOtherFileSystem(err error) bool { return errors.Is(err, unix.EXDEV) }

// noWait keeps an open from waiting, should the file have become a pipe.
const noWait = unix.O_NONBLOCK
