package ci

import (
	"fmt"
	"strconv"
	"strings"
)

// detectGitLab reads GitLab's predefined variables
// (docs.gitlab.com/ci/variables/predefined_variables).
func detectGitLab(getenv func(string) string) Context {
	c := Context{
		Provider:      GitLab,
		Event:         word(getenv("CI_PIPELINE_SOURCE")),
		RunURL:        page(getenv("CI_JOB_URL")),
		RepositoryURL: page(getenv("CI_PROJECT_URL")),
		HeadSHA:       sha(getenv("CI_COMMIT_SHA")),
		APIURL:        strings.TrimSuffix(page(getenv("CI_API_V4_URL")), "/"),
		Private:       getenv("CI_PROJECT_VISIBILITY") == "private" || getenv("CI_PROJECT_VISIBILITY") == "internal",
		Repository:    project(getenv("CI_PROJECT_ID")),
		Workflow:      label(getenv("CI_CONFIG_PATH")),
		Job:           label(getenv("CI_JOB_NAME")),
	}
	// A retry is a new job of the same pipeline: the pipeline's number would not
	// tell the two apart.
	if c.RunID = id(getenv("CI_JOB_ID")); c.RunID != 0 {
		c.RunAttempt = 1
	}
	switch {
	case getenv("CI_MERGE_REQUEST_IID") != "" || c.Event == "merge_request_event":
		c.IsChange = true
		if c.PullRequest = number(getenv("CI_MERGE_REQUEST_IID")); c.PullRequest != 0 {
			c.Ref = fmt.Sprintf("refs/merge-requests/%d/head", c.PullRequest)
		} else {
			c.NoPullRequest = "CI_MERGE_REQUEST_IID is no number"
		}
		// The pipeline of a merge request from a fork runs in the fork, as a rule.
		c.Repository = project(getenv("CI_MERGE_REQUEST_PROJECT_ID"), getenv("CI_PROJECT_ID"))
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
		if c.PullRequest = number(getenv("CI_EXTERNAL_PULL_REQUEST_IID")); c.PullRequest != 0 {
			c.Ref = fmt.Sprintf("refs/pull/%d/head", c.PullRequest)
		} else {
			c.NoPullRequest = "CI_EXTERNAL_PULL_REQUEST_IID is no number"
		}
		// The number is another site's: at GitLab's API it would be any other
		// merge request.
		c.APIURL, c.Repository = "", ""
		c.HeadSHA = sha(getenv("CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA"), getenv("CI_COMMIT_SHA"))
		c.BaseSHA = sha(getenv("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA"))
		c.BaseRef = branch(getenv("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME"))
		c.Fork = differ(getenv("CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY"), getenv("CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY"))
	default:
		c.BaseSHA = sha(getenv("CI_COMMIT_BEFORE_SHA"))
		c.readBranch(getenv)
	}
	return c
}

// readBranch looks for the merge request of a pipeline that runs for a branch.
func (c *Context) readBranch(getenv func(string) string) {
	name := branch(getenv("CI_COMMIT_BRANCH"))
	c.Ref = ref(getenv("CI_COMMIT_REF_NAME"))
	switch {
	case c.Event == "schedule":
		c.NoPullRequest = fmt.Sprintf("no merge request is looked for on event %q", c.Event)
	case getenv("CI_COMMIT_TAG") != "" || name == "":
		c.NoPullRequest = "the pipeline belongs to no branch"
	case c.HeadSHA == "":
		c.NoPullRequest = noCommit
	case c.Repository == "":
		c.NoPullRequest = "CI_PROJECT_ID is no number"
	default:
		// Without the variable one may have been opened since.
		if c.PullRequest = openMergeRequest(getenv("CI_OPEN_MERGE_REQUESTS"), getenv("CI_PROJECT_PATH")); c.PullRequest == 0 {
			c.HeadRepository, c.HeadBranch = c.Repository, name
		}
	}
}

// openMergeRequest is the number of the one merge request of a project in
// "group/project!7,other/project!3"; 0 for none or several. The list is of those
// that have the pipeline's branch as their source; their targets can be others'.
func openMergeRequest(list, own string) int {
	found := 0
	for entry := range strings.SplitSeq(list, ",") {
		path, text, _ := strings.Cut(entry, "!")
		n := number(text)
		if n == 0 || path == "" || path != own {
			continue
		}
		if found != 0 {
			return 0
		}
		found = n
	}
	return found
}

// project returns the first of the texts that is a project's ID, else nothing.
func project(texts ...string) string {
	if n := number(texts...); n != 0 {
		return strconv.Itoa(n)
	}
	return ""
}

// differ reports whether source and target are different projects, or unknown.
func differ(source, target string) bool {
	return source == "" || !strings.EqualFold(source, target)
}
