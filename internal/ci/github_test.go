package ci

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

var githubEnv = map[string]string{
	"GITHUB_ACTIONS":    "true",
	"GITHUB_EVENT_PATH": "/github/workflow/event.json",
	"GITHUB_SERVER_URL": "https://github.example.com",
	"GITHUB_REPOSITORY": "acme/shop",
	"GITHUB_RUN_ID":     "9876543210",
	"GITHUB_RUN_NUMBER": "17",
	"GITHUB_SHA":        mergeSHA,
	"GITHUB_WORKSPACE":  "/home/runner/work/shop/shop",

	"GITHUB_API_URL":      "https://github.example.com/api/v3",
	"GITHUB_WORKFLOW":     "The build",
	"GITHUB_WORKFLOW_REF": "acme/shop/.github/workflows/ci.yml@refs/heads/main",
	"GITHUB_JOB":          "preflight",
	"GITHUB_RUN_ATTEMPT":  "2",
}

// onGitHub is c with what githubEnv says of every run.
func onGitHub(c Context) Context {
	c.Provider = GitHub
	c.RepositoryURL = "https://github.example.com/acme/shop"
	c.APIURL, c.Repository = "https://github.example.com/api/v3", "acme/shop"
	c.Workflow, c.Job = ".github/workflows/ci.yml", "preflight"
	if c.RunURL == "" {
		c.RunURL = "https://github.example.com/acme/shop/actions/runs/9876543210"
	}
	if c.RunID == 0 {
		c.RunID, c.RunAttempt = 9876543210, 2
	}
	return c
}

const (
	pullOwn = `{"action":"synchronize","number":7,"pull_request":{"number":7,
		"head":{"ref":"topic","sha":"HEAD","repo":{"full_name":"acme/shop","fork":false}},
		"base":{"ref":"main","sha":"BASE","repo":{"full_name":"acme/shop"}}}}`
	pullFork = `{"number":7,"pull_request":{"number":7,
		"head":{"ref":"main","sha":"HEAD","repo":{"full_name":"mallory/shop","fork":true}},
		"base":{"ref":"main","sha":"BASE","repo":{"full_name":"acme/shop"}}}}`
	pullDeletedFork = `{"number":7,"pull_request":{"number":7,
		"head":{"ref":"main","sha":"HEAD","repo":null},
		"base":{"ref":"main","sha":"BASE","repo":{"full_name":"acme/shop"}}}}`
	pullWithinFork = `{"number":7,"pull_request":{"number":7,
		"head":{"ref":"topic","sha":"HEAD","repo":{"full_name":"acme/shop","fork":true}},
		"base":{"ref":"main","sha":"BASE","repo":{"full_name":"Acme/Shop","fork":true}}}}`
)

