package vendored

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// consistencyTests are vendor directories at the root of a module, or of a
// workspace when there is a go.work. want has, per mismatch, kind, place and
// the go command's words.
var consistencyTests = []struct {
	name  string
	files map[string]string
	want  []string
}{
	{
		name: "consistent",
		files: map[string]string{
			"go.mod":             "module example.com/m\n\ngo 1.20\n\nrequire example.com/a v1.0.0\n",
			"vendor/modules.txt": "# example.com/a v1.0.0\n## explicit; go 1.18\nexample.com/a\nexample.com/a/b\n",
		},
	},
	{
		name: "carriage returns",
		files: map[string]string{
			"go.mod":             "module example.com/m\r\n\r\ngo 1.20\r\n\r\nrequire example.com/a v1.0.0\r\n",
			"vendor/modules.txt": "# example.com/a v1.0.0\r\n## explicit; go 1.18\r\nexample.com/a\r\n",
		},
	},
	{
		name: "not explicit",
		files: map[string]string{
			"go.mod":             "module example.com/m\n\ngo 1.20\n\nrequire (\n\texample.com/a v1.1.0\n\texample.com/b v1.0.0 // indirect\n)\n",
			"vendor/modules.txt": "# example.com/a v1.0.0\n## go 1.18\nexample.com/a\n",
		},
		want: []string{
			"not-explicit go.mod:6 example.com/a@v1.1.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt",
			"not-explicit go.mod:7 example.com/b@v1.0.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt",
		},
	},
	{
		name: "upgraded",
		files: map[string]string{
			"go.mod":             "module example.com/m\n\ngo 1.20\n\nrequire example.com/a v1.1.0\n",
			"vendor/modules.txt": "# example.com/a v1.0.0\n## explicit\nexample.com/a\n",
		},
		want: []string{
			"not-explicit go.mod:5 example.com/a@v1.1.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt",
			"stale-explicit modules.txt:1 example.com/a@v1.0.0: is marked as explicit in vendor/modules.txt, but not explicitly required in go.mod",
		},
	},
	{
		name: "stale without packages is accepted",
		files: map[string]string{
			"go.mod":             "module example.com/m\n\ngo 1.20\n",
			"vendor/modules.txt": "# example.com/a v1.0.0\n## explicit\n",
		},
	},
	{
		name: "no modules.txt",
		files: map[string]string{
			"go.mod":        "module example.com/m\n\ngo 1.20\n\nrequire example.com/a v1.0.0\n\nreplace example.com/a => ./a\n",
			"vendor/README": "hello\n",
		},
		want: []string{
			"not-explicit go.mod:5 example.com/a@v1.0.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt",
			"replace-missing go.mod:7 example.com/a: is replaced in go.mod, but not marked as replaced in vendor/modules.txt",
		},
	},
	{
		name: "no modules.txt and nothing required",
		files: map[string]string{
			"go.mod":        "module example.com/m\n\ngo 1.20\n",
			"vendor/README": "hello\n",
		},
	},
	{
		name: "replacements",
		files: map[string]string{
			"go.mod": `module example.com/m

go 1.20

require (
	example.com/a v1.0.0
	example.com/b v1.0.0
	example.com/c v1.0.0
	example.com/d v1.0.0
)

replace (
	example.com/a v1.0.0 => example.com/fork v1.2.3
	example.com/b => ./b
	example.com/c v1.0.0 => example.com/c v1.0.1
	example.com/unused v1.0.0 => example.com/fork v1.0.0
)
`,
			"vendor/modules.txt": `# example.com/a v1.0.0 => example.com/fork v1.2.4
## explicit
example.com/a
# example.com/b v1.0.0 => ./b
## explicit
example.com/b
# example.com/c v1.0.0
## explicit
example.com/c
# example.com/d v1.0.0 => ./d
## explicit
example.com/d
# example.com/d => ./d
# example.com/unused v1.0.0 => example.com/fork v1.0.0
`,
		},
		want: []string{
			"replace-differs go.mod:13 example.com/a@v1.0.0: is replaced by example.com/fork@v1.2.3 in go.mod, but marked as replaced by example.com/fork@v1.2.4 in vendor/modules.txt",
			"replace-missing go.mod:14 example.com/b: is replaced in go.mod, but not marked as replaced in vendor/modules.txt",
			"replace-missing go.mod:15 example.com/c@v1.0.0: is replaced in go.mod, but not marked as replaced in vendor/modules.txt",
			"replace-stale modules.txt:10 example.com/d@v1.0.0: is marked as replaced in vendor/modules.txt, but not replaced in go.mod",
			"replace-stale modules.txt:13 example.com/d: is marked as replaced in vendor/modules.txt, but not replaced in go.mod",
		},
	},
	{
		name: "the main module replaced",
		files: map[string]string{
			"go.mod":             "module example.com/m\n\ngo 1.20\n\nreplace example.com/m => ./x\n",
			"vendor/modules.txt": "",
		},
	},
	{
		name: "Go 1.13 sees contradictions only",
		files: map[string]string{
			"go.mod": `module example.com/m

go 1.13

require (
	example.com/a v1.1.0
	example.com/b v1.0.0
	example.com/c v1.0.0
)

replace example.com/b v1.0.0 => ./b

replace example.com/c => ./c
`,
			"vendor/modules.txt": "# example.com/a v1.0.0\nexample.com/a\n# example.com/b v1.0.0\nexample.com/b\n",
		},
		want: []string{
			"version-differs go.mod:6 example.com/a@v1.1.0: is explicitly required in go.mod, but vendor/modules.txt indicates example.com/a@v1.0.0",
			"replace-missing go.mod:11 example.com/b@v1.0.0: is replaced in go.mod, but not marked as replaced in vendor/modules.txt",
		},
	},
	{
		name: "lines that the go command skips",
		files: map[string]string{
			"go.mod": "module example.com/m\n\ngo 1.20\n\nrequire example.com/a v1.0.0\n",
			"vendor/modules.txt": `# written by hand
## explicit
<<<<<<< HEAD
# example.com/a v1.0.0
## explicit
=======
# example.com/b not-a-version
## explicit
example.com/b
>>>>>>> other
`,
		},
	},
	{
		name: "the newest provider counts once",
		files: map[string]string{
			"go.mod":             "module example.com/m\n\ngo 1.20\n\nrequire example.com/a v1.1.0\n",
			"vendor/modules.txt": "# example.com/a v1.1.0\n## explicit\nexample.com/a\n# example.com/a v1.0.0\n## explicit\nexample.com/a/old\n# example.com/a v1.2.0\n## explicit\nexample.com/a/new\n",
		},
		want: []string{
			"stale-explicit modules.txt:7 example.com/a@v1.2.0: is marked as explicit in vendor/modules.txt, but not explicitly required in go.mod",
		},
	},
	{
		name: "workspace, consistent",
		files: map[string]string{
			"go.work":            "go 1.22\n\nuse ./x\n\nuse ./y\n\nreplace example.com/b => ./forks/b\n",
			"x/go.mod":           "module example.com/x\n\ngo 1.22\n\nrequire example.com/a v1.0.0\n\nreplace example.com/a => ../forks/a\n\nreplace example.com/b => ./ignored\n",
			"y/go.mod":           "module example.com/y\n\ngo 1.22\n\nrequire example.com/x v1.0.0\n\nreplace example.com/x => ../x\n",
			"vendor/modules.txt": "## workspace\n# example.com/a v1.0.0 => ./forks/a\n## explicit\nexample.com/a\n# example.com/x v1.0.0\n## explicit\n# example.com/a => ./forks/a\n# example.com/b => ./forks/b\n",
		},
	},
	{
		name: "workspace",
		files: map[string]string{
			"go.work":            "go 1.22\n\nuse ./x\n\nuse ./y\n\nreplace example.com/b => ./forks/b\n",
			"x/go.mod":           "module example.com/x\n\ngo 1.22\n\nrequire example.com/a v1.0.0\n\nreplace example.com/a => ../forks/a\n",
			"y/go.mod":           "module example.com/y\n\ngo 1.22\n\nrequire example.com/c v1.0.0\n\nreplace example.com/c v1.0.0 => ./c\n",
			"vendor/modules.txt": "## workspace\n# example.com/a v1.0.0 => ../forks/a\n# example.com/a => ../forks/a\n# example.com/d v1.0.0\n## explicit\nexample.com/d\n# example.com/e => ./e\n",
		},
		want: []string{
			"not-explicit x/go.mod:5 example.com/a@v1.0.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt",
			"not-explicit y/go.mod:5 example.com/c@v1.0.0: is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt",
			"replace-differs x/go.mod:7 example.com/a: is replaced by ../forks/a in x/go.mod, but marked as replaced by ../forks/a in vendor/modules.txt",
			"replace-missing y/go.mod:7 example.com/c@v1.0.0: is replaced in y/go.mod, but not marked as replaced in vendor/modules.txt",
			"replace-missing go.work:7 example.com/b: is replaced in go.work, but not marked as replaced in vendor/modules.txt",
			"stale-explicit modules.txt:4 example.com/d@v1.0.0: is marked as explicit in vendor/modules.txt, but not explicitly required in a go.mod",
			"replace-stale modules.txt:7 example.com/e: is marked as replaced in vendor/modules.txt, but not replaced in the workspace",
		},
	},
}

