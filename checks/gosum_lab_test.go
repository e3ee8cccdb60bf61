package checks

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/faultdoc"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/sumdbtest"
)

// says is what a go command makes of the lab, in a line: without what differs from
// machine to machine.
func (l *sumLab) says(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = l.root
	cmd.Env = append(slices.Clone(l.env), "GOMODCACHE="+l.cache, "GOPROXY="+l.proxy, "GOSUMDB="+l.db.Key, "GOPATH="+l.gopath, "PWD="+l.root)
	for k, v := range l.set {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return "passes"
	}
	return "`" + l.words(string(out)) + "`"
}

var (
	loopback = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	keyHash  = regexp.MustCompile(`\+[0-9a-f]{8}\b`)
	numbered = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

// words is the line of an output that says most.
func (l *sumLab) words(out string) string {
	best, told := "", false
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if isProgress(line) || line == "" {
			continue
		}
		if best == "" {
			best = line
		}
		for _, telling := range []string{"checksum mismatch", "missing go.sum entry", "wrong number of fields", "misbehavior", "reading http", "reading tree note", "cannot authenticate"} {
			if strings.Contains(line, telling) && !told {
				best, told = line, true
			}
		}
	}
	best = strings.NewReplacer(l.root, "REPOSITORY", l.cache, "GOMODCACHE").Replace(best)
	best = numbered.ReplaceAllString(loopback.ReplaceAllString(best, "https://goproxy.example"), "goproxy.example")
	best = strings.TrimSuffix(keyHash.ReplaceAllString(best, "+HASH"), ":")
	best = strings.Replace(best, "go: example.com/lib@v1.0.0: verifying go.mod: example.com/lib@v1.0.0/go.mod: ", "… verifying go.mod: ", 1)
	if r := []rune(best); len(r) > 200 {
		best = string(r[:200]) + "…"
	}
	return best
}

// anew is what the go command says where it has to look the lab's lib up: its lines
// are not there yet, and neither is it in the cache.
func (l *sumLab) anew(t *testing.T) string {
	t.Helper()
	path := filepath.Join(l.root, "go.sum")
	now := labRead(t, path)
	defer labWrite(t, path, now)
	labWrite(t, path, dropLine(dropLine(l.good, "example.com/lib v1.0.0 "), "example.com/lib v1.0.0/"))
	home := t.TempDir()
	return l.says(t, []string{"GOMODCACHE=" + filepath.Join(home, "mod"), "GOPATH=" + home, "GOFLAGS=-modcacherw"}, "mod", "tidy")
}

