package forge

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		header []string
		want   time.Duration
		ok     bool
	}{
		"nothing":             {nil, 0, false},
		"seconds":             {[]string{"Retry-After", "5"}, 5 * time.Second, true},
		"now":                 {[]string{"Retry-After", "0"}, 0, true},
		"the past":            {[]string{"Retry-After", "-5"}, 0, true},
		"for ever":            {[]string{"Retry-After", "9223372036854775807"}, day, true},
		"longer than ever":    {[]string{"Retry-After", "9223372036854775808"}, 0, false},
		"a date":              {[]string{"Retry-After", "Fri, 20 Nov 2026 12:00:07 GMT"}, 7 * time.Second, true},
		"a past date":         {[]string{"Retry-After", "Fri, 20 Nov 2020 12:00:07 GMT"}, 0, true},
		"a far date":          {[]string{"Retry-After", "Fri, 20 Nov 2999 12:00:07 GMT"}, day, true},
		"words":               {[]string{"Retry-After", "soon"}, 0, false},
		"GitHub's reset":      {[]string{"X-RateLimit-Reset", "1795176030"}, 30 * time.Second, true},
		"GitLab's reset":      {[]string{"RateLimit-Reset", "1795176030"}, 30 * time.Second, true},
		"a reset in the past": {[]string{"X-RateLimit-Reset", "1"}, 0, true},
		"an endless reset":    {[]string{"X-RateLimit-Reset", "9223372036854775807"}, day, true},
		"both":                {[]string{"X-RateLimit-Reset", "1795176030", "Retry-After", "2"}, 2 * time.Second, true},
		"words, then reset":   {[]string{"Retry-After", "soon", "X-RateLimit-Reset", "1795176030"}, 30 * time.Second, true},
	} {
		h := http.Header{}
		for i := 0; i < len(tt.header); i += 2 {
			h.Set(tt.header[i], tt.header[i+1])
		}
		if got, ok := retryAfter(h, now); got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %v, %v, want %v, %v", name, got, ok, tt.want, tt.ok)
		}
	}
}

// TestRetrier holds what is sent again, and how long is waited for it.
func TestRetrier(t *testing.T) {
	t.Parallel()
	ok, failure := answer{status: 200}, answer{status: 502}
	limit := func(seconds string) answer { return answer{status: 429, retryAfter: seconds} }
	for name, tt := range map[string]struct {
		method  string
		answers []answer // the last for ever
		want    int      // status; 0: an error
		sent    int
		slept   time.Duration
	}{
		"a read":                             {"GET", []answer{ok}, 200, 1, 0},
		"a read that is not there":           {"GET", []answer{{status: 404}}, 404, 1, 0},
		"a read that fails once":             {"GET", []answer{failure, ok}, 200, 2, time.Second},
		"a read that fails twice":            {"GET", []answer{failure, {}, ok}, 200, 3, 3 * time.Second},
		"a read that fails always":           {"GET", []answer{failure}, 502, 3, 3 * time.Second},
		"a read without any answer":          {"GET", []answer{{}}, 0, 3, 3 * time.Second},
		"a read that is not implemented":     {"GET", []answer{{status: 501}}, 501, 1, 0},
		"a read of a server under repair":    {"GET", []answer{{status: 503, retryAfter: "9"}, ok}, 200, 2, 9 * time.Second},
		"a read of one under long repair":    {"GET", []answer{{status: 503, retryAfter: "900"}}, 503, 1, 0},
		"a read in a hurry":                  {"GET", []answer{limit("3"), limit("4"), ok}, 200, 3, 7 * time.Second},
		"a read in a hurry, no time is left": {"GET", []answer{limit("20"), limit("20"), ok}, 0, 2, 20 * time.Second},
		"a read in a hurry, at once again":   {"GET", []answer{limit("0")}, 0, 3, 0},
		"a write that fails":                 {"POST", []answer{failure, ok}, 502, 1, 0},
		"a write without an answer":          {"PATCH", []answer{{}, ok}, 0, 1, 0},
		"a write in a hurry":                 {"DELETE", []answer{limit("3"), ok}, 0, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newTestClock()
			sent := 0
			r := &retrier{now: clock.Now, sleep: clock.Sleep, logf: t.Logf, next: round(func(*http.Request) (*http.Response, error) {
				a := tt.answers[min(sent, len(tt.answers)-1)]
				sent++
				if a.status == 0 {
					return nil, io.ErrUnexpectedEOF
				}
				return a.response(), nil
			})}
			req, err := http.NewRequestWithContext(t.Context(), tt.method, "https://api.example.com/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			resp, err := r.RoundTrip(req)
			if err == nil {
				resp.Body.Close()
				got = resp.StatusCode
			}
			if got != tt.want || sent != tt.sent || clock.total() != tt.slept {
				t.Errorf("status %d (%v), %d requests, %v slept, want %d, %d, %v", got, err, sent, clock.total(), tt.want, tt.sent, tt.slept)
			}
		})
	}
}

// TestRetrierOwes waits out a write's pause before the next request.
func TestRetrierOwes(t *testing.T) {
	t.Parallel()
	clock := newTestClock()
	next := answer{status: 429, retryAfter: "6"}
	r := &retrier{now: clock.Now, sleep: clock.Sleep, logf: t.Logf, next: round(func(*http.Request) (*http.Response, error) {
		return next.response(), nil
	})}
	send := func(method string) error {
		req, err := http.NewRequestWithContext(t.Context(), method, "https://api.example.com/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := r.RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	if err := send("POST"); err == nil || clock.total() != 0 {
		t.Fatalf("a limited write: %v, slept %v", err, clock.total())
	}
	next = answer{status: 200}
	for range 2 {
		if err := send("GET"); err != nil || clock.total() != 6*time.Second {
			t.Errorf("a read after it: %v, slept %v", err, clock.total())
		}
	}
}

// answer is what a server says; status 0 is no answer.
type answer struct {
	status     int
	retryAfter string
}

func (a answer) response() *http.Response {
	h := http.Header{}
	if a.retryAfter != "" {
		h.Set("Retry-After", a.retryAfter)
	}
	return &http.Response{StatusCode: a.status, Status: http.StatusText(a.status), Header: h, Body: io.NopCloser(strings.NewReader(""))}
}
