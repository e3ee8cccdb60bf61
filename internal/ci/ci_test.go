package ci

import (
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

var (
	headSHA  = strings.Repeat("a1", 20)
	baseSHA  = strings.Repeat("b2", 20)
	mergeSHA = strings.Repeat("c3", 20)
	nullSHA  = strings.Repeat("0", 40)
	sha256   = strings.Repeat("d4", 32)
)

// fill writes the commits' names into a payload or a variable.
func fill(text string) string {
	return strings.NewReplacer("HEAD", headSHA, "BASE", baseSHA, "MERGE", mergeSHA, "NULL", nullSHA).Replace(text)
}

// detect runs Detect on variables and a payload ("" for a file that is missing).
func detect(env map[string]string, payload string) Context {
	return Detect(
		func(name string) string { return env[name] },
		func(name string) ([]byte, error) {
			if name != "/github/workflow/event.json" || payload == "" {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
			}
			return []byte(payload), nil
		})
}

// with is env with more variables, "NAME=value".
func with(env map[string]string, more ...string) map[string]string {
	m := map[string]string{}
	for name, value := range env {
		m[name] = value
	}
	for _, one := range more {
		name, value, _ := strings.Cut(one, "=")
		m[name] = fill(value)
	}
	return m
}

func TestDetectNone(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{
		nil,
		{"CI": "true"},
		{"GITHUB_ACTIONS": "false", "GITHUB_SHA": headSHA},
		{"GITLAB_CI": ""},
		{"JENKINS_HOME": "/var/jenkins_home"},
	} {
		if got, want := detect(env, ""), (Context{Provider: None}); got != want {
			t.Errorf("%v: got %+v, want %+v", env, got, want)
		}
	}
}

func TestSHA(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		got  string
		want string
	}{
		{"SHA-1", sha(headSHA), headSHA},
		{"SHA-256", sha(sha256), sha256},
		{"capitals", sha(strings.ToUpper(headSHA)), headSHA},
		{"null", sha(nullSHA), ""},
		{"null of SHA-256", sha(strings.Repeat("0", 64)), ""},
		{"short", sha(headSHA[:12]), ""},
		{"no hexadecimal", sha(strings.Repeat("x", 40)), ""},
		{"an option", sha("--upload-pack=" + strings.Repeat("x", 26)), ""},
		{"the first that is one", sha("", nullSHA, baseSHA, headSHA), baseSHA},
		{"none", sha(), ""},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, test.got, test.want)
		}
	}
}

func TestBranch(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"main":                   "main",
		"refs/heads/release/1.x": "release/1.x",
		"größe":                  "größe",
		"a-b_c@d":                "a-b_c@d",
		"":                       "",
		"refs/heads/":            "",
		"-option":                "",
		"refs/heads/--option":    "",
		"a b":                    "",
		"a\nb":                   "",
		"a\x1b[31m":              "",
		"a..b":                   "",
		"a@{1}":                  "",
		"a~1":                    "",
		"a^":                     "",
		"a:b":                    "",
		"a*":                     "",
		"bad\xff":                "",
		strings.Repeat("a", 256): "",
	} {
		if got := branch(text); got != want {
			t.Errorf("branch(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestRepository(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"acme/shop":                     "acme/shop",
		"Acme_1/.github":                "Acme_1/.github",
		"a/-":                           "a/-",
		strings.Repeat("a", 100) + "/b": strings.Repeat("a", 100) + "/b",
		"a/" + strings.Repeat("b", 101): "",
		"":                              "",
		"acme":                          "",
		"acme/":                         "",
		"/shop":                         "",
		"acme/shop/more":                "",
		"acme/..":                       "",
		"./shop":                        "",
		"-acme/shop":                    "",
		"acme/shop?x":                   "",
		"acme/sh op":                    "",
		"acme/shöp":                     "",
		"acme/shop\n":                   "",
		"acme:secret@git.example.com/acme%2fshop": "",
	} {
		if got := repository(text); got != want {
			t.Errorf("repository(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestLabel(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		got  string
		want string
	}{
		{"words", label("test: [linux, 1.26]"), "test: [linux, 1.26]"},
		{"another script", label("größe 検査"), "größe 検査"},
		{"the first that is one", label("", "a\tb", "b", "c"), "b"},
		{"long", label(strings.Repeat("a", 1024)), strings.Repeat("a", 1024)},
		{"too long", label(strings.Repeat("a", 1025)), ""},
		{"a line end", label("a\nb"), ""},
		{"an escape", label("\x1b[31m"), ""},
		{"right to left", label("a\u202eb"), ""},
		{"no UTF-8", label("a\xff"), ""},
		{"none", label(), ""},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, test.got, test.want)
		}
	}
}

func TestBelow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, address, server string
		want                  bool
	}{
		{"a page", "https://git.example.com/o/r/actions/runs/1", "https://git.example.com", true},
		{"below a path", "https://example.com/git/o/r", "https://example.com/git/", true},
		{"beside a path", "https://example.com/gitx/o/r", "https://example.com/git", false},
		{"a longer host", "https://git.example.com.evil.example/o/r", "https://git.example.com", false},
		{"another scheme", "http://git.example.com/o/r", "https://git.example.com", false},
		{"another port", "https://git.example.com:8443/o/r", "https://git.example.com", false},
		{"no server", "https://git.example.com/o/r", "", false},
		{"no address", "", "https://git.example.com", false},
	} {
		if got := below(test.address, test.server); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}

