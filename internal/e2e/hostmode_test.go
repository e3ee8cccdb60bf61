//go:build unix

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/gopreflight/gopreflight/checks"
)

const (
	goodRepo = "-- go.mod --\nmodule example.org/m\n\ngo 1.21\n-- m.go --\npackage m\n"
	badRepo  = "-- go.mod --\nmodule example.org/m\n\ngo 1.21\n-- m.go --\npackage m\n\nvar N int = \"text\"\n"
)

// hostAction is host/action.yml in a folder of a test's own, as a runner has it.
type hostAction struct {
	*machine
	root string // what lies above host/
	temp string // RUNNER_TEMP
	os   string // of a release's archive
}

// newHostAction copies the action into a folder without go.mod or checksums.txt.
func newHostAction(t *testing.T, repo string) *hostAction {
	t.Helper()
	m := newMachine(t, repo)
	m.commit()
	a := &hostAction{machine: m, root: filepath.Join(m.home, "action"), temp: filepath.Join(m.home, "runner temp"), os: runtime.GOOS}
	for _, dir := range []string{filepath.Join(a.root, "host"), a.temp} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"host/action.yml", "host/run.sh"} {
		data, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		a.file(name, string(data))
	}
	return a
}

// file writes a file of the action.
func (a *hostAction) file(name, text string) {
	a.Helper()
	if err := os.WriteFile(filepath.Join(a.root, name), []byte(text), 0o755); err != nil {
		a.Fatal(err)
	}
}

// release serves an archive of the program and pins it as v1.2.3. It returns the
// address that releases are downloaded from.
func (a *hostAction) release() string {
	a.Helper()
	program, err := os.ReadFile(a.services.program)
	if err != nil {
		a.Fatal(err)
	}
	var archive bytes.Buffer
	z := gzip.NewWriter(&archive)
	w := tar.NewWriter(z)
	err = w.WriteHeader(&tar.Header{Name: "gopreflight", Mode: 0o755, Size: int64(len(program))})
	_, err2 := w.Write(program)
	if err := errors.Join(err, err2, w.Close(), z.Close()); err != nil {
		a.Fatal(err)
	}
	name := fmt.Sprintf("gopreflight_1.2.3_%s_amd64.tar.gz", a.os)
	a.file("host/checksums.txt", strings.Repeat("0", 64)+"  gopreflight_1.2.3_plan9_amd64.tar.gz\n"+
		fmt.Sprintf("%x  %s\n", sha256.Sum256(archive.Bytes()), name))
	mux := http.NewServeMux()
	mux.HandleFunc("/good/v1.2.3/"+name, func(w http.ResponseWriter, _ *http.Request) { w.Write(archive.Bytes()) })
	mux.HandleFunc("/tampered/v1.2.3/"+name, func(w http.ResponseWriter, _ *http.Request) { w.Write(archive.Bytes()[1:]) })
	server := httptest.NewServer(mux)
	a.Cleanup(server.Close)
	return server.URL
}

var inputExpression = regexp.MustCompile(`^\$\{\{ inputs\.([a-z-]+) \}\}$`)

// step runs the action's step as the runner does: the step's env is evaluated,
// then bash gets the step's script. It returns the log, the outputs and the exit code.
func (a *hostAction) step(inputs map[string]string, env ...string) (string, map[string]string, int) {
	a.Helper()
	var action struct {
		Inputs map[string]struct{ Default string }
		Runs   struct {
			Steps []struct {
				Run string
				Env map[string]string
			}
		}
	}
	data, err := os.ReadFile(filepath.Join(a.root, "host/action.yml"))
	if err := errors.Join(err, yaml.Unmarshal(data, &action)); err != nil {
		a.Fatal(err)
	}
	output := filepath.Join(a.home, "output")
	if err := os.WriteFile(output, nil, 0o644); err != nil {
		a.Fatal(err)
	}
	step := action.Runs.Steps[0]
	cmd := a.command("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step.Run)
	osName := map[string]string{"linux": "Linux", "darwin": "macOS"}[runtime.GOOS]
	cmd.Env = append(cmd.Env, "GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=schedule", "GITHUB_OUTPUT="+output,
		"GITHUB_STEP_SUMMARY="+filepath.Join(a.home, "summary.md"), "GITHUB_WORKSPACE="+a.repo,
		"GITHUB_ACTION_PATH="+filepath.Join(a.root, "host"), "RUNNER_TEMP="+a.temp, "RUNNER_OS="+osName, "RUNNER_ARCH=X64")
	for name, expression := range step.Env {
		m := inputExpression.FindStringSubmatch(expression)
		if m == nil {
			a.Fatalf("%s: %s is no plain input", name, expression)
		}
		value, given := inputs[m[1]]
		if !given && !strings.Contains(action.Inputs[m[1]].Default, "${{") {
			value = action.Inputs[m[1]].Default
		}
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, env...)
	log, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		a.Fatal(err)
	}
	outputs := map[string]string{}
	data, err = os.ReadFile(output)
	if err != nil {
		a.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			outputs[name] = value
		}
	}
	return string(log), outputs, cmd.ProcessState.ExitCode()
}

