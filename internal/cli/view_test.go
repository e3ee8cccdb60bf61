package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/ci"
	"github.com/gopreflight/gopreflight/report"
)

// testSystem is a system whose standard output is a file, as in a job.
func testSystem(t *testing.T, dir string, env map[string]string) *system {
	t.Helper()
	open := func(name string) *os.File {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	return &system{stdout: open("stdout"), stderr: open("stderr"), dir: dir, getenv: func(name string) string { return env[name] }}
}

func contents(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestASCII: our signs are ASCII where the locale is known to have no others,
// but not in logs that are UTF-8 anyway.
func TestASCII(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		provider ci.Provider
		env      map[string]string
		want     bool
	}{
		{"no locale", ci.None, nil, false},
		{"UTF-8", ci.None, map[string]string{"LANG": "en_US.UTF-8"}, false},
		{"utf8", ci.None, map[string]string{"LANG": "C.utf8"}, false},
		{"macOS", ci.None, map[string]string{"LC_CTYPE": "UTF-8"}, false},
		{"C", ci.None, map[string]string{"LANG": "C"}, true},
		{"POSIX", ci.Jenkins, map[string]string{"LC_ALL": "POSIX"}, true},
		{"Latin-1", ci.None, map[string]string{"LANG": "de_DE.ISO-8859-1"}, true},
		{"LC_ALL before LANG", ci.None, map[string]string{"LC_ALL": "C", "LANG": "en_US.UTF-8"}, true},
		{"LC_CTYPE before LANG", ci.None, map[string]string{"LC_CTYPE": "C.UTF-8", "LANG": "C"}, false},
		{"Jenkins without a locale", ci.Jenkins, nil, false},
		{"GitHub", ci.GitHub, map[string]string{"LC_ALL": "C"}, false},
		{"GitLab", ci.GitLab, map[string]string{"LC_ALL": "C"}, false},
	} {
		sys := testSystem(t, t.TempDir(), tt.env)
		if got := sys.ascii(place{ci: ci.Context{Provider: tt.provider}}); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}

// TestInWorkTree: the output names a file as the next step finds it, or nothing.
func TestInWorkTree(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	sub := filepath.Join(root, "sub")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(sub, "r.json"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(root, link); err != nil {
		t.Skip(err)
	}
	for _, tt := range []struct{ name, workspace, dir, path, want string }{
		{"in the current directory", "", sub, "r.json", "r.json"},
		{"below it", "", root, "sub/r.json", "sub/r.json"},
		{"relative to the workspace", root, sub, "r.json", "sub/r.json"},
		{"up to the workspace", root, sub, "../r.json", "r.json"},
		{"absolute", root, sub, filepath.Join(sub, "r.json"), "sub/r.json"},
		{"outside", sub, root, "r.json", ""},
		{"far outside", root, sub, "../../r.json", ""},
		{"no workspace, outside", "", sub, filepath.Join(root, "r.json"), ""},
		{"through a link", root, link, "sub/r.json", "sub/r.json"},
		{"workspace through a link", link, sub, "r.json", "sub/r.json"},
		{"a workspace that is not there", filepath.Join(root, "none"), sub, "r.json", ""},
		{"a name with a line break", root, sub, "a\nb.json", "sub/a\nb.json"},
	} {
		sys := testSystem(t, tt.dir, map[string]string{"GITHUB_WORKSPACE": tt.workspace})
		if got := sys.inWorkTree(tt.path); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestWriteReportOutput: the output "report" names the JSON report wherever it
// stands among the formats, and nothing when it could not be written.
func TestWriteReportOutput(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, path, want, complaint string }{
		{"written", "r.json", "report=r.json\n", ""},
		{"not written", "no/such/folder/r.json", "report=\n", "warning: writing json: open "},
		{"a name with a line break", "r\nverdict=pass", "report=\n", `the output report is left empty, it has a line break: "r\nverdict=pass"`},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "outputs")
		sys := testSystem(t, dir, map[string]string{"GITHUB_OUTPUT": file})
		r := &checks.Report{Schema: checks.Schema, Scope: checks.ScopeJob, Verdict: checks.Fail}
		formats := []output{{reporter: report.GitHub}, {reporter: report.JSON, path: tt.path}}
		sys.write(t.Context(), formats, outputOptions{}, place{}, false, r)
		if got, want := contents(t, file), "verdict=fail\nerrors=0\nwarnings=0\nroot-cause=\n"+tt.want; got != want {
			t.Errorf("%s: outputs are %q, want %q", tt.name, got, want)
		}
		if got := contents(t, sys.stderr.Name()); !strings.Contains(got, tt.complaint) || tt.complaint == "" && got != "" {
			t.Errorf("%s: told is %q, want %q", tt.name, got, tt.complaint)
		}
	}
}

// TestWriteThroughLink: a change may have a link where the report is to be
// written. What it leads to stays as it is.
func TestWriteThroughLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"r.json", "dangling.json"} {
		target := victim
		if name != "r.json" {
			target += "-new"
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
		outputs := filepath.Join(t.TempDir(), "outputs")
		sys := testSystem(t, dir, map[string]string{"GITHUB_OUTPUT": outputs})
		r := &checks.Report{Schema: checks.Schema, Scope: checks.ScopeJob, Verdict: checks.Fail}
		sys.write(t.Context(), []output{{reporter: report.GitHub}, {reporter: report.JSON, path: name}}, outputOptions{}, place{}, false, r)
		want := "gopreflight: warning: writing json: " + name + " is a symbolic link: what it leads to is not written over\n"
		if got := contents(t, sys.stderr.Name()); got != want {
			t.Errorf("%s: told is %q, want %q", name, got, want)
		}
		if got := contents(t, outputs); !strings.HasSuffix(got, "\nreport=\n") {
			t.Errorf("%s: outputs are %q", name, got)
		}
	}
	if got := contents(t, victim); got != "mine" {
		t.Errorf("what the link leads to holds %q", got)
	}
	if _, err := os.Lstat(victim + "-new"); err == nil {
		t.Error("a file was made where the other link leads")
	}
}

// TestComplain: what cleaning takes out of a line may have kept a secret apart.
func TestComplain(t *testing.T) {
	t.Parallel()
	sys := testSystem(t, t.TempDir(), nil)
	sys.environ = []string{"INPUT_TOKEN=hunter2hunter2"}
	sys.complain("it says hunter2\u200bhunter2 and hunter2hunter2\n::error::x ##[error]y")
	want := "gopreflight: it says xxxxx and xxxxx\ngopreflight: ::error::x ##\\[error]y\n"
	if got := contents(t, sys.stderr.Name()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
