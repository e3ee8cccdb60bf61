package checks

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/gocmd"
)

const (
	hashA = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	hashB = "h1:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA="
)

func TestGosum(t *testing.T) {
	t.Parallel()
	const goMod = "module example.com/app\n\ngo 1.21\n"
	line := func(path, hash string) string { return path + " v1.0.0 " + hash + "\n" }
	a, b := line("example.com/a", hashA), line("example.com/b", hashB)
	tests := []struct {
		name  string
		files map[string]string
		want  []string
		// dirs are the findings' directories, as many as want.
		dirs  []string
		state LinkState
	}{
		{name: "none", files: map[string]string{"go.mod": goMod}, state: Absent},
		{name: "well formed", files: map[string]string{"go.mod": goMod, "go.sum": a + "\n" + strings.TrimSuffix(b, "\n") + "\r\n" + a}, state: Consistent},
		{name: "wrong number of fields", files: map[string]string{"go.mod": goMod, "go.sum": a + "example.com/x v1.0.0\n" + b + "junk\n"},
			want: []string{"gosum/malformed go.sum:2", "gosum/malformed go.sum:4"}, dirs: []string{".", "."}, state: Broken},
		{name: "impossible hash", files: map[string]string{"go.mod": goMod, "go.sum": a + line("example.com/x", "h1:AAAA")},
			want: []string{"gosum/malformed go.sum:2"}, dirs: []string{"."}, state: Broken},
		{name: "something else under this name", files: map[string]string{"go.mod": goMod, "go.sum": strings.Repeat("<p>\n", 300)},
			want: []string{"gosum/malformed go.sum:1"}, dirs: []string{"."}, state: Broken},
		{name: "unknown algorithm", files: map[string]string{"go.mod": goMod, "go.sum": a + line("example.com/x", "h9:AAAA")},
			want: []string{"gosum/unknown-algorithm go.sum:2"}, dirs: []string{"."}, state: Consistent},
		{name: "no module version", files: map[string]string{"go.mod": goMod, "go.sum": a + "example.com/x main " + hashA + "\n"},
			want: []string{"gosum/unusable-line go.sum:2"}, dirs: []string{"."}, state: Consistent},
		{name: "merge conflict", files: map[string]string{"go.mod": goMod, "go.sum": "<<<<<<< HEAD\n" + a + "=======\n" + b + ">>>>>>> theirs (merge of words)\n"},
			want: []string{"gosum/merge-conflict go.sum:1"}, dirs: []string{"."}, state: Broken},
		{name: "wrong line behind the right one", files: map[string]string{"go.mod": goMod, "go.sum": a + b + line("example.com/a", hashB)},
			want: []string{"gosum/conflict go.sum:3 example.com/a@v1.0.0"}, dirs: []string{"."}, state: Broken},
		{name: "wrong line before the right one", files: map[string]string{"go.mod": goMod, "go.sum": line("example.com/a", hashB) + b + a},
			want: []string{"gosum/conflict go.sum:3 example.com/a@v1.0.0"}, dirs: []string{"."}, state: Broken},
		{name: "two modules", files: map[string]string{"go.mod": goMod, "go.sum": a + b, "sub/go.mod": goMod, "sub/go.sum": b + line("example.com/a", hashB)},
			want: []string{"gosum/conflict sub/go.sum:2 example.com/a@v1.0.0"}, dirs: []string{"sub"}, state: Broken},
		{name: "two modules, one at odds with itself", files: map[string]string{"go.mod": goMod, "go.sum": a, "sub/go.mod": goMod, "sub/go.sum": line("example.com/a", hashB) + a},
			want: []string{"gosum/conflict sub/go.sum:2 example.com/a@v1.0.0"}, dirs: []string{"sub"}, state: Broken},
		{name: "two modules, unknown algorithm first", files: map[string]string{"go.mod": goMod, "go.sum": line("example.com/a", "h9:AAAA") + a, "sub/go.mod": goMod, "sub/go.sum": a},
			want: []string{"gosum/unknown-algorithm go.sum:1"}, dirs: []string{"."}, state: Consistent},
		{name: "workspace", files: map[string]string{"go.work": "go 1.21\n\nuse .\n", "go.mod": goMod, "go.sum": a, "go.work.sum": b + "junk\n" + line("example.com/a", hashB)},
			want: []string{"gosum/conflict go.work.sum:3 example.com/a@v1.0.0", "gosum/malformed go.work.sum:2"}, dirs: []string{"", ""}, state: Broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := filesSession(t, tt.files)
			facts, findings, err := runGosum(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if got := told(findings); !slices.Equal(got, tt.want) {
				t.Errorf("findings %q, want %q", got, tt.want)
			}
			var dirs []string
			for _, f := range findings {
				dirs = append(dirs, f.Dir)
			}
			if !slices.Equal(dirs, tt.dirs) {
				t.Errorf("directories %q, want %q", dirs, tt.dirs)
			}
			if facts.Link.State != tt.state {
				t.Errorf("link %+v, want %s", facts.Link, tt.state)
			}
		})
	}
}

