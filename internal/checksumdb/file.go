package checksumdb

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// getFile reads what a file entry of GOPROXY has, of which a missing file is "not
// found" (cmd/go/internal/web/http.go, getFile).
func getFile(u *url.URL, limit int) ([]byte, *Fault) {
	path, err := filePath(u)
	if err == nil {
		var data []byte
		if data, err = readFile(path, limit); err == nil {
			return data, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Fault{Kind: Refused, Phase: goproxy.Protocol, Status: http.StatusNotFound, Text: "no such file"}
	}
	return nil, &Fault{Kind: Refused, Phase: goproxy.Protocol, Text: line(err.Error())}
}

// filePath is the path that a file URL names (urlToFilePath of cmd/go/internal/web).
func filePath(u *url.URL) (string, error) {
	path := u.Path
	if !strings.HasPrefix(path, "/") {
		return "", errors.New("file URL without an absolute path")
	}
	if runtime.GOOS == "windows" {
		path = path[1:]
		if volume := filepath.VolumeName(path); volume == "" || strings.HasPrefix(volume, `\\`) {
			return "", errors.New("file URL missing drive letter")
		}
	}
	return filepath.FromSlash(path), nil
}

// readFile reads no more than one byte over limit of a regular file.
func readFile(path string, limit int) ([]byte, error) {
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
	return io.ReadAll(io.LimitReader(f, int64(limit)+1))
}
