package ci

import "strings"

// detectJenkins reads what Jenkins sets for a build, and a multibranch pipeline
// for a branch or a change (plugins branch-api and git; the list is in a server's
// own /env-vars.html). The base of a change has a name only: CHANGE_TARGET.
func detectJenkins(getenv func(string) string) Context {
	c := Context{
		Provider:      Jenkins,
		RunURL:        page(getenv("BUILD_URL")),
		RepositoryURL: strings.TrimSuffix(page(getenv("GIT_URL")), ".git"),
		HeadSHA:       sha(getenv("GIT_COMMIT")),
	}
	switch {
	case getenv("CHANGE_ID") != "" || getenv("CHANGE_TARGET") != "":
		c.Event = "change-request"
		c.IsChange = true
		c.PullRequest = number(getenv("CHANGE_ID"))
		c.BaseRef = branch(getenv("CHANGE_TARGET"))
		c.Fork = getenv("CHANGE_FORK") != ""
	case getenv("TAG_NAME") != "":
		c.Event = "tag"
	case getenv("BRANCH_NAME") != "":
		c.Event = "branch"
	}
	return c
}
