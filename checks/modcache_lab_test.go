package checks

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"

	"github.com/gopreflight/gopreflight/internal/git"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// A cacheLab is a repository with dependencies from a proxy of its own, and a
// module cache that the real go command filled.
type cacheLab struct {
	root, cache string
	// env is the environment of go commands, without GOMODCACHE and GOPROXY.
	env   []string
	proxy string
}

const (
	labLib    = "example.com/lib@v1.0.0"
	labDep    = "example.com/dep@v1.0.0"
	labFork   = "example.com/fork@v1.0.0"
	labAzure  = "github.com/Azure/thing@v1.2.0"
	labCompat = "example.com/compat@v2.0.0+incompatible"
)

// labModules are the modules that the lab's proxy serves.
var labModules = map[string]map[string]string{
	labLib: {
		"go.mod":   "module example.com/lib\n\ngo 1.21\n\nrequire example.com/dep v1.0.0\n",
		"lib.go":   "package lib\n\nimport \"example.com/dep\"\n\nfunc F() string { return \"lib \" + dep.F() }\n",
		"more.txt": "more\n",
	},
	labDep:    {"go.mod": "module example.com/dep\n\ngo 1.21\n", "dep.go": "package dep\n\nfunc F() string { return \"dep\" }\n"},
	labFork:   {"go.mod": "module example.com/orig\n\ngo 1.21\n", "orig.go": "package orig\n\nfunc F() string { return \"fork\" }\n"},
	labAzure:  {"go.mod": "module github.com/Azure/thing\n\ngo 1.21\n", "thing.go": "package thing\n\nfunc F() string { return \"thing\" }\n"},
	labCompat: {"compat.go": "package compat\n\nfunc F() string { return \"compat\" }\n"},
}

var labRepo = map[string]string{
	"go.mod": `module example.com/app

go 1.21

require (
	example.com/compat v2.0.0+incompatible
	example.com/dep v1.0.0 // indirect
	example.com/lib v1.0.0
	example.com/orig v1.0.0
	example.com/wired v0.0.0
	github.com/Azure/thing v1.2.0
)

replace example.com/orig => example.com/fork v1.0.0

replace example.com/wired => ./wired
`,
	"wired/go.mod":   "module example.com/wired\n\ngo 1.21\n",
	"wired/wired.go": "package wired\n\nfunc F() string { return \"wired\" }\n",
	".gitignore":     "*.gen.go\n.mc\n",
	"app.go": `package app

import (
	"example.com/compat"
	"example.com/lib"
	"example.com/orig"
	"example.com/wired"
	"github.com/Azure/thing"
)

func F() string { return lib.F() + orig.F() + thing.F() + compat.F() + wired.F() }
`,
}

// newCacheLab builds the lab; the go command writes go.sum and fills the cache.
func newCacheLab(t *testing.T) *cacheLab {
	t.Helper()
	return newLab(t, labModules, labRepo, "mod tidy", "mod download", "build ./...")
}

// newLab serves modules, makes a repository of files and runs go commands in it.
func newLab(t *testing.T, modules map[string]map[string]string, repository map[string]string, commands ...string) *cacheLab {
	t.Helper()
	for _, name := range []string{"go", "git", "sh"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(err)
		}
	}
	served := t.TempDir()
	for id, files := range modules {
		serveModule(t, served, id, files)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(served)))
	t.Cleanup(server.Close)
	home := t.TempDir()
	gocache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	l := &cacheLab{
		root: t.TempDir(), cache: t.TempDir(), proxy: server.URL,
		env: []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GO_TELEMETRY_CHILD=2", "XDG_CONFIG_HOME=" + home, "GOENV=" + filepath.Join(home, "env"),
			"GOPATH=" + filepath.Join(home, "go"), "GOCACHE=" + strings.TrimSpace(string(gocache)), "TMPDIR=" + t.TempDir(),
			"GOFLAGS=-modcacherw", "GOTOOLCHAIN=local", "GOSUMDB=off", "GOWORK=", "GOTELEMETRY=off", "GIT_TERMINAL_PROMPT=0",
			"GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		},
	}
	for name, text := range repository {
		labWrite(t, filepath.Join(l.root, name), text)
	}
	for _, command := range commands {
		if out, err := l.run(l.proxy, "go", strings.Fields(command)...); err != nil {
			t.Fatalf("go %s: %v\n%s", command, err, out)
		}
	}
	l.commit(t)
	return l
}

// commit commits all files of the repository.
func (l *cacheLab) commit(t *testing.T) {
	t.Helper()
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"commit", "-q", "-m", "all"}} {
		if out, err := l.run(l.proxy, "git", args...); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
}

