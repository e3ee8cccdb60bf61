package checks

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// goModules are what the proxy of goSession serves.
var goModules = map[string]map[string]string{
	"example.com/lib@v1.0.0": {"go.mod": "module example.com/lib\n\ngo 1.21\n", "lib.go": "package lib\n\nconst Name = \"lib\"\n"},
	"example.com/lib@v1.1.0": {"go.mod": "module example.com/lib\n\ngo 1.21\n", "lib.go": "package lib\n\nconst Name = \"lib 1.1\"\n"},
	"example.com/dep@v1.0.0": {"go.mod": "module example.com/dep\n\ngo 1.21\n\nrequire example.com/lib v1.1.0\n", "dep.go": "package dep\n\nimport \"example.com/lib\"\n\nconst Name = lib.Name\n"},
	"example.com/bad@v1.0.0": {"go.mod": "module example.com/bad\n\ngo 1.21\n", "bad.go": "package bad\n\nvar x int = \"no\"\n"},
	"example.com/new@v1.0.0": {"go.mod": "module example.com/new\n\ngo 1.24.0\n", "new.go": "package new\n"},
}

// goSession is a session on a repository of the given files with the real go
// command, a proxy that serves goModules, and a private, empty module cache.
func goSession(t *testing.T, files map[string]string) *Session {
	t.Helper()
	goPath, err := exec.LookPath("go")
	if err != nil {
		t.Skip(err)
	}
	served := t.TempDir()
	for id, content := range goModules {
		serveModule(t, served, id, content)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(served)))
	t.Cleanup(server.Close)
	known, err := exec.CommandContext(t.Context(), goPath, "env", "GOCACHE", "GOVERSION", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	values := strings.Split(strings.TrimSpace(string(known)), "\n")
	home := t.TempDir()
	// Telemetry would write into home while the test removes it.
	labWrite(t, filepath.Join(home, "go", "telemetry", "mode"), "off")
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GO_TELEMETRY_CHILD=2", "XDG_CONFIG_HOME=" + home, "GOENV=off", "GOPATH=" + home,
		"GOMODCACHE=" + filepath.Join(home, "mod"), "GOCACHE=" + values[0], "GOPROXY=" + server.URL, "GONOSUMDB=*",
		"GOTOOLCHAIN=local", "TMPDIR=" + t.TempDir(),
	}
	s := filesSession(t, files)
	s.Env = goenv.FromMap(map[string]string{
		"GOVERSION": values[1], "GOROOT": values[2], "GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw",
		"GOMODCACHE": filepath.Join(home, "mod"), "GOPROXY": server.URL,
	})
	s.Go = gocmd.New(goPath, env, 0)
	s.Getenv = func(string) string { return "" }
	s.Temp = func(name string) (string, error) { return os.MkdirTemp(t.TempDir(), name) }
	return s
}

// tidied runs go mod tidy in every module.
func tidied(t *testing.T, s *Session) {
	t.Helper()
	for _, m := range s.Modules {
		dir := s.Repo.Abs(m.Dir)
		out, err := s.Go.Ask(t.Context(), gocmd.Question{Dir: dir, Args: []string{"mod", "tidy"}, Env: []string{"GOWORK=off", "GOFLAGS=-modcacherw"}})
		if err != nil || out.Exit != 0 {
			t.Fatalf("go mod tidy: %v\n%s", err, out.Stderr)
		}
	}
	loadFiles(t, s, s.Repo.Root)
}

// runOnly runs some checks of the registry and returns "check=status" of each,
// then "rule place" of every finding.
func runOnly(t *testing.T, s *Session, names ...string) []string {
	t.Helper()
	r := &Runner{Checks: All, Redactor: plain.NewRedactor(nil), Selected: func(c *Check) (bool, string) {
		return slices.Contains(names, c.Name), "not selected"
	}}
	results, _, _ := r.Run(t.Context(), s)
	var got []string
	for _, res := range results {
		if !slices.Contains(names, res.Check) {
			continue
		}
		got = append(got, res.Check+"="+string(res.Status))
		for _, f := range res.Findings {
			got = append(got, strings.TrimSpace(f.Rule+" "+f.Place()))
		}
	}
	return got
}

const mainGo = "package m\n\nimport _ \"example.com/lib\"\n"

func goMod(requires ...string) string {
	text := "module example.org/m\n\ngo 1.21\n"
	if len(requires) > 0 {
		text += "\n" + strings.Join(requires, "\n") + "\n"
	}
	return text
}

