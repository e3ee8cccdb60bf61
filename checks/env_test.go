package checks

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// envMachine is a private machine for the real go command: a home with a file of
// go env -w, a repository of one module, and a module proxy in a folder.
type envMachine struct {
	t                 *testing.T
	home, repo, proxy string
	environ           []string
	policy            config.Env
}

func newEnvMachine(t *testing.T) *envMachine {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &envMachine{t: t, home: filepath.Join(dir, "home"), repo: filepath.Join(dir, "repo"), proxy: filepath.Join(dir, "proxy")}
	temp := filepath.Join(dir, "tmp")
	if err := os.MkdirAll(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	m.write("home/.config/go/telemetry/mode", "off")
	m.write("repo/go.mod", "module example.com/m\n\ngo 1.21\n")
	m.write("repo/m.go", "package m\n")
	m.write("repo/p/p.go", "package main\n\nfunc main() {}\n")
	lib := "proxy/example.com/lib/@v/"
	m.write(lib+"list", "v1.0.0\n")
	m.write(lib+"v1.0.0.info", `{"Version":"v1.0.0"}`)
	m.write(lib+"v1.0.0.mod", "module example.com/lib\n")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("example.com/lib@v1.0.0/go.mod")
	if err == nil {
		_, err = w.Write([]byte("module example.com/lib\n"))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	m.write(lib+"v1.0.0.zip", b.String())
	m.environ = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + m.home, "GO_TELEMETRY_CHILD=2", "XDG_CONFIG_HOME=" + filepath.Join(m.home, ".config"), "TMPDIR=" + temp,
		"GOFLAGS=-modcacherw -buildvcs=false", "GOTOOLCHAIN=local",
	}
	// The build cache of whoever runs the tests saves compiling the runtime.
	if cache, err := os.UserCacheDir(); err == nil {
		m.environ = append(m.environ, "XDG_CACHE_HOME="+cache)
	}
	return m
}

// write writes a file; its name is relative to the folder of home and repo.
func (m *envMachine) write(name, text string) {
	m.t.Helper()
	file := filepath.Join(filepath.Dir(m.home), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// expand replaces $REPO, $HOME, $PROXY and $GOROOT.
func (m *envMachine) expand(s string) string {
	if strings.Contains(s, "$GOROOT") {
		out, err := m.run(m.t.Context(), m.home, m.environ, "env", "GOROOT")
		if err != nil {
			m.t.Fatal(err)
		}
		s = strings.ReplaceAll(s, "$GOROOT", strings.TrimSpace(string(out)))
	}
	return strings.NewReplacer("$REPO", m.repo, "$HOME", m.home, "$PROXY", "file://"+m.proxy).Replace(s)
}

// set adds variables to the process environment; "NAME" alone takes one away.
func (m *envMachine) set(vars ...string) {
	for _, v := range vars {
		name, _, ok := strings.Cut(v, "=")
		m.environ = slices.DeleteFunc(m.environ, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
		if ok {
			m.environ = append(m.environ, m.expand(v))
		}
	}
}

func (m *envMachine) getenv(name string) string {
	for _, kv := range m.environ {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}

// run runs the go command in a directory with the machine's environment.
func (m *envMachine) run(ctx context.Context, dir string, env []string, args ...string) (stdout []byte, err error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err = cmd.Output()
	if err != nil {
		return stdout, fmt.Errorf("%w\n%s", err, stderr.Bytes())
	}
	return stdout, nil
}

// check runs the check env.
func (m *envMachine) check() (Facts, []Finding) {
	m.t.Helper()
	configDir := m.getenv("XDG_CONFIG_HOME")
	e, err := goenv.Read(m.t.Context(), goenv.Options{
		Run: func(ctx context.Context, env []string, args ...string) ([]byte, error) {
			return m.run(ctx, m.home, env, args...)
		},
		Environ: m.environ, ConfigDir: configDir, ReadFile: os.ReadFile,
	})
	if err != nil {
		m.t.Fatal(err)
	}
	r, err := repo.Load(m.t.Context(), repo.Options{Dir: m.repo})
	if err != nil {
		m.t.Fatal(err)
	}
	policy := config.Default()
	policy.Env = m.policy
	s := &Session{Repo: r, Modules: r.Modules, Env: e, Config: policy, Scope: ScopeJob, Getenv: m.getenv, Environ: m.environ}
	facts, findings, err := env.Run(m.t.Context(), s)
	if err != nil {
		m.t.Fatal(err)
	}
	return facts, findings
}

// envCase is one misconfiguration.
type envCase struct {
	name string
	// set are process variables, file the lines of the user's file.
	set  []string
	file string
	// make makes files: names and texts.
	make map[string]string
	// rules are the findings, rule and key; nil for none.
	rules []string
	// message must stand in the first finding's message.
	message string
	// confirm is a go command, and says what stands in its output; it fails
	// where fails is true.
	confirm string
	says    string
	fails   bool
	// unfixed is why the fix is not a command that mends it at once.
	unfixed bool
}

const download = "mod download example.com/lib@v1.0.0"

// envCases are the misconfigurations of settings and what the real go command
// makes of each.
var envCases = []envCase{
	// GOPROXY
	{name: "GOPROXY is blank", set: []string{"GOPROXY= "}, rules: []string{"env/goproxy-invalid GOPROXY"}, confirm: download, says: "GOPROXY list is not the empty string, but contains no entries", fails: true},
	{name: "GOPROXY is empty in the file", file: "GOPROXY=\n", rules: []string{"env/goproxy-invalid GOPROXY"}, message: `GOPROXY="" (from ~/.config/go/env:1)`, confirm: download, says: "contains no entries", fails: true},
	{name: "GOPROXY without scheme", set: []string{"GOPROXY=Direct"}, rules: []string{"env/goproxy-invalid GOPROXY"}, confirm: download, says: "invalid proxy URL missing scheme: Direct", fails: true},
	{name: "GOPROXY with ftp", file: "GOPROXY=ftp://goproxy.example\n", rules: []string{"env/goproxy-invalid GOPROXY"}, confirm: download, says: "invalid proxy URL scheme (must be https, http, file): ftp://goproxy.example", fails: true},
	{name: "GOPROXY with a space after a host", set: []string{"GOPROXY=https://goproxy.example direct"}, rules: []string{"env/goproxy-separator GOPROXY"}, confirm: download, says: "invalid character", fails: true},
	{name: "GOPROXY with a space after a path", set: []string{"GOPROXY=$PROXY direct"}, rules: []string{"env/goproxy-separator GOPROXY"}, confirm: download, says: "no such file or directory", fails: true},
	{name: "GOPROXY with a semicolon", file: "GOPROXY=https://goproxy.example/go;direct\n", rules: []string{"env/goproxy-separator GOPROXY"}},
	{name: "GOPROXY with a semicolon after a host", set: []string{"GOPROXY=https://goproxy.example;direct"}, rules: []string{"env/goproxy-separator GOPROXY"}, confirm: download, says: "goproxy.example;direct", fails: true},
	{name: "GOPROXY in quotes", file: "GOPROXY=\"https://goproxy.example,direct\"\n", rules: []string{"env/quotes GOPROXY"}, confirm: download, says: "first path segment in URL cannot contain colon", fails: true},
	{name: "GOPROXY with credentials over http", set: []string{"GOPROXY=http://user:hunter22@127.0.0.1:1/x,direct"}, rules: []string{"env/goproxy-credentials GOPROXY 127.0.0.1:1"}, message: "GOPROXY=http://xxxxx@127.0.0.1:1/x,direct (from the process environment)", confirm: download, says: "refusing to pass credentials to insecure URL", fails: true, unfixed: true},
	{name: "GOPROXY with entries after direct", set: []string{"GOPROXY=$PROXY,direct,https://goproxy.example"}, rules: []string{"env/goproxy-ignored GOPROXY"}, message: "the list ends before https://goproxy.example"},
	{name: "GOPROXY off with GOPRIVATE", set: []string{"GOPROXY=off", "GOPRIVATE=127.0.0.1"}, rules: []string{"env/goproxy-off-private GOPROXY"}, confirm: "mod download 127.0.0.1/lib@v1.0.0", says: `unrecognized import path "127.0.0.1/lib": https fetch`, fails: true},
	// GOSUMDB
	{name: "GOSUMDB is OFF", set: []string{"GOPROXY=$PROXY", "GOSUMDB=OFF"}, rules: []string{"env/gosumdb-invalid GOSUMDB"}, confirm: download, says: "invalid GOSUMDB: malformed verifier id", fails: true},
	{name: "GOSUMDB is empty in the file", set: []string{"GOPROXY=$PROXY"}, file: "GOSUMDB=\n", rules: []string{"env/gosumdb-invalid GOSUMDB"}, confirm: download, says: "missing GOSUMDB", fails: true},
	{name: "GOSUMDB has a policy that does not exist", set: []string{"GOPROXY=$PROXY", "GOSUMDB=sum.golang.org+local"}, rules: []string{"env/gosumdb-invalid GOSUMDB"}, confirm: download, says: "malformed verifier id", fails: true},
	{name: "GOSUMDB in quotes", set: []string{"GOPROXY=$PROXY"}, file: `GOSUMDB="off"`, rules: []string{"env/quotes GOSUMDB"}, confirm: download, says: "malformed verifier id", fails: true},
	{name: "GOSUMDB off", set: []string{"GOPROXY=$PROXY", "GOSUMDB=off"}, rules: []string{"env/gosumdb-off GOSUMDB"}, confirm: download},
	// GOAUTH, GOVCS, patterns
	{name: "GOAUTH with an empty command", set: []string{"GOPROXY=https://127.0.0.1:1", "GOAUTH=netrc;"}, rules: []string{"env/goauth-invalid GOAUTH"}, confirm: download, says: "GOAUTH encountered an empty command", fails: true},
	{name: "GOAUTH off with others", set: []string{"GOPROXY=https://127.0.0.1:1"}, file: "GOAUTH=off; netrc\n", rules: []string{"env/goauth-invalid GOAUTH"}, confirm: download, says: "GOAUTH=off cannot be combined", fails: true},
	{name: "GOAUTH git dir missing", set: []string{"GOPROXY=https://127.0.0.1:1", "GOAUTH=git $HOME/none"}, rules: []string{"env/goauth-invalid GOAUTH"}, confirm: download, says: "cannot stat", fails: true},
	{name: "GOVCS without colon", set: []string{"GOPROXY=direct", "GOVCS=git"}, rules: []string{"env/govcs-invalid GOVCS"}, confirm: "mod download github.com/acme/m@v1.0.0", says: "malformed entry in GOVCS (missing colon)", fails: true},
	{name: "patterns that match nothing", set: []string{"GOPRIVATE=a.example, https://b.example"}, file: "GOINSECURE=c.example/...\n",
		rules:   []string{"env/pattern GOINSECURE c.example/...", "env/pattern GOPRIVATE  https://b.example"},
		message: `" https://b.example" matches nothing`},
	{name: "GOPRIVATE in quotes", file: "GOPRIVATE='corp.example'\n", rules: []string{"env/quotes GOPRIVATE"}},
	// GOFLAGS
	{name: "GOFLAGS with an unknown flag", set: []string{"GOFLAGS=-bogus"}, rules: []string{"env/goflags-invalid GOFLAGS"}, confirm: "list", says: "parsing $GOFLAGS: unknown flag -bogus", fails: true},
	{name: "GOFLAGS with a space for an equals sign", file: "GOFLAGS=-mod vendor\n", set: []string{"GOFLAGS"}, rules: []string{"env/goflags-invalid GOFLAGS"}, message: `GOFLAGS=-mod vendor (from ~/.config/go/env:1): non-flag "vendor"`, confirm: "list", says: `non-flag "vendor"`, fails: true},
	{name: "GOFLAGS with an open quote", set: []string{"GOFLAGS='-ldflags=-s -w"}, rules: []string{"env/goflags-invalid GOFLAGS"}, confirm: "list", says: "unterminated ' string", fails: true},
	{name: "GOFLAGS with a bad -mod", set: []string{"GOFLAGS=-mod=foo"}, rules: []string{"env/goflags-invalid GOFLAGS -mod"}, confirm: "list", says: "-mod=foo not supported", fails: true},
	{name: "GOFLAGS with a flag that lacks its value", set: []string{"GOFLAGS=-v -tags"}, rules: []string{"env/goflags-invalid GOFLAGS -tags"}, confirm: "build ./...", says: "flag needs an argument: -tags", fails: true},
	{name: "GOFLAGS cut at a space", set: []string{"GOFLAGS=-trimpath -ldflags=-s -w"}, rules: []string{"env/goflags-split GOFLAGS"}, confirm: "build -n -o x ./p", says: " -s -extld="},
	{name: "GOFLAGS cut at a space, and refused", set: []string{"GOFLAGS=-ldflags=-X a.b=c -trimpath"}, rules: []string{"env/goflags-invalid GOFLAGS"}, message: "needs quotes", confirm: "list", says: `parsing $GOFLAGS: `, fails: true},
	{name: "GOFLAGS with -insecure", set: []string{"GOPROXY=$PROXY", "GONOSUMDB=*", "GOFLAGS=-insecure"}, rules: []string{"env/goflags-ignored GOFLAGS -insecure"}, confirm: "get example.com/lib", says: "-insecure flag is no longer supported", fails: true},
	{name: "GOFLAGS with -toolexec and -overlay", set: []string{"GOFLAGS=-toolexec=/x -overlay=o.json"}, rules: []string{"env/goflags-exec GOFLAGS -toolexec", "env/goflags-exec GOFLAGS -overlay"}, confirm: "build ./...", says: "o.json", fails: true},
	{name: "GOFLAGS -mod=mod", set: []string{"GOFLAGS=-mod=mod -modcacherw"}, rules: []string{"env/goflags-mod GOFLAGS -mod"}, confirm: "list"},
	// paths
	{name: "GOROOT missing", set: []string{"GOROOT=/nonexistent"}, rules: []string{"env/goroot-missing GOROOT"}, confirm: "version", says: "cannot find GOROOT directory: /nonexistent", fails: true},
	{name: "GOROOT missing, by the file", file: "GOROOT=/nonexistent\n", rules: []string{"env/goroot-missing GOROOT"}, confirm: "version", says: "cannot find GOROOT directory: /nonexistent", fails: true},
	{name: "GOROOT empty", set: []string{"GOROOT=$HOME"}, rules: []string{"env/goroot-broken GOROOT"}, message: "no standard library", confirm: "list fmt", says: "fmt", fails: true},
	{name: "GOROOT of another release", set: []string{"GOROOT=$HOME/goroot"}, make: map[string]string{"home/goroot/src/fmt/print.go": "package fmt\n", "home/goroot/VERSION": "go1.20.1\ntime x\n"}, rules: []string{"env/goroot-mismatch GOROOT"}, message: "it holds go1.20.1"},
	{name: "GOROOT without tools", set: []string{"GOROOT=$HOME/goroot"}, make: map[string]string{"home/goroot/src/fmt/print.go": "package fmt\n"}, rules: []string{"env/goroot-broken GOROOT"}, message: "no compiler", confirm: "build ./...", says: "", fails: true},
	{name: "GOPATH relative", set: []string{"GOPATH=go"}, rules: []string{"env/gopath-invalid GOPATH"}, confirm: "version", says: "GOPATH entry is relative", fails: true},
	{name: "GOPATH with a tilde", file: "GOPATH=~/go\n", rules: []string{"env/gopath-invalid GOPATH"}, confirm: "version", says: "shell metacharacter '~'", fails: true},
	{name: "GOPATH is the module", set: []string{"GOPATH=$REPO"}, rules: []string{"env/gopath-module GOPATH"}, confirm: "mod tidy -diff", says: "go.mod file not found", fails: true},
	{name: "GOPATH is GOROOT", set: []string{"GOPATH=$GOROOT", "GOMODCACHE=$HOME/m"}, rules: []string{"env/gopath-goroot GOPATH"}, confirm: "version", says: "both GOPATH and GOROOT are the same directory"},
	{name: "GOCACHE off", set: []string{"GOCACHE=off"}, rules: []string{"env/gocache-invalid GOCACHE"}, confirm: "build ./...", says: "build cache is disabled by GOCACHE=off", fails: true},
	{name: "GOCACHE is a word", file: "GOCACHE=readonly\n", rules: []string{"env/gocache-invalid GOCACHE"}, confirm: "build ./...", says: "GOCACHE is not an absolute path", fails: true},
	{name: "GOMODCACHE relative", set: []string{"GOPROXY=$PROXY", "GOMODCACHE=mc"}, rules: []string{"env/gomodcache-invalid GOMODCACHE"}, confirm: download, says: "GOMODCACHE entry is relative", fails: true},
	{name: "GOMODCACHE inside the module", set: []string{"GOMODCACHE=$REPO/mc"}, make: map[string]string{"repo/mc/example.com/old@v1.0.0/old.go": "package old\n"}, rules: []string{"env/gomodcache-in-tree GOMODCACHE"}, confirm: "list ./...", says: "outside main module or its selected dependencies", fails: true},
	{name: "GOWORK relative", set: []string{"GOWORK=go.work"}, rules: []string{"env/gowork-invalid GOWORK"}, confirm: "list", says: "invalid GOWORK: not an absolute path", fails: true},
	{name: "GOWORK missing", file: "GOWORK=/nonexistent/go.work\n", rules: []string{"env/gowork-invalid GOWORK"}, confirm: "list", says: "no such file", fails: true},
	{name: "GOBIN relative", set: []string{"GOBIN=bin"}, rules: []string{"env/gobin-relative GOBIN"}, confirm: "install ./p", says: "GOBIN must be an absolute path", fails: true},
	{name: "TMPDIR missing", set: []string{"TMPDIR=$HOME/none"}, rules: []string{"env/tmpdir TMPDIR"}, confirm: "build ./...", says: "creating work dir", fails: true},
	{name: "GOTMPDIR missing", file: "GOTMPDIR=$HOME/none\n", rules: []string{"env/tmpdir GOTMPDIR"}, message: "from ~/.config/go/env:1", confirm: "build ./...", says: "creating work dir", fails: true},
	{name: "HOME missing", set: []string{"HOME", "XDG_CACHE_HOME"}, rules: []string{"env/home HOME"}, message: "neither GOCACHE nor GOMODCACHE", confirm: "build ./...", says: "build cache is required, but could not be located", fails: true},
	{name: "HOME missing, GOPATH set", set: []string{"HOME", "XDG_CACHE_HOME", "GOPATH=$HOME/go"}, rules: []string{"env/home HOME"}, message: "neither HOME nor GOCACHE is set"},
	{name: "HOME relative", set: []string{"HOME=~", "XDG_CACHE_HOME"}, rules: []string{"env/home HOME"}, message: "HOME=~ is not an absolute path, and not set is GOCACHE or GOMODCACHE", confirm: "mod download", says: "shell metacharacter '~'", fails: true},
	// modes
	{name: "GO111MODULE off", set: []string{"GO111MODULE=off"}, rules: []string{"env/go111module GO111MODULE"}, confirm: "mod tidy", says: "modules disabled by GO111MODULE=off", fails: true},
	{name: "GO111MODULE unknown", file: "GO111MODULE=maybe\n", rules: []string{"env/go111module GO111MODULE"}, confirm: "list", says: "unknown environment setting GO111MODULE=maybe", fails: true},
	{name: "GOTOOLCHAIN without go", set: []string{"GOTOOLCHAIN=1.22.12"}, rules: []string{"env/gotoolchain-invalid GOTOOLCHAIN"}, confirm: "version", says: `invalid GOTOOLCHAIN "1.22.12"`, fails: true},
	{name: "GOTOOLCHAIN by the file", set: []string{"GOTOOLCHAIN"}, file: "GOTOOLCHAIN=latest\n", rules: []string{"env/gotoolchain-invalid GOTOOLCHAIN"}, confirm: "version", says: `invalid GOTOOLCHAIN "latest"`, fails: true},
	{name: "GOTOOLCHAIN empty in the file", set: []string{"GOTOOLCHAIN"}, file: "GOTOOLCHAIN=\n", rules: []string{"env/empty GOTOOLCHAIN"}, confirm: "version"},
	{name: "GOOS in capitals", set: []string{"GOOS=Linux", "GOARCH=amd64"}, rules: []string{"env/platform GOOS"}, confirm: "build ./...", says: "unsupported GOOS/GOARCH pair Linux/amd64", fails: true},
	{name: "CC with an open quote", set: []string{"CC='gcc"}, rules: []string{"env/cc-invalid CC"}, confirm: "build ./...", says: "CC environment variable could not be parsed", fails: true},
	{name: "CGO_ENABLED=false", set: []string{"CGO_ENABLED=false"}, rules: []string{"env/cgo-ignored CGO_ENABLED"}, confirm: "env CGO_ENABLED"},
	{name: "CGO_ENABLED=1 without a compiler", set: []string{"CGO_ENABLED=1", "CC=no-such-cc -m64"}, rules: []string{"env/cgo CGO_ENABLED"}, message: "no-such-cc", confirm: "build runtime/cgo", says: `C compiler "no-such-cc" not found`, fails: true},
	{name: "GOEXPERIMENT unknown", set: []string{"GOEXPERIMENT=bogus"}, rules: []string{"env/refused "}, message: "the go command does not run: go: unknown GOEXPERIMENT bogus", confirm: "version", says: "unknown GOEXPERIMENT bogus", fails: true, unfixed: true},
	// names and lines
	{name: "names that Go does not know", set: []string{"GO_PROXY=https://goproxy.example", "GONOSUMCHECK=1", "GOPRVIATE=x", "GO_FLAGS=-x"}, rules: []string{"env/unknown-name GONOSUMCHECK", "env/unknown-name GOPRVIATE", "env/unknown-name GO_PROXY"}, unfixed: true},
	{name: "lines of the file that Go ignores", file: "# mine\nexport GOPROXY=https://goproxy.example\nGOVCS = *:git\nHTTPS_PROXY=http://u:pw@p.example\nGOPROXXY=x\nGODEBUG=x=1\n",
		rules: []string{"env/file-line GOPROXY", "env/file-line GOVCS", "env/unknown-name GODEBUG", "env/unknown-name GOPROXXY", "env/unknown-name HTTPS_PROXY"}, message: "~/.config/go/env:2: the go command ignores export GOPROXY="},
	// nothing wrong
	{name: "nothing set"},
	{name: "the official image", set: []string{"GOLANG_VERSION=1.26.8", "GOTOOLCHAIN=local", "GOPATH=$HOME/go"}},
	{name: "a busy but healthy CI", set: []string{"GO_VERSION=1.26", "GOVERSION=1.26", "GOOGLE_APPLICATION_CREDENTIALS=/x", "GOLANGCI_LINT_CACHE=/x", "GOTESTSUM_FORMAT=dots", "GOLDFLAGS=-s",
		"GO_FLAGS=-v", "GO_PATH=/x", "GOMAXPROCS=2", "GOTRACEBACK=all", "GOCOVERDIR=/x", "GORELEASER_KEY=x", "GOTAGS=x", "GOPKG=x",
		"GOPROXY=https://user:secret@goproxy.example/go/|https://b.example,direct", "GOPRIVATE=*.corp.example,github.com/acme", "GONOSUMDB=none", "GOVCS=*:git",
		"GOSUMDB=sum.golang.org https://sums.example", "GOWORK=off", "GO111MODULE=on", "CGO_ENABLED=0"}},
	{name: "GOFLAGS that are fine", set: []string{"GOFLAGS=-count=1 -mod=readonly '-ldflags=-s -w' -tags=a,b -trimpath"}, confirm: "list"},
	{name: "GO_PROXY beside GOPROXY", set: []string{"GO_PROXY=https://goproxy.example", "GOPROXY=https://goproxy.example"}},
	{name: "a module cache in a hidden folder of the module", set: []string{"GOMODCACHE=$REPO/.cache/mod"}, make: map[string]string{"repo/.cache/mod/example.com/old@v1.0.0/old.go": "package old\n"}, confirm: "list ./..."},
	{name: "a module cache whose modules have a go.mod", set: []string{"GOMODCACHE=$REPO/mc"}, make: map[string]string{"repo/mc/example.com/new@v1.0.0/go.mod": "module example.com/new\n", "repo/mc/example.com/new@v1.0.0/new.go": "package old\n", "repo/mc/cache/download/a@v1/x": ""}, confirm: "list ./..."},
	{name: "a module cache that go.mod ignores", set: []string{"GOMODCACHE=$REPO/a/mc"}, make: map[string]string{"repo/go.mod": "module example.com/m\n\ngo 1.25\n\nignore mc\n", "repo/a/mc/example.com/old@v1.0.0/old.go": "package old\n"}, confirm: "list ./..."},
	{name: "a module cache in testdata", set: []string{"GOMODCACHE=$REPO/testdata/mc"}, make: map[string]string{"repo/testdata/mc/example.com/old@v1.0.0/old.go": "package old\n"}, confirm: "list ./..."},
	{name: "HOME missing, both caches set", set: []string{"HOME", "GOCACHE=$HOME/c", "GOMODCACHE=$HOME/m"}, confirm: "list ./..."},
	{name: "GOENV off hides a broken file", set: []string{"GOENV=off"}, file: "GOPROXY=\nexport X=1\n", confirm: "version"},
	{name: "the process overrides a broken file", set: []string{"GOPROXY=off", "GOFLAGS=-x"}, file: "GOPROXY=\nGOFLAGS=-bogus\n", confirm: "version"},
}

func TestEnv(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the paths and shells of this table are those of Unix")
	}
	for _, test := range envCases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newEnvMachine(t)
			for name, text := range test.make {
				m.write(name, text)
			}
			if test.file != "" {
				m.write("home/.config/go/env", m.expand(test.file))
			}
			m.set(test.set...)

			facts, findings := m.check()
			wantFindings(t, findings, test.rules)
			if len(findings) > 0 && !strings.Contains(findings[0].Message, test.message) {
				t.Errorf("message: got %q, want %q in it", findings[0].Message, test.message)
			}
			if facts.Summary == "" {
				t.Error("no summary")
			}
			if all := fmt.Sprint(facts, findings); strings.Contains(all, "hunter22") || strings.Contains(all, "u:pw") || strings.Contains(all, "user:secret") {
				t.Errorf("a password is in the facts or findings: %s", all)
			}
			if test.confirm != "" {
				m.confirm(test)
			}
			for _, f := range findings {
				if !test.unfixed {
					m.fix(f)
				}
			}
		})
	}
}

// confirm compares with what the real go command does.
func (m *envMachine) confirm(test envCase) {
	m.t.Helper()
	cmd := exec.CommandContext(m.t.Context(), "go", strings.Fields(test.confirm)...)
	cmd.Dir, cmd.Env = m.repo, m.environ
	out, err := cmd.CombinedOutput()
	if test.fails != (err != nil) {
		m.t.Errorf("go %s: got %v, want failure %v", test.confirm, err, test.fails)
	}
	if !strings.Contains(string(out), test.says) {
		m.t.Errorf("go %s said %s, want %q", test.confirm, out, test.says)
	}
}

// fix runs a finding's command and sees that the finding is gone.
func (m *envMachine) fix(f Finding) {
	m.t.Helper()
	if f.Fix.Command == "" {
		m.t.Errorf("%s has no command that mends it", f.Rule)
		return
	}
	cmd := exec.CommandContext(m.t.Context(), "sh", "-c", f.Fix.Command+" && env -0 >../env0")
	cmd.Dir, cmd.Env = m.repo, m.environ
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Errorf("%s: %s: %v\n%s", f.Rule, f.Fix.Command, err, out)
		return
	}
	after, err := os.ReadFile(filepath.Join(m.repo, "..", "env0"))
	if err != nil {
		m.t.Fatal(err)
	}
	fixed := *m
	fixed.environ = strings.Split(strings.TrimSuffix(string(after), "\x00"), "\x00")
	if _, findings := fixed.check(); slices.ContainsFunc(findings, func(g Finding) bool { return g.Rule == f.Rule && g.Key == f.Key }) {
		m.t.Errorf("%s is still there after %s", f.Rule, f.Fix.Command)
	}
}

