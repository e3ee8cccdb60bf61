//go:build linux

package checks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/failure"
	"github.com/gopreflight/gopreflight/internal/faultdoc"
	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// A proxyFault is one row of the lab: a real server that is broken in one way,
// what gopreflight has to say of it, and how to ask the real go command.
type proxyFault struct {
	name string
	// rule and phase are what must be found, and nothing else. The phase is the
	// one that the facts give for the entry.
	rule, phase string
	setup       func(l *proxyLab) proxyCase
}

// A proxyCase is a fault made real. The faulty server is the entry that is named.
type proxyCase struct {
	// goproxy is the chain, and key the finding's; empty: the chain without what
	// follows the first separator.
	goproxy, key string
	// module of the finding; empty for none.
	module string
	// env is what is set for both, beside GOPROXY.
	env []string
	// settings are Go's own, for both.
	settings map[string]string
	resolver *net.Resolver
	// lines are the go.mod's; empty for example.com/lib v1.0.0.
	lines []string
	now   func() time.Time
	// timeout is proxy.timeout; 0 for what no fault comes near.
	timeout time.Duration
	// args is the go command; empty for go mod download example.com/lib@v1.0.0.
	args []string
	// hangs says that the go command would wait for ever.
	hangs bool
	// hosts is the /etc/hosts and dns the kind of name server that the go command
	// gets, in a namespace of its own.
	hosts, dns string
}

// A proxyLab is what the faults share.
type proxyLab struct {
	*testing.T
	origin *origin
	ca     *testCA // trusted, by both
	caFile string
}

// silence is proxy.timeout where the fault is that nothing comes.
const silence = 400 * time.Millisecond

func newProxyLab(t *testing.T) *proxyLab {
	l := &proxyLab{T: t, origin: proxyOrigin(t), ca: newTestCA(t, "Lab CA"), caFile: filepath.Join(t.TempDir(), "ca.pem")}
	if err := os.WriteFile(l.caFile, l.ca.pem(), 0o644); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestProxyLab breaks the way to a module proxy in every way that we know of.
func TestProxyLab(t *testing.T) {
	t.Parallel()
	goCmd, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	faults := slices.Concat(proxyNetworkFaults, proxyTLSFaults, proxyHTTPFaults, proxyContentFaults, proxyChainFaults, proxyDirectFaults)
	rows := make([][]string, len(faults))
	var unasked sync.Map // rows without what the go command says
	t.Run("faults", func(t *testing.T) {
		l := newProxyLab(t)
		for i, f := range faults {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				own := *l
				own.T = t
				c := f.setup(&own)
				own.judge(f, c)
				says, ok := own.goSays(goCmd, c)
				own.explained(f, says)
				if !ok {
					unasked.Store(f.name, true)
				}
				rows[i] = []string{f.name, says, "`" + f.rule + "`", f.phase}
			})
		}
	})
	t.Logf("%d faults", len(faults))
	incomplete := false
	unasked.Range(func(name, _ any) bool {
		t.Logf("%v: no namespace can be made here, the go command was not asked", name)
		incomplete = true
		return true
	})
	if !t.Failed() && !incomplete {
		faultdoc.Table(t, "proxy", []string{"fault", "what the go command says", "rule", "phase"}, rows)
	}
}

