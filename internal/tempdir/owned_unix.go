//go:build unix

package tempdir

import (
	"io/fs"
	"os"
	"syscall"
)

// owned reports whether a file belongs to the user that we run as.
func owned(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
