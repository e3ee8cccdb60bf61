package repo

import (
	"path/filepath"
	"slices"
	"testing"
)

// TestCosts: the same costs by git and by a walk, without what another machine
// may not have.
func TestCosts(t *testing.T) {
	t.Parallel()
	files := []string{
		"go.mod", "go.sum=a v1.0.0 h1:x\na v1.0.0/go.mod h1:x\n", "m.go", "readme.md",
		"p/p.go", "p/testdata/t.go", "vendor/example.com/v/v.go",
		"nested/go.mod", "nested/n.go", "nested/deep/a.go", "nested/deep/b.go",
		"empty/go.mod", "cache/x@v1.0.0/x.go", ".gitignore=cache\n",
	}
	for _, asGit := range []bool{true, false} {
		dir := tree(t, files...)
		o := Options{Dir: dir, GOMODCACHE: filepath.Join(dir, "cache")}
		if asGit {
			o.Git = openGit(t, dir)
		}
		r := load(t, o)
		wantDirs(t, r, ".", "empty", "nested")
		got, err := r.Costs(t.Context(), r.Modules)
		if want := []int64{1 + 2 + 2, 1, 1 + 3}; err != nil || !slices.Equal(got, want) {
			t.Errorf("git %t: costs %v, %v, want %v", asGit, got, err, want)
		}
		// Of some modules alone: what lies in the others is still not theirs.
		some, err := r.Costs(t.Context(), r.Modules[:1])
		if err != nil || !slices.Equal(some, got[:1]) {
			t.Errorf("git %t: of the first alone %v, %v, want %v", asGit, some, err, got[:1])
		}
	}
}
