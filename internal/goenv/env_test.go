package goenv

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// machine is a private home for the real go command.
type machine struct {
	t    *testing.T
	home string
	// env is the process environment.
	env []string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command")
	}
	home := t.TempDir()
	m := &machine{t: t, home: home}
	m.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GO_TELEMETRY_CHILD=2", "XDG_CONFIG_HOME=" + filepath.Join(home, ".config"),
		"XDG_CACHE_HOME=" + filepath.Join(home, ".cache"), "TMPDIR=" + t.TempDir()}
	// Telemetry writes into the home folder behind the test's back.
	m.write("telemetry/mode", "off")
	return m
}

// userFile writes the file of go env -w.
func (m *machine) userFile(text string) { m.write("env", text) }

// write writes a file of the go command's configuration folder.
func (m *machine) write(name, text string) {
	m.t.Helper()
	file := filepath.Join(m.home, ".config", "go", name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// run runs the real go command in a folder without go.mod.
func (m *machine) run(ctx context.Context, env []string, args ...string) ([]byte, error) {
	return m.runIn(ctx, m.home, env, args...)
}

func (m *machine) runIn(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env, cmd.Dir = env, dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

func (m *machine) read(set ...string) *Env {
	m.t.Helper()
	e, err := Read(m.t.Context(), Options{
		Run: m.run, Environ: with(m.env, set...), ConfigDir: filepath.Join(m.home, ".config"), ReadFile: os.ReadFile,
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return e
}

func TestReadSources(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.userFile("# comment\nGOPRIVATE=corp.example\nGOFLAGS=-x\nGOAUTH=\nexport GOVCS=off\nGODEBUG=a=1\nGOFLAGS=-v\n")
	e := m.read("GOSUMDB=off", "GOINSECURE=", "GOFLAGS=")
	if e.Err != nil || e.Refused != nil {
		t.Fatalf("Err %v, Refused %v", e.Err, e.Refused)
	}
	file := filepath.Join(m.home, ".config", "go", "env")
	for _, want := range []Setting{
		{Name: "GOSUMDB", Value: "off", Source: Process},
		{Name: "GOPRIVATE", Value: "corp.example", Source: UserFile, File: file, Line: 2},
		{Name: "GOFLAGS", Value: "-v", Source: UserFile, File: file, Line: 7},
		{Name: "GONOPROXY", Value: "corp.example", Source: Default},
		{Name: "GOAUTH", Value: "netrc", Source: Default},
		{Name: "GODEBUG", Source: Default},
		{Name: "GOVCS", Source: Default},
		{Name: "GOINSECURE", Source: Default},
		{Name: "GOENV", Value: file, Source: Default},
		{Name: "GOMODCACHE", Value: filepath.Join(m.home, "go", "pkg", "mod"), Source: Default},
	} {
		if got, _ := e.Lookup(want.Name); got != want {
			t.Errorf("%s: got %+v, want %+v", want.Name, got, want)
		}
	}
	if got, _ := e.Lookup("GOPROXY"); got.Source != GOROOTFile || got.Line == 0 || got.File != filepath.Join(e.Get("GOROOT"), "go.env") {
		t.Errorf("GOPROXY: got %+v, want it from GOROOT/go.env with a line", got)
	}
	if got := len(e.FileSettings()); got != 6 {
		t.Errorf("FileSettings: got %d lines, want 6: %+v", got, e.FileSettings())
	}
	if !e.IsSet("GOSUMDB") || e.IsSet("GOVCS") {
		t.Errorf("IsSet: got GOSUMDB %v, GOVCS %v; want true, false", e.IsSet("GOSUMDB"), e.IsSet("GOVCS"))
	}
	if got := e.Get("GOVERSION"); !strings.HasPrefix(got, "go1.") && !strings.HasPrefix(got, "devel") {
		t.Errorf("GOVERSION: got %q", got)
	}
}

// TestReadAgreesWithGo compares every value with what go env says, in states in
// which it says something.
func TestReadAgreesWithGo(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]struct {
		file string
		env  []string
	}{
		"nothing":        {},
		"file":           {file: "GOPROXY=https://a.example\nGOPRIVATE=x.example\nGOTMPDIR=/tmp\n"},
		"empty in file":  {file: "GOPROXY=\nGOSUMDB=\nGOPATH=\n"},
		"process wins":   {file: "GOPROXY=https://a.example\n", env: []string{"GOPROXY=https://b.example"}},
		"cross":          {env: []string{"GOOS=windows", "GOARCH=arm64"}},
		"GOENV off":      {file: "GOPROXY=https://a.example\n", env: []string{"GOENV=off"}},
		"flags of env":   {env: []string{"GOFLAGS=-changed -w"}},
		"duplicate":      {file: "GOPROXY=https://a.example\nGOPROXY=https://b.example\n"},
		"spaces and CR":  {file: " GOPROXY=x\nGOVCS = y\nGOPRIVATE=a \r\n"},
		"GOPATH":         {env: []string{"GOPATH=/a:/b"}},
		"GOROOT in file": {file: "GOROOT=/nowhere\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.userFile(set.file)
			e := m.read(set.env...)
			if e.Err != nil {
				return // go env says nothing to agree with
			}
			env := with(m.env, append(set.env, "GOTOOLCHAIN=local")...)
			if strings.Contains(name, "flags") {
				env = with(env, "GOFLAGS=")
			}
			for _, n := range asked {
				out, err := m.run(t.Context(), env, "env", n)
				if err != nil {
					t.Fatal(err)
				}
				got := e.Get(n)
				if n == "GOENV" && got == "off" {
					got = ""
				}
				if want := strings.TrimSuffix(string(out), "\n"); got != want {
					t.Errorf("%s: got %q, want %q", n, got, want)
				}
			}
		})
	}
}

func TestReadWhenGoRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		set                   string
		err, refused, support string
	}{
		{set: "GOROOT=/nonexistent", err: "cannot find GOROOT directory", refused: "cannot find GOROOT directory"},
		{set: "GOPATH=rel", err: "GOPATH entry is relative", refused: "GOPATH entry is relative"},
		{set: "GOEXPERIMENT=nonsense", err: "unknown GOEXPERIMENT", refused: "unknown GOEXPERIMENT"},
		{set: "GOFLAGS=-nonsense", refused: "unknown flag -nonsense"},
		{set: "GOWORK=rel", refused: "invalid GOWORK"},
		{set: "GOOS=Linux", support: "unsupported GOOS/GOARCH pair Linux/"},
		{set: "GOOS=plan9"},
		{set: "GO111MODULE=maybe"},
		{set: "GOTOOLCHAIN=nonsense"},
	} {
		t.Run(test.set, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			e := m.read(test.set)
			for what, pair := range map[string][2]string{
				"Err": {fmt.Sprint(e.Err), test.err}, "Refused": {fmt.Sprint(e.Refused), test.refused}, "Unsupported": {fmt.Sprint(e.Unsupported), test.support},
			} {
				if pair[1] == "" && pair[0] != "<nil>" || !strings.Contains(pair[0], pair[1]) {
					t.Errorf("%s: got %s, want %q", what, pair[0], pair[1])
				}
			}
			name, value, _ := strings.Cut(test.set, "=")
			if got, _ := e.Lookup(name); got.Value != value || got.Source != Process {
				t.Errorf("got %+v, want %s from the process", got, test.set)
			}
			if e.Get("GOVERSION") == "" || e.Get("GOMODCACHE") == "" {
				t.Errorf("GOVERSION %q, GOMODCACHE %q: want both known", e.Get("GOVERSION"), e.Get("GOMODCACHE"))
			}
			if entries, _ := os.ReadDir(filepath.Join(m.home, ".cache")); len(entries) > 0 {
				t.Errorf("asking made %v in the cache folder", entries)
			}
		})
	}
}

