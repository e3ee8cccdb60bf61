package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
)

// TestCommentHead: verdict, root cause and what to run stand before the table.
func TestCommentHead(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"fail": {
			"### ❌ gopreflight: failed, one root cause, 3 errors, 1 warning, 1 notice\n\n<code>example.com/shop</code> and 2 more modules\n\n> [!CAUTION]\n",
			"**Root cause:** <code>proxy/tls-expired</code><br>the certificate for goproxy.corp.example expired", "<br>Blocks <code>tidy</code>\n", "```sh\nexport GOPROXY=",
		},
		"blocked":      {"### ❌ gopreflight: failed, one root cause\n", "**Root cause:** <code>toolchain/not-found</code>", "Blocks <code>tidy</code>, <code>build</code>"},
		"pass":         {"### ✅ gopreflight: passed\n\n<code>example.com/greet</code>\n\n"},
		"monorepo":     {"### ✅ gopreflight: passed\n\n<code>example.com/mono</code> and 39 more modules\n\n"},
		"warnings":     {"### ✅ gopreflight: passed, 2 warnings, 1 notice\n"},
		"inconclusive": {"### ⚠️ gopreflight: inconclusive", "<code>proxy</code> could not find out&#58; no answer within 30s"},
		"untrusted":    {"### ⚪ gopreflight (untrusted run): passed, 2 warnings, 1 notice\n", "\n\n**An untrusted run reported this:**", "GitHub says that the run ended: **failure**, and nothing in the report explains that.\n\n"},
		"hostile":      {"### ❌ gopreflight: failed"},
	} {
		head, _, ok := strings.Cut(Comment(readSaved(t, saved+"/"+name+".json"), "", maxComment), "| | Check | Result |\n")
		if !ok {
			t.Errorf("%s: no table", name)
		}
		for _, w := range want {
			if !strings.Contains(head, w) {
				t.Errorf("%s: the head does not say %q:\n%s", name, w, head)
			}
		}
		if name == "pass" && head != want[0] {
			t.Errorf("pass: the head says more than its answer:\n%s", head)
		}
	}
}

// TestCommentLabel: which of a job's comments it is stands beside the module.
func TestCommentLabel(t *testing.T) {
	t.Parallel()
	r := readSaved(t, saved+"/pass.json")
	for label, want := range map[string]string{
		"":                       "passed\n\n<code>example.com/greet</code>\n\n|",
		"1.26, ubuntu-latest":    "passed\n\n<code>example.com/greet</code> · <code>1.26, ubuntu-latest</code>\n\n|",
		"*a*\n@b":                "passed\n\n<code>example.com/greet</code> · <code>&#42;a&#42; <!-- -->&#64;b</code>\n\n|",
		strings.Repeat("x", 999): "passed\n\n<code>example.com/greet</code> · <code>" + strings.Repeat("x", maxLabel-1) + "…</code>\n\n|",
	} {
		if page := Comment(r, label, maxComment); !strings.Contains(page, want) {
			t.Errorf("label %.20q: the head is not %q:\n%.400s", label, want, page)
		}
	}
}

// TestCommentProvenance: what the CI says of an untrusted run is told, and
// stressed where it does not fit to the report.
func TestCommentProvenance(t *testing.T) {
	t.Parallel()
	const untrusted = "**An untrusted run reported this:** the pull request's own code had a part in it and could have written anything below."
	for _, tt := range []struct {
		verdict              checks.Verdict
		provider, conclusion string
		want                 string
	}{
		{checks.Pass, "github", "success", untrusted + " GitHub says that the run ended: **success**."},
		{checks.Pass, "github", "cancelled", untrusted + " GitHub says that the run ended: **cancelled**, and nothing in the report explains that."},
		{checks.Fail, "github", "failure", untrusted + " GitHub says that the run ended: **failure**."},
		{checks.Fail, "gitea", "success", untrusted + " Gitea says that the run ended: **success**."},
		{checks.Fail, "jenkins", "timed_out", untrusted + " The CI says that the run ended: **<code>timed&#95;out</code>**."},
		{checks.Fail, "github", "success**\n## @octocat", untrusted + " GitHub says that the run ended: **<code>success&#42;&#42;</code> <code>&#35;&#35;</code> <code><!-- -->&#64;octocat</code>**."},
		{checks.Pass, "github", "", untrusted},
	} {
		r := &checks.Report{Verdict: tt.verdict, Untrusted: true, CI: checks.CI{Provider: tt.provider, Conclusion: tt.conclusion}}
		for name, page := range map[string]string{"summary": markdownText(r, MaxSummary), "comment": Comment(r, "", maxComment)} {
			if !strings.Contains(page, "\n\n"+tt.want+"\n\n") {
				t.Errorf("%s, %q: the %s does not say %q:\n%s", tt.verdict, tt.conclusion, name, tt.want, page)
			}
		}
		r.Untrusted = false
		if page := Comment(r, "", maxComment); strings.Contains(page, "ntrusted") || strings.Contains(page, "run ended") {
			t.Errorf("the comment of a run of ours speaks of another:\n%s", page)
		}
	}
}

