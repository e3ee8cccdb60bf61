package notify

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/config"
)

// quiet is the log of a server whose client hangs up on purpose.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// A story is told run by run: each state change once, to each receiver what it
// asked for.
func TestOncePerStateChange(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, ok)
	o := optionsFor(r, config.Notify{})
	o.State = StateFile(t.TempDir(), o.Series)
	o.Targets = []config.Notify{
		{Webhook: "${CHANGE}", Secret: "${KEY}"},
		{Webhook: "${FAIL}", Secret: "${KEY}", On: config.OnFail},
		{Webhook: "${ALWAYS}", Secret: "${KEY}", On: config.OnAlways},
		{Webhook: "${PROXY}", Secret: "${KEY}", Only: []string{"proxy"}},
		{Webhook: "${WARNING}", Secret: "${KEY}", Severity: "warning"},
	}
	o.Env = func(name string) (string, bool) {
		if name == "KEY" {
			return testKey, true
		}
		return r.URL + "/" + strings.ToLower(name), true
	}
	fail := failedEvent()
	tls, deny, image := fail.Problems[1], fail.Problems[0], fail.Problems[2]
	event := func(verdict string, problems ...Problem) Event {
		e := failedEvent()
		e.Verdict, e.Problems, e.Unanswered = verdict, problems, nil
		return e
	}
	open := event(Inconclusive)
	open.Unanswered = []Question{{Stage: "tidy", Check: "tidy", Reason: "timed out"}}
	for i, step := range []struct {
		name  string
		event Event
		want  string
	}{
		{"a first pass", event(Pass, image), "always passed, warning failed"},
		{"the same", event(Pass, image), "always passed"},
		{"it fails", event(Fail, tls, image), "always failed, change failed, fail failed, proxy failed, warning failed"},
		{"the same", event(Fail, tls, image), "always still-failing"},
		{"another cause", event(Fail, tls, deny, image), "always failed, change failed, fail failed, warning failed"},
		{"one is mended", event(Fail, deny, image), "always still-failing, proxy recovered"},
		{"could not find out", open, "always inconclusive, change inconclusive, warning inconclusive"},
		{"the same", open, "always inconclusive"},
		{"as before", event(Fail, deny), "always failed, change failed, warning failed"},
		{"it recovers", event(Pass), "always recovered, change recovered, warning recovered"},
		{"the same", event(Pass), "always passed"},
		{"it fails again", event(Fail, deny), "always failed, change failed, fail failed, warning failed"},
	} {
		step.event.StartedAt = started.Add(time.Duration(i) * time.Minute)
		o.Event = step.event
		if warnings := Run(t.Context(), o); len(warnings) > 0 {
			t.Fatalf("%d, %s: %v", i, step.name, warnings)
		}
		if got := r.told(t); got != step.want {
			t.Errorf("%d, %s: told %q, want %q", i, step.name, got, step.want)
		}
	}
	// A run that began before what was told is late.
	o.Event = event(Pass)
	o.Event.StartedAt = started
	var log lines
	o.Logf = log.add
	if warnings := Run(t.Context(), o); len(warnings) > 0 || len(r.bodies) > 0 {
		t.Errorf("a late run: %v, %d told", warnings, len(r.bodies))
	}
	if !strings.Contains(log.text(), "notify[0] (webhook): a later run was told already") {
		t.Errorf("the log says\n%s", log.text())
	}
}

// told is who was told what, and forgets it.
func (r *receiver) told(t *testing.T) string {
	t.Helper()
	var told []string
	for i, body := range r.bodies {
		var m message
		if err := json.Unmarshal(body, &m); err != nil {
			t.Fatal(err)
		}
		told = append(told, strings.TrimPrefix(r.requests[i].URL.Path, "/")+" "+string(m.Kind))
	}
	r.bodies, r.requests = nil, nil
	slices.Sort(told) // they are told at once
	return strings.Join(told, ", ")
}

// A target that could not be told is told by the next run; the others are not
// told twice, and none keeps another from being told.
func TestFailedSendIsTriedAgain(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	down.Store(true)
	r := newReceiver(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/down" && down.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	o := optionsFor(r, config.Notify{})
	o.Targets = []config.Notify{{Webhook: "${DOWN}", Secret: "${KEY}"}, {Webhook: "${UP}", Secret: "${KEY}"}, {Slack: "${NOT_LISTED}"}, {Slack: "${UNSET}"}}
	o.Env = env(map[string]string{"DOWN": r.URL + "/down", "UP": r.URL + "/up", "KEY": testKey, "UNSET": ""})
	o.State = StateFile(t.TempDir(), o.Series)
	var log lines
	o.Logf = log.add
	host := strings.TrimPrefix(r.URL, "https://")
	for i, step := range []struct {
		down     bool
		told     string
		warnings []string
	}{
		{true, "down failed, up failed", []string{"notify[0] (webhook): " + host + ": answers 502 Bad Gateway: (an empty body)"}},
		{true, "down failed", []string{"notify[0] (webhook): " + host + ": answers 502 Bad Gateway: (an empty body)"}},
		{false, "down failed", nil},
		{false, "", nil},
	} {
		down.Store(step.down)
		want := append(step.warnings,
			"notify[2] (slack): ${NOT_LISTED} is not among the names that --notify-env lists",
			"notify[3] (slack): ${UNSET} is not set")
		var got []string
		for _, w := range Run(t.Context(), o) {
			got = append(got, w.Error())
		}
		if !slices.Equal(got, want) {
			t.Errorf("run %d: warnings\n%q, want\n%q", i, got, want)
		}
		if told := r.told(t); told != step.told {
			t.Errorf("run %d: told %q, want %q", i, told, step.told)
		}
	}
	if want := "notify[1] (webhook): told " + host + " (failed)"; !strings.Contains(log.text(), want) || !strings.Contains(log.text(), "notify[1] (webhook): no news (still-failing)") {
		t.Errorf("the log lacks %q:\n%s", want, log.text())
	}
}

// A state that cannot be read or written is a warning, and people are told.
func TestBrokenState(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, ok)
	o := optionsFor(r, slackTarget)
	o.State = t.TempDir() // a folder
	warnings := Run(t.Context(), o)
	if len(warnings) != 2 || !strings.HasSuffix(warnings[0].Error(), "is not a regular file; every failure is news") || !strings.HasSuffix(warnings[1].Error(), "; the next run may repeat a notification") {
		t.Errorf("warnings %q", warnings)
	}
	if r.count() != 1 {
		t.Errorf("%d requests, want 1", r.count())
	}
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	list []string
}

func (l *lines) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, fmt.Sprintf(format, args...))
}

func (l *lines) text() string { return strings.Join(l.list, "\n") }
