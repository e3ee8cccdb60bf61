package ci

import "strings"

// detectJenkins reads what Jenkins sets for a build, and a multibranch pipeline
// for a branch or a change (plugins branch-api and git; the list is in a server's
// own /env-vars.html). The base of a change has a name only: CHANGE_TARGET. Which
// site has the pull requests, and where its API is, no variable tells.
func detectJenkins(getenv func(string) string) Context {
	c := Context{
		Provider:      Jenkins,
		RunURL:        page(getenv("BUILD_URL")),
		RepositoryURL: strings.TrimSuffix(page(getenv("GIT_URL")), ".git"),
		HeadSHA:       sha(getenv("GIT_COMMIT")),
		Ref:           ref(getenv("BRANCH_NAME")), // "PR-7" for a change
	}
	switch {
	case getenv("CHANGE_ID") != "" || getenv("CHANGE_TARGET") != "":
		c.Event = "change-request"
		c.IsChange = true
		c.PullRequest = number(getenv("CHANGE_ID"))
		c.BaseRef = branch(getenv("CHANGE_TARGET"))
		c.Fork = getenv("CHANGE_FORK") != ""
		if c.PullRequest == 0 {
			c.NoPullRequest = "CHANGE_ID is no number"
		}
	case getenv("TAG_NAME") != "":
		c.Event = "tag"
		c.NoPullRequest = "the build is of a tag"
	default:
		if getenv("BRANCH_NAME") != "" {
			c.Event = "branch"
		}
		c.NoPullRequest = "Jenkins names no pull request for a branch"
	}
	return c
}
