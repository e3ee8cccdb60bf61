package notify

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/config"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	fail := func(causes ...string) State { return State{Status: Fail, Causes: causes} }
	pass, open := State{Status: Pass}, State{Status: Inconclusive, Causes: []string{"q"}}
	ptr := func(s State) *State { return &s }
	for _, test := range []struct {
		name   string
		old    *State
		now    State
		kind   Kind
		change bool // sent by on: change
		fail   bool // sent by on: fail
	}{
		{"unknown, then fail", nil, fail("a"), Failed, true, true},
		{"unknown, then pass", nil, pass, Passed, false, false},
		{"unknown, then inconclusive", nil, open, Unanswered, true, false},
		{"pass, then fail", ptr(pass), fail("a"), Failed, true, true},
		{"pass, then pass", ptr(pass), pass, Passed, false, false},
		{"pass, then inconclusive", ptr(pass), open, Unanswered, true, false},
		{"fail, then the same", ptr(fail("a", "b")), fail("a", "b"), StillFailing, false, false},
		{"fail, then a part of it", ptr(fail("a", "b")), fail("b"), StillFailing, false, false},
		{"fail, then another cause", ptr(fail("a")), fail("b"), Failed, true, true},
		{"fail, then one cause more", ptr(fail("a")), fail("a", "b"), Failed, true, true},
		{"fail, then pass", ptr(fail("a")), pass, Recovered, true, false},
		{"fail, then inconclusive", ptr(fail("a")), open, Unanswered, true, false},
		{"inconclusive, then the same", ptr(open), open, Unanswered, false, false},
		{"inconclusive, then another question", ptr(open), State{Status: Inconclusive, Causes: []string{"r"}}, Unanswered, true, false},
		{"inconclusive, then fail", ptr(open), fail("q"), Failed, true, true},
		{"inconclusive, then pass", ptr(open), pass, Recovered, true, false},
		{"fail without a cause, twice", ptr(fail()), fail(), StillFailing, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for on, want := range map[string]bool{"": test.change, config.OnChange: test.change, config.OnFail: test.fail, config.OnAlways: true} {
				if kind, send := Decide(test.old, test.now, on); kind != test.kind || send != want {
					t.Errorf("on %q: Decide = %s, %t, want %s, %t", on, kind, send, test.kind, want)
				}
			}
		})
	}
}

func TestStatesRoundTrip(t *testing.T) {
	t.Parallel()
	name := StateFile(t.TempDir(), []string{"example.com/shop", "main"})
	if got, err := readStates(name); err != nil || len(got) != 0 {
		t.Fatalf("no file: %v, %v", got, err)
	}
	at := time.Date(2026, 11, 20, 9, 0, 0, 1, time.UTC)
	want := State{Status: Fail, Causes: []string{"a", "b"}, StartedAt: at}
	if err := saveStates(name, map[string]*State{"x": &want}); err != nil {
		t.Fatal(err)
	}
	if err := saveStates(name, map[string]*State{"y": {Status: Pass, StartedAt: at}}); err != nil {
		t.Fatal(err)
	}
	got, err := readStates(name)
	if err != nil || len(got) != 2 || fmt.Sprint(*got["x"]) != fmt.Sprint(want) || got["y"].Status != Pass {
		t.Errorf("got %v, %v", got, err)
	}
	if list, _ := os.ReadDir(filepath.Dir(name)); len(list) != 1 {
		t.Errorf("beside the state there is more: %v", list)
	}
	// Another user than the one who wrote it keeps it with a CI's cache.
	if info, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v, want 0644", info.Mode(), err)
	}
}

func TestStatesOldestAreForgotten(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "state.json")
	all := map[string]*State{}
	for i := range maxEntries + 20 {
		s := &State{Status: Fail, StartedAt: time.Unix(int64(i), 0)}
		for c := range maxCauses {
			s.Causes = append(s.Causes, digest(fmt.Sprint(c)))
		}
		all[digest(fmt.Sprint("id", i))] = s
	}
	if err := saveStates(name, all); err != nil {
		t.Fatal(err)
	}
	got, err := readStates(name) // which also says that the largest file is not too large
	if err != nil || len(got) != maxEntries || got[digest("id19")] != nil || got[digest("id20")] == nil {
		t.Errorf("%d entries, %v, want the %d newest", len(got), err, maxEntries)
	}
}

