package goroot

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
)

var testModule = module.Version{Path: "golang.org/toolchain", Version: "v0.0.1-go1.99.1.linux-amd64"}

// release are the files of a small release, as installed.
var release = map[string]string{
	"VERSION": "go1.99.1\ntime 2026-01-02T03:04:05Z\n", "LICENSE": "free", "go.env": "GOTOOLCHAIN=auto\n",
	"bin/go": "ELF go", "bin/gofmt": "ELF gofmt", "pkg/tool/linux_amd64/compile": "ELF compile", "pkg/include/textflag.h": "#define",
	"src/go.mod": "module std\n", "src/cmd/go.mod": "module cmd\n", "src/fmt/print.go": "package fmt\n", "src/fmt/fmt_test.go": "package fmt_test\n",
	"lib/time/zoneinfo.zip": "PK", "api/go1.txt": "pkg", "doc/go_spec.html": "spec", "misc/x": "x", "test/a/b.go": "package main\n",
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func scanned(t *testing.T, dir string) *Tree {
	t.Helper()
	tree, err := ScanInstalled(t.Context(), dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// zipped is the module's zip of the release, and its hash by x/mod.
func zipped(t *testing.T) (path, hash string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "release.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for name, text := range release {
		if top, _, _ := strings.Cut(name, "/"); slices.Contains(outside, top) {
			continue
		}
		if filepath.Base(name) == "go.mod" {
			name = strings.TrimSuffix(name, "go.mod") + "_go.mod"
		}
		w, err := z.Create(testModule.Path + "@" + testModule.Version + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, text)
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if hash, err = dirhash.HashZip(path, dirhash.Hash1); err != nil {
		t.Fatal(err)
	}
	return path, hash
}

func TestProve(t *testing.T) {
	t.Parallel()
	_, hash := zipped(t)
	tests := []struct {
		name   string
		files  map[string]string
		remove string
		proven bool
		proof  string
	}{
		{"as released", nil, "", true, "12 false []"},
		{"without api", nil, "api", true, "12 false []"},
		{"other tests", map[string]string{"test/a/c.go": "package main\n"}, "", true, "12 false []"},
		{"a program in bin", map[string]string{"bin/gopls": "ELF"}, "", true, "12 false [bin/gopls]"},
		{"notes", map[string]string{"NOTES": "x", "site/x": "x", "pkg/linux_amd64/fmt.a": "x", "pkg/tool/linux_amd64/pprof": "x"}, "", true,
			"12 false [NOTES pkg/linux_amd64/fmt.a pkg/tool/linux_amd64/pprof site/x]"},
		{"changed", map[string]string{"src/fmt/print.go": "package fmt // evil\n"}, "", false, ""},
		{"go changed", map[string]string{"bin/go": "ELF gO"}, "", false, ""},
		{"added", map[string]string{"src/fmt/evil.go": "package fmt\n"}, "", false, ""},
		{"go.mod under its other name", map[string]string{"src/fmt/go.mod": "module fmt\n"}, "", false, ""},
		{"gone", nil, "src/fmt/fmt_test.go", false, ""},
		{"settings nobody knows", map[string]string{"go.env": "GOPROXY=off\n"}, "", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, release)
			write(t, dir, tt.files)
			if tt.remove != "" {
				if err := os.RemoveAll(filepath.Join(dir, tt.remove)); err != nil {
					t.Fatal(err)
				}
			}
			p, ok := Prove(scanned(t, dir), testModule, []string{"h1:x", hash})
			if ok != tt.proven {
				t.Fatalf("proven: %v, want %v", ok, tt.proven)
			}
			if got := fmt.Sprint(p.Files, p.Settings, p.Others); ok && got != tt.proof {
				t.Errorf("proof is %s, want %s", got, tt.proof)
			}
		})
	}
}

// What one must not believe: that a list or a tree is the release because it says so.
func TestProveIrregular(t *testing.T) {
	t.Parallel()
	_, hash := zipped(t)
	dir := t.TempDir()
	write(t, dir, release)
	if err := os.Symlink("print.go", filepath.Join(dir, "src", "fmt", "evil.go")); err != nil {
		t.Skip(err)
	}
	if _, ok := Prove(scanned(t, dir), testModule, []string{hash}); ok {
		t.Error("a symbolic link among the sources is proven")
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	path, hash := zipped(t)
	list, err := ListZip(t.Context(), path, testModule, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := Hash(testModule, list); got != hash {
		t.Fatalf("hash of the zip's list is %s, of the zip %s", got, hash)
	}
	tests := []struct {
		name  string
		files map[string]string
		gone  []string
		link  string
		want  string
	}{
		{"as released", nil, nil, "", "{Same:12 Absent:0 Changed:[] Added:[] Settings:false Others:[]}"},
		{"stripped", nil, []string{"src/fmt/fmt_test.go", "lib", "api"}, "", "{Same:10 Absent:2 Changed:[] Added:[] Settings:false Others:[]}"},
		{"changed", map[string]string{"bin/go": "evil", "src/cmd/go.mod": "module evil\n"}, []string{"lib"}, "",
			"{Same:9 Absent:1 Changed:[bin/go src/cmd/_go.mod] Added:[] Settings:false Others:[]}"},
		{"added", map[string]string{"src/fmt/evil.go": "x", "pkg/tool/linux_amd64/evil": "x", "lib/evil": "x", "bin/gopls": "x", "note": "x"}, nil, "",
			"{Same:12 Absent:0 Changed:[] Added:[lib/evil pkg/tool/linux_amd64/evil src/fmt/evil.go] Settings:false Others:[bin/gopls note]}"},
		{"settings", map[string]string{"go.env": "GOPROXY=off\n"}, nil, "", "{Same:11 Absent:0 Changed:[] Added:[] Settings:true Others:[]}"},
		{"a link for a file", nil, []string{"bin/go"}, "bin/go", "{Same:11 Absent:0 Changed:[bin/go] Added:[] Settings:false Others:[]}"},
		{"a link for a folder", nil, []string{"src/fmt"}, "src/fmt", "{Same:10 Absent:2 Changed:[src/fmt] Added:[] Settings:false Others:[]}"},
		{"a link more", nil, nil, "src/fmt/x.go", "{Same:12 Absent:0 Changed:[] Added:[src/fmt/x.go] Settings:false Others:[]}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, release)
			write(t, dir, tt.files)
			for _, name := range tt.gone {
				if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			if tt.link != "" {
				if err := os.Symlink(t.TempDir(), filepath.Join(dir, tt.link)); err != nil {
					t.Skip(err)
				}
			}
			if got := fmt.Sprintf("%+v", Compare(scanned(t, dir), list)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestScanModuleThatRan: the go command copies each _go.mod of a release to go.mod
// before it first runs it. Another go.mod is a file that was not released.
func TestScanModuleThatRan(t *testing.T) {
	t.Parallel()
	path, hash := zipped(t)
	list, err := ListZip(t.Context(), path, testModule, 0)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	released := map[string]string{}
	for name, text := range release {
		if top, _, inside := strings.Cut(name, "/"); !inside || !slices.Contains(outside, top) {
			if filepath.Base(name) == "go.mod" {
				released[strings.TrimSuffix(name, "go.mod")+"_go.mod"] = text
			}
			released[name] = text
		}
	}
	write(t, dir, released)
	look := func() *Tree {
		tree, err := ScanModule(t.Context(), dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		return tree
	}
	if got := Hash(testModule, look().Files); got != hash {
		t.Errorf("hash is %s, want the module's %s", got, hash)
	}
	write(t, dir, map[string]string{"src/cmd/go.mod": "module evil\n", "src/fmt/go.mod": "module fmt\n"})
	if got, want := fmt.Sprintf("%+v", Compare(look(), list)), "{Same:12 Absent:0 Changed:[] Added:[src/cmd/go.mod src/fmt/go.mod] Settings:false Others:[]}"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestModule(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"go1.26.8": "v0.0.1-go1.26.8.linux-amd64", "go1.27rc1": "v0.0.1-go1.27rc1.linux-amd64",
		"go1.26.8-corp": "", "devel go1.27-0123": "", "": "", "go1.26.8/../x": "", "go1.22.2-1ubuntu1": "",
	} {
		mod, ok := Module(version, "linux", "amd64")
		if mod.Version != want || ok != (want != "") {
			t.Errorf("%q: %s, %v; want %s", version, mod.Version, ok, want)
		}
	}
	if _, ok := Module("go1.26.8", "linux/x", "amd64"); ok {
		t.Error("a platform with a slash")
	}
}

// The Go that runs this test: its list, made by what the image is made with, and
// its tree have one hash, by x/mod's own function too.
func TestScanOfRelease(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("golist.sh runs on Linux")
	}
	out, err := exec.Command("go", "env", "GOROOT", "GOHOSTOS", "GOHOSTARCH").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(out))
	goroot := lines[0]
	version, err := os.ReadFile(filepath.Join(goroot, "VERSION"))
	if err != nil {
		t.Skipf("this Go is no release: %v", err)
	}
	name, _, _ := strings.Cut(string(version), "\n")
	mod, ok := Module(name, lines[1], lines[2])
	if !ok {
		t.Skipf("%s is no release", name)
	}
	tree := scanned(t, goroot)
	list := exec.Command("sh", filepath.Join("..", "image", "golist.sh"), goroot)
	text, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := ParseList(strings.NewReader(string(text)), mod)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(files, tree.Files) {
		t.Errorf("the list has %d files, the tree %d, and they differ", len(files), len(tree.Files))
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = mod.Path + "@" + mod.Version + "/" + f.Name
	}
	want, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		name = strings.TrimPrefix(name, mod.Path+"@"+mod.Version+"/")
		if filepath.Base(name) == "_go.mod" {
			if _, err := os.Stat(filepath.Join(goroot, name)); err != nil {
				name = strings.TrimSuffix(name, "_go.mod") + "go.mod"
			}
		}
		return os.Open(filepath.Join(goroot, name))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := Hash(mod, tree.Files); got != want {
		t.Errorf("hash is %s, by dirhash %s", got, want)
	}
}

func TestScanBounds(t *testing.T) {
	t.Parallel()
	if _, err := ScanInstalled(t.Context(), filepath.Join(t.TempDir(), "none"), 0); err == nil {
		t.Error("no folder, and no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	write(t, dir, release)
	if _, err := ScanInstalled(ctx, dir, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	tree, err := ScanModule(t.Context(), dir, 1)
	if err != nil || len(tree.Files) != len(release) {
		t.Errorf("%v, %v: a module has all that lies there", tree, err)
	}
}

func TestParseList(t *testing.T) {
	t.Parallel()
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("x")))
	prefix := testModule.Path + "@" + testModule.Version + "/"
	tests := []struct{ name, text, err string }{
		{"two files", sum + "  " + prefix + "b\n" + sum + "  " + prefix + "a b\n", ""},
		{"nothing", "", "no files"},
		{"no hash", "xx" + sum[2:] + "  " + prefix + "a\n", "line 1 is not a SHA-256 and a name"},
		{"half a hash", sum[:32] + "  " + prefix + "a\n", "line 1 is not a SHA-256 and a name"},
		{"too much hash", sum + "00  " + prefix + "a\n", "line 1 is not a SHA-256 and a name"},
		{"one space", sum + " " + prefix + "a\n", "line 1 is not a SHA-256 and a name"},
		{"another release", sum + "  " + strings.Replace(prefix, "1.99", "1.98", 1) + "a\n", "line 1 is not about golang.org/toolchain@v0.0.1-go1.99.1.linux-amd64"},
		{"no name", sum + "  " + prefix + "\n", "line 1 is not about golang.org/toolchain@v0.0.1-go1.99.1.linux-amd64"},
		{"twice", sum + "  " + prefix + "a\n" + sum + "  " + prefix + "a\n", `"a" stands there twice`},
		{"an endless line", strings.Repeat("a", maxLine+1), "bufio.Scanner: token too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files, err := ParseList(strings.NewReader(tt.text), testModule)
			if got := fmt.Sprint(err); err != nil && got != tt.err || err == nil && tt.err != "" {
				t.Errorf("%v, error %v, want %q", files, err, tt.err)
			}
			if err == nil && files[0].Name != "a b" {
				t.Errorf("not sorted: %v", files)
			}
		})
	}
}

// FuzzParseList: no panic, and what is read hashes like the text, if that is sorted.
func FuzzParseList(f *testing.F) {
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("x")))
	prefix := testModule.Path + "@" + testModule.Version + "/"
	f.Add(sum + "  " + prefix + "a\n" + sum + "  " + prefix + "b\n")
	f.Add(sum + "  " + prefix + "b\n" + sum + "  " + prefix + "a\n")
	f.Add(sum)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		files, err := ParseList(strings.NewReader(text), testModule)
		if err != nil {
			return
		}
		for _, file := range files {
			if !strings.Contains(strings.ToLower(text), fmt.Sprintf("%x  ", file.Sum)) {
				t.Errorf("%q has no %x", text, file.Sum)
			}
		}
	})
}

// BenchmarkScan hashes this machine's own GOROOT, beside x/mod's dirhash, which
// reads one file after the other.
func BenchmarkScan(b *testing.B) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		b.Fatal(err)
	}
	goroot := strings.TrimSpace(string(out))
	b.Run("scan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			tree, err := ScanInstalled(b.Context(), goroot, 0)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(tree.Bytes)
			b.ReportMetric(float64(len(tree.Files)), "files")
		}
	})
	b.Run("dirhash", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := dirhash.HashDir(goroot, "x", dirhash.Hash1); err != nil {
				b.Fatal(err)
			}
		}
	})
}
