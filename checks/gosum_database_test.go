package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
	// gopath has the go command's own tree head of the database.
	gopath string
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
	l := &sumLab{cacheLab: lab.copy(t), served: t.TempDir(), gopath: t.TempDir(), set: map[string]string{}, policy: config.Default()}
	l.good = labRead(t, filepath.Join(l.root, "go.sum"))
	l.base = map[string]string{"go.sum": l.good}
	l.db = sumdbtest.New(t, sumLabDB, strings.Split(strings.TrimSpace(l.good), "\n")...)
	for id, files := range labModules {
		serveModule(t, l.served, id, files)
	}
	l.serve(t)
	return l
}

// sumSession is what check gosum sees.
func (l *sumLab) sumSession(t *testing.T) *Session {
	t.Helper()
	s := l.session(t, l.proxy)
	values := map[string]string{
		"GOMODCACHE": l.cache, "GOPROXY": l.proxy, "GOSUMDB": l.db.Key, "GOVERSION": runtime.Version(), "GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw",
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
	serveModule(t, served, id, map[string]string{"go.mod": labModules[id]["go.mod"], "lib.go": strings.Replace(labModules[id]["lib.go"], "lib \"", "evil \"", 1)})
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
		{name: "a record without the line", spoil: func(t *testing.T, l *sumLab) {
			l.base["go.sum"] = dropLine(l.good, "example.com/lib v1.0.0/go.mod")
			l.db = sumdbtest.New(t, sumLabDB, strings.Split(strings.TrimSpace(l.base["go.sum"]), "\n")...)
			l.serve(t)
		}, want: []string{"gosum/database-unknown go.sum:8 " + lib}, state: Unproven, summary: "1 unknown to it, 9 taken from base", lookups: lib},
		{name: "of the repository's own owner", spoil: func(t *testing.T, l *sumLab) {
			l.edit(t, func(s string) string {
				return s + "example.com/app/sub v1.0.0 " + hashA + "\ngit.corp.internal/x v1.0.0 " + hashA + "\n"
			})
		}, state: Consistent, summary: "10 taken from base, 2 of this repository's own host and owner, or of no public host, not asked about"},
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

// TestGosumTagMoved: a module without a proxy, whose tag names other content than when
// the database saw it first.
func TestGosumTagMoved(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip(err)
	}
	const id = "git.example.com/m.git@v1.0.0"
	repos, home := t.TempDir(), t.TempDir()
	tree := filepath.Join(repos, "m.git")
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://" + repos + "/.insteadOf", "GIT_CONFIG_VALUE_0=https://git.example.com/",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com",
		"GOPATH=" + home, "GOENV=off", "GOTELEMETRY=off", "GO_TELEMETRY_CHILD=2", "GOTOOLCHAIN=local", "GOFLAGS=-modcacherw",
	}
	run := func(dir, name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	publish := func(text string) {
		labWrite(t, filepath.Join(tree, "go.mod"), "module git.example.com/m.git\n\ngo 1.21\n")
		labWrite(t, filepath.Join(tree, "m.go"), "package m\n\nconst Name = \""+text+"\"\n")
		for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-qm", text}, {"tag", "-f", "v1.0.0"}} {
			run(tree, git, args...)
		}
	}
	sums := func() (zip, mod string) {
		cache := t.TempDir()
		cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", id)
		cmd.Dir, cmd.Env = cache, append(slices.Clone(env), "GOMODCACHE="+filepath.Join(cache, "mod"), "GOPROXY=direct", "GOSUMDB=off")
		out, err := cmd.Output()
		if err != nil {
			t.Skipf("no direct download here: %v\n%s", err, out)
		}
		var d sourceDownload
		if err := json.Unmarshal(out, &d); err != nil {
			t.Fatal(err)
		}
		return d.Sum, d.GoModSum
	}
	publish("first")
	first, mod := sums()
	publish("moved")
	second, _ := sums()
	if first == second {
		t.Fatal("the tag did not move")
	}
	line := func(zip string) string {
		return "git.example.com/m.git v1.0.0 " + zip + "\ngit.example.com/m.git v1.0.0/go.mod " + mod + "\n"
	}
	db := sumdbtest.New(t, sumLabDB, strings.Split(strings.TrimSpace(line(first)), "\n")...)
	server := httptest.NewServer(db)
	t.Cleanup(server.Close)
	s := filesSession(t, map[string]string{"go.mod": "module example.com/app\n\ngo 1.21\n", "go.sum": line(second)})
	s.Env = goenv.FromMap(map[string]string{"GOPROXY": "direct", "GOSUMDB": db.Key + " " + server.URL, "GOVERSION": runtime.Version(), "GOMODCACHE": t.TempDir()})
	goPath, err := exec.LookPath("go")
	if err != nil {
		t.Skip(err)
	}
	s.Go, s.shared, s.Deep = gocmd.New(goPath, env, 0), &shared{}, true
	s.Getenv = func(string) string { return "" }
	s.Temp = func(name string) (string, error) { return os.MkdirTemp(t.TempDir(), name) }
	audit := newSumAudit(s)
	for _, f := range sumFiles(s.Modules) {
		if err := errors.Join(f.parse(), audit.add(t.Context(), f)); err != nil {
			t.Fatal(err)
		}
	}
	findings, err := audit.judge(t.Context())
	if err != nil || len(findings) != 1 || findings[0].Rule != ruleSumDatabaseMismatch.ID {
		t.Fatalf("got %q, %v", told(findings), err)
	}
	commit := strings.TrimSpace(run(tree, git, "rev-parse", "HEAD"))
	if want := "the checksum database has another hash for " + id + ": its tag was moved, refs/tags/v1.0.0 (now at " + commit[:12] + ") is not what was published first"; findings[0].Message != want {
		t.Errorf("got  %s\nwant %s\n%s", findings[0].Message, want, strings.Join(findings[0].Evidence, "\n"))
	}
	if findings[0].Fix.Command != "" {
		t.Errorf("nothing in the repository mends it, but the fix is %s", findings[0].Fix.Command)
	}
}

