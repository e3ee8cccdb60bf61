// Package notify tells people of a run: it decides for each receiver of the
// policy's section notify whether there is news (once per state change), and
// sends it to Slack, to a WeCom group robot or, signed, to any other webhook.
//
// It never changes a verdict (whatever fails here is a warning), never shows more
// of a receiver's URL than its host, since the URL is the secret, never follows a
// redirect, never connects to a local address that the policy file names, and
// never reads the environment or the clock: both are handed in. What it quotes of
// a run is hostile: it is bounded, and no mention, link or mark-up in it takes
// effect. What a receiver answers is hostile too.
package notify

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/gopreflight/gopreflight/internal/config"
)

// Options is one run and who may be told of it.
type Options struct {
	// Targets are the receivers, as the policy has them.
	Targets []config.Notify
	// Event is what happened.
	Event Event
	// Series tells the runs whose verdicts are compared from all others:
	// repository, ref, workflow, job and whatever else sets runs apart.
	Series []string
	// Env returns the value of a variable, and whether its name is listed as one
	// that notifications may use. Empty is unset. nil lists none.
	Env func(name string) (value string, listed bool)
	// State is the file that remembers what was told, see StateFile. Empty: nothing
	// is remembered, and every failing run is news.
	State string
	// Roots are the certificate authorities; nil is the system's.
	Roots *x509.CertPool
	// Proxy returns the HTTP proxy for a URL, or nil; nil is none for any.
	Proxy func(*url.URL) (*url.URL, error)
	// Now is the clock.
	Now func() time.Time
	// Logf says in a line what was sent or held back, and why; nil is silent.
	Logf func(format string, args ...any)
}

// Allowed reports whether notifications may be sent at all, and if not, why, in
// one line that follows "no notification: ". names are those that --notify-env
// lists: outside of CI they are the sign that somebody wants them.
func Allowed(offline, fork, ci bool, names []string) (ok bool, why string) {
	switch {
	case offline:
		return false, "the run is offline"
	case fork:
		return false, "the change comes from another repository"
	case !ci && len(names) == 0:
		return false, "this is no CI, and --notify-env lists no name"
	}
	return true, ""
}

// Run tells every receiver what is news to it, all at once, and remembers what
// they were told. The errors are warnings, in the order of the targets: each
// names its target and holds nothing of its secrets. The state of a target that
// could not be told stays as it was, so that the next run tries again.
func Run(ctx context.Context, o Options) []error {
	var mu sync.Mutex
	logf := o.Logf
	o.Logf = func(format string, args ...any) {
		if mu.Lock(); logf != nil {
			logf(format, args...)
		}
		mu.Unlock()
	}
	var warnings []error
	old, err := readStates(o.State)
	if err != nil {
		warnings = append(warnings, fmt.Errorf("notify: %w; every failure is news", err))
	}
	outcomes := make([]outcome, len(o.Targets))
	var wg sync.WaitGroup
	for i, t := range o.Targets {
		wg.Go(func() { outcomes[i] = o.tell(ctx, t, old) })
	}
	wg.Wait()
	changed := map[string]*State{}
	for i, t := range o.Targets {
		name := fmt.Sprintf("notify[%d] (%s)", i, kindOf(t))
		if err := outcomes[i].err; err != nil {
			warnings = append(warnings, fmt.Errorf("%s: %w", name, err))
			continue
		}
		o.Logf("%s: %s", name, outcomes[i].note)
		if outcomes[i].state != nil {
			changed[identity(t, o.Series)] = outcomes[i].state
		}
	}
	if err := saveStates(o.State, changed); err != nil {
		warnings = append(warnings, fmt.Errorf("notify: %w; the next run may repeat a notification", err))
	}
	return warnings
}

// An outcome is what became of one target.
type outcome struct {
	// note is what was done, for the log.
	note string
	// state is what to remember; nil leaves what is remembered as it is.
	state *State
	// err is why it could not be told.
	err error
}

// tell tells one receiver, if there is news.
func (o *Options) tell(ctx context.Context, t config.Notify, states map[string]*State) outcome {
	id := identity(t, o.Series)
	old := states[id]
	if old != nil && old.StartedAt.After(o.Now().Add(maxSkew)) {
		old = nil // no run of ours: it would silence all that follow
	}
	if old != nil && old.StartedAt.After(o.Event.StartedAt) {
		return outcome{note: "a later run was told already"}
	}
	v := look(t, &o.Event)
	if v.state.Status == "" {
		return outcome{note: "what concerns it was not answered"}
	}
	kind, send := Decide(old, v.state, t.On)
	switch {
	case !send && kind == Unanswered: // what came before it is still the last answer
		return outcome{note: "no news (inconclusive)"}
	case !send:
		return outcome{note: fmt.Sprintf("no news (%s)", kind), state: &v.state}
	}
	d, err := resolve(t, o.Env)
	if err != nil {
		return outcome{err: err}
	}
	m := newMessage(&o.Event, t, kind, v)
	m.ID = messageID(id, &v.state, kind)
	if err := o.send(ctx, d, m); err != nil {
		return outcome{err: err}
	}
	return outcome{note: fmt.Sprintf("told %s (%s)", d.url.Host, kind), state: &v.state}
}
