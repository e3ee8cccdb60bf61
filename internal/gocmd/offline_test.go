//go:build unix

package gocmd

import (
	"archive/zip"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// network counts the connections that anything opens to it: it is the module
// proxy, the checksum database and, as the HTTP proxy, every other host.
type network struct {
	addr  string
	count atomic.Int64
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	n := &network{addr: l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.count.Add(1)
			c.Close()
		}
	}()
	return n
}

// write writes files, "name" to content, under dir.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, data := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := writeProgram(name, data); err != nil {
			t.Fatal(err)
		}
	}
}

// moduleProxy is a folder that serves example.com/known v1.0.0.
func moduleProxy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const at = "example.com/known/@v/v1.0.0"
	goMod := "module example.com/known\n\ngo 1.20\n"
	write(t, dir, map[string]string{
		at + ".info":                `{"Version":"v1.0.0"}`,
		at + ".mod":                 goMod,
		"example.com/known/@v/list": "v1.0.0\n",
	})
	f, err := os.Create(filepath.Join(dir, filepath.FromSlash(at+".zip")))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for name, data := range map[string]string{"go.mod": goMod, "known.go": "package known\n"} {
		w, err := z.Create("example.com/known@v1.0.0/" + name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(data))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// goCommand is the real go command in an environment of its own.
func goCommand(t *testing.T) (path string, env []string) {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command: ", err)
	}
	home := t.TempDir()
	t.Cleanup(func() {
		// What a case wrote without -modcacherw must not keep the folder alive.
		filepath.WalkDir(home, func(name string, _ os.DirEntry, _ error) error { os.Chmod(name, 0o700); return nil })
	})
	probe := exec.Command(path, "env", "GOCACHE")
	probe.Env = append(os.Environ(), NoTelemetry)
	cache, err := probe.Output()
	if err != nil {
		t.Fatal(err)
	}
	return path, []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home, "GOENV=off",
		"GOPATH=" + home + "/gopath", "GOMODCACHE=" + home + "/modcache", "GOCACHE=" + strings.TrimSpace(string(cache)),
		"GOFLAGS=-modcacherw", "GOTOOLCHAIN=local", "GOWORK=off", "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1",
	}
}

