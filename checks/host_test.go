package checks

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/git"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/hostinfo"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// roomy is a folder on a file system with plenty of everything.
func roomy(path, volume string) hostinfo.Path {
	return hostinfo.Path{
		Path: path, Nearest: path, Exists: true, Dir: true, Writable: hostinfo.Yes, ReadOnly: hostinfo.No, NoExec: hostinfo.No, Volume: volume,
		Space: &hostinfo.Space{Free: 80 << 30, Total: 100 << 30, FreeInodes: 1 << 20, TotalInodes: 1 << 21},
	}
}

// healthyHost is a machine with nothing wrong; change makes it worse.
func healthyHost(change func(*hostFacts)) hostFacts {
	f := hostFacts{
		Cores: 2, Memory: 24 << 30, Root: "/src/it's", Home: roomy("/home/u", "1"),
		Places: []place{
			{Name: "GOMODCACHE", Use: moduleCache, At: roomy("/home/u/go/pkg/mod", "1")},
			{Name: "GOCACHE", Use: buildCache, At: roomy("/home/u/.cache/go-build", "1")},
			{Name: "TMPDIR", Use: temporary, At: roomy("/tmp", "2")},
		},
	}
	if change != nil {
		change(&f)
	}
	return f
}

// deny makes a folder one that this user may not write to.
func deny(p *hostinfo.Path) { p.Writable, p.Why = hostinfo.No, "permission denied" }

// missing makes a folder one that does not exist below nearest.
func missing(p *hostinfo.Path, nearest string) { p.Exists, p.Dir, p.Nearest = false, false, nearest }