// TestGosumConflictOrder: each order is told with what the go command makes of it.
func TestGosumConflictOrder(t *testing.T) {
	t.Parallel()
	s := filesSession(t, map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.21\n",
		"go.sum": "example.com/a v1.0.0/go.mod " + hashA + "\nexample.com/a v1.0.0/go.mod " + hashB + "\n",
	})
	_, findings, err := runGosum(t.Context(), s)
	if err != nil || len(findings) != 1 {
		t.Fatalf("%v, %v", told(findings), err)
	}
	f := findings[0]
	want := "another hash for the go.mod of example.com/a@v1.0.0 than line 1 has: the go command takes line 1, and never reaches this one"
	if f.Message != want || f.Key != "go.mod" {
		t.Errorf("message %q, key %q, want %q, go.mod", f.Message, f.Key, want)
	}
	if got, want := strings.Join(f.Evidence[:2], "; "), "line 1: "+hashA+"; line 2: "+hashB; got != want {
		t.Errorf("evidence %q, want %q", got, want)
	}
}

func TestGosumModules(t *testing.T) {
	t.Parallel()
	s := filesSession(t, map[string]string{
		"go.mod": "module example.com/app\n\ngo 1.21\n", "go.sum": "example.com/a v1.0.0 " + hashA + "\n",
		"sub/go.mod":      "module example.com/app/sub\n\ngo 1.21\n",
		"bad/go.mod":      "module example.com/app/bad\n\ngo 1.21\n",
		"bad/go.sum/file": "go.sum is a folder\n",
	})
	facts, findings, err := runGosum(t.Context(), s)
	if err != nil || len(findings) != 0 {
		t.Fatalf("%v, %v", told(findings), err)
	}
	var got []string
	for _, m := range facts.Modules {
		if m.err != nil {
			got = append(got, m.Dir+" error "+m.err.Error())
			continue
		}
		got = append(got, fmt.Sprintf("%s %s %s", m.Dir, m.Status, m.Reason))
	}
	want := []string{". passed 1 line", "bad error cannot read bad/go.sum: bad/go.sum: not a regular file", "sub skipped no go.sum"}
	if !slices.Equal(got, want) {
		t.Errorf("modules %q, want %q", got, want)
	}
	if facts.Link.State != Unproven {
		t.Errorf("link %+v", facts.Link)
	}
}