// TestCommentTable: every check is in the table exactly once, by itself when it
// wants to be looked at, else by name.
func TestCommentTable(t *testing.T) {
	t.Parallel()
	for name, r := range savedReports(t) {
		_, table, _ := strings.Cut(Comment(r, "", maxComment), "| | Check | Result |\n| :-: | :-- | :-- |\n")
		table, _, _ = strings.Cut(table, "\n\n")
		rows := strings.Split(table, "\n")
		for i := range r.Results {
			res := &r.Results[i]
			n := 0
			for _, row := range rows {
				cells := strings.Split(strings.Trim(row, "|"), "|")
				if len(cells) != 3 {
					t.Errorf("%s: %q has not three cells", name, row)
					continue
				}
				if res.Status == checks.Passed || res.Status == checks.Skipped {
					for _, one := range strings.Split(strings.TrimSpace(cells[2]), ", ") {
						if strings.HasSuffix(strings.TrimSpace(cells[1]), "&nbsp;"+string(res.Status)) && one == gfmText(res.Check) {
							n++
						}
					}
				} else if strings.TrimSpace(cells[1]) == checkName(res) && strings.TrimSpace(cells[0]) == statusSign(res.Status) {
					n++
				}
			}
			twice := 0
			for j := range r.Results {
				if r.Results[j].Check == res.Check && r.Results[j].Status == res.Status {
					twice++
				}
			}
			if n != twice {
				t.Errorf("%s: %s stands in %d rows, want %d:\n%s", name, res.Check, n, twice, table)
			}
		}
	}
}

// TestCommentShort: who passes reads little.
func TestCommentShort(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int{"pass": 600, "monorepo": 1200} {
		if n := len(Comment(readSaved(t, saved+"/"+name+".json"), "", maxComment)); n > limit {
			t.Errorf("the comment of %s has %d bytes, want at most %d", name, n, limit)
		}
	}
}

// TestCommentLimit: at every size the comment fits, is well formed, and says
// what is missing.
func TestCommentLimit(t *testing.T) {
	t.Parallel()
	reports := savedReports(t)
	reports[large] = tenThousand()
	for name, r := range reports {
		whole := Comment(r, "", MaxSummary)
		for limit := minMarkdown; limit < min(len(whole), maxComment)+5000; limit += 89 + len(whole)/7 {
			id := fmt.Sprintf("%s in %d bytes", name, limit)
			md := Comment(r, "", limit)
			if len(md) > limit {
				t.Errorf("%s: %d bytes", id, len(md))
			}
			text := outside(t, id, md)
			for _, pair := range []string{"details", "sub", "code", "a"} {
				if a, b := strings.Count(text, "<"+pair+">")+strings.Count(text, "<"+pair+" "), strings.Count(text, "</"+pair+">"); a != b {
					t.Errorf("%s: %d <%s> and %d </%s>", id, a, pair, b, pair)
				}
			}
			if !strings.HasPrefix(md, "### ") || !strings.Contains(md, "<sub>gopreflight") {
				t.Errorf("%s has lost its head or its footer", id)
			}
			if md != whole && !strings.Contains(md, "did not fit here") && !strings.Contains(md, "the JSON report has all of them") {
				t.Errorf("%s: what is missing is not said", id)
			}
		}
	}
}

