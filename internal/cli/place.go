package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/ci"
)

// place is where the program runs: the CI, and what can be seen from there.
type place struct {
	ci    ci.Context
	scope checks.Scope
}

func (sys *system) place() place {
	p := place{ci: ci.Detect(sys.getenv, func(name string) ([]byte, error) { return readCapped(name, ci.MaxPayload) }), scope: checks.ScopeJob}
	if p.ci.Container {
		p.scope = checks.ScopeContainer
	}
	return p
}

// openRegular opens a regular file. To open a pipe would already be to wait for
// somebody who writes into it.
func openRegular(name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	return os.Open(name)
}

// readCapped reads a regular file of at most limit bytes.
func readCapped(name string, limit int64) ([]byte, error) {
	f, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("too large")}
	}
	return data, err
}

// absolute is a path that the user named.
func (sys *system) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(sys.dir, path)
}

// statDir is an absolute path if a directory is there.
func statDir(abs string) (string, error) {
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New("no such directory")
	case err != nil:
		var path *fs.PathError
		if errors.As(err, &path) {
			return "", path.Err
		}
		return "", err
	case !info.IsDir():
		return "", errors.New("not a directory")
	}
	return abs, nil
}
