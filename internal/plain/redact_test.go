package plain

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// Tokens are put together here so that no scanner of secrets stumbles over this file.
var (
	letters36   = strings.Repeat("aB3", 12)
	githubToken = "ghp" + "_" + letters36
	gitlabToken = "glpat" + "-" + "aB3_" + letters36[:16]
	jwt         = "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0In0" + ".sig-_nature"
	awsKey      = "AKIA" + "IOSFODNN7EXAMPLE"
	slackToken  = "xoxb" + "-123456789012-" + letters36
	pemKey      = "-----BEGIN " + "OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nAAAAB3NzaC1yc2E\n-----END " + "OPENSSH PRIVATE KEY-----"
)

// environment is what a job's may look like.
var environment = []string{
	"PATH=/usr/bin:/bin", "HOME=/root", "EMPTY_TOKEN=", "SHORT_TOKEN=abc", "DEBUG_TOKEN=true",
	"MY_TOKEN= s3cr3t-value ", "DB_PASSWORD=hunter2", "DEPLOY_KEY_PASSPHRASE=correct horse battery staple", "SIX_SECRET=sixsix",
	"PATH_TOKEN=/a/b", "LONG_SECRET=abcdefgh-hunter2-ijkl", "SOME_PWD=pwdpwdpwd", "OLDPWD=/home/user/project", "PWD=/home/user/project",
	"SSH_PRIVATE_KEY=" + pemKey,
	"GOPROXY=https://bot:p%40ss%2Fw0rd@goproxy.example,https://artifactory@other.example,direct",
	"MIRROR=https://0123456789abcdef0123@mirror.example/x",
	"HTTPS_PROXY=corp:proxypass@proxy.example:3128",
	"GIT_CONFIG_VALUE_0=AUTHORIZATION: basic eDpzM2NyM3QtYmFzZTY0",
}