// TestCommentLines: a site that breaks lines where the text does (GitHub and
// Gitea in comments) and one that reads commands at their start (GitLab) find
// nothing of either kind.
func TestCommentLines(t *testing.T) {
	t.Parallel()
	block := regexp.MustCompile(`^ *(\||- |> |<details>|</details>|### )`)
	for name, r := range savedReports(t) {
		page := Comment(r, "", maxComment)
		lines := strings.Split(outside(t, name, page), "\n")
		for i, l := range lines[:len(lines)-1] {
			if strings.TrimSpace(l) != "" && strings.TrimSpace(lines[i+1]) != "" && !(block.MatchString(l) && block.MatchString(lines[i+1])) {
				t.Errorf("%s: a paragraph goes on over a line: %.60q, %.60q", name, l, lines[i+1])
			}
		}
		for _, l := range strings.Split(page, "\n") {
			if strings.HasPrefix(l, "/") || strings.HasPrefix(l, ">>>") || strings.HasPrefix(l, "::") {
				t.Errorf("%s: GitLab would obey the line %.60q", name, l)
			}
		}
	}
}

// TestCommentFooter: the version, the run and the commits.
func TestCommentFooter(t *testing.T) {
	t.Parallel()
	const head, merge = "9a8b7c6d5e4f30219a8b7c6d5e4f30219a8b7c6d", "4f9c2b1e0d3a5c6b7f8091a2b3c4d5e6f7081920"
	for _, tt := range []struct {
		name, run, head, judged, want string
	}{
		{"a pull request", "https://github.com/o/r/actions/runs/1", head, merge, ` · <a href="https://github.com/o/r/actions/runs/1">the run</a> · at <code>9a8b7c6</code>, checked out as <code>4f9c2b1</code> · `},
		{"its own commit", "", head, head, " · at <code>9a8b7c6</code> · "},
		{"no event", "", "", merge, " · at <code>4f9c2b1</code> · "},
		{"an untrusted run", "http://ci.example:8080/job/x/1/", head, "", ` · <a href="http://ci.example:8080/job/x/1/">the run</a> · at <code>9a8b7c6</code> · `},
		{"nothing known", "javascript:alert(1)", "main", "HEAD~1", "<sub>gopreflight v1.0.0 · go1.26.8 · 4.8 s</sub>\n"},
	} {
		r := &checks.Report{Tool: checks.Tool{Version: "v1.0.0"}, Go: checks.Go{Version: "go1.26.8"}, DurationMs: 4800, Repository: checks.Repository{Commit: tt.judged}, CI: checks.CI{RunURL: tt.run, HeadSHA: tt.head}}
		if got := Comment(r, "", maxComment); !strings.Contains(got, tt.want) || !strings.HasSuffix(got, "</sub>\n") {
			t.Errorf("%s: the footer is not %q:\n%s", tt.name, tt.want, got)
		}
	}
}

