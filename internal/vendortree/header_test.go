package vendortree

import (
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// headers are beginnings of Go files and what they say. The verdicts are those of
// the go command, which TestSameAsGoModVendor asks about most of them.
var headers = []struct {
	name, text string
	imports    []string // path:line
	ignored    bool
	more       bool // the file may go on
}{
	{name: "plain", text: "package p\n\nimport \"a\"\nimport b \"b\"\nimport . \"c\"; import _ `d`\n\nvar X int\n", imports: []string{"a:3", "b:4", "c:5", "d:5"}},
	{name: "block", text: "package p\nimport (\n\t\"a\" // why\n\t/* x */ b \"b\"\n)\nfunc f() {}\n", imports: []string{"a:3", "b:4"}},
	{name: "later imports", text: "package p\nvar X int\nimport \"a\"\n"},
	{name: "ends", text: "package p\nimport \"a\"", imports: []string{"a:2"}, more: true},
	{name: "ends in a comment", text: "/* x\n", more: true},
	{name: "ends in a keyword", text: "pack", more: true},
	{name: "empty", text: "", more: true},
	{name: "no Go", text: "<html>\n"},
	{name: "a division", text: "package p\n/ x\n"},
	{name: "ignored", text: "//go:build ignore\n\npackage p\nfunc f() {}\n", ignored: true},
	{name: "ignored with another", text: "//go:build ignore && x\n\npackage p\nfunc f() {}\n", ignored: true},
	{name: "not ignored", text: "//go:build !ignore || ignore\n\npackage p\nfunc f() {}\n"},
	{name: "both ways", text: "//go:build x && !x\n\npackage p\nfunc f() {}\n"},
	{name: "tag of no letters", text: "//go:build a-b\n\npackage p\nfunc f() {}\n", ignored: true},
	{name: "old and new", text: "//go:build x\n// +build ignore\n\npackage p\nfunc f() {}\n"},
	{name: "several old ones", text: "// +build x\n// +build ignore,y ignore\n\npackage p\nfunc f() {}\n", ignored: true},
	{name: "in a comment", text: "/*\n//go:build ignore\n*/\npackage p\nfunc f() {}\n"},
	{name: "after a comment", text: "/* x */ // y\n//go:build ignore\npackage p\nfunc f() {}\n", ignored: true},
	{name: "after the package", text: "package p\n//go:build ignore\nfunc f() {}\n"},
	{name: "NUL in the imports", text: "//go:build ignore\n\npackage p\nimport \"a\x00\"\n"},
	{name: "a string that ends in the wrong place", text: "package p\nimport \"a\nimport \"b\"\n"},
	{name: "an escape", text: "package p\nimport \"a\\u0062\\\"c\"\nvar X int\n", imports: []string{"ab\"c:2"}},
}

func TestHeader(t *testing.T) {
	t.Parallel()
	for _, tt := range headers {
		h, ok := readHeader([]byte(tt.text))
		var imports []string
		for _, i := range h.imports {
			imports = append(imports, i.Path+":"+strconv.Itoa(i.Line))
		}
		if !slices.Equal(imports, tt.imports) || h.ignored != tt.ignored || ok == tt.more {
			t.Errorf("%s: got %q, ignored %v, more %v; want %q, %v, %v", tt.name, imports, h.ignored, !ok, tt.imports, tt.ignored, tt.more)
		}
	}
}

// FuzzHeader: nothing panics, what ends early is said to, and where Go's own
// parser reads the imports of a file without complaint, so do we.
func FuzzHeader(f *testing.F) {
	for _, tt := range headers {
		f.Add(tt.text)
	}
	for _, files := range published {
		for name, text := range files {
			if strings.HasSuffix(name, ".go") && len(text) < pieceSize {
				f.Add(text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, ok := readHeader([]byte(text))
		if longer, _ := readHeader([]byte(text + "\nvar X int\n")); ok && (longer.ignored != h.ignored || !slices.Equal(longer.imports, h.imports)) {
			t.Fatalf("%q: more text after the header changes it", text)
		}
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", text, parser.ImportsOnly)
		if err != nil {
			return
		}
		var want, got []string
		for _, i := range file.Imports {
			if p, err := strconv.Unquote(i.Path.Value); err == nil {
				want = append(want, p)
			}
		}
		for _, i := range h.imports {
			got = append(got, i.Path)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: imports %q, Go's parser has %q", text, got, want)
		}
	})
}