func TestJudgeHost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*hostFacts)
		rules  []string
		// message and command are parts of the first finding.
		message, command string
	}{
		{name: "healthy"},
		{name: "nothing is known", change: func(f *hostFacts) {
			for i := range f.Places {
				f.Places[i].At = hostinfo.Path{Path: f.Places[i].At.Path, Nearest: "/"}
			}
			f.Home = hostinfo.Path{Path: "/home/u"}
		}},
		{name: "full, two caches on one file system",
			change: func(f *hostFacts) {
				f.Places[0].At.Space.Free = diskFull - 1
				f.Places[1].At.Space = f.Places[0].At.Space
			},
			rules:   []string{"host/disk-full GOMODCACHE, GOCACHE"},
			message: "99 MiB of 100 GiB are free at /home/u/go/pkg/mod (GOMODCACHE, GOCACHE)", command: "go clean -cache"},
		{name: "at the limit", change: func(f *hostFacts) { f.Places[2].At.Space.Free = diskFull },
			rules: []string{"host/disk-low TMPDIR"}, message: "100 MiB of 100 GiB"},
		{name: "just enough", change: func(f *hostFacts) { f.Places[2].At.Space.Free = diskLow }},
		{name: "full and low on two file systems that are not told apart", change: func(f *hostFacts) {
			f.Places[0].At.Volume, f.Places[1].At.Volume = "", ""
			f.Places[0].At.Space.Free, f.Places[1].At.Space.Free = 1, diskLow-1
		}, rules: []string{"host/disk-full GOMODCACHE", "host/disk-low GOCACHE"}, message: "0 MiB"},
		{name: "no inodes", change: func(f *hostFacts) { f.Places[2].At.Space.FreeInodes = 0 },
			rules: []string{"host/inodes-full TMPDIR"}, message: "none of 2097152 inodes"},
		{name: "few inodes", change: func(f *hostFacts) { f.Places[2].At.Space.FreeInodes = inodesLow - 1 },
			rules: []string{"host/inodes-low TMPDIR"}, message: "9999 of 2097152 inodes"},
		{name: "inodes are not counted", change: func(f *hostFacts) {
			f.Places[2].At.Space.FreeInodes, f.Places[2].At.Space.TotalInodes = 0, 0
		}},
		{name: "GOCACHE of another user", change: func(f *hostFacts) { deny(&f.Places[1].At) },
			rules: []string{"host/not-writable GOCACHE"}, message: "GOCACHE cannot be written to: /home/u/.cache/go-build: permission denied",
			command: `sudo chown -R "$(id -u):$(id -g)" /home/u/.cache/go-build`},
		{name: "a folder in GOCACHE of another user", change: func(f *hostFacts) {
			inside := roomy("/home/u/.cache/go-build/00", "1")
			deny(&inside)
			f.Places[1].Inside = []hostinfo.Path{inside}
		}, rules: []string{"host/not-writable GOCACHE"}, message: "/home/u/.cache/go-build/00: permission denied", command: "sudo chown"},
		{name: "GOCACHE on a read-only mount", change: func(f *hostFacts) {
			deny(&f.Places[1].At)
			f.Places[1].At.ReadOnly = hostinfo.Yes
		}, rules: []string{"host/not-writable GOCACHE"}, command: `export GOCACHE="$(mktemp -d)"`},
		{name: "GOMODCACHE cannot be made", change: func(f *hostFacts) {
			missing(&f.Places[0].At, "/")
			deny(&f.Places[0].At)
		}, rules: []string{"host/not-writable GOMODCACHE"}, message: "GOMODCACHE cannot be made: /home/u/go/pkg/mod: /: permission denied",
			command: `export GOMODCACHE="$(mktemp -d)"`},
		{name: "a module cache filled for others", change: func(f *hostFacts) {
			deny(&f.Places[0].At)
			f.Places[0].Filled = true
		}, rules: []string{"host/modcache-read-only GOMODCACHE"}, message: "nothing can be added to GOMODCACHE"},
		{name: "a module cache that no build needs", change: func(f *hostFacts) {
			deny(&f.Home)
			missing(&f.Places[0].At, "/home/u")
			deny(&f.Places[0].At)
			f.Places[0].Spare = true
			f.Places[1].At.Path = "/cache/build"
		}, rules: []string{"host/modcache-read-only GOMODCACHE"}},
		{name: "neither cache, of which a build needs one", change: func(f *hostFacts) {
			deny(&f.Home)
			for i := range f.Places[:2] {
				missing(&f.Places[i].At, "/home/u")
				deny(&f.Places[i].At)
			}
			f.Places[0].Spare = true
		}, rules: []string{"host/home HOME"}},
		{name: "a temporary folder of another user", change: func(f *hostFacts) { deny(&f.Places[2].At) },
			rules: []string{"host/not-writable TMPDIR"}, command: `export TMPDIR="$HOME/tmp"`},
		{name: "a missing temporary folder is the check env's", change: func(f *hostFacts) {
			missing(&f.Places[2].At, "/")
			deny(&f.Places[2].At)
		}},
		{name: "noexec", change: func(f *hostFacts) { f.Places[2].At.NoExec, f.Places[1].At.NoExec = hostinfo.Yes, hostinfo.Yes },
			rules: []string{"host/temp-noexec TMPDIR"}, message: "/tmp is mounted with noexec", command: `export GOTMPDIR=`},
		{name: "HOME of another user", change: func(f *hostFacts) {
			deny(&f.Home)
			for i := range f.Places[:2] {
				missing(&f.Places[i].At, "/home/u")
				deny(&f.Places[i].At)
			}
		}, rules: []string{"host/home HOME"}, message: "HOME=/home/u cannot be written to: permission denied"},
		{name: "HOME does not exist", change: func(f *hostFacts) {
			missing(&f.Home, "/home")
			deny(&f.Home)
			missing(&f.Places[1].At, "/home")
			deny(&f.Places[1].At)
		}, rules: []string{"host/home HOME"}, message: "HOME=/home/u does not exist and cannot be made: /home: permission denied"},
		{name: "HOME of another user, caches elsewhere", change: func(f *hostFacts) {
			deny(&f.Home)
			f.Places[0].At.Path, f.Places[1].At.Path = "/cache/mod", "/cache/build"
		}},
		{name: "HOME is the root, as Docker sets it, and the module cache a mounted one", change: func(f *hostFacts) {
			f.Home.Path = "/"
			deny(&f.Home)
			f.Places[0].Named, f.Places[0].Filled = true, true
			deny(&f.Places[0].At)
		}, rules: []string{"host/modcache-read-only GOMODCACHE"}},
		{name: "git refuses", change: func(f *hostFacts) { f.Distrust = "fatal: detected dubious ownership\nTo add an exception" },
			rules: []string{"host/git-ownership "}, command: `git config --global --add safe.directory '/src/it'\''s'`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			findings := judgeHost(healthyHost(test.change))
			wantFindings(t, findings, test.rules)
			if len(findings) == 0 {
				return
			}
			if f := findings[0]; !strings.Contains(f.Message, test.message) || !strings.Contains(f.Fix.Command, test.command) {
				t.Errorf("got %q, fix %q; want %q and %q in them", f.Message, f.Fix.Command, test.message, test.command)
			}
			for _, f := range findings {
				if f.Fix.Description == "" {
					t.Errorf("%s: no fix", f.Rule)
				}
			}
		})
	}
}

