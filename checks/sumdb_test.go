package checks

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/gopreflight/gopreflight/internal/faultdoc"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/sumdbtest"
)

// A dbLab is a database behind a proxy that serves example.com/lib, and a module
// that requires it.
type dbLab struct {
	db *sumdbtest.Database
	// proxy serves the modules of served and the database.
	proxy  *httptest.Server
	served string
	// gopath is where the go command keeps its own tree head, cache where gopreflight does.
	gopath, cache string
	files         map[string]string
	set           map[string]string
	timeout       time.Duration
}

const dbLabSum = "example.com/lib v1.0.0 " + hashA + "\nexample.com/lib v1.0.0/go.mod " + hashB + "\n"

// newDBLab makes the lab; the database has the real hashes of what is served.
func newDBLab(t *testing.T, name string) *dbLab {
	t.Helper()
	served := t.TempDir()
	serveModule(t, served, "example.com/lib@v1.0.0", goModules["example.com/lib@v1.0.0"])
	l := &dbLab{
		gopath: t.TempDir(), served: served, set: map[string]string{}, timeout: 5 * time.Second,
		files: map[string]string{"go.mod": goMod("require example.com/lib v1.0.0"), "m.go": mainGo, "go.sum": dbLabSum},
	}
	l.db = sumdbtest.New(t, name, dbLabLines(t, served)...)
	l.db.Grow(t, 300)
	l.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/sumdb/") {
			l.db.ServeHTTP(w, r)
			return
		}
		http.FileServer(http.Dir(served)).ServeHTTP(w, r)
	}))
	t.Cleanup(l.proxy.Close)
	l.set["GOPROXY"], l.set["GOSUMDB"] = l.proxy.URL, l.db.Key
	return l
}

// head is the go command's own tree head.
func (l *dbLab) head() string { return filepath.Join(l.gopath, "pkg", "sumdb", l.db.Name, "latest") }

// proxyOf is another proxy, which answers everything with a status and a body.
func proxyOf(t *testing.T, status int, contentType, body string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// session is what check sumdb sees of the lab.
func (l *dbLab) session(t *testing.T) *Session {
	t.Helper()
	s := filesSession(t, l.files)
	values := map[string]string{"GOPATH": l.gopath}
	for k, v := range l.set {
		values[k] = v
	}
	s.Env = goenv.FromMap(values)
	s.Config.Proxy.Timeout = l.timeout
	s.Getenv = func(string) string { return "" }
	s.CacheDir, s.shared = l.cache, &shared{}
	return s
}

// goSays is what go mod download of the lab's lib says with a cold cache, outside of
// any module: it looks both lines up.
func (l *dbLab) goSays(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "example.com/lib@v1.0.0")
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "GO_TELEMETRY_CHILD=2", "GOTELEMETRY=off", "GOENV=off",
		"GOPATH=" + l.gopath, "GOMODCACHE=" + filepath.Join(dir, "mod"), "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local", "GOWORK=off", "PWD=" + dir,
	}
	for k, v := range l.set {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	out, err := cmd.CombinedOutput()
	if err == nil {
		return "passes"
	}
	lab := &sumLab{cacheLab: &cacheLab{root: dir, cache: l.gopath}}
	return "`" + strings.ReplaceAll(lab.words(string(out)), "GOMODCACHE", "GOPATH") + "`"
}

