package notify

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/gopreflight/gopreflight/internal/config"
)

var update = flag.Bool("update", false, "write the golden files")

var started = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// failedEvent is a run that failed.
func failedEvent() Event {
	return Event{
		Verdict: Fail, Retryable: true, Errors: 2, Warnings: 1,
		Repository: "example/shop", Ref: "main", Commit: "0123456789abcdef0123456789abcdef01234567", PullRequest: 12,
		Workflow: ".github/workflows/ci.yml", Job: "preflight", RunURL: "https://ci.example.com/example/shop/runs/7", StartedAt: started,
		Problems: []Problem{
			{Stage: "tidy", Check: "policy", Rule: "policy/denied-module", Severity: "error", Message: "example.com/old is denied: archived", File: "go.mod", Line: 7, RootCause: true, Fingerprint: "f2"},
			{Stage: "proxy", Check: "proxy", Rule: "proxy/tls-expired", Severity: "error", Message: "the certificate for goproxy.example expired on 2026-11-17", Transient: true, RootCause: true, Fingerprint: "f1"},
			{Stage: "env", Check: "drift", Rule: "drift/image", Severity: "warning", Message: "Dockerfile builds with Go 1.24", File: "Dockerfile", Line: 3, Fingerprint: "f3"},
		},
		Unanswered: []Question{{Stage: "tidy", Check: "tidy", Reason: "blocked by proxy/tls-expired"}},
	}
}

// told is the message that a receiver gets of an event.
func told(e Event, t config.Notify, kind Kind) *message {
	m := newMessage(&e, t, kind, look(t, &e))
	m.ID = "msg_0123456789abcdef01234567"
	return m
}

