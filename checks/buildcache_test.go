package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	gobuildcache "github.com/gopreflight/gopreflight/internal/buildcache"
	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// buildcacheSession is a session whose GOCACHE is one that nobody filled.
func buildcacheSession(t *testing.T, env map[string]string) (s *Session, cache string) {
	t.Helper()
	root, cache := t.TempDir(), filepath.Join(t.TempDir(), "cache")
	labWrite(t, filepath.Join(root, "go.mod"), "module example.com/app\n\ngo 1.21\n")
	r, err := repo.Load(t.Context(), repo.Options{Dir: root})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	all := map[string]string{"GOCACHE": cache, "GOVERSION": "go1.26.8"}
	for k, v := range env {
		all[k] = strings.ReplaceAll(v, "$ROOT", root)
	}
	return &Session{
		Repo: r, Modules: r.Modules, Scope: ScopeJob, Config: config.Default(), Env: goenv.FromMap(all), Now: time.Now,
	}, cache
}

// putObject stores content as the go command would, an hour ago, with an index
// entry of its own, and returns the object's path.
func putObject(t *testing.T, cache, content string) string {
	t.Helper()
	sum, step := sha256.Sum256([]byte(content)), sha256.Sum256([]byte("step of "+content))
	name := func(id [32]byte, what string) string {
		return filepath.Join(cache, hex.EncodeToString(id[:1]), hex.EncodeToString(id[:])+what)
	}
	labWrite(t, name(step, "-a"), fmt.Sprintf("v1 %x %x %20d %20d\n", step, sum, len(content), time.Now().UnixNano()))
	labWriteOld(t, name(sum, "-d"), content)
	return name(sum, "-d")
}

// labWriteOld writes a file as one that no build is writing.
func labWriteOld(t *testing.T, path, content string) {
	t.Helper()
	labWrite(t, path, content)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

func TestBuildcacheSkipped(t *testing.T) {
	t.Parallel()
	const prog = "GOCACHEPROG is set: builds ask that program, not GOCACHE"
	tests := []struct {
		name   string
		env    map[string]string
		scope  Scope
		reason string // "" for asked
	}{
		{"warm", nil, ScopeJob, ""},
		{"off", map[string]string{"GOCACHE": "off"}, ScopeJob, "GOCACHE=off is not an absolute path"},
		{"relative", map[string]string{"GOCACHE": "cache"}, ScopeJob, "GOCACHE=cache is not an absolute path"},
		{"unknown", map[string]string{"GOCACHE": ""}, ScopeJob, "GOCACHE= is not an absolute path"},
		{"container", nil, ScopeContainer, "the job's cache is outside this container, use host/"},
		{"container, cache in the tree", map[string]string{"GOCACHE": "$ROOT/cache"}, ScopeContainer, "cold: GOCACHE ($ROOT/cache) holds nothing that was built"},
		{"program", map[string]string{"GOCACHEPROG": "/bin/prog"}, ScopeJob, prog},
		{"program, Go 1.24", map[string]string{"GOCACHEPROG": "/bin/prog", "GOVERSION": "go1.24.0"}, ScopeJob, prog},
		{"program, Go of tomorrow", map[string]string{"GOCACHEPROG": "/bin/prog", "GOVERSION": "devel go1.28-0123abcd Thu Nov 20 06:54:36 2026 +0000"}, ScopeJob, prog},
		{"program, Go 1.23 does not know it", map[string]string{"GOCACHEPROG": "/bin/prog", "GOVERSION": "go1.23.4"}, ScopeJob, ""},
		{"program, Go 1.23 with the experiment", map[string]string{"GOCACHEPROG": "/bin/prog", "GOVERSION": "go1.23.4 X:cacheprog"}, ScopeJob, prog},
		{"program, GOEXPERIMENT", map[string]string{"GOCACHEPROG": "/bin/prog", "GOVERSION": "go1.22.1", "GOEXPERIMENT": "x,cacheprog"}, ScopeJob, prog},
		{"program, Go 1.20 with an experiment it has not", map[string]string{"GOCACHEPROG": "/bin/prog", "GOVERSION": "go1.20.1", "GOEXPERIMENT": "cacheprog"}, ScopeJob, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, cache := buildcacheSession(t, tt.env)
			putObject(t, cache, "package p")
			s.Scope = tt.scope
			facts, findings, err := runBuildcache(t.Context(), s)
			if len(findings) > 0 {
				t.Errorf("findings %+v", findings)
			}
			want := strings.ReplaceAll(tt.reason, "$ROOT", s.Root())
			if want == "" {
				if err != nil || facts.Link.State != Consistent || facts.Summary != "1 object consistent with its name (9 B)" {
					t.Errorf("%v, link %+v, %q", err, facts.Link, facts.Summary)
				}
				return
			}
			if statusOf(err) != Skipped || err.Error() != want {
				t.Errorf("error is %v, want skipped: %s", err, want)
			}
			if strings.HasPrefix(want, "GOCACHEPROG") && (facts.Link == nil || facts.Link.State != Unproven) {
				t.Errorf("link is %+v, want unproven", facts.Link)
			}
		})
	}
}

func TestBuildcacheCold(t *testing.T) {
	t.Parallel()
	s, cache := buildcacheSession(t, nil)
	for _, made := range []bool{false, true} {
		if made {
			labWrite(t, filepath.Join(cache, "README"), "x")
			labWrite(t, filepath.Join(cache, "trim.txt"), "1796059650")
		}
		facts, findings, err := runBuildcache(t.Context(), s)
		if want := fmt.Sprintf("cold: GOCACHE (%s) holds nothing that was built", cache); statusOf(err) != Skipped || err.Error() != want {
			t.Errorf("error is %v, want skipped: %s", err, want)
		}
		if facts.Link.State != Absent || len(findings) > 0 {
			t.Errorf("link is %+v, findings %+v", facts.Link, findings)
		}
	}
}

