//go:build unix

package git

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
)

// TestIgnored: what .gitignore files keep out of version control, tracked or not,
// on disk or not.
func TestIgnored(t *testing.T) {
	t.Parallel()
	tt := newTester(t)
	dir := tt.repo("r", map[string]string{
		".gitignore":          "bin/\n*.x\n!keep.x\n",
		"vendor/a/.gitignore": "c.*\nodd *\n",
		"tracked.go":          "",
	})
	tt.write(dir, map[string]string{"tracked.x": "", "mine.txt": ""})
	tt.git(dir, "add", "-f", "tracked.x")
	tt.write(tt.dir, map[string]string{"home/ignore": "*.txt\n"})
	tt.git(dir, "config", "core.excludesFile", filepath.Join(tt.dir, "home", "ignore"))
	tt.write(dir, map[string]string{".git/info/exclude": "*.zip\n"})
	g, err := Open(t.Context(), tt.path, dir, tt.env)
	if err != nil {
		t.Fatal(err)
	}
	got, err := g.Ignored(t.Context(), []string{
		"vendor/a/bin/y.go", "vendor/a/q.x", "vendor/a/keep.x", "vendor/a/c.go", "vendor/a/odd \n\"name", "vendor/a/:z",
		"tracked.x", "tracked.go", "mine.txt", "a.zip", "none",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"vendor/a/bin/y.go", "vendor/a/c.go", "vendor/a/odd \n\"name", "vendor/a/q.x"}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if got, err := g.Ignored(t.Context(), []string{"none"}); err != nil || len(got) > 0 {
		t.Errorf("got %v, %v, want nothing", got, err)
	}
	if got, err := g.Ignored(t.Context(), nil); err != nil || len(got) > 0 {
		t.Errorf("of nothing: got %v, %v", got, err)
	}
}
