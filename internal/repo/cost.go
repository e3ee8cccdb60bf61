package repo

import (
	"bytes"
	"context"
	"io/fs"
	"path"
	"strings"
)

// Costs estimates what it takes to build and tidy modules of the repository, in
// the order given: one for each, one for each Go file that is the module's own,
// and one for each line of its go.sum. It is the same on every machine that has
// checked out the same commit: files are those that git tracks, whether they are
// on disk or not, and without git those on disk. Files below a nested module are
// that one's; folders that the go command's "./..." leaves out do not count.
func (r *Repo) Costs(ctx context.Context, modules []*Module) ([]int64, error) {
	files, err := r.goFiles(ctx)
	if err != nil {
		return nil, err
	}
	own := make(map[string]int64, len(r.Modules))
	for _, m := range r.Modules {
		own[m.Dir] = 0
	}
	for _, f := range files {
		for dir := path.Dir(f); ; dir = path.Dir(dir) {
			if n, ok := own[dir]; ok {
				own[dir] = n + 1
				break
			}
			if dir == "." {
				break
			}
		}
	}
	costs := make([]int64, len(modules))
	for i, m := range modules {
		costs[i] = 1 + own[m.Dir]
		if m.GoSum != nil {
			costs[i] += int64(bytes.Count(m.GoSum.Data, []byte("\n")))
		}
	}
	return costs, nil
}

// goFiles are the Go files of the repository, slash paths from the root.
func (r *Repo) goFiles(ctx context.Context) ([]string, error) {
	var files []string
	if r.Git != nil {
		tracked, err := r.Git.Files(ctx, "*.go")
		for _, f := range tracked {
			if !ignored(path.Dir(f)) {
				files = append(files, f)
			}
		}
		return files, err
	}
	err := fs.WalkDir(r.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil:
			return fs.SkipDir
		case d.IsDir() && (ignored(path.Base(name)) || name == r.modCache):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, ".go"):
			files = append(files, name)
		}
		return ctx.Err()
	})
	return files, err
}