// wantFindings compares findings, as "rule key", with the wanted ones, in any order.
func wantFindings(t *testing.T, findings []Finding, want []string) {
	t.Helper()
	var got []string
	for _, f := range findings {
		got = append(got, f.Rule+" "+f.Key)
	}
	want = slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
		for _, f := range findings {
			t.Logf("%s: %s", f.Rule, f.Message)
		}
	}
}

// TestEnvFileFixes pastes the fixes of a file with many faults one after the
// other: none takes away what another is about, or what is right.
func TestEnvFileFixes(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a POSIX shell")
	}
	m := newEnvMachine(t)
	m.write("home/.config/go/env", "export \t GOPROXY=off\nGOPROXXY=x\n GOPRIVATE=other.example\nGOSUMDB=sum.golang.org\nGODEBUG=x=1\nGOPATH=~/go\nGOPRIVATE=corp.example\ngo.v/s=1\nGOVxs=1\n")
	_, findings := m.check()
	wantFindings(t, findings, []string{
		"env/file-line GOPROXY", "env/file-line GOPRIVATE", "env/file-line go.v/s", "env/unknown-name GOPROXXY", "env/unknown-name GODEBUG",
		"env/unknown-name GOVxs", "env/gopath-invalid GOPATH",
	})
	for _, f := range findings {
		if f.Key != "GOPRIVATE" { // it would write what the file already has another value for
			m.fix(f)
		}
	}
	data, err := os.ReadFile(filepath.Join(m.home, ".config/go/env"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(data), " GOPRIVATE=other.example\nGOPRIVATE=corp.example\nGOPROXY=off\nGOSUMDB=sum.golang.org\n"; got != want {
		t.Errorf("left in the file: %q, want %q", got, want)
	}
}

// TestEnvCommands are fixes that are no more than "it is gone".
func TestEnvCommands(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{
		"GOTOOLCHAIN=1.26":         "unset GOTOOLCHAIN", // go1.26 is no toolchain
		"GOTOOLCHAIN=1.26.8+auto":  "export GOTOOLCHAIN=go1.26.8+auto",
		"GOPROXY=p.example;direct": "export GOPROXY=p.example,direct",
	} {
		m := newEnvMachine(t)
		m.set(set)
		if _, findings := m.check(); len(findings) != 1 || findings[0].Fix.Command != want {
			t.Errorf("%s: got %+v, want the command %q", set, findings, want)
		}
	}
}

// TestEnvRefused: the go command's own words, whatever was run to hear them.
func TestEnvRefused(t *testing.T) {
	t.Parallel()
	for _, refused := range []string{
		"go version: exit status 2: go: invalid GOFIPS140: must be off",
		"exit status 2\ngo: invalid GOFIPS140: must be off",
	} {
		findings := judgeRefused(&envFacts{Env: &goenv.Env{Refused: errors.New(refused)}}, nil)
		if len(findings) != 1 || findings[0].Message != "the go command does not run: go: invalid GOFIPS140: must be off" {
			t.Errorf("%q: got %+v", refused, findings)
		}
	}
}

func TestEnvPolicy(t *testing.T) {
	t.Parallel()
	m := newEnvMachine(t)
	m.policy = config.Env{Required: []string{"GOPROXY", "GOPRIVATE", "GOSUMDB"}, ForbidGOFLAGS: []string{"-mod=mod", "-x", "-v"}}
	m.policy.GOPROXY.Allow = []string{"https://Goproxy.example/go/"}
	m.write("home/.config/go/env", "GOPRIVATE=corp.example\n")
	m.set("GOPROXY=https://u:p@goproxy.example/go|https://b.example,direct", "GOFLAGS=-mod=vendor --x=true")
	facts, findings := m.check()
	wantFindings(t, findings, []string{
		"env/required GOSUMDB",
		"env/goproxy-not-allowed GOPROXY https://b.example", "env/goproxy-not-allowed GOPROXY direct",
		"env/goflags-forbidden GOFLAGS -x",
	})
	if got, want := facts.Summary, "GOFLAGS from the process environment, GOPRIVATE from "; !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " and 1 more") {
		t.Errorf("summary: got %q", got)
	}
	m.set("GOPROXY=https://goproxy.example/go,off", "GOFLAGS=-mod=readonly", "GOSUMDB=sum.golang.org")
	_, findings = m.check()
	wantFindings(t, findings, nil)
}

