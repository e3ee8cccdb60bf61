package vendortree

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/gopreflight/gopreflight/internal/vendored"
)

// long is a comment that no buffer holds.
var long = strings.Repeat("// a licence that goes on and on and says the same again\n", 3000)

// published are modules with all that go mod vendor treats in its own way.
var published = map[string]map[string]string{
	"example.com/plain@v1.0.0": {
		"go.mod": "module example.com/plain\n\ngo 1.16\n", "go.sum": "", "plain.go": "package plain\n", "plain_test.go": "package plain\n",
		"README.md": "hello\n", "Makefile": "all:\n", "_skipped.go": "package no\n", ".hidden.go": "package no\n", ".travis.yml": "x\n",
		"LICENSE": "licence\n", "testdata/x.go": "package x\n", "testdata/LICENSE": "no\n", "script.sh": "#!/bin/sh\n",
		"tool.go":                "//go:build ignore\n\npackage main\n",
		"old.go":                 "// +build ignore\n\npackage main\n",
		"both.go":                "//go:build ignore && linux\n\npackage main\n",
		"either.go":              "//go:build ignore || linux\n\npackage plain\n",
		"never.go":               "//go:build !ignore\n\npackage plain\n",
		"not.go":                 "//go:build !(linux && ignore)\n\npackage plain\n",
		"doc.go":                 "// +build ignore\npackage plain\n", // no blank line: a comment
		"block.go":               "/* text */ // +build ignore\n\npackage plain\n",
		"inblock.go":             "/*\n//go:build ignore\n*/\n\npackage plain\n",
		"twice.go":               "//go:build linux\n//go:build windows\n\npackage plain\n",
		"broken.go":              "//go:build linux &&\n\npackage plain\n",
		"bom.go":                 "\ufeff//go:build ignore\n\npackage main\n",
		"crlf.go":                "//go:build ignore\r\n\r\npackage main\r\n",
		"crlfkept.go":            "package plain\r\n\r\nvar X = `\r\n`\r\n",
		"tagged.go":              "// +build linux,!windows foo\n// +build !bar\n\npackage plain\n",
		"long.go":                long + "\npackage plain\n\nimport _ \"example.com/deep/a/b\"\n",
		"longtool.go":            long + "\n//go:build ignore\n\npackage main\n",
		"big.txt":                strings.Repeat("0123456789\n", 20000),
		"plain_windows.go":       "package plain\n",
		"a/b/c/c.go":             "package c\n",
		"a/b/PATENTS":            "patents\n",
		"a/NOTICE.txt":           "notice\n",
		"a/LICENSES/MIT":         "not copied, as LICENSES is a folder\n",
		"a/README":               "not copied\n",
		"unused/unused.go":       "package unused\n",
		"onlyignored/gen.go":     "//go:build ignore\n\npackage main\n",
		"internal/in/in.go":      "package in\n",
		"nested/go.mod":          "module example.com/plain/nested\n",
		"nested/nested.go":       "package nested\n",
		"vendor/x.org/y/y.go":    "package y\n",
		"a/b/c/LICENSE_test.go":  "package c\n",
		"a/b/AUTHORS_test.go":    "package b\n",
		"a/b/c/go.sum":           "not ours\n",
		"a/b/c/zz_generated.go":  "// Code generated. DO NOT EDIT.\n\npackage c\n",
		"a/b/c/data.unknown.ext": "x",
	},
	"example.com/deep@v1.0.0": {
		"go.mod": "module example.com/deep\n\ngo 1.16\n", "COPYING": "copying\n", "a/COPYRIGHT": "c\n", "a/b/b.go": "package b\n",
	},
	"example.com/embed@v1.0.0": {
		"go.mod": "module example.com/embed\n\ngo 1.16\n",
		"embed.go": `package embed

import (
	"embed"
	_ "example.com/embed/tests"
)

//go:embed data *.tmpl one.txt "odd name.txt"
//go:embed all:hidden
var FS embed.FS
`,
		"x.tmpl": "x\n", "one.txt": "1\n", "odd name.txt": "2\n", "data/a.txt": "a\n", "data/b/c.txt": "c\n", "data/_no.txt": "n\n", "data/.no": "n\n",
		"data/b/.no/x": "n\n", "data/code/code.go": "package code\n", "data/code/code_test.go": "package code\n", "data/testdata/t.txt": "t\n",
		"data/tool.go": "//go:build ignore\n\npackage main\n", "hidden/.yes": "y\n", "hidden/_yes/.z": "z\n",
		"tool.go": "//go:build ignore\n\npackage main\n\nimport _ \"embed\"\n\n//go:embed onlytool.dat\nvar X string\n", "onlytool/x.dat": "x\n",
		"onlytool.dat":          "o\n",
		"tests/tests.go":        "package tests\n",
		"tests/tests_test.go":   "package tests\n\nimport _ \"embed\"\n\n//go:embed testdata/in.txt\nvar X string\n",
		"tests/x_test.go":       "package tests_test\n\nimport \"embed\"\n\n//go:embed testdata/out\nvar X embed.FS\n",
		"tests/testdata/in.txt": "in\n", "tests/testdata/out/a": "a\n", "tests/testdata/none": "n\n",
	},
	"example.com/several@v1.0.0": {
		"go.mod":     "module example.com/several\n\ngo 1.16\n",
		"a_linux.go": "package one\n\nimport _ \"embed\"\n\n//go:embed d/x\nvar X string\n",
		"b_plan9.go": "package two\n",
		"c.go":       "package one\n",
		"d/x":        "x\n",
		"d/LICENSE":  "l\n",
	},
	"example.com/cgo@v1.0.0": {
		"go.mod": "module example.com/cgo\n\ngo 1.16\n", "cgo.go": "package cgo\n\n// #include \"x.inc\"\nimport \"C\"\n",
		"x.c": "int x;\n", "x.h": "int x;\n", "x.inc": "int y;\n", "lib.a": "!<arch>\n", "asm_amd64.s": "TEXT x\n", "r.syso": "\x00\x01", "doc.md": "d\n",
	},
	"example.com/over@v1.0.0": {
		"go.mod": "module example.com/over\n\ngo 1.16\n", "over.go": "package over\n", "x/LICENSE": "of over\n", "x/NOTICE": "of over\n", "x/deep/deep.go": "package deep\n",
	},
	"example.com/over/x@v1.0.0": {
		"go.mod": "module example.com/over/x\n\ngo 1.16\n", "x.go": "package x\n", "LICENSE": "of x\n",
	},
	"github.com/Azure/ThinG@v1.0.0-RC1": {
		"go.mod": "module github.com/Azure/ThinG\n\ngo 1.16\n", "Sub/sub.go": "package sub\n", "Sub/UPPER.TXT": "u\n", "LICENSE.md": "l\n",
	},
	"example.com/compat@v2.0.0+incompatible": {"compat.go": "package compat\n", "v2/v2.go": "package v2\n"},
	"example.com/fork@v1.1.0":                {"go.mod": "module example.com/orig\n\ngo 1.16\n", "orig.go": "package orig\n", "LICENSE": "fork\n"},
	"example.com/tool@v1.0.0":                {"go.mod": "module example.com/tool\n\ngo 1.16\n", "cmd/x/main.go": "package main\n\nimport _ \"example.com/tool/lib\"\n", "lib/lib.go": "package lib\n"},
}

