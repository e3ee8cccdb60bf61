//go:build !unix

package tempdir

import "io/fs"

// owned is always true where temporary folders are each user's own.
func owned(fs.FileInfo) bool { return true }
