package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/shard"
	"github.com/gopreflight/gopreflight/report"
)

// TestSources: a folder stands for its own files, two levels of them, and never
// for what a link in it leads to; a pattern is one below a directory of any name.
func TestSources(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a[b]")
	for _, name := range []string{"r/1.json", "r/notes.txt", "r/two.json/2.json", "r/deep/er/3.json", "none/x.txt", "elsewhere/4.json"} {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range [][2]string{{"elsewhere/4.json", "r/link.json"}, {"elsewhere", "r/folder"}} {
		if err := os.Symlink(filepath.Join(dir, link[0]), filepath.Join(dir, link[1])); err != nil {
			t.Skip(err) // Windows, without the right to
		}
	}
	sys := testSystem(t, dir, nil)
	for _, tt := range []struct {
		name string
		from []string
		want []string // below dir, but for what is taken as it is
		err  string
	}{
		{"a file", []string{"r/1.json"}, []string{"r/1.json"}, ""},
		{"a file that is not there", []string{"r/0.json"}, []string{"r/0.json"}, ""},
		{"standard input", []string{"-"}, []string{"-"}, ""},
		{"each once", []string{"r/1.json", " r/1.json", ""}, []string{"r/1.json"}, ""},
		{"a folder", []string{"r"}, []string{"/r/1.json", "/r/two.json/2.json"}, ""},
		{"a pattern", []string{"r/*/?.json"}, []string{"/r/folder/4.json", "/r/two.json/2.json"}, ""},
		{"an empty folder", []string{"none"}, nil, "none: the folder has no *.json file"},
		{"no match", []string{"none/*.json"}, nil, "none/*.json: no file matches"},
		{"no pattern", []string{"none/[.json"}, nil, "none/[.json: syntax error in pattern"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := sys.sources(tt.from)
			var want []string
			for _, name := range tt.want {
				if strings.HasPrefix(name, "/") {
					name = filepath.Join(dir, filepath.FromSlash(name))
				}
				want = append(want, name)
			}
			if !slices.Equal(got, want) || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("got %q, %v\nwant %q, %s", got, err, want, tt.err)
			}
		})
	}
}

// TestSourcesLimit: more files than there can be shards are refused.
func TestSourcesLimit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range shard.Max + 1 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.json", i)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sys := testSystem(t, dir, nil)
	for _, from := range []string{".", "*.json"} {
		if got, err := sys.sources([]string{from}); err == nil || err.Error() != from+": more than 1,000 reports" {
			t.Errorf("%s: got %d files, %v", from, len(got), err)
		}
	}
}

// TestReadSavedLimit: reports that are too large only together are refused.
func TestReadSavedLimit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var from []string
	for i := range 5 {
		name := filepath.Join(dir, fmt.Sprintf("%d.json", i))
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		err = report.JSON.Write(t.Context(), report.Dest{Out: f}, &checks.Report{
			Schema: checks.Schema, Verdict: checks.Pass, Scope: checks.ScopeJob, FailOn: "error", Shard: checks.Shard{Index: i + 1, Count: 5},
		})
		_, err2 := f.WriteString(strings.Repeat(" ", report.MaxReport-4096))
		if err := errors.Join(err, err2, f.Close()); err != nil {
			t.Fatal(err)
		}
		from = append(from, name)
	}
	sys := testSystem(t, dir, nil)
	const tooLarge = "the reports are together larger than 128 MiB"
	if _, err := sys.readSaved(&savedOptions{from: from}, place{}); err == nil || err.Error() != tooLarge {
		t.Errorf("five: got %v, want %s", err, tooLarge)
	}
	if _, err := sys.readSaved(&savedOptions{from: from[:4]}, place{}); err == nil || err.Error() != "joining reports: shard 5/5 is missing: what it judges would look as if it were fine" {
		t.Errorf("four: got %v", err)
	}
}