// TestConsistency holds Consistency against the table and the table against the
// go command: both must name exactly the same mismatches.
func TestConsistency(t *testing.T) {
	t.Parallel()
	for _, tt := range consistencyTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := Parse([]byte(tt.files["vendor/modules.txt"]))
			if err != nil {
				t.Fatal(err)
			}
			mains, work := load(t, tt.files)
			var got, words []string
			for _, m := range f.Consistency(mains, work) {
				got = append(got, fmt.Sprintf("%s %s:%d %s", m.Kind, cmp.Or(m.Name, "modules.txt"), m.Line, m))
				words = append(words, m.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("Consistency:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			said := goSays(t, tt.files)
			for i := range said {
				said[i] = filepath.ToSlash(said[i]) // ours are slash paths on every system
			}
			slices.Sort(words)
			slices.Sort(said)
			if !slices.Equal(words, said) {
				t.Errorf("Consistency says:\n%s\nthe go command says:\n%s", strings.Join(words, "\n"), strings.Join(said, "\n"))
			}
		})
	}
}

// load parses the main modules and the workspace among files.
func load(t *testing.T, files map[string]string) ([]Main, *Workspace) {
	t.Helper()
	parse := func(dir, name string) Main {
		f, err := modfile.Parse(name, []byte(files[name]), nil)
		if err != nil {
			t.Fatal(err)
		}
		return Main{Dir: dir, Name: name, File: f}
	}
	if files["go.work"] == "" {
		return []Main{parse(".", "go.mod")}, nil
	}
	w, err := modfile.ParseWork("go.work", []byte(files["go.work"]), nil)
	if err != nil {
		t.Fatal(err)
	}
	var mains []Main
	for _, u := range w.Use {
		dir := strings.TrimPrefix(u.Path, "./")
		mains = append(mains, parse(dir, dir+"/go.mod"))
	}
	return mains, &Workspace{Dir: ".", Name: "go.work", File: w}
}

