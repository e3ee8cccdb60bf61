package checks

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/faultdoc"
	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/goroot"
	"github.com/gopreflight/gopreflight/internal/repo"
	"github.com/gopreflight/gopreflight/internal/sumdbtest"
)

// A goLab is a copy of this machine's Go, and a checksum database that knows it as
// a release.
type goLab struct {
	*testing.T
	root, goroot, cache string
	mod                 module.Version
	files               []goroot.File
	db                  *sumdbtest.Database
	env                 map[string]string
	// list is the file of Session.ReleaseList.
	list  string
	gobin string
}

const ringSource = "src/container/ring/ring.go"

// newGoLab copies GOROOT by hard links: nothing of it is written to, only replaced.
func newGoLab(t *testing.T) *goLab {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT", "GOVERSION", "GOHOSTOS", "GOHOSTARCH", "GOCACHE").Output()
	if err != nil {
		t.Skip(err)
	}
	v := strings.Split(strings.TrimSpace(string(out)), "\n")
	mod, ok := goroot.Module(v[1], v[2], v[3])
	if !ok {
		t.Skipf("%s is no release", v[1])
	}
	l := &goLab{T: t, root: t.TempDir(), goroot: filepath.Join(t.TempDir(), "go"), cache: t.TempDir(), mod: mod}
	if err := linkTree(v[0], l.goroot); err != nil {
		t.Skipf("cannot link to %s: %v", v[0], err)
	}
	tree, err := goroot.ScanInstalled(t.Context(), l.goroot, 0)
	if err != nil {
		t.Fatal(err)
	}
	l.files = tree.Files
	l.db = sumdbtest.New(t, "sum.example.org", fmt.Sprintf("%s %s %s", mod.Path, mod.Version, goroot.Hash(mod, l.files)))
	server := httptest.NewServer(l.db)
	t.Cleanup(server.Close)
	l.env = map[string]string{
		"GOVERSION": v[1], "GOHOSTOS": v[2], "GOHOSTARCH": v[3], "GOROOT": l.goroot, "GOTOOLCHAIN": "local", "GOMODCACHE": l.cache,
		"GOSUMDB": l.db.Key + " " + server.URL, "GOPROXY": "off", "GOCACHE": v[4],
	}
	l.gobin = filepath.Join(l.goroot, "bin", "go")
	labWrite(t, filepath.Join(l.root, "go.mod"), "module example.com/app\n\ngo 1.21\n")
	labWrite(t, filepath.Join(l.root, "main.go"), "package main\n\nimport \"container/ring\"\n\nfunc main() { print(ring.New(3).Len()) }\n")
	return l
}

// copy is the same lab to be tampered with on its own; the release too where that
// is to be touched.
func (l *goLab) copy(t *testing.T, release bool) *goLab {
	t.Helper()
	c := *l
	c.T, c.cache, c.env = t, t.TempDir(), maps.Clone(l.env)
	c.env["GOMODCACHE"] = c.cache
	if release {
		c.goroot = filepath.Join(t.TempDir(), "go")
		if err := linkTree(l.goroot, c.goroot); err != nil {
			t.Fatal(err)
		}
		c.env["GOROOT"], c.gobin = c.goroot, filepath.Join(c.goroot, "bin", "go")
	}
	return &c
}

// linkTree makes the same tree again, of hard links.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch name := filepath.Join(to, rel); {
		case d.IsDir():
			return os.MkdirAll(name, 0o777)
		case d.Type().IsRegular():
			return os.Link(path, name)
		}
		return nil
	})
}

// replace gives a file of the release another content.
func (l *goLab) replace(name, old, now string) {
	l.Helper()
	path := filepath.Join(l.goroot, filepath.FromSlash(name))
	text := labRead(l.T, path)
	if !strings.Contains(text, old) {
		l.Fatalf("%s has no %q", name, old)
	}
	labWrite(l.T, path, strings.Replace(text, old, now, 1))
}

// writeList writes the list of the image.
func (l *goLab) writeList(files []goroot.File) {
	l.Helper()
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "%x  %s@%s/%s\n", f.Sum, l.mod.Path, l.mod.Version, f.Name)
	}
	l.list = filepath.Join(l.TempDir(), "go.sha256")
	labWrite(l.T, l.list, b.String())
}