// TestGosumLab breaks go.sum, or what it is held against, in every way that is known,
// and sets side by side what the go command and gopreflight say.
func TestGosumLab(t *testing.T) {
	lab := newCacheLab(t)
	const lib, libLine, libMod = "example.com/lib@v1.0.0", "example.com/lib v1.0.0 h1:", "example.com/lib v1.0.0/go.mod"
	edit := func(change func(string) string) func(*testing.T, *sumLab) {
		return func(t *testing.T, l *sumLab) { l.edit(t, change) }
	}
	wrongHash := func(t *testing.T, l *sumLab) {
		l.edit(t, func(s string) string { return strings.Replace(s, hashOf(s, libLine), hashA, 1) })
	}
	rows := []struct {
		name  string
		spoil func(*testing.T, *sumLab)
		// build and verify are whether go build and go mod verify pass.
		build, verify bool
		// anew says that the table tells what adding the line anew says.
		anew bool
		want []string // rule, place, module
		// either says that go build may name another module.
		either bool
		// fixed says that pasting the fixes makes go.sum right again.
		fixed bool
	}{
		{name: "a line with two fields", spoil: edit(func(s string) string { return s + "example.com/x v1.0.0\n" }), want: []string{"gosum/malformed go.sum:11"}, fixed: true},
		{name: "a line with four fields", spoil: edit(func(s string) string { return "example.com/x v1.0.0 " + hashA + " x\n" + s }), want: []string{"gosum/malformed go.sum:1"}, fixed: true},
		{name: "conflict markers", spoil: edit(func(s string) string { return "<<<<<<< HEAD\n" + s + "=======\n>>>>>>> theirs\n" }), want: []string{"gosum/merge-conflict go.sum:1"}, fixed: true},
		{name: "conflict markers of three words each", build: true, verify: true, spoil: edit(func(s string) string { return "<<<<<<< HEAD ours\n" + s }), want: []string{"gosum/merge-conflict go.sum:1"}, fixed: true},
		{name: "a hash cut short", spoil: edit(func(s string) string { return strings.Replace(s, hashOf(s, libLine), "h1:AAAA", 1) }), verify: true, want: []string{"gosum/malformed go.sum:7"}, fixed: true},
		{name: "an unknown algorithm", spoil: edit(func(s string) string { return strings.Replace(s, libLine, "example.com/lib v1.0.0 h2:", 1) }), verify: true, want: []string{"gosum/unknown-algorithm go.sum:7"}, fixed: true},
		{name: "a line that is no module version", build: true, verify: true, spoil: edit(func(s string) string { return s + "example.com/x main " + hashA + "\n" }), want: []string{"gosum/unusable-line go.sum:11"}, fixed: true},
		{name: "a wrong hash behind the right one", build: true, verify: true, spoil: edit(func(s string) string { return s + libLine + hashA[3:] + "\n" }),
			want: []string{"gosum/conflict go.sum:11 " + lib, "gosum/database-mismatch go.sum:11 " + lib}},
		{name: "a wrong hash in front of the right one", verify: true, spoil: edit(func(s string) string { return libLine + hashA[3:] + "\n" + s }),
			want: []string{"gosum/conflict go.sum:8 " + lib, "gosum/database-mismatch go.sum:1 " + lib}},
		{name: "the line of a module's content is missing", verify: true, spoil: edit(func(s string) string { return dropLine(s, libLine) }), want: []string{"gosum/missing go.sum:7 " + lib}, fixed: true},
		{name: "the line of a go.mod is missing", verify: true, spoil: edit(func(s string) string { return dropLine(s, libMod) }), want: []string{"gosum/missing go.sum:8 " + lib}, fixed: true},
		{name: "there is no go.sum", verify: true, spoil: func(t *testing.T, l *sumLab) { labRemove(t, filepath.Join(l.root, "go.sum")) }, want: []string{"gosum/missing go.mod:1"}, fixed: true},
		{name: "a line that nothing needs", build: true, verify: true, spoil: func(t *testing.T, l *sumLab) {
			line := "example.com/left v1.0.0 " + hashA + "\n"
			l.base["go.sum"] = l.good + line
			l.edit(t, func(s string) string { return s + line })
		}, want: []string{"gosum/unused go.sum:11 example.com/left@v1.0.0"}, fixed: true},
		{name: "lines out of order", build: true, verify: true, spoil: edit(func(s string) string {
			line := lineOf(s, libLine)
			return line + strings.Replace(s, line, "", 1)
		}), want: []string{"gosum/not-canonical go.sum:1"}, fixed: true},
		{name: "every line twice", build: true, verify: true, spoil: edit(func(s string) string { return s + s }), want: []string{"gosum/not-canonical go.sum:11"}, fixed: true},
		{name: "CRLF", build: true, verify: true, spoil: edit(func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }), want: []string{"gosum/not-canonical go.sum:1"}, fixed: true},
		{name: "one hash falsified", verify: true, spoil: wrongHash, want: []string{"gosum/database-mismatch go.sum:7 " + lib, "modcache/gosum-mismatch go.sum:7 " + lib}, fixed: true},
		{name: "the hash of a go.mod falsified", spoil: edit(func(s string) string { return strings.Replace(s, hashOf(s, libMod), hashA, 1) }),
			want: []string{"gosum/database-mismatch go.sum:8 " + lib, "modcache/gosum-mismatch go.sum:8 " + lib}, fixed: true},
		{name: "two hashes swapped", verify: true, spoil: edit(func(s string) string {
			a, b := hashOf(s, libLine), hashOf(s, "example.com/dep v1.0.0 h1:")
			return strings.NewReplacer(a, b, b, a).Replace(s)
		}), want: []string{"gosum/database-mismatch go.sum:3 example.com/dep@v1.0.0", "gosum/database-mismatch go.sum:7 " + lib,
			"modcache/gosum-mismatch go.sum:3 example.com/dep@v1.0.0", "modcache/gosum-mismatch go.sum:7 " + lib}, either: true, fixed: true},
		{name: "the proxy serves something else, and go.sum was written from that", build: true, verify: true, anew: true, spoil: func(t *testing.T, l *sumLab) {
			zip, _ := tampered(t, l.served, lib)
			l.edit(t, func(s string) string { return strings.Replace(s, hashOf(s, libLine), zip, 1) })
			l.base["go.sum"] = dropLine(l.good, libLine)
			l.poison(t, l.served, lib)
		}, want: []string{"gosum/database-mismatch go.sum:7 " + lib}},
		{name: "go.sum and the cache from elsewhere, the proxy is right", build: true, verify: true, spoil: func(t *testing.T, l *sumLab) {
			elsewhere := t.TempDir()
			zip, _ := tampered(t, elsewhere, lib)
			l.edit(t, func(s string) string { return strings.Replace(s, hashOf(s, libLine), zip, 1) })
			l.base["go.sum"] = dropLine(l.good, libLine)
			l.poison(t, elsewhere, lib)
		}, want: []string{"gosum/database-mismatch go.sum:7 " + lib}},
		{name: "the cache from elsewhere, with a recorded hash that fits", verify: true, spoil: func(t *testing.T, l *sumLab) {
			elsewhere := t.TempDir()
			tampered(t, elsewhere, lib)
			l.poison(t, elsewhere, lib)
		}, want: []string{"gosum/cache-differs go.sum:7 " + lib, "modcache/gosum-mismatch go.sum:7 " + lib}, fixed: true},
		{name: "a version that the database does not know", build: true, verify: true, anew: true, spoil: func(t *testing.T, l *sumLab) {
			l.base["go.sum"] = dropLine(dropLine(l.good, libLine), libMod)
			l.db = sumdbtest.New(t, sumLabDB, strings.Split(strings.TrimSpace(l.base["go.sum"]), "\n")...)
			l.serve(t)
		}, want: []string{"gosum/database-unknown go.sum:7 " + lib}},
		{name: "a proxy that rewrites the database's answers", build: true, verify: true, anew: true, spoil: func(_ *testing.T, l *sumLab) {
			l.base["go.sum"] = dropLine(l.good, libLine)
			inner := l.db.Fork(strings.Split(strings.TrimSpace(l.good), "\n")...)
			l.db.Answer = func(w http.ResponseWriter, r *http.Request, _ string) bool {
				rec := httptest.NewRecorder()
				inner.ServeHTTP(rec, r)
				_, _ = w.Write([]byte(strings.Replace(rec.Body.String(), hashOf(l.good, libLine), hashA, 1)))
				return true
			}
		}, want: []string{"gosum/database-untrusted "}},
		{name: "another database answers", build: true, verify: true, anew: true, spoil: func(t *testing.T, l *sumLab) {
			l.base["go.sum"] = dropLine(l.good, libLine)
			l.set["GOSUMDB"] = sumdbtest.New(t, sumLabDB).Key
		}, want: []string{"gosum/database-untrusted "}},
		{name: "the database does not answer", build: true, verify: true, anew: true, spoil: func(_ *testing.T, l *sumLab) {
			l.base["go.sum"] = dropLine(l.good, libLine)
			l.db.Answer = func(w http.ResponseWriter, _ *http.Request, _ string) bool {
				http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
				return true
			}
		}, want: []string{"gosum/database-unanswered "}},
		{name: "GOSUMDB=off and a proxy that serves something else", build: true, verify: true, anew: true, spoil: func(t *testing.T, l *sumLab) {
			zip, _ := tampered(t, l.served, lib)
			l.set["GOSUMDB"] = "off"
			l.edit(t, func(s string) string { return strings.Replace(s, hashOf(s, libLine), zip, 1) })
			l.base["go.sum"] = dropLine(l.good, libLine)
			l.poison(t, l.served, lib)
		}},
	}
	var table [][]string
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			l := newSumLab(t, lab)
			tt.spoil(t, l)
			anew := ""
			if tt.anew {
				anew = l.anew(t)
			}
			before := labSnapshot(t, l.root)
			results, chain, _ := (&Runner{Checks: All, Redactor: plain.NewRedactor(nil), Selected: func(c *Check) (bool, string) {
				return c == gosum || c == modcache, "not selected"
			}}).Run(t.Context(), l.sumSession(t))
			if after := labSnapshot(t, l.root); after != before {
				t.Errorf("the work tree was written:\n%s\nbefore:\n%s", after, before)
			}
			var findings []Finding
			for _, r := range results {
				findings = append(findings, r.Findings...)
				if r.Status == Errored {
					t.Errorf("%s could not find out: %s", r.Check, r.Reason)
				}
			}
			got := told(findings)
			if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(tt.want))) {
				t.Errorf("findings %q, want %q", got, tt.want)
			}
			build := l.says(t, []string{"GOFLAGS=-mod=readonly"}, "build", "./...")
			verify := l.says(t, nil, "mod", "verify")
			if (build == "passes") != tt.build || (verify == "passes") != tt.verify {
				t.Errorf("go build %s, go mod verify %s, want pass %t and %t", build, verify, tt.build, tt.verify)
			}
			if tt.either { // of two modules the go command reports the one that it reads first
				build = strings.Replace(build, "example.com/dep@", "example.com/lib@", 1)
			}
			ours := l.table(results)
			if tt.want == nil {
				i := slices.IndexFunc(chain, func(l Link) bool { return l.Link == "gosum" })
				ours = "no finding; the link is " + string(chain[i].State) + ": " + chain[i].Why
			}
			table = append(table, []string{tt.name, build, verify, anew, ours})
			if tt.fixed {
				l.paste(t, results)
			}
		})
	}
	if !t.Failed() {
		faultdoc.Table(t, "gosum", []string{"fault", "`go build`", "`go mod verify`", "`go mod tidy` that adds the line anew, cold cache", "gopreflight"}, table)
	}
}