func TestRedact(t *testing.T) {
	t.Parallel()
	r := NewRedactor(environment)
	for _, tt := range []struct{ name, in, want string }{
		// URLs
		{"user and password", "https://user:pass@host.example/x", "https://xxxxx@host.example/x"},
		{"user alone", "reading https://sometoken@host.example/x/@v/list: 403", "reading https://xxxxx@host.example/x/@v/list: 403"},
		{"password alone", "https://:pass@host.example", "https://xxxxx@host.example"},
		{"a list", "GOPROXY=https://a:b@one.example,https://c:d@two.example|https://three.example,direct", "GOPROXY=https://xxxxx@one.example,https://xxxxx@two.example|https://three.example,direct"},
		{"password with @", "https://user:p@ss@host.example/@v/list", "https://xxxxx@host.example/@v/list"},
		{"password with / and ?", `parse "https://user:pa/s?s@host.example": invalid port ":pa" after host`, `parse "https://xxxxx@host.example": invalid port ":pa" after host`},
		{"in quotes", `"http://u:p@h" 'http://u:p@h' <http://u:p@h>`, `"http://xxxxx@h" 'http://xxxxx@h' <http://xxxxx@h>`},
		{"password of ssh", "ssh://git:pass@host.example/x.git", "ssh://xxxxx@host.example/x.git"},
		{"query parameters", "https://h.example/x?a=1&token=abc&sig=d%2Fe&b=2;password=f X-Amz-Signature", "https://h.example/x?a=1&token=xxxxx&sig=xxxxx&b=2;password=xxxxx X-Amz-Signature"},
		{"signed URL", "https://s3.example/o?X-Amz-Credential=a/b&X-Amz-Signature=0123&x=1", "https://s3.example/o?X-Amz-Credential=xxxxx&X-Amz-Signature=xxxxx&x=1"},
		{"Slack webhook", "post https://hooks.slack.com/services/T00000000/B00000000/abcDEF: 404", "post https://hooks.slack.com/services/xxxxx: 404"},

		// headers
		{"basic", "Authorization: Basic dXNlcjpwYXNz", "Authorization: xxxxx"},
		{"bearer in a command", "curl -H 'authorization: Bearer abc.def' https://h.example", "curl -H 'authorization: xxxxx' https://h.example"},
		{"proxy", "> Proxy-Authorization: Negotiate YIIabc==\r\n> Host: h", "> Proxy-Authorization: xxxxx\r\n> Host: h"},
		{"in JSON", `{"Authorization":"token abc","a":1}`, `{"Authorization":"xxxxx","a":1}`},
		{"git", "http.https://github.com/.extraheader=AUTHORIZATION: basic eDpnaHA=", "http.https://github.com/.extraheader=AUTHORIZATION: xxxxx"},
		{"GitLab", "PRIVATE-TOKEN: abc\nJOB-TOKEN: def\n", "PRIVATE-TOKEN: xxxxx\nJOB-TOKEN: xxxxx\n"},
		{"cookie", "Set-Cookie: session=abc; Path=/", "Set-Cookie: xxxxx"},

		// netrc
		{"netrc line", "machine host.example login me password secret1", "machine host.example login me password xxxxx"},
		{"netrc lines", "machine host.example\n  login me\n  password secret1\nmachine b", "machine host.example\n  login me\n  password xxxxx\nmachine b"},
		{"netrc, password first", "machine host.example password secret1 login me", "machine host.example password xxxxx login me"},
		{"npmrc", "//registry.example/:_authToken=abc", "//registry.example/:_authToken=xxxxx"},

		// tokens
		{"GitHub", "token " + githubToken + ".", "token xxxxx."},
		{"GitHub, all kinds", strings.Join([]string{"gho_" + letters36, "ghu_" + letters36, "ghs_" + letters36, "ghr_" + letters36, "github_pat_" + letters36}, " "), "xxxxx xxxxx xxxxx xxxxx xxxxx"},
		{"GitLab", gitlabToken + " glcbt" + "-64_" + letters36 + " gldt" + "-" + letters36, "xxxxx xxxxx xxxxx"},
		{"Slack", slackToken, "xxxxx"},
		{"AWS", "id=" + awsKey + " ASIA" + awsKey[4:], "id=xxxxx xxxxx"},
		{"JSON web token", "got " + jwt + "!", "got xxxxx!"},
		{"private key", "a\n" + strings.ReplaceAll(pemKey, "OPENSSH ", "RSA ") + "\nb", "a\nxxxxx\nb"},
		{"private key without an end", "a -----BEGIN " + "PRIVATE KEY-----\nabc", "a xxxxx"},

		// the environment's
		{"a token, trimmed", "got s3cr3t-value twice: s3cr3t-values", "got xxxxx twice: xxxxxs"},
		{"a password, as short as can be", "hunter2 sixsix", "xxxxx xxxxx"},
		{"the longer one first", "abcdefgh-hunter2-ijkl", "xxxxx"},
		{"of several words", "use correct horse battery staple", "use xxxxx"},
		{"of several lines, one by one", "offending line: b3BlbnNzaC1rZXktdjEAAAAA", "offending line: xxxxx"},
		{"short ones stay", "abc true /a/b", "abc true /a/b"},
		{"of a URL, as it stands and decoded", "p%40ss%2Fw0rd p@ss/w0rd", "xxxxx xxxxx"},
		{"a token in the place of the user", "0123456789abcdef0123", "xxxxx"},
		{"a user's name stays", "artifactory bot", "artifactory bot"},
		{"of a proxy without a scheme", "proxypass pwdpwdpwd", "xxxxx xxxxx"},
		{"of git's extra header", "eDpzM2NyM3QtYmFzZTY0", "xxxxx"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := r.Redact(tt.in)
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if again := r.Redact(got); again != got {
				t.Errorf("again: %q, was %q", again, got)
			}
		})
	}
}