// local is a directory that replaces a module.
var local = map[string]string{
	"go.mod": "module example.com/local\n\ngo 1.16\n", "local.go": "package local\n\nimport _ \"embed\"\n\n//go:embed e/*\nvar X []byte\n",
	"local_test.go": "package local\n", "e/x": "x\n", "nested/go.mod": "module example.com/local/nested\n", "nested/n.go": "package n\n",
	"vendor/y/y.go": "package y\n", "LICENSE": "l\n", "sub/sub.go": "package sub\n", "sub/ignored.go": "//go:build ignore\n\npackage main\n",
}

// app is a main module that uses it all; GO stands for its go line.
var app = map[string]string{
	"go.mod": `module example.com/app

go GO

require (
	example.com/cgo v1.0.0
	example.com/compat v2.0.0+incompatible
	example.com/deep v1.0.0
	example.com/embed v1.0.0
	example.com/local v0.0.0
	example.com/orig v1.0.0
	example.com/over v1.0.0
	example.com/over/x v1.0.0
	example.com/plain v1.0.0
	example.com/several v1.0.0
	github.com/Azure/ThinG v1.0.0-RC1
)

replace example.com/orig => example.com/fork v1.1.0

replace example.com/local => ../local

replace example.com/unused v1.2.3 => example.com/fork v1.1.0
`,
	"app.go": `package app

import (
	"fmt"
	_ "example.com/app/sub"
	_ "example.com/compat"
	_ "example.com/embed"
	_ "example.com/local"
	_ "example.com/orig"
	_ "example.com/over"
	_ "example.com/over/x"
	_ "example.com/over/x/deep"
	_ "example.com/plain"
	_ "github.com/Azure/ThinG/Sub"
)

var _ = fmt.Sprint
`,
	"sub/sub.go":         "package sub\n",
	"sub/sub_test.go":    "package sub_test\n\nimport _ \"example.com/plain/a/b/c\"\n",
	"sub/plan9_plan9.go": "package sub\n\nimport _ \"example.com/cgo\"\n",
	"tools.go":           "//go:build tools\n\npackage tools\n\nimport _ \"example.com/several\"\n",
	"gen.go":             "//go:build ignore\n\npackage main\n\nimport _ \"example.com/plain/unused\"\n",
	"testdata/t.go":      "package t\n\nimport _ \"example.com/plain/unused\"\n",
	"_no/t.go":           "package t\n\nimport _ \"example.com/plain/unused\"\n",
	"other/go.mod":       "module example.com/other\n",
	"other/t.go":         "package t\n\nimport _ \"example.com/plain/unused\"\n",
}

