package ci

import "testing"

func TestDetectJenkins(t *testing.T) {
	t.Parallel()
	base := map[string]string{
		"JENKINS_URL": "https://jenkins.example.com/",
		"BUILD_URL":   "https://jenkins.example.com/job/shop/job/PR-7/3/",
		"GIT_URL":     "https://bot:secret@git.example.com/acme/shop.git",
		"GIT_COMMIT":  headSHA,
	}
	change := Context{Ref: "PR-7", Event: "change-request", PullRequest: 7, HeadSHA: headSHA, BaseRef: "main", IsChange: true}
	forked, unnumbered := change, change
	forked.Fork = true
	unnumbered.PullRequest, unnumbered.Ref = 0, ""
	unnumbered.NoPullRequest = "CHANGE_ID is no number"
	nobody := "Jenkins names no pull request for a branch"
	for _, test := range []struct {
		name string
		env  []string
		want Context
	}{
		{"change request", []string{"CHANGE_ID=7", "CHANGE_TARGET=main", "CHANGE_BRANCH=topic", "BRANCH_NAME=PR-7"}, change},
		{"change request from a fork", []string{"CHANGE_ID=7", "CHANGE_TARGET=main", "CHANGE_FORK=mallory", "BRANCH_NAME=PR-7"}, forked},
		{"change request without a number", []string{"CHANGE_ID=I8473b95934b5", "CHANGE_TARGET=main"}, unnumbered},
		{"branch", []string{"BRANCH_NAME=main"}, Context{Event: "branch", Ref: "main", HeadSHA: headSHA, NoPullRequest: nobody}},
		{"tag", []string{"BRANCH_NAME=v1.0.0", "TAG_NAME=v1.0.0"}, Context{Event: "tag", Ref: "v1.0.0", HeadSHA: headSHA, NoPullRequest: "the build is of a tag"}},
		{"neither", nil, Context{HeadSHA: headSHA, NoPullRequest: nobody}},
		{"a server that does not know its address", []string{"JENKINS_URL=", "JENKINS_HOME=/var/jenkins_home", "BUILD_NUMBER=3"}, Context{HeadSHA: headSHA, NoPullRequest: nobody}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.want.Provider = Jenkins
			test.want.RepositoryURL = "https://git.example.com/acme/shop"
			test.want.RunURL = "https://jenkins.example.com/job/shop/job/PR-7/3/"
			if got := detect(with(base, test.env...), ""); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
	if got := detect(with(base, "GIT_URL=git@git.example.com:acme/shop.git"), "").RepositoryURL; got != "" {
		t.Errorf("a clone URL for ssh became a page: %q", got)
	}
}
