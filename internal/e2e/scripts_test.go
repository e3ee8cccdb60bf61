// Package e2e runs the program as people do: the stories of testdata/script, the
// invariants of the design, its behaviour when it is killed or offline. It has
// only tests.
package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/goproxytest"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"

	"github.com/gopreflight/gopreflight/internal/cli"
)

var update = flag.Bool("update", false, "write the scripts' expected files anew")

func TestMain(m *testing.M) {
	testscript.Main(withGocache{m}, map[string]func(){
		"gopreflight": func() { os.Exit(cli.Main()) },
	})
}

// gocache is the build cache of all machines of these tests. Every run looks at
// all that lies in it, so it is not the one of the machine that the tests run on,
// which may hold gigabytes.
var gocache string

type withGocache struct{ m *testing.M }

func (w withGocache) Run() int {
	dir, err := os.MkdirTemp("", "gopreflight-e2e-gocache-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	gocache = dir
	return w.m.Run()
}

// TestScripts tells the stories of the command line: testdata/script, each with
// the real go command, a module proxy and a checksum database in this process.
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the scripts run the go command many times")
	}
	services := startServices(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               services.setup,
		Condition:           condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"tree":     tree,
			"order":    order,
			"findings": findings,
			"roots":    roots,
			"statuses": statuses,
			"changes":  changes,

			"startsite": startSite,
			"pull":      pull,
			"readonly":  readOnly,
			"comments":  comments,
			"asked":     asked,
			"forge":     forge,

			"startreceiver": startReceiver,
			"receive":       receive,
			"received":      received,

			"setenv":      setEnv,
			"substitute":  substitute,
			"validjson":   validJSON,
			"escapes":     escapes,
			"credentials": credentials,
		},
	})
}

// services is what scripts reach over the network: all of it on loopback.
type services struct {
	proxy, faulty string
	gosumdb       string
	goroot        string
	gocache       string
	// program and git are absolute paths, for scripts that change PATH.
	program, git string
}

func startServices(t *testing.T) *services {
	proxy := goproxytest.NewTestServer(t, "../../testdata/mod", "")
	signer, verifier, err := note.GenerateKey(nil, "sum.example.com")
	if err != nil {
		t.Fatal(err)
	}
	db := httptest.NewServer(sumdb.NewServer(sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		return goSumLines(proxy.URL, path, version)
	})))
	t.Cleanup(db.Close)
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	// A faulty proxy in front of the good one: /fault/STATUS answers with it.
	mux := http.NewServeMux()
	mux.HandleFunc("/fault/{status}/", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("status"))
		http.Error(w, "this proxy is told to fail", code)
	})
	mux.HandleFunc("/html/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!DOCTYPE html><html><title>Sign in</title></html>")
	})
	faulty := httptest.NewServer(mux)
	t.Cleanup(faulty.Close)
	program, err := exec.LookPath("gopreflight") // testscript.Main put it into PATH
	if err != nil {
		t.Fatal(err)
	}
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	return &services{
		program: program, git: git,
		proxy: proxy.URL, faulty: faulty.URL, gosumdb: verifier + " " + db.URL,
		goroot: strings.TrimSpace(string(goroot)), gocache: gocache,
	}
}

// goSumLines are a module version's lines of go.sum, from what the proxy serves.
func goSumLines(proxy, path, version string) ([]byte, error) {
	escPath, err := module.EscapePath(path)
	if err != nil {
		return nil, err
	}
	escVersion, err := module.EscapeVersion(version)
	if err != nil {
		return nil, err
	}
	get := func(suffix string) ([]byte, error) {
		resp, err := http.Get(proxy + "/" + escPath + "/@v/" + escVersion + suffix)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return nil, fs.ErrNotExist
		}
		return io.ReadAll(resp.Body)
	}
	mod, err := get(".mod")
	if err != nil {
		return nil, err
	}
	zipData, err := get(".zip")
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp("", "sumdb-*.zip")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	if _, err := file.Write(zipData); err != nil {
		return nil, err
	}
	file.Close()
	zipHash, err := dirhash.HashZip(file.Name(), dirhash.DefaultHash)
	if err != nil {
		return nil, err
	}
	modHash, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(mod)), nil
	})
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", path, version, zipHash, path, version, modHash), nil
}

