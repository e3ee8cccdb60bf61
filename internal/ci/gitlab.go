package ci

import "strings"

// detectGitLab reads GitLab's predefined variables
// (docs.gitlab.com/ci/variables/predefined_variables).
func detectGitLab(getenv func(string) string) Context {
	c := Context{
		Provider:      GitLab,
		Event:         word(getenv("CI_PIPELINE_SOURCE")),
		RunURL:        page(getenv("CI_JOB_URL")),
		RepositoryURL: page(getenv("CI_PROJECT_URL")),
		HeadSHA:       sha(getenv("CI_COMMIT_SHA")),
	}
	switch {
	case getenv("CI_MERGE_REQUEST_IID") != "" || c.Event == "merge_request_event":
		c.IsChange = true
		c.PullRequest = number(getenv("CI_MERGE_REQUEST_IID"))
		// In merged results pipelines CI_COMMIT_SHA is the merge; only there the
		// source branch's head has a variable.
		c.HeadSHA = sha(getenv("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"), getenv("CI_COMMIT_SHA"))
		// The target's own head where there is one (merged results pipelines): the
		// other is the merge base, which is as old as the author likes.
		c.BaseSHA = sha(getenv("CI_MERGE_REQUEST_TARGET_BRANCH_SHA"), getenv("CI_MERGE_REQUEST_DIFF_BASE_SHA"))
		c.BaseRef = branch(getenv("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"))
		c.Fork = differ(getenv("CI_MERGE_REQUEST_SOURCE_PROJECT_ID"), getenv("CI_MERGE_REQUEST_PROJECT_ID"))
	case getenv("CI_EXTERNAL_PULL_REQUEST_IID") != "" || c.Event == "external_pull_request_event":
		c.IsChange = true
		c.PullRequest = number(getenv("CI_EXTERNAL_PULL_REQUEST_IID"))
		c.HeadSHA = sha(getenv("CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA"), getenv("CI_COMMIT_SHA"))
		c.BaseSHA = sha(getenv("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA"))
		c.BaseRef = branch(getenv("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME"))
		c.Fork = differ(getenv("CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY"), getenv("CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY"))
	default:
		c.BaseSHA = sha(getenv("CI_COMMIT_BEFORE_SHA"))
	}
	return c
}

// differ reports whether source and target are different projects, or unknown.
func differ(source, target string) bool {
	return source == "" || !strings.EqualFold(source, target)
}
