package ci

import "testing"

func TestDetectGitLab(t *testing.T) {
	t.Parallel()
	base := map[string]string{
		"GITLAB_CI":            "true",
		"CI_PROJECT_URL":       "https://gitlab.example.com/acme/shop",
		"CI_JOB_URL":           "https://gitlab.example.com/acme/shop/-/jobs/42",
		"CI_COMMIT_SHA":        headSHA,
		"CI_COMMIT_BEFORE_SHA": nullSHA,
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
	change := Context{Event: "merge_request_event", PullRequest: 5, HeadSHA: headSHA, BaseSHA: baseSHA, BaseRef: "main", IsChange: true}
	forked := change
	forked.Fork = true
	nobody := Context{Event: "merge_request_event", HeadSHA: headSHA, Fork: true, IsChange: true}
	outside := Context{Event: "external_pull_request_event", PullRequest: 6, HeadSHA: headSHA, BaseSHA: baseSHA, BaseRef: "main", IsChange: true}
	outsideFork := outside
	outsideFork.Fork = true
	for _, test := range []struct {
		name string
		env  []string
		want Context
	}{
		{"merge request", request, change},
		{"merge request from a fork", append(request[:5:5], "CI_MERGE_REQUEST_PROJECT_ID=11"), forked},
		{"merged results", append(request[:6:6], "CI_COMMIT_SHA=MERGE", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=HEAD",
			"CI_MERGE_REQUEST_DIFF_BASE_SHA=MERGE", "CI_MERGE_REQUEST_TARGET_BRANCH_SHA=BASE"), change},
		{"merge request of nobody knows where", request[:1:1], nobody},
		{"pull request on GitHub", external, outside},
		{"pull request on GitHub from a fork", append(external[:6:6], "CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY=acme/upstream"), outsideFork},
		{"push", []string{"CI_PIPELINE_SOURCE=push", "CI_COMMIT_BEFORE_SHA=BASE"}, Context{Event: "push", HeadSHA: headSHA, BaseSHA: baseSHA}},
		{"push of a new branch", []string{"CI_PIPELINE_SOURCE=push"}, Context{Event: "push", HeadSHA: headSHA}},
		{"schedule", []string{"CI_PIPELINE_SOURCE=schedule"}, Context{Event: "schedule", HeadSHA: headSHA}},
		{"no commit", []string{"CI_PIPELINE_SOURCE=web", "CI_COMMIT_SHA=main"}, Context{Event: "web"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.want.Provider = GitLab
			test.want.RepositoryURL = "https://gitlab.example.com/acme/shop"
			test.want.RunURL = "https://gitlab.example.com/acme/shop/-/jobs/42"
			if got := detect(with(base, test.env...), ""); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}
