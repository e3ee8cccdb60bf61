package forge

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/gopreflight/gopreflight/internal/plain"
)

// TestGitLabErrors holds every refusal to its line, and the merge request to its
// state before.
func TestGitLabErrors(t *testing.T) {
	t.Parallel()
	reset := func(f *fakeGitLab, d time.Duration) string { return strconv.FormatInt(f.clock.Now().Add(d).Unix(), 10) }
	for name, tt := range map[string]struct {
		token  string
		change func(*Options)
		number int
		set    func(f *fakeGitLab)
		want   string
		status int
	}{
		"CI_JOB_TOKEN": {
			token: "glcbt-64_0123456789", status: 401,
			want: "ask whose token this is: 401 Unauthorized: the token is not valid here, or not any more: " + gitlabNeeds,
		},
		"CI_JOB_TOKEN, and a named author": {
			token: "glcbt-64_0123456789", status: 401, change: func(o *Options) { o.Author = "octo" },
			want: "list the comments of #7: 401 Unauthorized: the token is not valid here, or not any more: " + gitlabNeeds,
		},
		"an expired token": {
			token: projectToken, status: 401,
			set: func(f *fakeGitLab) {
				f.add("user", answers(401, `{"error":"invalid_token","error_description":"Token is expired."}`))
			},
			want: "ask whose token this is: 401 Token is expired.: the token is not valid here, or not any more: " + gitlabNeeds,
		},
		"a token that may only read": {
			token: readToken, status: 403,
			want: "write a comment on #7: 403 The request requires higher privileges than provided by the access token.: the token may not do that: " + gitlabNeeds,
		},
		"a token of no member": {
			token: guestToken, status: 403,
			want: "write a comment on #7: 403 Forbidden: the token may not do that: " + gitlabNeeds,
		},
		"another project": {
			token: projectToken, status: 404, change: func(o *Options) { o.Repository = "43" },
			want: "list the comments of #7: 404 Not Found: the token cannot see project 43, or there is no such merge request: " + gitlabNeeds,
		},
		"no such merge request": {
			token: projectToken, status: 404, number: 8,
			want: "list the comments of #8: 404 Not Found: the token cannot see project 42, or there is no such merge request: " + gitlabNeeds,
		},
		"an invalid note": {
			token: projectToken, status: 400,
			set: func(f *fakeGitLab) {
				f.add("create", answers(400, `{"message":"400 Bad request - Note {:note=>[\"is too long\"]}"}`))
			},
			want: `write a comment on #7: 400 Bad request - Note {:note=>["is too long"]}`,
		},
		"a structured refusal": {
			token: projectToken, status: 400,
			set:  func(f *fakeGitLab) { f.add("create", answers(400, `{"message":{"note":["is too long"]}}`)) },
			want: `write a comment on #7: 400 {message: {note: [is too long]}}`,
		},
		"the notes limit, which does not say how long": {
			token: projectToken, status: 429,
			set: func(f *fakeGitLab) {
				f.add("create", answers(429, `{"message":{"error":"This endpoint has been requested too many times. Try again later."}}`))
			},
			want: "write a comment on #7: 429 Too Many Requests: rate limit, resets at 12:01 UTC",
		},
		"a limit that ends in half an hour": {
			token: projectToken, status: 429,
			set: func(f *fakeGitLab) {
				f.add("list", answers(429, `Retry later`, "RateLimit-Reset", reset(f, 30*time.Minute)))
			},
			want: "list the comments of #7: 429 Too Many Requests: rate limit, resets at 12:30 UTC",
		},
		"a proxy's page": {
			token: projectToken, status: 200, set: func(f *fakeGitLab) { f.add("list", answers(200, "<html>Please log in</html>")) },
			want: "list the comments of #7: the answer is not what the API describes: invalid character '<' looking for beginning of value",
		},
		"a moved site": {
			token: projectToken, status: 301,
			set:  func(f *fakeGitLab) { f.add("list", answers(301, ``, "Location", "https://new.example.com/api/v4/x")) },
			want: "list the comments of #7: 301 Moved Permanently: the API redirects to new.example.com, where the token is not sent: set the API's own address",
		},
		"hostile words": {
			token: projectToken, status: 418,
			set: func(f *fakeGitLab) {
				f.add("list", answers(418, `{"message":"\u001b[31m::error::\n`+projectToken+`\u202e `+strings.Repeat("x", 5000)+`"}`))
			},
			want: "list the comments of #7: 418 ::error:: *** " + strings.Repeat("x", maxWords-len("::error:: *** …")) + "…",
		},
		"words with the token where they are cut": {
			token: projectToken, status: 418,
			set: func(f *fakeGitLab) {
				f.add("list", answers(418, `{"message":"`+strings.Repeat("x", maxWords-10)+projectToken+`yyyyyyyyyy"}`))
			},
			want: "list the comments of #7: 418 " + strings.Repeat("x", maxWords-10) + "***yyyy…",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeGitLab(t, "/api/v4")
			if tt.set != nil {
				tt.set(f)
			}
			p := post(shaA, 1)
			if tt.number != 0 {
				p.Number = tt.number
			}
			change := func(o *Options) {
				if tt.change != nil {
					tt.change(o)
				}
			}
			_, err := Upsert(t.Context(), f.as(tt.token, change), p)
			if err == nil || err.Error() != tt.want {
				t.Fatalf("error:\n got %v\nwant %s", err, tt.want)
			}
			if e, ok := errors.AsType[*Error](err); !ok || e.Status != tt.status {
				t.Errorf("%#v, want status %d", e, tt.status)
			}
			wantComments(t, f)
			if got := f.slept(); got != 0 {
				t.Errorf("slept %v", got)
			}
		})
	}
}