// A lab is a module proxy on disk, a cache, and a place for main modules.
type lab struct {
	*testing.T
	dir, proxy, cache string
}

func newLab(t *testing.T) *lab {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	l := &lab{T: t, dir: t.TempDir()}
	l.proxy, l.cache = filepath.Join(l.dir, "proxy"), filepath.Join(l.dir, "cache")
	for id, files := range published {
		l.publish(id, files)
	}
	l.write(filepath.Join(l.dir, "local"), local)
	if err := os.Symlink("local.go", filepath.Join(l.dir, "local", "link.go")); err != nil {
		t.Log(err)
	}
	return l
}

func (l *lab) publish(id string, files map[string]string) {
	l.Helper()
	path, version, _ := strings.Cut(id, "@")
	src := l.TempDir()
	l.write(src, files)
	escPath, err := module.EscapePath(path)
	l.check(err)
	escVersion, err := module.EscapeVersion(version)
	l.check(err)
	mod := files["go.mod"]
	if mod == "" {
		mod = "module " + path + "\n"
	}
	var zipped bytes.Buffer
	l.check(modzip.CreateFromDir(&zipped, module.Version{Path: path, Version: version}, src))
	l.write(filepath.Join(l.proxy, filepath.FromSlash(escPath), "@v"), map[string]string{
		escVersion + ".mod": mod, escVersion + ".zip": zipped.String(), "list": version + "\n",
		escVersion + ".info": fmt.Sprintf(`{"Version":%q}`, version),
	})
}

func (l *lab) check(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *lab) write(dir string, files map[string]string) {
	l.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		l.check(os.MkdirAll(filepath.Dir(file), 0o777))
		l.check(os.WriteFile(file, []byte(text), 0o666))
	}
}

