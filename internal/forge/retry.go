package forge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxWait is how long a client waits in all for a server to be ready again: a
	// comment is not worth more of a job's time.
	maxWait = 30 * time.Second
	// maxTries is how often one read is sent.
	maxTries = 3
	// unknownWait is how long a limit lasts that does not say so: GitHub asks for
	// at least a minute (docs.github.com, "Best practices for using the REST API").
	unknownWait = time.Minute
)

// retrier keeps to the pauses that a server asks for. A read is sent again
// after a rate limit, a failure of the server or of the connection. A write is
// never sent again: whoever wanted it has to look first whether it happened
// (Upsert does), and that look waits out the pause.
type retrier struct {
	next  http.RoundTripper
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
	logf  func(string, ...any)

	mu     sync.Mutex
	waited time.Duration // of maxWait
	pause  time.Duration // owed before the next request
}

// limitError is a rate limit that a request met.
type limitError struct {
	status int
	until  time.Time
	short  bool // the next request waits it out
}

func (e *limitError) Error() string {
	return fmt.Sprintf("%d %s: rate limit, resets at %s UTC", e.status, http.StatusText(e.status), e.until.UTC().Format("15:04"))
}

// RoundTrip answers a rate limit with a *limitError, since the clients above
// would else remember it and refuse later requests by their own clocks.
func (t *retrier) RoundTrip(req *http.Request) (*http.Response, error) {
	read := req.Method == http.MethodGet || req.Method == http.MethodHead
	for try := 1; ; try++ {
		if err := t.rest(req.Context()); err != nil {
			return nil, err
		}
		resp, err := t.next.RoundTrip(req)
		again, limit := t.judge(resp, err, try)
		switch {
		case limit != nil && (!again || !read || try == maxTries):
			limit.short = again
			return nil, limit
		case again && read && try < maxTries && req.Context().Err() == nil:
			t.logf("%s %s: %s; trying again", req.Method, req.URL.Path, problem(resp, err))
		case err != nil:
			return nil, err
		default:
			for name := range resp.Header {
				if strings.HasPrefix(name, "X-Ratelimit-") {
					resp.Header.Del(name)
				}
			}
			return resp, nil
		}
	}
}

// judge decides whether another request may be sent, after the pause that it
// notes, and whether a rate limit is the reason.
func (t *retrier) judge(resp *http.Response, err error, try int) (again bool, limit *limitError) {
	failure := time.Duration(try) * time.Second
	switch {
	case err != nil:
		return !errors.Is(err, errTooLarge) && t.owe(failure), nil
	case limited(resp):
		wait, ok := retryAfter(resp.Header, t.now())
		if !ok {
			wait = unknownWait
		}
		return t.owe(wait), &limitError{status: resp.StatusCode, until: t.now().Add(wait)}
	case resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented:
		if wait, ok := retryAfter(resp.Header, t.now()); ok {
			failure = max(failure, wait)
		}
		return t.owe(failure), nil
	}
	return false, nil
}

// owe notes a pause before the next request if there is time for it.
func (t *retrier) owe(d time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waited+d > maxWait {
		return false
	}
	t.waited += d
	t.pause = max(t.pause, d)
	return true
}

// rest waits for what is owed.
func (t *retrier) rest(ctx context.Context) error {
	t.mu.Lock()
	d := t.pause
	t.pause = 0
	t.mu.Unlock()
	if d == 0 {
		return nil
	}
	t.logf("waiting %v before the next request", d)
	return t.sleep(ctx, d)
}

// problem is what was wrong with an answer, for the log.
func problem(resp *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	return resp.Status
}

// limited reports whether an answer is a rate limit: GitHub's primary one (403
// or 429 with nothing remaining), its secondary ones (403 or 429 with
// Retry-After, or only told in words), GitLab's (429).
// Source: docs.github.com, "Rate limits for the REST API".
func limited(resp *http.Response) bool {
	if resp.StatusCode == http.StatusTooManyRequests {
		return true
	}
	if resp.StatusCode != http.StatusForbidden {
		return false
	}
	if resp.Header.Get("Retry-After") != "" || resp.Header.Get("X-RateLimit-Remaining") == "0" {
		return true
	}
	body, _ := io.ReadAll(resp.Body) // in memory (bounded)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return bytes.Contains(body, []byte("secondary rate limit")) || bytes.Contains(body, []byte("abuse detection"))
}

// retryAfter reads how long a server asks to wait, from 0 to a day: Retry-After
// in seconds or as a date (RFC 9110, 10.2.3), else the end of the limit as
// GitHub and GitLab tell it in seconds since 1970.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	if v := h.Get("Retry-After"); v != "" {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return seconds(n), true
		}
		if at, err := http.ParseTime(v); err == nil {
			return seconds(at.Unix() - now.Unix()), true
		}
	}
	for _, name := range []string{"X-RateLimit-Reset", "RateLimit-Reset"} {
		if n, err := strconv.ParseInt(h.Get(name), 10, 64); err == nil && n >= 0 {
			return seconds(n - now.Unix()), true
		}
	}
	return 0, false
}

// seconds is a pause between none and a day.
func seconds(n int64) time.Duration {
	return time.Duration(min(max(n, 0), 24*60*60)) * time.Second
}
