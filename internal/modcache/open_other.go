//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package modcache

import (
	"io"
	"os"
	"path/filepath"
)

// A folder opens files below a tree; elsewhere it keeps their folder open.
type folder struct{}

// A reader is an open file of a tree.
type reader struct{ f *os.File }

func (folder) openFile(root, name string) (reader, error) {
	f, err := os.Open(filepath.Join(root, filepath.FromSlash(name)))
	return reader{f}, err
}

func (folder) close() {}

// read fills p with what comes next; none behind the end.
func (r reader) read(p []byte) (int, error) {
	n, err := r.f.Read(p)
	if err == io.EOF {
		err = nil
	}
	return n, err
}

func (r reader) close() { _ = r.f.Close() } // it was only read