// answerWith makes the database answer some paths with a status and a body.
func answerWith(db *sumdbtest.Database, prefix string, status int, body string) {
	db.Answer = func(w http.ResponseWriter, _ *http.Request, path string) bool {
		if !strings.HasPrefix(path, prefix) {
			return false
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

// TestSumdbLab breaks the database, the way to it, and the go command's own record of
// it, and sets side by side what the go command and gopreflight say.
func TestSumdbLab(t *testing.T) {
	const web = "<!DOCTYPE html><html><body>Sign in</body></html>"
	dead := func(t *testing.T) string {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	supported := func(status int, body string) func(*testing.T, *dbLab) {
		return func(_ *testing.T, l *dbLab) { answerWith(l.db, "supported", status, body) }
	}
	rows := []struct {
		name string
		// db is the database's name; empty: one that cannot be reached directly.
		db      func(*testing.T) string
		spoil   func(*testing.T, *dbLab)
		want    []string
		says    string // in the first finding's message
		skipped string // the reason of a check that is not asked
		passes  bool   // the go command
		does    string // what the go command would do, which is not run
		// local says that deleting the file, or the fix, mends it.
		local bool
	}{
		{name: "all is well", passes: true},
		{name: "a proxy that does not pass the database on, and one that does", passes: true, spoil: func(t *testing.T, l *dbLab) {
			l.set["GOPROXY"] = proxyOf(t, 404, "text/plain", "no") + "," + l.set["GOPROXY"]
		}},
		{name: "a proxy that fails and falls through, and one that passes it on", passes: true, spoil: func(t *testing.T, l *dbLab) {
			l.set["GOPROXY"] = proxyOf(t, 500, "text/plain", "no") + "|" + l.set["GOPROXY"]
		}},
		{name: "a proxy that does not serve the newest tree head", passes: true, spoil: func(_ *testing.T, l *dbLab) { answerWith(l.db, "latest", 403, "no") }},
		{name: "403 to supported", spoil: supported(403, "not allowed here"), want: []string{"sumdb/refused "}, says: "and the go command stops there"},
		{name: "500 to supported", spoil: supported(500, "oops"), want: []string{"sumdb/refused "}, says: "(status 500 Internal Server Error)"},
		{name: "401 to supported", spoil: supported(401, ""), want: []string{"sumdb/refused "}},
		{name: "404 to supported, and the database itself refuses connections", db: dead, spoil: supported(404, ""),
			want: []string{"sumdb/unreachable "}, says: "no proxy passes "},
		{name: "410 to supported, and the database itself has a certificate of nobody", db: func(t *testing.T) string {
			server := httptest.NewTLSServer(http.NotFoundHandler())
			server.Config.ErrorLog = nil
			t.Cleanup(server.Close)
			return server.Listener.Addr().String()
		}, spoil: supported(410, ""), want: []string{"sumdb/unreachable "}, says: "certificate"},
		{name: "a proxy that is silent", does: "waits for ever", spoil: func(_ *testing.T, l *dbLab) {
			l.timeout = 200 * time.Millisecond
			l.db.Answer = func(_ http.ResponseWriter, r *http.Request, _ string) bool {
				<-r.Context().Done()
				return true
			}
		}, want: []string{"sumdb/unreachable "}, says: "no answer within 200ms"},
		{name: "a proxy that closes the connection", spoil: func(_ *testing.T, l *dbLab) {
			l.db.Answer = func(w http.ResponseWriter, _ *http.Request, _ string) bool {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err == nil {
					conn.Close()
				}
				return true
			}
		}, want: []string{"sumdb/unreachable "}, says: "EOF"},
		{name: "a web page for everything", spoil: func(_ *testing.T, l *dbLab) { answerWith(l.db, "", 200, web) }, want: []string{"sumdb/content "}, says: "answers with a web page"},
		{name: "an empty answer for everything", spoil: func(_ *testing.T, l *dbLab) { answerWith(l.db, "", 200, "") }, want: []string{"sumdb/content "}, says: "malformed note"},
		{name: "an endless answer for a lookup", does: "reads all of it", spoil: func(_ *testing.T, l *dbLab) { answerWith(l.db, "lookup", 200, strings.Repeat("x", 1<<20)) },
			want: []string{"sumdb/content "}, says: "more than 65536 bytes"},
		{name: "403 to lookups", spoil: func(_ *testing.T, l *dbLab) { answerWith(l.db, "lookup", 403, "curated") }, want: []string{"sumdb/refused "}, says: "status 403 Forbidden"},
		{name: "500 to lookups", spoil: func(_ *testing.T, l *dbLab) { answerWith(l.db, "lookup", 500, "") }, want: []string{"sumdb/refused "}},
		{name: "a module that the database does not know", spoil: func(t *testing.T, l *dbLab) { l.db = sumdbtest.New(t, l.db.Name); l.set["GOSUMDB"] = l.db.Key }},
		{name: "a URL in GOSUMDB that answers 404 to everything", spoil: func(t *testing.T, l *dbLab) {
			l.set["GOSUMDB"] += " " + proxyOf(t, 404, "text/plain", "no such page")
		}, want: []string{"sumdb/refused "}, says: "status 404 Not Found"},
		{name: "404 to tiles", spoil: func(_ *testing.T, l *dbLab) { answerWith(l.db, "tile", 404, "") }, want: []string{"sumdb/refused "}, says: "status 404 Not Found"},
		{name: "another database under the name", spoil: func(t *testing.T, l *dbLab) { l.set["GOSUMDB"] = sumdbtest.New(t, l.db.Name).Key },
			want: []string{"sumdb/untrusted "}, says: "note has no verifiable signatures"},
		{name: "tiles that were rewritten", spoil: func(_ *testing.T, l *dbLab) {
			l.db.Answer = func(w http.ResponseWriter, r *http.Request, path string) bool {
				if r.Header.Get("X-Inner") != "" {
					return false
				}
				r.Header.Set("X-Inner", "true")
				rec := httptest.NewRecorder()
				l.db.ServeHTTP(rec, r)
				body := rec.Body.Bytes()
				if strings.HasPrefix(path, "tile") {
					body[0] ^= 1
				}
				w.WriteHeader(rec.Code)
				_, _ = w.Write(body)
				return true
			}
		}, want: []string{"sumdb/untrusted "}, says: "downloaded inconsistent tile"},
		{name: "another tree than an earlier run saw", passes: true, spoil: func(t *testing.T, l *dbLab) {
			l.cache = t.TempDir()
			if _, findings, err := runSumdb(t.Context(), l.session(t)); err != nil || len(findings) > 0 {
				t.Fatal(told(findings), err)
			}
			l.db = l.db.Fork(dbLabLines(t, l.served)...)
			l.db.Grow(t, 700)
		}, want: []string{"sumdb/forked "}},
		{name: "local tree head: garbage", local: true, spoil: func(t *testing.T, l *dbLab) { labWrite(t, l.head(), "hello\n") }, want: []string{"sumdb/local-malformed "}},
		{name: "local tree head: cut off", local: true, spoil: func(t *testing.T, l *dbLab) { labWrite(t, l.head(), string(l.db.Head(t)[:30])) }, want: []string{"sumdb/local-malformed "}},
		{name: "local tree head: zeroes, as after a power cut", local: true, spoil: func(t *testing.T, l *dbLab) { labWrite(t, l.head(), strings.Repeat("\x00", 180)) },
			want: []string{"sumdb/local-malformed "}},
		{name: "local tree head: empty", passes: true, spoil: func(t *testing.T, l *dbLab) { labWrite(t, l.head(), "") }},
		{name: "local tree head: of another key", local: true, spoil: func(t *testing.T, l *dbLab) { labWrite(t, l.head(), string(sumdbtest.New(t, l.db.Name).Head(t))) },
			want: []string{"sumdb/local-foreign "}},
		{name: "local tree head: edited", local: true, spoil: func(t *testing.T, l *dbLab) {
			labWrite(t, l.head(), strings.Replace(string(l.db.Head(t)), "\n300\n", "\n301\n", 1))
		}, want: []string{"sumdb/local-foreign "}},
		{name: "local tree head: of a fork", local: true, spoil: func(t *testing.T, l *dbLab) {
			fork := l.db.Fork()
			fork.Grow(t, 20)
			labWrite(t, l.head(), string(fork.Head(t)))
		}, want: []string{"sumdb/local-forked "}},
		{name: "local tree head: a folder", local: true, spoil: func(t *testing.T, l *dbLab) {
			if err := os.MkdirAll(l.head(), 0o777); err != nil {
				t.Fatal(err)
			}
		}, want: []string{"sumdb/local-unreadable "}},
		{name: "local tree head: older", passes: true, spoil: func(t *testing.T, l *dbLab) {
			labWrite(t, l.head(), string(l.db.Head(t)))
			l.db.Add("example.com/more v1.0.0 " + hashA)
		}},
		{name: "GOSUMDB=off", passes: true, spoil: func(_ *testing.T, l *dbLab) { l.set["GOSUMDB"] = "off" },
			skipped: "GOSUMDB=off: whatever go.sum does not name yet would be taken as it is served"},
		{name: "GOSUMDB=off, and go.sum is not complete", passes: true, spoil: func(_ *testing.T, l *dbLab) { l.set["GOSUMDB"] = "off"; delete(l.files, "go.sum") },
			want: []string{"sumdb/unverified go.mod:5"}, skipped: "GOSUMDB=off: 1 module version not in go.sum would be taken as they are served"},
		{name: "GONOSUMDB matches, and go.sum is not complete", passes: true, spoil: func(_ *testing.T, l *dbLab) {
			l.set["GONOSUMDB"] = "example.com"
			delete(l.files, "go.sum")
		}, want: []string{"sumdb/unverified go.mod:5"}},
		{name: "-mod=mod with a go.sum that is not complete, and the database fails", spoil: func(_ *testing.T, l *dbLab) {
			answerWith(l.db, "", 503, "")
			l.set["GOFLAGS"] = "-modcacherw -mod=mod"
			delete(l.files, "go.sum")
		}, want: []string{"sumdb/needed go.mod:5", "sumdb/refused "}},
		{name: "a workspace that selects what no go.sum names, and the database fails", spoil: func(_ *testing.T, l *dbLab) {
			answerWith(l.db, "", 503, "")
			l.files = map[string]string{
				"go.work": "go 1.21\n\nuse (\n\t./a\n\t./b\n)\n", "a/go.mod": "module example.org/a\n\ngo 1.21\n\nrequire example.com/lib v1.0.0\n", "a/go.sum": dbLabSum,
				"b/go.mod": "module example.org/b\n\ngo 1.21\n\nrequire example.com/lib v1.1.0 // indirect\n", "b/go.sum": "example.com/lib v1.1.0/go.mod " + hashA + "\n",
			}
		}, want: []string{"sumdb/needed a/go.mod:5", "sumdb/refused "}},
	}
	var table [][]string
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			name := "sum.example.invalid"
			if tt.db != nil {
				name = tt.db(t)
			}
			l := newDBLab(t, name)
			if tt.spoil != nil {
				tt.spoil(t, l)
			}
			facts, findings, err := runSumdb(t.Context(), l.session(t))
			if got := errText(err); got != tt.skipped {
				t.Errorf("error %q, want %q", got, tt.skipped)
			}
			if got := told(findings); !slices.Equal(got, tt.want) {
				t.Fatalf("findings %q, want %q\n%+v", got, tt.want, findings)
			}
			if len(findings) > 0 && !strings.Contains(findings[0].Message, tt.says) {
				t.Errorf("message %q, want %q in it", findings[0].Message, tt.says)
			}
			if len(findings) == 0 && err == nil && !strings.Contains(facts.Summary, " answers through 127.0.0.1:") {
				t.Errorf("summary %q", facts.Summary)
			}
			says := tt.does
			if says == "" {
				says = l.goSays(t)
				if (says == "passes") != tt.passes {
					t.Errorf("the go command says %s, want that it passes: %t", says, tt.passes)
				}
			}
			ours := []string{"no finding"}
			if err != nil {
				ours[0] = "skipped: " + err.Error()
			}
			lab := &sumLab{cacheLab: &cacheLab{root: l.gopath, cache: l.gopath}}
			for i, f := range findings {
				text := "**" + f.Rule + "** " + strings.ReplaceAll(lab.words(f.Message), "REPOSITORY", "GOPATH")
				if i == 0 && err == nil {
					ours = nil
				}
				ours = append(ours, text)
			}
			row := []string{tt.name, says, strings.Join(ours, "\n")}
			for i := range row {
				row[i] = strings.ReplaceAll(row[i], name, "sum.example.org")
			}
			table = append(table, row)
			if tt.local {
				if out, err := shellIn(t, t.TempDir(), findings[0].Fix.Command); err != nil {
					t.Fatalf("%s: %v\n%s", findings[0].Fix.Command, err, out)
				}
				if says := l.goSays(t); says != "passes" {
					t.Errorf("after the fix the go command says %s", says)
				}
				if _, findings, err := runSumdb(t.Context(), l.session(t)); err != nil || len(findings) > 0 {
					t.Errorf("after the fix: %q, %v", told(findings), err)
				}
			}
		})
	}
	if !t.Failed() {
		faultdoc.Table(t, "sumdb", []string{"fault", "`go mod download M@V`, cold cache", "gopreflight"}, table)
	}
}

// dbLabLines are the right lines of what a dbLab serves.
func dbLabLines(t *testing.T, served string) []string {
	t.Helper()
	base := filepath.Join(served, "example.com", "lib", "@v", "v1.0.0.")
	mod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return os.Open(base + "mod") })
	if err != nil {
		t.Fatal(err)
	}
	return []string{"example.com/lib v1.0.0 " + labHashZip(t, base+"zip"), "example.com/lib v1.0.0/go.mod " + mod}
}

