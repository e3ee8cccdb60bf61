package buildlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// hostCache is the build cache of whoever runs the tests, so that the standard
// library is not compiled for every test.
var hostCache = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	return strings.TrimSpace(string(out)), err
})

// build runs the real go build ./... in a module with these files, in an
// environment of its own, and returns its two streams. It must fail.
func build(t *testing.T, files map[string]string, jsonMode bool, env ...string) (dir string, stdout, stderr []byte) {
	t.Helper()
	cache, err := hostCache()
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "src")
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"build", "-buildvcs=false", "-o", os.DevNull}
	if jsonMode {
		args = append(args, "-json")
	}
	cmd := exec.Command("go", append(args, "./...")...)
	cmd.Dir = dir
	home := t.TempDir()
	cmd.Env = append(cmd.Environ(), append([]string{
		"HOME=" + home, "GO_TELEMETRY_CHILD=2", "XDG_CONFIG_HOME=" + home, "GOENV=off", "GOWORK=off", "GOPATH=" + filepath.Join(home, "go"), "GOMODCACHE=" + filepath.Join(home, "mod"),
		"GOCACHE=" + cache, "GOTOOLCHAIN=local", "GOFLAGS=-modcacherw", "GOPROXY=off", "GOVCS=*:off", "CGO_ENABLED=0", "LC_ALL=C",
	}, env...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); !errors.As(err, new(*exec.ExitError)) {
		t.Fatalf("go build: got %v, want a failure", err)
	}
	return dir, out.Bytes(), errs.Bytes()
}

const gomod = "module example.com/m\n\ngo 1.24\n"

