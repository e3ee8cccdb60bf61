package forge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// requestTimeout is how long one request may take, its answer's body included.
	requestTimeout = 10 * time.Second
	// maxAnswer is the largest answer in bytes: a page of 100 comments of 65,536
	// characters of four bytes each, and what JSON puts around them.
	maxAnswer = 32 << 20
	// maxValues is the most values in an answer: 100 pull requests have some
	// 50,000. An empty one takes three bytes of it, and of memory a hundred times that.
	maxValues = 500_000
	// perPage is the largest page that GitHub and GitLab give.
	perPage = 100
	// maxComments is how many comments of a pull request are looked at. GitHub
	// itself ends a conversation at 2,500.
	maxComments = 3000
	// maxPulls is how many pull requests of one branch are looked at; where the
	// server does not filter by branch (Gitea), of the repository.
	maxPulls = 3000
)

// Options say where a forge is, which repository is meant and with what it is
// asked.
type Options struct {
	// APIURL is the root of the API, http or https, without credentials:
	// GITHUB_API_URL, CI_API_V4_URL.
	APIURL string
	// Repository is "owner/name"; on GitLab the project's ID or path.
	Repository string
	// Token is sent with every request. Spaces and line breaks around it are
	// dropped, as they come with secrets read from files.
	Token string
	// Author is the login under which the token writes; empty: found out.
	Author string
	// Gitea says that GitHub's routes are answered by Gitea or Forgejo.
	Gitea bool
	// Transport carries the requests; it knows proxies and certificates. Required.
	Transport http.RoundTripper
	// Now is the clock. Required.
	Now func() time.Time
	// Sleep waits or returns the context's error; nil: it really waits.
	Sleep func(ctx context.Context, d time.Duration) error
	// Logf is told of every wait; nil: nobody is.
	Logf func(format string, args ...any)

	// timeout and most are requestTimeout and maxAnswer unless a test is in a hurry.
	timeout time.Duration
	most    int
}

// checked is the options with every default in its place, or what is wrong with
// them. No error repeats the token.
func (o Options) checked() (Options, error) {
	if o.Transport == nil || o.Now == nil {
		return o, errors.New("forge: Options without Transport or Now")
	}
	o.Token = strings.TrimSpace(o.Token)
	if o.Token == "" {
		return o, errors.New("there is no token to write comments with")
	}
	if strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return o, errors.New("the token has a space, a line break or another character inside that no token has: set the secret anew")
	}
	u, err := url.Parse(o.APIURL)
	switch {
	case err != nil:
		return o, errors.New("the API's address is not a URL") // the error would repeat credentials
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "":
		return o, fmt.Errorf("the API's address %s is not an http(s) URL without credentials and query", u.Redacted())
	}
	o.APIURL = strings.TrimRight(o.APIURL, "/")
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.timeout == 0 {
		o.timeout = requestTimeout
	}
	if o.most == 0 {
		o.most = maxAnswer
	}
	return o, nil
}

// newClient returns the one client through which a forge is asked, for checked
// options: each request is bounded in time and its answer in size, redirects
// are not followed (they would carry the token along, and turn a POST into a
// GET), and what a server asks to be repeated is, as retrier says.
func newClient(o Options) *http.Client {
	return &http.Client{
		Transport:     &retrier{next: &bounded{next: o.Transport, timeout: o.timeout, most: o.most}, now: o.Now, sleep: o.Sleep, logf: o.Logf},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded reads the whole answer, within a time and a size.
type bounded struct {
	next    http.RoundTripper
	timeout time.Duration
	most    int // bytes
}

// errTooLarge is no reason to ask again.
var errTooLarge = fmt.Errorf("the answer is larger than %d MiB or %d values", maxAnswer>>20, maxValues)

// RoundTrip answers with a body that is in memory already.
func (b *bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), b.timeout)
	defer cancel()
	resp, err := b.next.RoundTrip(req.WithContext(ctx))
	if err == nil {
		defer resp.Body.Close()
		var body []byte
		body, err = io.ReadAll(io.LimitReader(resp.Body, int64(b.most)+1))
		if err == nil && (len(body) > b.most || values(body) > maxValues) {
			return nil, errTooLarge
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		resp.ContentLength = int64(len(body))
	}
	if err != nil && ctx.Err() != nil && req.Context().Err() == nil {
		return nil, fmt.Errorf("no answer within %v: %w", b.timeout, err)
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// values is how many values a JSON text has, at most.
func values(text []byte) int {
	n, quoted := 1, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '[' || c == '{'):
			n++
		}
	}
	return n
}

// sleep waits for d, or until the context ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