func TestSomethingToSay(t *testing.T) {
	t.Parallel()
	with := func(s checks.Status, severities ...checks.Severity) []checks.Result {
		res := checks.Result{Check: "a", Status: s}
		for _, v := range severities {
			res.Findings = append(res.Findings, checks.Finding{Severity: v})
		}
		return []checks.Result{{Check: "b", Status: checks.Passed}, res}
	}
	for _, tt := range []struct {
		name string
		r    checks.Report
		want bool
	}{
		{"pass", checks.Report{Verdict: checks.Pass, Results: with(checks.Passed)}, false},
		{"skipped", checks.Report{Verdict: checks.Pass, Results: with(checks.Skipped)}, false},
		{"notice", checks.Report{Verdict: checks.Pass, Results: with(checks.Passed, checks.Notice)}, false},
		{"warning", checks.Report{Verdict: checks.Pass, Results: with(checks.Warned, checks.Notice, checks.Warning)}, true},
		{"error with fail-on never", checks.Report{Verdict: checks.Pass, Results: with(checks.Failed, checks.Error)}, true},
		{"fail", checks.Report{Verdict: checks.Fail}, true},
		{"inconclusive", checks.Report{Verdict: checks.Inconclusive}, true},
		{"no answer with fail-on never", checks.Report{Verdict: checks.Pass, Results: with(checks.Errored)}, true},
		{"no answer for a module", checks.Report{Verdict: checks.Pass, Results: []checks.Result{{Status: checks.Warned, Modules: []checks.ModuleStatus{{Dir: "a", Status: checks.Errored}}}}}, true},
		{"module changes", checks.Report{Verdict: checks.Pass, ModuleChanges: []checks.ModuleChange{{Path: "a"}}}, true},
		{"untrusted, the CI agrees", checks.Report{Verdict: checks.Pass, Untrusted: true, CI: checks.CI{Conclusion: "success"}}, false},
		{"untrusted, the CI disagrees", checks.Report{Verdict: checks.Pass, Untrusted: true, CI: checks.CI{Conclusion: "failure"}}, true},
		{"a conclusion that is no untrusted run's", checks.Report{Verdict: checks.Pass, CI: checks.CI{Conclusion: "failure"}}, false},
	} {
		if got := SomethingToSay(&tt.r); got != tt.want {
			t.Errorf("%s: SomethingToSay = %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestModuleChanges: a row for each, bounded and counted, in a fold that says
// how many of which kind.
func TestModuleChanges(t *testing.T) {
	t.Parallel()
	r := &checks.Report{Verdict: checks.Pass, ModuleChanges: []checks.ModuleChange{
		{Path: "example.com/a", Old: "v1.0.0", New: "v1.1.0", Kind: checks.ChangeUpgraded, Direct: true},
		{Path: "example.com/b", Old: "v1.0.0", New: "v1.0.0 => ../b", Kind: checks.ChangeReplaced, Direct: true},
		{Path: "example.com/c", New: "v0.1.0", Kind: checks.ChangeAdded, By: []string{"example.com/a", "example.com/x", "example.com/y", "example.com/z"}},
		{Path: "example.com/d", Old: "v0.2.0", Kind: checks.ChangeRemoved},
		{Path: "example.com/e", Old: "v0.2.0", New: "v0.1.0", Kind: checks.ChangeDowngraded},
		{Path: "example.com/f", Kind: "<b>"},
	}}
	want := `<details><summary>6 module changes: 1 added, 1 removed, 1 upgraded, 1 downgraded, 1 replaced, 1 changed</summary>

| Module | Change | Version | Because of |
| :-- | :-- | :-- | :-- |
| <code>example.com/a</code> | upgraded | <code>v1.0.0</code> → <code>v1.1.0</code> | <b>go.mod</b> |
| <code>example.com/b</code> | replaced | <code>v1.0.0</code> → <code>v1.0.0 &#61;&#62; ../b</code> | <b>go.mod</b> |
| <code>example.com/c</code> | added | <code>v0.1.0</code> | <code>example.com/a</code>, <code>example.com/x</code>, <code>example.com/y</code>, … 1 more |
| <code>example.com/d</code> | removed | <code>v0.2.0</code> |  |
| <code>example.com/e</code> | downgraded | <code>v0.2.0</code> → <code>v0.1.0</code> |  |
| <code>example.com/f</code> | changed |  |  |

</details>

`
	for name, page := range map[string]string{"summary": markdownText(r, MaxSummary), "comment": Comment(r, "", maxComment)} {
		if !strings.Contains(page, "\n\n"+want) {
			t.Errorf("the %s has not\n%s\nbut\n%s", name, want, page)
		}
	}
	r.ModuleChanges = make([]checks.ModuleChange, maxChanges+1000)
	for i := range r.ModuleChanges {
		r.ModuleChanges[i] = checks.ModuleChange{Path: strings.Repeat("@", 200), New: strings.Repeat("|", 200), Kind: checks.ChangeAdded}
	}
	for name, got := range map[string]string{"summary": markdownText(r, 64<<10), "comment": Comment(r, "", maxComment)} {
		if len(got) > 64<<10 || !strings.Contains(got, "**1,200 module changes: 1,200 added**, which did not fit here") {
			t.Errorf("the %s does not count what does not fit:\n%.2000s", name, got)
		}
	}
}