// TestSumVerdict: who is the odd one out, for every way in which the parties can agree.
func TestSumVerdict(t *testing.T) {
	t.Parallel()
	const d, s, x = "database", "sum", "other"
	for _, tt := range []struct {
		name                string
		base, cache, source string
		direct              bool
		want                string
		edit                bool
	}{
		{"the change edited it", d, d, d, false, "this change edited go.sum", true},
		{"edited, no cache", d, "", d, false, "this change edited go.sum", true},
		{"edited, nobody else asked", d, "", "", false, "this change edited go.sum", true},
		{"go.sum alone", "", d, d, false, "go.sum alone differs, P serves what the database has", true},
		{"go.sum alone, since long", s, "", d, false, "go.sum alone differs, P serves what the database has", true},
		{"go.sum alone, by the cache", "", d, "", false, "go.sum alone differs, the module cache holds what the database has", true},
		{"both from elsewhere", "", s, d, false, "go.sum and the module cache differ from what P serves", true},
		{"both from elsewhere, in a change", d, s, d, false, "go.sum and the module cache differ from what P serves", true},
		{"the proxy", "", s, s, false, "P serves other content than was published first", false},
		{"the proxy, in a change", d, d, s, false, "P serves other content than was published first", false},
		{"the tag", "", "", s, true, "its tag was moved, P is not what was published first", false},
		{"three contents", "", "", x, false, "go.sum and P differ from it and from each other", false},
		{"go.sum and the cache", "", s, "", false, "go.sum and the module cache agree with each other only", false},
		{"nobody", "", "", "", false, "go.sum differs, and nobody else could be asked", false},
		{"nobody that helps", x, x, "", false, "go.sum differs, and nobody else could be asked", false},
	} {
		got := sumParties{sum: s, database: d, base: tt.base, cache: tt.cache, source: tt.source, from: "P", direct: tt.direct}.verdict()
		if got.text != tt.want || got.edit != tt.edit || got.advice == "" {
			t.Errorf("%s: got %q, %t, want %q, %t", tt.name, got.text, got.edit, tt.want, tt.edit)
		}
	}
}