// TestTidy: each thing that go mod tidy would change, at its line, and nothing else.
func TestTidy(t *testing.T) {
	t.Parallel()
	both := "require (\n\texample.com/dep v1.0.0\n\texample.com/lib v1.1.0 // indirect\n)"
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"tidy", map[string]string{"go.mod": goMod("require example.com/lib v1.0.0"), "m.go": mainGo}, []string{"tidy=passed"}},
		{"no dependencies", map[string]string{"go.mod": goMod(), "m.go": "package m\n"}, []string{"tidy=passed"}},
		{"unused", map[string]string{"go.mod": goMod("require example.com/lib v1.0.0"), "m.go": "package m\n"},
			[]string{"tidy=failed", "tidy/unused-require go.mod:5"}},
		{"missing", map[string]string{"go.mod": goMod(), "m.go": mainGo},
			[]string{"tidy=failed", "tidy/missing-require go.mod:3"}},
		{"missing indirect", map[string]string{"go.mod": goMod("require example.com/dep v1.0.0"), "m.go": "package m\n\nimport _ \"example.com/dep\"\n"},
			[]string{"tidy=failed", "tidy/missing-require go.mod:5"}},
		{"wrongly indirect", map[string]string{"go.mod": goMod("require example.com/lib v1.0.0 // indirect"), "m.go": mainGo},
			[]string{"tidy=failed", "tidy/indirect go.mod:5"}},
		{"wrongly direct", map[string]string{"go.mod": goMod(strings.ReplaceAll(both, " // indirect", "")), "m.go": "package m\n\nimport _ \"example.com/dep\"\n"},
			[]string{"tidy=failed", "tidy/indirect go.mod:7"}},
		{"version", map[string]string{"go.mod": goMod(strings.ReplaceAll(both, "v1.1.0", "v1.0.0")), "m.go": "package m\n\nimport _ \"example.com/dep\"\n"},
			[]string{"tidy=failed", "tidy/version go.mod:7"}},
		{"go line", map[string]string{"go.mod": goMod("require example.com/new v1.0.0"), "m.go": "package m\n\nimport _ \"example.com/new\"\n"},
			[]string{"tidy=failed", "tidy/go-line go.mod:3"}},
		{"format", map[string]string{"go.mod": goMod("require example.com/lib v1.0.0", "require example.com/lib v1.0.0"), "m.go": mainGo},
			[]string{"tidy=failed", "tidy/format go.mod:6"}},
		{"blank lines", map[string]string{"go.mod": strings.ReplaceAll(goMod("require example.com/lib v1.0.0"), "\n\n", "\n\n\n"), "m.go": mainGo},
			[]string{"tidy=passed", "tidy/rewrites go.mod:3"}},
		{"no end of the last line", map[string]string{"go.mod": strings.TrimSuffix(goMod("require example.com/lib v1.0.0"), "\n"), "m.go": mainGo},
			[]string{"tidy=passed", "tidy/rewrites go.mod:5"}},
		{"CRLF", map[string]string{"go.mod": strings.ReplaceAll(goMod("require example.com/lib v1.0.0"), "\n", "\r\n"), "m.go": mainGo},
			[]string{"tidy=passed"}},
		{"an import that nobody has", map[string]string{"go.mod": goMod(), "m.go": "package m\n\nimport _ \"example.com/nobody\"\n"},
			[]string{"tidy=errored", "tidy/unanswered go.mod"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := goSession(t, tt.files)
			if got := runOnly(t, s, "tidy"); !slices.Equal(got, tt.want) {
				t.Errorf("with -diff: got %q, want %q", got, tt.want)
			}
			patchTidies(t, s, len(tt.want) > 1 && tt.want[0] != "tidy=errored")
			// A release without -diff has another way to the same answer.
			s.shared = &shared{}
			statuses, findings := s.forEachModule(t.Context(), func(ctx context.Context, m *repo.Module) (string, []Finding, error) {
				a, err := s.tidiedCopy(ctx, m)
				if err != nil {
					return "", nil, err
				}
				found, err := judgeTidy(m, a.mod)
				return "", found, err
			})
			var got []string
			for _, f := range findings {
				got = append(got, f.Rule+" "+f.Place())
			}
			if want := tt.want[1:]; statuses[0].err == nil && !slices.Equal(got, want) {
				t.Errorf("by a copy: got %q, want %q", got, want)
			}
			if want := tt.want[0] == "tidy=errored"; (statuses[0].err != nil) != want {
				t.Errorf("by a copy: error %v, want one: %v", statuses[0].err, want)
			}
		})
	}
}

