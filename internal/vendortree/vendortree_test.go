package vendortree

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDifferences: what is said of each change, and that it is code or not.
func TestDifferences(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	const goLine = "1.26"
	dir := l.app(goLine)
	// unknown are modules without content.
	for _, tt := range []struct {
		name    string
		write   map[string]string
		remove  []string
		link    map[string]string // from a name to what it points to
		unknown string
		want    []string
	}{
		{name: "nothing"},
		{
			name:  "a line in the middle",
			write: map[string]string{"example.com/plain/block.go": "/* text */ // +build ignore\n\npackage plain // here\n"},
			want:  []string{"modified example.com/plain/block.go:3 code"},
		},
		{
			name:  "beyond the first piece",
			write: map[string]string{"example.com/plain/big.txt": strings.Repeat("0123456789\n", 19000) + "x" + strings.Repeat("0123456789\n", 1000)},
			want:  []string{"modified example.com/plain/big.txt:19001"},
		},
		{
			name:  "beyond a long header",
			write: map[string]string{"example.com/plain/long.go": long + "\npackage plain\n\nimport _ \"example.com/deep/a/c\"\n"},
			want:  []string{"modified example.com/plain/long.go:3004 code"},
		},
		{
			name:  "cut short",
			write: map[string]string{"example.com/plain/big.txt": strings.Repeat("0123456789\n", 100)},
			want:  []string{"modified example.com/plain/big.txt:101"},
		},
		{
			name:  "emptied and lengthened",
			write: map[string]string{"example.com/plain/README.md": "", "example.com/plain/LICENSE": "licence\nmore\n"},
			want:  []string{"modified example.com/plain/LICENSE:2", "modified example.com/plain/README.md:1"},
		},
		{
			name:  "no text",
			write: map[string]string{"example.com/cgo/r.syso": "\x00\x02"},
			want:  []string{"modified example.com/cgo/r.syso code"},
		},
		{
			name: "line endings",
			write: map[string]string{
				"example.com/plain/never.go":    "//go:build !ignore\r\n\r\npackage plain\r\n",
				"example.com/plain/crlfkept.go": "package plain\n\nvar X = `\n`\n",
				"example.com/plain/not.go":      "//go:build !(linux && ignore)\r\n\r\npackage plain \r\n",
				"example.com/plain/script.sh":   "#!/bin/sh\r\n\r\n",
			},
			want: []string{
				"endings example.com/plain/crlfkept.go:1 code", "endings example.com/plain/never.go:1 code",
				"modified example.com/plain/not.go:1 code", "modified example.com/plain/script.sh:1",
			},
		},
		{
			name:  "an embedded file, and a licence that is embedded",
			write: map[string]string{"example.com/embed/data/b/c.txt": "d\n", "example.com/several/d/LICENSE": "m\n", "example.com/several/d/x": "y\n"},
			want: []string{
				"added example.com/several/d/LICENSE", "modified example.com/embed/data/b/c.txt:1 code", "modified example.com/several/d/x:1 code",
			},
		},
		{
			name: "what a pattern matches is compiled in",
			write: map[string]string{
				"example.com/embed/data/new.txt": "n\n", "example.com/embed/data/code/init.go": "package x\n",
				"example.com/embed/y.tmpl": "y\n", "example.com/embed/data/.not": "n\n", "example.com/embed/z.other": "z\n",
			},
			want: []string{
				"added example.com/embed/data/.not", "added example.com/embed/data/code/init.go code", "added example.com/embed/data/new.txt code",
				"added example.com/embed/y.tmpl code", "added example.com/embed/z.other",
			},
		},
		{
			name: "what gets built, and what does not",
			write: map[string]string{
				"example.com/orig/init.go": "package orig\n\nfunc init() {}\n", "example.com/orig/x_test.go": "package orig\n",
				"example.com/orig/x.go": "//go:build ignore\n\npackage main\n", "example.com/orig/_x.go": "package x\n", "example.com/orig/.x.go": "package x\n",
				"example.com/orig/x_windows.go": "package orig\n", "example.com/orig/a.s": "x\n", "example.com/orig/b.inc": "x\n",
				"example.com/cgo/b.inc": "x\n", "example.com/cgo/b.md": "x\n", "example.com/cgo/_x.h": "x\n",
			},
			want: []string{
				"added example.com/cgo/_x.h code", "added example.com/cgo/b.inc code", "added example.com/cgo/b.md",
				"added example.com/orig/.x.go", "added example.com/orig/_x.go", "added example.com/orig/a.s code", "added example.com/orig/b.inc",
				"added example.com/orig/init.go code", "added example.com/orig/x.go", "added example.com/orig/x_test.go", "added example.com/orig/x_windows.go code",
			},
		},
		{
			name: "outside of packages",
			write: map[string]string{
				"example.com/orig/sub/sub.go": "package sub\n", "example.com/orig/sub/data.txt": "x\n", "example.com/orig/testdata/t.go": "package t\n",
				"evil.example/x/x.go": "package x\n", "evil.example/y/tool.go": "//go:build ignore\n\npackage main\n", "notes.txt": "x\n",
			},
			want: []string{
				"added evil.example/y/tool.go", "added example.com/orig/testdata/t.go", "added notes.txt",
				"unlisted evil.example/x", "unlisted example.com/orig/sub",
			},
		},
		{
			name:   "missing",
			remove: []string{"example.com/plain/a/b/c/c.go", "example.com/plain/a/b/PATENTS", "example.com/embed/one.txt", "example.com/compat"},
			want: []string{
				"missing example.com/compat/compat.go code", "missing example.com/embed/one.txt code", "missing example.com/plain/a/b/PATENTS",
				"missing example.com/plain/a/b/c/c.go code",
			},
		},
		{
			name:   "links",
			remove: []string{"example.com/plain/block.go", "example.com/over/x/deep"},
			link:   map[string]string{"example.com/plain/block.go": "never.go", "example.com/over/x/deep": "../..", "example.com/orig/more.go": "/etc/passwd"},
			want:   []string{"irregular example.com/orig/more.go code", "irregular example.com/over/x/deep code", "irregular example.com/plain/block.go code"},
		},
		{
			name:    "a module without content",
			unknown: "example.com/plain",
			write: map[string]string{
				"example.com/plain/never.go": "package x\n", "example.com/plain/new.go": "package x\n", "example.com/plain/a/b/c/d/x": "x\n",
				"example.com/plain/a/LICENSE": "x\n", "example.com/plain/z/z.go": "package z\n", "example.com/plain/z/tool.txt": "z\n",
				"example.com/orig/orig.go": "package org\n",
			},
			want: []string{"modified example.com/orig/orig.go:1 code"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			vendor := filepath.Join(t.TempDir(), "vendor")
			l.check(os.CopyFS(vendor, os.DirFS(filepath.Join(dir, "vendor"))))
			for _, name := range tt.remove {
				l.check(os.RemoveAll(filepath.Join(vendor, filepath.FromSlash(name))))
			}
			l.write(vendor, tt.write)
			for name, target := range tt.link {
				if err := os.Symlink(target, filepath.Join(vendor, filepath.FromSlash(name))); err != nil {
					t.Skipf("no symbolic links here: %v", err)
				}
			}
			modules := l.modules(dir, false)
			for i := range modules {
				if modules[i].Path == tt.unknown {
					modules[i].Open = nil
				}
			}
			if got := told(l.compare(vendor, goLine, modules)); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestLines: the line that differs is said as it is.
func TestLines(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	dir := l.app("1.26")
	l.write(filepath.Join(dir, "vendor"), map[string]string{"example.com/plain/never.go": "//go:build !ignore\n\npackage " + strings.Repeat("x", 500) + "\n"})
	d := l.compare(filepath.Join(dir, "vendor"), "1.26", l.modules(dir, true)).Differences[0]
	if want := "package " + strings.Repeat("x", maxLine-len("package ")); d.Is != want || d.Want != "package plain" || d.Line != 3 {
		t.Errorf("got %+v", d)
	}
}

// TestForeignPackages: a package that the module does not have.
func TestForeignPackages(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	dir := l.app("1.26")
	l.write(filepath.Join(dir, "vendor"), map[string]string{"example.com/compat/new/new.go": "package x\n", "example.com/compat/new/readme": "x\n"})
	modules := l.modules(dir, false)
	i := slices.IndexFunc(modules, func(m Module) bool { return m.Path == "example.com/compat" })
	modules[i].Packages = append(modules[i].Packages, "example.com/compat/new", "elsewhere.example/x")
	r := l.compare(filepath.Join(dir, "vendor"), "1.26", modules)
	if got, want := r.Modules[i].Foreign, []string{"elsewhere.example/x", "example.com/compat/new"}; !slices.Equal(got, want) {
		t.Errorf("foreign: got %q, want %q", got, want)
	}
	want := []string{"added example.com/compat/new/new.go code", "added example.com/compat/new/readme code"}
	if got := told(r); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestErrors: what cannot be found out is an error of its module alone.
func TestErrors(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	dir := l.app("1.26")
	modules := l.modules(dir, false)
	broken := errors.New("broken")
	for i := range modules {
		switch modules[i].Path {
		case "example.com/plain":
			modules[i].Open = func() (fs.FS, io.Closer, error) { return nil, nil, broken }
		case "example.com/embed":
			bad := l.TempDir()
			l.write(bad, map[string]string{"embed.go": "package embed\n\nimport _ \"embed\"\n\n//go:embed nothing\nvar X string\n", "tests/tests.go": "package tests\n"})
			modules[i].Open = func() (fs.FS, io.Closer, error) { return os.DirFS(bad), io.NopCloser(nil), nil }
		}
	}
	r := l.compare(filepath.Join(dir, "vendor"), "1.26", modules)
	for i, m := range r.Modules {
		switch modules[i].Path {
		case "example.com/plain":
			if len(m.Errs) != 1 || !errors.Is(m.Errs[0], broken) || m.Files != 0 || m.OnDisk == 0 {
				t.Errorf("plain: %+v", m)
			}
		case "example.com/embed":
			if len(m.Errs) != 1 || !strings.Contains(m.Errs[0].Error(), "no matching files found") {
				t.Errorf("embed: %v", m.Errs)
			}
		default:
			if len(m.Errs) != 0 || m.Files != m.Equal {
				t.Errorf("%s: %+v", modules[i].Path, m)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	root, err := os.OpenRoot(filepath.Join(dir, "vendor"))
	l.check(err)
	defer root.Close()
	listing, err := List(t.Context(), root)
	l.check(err)
	if _, err := Compare(ctx, Options{Vendor: root, Listing: listing, Modules: modules}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := List(ctx, root); !errors.Is(err, context.Canceled) {
		t.Errorf("List cancelled: %v", err)
	}
}

// TestEmbedErrors: what go:embed refuses is refused, a file that is too large to be
// read as a whole too.
func TestEmbedErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := &lab{T: t, dir: dir}
	l.write(dir, map[string]string{"a/x": "x", "n/go.mod": "module n\n", "n/x": "x", "e/.hidden": "x", "b/bad:name": "x", "big/big.go": "package big\n"})
	l.check(os.Truncate(filepath.Join(dir, "big", "big.go"), maxGoFile+1))
	fsys := os.DirFS(dir)
	for _, tt := range []struct{ pattern, want string }{
		{"a", ""}, {"a/*", ""}, {"all:e", ""}, {"none", "no matching files found"}, {"n/x", "in different module"}, {"n", "in different module"},
		{"e", "contains no embeddable files"}, {"b", "invalid name bad:name"}, {"b/*", "invalid name bad:name"}, {"../a", "invalid pattern syntax"},
		{".", "invalid pattern syntax"}, {"[", "invalid pattern syntax"},
	} {
		_, err := resolveEmbed(fsys, ".", []string{tt.pattern})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.pattern, err, tt.want)
		}
	}
	if _, err := embedPatterns(fsys, "big", false); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a large file: %v", err)
	}
	if p, err := embedPatterns(fsys, "a", false); err != nil || len(p) > 0 {
		t.Errorf("no Go files: %q, %v", p, err)
	}
}

// TestBounded: the differences of a module are bounded, and counted.
func TestBounded(t *testing.T) {
	t.Parallel()
	r := &Result{Modules: make([]Comparison, 1)}
	for range MaxDifferences + 7 {
		r.Differences = append(r.Differences, Difference{Kind: Added, Module: -1}, Difference{Kind: Added})
	}
	r.bound()
	if len(r.Differences) != 2*MaxDifferences || r.Dropped != 7 || r.Modules[0].Dropped != 7 {
		t.Errorf("kept %d, dropped %d and %d", len(r.Differences), r.Dropped, r.Modules[0].Dropped)
	}
}
