package checks

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// filesSession makes a repository of files and a session that sees it, for
// checks that look at files only.
func filesSession(t *testing.T, files map[string]string) *Session {
	t.Helper()
	// The repository is a folder of its own, so that tests can lay files beside it.
	root := filepath.Join(t.TempDir(), "repository")
	for name, data := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s := &Session{
		Env:    goenv.FromMap(map[string]string{"GOVERSION": runtime.Version(), "GOTOOLCHAIN": "local"}),
		Config: config.Default(),
		Now:    time.Now,
	}
	loadFiles(t, s, root)
	return s
}

// loadFiles reads the repository again.
func loadFiles(t *testing.T, s *Session, root string) {
	t.Helper()
	r, err := repo.Load(t.Context(), repo.Options{Dir: root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	s.Repo, s.Modules = r, r.Modules
}

// told is each finding in one line: rule, place, module directory, module.
func told(findings []Finding) []string {
	var lines []string
	for _, f := range findings {
		line := fmt.Sprintf("%s %s", f.Rule, f.Place())
		if f.Module != "" {
			line += " " + f.Module
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// goIn runs the go command in a folder of the session's repository, without
// the network, and returns what it prints.
func goIn(t *testing.T, s *Session, dir string, args ...string) (string, error) {
	t.Helper()
	return shellIn(t, s.Repo.Abs(dir), "go "+strings.Join(args, " "))
}

// shellIn runs a command as a user would paste it.
func shellIn(t *testing.T, dir, command string) (string, error) {
	t.Helper()
	home := t.TempDir()
	// Telemetry would write into home while the test removes it.
	mode := filepath.Join(home, "go", "telemetry", "mode")
	if err := os.MkdirAll(filepath.Dir(mode), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mode, []byte("off"), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+home, "GO_TELEMETRY_CHILD=2", "XDG_CONFIG_HOME="+home, "GOENV=off", "GOPATH="+home,
		"GOMODCACHE="+filepath.Join(home, "mod"), "GOTOOLCHAIN=local", "GOFLAGS=-modcacherw", "GOPROXY=off", "GOWORK=", "GO111MODULE=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

const (
	goModA = "module example.com/a\n\ngo 1.20\n"
	goModM = "module example.com/m\n\ngo 1.20\n\n"
	// withA is a requirement and a replacement that work.
	withA = "require example.com/a v1.0.0\n\nreplace example.com/a => ./a\n"
)

// sources are Go files that every test of gomod has.
var sources = map[string]string{
	"m.go":     "package m\n\nimport _ \"example.com/a\"\n",
	"a/a.go":   "package a\n",
	"a/go.mod": goModA,
}

// gomodTests: want is rule, place and module of each finding; says is what the
// go command prints when it fails, empty when it does not.
var gomodTests = []struct {
	name  string
	files map[string]string
	want  []string
	says  string
	// mended is whether the go command succeeds after the finding's own fix.
	mended bool
}{
	{name: "healthy", files: map[string]string{"go.mod": goModM + withA}},
	{name: "carriage returns", files: map[string]string{"go.mod": strings.ReplaceAll(goModM+withA, "\n", "\r\n")}},
	{
		name:  "typing error",
		files: map[string]string{"go.mod": goModM + withA + "requir example.com/b v1.0.0\n"},
		want:  []string{"gomod/syntax go.mod:8"},
		says:  "go.mod:8: unknown directive: requir",
	},
	{
		name:  "three errors",
		files: map[string]string{"go.mod": "module example.com/m\nmodule example.com/n\ngo 1.20\nrequire example.com/a\nreplace example.com/b => ../b v1.0.0\n"},
		want:  []string{"gomod/syntax go.mod:2", "gomod/syntax go.mod:4", "gomod/syntax go.mod:5"},
		says:  "go.mod:5: replacement module directory path \"../b\" cannot have version",
	},
	{
		name:  "byte order mark",
		files: map[string]string{"go.mod": "\ufeff" + goModM + withA},
		want:  []string{"gomod/syntax go.mod:1"},
		says:  "go.mod:1: unexpected input character",
	},
	{
		name:  "merge conflict",
		files: map[string]string{"go.mod": goModM + "<<<<<<< HEAD\nrequire example.com/a v1.0.0\n=======\nrequire example.com/a v1.1.0\n>>>>>>> other\n"},
		want:  []string{"gomod/merge-conflict go.mod:5"},
		says:  "go.mod:5: unknown directive: <<<<<<<",
	},
	{
		name:  "go line",
		files: map[string]string{"go.mod": "module example.com/m\n\ngo v1.20\n\n" + withA},
		want:  []string{"gomod/go-version go.mod:3"},
		says:  "invalid go version 'v1.20'",
	},
	{
		name:  "toolchain line",
		files: map[string]string{"go.mod": goModM + "toolchain 1.24.0\n\n" + withA},
		want:  []string{"gomod/toolchain-version go.mod:5"},
		says:  "invalid toolchain version '1.24.0'",
	},
	{
		name:  "no go line",
		files: map[string]string{"go.mod": "module example.com/m\n\n" + withA},
		want:  []string{"gomod/no-go-line go.mod:1"},
	},
	{
		name:  "branch",
		files: map[string]string{"go.mod": goModM + "require example.com/a main\n\nreplace example.com/a => ./a\n"},
		want:  []string{"gomod/version-not-canonical go.mod:5 example.com/a"},
		says:  "go.mod:5: module lookup disabled by GOPROXY=off",
	},
	{
		name:  "shortened versions",
		files: map[string]string{"go.mod": goModM + withA + "exclude example.com/b v1\n\nretract v2.0\n"},
		want:  []string{"gomod/version-not-canonical go.mod:10 example.com/m", "gomod/version-not-canonical go.mod:8 example.com/b"},
		says:  "go.mod:8: module lookup disabled by GOPROXY=off",
	},
	{
		name:  "major version",
		files: map[string]string{"go.mod": goModM + "require example.com/a v2.0.0\n\nreplace example.com/a => ./a\n"},
		want:  []string{"gomod/major-version go.mod:5"},
		says:  "should be v0 or v1, not v2",
	},
	{
		name:  "incompatible version",
		files: map[string]string{"go.mod": goModM + "require example.com/a v2.0.0+incompatible\n\nreplace example.com/a => ./a\n"},
	},
	{
		name:  "no module line",
		files: map[string]string{"go.mod": "go 1.20\n\n" + withA},
		want:  []string{"gomod/module-path go.mod:1"},
		says:  "missing module declaration",
	},
	{
		name:  "reserved module path",
		files: map[string]string{"go.mod": "module go\n\ngo 1.20\n\n" + withA},
		want:  []string{"gomod/module-path go.mod:1"},
		says:  `invalid module path: "go"`,
	},
	{
		name:  "malformed module path",
		files: map[string]string{"go.mod": "module example.com/m@v1\n\ngo 1.20\n\n" + withA},
		want:  []string{"gomod/module-path go.mod:1"},
		says:  `malformed module path "example.com/m@v1": invalid char '@'`,
	},
	{name: "module path without a dot", files: map[string]string{"go.mod": "module m\n\ngo 1.20\n\n" + withA}},
	{name: "module path ending in v1", files: map[string]string{"go.mod": "module example.com/m/v1\n\ngo 1.20\n\n" + withA}},
	{
		name:  "tool path",
		files: map[string]string{"go.mod": "module example.com/m\n\ngo 1.24\n\ntool ./a\n\n" + withA},
		want:  []string{"gomod/tool-path go.mod:5"},
		says:  `malformed tool path "./a"`,
	},
	{
		name:  "required twice",
		files: map[string]string{"go.mod": goModM + withA + "\nrequire example.com/a v1.1.0\n"},
		want:  []string{"gomod/duplicate-require go.mod:9 example.com/a"},
		says:  "updates to go.mod needed", mended: true,
	},
	{name: "required twice at one version", files: map[string]string{"go.mod": goModM + withA + "\nrequire example.com/a v1.0.0 // indirect\n"}},
	{
		name:  "excluded",
		files: map[string]string{"go.mod": goModM + withA + "\nexclude example.com/a v1.0.0\n"},
		want:  []string{"gomod/excluded go.mod:5 example.com/a@v1.0.0"},
		says:  "updates to go.mod needed", mended: true,
	},
	{name: "another version excluded", files: map[string]string{"go.mod": goModM + withA + "\nexclude example.com/a v1.1.0\n"}},
	{
		name:  "replaced twice",
		files: map[string]string{"go.mod": goModM + withA + "\nreplace example.com/a => ./b\n"},
		want:  []string{"gomod/replace-conflict go.mod:9 example.com/a"},
		says:  "conflicting replacements for example.com/a",
	},
	{name: "replaced twice alike", files: map[string]string{"go.mod": goModM + withA + "\nreplace example.com/a => ./a\n"}},
	{
		name:  "replacement missing",
		files: map[string]string{"go.mod": goModM + "require example.com/a v1.0.0\n\nreplace example.com/a => ../elsewhere\n"},
		want:  []string{"gomod/replace-missing go.mod:7 example.com/a@v1.0.0"},
		says:  "replacement directory ../elsewhere does not exist",
	},
	{
		name:  "replacement without go.mod",
		files: map[string]string{"go.mod": goModM + "require example.com/a v1.0.0\n\nreplace example.com/a v1.0.0 => ./c\n", "c/c.go": "package c\n"},
		want:  []string{"gomod/replace-missing go.mod:7 example.com/a@v1.0.0"},
		says:  "go.mod: ",
	},
	{
		name:  "replacements that are not in force",
		files: map[string]string{"go.mod": goModM + withA + "\nreplace (\n\texample.com/a v1.2.0 => ./nowhere\n\texample.com/b => ./nowhere\n\texample.com/c => git@example.com:c.git v1.0.0\n)\n"},
	},
	{
		name: "replaced by a git address",
		files: map[string]string{
			"go.mod": goModM + "require example.com/a v1.0.0\n\nreplace example.com/a => git@example.com:x/a.git v1.0.0\n",
			"go.sum": "git@example.com:x/a.git v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n" +
				"git@example.com:x/a.git v1.0.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
		},
		want: []string{"gomod/replace-path go.mod:7 example.com/a@v1.0.0"},
		says: `malformed module path "git@example.com:x/a.git": invalid char '@'`,
	},
	{
		name: "missing replacement, but vendored",
		files: map[string]string{
			"go.mod":                    goModM + "require example.com/a v1.0.0\n\nreplace example.com/a => ../elsewhere\n",
			"vendor/modules.txt":        "# example.com/a v1.0.0 => ../elsewhere\n## explicit; go 1.20\nexample.com/a\n# example.com/a => ../elsewhere\n",
			"vendor/example.com/a/a.go": "package a\n",
		},
	},
	{
		name:  "broken below, healthy above",
		files: map[string]string{"go.mod": goModM + withA, "sub/go.mod": "module example.com/sub\n\ngo 1.20\n\nreplace x\n"},
		want:  []string{"gomod/syntax sub/go.mod:5"},
	},

	{name: "healthy workspace", files: workspace("go 1.22\n\nuse (\n\t.\n\t./a\n\t./b\n)\n", "")},
	{
		name:  "workspace: typing error",
		files: workspace("go 1.22\n\nuze .\n", ""),
		want:  []string{"gomod/syntax go.work:3"},
		says:  "go.work:3: unknown directive: uze",
	},
	{
		name:  "workspace: use of nothing",
		files: workspace("go 1.22\n\nuse .\n\nuse ./gone\n", ""),
		want:  []string{"gomod/use-missing go.work:5"},
		says:  "cannot load module gone listed in go.work file", mended: true,
	},
	{
		name:  "workspace: use of nothing outside",
		files: workspace("go 1.22\n\nuse .\n\nuse ../gone\n", ""),
		want:  []string{"gomod/use-missing go.work:5"},
		says:  "cannot load module ../gone listed in go.work file", mended: true,
	},
	{
		name:  "workspace: used twice",
		files: workspace("go 1.22\n\nuse .\n\nuse a\n\nuse ./a/\n", ""),
		want:  []string{"gomod/use-duplicate go.work:7"},
		says:  "appears multiple times in workspace",
	},
	{
		name:  "workspace: one path twice",
		files: workspace("go 1.22\n\nuse .\n\nuse ./a\n\nuse ./copy\n", "", "copy/go.mod", goModA),
		want:  []string{"gomod/module-duplicate go.work:7 example.com/a"},
		says:  "module example.com/a appears multiple times in workspace",
	},
	{
		name:  "workspace: go line too low",
		files: workspace("go 1.21\n\nuse .\n\nuse ./b\n", ""),
		want:  []string{"gomod/work-go-version go.work:1"},
		says:  "module b listed in go.work file requires go >= 1.22, but go.work lists go 1.21", mended: true,
	},
	{
		name:  "workspace: no go line",
		files: workspace("use .\n\nuse ./b\n", ""),
		want:  []string{"gomod/work-go-version go.work:1"},
		says:  "but go.work implicitly requires go 1.18", mended: true,
	},
	{name: "workspace: go lines below 1.21 do not count", files: workspace("go 1.18\n\nuse .\n\nuse ./a\n", "")},
	{
		name:  "workspace: a module of it replaced",
		files: workspace("go 1.22\n\nuse .\n\nuse ./a\n\nreplace example.com/a => ./b\n", ""),
		want:  []string{"gomod/work-replace go.work:7 example.com/a"},
		says:  "workspace module example.com/a is replaced at all versions", mended: true,
	},
	{name: "workspace: one version of a module of it replaced", files: workspace("go 1.22\n\nuse .\n\nuse ./a\n\nreplace example.com/a v1.5.0 => ./b\n", "")},
	{
		name:  "workspace: replacement missing",
		files: workspace("go 1.22\n\nuse .\n\nreplace example.com/a => ./gone\n", ""),
		want:  []string{"gomod/replace-missing go.work:5 example.com/a"},
		says:  "(replaced by ./gone): reading gone/go.mod: open ",
	},
	{
		name: "workspace: modules disagree",
		files: workspace("go 1.22\n\nuse .\n\nuse ./b\n", "",
			"b/go.mod", "module example.com/b\n\ngo 1.22\n\nreplace example.com/a => ./a\n"),
		want: []string{"gomod/replace-conflict b/go.mod:5 example.com/a"},
		says: "conflicting replacements for example.com/a",
	},
	{
		name: "workspace: go.work decides",
		files: workspace("go 1.22\n\nuse .\n\nuse ./b\n\nreplace example.com/a => ./a\n", "",
			"b/go.mod", "module example.com/b\n\ngo 1.22\n\nreplace example.com/a => ./a\n"),
	},
	{
		name: "workspace: its modules replace nothing and need no updates",
		files: workspace("go 1.22\n\nuse .\n\nuse ./a\n", "",
			"go.mod", goModM+"require example.com/a v1.0.0\n\nrequire example.com/a v1.1.0\n\nexclude example.com/a v1.0.0\n\nreplace example.com/a => ./gone\n"),
	},
}

// workspace is the files of a workspace whose root module requires example.com/a;
// more are further files, name and content in turn.
func workspace(goWork, goMod string, more ...string) map[string]string {
	if goMod == "" {
		goMod = goModM + withA
	}
	files := map[string]string{
		"go.work": goWork, "go.mod": goMod,
		"b/go.mod": "module example.com/b\n\ngo 1.22\n", "b/b.go": "package b\n",
	}
	for i := 0; i < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	return files
}

// TestGoMod asks each question of gomod and of the go command itself.
func TestGoMod(t *testing.T) {
	t.Parallel()
	for _, tt := range gomodTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{}
			for _, some := range []map[string]string{sources, tt.files} {
				for name, data := range some {
					files[name] = data
				}
			}
			s := filesSession(t, files)
			_, findings, err := runGoMod(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if got := told(findings); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
				for _, f := range findings {
					t.Logf("%s: %s", f.Rule, f.Message)
				}
			}

			out, err := goIn(t, s, ".", "list", "-deps", ".")
			switch {
			case tt.says == "" && err != nil:
				t.Errorf("the go command fails: %v\n%s", err, out)
			case tt.says != "" && (err == nil || !strings.Contains(out, tt.says)):
				t.Errorf("the go command does not say %q: %v\n%s", tt.says, err, out)
			}
			if tt.mended && len(findings) == 1 {
				command := findings[0].Fix.Command
				if out, err := shellIn(t, s.Root(), command); err != nil {
					t.Errorf("%s: %v\n%s", command, err, out)
				}
				if out, err := goIn(t, s, ".", "list", "-mod=mod", "-deps", "."); err != nil && s.Modules[0].Workspace == nil {
					t.Errorf("after %s the go command fails: %v\n%s", command, err, out)
				}
				loadFiles(t, s, s.Root())
				if _, again, _ := runGoMod(t.Context(), s); len(again) > 0 {
					t.Errorf("after %s: %q", command, told(again))
				}
			}
		})
	}
}

// TestGoModDirectiveTooNew pretends to build with releases that are not here.
func TestGoModDirectiveTooNew(t *testing.T) {
	t.Parallel()
	const goMod = "module example.com/m\n\ngo 1.20\n\ntoolchain go1.21.5\n\ngodebug panicnil=1\n\ntool example.com/m\n\nignore (\n\t./x\n\t./y\n)\n"
	for _, tt := range []struct {
		version, setting string
		want             []string
	}{
		{"go1.25.0", "local", nil},
		{"go1.25rc1", "local", nil},
		{"go1.24.9", "local", []string{"gomod/directive-too-new go.mod:11"}},
		{"go1.23.1-custom", "local", []string{"gomod/directive-too-new go.mod:11", "gomod/directive-too-new go.mod:9"}},
		{"go1.22", "local", []string{"gomod/directive-too-new go.mod:11", "gomod/directive-too-new go.mod:7", "gomod/directive-too-new go.mod:9"}},
		// Another release is chosen.
		{"go1.22.0", "go1.25.1", nil},
		// Too old for the go line: that is what toolchain reports.
		{"go1.19.13", "local", nil},
		{"devel +abc", "local", nil},
	} {
		t.Run(tt.version, func(t *testing.T) {
			t.Parallel()
			s := filesSession(t, map[string]string{"go.mod": goMod})
			s.Env = goenv.FromMap(map[string]string{"GOVERSION": tt.version, "GOTOOLCHAIN": tt.setting})
			_, findings, err := runGoMod(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if got := told(findings); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestGoModUnreadable(t *testing.T) {
	t.Parallel()
	s := filesSession(t, map[string]string{"go.mod": goModM, "sub/go.mod": "module example.com/sub\n\ngo 1.20\n"})
	outside := filepath.Join(t.TempDir(), "go.mod")
	if err := os.WriteFile(outside, []byte("module example.com/outside\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	link := s.Repo.Abs("sub/go.mod")
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	loadFiles(t, s, s.Root())
	_, findings, err := runGoMod(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := told(findings), []string{"gomod/unreadable sub/go.mod"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestGoWorkOutside has a go.work above the repository: a finding without a
// place, whose message names it.
func TestGoWorkOutside(t *testing.T) {
	t.Parallel()
	s := filesSession(t, map[string]string{"go.mod": goModM})
	above := filepath.Join(filepath.Dir(s.Root()), "go.work")
	if err := os.WriteFile(above, []byte("go 1.22\n\nuse ./repository\n\nuse ./gone\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	loadFiles(t, s, s.Root())
	_, findings, err := runGoMod(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := told(findings), []string{"gomod/use-missing "}; !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	if got, want := findings[0].Message, "../go.work:5: ./gone is used, but ../gone/go.mod does not exist"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGoModWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, line, message, fix string
	}{
		{"near", "requires example.com/a v1.0.0", "unknown directive: requires", `Did you mean "require"?`},
		{"block", "replaces (\n)", "unknown block type: replaces", `Did you mean "replace"?`},
		{"far", "dependencies example.com/a", "unknown directive: dependencies", ""},
		{
			"branch", "require example.com/a main", `example.com/a: "main" is not a canonical version: the go command asks the network what it means`,
			"Write the exact version; go list -m example.com/a@main tells it.",
		},
		{"major", "require example.com/a/v2 v1.0.0", `require example.com/a/v2: version "v1.0.0" invalid: should be v2, not v1`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file, findings := parseGoMod("go.mod", []byte(goModM+tt.line+"\n"))
			if file != nil || len(findings) != 1 {
				t.Fatalf("got %d findings", len(findings))
			}
			if got := findings[0].Message; got != tt.message {
				t.Errorf("message: got %q, want %q", got, tt.message)
			}
			if got := findings[0].Fix.Description; got != tt.fix {
				t.Errorf("fix: got %q, want %q", got, tt.fix)
			}
		})
	}
}

// FuzzParseGoMod: whatever a file holds, there are findings or a parsed file,
// each finding at a line that exists.
func FuzzParseGoMod(f *testing.F) {
	for _, tt := range gomodTests {
		f.Add([]byte(tt.files["go.mod"]))
		f.Add([]byte(tt.files["go.work"]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := bytes.Count(data, []byte("\n")) + 1
		file, findings := parseGoMod("go.mod", data)
		if (file == nil) == (len(findings) == 0) {
			t.Fatalf("file %v, %d findings", file, len(findings))
		}
		if file != nil {
			findings = judgeGoMod(goModFacts{name: "go.mod", data: data, goVersion: "go1.20.1", target: func(string) string { return "" }})
		}
		if work, _ := parseGoWork("go.work", data); work != nil {
			findings = append(findings, judgeGoWork(goWorkFacts{name: "go.work", data: data, target: func(string) string { return "" }})...)
		}
		for _, finding := range findings {
			if finding.Line < 0 || finding.Line > lines {
				t.Fatalf("%s at line %d of %d", finding.Rule, finding.Line, lines)
			}
		}
	})
}