// TestGitLabShortReset waits for the end of a limit where only that is told.
func TestGitLabShortReset(t *testing.T) {
	t.Parallel()
	f := newFakeGitLab(t, "/api/v4")
	f.add("create", answers(429, "Retry later", "RateLimit-Reset", strconv.FormatInt(f.clock.Now().Add(11*time.Second).Unix(), 10)))
	p := post(shaA, 1)
	wantOutcome(t, mustUpsert(t, f.forge(), p), "comment created (#7)")
	wantComments(t, f, Comment{Author: gitlabBot, Body: text(p)})
	if got := f.slept(); got != 11*time.Second {
		t.Errorf("slept %v", got)
	}
}

// TestNewGitLab refuses what would not work before any request.
func TestNewGitLab(t *testing.T) {
	t.Parallel()
	f := newFakeGitLab(t, "/api/v4")
	const secret = "glpat-very-secret"
	for name, tt := range map[string]struct {
		change func(*Options)
		want   string // empty: accepted
	}{
		"an ID":                    {func(*Options) {}, ""},
		"a path":                   {func(o *Options) { o.Repository = "group/sub.group/my-project" }, ""},
		"no project":               {func(o *Options) { o.Repository = "" }, `repository "" is neither a project's ID nor its path`},
		"a slash before":           {func(o *Options) { o.Repository = "/group/shop" }, `repository "/group/shop" is neither a project's ID nor its path`},
		"dots":                     {func(o *Options) { o.Repository = "group/../shop" }, `repository "group/../shop" is neither a project's ID nor its path`},
		"a query":                  {func(o *Options) { o.Repository = "42?x=" }, `repository "42?x=" is neither a project's ID nor its path`},
		"a line break in the path": {func(o *Options) { o.Repository = "42\n" }, `repository "42\n" is neither a project's ID nor its path`},
		"a line break in the token": {func(o *Options) { o.Token = secret + "\n" + secret },
			"the token has a space, a line break or another character inside that no token has: set the secret anew"},
		"no token":    {func(o *Options) { o.Token = "" }, "there is no token to write comments with"},
		"credentials": {func(o *Options) { o.APIURL = "https://u:" + secret + "@gitlab.example.com/api/v4" }, "the API's address https://u:xxxxx@gitlab.example.com/api/v4 is not an http(s) URL without credentials and query"},
	} {
		o := f.options(secret)
		tt.change(&o)
		_, err := NewGitLab(o)
		wantRefusal(t, name, err, tt.want, secret)
	}
	if len(f.requests) != 0 {
		t.Errorf("requests: %v", f.requests)
	}
}

// FuzzGitLabAnswer reads any answer without a panic, into clean, bounded errors
// without the token.
func FuzzGitLabAnswer(f *testing.F) {
	f.Add(403, `{"message":"403 Forbidden"}`)
	f.Add(400, `{"message":{"note":["is too long",{"a":[1,null]}]}}`)
	f.Add(401, `{"error":"invalid_token","error_description":"Token is expired."}`)
	f.Add(200, `[null,{"id":1,"author":null,"body":null}]`)
	f.Add(200, `[{"iid":7,"labels":[{"name":"a"},3],"sha":null,"source_project_id":null}]`)
	f.Add(200, `{"id":"x","iid":1e99}`)
	f.Add(500, "\x1b]0;title\x07::set-output name=x::y\r\n"+projectToken)
	f.Add(301, "")
	var status int
	var body string
	answer := round(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Status: "x", Header: http.Header{"Location": {body}, "X-Next-Page": {body}},
			Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: req}, nil
	})
	clock := newTestClock()
	g, err := NewGitLab(Options{APIURL: "https://gitlab.example.com/api/v4", Repository: "42", Token: projectToken, Transport: answer, Now: clock.Now, Sleep: clock.Sleep})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s int, b string) {
		if status, body = s, b; s < 200 || s > 599 {
			status = 200 + (s&0x7fffffff)%400
		}
		var errs [7]error
		_, errs[0] = g.Author(t.Context())
		_, errs[1] = g.Pull(t.Context(), pr)
		_, errs[2] = g.FindPull(t.Context(), "42", "topic", shaA)
		_, errs[3] = g.Comments(t.Context(), pr)
		_, errs[4] = g.Create(t.Context(), pr, "x")
		errs[5] = g.Edit(t.Context(), pr, 1, "x")
		errs[6] = g.Delete(t.Context(), pr, 1)
		for _, err := range errs {
			if err == nil {
				continue
			}
			line := err.Error()
			if len(line) > plain.MaxLine || strings.ContainsFunc(line, unicode.IsControl) || strings.Contains(line, projectToken) {
				t.Errorf("status %d, body %q: %q", status, body, line)
			}
		}
	})
}
