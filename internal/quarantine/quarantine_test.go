package quarantine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/gopreflight/gopreflight/internal/hostinfo"
)

const (
	lib     = "example.com/lib@v1.0.0"
	libName = "example.com/lib@v1.0.0"
	libAt   = "cache/download/example.com/lib/@v/v1.0.0."
)

var day = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// newCache makes a cache with two module versions, folders read-only as the go
// command leaves them, and the options for it.
func newCache(t *testing.T) Options {
	t.Helper()
	top := t.TempDir()
	o := Options{Cache: filepath.Join(top, "mod"), Into: []string{filepath.Join(top, "aside")}, Now: func() time.Time { return day }}
	for name, text := range map[string]string{
		libName + "/lib.go":             "package lib\n",
		libName + "/sub/sub.go":         "package sub\n",
		libAt + "zip":                   "zip",
		libAt + "ziphash":               "h1:x",
		libAt + "mod":                   "module example.com/lib\n",
		"example.com/other@v1.0.0/o.go": "package other\n",
	} {
		write(t, filepath.Join(o.Cache, name), text)
	}
	chmod(t, 0o555, filepath.Join(o.Cache, libName, "sub"), filepath.Join(o.Cache, libName), filepath.Join(o.Cache, "example.com/other@v1.0.0"))
	t.Cleanup(func() {
		filepath.WalkDir(top, func(path string, d fs.DirEntry, _ error) error {
			if d != nil && d.IsDir() {
				os.Chmod(path, 0o755)
			}
			return nil
		})
	})
	return o
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, mode fs.FileMode, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
}

