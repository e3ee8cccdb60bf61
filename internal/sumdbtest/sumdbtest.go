// Package sumdbtest is a checksum database in this process, for tests: golang.org/x/mod's
// own server with a key of its own, and the faults that are put in front of it. It
// is served as a module proxy serves one, at /sumdb/NAME/, and at the root.
package sumdbtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"
)

// Database is a checksum database. It is safe for concurrent use.
type Database struct {
	// Name is its name, and Key what GOSUMDB says: NAME+HASH+KEY.
	Name, Key string
	// Answer, if not nil, is asked first for every request, with the path below the
	// database's base ("supported", "lookup/rsc.io/quote@v1.5.2"); true says that it
	// has answered. Set before the first request.
	Answer func(w http.ResponseWriter, r *http.Request, path string) bool

	signer string
	filler string // the host of records that only fill the tree
	tree   *sumdb.TestServer
	server *sumdb.Server

	mu      sync.Mutex
	records map[string]string
	paths   []string
}

// New makes a database that knows the module versions of go.sum lines.
func New(t testing.TB, name string, lines ...string) *Database {
	t.Helper()
	signer, key, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	return newDatabase(name, key, signer, "filler.example", lines)
}

// Fork makes another database with the same name and key and other records: what a
// signer is that shows different trees to different people.
func (d *Database) Fork(lines ...string) *Database {
	return newDatabase(d.Name, d.Key, d.signer, "fork.example", lines)
}

func newDatabase(name, key, signer, filler string, lines []string) *Database {
	d := &Database{Name: name, Key: key, signer: signer, filler: filler, records: map[string]string{}}
	d.tree = sumdb.NewTestServer(signer, d.record)
	d.server = sumdb.NewServer(d.tree)
	d.Add(lines...)
	return d
}

// Add has the database know further lines. A version is in the tree from the first
// lookup on.
func (d *Database) Add(lines ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range lines {
		f := strings.Fields(l)
		id := f[0] + "@" + strings.TrimSuffix(f[1], "/go.mod")
		d.records[id] += strings.Join(f, " ") + "\n"
	}
}

func (d *Database) record(path, version string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text, ok := d.records[path+"@"+version]
	if !ok {
		return nil, &fs.PathError{Op: "not found", Path: path + "@" + version, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

// Grow puts n more records into the tree.
func (d *Database) Grow(t testing.TB, n int) {
	t.Helper()
	for i := range n {
		path := fmt.Sprintf("%s/m%d", d.filler, i)
		d.Add(path + " v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
		w := &discard{}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/lookup/"+path+"@v1.0.0", nil)
		if err != nil {
			t.Fatal(err)
		}
		d.server.ServeHTTP(w, r)
	}
}

// Head is the signed tree head as it is now.
func (d *Database) Head(t testing.TB) []byte {
	t.Helper()
	head, err := d.tree.Signed(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// Paths are the paths that were asked for so far, in order.
func (d *Database) Paths() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.paths...)
}

// ServeHTTP serves the database at /sumdb/NAME/ and at the root.
func (d *Database) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/sumdb/"+d.Name), "/")
	d.mu.Lock()
	d.paths = append(d.paths, path)
	d.mu.Unlock()
	if d.Answer != nil && d.Answer(w, r, path) {
		return
	}
	if path == "supported" {
		return // 200
	}
	r.URL.Path = "/" + path
	defer func() {
		if p := recover(); p != nil { // x/mod's test server, at a tile that its tree does not have
			http.Error(w, "no such tile", http.StatusNotFound)
		}
	}()
	d.server.ServeHTTP(w, r)
}

// discard is an answer that nobody reads.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header {
	if d.header == nil {
		d.header = http.Header{}
	}
	return d.header
}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}
