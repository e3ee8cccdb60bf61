package goproxy

import (
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// readFile reads one endpoint of a file entry; cmd/go/internal/web/http.go
// (getFile) is the model: a missing file is "not found".
func readFile(u *url.URL, e Endpoint, r *Result) *Fault {
	path, err := FilePath(u)
	if err != nil {
		return &Fault{Phase: Protocol, Kind: File, Text: err.Error()}
	}
	data, err := ReadHead(path, e.limit())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &Fault{Phase: Protocol, Kind: NotFound, Host: path, Text: "no such file"}
	case err != nil:
		return &Fault{Phase: Protocol, Kind: File, Host: path, Text: oneLine(err.Error(), maxText)}
	}
	if err := checkContent(e, r.Module, data); err != nil {
		return &Fault{Phase: Protocol, Kind: Content, Host: path, Text: oneLine(err.Error(), maxText)}
	}
	return nil
}

// ReadHead reads a regular file, and no more than one byte over limit, so that who
// calls can tell one that is too long.
func ReadHead(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// FilePath is the path that a file URL names (urlToFilePath of cmd/go/internal/web).
func FilePath(u *url.URL) (string, error) {
	path := u.Path
	if !strings.HasPrefix(path, "/") {
		return "", errors.New("file URL without an absolute path")
	}
	if runtime.GOOS == "windows" {
		path = path[1:]
		if vol := filepath.VolumeName(path); vol == "" || strings.HasPrefix(vol, `\\`) {
			return "", errors.New("file URL missing drive letter")
		}
	}
	return filepath.FromSlash(path), nil
}