func mustOpen(t *testing.T, o Options) *Quarantine {
	t.Helper()
	q, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

// libGroup is all of the module version that the cache has.
func libGroup(o Options) Group {
	g := Group{Name: lib, Why: []string{"tampered with"}, Lock: filepath.Join(o.Cache, libAt+"lock")}
	for _, name := range []string{libAt + "ziphash", libName, libAt + "zip", libAt + "partial"} {
		g.Paths = append(g.Paths, filepath.Join(o.Cache, name))
	}
	return g
}

// below is every entry below a folder, with its mode.
func below(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if rel, _ := filepath.Rel(dir, path); rel != "." {
			list = append(list, filepath.ToSlash(rel)+" "+info.Mode().String())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestMove(t *testing.T) {
	t.Parallel()
	o := newCache(t)
	want, err := dirhash.HashDir(filepath.Join(o.Cache, libName), lib, dirhash.DefaultHash)
	if err != nil {
		t.Fatal(err)
	}
	q := mustOpen(t, o)
	if q.Dir() != "" {
		t.Errorf("a folder %s before anything is moved", q.Dir())
	}
	entries, err := q.Move(t.Context(), libGroup(o))
	if err != nil {
		t.Fatal(err)
	}
	dir := q.Dir()
	if wantDir := filepath.Join(o.Into[0], "20261130T120000Z"); dir != wantDir {
		t.Errorf("folder %s, want %s", dir, wantDir)
	}
	if n := len(entries); n != 3 {
		t.Fatalf("%d entries, want 3: what is not there is passed over", n)
	}
	if e := entries[1]; e.H1 != want || e.Kind != "folder" || e.Mode != "0555" || e.State != Moved || e.Files != 2 || e.Bytes != 24 {
		t.Errorf("the folder is %+v, want its hash %s", e, want)
	}
	sum := sha256.Sum256([]byte("zip"))
	if e := entries[2]; e.SHA256 != hex.EncodeToString(sum[:]) || e.Kind != "file" || e.Path != filepath.Join(o.Cache, libAt+"zip") {
		t.Errorf("the zip is %+v", e)
	}
	moved := below(t, filepath.Join(dir, movedName))
	for _, name := range []string{libName + " dr-xr-xr-x", libName + "/sub dr-xr-xr-x", libName + "/sub/sub.go -rw-r--r--", libAt + "zip -rw-r--r--", libAt + "ziphash -rw-r--r--"} {
		if !slices.Contains(moved, name) {
			t.Errorf("moved is %q, without %q", moved, name)
		}
	}
	left := []string{
		"cache drwxr-xr-x", "cache/download drwxr-xr-x", "cache/download/example.com drwxr-xr-x", "cache/download/example.com/lib drwxr-xr-x",
		"cache/download/example.com/lib/@v drwxr-xr-x", libAt + "lock -rw-r--r--", libAt + "mod -rw-r--r--",
		"example.com drwxr-xr-x", "example.com/other@v1.0.0 dr-xr-xr-x", "example.com/other@v1.0.0/o.go -rw-r--r--",
	}
	if got := below(t, o.Cache); !slices.Equal(got, left) {
		t.Errorf("left in the cache:\n%q\nwant\n%q", got, left)
	}
	if again, err := q.Move(t.Context(), libGroup(o)); err != nil || len(again) != 0 {
		t.Errorf("once more: %v, %v; want nothing", again, err)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m.Cache != o.Cache || !m.Finished.Equal(day) || m.Interrupted || len(m.Groups) != 1 || m.Groups[0].Name != lib ||
		!slices.Equal(m.Groups[0].Why, []string{"tampered with"}) || !slices.Equal(m.Groups[0].Entries, entries) || !strings.Contains(m.Undo, dir) {
		t.Errorf("manifest %+v", m)
	}
	// What the manifest says of undoing works.
	if err := os.Rename(filepath.Join(dir, movedName, libAt+"zip"), filepath.Join(o.Cache, libAt+"zip")); err != nil {
		t.Error(err)
	}
}

func TestMoveRefuses(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		name string
		do   func(t *testing.T, o Options, g *Group)
	}{
		{"a path outside", func(_ *testing.T, o Options, g *Group) { g.Paths = []string{filepath.Join(o.Cache, "..", "victim")} }},
		{"the cache itself", func(_ *testing.T, o Options, g *Group) { g.Paths = []string{o.Cache} }},
		{"a relative path", func(_ *testing.T, _ Options, g *Group) { g.Paths = []string{"victim"} }},
		{"a parent that is a link to the outside", func(t *testing.T, o Options, g *Group) {
			link(t, filepath.Dir(o.Cache), filepath.Join(o.Cache, "link"))
			g.Paths = []string{filepath.Join(o.Cache, "link", "victim")}
		}},
		{"a parent that is a link to the inside", func(t *testing.T, o Options, g *Group) {
			link(t, "example.com", filepath.Join(o.Cache, "link"))
			g.Paths = []string{filepath.Join(o.Cache, "link", "other@v1.0.0")}
		}},
		{"a lock that is a link", func(t *testing.T, o Options, g *Group) {
			link(t, filepath.Join(filepath.Dir(o.Cache), "victim"), g.Lock)
		}},
		{"a lock that is a folder", func(t *testing.T, _ Options, g *Group) { write(t, filepath.Join(g.Lock, "x"), "") }},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			o := newCache(t)
			victim := filepath.Join(filepath.Dir(o.Cache), "victim")
			write(t, victim, "victim")
			g := libGroup(o)
			r.do(t, o, &g)
			before := below(t, o.Cache)
			q := mustOpen(t, o)
			if entries, err := q.Move(t.Context(), g); err == nil || slices.ContainsFunc(entries, func(e Entry) bool { return e.State == Moved }) {
				t.Errorf("moved %+v, %v", entries, err)
			}
			if after := below(t, o.Cache); !slices.Equal(after, before) {
				t.Errorf("the cache is\n%q\nwas\n%q", after, before)
			}
			if data, err := os.ReadFile(victim); string(data) != "victim" {
				t.Errorf("the victim is %q, %v", data, err)
			}
		})
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

// TestMoveLinks: a link is moved as a link, and so is one in a folder.
func TestMoveLinks(t *testing.T) {
	t.Parallel()
	o := newCache(t)
	victim := filepath.Join(t.TempDir(), "victim")
	write(t, filepath.Join(victim, "file"), "text")
	chmod(t, 0o755, filepath.Join(o.Cache, libName))
	link(t, victim, filepath.Join(o.Cache, libName, "inner"))
	link(t, victim, filepath.Join(o.Cache, "example.com", "outer@v1.0.0"))
	q := mustOpen(t, o)
	g := Group{Name: "x", Paths: []string{filepath.Join(o.Cache, libName), filepath.Join(o.Cache, "example.com", "outer@v1.0.0")}}
	entries, err := q.Move(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	if e := entries[0]; e.Note != "1 of its entries are neither files nor folders" || e.H1 == "" || e.Files != 2 {
		t.Errorf("%+v", e)
	}
	if e := entries[1]; e.Kind != "link" || !strings.Contains(e.Note, victim) || e.State != Moved {
		t.Errorf("%+v", e)
	}
	for _, name := range []string{libName + "/inner", "example.com/outer@v1.0.0"} {
		if target, err := os.Readlink(filepath.Join(q.Dir(), movedName, name)); err != nil || target != victim {
			t.Errorf("%s leads to %q, %v", name, target, err)
		}
	}
	if got := below(t, victim); !slices.Equal(got, []string{"file -rw-r--r--"}) {
		t.Errorf("the victim is %q", got)
	}
}

// TestLinkInPlaceOfLock: the link goes first, and then the lock is what it should be.
func TestLinkInPlaceOfLock(t *testing.T) {
	t.Parallel()
	o := newCache(t)
	victim := filepath.Join(t.TempDir(), "victim")
	g := libGroup(o)
	link(t, victim, g.Lock)
	g.Paths = append(g.Paths, g.Lock)
	q := mustOpen(t, o)
	entries, err := q.Move(t.Context(), g)
	if err != nil || len(entries) != 4 || slices.ContainsFunc(entries, func(e Entry) bool { return e.State != Moved }) {
		t.Fatalf("%+v, %v", entries, err)
	}
	if info, err := os.Lstat(g.Lock); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the lock is %v, %v", info, err)
	}
	if _, err := os.Lstat(victim); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link's target was made: %v", err)
	}
}

func TestHostileNames(t *testing.T) {
	t.Parallel()
	o := newCache(t)
	names := []string{"-rf", "a\nb", "\x1b[31m", "$(reboot)", "ends in space "}
	var g Group
	for _, name := range names {
		write(t, filepath.Join(o.Cache, "example.com", name, name), name)
		g.Paths = append(g.Paths, filepath.Join(o.Cache, "example.com", name))
	}
	q := mustOpen(t, o)
	entries, err := q.Move(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		if data, err := os.ReadFile(filepath.Join(q.Dir(), movedName, "example.com", name, name)); string(data) != name {
			t.Errorf("%q holds %q, %v", name, data, err)
		}
		if (entries[i].H1 == "") != strings.Contains(name, "\n") {
			t.Errorf("%q: %+v", name, entries[i]) // no hash of go.sum has a name with a newline
		}
	}
	q.Close()
	if m, err := Read(filepath.Join(o.Into[0], "20261130T120000Z")); err != nil || m.Groups[0].Entries[1].Name != "example.com/a\nb" {
		t.Errorf("manifest %+v, %v", m, err)
	}
}

// TestLocked: nothing moves while the go command holds a version's lock.
func TestLocked(t *testing.T) {
	t.Parallel()
	o := newCache(t)
	g := libGroup(o)
	write(t, g.Lock, "")
	held := flock.New(g.Lock)
	if ok, err := held.TryLock(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	before := below(t, o.Cache)
	q := mustOpen(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	entries, err := q.Move(ctx, g)
	if !errors.Is(err, ErrBusy) || slices.ContainsFunc(entries, func(e Entry) bool { return e.State != Stayed }) {
		t.Errorf("%+v, %v", entries, err)
	}
	if after := below(t, o.Cache); !slices.Equal(after, before) {
		t.Errorf("the cache is\n%q\nwas\n%q", after, before)
	}
	held.Unlock()
	if _, err := q.Move(t.Context(), g); err != nil {
		t.Error(err)
	}
}

// TestInterrupted: a run that was killed between two renames is found by the next
// one, which moves the rest and says how the first one ended.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	o := newCache(t)
	killed := mustOpen(t, o)
	names, entries, err := killed.plan([]string{filepath.FromSlash(libAt + "ziphash"), filepath.FromSlash(libName)})
	if err != nil {
		t.Fatal(err)
	}
	if err := killed.begin(); err != nil {
		t.Fatal(err)
	}
	killed.manifest.Groups = []GroupRecord{{Name: lib, Entries: slices.Clone(entries)}}
	if err := errors.Join(killed.manifest.write(killed.dir), killed.moveOne(names[0], &entries[0])); err != nil {
		t.Fatal(err)
	}
	dir := killed.Dir()
	killed.lock.Unlock() // as the kernel does

	q := mustOpen(t, o)
	if len(q.Unfinished) != 1 || q.Unfinished[0].Dir != dir || q.Unfinished[0].Groups[0].Name != lib {
		t.Fatalf("unfinished: %+v", q.Unfinished)
	}
	moved, err := q.Move(t.Context(), libGroup(o))
	if err != nil || len(moved) != 2 {
		t.Errorf("moved %+v, %v", moved, err)
	}
	if err := q.Finish(q.Unfinished[0]); err != nil {
		t.Fatal(err)
	}
	m, err := Read(dir)
	if err != nil || !m.Interrupted || m.Finished.IsZero() || m.Groups[0].Entries[0].State != Moved || m.Groups[0].Entries[1].State != Stayed {
		t.Errorf("%+v, %v", m, err)
	}
	q.Close()
	if q = mustOpen(t, o); len(q.Unfinished) != 0 {
		t.Errorf("still unfinished: %+v", q.Unfinished)
	}
}

func TestTwoRuns(t *testing.T) {
	t.Parallel()
	o := newCache(t)
	first := mustOpen(t, o)
	waiting := make(chan struct{})
	o.Waiting = func() { close(waiting) }
	second := make(chan *Quarantine)
	go func() {
		q, err := Open(t.Context(), o)
		if err != nil {
			t.Error(err)
		}
		second <- q
	}()
	<-waiting
	select {
	case <-second:
		t.Fatal("two runs at once on one cache")
	case <-time.After(3 * lockRetry):
	}
	if first.Waited {
		t.Error("the first one waited")
	}
	first.Close()
	q := <-second
	if !q.Waited {
		t.Error("the second one does not say that it waited")
	}
	q.Close()
	// Runs on different caches do not wait for each other.
	other := newCache(t)
	other.Into = o.Into
	_, b := mustOpen(t, o), mustOpen(t, other)
	if b.Waited {
		t.Error("a run on another cache waited")
	}
}

// TestCarry: what a rename cannot do, a copy does, and then only the entry goes.
func TestCarry(t *testing.T) {
	t.Parallel()
	o := newCache(t)
	chmod(t, 0o755, filepath.Join(o.Cache, libName))
	victim := filepath.Join(t.TempDir(), "victim")
	write(t, victim, "victim")
	link(t, victim, filepath.Join(o.Cache, libName, "link"))
	chmod(t, 0o555, filepath.Join(o.Cache, libName))
	old := day.Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(o.Cache, libName, "lib.go"), old, old); err != nil {
		t.Fatal(err)
	}
	before := below(t, filepath.Join(o.Cache, libName))
	q := mustOpen(t, o)
	if err := q.begin(); err != nil {
		t.Fatal(err)
	}
	from, err := descend(q.cache, "example.com")
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	write(t, filepath.Join(q.Dir(), movedName, filepath.Base(libName)+incoming, "half"), "of an interrupted copy")
	if err := q.carry(from, q.moved, filepath.Base(libName), &Entry{}); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(q.Dir(), movedName, filepath.Base(libName))
	if after := below(t, to); !slices.Equal(after, before) {
		t.Errorf("the copy is\n%q\nwas\n%q", after, before)
	}
	if info, err := os.Stat(filepath.Join(to, "lib.go")); err != nil || !info.ModTime().Equal(old) {
		t.Errorf("time %v, %v", info, err)
	}
	if _, err := os.Lstat(filepath.Join(o.Cache, libName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if data, _ := os.ReadFile(victim); string(data) != "victim" {
		t.Error("the link was followed")
	}
	if got := below(t, filepath.Join(q.Dir(), movedName)); slices.ContainsFunc(got, func(n string) bool { return strings.Contains(n, incoming) }) {
		t.Errorf("left: %q", got)
	}
}

// TestOtherFileSystem is TestMove where there are two file systems.
func TestOtherFileSystem(t *testing.T) {
	t.Parallel()
	o := newCache(t)
	shm, err := os.MkdirTemp("/dev/shm", "gopreflight-test-")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		root, err := os.OpenRoot(filepath.Dir(shm))
		if err != nil {
			t.Error(err)
			return
		}
		defer root.Close()
		if err := remove(root, filepath.Base(shm)); err != nil {
			t.Error(err)
		}
	})
	if hostinfo.LookAt(shm).Volume == hostinfo.LookAt(o.Cache).Volume {
		t.Skip("one file system only")
	}
	near := o.Into[0]
	o.Into = []string{shm, near}
	if base, err := Base(o); err != nil || base != near {
		t.Errorf("base %s, %v; want the one on the cache's file system", base, err)
	}
	o.Into = []string{shm}
	q := mustOpen(t, o)
	entries, err := q.Move(t.Context(), libGroup(o))
	if err != nil || len(entries) != 3 || entries[1].H1 == "" || slices.ContainsFunc(entries, func(e Entry) bool { return e.State != Moved }) {
		t.Fatalf("%+v, %v", entries, err)
	}
	if got := below(t, filepath.Join(q.Dir(), movedName, "example.com")); !slices.Contains(got, "lib@v1.0.0/sub dr-xr-xr-x") {
		t.Errorf("moved: %q", got)
	}
	if got := below(t, o.Cache); slices.ContainsFunc(got, func(n string) bool { return strings.HasPrefix(n, libName) }) {
		t.Errorf("left: %q", got)
	}
}

func TestBase(t *testing.T) {
	t.Parallel()
	o := newCache(t)
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	for _, r := range []struct {
		name string
		into []string
		want string
	}{
		{"none", nil, ""},
		{"only a file", []string{file}, ""},
		{"below a file", []string{filepath.Join(file, "x")}, ""},
		{"the file is passed over", []string{file, o.Into[0]}, o.Into[0]},
		{"the first of two", []string{o.Into[0], t.TempDir()}, o.Into[0]},
	} {
		o.Into = r.into
		got, err := Base(o)
		if got != r.want || (err == nil) != (r.want != "") {
			t.Errorf("%s: %q, %v; want %q", r.name, got, err, r.want)
		}
	}
	o.Cache = "mod"
	if _, err := Base(o); err == nil {
		t.Error("a relative cache is taken")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"schema":"gopreflight/quarantine/v1","cache":"/mc","started":"2026-11-30T12:00:00Z","undo":"u","groups":[{"name":"a@v1","why":["w"],"entries":[{"path":"/mc/a","name":"a","kind":"file","mode":"0644","state":"moved"}]}]}`))
	f.Add([]byte(`{"schema":"gopreflight/quarantine/v1","groups":[{"entries":[{"name":"../../etc/passwd","state":"planned"}]}]}`))
	f.Add([]byte(`{"schema":"gopreflight/quarantine/v2"}`))
	f.Add([]byte(`{}{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parse(data)
		if err != nil {
			return
		}
		for _, g := range m.Groups {
			for _, e := range g.Entries {
				if !filepath.IsLocal(filepath.FromSlash(e.Name)) || filepath.Clean(filepath.FromSlash(e.Name)) == "." {
					t.Errorf("takes the name %q", e.Name)
				}
			}
		}
		dir := t.TempDir()
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		if err := m.write(root); err != nil {
			return // a time that JSON cannot say
		}
		again, err := Read(dir)
		if err != nil || len(again.Groups) != len(m.Groups) || again.Cache != m.Cache {
			t.Errorf("written and read again: %+v, %v; was %+v", again, err, m)
		}
	})
}
