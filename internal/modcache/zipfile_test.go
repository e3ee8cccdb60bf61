package modcache

import (
	archive "archive/zip"
	"bytes"
	stdflate "compress/flate"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"
)

// zipOf packs files in their order, each name as it is.
func zipOf(t testing.TB, files ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := archive.NewWriter(&b)
	for _, f := range files {
		w, err := z.Create(f[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOpenZip(t *testing.T) {
	t.Parallel()
	const prefix = "example.com/a@v1.0.0/"
	for _, tt := range []struct {
		name  string
		data  []byte
		names []string
		ok    bool
	}{
		{"equal", zipOf(t, [2]string{prefix + "b/c.go", ""}, [2]string{prefix + "a.go", ""}), []string{"a.go", "b/c.go"}, true},
		{"one more in the zip", zipOf(t, [2]string{prefix + "a.go", ""}, [2]string{prefix + "b.go", ""}), []string{"a.go"}, false},
		{"one more in the folder", zipOf(t, [2]string{prefix + "a.go", ""}), []string{"a.go", "b.go"}, false},
		{"another name", zipOf(t, [2]string{prefix + "a.go", ""}), []string{"A.go"}, false},
		{"twice the same name", zipOf(t, [2]string{prefix + "a.go", ""}, [2]string{prefix + "a.go", "x"}), []string{"a.go", "a.go"}, false},
		{"a folder", zipOf(t, [2]string{prefix + "a/", ""}), []string{"a/"}, false},
		{"another module's", zipOf(t, [2]string{"example.com/b@v1.0.0/a.go", ""}), []string{"a.go"}, false},
		{"a newline", zipOf(t, [2]string{prefix + "a\nb", ""}), []string{"a\nb"}, false},
		{"no zip", []byte("no zip"), nil, false},
		{"empty", nil, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a.zip")
			if err := os.WriteFile(path, tt.data, 0o666); err != nil {
				t.Fatal(err)
			}
			z, err := openZip(path, prefix)
			if err == nil {
				defer z.close()
			}
			if ok := err == nil && z.lists(tt.names); ok != tt.ok {
				t.Errorf("the zip lists %q: %t (%v), want %t", tt.names, ok, err, tt.ok)
			}
		})
	}
}

// TestZipDirectoryBounded: the list of files does not grow beyond what is allowed.
func TestZipDirectoryBounded(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	z := archive.NewWriter(&b)
	name := strings.Repeat("x", 60_000)
	for i := range maxDirectory/len(name) + 2 {
		if _, err := z.CreateRaw(&archive.FileHeader{Name: fmt.Sprint(name, i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := openZip(path, "x"); !errors.Is(err, errDirectory) {
		t.Errorf("openZip = %v, want %v", err, errDirectory)
	}
	if _, err := newMeter(t.Context()).hashZip(path); !errors.Is(err, errDirectory) {
		t.Errorf("hashZip = %v, want %v", err, errDirectory)
	}
}

// FuzzZip tampers with the zip of a module whose folder is right: what is called
// sound must be what the go command's own hash calls so, and of what is called
// listed the directory must be that of the folder.
func FuzzZip(f *testing.F) {
	const id = "example.com/lib@v1.0.0/"
	good := zipOf(f, [2]string{id + "go.mod", "module example.com/lib\n"}, [2]string{id + "lib.go", "package lib\n"}, [2]string{id + "sub/x.txt", strings.Repeat("text ", 2000)})
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(append([]byte("before"), good...))
	f.Add(append(bytes.Clone(good), "behind"...))
	f.Add(zipOf(f, [2]string{id + "go.mod", "module example.com/evil\n"}))
	f.Add([]byte("PK\x05\x06"))
	for i := range 40 { // one byte changed: headers, packed data, directory
		bad := bytes.Clone(good)
		bad[i*len(bad)/40] ^= 1
		f.Add(bad)
	}
	c := newCache(f)
	src := map[string]string{"go.mod": "module example.com/lib\n", "lib.go": "package lib\n", "sub/x.txt": strings.Repeat("text ", 2000)}
	w := c.add("example.com/lib", "v1.0.0", src)
	files, err := locate(c.dir, w.Path, w.Version)
	c.check(err)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := cache{t, c.dir}
		c.check(os.WriteFile(files.with("zip"), data, 0o666))
		hash, hashErr := dirhash.HashZip(files.with("zip"), dirhash.DefaultHash)
		for _, deep := range []bool{false, true} {
			evidence, err := Verify(t.Context(), Options{Dir: c.dir, Deep: deep, Jobs: 1}, []Want{w})
			c.check(err)
			e := evidence[0]
			_, problems := Judge(w, e)
			switch e.Zip.State {
			case Sound:
				if hashErr != nil || e.Zip.Hash != hash {
					t.Errorf("deep %t: sound, %s; dirhash says %s, %v", deep, e.Zip.Hash, hash, hashErr)
				}
			case Listed:
				z, err := archive.NewReader(bytes.NewReader(data), int64(len(data)))
				if deep || err != nil || len(z.File) != len(src) {
					t.Fatalf("deep %t: listed, %v", deep, err)
				}
				for _, entry := range z.File {
					if text, ok := src[strings.TrimPrefix(entry.Name, id)]; !ok || int(entry.UncompressedSize64) != len(text) {
						t.Errorf("listed with a file %q of %d bytes", entry.Name, entry.UncompressedSize64)
					}
				}
			default:
				if len(problems) == 0 {
					t.Errorf("deep %t: state %d, and no problem", deep, e.Zip.State)
				}
			}
			if right := hashErr == nil && hash == w.Zip[0]; deep && right != (len(problems) == 0) {
				t.Errorf("problems %q; dirhash says %s, %v", kinds(problems), hash, hashErr)
			}
		}
	})
}

// FuzzInflate holds the inflater against the standard library's, which the go
// command uses.
func FuzzInflate(f *testing.F) {
	for _, text := range []string{"", "x", strings.Repeat("package lib\n", 100)} {
		var b bytes.Buffer
		w, err := stdflate.NewWriter(&b, 6)
		if err != nil {
			f.Fatal(err)
		}
		io.WriteString(w, text)
		w.Close()
		f.Add(b.Bytes())
		f.Add(b.Bytes()[:b.Len()/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want, wantErr := io.ReadAll(io.LimitReader(stdflate.NewReader(bytes.NewReader(data)), 1<<20))
		z := inflate(bytes.NewReader(data))
		defer z.Close()
		got, gotErr := io.ReadAll(io.LimitReader(z, 1<<20))
		if (gotErr == nil) != (wantErr == nil) || gotErr == nil && !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v; compress/flate: %d bytes, %v", len(got), gotErr, len(want), wantErr)
		}
	})
}

// FuzzZiphash: what is taken for a recorded hash is one line of its length.
func FuzzZiphash(f *testing.F) {
	good := "h1:" + strings.Repeat("A", 43) + "="
	for _, text := range []string{good, good + "\n", "", "garbage", strings.Repeat("\x00", 47), good[:46], "\n" + good} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "ziphash")
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := readZiphash(path)
		if err != nil {
			return
		}
		if len(got) != 47 || got != string(bytes.TrimSpace(data)) || strings.Contains(got, "\x00") {
			t.Errorf("readZiphash(%q) = %q", data, got)
		}
	})
}
