package checks

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goenv"
)

// modulesSession is a session whose go.mod requires example.com/lib v1.0.0 (line 5)
// and further modules, with a line of go.sum for the content of each, and whose
// module proxy is at an address. The module cache is empty.
func modulesSession(t *testing.T, goproxy string, more ...string) *Session {
	t.Helper()
	requires := append([]string{"example.com/lib v1.0.0"}, more...)
	var mod, sum strings.Builder
	mod.WriteString("module example.org/m\n\ngo 1.21\n\n")
	for _, r := range requires {
		fmt.Fprintf(&mod, "require %s\n", r)
		fmt.Fprintf(&sum, "%s h1:%s=\n%s/go.mod h1:%s=\n", r, strings.Repeat("A", 43), r, strings.Repeat("A", 43))
	}
	s := goSession(t, map[string]string{"go.mod": mod.String(), "go.sum": sum.String()})
	settings := map[string]string{"GOPROXY": s.Env.Get("GOPROXY"), "GONOPROXY": "private.example.com", "GOMODCACHE": t.TempDir(), "GOROOT": s.Env.Get("GOROOT")}
	if goproxy != "" {
		settings["GOPROXY"] = strings.ReplaceAll(goproxy, "GOOD", settings["GOPROXY"])
	}
	home := t.TempDir()
	labWrite(t, filepath.Join(home, "go", "telemetry", "mode"), "off")
	s.Env = goenv.FromMap(settings)
	s.Go = gocmd.New(s.Go.Path(), []string{
		"PATH=/usr/bin:/bin", "HOME=" + home, "XDG_CONFIG_HOME=" + home, "GOENV=off", "GOPATH=" + home, "TMPDIR=" + t.TempDir(),
		"GOPROXY=" + settings["GOPROXY"], "GONOPROXY=" + settings["GONOPROXY"],
	}, 0)
	s.Config.Proxy.Timeout = 30 * time.Second
	return s
}

func TestModules(t *testing.T) {
	t.Parallel()
	forbidden := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "curated", http.StatusForbidden)
	}))
	t.Cleanup(forbidden.Close)
	tests := []struct {
		name, goproxy string
		more          []string
		want          []string // "rule place module", each
		summary, says string
	}{
		{name: "can be had", summary: "1 module that the cache lacks: all can be had"},
		{name: "never published", more: []string{"example.com/gone v1.0.0"}, want: []string{"modules/unobtainable go.mod:6 example.com/gone@v1.0.0"},
			summary: "2 modules that the cache lacks: 1 can be had", says: "404 Not Found"},
		{name: "never published, then off", goproxy: "GOOD,off", more: []string{"example.com/gone v1.0.0"}, want: []string{"modules/unobtainable go.mod:6 example.com/gone@v1.0.0"},
			summary: "2 modules that the cache lacks: 1 can be had", says: "module lookup disabled by GOPROXY=off"},
		{name: "refused", goproxy: forbidden.URL, want: []string{"modules/unobtainable go.mod:5 example.com/lib@v1.0.0"},
			summary: "1 module that the cache lacks: 0 can be had", says: "403 Forbidden"},
		{name: "refused, but a pipe follows", goproxy: forbidden.URL + "|GOOD", summary: "1 module that the cache lacks: all can be had"},
		{name: "past proxies, of the same owner, and of nobody", more: []string{"private.example.com/x v1.0.0", "example.org/m/other v1.0.0", "corp/x v1.0.0"},
			summary: "1 module that the cache lacks: all can be had"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := modulesSession(t, tt.goproxy, tt.more...)
			facts, findings, err := runModules(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				got = append(got, fmt.Sprintf("%s %s %s", f.Rule, f.Place(), f.Module))
				if text := f.Message + strings.Join(f.Evidence, "\n"); !strings.Contains(text, tt.says) {
					t.Errorf("%q is not in %s", tt.says, text)
				}
			}
			if !slices.Equal(got, tt.want) || facts.Summary != tt.summary {
				t.Errorf("got %q, %q, want %q, %q", got, facts.Summary, tt.want, tt.summary)
			}
		})
	}
}

// TestModulesLeftOpen: what does not answer in time is neither had nor missing.
func TestModulesLeftOpen(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-released }))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(released) })
	s := modulesSession(t, silent.URL)
	s.Config.Proxy.Timeout = 500 * time.Millisecond
	facts, findings, err := runModules(t.Context(), s)
	if want := "1 module that the cache lacks: 0 can be had, 1 did not answer in time"; err != nil || len(findings) > 0 || facts.Summary != want {
		t.Errorf("%q, findings %v, error %v, want %q", facts.Summary, findingTexts(findings), err, want)
	}
}

// TestModulesNotAsked: nothing is asked for that is there, or offline.
func TestModulesNotAsked(t *testing.T) {
	t.Parallel()
	s := modulesSession(t, "")
	labWrite(t, filepath.Join(s.Env.Get("GOMODCACHE"), "cache", "download", "example.com", "lib", "@v", "v1.0.0.zip"), "")
	var skipped *skip
	if _, _, err := runModules(t.Context(), s); !errors.As(err, &skipped) || skipped.reason != "the module cache lacks none that may be asked for" {
		t.Errorf("warm: %v", err)
	}
	s.Offline = true
	if _, _, err := runModules(t.Context(), s); !errors.As(err, &skipped) || skipped.reason != "offline" {
		t.Errorf("offline: %v", err)
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	list := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for n, want := range map[int][]int{3: {0, 5, 10}, 4: {0, 3, 6, 10}, 11: list, 20: list} {
		if got := spread(list, n); !slices.Equal(got, want) {
			t.Errorf("spread %d = %v, want %v", n, got, want)
		}
	}
}
