// Package quarantine moves files of a cache aside, where nothing reads them and
// nobody loses them: into a folder of their own with a manifest that says what
// was moved, from where, why and when, with the hashes that were seen, and how
// to put it back.
//
// It deletes nothing but what it has copied to another file system first. It
// follows no symbolic link below the cache: a link is moved as a link, and a
// path that leads over one is refused. It never leaves the cache, writes over
// nothing, and knows nothing of modules, checks or reports.
//
// What belongs together (a module version) is moved in the order that the caller
// gives, one rename at a time, under the lock that the owner of the cache
// takes for it. The manifest is written before the first rename: a run that was
// killed leaves one that is not finished, which the next run finds (Open) and
// ends.
package quarantine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/gopreflight/gopreflight/internal/hostinfo"
)

const (
	// lockPrefix begins the name of the file whose lock says that a run is at work
	// on a cache; a hash of the cache's path ends it.
	lockPrefix = "lock-"
	// movedName is the folder with what was moved. The go command passes over
	// folders of such names: what lies there is no package, wherever it is.
	movedName = "_moved"
	// stamp is how a run's folder is called.
	stamp = "20060102T150405Z"
	// maxRuns bounds how many earlier runs are looked at.
	maxRuns = 1000
	// lockRetry is how often a lock that somebody holds is tried again.
	lockRetry = 50 * time.Millisecond
	// lockPatience is how long the lock of a group is waited for: as long as a
	// large download takes.
	lockPatience = 2 * time.Minute
)

// ErrBusy says that the lock of a group could not be had.
var ErrBusy = errors.New("another process is at work on it")

// Options says from where and to where things are moved.
type Options struct {
	// Cache is the folder below which everything lies, absolute. It may be
	// reached by a symbolic link.
	Cache string
	// Into are folders, absolute, of which one takes the quarantine: the first
	// that is on the cache's own file system and can be written to, else the first
	// that can be written to. They need not exist.
	Into []string
	// Now is the clock.
	Now func() time.Time
	// Waiting is called when another run on the same cache is waited for; nil: nobody
	// is told.
	Waiting func()
}

// A Quarantine is one run: a new folder in one of Options.Into, made when the
// first group is moved. It is not safe for use by several goroutines.
type Quarantine struct {
	o     Options
	base  string
	lock  *flock.Flock
	cache *os.Root
	// dir is the run's folder and moved the one inside for what is moved; nil
	// before anything is.
	dir, moved *os.Root
	manifest   Manifest

	// Waited says that another run was at work before this one: what was known
	// of the cache may be old.
	Waited bool
	// Unfinished are earlier runs on the same cache that were interrupted.
	Unfinished []Run
	// Interrupted says, before Close, that the run is not at its end: a later one
	// finds it unfinished.
	Interrupted bool
}

// A Run is the folder of a run with its manifest.
type Run struct {
	Dir string
	Manifest
}

// Base is the folder that a quarantine would be made in. The error says why there
// is none.
func Base(o Options) (string, error) {
	if !filepath.IsAbs(o.Cache) {
		return "", fmt.Errorf("the cache %q is not an absolute path", o.Cache)
	}
	var first string
	var why []error
	volume := hostinfo.LookAt(o.Cache).Volume
	for _, dir := range o.Into {
		p := hostinfo.LookAt(dir)
		switch {
		case p.Writable == hostinfo.No || p.Exists && !p.Dir:
			why = append(why, fmt.Errorf("%s cannot be written to: %s", dir, p.Why))
		case volume != "" && p.Volume == volume:
			return dir, nil
		case first == "":
			first = dir
		}
	}
	if first == "" {
		return "", fmt.Errorf("there is no folder to move things to: %w", errors.Join(append(why, fs.ErrPermission)...))
	}
	return first, nil
}

// Open opens the cache, waits for other runs, and looks for unfinished ones. It
// moves nothing, and makes no folder but the base.
func Open(ctx context.Context, o Options) (*Quarantine, error) {
	base, err := Base(o)
	if err != nil {
		return nil, err
	}
	q := &Quarantine{o: o, base: base}
	if q.cache, err = os.OpenRoot(o.Cache); err != nil {
		return nil, fmt.Errorf("opening the cache: %w", err)
	}
	if err := q.open(ctx); err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return q, nil
}