// TestParseRealBuilds breaks modules in the ways that a user does and reads
// what the real go command says about each, in both forms.
func TestParseRealBuilds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		files    map[string]string
		env      []string
		compiler string // which the test needs
		packages []Package
		loose    []Diagnostic // DIR stands for the module's directory
	}{
		{
			name:  "syntax error",
			files: map[string]string{"a.go": "package a\n\nfunc f( {\n"},
			packages: []Package{{ImportPath: "example.com/m", Diagnostics: []Diagnostic{
				{File: "./a.go", Line: 3, Column: 9, Message: "syntax error: unexpected {, expected )", Compile: true}}}},
		},
		{
			name: "type errors with further lines, in a directory",
			files: map[string]string{
				"sub/s.go": "package sub\n\nimport \"os\"\n\nfunc F() { return 1 }\n"},
			packages: []Package{{ImportPath: "example.com/m/sub", Diagnostics: []Diagnostic{
				{File: "sub/s.go", Line: 3, Column: 8, Message: `"os" imported and not used`, Compile: true},
				{File: "sub/s.go", Line: 5, Column: 19, Message: "too many return values", More: []string{"\thave (number)", "\twant ()"}, Compile: true}}}},
		},
		{
			name: "too many errors",
			files: map[string]string{"a.go": "package a\n\nvar (\n" +
				strings.Repeat("\t_ int = undefined\n", 12) + ")\n"},
			packages: []Package{{ImportPath: "example.com/m", TooMany: true, Diagnostics: func() (all []Diagnostic) {
				for i := range 10 {
					all = append(all, Diagnostic{File: "./a.go", Line: 4 + i, Column: 10, Message: "undefined: undefined", Compile: true})
				}
				return all
			}()}},
		},
		{
			name:  "missing import",
			files: map[string]string{"main.go": "package main\n\nimport _ \"example.com/absent/pkg\"\n\nfunc main() {}\n"},
			loose: []Diagnostic{{Package: "example.com/absent/pkg", File: "main.go", Line: 3, Column: 8,
				Message: "no required module provides package example.com/absent/pkg; to add it:", More: []string{"\tgo get example.com/absent/pkg"}}},
		},
		{
			name:  "import that is not in std",
			files: map[string]string{"main.go": "package main\n\nimport _ \"nosuch/std\"\n\nfunc main() {}\n"},
			loose: []Diagnostic{{Package: "nosuch/std", File: "main.go", Line: 3, Column: 8,
				Message: "package nosuch/std is not in std (GOROOT/src/nosuch/std)"}},
		},
		{
			name: "missing go.sum entry",
			files: map[string]string{
				"go.mod":  gomod + "\nrequire example.com/dep v1.0.0\n",
				"main.go": "package main\n\nimport _ \"example.com/dep\"\n\nfunc main() {}\n"},
			loose: []Diagnostic{{Package: "example.com/dep", File: "main.go", Line: 3, Column: 8,
				Message: "missing go.sum entry for module providing package example.com/dep (imported by example.com/m); to add:",
				More:    []string{"\tgo get example.com/m"}}},
		},
		{
			name: "import cycle",
			files: map[string]string{
				"a/a.go": "package a\n\nimport _ \"example.com/m/b\"\n",
				"b/b.go": "package b\n\nimport _ \"example.com/m/a\"\n"},
			loose: []Diagnostic{{Package: "example.com/m/a", Message: "import cycle not allowed", Compile: true, More: []string{
				"\timports example.com/m/b from a.go", "\timports example.com/m/a from b.go: import cycle not allowed"}}},
		},
		{
			name: "internal package of another tree",
			files: map[string]string{
				"p/p.go":            "package p\n\nimport _ \"example.com/m/q/internal/r\"\n",
				"q/internal/r/r.go": "package r\n"},
			loose: []Diagnostic{{Package: "example.com/m/p", File: "p/p.go", Line: 3, Column: 8, Compile: true,
				Message: "use of internal package example.com/m/q/internal/r not allowed",
				More:    []string{"\tp/p.go:3:8: use of internal package example.com/m/q/internal/r not allowed"}}},
		},
		{
			name:     "cgo without a compiler",
			files:    map[string]string{"main.go": "package main\n\n// int f(void) { return 1; }\nimport \"C\"\n\nfunc main() { C.f() }\n"},
			env:      []string{"CGO_ENABLED=1", "CC=/nonexistent/cc"},
			packages: []Package{{ImportPath: "runtime/cgo", Diagnostics: []Diagnostic{{Message: `cgo: C compiler "/nonexistent/cc" not found: exec: "/nonexistent/cc": stat /nonexistent/cc: no such file or directory`}}}},
		},
		{
			name:     "C header that is not installed",
			files:    map[string]string{"a.go": "package a\n\n// #include <nosuchheader.h>\nimport \"C\"\n\nvar x C.int\n"},
			env:      []string{"CGO_ENABLED=1"},
			compiler: "gcc",
			packages: []Package{{ImportPath: "example.com/m", Diagnostics: []Diagnostic{
				{File: "./a.go", Line: 3, Column: 11, Message: "fatal error: nosuchheader.h: No such file or directory"}}}},
		},
		{
			name:  "embed pattern without a match",
			files: map[string]string{"a.go": "package a\n\nimport _ \"embed\"\n\n//go:embed nothing*.txt\nvar s string\n"},
			loose: []Diagnostic{{Package: "example.com/m", File: "a.go", Line: 5, Column: 12, Compile: true,
				Message: "pattern nothing*.txt: no matching files found"}},
		},
		{
			name:  "two packages in a directory",
			files: map[string]string{"a.go": "package a\n", "b.go": "package b\n"},
			loose: []Diagnostic{{Package: "example.com/m", File: "DIR/a.go", Compile: true,
				Message: "found packages a (a.go) and b (b.go) in DIR"}},
		},
		{
			name: "all files excluded",
			files: map[string]string{
				"main.go":   "package main\n\nimport _ \"example.com/m/sub\"\n\nfunc main() {}\n",
				"sub/s.go":  "//go:build never\n\npackage sub\n",
				"ok/doc.go": "package ok\n"},
			loose: []Diagnostic{{Package: "example.com/m", Message: "build constraints exclude all Go files in DIR/sub", More: []string{
				"\timports example.com/m/sub: build constraints exclude all Go files in DIR/sub"}}},
		},
		{
			name:  "no package clause",
			files: map[string]string{"a.go": "packge a\n"},
			loose: []Diagnostic{{Package: "example.com/m", File: "a.go", Line: 1, Column: 1, Compile: true,
				Message: "expected 'package', found packge"}},
		},
		{
			name:  "no function main",
			files: map[string]string{"a.go": "package main\n"},
			packages: []Package{{ImportPath: "example.com/m", Diagnostics: []Diagnostic{
				{Message: "runtime.main_main·f: function main is undeclared in the main package", Compile: true}}}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && slices.Contains(test.env, "CC=/nonexistent/cc") {
				t.Skip("that is no absolute path here")
			}
			if test.compiler != "" {
				if _, err := exec.LookPath(test.compiler); err != nil {
					t.Skipf("needs %s", test.compiler)
				}
			}
			if test.files["go.mod"] == "" {
				test.files["go.mod"] = gomod
			}
			for _, mode := range []struct {
				name     string
				jsonMode bool
			}{{"plain", false}, {"json", true}} {
				dir, stdout, stderr := build(t, test.files, mode.jsonMode, test.env...)
				got := Parse(stdout, stderr, mode.jsonMode)
				generic(&got, dir)
				if test.compiler != "" { // it draws the place in its own way
					for i := range got.Packages[0].Diagnostics {
						got.Packages[0].Diagnostics[i].More = nil
					}
				}
				want := Log{Packages: test.packages, Loose: test.loose}
				if !mode.jsonMode {
					want.Loose = plain(test.loose)
				}
				if !reflect.DeepEqual(got.Packages, want.Packages) || !reflect.DeepEqual(got.Loose, want.Loose) || got.Other != "" || got.Dropped != 0 {
					t.Errorf("%s: got\n%s\nwant\n%s\nfrom\n%s%s", mode.name, show(got), show(want), stdout, stderr)
				}
			}
		})
	}
}

