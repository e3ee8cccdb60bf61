//go:build !unix

package tempdir

import "errors"

func mkfifo(string) error { return errors.ErrUnsupported }