func (q *Quarantine) open(ctx context.Context) error {
	if err := os.MkdirAll(q.base, 0o700); err != nil {
		return fmt.Errorf("making the quarantine: %w", err)
	}
	sum := sha256.Sum256([]byte(q.o.Cache))
	path := filepath.Join(q.base, lockPrefix+hex.EncodeToString(sum[:8]))
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	lock := flock.New(path)
	got, err := lock.TryLock()
	if err == nil && !got {
		q.Waited = true
		if q.o.Waiting != nil {
			q.o.Waiting()
		}
		got, err = lock.TryLockContext(ctx, lockRetry)
	}
	if err != nil || !got {
		return fmt.Errorf("locking the quarantine %s: %w", q.base, errors.Join(err, context.Cause(ctx)))
	}
	q.lock = lock
	q.Unfinished, err = unfinished(q.base, q.o.Cache)
	return err
}

// unfinished finds the runs on a cache that were interrupted. A folder without a
// readable manifest is none of ours.
func unfinished(base, cache string) ([]Run, error) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return nil, fmt.Errorf("reading the quarantine: %w", err)
	}
	var runs []Run
	for _, e := range entries[max(0, len(entries)-maxRuns):] {
		if !e.IsDir() {
			continue
		}
		dir := filepath.Join(base, e.Name())
		m, err := Read(dir)
		if err == nil && m.Cache == cache && m.Finished.IsZero() {
			runs = append(runs, Run{dir, m})
		}
	}
	return runs, nil
}

// Finish ends an interrupted run: what it did not move is said to have stayed.
func (q *Quarantine) Finish(r Run) error {
	root, err := os.OpenRoot(r.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	m := r.Manifest
	m.Interrupted, m.Finished = true, q.o.Now().UTC()
	for i := range m.Groups {
		for j := range m.Groups[i].Entries {
			e := &m.Groups[i].Entries[j]
			if e.State != Planned {
				continue
			}
			e.State = Stayed
			if _, err := root.Lstat(filepath.Join(movedName, filepath.FromSlash(e.Name))); err == nil {
				e.State = Moved
			}
		}
	}
	return m.write(root)
}

// Cache is the folder that things are moved from.
func (q *Quarantine) Cache() string { return q.o.Cache }

// Dir is the run's folder; empty as long as nothing was moved.
func (q *Quarantine) Dir() string {
	if q.dir == nil {
		return ""
	}
	return q.dir.Name()
}

// begin makes the run's folder.
func (q *Quarantine) begin() error {
	if q.dir != nil {
		return nil
	}
	now := q.o.Now().UTC()
	name := filepath.Join(q.base, now.Format(stamp))
	err := os.Mkdir(name, 0o700)
	for n := 2; errors.Is(err, fs.ErrExist) && n < maxRuns; n++ {
		name = filepath.Join(q.base, fmt.Sprintf("%s-%d", now.Format(stamp), n))
		err = os.Mkdir(name, 0o700)
	}
	if err != nil {
		return fmt.Errorf("making a folder in the quarantine: %w", err)
	}
	dir, err := os.OpenRoot(name)
	if err != nil {
		return err
	}
	if err := dir.Mkdir(movedName, 0o700); err != nil {
		return errors.Join(err, dir.Close())
	}
	moved, err := dir.OpenRoot(movedName)
	if err != nil {
		return errors.Join(err, dir.Close())
	}
	q.dir, q.moved = dir, moved
	q.manifest = Manifest{
		Schema: Schema, Cache: q.o.Cache, Started: now,
		Undo: undo(name, q.o.Cache),
	}
	return nil
}

// Close ends the run: its manifest is finished, and others may begin.
func (q *Quarantine) Close() error {
	var errs []error
	if q.dir != nil {
		if !q.Interrupted {
			q.manifest.Finished = q.o.Now().UTC()
		}
		errs = append(errs, q.manifest.write(q.dir), q.moved.Close(), q.dir.Close())
		q.dir = nil
	}
	if q.lock != nil {
		errs = append(errs, q.lock.Unlock())
	}
	return errors.Join(append(errs, q.cache.Close())...)
}
