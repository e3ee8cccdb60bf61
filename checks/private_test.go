package checks

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/faultdoc"
	"github.com/gopreflight/gopreflight/internal/git"
	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// publicProxy is what GOROOT/go.env of these tests names in GOPROXY.
const publicProxy = "https://goproxy.example"

// namesSession is a session in which nothing needs to be fetched: who is told
// what, by names alone.
func namesSession(t *testing.T, settings map[string]string, lines ...string) *Session {
	t.Helper()
	goroot := t.TempDir()
	labWrite(t, filepath.Join(goroot, "go.env"), "GOPROXY="+publicProxy+",direct\nGOSUMDB=sum.golang.org\n")
	merged := map[string]string{"GOROOT": goroot, "GOPROXY": publicProxy + ",direct", "GOSUMDB": publicSumDB, "GOMODCACHE": t.TempDir()}
	for name, value := range settings {
		merged[name] = value
	}
	s := proxySession(t, merged)
	m := mainModule(t, "github.com/acme/shop", lines...)
	m.GoMod.Name = "go.mod"
	s.Modules = []*repo.Module{m}
	s.Repo = &repo.Repo{Root: t.TempDir(), Modules: s.Modules}
	s.Go = gocmd.New("/no/such/go", nil, 1)
	s.Temp = func(string) (string, error) { return t.TempDir(), nil }
	return s
}

// TestPrivateNames: whose names go out, and which patterns are too broad.
func TestPrivateNames(t *testing.T) {
	t.Parallel()
	const corp, own, other = "require git.corp.internal/team/lib v1.0.0", "require github.com/acme/lib v1.2.0", "require github.com/spf13/cobra v1.8.0"
	tests := []struct {
		name     string
		settings map[string]string
		require  []string
		hidden   bool // the CI calls the repository private
		// want is "rule key file:line module", for each finding.
		want []string
		fix  string
		says string
	}{
		{name: "public modules", require: []string{other, own, "require k8s.io/api v0.1.0", "require gopkg.in/yaml.v3 v3.0.1"}},
		{name: "internal host", require: []string{other, corp}, fix: "go env -w GOPRIVATE=git.corp.internal",
			want: []string{"private/told git.corp.internal go.mod:3 git.corp.internal/team/lib@v1.0.0"},
			says: "git.corp.internal is no name of the public internet), and goproxy.example and the checksum database sum.golang.org may be told"},
		{name: "added to what is there", settings: map[string]string{"GOPRIVATE": "github.com/acme"}, require: []string{corp},
			fix: "export GOPRIVATE=github.com/acme,git.corp.internal", want: []string{"private/told git.corp.internal go.mod:2 git.corp.internal/team/lib@v1.0.0"}},
		{name: "matched", settings: map[string]string{"GOPRIVATE": "*.corp.internal"}, require: []string{corp}},
		{name: "proxies bypassed, database not", settings: map[string]string{"GONOPROXY": "*.corp.internal"}, require: []string{corp},
			want: []string{"private/told git.corp.internal go.mod:2 git.corp.internal/team/lib@v1.0.0"},
			says: "and the checksum database sum.golang.org may be told its name", fix: "go env -w GOPRIVATE=git.corp.internal"},
		{name: "a proxy of one's own, no database", settings: map[string]string{"GOPROXY": "https://proxy.corp.internal", "GOSUMDB": "off"}, require: []string{corp}},
		{name: "own owner of a public repository", require: []string{own}},
		{name: "own owner of a private repository", hidden: true, require: []string{own, other, "require github.com/acme/sub/v2 v2.0.0"},
			want: []string{"private/told github.com/acme go.mod:2 github.com/acme/lib@v1.2.0"}, says: "the same goes for 1 other module", fix: "go env -w GOPRIVATE=github.com/acme"},
		{name: "replaced by a folder", require: []string{other, corp, "replace git.corp.internal/team/lib => ./lib"}},
		{name: "replaced by a public fork", require: []string{corp, "replace git.corp.internal/team/lib => github.com/spf13/lib v1.0.0"}},
		{name: "replaced by an internal fork", require: []string{other, "replace github.com/spf13/cobra => git.corp.internal/cobra v1.8.0"},
			want: []string{"private/told git.corp.internal go.mod:2 git.corp.internal/cobra@v1.8.0"}, fix: "go env -w GOPRIVATE=git.corp.internal"},
		{name: "every module of a host", settings: map[string]string{"GOPRIVATE": "github.com"}, require: []string{own, other},
			want: []string{"private/too-broad GOPRIVATE github.com  "}, says: `"github.com" takes the checksum database away from 1 module of others, github.com/spf13/cobra first`},
		{name: "everything", settings: map[string]string{"GONOSUMDB": "*"}, require: []string{other, corp},
			want: []string{"private/told git.corp.internal go.mod:3 git.corp.internal/team/lib@v1.0.0", "private/too-broad GONOSUMDB *  "}, fix: "go env -w GOPRIVATE=git.corp.internal"},
		{name: "a star for the owner", settings: map[string]string{"GOPRIVATE": "github.com/*"}, require: []string{other},
			want: []string{"private/too-broad GOPRIVATE github.com/*  "}},
		{name: "broad, but nobody else's modules", settings: map[string]string{"GOPRIVATE": "github.com"}, require: []string{own}},
		{name: "owners", settings: map[string]string{"GOPRIVATE": "github.com/acme,github.com/acme-*"}, require: []string{own, other}},
		{name: "broad for proxies alone", settings: map[string]string{"GONOPROXY": "github.com", "GONOSUMDB": "none"}, require: []string{other}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := namesSession(t, tt.settings, tt.require...)
			s.PrivateRepository = tt.hidden
			// What GONOPROXY matches is in the cache, so that nothing is asked.
			for _, m := range namedModules(s) {
				labWrite(t, filepath.Join(s.Env.Get("GOMODCACHE"), "cache", "download", m.Path, "@v", m.Version.Version+".zip"), "")
			}
			_, findings, err := runPrivate(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				got = append(got, fmt.Sprintf("%s %s %s %s", f.Rule, f.Key, f.Place(), f.Module))
			}
			if !slices.Equal(got, tt.want) {
				t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if len(findings) > 0 && (!strings.Contains(findings[0].Message, tt.says) || findings[0].Fix.Command != tt.fix) {
				t.Errorf("message %q, fix %q, want %q, %q", findings[0].Message, findings[0].Fix.Command, tt.says, tt.fix)
			}
		})
	}
}