// generic makes what names the test's own directory and GOROOT comparable, and
// paths on Windows.
func generic(l *Log, dir string) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		real = dir
	}
	r := strings.NewReplacer(real, "DIR", dir, "DIR")
	for _, p := range l.Packages {
		for i := range p.Diagnostics {
			p.Diagnostics[i].File = filepath.ToSlash(p.Diagnostics[i].File)
		}
	}
	for i := range l.Loose {
		d := &l.Loose[i]
		d.File, d.Message = filepath.ToSlash(r.Replace(d.File)), filepath.ToSlash(r.Replace(d.Message))
		if at := strings.Index(d.Message, " is not in std ("); at >= 0 {
			d.Message = d.Message[:at] + " is not in std (GOROOT" + d.Message[strings.LastIndex(d.Message, "/src/"):]
		}
		for j := range d.More {
			d.More[j] = filepath.ToSlash(r.Replace(d.More[j]))
		}
	}
}

// plain takes out what only the events say: the import path of a message that
// does not begin with one.
func plain(loose []Diagnostic) []Diagnostic {
	var all []Diagnostic
	for _, d := range loose {
		chained := len(d.More) > 0 && (strings.Contains(d.More[0], "imports ") || strings.Contains(d.More[0], d.Message))
		if !chained {
			d.Package = ""
		}
		all = append(all, d)
	}
	return all
}

