// Package modcache gathers evidence about module versions in a module cache
// (GOMODCACHE, go.dev/ref/mod#module-cache) and judges it: is what lies there
// what go.sum names?
//
// Nothing in the go command answers that. A build compares go.sum with the
// text of the .ziphash file only; go mod verify compares zip and folder with
// that text only, and leaves out the targets of replace directives (cmd/go,
// modfetch/fetch.go checkMod, modcmd/verify.go verifyMod). Verify hashes what the
// next build will read: the extracted folder where the go command would use it
// (modfetch/cache.go DownloadDir), the zip where it would extract that, and the
// .mod file. The zip beside a folder is held against it by its directory alone,
// or with Options.Deep byte for byte. Judge compares all that with go.sum and
// with each other.
//
// The package only reads: it downloads nothing, runs nothing, repairs nothing,
// and follows no symbolic link below a module.
package modcache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/mod/module"
)

// A Want is one module version and what go.sum says about it.
type Want struct {
	Path, Version string
	// Zip are the hashes that go.sum files name for the module's content;
	// any of them will do. None means that there is no line.
	Zip []string
	// Mod are the hashes that go.sum files name for its go.mod file.
	Mod []string
	// ModOnly says that only the .mod file is of interest: the build reads
	// the version's go.mod but none of its packages.
	ModOnly bool
}

// Options says where to look, and how hard.
type Options struct {
	// Dir is GOMODCACHE, an absolute path. It need not exist.
	Dir string
	// Jobs is how many files are hashed at once; 0 means GOMAXPROCS.
	Jobs int
	// Deep asks that every zip is read too. Without it a zip whose folder the go
	// command would use is held against the folder by its directory alone: the
	// names, sizes and CRC-32 that it says its files have.
	Deep bool
	// Progress is told how many of the modules are done, one call at a time; nil
	// for nobody.
	Progress func(done, total int)
}

// Verify gathers the evidence about each wanted module version, in the order of
// wants. An error means that the cache as a whole could not be looked at, or
// that ctx ended; what could not be read of one module is in its Evidence.
func Verify(ctx context.Context, o Options, wants []Want) ([]Evidence, error) {
	if !filepath.IsAbs(o.Dir) {
		return nil, fmt.Errorf("module cache %q is not an absolute path", o.Dir)
	}
	evidence := make([]Evidence, len(wants))
	switch info, err := os.Stat(o.Dir); {
	case errors.Is(err, fs.ErrNotExist):
		for i := range evidence {
			evidence[i] = nothing(wants[i])
		}
		return evidence, nil
	case err != nil:
		return nil, fmt.Errorf("module cache: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("module cache %q is not a directory", o.Dir)
	}

	jobs := o.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	newPool(o, wants, evidence).run(min(jobs, len(wants)), func() *meter { return newMeter(ctx) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return evidence, nil
}

// files are the names under which a module version lies in the cache
// (cmd/go, modfetch/cache.go, CachePath and DownloadDir).
type files struct {
	// dir is the folder with the extracted tree.
	dir string
	// download is the folder "@v", and version the name in it without extension.
	download, version string
}

// locate escapes a module version into its places below the cache.
func locate(cache, path, version string) (files, error) {
	p, err := module.EscapePath(path)
	if err != nil {
		return files{}, err
	}
	if module.CanonicalVersion(version) != version {
		return files{}, fmt.Errorf("non-canonical module version %q", version)
	}
	v, err := module.EscapeVersion(version)
	if err != nil {
		return files{}, err
	}
	return files{
		dir:      filepath.Join(cache, filepath.FromSlash(p)+"@"+v),
		download: filepath.Join(cache, "cache", "download", filepath.FromSlash(p), "@v"),
		version:  v,
	}, nil
}

// with names one of the version's files in the download folder by its extension.
func (f files) with(extension string) string {
	return filepath.Join(f.download, f.version+"."+extension)
}