// privateLab is a git host that the go command is led to from github.com/acme,
// and what it says to whoever comes.
type privateLab struct {
	*httptest.Server
	mu    sync.Mutex
	auths []string // Authorization headers seen
}

// newPrivateLab serves the repository "private" with a tag to who logs in as
// robot with the password s3cr3t, and status 404 for any other repository.
func newPrivateLab(t *testing.T) *privateLab {
	t.Helper()
	root := t.TempDir()
	work := filepath.Join(t.TempDir(), "private")
	labWrite(t, filepath.Join(work, "go.mod"), "module github.com/acme/private\n")
	for _, args := range [][]string{
		{"-C", work, "init", "-q", "-b", "main"}, {"-C", work, "add", "."},
		{"-C", work, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "a"},
		{"-C", work, "tag", "v1.0.0"}, {"clone", "-q", "--bare", work, filepath.Join(root, "private")},
		{"-C", filepath.Join(root, "private"), "update-server-info"},
	} {
		if out, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	lab := &privateLab{}
	files := http.FileServer(http.Dir(root)) // git's "dumb" protocol
	lab.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lab.mu.Lock()
		lab.auths = append(lab.auths, r.Header.Get("Authorization"))
		lab.mu.Unlock()
		user, password, ok := r.BasicAuth()
		if !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="lab"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if user != "robot" || password != "s3cr3t" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(lab.Close)
	return lab
}

// TestPrivateFetch asks a git host in every way that fails, and in those that
// work, through the real go command and git.
func TestPrivateFetch(t *testing.T) {
	t.Parallel()
	lab := newPrivateLab(t)
	host := strings.TrimPrefix(lab.URL, "http://")
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	ssh := filepath.Join(t.TempDir(), "ssh")
	refusing := func(words string) string {
		labWrite(t, ssh+words[:4], "#!/bin/sh\necho '"+words+"' >&2\nexit 255\n")
		if err := os.Chmod(ssh+words[:4], 0o755); err != nil {
			t.Fatal(err)
		}
		return "GIT_SSH_COMMAND=" + ssh + words[:4]
	}
	rewrite := func(base string) []string {
		return []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url." + base + ".insteadOf", "GIT_CONFIG_VALUE_0=https://github.com/acme/"}
	}
	tests := []struct {
		name    string
		env     []string
		netrc   string
		module  string
		private string // GOPRIVATE; github.com/acme where empty
		scope   Scope
		// rule is the one finding; nil for none. go is what the go command says of it.
		rule   *Rule
		goSays string
		says   []string // in the evidence or the fix
	}{
		{name: "no credentials", env: rewrite(lab.URL + "/"), rule: rulePrivateCredentials, goSays: "could not read Username",
			says: []string{"netrc: no machine", "ssh agent: none", "git: url.http://" + host + "/.insteadof https://github.com/acme/", "GOAUTH: netrc"}},
		{name: "no credentials, in a container action", env: rewrite(lab.URL + "/"), scope: ScopeContainer, rule: rulePrivateCredentials, goSays: "could not read Username",
			says: []string{"hand a netrc in by the input netrc"}},
		{name: "credentials for another host", env: rewrite(lab.URL + "/"), netrc: "machine 127.0.0.2 login robot password s3cr3t\n",
			rule: rulePrivateCredentials, goSays: "could not read Username", says: []string{"netrc: 127.0.0.2"}},
		{name: "wrong password", env: rewrite(lab.URL + "/"), netrc: "machine 127.0.0.1 login robot password wr0ng\n",
			rule: rulePrivateCredentials, goSays: "403"},
		{name: "right password", env: rewrite(lab.URL + "/"), netrc: "machine 127.0.0.1 login robot password s3cr3t\n"},
		{name: "no such repository", env: rewrite(lab.URL + "/"), netrc: "machine 127.0.0.1 login robot password s3cr3t\n", module: "github.com/acme/nothing",
			rule: rulePrivateNotFound, goSays: "not found"},
		{name: "key refused", env: append(rewrite("ssh://git@git.example/"), refusing("git@git.example: Permission denied (publickey).")),
			rule: rulePrivateSSH, goSays: "Permission denied (publickey)", says: []string{"ssh agent: none"}},
		{name: "key refused, in a container action", env: append(rewrite("ssh://git@git.example/"), refusing("git@git.example: Permission denied (publickey).")),
			scope: ScopeContainer, rule: rulePrivateSSH, goSays: "Permission denied (publickey)", says: []string{"inputs ssh-key and ssh-known-hosts"}},
		{name: "host key unknown", env: append(rewrite("ssh://git@git.example/"), refusing("Host key verification failed.")),
			rule: rulePrivateSSH, goSays: "Host key verification failed"},
		{name: "refused", env: rewrite("http://" + closedPort(t) + "/"), rule: rulePrivateUnreachable, goSays: "Failed to connect"},
		{name: "name unknown", env: rewrite("http://git.invalid/"), rule: rulePrivateUnreachable, goSays: "Could not resolve host"},
		{name: "silent", env: rewrite("http://" + silent.Addr().String() + "/"), rule: rulePrivateUnreachable, goSays: "waits for ever"},
		{name: "GOVCS", env: append(rewrite(lab.URL+"/"), "GOVCS=private:off"), rule: rulePrivateVCS, goSays: "GOVCS disallows using git for private"},
		{name: "no git", env: []string{"PATH=/no/such/folder"}, rule: rulePrivateVCS, goSays: `exec: "git": executable file not found`},
	}
	rows := make([][]string, len(tests))
	t.Run("faults", func(t *testing.T) {
		for i, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				s := privateSession(t, tt.env, tt.netrc)
				module := tt.module
				if module == "" {
					module = "github.com/acme/private"
				}
				if tt.scope != "" {
					s.Scope = tt.scope
				}
				requirePrivate(t, s, module)
				if tt.name == "silent" {
					s.Config.Proxy.Timeout = 2 * time.Second
				}
				_, findings, err := runPrivate(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				rows[i] = []string{tt.name, orNothing(tt.goSays), "no finding", ""}
				if tt.rule == nil {
					if len(findings) > 0 {
						t.Fatalf("findings = %v, want none", findingTexts(findings))
					}
					return
				}
				if len(findings) != 1 || findings[0].Rule != tt.rule.ID || findings[0].Place() != "go.mod:3" || findings[0].Module != module+"@v1.0.0" || findings[0].Key != "github.com/acme" {
					t.Fatalf("findings = %+v, want one %s at go.mod:3", findings, tt.rule.ID)
				}
				rows[i][2], rows[i][3] = tt.rule.ID, "go.mod, at the requirement"
				text := strings.Join(append(findings[0].Evidence, findings[0].Message, findings[0].Fix.Description), "\n")
				for _, want := range append(tt.says, map[bool]string{true: tt.goSays, false: "no answer within 2s"}[tt.name != "silent"]) {
					if !strings.Contains(text, want) {
						t.Errorf("%q is not in\n%s", want, text)
					}
				}
				if strings.Contains(text, "s3cr3t") || strings.Contains(text, "wr0ng") {
					t.Errorf("a password is in\n%s", text)
				}
			})
		}
	})
	faultdoc.Table(t, "private", []string{"fault", "what the go command says", "gopreflight", "place"}, rows)
}

