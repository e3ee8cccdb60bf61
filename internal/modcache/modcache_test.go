package modcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// A cache is a module cache as the go command would have left it, made without it.
type cache struct {
	t   testing.TB
	dir string
}

func newCache(t testing.TB) cache { return cache{t, t.TempDir()} }

func (c cache) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c cache) write(path, text string) {
	c.t.Helper()
	c.check(os.MkdirAll(filepath.Dir(path), 0o777))
	c.check(os.WriteFile(path, []byte(text), 0o666))
}

// add puts a module into the cache, and returns what go.sum would say of it.
func (c cache) add(path, version string, content map[string]string) Want {
	c.t.Helper()
	src := c.t.TempDir()
	for name, text := range content {
		c.write(filepath.Join(src, filepath.FromSlash(name)), text)
	}
	f, err := locate(c.dir, path, version)
	c.check(err)
	c.check(os.MkdirAll(f.download, 0o777))
	z, err := os.Create(f.with("zip"))
	c.check(err)
	m := module.Version{Path: path, Version: version}
	c.check(zip.CreateFromDir(z, m, src))
	c.check(z.Close())
	c.check(os.MkdirAll(filepath.Dir(f.dir), 0o777))
	c.check(zip.Unzip(f.dir, m, f.with("zip")))
	hash, err := dirhash.HashZip(f.with("zip"), dirhash.DefaultHash)
	c.check(err)
	mod := content["go.mod"]
	if mod == "" {
		mod = "module " + path + "\n"
	}
	c.write(f.with("ziphash"), hash)
	c.write(f.with("mod"), mod)
	c.write(f.with("info"), fmt.Sprintf(`{"Version":%q}`, version))
	c.write(f.with("lock"), "")
	modHash, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(mod)), nil
	})
	c.check(err)
	return Want{Path: path, Version: version, Zip: []string{hash}, Mod: []string{modHash}}
}

// lib is the module that most tests tamper with.
func (c cache) lib() (Want, files) {
	c.t.Helper()
	w := c.add("example.com/lib", "v1.0.0", map[string]string{
		"go.mod": "module example.com/lib\n", "lib.go": "package lib\n", "internal/x.go": "package internal\n",
	})
	f, err := locate(c.dir, w.Path, w.Version)
	c.check(err)
	return w, f
}

func (c cache) verify(wants ...Want) []Evidence {
	c.t.Helper()
	evidence, err := Verify(c.t.Context(), Options{Dir: c.dir}, wants)
	c.check(err)
	return evidence
}

// replace rewrites a file of an extracted folder, which is read-only.
func (c cache) replace(path, text string) {
	c.t.Helper()
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		c.t.Fatal(err)
	}
	c.write(path, text)
}

func TestVerifyHealthy(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	var wants []Want
	for i := range 40 {
		wants = append(wants, c.add(fmt.Sprintf("example.com/m%d", i), "v1.0.0", map[string]string{"go.mod": fmt.Sprintf("module example.com/m%d\n", i)}))
	}
	wants = append(wants,
		c.add("github.com/Azure/SDK", "v56.3.0+incompatible", map[string]string{"a.go": "package a\n", "deep/er/b.go": "package b\n"}),
		Want{Path: "example.com/cold", Version: "v1.0.0", Zip: []string{"h1:x"}},
	)
	slices.Reverse(wants)
	var told []int
	progress := func(done, total int) {
		if told = append(told, done); total != len(wants) {
			t.Errorf("%d of %d done, want of %d", done, total, len(wants))
		}
	}
	evidence, err := Verify(t.Context(), Options{Dir: c.dir, Jobs: 3, Progress: progress}, wants)
	if err != nil {
		t.Fatal(err)
	}
	if len(told) != len(wants) || !slices.IsSorted(told) {
		t.Errorf("progress %v, want 1 to %d", told, len(wants))
	}
	for i, w := range wants {
		outcome, problems := Judge(w, evidence[i])
		want := Proven
		if w.Path == "example.com/cold" {
			want = Cold
		}
		if outcome != want || len(problems) != 0 || len(evidence[i].Errs) != 0 {
			t.Errorf("%s: outcome %d, problems %v, errors %v", w.Path, outcome, problems, evidence[i].Errs)
		}
	}
	azure := evidence[1]
	if azure.Files != 2 || azure.Bytes != int64(len("package a\npackage b\n")) {
		t.Errorf("Files, Bytes = %d, %d, want 2, 20", azure.Files, azure.Bytes)
	}
	if !strings.Contains(filepath.ToSlash(azure.Tree.Path), "github.com/!azure/!s!d!k@v56.3.0+incompatible") {
		t.Errorf("Tree.Path = %s", azure.Tree.Path)
	}
}

