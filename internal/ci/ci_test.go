package ci

import (
	"io/fs"
	"strings"
	"testing"
	"unicode"
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

func FuzzPayload(f *testing.F) {
	for _, seed := range []string{
		pullOwn, pullDeletedFork, `{"before":"BASE","after":"HEAD"}`, `{"merge_group":{}}`, `null`, `[`, `{"pull_request":{"head":{"repo":1}}}`,
	} {
		f.Add("pull_request", []byte(fill(seed)))
		f.Add("push", []byte(fill(seed)))
	}
	f.Fuzz(func(t *testing.T, name string, payload []byte) {
		c := Detect(
			func(key string) string {
				return map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": "e", "GITHUB_BASE_REF": name}[key]
			},
			func(string) ([]byte, error) { return payload, nil })
		for _, text := range []string{c.Event, c.BaseRef, c.HeadSHA, c.BaseSHA, c.RunURL, c.RepositoryURL} {
			if strings.HasPrefix(text, "-") && text != c.Event || strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("let through: %q", text)
			}
		}
		for _, name := range []string{c.HeadSHA, c.BaseSHA} {
			if name != "" && sha(name) != name {
				t.Errorf("%q is no commit", name)
			}
		}
		if c.PullRequest < 0 {
			t.Errorf("number %d", c.PullRequest)
		}
	})
}
