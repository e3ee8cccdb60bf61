//go:build unix

package e2e

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// TestVersionStamps: whichever way people get the program, it knows its version,
// and never claims one that it is not.
func TestVersionStamps(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: builds the program four times")
	}
	const path = "github.com/gopreflight/gopreflight"
	dir := t.TempDir()
	src := filepath.Join(dir, "src")
	copyProgramSource(t, src)

	out, err := exec.Command("go", "env", "GOMODCACHE", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	caches := strings.Split(strings.TrimSpace(string(out)), "\n")
	proxy := filepath.Join(dir, "proxy")
	serveVersion(t, filepath.Join(proxy, path, "@v"), src, module.Version{Path: path, Version: "v1.2.3"})
	// -trimpath: or every run would compile anew what lies in a new folder.
	env := append(os.Environ(),
		"HOME="+dir, "GOENV=off", "GOWORK=off", "GOPATH="+filepath.Join(dir, "go"), "GOMODCACHE="+filepath.Join(dir, "mod"), "GOCACHE="+caches[1],
		"GOBIN="+filepath.Join(dir, "bin"), "GOFLAGS=-modcacherw -trimpath -ldflags=-w", "GOTOOLCHAIN=local", "GONOSUMDB=*", "GONOPROXY=none", "GOPRIVATE=", "CGO_ENABLED=0",
		"GOPROXY=file://"+proxy+",file://"+filepath.Join(caches[0], "cache/download"), "GO_TELEMETRY_CHILD=2",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com")
	run := func(in, name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = in, env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	check := func(name, got, want string) {
		t.Helper()
		if !strings.HasPrefix(got, "gopreflight "+want+" go1.") {
			t.Errorf("%s: %q, want version %s", name, got, want)
		}
	}
	program := filepath.Join(dir, "gopreflight")

	run(src, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -X "+path+"/internal/cli.release=v1.2.4", "-o", program, ".")
	check("a release", run(dir, program, "version"), "v1.2.4")
	if got := run(dir, program, "list", "--json"); !strings.HasPrefix(got, "[") {
		t.Errorf("a release does not run: %s", got)
	}

	run(src, "git", "init", "-q")
	run(src, "git", "add", ".")
	run(src, "git", "commit", "-qm", "all")
	run(src, "git", "tag", "v1.2.3")
	run(src, "go", "build", "-buildvcs=true", "-o", program, ".")
	got := run(dir, program, "version")
	check("a clone at a tag", got, "v1.2.3")
	if !strings.Contains(got, "\nvcs.revision ") || !strings.Contains(got, "\nvcs.modified false\n") {
		t.Errorf("a clone at a tag says no commit: %s", got)
	}

	run(dir, "go", "install", path+"@v1.2.3")
	check("go install", run(dir, filepath.Join(dir, "bin", "gopreflight"), "version"), "v1.2.3")

	user := filepath.Join(dir, "user")
	if err := errors.Join(os.Mkdir(user, 0o755), os.WriteFile(filepath.Join(user, "go.mod"), []byte("module example.org/user\n\ngo 1.26.0\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	run(user, "go", "get", "-tool", path+"@v1.2.3")
	check("go tool", run(user, "go", "tool", "gopreflight", "version"), "v1.2.3")
}

// copyProgramSource copies what the program is built from: what .dockerignore
// lets through.
func copyProgramSource(t *testing.T, to string) {
	t.Helper()
	for _, name := range []string{"go.mod", "go.sum", "main.go", "LICENSE", "checks", "internal", "report"} {
		root := filepath.Join("../..", name)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.Name() == "testdata":
				return fs.SkipDir
			case d.IsDir() || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			target := filepath.Join(to, strings.TrimPrefix(path, "../.."))
			data, err := os.ReadFile(path)
			return errors.Join(err, os.MkdirAll(filepath.Dir(target), 0o755), os.WriteFile(target, data, 0o644))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// serveVersion lays a folder out as a module proxy serves it.
func serveVersion(t *testing.T, dir, src string, m module.Version) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, m.Version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(zip.CreateFromDir(f, m, src), f.Close()); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(src, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		m.Version + ".mod":  string(mod),
		m.Version + ".info": `{"Version":"` + m.Version + `","Time":"2026-01-02T03:04:05Z"}`,
		"list":              m.Version + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
