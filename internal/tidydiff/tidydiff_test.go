package tidydiff_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/tidydiff"
)

const before = `module example.com/m

go 1.21

require (
	example.com/a v1.0.0
	example.com/b v1.0.0
)
`

const after = `module example.com/m

go 1.21

require example.com/a v1.0.0

require example.com/c v1.2.0 // indirect
`

func TestCompareAndApply(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                    string
		mod, modTidy, sum, sum2 string
	}{
		{"nothing", before, before, "x y h1:z=\n", "x y h1:z=\n"},
		{"go.mod", before, after, "", ""},
		{"go.sum", before, before, "a v1 h1:x=\nb v1 h1:y=\n", "b v1 h1:y=\nc v1 h1:z=\n"},
		{"both", before, after, "a v1 h1:x=\n", ""},
		{"go.sum made", before, before, "", "a v1 h1:x=\n"},
		{"no newline at the end", strings.TrimSuffix(before, "\n"), after, "", ""},
		{"far apart", before + strings.Repeat("\n", 30) + "exclude example.com/z v1.0.0\n", after + strings.Repeat("\n", 30), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var d tidydiff.Diff
			var err1, err2 error
			d.GoMod, err1 = tidydiff.Compare("go.mod", []byte(tt.mod), []byte(tt.modTidy))
			d.GoSum, err2 = tidydiff.Compare("go.sum", []byte(tt.sum), []byte(tt.sum2))
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			if got, want := d.GoMod.Empty(), tt.mod == tt.modTidy; got != want {
				t.Errorf("go.mod empty = %v, want %v", got, want)
			}
			if got, want := d.GoSum.Empty(), tt.sum == tt.sum2; got != want {
				t.Errorf("go.sum empty = %v, want %v", got, want)
			}
			for _, f := range []struct {
				c        tidydiff.Changes
				from, to string
			}{{d.GoMod, tt.mod, tt.modTidy}, {d.GoSum, tt.sum, tt.sum2}} {
				got, err := f.c.Apply([]byte(f.from))
				if err != nil {
					t.Fatal(err)
				}
				if string(got) != f.to {
					t.Errorf("applied:\n%s\nwant:\n%s", got, f.to)
				}
				lines := strings.Split(f.from, "\n")
				for _, l := range f.c.Removed {
					if lines[l.Num-1] != l.Text {
						t.Errorf("removed line %d is %q, file has %q", l.Num, l.Text, lines[l.Num-1])
					}
				}
			}
		})
	}
}

// TestParseGo reads what go 1.26.8 printed, to the letter.
func TestParseGo(t *testing.T) {
	t.Parallel()
	d, err := tidydiff.Parse([]byte("diff current/go.mod tidy/go.mod\n--- current/go.mod\n+++ tidy/go.mod\n@@ -2,4 +2,4 @@\n \n go 1.21\n \n-require example.com/a v1.0.0\n+require example.com/a v1.0.0 // indirect\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []tidydiff.Line{{Num: 5, Text: "require example.com/a v1.0.0"}}
	if !slices.Equal(d.GoMod.Removed, want) {
		t.Errorf("removed = %v, want %v", d.GoMod.Removed, want)
	}
	want = []tidydiff.Line{{Num: 6, Text: "require example.com/a v1.0.0 // indirect"}}
	if !slices.Equal(d.GoMod.Added, want) {
		t.Errorf("added = %v, want %v", d.GoMod.Added, want)
	}
	for _, bad := range []string{"go: warning\n", "--- a/x.txt\n+++ b/x.txt\n@@ -1 +1 @@\n-a\n+b\n"} {
		if d, err := tidydiff.Parse([]byte(bad)); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", bad, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("diff current/go.mod tidy/go.mod\n--- current/go.mod\n+++ tidy/go.mod\n@@ -2,4 +2,4 @@\n \n go 1.21\n \n-require example.com/a v1.0.0\n+require example.com/a v1.0.0 // indirect\n", before)
	f.Add("--- current/go.sum\n+++ tidy/go.sum\n@@ -0,0 +1 @@\n+a v1 h1:x=\n", "")
	f.Add("@@ -9223372036854775807,1 +1 @@\n", "x")
	f.Fuzz(func(t *testing.T, text, file string) {
		d, err := tidydiff.Parse([]byte(text))
		if err != nil {
			return
		}
		for _, c := range []tidydiff.Changes{d.GoMod, d.GoSum} {
			c.Apply([]byte(file))
			for _, l := range append(c.Removed, c.Added...) {
				if l.Num < 1 {
					t.Errorf("line %d", l.Num)
				}
			}
		}
	})
}

// TestPatch: a patch names the file on both sides and says what Compare found.
func TestPatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ before, after, want string }{
		{"a\nb\n", "a\nb\n", ""},
		{"a\nb\n", "a\nc\n", "--- a/svc/go.mod\n+++ b/svc/go.mod\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"},
		{"a\nb", "a\nb\n", "--- a/svc/go.mod\n+++ b/svc/go.mod\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n"},
		{"", "a\n", "--- a/svc/go.mod\n+++ b/svc/go.mod\n@@ -0,0 +1,1 @@\n+a\n"},
	} {
		c, err := tidydiff.Compare("go.mod", []byte(tt.before), []byte(tt.after))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Patch("svc/go.mod"); err != nil || got != tt.want {
			t.Errorf("from %q to %q: got %q, %v, want %q", tt.before, tt.after, got, err, tt.want)
		}
	}
}
