//go:build unix

package e2e

import (
	"encoding/json"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
)

// In a network namespace without routes, where not even loopback is up, an
// offline run answers what the caches can and skips the rest.
func TestOfflineWithoutNetwork(t *testing.T) {
	if err := exec.Command("unshare", "-rn", "true").Run(); err != nil {
		t.Skipf("no network namespace can be made here: %v", err)
	}
	m := newMachine(t, workspaceRepo)
	m.commit()
	m.mustRun("gopreflight", "--quiet") // what the workspace selects is in no cache yet
	r, code := m.report(m.command("unshare", "-rn", "gopreflight", "--offline", "--format", "json"))
	if code != 0 {
		t.Errorf("exit code %d, root causes %+v", code, r.RootCauses)
	}
	want := map[string]checks.Status{
		"env": checks.Passed, "toolchain": checks.Passed, "proxy": checks.Skipped, "sumdb": checks.Skipped, "private": checks.Skipped, "modules": checks.Skipped, "gosum": checks.Passed, "modcache": checks.Passed, "buildcache": checks.Passed,
		"gomod": checks.Passed, "tidy": checks.Passed, "policy": checks.Passed, "deps": checks.Skipped, "vendor": checks.Skipped, "build": checks.Passed,
	}
	got := statusesOf(r)
	delete(got, "host")
	if !maps.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}

	saysOffline(t, r)

	// Whatever the settings ask for, it is the same.
	busy := newMachine(t, workspaceRepo)
	busy.commit()
	busy.mustRun("gopreflight", "--quiet")
	busy.set(everything(busy, "127.0.0.1:9")...)
	r, code = busy.report(busy.command("unshare", "-rn", "gopreflight", "--offline", "--format", "json"))
	saysOffline(t, r)
	if got := statusesOf(r); code != 0 || got["modcache"] != checks.Passed || got["tidy"] != checks.Passed || got["build"] != checks.Passed {
		t.Errorf("every setting: exit code %d, %v, root causes %+v", code, got, r.RootCauses)
	}
	if started, err := os.ReadFile(filepath.Join(busy.home, "started")); err == nil {
		t.Errorf("every setting: started %s", started)
	}

	// With a cold cache nobody knows, and nothing is wrong.
	m.set("GOMODCACHE=" + filepath.Join(m.home, "cold"))
	r, code = m.report(m.command("unshare", "-rn", "gopreflight", "--offline", "--format", "json"))
	got = statusesOf(r)
	if code != 0 || got["modcache"] != checks.Skipped || got["tidy"] != checks.Skipped || got["build"] != checks.Skipped {
		t.Errorf("cold: exit code %d, %v", code, got)
	}
}

// Offline not one connection is made and none of the user's programs that would
// make one is started, whatever the settings ask for.
func TestOfflineAsksNobody(t *testing.T) {
	var connections atomic.Int32
	addr := listen(t, func(c net.Conn) { connections.Add(1) })
	for _, test := range []struct {
		name string
		env  func(m *machine) []string
		// proves says that, with the network, this is noticed.
		proves bool
	}{
		{name: "proxies", proves: true, env: func(*machine) []string {
			return []string{"GOPROXY=http://" + addr + ",direct", "GOSUMDB=sum.golang.org http://" + addr}
		}},
		{name: "private modules", env: func(*machine) []string {
			return []string{"GOPROXY=http://" + addr, "GOPRIVATE=example.com", "GOINSECURE=example.com", "GOVCS=*:all"}
		}},
		{name: "HTTP proxies", env: func(*machine) []string {
			return []string{"GOPROXY=https://goproxy.example,direct", "HTTPS_PROXY=http://" + addr, "HTTP_PROXY=http://" + addr, "ALL_PROXY=http://" + addr}
		}},
		{name: "another toolchain", env: func(*machine) []string {
			return []string{"GOPROXY=http://" + addr, "GOTOOLCHAIN=go1.999.0"}
		}},
		{name: "programs", proves: true, env: func(m *machine) []string {
			program := m.telltale()
			return []string{"GOPROXY=http://" + addr, "GOAUTH=" + program, "GOCACHEPROG=" + program, "GIT_SSH_COMMAND=" + program, "GIT_ASKPASS=" + program}
		}},
		{name: "a partial clone", env: func(m *machine) []string {
			event := m.partialClone("http://" + addr + "/repo.git")
			return []string{"GOPROXY=http://" + addr, "GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=pull_request", "GITHUB_EVENT_PATH=" + event}
		}},
		{name: "direct", env: func(*machine) []string {
			return []string{"GOPROXY=direct", "GOVCS=*:all", "HTTPS_PROXY=http://" + addr, "HTTP_PROXY=http://" + addr}
		}},
		{name: "all at once", proves: true, env: func(m *machine) []string { return everything(m, addr) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, cache := range []string{"warm", "cold"} {
				m := newMachine(t, workspaceRepo)
				m.commit()
				m.mustRun("gopreflight", "--quiet")
				m.set(test.env(m)...)
				if cache == "cold" {
					m.set("GOMODCACHE=" + filepath.Join(m.home, "cold"))
				}
				noticed := func() bool {
					_, err := os.Stat(filepath.Join(m.home, "started"))
					return connections.Load() > 0 || err == nil
				}
				connections.Store(0)
				r, code := m.report(m.command("gopreflight", "--offline", "--format", "json"))
				if noticed() {
					started, _ := os.ReadFile(filepath.Join(m.home, "started"))
					t.Errorf("%s: %d connections, started: %s", cache, connections.Load(), started)
				}
				if code != 0 {
					t.Errorf("%s: exit code %d, %+v", cache, code, r.RootCauses)
				}
				saysOffline(t, r)
				if test.proves && cache == "cold" {
					m.report(m.command("gopreflight", "--only", "build,proxy", "--format", "json"))
					if !noticed() {
						t.Error("with the network nothing was noticed either: this test proves nothing")
					}
				}
			}
		})
	}
}

