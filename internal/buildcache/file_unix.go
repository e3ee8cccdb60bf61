//go:build unix

package buildcache

import (
	"errors"
	"io"
	"io/fs"

	"golang.org/x/sys/unix"
)

// A file is open for reading. The cache has two small files for every package,
// for which os.File does more than reading them costs.
type file struct{ fd int }

// open opens a file, but no symbolic link, and does not wait for a pipe.
func open(path string) (file, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return file{}, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return file{fd}, nil
	}
}

func (f file) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(f.fd, p)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (f file) Close() { _ = unix.Close(f.fd) }