// By default the newest 4 GiB are looked at, with --deep all.
func TestBuildcacheBound(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files with holes are written in full")
	}
	s, cache := buildcacheSession(t, nil)
	putObject(t, cache, "package p")
	large := filepath.Join(cache, "ab", "ab"+strings.Repeat("0", 62)+"-d")
	labWriteOld(t, large, "")
	if err := os.Truncate(large, buildcacheBytes+1); err != nil {
		t.Skip(err)
	}
	facts, findings, err := runBuildcache(t.Context(), s)
	if err != nil || len(findings) > 0 {
		t.Errorf("findings %+v, %v", findings, err)
	}
	if facts.Link.State != Unproven || facts.Link.Why != "1 object not looked at (4.3 GB); --deep looks at all" {
		t.Errorf("link is %+v", facts.Link)
	}
	if want := "1 object consistent with its name (9 B), 1 object not looked at (4.3 GB); --deep looks at all"; facts.Summary != want {
		t.Errorf("summary is %q, want %q", facts.Summary, want)
	}
	if facts.Values["notLookedAt"] != 1 || facts.Values["consistent"] != 1 {
		t.Errorf("values are %v", facts.Values)
	}

	if err := os.Truncate(large, 64<<20); err != nil { // not all that for a test
		t.Fatal(err)
	}
	s.Deep = true
	facts, findings, err = runBuildcache(t.Context(), s)
	if err != nil || len(findings) != 1 || findings[0].Rule != ruleObjectDamaged.ID || facts.Link.State != Consistent {
		t.Errorf("--deep: findings %+v, %v, link %+v", findings, err, facts.Link)
	}
}

// Of many objects the first are told one by one, and the others together.
func TestBuildcacheMany(t *testing.T) {
	t.Parallel()
	s, cache := buildcacheSession(t, nil)
	const n = maxObjectFindings + 70
	for i := range n {
		content := fmt.Sprintf("package p%03d", i)
		labWriteOld(t, putObject(t, cache, content), strings.ToUpper(content))
	}
	facts, findings, err := runBuildcache(t.Context(), s)
	if err != nil || len(findings) != maxObjectFindings+1 || facts.Link.State != Broken {
		t.Fatalf("%d findings, %v, link %+v", len(findings), err, facts.Link)
	}
	seen := map[string]bool{}
	for _, f := range findings {
		if f.Rule != ruleObjectModified.ID || seen[f.Key] || f.Key == "" {
			t.Errorf("finding %+v", f)
		}
		seen[f.Key] = true
		for _, path := range f.Fix.Aside {
			seen[path] = true
		}
	}
	last := findings[maxObjectFindings]
	if len(last.Fix.Aside) != n-maxObjectFindings || len(seen) != n+maxObjectFindings+1 {
		t.Errorf("the last one moves %d aside; %d keys and paths in all", len(last.Fix.Aside), len(seen))
	}
	if want := "70 more objects of the build cache are not what their names say, and builds use them"; last.Message != want {
		t.Errorf("message is %q, want %q", last.Message, want)
	}
	if facts.Link.Why != "90 files that builds use: not what the name says" {
		t.Errorf("why is %q", facts.Link.Why)
	}
}

func TestBuildcacheLarge(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	survey := &gobuildcache.Survey{
		Exists: true, Objects: 40_000, Bytes: 10_000_000_001, Sound: 40_000, SoundBytes: 10_000_000_001,
		Stale: 12, StaleBytes: 1000, Oldest: day.AddDate(0, 0, -9), Newest: day, Trimmed: day.AddDate(0, 0, -1),
	}
	findings := builtCache{Survey: survey, dir: "/c"}.findings()
	if len(findings) != 1 || findings[0].Rule != ruleBuildcacheLarge.ID || findings[0].Fix.Command != "go clean -cache" {
		t.Fatalf("findings are %+v", findings)
	}
	got := findings[0].Message + "\n" + strings.Join(findings[0].Evidence, "\n")
	want := `the build cache holds 10.0 GB in 40,000 objects
not used for five days: 12 objects (1.0 kB)
last used: 2026-11-21 to 2026-11-30
last trimmed: 2026-11-29 12:00:00 UTC`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	survey.Bytes--
	if findings := (builtCache{Survey: survey}).findings(); len(findings) > 0 {
		t.Errorf("10 GB: %+v", findings)
	}
}

// What cannot be read leaves the question without an answer.
func TestBuildcacheUnreadable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		// root reads everything: what the engine would say.
		b := builtCache{dir: "/c", Survey: &gobuildcache.Survey{Exists: true, Objects: 2, Sound: 1, Unreadable: 1, Errs: []error{os.ErrPermission}}}
		findings := b.findings()
		if len(findings) != 1 || findings[0].Rule != ruleBuildcacheUnreadable.ID || b.facts().Link.State != Unproven {
			t.Errorf("findings %+v, link %+v", findings, b.facts().Link)
		}
		return
	}
	s, cache := buildcacheSession(t, nil)
	putObject(t, cache, "package p")
	if err := os.Chmod(putObject(t, cache, "package q"), 0); err != nil {
		t.Fatal(err)
	}
	facts, findings, err := runBuildcache(t.Context(), s)
	if len(findings) != 1 || findings[0].Rule != ruleBuildcacheUnreadable.ID || statusOf(err) != Errored || facts.Link.State != Unproven {
		t.Errorf("findings %+v, %v, link %+v", findings, err, facts.Link)
	}
}