// run runs the go command.
func (l *lab) run(dir string, args ...string) {
	l.Helper()
	home := filepath.Join(l.dir, "home")
	l.write(home, map[string]string{"go/telemetry/mode": "off"})
	cmd := exec.CommandContext(l.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "GOENV=off", "GOPATH="+home, "GOMODCACHE="+l.cache, "GO_TELEMETRY_CHILD=2",
		"GOPROXY=file://"+filepath.ToSlash(l.proxy), "GOSUMDB=off", "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local", "GOWORK=", "GO111MODULE=", "GONOPROXY=", "GOPRIVATE=")
	if out, err := cmd.CombinedOutput(); err != nil {
		l.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// app makes a main module with a go line and vendors it.
func (l *lab) app(goLine string) string {
	l.Helper()
	dir := filepath.Join(l.dir, "app "+goLine)
	files := maps.Clone(app)
	files["go.mod"] = strings.Replace(files["go.mod"], "GO", goLine, 1)
	l.write(dir, files)
	l.run(dir, "mod", "tidy", "-e")
	l.run(dir, "mod", "vendor")
	return dir
}

// text is the modules.txt of a vendored folder.
func (l *lab) text(dir string) *vendored.File {
	l.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "vendor", "modules.txt"))
	l.check(err)
	f, err := vendored.Parse(data)
	l.check(err)
	return f
}

// modules are the modules of a vendored folder with their content from the
// cache, as folders or as zips.
func (l *lab) modules(dir string, zips bool) []Module {
	l.Helper()
	var modules []Module
	for _, m := range l.text(dir).Modules {
		if len(m.Packages) == 0 {
			continue
		}
		origin := m.Version
		if m.Replacement.Path != "" {
			origin = m.Replacement
		}
		v := Module{Path: m.Path, Open: func() (fs.FS, io.Closer, error) { return l.open(dir, origin, zips) }}
		for _, p := range m.Packages {
			v.Packages = append(v.Packages, p.Path)
		}
		modules = append(modules, v)
	}
	return modules
}

func (l *lab) open(dir string, origin module.Version, zips bool) (fs.FS, io.Closer, error) {
	name := filepath.Join(dir, origin.Path)
	if origin.Version != "" {
		escPath, err := module.EscapePath(origin.Path)
		l.check(err)
		escVersion, err := module.EscapeVersion(origin.Version)
		l.check(err)
		if zips {
			z, err := zip.OpenReader(filepath.Join(l.cache, "cache", "download", escPath, "@v", escVersion+".zip"))
			if err != nil {
				return nil, nil, err
			}
			content, err := fs.Sub(z, origin.Path+"@"+origin.Version)
			return content, z, err
		}
		name = filepath.Join(l.cache, escPath+"@"+escVersion)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, nil, err
	}
	return root.FS(), root, nil
}

// compare compares a vendor folder with modules.
func (l *lab) compare(vendor, goLine string, modules []Module) *Result {
	l.Helper()
	root, err := os.OpenRoot(vendor)
	l.check(err)
	defer root.Close()
	listing, err := List(l.Context(), root)
	l.check(err)
	r, err := Compare(l.Context(), Options{Vendor: root, Listing: listing, Modules: modules, Rules: Rules{GoLine: goLine}})
	l.check(err)
	return r
}

// told is each difference in a line.
func told(r *Result) []string {
	var lines []string
	names := [...]string{"", "modified", "endings", "missing", "added", "irregular"}
	for _, d := range r.Differences {
		line := names[d.Kind] + " " + d.Path
		if d.Line > 0 {
			line += fmt.Sprintf(":%d", d.Line)
		}
		if d.Code {
			line += " code"
		}
		lines = append(lines, line)
	}
	for _, dir := range r.Unlisted {
		lines = append(lines, "unlisted "+dir)
	}
	slices.Sort(lines)
	return lines
}
