package forge

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gopreflight/gopreflight/internal/plain"
)

// maxWords is how much is kept of a server's words, in bytes, so that what to do
// still has room behind them.
const maxWords = 300

// Error is why a request to a forge had no success. Its text is one bounded
// line that names what was tried, the server's words and what to do; the token
// is not in it.
type Error struct {
	// Status is the HTTP status, 0 where no answer came.
	Status int
	// Again says that the same may succeed in a moment: the server or the way to
	// it failed, or a rate limit is short. What failed may still have happened.
	Again bool

	text string
	err  error
}

func (e *Error) Error() string { return e.text }

// Unwrap returns the client's own error, whose text may be long and hostile.
func (e *Error) Unwrap() error { return e.err }

// explain makes an *Error of what a client returned for op ("edit the comment
// on #7"). The answer is nil if none came or it was no JSON; words are what the
// server said in it, and advice what to do about a status.
func (o Options) explain(op string, resp *http.Response, words string, err error, advice func(status int, words string) string) error {
	e := &Error{err: err}
	var text string
	var limit *limitError
	switch {
	case errors.As(err, &limit):
		e.Status, e.Again = limit.status, limit.short
		text = limit.Error()
	case resp == nil || resp.StatusCode/100 == 2:
		if resp != nil {
			e.Status = resp.StatusCode
			text = "the answer is not what the API describes: "
		} else {
			var u *url.Error // where none came; else JSON in it
			e.Again = errors.As(err, &u) && !errors.Is(err, errTooLarge)
		}
		text += err.Error()
	default:
		e.Status = resp.StatusCode
		e.Again = e.Status >= 500
		// Masked before they are cut, since a part of the token would stay.
		if words = plain.Cut(plain.Line(o.masked(words)), maxWords); words == "" {
			words = http.StatusText(e.Status)
		}
		text = strconv.Itoa(e.Status) + " " + words
		if a := o.advise(resp, words, advice); a != "" {
			text += ": " + a
		}
	}
	e.text = plain.Line(o.masked(op + ": " + text))
	return e
}

// masked is a text without the token.
func (o Options) masked(text string) string { return strings.ReplaceAll(text, o.Token, "***") }

// advise is what to do about a status, the same for all forges where it can be.
func (o Options) advise(resp *http.Response, words string, advice func(int, string) string) string {
	if a := advice(resp.StatusCode, words); a != "" {
		return a
	}
	switch s := resp.StatusCode; {
	case s/100 == 3:
		to := "another address"
		if u, err := url.Parse(resp.Header.Get("Location")); err == nil && u.Host != "" {
			to = u.Host
		}
		return "the API redirects to " + to + ", where the token is not sent: set the API's own address"
	case s == http.StatusUnauthorized:
		return "the token is not valid here, or not any more"
	case s >= 500:
		return "the server failed: run the job again"
	}
	return ""
}