// What is broken is unknown, is said, and is replaced.
func TestStatesHostile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ data, want string }{
		"empty":          {"", "is not in the format gopreflight/notify-state/v1"},
		"cut":            {`{"schema":"gopreflight/notify-state/v1","entries":{"x":{"sta`, "is not in the format"},
		"another schema": {`{"schema":"gopreflight/notify-state/v2","entries":{}}`, "is not in the format"},
		"other types":    {`{"schema":"gopreflight/notify-state/v1","entries":[1]}`, "is not in the format"},
		"too large":      {strings.Repeat(" ", maxState+1), "has more than 1048576 bytes"},
		"deep":           {strings.Repeat("[", 100000), "is not in the format"},
		"null and odd":   {`{"schema":"gopreflight/notify-state/v1","entries":{"x":null,"y":{"status":"fine"}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "state.json")
			if err := os.WriteFile(file, []byte(test.data), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := readStates(file)
			if len(got) != 0 || (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v, want none and %q", got, err, test.want)
			}
			if err := saveStates(file, map[string]*State{"x": {Status: Pass}}); err != nil {
				t.Fatal(err)
			}
			if got, err := readStates(file); err != nil || len(got) != 1 {
				t.Errorf("after writing: %v, %v", got, err)
			}
		})
	}
	if _, err := readStates(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("a folder: %v", err)
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	series := []string{"example.com/shop", "main"}
	base := config.Notify{Slack: "${A}", Only: []string{"proxy"}, Line: 3}
	moved := base
	moved.Line = 9
	if identity(base, series) != identity(moved, series) {
		t.Error("another line is another receiver")
	}
	seen := map[string]bool{identity(base, series): true}
	for name, other := range map[string]string{
		"variable": identity(config.Notify{Slack: "${B}", Only: []string{"proxy"}}, series),
		"kind":     identity(config.Notify{WeCom: "${A}", Only: []string{"proxy"}}, series),
		"scope":    identity(config.Notify{Slack: "${A}"}, series),
		"series":   identity(base, []string{"example.com/shop", "next"}),
		"joined":   identity(base, []string{"example.com/shopmain"}),
	} {
		if seen[other] {
			t.Errorf("another %s is the same receiver", name)
		}
		seen[other] = true
	}
}

func FuzzReadStates(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"schema":"gopreflight/notify-state/v1","entries":{"x":{"status":"fail","causes":["a"],"startedAt":"2026-11-20T09:00:00Z"}}}`, `{"entries":null}`, "[[["} {
		f.Add([]byte(seed))
	}
	name := filepath.Join(f.TempDir(), "state.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		states, err := readStates(name)
		if states == nil || err != nil && len(states) > 0 {
			t.Fatalf("%v, %v", states, err)
		}
		for id, s := range states {
			if _, send := Decide(s, State{Status: Fail, Causes: []string{"x"}}, ""); s.Status == Pass && !send {
				t.Errorf("%s: a failure after a pass is no news", id)
			}
		}
	})
}

// TestStateOfTheFuture: a state that no run of ours can have left silences nobody.
func TestStateOfTheFuture(t *testing.T) {
	t.Parallel()
	for ahead, want := range map[time.Duration]string{
		time.Minute:    "",                // another machine's clock
		24 * time.Hour: "services failed", // the file was forged
	} {
		r := newReceiver(t, ok)
		o := optionsFor(r, config.Notify{})
		o.State = filepath.Join(t.TempDir(), "state.json")
		o.Targets = []config.Notify{{Webhook: "${URL}", Secret: "${KEY}"}}
		o.Env = func(name string) (string, bool) {
			return map[string]string{"URL": r.URL + "/services", "KEY": testKey}[name], true
		}
		left := map[string]*State{identity(o.Targets[0], o.Series): {Status: Fail, StartedAt: o.Now().Add(ahead)}}
		if err := saveStates(o.State, left); err != nil {
			t.Fatal(err)
		}
		o.Event = failedEvent()
		if warnings := Run(t.Context(), o); len(warnings) > 0 {
			t.Errorf("%v ahead: %v", ahead, warnings)
		}
		if got := r.told(t); got != want {
			t.Errorf("%v ahead: told %q, want %q", ahead, got, want)
		}
	}
}
