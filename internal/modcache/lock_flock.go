//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package modcache

import (
	"errors"
	"os"
	"syscall"
)

// locked reports whether another process holds the lock that the go command
// takes while it downloads and extracts (cmd/go, modfetch/cache.go lockVersion;
// lockedfile uses flock on these systems). It asks for a shared lock, without
// waiting, and gives it back at once.
func locked(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
