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
		{"pull_request_target", []string{"GITHUB_EVENT_NAME=pull_request_target", "GITHUB_SHA=BASE"}, pullFork, pull(Context{Event: "pull_request_target", Fork: true, PullRequestTarget: true})},
		{"pull_request_target, merged", []string{"GITHUB_EVENT_NAME=pull_request_target"}, strings.Replace(pullFork, `"head"`, `"merged":true,"head"`, 1),
			pull(Context{Event: "pull_request_target", Fork: true})},
		{"review", []string{"GITHUB_EVENT_NAME=pull_request_review"}, strings.Replace(pullOwn, `"number":7,`, ``, 1), pull(Context{Event: "pull_request_review"})},
		{"container action", []string{"GITHUB_EVENT_NAME=pull_request", "GITHUB_WORKSPACE=/github/workspace"}, pullOwn, pull(Context{Event: "pull_request", Container: true})},
		{"push", []string{"GITHUB_EVENT_NAME=push", "GITHUB_SHA=HEAD"}, `{"ref":"refs/heads/main","before":"BASE","after":"HEAD"}`,
			Context{Event: "push", HeadSHA: headSHA, BaseSHA: baseSHA}},
		{"push of a new branch", []string{"GITHUB_EVENT_NAME=push", "GITHUB_SHA=HEAD"}, `{"ref":"refs/heads/topic","before":"NULL","after":"HEAD","created":true}`,
			Context{Event: "push", HeadSHA: headSHA}},
		{"merge queue", []string{"GITHUB_EVENT_NAME=merge_group"}, `{"action":"checks_requested","merge_group":{"head_sha":"MERGE","head_ref":"refs/heads/gh-readonly-queue/main/pr-7-BASE","base_sha":"BASE","base_ref":"refs/heads/main"}}`,
			Context{Event: "merge_group", HeadSHA: mergeSHA, BaseSHA: baseSHA, BaseRef: "main", IsChange: true}},
		{"schedule", []string{"GITHUB_EVENT_NAME=schedule", "GITHUB_SHA=HEAD"}, `{"schedule":"0 4 * * *","repository":{"full_name":"acme/shop"}}`,
			Context{Event: "schedule", HeadSHA: headSHA}},
		{"by hand", []string{"GITHUB_EVENT_NAME=workflow_dispatch", "GITHUB_SHA=HEAD"}, `{"inputs":{"number":"3"},"ref":"refs/heads/main","workflow":"ci.yml"}`,
			Context{Event: "workflow_dispatch", HeadSHA: headSHA}},
		{"another event with what looks like a push", []string{"GITHUB_EVENT_NAME=repository_dispatch"}, `{"before":"BASE","after":"HEAD"}`,
			Context{Event: "repository_dispatch", HeadSHA: mergeSHA}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.want.Provider = GitHub
			test.want.RepositoryURL = "https://github.example.com/acme/shop"
			test.want.RunURL = "https://github.example.com/acme/shop/actions/runs/9876543210"
			if got := detect(with(githubEnv, test.env...), fill(test.payload)); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// Without a payload a pull request is a change still, and from nobody knows where.
func TestDetectGitHubBadPayload(t *testing.T) {
	t.Parallel()
	env := with(githubEnv, "GITHUB_EVENT_NAME=pull_request", "GITHUB_REF=refs/pull/7/merge", "GITHUB_BASE_REF=main")
	want := Context{
		Provider: GitHub, Event: "pull_request", PullRequest: 7, BaseRef: "main", Fork: true, IsChange: true,
		RepositoryURL: "https://github.example.com/acme/shop",
		RunURL:        "https://github.example.com/acme/shop/actions/runs/9876543210",
	}
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

func TestDetectGitHubNoVariables(t *testing.T) {
	t.Parallel()
	got := detect(map[string]string{"GITHUB_ACTIONS": "true"}, "")
	want := Context{Provider: GitHub, Problem: "event payload: GITHUB_EVENT_PATH is not set"}
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
			want := Context{
				Provider: Gitea, Event: "pull_request", RunURL: test.runURL, RepositoryURL: repository,
				PullRequest: 7, HeadSHA: headSHA, BaseSHA: baseSHA, BaseRef: "main", Fork: true, IsChange: true,
			}
			if got := detect(with(githubEnv, append(test.env, "GITHUB_EVENT_NAME=pull_request")...), fill(pullFork)); got != want {
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