// TestGosumFixes: the real go command refuses each file, until the fix was pasted.
func TestGosumFixes(t *testing.T) {
	t.Parallel()
	lab := newCacheLab(t)
	tests := []struct {
		name  string
		spoil func(sum string) string
		want  string
		// build is the exit code of go build before.
		build int
	}{
		{"fields", func(sum string) string { return sum + "example.com/x v1.0.0\n\njunk\n" }, "gosum/malformed", 1},
		{"conflict markers", func(sum string) string {
			return "<<<<<<< HEAD\n" + sum + "||||||| 1234567\n=======\n" + sum + ">>>>>>> theirs of three\n<<<<<<< Updated upstream\n"
		}, "gosum/merge-conflict", 1},
		{"conflict markers with three fields only", func(sum string) string { return sum + "<<<<<<< Updated upstream\n" }, "gosum/merge-conflict", 0},
		{"hash with spaces", func(sum string) string {
			return strings.Replace(sum, "example.com/lib v1.0.0 h1:", "example.com/lib v1.0.0 h1:'x' $HOME", 1)
		}, "gosum/malformed", 1},
		{"hash", func(sum string) string {
			i := strings.Index(sum, "example.com/lib v1.0.0 h1:") + len("example.com/lib v1.0.0 h1:")
			return sum[:i] + "'$HOME'" + sum[i+7:]
		}, "gosum/malformed", 1},
		{"algorithm", func(sum string) string {
			return strings.Replace(sum, "example.com/lib v1.0.0 h1:", "example.com/lib v1.0.0 h9:", 1)
		}, "gosum/unknown-algorithm", 1},
		{"no line but the bad one", func(string) string { return "example.com/lib v1.0.0 h1:AAAA\n" }, "gosum/malformed", 1},
		{"module", func(sum string) string { return sum + "example.com/it's main " + hashA + "\n" }, "gosum/unusable-line", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := lab.copy(t)
			path := filepath.Join(l.root, "go.sum")
			sum := labRead(t, path)
			labWrite(t, path, tt.spoil(sum))
			if got := l.rc(t, l.proxy, "build", "./..."); got != tt.build {
				t.Errorf("go build: exit %d, want %d", got, tt.build)
			}
			_, findings, err := runGosum(t.Context(), l.session(t, l.proxy))
			if err != nil || len(findings) == 0 {
				t.Fatalf("%v, %v", told(findings), err)
			}
			for _, f := range findings {
				if f.Rule != tt.want {
					t.Errorf("finding %s, want %s", f.Rule, tt.want)
				}
				if out, err := l.run(l.proxy, "sh", "-c", f.Fix.Command); err != nil {
					t.Errorf("fix %s: %v\n%s", f.Fix.Command, err, out)
				}
			}
			if _, findings, err = runGosum(t.Context(), l.session(t, l.proxy)); err != nil || len(findings) != 0 {
				t.Errorf("after the fix: %v, %v", told(findings), err)
			}
			if out, err := l.run(l.proxy, "go", "build", "./..."); err != nil {
				t.Errorf("after the fix, go build: %v\n%s", err, out)
			}
			fixed := strings.Split(labRead(t, path), "\n")
			for _, line := range strings.Split(sum, "\n") {
				if !slices.Contains(fixed, line) {
					t.Errorf("the fix lost %q", line)
				}
			}
		})
	}
}