func TestReadWithoutGo(t *testing.T) {
	t.Parallel()
	e, err := Read(t.Context(), Options{Environ: []string{"HOME=" + filepath.FromSlash("/home/u"), "USERPROFILE=" + filepath.FromSlash("/home/u"), "GOPRIVATE=x"}})
	if err != nil || e.Err == nil || e.Asked {
		t.Fatalf("got %v, Err %v, Asked %v; want an Err", err, e.Err, e.Asked)
	}
	if got, want := e.Get("GOMODCACHE"), filepath.FromSlash("/home/u/go/pkg/mod"); got != want {
		t.Errorf("GOMODCACHE: got %q, want %q", got, want)
	}
	if got := e.Get("GONOSUMDB"); got != "x" {
		t.Errorf("GONOSUMDB: got %q, want x", got)
	}
}

// TestReadLeaksNothing: what asks the go command has no secrets either.
func TestReadLeaksNothing(t *testing.T) {
	t.Parallel()
	runs := 0
	_, err := Read(t.Context(), Options{
		Environ: []string{"GITHUB_TOKEN=t", "PATH=/bin", "GOOS=linux", "INPUT_X=y", "LC_ALL=C"},
		Run: func(_ context.Context, env []string, _ ...string) ([]byte, error) {
			runs++
			if got := environMap(env); got["GITHUB_TOKEN"] != "" || got["INPUT_X"] != "" || got["PATH"] != "/bin" || got["LC_ALL"] != "C" || got["GOTOOLCHAIN"] != "local" {
				t.Errorf("run with %q", env)
			}
			return nil, nil
		},
	})
	if err != nil || runs != 4 {
		t.Errorf("got %v after %d runs, want none after 4", err, runs)
	}
}

func TestReadCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, Options{Run: newMachine(t).run}); err == nil {
		t.Error("got no error from a context that has ended")
	}
}

// TestChildEnv: a go command given the child's environment sees the same
// settings, and no secret.
func TestChildEnv(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.userFile("GOPROXY=https://a.example\nGOPRIVATE=file.example\nNONSENSE=1\n")
	set := []string{"GOPRIVATE=process.example", "GITHUB_TOKEN=t", "INPUT_ONLY=x", "CI_JOB_TOKEN=t", "ACTIONS_RUNTIME_TOKEN=t",
		"GOFLAGS=-mod=mod -toolexec=/bin/evil '-ldflags=-s -w' --overlay=o.json", "https_proxy=http://p.example", "NETRC=/n", "GIT_CONFIG_COUNT=0",
		"CGO_CFLAGS=-g", "NETRC=/last"}
	e := m.read(set...)
	got := ChildEnv(with(m.env, set...), e)
	values := environMap(got)
	for name, want := range map[string]string{
		"GOPROXY": "https://a.example", "GOPRIVATE": "process.example", "GOENV": "off", "GOFLAGS": "-mod=mod '-ldflags=-s -w'",
		"https_proxy": "http://p.example", "NETRC": "/last", "GIT_CONFIG_COUNT": "0", "CGO_CFLAGS": "-g", "HOME": m.home,
	} {
		if values[name] != want {
			t.Errorf("%s: got %q, want %q", name, values[name], want)
		}
	}
	for _, name := range []string{"GITHUB_TOKEN", "INPUT_ONLY", "CI_JOB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "NONSENSE", "GOSUMDB"} {
		if v, ok := values[name]; ok {
			t.Errorf("%s=%s reached the child", name, v)
		}
	}
	for _, name := range []string{"GOPROXY", "GOPRIVATE", "GOSUMDB", "GOMODCACHE", "GOCACHE", "GOROOT"} {
		out, err := m.run(t.Context(), with(got, "GOTOOLCHAIN=local"), "env", name)
		if err != nil {
			t.Fatal(err)
		}
		if child, parent := strings.TrimSpace(string(out)), e.Get(name); child != parent {
			t.Errorf("%s: the child sees %q, its parent %q", name, child, parent)
		}
	}
}

func TestKnown(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"GOPROXY": true, "GO_PROXY": false, "GOVERSION": false, "CC": true} {
		if got := IsKnown(name); got != want {
			t.Errorf("IsKnown(%s): got %v", name, got)
		}
	}
	// go env -u refuses what the go command does not know.
	m := newMachine(t)
	m.userFile("")
	for _, name := range Known() {
		if IsProcessOnly(name) || name == "GOWORK" {
			continue
		}
		_, err := m.run(t.Context(), with(m.env, "GOTOOLCHAIN=local"), "env", "-u", name)
		if err != nil {
			t.Errorf("go env -u %s: %v", name, err)
		}
	}
}