// What go commands and git print every day stays as it is.
func TestRedactLeaves(t *testing.T) {
	t.Parallel()
	r := NewRedactor(environment)
	for _, s := range []string{
		"",
		"go: downloading golang.org/x/mod v0.42.0",
		"go: example.com/m@v1.2.3: reading https://goproxy.example/example.com/m/@v/v1.2.3.info: 404 Not Found",
		"https://goproxy.example:8080/github.com/!azure/x/@v/list http://127.0.0.1:46221/x/@latest http://[::1]:8080/x/@v/v1.0.0.zip",
		"https://goproxy.example,direct https://goproxy.example|https://other.example,off",
		"golang.org/x/mod v0.42.0 h1:rrrJrYxlYyzXpFwsXYzdmpvQ1dQPO7tVDXXHYaEpvbk=",
		"golang.org/x/mod v0.42.0/go.mod h1:AKIAxY3rcHTNmGAbYkr8sz6eyJhvjYGZ0zyeyJab=",
		"\tdownloaded: h1:eyJrYxlYyzXpFwsXYzdmpvQ1dQPO7tVDXXHYaEpvbk=\n\tgo.sum:     h1:abc=",
		"git@github.com:org/x.git ssh://git@github.com/org/x.git git+ssh://deploy@git.example.com:2222/x",
		"fatal: could not read Username for 'https://github.com': terminal prompts disabled",
		"remote: Support for password authentication was removed on August 13, 2021.",
		"fatal: Authentication failed for 'https://git.example.com/org/x.git/'",
		"the token file, a secret manager, and a password prompt; authorization failed",
		`open C:\Users\me\go\pkg\mod\cache\download\example.com\m\@v\list: The system cannot find the path specified.`,
		"file:///home/me/proxy/example.com/m/@v/list",
		"write to a@b.example or <me@example.com>",
		"commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12, v0.0.0-20250101120000-abcdefabcdef",
		"GOFLAGS=-mod=mod GOPRIVATE=*.example.com,git.example.com/org GOTOOLCHAIN=go1.26.8+auto",
		"sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
		"https://example.com/x?go-get=1&tab=versions#L3",
		"/home/user/project/vendor/modules.txt:3: # explicit; go 1.20",
		"global-configuration-of-modules glide-to-a-very-long-module-name",
	} {
		if got := r.Redact(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
	var zero Redactor
	if got, want := zero.Redact("MY_TOKEN=s3cr3t-value https://a:b@c"), "MY_TOKEN=s3cr3t-value https://xxxxx@c"; got != want {
		t.Errorf("zero value: %q, want %q", got, want)
	}
	if got, want := (*Redactor)(nil).Redact("s3cr3t-value https://a:b@c"), "s3cr3t-value https://xxxxx@c"; got != want {
		t.Errorf("nil: %q, want %q", got, want)
	}
}

func TestRedactorLine(t *testing.T) {
	t.Parallel()
	r := NewRedactor(environment)
	for in, want := range map[string]string{
		" s3cr3t-value\n of\tmine":                        "xxxxx of mine",
		"s3cr3t\u200b-value":                              "xxxxx", // hidden before cleaning
		"s3cr3t\x1b[31m-value":                            "xxxxx",
		strings.Repeat("x", MaxLine-10) + " s3cr3t-value": strings.Repeat("x", MaxLine-10) + " xxxxx", // would be cut
	} {
		if got := r.Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	for _, s := range []string{
		"", "https://u:p@h/x@v1", "ssh://git@h", "Authorization: Basic x", "machine h login l password p", "password p", githubToken, jwt, pemKey,
		"?token=x&key=y", "a s3cr3t-value b", "https://a,https://u@b|http://c:d/e@f", "https://hooks.slack.com/services/a/b", "cookie:\"x\"@h", "://@", "a://:@",
	} {
		f.Add(s)
	}
	r := NewRedactor(environment)
	f.Fuzz(func(t *testing.T, s string) {
		got := r.Redact(s)
		if again := r.Redact(got); again != got {
			t.Errorf("twice: %q, once %q, of %q", again, got, s)
		}
		if strings.Contains(got, "s3cr3t-value") || strings.Contains(got, "hunter2") {
			t.Errorf("a secret is left in %q", got)
		}
		// A secret that stands alone goes, whatever stands around it.
		for _, secret := range []string{githubToken, "https://user:" + "0pen5esame" + "@host.example"} {
			if got := r.Redact(s + " " + secret + " " + s); strings.Contains(got, secret) || strings.Contains(got, "0pen5esame") {
				t.Errorf("%q is left in %q", secret, got)
			}
		}
		mustBeClean(t, Line(got), MaxLine)
	})
}

// unguarded is Redact without a look at the words of the forms.
func (r *Redactor) unguarded(s string) string {
	for _, v := range r.values {
		s = strings.ReplaceAll(s, v, masked)
	}
	s = privateKey.ReplaceAllString(s, masked)
	s = redactURLs(s)
	s = header.ReplaceAllString(s, "${1}"+masked)
	s = netrc.ReplaceAllString(s, "${1}${2}"+masked)
	s = token.ReplaceAllString(s, masked)
	s = slackHook.ReplaceAllString(s, "${1}"+masked)
	return param.ReplaceAllString(s, "${1}"+masked)
}

// pieces are what texts with and without secrets are made of: the words of every
// form, and what stands around them.
var pieces = []string{
	"", " ", "\n", "\t", ":", "=", "\"", "'", "/", "@", "?", "&", ";", "-", "_", ".", "x", "K", "\u212a", "\u017f", letters36, "://", "https", "user:pass",
	"authorization", "Proxy-Authorization", "PRIVATE-TOKEN", "job-to\u212aen", "deploy-token", "X-Api-Key", "x-auth-token", "X-JFrog-Art-Api", "cookie", "\u017fet-cookie",
	"login", "machine", "password", "_authToken", "hooks.slack.com/", "services/", "workflows/", "-----BEGIN ", "RSA ", "PRIVATE KEY-----", "-----END ",
	"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "glcbt-", "gldt-", "glrt-", "glrtr-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-", "glsoat-", "glffct-",
	"xoxb-", "xoxs-", "xapp-", awsKey, "ASIA" + awsKey[4:], "AIza" + letters36[:35], "npm_", jwt,
	"access_token=", "sig=", "KEY=", "x-amz-date=", "X-Goog-Signature=",
}

// Every form alone is masked, and so would be missed if its words were wrong.
func TestRedactWords(t *testing.T) {
	t.Parallel()
	var r Redactor
	for _, s := range []string{
		githubToken, "gho_" + letters36, "ghu_" + letters36, "ghs_" + letters36, "ghr_" + letters36, "github_pat_" + letters36,
		"glpat-" + letters36, "glcbt-" + letters36, "gldt-" + letters36, "glrt-" + letters36, "glrtr-" + letters36, "glptt-" + letters36, "glft-" + letters36,
		"glimt-" + letters36, "glagent-" + letters36, "gloas-" + letters36, "glsoat-" + letters36, "glffct-" + letters36,
		"xoxa-" + letters36, "xoxe-" + letters36, slackToken, "xapp-" + letters36, awsKey, "ASIA" + awsKey[4:], "AIza" + letters36[:35], "npm_" + letters36, jwt, pemKey,
		"authorization: secret", "Proxy-Authorization:secret", "private-token: secret", "JOB-TO\u212aEN: secret", "deploy-token: secret", `"x-api-key": "secret`,
		"x-auth-token': secret", "x-jfrog-art-api:secret", "cookie: secret", "\u017fet-cookie: secret", "https://secret@host.example",
		"login a password secret", "machine a password secret", "_authToken = secret", "\tpassword secret", "hooks.slack.com/triggers/secret", "?sig=secret", ";key=secret",
	} {
		if got := r.Redact(s); !strings.Contains(got, masked) || strings.Contains(got, "secret") {
			t.Errorf("%q became %q", s, got)
		}
	}
}

// The words decide nothing: with and without a look at them the text is the same.
func TestRedactGuards(t *testing.T) {
	t.Parallel()
	r := NewRedactor(environment)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test that repeats itself
	for range 2000 {
		var b strings.Builder
		for range 1 + random.IntN(12) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		if s := b.String(); r.Redact(s) != r.unguarded(s) {
			t.Fatalf("%q: %q, without the words %q", s, r.Redact(s), r.unguarded(s))
		}
	}
}

func FuzzRedactGuards(f *testing.F) {
	for _, s := range pieces {
		f.Add(s+": x", s+"=x", byte(0))
		f.Add("?"+s, s+letters36, byte(1))
	}
	r := NewRedactor(environment)
	f.Fuzz(func(t *testing.T, a, b string, i byte) {
		s := a + pieces[int(i)%len(pieces)] + b
		if got, want := r.Redact(s), r.unguarded(s); got != want {
			t.Errorf("%q: %q, without the words %q", s, got, want)
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	r := NewRedactor(environment)
	for _, bb := range []struct{ name, text string }{
		{"message", "example.com/dep17@v1.17.0 is required at go.mod:18, but nothing imports it: go mod tidy would remove the line"},
		{"download", "go: example.com/m@v1.2.3: reading https://goproxy.example/example.com/m/@v/v1.2.3.info: 404 Not Found"},
		{"hash", "golang.org/x/mod v0.42.0 h1:rrrJrYxlYyzXpFwsXYzdmpvQ1dQPO7tVDXXHYaEpvbk="},
		{"secret", "curl -H 'authorization: Bearer abc.def' https://user:pass@host.example?token=abc"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(bb.text)))
			for b.Loop() {
				r.Redact(bb.text)
			}
		})
	}
}
