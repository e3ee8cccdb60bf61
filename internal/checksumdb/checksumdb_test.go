package checksumdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/goproxy"
	"github.com/gopreflight/gopreflight/internal/sumdbtest"
)

const (
	dbName   = "sum.example.org"
	hashOne  = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	hashTwo  = "h1:0000000000000000000000000000000000000000000="
	libLine  = "example.com/lib v1.0.0 " + hashOne
	libMod   = "example.com/lib v1.0.0/go.mod " + hashTwo
	goodHTML = "<!DOCTYPE html><html><body>Sign in</body></html>"
)

var lib = module.Version{Path: "example.com/lib", Version: "v1.0.0"}

// serve starts a server that the test's end stops.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// newClient asks a database through a GOPROXY value.
func newClient(t *testing.T, db *sumdbtest.Database, goproxyValue string, change func(*Options)) *Client {
	t.Helper()
	parsed, err := goenv.ParseGOSUMDB(db.Key)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := goproxy.Parse(goproxyValue, "")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{DB: parsed, Chain: chain, Timeout: 5 * time.Second}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestLookup(t *testing.T) {
	t.Parallel()
	db := sumdbtest.New(t, dbName, libLine, libMod, "example.com/private/x v1.0.0 "+hashOne, "golang.org/toolchain v0.0.1-go1.26.0.linux-amd64 "+hashOne)
	db.Grow(t, 700)
	c := newClient(t, db, serve(t, db), func(o *Options) { o.GONOSUMDB = "example.com/private,golang.org" })
	for _, row := range []struct {
		name, path, version string
		want                string
		err                 error
	}{
		{"the module", lib.Path, "v1.0.0", hashOne, nil},
		{"its go.mod", lib.Path, "v1.0.0/go.mod", hashTwo, nil},
		{"private", "example.com/private/x", "v1.0.0", "", ErrPrivate},
		{"a toolchain, whatever GONOSUMDB says", Toolchain, "v0.0.1-go1.26.0.linux-amd64", hashOne, nil},
		{"a record without such a line", Toolchain, "v0.0.1-go1.26.0.linux-amd64/go.mod", "", nil},
	} {
		hashes, err := c.Lookup(t.Context(), module.Version{Path: row.path, Version: row.version})
		if got := strings.Join(hashes, " "); got != row.want || !errors.Is(err, row.err) {
			t.Errorf("%s: got %q, %v, want %q, %v", row.name, got, err, row.want, row.err)
		}
	}
	paths := db.Paths()
	if n := len(slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return !strings.HasPrefix(p, "lookup/") })); n != 2 {
		t.Errorf("%d lookups, want 2 (one for both lines, none for a private module): %q", n, paths)
	}
	if paths[0] != "supported" || slices.Contains(paths[1:], "supported") {
		t.Errorf("want /supported asked first and once, got %q", paths)
	}
	if s := c.Stats(); s.Requests != int64(len(paths)) || s.Bytes == 0 || s.Cached != 0 {
		t.Errorf("stats %+v for %d requests", s, len(paths))
	}
	if c.Known().Size != 702 {
		t.Errorf("the newest known tree has %d records, want 702", c.Known().Size)
	}
}