// setup gives every script a machine of its own: nothing of the user's settings.
func (s *services) setup(e *testscript.Env) error {
	e.Values["site"] = &site{}
	e.Values["receiver"] = &receiver{status: http.StatusOK}
	home := filepath.Join(e.WorkDir, ".home")
	if err := os.MkdirAll(filepath.Join(home, ".config"), 0o755); err != nil {
		return err
	}
	e.Vars = append(slices.DeleteFunc(e.Vars, func(kv string) bool { return strings.HasPrefix(kv, "HOME=") }),
		"HOME="+home,
		"GO_TELEMETRY_CHILD=2", // no process that writes there while the test removes it
		"XDG_CONFIG_HOME="+filepath.Join(home, ".config"),
		"GOPATH="+filepath.Join(home, "go"),
		"GOMODCACHE="+filepath.Join(home, "mod"),
		"GOCACHE="+s.gocache,
		"GOROOT="+s.goroot,
		"GOTOOLCHAIN=local",
		"GOFLAGS=-modcacherw",
		"GOPROXY="+s.proxy,
		"GOSUMDB="+s.gosumdb,
		"PROXY="+s.proxy,
		"FAULTY="+s.faulty,
		"GOPREFLIGHT="+s.program,
		"GIT="+s.git,
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com",
		"GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com",
		"NO_COLOR=1",
		"GORACE=atexit_sleep_ms=0", // or every run under -race takes a second longer
	)
	return nil
}

func condition(cond string) (bool, error) {
	switch cond {
	case "root":
		return os.Geteuid() == 0, nil
	case "netns":
		return exec.Command("unshare", "-rn", "true").Run() == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// exits runs a command and asserts its exit code: exits 3 gopreflight run.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%v: exit code %d, want %d", args[1:], got, want)
	}
}

// tree writes one line for every file of a directory, .git included: mode, time,
// hash and name: tree DIR FILE.
func tree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tree DIR FILE")
	}
	lines, err := snapshot(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(lines), 0o644))
}

// snapshot is everything about a directory that a run must not change.
func snapshot(root string) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		sum := ""
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			sum = fmt.Sprintf("%x", sha256.Sum256(data))
		}
		fmt.Fprintln(&b, info.Mode(), info.ModTime().UnixNano(), sum, rel)
		return nil
	})
	return b.String(), err
}

// order asserts that texts stand in standard output in this order.
func order(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: order TEXT...")
	}
	rest := ts.ReadFile("stdout")
	for _, a := range args {
		_, after, ok := strings.Cut(rest, a)
		if !ok {
			ts.Fatalf("%q does not stand in stdout, or not behind what comes before it", a)
		}
		rest = after
	}
}

// validJSON asserts that a file holds JSON: validjson FILE.
func validJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: validjson FILE")
	}
	if !json.Valid([]byte(ts.ReadFile(args[0]))) {
		ts.Fatalf("%s holds no JSON", args[0])
	}
}

// escapes copies a file with \e made an escape character, which a script cannot
// hold, and \r a carriage return: escapes FROM TO.
func escapes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: escapes FROM TO")
	}
	text := strings.NewReplacer(`\e`, "\x1b", `\r`, "\r").Replace(ts.ReadFile(args[0]))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
}

// credentials puts a user and a password into GOPROXY: credentials http://USER:PASSWORD@.
func credentials(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: credentials http://USER:PASSWORD@")
	}
	ts.Setenv("GOPROXY", strings.Replace(ts.Getenv("GOPROXY"), "http://", args[0], 1))
}

// setEnv sets a variable to what a file holds, as stdout: setenv NAME FILE.
func setEnv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: setenv NAME FILE")
	}
	ts.Setenv(args[0], strings.TrimSuffix(ts.ReadFile(args[1]), "\n"))
}

// substitute writes a file with variables replaced: substitute FROM TO.
func substitute(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: substitute FROM TO")
	}
	text := os.Expand(ts.ReadFile(args[0]), func(name string) string {
		value := ts.Getenv(name)
		if value == "" {
			ts.Fatalf("%s: %s is not set", args[0], name)
		}
		return value
	})
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
}
