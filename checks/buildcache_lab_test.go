package checks

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
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
	"github.com/gopreflight/gopreflight/internal/faultdoc"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// A buildLab is a repository, and a build cache that the real go command filled:
// with its packages, and with an executable, which go run keeps.
type buildLab struct {
	*testing.T
	root, cache string
	env         []string
}

// What the lab's program says, and what it says once somebody has changed it.
const (
	labSays   = "as the source says"
	labLies   = "what nobody wrote."
	labMain   = "of the program itself"
	labAltMan = "of another one, edited"
)

func newBuildLab(t *testing.T) *buildLab {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	home := t.TempDir()
	l := &buildLab{T: t, root: t.TempDir(), cache: filepath.Join(t.TempDir(), "c"), env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GO_TELEMETRY_CHILD=2", "XDG_CONFIG_HOME=" + home, "GOENV=off", "GOPATH=" + filepath.Join(home, "go"),
		"TMPDIR=" + t.TempDir(), "GOFLAGS=-buildvcs=false", "GOTOOLCHAIN=local", "GOSUMDB=off", "GOPROXY=off", "GOWORK=off", "GOTELEMETRY=off", "CGO_ENABLED=0",
	}}
	if runtime.GOOS == "windows" {
		l.env = append(l.env, "SYSTEMROOT="+os.Getenv("SYSTEMROOT"), "TMP="+os.Getenv("TMP"), "TEMP="+os.Getenv("TEMP"))
	}
	labWrite(t, filepath.Join(l.root, "go.mod"), "module example.com/app\n\ngo 1.21\n")
	labWrite(t, filepath.Join(l.root, "lib", "lib.go"), fmt.Sprintf("package lib\n\n//go:noinline\nfunc F() string { return %q }\n", labSays))
	labWrite(t, filepath.Join(l.root, "main.go"), fmt.Sprintf("package main\n\nimport \"example.com/app/lib\"\n\nvar name = %q\n\nfunc main() { print(name, \": \", lib.F()) }\n", labMain))
	if out, err := l.run("go", "run", "."); err != nil || out != labMain+": "+labSays {
		t.Fatalf("go run: %v\n%s", err, out)
	}
	return l
}

// copy is the same lab with a cache of its own.
func (l *buildLab) copy(t *testing.T) *buildLab {
	t.Helper()
	c := *l
	c.T, c.cache = t, filepath.Join(t.TempDir(), "somebody's $HOME")
	if err := os.CopyFS(c.cache, os.DirFS(l.cache)); err != nil {
		t.Fatal(err)
	}
	return &c
}

func (l *buildLab) run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = l.root, append(slices.Clone(l.env), "GOCACHE="+l.cache, "PWD="+l.root)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// build builds the program anew and runs it, or with "run" has go run do both:
// the exit code of the go command, and what the program says.
func (l *buildLab) build(how string) (rc int, says string) {
	l.Helper()
	if how == "run" {
		out, err := l.run("go", "run", ".")
		return exitCode(l.T, err), out
	}
	program := filepath.Join(l.TempDir(), "app.exe")
	out, err := l.run("go", "build", "-o", program, ".")
	if err != nil {
		return exitCode(l.T, err), out
	}
	out, err = l.run(program)
	if err != nil {
		l.Fatalf("%v\n%s", err, out)
	}
	return 0, out
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return exit.ExitCode()
}

// object is the path of the object that holds a text: of a package or, inside of
// a folder, of an executable.
func (l *buildLab) object(text string, executable bool) string {
	l.Helper()
	pattern := filepath.Join("??", "*-d")
	if executable {
		pattern = filepath.Join(pattern, "*")
	}
	paths, err := filepath.Glob(filepath.Join(strings.NewReplacer("[", `\[`).Replace(l.cache), pattern))
	if err != nil {
		l.Fatal(err)
	}
	for _, path := range paths {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && strings.Contains(labRead(l.T, path), text) {
			return path
		}
	}
	l.Skipf("this Go keeps no object with %q", text)
	return ""
}