func orNothing(text string) string {
	if text == "" {
		return "nothing: it works"
	}
	return text
}

// closedPort is an address on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// privateSession is a session with the real go command and git, an environment
// and a netrc, in which GOPRIVATE matches github.com/acme.
func privateSession(t *testing.T, env []string, netrc string) *Session {
	t.Helper()
	s := goSession(t, map[string]string{"go.mod": "module example.org/main\n\ngo 1.21\n"})
	home := t.TempDir()
	labWrite(t, filepath.Join(home, "go", "telemetry", "mode"), "off")
	labWrite(t, filepath.Join(home, ".netrc"), netrc)
	if err := os.Chmod(filepath.Join(home, ".netrc"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home, "GOENV=off", "GOPATH=" + home, "GO_TELEMETRY_CHILD=2",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "GOPRIVATE=github.com/acme", "TMPDIR=" + t.TempDir(),
	}
	all := append(base, env...)
	values := map[string]string{"HOME": home}
	s.Getenv = func(name string) string { return values[name] }
	settings := map[string]string{"GOPRIVATE": "github.com/acme", "GOSUMDB": "off", "GOMODCACHE": filepath.Join(home, "mod"), "GOPROXY": "off", "GOROOT": s.Env.Get("GOROOT"), "GOVERSION": s.Env.Get("GOVERSION")}
	goPath := s.Go.Path()
	s.Env = goenv.FromMap(settings)
	s.Go = gocmd.New(goPath, all, 0)
	s.Git = gitIn(t, s.Root(), all)
	s.Config.Proxy.Timeout = 30 * time.Second // the machine may be busy; one row is about time
	return s
}

// requirePrivate makes the repository's go.mod require a module, at line 3.
func requirePrivate(t *testing.T, s *Session, module string) {
	t.Helper()
	labWrite(t, filepath.Join(s.Root(), "go.mod"), "module example.org/main\n\nrequire "+module+" v1.0.0\n\ngo 1.21\n")
	loadFiles(t, s, s.Root())
}

// gitIn makes a folder a git work tree and returns git for it.
func gitIn(t *testing.T, dir string, env []string) *git.Git {
	t.Helper()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "init", "-q", dir)
	cmd.Env = append(slices.Clone(env), "PATH="+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git init: %v\n%s", err, out)
	}
	tree, err := git.Open(t.Context(), path, dir, env)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// TestPrivateAsksNobody: what the go command would not fetch, and what only the
// repository names, is not asked for; nor is anything when offline.
func TestPrivateAsksNobody(t *testing.T) {
	t.Parallel()
	s := namesSession(t, map[string]string{"GOPRIVATE": "*,github.com/acme"},
		"require github.com/spf13/cobra v1.8.0", "require 169.254.169.254/latest v1.0.0", "require localhost.localdomain/x v1.0.0", "require evil.example.com/x v1.0.0")
	if got := fetchable(s, namedModules(s)); len(got) > 0 {
		t.Errorf("asked for: %v, want nobody: no pattern names a host", got)
	}
	s = namesSession(t, map[string]string{"GOPRIVATE": "*.com,*.internal,github.com/acme"},
		"require evil.example.com/x v1.0.0", "require git.internal/x v1.0.0", "require github.com/acme/y v1.0.0", "require github.com/acme/z v1.0.0")
	var got []string
	for _, m := range fetchable(s, namedModules(s)) {
		got = append(got, m.Path)
	}
	if want := []string{"git.internal/x", "github.com/acme/y"}; !slices.Equal(got, want) {
		t.Errorf("asked for %v, want %v", got, want)
	}
	s.Offline = true
	var skipped *skip
	if _, _, err := runPrivate(t.Context(), s); !errors.As(err, &skipped) {
		t.Errorf("offline: %v, want skipped", err)
	}
}
