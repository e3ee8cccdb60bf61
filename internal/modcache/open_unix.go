//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package modcache

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A folder opens files below a tree, one after the other. It keeps the folder of
// the last one open: names come sorted, so that most files lie in it, and the
// system need not walk the whole path for each. The zero value is ready to use.
type folder struct {
	root, name string
	fd         int
	open       bool
}

// A reader is an open file of a tree. It is not an os.File: that costs two more
// system calls and three allocations, which is noticed on 100,000 small files.
type reader int

// openFile opens a file by its slash path below root. A link in the place of the
// file is an error, and opening a pipe does not wait.
func (d *folder) openFile(root, name string) (reader, error) {
	dir, base := "", name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		dir, base = name[:i], name[i+1:]
	}
	if !d.open || d.root != root || d.name != dir {
		d.close()
		fd, err := openat(unix.AT_FDCWD, filepath.Join(root, filepath.FromSlash(dir)), unix.O_DIRECTORY)
		if err != nil {
			return 0, err
		}
		*d = folder{root: root, name: dir, fd: fd, open: true}
	}
	fd, err := openat(d.fd, base, unix.O_NONBLOCK)
	return reader(fd), err
}

func openat(dir int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|flags, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func (d *folder) close() {
	if d.open {
		_ = unix.Close(d.fd) // it was only read
		d.open = false
	}
}

// read fills p with what comes next: fewer bytes than asked for at the end, none
// behind it.
func (r reader) read(p []byte) (int, error) {
	for {
		n, err := unix.Read(int(r), p)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

func (r reader) close() { _ = unix.Close(int(r)) } // it was only read