func TestOfflineSendsNothing(t *testing.T) {
	t.Parallel()
	path, env := goCommand(t)
	net := newNetwork(t)
	_, verifier, err := note.GenerateKey(nil, "sum.example.com")
	if err != nil {
		t.Fatal(err)
	}

	// One module lies in the cache already, fetched from files.
	warm := t.TempDir()
	write(t, warm, map[string]string{"go.mod": "module example.com/warm\n\ngo 1.20\n"})
	if out, err := New(path, env, 0).Ask(t.Context(), Question{Dir: warm, Args: []string{"mod", "download", "example.com/known@v1.0.0"},
		Env: []string{"GOSUMDB=off", "GOPROXY=file://" + moduleProxy(t)}}); err != nil || out.Exit != 0 {
		t.Fatalf("filling the cache: %v\n%s", err, out.Stderr)
	}

	// A helper that is run leaves a mark.
	tools := t.TempDir()
	mark := filepath.Join(tools, "mark")
	helper := filepath.Join(tools, "helper")
	write(t, tools, map[string]string{"helper": "#!/bin/sh\necho run >>" + mark + "\nexit 1\n"})

	env = append(env,
		"GOPROXY=http://"+net.addr, "GOSUMDB="+verifier+" http://"+net.addr,
		"HTTP_PROXY=http://"+net.addr, "HTTPS_PROXY=http://"+net.addr,
	)
	const main = "module example.com/main\n\ngo 1.20\n"
	tests := []struct {
		name    string
		files   map[string]string
		args    []string
		env     []string
		helper  bool // the online run uses the helper, where others open a connection
		exit    int
		network bool // the offline run says that the network is needed
	}{
		{
			name:  "download of what is not in the cache",
			files: map[string]string{"go.mod": main + "\nrequire example.com/lib v1.0.0\n"},
			args:  []string{"mod", "download"}, exit: 1, network: true,
		},
		{
			name:  "tidy with an import of no module",
			files: map[string]string{"go.mod": main, "main.go": "package main\n\nimport _ \"example.com/lib/deep/er\"\n"},
			args:  []string{"mod", "tidy", "-diff"}, exit: 1, network: true,
		},
		{
			name:  "build with a requirement that is not in the cache",
			files: map[string]string{"go.mod": main + "\nrequire example.com/lib v1.0.0\n", "main.go": "package main\n\nimport _ \"example.com/lib\"\n"},
			args:  []string{"build", "-mod=mod", "./..."}, exit: 1, network: true,
		},
		{
			name:  "checksum database for a module in the cache without a go.sum line",
			files: map[string]string{"go.mod": main + "\nrequire example.com/known v1.0.0\n", "main.go": "package main\n\nimport _ \"example.com/known\"\n\nfunc main() {}\n"},
			args:  []string{"mod", "tidy", "-diff"}, exit: 1,
		},
		{
			name:  "private module",
			files: map[string]string{"go.mod": main + "\nrequire private.example.com/lib v1.0.0\n"},
			args:  []string{"mod", "download"}, env: []string{"GOPRIVATE=private.example.com"}, exit: 1, network: true,
		},
		{
			name:  "private module, GONOPROXY said by the user",
			files: map[string]string{"go.mod": main + "\nrequire private.example.com/lib v1.0.0\n"},
			args:  []string{"mod", "download"}, env: []string{"GOPRIVATE=other.example.com", "GONOPROXY=private.example.com", "GOINSECURE=*"}, exit: 1, network: true,
		},
		{
			name:  "version control",
			files: map[string]string{"go.mod": main + "\nrequire github.com/gopreflight/none v1.0.0\n"},
			args:  []string{"mod", "download"}, env: []string{"GOPROXY=direct", "GOVCS=*:all", "GIT_ALLOW_PROTOCOL=https"}, exit: 1, network: true,
		},
		{
			name:  "newest version",
			files: map[string]string{"go.mod": main},
			args:  []string{"list", "-m", "example.com/known@latest"}, exit: 1, network: true,
		},
		{
			name:  "newer Go, go line",
			files: map[string]string{"go.mod": "module example.com/main\n\ngo 1.99.0\n"},
			args:  []string{"list", "-m"}, env: []string{"GOTOOLCHAIN=auto"}, exit: 1,
		},
		{
			name:  "newer Go, GOTOOLCHAIN",
			files: map[string]string{"go.mod": main},
			args:  []string{"list", "-m"}, env: []string{"GOTOOLCHAIN=go1.99.0+auto"},
		},
		{
			name:  "credential helper",
			files: map[string]string{"go.mod": main + "\nrequire private.example.com/lib v1.0.0\n"},
			args:  []string{"mod", "download"}, env: []string{"GOPRIVATE=private.example.com", "GOAUTH=" + helper}, helper: true, exit: 1, network: true,
		},
		{
			name:  "remote build cache",
			files: map[string]string{"go.mod": main, "main.go": "package main\n\nfunc main() {}\n"},
			args:  []string{"vet", "./..."}, env: []string{"GOCACHEPROG=" + helper}, helper: true,
		},
	}
	// Not parallel: each counts what the network saw.
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tt.files)
			ask := func(env []string) (string, int) {
				t.Helper()
				net.count.Store(0)
				os.Remove(mark)
				out, err := New(path, env, 0).Ask(t.Context(), Question{Dir: dir, Args: tt.args, Env: append(tt.env, "GOFLAGS=-modcacherw")})
				if err != nil {
					t.Fatal(err)
				}
				return string(out.Stdout) + string(out.Stderr), out.Exit
			}
			ran := func() bool { _, err := os.Stat(mark); return err == nil }

			// Without the settings the same question asks the network: the
			// test would see it.
			online, _ := ask(env)
			if !tt.helper && net.count.Load() == 0 {
				t.Fatalf("online: no connection\n%s", online)
			}
			if tt.helper && !ran() {
				t.Fatalf("online: the helper was not run\n%s", online)
			}

			offline := append(tt.env, Offline()...)
			tt.env = offline
			text, exit := ask(env)
			if n := net.count.Load(); n != 0 {
				t.Errorf("offline: %d connections\n%s", n, text)
			}
			if ran() {
				t.Errorf("offline: the helper was run\n%s", text)
			}
			if exit != tt.exit || NeedsNetwork(text) != tt.network {
				t.Errorf("offline: exit %d, NeedsNetwork %v; want %d, %v\n%s", exit, NeedsNetwork(text), tt.exit, tt.network, text)
			}

			t.Run("without a network", func(t *testing.T) {
				out, err := New(namespace(t), env, 0).Ask(t.Context(), Question{Dir: dir, Args: append([]string{"-rn", path}, tt.args...), Env: append(offline, "GOFLAGS=-modcacherw")})
				if err != nil {
					t.Fatal(err)
				}
				if got := string(out.Stdout) + string(out.Stderr); got != text || out.Exit != exit {
					t.Errorf("exit %d, and\n%s\nwith a network exit %d, and\n%s", out.Exit, got, exit, text)
				}
			})
		})
	}
}