// TestHostModeRelease: the pinned release is downloaded, proven and becomes the
// step, with the job's environment and the step's inputs.
func TestHostModeRelease(t *testing.T) {
	t.Parallel()
	a := newHostAction(t, goodRepo)
	releases := a.release() + "/good"

	inputs := map[string]string{"releases": releases, "only": "env,build", "fail-on": "error", "report": "r.json"}
	log, outputs, code := a.step(inputs, "GOFLAGS=-modcacherw -tags=job")
	if code != 0 || outputs["verdict"] != "pass" || outputs["errors"] != "0" || outputs["report"] != "r.json" {
		t.Fatalf("exit code %d, outputs %v\n%s", code, outputs, log)
	}
	data, err := os.ReadFile(filepath.Join(a.repo, "r.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r checks.Report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if r.Scope != checks.ScopeJob || r.Go.Env["GOFLAGS"] != "-modcacherw -tags=job" {
		t.Errorf("scope %q, GOFLAGS %q: not the job's own machine", r.Scope, r.Go.Env["GOFLAGS"])
	}
	if got := statusesOf(&r); got["build"] != checks.Passed || got["proxy"] != checks.Skipped {
		t.Errorf("statuses %v: the input only did not arrive", got)
	}

	a.files(badRepo)
	log, outputs, code = a.step(map[string]string{"releases": releases, "only": "build"})
	if code != 1 || outputs["verdict"] != "fail" || outputs["errors"] != "1" || outputs["root-cause"] != "build/compile" {
		t.Errorf("a broken repository: exit code %d, outputs %v\n%s", code, outputs, log)
	}
	if !strings.Contains(log, "::error file=m.go,line=3,") && !regexp.MustCompile(`::error .*file=m\.go,line=3,`).MatchString(log) {
		t.Errorf("no annotation at m.go:3\n%s", log)
	}
}

// TestHostModeRefusals: what cannot be proven or does not fit is not run, and the
// log says why in one annotation.
func TestHostModeRefusals(t *testing.T) {
	t.Parallel()
	a := newHostAction(t, goodRepo)
	server := a.release()
	// What curl would do if the address were an option, -K FILE. As an address it is
	// refused at once: it has no such port.
	archive := fmt.Sprintf("v1.2.3/gopreflight_1.2.3_%s_amd64.tar.gz", a.os)
	a.files(fmt.Sprintf("-- config:port/%s --\nurl = %s/good/%s\ndump-header = pwned\n", archive, server, archive))
	for _, test := range []struct {
		name   string
		inputs map[string]string
		env    []string
		want   string
	}{
		{"another archive", map[string]string{"releases": server + "/tampered"}, nil, "is not the archive of that release"},
		{"no such folder", map[string]string{"releases": server + "/nowhere/"}, nil, "could not download " + server + "/nowhere/v1.2.3/"},
		{"no web address", map[string]string{"releases": "file:///tmp"}, nil, "could not download file:///tmp"},
		{"another version", map[string]string{"version": "v1.2.4"}, nil, "pins v1.2.3, not v1.2.4"},
		{"a command as version", map[string]string{"version": "$(touch pwned)`touch pwned`"}, nil, "not $(touch pwned)"},
		{"a command as address", map[string]string{"releases": "http://127.0.0.1:0/$(touch pwned)\n::warning::x"}, nil, "%0A::warning::x"},
		{"an option as address", map[string]string{"releases": "-Kconfig:port"}, nil, "could not download -Kconfig:port/" + archive},
		{"another machine", nil, []string{"RUNNER_ARCH=X86"}, "has no binary for " + a.os + "/X86"},
		{"another system", nil, []string{"RUNNER_OS=Plan 9"}, `RUNNER_OS is "Plan 9"`},
		{"no runner", nil, []string{"RUNNER_TEMP="}, "RUNNER_TEMP is no folder"},
	} {
		t.Run(test.name, func(t *testing.T) {
			log, outputs, code := a.step(test.inputs, test.env...)
			if code != 1 || len(outputs) != 0 {
				t.Errorf("exit code %d, outputs %v; want 1 and none\n%s", code, outputs, log)
			}
			if strings.Count(log, "::error title=gopreflight::") != 1 || !strings.Contains(log, test.want) || strings.Contains(log, "\n::warning") {
				t.Errorf("got\n%s\nwant one annotation with %q", log, test.want)
			}
			if _, err := os.Stat(filepath.Join(a.repo, "pwned")); err == nil {
				t.Error("an input was run as a command")
			}
		})
	}
}

// TestHostModeSource: without a pinned release this very revision is built, by
// none of the job's settings but those that say where modules come from, and
// into none of its caches.
func TestHostModeSource(t *testing.T) {
	t.Parallel()
	a := newHostAction(t, goodRepo)
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	// Here compiled packages are shared with the host, or the test takes a minute.
	work := filepath.Join(a.temp, "gopreflight-host")
	if err := errors.Join(os.MkdirAll(work, 0o755), os.Symlink(a.services.gocache, filepath.Join(work, "gocache"))); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(a.root); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(here, a.root); err != nil {
		t.Fatal(err)
	}
	env := []string{
		"GOPROXY=file://" + filepath.ToSlash(strings.TrimSpace(string(out))) + "/cache/download",
		"GOFLAGS=-mod=vendor -nonsense", "GOWORK=" + filepath.Join(a.home, "none.work"), "GOOS=plan9", "GOEXPERIMENT=nonsense",
		"GOMODCACHE=" + filepath.Join(a.home, "empty"), "GOENV=" + filepath.Join(a.home, "none.env"), "CGO_ENABLED=1",
	}
	log, outputs, code := a.step(map[string]string{"only": "env/env", "version": "source"}, env...)
	if code != 1 || outputs["verdict"] != "fail" || !strings.Contains(log, "GOFLAGS") {
		t.Errorf("exit code %d, outputs %v; want the program's verdict on the job's own settings\n%s", code, outputs, log)
	}
	if _, err := os.Stat(filepath.Join(a.home, "empty")); err == nil {
		t.Error("the build wrote into the job's module cache")
	}
	if version, err := exec.Command(filepath.Join(work, "gopreflight"), "version").Output(); err != nil || !strings.HasPrefix(string(version), "gopreflight (devel) ") {
		t.Errorf("gopreflight version: %q, %v; want (devel), nothing is released", version, err)
	}
}

// TestHostModeBuildEnvironment: the build sees where modules come from and what a
// GOAUTH command may need, and none of the job's other Go settings.
func TestHostModeBuildEnvironment(t *testing.T) {
	t.Parallel()
	a := newHostAction(t, goodRepo)
	a.file("go.mod", "module github.com/gopreflight/gopreflight\n\ngo 1.26.0\n")
	seen := filepath.Join(a.home, "seen")
	bin := filepath.Join(a.home, "fake")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	// A go command that answers like env, and at build says what it got.
	script := "#!/bin/bash\ncase $1 in env) printenv \"$2\" || true ;; build) env >'" + seen + "' && exit 1 ;; esac\n"
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	log, _, code := a.step(nil, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "GOOS=plan9", "GOFLAGS=-nonsense", "CGO_CFLAGS=-nonsense",
		"GOPROXY=https://goproxy.example", "GOAUTH=helper", "GOOGLE_APPLICATION_CREDENTIALS=/key.json")
	data, err := os.ReadFile(seen)
	if code != 1 || err != nil {
		t.Fatalf("exit code %d, %v\n%s", code, err, log)
	}
	got := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			got[name] = value
		}
	}
	for name, want := range map[string]string{
		"GOPROXY": "https://goproxy.example", "GOAUTH": "helper", "GOOGLE_APPLICATION_CREDENTIALS": "/key.json",
		"GOFLAGS": "-mod=readonly -modcacherw", "GOOS": "", "CGO_CFLAGS": "",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

// TestHostModeCannotBuild: what is missing is named, with the ways out.
func TestHostModeCannotBuild(t *testing.T) {
	t.Parallel()
	a := newHostAction(t, goodRepo)
	a.file("go.mod", "module github.com/gopreflight/gopreflight\n\ngo 1.999.0\n")
	a.file("main.go", "package main\n\nfunc main() {}\n")
	log, outputs, code := a.step(nil, "GOTOOLCHAIN=local")
	for _, want := range []string{"go.mod requires go >= 1.999.0", "It needs Go 1.999.0", "GOTOOLCHAIN=local (go's message is in the log)"} {
		if code != 1 || len(outputs) != 0 || !strings.Contains(log, want) {
			t.Errorf("a newer Go needed: exit code %d, outputs %v, want %q in\n%s", code, outputs, want, log)
		}
	}

	bin := filepath.Join(a.home, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bash", "awk", "mkdir"} {
		path, err := exec.LookPath(name)
		if err := errors.Join(err, os.Symlink(path, filepath.Join(bin, name))); err != nil {
			t.Fatal(err)
		}
	}
	log, outputs, code = a.step(nil, "PATH="+bin)
	if code != 1 || len(outputs) != 0 || !strings.Contains(log, "no go command on PATH") {
		t.Errorf("no Go: exit code %d, outputs %v\n%s", code, outputs, log)
	}
}
