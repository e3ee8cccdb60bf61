package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gopreflight/gopreflight/checks"
)

// The commands of this file read the JSON report that the last command wrote to
// standard output, and leave it there for others to look at.

func stdoutReport(ts *testscript.TestScript) *checks.Report {
	var r checks.Report
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &r); err != nil {
		ts.Fatalf("standard output is no report: %v", err)
	}
	return &r
}

// same fails unless two lists hold the same texts.
func same(ts *testscript.TestScript, what string, got, want []string) {
	if !slices.Equal(got, want) {
		ts.Fatalf("%s:\n\t%s\nwant:\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// findings asserts all findings of a report, in any order, as "SEVERITY RULE
// [FILE:LINE] [MODULE]": findings 'error tidy/indirect go.mod:5 example.com/lib@v1.0.0'.
// Those of check host are about the machine that the tests run on, and left out.
func findings(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: findings [FINDING...]")
	}
	got := []string{}
	for res, f := range stdoutReport(ts).Findings {
		if res.Check == "host" {
			continue
		}
		got = append(got, strings.Join(strings.Fields(fmt.Sprintln(f.Severity, f.Rule, f.Place(), f.Module)), " "))
	}
	slices.Sort(got)
	same(ts, "findings", got, slices.Sorted(slices.Values(args)))
}

// changes asserts the module changes of a report, in order, as "[direct] KIND PATH
// [OLD] -> [NEW] [by MODULE...]": changes 'direct upgraded example.com/lib v1.0.0 -> v1.1.0'.
func changes(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: changes [CHANGE...]")
	}
	got := []string{}
	for _, c := range stdoutReport(ts).ModuleChanges {
		words := []string{c.Kind, c.Path, c.Old, "->", c.New}
		if c.Direct {
			words = append([]string{"direct"}, words...)
		}
		if len(c.By) > 0 {
			words = append(append(words, "by"), c.By...)
		}
		got = append(got, strings.Join(strings.Fields(strings.Join(words, " ")), " "))
	}
	same(ts, "changes", got, args)
}

// roots asserts the root causes of a report, in order, each with the checks that
// it blocks: roots 'proxy/status tidy build' gomod/syntax.
func roots(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: roots ['RULE [BLOCKED...]'...]")
	}
	got := []string{}
	for _, c := range stdoutReport(ts).RootCauses {
		if c.Check != "host" {
			got = append(got, strings.Join(append([]string{c.Rule}, c.Blocks...), " "))
		}
	}
	same(ts, "root causes", got, args)
}

// statuses asserts how checks ended, or how a check ended for one module:
// statuses tidy=failed tidy:sub=passed.
func statuses(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: statuses CHECK[:DIR]=STATUS...")
	}
	all := map[string]checks.Status{}
	for _, res := range stdoutReport(ts).Results {
		all[res.Check] = res.Status
		for _, m := range res.Modules {
			all[res.Check+":"+m.Dir] = m.Status
		}
	}
	var got []string
	for _, a := range args {
		name, _, _ := strings.Cut(a, "=")
		got = append(got, name+"="+string(all[name]))
	}
	same(ts, "statuses", got, args)
}
