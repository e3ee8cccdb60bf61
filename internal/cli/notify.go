package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpproxy"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/ci"
	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/notify"
)

// notifyTimeout bounds all notifications of a run.
const notifyTimeout = time.Minute

// notifyOptions are the flags about notifications.
type notifyOptions struct {
	env   []string
	state string
}

func addNotifyFlags(c *cobra.Command, o *notifyOptions) {
	f := c.Flags()
	f.StringSliceVar(&o.env, "notify-env", nil, "the variables that the policy's notify section may name (`LIST`)")
	f.StringVar(&o.state, "notify-state", "", "the file `PATH` that remembers what was told, so that it is told once\n(default: below the user's cache folder)")
}

// check refuses what names no variable. It is never shown: a secret given in
// place of its name is the usual mistake.
func (o *notifyOptions) check() error {
	for i, name := range trimmed(o.env) {
		if !variableName.MatchString(name) {
			return usagef("--notify-env: word %d is not the name of a variable, such as SLACK_WEBHOOK", i+1)
		}
	}
	return nil
}

// variableName is what a policy can name ("Name", POSIX, "Base Definitions").
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// notify tells the policy's receivers what is news to them. Whatever goes wrong
// is a warning.
func (sys *system) notify(ctx context.Context, o *runOptions, p place, targets []config.Notify, r *checks.Report) {
	if len(targets) == 0 || r.Interrupted != "" {
		return
	}
	onCI := p.ci.Provider != ci.None
	if ok, why := notify.Allowed(o.offline, p.ci.Fork, onCI, o.notify.env); !ok {
		sys.complain("no notification: " + why)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	series := []string{
		cmp.Or(p.ci.RepositoryURL, r.Repository.URL), p.ci.Ref, p.ci.Workflow, p.ci.Job, o.comment.id, r.Repository.Dir,
	}
	if r.Shard.Count > 1 {
		series = append(series, r.Shard.String()) // each has a state of its own
	}
	state := o.notify.state
	if state == "" {
		if cache, err := os.UserCacheDir(); err == nil { // without HOME nothing is remembered
			state = notify.StateFile(cache, series)
		}
	} else {
		state = sys.absolute(state)
	}
	warnings := notify.Run(ctx, notify.Options{
		Targets: targets, Event: event(p.ci, r), Series: series, State: state,
		Env: func(name string) (string, bool) {
			if !slices.Contains(trimmed(o.notify.env), name) {
				return "", false
			}
			return sys.getenv(name), true
		},
		Proxy: sys.httpProxy(),
		Now:   sys.now,
		Logf:  func(format string, args ...any) { sys.complain(fmt.Sprintf(format, args...)) },
	})
	for _, w := range warnings {
		sys.complain("warning: " + w.Error())
	}
}

// httpProxy reads HTTP_PROXY and its kin from the environment, as net/http does.
func (sys *system) httpProxy() func(*url.URL) (*url.URL, error) {
	return httpproxy.FromEnvironment().ProxyFunc()
}

// event is a run as receivers may hear of it.
func event(c ci.Context, r *checks.Report) notify.Event {
	e := notify.Event{
		Verdict: string(r.Verdict), Retryable: r.Retryable,
		Repository: cmp.Or(r.Repository.URL, c.Repository), Ref: c.Ref, Commit: cmp.Or(c.HeadSHA, r.Repository.Commit),
		PullRequest: c.PullRequest, Workflow: c.Workflow, Job: c.Job, RunURL: c.RunURL,
		StartedAt: r.StartedAt,
	}
	e.Errors, e.Warnings, e.Notices = r.Counts()
	roots := map[string]bool{}
	for _, cause := range r.RootCauses {
		roots[cause.Fingerprint] = true
	}
	for res, f := range r.Findings {
		if f.CausedBy != "" {
			continue
		}
		e.Problems = append(e.Problems, notify.Problem{
			Stage: string(res.Stage), Check: res.Check, Rule: f.Rule, Severity: string(f.Severity),
			Message: f.Message, File: f.File, Line: f.Line, Module: f.Module,
			Transient: f.Transient, RootCause: roots[f.Fingerprint], Fingerprint: f.Fingerprint,
		})
	}
	for i := range r.Results {
		if res := &r.Results[i]; res.Unanswered() {
			e.Unanswered = append(e.Unanswered, notify.Question{Stage: string(res.Stage), Check: res.Check, Reason: res.Reason})
		}
	}
	return e
}
