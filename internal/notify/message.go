package notify

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// Limits of a message, in bytes and items: a notification is read in seconds, and
// the run has the rest.
const (
	maxText  = 300 // a problem's message, a reason
	maxName  = 200 // a path, a module, a ref, a rule
	maxURL   = 1000
	maxItems = 20 // problems, and questions
	// shortCommit is how much of a commit people are shown.
	shortCommit = 12
)

// messageSchema names the document that a webhook receives.
const messageSchema = "gopreflight/notification/v1"

// A message is one notification. Its texts are plain lines, bounded; each
// receiver's format escapes for itself. It is the document that a webhook
// receives: names and meanings are stable.
type message struct {
	Schema string `json:"schema"`
	// ID is the same for every attempt to tell one receiver of one run.
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	// Scope is what concerns this receiver, as "proxy, cache; warning": empty for
	// the whole run and what it rests on.
	Scope string `json:"scope"`
	// Verdict is that of the whole run.
	Verdict     string `json:"verdict"`
	Retryable   bool   `json:"retryable"`
	Errors      int    `json:"errors"`
	Warnings    int    `json:"warnings"`
	Notices     int    `json:"notices"`
	Repository  string `json:"repository"`
	Ref         string `json:"ref"`
	Commit      string `json:"commit"`
	PullRequest int    `json:"pullRequest"`
	Workflow    string `json:"workflow"`
	Job         string `json:"job"`
	// RunURL is http or https without credentials, or empty.
	RunURL    string `json:"runURL"`
	StartedAt string `json:"startedAt"`
	// Problems and Unanswered are the first maxItems; MoreProblems and
	// MoreUnanswered count the others.
	Problems       []Problem  `json:"problems"`
	MoreProblems   int        `json:"moreProblems"`
	Unanswered     []Question `json:"unanswered"`
	MoreUnanswered int        `json:"moreUnanswered"`
}

// newMessage is what a receiver is told of a run.
func newMessage(e *Event, t config.Notify, kind Kind, v view) *message {
	m := &message{
		Schema: messageSchema, Kind: kind, Scope: scope(t),
		Verdict: e.Verdict, Retryable: e.Retryable, Errors: e.Errors, Warnings: e.Warnings, Notices: e.Notices,
		Repository: line(e.Repository, maxName), Ref: line(e.Ref, maxName), Commit: line(e.Commit, maxName),
		PullRequest: e.PullRequest, Workflow: line(e.Workflow, maxName), Job: line(e.Job, maxName),
		RunURL: pageURL(e.RunURL), StartedAt: e.StartedAt.UTC().Format("2006-01-02T15:04:05Z"),
		Problems: []Problem{}, Unanswered: []Question{},
	}
	for _, p := range v.problems[:min(len(v.problems), maxItems)] {
		p.Stage, p.Check, p.Rule = line(p.Stage, maxName), line(p.Check, maxName), line(p.Rule, maxName)
		p.Severity, p.Message = line(p.Severity, maxName), line(p.Message, maxText)
		p.File, p.Module, p.Fingerprint = line(p.File, maxName), line(p.Module, maxName), line(p.Fingerprint, maxName)
		m.Problems = append(m.Problems, p)
	}
	for _, q := range v.questions[:min(len(v.questions), maxItems)] {
		m.Unanswered = append(m.Unanswered, Question{line(q.Stage, maxName), line(q.Check, maxName), line(q.Reason, maxText)})
	}
	m.MoreProblems = len(v.problems) - len(m.Problems)
	m.MoreUnanswered = len(v.questions) - len(m.Unanswered)
	return m
}

// scope is what concerns a receiver, in words of the policy.
func scope(t config.Notify) string {
	return line(strings.Trim(strings.Join(t.Only, ", ")+"; "+t.Severity, "; "), maxName)
}

// title is the news in a few words.
func (m *message) title() string {
	whole := map[Kind]string{
		Failed: "✗ gopreflight fails", StillFailing: "✗ gopreflight still fails", Recovered: "✓ gopreflight passes again",
		Passed: "✓ gopreflight passes", Unanswered: "? gopreflight is inconclusive",
	}
	// What concerns this receiver may be fine while the run fails by another.
	part := map[Kind]string{
		Failed: "✗ gopreflight has problems", StillFailing: "✗ gopreflight still has problems", Recovered: "✓ gopreflight has no such problems any more",
		Passed: "✓ gopreflight has no such problems", Unanswered: "? gopreflight is inconclusive",
	}
	if m.Scope != "" {
		return fmt.Sprintf("%s (%s)", part[m.Kind], m.Scope)
	}
	return whole[m.Kind]
}

// where is the place of the run, the widest first.
func (m *message) where() string {
	var parts []string
	add := func(format, text string) {
		if text != "" {
			parts = append(parts, fmt.Sprintf(format, text))
		}
	}
	add("%s", cmp.Or(m.Repository, "a repository"))
	if m.PullRequest > 0 {
		parts = append(parts, fmt.Sprintf("pull request %d", m.PullRequest))
	}
	add("%s", m.Ref)
	add("commit %s", m.Commit[:min(len(m.Commit), shortCommit)])
	add("%s", m.Workflow)
	add("%s", m.Job)
	return strings.Join(parts, ", ")
}

// summary is the whole run in a line.
func (m *message) summary() string {
	s := fmt.Sprintf("Verdict: %s (%s, %s, %s)", m.Verdict,
		plain.Count(m.Errors, "error"), plain.Count(m.Warnings, "warning"), plain.Count(m.Notices, "notice"))
	if m.Retryable {
		s += "; trying again may help"
	}
	return s
}

// An item is one line of a message's list: a name that is the program's own, and
// a text that is not.
type item struct{ name, text string }

// items are the lines of the list, and how many there would be with those that
// are only counted.
func (m *message) items() (list []item, total int) {
	for _, p := range m.Problems {
		list = append(list, item{p.Rule, join(p.Message, p.place())})
	}
	for _, q := range m.Unanswered {
		list = append(list, item{q.Check, join("no answer", q.Reason)})
	}
	return list, len(list) + m.MoreProblems + m.MoreUnanswered
}

// place is where a problem is: a line of a file, a module, or empty.
func (p *Problem) place() string {
	if p.File != "" && p.Line > 0 {
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return cmp.Or(p.File, p.Module)
}

func join(text, more string) string {
	if text == "" || more == "" {
		return text + more
	}
	return text + " — " + more
}

// line is a text as one clean line of at most n bytes.
func line(s string, n int) string { return plain.Cut(plain.Line(s), n) }

// pageURL is a URL that may be linked, or empty: http or https, with a host and
// without credentials.
func pageURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURL || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return u.String()
}