// goSays returns what the go command lists under "inconsistent vendoring", and
// fails the test if it fails for another reason.
func goSays(t *testing.T, files map[string]string) []string {
	t.Helper()
	root, home := t.TempDir(), t.TempDir()
	for name, data := range files {
		write(t, filepath.Join(root, filepath.FromSlash(name)), data)
	}
	// Telemetry would write into home while the test removes it.
	write(t, filepath.Join(home, "go", "telemetry", "mode"), "off")
	cmd := exec.CommandContext(t.Context(), "go", "list", "-mod=vendor", "-m")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "HOME="+home, "GO_TELEMETRY_CHILD=2", "XDG_CONFIG_HOME="+home, "GOENV=off", "GOPATH="+home,
		"GOMODCACHE="+filepath.Join(home, "mod"), "GOTOOLCHAIN=local", "GOFLAGS=", "GOPROXY=off", "GOWORK=", "GO111MODULE=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if err == nil {
		return nil
	}
	head, rest, ok := strings.Cut(stderr.String(), "\n")
	if !ok || !strings.HasPrefix(head, "go: inconsistent vendoring in ") {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	rest, _, _ = strings.Cut(rest, "\n\n")
	var said []string
	for line := range strings.Lines(rest) {
		said = append(said, strings.TrimSpace(line))
	}
	return said
}