// patchTidies applies the patch of tidy's findings, if there has to be one, to a copy
// of the repository: nothing is left to tidy there, and go.sum is what go mod tidy
// makes it.
func patchTidies(t *testing.T, s *Session, want bool) {
	t.Helper()
	r := &Runner{Checks: All, Redactor: plain.NewRedactor(nil), Selected: func(c *Check) (bool, string) { return c.Name == "tidy", "not selected" }}
	results, _, _ := r.Run(t.Context(), s)
	patch := ""
	for _, res := range results {
		for _, f := range res.Findings {
			patch = f.Fix.Patch
		}
	}
	if (patch != "") != want {
		t.Errorf("there is a patch: %t, want %t:\n%s", patch != "", want, patch)
	}
	if patch == "" {
		return
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(s.Repo.Root)); err != nil {
		t.Fatal(err)
	}
	apply := exec.CommandContext(t.Context(), "git", "apply", "-")
	apply.Dir, apply.Stdin = dir, strings.NewReader(patch)
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v\n%s\n%s", err, out, patch)
	}
	out, err := s.Go.Ask(t.Context(), gocmd.Question{Dir: filepath.Join(dir, s.Modules[0].Dir), Args: []string{"mod", "tidy", "-diff"}, Env: []string{"GOWORK=off", "GOFLAGS=-modcacherw"}})
	if err != nil || out.Exit != 0 || len(out.Stdout) != 0 {
		t.Errorf("go mod tidy -diff after the patch: %v, exit %d\n%s%s\nthe patch:\n%s", err, out.Exit, out.Stdout, out.Stderr, patch)
	}
}

// TestTidyPatch: the patch of a module with a go.sum, in a folder of its own, has
// both files; where it could not be shown or would not apply there is none.
func TestTidyPatch(t *testing.T) {
	t.Parallel()
	const both = "package m\n\nimport (\n\t_ \"example.com/dep\"\n\t_ \"example.com/lib\"\n)\n"
	for name, tt := range map[string]struct {
		dir  string
		crlf bool
		want bool
	}{
		"plain":            {dir: "svc/api-v2", want: true},
		"spaces in a path": {dir: "my service"},
		"CRLF":             {dir: "svc", crlf: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := goSession(t, map[string]string{tt.dir + "/go.mod": goMod("require example.com/lib v1.0.0"), tt.dir + "/m.go": mainGo})
			tidied(t, s)
			labWrite(t, filepath.Join(s.Repo.Root, tt.dir, "m.go"), both)
			if tt.crlf {
				labWrite(t, filepath.Join(s.Repo.Root, tt.dir, "go.mod"), strings.ReplaceAll(goMod("require example.com/lib v1.0.0"), "\n", "\r\n"))
			}
			loadFiles(t, s, s.Repo.Root)
			patchTidies(t, s, tt.want)
		})
	}
}

// TestTidyOfSibling: tidy is skipped only where it cannot find a module of the
// workspace that nobody has published, not for whatever else goes wrong.
func TestTidyOfSibling(t *testing.T) {
	t.Parallel()
	s := filesSession(t, map[string]string{
		"go.work": "go 1.24\n\nuse ./m\n\nuse ./lib\n", "m/go.mod": goMod(), "lib/go.mod": "module example.com/lib\n\ngo 1.21\n",
	})
	for stderr, want := range map[string]Status{
		"go: example.org/m imports\n\texample.com/lib: cannot find module providing package example.com/lib: module example.com/lib: reading https://goproxy.example/example.com/lib/@v/list: 404 Not Found\n": Skipped,
		"go: example.com/lib@v0.0.0: reading https://goproxy.example/example.com/lib/@v/v0.0.0.mod: 404 Not Found\n":                                                                                           Skipped,
		"go: example.org/m imports\n\texample.com/library: cannot find module providing package example.com/library: module lookup failed\n":                                                                   Errored,
		"verifying example.com/lib@v1.0.0: checksum mismatch\n\tdownloaded: h1:a\n\tgo.sum:     h1:b\n":                                                                                                        Errored,
		"go: example.com/lib@v1.0.0: Get \"https://goproxy.example/example.com/lib/@v/v1.0.0.mod\": dial tcp 192.0.2.1:443: connect: connection refused\n":                                                     Errored,
	} {
		if got := statusOf(s.tidyFailed(s.Modules[slices.IndexFunc(s.Modules, func(m *repo.Module) bool { return m.Dir == "m" })], "go mod tidy", stderr)); got != want {
			t.Errorf("got %s, want %s, for %s", got, want, stderr)
		}
	}
}