// entry is the path of the index entry that names an object.
func (l *buildLab) entry(object string) string {
	l.Helper()
	paths, err := filepath.Glob(filepath.Join(l.cache, "??", "*-a"))
	if err != nil {
		l.Fatal(err)
	}
	id := strings.TrimSuffix(filepath.Base(object), "-d")
	for _, path := range paths {
		if strings.Contains(labRead(l.T, path), " "+id+" ") {
			return path
		}
	}
	l.Fatalf("no index entry names %s", object)
	return ""
}

// edit replaces a text in a file by another, in its place.
func (l *buildLab) edit(path, old, now string) {
	l.Helper()
	text := labRead(l.T, path)
	if !strings.Contains(text, old) {
		l.Fatalf("%s holds no %q", path, old)
	}
	info, err := os.Stat(path)
	if err != nil {
		l.Fatal(err)
	}
	labWrite(l.T, path, strings.ReplaceAll(text, old, now))
	if err := os.Chmod(path, info.Mode()); err != nil {
		l.Fatal(err)
	}
}

// session is what the check sees.
func (l *buildLab) session(env map[string]string) *Session {
	l.Helper()
	r, err := repo.Load(l.Context(), repo.Options{Dir: l.root})
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { r.Close() })
	all := map[string]string{"GOCACHE": l.cache, "GOVERSION": "go1.26.8"}
	for k, v := range env {
		all[k] = v
	}
	return &Session{Repo: r, Modules: r.Modules, Scope: ScopeJob, Config: config.Default(), Env: goenv.FromMap(all), Now: time.Now}
}

// A buildFault is a row of docs/faults.md.
type buildFault struct {
	name string
	// what is said of it on the page.
	what string
	// how is "run" where it is about what go run keeps.
	how string
	// fault breaks the cache and returns the path of what must be named.
	fault func(l *buildLab) string
	// rule is the one that must be reported; empty for none.
	rule *Rule
	// lies says that what was altered gets linked or run.
	lies bool
	// says is how the page tells what builds make of it.
	note string
	link LinkState
}