func TestOff(t *testing.T) {
	t.Parallel()
	c, err := New(Options{DB: goenv.SumDB{Off: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Lookup(t.Context(), module.Version{Path: Toolchain, Version: "v0.0.1-go1.26.0.linux-amd64"})
	if !errors.Is(err, ErrOff) {
		t.Errorf("got %v, want ErrOff", err)
	}
	if _, err = c.Head(t.Context()); !errors.Is(err, ErrOff) {
		t.Errorf("Head: got %v, want ErrOff", err)
	}
	if c.Stats().Requests != 0 {
		t.Error("something was asked")
	}
}

// answer makes a database answer a kind of request with one status and body.
func answer(prefix string, status int, body string) func(*sumdbtest.Database) {
	return func(db *sumdbtest.Database) {
		db.Answer = func(w http.ResponseWriter, _ *http.Request, path string) bool {
			if !strings.HasPrefix(path, prefix) {
				return false
			}
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return true
		}
	}
}

// rewrite changes what the database answers to a kind of request.
func rewrite(prefix string, change func([]byte) []byte) func(*sumdbtest.Database) {
	return func(db *sumdbtest.Database) {
		inner := db.Fork(libLine, libMod)
		db.Answer = func(w http.ResponseWriter, r *http.Request, path string) bool {
			rec := httptest.NewRecorder()
			inner.ServeHTTP(rec, r)
			body := rec.Body.Bytes()
			if strings.HasPrefix(path, prefix) {
				body = change(body)
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write(body)
			return true
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		break_ func(*sumdbtest.Database)
		kind   Kind
		phase  goproxy.Phase
		status int
		text   string
	}{
		{"supported 403", answer("supported", 403, "no"), Refused, goproxy.HTTP, 403, "status 403 Forbidden"},
		{"supported 500", answer("supported", 500, ""), Refused, goproxy.HTTP, 500, "status 500 Internal Server Error"},
		{"lookup 403", answer("lookup/", 403, "curated"), Refused, goproxy.HTTP, 403, "status 403 Forbidden"},
		{"lookup 500", answer("lookup/", 500, ""), Refused, goproxy.HTTP, 500, "status 500 Internal Server Error"},
		{"lookup 404", answer("lookup/", 404, "not found: example.com/lib@v1.0.0"), Unknown, goproxy.HTTP, 404, "status 404 Not Found"},
		{"lookup 410", answer("lookup/", 410, "gone"), Unknown, goproxy.HTTP, 410, "status 410 Gone"},
		{"404 to everything", func(db *sumdbtest.Database) {
			db.Answer = func(w http.ResponseWriter, _ *http.Request, path string) bool {
				if path != "supported" {
					w.WriteHeader(http.StatusNotFound)
				}
				return true
			}
		}, Refused, goproxy.HTTP, 404, "status 404 Not Found"},
		{"lookup HTML", answer("lookup/", 200, goodHTML), Malformed, goproxy.Protocol, 0, "answers with a web page"},
		{"lookup empty", answer("lookup/", 200, ""), Malformed, goproxy.Protocol, 0, "answers with what is not a record"},
		{"lookup oversized", answer("lookup/", 200, strings.Repeat("x", maxNote+1)), Malformed, goproxy.Protocol, 0, "answers with more than 65536 bytes"},
		{"tile 404", answer("tile/", 404, ""), Refused, goproxy.HTTP, 404, "status 404 Not Found"},
		{"tile HTML", answer("tile/", 200, goodHTML), Malformed, goproxy.Protocol, 0, "answers with a web page"},
		{"tile short", answer("tile/", 200, "x"), Malformed, goproxy.Protocol, 0, "answers with what is not a tile"},
		{"hash falsified", rewrite("lookup/", func(b []byte) []byte {
			return []byte(strings.Replace(string(b), hashOne, hashTwo, 1))
		}), Inconsistent, goproxy.Protocol, 0, "cannot authenticate record data in server response"},
		{"tile falsified", rewrite("tile/", func(b []byte) []byte { b[0] ^= 1; return b }),
			Inconsistent, goproxy.Protocol, 0, "downloaded inconsistent tile"},
		{"signature broken", rewrite("lookup/", func(b []byte) []byte {
			return []byte(strings.Replace(string(b), "— "+dbName, "— other.example", 1))
		}), Unsigned, goproxy.Protocol, 0, "note has no verifiable signatures"},
		{"no note", rewrite("lookup/", func(b []byte) []byte {
			head, _, _ := strings.Cut(string(b), "go.sum database tree")
			return []byte(head + "nothing")
		}), Malformed, goproxy.Protocol, 0, "malformed note"},
		{"cut off", func(db *sumdbtest.Database) {
			db.Answer = func(w http.ResponseWriter, _ *http.Request, path string) bool {
				if strings.HasPrefix(path, "lookup/") {
					w.Header().Set("Content-Length", "500")
					fmt.Fprint(w, "12\n")
				}
				return true
			}
		}, Malformed, goproxy.Protocol, 0, "the answer is cut off"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			db := sumdbtest.New(t, dbName, libLine, libMod)
			row.break_(db)
			c := newClient(t, db, serve(t, db), nil)
			hashes, err := c.Lookup(t.Context(), lib)
			var f *Fault
			if !errors.As(err, &f) {
				t.Fatalf("got %q, %v, want a fault", hashes, err)
			}
			if f.Kind != row.kind || f.Phase != row.phase || f.Status != row.status || f.Text != row.text {
				t.Errorf("got %s, %s, %d, %q\nwant %s, %s, %d, %q", f.Kind, f.Phase, f.Status, f.Text, row.kind, row.phase, row.status, row.text)
			}
		})
	}
}

func TestWrongKey(t *testing.T) {
	t.Parallel()
	db, other := sumdbtest.New(t, dbName, libLine), sumdbtest.New(t, dbName)
	c := newClient(t, other, serve(t, db), nil)
	_, err := c.Lookup(t.Context(), lib)
	var f *Fault
	if !errors.As(err, &f) || f.Kind != Unsigned {
		t.Errorf("Lookup: got %v, want %s", err, Unsigned)
	}
	if _, err := c.Head(t.Context()); !errors.As(err, &f) || f.Kind != Unsigned || !strings.HasSuffix(f.URL, "/latest") {
		t.Errorf("Head: got %v, want %s", err, Unsigned)
	}
}

// TestEndpoint holds where requests go against TryProxies and initBase, and checks
// that nobody else hears anything.
func TestEndpoint(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		goproxy string // N: an entry that answers /supported with that status; dead: one that is not there
		entry   int    // who serves; -1: the database itself
		fails   int    // whose fault ends it; -1: nobody's
		asked   string
	}{
		{"200", 0, -1, "0"},
		{"404,200", 1, -1, "0 1"},
		{"410,200", 1, -1, "0 1"},
		{"403,200", -1, 0, "0"},
		{"500,200", -1, 0, "0"},
		{"500|200", 1, -1, "0 1"},
		{"dead,200", -1, 0, "0"},
		{"dead|200", 1, -1, "0 1"},
		{"404", -1, -1, "0"},
		{"404,direct", -1, -1, "0"},
		{"404|direct,200", -1, -1, "0"},
		{"404,off", -1, -1, "0"},
		{"direct", -1, -1, ""},
		{"off", -1, -1, ""},
		{"500|direct", -1, -1, "0"},
		{"500|off", -1, 0, "0"},
		{"500|404", -1, 0, "0 1"},
		{"500|500|404", -1, 1, "0 1 2"},
		{"500|", -1, 0, "0"},
		{"401", -1, 0, "0"},
	} {
		t.Run(row.goproxy, func(t *testing.T) {
			t.Parallel()
			db := sumdbtest.New(t, dbName)
			fields := strings.FieldsFunc(row.goproxy, func(r rune) bool { return strings.ContainsRune(",|", r) })
			value := row.goproxy
			for i, f := range fields {
				var base string
				switch f {
				case "direct", "off":
					continue
				case "dead":
					base = deadURL(t)
				default:
					var status int
					_, _ = fmt.Sscan(f, &status)
					base = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path != fmt.Sprintf("/p%d/sumdb/%s/supported", i, dbName) {
							t.Errorf("asked for %s", r.URL.Path)
						}
						w.WriteHeader(status)
					}))
				}
				value = strings.Replace(value, f, "\x00"+base+fmt.Sprintf("/p%d", i), 1)
			}
			c := newClient(t, db, strings.ReplaceAll(value, "\x00", ""), nil)
			e, err := c.Endpoint(t.Context())
			var asked []string
			for _, a := range e.Asked {
				asked = append(asked, fmt.Sprint(a.Index))
			}
			fails := -1
			var f *Fault
			if errors.As(err, &f) {
				fails = slices.IndexFunc(e.Asked, func(a Asked) bool { return a.Fault != nil && a.Fault.URL == f.URL })
			}
			if e.Entry != row.entry || fails != row.fails || strings.Join(asked, " ") != row.asked {
				t.Errorf("served by %d, failed by %d (%v), asked %q; want %d, %d, %q", e.Entry, fails, err, asked, row.entry, row.fails, row.asked)
			}
			if err == nil && e.Entry < 0 && e.URL != "https://"+dbName {
				t.Errorf("endpoint %s, want the database itself", e.URL)
			}
		})
	}
}