// copy is the same lab, tampered with on its own.
func (l *cacheLab) copy(t *testing.T) *cacheLab {
	t.Helper()
	c := *l
	// A shell has to be told of such names with care.
	c.root, c.cache = t.TempDir(), filepath.Join(t.TempDir(), "somebody's $HOME")
	for to, from := range map[string]string{c.root: l.root, c.cache: l.cache} {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	return &c
}

// run runs a command in the repository's root.
func (l *cacheLab) run(goproxy, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = l.root
	cmd.Env = append(slices.Clone(l.env), "GOMODCACHE="+l.cache, "GOPROXY="+goproxy, "PWD="+l.root)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// A labOutcome is how a go command ended.
type labOutcome struct {
	exit int
	// words are the first line that says why; empty for exit 0.
	words string
}

func (o labOutcome) String() string {
	return strings.TrimSuffix(fmt.Sprintf("exit %d: %s", o.exit, o.words), ": ")
}

// rc is the exit code of a go command.
func (l *cacheLab) rc(t *testing.T, goproxy string, args ...string) int {
	t.Helper()
	return l.end(t, goproxy, args...).exit
}

// end is how a go command ends.
func (l *cacheLab) end(t *testing.T, goproxy string, args ...string) labOutcome {
	t.Helper()
	out, err := l.run(goproxy, "go", args...)
	if err == nil {
		return labOutcome{}
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	o := labOutcome{exit: exit.ExitCode()}
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "go: downloading") {
			o.words = l.neutral(line)
			break
		}
	}
	return o
}

// session is what check modcache sees of the lab.
func (l *cacheLab) session(t *testing.T, goproxy string) *Session {
	t.Helper()
	r, err := repo.Load(t.Context(), repo.Options{Dir: l.root, GOMODCACHE: l.cache})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	path, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	g, err := git.Open(t.Context(), path, l.root, l.env)
	if err != nil {
		t.Fatal(err)
	}
	return &Session{
		Repo: r, Modules: r.Modules, Scope: ScopeJob, Git: g, CI: true,
		Env: goenv.FromMap(map[string]string{"GOMODCACHE": l.cache, "GOPROXY": goproxy}),
	}
}

// dir is the extracted folder of a module version, file one of its downloads.
func (l *cacheLab) dir(id string) string { return filepath.Join(l.cache, escapeID(id, "%s@%s")) }

func (l *cacheLab) file(id, extension string) string {
	return filepath.Join(l.cache, "cache", "download", escapeID(id, "%s/@v/%s.")+extension)
}

// sumLine is the line of go.sum that names a module's content.
func (l *cacheLab) sumLine(t *testing.T, id string) int {
	t.Helper()
	prefix := strings.Replace(id, "@", " ", 1) + " "
	for i, line := range strings.Split(labRead(t, filepath.Join(l.root, "go.sum")), "\n") {
		if strings.HasPrefix(line, prefix) {
			return i + 1
		}
	}
	t.Fatalf("go.sum has no line for %s", id)
	return 0
}

// foreignZip writes a valid zip with other content in the place of a module's.
func (l *cacheLab) foreignZip(t *testing.T, id string) {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Base(strings.Split(id, "@")[0])
	if id == labFork {
		name = "orig"
	}
	files := map[string]string{"evil.go": "package " + name + "\n\nfunc F() string { return \"evil\" }\n"}
	files["go.mod"] = labModules[id]["go.mod"]
	serveModule(t, dir, id, files)
	labCopy(t, filepath.Join(dir, escapeID(id, "%s/@v/%s.zip")), l.file(id, "zip"))
}

// unzip extracts a module's zip anew, as a go command would.
func (l *cacheLab) unzip(t *testing.T, id string) {
	t.Helper()
	labRemove(t, l.dir(id))
	path, version, _ := strings.Cut(id, "@")
	if err := zip.Unzip(l.dir(id), module.Version{Path: path, Version: version}, l.file(id, "zip")); err != nil {
		t.Fatal(err)
	}
}

// escapeID fills the escaped path and version of a module into a format.
func escapeID(id, format string) string {
	path, version, _ := strings.Cut(id, "@")
	path, err1 := module.EscapePath(path)
	version, err2 := module.EscapeVersion(version)
	if err1 != nil || err2 != nil {
		panic(id)
	}
	return filepath.FromSlash(fmt.Sprintf(format, path, version))
}

// serveModule adds a module version to the files of a proxy.
func serveModule(t *testing.T, served, id string, files map[string]string) {
	t.Helper()
	src := t.TempDir()
	for name, text := range files {
		labWrite(t, filepath.Join(src, name), text)
	}
	path, version, _ := strings.Cut(id, "@")
	base := filepath.Join(served, escapeID(id, "%s/@v/%s."))
	mod := files["go.mod"]
	if mod == "" {
		mod = "module " + path + "\n"
	}
	labWrite(t, base+"mod", mod)
	labWrite(t, base+"info", fmt.Sprintf(`{"Version":%q,"Time":"2024-01-01T00:00:00Z"}`, version))
	labWrite(t, filepath.Join(filepath.Dir(base), "list"), version+"\n")
	f, err := os.Create(base + "zip")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := zip.CreateFromDir(f, module.Version{Path: path, Version: version}, src); err != nil {
		t.Fatal(err)
	}
}

// labWrite replaces a file, which may be read-only, and makes its folder.
func labWrite(t *testing.T, path, text string) {
	t.Helper()
	labRemove(t, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func labRead(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func labCopy(t *testing.T, from, to string) {
	t.Helper()
	labWrite(t, to, labRead(t, from))
}

func labRemove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func labLink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

func labTruncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func labHashZip(t *testing.T, path string) string {
	t.Helper()
	hash, err := dirhash.HashZip(path, dirhash.DefaultHash)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// swapSum gives a module the go.sum hash of labDep: suffix is "" for the line
// of the content, "/go.mod" for the other one.
func (l *cacheLab) swapSum(t *testing.T, id, suffix string) {
	t.Helper()
	path := filepath.Join(l.root, "go.sum")
	lines := strings.SplitAfter(labRead(t, path), "\n")
	find := func(id string) int {
		return slices.IndexFunc(lines, func(line string) bool {
			return strings.HasPrefix(line, strings.Replace(id, "@", " ", 1)+suffix+" ")
		})
	}
	from, to := strings.Fields(lines[find(labDep)]), find(id)
	lines[to] = strings.Replace(id, "@", " ", 1) + suffix + " " + from[2] + "\n"
	labWrite(t, path, strings.Join(lines, ""))
}

// labSnapshot is every entry below a folder: name, mode, size, time of change.
func labSnapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(&b, path, info.Mode(), info.Size(), info.ModTime().UnixNano())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