func show(l Log) string {
	data, err := json.MarshalIndent(l, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func TestParseFatal(t *testing.T) {
	t.Parallel()
	for _, jsonMode := range []bool{false, true} {
		_, stdout, stderr := build(t, map[string]string{"go.mod": "module example.com/m\n\nbogus\n", "a.go": "package a\n"}, jsonMode)
		got := Parse(stdout, stderr, jsonMode)
		want := []Diagnostic{{File: "go.mod", Line: 3, Message: "unknown directive: bogus"}}
		if !reflect.DeepEqual(got.Loose, want) || got.Other != "go: errors parsing go.mod:\n" || len(got.Packages) != 0 {
			t.Errorf("json %v: got %s", jsonMode, show(got))
		}
		if want := "go: errors parsing go.mod:\ngo.mod:3: unknown directive: bogus\n"; got.Text != want {
			t.Errorf("json %v: got text %q, want %q", jsonMode, got.Text, want)
		}
	}
}

func TestParseText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       Log
	}{
		{"nothing", "", Log{}},
		{"progress", "go: downloading example.com/lib v1.0.0\n", Log{Other: "go: downloading example.com/lib v1.0.0\n"}},
		{"absolute, upward and Windows files", "# example.com/a\n/go/pkg/mod/x@v1.0.0/x.go:1:2: a\n../up.go:3: b\nC:\\src\\a b.go:4:5: c\n.\\w.go:6:7: d\n<autogenerated>:1: e\n",
			Log{Packages: []Package{{ImportPath: "example.com/a", Diagnostics: []Diagnostic{
				{File: "/go/pkg/mod/x@v1.0.0/x.go", Line: 1, Column: 2, Message: "a", Compile: true},
				{File: "../up.go", Line: 3, Message: "b", Compile: true},
				{File: `C:\src\a b.go`, Line: 4, Column: 5, Message: "c", Compile: true},
				{File: `.\w.go`, Line: 6, Column: 7, Message: "d", Compile: true},
				{File: "<autogenerated>", Line: 1, Message: "e", Compile: true}}}}}},
		{"a share and a load error on Windows", "# example.com/a\n\\\\build\\src\\a.go:1:2: undefined: x\ngo: warning\n..\\cmd\\b.go:3:8: package nosuch is not in std (C:\\Program Files\\Go\\src\\nosuch)\nfound packages a (a.go) and b (b.go) in C:\\src\\two names\n",
			Log{
				Packages: []Package{{ImportPath: "example.com/a", Diagnostics: []Diagnostic{
					{File: `\\build\src\a.go`, Line: 1, Column: 2, Message: "undefined: x", Compile: true}}}},
				Loose: []Diagnostic{
					{File: `..\cmd\b.go`, Line: 3, Column: 8, Message: `package nosuch is not in std (C:\Program Files\Go\src\nosuch)`},
					{File: `C:\src\two names/a.go`, Message: `found packages a (a.go) and b (b.go) in C:\src\two names`, Compile: true}},
				Other: "go: warning\n"}},
		{"vet", "# example.com/a\n# [example.com/a]\nvet: ./a.go:3:39: declared and not used: y\n",
			Log{Packages: []Package{{ImportPath: "example.com/a", Diagnostics: []Diagnostic{
				{File: "./a.go", Line: 3, Column: 39, Message: "declared and not used: y", Compile: true}}}}}},
		{"a test variant is its package", "# example.com/a [example.com/a.test]\n./a_test.go:3:4: undefined: x\n# example.com/a\n./a.go:1:2: undefined: y\n",
			Log{Packages: []Package{{ImportPath: "example.com/a", Diagnostics: []Diagnostic{
				{File: "./a_test.go", Line: 3, Column: 4, Message: "undefined: x", Compile: true},
				{File: "./a.go", Line: 1, Column: 2, Message: "undefined: y", Compile: true}}}}}},
		{"C compiler", "# example.com/a\n./a.go: In function 'f':\n./a.go:3:23: error: 'x' undeclared\n    3 | return x;\n      |        ^\n./a.go:3:23: note: each undeclared identifier\n",
			Log{Packages: []Package{{ImportPath: "example.com/a", Diagnostics: []Diagnostic{
				{File: "./a.go", Line: 3, Column: 23, Message: "error: 'x' undeclared", Compile: true, More: []string{
					"./a.go: In function 'f':", "    3 | return x;", "      |        ^", "./a.go:3: note: each undeclared identifier"}}}}}}},
		{"linker", "# example.com/a\n/go/pkg/tool/linux_amd64/link: running gcc failed: exit status 1\n/usr/bin/ld: cannot find -lfoo: No such file or directory\ncollect2: error: ld returned 1 exit status\n\n",
			Log{Packages: []Package{{ImportPath: "example.com/a", Diagnostics: []Diagnostic{
				{Message: "/go/pkg/tool/linux_amd64/link: running gcc failed: exit status 1", More: []string{
					"/usr/bin/ld: cannot find -lfoo: No such file or directory", "collect2: error: ld returned 1 exit status"}}}}}}},
		{"undefined symbol", "# example.com/a\nmain.main: relocation target main.missing not defined\nmain.f: relocation target main.g not defined\n",
			Log{Packages: []Package{{ImportPath: "example.com/a", Diagnostics: []Diagnostic{
				{Message: "main.main: relocation target main.missing not defined", Compile: true},
				{Message: "main.f: relocation target main.g not defined", Compile: true}}}}}},
		{"tool of another release", "# internal/goarch\ncompile: version \"go1.22.12\" does not match go tool version \"go1.26.8\"\n",
			Log{Packages: []Package{{ImportPath: "internal/goarch", Diagnostics: []Diagnostic{
				{Message: `compile: version "go1.22.12" does not match go tool version "go1.26.8"`}}}}}},
		{"an import without export data", "# example.com/a\n./a.go:3:8: could not import example.com/b (open : no such file or directory)\n",
			Log{Packages: []Package{{ImportPath: "example.com/a", Diagnostics: []Diagnostic{
				{File: "./a.go", Line: 3, Column: 8, Message: "could not import example.com/b (open : no such file or directory)"}}}}}},
		{"a go: line ends a package's output", "# example.com/a\n./a.go:1:2: x\ngo: something else\n\tmore\n",
			Log{Packages: []Package{{ImportPath: "example.com/a", Diagnostics: []Diagnostic{
				{File: "./a.go", Line: 1, Column: 2, Message: "x", Compile: true}}}}, Other: "go: something else\n\tmore\n"}},
		{"a reason on the first line", "package example.com/a: build constraints exclude all Go files in /src\n",
			Log{Loose: []Diagnostic{{Package: "example.com/a", Message: "build constraints exclude all Go files in /src"}}}},
		{"a chain without a reason", "package example.com/a\n\timports example.com/b\n",
			Log{Loose: []Diagnostic{{Package: "example.com/a", Message: "package example.com/a", More: []string{"\timports example.com/b"}}}}},
		{"a module's trouble at an import", "main.go:3:8: example.com/lib@v1.0.0: replacement directory ../lib does not exist\n",
			Log{Loose: []Diagnostic{{File: "main.go", Line: 3, Column: 8, Message: "example.com/lib@v1.0.0: replacement directory ../lib does not exist"}}}},
		{"an output that ends early", "# example.com/a\n./a.go: In function 'f':\n",
			Log{Packages: []Package{{ImportPath: "example.com/a", Diagnostics: []Diagnostic{{Message: "./a.go: In function 'f':", More: []string{}}}}}}},
		{"carriage returns", "# example.com/a\r\n./a.go:1:2: x\r\n",
			Log{Packages: []Package{{ImportPath: "example.com/a", Diagnostics: []Diagnostic{
				{File: "./a.go", Line: 1, Column: 2, Message: "x", Compile: true}}}}}},
		{"numbers that are no position", "go: listening on 127.0.0.1:80: refused\nexample:1: no file\n",
			Log{Other: "go: listening on 127.0.0.1:80: refused\nexample:1: no file\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := Parse(nil, []byte(test.text), false)
			got.Text = ""
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", show(got), show(test.want))
			}
		})
	}
}

