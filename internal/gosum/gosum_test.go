package gosum_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/gosum"
	"golang.org/x/mod/module"
)

// Two hashes that some content could have.
const (
	hashA = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	hashB = "h1:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="
)

func parse(t *testing.T, text string) *gosum.File {
	t.Helper()
	f, err := gosum.Parse([]byte(text))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return f
}

func TestParseLines(t *testing.T) {
	t.Parallel()
	f := parse(t, "\n"+
		"example.com/a v1.0.0 "+hashA+"\n"+
		"  example.com/a\tv1.0.0/go.mod   "+hashB+" \r\n"+
		"\t\n"+
		"example.com/old v1.0.0 h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\n"+
		"github.com/Azure/sdk v56.3.0+incompatible "+hashA)
	want := []gosum.Line{
		{Num: 2, Path: "example.com/a", Version: "v1.0.0", Hash: hashA},
		{Num: 3, Path: "example.com/a", Version: "v1.0.0", GoMod: true, Hash: hashB},
		{Num: 6, Path: "github.com/Azure/sdk", Version: "v56.3.0+incompatible", Hash: hashA},
	}
	if !slices.Equal(f.Lines, want) {
		t.Errorf("Lines = %v, want %v", f.Lines, want)
	}
	if len(f.Bad) != 0 {
		t.Errorf("Bad = %v, want none", f.Bad)
	}
	if f.CRLF != 1 || !slices.Equal(f.Dropped, []int{5}) {
		t.Errorf("CRLF, Dropped = %d, %v, want 1, [5]", f.CRLF, f.Dropped)
	}
	if got := f.Lines[1].Mod(); got != (module.Version{Path: "example.com/a", Version: "v1.0.0/go.mod"}) {
		t.Errorf("Mod of the second line = %v", got)
	}
}

