package goproxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/module"
)

// TestWalkAgreesWithGo: on the same servers, Walk and the go command do the same
// for every status and fault, at each endpoint, with both separators, in every
// position, and with each end of the list.
func TestWalkAgreesWithGo(t *testing.T) {
	t.Parallel()
	goCmd, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	m := newMatrix(t)
	var modules []module.Version
	for _, kind := range matrixKinds() {
		for _, at := range []string{"info", "mod", "zip"} {
			modules = append(modules, module.Version{Path: "example.com/" + kind + "/" + at, Version: "v1.0.0"})
		}
	}
	seen := m.probe(t, modules)
	patterns := []string{
		"F", "F,G", "F|G", "G,F", "G|F", "N,F,G", "N|F|G", "F,N", "F|N", "N,F", "F|F,G", "F,F|G", "F|",
		"F,off", "F|off", "off",
		"F,direct", "F|direct", "N,F,direct", "N|F|direct",
		"F,direct=G", "F|direct=G", "N,F|direct=N", "direct=G",
		"F,G private", "F|direct=G private", "off private=G", "N|G private=N",
	}
	t.Logf("%d modules along %d chains", len(modules), len(patterns))
	for _, pattern := range patterns {
		m.compare(t, goCmd, pattern, modules, seen)
	}
}

// probe is each server's outcomes, by the Prober.
func (m *matrix) probe(t *testing.T, modules []module.Version) map[string]map[module.Version]map[Endpoint]Outcome {
	chain, err := Parse(m.faulty+"|"+m.good+"|"+m.none, "")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]map[module.Version]map[Endpoint]Outcome{m.faulty: {}, m.good: {}, m.none: {}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, 32)
	for _, mod := range modules {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results := (&Prober{Now: time.Now}).Probe(t.Context(), chain, mod)
			mu.Lock()
			defer mu.Unlock()
			for i := range results {
				outcomes := map[Endpoint]Outcome{}
				for _, e := range Downloads {
					outcomes[e] = results[i].Answer(e).Outcome()
				}
				seen[chain[i].String()][mod] = outcomes
			}
		})
	}
	wg.Wait()
	return seen
}