func TestVerifyDamage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		do    func(c cache, f files)
		kinds string
		// deep says that only a look at all packed bytes finds it.
		deep   bool
		expect func(Evidence) string // "" when the evidence is as expected
	}{
		{name: "file changed", kinds: "tree",
			do: func(c cache, f files) { c.replace(filepath.Join(f.dir, "lib.go"), "package evil\n") },
			expect: func(e Evidence) string {
				return unlike(e.Diff, &Diff{Changed: []string{"lib.go"}, Count: 1})
			}},
		{name: "file added, another deleted", kinds: "tree",
			do: func(c cache, f files) {
				c.write(filepath.Join(f.dir, "new.go"), "package lib\n")
				c.check(os.Remove(filepath.Join(f.dir, "internal", "x.go")))
			},
			expect: func(e Evidence) string {
				return unlike(e.Diff, &Diff{Added: []string{"new.go"}, Missing: []string{"internal/x.go"}, Count: 2})
			}},
		{name: "many files added", kinds: "tree",
			do: func(c cache, f files) {
				for i := range 25 {
					c.write(filepath.Join(f.dir, fmt.Sprintf("new%02d.go", i)), "package lib\n")
				}
			},
			expect: func(e Evidence) string {
				if e.Diff == nil || len(e.Diff.Added) != MaxListed || e.Diff.Count != 25 || e.Diff.Added[0] != "new00.go" {
					return fmt.Sprintf("Diff = %+v", e.Diff)
				}
				return ""
			}},
		{name: "empty folder", kinds: "tree",
			do: func(c cache, f files) {
				c.check(os.RemoveAll(f.dir))
				c.check(os.Mkdir(f.dir, 0o777))
			}},
		{name: "empty folder inside", do: func(c cache, f files) { c.check(os.Mkdir(filepath.Join(f.dir, "empty"), 0o777)) }},
		{name: "folder is a file", kinds: "tree",
			do: func(c cache, f files) {
				c.check(os.RemoveAll(f.dir))
				c.write(f.dir, "")
			}},
		{name: "zip truncated", kinds: "zip-unreadable", do: func(c cache, f files) { c.check(os.Truncate(f.with("zip"), 100)) }},
		{name: "zip empty", kinds: "zip-unreadable", do: func(c cache, f files) { c.check(os.Truncate(f.with("zip"), 0)) }},
		{name: "zip larger than any module's", kinds: "zip-unreadable",
			do: func(c cache, f files) { c.check(os.Truncate(f.with("zip"), zip.MaxZipFile+1)) }},
		{name: "byte of the zip flipped", kinds: "zip-unreadable", deep: true,
			do: func(c cache, f files) {
				data, err := os.ReadFile(f.with("zip"))
				c.check(err)
				name := []byte("example.com/lib@v1.0.0/lib.go")
				i := strings.Index(string(data), string(name)) + len(name) + 3
				data[i] ^= 0xff
				c.check(os.WriteFile(f.with("zip"), data, 0o666))
			}},
		{name: "zip of another module", kinds: "zip",
			do: func(c cache, f files) {
				other := c.add("example.com/other", "v1.0.0", map[string]string{"go.mod": "module example.com/other\n"})
				o, err := locate(c.dir, other.Path, other.Version)
				c.check(err)
				c.check(os.Rename(o.with("zip"), f.with("zip")))
			}},
		{name: "ziphash with a newline", do: func(c cache, f files) {
			data, err := os.ReadFile(f.with("ziphash"))
			c.check(err)
			c.write(f.with("ziphash"), string(data)+"\n")
		}},
		{name: "ziphash of NULs", kinds: "ziphash-damaged", do: func(c cache, f files) { c.write(f.with("ziphash"), strings.Repeat("\x00", 47)) }},
		{name: "ziphash of another algorithm", kinds: "ziphash", do: func(c cache, f files) { c.write(f.with("ziphash"), "h2:"+strings.Repeat("x", 44)) }},
		{name: "ziphash is a folder", kinds: "irregular", do: func(c cache, f files) {
			c.check(os.Remove(f.with("ziphash")))
			c.check(os.Mkdir(f.with("ziphash"), 0o777))
		}},
		{name: "partial", kinds: "partial", do: func(c cache, f files) { c.write(f.with("partial"), "") },
			expect: func(e Evidence) string {
				if e.Tree.State != NotAsked || e.Busy {
					return fmt.Sprintf("Tree.State, Busy = %d, %t", e.Tree.State, e.Busy)
				}
				return ""
			}},
		{name: ".mod edited", kinds: "mod", do: func(c cache, f files) { c.write(f.with("mod"), "module fake\n") }},
		{name: ".mod emptied", kinds: "mod", do: func(c cache, f files) { c.write(f.with("mod"), "") }},
		{name: ".mod too large", kinds: "mod", do: func(c cache, f files) { c.check(os.Truncate(f.with("mod"), zip.MaxGoMod+1)) }},
		{name: ".info of another version", kinds: "info-damaged", do: func(c cache, f files) { c.write(f.with("info"), `{"Version":"v1.0.1"}`) }},
		{name: ".info no JSON", kinds: "info-damaged", do: func(c cache, f files) { c.write(f.with("info"), "<html>") }},
		{name: ".info missing", do: func(c cache, f files) { c.check(os.Remove(f.with("info"))) }},
		{name: "temporary file left behind", do: func(c cache, f files) { c.write(f.with("zip")+"123.tmp", "x") },
			expect: func(e Evidence) string {
				if len(e.Leftovers) != 1 || filepath.Base(e.Leftovers[0]) != "v1.0.0.zip123.tmp" {
					return fmt.Sprintf("Leftovers = %v", e.Leftovers)
				}
				return ""
			}},
		{name: "module gone", do: func(c cache, f files) {
			c.check(os.RemoveAll(f.dir))
			c.check(os.RemoveAll(f.download))
		}},
	}
	for _, tt := range tests {
		for _, deep := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, deep %t", tt.name, deep), func(t *testing.T) {
				t.Parallel()
				c := newCache(t)
				w, f := c.lib()
				tt.do(c, f)
				evidence, err := Verify(t.Context(), Options{Dir: c.dir, Deep: deep}, []Want{w})
				c.check(err)
				e := evidence[0]
				if len(e.Errs) != 0 {
					t.Errorf("Errs = %v", e.Errs)
				}
				want := tt.kinds
				if tt.deep && !deep {
					want = ""
				}
				_, problems := Judge(w, e)
				if got := kinds(problems); got != want {
					t.Errorf("problems %q, want %q; evidence %+v", got, want, e)
				}
				if tt.expect != nil && want == tt.kinds {
					if wrong := tt.expect(e); wrong != "" {
						t.Error(wrong)
					}
				}
			})
		}
	}
}

