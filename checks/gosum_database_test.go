package checks

import (
	"context"
	"io/fs"
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

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/sumdbtest"
)

// A sumLab is a cacheLab with a checksum database that knows its go.sum, served by
// a proxy as a proxy serves one, and with a base revision.
type sumLab struct {
	*cacheLab
	db *sumdbtest.Database
	// proxy serves the modules of served, and the database.
	served string
	// good is go.sum as it should be, base what it is in the base revision; nil:
	// there is no base.
	good string
	base map[string]string
	deep bool
	// set are settings beside the lab's.
	set    map[string]string
	policy *config.Config
}

const sumLabDB = "sum.example.org"

// newSumLab is a copy of a lab with a database of its own.
func newSumLab(t *testing.T, lab *cacheLab) *sumLab {
	t.Helper()
	l := &sumLab{cacheLab: lab.copy(t), served: t.TempDir(), set: map[string]string{}, policy: config.Default()}
	l.good = labRead(t, filepath.Join(l.root, "go.sum"))
	l.base = map[string]string{"go.sum": l.good}
	l.db = sumdbtest.New(t, sumLabDB, strings.Split(strings.TrimSpace(l.good), "\n")...)
	for id, files := range labModules {
		serveModule(t, l.served, id, files)
	}
	mux := http.NewServeMux()
	mux.Handle("/sumdb/"+sumLabDB+"/", l.db)
	mux.Handle("/", http.FileServer(http.Dir(l.served)))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	l.proxy = server.URL
	return l
}

// sumSession is what check gosum sees.
func (l *sumLab) sumSession(t *testing.T) *Session {
	t.Helper()
	s := l.session(t, l.proxy)
	values := map[string]string{
		"GOMODCACHE": l.cache, "GOPROXY": l.proxy, "GOSUMDB": l.db.Key, "GOVERSION": s.Env.Get("GOVERSION"), "GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw",
	}
	for k, v := range l.set {
		values[k] = v
	}
	s.Env = goenv.FromMap(values)
	goPath, err := exec.LookPath("go")
	if err != nil {
		t.Skip(err)
	}
	s.Go = gocmd.New(goPath, append(slices.Clone(l.env), "GOMODCACHE="+l.cache, "GOPROXY="+values["GOPROXY"]), 0)
	s.Config, s.Deep, s.Now, s.shared = l.policy, l.deep, time.Now, &shared{}
	s.Getenv = func(string) string { return "" }
	s.Temp = func(name string) (string, error) { return os.MkdirTemp(t.TempDir(), name) }
	s.NoBase = "no base revision: --base names one"
	if l.base != nil {
		s.NoBase = ""
		s.Base = &Base{Commit: "0123456789abcdef", ReadFile: func(_ context.Context, name string) ([]byte, error) {
			if text, ok := l.base[name]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		}}
	}
	return s
}

// edit changes go.sum.
func (l *sumLab) edit(t *testing.T, change func(string) string) {
	t.Helper()
	labWrite(t, filepath.Join(l.root, "go.sum"), change(l.good))
}

// hash is the hash of a line of go.sum that begins with a text.
func hashOf(sum, begin string) string {
	f := strings.Fields(lineOf(sum, begin))
	return f[len(f)-1]
}