// compare runs the go command once for a pattern and compares module by module.
func (m *matrix) compare(t *testing.T, goCmd, pattern string, modules []module.Version, seen map[string]map[module.Version]map[Endpoint]Outcome) {
	list, private := strings.CutSuffix(pattern, " private")
	if i := strings.Index(list, " private="); i >= 0 {
		list, private = list[:i]+"="+list[i+len(" private="):], true
	}
	m.direct = ""
	directOutcomes := map[module.Version]map[Endpoint]Outcome{}
	list, direct, found := strings.Cut(list, "=")
	server := ""
	if found {
		m.direct = map[string]string{"G": m.good, "N": m.none}[direct]
		directOutcomes, server = seen[m.direct], direct
	}
	goproxy := strings.NewReplacer("F", m.faulty, "G", m.good, "N", m.none).Replace(list)
	gonoproxy := ""
	if private {
		gonoproxy = "example.com"
	}
	chain, err := Parse(goproxy, gonoproxy)
	if err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	m.asked = map[string]map[string]bool{}
	m.mu.Unlock()
	answers, mods := m.download(t, goCmd, goproxy, gonoproxy, modules)
	names := map[string]string{m.faulty: "F", m.good: "G", m.none: "N"}
	differ := 0
	for _, mod := range modules {
		outcomes := map[Endpoint][]Outcome{}
		for _, e := range Downloads {
			for _, entry := range chain {
				o := Failed
				switch {
				case entry.URL != nil:
					o = seen[entry.String()][mod][e]
				case entry.Keyword == NoProxy && !private:
					o = UseProxy
				case found:
					o = directOutcomes[mod][e]
				}
				outcomes[e] = append(outcomes[e], o)
			}
		}
		w := chain.Walk(private, outcomes)
		key := strings.TrimPrefix(mod.Path, "example.com/")
		if strings.HasPrefix(key, "s206/") && strings.HasSuffix(key, "/zip") {
			continue // the answer to a range, for which the zip is asked
		}
		complain := func(format string, args ...any) {
			if differ++; differ < 10 {
				t.Errorf("%s %s: %s\n%+v\ngo: %+v", pattern, key, fmt.Sprintf(format, args...), w, answers[mod.Path])
			}
		}
		if got, want := answers[mod.Path].Error == "", w.End == Served && (!w.Bad || w.Endpoint == Mod && goodZip(chain, outcomes)); got != want {
			complain("served by the go command: %v, by Walk: %v", got, want)
		}
		if w.Bad && w.Endpoint == Mod && bytes.Equal(mods[mod.Path], matrixFile(strings.Split(key, "/")[0], strings.Split(key, "/")[1], Mod)) {
			complain("the go command has a good mod, Walk a bad one")
		}
		for _, e := range Downloads {
			want := map[string]bool{}
			for i, move := range w.Moves[e] {
				switch {
				case !move.Asks() || chain[i].Keyword == Off:
				case chain[i].URL != nil:
					want[names[chain[i].String()]] = true
				case server != "":
					want[server] = true
				default:
					want["D"] = true
				}
			}
			m.mu.Lock()
			got := maps.Clone(m.asked[key+" "+string(e)])
			if m.asked[key+" go-get"]["D"] && want["D"] { // once for all endpoints
				if got == nil {
					got = map[string]bool{}
				}
				got["D"] = true
			}
			m.mu.Unlock()
			if !maps.Equal(got, want) && len(got)+len(want) > 0 {
				complain("%s asked by the go command: %v, by Walk: %v", e, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			}
			d := chain.Decide(chain.known(private, outcomes[e]))
			if d.End != Served {
				if r := d.Reported; r >= 0 && chain[r].URL != nil && !strings.Contains(answers[mod.Path].Error, chain[r].URL.Host) &&
					!strings.Contains(answers[mod.Path].Error, "proxy returned info for version") &&
					!strings.Contains(answers[mod.Path].Error, "stopped after 10 redirects") && !private {
					complain("%s: the go command does not report %s", e, chain[r])
				}
				break // the go command asks for nothing else
			}
		}
	}
	if differ > 0 {
		t.Errorf("%s: %d differences", pattern, differ)
	}
}

// goodZip reports whether the zip is served well.
func goodZip(c Chain, outcomes map[Endpoint][]Outcome) bool {
	d := c.Decide(outcomes[Zip])
	return d.End == Served && outcomes[Zip][d.Entry] == OK
}

// An goAnswer is what go mod download -json says of a module.
type goAnswer struct{ Path, Version, GoMod, Zip, Error string }

// download runs go mod download with everything private.
func (m *matrix) download(t *testing.T, goCmd, goproxy, gonoproxy string, modules []module.Version) (map[string]goAnswer, map[string][]byte) {
	dir := t.TempDir()
	env := goEnviron(t, dir)
	env = append(env, "GOPROXY="+goproxy, "GONOPROXY="+gonoproxy, "HTTP_PROXY="+m.origin, "HTTPS_PROXY="+m.origin, "GOINSECURE=example.com")
	args := []string{"mod", "download", "-json"}
	for _, mod := range modules {
		args = append(args, mod.String())
	}
	cmd := exec.CommandContext(t.Context(), goCmd, args...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	answers, mods := map[string]goAnswer{}, map[string][]byte{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var a goAnswer
		if err := d.Decode(&a); err != nil {
			t.Fatalf("go mod download: %v", err)
		}
		answers[a.Path] = a
		if a.GoMod != "" {
			if mods[a.Path], err = os.ReadFile(a.GoMod); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(answers) != len(modules) {
		t.Fatalf("%s: the go command says something of %d modules of %d: %v", goproxy, len(answers), len(modules), exit)
	}
	return answers, mods
}

// goEnviron is the environment of a go command that sees nothing of the user's.
func goEnviron(t *testing.T, dir string) []string {
	t.Helper()
	// Without this a telemetry child outlives the go command and the test.
	telemetry := filepath.Join(dir, "go", "telemetry")
	if err := os.MkdirAll(telemetry, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(telemetry, "mode"), []byte("off"), 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{
		"PATH=" + os.Getenv("PATH"), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"),
		"HOME=" + dir, "GO_TELEMETRY_CHILD=2", "XDG_CONFIG_HOME=" + dir, "GOENV=off", "GOPATH=" + filepath.Join(dir, "gopath"),
		"GOCACHE=" + filepath.Join(dir, "cache"), "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local",
		"GOSUMDB=off", "GOTMPDIR=" + dir, "GO111MODULE=on", "GOAUTH=off",
	}
}
