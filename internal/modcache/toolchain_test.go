package modcache

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestToolchains(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	if got, err := Toolchains(c.dir); err != nil || len(got) != 0 {
		t.Errorf("of an empty cache: %q, %v", got, err)
	}
	for _, dir := range []string{
		"golang.org/toolchain@v0.0.1-go1.26.1.linux-amd64", "golang.org/toolchain@v1.0.0", "golang.org/toolchains@v0.0.1-go1.26.1.linux-amd64",
	} {
		c.check(os.MkdirAll(filepath.Join(c.dir, filepath.FromSlash(dir)), 0o777))
	}
	for _, name := range []string{"v0.0.1-go1.26.1.linux-amd64.zip", "v0.0.1-go1.27rc1.darwin-arm64.zip", "v0.0.1-go1.25.0.linux-amd64.lock"} {
		c.write(filepath.Join(c.dir, "cache", "download", "golang.org", "toolchain", "@v", name), "")
	}
	got, err := Toolchains(c.dir)
	if want := []string{"v0.0.1-go1.26.1.linux-amd64", "v0.0.1-go1.27rc1.darwin-arm64"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("Toolchains = %q, %v, want %q", got, err, want)
	}
	for version, want := range map[string][2]string{
		"v0.0.1-go1.26.1.linux-amd64":        {"go1.26.1", "linux-amd64"},
		"v0.0.1-go1.27rc1.darwin-arm64":      {"go1.27rc1", "darwin-arm64"},
		"v0.0.1-go1.26.1-custom.linux-amd64": {"go1.26.1-custom", "linux-amd64"},
		"odd":                                {"odd", ""},
	} {
		if release, system := ToolchainRelease(version); release != want[0] || system != want[1] {
			t.Errorf("ToolchainRelease(%q) = %q, %q, want %q", version, release, system, want)
		}
	}
}

// TestLookupHashes: a kept answer counts for its own version only, and a link is
// not followed.
func TestLookupHashes(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	c.dir = filepath.Join(c.dir, "a [b] *") // no pattern
	const version = "v0.0.1-go1.26.1.linux-amd64"
	name := filepath.Join(c.dir, "cache", "download", "sumdb", "sum.example", "lookup", "golang.org", "toolchain@"+version)
	if hashes, file := LookupHashes(c.dir, version); len(hashes) != 0 || file != "" {
		t.Errorf("without an answer: %q, %q", hashes, file)
	}
	c.write(name, "1\n"+Toolchain+" "+version+" h1:A\n"+Toolchain+" "+version+"/go.mod h1:B\n"+Toolchain+" v0.0.1-go1.26.2.linux-amd64 h1:C\n\ngo.sum database tree\n")
	if hashes, file := LookupHashes(c.dir, version); !slices.Equal(hashes, []string{"h1:A"}) || file != name {
		t.Errorf("LookupHashes = %q, %q, want h1:A, %q", hashes, file, name)
	}
	elsewhere := filepath.Join(c.dir, "elsewhere")
	c.check(os.Rename(name, elsewhere))
	if err := os.Symlink(elsewhere, name); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if hashes, _ := LookupHashes(c.dir, version); len(hashes) != 0 {
		t.Errorf("through a link: %q", hashes)
	}
}

func TestWithoutCopies(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	for name, text := range map[string]string{
		"src/_go.mod": "module std\n", "src/go.mod": "module std\n",
		"cmd/_go.mod": "module cmd\n", "cmd/go.mod": "module evil\n",
		"go.mod": "module nobody\n", "x/_go.mod": "module x\n",
	} {
		c.write(filepath.Join(c.dir, filepath.FromSlash(name)), text)
	}
	names := []string{"cmd/_go.mod", "cmd/go.mod", "go.mod", "src/_go.mod", "src/go.mod", "x/_go.mod"}
	if got, want := withoutCopies(c.dir, names), []string{"cmd/_go.mod", "cmd/go.mod", "go.mod", "src/_go.mod", "x/_go.mod"}; !slices.Equal(got, want) {
		t.Errorf("withoutCopies = %q, want %q", got, want)
	}
}
