package git

import (
	"maps"
	"slices"
	"testing"
)

func TestBlobs(t *testing.T) {
	t.Parallel()
	tt := newTester(t)
	inner := tt.repo("inner", map[string]string{"x.go": "package x\n"})
	dir := tt.repo("repo", map[string]string{"a.go": "package a\n", "lib/b.go": "package b\n", "lib [*]/c.go": "", "library/d.go": ""})
	tt.git(dir, "-c", "protocol.file.allow=always", "submodule", "add", "-q", inner, "sub")
	tt.git(dir, "commit", "-q", "-m", "submodule")
	tt.write(dir, map[string]string{"lib/untracked.go": ""})
	g := tt.open(dir)
	for _, c := range []struct {
		dir       string
		names     []string
		submodule bool
	}{
		{".", []string{".gitmodules", "a.go", "lib [*]/c.go", "lib/b.go", "library/d.go"}, false},
		{"lib", []string{"lib/b.go"}, false},
		{"lib [*]", []string{"lib [*]/c.go"}, false},
		{"missing", nil, false},
		{"sub", nil, true},
		{"sub/deeper", nil, true},
	} {
		blobs, submodule, err := g.Blobs(t.Context(), "HEAD", c.dir)
		if err != nil || submodule != c.submodule {
			t.Errorf("%s: submodule %t, %v, want %t", c.dir, submodule, err, c.submodule)
		}
		if got := slices.Sorted(maps.Keys(blobs)); !slices.Equal(got, c.names) {
			t.Errorf("%s: %q, want %q", c.dir, got, c.names)
		}
		if name := blobs["lib/b.go"]; name != "" && BlobName([]byte("package b\n"), name) != name {
			t.Errorf("BlobName is not git's %s", name)
		}
	}
	if _, _, err := g.Blobs(t.Context(), "nowhere", "."); err == nil {
		t.Error("a commit that is not there has blobs")
	}
}
