package quarantine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	// maxDepth bounds how deep a folder is read: each level is an open file.
	maxDepth = 200
	// incoming is how a copy is called that is not complete.
	incoming = ".incoming"
)

// carry moves an entry to another file system: a copy under another name, which
// gets its own when it is complete, and only then the entry is removed.
func (q *Quarantine) carry(from, to *os.Root, name string, e *Entry) error {
	part := name + incoming
	if err := remove(to, part); err != nil { // of a run that was interrupted
		return err
	}
	odd, err := copyEntry(from, to, name, part, maxDepth)
	if err == nil {
		err = to.Rename(part, name)
	}
	if err != nil {
		return errors.Join(err, remove(to, part))
	}
	if odd > 0 {
		e.Note = fmt.Sprintf("%d pipes, sockets or devices were left out", odd)
	}
	if err := remove(from, name); err != nil {
		return fmt.Errorf("it was copied, and cannot be removed: %w", err)
	}
	return nil
}

// copyEntry copies a file, a link or a folder with all that is in it, with modes
// and times, and counts what cannot be copied.
func copyEntry(from, to *os.Root, name, as string, depth int) (odd int, err error) {
	info, err := from.Lstat(name)
	if err != nil {
		return 0, err
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		err = copyFile(from, to, name, as, info)
	case mode.IsDir() && depth == 0:
		return 0, fmt.Errorf("%q is too deep", filepath.Join(from.Name(), name))
	case mode.IsDir():
		odd, err = copyFolder(from, to, name, as, depth)
	case mode&fs.ModeSymlink != 0:
		target, err := from.Readlink(name)
		if err != nil {
			return 0, err
		}
		return 0, to.Symlink(target, as)
	default:
		return 1, nil
	}
	if err != nil {
		return odd, err
	}
	return odd, errors.Join(to.Chtimes(as, info.ModTime(), info.ModTime()), to.Chmod(as, info.Mode().Perm()))
}

func copyFolder(from, to *os.Root, name, as string, depth int) (odd int, err error) {
	src, err := enter(from, name)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	if err := to.Mkdir(as, 0o700); err != nil {
		return 0, err
	}
	dst, err := to.OpenRoot(as)
	if err != nil {
		return 0, err
	}
	defer dst.Close()
	entries, err := readDir(src)
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		n, err := copyEntry(src, dst, entry.Name(), entry.Name(), depth-1)
		odd += n
		if err != nil {
			return odd, err
		}
	}
	return odd, nil
}

func copyFile(from, to *os.Root, name, as string, info fs.FileInfo) error {
	src, err := openSame(from, name, info)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := to.OpenFile(as, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Sync(), dst.Close())
}

// openSame opens the regular file that info is about, and no other.
func openSame(root *os.Root, name string, info fs.FileInfo) (*os.File, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, err
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(info, now) {
		return nil, errors.Join(err, f.Close(), fmt.Errorf("%q is not the file that it was", f.Name()))
	}
	return f, nil
}

// remove removes an entry with all that is in it, also where its folders are
// read-only; none is no error.
func remove(root *os.Root, name string) error {
	if info, err := root.Lstat(name); err == nil && info.IsDir() {
		loosen(root, name, maxDepth)
	}
	return root.RemoveAll(name)
}

// loosen makes folders writable. What it cannot, the removal tells.
func loosen(root *os.Root, name string, depth int) {
	_ = root.Chmod(name, 0o700)
	dir, err := enter(root, name)
	if err != nil || depth == 0 {
		return
	}
	defer dir.Close()
	entries, _ := readDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			loosen(dir, e.Name(), depth-1)
		}
	}
}

func readDir(root *os.Root) ([]fs.DirEntry, error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadDir(-1)
}
