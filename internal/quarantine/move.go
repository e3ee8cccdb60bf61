package quarantine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/gofrs/flock"
)

// A Group is what belongs together.
type Group struct {
	// Name says what it is ("example.com/lib@v1.0.0"), Why why it goes.
	Name string
	Why  []string
	// Paths are files and folders below the cache, absolute, in the order in
	// which they are moved. What is not there is passed over.
	Paths []string
	// Lock is the file, absolute and below the cache, whose lock is held
	// meanwhile; empty for none. It is made where there is none.
	Lock string
}

// Move moves a group aside and returns what became of its entries; none when
// nothing of it is there (any more). An error ends it where it stands: the entries
// say what was moved, and ErrBusy that nothing was.
func (q *Quarantine) Move(ctx context.Context, g Group) ([]Entry, error) {
	var names []string
	for _, path := range g.Paths {
		name, err := q.name(path)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	names, entries, err := q.plan(names)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	if err := q.begin(); err != nil {
		return nil, err
	}
	q.manifest.Groups = append(q.manifest.Groups, GroupRecord{Name: g.Name, Why: g.Why, Entries: entries})
	if err := q.manifest.write(q.dir); err != nil {
		return entries, err
	}
	err = q.moveAll(ctx, g, names, entries)
	for i := range entries {
		if entries[i].State == Planned {
			entries[i].State = Stayed
		}
	}
	return entries, errors.Join(err, q.manifest.write(q.dir))
}

// name is a path relative to the cache.
func (q *Quarantine) name(path string) (string, error) {
	rel, err := filepath.Rel(q.o.Cache, path)
	if err != nil || !filepath.IsAbs(path) || !filepath.IsLocal(rel) || rel == "." {
		return "", fmt.Errorf("%q does not lie below the cache %s", path, q.o.Cache)
	}
	return rel, nil
}

// plan looks at what is there of the names.
func (q *Quarantine) plan(names []string) (there []string, entries []Entry, err error) {
	for _, name := range names {
		parent, err := descend(q.cache, filepath.Dir(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		info, err := parent.Lstat(filepath.Base(name))
		parent.Close()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		there = append(there, name)
		entries = append(entries, Entry{
			Path: filepath.Join(q.o.Cache, name), Name: slashed(name),
			Kind: kind(info.Mode()), Mode: fmt.Sprintf("%04o", info.Mode().Perm()), State: Planned,
		})
	}
	return there, entries, nil
}

func kind(mode fs.FileMode) string {
	switch mode.Type() {
	case 0:
		return "file"
	case fs.ModeDir:
		return "folder"
	case fs.ModeSymlink:
		return "link"
	}
	return "other"
}

// moveAll moves the entries under the group's lock.
func (q *Quarantine) moveAll(ctx context.Context, g Group, names []string, entries []Entry) error {
	if g.Lock != "" {
		unlock, err := q.hold(ctx, g.Lock, names, entries)
		if err != nil {
			return err
		}
		defer unlock()
	}
	for i, name := range names {
		if entries[i].State == Moved {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := q.moveOne(name, &entries[i]); err != nil {
			return fmt.Errorf("moving %q aside: %w", entries[i].Path, err)
		}
	}
	for i, name := range names {
		q.look(ctx, g.Name, name, &entries[i])
	}
	return nil
}

// hold takes the lock of a group. What is in the lock's place and no regular
// file is moved first, if it is one of the entries, and else refused.
func (q *Quarantine) hold(ctx context.Context, path string, names []string, entries []Entry) (unlock func(), err error) {
	name, err := q.name(path)
	if err != nil {
		return nil, err
	}
	if i := slices.Index(names, name); i >= 0 && entries[i].Kind != "file" {
		if err := q.moveOne(name, &entries[i]); err != nil {
			return nil, fmt.Errorf("moving %q aside: %w", entries[i].Path, err)
		}
	}
	parent, err := descend(q.cache, filepath.Dir(name))
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil // whoever wants the lock makes the folder first
	}
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	defer writable(parent)()
	base := filepath.Base(name)
	f, err := parent.OpenFile(base, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("locking %q: %w", path, err)
	}
	before, err := parent.Lstat(base)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file", path)
	}
	// The file is there, so that it need not be made, nor written to.
	lock := flock.New(filepath.Join(q.cache.Name(), name), flock.SetFlag(os.O_RDONLY))
	patient, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	got, err := lock.TryLockContext(patient, lockRetry)
	if !got && patient.Err() != nil {
		return nil, fmt.Errorf("%w: it holds %q", ErrBusy, path)
	}
	if err != nil {
		return nil, fmt.Errorf("locking %q: %w", path, err)
	}
	if after, err := lock.Stat(); err != nil || !os.SameFile(before, after) {
		lock.Unlock()
		return nil, fmt.Errorf("%q is not the file that it was", path)
	}
	return func() { lock.Unlock() }, nil
}

// moveOne moves one entry: by a rename, or, to another file system, by a copy
// that is complete before the entry is removed.
func (q *Quarantine) moveOne(name string, e *Entry) error {
	from, err := descend(q.cache, filepath.Dir(name))
	if err != nil {
		return err
	}
	defer from.Close()
	if err := q.moved.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	to, err := descend(q.moved, filepath.Dir(name))
	if err != nil {
		return err
	}
	defer to.Close()
	base := filepath.Base(name)
	if _, err := to.Lstat(base); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fs.ErrExist) // a rename would write over it
	}
	info, err := from.Lstat(base)
	if err != nil {
		return err
	}
	defer writable(from)()
	// A folder that is moved elsewhere gets another "..": it must be writable itself.
	loosened := info.IsDir() && info.Mode()&0o200 == 0 && from.Chmod(base, info.Mode().Perm()|0o700) == nil
	err = rename(from, to, base)
	if isOtherFileSystem(err) {
		err = q.carry(from, to, base, e)
	}
	if loosened {
		at := from
		if err == nil {
			at = to
		}
		err = errors.Join(err, at.Chmod(base, info.Mode().Perm()))
	}
	if err == nil {
		e.State = Moved
	}
	return err
}