// TestGosumForm: the fix makes go mod tidy write the file anew, whatever the form,
// and loses no line.
func TestGosumForm(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(string) string{
		"unsorted":    func(s string) string { l := lineOf(s, "example.com/dep "); return strings.Replace(s, l, "", 1) + l },
		"twice":       func(s string) string { return s + s },
		"CRLF":        func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"blank lines": func(s string) string { return strings.ReplaceAll(s, "\n", "\n\n") },
		"no last end": func(s string) string { return strings.TrimSuffix(s, "\n") },
		"ignored line": func(s string) string {
			return s + "example.com/x v1.0.0/go.mod h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=\n"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := goSession(t, map[string]string{"go.mod": goMod("require (\n\texample.com/dep v1.0.0\n\texample.com/lib v1.1.0 // indirect\n)"), "m.go": "package m\n\nimport _ \"example.com/dep\"\n"})
			tidied(t, s)
			path := filepath.Join(s.Root(), "go.sum")
			right := labRead(t, path)
			labWrite(t, path, edit(right))
			loadFiles(t, s, s.Root())
			_, findings, err := runGosum(t.Context(), s)
			if err != nil || len(findings) != 1 || findings[0].Rule != ruleSumForm.ID {
				t.Fatalf("%v, %v", told(findings), err)
			}
			command, ok := strings.CutSuffix(findings[0].Fix.Command, " && go mod tidy")
			if !ok {
				t.Fatalf("no go mod tidy in %s", findings[0].Fix.Command)
			}
			if out, err := shellIn(t, s.Root(), command); err != nil {
				t.Fatalf("%s: %v\n%s", command, err, out)
			}
			// What was asked before would be answered from memory.
			if out, err := s.Go.Ask(t.Context(), gocmd.Question{Dir: s.Root(), Args: []string{"mod", "tidy", "-v"}}); err != nil || out.Exit != 0 {
				t.Fatalf("go mod tidy: %v\n%s", err, out.Stderr)
			}
			if got := labRead(t, path); got != right {
				t.Errorf("after the fix: %q, want %q", got, right)
			}
		})
	}
}

// TestGosumSummary: nothing is called complete that was not compared.
func TestGosumSummary(t *testing.T) {
	t.Parallel()
	tally := sumTally{files: 2, read: 2, lines: 7}
	for complete, want := range map[int]string{
		0: "7 lines in 2 files, well formed",
		1: "7 lines in 2 files, well formed, complete in 1 of 3 modules",
		3: "7 lines in 2 files, well formed and complete",
	} {
		tally.complete = complete
		if got := tally.summary(3); got != want {
			t.Errorf("%d of 3: got %q, want %q", complete, got, want)
		}
	}
}

// TestGosumHalfAModule: one of a module's two lines is named for what it is about.
func TestGosumHalfAModule(t *testing.T) {
	t.Parallel()
	s := goSession(t, map[string]string{"go.mod": goMod("require example.com/lib v1.0.0"), "m.go": mainGo})
	tidied(t, s)
	path := filepath.Join(s.Root(), "go.sum")
	labWrite(t, path, dropLine(labRead(t, path), "example.com/lib v1.0.0/go.mod"))
	loadFiles(t, s, s.Root())
	_, findings, err := runGosum(t.Context(), s)
	if want := "go.sum has no line for the go.mod of example.com/lib@v1.0.0"; err != nil || len(findings) != 1 || findings[0].Message != want {
		t.Errorf("got %+v, %v, want %q", findings, err, want)
	}
}

// TestGosumConflictUnnoticed holds what the finding says against the real go
// command: a wrong line behind the right one is never noticed.
func TestGosumConflictUnnoticed(t *testing.T) {
	t.Parallel()
	lab := newCacheLab(t)
	wrong := "example.com/lib v1.0.0 " + hashB + "\n"
	for _, tt := range []struct {
		name  string
		sum   func(string) string
		build int
	}{
		{"behind", func(sum string) string { return sum + wrong }, 0},
		{"in front", func(sum string) string { return wrong + sum }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := lab.copy(t)
			path := filepath.Join(l.root, "go.sum")
			labWrite(t, path, tt.sum(labRead(t, path)))
			s := l.session(t, l.proxy)
			facts, findings, err := runModcache(t.Context(), s)
			if err != nil || len(findings) != 0 || facts.Link.State != Unproven {
				t.Errorf("modcache: %v, %v, link %+v", told(findings), err, facts.Link)
			}
			if _, findings, err = runGosum(t.Context(), s); err != nil || len(findings) != 1 || findings[0].Rule != ruleSumConflict.ID {
				t.Errorf("gosum: %v, %v", told(findings), err)
			}
			if got := l.rc(t, l.proxy, "build", "./..."); got != tt.build {
				t.Errorf("go build: exit %d, want %d", got, tt.build)
			}
		})
	}
}