func kinds(problems []Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, string(p.Kind))
	}
	return strings.Join(all, " ")
}

func unlike(got, want *Diff) string {
	if got == nil || !slices.Equal(got.Changed, want.Changed) || !slices.Equal(got.Added, want.Added) ||
		!slices.Equal(got.Missing, want.Missing) || got.Count != want.Count {
		return fmt.Sprintf("Diff = %+v, want %+v", got, want)
	}
	return ""
}

// TestVerifySymlinks: a link has the right content, so that every hash agrees;
// it is found all the same.
func TestVerifySymlinks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		path func(files) string
	}{
		{"file in the folder", func(f files) string { return filepath.Join(f.dir, "lib.go") }},
		{"folder in the folder", func(f files) string { return filepath.Join(f.dir, "internal") }},
		{"the folder itself", func(f files) string { return f.dir }},
		{"zip", func(f files) string { return f.with("zip") }},
		{"ziphash", func(f files) string { return f.with("ziphash") }},
		{".mod", func(f files) string { return f.with("mod") }},
		{".info", func(f files) string { return f.with("info") }},
		{".lock", func(f files) string { return f.with("lock") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			w, f := c.lib()
			path := tt.path(f)
			elsewhere := filepath.Join(t.TempDir(), "elsewhere")
			c.check(os.Rename(path, elsewhere))
			if err := os.Symlink(elsewhere, path); err != nil {
				t.Skipf("no symbolic links here: %v", err)
			}
			e := c.verify(w)[0]
			outcome, problems := Judge(w, e)
			if kinds(problems) != "irregular" || outcome != Broken {
				t.Errorf("outcome %d, problems %q, want broken, irregular", outcome, kinds(problems))
			}
			want := fmt.Sprintf("%q is a symbolic link", filepath.Base(path))
			if e.IrregularCount != 1 || !strings.HasSuffix(e.Irregular[0], want) {
				t.Errorf("Irregular = %v, want %s", e.Irregular, want)
			}
		})
	}
}

