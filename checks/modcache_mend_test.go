package checks

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/quarantine"
)

// mendByMachine does for every finding what gopreflight fix does, and expects
// everybody to be content then, and nothing to be lost.
func (l *cacheLab) mendByMachine(t *testing.T) {
	t.Helper()
	s := l.fixSession(t)
	s.Deep = true
	_, findings, err := runModcache(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	sum := labRead(t, filepath.Join(l.root, "go.sum"))
	tree := "" // a cache inside of it is what the fix may change
	if !within(l.root, l.cache) {
		tree = labSnapshot(t, l.root)
	}
	q, err := quarantine.Open(t.Context(), quarantine.Options{Cache: l.cache, Into: []string{t.TempDir()}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if !f.Fix.Mends() {
			t.Errorf("%s has no fix for a machine", f.Rule)
			continue
		}
		g := quarantine.Group{Name: f.Module, Paths: f.Fix.Aside}
		if f.Fix.Again != nil {
			g.Lock = f.Fix.Again.Lock
		}
		if entries, err := q.Move(t.Context(), g); err != nil || len(entries) == 0 && len(g.Paths) > 0 {
			t.Errorf("moved %+v of %q, %v", entries, f.Fix.Aside, err)
		}
		if f.Fix.Again == nil {
			continue
		}
		if err := s.BringBack(t.Context(), f.Fix.Again); err != nil {
			t.Errorf("%s: %v", f.Fix.Again.Command(), err)
		}
	}
	if err := q.Close(); err != nil {
		t.Error(err)
	}
	after := l.session(t, l.proxy)
	after.Deep = true
	facts, findings, err := runModcache(t.Context(), after)
	if err != nil || len(findings) != 0 || facts.Link.State != Proven {
		t.Errorf("after the fix: %v, %v", told(findings), err)
	}
	if labRead(t, filepath.Join(l.root, "go.sum")) != sum || tree != "" && labSnapshot(t, l.root) != tree {
		t.Error("the fix changed the work tree")
	}
	for _, args := range [][]string{{"mod", "verify"}, {"build", "./..."}} {
		if out, err := l.run(l.proxy, "go", args...); err != nil {
			t.Errorf("after the fix, go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// fixSession is a session that can run the go command.
func (l *cacheLab) fixSession(t *testing.T) *Session {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		t.Skip(err)
	}
	s := l.session(t, l.proxy)
	s.Go = gocmd.New(path, append(l.env, "GOMODCACHE="+l.cache, "GOPROXY="+l.proxy), 0)
	s.Temp = func(string) (string, error) { return t.TempDir(), nil }
	return s
}

// TestAside: of a version everything goes that go.sum does not prove, in an order
// that is safe at every step, and nothing of what it proves.
func TestAside(t *testing.T) {
	t.Parallel()
	lab := newCacheLab(t)
	for _, r := range []struct {
		name string
		do   func(t *testing.T, l *cacheLab)
		want []string // extensions of files; "" is the folder
	}{
		{"folder", func(t *testing.T, l *cacheLab) { labWrite(t, filepath.Join(l.dir(labLib), "x.go"), "package lib\n") }, []string{""}},
		{"zip", func(t *testing.T, l *cacheLab) { labTruncate(t, l.file(labLib, "zip"), 10) }, []string{"zip"}},
		{"zip and folder", func(t *testing.T, l *cacheLab) { l.foreignZip(t, labLib); l.unzip(t, labLib) }, []string{"zip", ""}},
		{"zip, folder and another hash", func(t *testing.T, l *cacheLab) {
			l.foreignZip(t, labLib)
			l.unzip(t, labLib)
			labCopy(t, l.file(labDep, "ziphash"), l.file(labLib, "ziphash"))
		}, []string{"zip", "ziphash", ""}},
		{"recorded hash", func(t *testing.T, l *cacheLab) { labCopy(t, l.file(labDep, "ziphash"), l.file(labLib, "ziphash")) }, []string{"ziphash"}},
		{"marker", func(t *testing.T, l *cacheLab) { labWrite(t, l.file(labLib, "partial"), "") }, []string{"", "partial"}},
		{"go.mod", func(t *testing.T, l *cacheLab) { labWrite(t, l.file(labLib, "mod"), "module x\n") }, []string{"mod"}},
		{"info", func(t *testing.T, l *cacheLab) { labWrite(t, l.file(labLib, "info"), "{") }, []string{"info"}},
		{"garbled hash, which builds mend", func(t *testing.T, l *cacheLab) { labWrite(t, l.file(labLib, "ziphash"), "x") }, nil},
		{"folder, and a leftover", func(t *testing.T, l *cacheLab) {
			labWrite(t, filepath.Join(l.dir(labLib), "x.go"), "package lib\n")
			labWrite(t, l.file(labLib, "zip123.tmp"), "")
		}, []string{"", "zip123.tmp"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			l := lab.copy(t)
			r.do(t, l)
			_, findings, err := runModcache(t.Context(), l.session(t, l.proxy))
			if err != nil || len(findings) == 0 {
				t.Fatalf("%v, %v", told(findings), err)
			}
			var want []string
			for _, extension := range r.want {
				path := l.dir(labLib)
				if extension != "" {
					path = l.file(labLib, extension)
				}
				want = append(want, path)
			}
			f := findings[0].Fix // those of one version have the same
			if got := strings.Join(f.Aside, "\n"); got != strings.Join(want, "\n") {
				t.Errorf("aside:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
			}
			if f.Again == nil || f.Again.ID() != labLib || f.Again.Lock != l.file(labLib, "lock") || f.Again.Command() != "go mod download "+labLib {
				t.Errorf("again %+v", f.Again)
			}
		})
	}
}

// TestBringBackModOnly: of a version of which only the go.mod counts, only that
// comes back.
func TestBringBackModOnly(t *testing.T) {
	t.Parallel()
	l := newCacheLab(t)
	s := l.fixSession(t)
	again := s.Named(labDep)
	if again == nil || again.ModOnly || len(again.Mod) != 1 || len(again.Zip) != 1 {
		t.Fatalf("named: %+v", again)
	}
	if s.Named("example.com/nobody@v1.0.0") != nil {
		t.Error("a module that nobody names")
	}
	labRemove(t, filepath.Dir(l.file(labDep, "mod")))
	labRemove(t, l.dir(labDep))
	again.ModOnly = true
	if err := s.BringBack(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if got := labRead(t, l.file(labDep, "mod")); got != labModules[labDep]["go.mod"] {
		t.Errorf("the go.mod is %q", got)
	}
	if matches, _ := filepath.Glob(l.file(labDep, "zip")); len(matches) != 0 {
		t.Errorf("also there: %q", matches)
	}
	again.Mod = []string{"h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}
	labRemove(t, filepath.Dir(l.file(labDep, "mod")))
	s = l.fixSession(t)
	if err := s.BringBack(t.Context(), again); err == nil || !strings.Contains(err.Error(), ErrOtherContent.Error()) {
		t.Errorf("held to another hash: %v", err)
	}
}