// TestParseEvents holds that packages which are built at the same time are told
// apart, and that text among the events is not lost.
func TestParseEvents(t *testing.T) {
	t.Parallel()
	stdout := `{"ImportPath":"example.com/b","Action":"build-output","Output":"# example.com/b\n"}
{"ImportPath":"example.com/a","Action":"build-output","Output":"# example.com/a\n"}
{"ImportPath":"example.com/b","Action":"build-output","Output":"b/b.go:1:2: too many return values\n\thave (n"}
{"ImportPath":"example.com/a","Action":"build-output","Output":"a/a.go:3:4: undefined: x\n"}
a wrapper said this
{"ImportPath":"example.com/b","Action":"build-output","Output":"umber)\n"}
{"ImportPath":"example.com/b","Action":"build-fail"}
{"ImportPath":"example.com/c","Action":"build-output","Output":"missing go.sum entry for module providing package example.com/c; to add:\n\tgo mod download example.com/c\n"}
{"ImportPath":"example.com/c","Action":"build-fail"}
{"broken
{"ImportPath":"example.com/a","Action":"build-fail"}
`
	got := Parse([]byte(stdout), []byte("go: downloading example.com/lib v1.0.0\n"), true)
	want := Log{
		Packages: []Package{
			{ImportPath: "example.com/b", Diagnostics: []Diagnostic{
				{File: "b/b.go", Line: 1, Column: 2, Message: "too many return values", More: []string{"\thave (number)"}, Compile: true}}},
			{ImportPath: "example.com/a", Diagnostics: []Diagnostic{
				{File: "a/a.go", Line: 3, Column: 4, Message: "undefined: x", Compile: true}}}},
		Loose: []Diagnostic{{Package: "example.com/c", Message: "missing go.sum entry for module providing package example.com/c; to add:",
			More: []string{"\tgo mod download example.com/c"}}},
		Other: "a wrapper said this\n{\"broken\ngo: downloading example.com/lib v1.0.0\n",
		Text: "# example.com/b\nb/b.go:1:2: too many return values\n\thave (number)\n# example.com/a\na/a.go:3:4: undefined: x\n" +
			"missing go.sum entry for module providing package example.com/c; to add:\n\tgo mod download example.com/c\n" +
			"a wrapper said this\n{\"broken\ngo: downloading example.com/lib v1.0.0\n",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", show(got), show(want))
	}
	if !got.Failed() {
		t.Error("Failed: got false")
	}
	if empty := (Log{Other: "x"}); empty.Failed() {
		t.Error("Failed of a log without diagnostics: got true")
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	const over = 7
	var text strings.Builder
	text.WriteString("# example.com/a\n./a.go:1:2: " + strings.Repeat("x", 2*maxLine) + "\n")
	text.WriteString(strings.Repeat("\tmore\n", 2*maxMore))
	got := Parse(nil, []byte(text.String()), false)
	first := got.Packages[0].Diagnostics[0]
	if n := len(first.Message); n > maxLine || n < maxLine/2 {
		t.Errorf("got a message of %d bytes, want about %d", n, maxLine)
	}
	if n := len(first.More); n != maxMore {
		t.Errorf("got %d further lines, want %d", n, maxMore)
	}

	text.Reset()
	for text.Len() < 2*maxText {
		text.WriteString("go: downloading example.com/lib v1.0.0\n")
	}
	got = Parse(nil, []byte(text.String()), false)
	if len(got.Text) > maxText || len(got.Other) > maxText {
		t.Errorf("got %d bytes of text and %d of other text, want at most %d", len(got.Text), len(got.Other), maxText)
	}

	text.Reset()
	for range maxDiagnostics + over {
		text.WriteString("x.go:1:2: some reason\n")
	}
	if got := Parse(nil, []byte(text.String()), false); len(got.Loose) != maxDiagnostics || got.Dropped != over {
		t.Errorf("got %d loose and %d dropped, want %d and %d", len(got.Loose), got.Dropped, maxDiagnostics, over)
	}

	text.Reset()
	for i := range maxDiagnostics + over {
		text.WriteString("# example.com/p" + strconv.Itoa(i) + "\n\tindented\nunplaced\n")
	}
	if got := Parse(nil, []byte(text.String()), false); len(got.Packages) != maxDiagnostics || got.Dropped != over || len(got.Loose) != 0 {
		t.Errorf("got %d packages, %d loose and %d dropped, want %d, 0 and %d", len(got.Packages), len(got.Loose), got.Dropped, maxDiagnostics, over)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(""), []byte("# example.com/a\n./a.go:1:2: x\n\tmore\nlast:\n"), false)
	f.Add([]byte(`{"ImportPath":"a","Action":"build-output","Output":"# a\n./a.go:1:2: x\n"}`), []byte("go: x\n"), true)
	f.Add([]byte(""), []byte("package a\n\timports b from a.go\n\timports a: import cycle not allowed\nfound packages a (a.go) and b (b.go) in /x\n"), false)
	f.Add([]byte("package a\n# b\ngo: c\n \n"), []byte("\xff:1:2: x"), true)
	f.Fuzz(func(t *testing.T, stdout, stderr []byte, jsonMode bool) {
		l := Parse(stdout, stderr, jsonMode)
		n := len(l.Loose)
		for _, d := range l.Loose {
			if d.Message == "" && len(d.More) == 0 {
				t.Fatalf("a diagnostic that says nothing: %+v", l)
			}
		}
		for _, p := range l.Packages {
			if p.ImportPath == "" {
				t.Fatalf("a package without a path: %+v", l)
			}
			n += len(p.Diagnostics)
			for _, d := range p.Diagnostics {
				if d.Message == "" || d.Compile && d.File != "" && d.Line == 0 {
					t.Fatalf("an odd diagnostic: %+v", d)
				}
			}
		}
		if n > maxDiagnostics || len(l.Text) > maxText || len(l.Other) > maxText {
			t.Fatalf("over the bounds: %d diagnostics, %d bytes, %d bytes", n, len(l.Text), len(l.Other))
		}
	})
}
