package vendortree

import (
	"errors"
	"fmt"
	"go/build"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

const (
	// maxEmbedded bounds the files that one package embeds.
	maxEmbedded = 1 << 18
	// maxGoFile bounds a Go file that imports "embed", which is read as a whole.
	maxGoFile = 64 << 20
)

// embedPatterns are the //go:embed patterns of the package in a directory, as
// go mod vendor finds them: by go/build, with all files used (vendorPkg). A
// package without Go files has none.
func embedPatterns(fsys fs.FS, dir string, tests bool) ([]string, error) {
	ctx := build.Context{
		GOOS: build.Default.GOOS, GOARCH: build.Default.GOARCH, Compiler: "gc", CgoEnabled: true,
		UseAllFiles:   true,
		JoinPath:      path.Join,
		SplitPathList: func(string) []string { return nil },
		IsAbsPath:     path.IsAbs,
		HasSubdir:     func(string, string) (string, bool) { return "", false },
		IsDir: func(name string) bool {
			info, err := fs.Stat(fsys, name)
			return err == nil && info.IsDir()
		},
		ReadDir: func(name string) ([]fs.FileInfo, error) {
			entries, err := fs.ReadDir(fsys, name)
			if err != nil {
				return nil, err
			}
			var infos []fs.FileInfo
			for _, e := range entries {
				if !e.Type().IsRegular() { // a pipe would be opened
					continue
				}
				info, err := e.Info()
				if err != nil {
					return nil, err
				}
				if strings.HasSuffix(e.Name(), ".go") && info.Size() > maxGoFile {
					return nil, fmt.Errorf("%s has more than %d bytes", e.Name(), maxGoFile)
				}
				infos = append(infos, info)
			}
			return infos, nil
		},
		OpenFile: func(name string) (io.ReadCloser, error) { return fsys.Open(name) },
	}
	p, err := ctx.ImportDir(dir, build.IgnoreVendor)
	var noGo *build.NoGoError
	var several *build.MultiplePackageError
	switch {
	case errors.As(err, &noGo):
		return nil, nil
	case err != nil && !errors.As(err, &several):
		return nil, err
	}
	patterns := p.EmbedPatterns
	if tests {
		patterns = slices.Concat(patterns, p.TestEmbedPatterns, p.XTestEmbedPatterns)
	}
	return patterns, nil
}

// resolveEmbed are the files below a directory that patterns match, relative to
// it and sorted: cmd/go's load.ResolveEmbed, whose errors it has too.
func resolveEmbed(fsys fs.FS, dir string, patterns []string) ([]string, error) {
	sub := fsys
	if dir != "." {
		var err error
		if sub, err = fs.Sub(fsys, dir); err != nil {
			return nil, err
		}
	}
	have := map[string]bool{}
	dirOK := map[string]bool{}
	for _, pattern := range patterns {
		n, err := embedOne(sub, pattern, have, dirOK)
		if err == nil && n == 0 {
			err = errors.New("no matching files found")
		}
		if err != nil {
			return nil, fmt.Errorf("pattern %s: %w", pattern, err)
		}
	}
	files := make([]string, 0, len(have))
	for f := range have {
		files = append(files, f)
	}
	slices.Sort(files)
	return files, nil
}

func embedOne(fsys fs.FS, pattern string, have, dirOK map[string]bool) (n int, err error) {
	glob, all := strings.CutPrefix(pattern, "all:")
	if _, err := path.Match(glob, ""); err != nil || glob == "." || !fs.ValidPath(glob) {
		return 0, errors.New("invalid pattern syntax")
	}
	matches, err := fs.Glob(fsys, glob)
	if err != nil {
		return 0, err
	}
	add := func(name string) error {
		n++
		if len(have) >= maxEmbedded {
			return fmt.Errorf("more than %d files", maxEmbedded)
		}
		have[name] = true
		return nil
	}
	for _, file := range matches {
		if err := embeddable(fsys, file, dirOK); err != nil {
			return n, err
		}
		info, err := fs.Lstat(fsys, file)
		switch {
		case err != nil:
			return n, err
		case info.Mode().IsRegular():
			err = add(file)
		case info.IsDir():
			before := n
			if err = embedDir(fsys, file, all, add); err == nil && n == before {
				err = fmt.Errorf("cannot embed directory %s: contains no embeddable files", file)
			}
		default:
			err = fmt.Errorf("cannot embed irregular file %s", file)
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// embeddable reports why a match cannot be embedded: a directory on the way is
// another module's, or has a name that no module may have.
func embeddable(fsys fs.FS, file string, dirOK map[string]bool) error {
	for dir := file; dir != "." && !dirOK[dir]; dir = path.Dir(dir) {
		if _, err := fs.Stat(fsys, path.Join(dir, "go.mod")); err == nil {
			return fmt.Errorf("cannot embed %s: in different module", file)
		}
		if dir != file {
			if info, err := fs.Lstat(fsys, dir); err == nil && !info.IsDir() {
				return fmt.Errorf("cannot embed %s: in non-directory %s", file, dir)
			}
		}
		dirOK[dir] = true
		if isBadEmbedName(path.Base(dir)) {
			return fmt.Errorf("cannot embed %s: invalid name %s", file, path.Base(dir))
		}
	}
	return nil
}

// embedDir adds the files of a matched directory, up to other modules, without
// hidden ones unless all.
func embedDir(fsys fs.FS, dir string, all bool, add func(string) error) error {
	return fs.WalkDir(fsys, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		hidden := base[0] == '.' || base[0] == '_'
		if bad := isBadEmbedName(base); name != dir && (bad || hidden && !all) {
			switch {
			case d.IsDir():
				return fs.SkipDir
			case hidden:
				return nil
			}
			return fmt.Errorf("cannot embed file %s: invalid name %s", name, base)
		}
		if d.IsDir() {
			if _, err := fs.Stat(fsys, path.Join(name, "go.mod")); err == nil {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return add(name)
	})
}

func isBadEmbedName(name string) bool {
	if module.CheckFilePath(name) != nil {
		return true
	}
	switch name {
	case "", ".bzr", ".hg", ".git", ".svn":
		return true
	}
	return false
}