// namespace is the program that runs another one in a network namespace of its
// own, which has no route, not even to this machine.
func namespace(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip("no unshare: ", err)
	}
	if out, err := exec.Command(path, "-rn", "true").CombinedOutput(); err != nil {
		t.Skipf("no network namespaces here: %v: %s", err, out)
	}
	return path
}

// Where the user shares telemetry, the first go command of a day leaves a
// process behind that asks the module proxy for what to send, and sends it.
func TestNoTelemetry(t *testing.T) {
	t.Parallel()
	path, env := goCommand(t)
	net := newNetwork(t)
	dir := t.TempDir()
	write(t, dir, map[string]string{"go.mod": "module example.com/main\n\ngo 1.20\n"})
	for _, ours := range []bool{true, false} {
		// Not t.TempDir: nobody knows when such a process ends and stops writing.
		config, err := os.MkdirTemp("", "telemetry-*")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(config) })
		write(t, config, map[string]string{"go/telemetry/mode": "on 2020-01-01"})
		env := append(slices.Clone(env), "HOME="+config, "XDG_CONFIG_HOME="+config, "GOPATH="+config, "GOMODCACHE="+config+"/mod", "GOPROXY=http://"+net.addr, "HTTPS_PROXY=http://"+net.addr)
		if ours {
			if out, err := New(path, env, 1).Ask(t.Context(), Question{Dir: dir, Args: []string{"list", "-m"}}); err != nil || out.Exit != 0 {
				t.Fatalf("%v\n%s", err, out.Stderr)
			}
		} else {
			cmd := exec.Command(path, "list", "-m")
			cmd.Dir, cmd.Env = dir, env
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			// Let it ask and fail before its folder goes.
			for deadline := time.Now().Add(5 * time.Second); net.count.Load() == 0 && time.Now().Before(deadline); {
				time.Sleep(10 * time.Millisecond)
			}
		}
		// The token is taken before the process is started.
		_, err = os.Stat(filepath.Join(config, "go", "telemetry", "local", "upload.token"))
		switch started := err == nil; {
		case ours && started:
			t.Error("a process for telemetry was started")
		case !ours && !started:
			t.Skip("plain go starts none here either: on this system the test shows nothing")
		}
		if n := net.count.Load(); ours && n != 0 {
			t.Errorf("%d connections", n)
		}
	}
}