// deadURL is where nothing listens.
func deadURL(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// TestDirect asks a database at its own host, and one that GOSUMDB names a URL for.
func TestDirect(t *testing.T) {
	t.Parallel()
	var db *sumdbtest.Database
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/path")
		db.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	db = sumdbtest.New(t, s.Listener.Addr().String()+"/path", libLine)
	roots := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c := newClient(t, db, "direct", func(o *Options) { o.Roots = roots })
	if hashes, err := c.Lookup(t.Context(), lib); err != nil || len(hashes) != 1 {
		t.Errorf("direct: got %q, %v", hashes, err)
	}
	if slices.Contains(db.Paths(), "supported") {
		t.Error("the database itself was asked for /supported")
	}
	// Without the authority, TLS fails, and is said once.
	c = newClient(t, db, "direct", nil)
	var f *Fault
	for range 2 {
		if _, err := c.Lookup(t.Context(), lib); !errors.As(err, &f) || f.Kind != Unreachable || f.Phase != goproxy.TLS {
			t.Errorf("unknown authority: got %v", err)
		}
	}
	if _, err := c.Lookup(t.Context(), module.Version{Path: "example.com/b", Version: "v1.0.0"}); !errors.As(err, &f) {
		t.Errorf("got %v", err)
	}
	if n := c.Stats().Requests; n != 1 {
		t.Errorf("%d requests on a way that does not work, want 1", n)
	}
	// A URL in GOSUMDB passes GOPROXY by.
	named, err := url.Parse(s.URL + "/path")
	if err != nil {
		t.Fatal(err)
	}
	c = newClient(t, db, deadURL(t), func(o *Options) { o.Roots, o.DB.URL = roots, named })
	if _, err := c.Lookup(t.Context(), lib); err != nil {
		t.Errorf("URL of GOSUMDB: %v", err)
	}
	if e, err := c.Endpoint(t.Context()); err != nil || !e.Named || e.URL != s.URL+"/path" {
		t.Errorf("endpoint %+v, %v", e, err)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	db := sumdbtest.New(t, dbName, libLine)
	db.Answer = func(_ http.ResponseWriter, r *http.Request, path string) bool {
		if strings.HasPrefix(path, "lookup/") {
			<-r.Context().Done()
			return true
		}
		return false
	}
	c := newClient(t, db, serve(t, db), func(o *Options) { o.Timeout = 100 * time.Millisecond })
	_, err := c.Lookup(t.Context(), lib)
	var f *Fault
	if !errors.As(err, &f) || f.Kind != Unreachable || !f.Timeout || f.Text != "no answer within 100ms" || !f.Transient() {
		t.Errorf("got %v", err)
	}
	// The caller's own end does not wait for the request.
	c = newClient(t, db, serve(t, db), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := c.Lookup(ctx, lib); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 3*time.Second {
		t.Errorf("got %v after %v", err, time.Since(start))
	}
}

// TestCredentials: those of an entry and of the netrc file go to their host only,
// over https only, not along a redirect, and into no text.
func TestCredentials(t *testing.T) {
	t.Parallel()
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := r.Header.Get("Authorization") + r.Header.Get("Referer"); a != "" {
			t.Errorf("the target of a redirect got %q", a)
		}
		http.Error(w, "echo "+r.Header.Get("Authorization"), http.StatusForbidden)
	}))
	t.Cleanup(other.Close)
	first := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "bob" || password != "s3cret" {
			t.Errorf("the entry got %q, %q", user, password)
		}
		if strings.HasSuffix(r.URL.Path, "/supported") {
			return
		}
		if strings.Contains(r.URL.Path, "away") {
			http.Redirect(w, r, other.URL, http.StatusFound)
			return
		}
		http.Error(w, "no bob:s3cret here", http.StatusUnauthorized)
	}))
	t.Cleanup(first.Close)
	pool := first.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs.Clone()
	pool.AddCert(other.Certificate())
	host := strings.TrimPrefix(first.URL, "https://")
	db := sumdbtest.New(t, dbName)
	netrc := goproxy.Netrc{{Name: host, Login: "bob", Password: "s3cret"}}
	for name, value := range map[string]string{"in the entry": "https://bob:s3cret@" + host, "in netrc": first.URL} {
		c := newClient(t, db, value, func(o *Options) {
			o.Roots = pool
			if name == "in netrc" {
				o.Credentials = netrc.Lookup
			}
		})
		for _, path := range []string{"example.com/lib", "example.com/away"} {
			_, err := c.Lookup(t.Context(), module.Version{Path: path, Version: "v1.0.0"})
			var f *Fault
			if !errors.As(err, &f) || f.Kind != Refused {
				t.Fatalf("%s: got %v", name, err)
			}
			if text := fmt.Sprintf("%+v %v", *f, err); strings.Contains(text, "s3cret") {
				t.Errorf("%s: the password is in %s", name, text)
			}
		}
	}
	c := newClient(t, db, strings.Replace(serve(t, db), "http://", "http://bob:s3cret@", 1), nil)
	var f *Fault
	if _, err := c.Endpoint(t.Context()); !errors.As(err, &f) || f.Text != "refusing to pass credentials to insecure URL" || strings.Contains(f.Error(), "s3cret") {
		t.Errorf("http: got %v", err)
	}
	if len(db.Paths()) != 0 {
		t.Error("http with credentials was asked")
	}
}

