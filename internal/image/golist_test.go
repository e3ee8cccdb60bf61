// Package image holds what the container image is made of besides the program:
// shell scripts, of which the image's build and its containers run. There is no Go
// code in it, only the tests of those scripts that need no container.
package image

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"
)

// golist runs golist.sh on a GOROOT.
func golist(t *testing.T, goroot string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the image is built on Linux")
	}
	cmd := exec.Command("sh", "golist.sh", goroot)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("golist.sh %s: %v", goroot, err)
	}
	return string(out)
}

// listHash is the hash that a list stands for: dirhash.Hash1 hashes this very text.
func listHash(list string) string {
	sum := sha256.Sum256([]byte(list))
	return "h1:" + base64.StdEncoding.EncodeToString(sum[:])
}

// moduleHash is the hash of the module that a GOROOT's files make: cmd/distpack in
// Go's words, dirhash as the go command uses it.
func moduleHash(t *testing.T, goroot, prefix string) string {
	t.Helper()
	var names []string
	at := map[string]string{}
	err := filepath.WalkDir(goroot, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(goroot, file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		switch top, rest, _ := strings.Cut(name, "/"); {
		case rest != "" && (top == "api" || top == "doc" || top == "misc" || top == "test"):
			return nil
		case path.Base(name) == "go.mod":
			name = path.Dir(name) + "/_go.mod"
		}
		names = append(names, prefix+name)
		at[prefix+name] = file
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	hash, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return os.Open(at[name]) })
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// The Go that runs this test: the list is what hashing its whole tree gives.
func TestGolistOfRelease(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "env", "GOROOT", "GOHOSTOS", "GOHOSTARCH").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(out))
	goroot, platform := lines[0], lines[1]+"-"+lines[2]
	version, err := os.ReadFile(filepath.Join(goroot, "VERSION"))
	if err != nil {
		t.Skipf("this Go is no release: %v", err)
	}
	release, _, _ := strings.Cut(string(version), "\n")
	prefix := "golang.org/toolchain@v0.0.1-" + release + "." + platform + "/"

	list := golist(t, goroot)
	if got, want := listHash(list), moduleHash(t, goroot, prefix); got != want {
		t.Errorf("hash of the list is %s, of the module %s", got, want)
	}
	for _, file := range []string{"VERSION", "bin/go", "src/_go.mod", "src/cmd/_go.mod", "src/fmt/fmt_test.go"} {
		if !strings.Contains(list, "  "+prefix+file+"\n") {
			t.Errorf("the list lacks %s%s", prefix, file)
		}
	}
}

// What a release has no example of, or not of every kind.
func TestGolistNames(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, content := range map[string]string{
		"VERSION":         "go1.99.1\ntime 2026-01-02T03:04:05Z\n",
		"bin/go":          "#!/bin/sh\ncase $2 in GOHOSTOS) echo plan9 ;; GOHOSTARCH) echo mips ;; esac\n",
		"api/go1.txt":     "x",
		"apis":            "a file and no folder",
		"test/deep/a.go":  "x",
		"src/test/a.go":   "kept: only the four folders at the top go",
		"src/a b.go":      "a space",
		"src/a/b.go":      "sorts before a-b.go by folder, after it by byte",
		"src/a-b.go":      "x",
		"src/B.go":        "capitals first",
		"src/é.go":        "bytes above 127",
		"src/x/go.mod":    "module x\n",
		"src/x/xgo.mod":   "another name",
		"src/x/go.modern": "another name",
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}

	list := golist(t, root)
	var got []string
	const prefix = "golang.org/toolchain@v0.0.1-go1.99.1.plan9-mips/"
	for line := range strings.Lines(list) {
		_, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		got = append(got, strings.TrimPrefix(name, prefix))
	}
	want := "VERSION|apis|bin/go|src/B.go|src/a b.go|src/a-b.go|src/a/b.go|src/test/a.go|src/x/_go.mod|src/x/go.modern|src/x/xgo.mod|src/é.go"
	if got := strings.Join(got, "|"); got != want {
		t.Errorf("names are\n%s, want\n%s", got, want)
	}
	if got, want := listHash(list), moduleHash(t, root, prefix); got != want {
		t.Errorf("hash of the list is %s, of the module %s", got, want)
	}
}
