// Package goroot says whether the files of an installed Go release are those that
// were released.
//
// The checksum database has one record for each release and platform: the hash of
// the module golang.org/toolchain, which is what the go command downloads when it
// switches releases. Its files are those of the installed release but for four
// folders (api, doc, misc, test), and every go.mod in it is called _go.mod
// (cmd/distpack, modArch). So the files of a GOROOT can be hashed as that module,
// and the whole is proven or not. Which file it is that differs only a list tells:
// one that was kept (ParseList), or the module's zip (ListZip); Compare needs one
// whose own hash is the record.
//
// The package only reads: regular files below one folder, no symbolic link is
// followed, and it asks nobody.
package goroot

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	goversion "go/version"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/module"
)

// A Sum is the SHA-256 of a file.
type Sum [sha256.Size]byte

// A File is one file of a release, by its name in the module: with slashes, and
// with _go.mod for go.mod.
type File struct {
	Name string
	Sum  Sum
}

// A Tree is what lies in a GOROOT.
type Tree struct {
	// Files are the regular files, sorted by name.
	Files []File
	// Bytes is their size.
	Bytes int64
	// Irregular names links, pipes and the like, in their order by name.
	Irregular []string
}

const (
	// maxFiles bounds the files of a tree; a release has some 15,000.
	maxFiles = 200_000
	// maxBytes bounds their size; a release has some 300 MB.
	maxBytes = 8 << 30
)

// platform is an operating system or architecture.
var platform = regexp.MustCompile(`^[a-z0-9]+$`)

// Module is the module of a release on a platform. ok is false where version is no
// release, as of a Go that somebody built: nobody has a record of that.
func Module(version, goos, goarch string) (mod module.Version, ok bool) {
	if !goversion.IsValid(version) || strings.ContainsAny(version, "- /@") || !platform.MatchString(goos) || !platform.MatchString(goarch) {
		return mod, false
	}
	return module.Version{Path: "golang.org/toolchain", Version: "v0.0.1-" + version + "." + goos + "-" + goarch}, true
}

// outside are the folders of an installed release that the module does not have.
var outside = []string{"api", "doc", "misc", "test"}

// ScanInstalled hashes the files of an installed release, and ScanModule those of
// one that the go command extracted into the module cache, which has the module's
// own names. jobs is how many files are read at once; 0 means GOMAXPROCS.
func ScanInstalled(ctx context.Context, dir string, jobs int) (*Tree, error) {
	return scan(ctx, dir, jobs, true)
}

// ScanModule is ScanInstalled for an extracted module. The go.mod files that the go
// command makes there of each _go.mod before it first runs the release are left out,
// as long as they are the same (cmd/go, toolchain/select.go, raceSafeCopy).
func ScanModule(ctx context.Context, dir string, jobs int) (*Tree, error) {
	return scan(ctx, dir, jobs, false)
}

func scan(ctx context.Context, dir string, jobs int, installed bool) (*Tree, error) {
	dir, err := filepath.EvalSymlinks(dir) // /usr/local/go may be one
	if err != nil {
		return nil, err
	}
	t := &Tree{}
	type found struct {
		path string
		size int64
		file *File
	}
	var list []found
	err = filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		switch {
		case d.IsDir():
			if installed && slices.Contains(outside, name) {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular(), strings.Contains(name, "\n"):
			t.Irregular = append(t.Irregular, name)
			return nil
		case len(list) == maxFiles:
			return fmt.Errorf("more than %d files", maxFiles)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if t.Bytes += info.Size(); t.Bytes > maxBytes {
			return fmt.Errorf("more than %d bytes", int64(maxBytes))
		}
		if installed && path.Base(name) == "go.mod" {
			name = path.Join(path.Dir(name), "_go.mod")
		}
		list = append(list, found{file, info.Size(), &File{Name: name}})
		return nil
	})
	if err != nil {
		return nil, err
	}
	// The largest first, so that no worker is left with one at the end.
	slices.SortFunc(list, func(a, b found) int { return int(b.size - a.size) })
	err = each(ctx, len(list), jobs, func(h *hasher, i int) error {
		f, err := os.Open(list[i].path)
		if err != nil {
			return err
		}
		defer f.Close()
		list[i].file.Sum, err = h.sum(f, list[i].size)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		t.Files = append(t.Files, *f.file)
	}
	sortFiles(t.Files)
	if !installed {
		t.Files = withoutCopies(t.Files)
	}
	return t, nil
}

// withoutCopies leaves out each go.mod that is the same as the _go.mod beside it.
func withoutCopies(files []File) []File {
	kept := map[string]Sum{}
	for _, f := range files {
		if dir, base := path.Split(f.Name); base == "_go.mod" {
			kept[dir] = f.Sum
		}
	}
	return slices.DeleteFunc(files, func(f File) bool {
		dir, base := path.Split(f.Name)
		sum, ok := kept[dir]
		return base == "go.mod" && ok && sum == f.Sum
	})
}

func sortFiles(files []File) {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
}

// A hasher hashes one file at a time, with one buffer for all.
type hasher struct {
	ctx context.Context
	buf []byte
}

// errGrown is the error of a file that holds more than it should.
var errGrown = errors.New("a file changes while it is read")

// sum hashes what r holds, which has to be as long as said.
func (h *hasher) sum(r io.Reader, size int64) (sum Sum, _ error) {
	hash := sha256.New()
	for left := size; ; {
		if h.ctx.Err() != nil {
			return sum, h.ctx.Err()
		}
		n, err := r.Read(h.buf)
		hash.Write(h.buf[:n])
		if left -= int64(n); left < 0 {
			return sum, errGrown
		}
		if errors.Is(err, io.EOF) {
			hash.Sum(sum[:0])
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
	}
}

// each does work for the numbers below n on all processors, until one fails.
func each(ctx context.Context, n, jobs int, do func(*hasher, int) error) error {
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(jobs, n) {
		workers.Go(func() {
			h := &hasher{ctx, make([]byte, 128<<10)}
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(h, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

// Hash is the hash of files as those of a module: what dirhash.Hash1 makes of
// them (golang.org/x/mod/sumdb/dirhash), from sums that were made already. Files
// must be sorted by name.
func Hash(mod module.Version, files []File) string {
	hash := sha256.New()
	for _, f := range files {
		fmt.Fprintf(hash, "%x  %s@%s/%s\n", f.Sum, mod.Path, mod.Version, f.Name)
	}
	return "h1:" + base64.StdEncoding.EncodeToString(hash.Sum(nil))
}