func TestHostSummary(t *testing.T) {
	t.Parallel()
	f := healthyHost(nil)
	if got, want := f.summary(), "2 cores, 24 GiB; 80 GiB free at GOMODCACHE"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	unknown := hostFacts{Cores: 1, Places: []place{{Name: "GOCACHE"}}}
	if got, want := unknown.summary(), "1 core"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for size, want := range map[uint64]string{0: "0 MiB", 1<<30 - 1: "1023 MiB", 1 << 30: "1.0 GiB", 3 << 29: "1.5 GiB", 10 << 30: "10 GiB"} {
		if got := binarySize(size); got != want {
			t.Errorf("%d: got %q, want %q", size, got, want)
		}
	}
}

// hostSession is a session of a repository with one module and private caches.
func hostSession(t *testing.T, set map[string]string) *Session {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"go.mod": "module example.com/m\n\ngo 1.21\n", "m.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := repo.Load(t.Context(), repo.Options{Dir: root})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range set {
		set[name] = strings.ReplaceAll(value, "$REPO", root)
	}
	return &Session{
		Repo: r, Modules: r.Modules, Env: goenv.FromMap(set), Config: config.Default(), Scope: ScopeJob,
		Getenv: func(name string) string { return set[name] },
	}
}

func TestHostGathers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	temp := filepath.Join(dir, "tmp")
	for _, d := range []string{temp, filepath.Join(dir, "mod", "cache", "download"), filepath.Join(dir, "build", "00")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := hostSession(t, map[string]string{
		"HOME": dir, "GOMODCACHE": filepath.Join(dir, "mod"), "GOCACHE": filepath.Join(dir, "build"), "GOTMPDIR": temp,
	})
	f, err := gatherHost(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range f.Places {
		got = append(got, p.Name)
		if !p.At.Dir || p.At.Writable == hostinfo.No {
			t.Errorf("%s: got %+v", p.Name, p.At)
		}
	}
	if want := []string{"GOMODCACHE", "GOCACHE", "GOTMPDIR"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !f.Places[0].Filled || len(f.Places[1].Inside) != 1 {
		t.Errorf("got Filled %v, %d folders inside GOCACHE; want true, 1", f.Places[0].Filled, len(f.Places[1].Inside))
	}
	facts, _, err := runHost(t.Context(), s)
	if err != nil || !strings.Contains(facts.Summary, " core") {
		t.Errorf("got %q, %v", facts.Summary, err)
	}

	// What names no folder is left to the check env.
	s = hostSession(t, map[string]string{"GOMODCACHE": "rel", "GOCACHE": "off", "TMPDIR": "rel", "TMP": "rel"})
	if f, err := gatherHost(t.Context(), s); err != nil || len(f.Places) != 0 {
		t.Errorf("got %+v, %v; want no places", f.Places, err)
	}
}

func TestHostContainer(t *testing.T) {
	t.Parallel()
	elsewhere := t.TempDir()
	s := hostSession(t, map[string]string{"HOME": "/nonexistent", "GOMODCACHE": elsewhere, "GOCACHE": "$REPO/../other", "TMPDIR": elsewhere, "TMP": elsewhere})
	s.Scope = ScopeContainer
	if _, findings, err := runHost(t.Context(), s); err == nil || err.Error() != "the job's machine is outside this container, use host/" || len(findings) > 0 {
		t.Errorf("got %v, %v; want skipped", findings, err)
	}
	s = hostSession(t, map[string]string{"HOME": "/nonexistent", "GOMODCACHE": "$REPO/.cache/mod", "GOCACHE": elsewhere, "TMPDIR": elsewhere, "TMP": elsewhere})
	s.Scope = ScopeContainer
	f, err := gatherHost(t.Context(), s)
	if err != nil || len(f.Places) != 1 || f.Places[0].Name != "GOMODCACHE" || f.Home.Path != "" {
		t.Errorf("got %+v, %v; want GOMODCACHE alone", f, err)
	}
}

// TestHostGitOwnership gives a repository to another user and lets the real git
// and the real go command refuse it; it takes root to give something away.
func TestHostGitOwnership(t *testing.T) {
	t.Parallel()
	gitPath, err := exec.LookPath("git")
	if err != nil {
		t.Skip("no git")
	}
	if runtime.GOOS == "windows" || os.Geteuid() != 0 {
		t.Skip("only root can give a folder to another user")
	}
	home := t.TempDir()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "GOFLAGS=-buildvcs=auto", "GOTOOLCHAIN=local"}
	if cache, err := os.UserCacheDir(); err == nil {
		env = append(env, "XDG_CACHE_HOME="+cache)
	}
	s := hostSession(t, map[string]string{"HOME": home})
	run := func(name string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir, cmd.Env = s.Root(), env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("git", "init", "-q"); err != nil {
		t.Fatal(out)
	}
	if s.Git, err = git.Open(t.Context(), gitPath, s.Root(), env); err != nil {
		t.Fatal(err)
	}
	check := func(want ...string) []Finding {
		t.Helper()
		_, findings, err := runHost(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		wantFindings(t, findings, want)
		return findings
	}
	build := func() (string, error) { return run("go", "build", "-o", os.DevNull, ".") }

	check()
	if err := os.Chown(s.Root(), 65534, 65534); err != nil {
		t.Skip(err)
	}
	if out, err := build(); err == nil || !strings.Contains(out, "error obtaining VCS status") {
		t.Errorf("go build: got %v %s, want it to fail", err, out)
	}
	findings := check("host/git-ownership ")
	s.Env = goenv.FromMap(map[string]string{"GOFLAGS": "-buildvcs=false"})
	check()
	s.Env = goenv.FromMap(nil)
	if len(findings) == 1 {
		if out, err := run("sh", "-c", findings[0].Fix.Command); err != nil {
			t.Fatal(out)
		}
	}
	check()
	if out, err := build(); err != nil {
		t.Errorf("go build after the fix: %v %s", err, out)
	}
}

// TestBuildsFromCache: whose build can need the module cache.
func TestBuildsFromCache(t *testing.T) {
	t.Parallel()
	require := func(path string) string {
		return "module example.com/" + path + "\n\ngo 1.21\n\nrequire example.com/lib v1.0.0\n"
	}
	files := map[string]string{
		"alone/go.mod": "module example.com/alone\n\ngo 1.21\n", "needs/go.mod": require("needs"), "broken/go.mod": "modul\n",
		"vendored/go.mod": require("vendored"), "vendored/vendor/modules.txt": "# example.com/lib v1.0.0\n## explicit\n",
	}
	for goflags, want := range map[string][]string{
		"":          {"broken", "needs"},
		"-mod=mod":  {"broken", "needs", "vendored"},
		"-trimpath": {"broken", "needs"},
	} {
		s := filesSession(t, files)
		s.Env = goenv.FromMap(map[string]string{"GOFLAGS": goflags})
		var got []string
		for _, m := range s.Modules {
			if s.buildsFromCache(m) {
				got = append(got, m.Dir)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("GOFLAGS=%s: got %q, want %q", goflags, got, want)
		}
	}
}