func write(t *testing.T, file, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(data), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	const text = `## workspace
stray
# example.com/a v1.0.0 => ../a
## explicit; go 1.21
example.com/a
not a package
# example.com/b v1.0.0 => example.com/c branch
## go 1.22
# example.com/b => example.com/c v1.1.0
# example.com/a v1.0.0
example.com/a/sub
>>>>>>> theirs
# nothing
example.com/lost
`
	f, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if !f.Workspace {
		t.Error("Workspace: got false, want true")
	}
	if got := f.Packages(); got != 2 {
		t.Errorf("Packages: got %d, want 2", got)
	}
	want := []Module{
		{
			Version: module.Version{Path: "example.com/a", Version: "v1.0.0"}, Line: 3,
			Explicit: true, GoVersion: "1.21", GoLine: 4,
			Replacement: module.Version{Path: "../a"}, ReplaceLines: []int{3},
			Packages: []Package{{"example.com/a", 5}, {"example.com/a/sub", 11}},
		},
		{
			Version: module.Version{Path: "example.com/b", Version: "v1.0.0"}, Line: 7,
			GoVersion: "1.22", GoLine: 8,
		},
		{
			Version: module.Version{Path: "example.com/b"}, Line: 9,
			Replacement: module.Version{Path: "example.com/c", Version: "v1.1.0"}, ReplaceLines: []int{9},
		},
	}
	if len(f.Modules) != len(want) {
		t.Fatalf("got %d modules, want %d", len(f.Modules), len(want))
	}
	for i, m := range f.Modules {
		if !reflect.DeepEqual(*m, want[i]) {
			t.Errorf("module %d:\ngot  %+v\nwant %+v", i, *m, want[i])
		}
		if f.Find(m.Version) != m {
			t.Errorf("Find(%v) does not return module %d", m.Version, i)
		}
	}
	ignored := []Ignored{
		{2, "stray", false},
		{6, "not a package", false},
		{7, "# example.com/b v1.0.0 => example.com/c branch", false},
		{12, ">>>>>>> theirs", true},
		{13, "# nothing", false},
		{14, "example.com/lost", false},
	}
	if !slices.Equal(f.Ignored, ignored) || f.IgnoredCount != len(ignored) {
		t.Errorf("ignored:\ngot  %v (%d)\nwant %v", f.Ignored, f.IgnoredCount, ignored)
	}
}

func TestParseBounds(t *testing.T) {
	t.Parallel()
	if _, err := Parse(make([]byte, MaxSize+1)); err == nil {
		t.Error("a file above MaxSize was read")
	}
	f, err := Parse([]byte(strings.Repeat("x y\n", MaxIgnored+5)))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Ignored) != MaxIgnored || f.IgnoredCount != MaxIgnored+5 {
		t.Errorf("got %d ignored lines of %d, want %d of %d", len(f.Ignored), f.IgnoredCount, MaxIgnored, MaxIgnored+5)
	}
}

// FuzzParse: every line that is said to hold something is in the file, and a
// module that repeats all marks of the file is consistent with it or accused
// at lines that exist, and what is expected of it is what it would have to be.
func FuzzParse(f *testing.F) {
	for _, tt := range consistencyTests {
		f.Add([]byte(tt.files["vendor/modules.txt"]))
	}
	f.Add([]byte(healthy["vendor/modules.txt"]))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data)
		if err != nil {
			return
		}
		lines := bytes.Count(data, []byte("\n")) + 1
		in := func(line int) bool { return line >= 1 && line <= lines }
		main := &modfile.File{Go: &modfile.Go{Version: "1.20"}, Syntax: &modfile.FileSyntax{}}
		for _, m := range file.Modules {
			if !in(m.Line) || m.GoLine > lines {
				t.Fatalf("module %v at line %d, %d of %d", m.Version, m.Line, m.GoLine, lines)
			}
			for _, p := range m.Packages {
				if !in(p.Line) {
					t.Fatalf("package %v of %d lines", p, lines)
				}
			}
			if m.Explicit {
				main.Require = append(main.Require, &modfile.Require{Mod: m.Version, Syntax: &modfile.Line{}})
			}
			if len(m.ReplaceLines) > 0 {
				main.Replace = append(main.Replace, &modfile.Replace{Old: m.Version, New: m.Replacement, Syntax: &modfile.Line{}})
			}
		}
		if got := file.Consistency([]Main{{Dir: ".", Name: "go.mod", File: main}}, nil); len(got) > 0 {
			t.Fatalf("a module made from the file is inconsistent with it: %v", got)
		}
		believed := func(module.Version) (string, bool) { return "", false }
		want := file.Expected([]Main{{Dir: ".", Name: "go.mod", File: main}}, nil, "1.20", believed)
		for _, d := range file.Compare(want) {
			if !in(d.Line) || d.Is == d.Want {
				t.Fatalf("a difference that is none: %+v", d)
			}
		}
		var text strings.Builder
		for _, l := range want {
			text.WriteString(l.Text + "\n")
		}
		again, err := Parse([]byte(text.String()))
		if err != nil {
			t.Fatal(err)
		}
		if d := again.Compare(want); len(d) > 0 {
			t.Fatalf("what is expected differs from itself: %+v", d)
		}
	})
}