// lookups are the module versions that the database was asked for.
func (l *sumLab) lookups() []string {
	var ids []string
	for _, p := range l.db.Paths() {
		if id, ok := strings.CutPrefix(p, "lookup/"); ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// tampered serves other content under a module version's name, and returns the
// hashes of its two lines.
func tampered(t *testing.T, served, id string) (zip, mod string) {
	t.Helper()
	serveModule(t, served, id, map[string]string{"go.mod": labModules[id]["go.mod"], "lib.go": "package lib\n\nfunc F() string { return \"evil\" }\n"})
	zip, err := dirhash.HashZip(filepath.Join(served, filepath.FromSlash(escapeID(id, "%s/@v/%s.zip"))), dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	return zip, ""
}

// TestGosumDatabase holds lines against a real database, and asserts the finding,
// the numbers, the link, and whom the database was asked for.
func TestGosumDatabase(t *testing.T) {
	t.Parallel()
	lab := newCacheLab(t)
	const lib, libLine = "example.com/lib@v1.0.0", "example.com/lib v1.0.0 h1:"
	for _, tt := range []struct {
		name    string
		spoil   func(t *testing.T, l *sumLab)
		want    []string
		says    string // a part of the first finding's message
		state   LinkState
		summary string // its end
		lookups string
		err     string
	}{
		{name: "nothing changed", state: Consistent, summary: "; 0 confirmed by the checksum database, 10 taken from base"},
		{name: "all asked", spoil: func(_ *testing.T, l *sumLab) { l.deep = true }, state: Proven, summary: "; 10 confirmed by the checksum database",
			lookups: "example.com/compat@v2.0.0+incompatible example.com/dep@v1.0.0 example.com/fork@v1.0.0 example.com/lib@v1.0.0 github.com/!azure/thing@v1.2.0"},
		{name: "two lines added", spoil: func(_ *testing.T, l *sumLab) {
			l.base["go.sum"] = dropLine(dropLine(l.good, libLine), "example.com/lib v1.0.0/go.mod")
		}, state: Consistent, summary: "; 2 confirmed by the checksum database, 8 taken from base", lookups: lib},
		{name: "no go.sum in the base", spoil: func(_ *testing.T, l *sumLab) { l.base = map[string]string{} }, state: Proven, summary: "; 10 confirmed by the checksum database",
			lookups: "example.com/compat@v2.0.0+incompatible example.com/dep@v1.0.0 example.com/fork@v1.0.0 example.com/lib@v1.0.0 github.com/!azure/thing@v1.2.0"},
		{name: "no base", spoil: func(_ *testing.T, l *sumLab) { l.base = nil }, state: Consistent, summary: "well formed and complete"},
		{name: "private", spoil: func(_ *testing.T, l *sumLab) {
			l.deep, l.set["GOPRIVATE"] = true, "example.com/lib,github.com/Azure"
		}, state: Consistent, summary: "; 6 confirmed by the checksum database, 4 private (GONOSUMDB)",
			lookups: "example.com/compat@v2.0.0+incompatible example.com/dep@v1.0.0 example.com/fork@v1.0.0"},
		{name: "GONOSUMDB wins over GOPRIVATE", spoil: func(_ *testing.T, l *sumLab) {
			l.deep, l.set["GOPRIVATE"], l.set["GONOSUMDB"] = true, "*", "none"
		}, state: Proven, summary: "; 10 confirmed by the checksum database",
			lookups: "example.com/compat@v2.0.0+incompatible example.com/dep@v1.0.0 example.com/fork@v1.0.0 example.com/lib@v1.0.0 github.com/!azure/thing@v1.2.0"},
		{name: "off", spoil: func(_ *testing.T, l *sumLab) { l.set["GOSUMDB"] = "off" }, state: Consistent, summary: "well formed and complete"},
		{name: "no proxy", spoil: func(_ *testing.T, l *sumLab) { l.set["GOPROXY"] = "off" }, state: Consistent, summary: "well formed and complete"},
		{name: "one hash falsified", spoil: func(t *testing.T, l *sumLab) {
			l.edit(t, func(s string) string { return strings.Replace(s, hashOf(s, libLine), hashA, 1) })
		}, want: []string{"gosum/database-mismatch go.sum:7 " + lib}, says: "another hash for example.com/lib@v1.0.0: this change edited go.sum",
			state: Broken, summary: "1 other than it has, 9 taken from base", lookups: lib},
		{name: "one hash falsified long ago", spoil: func(t *testing.T, l *sumLab) {
			l.deep = true
			l.edit(t, func(s string) string { return strings.Replace(s, hashOf(s, libLine), hashA, 1) })
			l.base["go.sum"] = labRead(t, filepath.Join(l.root, "go.sum"))
		}, want: []string{"gosum/database-mismatch go.sum:7 " + lib}, says: "go.sum alone differs, 127.0.0.1:", state: Broken, summary: "9 confirmed by the checksum database, 1 other than it has",
			lookups: "example.com/compat@v2.0.0+incompatible example.com/dep@v1.0.0 example.com/fork@v1.0.0 example.com/lib@v1.0.0 github.com/!azure/thing@v1.2.0"},
		{name: "the hash of a go.mod falsified", spoil: func(t *testing.T, l *sumLab) {
			l.edit(t, func(s string) string {
				return strings.Replace(s, hashOf(s, "example.com/lib v1.0.0/go.mod"), hashA, 1)
			})
		}, want: []string{"gosum/database-mismatch go.sum:8 " + lib}, says: "another hash for the go.mod of example.com/lib@v1.0.0: this change edited go.sum", state: Broken, summary: "9 taken from base", lookups: lib},
		{name: "two hashes swapped", spoil: func(t *testing.T, l *sumLab) {
			l.edit(t, func(s string) string {
				a, b := hashOf(s, libLine), hashOf(s, "example.com/dep v1.0.0 h1:")
				return strings.NewReplacer(a, b, b, a).Replace(s)
			})
		}, want: []string{"gosum/database-mismatch go.sum:3 example.com/dep@v1.0.0", "gosum/database-mismatch go.sum:7 " + lib}, state: Broken, summary: "2 other than it has, 8 taken from base", lookups: "example.com/dep@v1.0.0 " + lib},
		{name: "a wrong line behind the right one", spoil: func(t *testing.T, l *sumLab) {
			l.edit(t, func(s string) string { return s + libLine + hashA[3:] + "\n" })
		}, want: []string{"gosum/database-mismatch go.sum:11 " + lib, "gosum/conflict go.sum:11 " + lib}, state: Broken, lookups: lib},
		{name: "the proxy rewrote it", spoil: func(t *testing.T, l *sumLab) {
			zip, _ := tampered(t, l.served, lib)
			l.edit(t, func(s string) string { return strings.Replace(s, hashOf(s, libLine), zip, 1) })
			l.base["go.sum"] = dropLine(l.good, libLine)
		}, want: []string{"gosum/database-mismatch go.sum:7 " + lib}, says: "serves other content than was published first", state: Broken, lookups: lib},
		{name: "go.sum and the cache come from elsewhere", spoil: func(t *testing.T, l *sumLab) {
			elsewhere := t.TempDir()
			zip, _ := tampered(t, elsewhere, lib)
			l.edit(t, func(s string) string { return strings.Replace(s, hashOf(s, libLine), zip, 1) })
			l.base["go.sum"] = dropLine(l.good, libLine)
			labWrite(t, l.file(lib, "zip"), labRead(t, filepath.Join(elsewhere, "example.com", "lib", "@v", "v1.0.0.zip")))
		}, want: []string{"gosum/database-mismatch go.sum:7 " + lib}, says: "go.sum and the module cache differ from what 127.0.0.1:", state: Broken, lookups: lib},
		{name: "nobody else to ask", spoil: func(t *testing.T, l *sumLab) {
			l.edit(t, func(s string) string { return strings.Replace(s, hashOf(s, libLine), hashA, 1) })
			l.base["go.sum"] = dropLine(l.good, libLine)
			l.cache = t.TempDir()
			if err := os.Remove(filepath.Join(l.served, "example.com", "lib", "@v", "v1.0.0.zip")); err != nil {
				t.Fatal(err)
			}
		}, want: []string{"gosum/database-mismatch go.sum:7 " + lib}, says: "go.sum differs, and nobody else could be asked", state: Broken, lookups: lib},
		{name: "unknown to the database", spoil: func(t *testing.T, l *sumLab) {
			l.edit(t, func(s string) string {
				return s + "example.com/secret v1.0.0 " + hashA + "\nexample.com/secret v1.0.0/go.mod " + hashB + "\n"
			})
		}, want: []string{"gosum/database-unknown go.sum:11 example.com/secret@v1.0.0"}, state: Unproven, summary: "2 unknown to it, 10 taken from base", lookups: "example.com/secret@v1.0.0"},
		{name: "of the repository's own owner", spoil: func(t *testing.T, l *sumLab) {
			l.edit(t, func(s string) string { return s + "example.com/app/sub v1.0.0 " + hashA + "\n" })
		}, state: Consistent, summary: "10 taken from base, 1 of this repository's own host and owner, or of no public host, not asked about"},
		{name: "of the repository's own owner, configured", spoil: func(t *testing.T, l *sumLab) {
			l.policy.Gosum.Ask = []string{"example.com/app"}
			l.edit(t, func(s string) string { return s + "example.com/app/sub v1.0.0 " + hashA + "\n" })
		}, want: []string{"gosum/database-unknown go.sum:11 example.com/app/sub@v1.0.0"}, state: Unproven, lookups: "example.com/app/sub@v1.0.0"},
		{name: "the database does not answer", spoil: func(_ *testing.T, l *sumLab) {
			l.deep = true
			l.db.Answer = func(w http.ResponseWriter, _ *http.Request, path string) bool {
				http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
				return true
			}
		}, want: []string{"gosum/database-unanswered "}, says: "status 503 Service Unavailable", state: Unproven, summary: "10 without an answer"},
		{name: "the database does not answer, required", spoil: func(_ *testing.T, l *sumLab) {
			l.base, l.policy.Gosum.Database = nil, config.Required
			l.db.Answer = func(w http.ResponseWriter, _ *http.Request, path string) bool {
				http.Error(w, "", http.StatusServiceUnavailable)
				return true
			}
		}, want: []string{"gosum/database-unanswered "}, state: Unproven, err: "gosum.database is required, and there are lines that it could not be asked about"},
		{name: "off, required", spoil: func(_ *testing.T, l *sumLab) { l.policy.Gosum.Database, l.set["GOSUMDB"] = config.Required, "off" },
			state: Consistent, err: "gosum.database is required, and the checksum database is not asked: GOSUMDB=off"},
		{name: "no base, required", spoil: func(_ *testing.T, l *sumLab) { l.base, l.policy.Gosum.Database = nil, config.Required },
			state: Proven, summary: "10 confirmed by the checksum database",
			lookups: "example.com/compat@v2.0.0+incompatible example.com/dep@v1.0.0 example.com/fork@v1.0.0 example.com/lib@v1.0.0 github.com/!azure/thing@v1.2.0"},
		{name: "answers rewritten on the way", spoil: func(_ *testing.T, l *sumLab) {
			l.base["go.sum"] = dropLine(l.good, libLine)
			inner := l.db.Fork(strings.Split(strings.TrimSpace(l.good), "\n")...)
			l.db.Answer = func(w http.ResponseWriter, r *http.Request, path string) bool {
				rec := httptest.NewRecorder()
				inner.ServeHTTP(rec, r)
				_, _ = w.Write([]byte(strings.Replace(rec.Body.String(), hashOf(l.good, libLine), hashA, 1)))
				return true
			}
		}, want: []string{"gosum/database-untrusted "}, says: "cannot authenticate record data in server response", state: Unproven, lookups: lib},
		{name: "another database answers", spoil: func(t *testing.T, l *sumLab) {
			l.base["go.sum"] = dropLine(l.good, libLine)
			l.set["GOSUMDB"] = sumdbtest.New(t, sumLabDB).Key
		}, want: []string{"gosum/database-untrusted "}, says: "note has no verifiable signatures", state: Unproven, lookups: lib},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newSumLab(t, lab)
			if tt.spoil != nil {
				tt.spoil(t, l)
			}
			s := l.sumSession(t)
			facts, findings, err := runGosum(t.Context(), s)
			if text := errText(err); text != tt.err {
				t.Errorf("error %q, want %q", text, tt.err)
			}
			findings = slices.DeleteFunc(findings, func(f Finding) bool { return f.Rule == ruleSumUnused.ID || f.Rule == ruleSumForm.ID })
			if got := told(findings); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(tt.want))) {
				t.Fatalf("findings %q, want %q\n%+v", got, tt.want, findings)
			}
			if tt.says != "" && !strings.Contains(findings[0].Message, tt.says) {
				t.Errorf("message %q, want %q in it\n%s", findings[0].Message, tt.says, strings.Join(findings[0].Evidence, "\n"))
			}
			if facts.Link.State != tt.state {
				t.Errorf("link %+v, want %s", facts.Link, tt.state)
			}
			if !strings.HasSuffix(facts.Summary, tt.summary) {
				t.Errorf("summary %q, want its end %q", facts.Summary, tt.summary)
			}
			if got := strings.Join(l.lookups(), " "); got != tt.lookups {
				t.Errorf("asked for %s, want %s", got, tt.lookups)
			}
			if facts.Link.State == Consistent && facts.Link.Why == "" {
				t.Error("no word on why the link is not proven")
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
