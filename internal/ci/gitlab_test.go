package ci

import (
	"cmp"
	"testing"
)

func TestDetectGitLab(t *testing.T) {
	t.Parallel()
	base := map[string]string{
		"GITLAB_CI":            "true",
		"CI_PROJECT_URL":       "https://gitlab.example.com/acme/shop",
		"CI_JOB_URL":           "https://gitlab.example.com/acme/shop/-/jobs/42",
		"CI_COMMIT_SHA":        headSHA,
		"CI_COMMIT_BEFORE_SHA": nullSHA,
		"CI_API_V4_URL":        "https://gitlab.example.com/api/v4",
		"CI_PROJECT_ID":        "10",
		"CI_PROJECT_PATH":      "acme/shop",
		"CI_COMMIT_REF_NAME":   "topic",
		"CI_CONFIG_PATH":       ".gitlab-ci.yml",
		"CI_JOB_NAME":          "preflight: [1.26, race]",
		"CI_JOB_ID":            "12345678901",
		"CI_PIPELINE_ID":       "42",
	}
	request := []string{
		"CI_PIPELINE_SOURCE=merge_request_event",
		"CI_MERGE_REQUEST_IID=5",
		"CI_MERGE_REQUEST_DIFF_BASE_SHA=BASE",
		"CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main",
		"CI_MERGE_REQUEST_SOURCE_PROJECT_ID=10",
		"CI_MERGE_REQUEST_PROJECT_ID=10",
	}
	external := []string{
		"CI_PIPELINE_SOURCE=external_pull_request_event",
		"CI_EXTERNAL_PULL_REQUEST_IID=6",
		"CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA=HEAD",
		"CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA=BASE",
		"CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME=main",
		"CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY=acme/shop",
		"CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY=acme/shop",
	}
	change := Context{Ref: "refs/merge-requests/5/head", Event: "merge_request_event", PullRequest: 5, HeadSHA: headSHA, BaseSHA: baseSHA, BaseRef: "main", IsChange: true}
	forked := change
	forked.Fork = true
	upstream := forked // from here, for a project that is not this one
	upstream.Repository = "11"
	nobody := Context{Event: "merge_request_event", HeadSHA: headSHA, Fork: true, IsChange: true, NoPullRequest: "CI_MERGE_REQUEST_IID is no number"}
	child := change
	child.Event = "parent_pipeline"
	pushed := func(c Context) Context {
		c.HeadSHA, c.HeadRepository, c.HeadBranch = headSHA, "10", "topic"
		return c
	}
	outside := Context{Ref: "refs/pull/6/head", Event: "external_pull_request_event", PullRequest: 6, HeadSHA: headSHA, BaseSHA: baseSHA, BaseRef: "main", IsChange: true}
	outsideFork := outside
	outsideFork.Fork = true
	for _, test := range []struct {
		name string
		env  []string
		want Context
	}{
		{"merge request", request, change},
		{"merge request from a fork", append(request[:5:5], "CI_MERGE_REQUEST_PROJECT_ID=11"), upstream},
		{"merge request that runs in the target", append(request[:4:4], "CI_MERGE_REQUEST_SOURCE_PROJECT_ID=11", "CI_MERGE_REQUEST_PROJECT_ID=10"), forked},
		{"merged results", append(request[:6:6], "CI_COMMIT_SHA=MERGE", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=HEAD",
			"CI_MERGE_REQUEST_DIFF_BASE_SHA=MERGE", "CI_MERGE_REQUEST_TARGET_BRANCH_SHA=BASE"), change},
		{"merge request of nobody knows where", request[:1:1], nobody},
		{"pull request on GitHub", external, outside},
		{"pull request on GitHub from a fork", append(external[:6:6], "CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY=acme/upstream"), outsideFork},
		{"pull request on GitHub without a number", external[:1:1], Context{Event: "external_pull_request_event", HeadSHA: headSHA, Fork: true, IsChange: true,
			NoPullRequest: "CI_EXTERNAL_PULL_REQUEST_IID is no number"}},
		{"push", []string{"CI_PIPELINE_SOURCE=push", "CI_COMMIT_BEFORE_SHA=BASE", "CI_COMMIT_BRANCH=topic"}, pushed(Context{Event: "push", BaseSHA: baseSHA})},
		{"push of a new branch", []string{"CI_PIPELINE_SOURCE=push", "CI_COMMIT_BRANCH=topic"}, pushed(Context{Event: "push"})},
		{"push with an open merge request", []string{"CI_PIPELINE_SOURCE=push", "CI_COMMIT_BRANCH=topic", "CI_OPEN_MERGE_REQUESTS=acme/upstream!3,acme/shop!7"},
			Context{Event: "push", HeadSHA: headSHA, PullRequest: 7}},
		{"push with merge requests elsewhere", []string{"CI_PIPELINE_SOURCE=push", "CI_COMMIT_BRANCH=topic", "CI_OPEN_MERGE_REQUESTS=acme/upstream!3"}, pushed(Context{Event: "push"})},
		{"push with several merge requests", []string{"CI_PIPELINE_SOURCE=push", "CI_COMMIT_BRANCH=topic", "CI_OPEN_MERGE_REQUESTS=acme/shop!3,acme/shop!7"}, pushed(Context{Event: "push"})},
		{"by hand", []string{"CI_PIPELINE_SOURCE=web", "CI_COMMIT_BRANCH=topic"}, pushed(Context{Event: "web"})},
		{"child pipeline of a merge request", append(request[:6:6], "CI_PIPELINE_SOURCE=parent_pipeline"), child},
		{"tag", []string{"CI_PIPELINE_SOURCE=push", "CI_COMMIT_TAG=v1.0.0", "CI_COMMIT_REF_NAME=v1.0.0"},
			Context{Event: "push", Ref: "v1.0.0", HeadSHA: headSHA, NoPullRequest: "the pipeline belongs to no branch"}},
		{"schedule", []string{"CI_PIPELINE_SOURCE=schedule", "CI_COMMIT_BRANCH=main", "CI_OPEN_MERGE_REQUESTS=acme/shop!7"},
			Context{Event: "schedule", HeadSHA: headSHA, NoPullRequest: `no merge request is looked for on event "schedule"`}},
		{"no commit", []string{"CI_PIPELINE_SOURCE=web", "CI_COMMIT_SHA=main", "CI_COMMIT_BRANCH=main"},
			Context{Event: "web", NoPullRequest: "the event names no commit"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.want.Provider = GitLab
			test.want.RepositoryURL = "https://gitlab.example.com/acme/shop"
			test.want.RunURL = "https://gitlab.example.com/acme/shop/-/jobs/42"
			test.want.Workflow, test.want.Job = ".gitlab-ci.yml", "preflight: [1.26, race]"
			test.want.RunID, test.want.RunAttempt = 12345678901, 1
			if !test.want.IsChange {
				test.want.Ref = cmp.Or(test.want.Ref, "topic")
			}
			if test.want.Event != "external_pull_request_event" { // whose site has another API
				test.want.APIURL = "https://gitlab.example.com/api/v4"
				test.want.Repository = cmp.Or(test.want.Repository, "10")
			}
			if got := detect(with(base, test.env...), ""); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestDetectGitLabNoProject(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "acme/shop", "-1", "0"} {
		got := detect(map[string]string{"GITLAB_CI": "true", "CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "topic", "CI_COMMIT_SHA": headSHA, "CI_PROJECT_ID": id}, "")
		want := Context{Provider: GitLab, Event: "push", HeadSHA: headSHA, NoPullRequest: "CI_PROJECT_ID is no number"}
		if got != want {
			t.Errorf("CI_PROJECT_ID=%q:\ngot  %+v\nwant %+v", id, got, want)
		}
	}
}

func TestOpenMergeRequest(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]int{
		"acme/shop!7":                       7,
		"acme/upstream!3,acme/shop!7":       7,
		"acme/shop!7,acme/upstream!3":       7,
		"acme/shop!7,acme/shop!8":           0,
		"acme/upstream!3":                   0,
		"other/acme/shop!3":                 0,
		"acme/shop!7!8":                     0,
		"acme/shop!x":                       0,
		"acme/shop!-7":                      0,
		"acme/shop!0":                       0,
		"acme/shop":                         0,
		"acme/shop !7":                      0,
		"!7":                                0,
		"":                                  0,
		",,,":                               0,
		"acme/shop!99999999999,acme/shop!7": 7,
	} {
		if got := openMergeRequest(list, "acme/shop"); got != want {
			t.Errorf("%q: got %d, want %d", list, got, want)
		}
	}
	if got := openMergeRequest("!7", ""); got != 0 {
		t.Errorf("without a project: got %d", got)
	}
}
