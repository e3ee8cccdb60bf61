package report

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
)

// TestCodeQuality: every issue has what GitLab asks for, word by word; it drops
// one that has not in silence.
func TestCodeQuality(t *testing.T) {
	t.Parallel()
	fingerprint := regexp.MustCompile(`^[0-9a-f]{32,64}$`)
	for name, r := range savedReports(t) {
		text := render(t, CodeQuality, r, Dest{})
		var list []map[string]any
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatal(err)
		}
		if len(list) != len(issues(r)) {
			t.Errorf("%s: %d issues, want %d", name, len(list), len(issues(r)))
		}
		seen := map[string]bool{}
		for _, i := range list {
			for _, key := range []string{"description", "check_name", "fingerprint", "severity"} {
				if s, ok := i[key].(string); !ok || s == "" || strings.Contains(s, "\n") {
					t.Errorf("%s: %s is %#v", name, key, i[key])
				}
			}
			id, _ := i["fingerprint"].(string)
			if !fingerprint.MatchString(id) || seen[id] {
				t.Errorf("%s: fingerprint %q is not of its own", name, id)
			}
			seen[id] = true
			if s, _ := i["severity"].(string); !slices.Contains([]string{"info", "minor", "major", "critical", "blocker"}, s) {
				t.Errorf("%s: severity %q", name, s)
			}
			location, _ := i["location"].(map[string]any)
			path, _ := location["path"].(string)
			lines, _ := location["lines"].(map[string]any)
			if begin, ok := lines["begin"].(float64); !ok || begin < 1 || !isRepoFile(path) || strings.HasPrefix(path, "./") {
				t.Errorf("%s: location %v", name, i["location"])
			}
		}
	}
}

// TestCodeQualityExact: a clean list is a list, without a mark before it; and
// what becomes of a finding.
func TestCodeQualityExact(t *testing.T) {
	t.Parallel()
	if got := render(t, CodeQuality, &checks.Report{}, Dest{}); got != "[]\n" {
		t.Errorf("a clean report is %q", got)
	}
	r := &checks.Report{Results: []checks.Result{
		{Check: "env", Status: checks.Errored, Reason: "no answer", Findings: []checks.Finding{
			{Rule: "env/x", Severity: checks.Error, Message: "wrong", File: "a.go", Line: 3, EndLine: 4, Fingerprint: "0123456789abcdef0123456789abcdef"},
			{Rule: "env/y", Severity: checks.Notice, Message: "odd", Dir: "svc/a", Fingerprint: "1123456789abcdef0123456789abcdef"},
		}},
	}}
	got := codeQuality(r)
	want := []codeQualityIssue{
		{"wrong (env/x)", "env/x", "0123456789abcdef0123456789abcdef", "critical", codeQualityLocation{"a.go", codeQualityLines{3, 4}}},
		{"odd (env/y)", "env/y", "1123456789abcdef0123456789abcdef", "info", codeQualityLocation{"svc/a/go.mod", codeQualityLines{1, 0}}},
		{"env: could not find out: no answer", "env", got[len(got)-1].Fingerprint, "minor", codeQualityLocation{"go.mod", codeQualityLines{1, 0}}},
	}
	if !slices.Equal(got, want) {
		t.Errorf("issues are\n%+v, want\n%+v", got, want)
	}
}