// TestGosumComplete: the lines that go mod tidy would add and remove.
func TestGosumComplete(t *testing.T) {
	t.Parallel()
	files := map[string]string{"go.mod": goMod("require (\n\texample.com/dep v1.0.0\n\texample.com/lib v1.1.0 // indirect\n)"), "m.go": "package m\n\nimport _ \"example.com/dep\"\n"}
	tests := []struct {
		name string
		edit func(sum string) string
		want []string
	}{
		{"complete", func(s string) string { return s }, []string{"gosum=passed"}},
		{"a zip line missing", func(s string) string { return dropLine(s, "example.com/lib v1.1.0 ") },
			[]string{"gosum=failed", "gosum/missing go.sum:3"}},
		{"both lines of a module missing", func(s string) string { return dropLine(s, "example.com/lib ") },
			[]string{"gosum=failed", "gosum/missing go.sum:2"}},
		{"all missing", func(string) string { return "" }, []string{"gosum=failed", "gosum/missing go.mod:1"}},
		{"unused", func(s string) string {
			return s + strings.ReplaceAll(lineOf(s, "example.com/lib v1.1.0 "), "lib v1.1.0", "old v1.0.0")
		},
			[]string{"gosum=failed", "gosum/unused go.sum:5"}},
		{"unsorted", func(s string) string {
			l := lineOf(s, "example.com/dep v1.0.0 ")
			return dropLine(s, "example.com/dep v1.0.0 ") + l
		},
			[]string{"gosum=warned", "gosum/not-canonical go.sum:4"}},
		{"duplicate", func(s string) string { return s + lineOf(s, "example.com/dep v1.0.0 ") },
			[]string{"gosum=warned", "gosum/not-canonical go.sum:5"}},
		{"CRLF", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
			[]string{"gosum=warned", "gosum/not-canonical go.sum:1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := goSession(t, files)
			tidied(t, s)
			sum := filepath.Join(s.Repo.Root, "go.sum")
			before, err := os.ReadFile(sum)
			if err != nil {
				t.Fatal(err)
			}
			edited := tt.edit(string(before))
			if err := os.WriteFile(sum, []byte(edited), 0o666); err != nil {
				t.Fatal(err)
			}
			if edited == "" {
				os.Remove(sum)
			}
			loadFiles(t, s, s.Repo.Root)
			if got := runOnly(t, s, "gosum"); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}

	t.Run("go.mod is not tidy", func(t *testing.T) {
		t.Parallel()
		s := goSession(t, map[string]string{"go.mod": goMod(), "m.go": mainGo})
		want := []string{"gosum=skipped", "tidy=failed", "tidy/missing-require go.mod:3"}
		if got := runOnly(t, s, "gosum", "tidy"); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func dropLine(text, start string) string {
	var kept strings.Builder
	for l := range strings.Lines(text) {
		if !strings.HasPrefix(l, start) {
			kept.WriteString(l)
		}
	}
	return kept.String()
}

func lineOf(text, start string) string {
	for l := range strings.Lines(text) {
		if strings.HasPrefix(l, start) {
			return l
		}
	}
	return ""
}

// TestBuild: a fault of the source is told at its line and apart from a fault
// of the environment.
func TestBuild(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"builds", map[string]string{"go.mod": goMod("require example.com/lib v1.0.0"), "m.go": mainGo}, []string{"build=passed"}},
		{"no packages", map[string]string{"go.mod": goMod()}, []string{"build=passed"}},
		{"type error", map[string]string{"go.mod": goMod(), "a/m.go": "package a\n\nvar x int = \"s\"\n"},
			[]string{"build=failed", "build/compile a/m.go:3"}},
		{"syntax error", map[string]string{"go.mod": goMod(), "m.go": "package m\n\nfunc {\n"},
			[]string{"build=failed", "build/compile m.go:3"}},
		{"unknown import", map[string]string{"go.mod": goMod(), "m.go": "package m\n\nimport _ \"example.com/nobody\"\n"},
			[]string{"build=failed", "build/import m.go:3"}},
		{"not in the standard library", map[string]string{"go.mod": goMod(), "m.go": "package m\n\nimport _ \"fmtt\"\n"},
			[]string{"build=failed", "build/import m.go:3"}},
		{"a dependency does not compile", map[string]string{"go.mod": goMod("require example.com/bad v1.0.0"), "m.go": "package m\n\nimport _ \"example.com/bad\"\n"},
			[]string{"build=failed", "build/compile"}},
		{"a module's vendor folder beside a go.work, which the workspace does not build from", map[string]string{
			"go.work": "go 1.22\n\nuse .\n\nuse ./n\n", "go.mod": "module example.org/m\n\ngo 1.22\n", "m.go": "package m\n", "vendor/modules.txt": "\n",
			"n/go.mod": "module example.org/n\n\ngo 1.22\n\nrequire example.com/lib v1.0.0\n", "n/n.go": "package n\n\nimport _ \"example.com/lib\"\n"},
			[]string{"build=passed"}},
		{"a module that the proxy does not have", map[string]string{
			"go.mod": goMod("require example.com/gone v1.0.0"), "m.go": "package m\n\nimport _ \"example.com/gone\"\n",
			"go.sum": "example.com/gone v1.0.0 h1:PFTzjMNnbBy+tLw3TJKRPrPBTpRJTDwlcBEGWqYlhzA=\nexample.com/gone v1.0.0/go.mod h1:PFTzjMNnbBy+tLw3TJKRPrPBTpRJTDwlcBEGWqYlhzA=\n"},
			[]string{"build=failed", "build/environment go.mod"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := goSession(t, tt.files)
			if tt.want[0] == "build=passed" || tt.files["go.sum"] == "" && strings.Contains(tt.files["go.mod"], "require") {
				tidied(t, s)
			}
			if got := runOnly(t, s, "build"); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestBuildOfStrangers: a job with secrets does not build a stranger's change,
// and one without them builds it without the C compiler (build_cgo_test.go).
func TestBuildOfStrangers(t *testing.T) {
	t.Parallel()
	s := goSession(t, map[string]string{"go.mod": goMod(), "m.go": "package m\n", "c.go": "//go:build cgo\n\npackage m\n\nvar x int = \"only with cgo\"\n"})
	s.UntrustedCheckout = true
	if got, want := runOnly(t, s, "build"), []string{"build=failed", "build/untrusted-checkout"}; !slices.Equal(got, want) {
		t.Errorf("pull_request_target: got %q, want %q", got, want)
	}
	s.UntrustedCheckout, s.Fork = false, true
	if got, want := runOnly(t, s, "build"), []string{"build=passed"}; !slices.Equal(got, want) {
		t.Errorf("fork: got %q, want %q", got, want)
	}
}

// TestToolchain: which release each module gets, and what stands in the way.
func TestToolchain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		goMod, setting string
		allow          string
		want           []string
	}{
		{"installed", "go 1.21\n", "auto", "", []string{"toolchain=passed"}},
		{"too old", "go 1.99\n", "local", "", []string{"toolchain=failed", "toolchain/too-old go.mod:3"}},
		{"not to be had", "go 1.99\n", "auto", "", []string{"toolchain=failed", "toolchain/unavailable go.mod:3"}},
		{"toolchain default", "go 1.24.0\n\ntoolchain default\n", "auto", "", []string{"toolchain=failed", "toolchain/redundant go.mod:5"}},
		{"toolchain as go line", "go 1.24.0\n\ntoolchain go1.24.0\n", "local", "", []string{"toolchain=failed", "toolchain/redundant go.mod:5"}},
		{"older toolchain line is fine", "go 1.24\n\ntoolchain go1.24.0\n", "local", "", []string{"toolchain=passed"}},
		{"allowed", "go 1.21\n", "local", ">=1.20", []string{"toolchain=passed"}},
		{"not allowed", "go 1.21\n", "local", "<1.20", []string{"toolchain=failed", "toolchain/not-allowed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := goSession(t, map[string]string{"go.mod": "module example.org/m\n\n" + tt.goMod, "m.go": "package m\n"})
			values := map[string]string{}
			for _, e := range s.Env.All() {
				values[e.Name] = e.Value
			}
			values["GOTOOLCHAIN"] = tt.setting
			s.Env = goenv.FromMap(values)
			s.Config.Toolchain.Allow = config.GoVersions(tt.allow)
			if got := runOnly(t, s, "toolchain"); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}

	t.Run("no go command", func(t *testing.T) {
		t.Parallel()
		s := goSession(t, map[string]string{"go.mod": goMod(), "m.go": "package m\n"})
		s.Go = nil
		want := []string{"toolchain=failed", "toolchain/not-found", "tidy=blocked", "build=blocked"}
		if got := runOnly(t, s, "toolchain", "tidy", "build"); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
