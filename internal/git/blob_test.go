//go:build unix

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
		dirs, names, submodules []string
	}{
		{[]string{"."}, []string{".gitmodules", "a.go", "lib [*]/c.go", "lib/b.go", "library/d.go"}, nil},
		{[]string{"lib"}, []string{"lib/b.go"}, nil},
		{[]string{"lib [*]"}, []string{"lib [*]/c.go"}, nil},
		{[]string{"missing"}, nil, nil},
		{[]string{"sub"}, nil, []string{"sub"}},
		{[]string{"sub/deeper", "lib", "library"}, []string{"lib/b.go", "library/d.go"}, []string{"sub/deeper"}},
	} {
		blobs, submodules, err := g.Blobs(t.Context(), "HEAD", c.dirs)
		if err != nil || !slices.Equal(submodules, c.submodules) {
			t.Errorf("%q: submodules %q, %v, want %q", c.dirs, submodules, err, c.submodules)
		}
		if got := slices.Sorted(maps.Keys(blobs)); !slices.Equal(got, c.names) {
			t.Errorf("%q: %q, want %q", c.dirs, got, c.names)
		}
		if name := blobs["lib/b.go"]; name != "" && BlobName([]byte("package b\n"), name) != name {
			t.Errorf("BlobName is not git's %s", name)
		}
	}
	if _, _, err := g.Blobs(t.Context(), "nowhere", []string{"."}); err == nil {
		t.Error("a commit that is not there has blobs")
	}
}