func TestParseBad(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, line string
		kind       gosum.Kind
		reason     string // part of it
		kept       bool   // also among Lines
	}{
		{name: "one field", line: "example.com/a", kind: gosum.Fields, reason: "fields: 1"},
		{name: "two fields", line: "example.com/a v1.0.0", kind: gosum.Fields, reason: "fields: 2"},
		{name: "four fields", line: "example.com/a v1.0.0 " + hashA + " x", kind: gosum.Fields, reason: "fields: 4"},
		{name: "too long", line: strings.Repeat("x", gosum.MaxLine+1), kind: gosum.Fields, reason: "line of 16385 bytes"},
		{name: "ours", line: "<<<<<<< HEAD", kind: gosum.Marker, reason: `"<<<<<<< HEAD"`},
		{name: "ours with three fields", line: "<<<<<<< Updated upstream", kind: gosum.Marker, reason: "marker"},
		{name: "base", line: "||||||| 1234567", kind: gosum.Marker, reason: "marker"},
		{name: "middle", line: "=======", kind: gosum.Marker, reason: "marker"},
		{name: "theirs", line: ">>>>>>> a branch (with words)", kind: gosum.Marker, reason: "marker"},
		{name: "not quite a marker", line: "========", kind: gosum.Fields, reason: "fields: 1"},
		{name: "short hash", line: "example.com/a v1.0.0 h1:AAAA", kind: gosum.Hash, reason: "3 bytes, not 32"},
		{name: "bad base64", line: "example.com/a v1.0.0 h1:!", kind: gosum.Hash, reason: "illegal base64"},
		{name: "trailing bits", line: "example.com/a v1.0.0 h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=", kind: gosum.Hash, reason: "illegal base64"},
		{name: "no algorithm", line: "example.com/a v1.0.0 sum", kind: gosum.Hash, reason: "no algorithm"},
		{name: "unknown algorithm", line: "example.com/a v1.0.0 h9:AAAA", kind: gosum.Algorithm, reason: `"h9"`, kept: true},
		{name: "bad path", line: "../a v1.0.0 " + hashA, kind: gosum.Module, reason: "malformed module path"},
		{name: "byte order mark", line: "\ufeffexample.com/a v1.0.0 " + hashA, kind: gosum.Module, reason: "invalid char"},
		{name: "bad version", line: "example.com/a main " + hashA, kind: gosum.Module, reason: `"main" is not canonical`},
		{name: "short version", line: "example.com/a v1.0/go.mod " + hashA, kind: gosum.Module, reason: `"v1.0" is not canonical`},
		{name: "control characters", line: "example.com/a v1.0.0 \x1b[31m", kind: gosum.Hash, reason: `"\x1b[31m"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := parse(t, "example.com/before v1.0.0 "+hashA+"\n"+tt.line+"\nexample.com/behind v1.0.0 "+hashB+"\n")
			if len(f.Bad) != 1 {
				t.Fatalf("Bad = %v, want one", f.Bad)
			}
			bad := f.Bad[0]
			if bad.Num != 2 || bad.Kind != tt.kind || !strings.Contains(bad.Reason, tt.reason) {
				t.Errorf("Bad = %d %s %q, want 2 %s %q", bad.Num, bad.Kind, bad.Reason, tt.kind, tt.reason)
			}
			want := 2
			if tt.kept {
				want = 3
			}
			if len(f.Lines) != want {
				t.Errorf("%d lines, want %d: %v", len(f.Lines), want, f.Lines)
			}
		})
	}
}

func TestParseTooLarge(t *testing.T) {
	t.Parallel()
	if _, err := gosum.Parse(make([]byte, gosum.MaxSize+1)); err == nil {
		t.Error("Parse of more than MaxSize: no error")
	}
}

func TestSums(t *testing.T) {
	t.Parallel()
	f := parse(t, "example.com/a v1.0.0 "+hashB+"\n"+
		"example.com/a v1.0.0 h9:AAAA\n"+
		"example.com/a v1.0.0 "+hashA+"\n"+
		"example.com/a v1.0.0 "+hashB+"\n"+
		"example.com/a v1.0.0/go.mod h9:AAAA\n")
	s := f.Sums()
	mod := module.Version{Path: "example.com/a", Version: "v1.0.0"}
	if got := s.Hashes(mod); !slices.Equal(got, []string{hashB, hashA}) {
		t.Errorf("Hashes = %v, want B, A", got)
	}
	if got := len(s[mod]); got != 4 {
		t.Errorf("%d lines for %v, want 4", got, mod)
	}
	mod.Version += "/go.mod"
	if got := s.Hashes(mod); got != nil {
		t.Errorf("Hashes of an unknown algorithm = %v, want none", got)
	}
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       [][2]int // line numbers of First, Other
	}{
		{"none", "example.com/a v1.0.0 " + hashA + "\nexample.com/a v1.0.0/go.mod " + hashB + "\n", nil},
		{"said twice", "example.com/a v1.0.0 " + hashA + "\nexample.com/a v1.0.0 " + hashA + "\n", nil},
		{"zip", "example.com/a v1.0.0 " + hashA + "\nexample.com/a v1.0.0 " + hashB + "\n", [][2]int{{1, 2}}},
		{"other order", "example.com/a v1.0.0 " + hashB + "\n\nexample.com/a v1.0.0 " + hashA + "\n", [][2]int{{1, 3}}},
		{"go.mod", "example.com/a v1.0.0/go.mod " + hashA + "\nexample.com/a v1.0.0/go.mod " + hashB + "\n", [][2]int{{1, 2}}},
		{"unknown algorithm", "example.com/a v1.0.0 h9:AAAA\nexample.com/a v1.0.0 " + hashB + "\n", nil},
		{"three", "example.com/a v1.0.0 " + hashA + "\nexample.com/b v1.0.0 " + hashB + "\nexample.com/a v1.0.0 " + hashB + "\n" +
			"example.com/a v1.0.0 h1:CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCA=\n", [][2]int{{1, 3}, {1, 4}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := parse(t, tt.text)
			if len(f.Bad) != 0 && tt.name != "unknown algorithm" {
				t.Fatalf("Bad = %v", f.Bad)
			}
			var got [][2]int
			for _, c := range f.Conflicts() {
				got = append(got, [2]int{c.First.Num, c.Other.Num})
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("conflicts at lines %v, want %v", got, tt.want)
			}
		})
	}
}

// TestOwnFile reads the go.sum of this very module: the go command wrote it.
func TestOwnFile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	f := parse(t, string(data))
	if len(f.Bad) != 0 || len(f.Conflicts()) != 0 {
		t.Errorf("Bad = %v, Conflicts = %v, want none", f.Bad, f.Conflicts())
	}
	if got, want := len(f.Lines), bytes.Count(data, []byte("\n")); got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("example.com/a v1.0.0 " + hashA + "\nexample.com/a v1.0.0/go.mod " + hashB + "\n"))
	f.Add([]byte("<<<<<<< HEAD\nexample.com/a v1.0.0 h1:\r\n=======\n\n>>>>>>> x\n"))
	f.Add([]byte("example.com/a v1.0.0 h9:x\nA v1 h1:!\n\xff\xfe x y"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := gosum.Parse(data)
		if err != nil {
			t.Skip()
		}
		lines := bytes.Count(data, []byte("\n")) + 1
		last := 0
		for _, l := range file.Lines {
			if l.Num <= last || l.Num > lines {
				t.Fatalf("line %d behind line %d of %d", l.Num, last, lines)
			}
			last = l.Num
			if err := module.CheckPath(l.Path); err != nil {
				t.Fatalf("line %d: %v", l.Num, err)
			}
		}
		last = 0
		for _, b := range file.Bad {
			if b.Num <= last || b.Num > lines {
				t.Fatalf("bad line %d behind line %d of %d", b.Num, last, lines)
			}
			last = b.Num
			if b.Reason == "" || len(b.Reason) > 1500 || strings.ContainsAny(b.Reason, "\n\r\x1b\x00") {
				t.Fatalf("line %d: reason %q", b.Num, b.Reason)
			}
		}
		file.Conflicts()
		file.Sums()
	})
}
