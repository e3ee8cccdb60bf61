package quarantine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/dirhash"
)

// maxHashed bounds what is read of one entry to hash it, in bytes. A module
// unpacked has 500 MiB at most (golang.org/x/mod/zip, MaxZipFile).
const maxHashed = 1 << 30

// look hashes what was moved. What keeps it from that is a note: the move stands.
func (q *Quarantine) look(ctx context.Context, group, name string, e *Entry) {
	l := &looker{ctx: ctx, root: q.moved}
	var err error
	switch {
	case e.State != Moved:
		return
	case e.Kind == "link":
		err = l.link(name, e)
	case e.Kind == "file":
		e.SHA256, err = l.file(name)
	case e.Kind == "folder":
		e.H1, err = l.folder(name, group)
	}
	e.Files, e.Bytes = l.files, l.bytes
	if err != nil {
		e.note("not hashed: " + err.Error())
	} else if l.odd > 0 {
		e.note(fmt.Sprintf("%d of its entries are neither files nor folders", l.odd))
	}
}

// note adds to what else there is to say.
func (e *Entry) note(text string) {
	if e.Note != "" {
		text = e.Note + "; " + text
	}
	e.Note = text
}

// A looker hashes one entry.
type looker struct {
	ctx   context.Context
	root  *os.Root
	files int
	bytes int64
	// odd counts what is neither a file nor a folder.
	odd int
}

func (l *looker) link(name string, e *Entry) error {
	parent, err := descend(l.root, filepath.Dir(name))
	if err != nil {
		return err
	}
	defer parent.Close()
	target, err := parent.Readlink(filepath.Base(name))
	e.note(fmt.Sprintf("a link to %q", target))
	return err
}

func (l *looker) file(name string) (string, error) {
	f, err := l.open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// folder is the hash of a folder in the form of go.sum, where its names begin
// with that of the module version.
func (l *looker) folder(name, prefix string) (string, error) {
	parent, err := descend(l.root, filepath.Dir(name))
	if err != nil {
		return "", err
	}
	defer parent.Close()
	paths := map[string]string{}
	if err := l.list(parent, filepath.Base(name), name, prefix, paths, maxDepth); err != nil {
		return "", err
	}
	names := make([]string, 0, len(paths))
	for n := range paths {
		names = append(names, n)
	}
	return dirhash.Hash1(names, func(n string) (io.ReadCloser, error) { return l.open(paths[n]) })
}

// list collects the files of a folder: their paths by the names in the hash.
func (l *looker) list(at *os.Root, base, path, prefix string, paths map[string]string, depth int) error {
	if depth == 0 {
		return errors.New("it is too deep")
	}
	dir, err := enter(at, base)
	if err != nil {
		return err
	}
	defer dir.Close()
	entries, err := readDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		inner, hashed := filepath.Join(path, e.Name()), prefix+"/"+e.Name()
		switch {
		case e.IsDir():
			if err := l.list(dir, e.Name(), inner, hashed, paths, depth-1); err != nil {
				return err
			}
		case e.Type().IsRegular():
			paths[hashed] = inner
		default:
			l.odd++
		}
	}
	return nil
}

// open opens a regular file to be read within what is left of the bound.
func (l *looker) open(name string) (io.ReadCloser, error) {
	if err := context.Cause(l.ctx); err != nil {
		return nil, err
	}
	parent, err := descend(l.root, filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	info, err := parent.Lstat(filepath.Base(name))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	if l.bytes += info.Size(); l.bytes > maxHashed {
		return nil, fmt.Errorf("it has more than %d bytes", maxHashed)
	}
	l.files++
	f, err := openSame(parent, filepath.Base(name), info)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, info.Size()), f}, nil
}