func TestDetectGitHub(t *testing.T) {
	t.Parallel()
	pull := func(c Context) Context { // what every readable pull request has
		c.PullRequest, c.HeadSHA, c.BaseSHA, c.BaseRef, c.IsChange = 7, headSHA, baseSHA, "main", true
		c.Ref = "refs/pull/7/head"
		return c
	}
	for _, test := range []struct {
		name    string
		env     []string
		payload string
		want    Context
	}{
		{"pull request from a branch", []string{"GITHUB_EVENT_NAME=pull_request"}, pullOwn, pull(Context{Event: "pull_request"})},
		{"pull request from a fork", []string{"GITHUB_EVENT_NAME=pull_request"}, pullFork, pull(Context{Event: "pull_request", Fork: true})},
		{"pull request from a deleted fork", []string{"GITHUB_EVENT_NAME=pull_request"}, pullDeletedFork, pull(Context{Event: "pull_request", Fork: true})},
		{"pull request within a repository that is a fork", []string{"GITHUB_EVENT_NAME=pull_request"}, pullWithinFork, pull(Context{Event: "pull_request"})},
		{"pull_request_target", []string{"GITHUB_EVENT_NAME=pull_request_target", "GITHUB_SHA=BASE", "GITHUB_REF=refs/heads/main"}, pullFork, pull(Context{Event: "pull_request_target", Fork: true, PullRequestTarget: true})},
		{"pull_request_target, merged", []string{"GITHUB_EVENT_NAME=pull_request_target"}, strings.Replace(pullFork, `"head"`, `"merged":true,"head"`, 1),
			pull(Context{Event: "pull_request_target", Fork: true})},
		{"review", []string{"GITHUB_EVENT_NAME=pull_request_review"}, strings.Replace(pullOwn, `"number":7,`, ``, 1), pull(Context{Event: "pull_request_review"})},
		{"container action", []string{"GITHUB_EVENT_NAME=pull_request", "GITHUB_WORKSPACE=/github/workspace"}, pullOwn, pull(Context{Event: "pull_request", Container: true})},
		{"push", []string{"GITHUB_EVENT_NAME=push", "GITHUB_SHA=HEAD"}, `{"ref":"refs/heads/main","before":"BASE","after":"HEAD"}`,
			Context{Event: "push", HeadSHA: headSHA, BaseSHA: baseSHA, HeadRepository: "acme/shop", HeadBranch: "main"}},
		{"push of a new branch", []string{"GITHUB_EVENT_NAME=push", "GITHUB_SHA=HEAD", "GITHUB_REF=refs/heads/feat/a"}, `{"ref":"refs/heads/feat/a","before":"NULL","after":"HEAD","created":true}`,
			Context{Event: "push", HeadSHA: headSHA, Ref: "feat/a", HeadRepository: "acme/shop", HeadBranch: "feat/a"}},
		{"push of a tag", []string{"GITHUB_EVENT_NAME=push", "GITHUB_SHA=HEAD", "GITHUB_REF=refs/tags/v1.0.0"}, `{"ref":"refs/tags/v1.0.0","before":"NULL","after":"HEAD","created":true}`,
			Context{Event: "push", Ref: "v1.0.0", HeadSHA: headSHA, NoPullRequest: "the event belongs to no branch"}},
		{"push of a branch that looks like an option", []string{"GITHUB_EVENT_NAME=push", "GITHUB_SHA=HEAD", "GITHUB_REF=refs/heads/--upload-pack=x"}, `{"ref":"refs/heads/--upload-pack=x","after":"HEAD"}`,
			Context{Event: "push", HeadSHA: headSHA, NoPullRequest: "the event belongs to no branch"}},
		{"push that deletes a branch", []string{"GITHUB_EVENT_NAME=push", "GITHUB_SHA=BASE"}, `{"ref":"refs/heads/topic","before":"HEAD","after":"NULL","deleted":true}`,
			Context{Event: "push", HeadSHA: baseSHA, BaseSHA: headSHA, NoPullRequest: "the branch or tag was deleted"}},
		{"push without a commit", []string{"GITHUB_EVENT_NAME=push", "GITHUB_SHA=main"}, `{"ref":"refs/heads/topic"}`,
			Context{Event: "push", NoPullRequest: "the event names no commit"}},
		{"merge queue", []string{"GITHUB_EVENT_NAME=merge_group"}, `{"action":"checks_requested","merge_group":{"head_sha":"MERGE","head_ref":"refs/heads/gh-readonly-queue/main/pr-7-BASE","base_sha":"BASE","base_ref":"refs/heads/main"}}`,
			Context{Event: "merge_group", MergeQueue: true, PullRequest: 7, HeadSHA: mergeSHA, BaseSHA: baseSHA, BaseRef: "main", IsChange: true}},
		{"merge queue of another branch than its name says", []string{"GITHUB_EVENT_NAME=merge_group"}, `{"merge_group":{"head_sha":"MERGE","head_ref":"refs/heads/gh-readonly-queue/main/pr-7-BASE","base_sha":"BASE","base_ref":"refs/heads/next"}}`,
			Context{Event: "merge_group", MergeQueue: true, HeadSHA: mergeSHA, BaseSHA: baseSHA, BaseRef: "next", IsChange: true, NoPullRequest: "the merge queue's branch names no pull request"}},
		{"comment on a pull request", []string{"GITHUB_EVENT_NAME=issue_comment", "GITHUB_REF=refs/heads/main"}, `{"action":"created","issue":{"number":7,"pull_request":{"url":"https://github.example.com/api/v3/repos/acme/shop/pulls/7"}}}`,
			Context{Event: "issue_comment", PullRequest: 7, BaseSHA: mergeSHA, IsChange: true, Fork: true}},
		{"comment on an issue", []string{"GITHUB_EVENT_NAME=issue_comment", "GITHUB_REF=refs/heads/main"}, `{"action":"created","issue":{"number":7}}`,
			Context{Event: "issue_comment", Ref: "main", HeadSHA: mergeSHA, NoPullRequest: "the comment is on an issue, not on a pull request"}},
		{"comment on an issue, said in so many words", []string{"GITHUB_EVENT_NAME=issue_comment"}, `{"action":"created","issue":{"number":7,"pull_request":null}}`,
			Context{Event: "issue_comment", HeadSHA: mergeSHA, NoPullRequest: "the comment is on an issue, not on a pull request"}},
		{"comment on nobody knows what", []string{"GITHUB_EVENT_NAME=issue_comment"}, `{"issue":{"number":-7,"pull_request":{}}}`,
			Context{Event: "issue_comment", BaseSHA: mergeSHA, IsChange: true, Fork: true, NoPullRequest: "the event's payload has no number of a pull request"}},
		{"schedule", []string{"GITHUB_EVENT_NAME=schedule", "GITHUB_SHA=HEAD"}, `{"schedule":"0 4 * * *","repository":{"full_name":"acme/shop"}}`,
			Context{Event: "schedule", HeadSHA: headSHA, NoPullRequest: `no pull request is looked for on event "schedule"`}},
		{"by hand", []string{"GITHUB_EVENT_NAME=workflow_dispatch", "GITHUB_SHA=HEAD"}, `{"inputs":{"number":"3"},"ref":"refs/heads/topic","workflow":"ci.yml"}`,
			Context{Event: "workflow_dispatch", HeadSHA: headSHA, HeadRepository: "acme/shop", HeadBranch: "topic"}},
		{"by hand, with the branch in a variable only", []string{"GITHUB_EVENT_NAME=workflow_dispatch", "GITHUB_SHA=HEAD", "GITHUB_REF=refs/heads/topic"}, `{"inputs":{}}`,
			Context{Event: "workflow_dispatch", Ref: "topic", HeadSHA: headSHA, HeadRepository: "acme/shop", HeadBranch: "topic"}},
		{"by hand on a tag", []string{"GITHUB_EVENT_NAME=workflow_dispatch", "GITHUB_SHA=HEAD", "GITHUB_REF=refs/tags/v1.0.0"}, `{"inputs":{},"ref":"refs/tags/v1.0.0"}`,
			Context{Event: "workflow_dispatch", Ref: "v1.0.0", HeadSHA: headSHA, NoPullRequest: "the event belongs to no branch"}},
		{"another event with what looks like a push", []string{"GITHUB_EVENT_NAME=repository_dispatch"}, `{"ref":"refs/heads/main","before":"BASE","after":"HEAD"}`,
			Context{Event: "repository_dispatch", HeadSHA: mergeSHA, NoPullRequest: `no pull request is looked for on event "repository_dispatch"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got, want := detect(with(githubEnv, test.env...), fill(test.payload)), onGitHub(test.want); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// Without a payload a pull request is a change still, and from nobody knows where.
func TestDetectGitHubBadPayload(t *testing.T) {
	t.Parallel()
	env := with(githubEnv, "GITHUB_EVENT_NAME=pull_request", "GITHUB_REF=refs/pull/7/merge", "GITHUB_BASE_REF=main")
	want := onGitHub(Context{Event: "pull_request", PullRequest: 7, Ref: "refs/pull/7/head", BaseRef: "main", Fork: true, IsChange: true})
	for _, test := range []struct {
		name, payload, problem string
	}{
		{"missing", "", "event payload: open /github/workflow/event.json: file does not exist"},
		{"no JSON", "<html>", "event payload: invalid character '<' looking for beginning of value"},
		{"cut short", pullOwn[:100], "event payload: unexpected end of JSON input"},
		{"too large", `{"x":"` + strings.Repeat("x", MaxPayload) + `"}`, "event payload: more than 33554432 bytes"},
		{"too deep", strings.Repeat("[", 20000), "event payload: invalid character '[' exceeded max depth"},
		{"null", "null", ""},
		{"a list", "[]", ""},
		{"wrong types", `{"number":"7","pull_request":{"number":-7,"head":{"sha":1,"repo":"acme/shop"},"base":{"ref":[],"sha":{},"repo":{"full_name":1}}}}`, ""},
		{"a number that is none", `{"number":7.5,"pull_request":{"number":1e300}}`, ""},
		{"no commits", `{"pull_request":{"head":{"sha":"main"},"base":{"sha":"--output=x","ref":"-x"}}}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := detect(env, test.payload)
			if !strings.HasPrefix(got.Problem, test.problem) || (got.Problem == "") != (test.problem == "") {
				t.Errorf("problem %q, want %q", got.Problem, test.problem)
			}
			got.Problem = ""
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// One wrong type must not hide what is right beside it.
func TestDetectGitHubWrongTypeBesideRight(t *testing.T) {
	t.Parallel()
	payload := strings.Replace(pullFork, `"number":7,`, `"number":{},`, 1)
	got := detect(with(githubEnv, "GITHUB_EVENT_NAME=pull_request"), fill(payload))
	if got.PullRequest != 7 || got.HeadSHA != headSHA || got.BaseSHA != baseSHA || !got.Fork || got.Problem != "" {
		t.Errorf("got %+v", got)
	}
}

// Without a payload only what the variables tell is known, and it is said why.
func TestDetectGitHubNoPayload(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		env  string
		want Context
	}{
		{"GITHUB_EVENT_NAME=pull_request", Context{Fork: true, IsChange: true, NoPullRequest: noPayload}},
		{"GITHUB_EVENT_NAME=push", Context{Ref: "topic", HeadSHA: mergeSHA, HeadRepository: "acme/shop", HeadBranch: "topic"}},
		{"GITHUB_EVENT_NAME=workflow_dispatch", Context{Ref: "topic", HeadSHA: mergeSHA, HeadRepository: "acme/shop", HeadBranch: "topic"}},
		{"GITHUB_EVENT_NAME=merge_group", Context{Ref: "topic", MergeQueue: true, HeadSHA: mergeSHA, IsChange: true, NoPullRequest: noPayload}},
		{"GITHUB_EVENT_NAME=issue_comment", Context{BaseSHA: mergeSHA, IsChange: true, Fork: true, NoPullRequest: noPayload}},
		{"GITHUB_EVENT_NAME=schedule", Context{Ref: "topic", HeadSHA: mergeSHA, NoPullRequest: `no pull request is looked for on event "schedule"`}},
	} {
		want := onGitHub(test.want)
		_, want.Event, _ = strings.Cut(test.env, "=")
		got := detect(with(githubEnv, test.env, "GITHUB_REF=refs/heads/topic"), "")
		if got.Problem == "" {
			t.Errorf("%s: no problem", test.env)
		}
		if got.Problem = ""; got != want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", test.env, got, want)
		}
	}
}

func TestQueueNumber(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, ref, base string
		want            int
	}{
		{"of main", "refs/heads/gh-readonly-queue/main/pr-7-" + baseSHA, "main", 7},
		{"without refs/heads", "gh-readonly-queue/main/pr-7-" + baseSHA, "", 7},
		{"slashes in the base", "refs/heads/gh-readonly-queue/release/1.x/pr-7-" + baseSHA, "release/1.x", 7},
		{"a base that looks like an entry", "refs/heads/gh-readonly-queue/a/pr-1-" + headSHA + "/pr-7-" + baseSHA, "a/pr-1-" + headSHA, 7},
		{"SHA-256", "refs/heads/gh-readonly-queue/main/pr-7-" + sha256, "main", 7},
		{"another base", "refs/heads/gh-readonly-queue/main/pr-7-" + baseSHA, "next", 0},
		{"no base", "refs/heads/gh-readonly-queue/pr-7-" + baseSHA, "", 0},
		{"an empty base", "refs/heads/gh-readonly-queue//pr-7-" + baseSHA, "", 0},
		{"another queue", "refs/heads/readonly-queue/main/pr-7-" + baseSHA, "", 0},
		{"a tag", "refs/tags/gh-readonly-queue/main/pr-7-" + baseSHA, "", 0},
		{"no commit", "refs/heads/gh-readonly-queue/main/pr-7", "", 0},
		{"a short commit", "refs/heads/gh-readonly-queue/main/pr-7-b2b2b2b", "", 0},
		{"more after the commit", "refs/heads/gh-readonly-queue/main/pr-7-" + baseSHA + "-x", "", 0},
		{"zero", "refs/heads/gh-readonly-queue/main/pr-0-" + baseSHA, "", 0},
		{"a sign", "refs/heads/gh-readonly-queue/main/pr-+7-" + baseSHA, "", 0},
		{"no number", "refs/heads/gh-readonly-queue/main/pr-x-" + baseSHA, "", 0},
		{"too large a number", "refs/heads/gh-readonly-queue/main/pr-99999999999-" + baseSHA, "", 0},
		{"nothing", "", "", 0},
	} {
		if got := queueNumber(test.ref, test.base); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}

// The variables that name the API, the workflow and the run are taken as they
// are meant, or not at all.
func TestDetectGitHubVariables(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		env  string
		get  func(Context) any
		want any
	}{
		{"GITHUB_API_URL=https://api.example.com", func(c Context) any { return c.APIURL }, "https://api.example.com"},
		{"GITHUB_API_URL=https://user:secret@git.example.com/api/v1/?token=x", func(c Context) any { return c.APIURL }, "https://git.example.com/api/v1"},
		{"GITHUB_API_URL=file:///etc/passwd", func(c Context) any { return c.APIURL }, ""},
		{"GITHUB_API_URL=", func(c Context) any { return c.APIURL }, ""},
		{"GITHUB_REPOSITORY=acme/shop/../..", func(c Context) any { return c.Repository + c.RepositoryURL + c.RunURL }, ""},
		{"GITHUB_WORKFLOW_REF=acme/.github/.github/workflows/all.yml@refs/heads/main", func(c Context) any { return c.Workflow }, "acme/.github/.github/workflows/all.yml"},
		{"GITHUB_WORKFLOW_REF=acme/shop/.github/workflows/a@b.yml@refs/pull/7/merge", func(c Context) any { return c.Workflow }, ".github/workflows/a@b.yml"},
		{"GITHUB_WORKFLOW_REF=acme/shop/.github/workflows/ci.yml@refs/heads/odd@refs/x", func(c Context) any { return c.Workflow }, ".github/workflows/ci.yml"},
		{"GITHUB_WORKFLOW_REF=", func(c Context) any { return c.Workflow }, "The build"},
		{"GITHUB_WORKFLOW_REF=acme/shop/.github/workflows/\x1b[31m.yml@refs/heads/main", func(c Context) any { return c.Workflow }, "The build"},
		{"GITHUB_JOB=a\nb", func(c Context) any { return c.Job }, ""},
		{"GITHUB_RUN_ID=-1", func(c Context) any { return c.RunID }, int64(0)},
		{"GITHUB_RUN_ID=9223372036854775807", func(c Context) any { return c.RunID }, int64(9223372036854775807)},
		{"GITHUB_RUN_ID=9223372036854775808", func(c Context) any { return c.RunID }, int64(0)},
		{"GITHUB_RUN_ATTEMPT=0", func(c Context) any { return c.RunAttempt }, 0},
	} {
		if got := test.get(detect(with(githubEnv, test.env), "{}")); got != test.want {
			t.Errorf("%s: got %v, want %v", test.env, got, test.want)
		}
	}
}

func TestDetectGitHubNoVariables(t *testing.T) {
	t.Parallel()
	got := detect(map[string]string{"GITHUB_ACTIONS": "true"}, "")
	want := Context{
		Provider: GitHub, Problem: "event payload: GITHUB_EVENT_PATH is not set",
		NoPullRequest: `no pull request is looked for on event ""`,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestDetectGitHubReadError(t *testing.T) {
	t.Parallel()
	errDisk := errors.New("disk on fire")
	env := with(githubEnv, "GITHUB_EVENT_NAME=push", "GITHUB_SHA=HEAD")
	got := Detect(func(name string) string { return env[name] }, func(string) ([]byte, error) { return nil, fmt.Errorf("read: %w", errDisk) })
	if got.Problem != "event payload: read: disk on fire" || got.HeadSHA != headSHA || got.BaseSHA != "" {
		t.Errorf("got %+v", got)
	}
	if _, err := readEvent("e", func(string) ([]byte, error) { return nil, errDisk }); !errors.Is(err, errDisk) {
		t.Errorf("the error is lost: %v", err)
	}
}

func TestDetectGitea(t *testing.T) {
	t.Parallel()
	const repository = "https://github.example.com/acme/shop"
	for _, test := range []struct {
		name   string
		env    []string
		runURL string
	}{
		{"Gitea", []string{"GITEA_ACTIONS=true"}, ""},
		{"Forgejo", []string{"GITEA_ACTIONS=true", "FORGEJO_ACTIONS=true"}, repository + "/actions/runs/17"},
		{"without GitHub's own", []string{"GITHUB_ACTIONS=", "GITEA_ACTIONS=true"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := onGitHub(Context{
				Event: "pull_request", PullRequest: 7, Ref: "refs/pull/7/head", HeadSHA: headSHA, BaseSHA: baseSHA, BaseRef: "main", Fork: true, IsChange: true,
			})
			want.Provider, want.RunURL = Gitea, test.runURL
			want.APIURL, want.Workflow = "https://github.example.com/api/v1", "ci.yml"
			env := append(test.env, "GITHUB_EVENT_NAME=pull_request", "GITHUB_API_URL=https://github.example.com/api/v1", "GITHUB_WORKFLOW_REF=", "GITHUB_WORKFLOW=ci.yml")
			if got := detect(with(githubEnv, env...), fill(pullFork)); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestRunURLNeedsANumber(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "x", "-1", "1/../..", "1?x"} {
		if got := detect(with(githubEnv, "GITHUB_RUN_ID="+id), "{}").RunURL; got != "" {
			t.Errorf("GITHUB_RUN_ID=%q: %q", id, got)
		}
	}
}