// writeZip puts the release's module into the module cache, as it is now.
func (l *goLab) writeZip() {
	l.Helper()
	path := filepath.Join(l.cache, "cache", "download", "golang.org", "toolchain", "@v", l.mod.Version+".zip")
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		l.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		l.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, file := range l.files {
		name := filepath.Join(l.goroot, filepath.FromSlash(file.Name))
		if filepath.Base(name) == "_go.mod" {
			if _, err := os.Stat(name); err != nil {
				name = filepath.Join(filepath.Dir(name), "go.mod")
			}
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: l.mod.Path + "@" + l.mod.Version + "/" + file.Name, Method: zip.Store})
		if err != nil {
			l.Fatal(err)
		}
		if _, err := io.WriteString(w, labRead(l.T, name)); err != nil {
			l.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		l.Fatal(err)
	}
}

func (l *goLab) session() *Session {
	l.Helper()
	r, err := repo.Load(l.Context(), repo.Options{Dir: l.root})
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { r.Close() })
	return &Session{
		Repo: r, Modules: r.Modules, Scope: ScopeJob, Config: config.Default(), Env: goenv.FromMap(l.env), Now: time.Now,
		Getenv: func(string) string { return "" }, Go: gocmd.New(l.gobin, nil, 0), ReleaseList: l.list, shared: &shared{},
	}
}

// build is the exit code of a build with this Go, and what the program says.
func (l *goLab) build() (int, string) {
	l.Helper()
	program := filepath.Join(l.TempDir(), "app.exe")
	cmd := exec.Command(l.gobin, "build", "-o", program, ".")
	home := l.TempDir()
	cmd.Dir, cmd.Env = l.root, []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GOCACHE=" + l.env["GOCACHE"], "GOENV=off", "GOFLAGS=-buildvcs=false", "GOTOOLCHAIN=local",
		"GOTELEMETRY=off", "GO_TELEMETRY_CHILD=2", "GOPROXY=off", "GOWORK=off", "CGO_ENABLED=0", "GOROOT=" + l.goroot,
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return exitCode(l.T, err), string(out)
	}
	out, err := exec.Command(program).CombinedOutput()
	if err != nil {
		l.Fatal(err)
	}
	return 0, string(out)
}

// A goFault is a row of docs/faults.md.
type goFault struct {
	name, what string
	fault      func(l *goLab)
	// rule is the one that must be reported; nil for none. names is what must stand
	// in its message or evidence.
	rule  *Rule
	names string
	// says is what the program says, "3" where nothing that it is made of was
	// touched; empty where nothing of the release was.
	says  string
	state LinkState
	// why must stand in the link's why.
	why string
	// required says that the policy wants an answer, and there is none.
	errored bool
}

func ringLies(l *goLab) { l.replace(ringSource, "n = 1\n", "n = 40\n") }

