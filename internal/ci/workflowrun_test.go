package ci

import (
	"strings"
	"testing"
)

// runOfFork is a run for a pull request of a fork: its list of them is empty.
const runOfFork = `{"action":"completed","workflow_run":{"id":1001,"run_attempt":3,"event":"pull_request","conclusion":"failure",
	"html_url":"https://github.example.com/acme/shop/actions/runs/1001","head_sha":"HEAD","head_branch":"topic",
	"head_repository":{"id":2,"full_name":"mallory/shop"},"pull_requests":[]},
	"repository":{"id":1,"full_name":"acme/shop"}}`

func TestDetectWorkflowRun(t *testing.T) {
	t.Parallel()
	// replace changes runOfFork, "old", "new" and so on.
	replace := func(oldnew ...string) string {
		payload := runOfFork
		for i := 0; i < len(oldnew); i += 2 {
			if !strings.Contains(payload, oldnew[i]) {
				t.Fatalf("no %s in %s", oldnew[i], payload)
			}
			payload = strings.Replace(payload, oldnew[i], oldnew[i+1], 1)
		}
		return payload
	}
	const listed = `{"number":7,"head":{"sha":"HEAD","repo":{"id":1}},"base":{"ref":"main","repo":{"id":1}}}`
	own := []string{`"id":2,"full_name":"mallory/shop"`, `"id":1,"full_name":"acme/shop"`}
	list := func(entries ...string) []string {
		return append(own[:2:2], `"pull_requests":[]`, `"pull_requests":[`+strings.Join(entries, ",")+`]`)
	}

	ofFork := onGitHub(Context{
		Event: "workflow_run", HeadSHA: headSHA, Fork: true, HeadRepository: "mallory/shop", HeadBranch: "topic",
		RunID: 1001, RunAttempt: 3, RunURL: "https://github.example.com/acme/shop/actions/runs/1001", Triggering: "failure",
	})
	want := func(change func(*Context)) Context {
		c := ofFork
		change(&c)
		return c
	}
	none := func(reason string) Context {
		return want(func(c *Context) { c.HeadRepository, c.HeadBranch, c.NoPullRequest = "", "", reason })
	}
	ofOwn := want(func(c *Context) { c.HeadRepository, c.Ref, c.Fork = "acme/shop", "topic", false })
	ofOwnFound := want(func(c *Context) {
		c.HeadRepository, c.HeadBranch, c.Ref, c.Fork, c.PullRequest = "", "", "topic", false, 7
	})
	ofQueue := ofOwnFound
	ofQueue.Ref, ofQueue.MergeQueue = "gh-readonly-queue/release/1.x/pr-7-"+baseSHA, true
	noRunURL := want(func(c *Context) { c.RunURL = "" })

	for _, test := range []struct {
		name    string
		payload string
		want    Context
	}{
		{"a fork's", runOfFork, ofFork},
		{"a fork's review", replace(`"event":"pull_request"`, `"event":"pull_request_review"`), ofFork},
		{"a fork's with the base's rights", replace(`"event":"pull_request"`, `"event":"pull_request_target"`), ofFork},
		{"a deleted fork's", replace(`{"id":2,"full_name":"mallory/shop"}`, "null"), none("the repository that the run's commit comes from is gone")},
		{"a deleted branch's", replace(`"topic"`, "null"), none("the run has no head branch")},
		{"a branch's that looks like an option", replace(`"topic"`, `"--upload-pack=x"`), none("the run has no head branch")},
		{"without a commit", replace(`"HEAD"`, `"main"`), want(func(c *Context) {
			c.HeadSHA, c.HeadRepository, c.HeadBranch, c.NoPullRequest = "", "", "", noCommit
		})},
		{"own, listed", replace(list(listed)...), ofOwnFound},
		{"own, not listed", replace(own...), ofOwn},
		{"own, pushed", replace(append(list(listed), `"event":"pull_request"`, `"event":"push"`)...), ofOwnFound},
		{"own, by hand", replace(append(own[:2:2], `"event":"pull_request"`, `"event":"workflow_dispatch"`)...), ofOwn},
		{"listed for two branches", replace(list(listed, strings.Replace(listed, "7", "8", 1))...), ofOwn},
		{"listed for another repository", replace(list(strings.ReplaceAll(listed, `"id":1`, `"id":3`))...), ofOwn},
		{"listed for another repository too", replace(list(strings.ReplaceAll(listed, `"id":1`, `"id":3`), listed)...), ofOwnFound},
		{"listed with another commit", replace(list(strings.Replace(listed, "HEAD", "BASE", 1))...), ofOwn},
		{"listed without a number", replace(list(strings.Replace(listed, "7", "-7", 1))...), ofOwn},
		{"listed without repositories", replace(append(list(strings.ReplaceAll(listed, `"id":1`, `"id":0`)), `"repository":{"id":1,`, `"repository":{`)...), ofOwn},
		{"listed as something else", replace(list(`7`, `"x"`, `null`)...), ofOwn},
		{"a merge queue's", replace(append(own[:2:2], `"event":"pull_request"`, `"event":"merge_group"`, `"topic"`, `"gh-readonly-queue/release/1.x/pr-7-BASE"`)...), ofQueue},
		{"a merge queue's without a number", replace(append(own[:2:2], `"event":"pull_request"`, `"event":"merge_group"`)...), want(func(c *Context) {
			c.MergeQueue, c.Ref = true, "topic"
			c.Fork, c.HeadRepository, c.HeadBranch, c.NoPullRequest = false, "", "", "the merge queue's branch names no pull request"
		})},
		{"a fork's branch that is called like a merge queue's", replace(`"topic"`, `"gh-readonly-queue/main/pr-7-BASE"`), want(func(c *Context) {
			c.HeadBranch = "gh-readonly-queue/main/pr-7-" + baseSHA
		})},
		{"a schedule's", replace(`"event":"pull_request"`, `"event":"schedule"`), none(`no pull request is looked for when event "schedule" started the run`)},
		{"of an event that is no word", replace(`"event":"pull_request"`, `"event":"a b\n"`), none(`no pull request is looked for when event "" started the run`)},
		{"going on", replace(`"failure"`, "null"), want(func(c *Context) { c.Triggering = "" })},
		{"on another server", replace("https://github.example.com/", "https://github.example.com.evil.example/"), noRunURL},
		{"with credentials in the page", replace("https://github.example.com/", "https://u:p@github.example.com/"), ofFork},
		{"with a script for a page", replace("https://github.example.com/", "javascript:alert(1)//"), noRunURL},
		{"empty", `{}`, onEmptyRun()},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(test.payload, `"event":"pull_request`) { // kept to the default branch's policy
				test.want.IsChange, test.want.BaseSHA = true, mergeSHA
			}
			got := detect(with(githubEnv, "GITHUB_EVENT_NAME=workflow_run", "GITHUB_REF=refs/heads/main"), fill(test.payload))
			if got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			oneAnswer(t, got)
		})
	}
}

// onEmptyRun is what is known of a run that the payload does not describe.
func onEmptyRun() Context {
	c := onGitHub(Context{Event: "workflow_run", Fork: true, NoPullRequest: `no pull request is looked for when event "" started the run`})
	c.RunURL, c.RunID, c.RunAttempt = "", 0, 0
	return c
}

func TestDetectWorkflowRunNoPayload(t *testing.T) {
	t.Parallel()
	want := onEmptyRun()
	want.NoPullRequest = noPayload
	want.Problem = "event payload: open /github/workflow/event.json: file does not exist"
	if got := detect(with(githubEnv, "GITHUB_EVENT_NAME=workflow_run"), ""); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
