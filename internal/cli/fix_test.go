package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/checks"
)

// objects is a check as buildcache is one: it names the objects of GOCACHE whose
// content is not what their name says.
func objects() *checks.Check {
	rule := &checks.Rule{ID: "objects/tampered", Severity: checks.Error, Summary: "An object is not what its name says.", Help: "Help."}
	return &checks.Check{
		Name: "objects", Stage: checks.StageCache, Title: "objects are what their names say", Mends: true, Rules: []*checks.Rule{rule},
		Run: func(_ context.Context, s *checks.Session) (checks.Facts, []checks.Finding, error) {
			var bad []string
			err := filepath.WalkDir(s.Env.Get("GOCACHE"), func(path string, d fs.DirEntry, err error) error {
				id, isObject := strings.CutSuffix(filepath.Base(path), "-d")
				if err != nil || !isObject || !d.Type().IsRegular() {
					return err
				}
				data, err := os.ReadFile(path)
				if sum := sha256.Sum256(data); err == nil && hex.EncodeToString(sum[:]) != id {
					bad = append(bad, path)
				}
				return err
			})
			if len(bad) == 0 {
				return checks.Facts{}, nil, err
			}
			f := rule.Finding("%d objects are not what their names say", len(bad))
			f.Fix.Aside = bad
			return checks.Facts{}, []checks.Finding{f}, err
		},
	}
}

// TestFixBuildCache: an object of the build cache that was tampered with is linked
// by go build without a word; what fix moves aside, the go command makes again.
func TestFixBuildCache(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: compiles the runtime into a build cache of its own")
	}
	top := t.TempDir()
	repo, cache := filepath.Join(top, "repo"), filepath.Join(top, "gocache")
	for name, text := range map[string]string{
		"go.mod":     "module example.org/m\n\ngo 1.21\n",
		"main.go":    "package main\n\nimport \"example.org/m/word\"\n\nfunc main() { println(word.Say()) }\n",
		"word/w.go":  "package word\n\nvar w = \"the original word\"\n\n//go:noinline\nfunc Say() string { return w }\n",
		"../tmp/x":   "",
		"../home/xx": "",
	} {
		path := filepath.Join(repo, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	env := append(slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "GITHUB_") || strings.HasPrefix(kv, "CI")
	}), "GOCACHE="+cache, "HOME="+filepath.Join(top, "home"), "XDG_CACHE_HOME="+filepath.Join(top, "home", ".cache"), "GOFLAGS=", "GOTOOLCHAIN=local", "TMPDIR="+filepath.Join(top, "tmp"), "GO_TELEMETRY_CHILD=2")
	run := func() string {
		t.Helper()
		cmd := exec.Command("go", "run", ".")
		cmd.Dir, cmd.Env = repo, env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if got := run(); got != "the original word" {
		t.Fatalf("the program says %q", got)
	}
	tampered := 0
	err := filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "-d") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(data, []byte("the original word")) || !bytes.HasPrefix(data, []byte("!<arch>")) {
			return err
		}
		tampered++
		return os.WriteFile(path, bytes.ReplaceAll(data, []byte("the original word"), []byte("the tampered word")), 0o644)
	})
	if err != nil || tampered == 0 {
		t.Fatalf("%d objects were tampered with, %v", tampered, err)
	}
	// The linked program is an object, too: without it, what was tampered with is linked.
	removeExecutables(t, cache)
	if got := run(); got != "the tampered word" {
		t.Fatalf("the program says %q: a same-length edit was noticed", got)
	}
	removeExecutables(t, cache)

	check := objects()
	fix := func(dryRun bool) (string, int) {
		t.Helper()
		out, err := os.Create(filepath.Join(top, "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		sys := &system{stdout: out, stderr: out, environ: env, getenv: getenvOf(env), now: time.Now, dir: repo}
		f := &fixer{
			sys: sys, o: &fixOptions{dryRun: dryRun, to: filepath.Join(top, "aside")}, dir: repo, place: sys.place(),
			rules: map[string]bool{"objects/tampered": true}, all: []*checks.Check{check}, targets: []*checks.Check{check},
		}
		f.o.run.timeout = time.Minute
		code, err := f.run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(out.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text), code
	}
	if text, code := fix(true); code != 1 || !strings.Contains(text, "1 would be mended") {
		t.Errorf("dry run: %d\n%s", code, text)
	}
	if got := run(); got != "the tampered word" {
		t.Errorf("after a dry run the program says %q", got)
	}
	removeExecutables(t, cache)
	if text, code := fix(false); code != 0 || !strings.Contains(text, "objects/tampered  mended") {
		t.Errorf("%d\n%s", code, text)
	}
	if got := run(); got != "the original word" {
		t.Errorf("after the fix the program says %q", got)
	}
	if found, _ := filepath.Glob(filepath.Join(top, "aside", "*", "_moved", "*", "*-d")); len(found) != tampered {
		t.Errorf("quarantined %q, want %d", found, tampered)
	}
}

// removeExecutables removes what go run keeps of linked programs (Go 1.24).
func removeExecutables(t *testing.T, cache string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(cache, "*", "*-d"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func getenvOf(environ []string) func(string) string {
	return func(name string) string {
		for _, kv := range slices.Backward(environ) {
			if value, ok := strings.CutPrefix(kv, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

func TestFixTargets(t *testing.T) {
	t.Parallel()
	names := func(list []*checks.Check) string {
		var words []string
		for _, c := range list {
			words = append(words, c.Name)
		}
		return strings.Join(words, " ")
	}
	for _, r := range []struct {
		args         []string
		checks, fail string
		rule, not    string
	}{
		{args: []string{"modcache"}, checks: "modcache", rule: "modcache/tree-modified"},
		{args: []string{"modcache/info-damaged"}, checks: "modcache", rule: "modcache/info-damaged", not: "modcache/tree-modified"},
		{args: nil, checks: names(slices.DeleteFunc(slices.Clone(checks.All), func(c *checks.Check) bool { return !c.Mends })), rule: "modcache/tree-modified"},
		{args: []string{"tidy"}, fail: "tidy: there is nothing that a machine could mend"},
		{args: []string{"modcache", "modcache/tree-modifed"}, fail: `did you mean "modcache/tree-modified"`},
		{args: []string{""}, fail: "unknown rule or check"},
	} {
		rules, list, err := fixTargets(r.args)
		if r.fail != "" {
			var usage *usageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), r.fail) {
				t.Errorf("%q: %v, want a usage error with %q", r.args, err, r.fail)
			}
			continue
		}
		if err != nil || names(list) != r.checks || !rules[r.rule] || r.not != "" && rules[r.not] {
			t.Errorf("%q: %s, %v, %v", r.args, names(list), rules, err)
		}
	}
	if got := names(withNeeds(checks.All, []*checks.Check{checks.Lookup("modcache")})); got != "env modcache" {
		t.Errorf("modcache with its needs: %q", got)
	}
}