func goFaults() []goFault {
	const evil = "src/container/ring/evil.go"
	addEvil := func(l *goLab) {
		labWrite(l.T, filepath.Join(l.goroot, filepath.FromSlash(evil)), "package ring\n\nfunc init() { print(\"evil \") }\n")
	}
	required := func(l *goLab) { l.env["required"] = "yes" }
	return []goFault{
		{name: "changed, with the image's list", what: "a source file of the standard library changed; the image keeps the release's list", says: "42", state: Broken,
			rule: ruleReleaseModified, names: ringSource, fault: func(l *goLab) { l.writeList(l.files); ringLies(l) }},
		{name: "changed, with the module's zip", what: "the same; the release's module is in the module cache", says: "42", state: Broken,
			rule: ruleReleaseModified, names: ringSource, fault: func(l *goLab) { l.writeZip(); ringLies(l) }},
		{name: "changed, no list", what: "the same; no list", says: "42", state: Unproven,
			rule: ruleReleaseUnverified, names: "no list says which differ", fault: ringLies},
		{name: "forged list", what: "the same; a list that was made after the change", says: "42", state: Unproven,
			rule: ruleReleaseUnverified, names: "is not the list that was recorded", fault: func(l *goLab) {
				ringLies(l)
				tree, err := goroot.ScanInstalled(l.Context(), l.goroot, 0)
				if err != nil {
					l.Fatal(err)
				}
				l.writeList(tree.Files)
			}},
		{name: "added", what: "a source file added to the standard library; list", says: "evil 3", state: Broken,
			rule: ruleReleaseModified, names: evil + " added", fault: func(l *goLab) { l.writeList(l.files); addEvil(l) }},
		{name: "link", what: "a source file of the standard library is a symbolic link to a copy; list", says: "3", state: Broken,
			rule: ruleReleaseModified, names: ringSource, fault: func(l *goLab) {
				l.writeList(l.files)
				path := filepath.Join(l.goroot, filepath.FromSlash(ringSource))
				copied := filepath.Join(l.TempDir(), "ring.go")
				labCopy(l.T, path, copied)
				labRemove(l.T, path)
				labLink(l.T, copied, path)
			}},
		{name: "removed", what: "a file that builds do not need removed; list", says: "3", state: Proven, why: "1 file absent",
			fault: func(l *goLab) {
				l.writeList(l.files)
				labRemove(l.T, filepath.Join(l.goroot, "src", "container", "ring", "ring_test.go"))
			}},
		{name: "removed, no list", what: "the same; no list", says: "3", state: Unproven,
			rule: ruleReleaseUnverified, names: "no list says which differ", fault: func(l *goLab) {
				labRemove(l.T, filepath.Join(l.goroot, "src", "container", "ring", "ring_test.go"))
			}},
		{name: "no api, doc, misc, test", what: "the folders api, doc, misc and test removed", says: "3", state: Proven,
			fault: func(l *goLab) {
				for _, name := range []string{"api", "doc", "misc", "test"} {
					labRemove(l.T, filepath.Join(l.goroot, name))
				}
			}},
		{name: "settings", what: "go.env edited; list", says: "3", state: Proven, why: "go.env edited",
			fault: func(l *goLab) {
				l.writeList(l.files)
				labWrite(l.T, filepath.Join(l.goroot, "go.env"), "GOFLAGS=-trimpath\n")
			}},
		{name: "program in bin", what: "another program in bin", says: "3", state: Proven, why: "1 file beside the release where builds read none, first: bin/gopls",
			fault: func(l *goLab) { labWrite(l.T, filepath.Join(l.goroot, "bin", "gopls"), "ELF") }},
		{name: "another go", what: "the go command in PATH is a copy outside of GOROOT", state: Unproven, why: "the go command in PATH is not the one in",
			fault: func(l *goLab) {
				copied := filepath.Join(l.TempDir(), "go")
				labCopy(l.T, l.gobin, copied)
				if err := os.Chmod(copied, 0o777); err != nil {
					l.Fatal(err)
				}
				l.gobin = copied
			}},
		{name: "database unreachable", what: "the checksum database does not answer", state: Unproven,
			rule: ruleReleaseUnverified, names: "could not be asked", fault: func(l *goLab) { l.deadDatabase() }},
		{name: "database unreachable, required", what: "the same; `toolchain.authentic: required`", state: Unproven, errored: true,
			rule: ruleReleaseUnverified, names: "could not be asked", fault: func(l *goLab) { l.deadDatabase(); required(l) }},
		{name: "database lies", what: "who answers for the checksum database has another key", state: Unproven,
			rule: ruleReleaseUnverified, names: "could not be asked", fault: func(l *goLab) {
				other := sumdbtest.New(l.T, l.db.Name, fmt.Sprintf("%s %s %s", l.mod.Path, l.mod.Version, goroot.Hash(l.mod, l.files)))
				server := httptest.NewServer(other)
				l.Cleanup(server.Close)
				l.env["GOSUMDB"] = l.db.Key + " " + server.URL
			}},
		{name: "unknown", what: "a release that the checksum database does not know", state: Unproven, why: "does not know go1.26.99 on this platform",
			fault: func(l *goLab) { l.env["GOVERSION"] = "go1.26.99" }},
		{name: "devel", what: "a development version", state: Unproven, why: "is no release that the checksum database could know",
			fault: func(l *goLab) { l.env["GOVERSION"] = "devel go1.27-0123abcd Thu Nov 20 06:54:36 2026 +0000" }},
		{name: "patched", what: "a version that a distribution patched, by its name; `toolchain.authentic: required`", state: Unproven, errored: true,
			why: "is no release that the checksum database could know", fault: func(l *goLab) { l.env["GOVERSION"] += "-corp"; required(l) }},
		{name: "off", what: "GOSUMDB=off", state: Unproven, why: "GOSUMDB=off",
			fault: func(l *goLab) { l.env["GOSUMDB"] = "off" }},
	}
}