func TestRef(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"refs/heads/release/1.x": "release/1.x",
		"refs/tags/v1.0.0":       "v1.0.0",
		"refs/pull/7/merge":      "refs/pull/7/merge",
		"PR-7":                   "PR-7",
		"refs/tags/":             "",
		"refs/tags/-option":      "",
		"refs/heads/-option":     "",
		"refs/heads/a\x1b":       "",
		"":                       "",
	} {
		if got := ref(text); got != want {
			t.Errorf("ref(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://git.example.com/o/r":                          "https://git.example.com/o/r",
		"http://git.example.com:3000/o/r":                      "http://git.example.com:3000/o/r",
		"https://user:secret@git.example.com/r":                "https://git.example.com/r",
		"https://git.example.com/r?token=x#frag":               "https://git.example.com/r",
		"https://git.example.com/r?":                           "https://git.example.com/r",
		"git@git.example.com:o/r.git":                          "",
		"ssh://git@git.example.com/o/r":                        "",
		"javascript:alert(1)":                                  "",
		"https://":                                             "",
		"/path":                                                "",
		"https://git.example.com/\x1b":                         "",
		"https://git.example.com/" + strings.Repeat("a", 2000): "",
	} {
		if got := page(text); got != want {
			t.Errorf("page(%q) = %q, want %q", text, got, want)
		}
	}
}

// FuzzPayload gives every variable but the provider's own the same hostile text.
func FuzzPayload(f *testing.F) {
	for _, seed := range []string{
		pullOwn, pullDeletedFork, runOfFork, `{"before":"BASE","after":"HEAD"}`, `{"merge_group":{}}`, `null`, `[`, `{"pull_request":{"head":{"repo":1}}}`,
		`{"issue":{"number":7,"pull_request":{}}}`, `{"workflow_run":{"event":"merge_group","head_branch":"gh-readonly-queue/main/pr-7-BASE"}}`,
	} {
		for _, event := range []string{"pull_request", "issue_comment", "push", "merge_group", "workflow_dispatch", "workflow_run"} {
			f.Add("GITHUB_ACTIONS", event, "refs/heads/topic", []byte(fill(seed)))
		}
	}
	f.Add("GITEA_ACTIONS", "push", "https://user:secret@git.example.com/", []byte("{}"))
	f.Add("GITLAB_CI", "push", "7", []byte(nil))
	f.Add("GITLAB_CI", "merge_request_event", "acme/shop!7,acme/shop!8", []byte(nil))
	f.Add("JENKINS_URL", "", "-1", []byte(nil))
	events := map[string]bool{"GITHUB_EVENT_NAME": true, "CI_PIPELINE_SOURCE": true}
	f.Fuzz(func(t *testing.T, provider, event, text string, payload []byte) {
		c := Detect(
			func(key string) string {
				switch {
				case key == provider:
					return "true"
				case strings.HasSuffix(key, "_ACTIONS"), key == "GITLAB_CI", strings.HasPrefix(key, "JENKINS_"):
					return ""
				case events[key]:
					return event
				}
				return text
			},
			func(string) ([]byte, error) { return payload, nil })
		for _, line := range []string{
			c.Event, c.BaseRef, c.HeadSHA, c.BaseSHA, c.RunURL, c.RepositoryURL, c.Problem, c.APIURL, c.Repository,
			c.Ref, c.HeadRepository, c.HeadBranch, c.NoPullRequest, c.Workflow, c.Job, c.Triggering,
		} {
			if strings.ContainsFunc(line, unicode.IsControl) || !utf8.ValidString(line) {
				t.Errorf("let through: %q", line)
			}
		}
		for _, name := range []string{c.BaseRef, c.HeadBranch, c.Ref} {
			if strings.HasPrefix(name, "-") {
				t.Errorf("a branch that is an option: %q", name)
			}
		}
		for _, address := range []string{c.RunURL, c.RepositoryURL, c.APIURL} {
			if u, err := url.Parse(address); err != nil || u.User != nil || u.RawQuery != "" || address != "" && u.Host == "" {
				t.Errorf("no page: %q", address)
			}
		}
		for _, name := range []string{c.HeadSHA, c.BaseSHA} {
			if name != "" && sha(name) != name {
				t.Errorf("%q is no commit", name)
			}
		}
		for _, name := range []string{c.Repository, c.HeadRepository} {
			if name != "" && repository(name) != name && project(name) != name {
				t.Errorf("%q is no repository", name)
			}
		}
		if c.PullRequest < 0 || c.RunID < 0 || c.RunAttempt < 0 {
			t.Errorf("a negative number: %+v", c)
		}
		if c.Provider != None {
			oneAnswer(t, c)
		}
	})
}

// oneAnswer checks that a context says either which pull request it is about, or
// where to look for it, or why there is none.
func oneAnswer(t *testing.T, c Context) {
	t.Helper()
	branch := c.HeadRepository != "" && c.HeadBranch != "" && c.HeadSHA != ""
	answers := 0
	for _, is := range []bool{c.PullRequest != 0, branch, c.NoPullRequest != ""} {
		if is {
			answers++
		}
	}
	if answers != 1 || !branch && c.HeadRepository+c.HeadBranch != "" {
		t.Errorf("%d answers: %+v", answers, c)
	}
}
