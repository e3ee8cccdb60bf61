//go:build !unix

package quarantine

import (
	"os"
	"path/filepath"
)

// rename moves an entry from one folder to another, by their paths.
func rename(from, to *os.Root, name string) error {
	return os.Rename(filepath.Join(from.Name(), name), filepath.Join(to.Name(), name))
}

// isOtherFileSystem: what the system says of it is not the same everywhere, and a
// copy that is made without need harms nobody.
func isOtherFileSystem(err error) bool { return err != nil }

const noWait = 0