// deadDatabase has the database at an address where nobody listens.
func (l *goLab) deadDatabase() {
	server := httptest.NewServer(l.db)
	server.Close()
	l.env["GOSUMDB"] = l.db.Key + " " + server.URL
}

// TestToolchainFaults changes a copy of this very Go, one thing at a time, and sets
// what a build with it does beside what the check says.
func TestToolchainFaults(t *testing.T) {
	t.Parallel()
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("hashes a whole Go release many times")
	}
	healthy := newGoLab(t)
	if facts, findings, err := runToolchain(t.Context(), healthy.session()); err != nil || len(findings) > 0 || facts.Link.State != Proven || facts.Link.Proven != facts.Link.Total || facts.Link.Total < 5000 {
		t.Fatalf("this Go as it is: %+v, %+v, %v", facts.Link, findings, err)
	}
	if rc, says := healthy.build(); rc != 0 || says != "3" {
		t.Fatalf("go build with this Go as it is: %d, %s", rc, says)
	}
	faults := goFaults()
	rows := make([][]string, len(faults))
	t.Run("faults", func(t *testing.T) {
		for i, f := range faults {
			t.Run(f.name, func(t *testing.T) { rows[i] = f.try(healthy.copy(t, f.says != "")) })
		}
	})
	if t.Failed() || slices.ContainsFunc(rows, func(r []string) bool { return r == nil }) {
		return
	}
	faultdoc.Table(t, "toolchain", []string{"fault", "go build", "gopreflight", "the link"}, rows)
}

func (f *goFault) try(l *goLab) []string {
	t := l.T
	f.fault(l)
	s := l.session()
	if l.env["required"] != "" {
		s.Config.Toolchain.Authentic = config.Required
	}
	facts, findings, err := runToolchain(t.Context(), s)
	if f.errored != (err != nil) || err != nil && statusOf(err) != Errored {
		t.Errorf("error is %v, want one: %v", err, f.errored)
	}
	if facts.Link.State != f.state || !strings.Contains(facts.Link.Why, f.why) {
		t.Errorf("link is %+v, want %s: %s", facts.Link, f.state, f.why)
	}
	told := "nothing"
	if f.rule == nil {
		if len(findings) > 0 {
			t.Errorf("findings are %+v, want none", findings)
		}
	} else {
		if len(findings) != 1 || findings[0].Rule != f.rule.ID {
			t.Fatalf("findings are %+v, want one of %s", findings, f.rule.ID)
		}
		got := findings[0]
		if !strings.Contains(got.Message+"\n"+strings.Join(got.Evidence, "\n"), f.names) {
			t.Errorf("%+v does not say %q", got, f.names)
		}
		told = fmt.Sprintf("%s `%s`", f.rule.Severity, f.rule.ID)
		if f.rule == ruleReleaseModified {
			told += ", names the file"
		}
	}
	if f.errored {
		told += ", could not find out"
		if f.rule == nil {
			told = "could not find out"
		}
	}
	link := string(f.state)
	if f.why != "" && f.rule == nil {
		link += ": " + strings.TrimSuffix(f.why, " in")
	}
	build := "0"
	if f.says != "" {
		if rc, says := l.build(); rc != 0 || says != f.says {
			t.Errorf("go build: %d, the program says %q, want %q", rc, says, f.says)
		}
	}
	if f.says != "" && f.says != "3" {
		build = "0, **builds what was altered**"
	}
	return []string{f.what, build, told, link}
}