// TestSumdbBlocked: what check proxy reports of the entry is not told again.
func TestSumdbBlocked(t *testing.T) {
	t.Parallel()
	l := newDBLab(t, "sum.example.invalid")
	l.proxy.Close()
	got := runOnly(t, l.session(t), "proxy", "sumdb")
	want := []string{"proxy=failed", "proxy/connect", "sumdb=blocked"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// Alone, it has to tell it.
	if got, want := runOnly(t, l.session(t), "sumdb"), []string{"sumdb=warned", "sumdb/unreachable"}; !slices.Equal(got, want) {
		t.Errorf("alone: got %q, want %q", got, want)
	}
}

// TestSumdbNotAsked: nobody is asked offline, or without a network for modules, and
// no name of a private module or of the repository's own owner is sent.
func TestSumdbNotAsked(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		change  func(*dbLab, *Session)
		skipped string
		lookups int
	}{
		{"offline", func(_ *dbLab, s *Session) { s.Offline = true }, "offline", 0},
		{"GOPROXY=off", func(l *dbLab, s *Session) {
			s.Env = goenv.FromMap(map[string]string{"GOPROXY": "off", "GOSUMDB": l.db.Key})
		}, "GOPROXY=off: nothing is downloaded, and so nothing looked up", 0},
		{"private", func(l *dbLab, s *Session) {
			s.Env = goenv.FromMap(map[string]string{"GOPROXY": l.proxy.URL, "GOSUMDB": l.db.Key, "GOPRIVATE": "example.com"})
		}, "", 0},
		{"own owner", func(l *dbLab, s *Session) {
			l.files["go.mod"] = strings.Replace(l.files["go.mod"], "example.org/m", "example.com/lib/m", 1)
			for name, text := range l.files {
				if err := os.WriteFile(filepath.Join(s.Root(), name), []byte(text), 0o666); err != nil {
					panic(err)
				}
			}
		}, "", 0},
		{"public", func(*dbLab, *Session) {}, "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newDBLab(t, "sum.example.invalid")
			s := l.session(t)
			tt.change(l, s)
			loadFiles(t, s, s.Root())
			_, findings, err := runSumdb(t.Context(), s)
			if len(findings) != 0 || errText(err) != tt.skipped {
				t.Errorf("got %q, %v, want no finding, %q", told(findings), err, tt.skipped)
			}
			lookups := 0
			for _, p := range l.db.Paths() {
				if strings.HasPrefix(p, "lookup/") {
					lookups++
				}
			}
			if lookups != tt.lookups || tt.skipped != "" && len(l.db.Paths()) != 0 {
				t.Errorf("asked %q, want %d lookups", l.db.Paths(), tt.lookups)
			}
		})
	}
}