// TestGosumFailingDatabase: after some lookups without an answer nobody is asked on.
func TestGosumFailingDatabase(t *testing.T) {
	t.Parallel()
	sum := ""
	for i := range 200 {
		sum += fmt.Sprintf("example.com/m%d v1.0.0 %s\n", i, hashA)
	}
	db := sumdbtest.New(t, sumLabDB)
	db.Answer = func(w http.ResponseWriter, _ *http.Request, path string) bool {
		if path == "supported" {
			return false
		}
		w.WriteHeader(http.StatusInternalServerError)
		return true
	}
	server := httptest.NewServer(db)
	t.Cleanup(server.Close)
	s := filesSession(t, map[string]string{"go.mod": "module example.org/app\n\ngo 1.21\n", "go.sum": sum})
	s.Env = goenv.FromMap(map[string]string{"GOPROXY": server.URL, "GOSUMDB": db.Key})
	s.Getenv = func(string) string { return "" }
	s.shared, s.Deep = &shared{}, true
	facts, findings, err := runGosum(t.Context(), s)
	if err != nil || !slices.Equal(told(findings), []string{"gosum/database-unanswered "}) || facts.Link.State != Unproven {
		t.Errorf("got %q, %v, %+v", told(findings), err, facts.Link)
	}
	if n := len(db.Paths()); n > maxFailedLookups+maxLookupsAtOnce+1 {
		t.Errorf("%d requests to a database that fails", n)
	}
	if got := facts.Values["unanswered"]; got != 200 {
		t.Errorf("%v lines without an answer, want 200", got)
	}
	// Offline nobody is asked at all.
	before := len(db.Paths())
	s.Offline = true
	if facts, findings, err = runGosum(t.Context(), s); err != nil || len(findings) != 0 || len(db.Paths()) != before {
		t.Errorf("offline: %q, %v, %d requests", told(findings), err, len(db.Paths())-before)
	}
	if facts.Link.State != Consistent || facts.Link.Why != "not held against the checksum database: offline; whether it is complete could not be found out" {
		t.Errorf("offline: %+v", facts.Link)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestGosumWorkSum: go.work.sum is held against the database like go.sum, and a file
// with many wrong lines is told in a bounded number of findings.
func TestGosumWorkSum(t *testing.T) {
	t.Parallel()
	var right []string
	work := ""
	for i := range 30 {
		right = append(right, fmt.Sprintf("example.com/m%02d v1.0.0 %s", i, hashA))
		work += fmt.Sprintf("example.com/m%02d v1.0.0 %s\n", i, hashB)
	}
	db := sumdbtest.New(t, sumLabDB, append(right, "example.com/a v1.0.0 "+hashA)...)
	server := httptest.NewServer(db)
	t.Cleanup(server.Close)
	s := filesSession(t, map[string]string{
		"go.work": "go 1.21\n\nuse ./a\n", "go.work.sum": work,
		"a/go.mod": "module example.org/a\n\ngo 1.21\n", "a/go.sum": "example.com/a v1.0.0 " + hashA + "\n",
	})
	s.Env = goenv.FromMap(map[string]string{"GOPROXY": server.URL, "GOSUMDB": db.Key})
	s.Getenv = func(string) string { return "" }
	s.shared, s.Deep = &shared{}, true
	facts, findings, err := runGosum(t.Context(), s)
	if err != nil || len(findings) != maxBadLines {
		t.Fatalf("%d findings, %v, want %d", len(findings), err, maxBadLines)
	}
	for i, f := range findings {
		if f.Rule != ruleSumDatabaseMismatch.ID || f.File != "go.work.sum" || f.Line != i+1 || f.Dir != "" {
			t.Errorf("got %s at %s, module %q", f.Rule, f.Place(), f.Dir)
		}
	}
	if last := findings[0].Evidence[len(findings[0].Evidence)-1]; last != "so it is with 30 lines of this file" {
		t.Errorf("the first finding ends in %q", last)
	}
	if l := facts.Link; l.State != Broken || l.Proven != 1 || l.Total != 31 || l.Against != "checksum database" {
		t.Errorf("link %+v", l)
	}
}

// TestGosumManyLines: only so many lines are asked about, and the rest is not passed.
func TestGosumManyLines(t *testing.T) {
	t.Parallel()
	sum := ""
	for i := range 9 {
		sum += fmt.Sprintf("example.com/m%d v1.0.0 %s\n", i, hashA)
	}
	db := sumdbtest.New(t, sumLabDB, strings.Split(strings.TrimSpace(sum), "\n")...)
	server := httptest.NewServer(db)
	t.Cleanup(server.Close)
	s := filesSession(t, map[string]string{"go.mod": "module example.org/app\n\ngo 1.21\n", "go.sum": sum})
	s.Env = goenv.FromMap(map[string]string{"GOPROXY": server.URL, "GOSUMDB": db.Key})
	s.Getenv = func(string) string { return "" }
	s.shared, s.Deep = &shared{}, true
	audit := newSumAudit(s)
	audit.limit = 4
	for _, f := range sumFiles(s.Modules) {
		if err := errors.Join(f.parse(), audit.add(t.Context(), f)); err != nil {
			t.Fatal(err)
		}
	}
	findings, err := audit.judge(t.Context())
	if n := audit.numbers; err != nil || !slices.Equal(told(findings), []string{"gosum/database-unanswered "}) || n.Confirmed != 4 || n.Unanswered != 5 {
		t.Errorf("got %q, %v, %+v, want 4 confirmed and 5 without an answer", told(findings), err, n)
	}
}

// TestJoinGosumDatabase: shards hold their own lines against the database, and the sum
// of them is what one run says.
func TestJoinGosumDatabase(t *testing.T) {
	t.Parallel()
	modules := []ModuleStatus{{Dir: "a", Status: Passed}, {Dir: "b", Status: Passed}}
	shard := func(confirmed, base float64, more map[string]any) map[string]any {
		facts := map[string]any{"files": 2.0, "read": 2.0, "lines": 10.0, "complete": 1.0, "database": "sum.example.org", "confirmed": confirmed, "fromBase": base}
		for k, v := range more {
			facts[k] = v
		}
		return facts
	}
	for _, tt := range []struct {
		name  string
		facts []map[string]any
		state LinkState
		says  string
	}{
		{"all confirmed", []map[string]any{shard(4, 0, nil), shard(6, 0, nil)}, Proven, "10 lines in 2 files, well formed and complete; 10 confirmed by the checksum database"},
		{"some from base", []map[string]any{shard(1, 3, nil), shard(0, 6, nil)}, Consistent, "10 lines in 2 files, well formed and complete; 1 confirmed by the checksum database, 9 taken from base"},
		{"one did not answer", []map[string]any{shard(4, 0, nil), {}}, Consistent, "10 lines in 2 files, well formed, complete in 1 of 2 modules; 4 confirmed by the checksum database"},
		{"one without the database", []map[string]any{shard(4, 0, nil), shard(0, 0, map[string]any{"unanswered": 6.0})}, Unproven, "10 lines in 2 files, well formed and complete; 4 confirmed by the checksum database, 6 without an answer"},
		{"not asked", []map[string]any{{"files": 2.0, "read": 2.0, "lines": 10.0, "complete": 1.0, "notAsked": "offline"}, {"files": 2.0, "read": 2.0, "lines": 10.0, "complete": 1.0, "notAsked": "offline"}}, Consistent, "10 lines in 2 files, well formed and complete"},
	} {
		got := joinGosum(&Joint{Modules: modules, Facts: tt.facts})
		if got.Summary != tt.says || got.Link.State != tt.state {
			t.Errorf("%s: got %q, %+v, want %q, %s", tt.name, got.Summary, got.Link, tt.says, tt.state)
		}
	}
}