// TestToolchainOfModuleCache: what the go command extracted is there as a whole, so
// whatever differs is a fault, with or without a list.
func TestToolchainOfModuleCache(t *testing.T) {
	t.Parallel()
	files := map[string]string{"VERSION": "go1.99.1\n", "go.env": "x\n", "bin/go": "ELF", "src/_go.mod": "module std\n", "src/fmt/print.go": "package fmt\n"}
	tests := []struct {
		name  string
		fault func(t *testing.T, dir string)
		zip   bool
		state LinkState
		says  string
	}{
		{"as released", func(*testing.T, string) {}, false, Proven, ""},
		{"changed", func(t *testing.T, dir string) { labWrite(t, filepath.Join(dir, "bin", "go"), "evil") }, true, Broken, "bin/go changed"},
		{"settings", func(t *testing.T, dir string) { labWrite(t, filepath.Join(dir, "go.env"), "evil") }, true, Broken, "go.env changed"},
		{"gone", func(t *testing.T, dir string) { labRemove(t, filepath.Join(dir, "bin", "go")) }, true, Broken, "1 file gone"},
		{"changed, no zip", func(t *testing.T, dir string) { labWrite(t, filepath.Join(dir, "bin", "go"), "evil") }, false, Broken, "in the module cache are not those"},
		{"added, no zip", func(t *testing.T, dir string) { labWrite(t, filepath.Join(dir, "bin", "more"), "evil") }, false, Broken, "in the module cache are not those"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := &goLab{T: t, root: t.TempDir(), cache: t.TempDir()}
			l.mod, _ = goroot.Module("go1.99.1", "linux", "amd64")
			l.goroot = filepath.Join(l.cache, "golang.org", "toolchain@"+l.mod.Version)
			for name, text := range files {
				labWrite(t, filepath.Join(l.goroot, name), text)
			}
			tree, err := goroot.ScanModule(t.Context(), l.goroot, 0)
			if err != nil {
				t.Fatal(err)
			}
			l.files = tree.Files
			l.db = sumdbtest.New(t, "sum.example.org", fmt.Sprintf("%s %s %s", l.mod.Path, l.mod.Version, goroot.Hash(l.mod, l.files)))
			server := httptest.NewServer(l.db)
			t.Cleanup(server.Close)
			l.env = map[string]string{"GOVERSION": "go1.26.8", "GOHOSTOS": "linux", "GOHOSTARCH": "amd64", "GOMODCACHE": l.cache, "GOSUMDB": l.db.Key + " " + server.URL, "GOPROXY": "off"}
			labWrite(t, filepath.Join(l.root, "go.mod"), "module example.com/app\n\ngo 1.21\n")
			if tt.zip {
				l.writeZip()
			}
			tt.fault(t, l.goroot)
			p := l.session().proveRelease(t.Context(), goRelease{version: "go1.99.1", goroot: l.goroot, cached: true})
			if p.state != tt.state {
				t.Fatalf("%s: %s, want %s", p.state, p.why, tt.state)
			}
			if tt.state == Proven {
				if p.finding != nil || p.proven != len(files) {
					t.Errorf("%d proven, finding %+v", p.proven, p.finding)
				}
				return
			}
			if p.finding.Rule != ruleReleaseModified.ID || !strings.Contains(p.finding.Message, tt.says) {
				t.Errorf("%+v does not say %q", p.finding, tt.says)
			}
			if out, err := exec.Command("sh", "-c", p.finding.Fix.Command).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", p.finding.Fix.Command, err, out)
			}
			if _, err := os.Stat(l.goroot); err == nil {
				t.Error("the command did not remove the folder")
			}
		})
	}
}

// Nothing is asked offline, and nothing said of the Go in a container that is not the job's.
func TestToolchainNotAsked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		scope   Scope
		offline bool
		why     string
	}{
		{"offline", ScopeJob, true, "not held against the checksum database: offline"},
		{"container", ScopeContainer, false, "the job's Go is outside this container, use host/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := buildcacheSession(t, map[string]string{"GOHOSTOS": "linux", "GOHOSTARCH": "amd64", "GOTOOLCHAIN": "local", "GOSUMDB": "sum.golang.org"})
			s.Go, s.shared = gocmd.New("/nonexistent/go", nil, 0), &shared{}
			s.Scope, s.Offline, s.Config.Toolchain.Authentic = tt.scope, tt.offline, config.Required
			facts, findings, err := runToolchain(context.Background(), s)
			if err != nil || len(findings) > 0 || facts.Link.State != Unproven || facts.Link.Why != tt.why {
				t.Errorf("link %+v, findings %+v, %v", facts.Link, findings, err)
			}
		})
	}
}