func buildFaults() []buildFault {
	return []buildFault{
		{name: "package edited", what: "a compiled package edited to the same length", rule: ruleObjectModified, lies: true, link: Broken, fault: func(l *buildLab) string {
			path := l.object(labSays, false)
			l.edit(path, labSays, labLies)
			return path
		}},
		{name: "package edited to another length", what: "a compiled package edited to another length, and the size in the index as well", rule: ruleObjectModified, lies: true, link: Broken, fault: func(l *buildLab) string {
			path := l.object(labSays, false)
			entry, old := l.entry(path), int64(len(labRead(l.T, path)))
			l.edit(path, labSays, labLies)
			labWrite(l.T, path, labRead(l.T, path)+"\n\n") // an archive may be followed by what no linker reads
			l.edit(entry, fmt.Sprintf("%20d", old), fmt.Sprintf("%20d", old+2))
			return path
		}},
		{name: "executable edited", what: "an executable of `go run` edited to the same length", how: "run", rule: ruleObjectModified, lies: true, link: Broken, fault: func(l *buildLab) string {
			path := l.object(labSays, true)
			l.edit(path, labSays, labLies)
			return filepath.Dir(path)
		}},
		{name: "symbolic link", what: "a symbolic link to an edited copy in the place of a compiled package", rule: ruleBuildcacheIrregular, lies: true, link: Broken, fault: func(l *buildLab) string {
			path := l.object(labSays, false)
			elsewhere := filepath.Join(l.TempDir(), "copy")
			labCopy(l.T, path, elsewhere)
			l.edit(elsewhere, labSays, labLies)
			labRemove(l.T, path)
			labLink(l.T, elsewhere, path)
			return path
		}},
		{name: "linked folder", what: "one of the folders 00 to ff moved away, and a symbolic link in its place", rule: ruleBuildcacheIrregular, link: Broken, fault: func(l *buildLab) string {
			dir := filepath.Dir(l.object(labSays, false))
			elsewhere := filepath.Join(l.TempDir(), "folder")
			if err := os.Rename(dir, elsewhere); err != nil {
				l.Fatal(err)
			}
			labLink(l.T, elsewhere, dir)
			return dir
		}},
		{name: "truncated", what: "a compiled package cut to half its length", rule: ruleObjectDamaged, link: Consistent, fault: func(l *buildLab) string {
			path := l.object(labSays, false)
			labTruncate(l.T, path, int64(len(labRead(l.T, path))/2))
			return path
		}},
		{name: "emptied", what: "a compiled package emptied", rule: ruleObjectDamaged, link: Consistent, fault: func(l *buildLab) string {
			path := l.object(labSays, false)
			labTruncate(l.T, path, 0)
			return path
		}},
		{name: "two files", what: "a second file in the folder of an executable", how: "run", rule: ruleObjectDamaged, link: Consistent, note: ", at every `go run` again", fault: func(l *buildLab) string {
			path := l.object(labSays, true)
			labWrite(l.T, filepath.Join(filepath.Dir(path), "more"), "x")
			return filepath.Dir(path)
		}},
		{name: "empty folder", what: "the folder of an executable emptied", how: "run", rule: ruleObjectDamaged, link: Consistent, fault: func(l *buildLab) string {
			path := l.object(labSays, true)
			labRemove(l.T, path)
			return filepath.Dir(path)
		}},
		{name: "removed", what: "a compiled package removed", rule: ruleIndexDangling, link: Consistent, fault: func(l *buildLab) string {
			path := l.object(labSays, false)
			entry := l.entry(path)
			labRemove(l.T, path)
			return entry
		}},
		{name: "wrong size", what: "another size in the index", rule: ruleIndexDangling, link: Consistent, fault: func(l *buildLab) string {
			path := l.object(labSays, false)
			entry := l.entry(path)
			size := len(labRead(l.T, path))
			l.edit(entry, fmt.Sprintf("%20d", size), fmt.Sprintf("%20d", size+1))
			return entry
		}},
		{name: "another object", what: "an index entry that leads to another version of the package, which a build of altered sources left", rule: ruleIndexMisdirected, link: Broken, lies: true, fault: func(l *buildLab) string {
			// The program's package from a build of edited sources, which go itself stores.
			c := *l
			c.root = l.TempDir()
			if err := os.CopyFS(c.root, os.DirFS(l.root)); err != nil {
				l.Fatal(err)
			}
			c.edit(filepath.Join(c.root, "lib", "lib.go"), labSays, labLies)
			if rc, out := c.build(""); rc != 0 {
				l.Fatal(out)
			}
			right, wrong := l.object(labSays, false), l.object(labLies, false)
			entry := l.entry(right)
			id := func(path string) string { return strings.TrimSuffix(filepath.Base(path), "-d") }
			l.edit(entry, id(right), id(wrong))
			size := func(path string) string { return fmt.Sprintf("%20d", len(labRead(l.T, path))) }
			l.edit(entry, size(right), size(wrong))
			return entry
		}},
		{name: "consistent", what: "an edited copy of a compiled package under its right name, and the index entry that leads to it", link: Consistent, lies: true, fault: func(l *buildLab) string {
			path := l.object(labSays, false)
			entry := l.entry(path)
			content := strings.ReplaceAll(labRead(l.T, path), labSays, labLies)
			sum := sha256.Sum256([]byte(content))
			id := hex.EncodeToString(sum[:])
			labWrite(l.T, filepath.Join(l.cache, id[:2], id+"-d"), content)
			l.edit(entry, strings.TrimSuffix(filepath.Base(path), "-d"), id)
			return ""
		}},
		{name: "index garbage", what: "garbage of the right length in an index entry", rule: ruleIndexMalformed, link: Consistent, fault: func(l *buildLab) string {
			entry := l.entry(l.object(labSays, false))
			labWrite(l.T, entry, strings.Repeat("x", len(labRead(l.T, entry))))
			return entry
		}},
		{name: "index emptied", what: "an index entry emptied", rule: ruleIndexMalformed, link: Consistent, fault: func(l *buildLab) string {
			entry := l.entry(l.object(labSays, false))
			labTruncate(l.T, entry, 0)
			return entry
		}},
		{name: "index of another step", what: "the index entry of another step under this one's name", rule: ruleIndexMalformed, link: Consistent, fault: func(l *buildLab) string {
			entry := l.entry(l.object(labSays, false))
			labCopy(l.T, l.entry(l.object(labMain, false)), entry)
			return entry
		}},
		{name: "foreign file", what: "a file that is none of the go command's", rule: ruleForeignFile, link: Consistent, fault: func(l *buildLab) string {
			path := filepath.Join(l.cache, "core.1234")
			labWrite(l.T, path, "x")
			return path
		}},
		{name: "wrong folder", what: "a compiled package moved into the folder of others", rule: ruleForeignFile, link: Consistent, fault: func(l *buildLab) string {
			path := l.object(labSays, false)
			labRemove(l.T, l.entry(path))
			wrong := filepath.Join(l.cache, otherFolder(path), filepath.Base(path))
			if err := os.MkdirAll(filepath.Dir(wrong), 0o777); err != nil {
				l.Fatal(err)
			}
			if err := os.Rename(path, wrong); err != nil {
				l.Fatal(err)
			}
			return wrong
		}},
	}
}

