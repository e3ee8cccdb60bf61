package checksumdb

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/sumdbtest"
)

func TestHead(t *testing.T) {
	t.Parallel()
	db := sumdbtest.New(t, dbName, libLine)
	db.Grow(t, 300)
	old := db.Head(t)
	db.Grow(t, 300) // the same again: nothing new
	db.Add("example.com/b v1.0.0 " + hashOne)
	url := serve(t, db)
	c := newClient(t, db, url, nil)
	if _, err := c.CheckHead(t.Context(), old); err == nil || errors.As(err, new(*Fault)) {
		t.Errorf("before any head is known: got %v", err)
	}
	head, err := c.Head(t.Context())
	if err != nil || head.Size != 300 || head.Hash != c.Known().Hash {
		t.Fatalf("got %+v, %v, want 300 records", head, err)
	}
	if _, err := c.Lookup(t.Context(), module.Version{Path: "example.com/b", Version: "v1.0.0"}); err != nil {
		t.Fatal(err)
	}
	if n := c.Known().Size; n != 301 {
		t.Errorf("after a lookup the newest tree has %d records, want 301", n)
	}
	newest := db.Head(t)
	other := sumdbtest.New(t, dbName)
	forked := db.Fork()
	forked.Grow(t, 7)
	for _, row := range []struct {
		name string
		data string
		want Kind
	}{
		{"older", string(old), ""},
		{"the same", string(newest), ""},
		{"empty", "", ""},
		{"garbage", "hello\n", Malformed},
		{"cut off", string(newest[:40]), Malformed},
		{"zeroes", strings.Repeat("\x00", 100), Malformed},
		{"another key", string(other.Head(t)), Unsigned},
		{"edited", strings.Replace(string(newest), "\n301\n", "\n302\n", 1), Unsigned},
		{"forked", string(forked.Head(t)), Fork},
	} {
		_, err := c.CheckHead(t.Context(), []byte(row.data))
		var f *Fault
		if errors.As(err, &f); err != nil && f == nil || f == nil && row.want != "" || f != nil && f.Kind != row.want {
			t.Errorf("%s: got %v, want %q", row.name, err, row.want)
		}
	}
	// A local head that is ahead of the server's is compared too.
	db.Add("example.com/c v1.0.0 " + hashOne)
	if _, err := newClient(t, db, url, nil).Lookup(t.Context(), module.Version{Path: "example.com/c", Version: "v1.0.0"}); err != nil {
		t.Fatal(err)
	}
	if h, err := c.CheckHead(t.Context(), db.Head(t)); err != nil || h.Size != 302 {
		t.Errorf("ahead: got %+v, %v", h, err)
	}
}

// TestCache: tiles and the head are kept, answers are not; what is wrong in the
// cache is never believed and never reported as the database's fault.
func TestCache(t *testing.T) {
	t.Parallel()
	db := sumdbtest.New(t, dbName, libLine, libMod)
	db.Grow(t, 1000)
	url := serve(t, db)
	dir := t.TempDir()
	client := func() *Client { return newClient(t, db, url, func(o *Options) { o.CacheDir = dir }) }
	lookup := func(c *Client) {
		t.Helper()
		if hashes, err := c.Lookup(t.Context(), lib); err != nil || len(hashes) != 1 || hashes[0] != hashOne {
			t.Fatalf("got %q, %v", hashes, err)
		}
	}
	first := client()
	lookup(first)
	second := client()
	lookup(second)
	if a, b := first.Stats(), second.Stats(); a.Cached != 0 || b.Cached == 0 || b.Requests != 2 {
		t.Errorf("first run %+v, second %+v, want no tile asked for again (supported and the lookup alone)", a, b)
	}
	var files []string
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, _ error) error {
		if !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	if text := strings.Join(files, " "); !strings.Contains(text, dbName+"/latest") || strings.Contains(text, "lookup") || strings.Contains(text, "new-") {
		t.Errorf("kept: %s", text)
	}
	for _, row := range []struct {
		name   string
		damage func(path string, data []byte) []byte
	}{
		{"a bit", func(_ string, b []byte) []byte { b[len(b)/2] ^= 1; return b }},
		{"cut off", func(_ string, b []byte) []byte { return b[:len(b)/2] }},
		{"emptied", func(string, []byte) []byte { return nil }},
	} {
		for _, f := range files {
			path := filepath.Join(dir, filepath.FromSlash(f))
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, row.damage(path, data), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		lookup(client())
		if _, err := client().Head(t.Context()); err != nil {
			t.Errorf("%s: Head: %v", row.name, err)
		}
		// What was mended serves the next.
		lookup(client())
	}
	// Another database of the same name and key: the kept head proves the fork.
	forked := db.Fork(libLine)
	forked.Grow(t, 1500)
	c := newClient(t, forked, serve(t, forked), func(o *Options) { o.CacheDir = dir })
	_, err := c.Lookup(t.Context(), lib)
	var f *Fault
	if !errors.As(err, &f) || f.Kind != Fork || len(f.Detail) == 0 {
		t.Errorf("forked: got %v (%+v)", err, f)
	}
}

// TestLatestNotServed: an endpoint need not serve /latest; lookups tell the head.
func TestLatestNotServed(t *testing.T) {
	t.Parallel()
	db := sumdbtest.New(t, dbName, libLine)
	db.Answer = func(w http.ResponseWriter, _ *http.Request, path string) bool {
		if path == "latest" {
			http.Error(w, "no", http.StatusForbidden)
			return true
		}
		return false
	}
	c := newClient(t, db, serve(t, db), nil)
	var f *Fault
	if _, err := c.Head(t.Context()); !errors.As(err, &f) || f.Kind != Refused || f.Status != 403 {
		t.Errorf("got %v", err)
	}
	if _, err := c.Lookup(t.Context(), lib); err != nil || c.Known().Size != 1 {
		t.Errorf("got %v, %d records", err, c.Known().Size)
	}
}

// FuzzHead: no tree head is taken that the key has not signed, whatever it looks like.
func FuzzHead(f *testing.F) {
	db := sumdbtest.New(f, dbName, libLine)
	db.Grow(f, 3)
	good := string(db.Head(f))
	parsed, err := goenv.ParseGOSUMDB(db.Key)
	if err != nil {
		f.Fatal(err)
	}
	c, err := New(Options{DB: parsed})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(c.Close)
	for _, seed := range []string{good, good[:20], "", "\n\n— x y\n", strings.Replace(good, "\n3\n", "\n4\n", 1), good + good, "go.sum database tree\n-1\nAAAA\n\n— sum.example.org AAAA\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		head, fault := c.openHead(data)
		if fault == nil && (head.Size != 3 || !strings.HasPrefix(string(data), good[:strings.Index(good, "\n\n")])) {
			t.Errorf("a head that was not signed: %+v of %q", head, data)
		}
		if fault != nil && (fault.Kind != Malformed && fault.Kind != Unsigned || len([]rune(fault.Text)) > maxText+1) {
			t.Errorf("fault %+v", fault)
		}
	})
}