// TestSecondLook: a folder that was being extracted at the first look is not
// modified, and a modified one stays so.
func TestSecondLook(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	w, f := c.lib()
	for _, tt := range []struct {
		name string
		do   func()
		want Outcome
	}{
		{"extracted in between", func() {}, Proven},
		{"modified", func() { c.replace(filepath.Join(f.dir, "lib.go"), "package evil\n") }, Broken},
	} {
		evidence := make([]Evidence, 1)
		p := newPool(Options{Dir: c.dir}, []Want{w}, evidence)
		m := newMeter(t.Context())
		l := &look{want: w, files: f}
		l.begin(m)
		l.sums[0][0]++ // what was read of half a folder
		tt.do()
		p.end(newWorker(m), l)
		if outcome, _ := Judge(w, evidence[0]); outcome != tt.want {
			t.Errorf("%s: outcome %d, want %d", tt.name, outcome, tt.want)
		}
	}
}

func TestVerifyCacheDir(t *testing.T) {
	t.Parallel()
	w := Want{Path: "example.com/a", Version: "v1.0.0", Zip: []string{"h1:x"}}
	missing := filepath.Join(t.TempDir(), "missing")
	evidence, err := Verify(t.Context(), Options{Dir: missing}, []Want{w})
	if err != nil || evidence[0].Zip.State != Absent || evidence[0].Mod.State != Absent {
		t.Errorf("missing cache: %+v, %v", evidence, err)
	}
	if _, err := os.Lstat(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Verify made the cache: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	newCache(t).write(file, "")
	for _, dir := range []string{"", "relative", file} {
		if _, err := Verify(t.Context(), Options{Dir: dir}, []Want{w}); err == nil {
			t.Errorf("Verify in %q: no error", dir)
		}
	}
	evidence, err = Verify(t.Context(), Options{Dir: t.TempDir()}, []Want{{Path: "../../etc", Version: "v1.0.0"}})
	if err != nil || len(evidence[0].Errs) != 1 || evidence[0].Zip.State != Unreadable {
		t.Errorf("bad module path: %+v, %v", evidence, err)
	}
}

func TestVerifyCancelled(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	w, _ := c.lib()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(ctx, Options{Dir: c.dir}, []Want{w}); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify = %v, want context.Canceled", err)
	}
}

// TestMeter: hashing one endless file ends with the context, and at the size
// that no module can have.
func TestMeter(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	m := newMeter(ctx)
	endless := func(after int, then func()) (string, error) {
		return m.hash1([]string{"x"}, func(string) (io.ReadCloser, error) {
			return io.NopCloser(&zeros{after: after, then: then}), nil
		})
	}
	if _, err := endless(5, cancel); !errors.Is(err, errStopped) {
		t.Errorf("hash with a cancelled context = %v", err)
	}
	m = newMeter(t.Context())
	m.bytes = zip.MaxZipFile - 1
	if _, err := endless(-1, nil); err == nil || errors.Is(err, errStopped) {
		t.Errorf("hash of an endless file = %v", err)
	}
}

// zeros is an endless file that calls then after some reads.
type zeros struct {
	after int
	then  func()
}

func (z *zeros) Read(p []byte) (int, error) {
	if z.after--; z.after == 0 {
		z.then()
	}
	return len(p), nil
}

// TestPanic: a worker's panic reaches who called, and nobody waits for ever.
func TestPanic(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	var wants []Want
	for i := range 20 {
		wants = append(wants, c.add(fmt.Sprintf("example.com/m%d", i), "v1.0.0", map[string]string{"a.go": "package a\n"}))
	}
	defer func() {
		if v := recover(); v != "boom" {
			t.Errorf("recovered %v, want boom", v)
		}
	}()
	_, err := Verify(t.Context(), Options{Dir: c.dir, Progress: func(done, _ int) {
		if done == 3 {
			panic("boom")
		}
	}}, wants)
	t.Errorf("Verify returned %v", err)
}