// judge runs the check on a case.
func (l *proxyLab) judge(f proxyFault, c proxyCase) {
	l.Helper()
	settings := map[string]string{"GOPROXY": c.goproxy, "GOAUTH": "netrc"}
	for k, v := range c.settings {
		settings[k] = v
	}
	s := proxySession(l.T, settings)
	if len(c.lines) > 0 {
		s.Modules[0] = mainModule(l.T, "example.org/main", c.lines...)
	}
	s.Getenv = func(name string) string {
		for _, kv := range slices.Backward(c.env) {
			if value, ok := strings.CutPrefix(kv, name+"="); ok {
				return value
			}
		}
		return l.origin.getenv(name)
	}
	s.prober = func(p *goproxy.Prober) {
		p.Roots = l.ca.pool()
		p.Roots.AddCert(l.origin.ca.cert)
		p.Resolver = c.resolver
	}
	if c.now != nil {
		s.Now = c.now
	}
	s.Config.Proxy.Timeout = 10 * time.Second
	if c.timeout > 0 {
		s.Config.Proxy.Timeout = c.timeout
	}
	facts, findings, err := runProxy(l.Context(), s)
	if err != nil {
		l.Errorf("error %v", err)
	}
	key := c.key
	if key == "" {
		key, _, _ = strings.Cut(strings.ReplaceAll(c.goproxy, "|", ","), ",")
	}
	if len(findings) != 1 || findings[0].Rule != f.rule || findings[0].Key != key || findings[0].Module != c.module {
		l.Errorf("findings = %v, want only %s of %s", findingTexts(findings), f.rule, key)
		for _, f := range findings {
			l.Logf("%s %s\n%s", f.Key, f.Module, strings.Join(f.Evidence, "\n"))
		}
		return
	}
	if got := phaseOfFinding(facts, &findings[0]); got != f.phase {
		l.Errorf("phase = %s, want %s\n%+v", got, f.phase, facts.Values["entries"])
	}
}

// explained checks that the failure catalogue knows what the go command says, and
// lays it at this finding's door: so a build that fails for it is no second fault.
func (l *proxyLab) explained(f proxyFault, says string) {
	l.Helper()
	if !strings.Contains(says, "go: ") || strings.Contains(f.rule, "unknown-version") || strings.Contains(f.rule, "escaping") {
		return // the question that the go command was asked is another one
	}
	causes := failure.Diagnose(strings.TrimPrefix(says, "`"))
	if !slices.ContainsFunc(causes, func(c failure.Cause) bool { return failure.Explains(c, f.rule, "") }) {
		l.Errorf("no cause leads to %s: %+v\n%s", f.rule, causes, says)
	}
}

// phaseOfFinding is the phase that the facts give for the entry of a finding.
func phaseOfFinding(facts Facts, f *Finding) string {
	switch f.Rule {
	case "proxy/address":
		return "connect"
	case "proxy/clock":
		return "clock"
	case "proxy/tls-expiring":
		return "tls"
	}
	if strings.HasPrefix(f.Rule, "proxy/direct") {
		return "direct"
	}
	for _, v := range facts.Values["entries"].([]proxyValue) {
		if v.Entry != f.Key && f.Rule != "proxy/not-found" {
			continue
		}
		for _, e := range []string{"info", "mod", "zip", "list", "missing", "escaped"} {
			if a := v.Answers[e]; a.Phase != "" {
				return a.Phase
			}
		}
		for _, e := range []string{"info", "mod", "zip", "list"} {
			if v.Answers[e].FirstFault != "" {
				return "http"
			}
		}
	}
	return ""
}