// TestLocalRedirect: a public host must not send requests to a local address. No
// public host is at hand, so the rule itself is asked.
func TestLocalRedirect(t *testing.T) {
	t.Parallel()
	w := newWayOut(&Options{})
	ctx := context.WithValue(t.Context(), originKey{}, "proxy.example")
	if _, err := w.dial(ctx, "tcp", strings.TrimPrefix(deadURL(t), "http://")); !errors.Is(err, errLocal) {
		t.Errorf("got %v, want errLocal", err)
	}
	ctx = context.WithValue(t.Context(), originKey{}, "127.0.0.1")
	if _, err := w.dial(ctx, "tcp", strings.TrimPrefix(deadURL(t), "http://")); errors.Is(err, errLocal) || err == nil {
		t.Errorf("the host itself: got %v", err)
	}
}

func TestFileEntry(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := sumdbtest.New(t, dbName, libLine)
	c := newClient(t, db, "file://"+filepath.ToSlash(dir)+"|"+serve(t, db), nil)
	if e, err := c.Endpoint(t.Context()); err != nil || e.Entry != 1 || e.Asked[0].Outcome != goproxy.NotExist {
		t.Errorf("got %+v, %v", e, err)
	}
	if _, err := c.Lookup(t.Context(), lib); err != nil {
		t.Error(err)
	}
	supported := filepath.Join(dir, "sumdb", dbName, "supported")
	if err := os.MkdirAll(supported, 0o777); err != nil {
		t.Fatal(err)
	}
	c = newClient(t, db, "file://"+filepath.ToSlash(dir), nil)
	var f *Fault
	if _, err := c.Endpoint(t.Context()); !errors.As(err, &f) || f.Kind != Refused || f.Status != 0 {
		t.Errorf("a folder: got %v", err)
	}
}