// otherFolder is the name of another folder than that of an object.
func otherFolder(path string) string {
	if filepath.Base(path)[:2] == "00" {
		return "01"
	}
	return "00"
}

// TestBuildcacheFaults breaks a build cache for real, one thing at a time, and
// sets what go build and go mod verify say beside what the check does.
func TestBuildcacheFaults(t *testing.T) {
	t.Parallel()
	healthy := newBuildLab(t)
	if facts, findings, err := runBuildcache(t.Context(), healthy.session(nil)); err != nil || len(findings) > 0 || facts.Link.State != Consistent {
		t.Fatalf("the healthy cache: %+v, %v, %v", facts, findings, err)
	}
	faults := buildFaults()
	rows := make([][]string, len(faults))
	t.Run("faults", func(t *testing.T) {
		for i, f := range faults {
			t.Run(f.name, func(t *testing.T) { rows[i] = f.try(healthy.copy(t)) })
		}
	})
	t.Run("advice", func(t *testing.T) { healthy.copy(t).advice() })
	t.Run("gocacheverify", func(t *testing.T) { healthy.copy(t).verifyMode() })
	if t.Failed() || runtime.GOOS != "linux" || slices.ContainsFunc(rows, func(r []string) bool { return r == nil }) {
		return
	}
	faultdoc.Table(t, "buildcache", []string{"fault", "go build", "go mod verify", "gopreflight", "the link"}, rows)
}

// try injects a fault, asks everybody, and returns the row of the page.
func (f *buildFault) try(l *buildLab) []string {
	t := l.T
	path := f.fault(l)
	before := labSnapshot(t, l.cache)
	facts, findings, err := runBuildcache(t.Context(), l.session(nil))
	if err != nil {
		t.Fatal(err)
	}
	if after := labSnapshot(t, l.cache); after != before {
		t.Errorf("the check changed the cache: it was\n%s\nand is\n%s", before, after)
	}
	if facts.Link.State != f.link || facts.Link.Link != "buildcache" || facts.Link.Proven != 0 {
		t.Errorf("link is %+v, want %s", facts.Link, f.link)
	}
	f.assert(t, findings, path)

	says := "0, makes it again"
	rc, out := l.build(f.how)
	want := labMain + ": " + labSays
	if f.lies {
		want = labMain + ": " + labLies
		says = "0, **links what was altered**"
		if f.how == "run" {
			says = "`go run` 0, **runs what was altered**"
		}
	} else if f.how == "run" {
		says = "`go run` 0, makes it again"
	}
	if f.name == "foreign file" || f.name == "linked folder" {
		says = "0"
	}
	if f.name == "two files" {
		says += f.note
	}
	if rc != 0 || out != want {
		t.Errorf("go build: exit code %d, the program says %q, want %q", rc, out, want)
	}
	verify, err := l.run("go", "mod", "verify")
	if err != nil || strings.TrimSpace(verify) != "all modules verified" {
		t.Errorf("go mod verify: %v, %s", err, verify)
	}
	if f.name == "two files" {
		if _, again, err := runBuildcache(t.Context(), l.session(nil)); err != nil || len(again) != 1 || again[0].Rule != f.rule.ID {
			t.Errorf("after go run: %+v, %v; want the same finding", again, err)
		}
	}
	if len(findings) == 1 && len(findings[0].Fix.Aside) > 0 {
		l.mend(f, findings[0].Fix.Aside)
	}
	told := "nothing: **not caught**"
	if f.rule != nil {
		told = fmt.Sprintf("%s `%s`, names it", f.rule.Severity, f.rule.ID)
	}
	return []string{f.what, says, "0, all modules verified", told, string(f.link)}
}