// writable makes a folder writable where its owner alone has to be asked, and
// returns what puts its mode back.
func writable(dir *os.Root) (restore func()) {
	info, err := dir.Stat(".")
	if err != nil || info.Mode()&0o300 == 0o300 {
		return func() {}
	}
	if err := dir.Chmod(".", info.Mode().Perm()|0o700); err != nil {
		return func() {} // what is done in it will say so
	}
	return func() { _ = dir.Chmod(".", info.Mode().Perm()) }
}

// descend opens a folder below root one step at a time, and none by a link.
func descend(root *os.Root, name string) (*os.Root, error) {
	at, err := root.OpenRoot(".")
	if err != nil || name == "." {
		return at, err
	}
	for _, step := range splitPath(name) {
		next, err := enter(at, step)
		at.Close()
		if err != nil {
			return nil, err
		}
		at = next
	}
	return at, nil
}

// enter opens the folder of a name in another one, which must not be a link.
func enter(at *os.Root, name string) (*os.Root, error) {
	info, err := at.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%q is not a folder but a %s", filepath.Join(at.Name(), name), kind(info.Mode()))
	}
	next, err := at.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	if now, err := next.Stat("."); err != nil || !os.SameFile(info, now) {
		return nil, errors.Join(err, next.Close(), fmt.Errorf("%q is not the folder that it was", filepath.Join(at.Name(), name)))
	}
	return next, nil
}

func splitPath(name string) []string {
	var steps []string
	for name != "." {
		steps = append(steps, filepath.Base(name))
		name = filepath.Dir(name)
	}
	slices.Reverse(steps)
	return steps
}