func TestEnvWithoutGo(t *testing.T) {
	t.Parallel()
	m := newEnvMachine(t)
	m.set("PATH=/nonexistent", "GOFLAGS=-bogus", "GOSUMDB=off")
	e, err := goenv.Read(t.Context(), goenv.Options{Environ: m.environ})
	if err != nil {
		t.Fatal(err)
	}
	r, err := repo.Load(t.Context(), repo.Options{Dir: m.repo})
	if err != nil {
		t.Fatal(err)
	}
	_, findings, err := env.Run(t.Context(), &Session{Repo: r, Env: e, Config: config.Default(), Getenv: m.getenv, Environ: m.environ})
	if err != nil {
		t.Fatal(err)
	}
	wantFindings(t, findings, []string{"env/goflags-invalid GOFLAGS", "env/gosumdb-off GOSUMDB"})
}

func TestMeantName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"GOPROXY": "", "GOVERSION": "", "GO_PROXY": "GOPROXY", "GOPRXY": "GOPROXY", "GOPORXY": "GOPROXY", "GO_111_MODULE": "GO111MODULE", "GO11MODULE": "GO111MODULE",
		"CGOENABLED": "CGO_ENABLED", "GO_MODCACHE": "GOMODCACHE", "GOLDFLAGS": "", "GOFLAG": "", "GO_BIN": "", "GOLANG": "", "GO": "", "G": "", "": "", "GOPHER": "", "XGOPROXY": "",
	} {
		if got := meantName(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