// The goldens are what a reader of docs/notify.md is promised; slack-golden.json
// is also held against Slack's own types, by .ci/conformance.
func TestGoldens(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{slackKind, wecomKind, webhookKind} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			got, err := json.MarshalIndent(payload(kind, told(failedEvent(), config.Notify{}, Failed)), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			name := filepath.Join("testdata", kind+"-golden.json")
			if *update {
				if err := os.WriteFile(name, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// docs/notify.md shows the document that a webhook receives.
func TestDocumentShowsTheGolden(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/notify.md")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("testdata/webhook-golden.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(doc, append([]byte("```json\n"), golden...)) {
		t.Error("docs/notify.md shows another document than testdata/webhook-golden.json")
	}
}

func TestTitles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		target config.Notify
		kind   Kind
		want   string
	}{
		{config.Notify{}, Failed, "✗ gopreflight fails"},
		{config.Notify{}, StillFailing, "✗ gopreflight still fails"},
		{config.Notify{}, Recovered, "✓ gopreflight passes again"},
		{config.Notify{}, Passed, "✓ gopreflight passes"},
		{config.Notify{}, Unanswered, "? gopreflight is inconclusive"},
		{config.Notify{Only: []string{"proxy", "cache"}}, Failed, "✗ gopreflight has problems (proxy, cache)"},
		{config.Notify{Only: []string{"proxy"}, Severity: "warning"}, Recovered, "✓ gopreflight has no such problems any more (proxy; warning)"},
		{config.Notify{Severity: "warning"}, Passed, "✓ gopreflight has no such problems (warning)"},
	} {
		if got := told(failedEvent(), test.target, test.kind).title(); got != test.want {
			t.Errorf("%+v, %s: %q, want %q", test.target, test.kind, got, test.want)
		}
	}
}

// hostileTexts would ring, link, colour or break out, if a receiver looked at them.
var hostileTexts = []string{
	"<!channel> <!here|x> <!everyone>", "<@U012AB3CD> <#C012AB3CD> <!subteam^S012>", "<https://evil.example|click>", "https://evil.example/?q=1 www.evil.example Www.Evil.example mailto:a@evil.example",
	"@channel @here @all @everyone @U012", "<@userid> <@all>", "[click](https://evil.example)", "![x](https://evil.example/x.png)", `<font color="warning">x</font>`, "`code` ```\nfence\n```", "*bold* **bold** _it_ ~no~", "# head\n> quote\n- list",
	":siren: :here:", "&lt;!channel&gt; &amp;lt;!channel&amp;gt;", "\x1b]8;;https://evil.example\x07x\x1b]8;;\x07 \x1b[31m", "a\u202eb\u200bc\u2066d", "a\r\nb\u2028c\x00d", "\xff\xfe", `","text":"x"},{"type":"user","user_id":"U1"`, "</script><script>alert(1)</script>", strings.Repeat("長", 500), strings.Repeat("@here ", 200),
}

// hostileEvent has a text wherever one can be.
func hostileEvent(s string) Event {
	e := Event{Verdict: Fail, Repository: s, Ref: s, Commit: s, Workflow: s, Job: s, RunURL: "https://ci.example.com/1", StartedAt: started}
	for range 30 {
		e.Problems = append(e.Problems, Problem{Stage: s, Check: s, Rule: s, Severity: s, Message: s, File: s, Line: 1, Module: s, Fingerprint: s, RootCause: true})
		e.Unanswered = append(e.Unanswered, Question{Stage: s, Check: s, Reason: s})
	}
	return e
}

func TestSlackHostile(t *testing.T) {
	t.Parallel()
	for _, s := range hostileTexts {
		checkSlack(t, hostileEvent(s))
	}
}

// checkSlack walks a payload: nothing but texts, and the one link that is ours.
func checkSlack(t *testing.T, e Event) {
	t.Helper()
	data, err := json.Marshal(slackOf(told(e, config.Notify{}, Failed)))
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Text   string
		Blocks []map[string]any
	}
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	if rest := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(m.Text); strings.ContainsAny(rest, "<>&@") {
		t.Errorf("the notification's text has marks: %q", m.Text)
	}
	room := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				walk(one)
			}
		case map[string]any:
			kind, _ := v["type"].(string)
			if !slices.Contains([]string{"header", "plain_text", "rich_text", "rich_text_section", "rich_text_list", "text", "link"}, kind) {
				t.Errorf("an element %q", kind)
			}
			if text, ok := v["text"].(string); ok {
				room += len(text)
				if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) }) {
					t.Errorf("a text %q", text)
				}
				if kind == "plain_text" && (len(text) > maxSlackHeader || v["emoji"] != false) {
					t.Errorf("a header %q, emoji %v", text, v["emoji"])
				}
			}
			if url, ok := v["url"]; ok && (kind != "link" || url != e.RunURL) {
				t.Errorf("a link to %v", url)
			}
			walk(v["elements"])
			walk(v["text"])
		}
	}
	for _, b := range m.Blocks {
		walk(b)
	}
	if len(m.Blocks) != 2 || room > maxSlackText+2000 {
		t.Errorf("%d blocks, %d bytes of text", len(m.Blocks), room)
	}
}

func TestWeComHostile(t *testing.T) {
	t.Parallel()
	for _, s := range hostileTexts {
		checkWeCom(t, hostileEvent(s))
	}
}

// checkWeCom counts the marks that take effect: only ours are there.
func checkWeCom(t *testing.T, e Event) {
	t.Helper()
	c := wecomOf(told(e, config.Notify{}, Failed)).Markdown.Content
	if len(c) > maxWeCom {
		t.Errorf("%d bytes, the limit is %d", len(c), maxWeCom)
	}
	items := strings.Count(c, "\n> `")
	for mark, want := range map[string]int{"**": 2, "`": 2 * items, "[": 1, "](": 1, "://": 1, "<": 0, "@": 0, "\n#": 0, ">": items} {
		if got := strings.Count(c, mark); got != want {
			t.Errorf("%q stands %d times, want %d, in\n%s", mark, got, want, c)
		}
	}
	if strings.Contains(strings.ToLower(c), "www.") || !strings.HasSuffix(c, "[the run]("+e.RunURL+")") {
		t.Errorf("links in\n%s", c)
	}
	if strings.ContainsFunc(c, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
		t.Errorf("control characters in %q", c)
	}
	if !strings.Contains(c, "\nand ") {
		t.Errorf("what is left out is not counted in\n%s", c)
	}
}

