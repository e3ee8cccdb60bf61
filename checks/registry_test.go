package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/failure"
)

// TestRegistry holds what every check and every rule must have.
func TestRegistry(t *testing.T) {
	t.Parallel()
	checkName := regexp.MustCompile(`^[a-z]+$`)
	ruleID := regexp.MustCompile(`^[a-z]+/[a-z0-9]+(-[a-z0-9]+)*$`)
	names, ids := map[string]bool{}, map[string]bool{}
	stage := 0
	for _, c := range All {
		if !checkName.MatchString(c.Name) || names[c.Name] {
			t.Errorf("check name %q is malformed or not unique", c.Name)
		}
		names[c.Name] = true
		at := slices.Index(Stages, c.Stage)
		if at < stage {
			t.Errorf("%s: stage %q is none, or stands behind a later one", c.Name, c.Stage)
		}
		stage = at
		if c.Title == "" || strings.HasSuffix(c.Title, ".") {
			t.Errorf("%s: title %q: a sentence without a full stop", c.Name, c.Title)
		}
		if c.Doc == "" || c.Run == nil || len(c.Rules) == 0 {
			t.Errorf("%s: Doc, Run and Rules must be set", c.Name)
		}
		if c.Unanswered != nil && !slices.Contains(c.Rules, c.Unanswered) {
			t.Errorf("%s: Unanswered is none of its rules", c.Name)
		}
		for _, r := range c.Rules {
			if !ruleID.MatchString(r.ID) || !strings.HasPrefix(r.ID, c.Name+"/") || ids[r.ID] {
				t.Errorf("%s: rule ID %q is malformed, another check's, or not unique", c.Name, r.ID)
			}
			ids[r.ID] = true
			if r.Severity.Rank() == 0 {
				t.Errorf("%s: severity %q", r.ID, r.Severity)
			}
			if !strings.HasSuffix(r.Summary, ".") || strings.Contains(r.Summary, "\n") {
				t.Errorf("%s: summary %q: one sentence with a full stop", r.ID, r.Summary)
			}
			if len(r.Help) < 80 {
				t.Errorf("%s: help is too short to help: %q", r.ID, r.Help)
			}
		}
	}
	for _, id := range failure.Rules() {
		if prefix, ok := strings.CutSuffix(id, "*"); ok {
			if !slices.ContainsFunc(sortedKeys(ids), func(r string) bool { return strings.HasPrefix(r, prefix) }) {
				t.Errorf("the failure catalogue names %s*, and no rule starts so", prefix)
			}
			continue
		}
		if !ids[id] {
			t.Errorf("the failure catalogue names the rule %q, which is none", id)
		}
	}
}

func sortedKeys(m map[string]bool) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// TestOrderHasNoCycle: a check that waits for itself would wait for ever.
func TestOrderHasNoCycle(t *testing.T) {
	t.Parallel()
	const visiting, done = 1, 2
	state := map[*Check]int{}
	var visit func(c *Check, path []string)
	visit = func(c *Check, path []string) {
		path = append(path, c.Name)
		switch {
		case state[c] == visiting:
			t.Fatalf("a cycle: %s", strings.Join(path, " -> "))
		case !slices.Contains(All, c):
			t.Errorf("%s is waited for, but not registered", c.Name)
		case state[c] == done:
			return
		}
		state[c] = visiting
		for _, dep := range slices.Concat(c.Needs, c.After) {
			visit(dep, path)
		}
		state[c] = done
	}
	for _, c := range All {
		visit(c, nil)
	}
}

// TestCacheIsProvenFirst: whatever may write into GOMODCACHE or GOCACHE runs
// after modcache and buildcache, so that nothing is compiled before it is proven
// and no half-written file is judged.
func TestCacheIsProvenFirst(t *testing.T) {
	t.Parallel()
	var after func(c, first *Check) bool
	after = func(c, first *Check) bool {
		for _, dep := range slices.Concat(c.Needs, c.After) {
			if dep == first || after(dep, first) {
				return true
			}
		}
		return false
	}
	for _, first := range []*Check{modcache, buildcache} {
		for _, c := range []*Check{gosum, tidy, deps, build} {
			if !after(c, first) {
				t.Errorf("%s runs the go command and does not wait for %s", c.Name, first.Name)
			}
		}
	}
	for _, proof := range []*Check{modcache, buildcache} {
		if !slices.Contains(build.Needs, proof) {
			t.Errorf("build does not need %s: it would link what is broken", proof.Name)
		}
	}
}

// TestEveryRuleIsTested: each rule is named in a test, by its ID or its variable.
func TestEveryRuleIsTested(t *testing.T) {
	t.Parallel()
	var tests strings.Builder
	variable := regexp.MustCompile(`(?m)^\s*(rule[A-Za-z0-9]+)\s*=\s*&Rule\{\s*ID:\s*"([^"]+)"`)
	variables := map[string]string{}
	for _, pattern := range []string{"*.go", "../testdata/script/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".txtar") {
				tests.Write(data)
				continue
			}
			for _, m := range variable.FindAllStringSubmatch(string(data), -1) {
				variables[m[2]] = m[1]
			}
		}
	}
	text := tests.String()
	for _, c := range All {
		for _, r := range c.Rules {
			if v := variables[r.ID]; !strings.Contains(text, r.ID) && (v == "" || !strings.Contains(text, v)) {
				t.Errorf("no test names %s (%s)", r.ID, v)
			}
		}
	}
}
