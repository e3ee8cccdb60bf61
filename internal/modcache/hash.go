package modcache

import (
	archive "archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// maxEntries bounds the entries of one extracted folder. The largest modules
// have some ten thousands.
const maxEntries = 1 << 20

// errStopped is the error of a hash that ctx ended: nothing was found out.
var errStopped = errors.New("stopped")

// A meter reads file contents for the hashes of one worker: it ends with ctx,
// counts, and refuses more than a module zip may hold.
type meter struct {
	ctx context.Context
	buf []byte
	// files and bytes count since reset.
	files int
	bytes int64
}

func newMeter(ctx context.Context) *meter {
	return &meter{ctx: ctx, buf: make([]byte, 64<<10)}
}

func (m *meter) reset() { m.files, m.bytes = 0, 0 }

// A metered file is read through its meter.
type metered struct {
	io.ReadCloser
	meter *meter
}

// WriteTo serves io.Copy, which dirhash uses: one buffer for all files, and
// a look at ctx and the limit for each piece.
func (r metered) WriteTo(w io.Writer) (int64, error) {
	m := r.meter
	m.files++
	var n int64
	for {
		if m.ctx.Err() != nil {
			return n, errStopped
		}
		k, err := r.ReadCloser.Read(m.buf)
		n += int64(k)
		m.bytes += int64(k)
		if m.bytes > zip.MaxZipFile {
			return n, fmt.Errorf("more content than a module can have (%d bytes)", int64(zip.MaxZipFile))
		}
		if _, err := w.Write(m.buf[:k]); err != nil {
			return n, err
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// hash1 is dirhash.Hash1 through the meter.
func (m *meter) hash1(names []string, open func(string) (io.ReadCloser, error)) (string, error) {
	return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		r, err := open(name)
		if err != nil {
			return nil, err
		}
		return metered{r, m}, nil
	})
}

// hashZip is dirhash.HashZip through the meter, for a zip whose list of files
// does not exhaust memory.
func (m *meter) hashZip(path string) (string, error) {
	z, err := openArchive(path)
	if err != nil {
		return "", err
	}
	defer z.close()
	names := make([]string, len(z.entries))
	entries := make(map[string]*archive.File, len(z.entries))
	for i, entry := range z.entries {
		names[i] = entry.Name
		entries[entry.Name] = entry
	}
	return m.hash1(names, func(name string) (io.ReadCloser, error) { return entries[name].Open() })
}

// hashZipMod hashes one file of a module zip as a go.mod file.
func hashZipMod(path, name string) (string, error) {
	z, err := openArchive(path)
	if err != nil {
		return "", err
	}
	defer z.close()
	for _, f := range z.entries {
		if f.Name == name && f.UncompressedSize64 <= zip.MaxGoMod {
			return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return f.Open() })
		}
	}
	return "", fmt.Errorf("no %s in the zip", name)
}

// list names the regular files of an extracted folder, those of a toolchain as
// they are in its zip.
func (m *meter) list(dir, path string, irregular func(name string, mode fs.FileMode)) ([]string, error) {
	names, err := m.walk(dir, irregular)
	if err == nil && path == Toolchain {
		names = withoutCopies(dir, names)
	}
	return names, err
}

// walk names the regular files below dir, by slash paths relative to it, and
// hands every other entry but folders to irregular. The type comes with the
// directory listing, or else from lstat: links are never followed.
func (m *meter) walk(dir string, irregular func(name string, mode fs.FileMode)) ([]string, error) {
	var names []string
	entries := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entries++; entries > maxEntries {
			return fmt.Errorf("more than %d entries", maxEntries)
		}
		if m.ctx.Err() != nil {
			return errStopped
		}
		if d.IsDir() {
			return nil
		}
		name := filepath.ToSlash(strings.TrimPrefix(path[len(dir):], string(filepath.Separator)))
		// dirhash takes no name with a newline, and no module zip has one.
		if !d.Type().IsRegular() || strings.Contains(name, "\n") {
			irregular(name, d.Type())
			return nil
		}
		names = append(names, name)
		return nil
	})
	return names, err
}

// hashTree hashes the named files of an extracted folder as those of a module
// whose file names begin with prefix.
func (m *meter) hashTree(dir, prefix string, names []string) (string, error) {
	full := make([]string, len(names))
	for i, name := range names {
		full[i] = prefix + "/" + name
	}
	return m.hash1(full, func(name string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(dir, filepath.FromSlash(name[len(prefix)+1:])))
	})
}
