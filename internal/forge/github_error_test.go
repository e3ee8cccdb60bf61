package forge

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/gopreflight/gopreflight/internal/plain"
)

// TestGitHubErrors holds every refusal to its line, and the pull request to its
// state before.
func TestGitHubErrors(t *testing.T) {
	t.Parallel()
	const secondary = `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`
	for name, tt := range map[string]struct {
		token  string
		change func(*Options)
		set    func(f *fakeGitHub)
		want   string
		status int
		sleeps time.Duration
	}{
		"a fork's token": {
			token: forkToken, status: 403,
			want: "write a comment on #7: 403 Resource not accessible by integration: the token may not write comments: give the job `permissions: pull-requests: write`; on a pull request from a fork it cannot: see docs/ci.md",
		},
		"a personal token that may only read": {
			token: personalToken, status: 403,
			set:  func(f *fakeGitHub) { f.accounts[personalToken] = account{login: "octo", mayAsk: true, readOnly: true} },
			want: "write a comment on #7: 403 Resource not accessible by integration: the token may not write comments: it needs the permission to write pull requests (fine-grained) or the scope repo (classic)",
		},
		"a Gitea token that may only read": {
			token: giteaToken, status: 403,
			set: func(f *fakeGitHub) {
				f.gitea = true
				f.accounts[giteaToken] = account{login: "gitea-actions", readOnly: true}
			},
			want: "write a comment on #7: 403 token does not have at least one of required scope(s): [write:issue]: the token may not write comments: it needs to write issues and pull requests",
		},
		"a revoked token": {
			token: "ghs_revoked", status: 401,
			want: "list the comments of #7: 401 Bad credentials: the token is not valid here, or not any more",
		},
		"a revoked personal token": {
			token: "ghp_revoked", status: 401,
			want: "list the comments of #7: 401 Bad credentials: the token is not valid here, or not any more",
		},
		"another repository": {
			token: actionsToken, status: 404, change: func(o *Options) { o.Repository = "octo/secret" },
			want: "list the comments of #7: 404 Not Found: the token cannot see octo/secret, or there is no such pull request",
		},
		"a locked conversation": {
			token: actionsToken, status: 403, set: func(f *fakeGitHub) { f.pull(pr).locked = true },
			want: "write a comment on #7: 403 Unable to create comment because issue is locked.: the conversation is locked: unlock it, or do without a comment",
		},
		"a blocked user": {
			token: personalToken, status: 403, set: func(f *fakeGitHub) { f.add("create", answers(403, `{"message":"User is blocked"}`)) },
			want: "write a comment on #7: 403 User is blocked: the token may not write comments: it needs the permission to write pull requests (fine-grained) or the scope repo (classic)",
		},
		"no comments at all": {
			token: actionsToken, status: 410, set: func(f *fakeGitHub) { f.add("create", answers(410, `{"message":"Issues are disabled for this repo"}`)) },
			want: "write a comment on #7: 410 Issues are disabled for this repo: comments are switched off there",
		},
		"primary limit, long": {
			token: actionsToken, status: 403,
			set: func(f *fakeGitHub) {
				f.add("list", answers(403, `{"message":"API rate limit exceeded for installation ID 1."}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", fmt.Sprint(f.clock.Now().Add(41*time.Minute).Unix())))
			},
			want: "list the comments of #7: 403 Forbidden: rate limit, resets at 12:41 UTC",
		},
		"secondary limit that does not say how long": {
			token: actionsToken, status: 403, set: func(f *fakeGitHub) { f.add("create", answers(403, secondary)) },
			want: "write a comment on #7: 403 Forbidden: rate limit, resets at 12:01 UTC",
		},
		"secondary limit, again and again": {
			token: actionsToken, status: 403, set: func(f *fakeGitHub) { f.always("create", answers(403, secondary, "Retry-After", "4")) },
			want: "write a comment on #7: 403 Forbidden: rate limit, resets at 12:00 UTC", sleeps: 8 * time.Second,
		},
		"a proxy's page": {
			token: actionsToken, status: 200, set: func(f *fakeGitHub) { f.add("list", answers(200, "<html>Please log in</html>")) },
			want: "list the comments of #7: the answer is not what the API describes: invalid character '<' looking for beginning of value",
		},
		"hostile words": {
			token: actionsToken, status: 418,
			set: func(f *fakeGitHub) {
				f.add("list", answers(418, `{"message":"\u001b[31m::error::\n`+actionsToken+`\u202e `+strings.Repeat("x", 5000)+`"}`))
			},
			want: "list the comments of #7: 418 ::error:: *** " + strings.Repeat("x", maxWords-len("::error:: *** …")) + "…",
		},
		"words with the token where they are cut": {
			token: actionsToken, status: 418,
			set: func(f *fakeGitHub) {
				f.add("list", answers(418, `{"message":"`+strings.Repeat("x", maxWords-10)+actionsToken+`yyyyyyyyyy"}`))
			},
			want: "list the comments of #7: 418 " + strings.Repeat("x", maxWords-10) + "***yyyy…",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeGitHub(t, "")
			if tt.set != nil {
				tt.set(f)
			}
			change := func(o *Options) {
				if tt.change != nil {
					tt.change(o)
					o.Transport = bare(t) // outside what the description knows
				}
			}
			_, err := Upsert(t.Context(), f.as(tt.token, change), post(shaA, 1))
			if err == nil || err.Error() != tt.want {
				t.Fatalf("error:\n got %v\nwant %s", err, tt.want)
			}
			if e, ok := errors.AsType[*Error](err); !ok || e.Status != tt.status {
				t.Errorf("%#v, want status %d", e, tt.status)
			}
			wantComments(t, githubSite{f})
			if got := f.clock.total(); got != tt.sleeps {
				t.Errorf("slept %v, want %v", got, tt.sleeps)
			}
		})
	}
}

// bare is a transport of a test's own.
func bare(t *testing.T) *http.Transport {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// TestGitHubShortSecondaryLimit waits where GitHub says how long.
func TestGitHubShortSecondaryLimit(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	f.add("create", answers(403, `{"message":"You have exceeded a secondary rate limit."}`, "Retry-After", "9"))
	p := post(shaA, 1)
	wantOutcome(t, mustUpsert(t, f.as(actionsToken), p), "comment created (#7)")
	wantComments(t, githubSite{f}, Comment{Author: githubActions, Body: text(p)})
	if got := f.clock.total(); got != 9*time.Second {
		t.Errorf("slept %v", got)
	}
}

// TestGitHubSpentLimit shows that an answer which used the last request of a
// limit is an answer: go-github alone would refuse the next by its own clock.
func TestGitHubSpentLimit(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	f.always("list", func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
		serve(spent{w}, r)
	})
	p := post(shaA, 1)
	wantOutcome(t, mustUpsert(t, f.as(actionsToken), p), "comment created (#7)")
	wantComments(t, githubSite{f}, Comment{Author: githubActions, Body: text(p)})
}

// spent says that nothing remains of a limit.
type spent struct{ http.ResponseWriter }

func (s spent) WriteHeader(status int) {
	s.Header().Set("X-RateLimit-Remaining", "0")
	s.Header().Set("X-RateLimit-Reset", "4102444800")
	s.ResponseWriter.WriteHeader(status)
}

func TestGitHubTooLong(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	_, err := f.as(actionsToken).Create(t.Context(), pr, strings.Repeat("x", MaxComment+1))
	const want = "write a comment on #7: 422 Validation Failed, Body is too long (maximum is 65536 characters): more than 65536 characters are too long for a comment"
	if err == nil || err.Error() != want {
		t.Errorf("error:\n got %v\nwant %s", err, want)
	}
	wantComments(t, githubSite{f})
}

// TestGitHubRedirect shows the token to no other address.
func TestGitHubRedirect(t *testing.T) {
	t.Parallel()
	reached := make(chan string, 10)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached <- r.Header.Get("Authorization")
	}))
	defer other.Close()
	host := strings.TrimPrefix(other.URL, "http://")
	for _, status := range []int{301, 302, 303, 307, 308} {
		for op, tried := range map[string]string{"list": "list the comments of", "create": "write a comment on"} {
			f := newFakeGitHub(t, "")
			f.add(op, answers(status, ``, "Location", other.URL+"/elsewhere"))
			want := fmt.Sprintf("%s #7: %d %s: the API redirects to %s, where the token is not sent: set the API's own address", tried, status, http.StatusText(status), host)
			if _, err := Upsert(t.Context(), f.as(actionsToken), post(shaA, 1)); err == nil || err.Error() != want {
				t.Errorf("error:\n got %v\nwant %s", err, want)
			}
			wantComments(t, githubSite{f})
		}
	}
	select {
	case auth := <-reached:
		t.Errorf("the other server was asked, with %q", auth)
	default:
	}
}

// TestGitHubEndlessAnswer gives up on an answer without end, and does not ask
// for it again.
func TestGitHubEndlessAnswer(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	sent := make(chan int64, maxTries)
	f.always("list", func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		io.WriteString(w, "[")
		n, _ := io.Copy(w, io.LimitReader(spaces{}, 100<<20))
		sent <- n
	})
	_, err := Upsert(t.Context(), f.as(actionsToken, func(o *Options) { o.Transport = bare(t) }), post(shaA, 1))
	if err == nil || !strings.HasSuffix(err.Error(), ": the answer is larger than 32 MiB or 500000 values") {
		t.Errorf("error %v", err)
	}
	if got := <-sent; got >= 100<<20 {
		t.Errorf("all %d bytes were read", got)
	}
	if got := f.asked("list"); got != 1 {
		t.Errorf("asked %d times", got)
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestGitHubConnectionRefused(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	f := newFakeGitHub(t, "")
	_, err = Upsert(t.Context(), f.as(actionsToken, func(o *Options) { o.APIURL = "http://" + l.Addr().String() }), post(shaA, 1))
	if err == nil || !strings.HasPrefix(err.Error(), "list the comments of #7: Get ") || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error %v", err)
	}
	if got, want := f.clock.total(), 3*time.Second; got != want {
		t.Errorf("slept %v, want %v for two more tries", got, want)
	}
}

// FuzzGitHubError holds the text of an error to one clean, bounded line without
// the token, whatever a server says.
func FuzzGitHubError(f *testing.F) {
	f.Add(403, `{"message":"no"}`)
	f.Add(422, `{"message":"Validation Failed","errors":[{"message":"too long"},"text"]}`)
	f.Add(200, `{"id":"x"}`)
	f.Add(500, "\x1b]0;title\x07::set-output name=x::y\r\n"+actionsToken)
	f.Add(301, "")
	var status int
	var body string
	answer := round(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Status: "x", Header: http.Header{"Location": {body}}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	})
	clock := newTestClock()
	g, err := NewGitHub(Options{APIURL: "https://api.example.com", Repository: "octo/shop", Token: actionsToken, Transport: answer, Now: clock.Now, Sleep: clock.Sleep})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s int, b string) {
		status, body = 200+(s&0x7fffffff)%400, b
		_, err := g.Create(t.Context(), pr, "x")
		if err == nil {
			return
		}
		line := err.Error()
		if len(line) > plain.MaxLine || strings.ContainsFunc(line, unicode.IsControl) || strings.Contains(line, actionsToken) {
			t.Errorf("status %d, body %q: %q", status, body, line)
		}
	})
}

// round is a transport in one function.
type round func(*http.Request) (*http.Response, error)

func (r round) RoundTrip(req *http.Request) (*http.Response, error) { return r(req) }

// TestGitHubManyValues gives up on an answer that is small on the wire and takes
// gigabytes once it is read.
func TestGitHubManyValues(t *testing.T) {
	t.Parallel()
	f := newFakeGitHub(t, "")
	f.always("list", func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		io.WriteString(w, "["+strings.Repeat("{},", maxValues/2)+"{}]")
	})
	_, err := Upsert(t.Context(), f.as(actionsToken, func(o *Options) { o.Transport = bare(t) }), post(shaA, 1))
	if err == nil || !strings.HasSuffix(err.Error(), ": the answer is larger than 32 MiB or 500000 values") {
		t.Errorf("error %v", err)
	}
	if got := f.asked("list"); got != 1 {
		t.Errorf("asked %d times", got)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		``: 1, `1`: 1, `"a,[{\",["`: 1, `[1]`: 2, `[1,2]`: 3, `{"a":1,"b":[]}`: 4, `[{},{}]`: 5, `"\`: 1,
	} {
		if got := values([]byte(text)); got != want {
			t.Errorf("%s: %d values, want %d", text, got, want)
		}
	}
}
