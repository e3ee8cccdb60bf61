// Package tempdir makes the one folder under which a run keeps everything
// temporary, and sweeps the folders of runs that were killed.
//
// A folder belongs to a living process as long as its lock file is locked: the
// kernel releases the lock however the process ends, and unlike a process ID a
// lock means the same inside and outside a container. It never touches a
// folder whose lock is held, or one without a lock file that is young.
package tempdir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	prefix   = "gopreflight-"
	lockName = "lock"
	// grace is how old a folder without a lock file must be to be swept: its
	// process may be between creating the one and the other.
	grace = time.Minute
)

// Dir is a run's own temporary folder.
type Dir struct {
	path string
	lock *flock.Flock
}

// New makes a folder under base (an absolute path) and sweeps the leftovers of
// dead processes beside it. now is the present time.
func New(base string, now time.Time) (*Dir, error) {
	sweep(base, now)
	path, err := os.MkdirTemp(base, prefix+"*")
	if err != nil {
		return nil, fmt.Errorf("creating a temporary folder: %w", err)
	}
	d := &Dir{path: path, lock: flock.New(filepath.Join(path, lockName))}
	if _, err := d.lock.TryLock(); err != nil {
		os.RemoveAll(path)
		return nil, fmt.Errorf("locking a temporary folder: %w", err)
	}
	return d, nil
}

// Path is the folder.
func (d *Dir) Path() string { return d.path }

// Sub makes a new folder inside.
func (d *Dir) Sub(name string) (string, error) {
	return os.MkdirTemp(d.path, name+"-*")
}

// Remove deletes the folder and everything in it.
func (d *Dir) Remove() error {
	return errors.Join(d.lock.Unlock(), os.RemoveAll(d.path))
}

// sweep removes what dead runs left behind. Failures are of no interest: the
// folders may be another user's.
func sweep(base string, now time.Time) {
	found, err := filepath.Glob(filepath.Join(base, prefix+"*"))
	if err != nil {
		return
	}
	for _, path := range found {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() {
			continue
		}
		lockFile := filepath.Join(path, lockName)
		if _, err := os.Lstat(lockFile); err != nil {
			if now.Sub(info.ModTime()) > grace {
				os.RemoveAll(path)
			}
			continue
		}
		lock := flock.New(lockFile)
		if free, err := lock.TryLock(); err == nil && free {
			lock.Unlock()
			os.RemoveAll(path)
		}
	}
}
