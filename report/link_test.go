package report

import (
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
)

func TestFileURL(t *testing.T) {
	t.Parallel()
	const commit = "4f9c2b1e0d3a5c6b7f8091a2b3c4d5e6f7081920"
	for _, tt := range []struct {
		name, url, provider, commit, file string
		line                              int
		want                              string
	}{
		{"github", "https://github.com/o/r", "github", commit, "go.mod", 3, "https://github.com/o/r/blob/" + commit + "/go.mod#L3"},
		{"clone address", "https://github.com/o/r.git", "", commit, "go.mod", 0, "https://github.com/o/r/blob/" + commit + "/go.mod"},
		{"enterprise", "https://git.corp.example:8443/o/r/", "github", commit, "a/b.go", 1, "https://git.corp.example:8443/o/r/blob/" + commit + "/a/b.go#L1"},
		{"gitlab group", "https://gitlab.corp.example/g/s/r.git", "gitlab", commit, "go.mod", 3, "https://gitlab.corp.example/g/s/r/-/blob/" + commit + "/go.mod#L3"},
		{"gitea", "https://git.corp.example/o/r", "gitea", commit, "go.mod", 3, "https://git.corp.example/o/r/src/commit/" + commit + "/go.mod#L3"},
		{"jenkins, site known by name", "https://gitlab.com/g/r", "jenkins", commit, "go.mod", 3, "https://gitlab.com/g/r/-/blob/" + commit + "/go.mod#L3"},
		{"signs in the path", "https://github.com/o/r", "github", commit, `a b/"c"|<d>#?%.go`, 3, "https://github.com/o/r/blob/" + commit + "/a%20b/%22c%22%7C%3Cd%3E%23%3F%25.go#L3"},
		{"site unknown", "https://git.corp.example/o/r", "jenkins", commit, "go.mod", 3, ""},
		{"not https", "http://github.com/o/r", "github", commit, "go.mod", 3, ""},
		{"ssh", "git@github.com:o/r.git", "github", commit, "go.mod", 3, ""},
		{"password", "https://u:p@github.com/o/r", "github", commit, "go.mod", 3, ""},
		{"query", "https://github.com/o/r?x=1", "github", commit, "go.mod", 3, ""},
		{"host that is none", "https://git hub.com\"/o/r", "github", commit, "go.mod", 3, ""},
		{"script", "javascript:alert(1)", "github", commit, "go.mod", 3, ""},
		{"no commit", "https://github.com/o/r", "github", "", "go.mod", 3, ""},
		{"branch for a commit", "https://github.com/o/r", "github", "main", "go.mod", 3, ""},
		{"outside", "https://github.com/o/r", "github", commit, "../go.mod", 3, ""},
		{"absolute", "https://github.com/o/r", "github", commit, "/etc/passwd", 3, ""},
		{"no file", "https://github.com/o/r", "github", commit, "", 3, ""},
		{"the root", "https://github.com/o/r", "github", commit, ".", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &checks.Report{Repository: checks.Repository{URL: tt.url, Commit: tt.commit}, CI: checks.CI{Provider: tt.provider}}
			if got := fileURL(r, &checks.Finding{File: tt.file, Line: tt.line}); got != tt.want {
				t.Errorf("fileURL = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRunURL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"github", "https://github.com/o/r/actions/runs/42", "https://github.com/o/r/actions/runs/42"},
		{"gitlab", "https://gitlab.corp.example/g/s/r/-/jobs/7", "https://gitlab.corp.example/g/s/r/-/jobs/7"},
		{"jenkins without TLS", "http://ci.corp.example:8080/job/a%20b/1/", "http://ci.corp.example:8080/job/a%20b/1/"},
		{"signs in the path", `https://ci.example/"><script>/|x` + "`", "https://ci.example/%22%3E%3Cscript%3E/%7Cx%60"},
		{"script", "javascript:alert(1)", ""},
		{"file", "file:///etc/passwd", ""},
		{"no host", "https:///x", ""},
		{"host that is none", "https://a b/x", ""},
		{"password", "https://u:p@github.com/o/r", ""},
		{"query", "https://github.com/o?x=1", ""},
		{"empty query", "https://github.com/o?", ""},
		{"fragment", "https://github.com/o#x", ""},
		{"line break", "https://github.com/o\n/close", ""},
		{"too long", "https://github.com/" + strings.Repeat("x", maxRunURL), ""},
		{"empty", "", ""},
	} {
		r := &checks.Report{CI: checks.CI{RunURL: tt.in}}
		if got := runURL(r); got != tt.want {
			t.Errorf("%s: runURL(%q) = %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}
