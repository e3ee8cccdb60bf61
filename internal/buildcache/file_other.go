//go:build !unix

package buildcache

import "os"

// A file is open for reading.
type file struct{ *os.File }

func open(path string) (file, error) {
	f, err := os.Open(path)
	return file{f}, err
}

// Close closes a file that was only read.
func (f file) Close() { _ = f.File.Close() }