// table is the findings for the page.
func (l *sumLab) table(results []Result) string {
	var texts []string
	for _, r := range results {
		for _, f := range r.Findings {
			texts = append(texts, fmt.Sprintf("**%s** %s", f.Rule, l.words(f.Message)))
		}
	}
	return strings.Join(texts, "\n")
}

// paste runs the fixes, those of go.sum first, and wants go.sum as it should be, and a
// build that passes.
func (l *sumLab) paste(t *testing.T, results []Result) {
	t.Helper()
	slices.SortStableFunc(results, func(a, b Result) int { return strings.Compare(a.Check, b.Check) })
	for _, r := range results {
		if r.Check == modcache.Name {
			continue // it advises to find out, which gosum has done
		}
		for _, f := range r.Findings {
			cmd := exec.CommandContext(t.Context(), "sh", "-c", f.Fix.Command)
			cmd.Dir = l.root
			cmd.Env = append(slices.Clone(l.env), "GOMODCACHE="+l.cache, "GOPROXY="+l.proxy, "GOSUMDB="+l.db.Key, "GOPATH="+l.gopath)
			if out, err := cmd.CombinedOutput(); err != nil || f.Fix.Command == "" {
				t.Errorf("fix %q: %v\n%s", f.Fix.Command, err, out)
			}
		}
	}
	if got := labRead(t, filepath.Join(l.root, "go.sum")); got != l.good {
		t.Errorf("after the fix, go.sum is\n%s\nwant\n%s", got, l.good)
	}
	if got := l.says(t, nil, "build", "./..."); got != "passes" {
		t.Errorf("after the fix, go build says %s", got)
	}
	_, findings, err := runGosum(t.Context(), l.sumSession(t))
	if err != nil || len(findings) != 0 {
		t.Errorf("after the fix: %v, %v", told(findings), err)
	}
}

// poison puts what a folder serves of a module into the cache, with all that the go
// command keeps of it.
func (l *sumLab) poison(t *testing.T, served, id string) {
	t.Helper()
	for _, ext := range []string{"zip", "mod"} {
		labCopy(t, filepath.Join(served, filepath.FromSlash(escapeID(id, "%s/@v/%s."+ext))), l.file(id, ext))
	}
	labWrite(t, l.file(id, "ziphash"), labHashZip(t, l.file(id, "zip")))
	l.unzip(t, id)
}

// serve starts the lab's proxy, which serves the modules and the database.
func (l *sumLab) serve(t *testing.T) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/sumdb/"+sumLabDB+"/", l.db)
	mux.Handle("/", http.FileServer(http.Dir(l.served)))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	l.proxy = server.URL
}