// goSays runs the go command on a case; ok is false where it cannot be asked here.
func (l *proxyLab) goSays(goCmd string, c proxyCase) (says string, ok bool) {
	l.Helper()
	dir := l.TempDir()
	telemetry := filepath.Join(dir, "go", "telemetry")
	if err := errors.Join(os.MkdirAll(telemetry, 0o755), os.WriteFile(filepath.Join(telemetry, "mode"), []byte("off"), 0o644)); err != nil {
		l.Fatal(err)
	}
	args := c.args
	if len(args) == 0 {
		args = []string{"mod", "download", "example.com/lib@v1.0.0"}
	}
	ctx, cancel := context.WithTimeout(l.Context(), time.Minute)
	if c.hangs {
		ctx, cancel = context.WithTimeout(l.Context(), time.Second)
	}
	defer cancel()
	cmd := exec.CommandContext(ctx, goCmd, args...)
	if c.hosts != "" || c.dns != "" {
		if cmd, ok = l.inNamespace(ctx, goCmd, c, args); !ok {
			return "", false
		}
	}
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	cmd.Env = append(slices.Clone(cmd.Env),
		"PATH="+os.Getenv("PATH"), "HOME="+dir, "GO_TELEMETRY_CHILD=2", "XDG_CONFIG_HOME="+dir, "GOENV=off",
		"GOPATH="+filepath.Join(dir, "gopath"), "GOCACHE="+filepath.Join(dir, "cache"), "GOTMPDIR="+dir,
		"GOFLAGS=-modcacherw", "GOTOOLCHAIN=local", "GOSUMDB=off", "GOWORK=off", "GODEBUG=netdns=go", "LC_ALL=C", "GIT_TERMINAL_PROMPT=0",
		"GOPROXY="+c.goproxy, "SSL_CERT_FILE="+l.goRoots(), "SSL_CERT_DIR=/nonexistent", "HTTPS_PROXY="+l.origin.via, "HTTP_PROXY="+l.origin.via,
	)
	for k, v := range c.settings {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.Env = append(cmd.Env, c.env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &out
	err := cmd.Run()
	if ctx.Err() != nil && !c.hangs {
		l.Errorf("the go command was not asked to the end: %v", err)
	}
	if ctx.Err() == nil && c.hangs {
		l.Errorf("the go command does not wait for ever: %s", out.String())
	}
	says = stable(out.String(), dir)
	switch {
	case c.hangs:
		return "nothing, for as long as one waits", true
	case err == nil && says == "":
		says = "nothing: it succeeds"
	}
	if len(c.args) > 0 {
		says = "`go " + strings.Join(c.args, " ") + "`: " + says
	}
	return says, true
}

// goRoots is a bundle of the lab's authority and the origin's.
func (l *proxyLab) goRoots() string {
	l.Helper()
	name := filepath.Join(l.TempDir(), "roots.pem")
	if err := os.WriteFile(name, append(l.ca.pem(), l.origin.ca.pem()...), 0o644); err != nil {
		l.Fatal(err)
	}
	return name
}

var (
	addressText = regexp.MustCompile(`(127\.0\.0\.\d|\[::1\]|localhost|goproxy\.example):\d+`)
	timeText    = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	portText    = regexp.MustCompile(`ADDRESS->`)
	tempText    = regexp.MustCompile(`/[^\s"/][^\s"]*/TestProxyLab[^/\s"]*/\d+`)
)

// stable is the parts of a message that are the same in every run.
func stable(text, dir string) string {
	text = strings.ReplaceAll(text, dir, "DIR")
	text = tempText.ReplaceAllString(text, "/DIR")
	text = addressText.ReplaceAllString(text, "ADDRESS")
	text = portText.ReplaceAllString(text, "")
	text = timeText.ReplaceAllString(text, "TIME")
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 320 {
		text = string(r[:320]) + "…"
	}
	return text
}

// inNamespace is the go command where names resolve as the case says: with the
// hosts in a mount namespace, or with a name server in one without a network.
func (l *proxyLab) inNamespace(ctx context.Context, goCmd string, c proxyCase, args []string) (*exec.Cmd, bool) {
	l.Helper()
	dir := l.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			l.Fatal(err)
		}
		return path
	}
	script := "set -e\nmount --bind \"$HOSTS\" /etc/hosts\nexec \"$@\"\n"
	flags := "-rm"
	if c.dns != "" {
		flags = "-rmn"
		script = "set -e\nip link set lo up\nmount --bind \"$HOSTS\" /etc/hosts\nmount --bind \"$RESOLV\" /etc/resolv.conf\n" +
			"\"$STUB\" -test.run '^TestProxyLabNameServer$' >/dev/null 2>&1 &\nstub=$!\n" +
			"while [ ! -e \"$READY\" ]; do sleep 0.02; done\nrc=0\n\"$@\" || rc=$?\nkill $stub\nexit $rc\n"
	}
	if err := exec.Command("unshare", flags, "sh", "-c", "mount --bind /etc/hosts /etc/hosts && (ip link set lo up || true)").Run(); err != nil {
		return nil, false
	}
	self, err := os.Executable()
	if err != nil {
		l.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "unshare", append([]string{flags, "sh", "-c", script, "sh", goCmd}, args...)...)
	cmd.Env = []string{
		"HOSTS=" + write("hosts", c.hosts), "RESOLV=" + write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"),
		"STUB=" + self, "READY=" + filepath.Join(dir, "ready"), "GOPREFLIGHT_LAB_DNS=" + c.dns,
	}
	return cmd, true
}