// everything is every setting that asks for the network or a program, together.
func everything(m *machine, addr string) []string {
	m.Helper()
	program := m.telltale()
	event := m.partialClone("http://" + addr + "/repo.git")
	return []string{
		"GOPROXY=http://" + addr + "|https://goproxy.example,direct", "GOSUMDB=sum.golang.org http://" + addr,
		"GOPRIVATE=example.com", "GOINSECURE=*", "GOVCS=*:all", "HTTPS_PROXY=http://" + addr, "HTTP_PROXY=http://" + addr,
		"GOAUTH=" + program, "GOCACHEPROG=" + program, "GIT_SSH_COMMAND=" + program, "GIT_ASKPASS=" + program, "SSH_ASKPASS=" + program,
		"GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=pull_request", "GITHUB_EVENT_PATH=" + event,
	}
}

// telltale is a program that leaves a note when it is started.
func (m *machine) telltale() string {
	m.Helper()
	program := filepath.Join(m.home, "program")
	script := "#!/bin/sh\necho \"$0 $*\" >> " + filepath.Join(m.home, "started") + "\nexit 1\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		m.Fatal(err)
	}
	return program
}

// saysOffline checks that the proxy stage was not asked, and says why.
func saysOffline(t *testing.T, r *checks.Report) {
	t.Helper()
	for _, res := range r.Results {
		if res.Stage == checks.StageProxy && (res.Status != checks.Skipped || res.Reason != "offline") {
			t.Errorf("%s: %s, %q, want skipped: offline", res.Check, res.Status, res.Reason)
		}
	}
}

// partialClone makes the repository a partial clone that lacks the policy of its
// base revision, and returns the payload of a pull request against that.
func (m *machine) partialClone(remote string) (event string) {
	m.Helper()
	policy := filepath.Join(m.repo, ".gopreflight.yml")
	if err := os.WriteFile(policy, []byte("version: 1\nfail-on: never\n"), 0o644); err != nil {
		m.Fatal(err)
	}
	m.commit()
	out, err := m.command("git", "rev-parse", "HEAD", "HEAD:.gopreflight.yml").Output()
	if err != nil {
		m.Fatal(err)
	}
	base, blob, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	m.mustRun("git", "rm", "-q", ".gopreflight.yml")
	m.mustRun("git", "commit", "-qm", "head")
	for _, kv := range [][2]string{
		{"core.repositoryFormatVersion", "1"}, {"extensions.partialClone", "origin"},
		{"remote.origin.url", remote}, {"remote.origin.promisor", "true"}, {"remote.origin.partialCloneFilter", "blob:none"},
	} {
		m.mustRun("git", "config", kv[0], kv[1])
	}
	if err := os.Remove(filepath.Join(m.repo, ".git", "objects", blob[:2], blob[2:])); err != nil {
		m.Fatal(err)
	}
	event = filepath.Join(m.home, "event.json")
	payload, err := json.Marshal(map[string]any{"pull_request": map[string]any{"number": 7, "base": map[string]any{"sha": base, "ref": "main"}}})
	if err != nil {
		m.Fatal(err)
	}
	if err := os.WriteFile(event, payload, 0o644); err != nil {
		m.Fatal(err)
	}
	return event
}
