package checksumdb

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// cache keeps tiles and the newest tree head of one database in a folder. Nothing
// in it is believed: tiles are checked against the signed tree, the head against
// the key. What cannot be kept is fetched again next time. The zero value keeps
// nothing.
type cache struct{ dir string }

// openCache is the cache of a database below a folder.
func openCache(dir, name string) cache {
	local := filepath.FromSlash(name)
	if dir == "" || !filepath.IsLocal(local) {
		return cache{}
	}
	return cache{filepath.Join(dir, local)}
}

// headFile is the file of the newest tree head, in the form in which the go
// command keeps its own.
const headFile = "latest"

// readHead is the kept tree head; nil for none.
func (k cache) readHead() []byte {
	data, err := k.read(headFile, maxNote)
	if err != nil {
		return nil
	}
	return data
}

func (k cache) writeHead(data []byte) { k.write(headFile, data) }

func (k cache) readTile(t tlog.Tile) ([]byte, error) {
	data, err := k.read(t.Path(), t.W*tlog.HashSize)
	if err == nil && len(data) != t.W*tlog.HashSize {
		err = errors.New("not a tile")
	}
	return data, err
}

func (k cache) writeTile(t tlog.Tile, data []byte) { k.write(t.Path(), data) }

// read reads a regular file of at most limit bytes.
func (k cache) read(name string, limit int) ([]byte, error) {
	if k.dir == "" {
		return nil, fs.ErrNotExist
	}
	return goproxy.ReadHead(filepath.Join(k.dir, filepath.FromSlash(name)), int64(limit))
}

// write puts a file in place as a whole, so that another process sees all of it or
// none.
func (k cache) write(name string, data []byte) {
	if k.dir == "" {
		return
	}
	target := filepath.Join(k.dir, filepath.FromSlash(name))
	if old, err := goproxy.ReadHead(target, int64(len(data))); err == nil && bytes.Equal(old, data) {
		return
	}
	dir := filepath.Dir(target)
	if os.MkdirAll(dir, 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(dir, "new-*")
	if err != nil {
		return
	}
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil && closeErr == nil {
		err = os.Rename(f.Name(), target)
	} else if err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(f.Name()) // a left-over is harmless
	}
}