func TestWebhookHostile(t *testing.T) {
	t.Parallel()
	for _, s := range hostileTexts {
		data, err := json.Marshal(told(hostileEvent(s), config.Notify{}, Failed))
		if err != nil {
			t.Fatal(err)
		}
		var m message
		if err := json.Unmarshal(data, &m); err != nil {
			t.Fatal(err)
		}
		if len(m.Problems) != maxItems || m.MoreProblems != 10 || len(m.Unanswered) != maxItems || m.MoreUnanswered != 10 {
			t.Errorf("%d problems and %d more, %d questions and %d more", len(m.Problems), m.MoreProblems, len(m.Unanswered), m.MoreUnanswered)
		}
		for _, text := range []string{m.Repository, m.Ref, m.Commit, m.Job, m.Problems[0].Message, m.Problems[0].File, m.Unanswered[0].Reason} {
			if len(text) > maxText || strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("a text of %d bytes: %q", len(text), text)
			}
		}
		if len(data) > 256<<10 || bytes.ContainsAny(data, "<>") {
			t.Errorf("%d bytes, or HTML in it", len(data))
		}
	}
}

// A long link is left out, not cut; so is one that is none.
func TestRunURL(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "javascript:alert(1)", "https://u:p@ci.example.com/", "ftp://ci.example.com/", "https://", "//ci.example.com", "https://ci.example.com/\x00", "https://ci.example.com/" + strings.Repeat("x", maxURL)} {
		e := failedEvent()
		e.RunURL = s
		m := told(e, config.Notify{}, Failed)
		slack, _ := json.Marshal(slackOf(m))
		if m.RunURL != "" || strings.Contains(string(slack), `"link"`) || strings.Contains(wecomOf(m).Markdown.Content, "](") {
			t.Errorf("%q is linked", s)
		}
	}
	e := failedEvent()
	e.RunURL = "https://ci.example.com/a(b)*[c]?d=`e"
	if c := wecomOf(told(e, config.Notify{}, Failed)).Markdown.Content; !strings.HasSuffix(c, "\n[the run](https://ci.example.com/a%28b%29%2A%5Bc%5D?d=%60e)") {
		t.Errorf("the link breaks out in\n%s", c)
	}
	// Full-width marks are three bytes each: then the place takes all the room.
	e = hostileEvent(strings.Repeat("<", 1000))
	e.RunURL = "https://ci.example.com/" + strings.Repeat("(", 900)
	if c := wecomOf(told(e, config.Notify{}, Failed)).Markdown.Content; len(c) > maxWeCom || strings.Contains(c, "](") {
		t.Errorf("%d bytes, or half a link, in\n%s", len(c), c)
	}
}

// The example that the libraries of Standard Webhooks test themselves with.
func TestSignReference(t *testing.T) {
	t.Parallel()
	key, err := signingKey(testKey)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	sign(h, key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got, want := h.Get("webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(h.Get("webhook-signature"), "v1,")); err != nil {
		t.Error(err)
	}
	if h.Get("webhook-id") != "msg_p5jXN8AQM9LWM0D4loKWxJek" || h.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("headers %v", h)
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := wecomEscape(s); strings.ContainsAny(got, "<>[]`*@\n") || strings.Contains(got, "://") || www.MatchString(got) || strings.HasPrefix(got, "#") {
			t.Errorf("wecomEscape(%q) = %q", s, got)
		}
		if got := slackEscape(s); strings.ContainsAny(got, "<>@") {
			t.Errorf("slackEscape(%q) = %q", s, got)
		}
		if got := line(s, maxName); len(got) > maxName || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("line(%q) = %q", s, got)
		}
	})
}