// assert asserts the one finding.
func (f *buildFault) assert(t *testing.T, findings []Finding, path string) {
	t.Helper()
	if f.rule == nil {
		if len(findings) > 0 {
			t.Errorf("findings are %+v, want none", findings)
		}
		return
	}
	if len(findings) != 1 || findings[0].Rule != f.rule.ID {
		t.Fatalf("findings are %+v, want one of %s", findings, f.rule.ID)
	}
	got := findings[0]
	name := filepath.Base(path)
	if said := got.Message + "\n" + strings.Join(got.Evidence, "\n"); !strings.Contains(said, name) {
		t.Errorf("the finding does not name %s: %+v", name, got)
	}
	harm := f.rule.Blocks
	if harm && got.Key != name {
		t.Errorf("key is %q, want %q", got.Key, name)
	}
	if aside := harm || f.name == "two files"; aside != (len(got.Fix.Aside) == 1 && got.Fix.Aside[0] == path) || !aside && len(got.Fix.Aside) > 0 {
		t.Errorf("to move aside: %q, want %s: %v", got.Fix.Aside, path, aside)
	}
}

// mend moves aside what a finding says, as gopreflight fix does, and asserts that
// builds then make what the source says, and that nothing is left to tell.
func (l *buildLab) mend(f *buildFault, aside []string) {
	l.Helper()
	for i, path := range aside {
		if err := os.Rename(path, filepath.Join(l.TempDir(), fmt.Sprint(i))); err != nil {
			l.Fatal(err)
		}
	}
	if rc, out := l.build(f.how); rc != 0 || out != labMain+": "+labSays {
		l.Errorf("once moved aside: exit code %d, the program says %q", rc, out)
	}
	_, findings, err := runBuildcache(l.Context(), l.session(nil))
	findings = slices.DeleteFunc(findings, func(found Finding) bool {
		// With a whole folder go objects that the build did not make again.
		return f.name == "linked folder" && found.Rule == ruleIndexDangling.ID
	})
	if err != nil || len(findings) > 0 {
		l.Errorf("once moved aside: %+v, %v", findings, err)
	}
}

// advice: the command that a finding names mends it.
func (l *buildLab) advice() {
	t := l.T
	path := l.object(labSays, false)
	l.edit(path, labSays, labLies)
	executable := l.object(labSays, true)
	labWrite(t, filepath.Join(filepath.Dir(executable), "more"), "x")
	_, findings, err := runBuildcache(t.Context(), l.session(nil))
	if err != nil || len(findings) != 2 {
		t.Fatalf("findings are %+v, %v, want two", findings, err)
	}
	for _, f := range slices.Backward(findings) {
		if f.Fix.Command == "" {
			t.Errorf("%s names no command", f.Rule)
			continue
		}
		if out, err := l.run("sh", "-c", f.Fix.Command); err != nil {
			t.Errorf("%s: %v\n%s", f.Fix.Command, err, out)
		}
	}
	if _, findings, err := runBuildcache(t.Context(), l.session(nil)); len(findings) > 0 || statusOf(err) != Skipped {
		t.Errorf("an emptied cache: %+v, %v", findings, err)
	}
	if rc, out := l.build(""); rc != 0 || out != labMain+": "+labSays {
		t.Errorf("once emptied: exit code %d, the program says %q", rc, out)
	}
}

// verifyMode: what the help says of GODEBUG=gocacheverify=1.
func (l *buildLab) verifyMode() {
	t := l.T
	path := l.object(labSays, false)
	right := labRead(t, path)
	l.edit(path, labSays, labLies)
	l.env = append(l.env, "GODEBUG=gocacheverify=1")
	if rc, out := l.build(""); rc != 0 || out != labMain+": "+labSays {
		t.Errorf("exit code %d, the program says %q", rc, out)
	}
	if !bytes.Equal([]byte(labRead(t, path)), []byte(right)) {
		t.Error("the object was not repaired")
	}
}
