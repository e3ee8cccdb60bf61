package notify

import (
	"testing"

	"github.com/gopreflight/gopreflight/internal/config"
)

func TestLook(t *testing.T) {
	t.Parallel()
	tls := Problem{Stage: "proxy", Check: "proxy", Rule: "proxy/tls-expired", Severity: "error", RootCause: true, Fingerprint: "f1"}
	deny := Problem{Stage: "tidy", Check: "policy", Rule: "policy/denied-module", Severity: "error", RootCause: true, Fingerprint: "f2"}
	image := Problem{Stage: "env", Check: "drift", Rule: "drift/image", Severity: "warning", Fingerprint: "f3"}
	note := Problem{Stage: "env", Check: "env", Rule: "env/odd", Severity: "notice", Fingerprint: "f4"}
	tidy := Question{Stage: "tidy", Check: "tidy", Reason: "blocked by proxy/tls-expired"}
	failed := Event{Verdict: Fail, Problems: []Problem{note, image, tls, deny}, Unanswered: []Question{tidy}}
	passed := Event{Verdict: Pass, Problems: []Problem{note, image}}
	open := Event{Verdict: Inconclusive, Problems: []Problem{image}, Unanswered: []Question{tidy}}
	lenient := Event{Verdict: Pass, Problems: []Problem{tls}, Unanswered: []Question{tidy}} // fail-on: never
	for _, test := range []struct {
		name   string
		target config.Notify
		event  Event
		status string
		rules  []string
	}{
		{"the whole run fails", config.Notify{}, failed, Fail, []string{"proxy/tls-expired", "policy/denied-module"}},
		{"the whole run passes, with a warning", config.Notify{}, passed, Pass, nil},
		{"the whole run is inconclusive", config.Notify{}, open, Inconclusive, nil},
		{"a failure without a problem is no pass", config.Notify{}, Event{Verdict: Fail}, Fail, nil},
		{"nor is an inconclusive run without a question", config.Notify{}, Event{Verdict: Inconclusive}, Inconclusive, nil},
		{"nothing fails the run, but not all was answered", config.Notify{}, lenient, "", nil},
		{"the same, always", config.Notify{On: config.OnAlways}, lenient, Inconclusive, nil},
		{"warnings too", config.Notify{Severity: "warning"}, failed, Fail, []string{"proxy/tls-expired", "policy/denied-module", "drift/image"}},
		{"notices too", config.Notify{Severity: "notice"}, failed, Fail, []string{"proxy/tls-expired", "policy/denied-module", "drift/image", "env/odd"}},
		{"a warning of a run that passes", config.Notify{Severity: "warning"}, passed, Fail, []string{"drift/image"}},
		{"errors of a run that passes", config.Notify{Severity: "error"}, passed, Pass, nil},
		{"errors, whatever fails the run", config.Notify{Severity: "error"}, lenient, Fail, []string{"proxy/tls-expired"}},
		{"one stage", config.Notify{Only: []string{"proxy"}}, failed, Fail, []string{"proxy/tls-expired"}},
		{"one check", config.Notify{Only: []string{"policy"}}, failed, Fail, []string{"policy/denied-module"}},
		{"one rule", config.Notify{Only: []string{"policy/denied-module"}}, failed, Fail, []string{"policy/denied-module"}},
		{"a stage that is fine", config.Notify{Only: []string{"cache", "vendor"}}, failed, Pass, nil},
		{"a check that was blocked is not fine", config.Notify{Only: []string{"tidy/missing"}}, failed, "", nil},
		{"a check that had no answer", config.Notify{Only: []string{"tidy"}}, open, Inconclusive, nil},
		{"a check that had one, in an inconclusive run", config.Notify{Only: []string{"proxy"}}, open, Pass, nil},
		{"a stage and a severity", config.Notify{Only: []string{"env"}, Severity: "warning"}, failed, Fail, []string{"drift/image"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := look(test.target, &test.event)
			var rules []string
			for _, p := range v.problems {
				rules = append(rules, p.Rule)
			}
			if v.state.Status != test.status {
				t.Errorf("status %q, want %q", v.state.Status, test.status)
			}
			if len(rules) != len(test.rules) {
				t.Fatalf("problems %q, want %q", rules, test.rules)
			}
			for i := range rules {
				if rules[i] != test.rules[i] {
					t.Errorf("problems %q, want %q", rules, test.rules)
				}
			}
			if want := len(v.problems) + len(v.questions); v.state.Status != Pass && len(v.state.Causes) != want {
				t.Errorf("%d causes, want %d", len(v.state.Causes), want)
			}
		})
	}
}

// A cause is not its wording nor its line.
func TestCauses(t *testing.T) {
	t.Parallel()
	one := causes([]Problem{{Rule: "a/b", Fingerprint: "f", Message: "3 days", Line: 1}}, nil)
	for name, test := range map[string]struct {
		problem Problem
		same    bool
	}{
		"wording and line":    {Problem{Rule: "a/b", Fingerprint: "f", Message: "4 days", Line: 2}, true},
		"another fingerprint": {Problem{Rule: "a/b", Fingerprint: "g"}, false},
		"another rule":        {Problem{Rule: "a/c", Fingerprint: "f"}, false},
		"no fingerprint":      {Problem{Rule: "a/b", File: "f"}, false},
	} {
		if got := contains(one, causes([]Problem{test.problem}, nil)); got != test.same {
			t.Errorf("%s: the same = %t, want %t", name, got, test.same)
		}
	}
	many := make([]Problem, 10*maxCauses)
	for i := range many {
		many[i] = Problem{Rule: "a/b", Fingerprint: digest(string(rune(i)))}
	}
	if got := len(causes(many, nil)); got != maxCauses {
		t.Errorf("%d causes are kept, want %d", got, maxCauses)
	}
}
