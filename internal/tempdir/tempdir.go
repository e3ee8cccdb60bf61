// Package tempdir makes the one folder under which a run keeps everything
// temporary, and sweeps the folders of runs that were killed.
//
// A folder belongs to a living process as long as its lock file is locked: the
// kernel releases the lock however the process ends, and unlike a process ID a
// lock means the same inside and outside a container. It never touches a folder
// whose lock is held, one that is young, one of another user, one that is not
// known by its name and its lock file to be a run's, or anything that a symbolic
// link of such a name points to.
package tempdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const (
	prefix   = "gopreflight-"
	lockName = "gopreflight.lock"
	// grace is how old a folder must be to be swept: a younger one's process
	// may be between creating the folder and locking it.
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
	locked, err := d.lock.TryLock()
	if err == nil && !locked {
		err = errors.New("another process holds the lock")
	}
	if err != nil {
		os.RemoveAll(path)
		return nil, fmt.Errorf("locking the temporary folder %s: %w", path, err)
	}
	return d, nil
}

// Path is the folder.
func (d *Dir) Path() string { return d.path }

// Sub makes a new folder inside.
func (d *Dir) Sub(name string) (string, error) {
	return os.MkdirTemp(d.path, name+"-*")
}

// Remove deletes the folder and everything in it, the lock last: a removal that
// is killed leaves a folder that a later run still knows to be ours.
func (d *Dir) Remove() error {
	entries, err := os.ReadDir(d.path)
	errs := []error{err}
	for _, e := range entries {
		if e.Name() != lockName {
			errs = append(errs, os.RemoveAll(filepath.Join(d.path, e.Name())))
		}
	}
	return errors.Join(append(errs, d.lock.Unlock(), os.RemoveAll(d.path))...)
}

// sweep removes what dead runs left behind. Failures are of no interest: the
// next run tries again.
func sweep(base string, now time.Time) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return
	}
	for _, e := range entries {
		// os.MkdirTemp puts digits; any other name ("gopreflight-fork") is a person's.
		digits, ok := strings.CutPrefix(e.Name(), prefix)
		if ok && digits != "" && strings.Trim(digits, "0123456789") == "" {
			sweepOne(filepath.Join(base, e.Name()), now)
		}
	}
}

func sweepOne(path string, now time.Time) {
	info, err := os.Lstat(path)
	// Of what others own nothing is opened: it could be made to harm us.
	if err != nil || !info.IsDir() || !owned(info) || now.Sub(info.ModTime()) <= grace {
		return
	}
	lockFile := filepath.Join(path, lockName)
	info, err = os.Lstat(lockFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_ = os.Remove(path) // killed before it was locked: empty, else it is not ours
	case err == nil && info.Mode().IsRegular():
		lock := flock.New(lockFile)
		if free, err := lock.TryLock(); err == nil && free {
			lock.Unlock() // an open file cannot be deleted on Windows
			os.RemoveAll(path)
		}
	}
}
