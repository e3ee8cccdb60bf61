package report

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gopreflight/gopreflight/checks"
)

// outside is the Markdown without its blocks of code; it fails when a fence is
// left open.
func outside(t *testing.T, name, md string) string {
	t.Helper()
	var out []string
	fence := ""
	for line := range strings.SplitSeq(md, "\n") {
		body := strings.TrimLeft(line, " ")
		ticks := body[:len(body)-len(strings.TrimLeft(body, "`"))]
		switch {
		case fence == "" && len(ticks) >= 3:
			fence = ticks
		case fence != "" && len(ticks) >= len(fence) && body == ticks:
			fence = ""
		case fence == "":
			out = append(out, line)
		}
	}
	if fence != "" {
		t.Errorf("%s: a block of code is not closed", name)
	}
	return strings.Join(out, "\n")
}

var tag = regexp.MustCompile(`<(?:/?(?:code|b|details|summary|sub)|br|a href="https://[A-Za-z0-9._~%:#/@!$&;+,=-]+"|/a|!-- --)>`)

// TestMarkdownSafe: nothing of a report is read as markup (invariant 3).
func TestMarkdownSafe(t *testing.T) {
	t.Parallel()
	pages := map[string]string{}
	for name, r := range savedReports(t) {
		pages[name] = render(t, Markdown, r, Dest{})
		pages[name+"'s comment"] = Comment(r, "", maxComment)
	}
	for name, page := range pages {
		text := outside(t, name, page)
		for _, pair := range []string{"details", "summary", "code", "b", "a", "sub"} {
			opened := strings.Count(text, "<"+pair+">") + strings.Count(text, "<"+pair+" ")
			if closed := strings.Count(text, "</"+pair+">"); opened != closed {
				t.Errorf("%s: %d <%s> and %d </%s>", name, opened, pair, closed, pair)
			}
		}
		if rest := tag.ReplaceAllString(text, ""); strings.Contains(rest, "<") {
			i := strings.Index(rest, "<")
			t.Errorf("%s: a tag that is not ours: %.60q", name, rest[i:])
		}
		plainText := codeSpan.ReplaceAllString(text, "")
		plainText = regexp.MustCompile(`<a href="[^"]*">`).ReplaceAllString(plainText, "")
		for _, bad := range []string{"@", "://", "](", "![", "www.", "javascript:", "\x1b"} {
			if i := strings.Index(plainText, bad); i >= 0 {
				t.Errorf("%s: %q in %.60q", name, bad, plainText[max(0, i-20):])
			}
		}
	}
}

// TestMarkdownLinks: only where a place can be linked is there a link.
func TestMarkdownLinks(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"hostile": 0, "pass": 0, "modules": 4, "interrupted": 0, "untrusted": 0} {
		got := strings.Count(render(t, Markdown, readSaved(t, saved+"/"+name+".json"), Dest{}), "<a href=")
		if got != want {
			t.Errorf("%s has %d links, want %d", name, got, want)
		}
	}
}

// TestMarkdownTable: a row of four cells for every check, in order.
func TestMarkdownTable(t *testing.T) {
	t.Parallel()
	for name, r := range savedReports(t) {
		md := render(t, Markdown, r, Dest{})
		_, table, ok := strings.Cut(md, "| | Check | Time | Result |\n")
		if !ok {
			t.Errorf("%s has no table of checks", name)
			continue
		}
		table, _, _ = strings.Cut(table, "\n\n")
		rows := strings.Split(table, "\n")[1:]
		if len(rows) != len(r.Results) {
			t.Errorf("%s: %d rows for %d checks", name, len(rows), len(r.Results))
			continue
		}
		for i, row := range rows {
			cells := strings.Split(strings.Trim(row, "|"), "|")
			if len(cells) != 4 || !strings.Contains(cells[1], gfmText(r.Results[i].Check)) {
				t.Errorf("%s: row %d is %q, want four cells about %s", name, i+1, row, r.Results[i].Check)
			}
		}
	}
}

// TestMarkdownHead: the answer, the root cause and what to run come first.
func TestMarkdownHead(t *testing.T) {
	t.Parallel()
	head := func(name string) string {
		md := render(t, Markdown, readSaved(t, saved+"/"+name+".json"), Dest{})
		head, _, _ := strings.Cut(md, "| | Check |")
		return head
	}
	for name, want := range map[string][]string{
		"fail":         {"## ❌ gopreflight: failed, one root cause", "<code>example.com/shop</code> and 2 more modules", "**Root cause:** <code>proxy/tls-expired</code>", "Blocks <code>tidy</code>", "```sh\nexport GOPROXY="},
		"pass":         {"## ✅ gopreflight: passed\n"},
		"warnings":     {"## ✅ gopreflight: passed, 2 warnings, 1 notice\n"},
		"inconclusive": {"## ⚠️ gopreflight: inconclusive", "inside a container", "<code>proxy</code> could not find out&#58; no answer within 30s"},
		"interrupted":  {"interrupted, partial report", "no go command"},
		"blocked":      {"failed, one root cause\n", "no go command", "Blocks <code>tidy</code>, <code>build</code>"},
		"monorepo":     {"## ✅ gopreflight: passed\n", "and 39 more modules"},
		"untrusted":    {"## ⚪ gopreflight (untrusted run): passed", "**An untrusted run reported this:**", "GitHub says that the run ended: **failure**, and nothing in the report explains that."},
		"many":         {"**First error:** <code>tidy/requirement-unused</code>", "go.mod&#58;10", "```sh\ngo mod tidy\n```"},
	} {
		got := head(name)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: the head does not say %q:\n%s", name, w, got)
			}
		}
		if name == "pass" && strings.Contains(got, "\n> ") {
			t.Errorf("pass: the head says more than its answer:\n%s", got)
		}
	}
}

// TestMarkdownHeadWarnings: with fail-on warning, a warning is what fails.
func TestMarkdownHeadWarnings(t *testing.T) {
	t.Parallel()
	w := checks.Finding{Rule: "a/w", Severity: checks.Warning, Message: "careful"}
	r := &checks.Report{Verdict: checks.Fail, FailOn: "warning", Results: []checks.Result{{Findings: []checks.Finding{w, w}}}}
	if got := render(t, Markdown, r, Dest{}); !strings.Contains(got, "> [!CAUTION]\n> **First warning:** <code>a/w</code><br>careful\n") {
		t.Errorf("the head does not name the warning:\n%s", got)
	}
	r.Verdict, r.FailOn = checks.Pass, "error"
	if got := render(t, Markdown, r, Dest{}); strings.Contains(got, "> [!") {
		t.Errorf("a warning that does not fail is in the head:\n%s", got)
	}
}

// TestMarkdownComplete: without a limit every finding is there.
func TestMarkdownComplete(t *testing.T) {
	t.Parallel()
	for name, r := range savedReports(t) {
		md := render(t, Markdown, r, Dest{})
		for _, f := range r.Findings {
			if !strings.Contains(md, gfmText(cut(f.Message, maxText))) && !strings.Contains(md, gfmText(cut(f.Message, maxCell))) {
				t.Errorf("%s: the finding %q is missing", name, f.Message)
			}
		}
	}
}

var number = regexp.MustCompile(`([0-9,]+) (?:more )?findings?`)

// TestMarkdownLimit: at every size the text fits, is well formed, and accounts
// for every finding: shown, counted in its fold, or counted at the end.
func TestMarkdownLimit(t *testing.T) {
	t.Parallel()
	for name, r := range savedReports(t) {
		whole := markdownText(r, MaxSummary)
		for limit := minMarkdown; limit < len(whole)+3000; limit += 97 + len(whole)/9 {
			id := fmt.Sprintf("%s in %d bytes", name, limit)
			md := markdownText(r, limit)
			if len(md) > limit {
				t.Errorf("%s: %d bytes", id, len(md))
			}
			text := outside(t, id, md)
			if a, b := strings.Count(text, "<details"), strings.Count(text, "</details>"); a != b {
				t.Errorf("%s: %d folds opened, %d closed", id, a, b)
			}
			if !strings.HasPrefix(md, "## ") {
				t.Errorf("%s begins with %.40q", id, md)
			}
			if md != whole && !strings.Contains(md, "did not fit here") && !strings.Contains(md, "Left out for want of room: the ") && !strings.Contains(md, "of this rule: the JSON report") {
				t.Errorf("%s: what is missing is not counted", id)
			}
		}
	}
}

// TestMarkdownCounts: what is left out is counted to the last one.
func TestMarkdownCounts(t *testing.T) {
	t.Parallel()
	r := readSaved(t, saved+"/many.json") // 150 + 38 + 12
	for _, limit := range []int{minMarkdown, 9000, 20_000, 30_000, 43_000} {
		md := markdownText(r, limit)
		shown := 0
		folds := strings.Split(md, "<details>")[1:]
		for _, fold := range folds {
			if strings.HasPrefix(fold, "<summary>Environment") || strings.HasPrefix(fold, "<summary>Chain of evidence") {
				continue
			}
			m := number.FindStringSubmatch(fold)
			if m == nil {
				t.Errorf("in %d bytes: a fold without a count: %.80q", limit, fold)
				continue
			}
			n, more := atoi(t, m[1]), 0
			if _, rest, ok := strings.Cut(fold, "- … "); ok {
				rest, _, _ = strings.Cut(rest, " ")
				more = atoi(t, rest)
			}
			if got := strings.Count(fold, "\n- <a href="); got+more != n {
				t.Errorf("in %d bytes: a fold of %d findings shows %d and counts %d", limit, n, got, more)
			}
			shown += n
		}
		if m := missing.FindStringSubmatch(md); m != nil {
			shown += atoi(t, m[1])
		}
		if shown != 200 {
			t.Errorf("in %d bytes: %d findings are accounted for, want 200", limit, shown)
		}
	}
}

var missing = regexp.MustCompile(`\*\*([0-9]+) more findings\*\* did not fit`)

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Error(err)
	}
	return n
}

// TestMarkdownBounds: one finding cannot take the room of all.
func TestMarkdownBounds(t *testing.T) {
	t.Parallel()
	long := slices.Repeat([]string{strings.Repeat("x", 900)}, 40)
	f := checks.Finding{Rule: "a/b", Severity: checks.Error, Message: strings.Repeat("m", 900), Evidence: long, Fix: checks.Fix{Command: strings.Join(long, "\n"), Patch: strings.Repeat("+y\n", 100_000)}}
	r := &checks.Report{Verdict: checks.Fail, Results: []checks.Result{{Check: "a", Status: checks.Failed, Findings: []checks.Finding{f}}}}
	for range 59 {
		r.Results = append(r.Results, checks.Result{Check: "a", Status: checks.Passed, Reason: strings.Repeat("|", 900)})
	}
	if got := markdownText(r, minMarkdown); len(got) > minMarkdown || !strings.Contains(got, "**60 checks** did not fit here") || !strings.Contains(got, "**1 more finding** did not fit here") {
		t.Errorf("in %d bytes of %d, what is missing is not counted:\n%s", len(got), minMarkdown, got)
	}
	r.Results = r.Results[:1]
	md := markdownText(r, MaxSummary)
	if len(md) > 60_000 {
		t.Errorf("one finding makes %d bytes", len(md))
	}
	if got := strings.Count(md, "more lines"); got < 3 {
		t.Errorf("%d cuts are counted, want evidence, command and patch", got)
	}
}

// TestMarkdownListsCounted: every list that is cut says how much is missing.
func TestMarkdownListsCounted(t *testing.T) {
	t.Parallel()
	const over = 5
	results := func(n int, s checks.Status) []checks.Result {
		list := make([]checks.Result, n)
		for i := range list {
			list[i] = checks.Result{Check: fmt.Sprint("c", i), Status: s, Reason: "r"}
		}
		return list
	}
	var modules []checks.ModuleStatus
	for i := range maxModuleLines + over {
		modules = append(modules, checks.ModuleStatus{Dir: fmt.Sprint("m", i), Status: checks.Failed, Reason: fmt.Sprint("reason ", i)})
	}
	env, blocks := map[string]string{}, []string{}
	for i := range maxRows + over {
		env[fmt.Sprint("GO", i)] = "x"
		blocks = append(blocks, fmt.Sprint("b", i))
	}
	finding := checks.Finding{Rule: "a/b", Severity: checks.Error, Message: "m", Fingerprint: "1"}
	for name, tt := range map[string]struct {
		r       *checks.Report
		comment bool
		want    string
	}{
		"checks":                  {&checks.Report{Results: results(maxRows+over, checks.Passed)}, false, "| | 5 more checks | | |\n"},
		"checks that want a look": {&checks.Report{Results: results(maxRows+over, checks.Failed)}, true, "| | 5 more checks | |\n"},
		"checks that passed":      {&checks.Report{Results: results(maxRows+over, checks.Passed)}, true, ", … 5 more |\n"},
		"checks without answer":   {&checks.Report{Results: results(maxUnanswered+over, checks.Errored)}, true, "<br>5 more checks\n"},
		"modules of a check":      {&checks.Report{Results: []checks.Result{{Check: "a", Status: checks.Failed, Modules: modules}}}, true, "<br>… 5 more lines |\n"},
		"links of the chain":      {&checks.Report{Chain: slices.Repeat([]checks.Link{{Link: "build", State: checks.Proven}}, maxRows+over)}, false, "| 5 more links | | | |\n"},
		"settings":                {&checks.Report{Go: checks.Go{Version: "go1.26", Env: env}}, false, "| 6 more variables | |\n"}, // the version has a row, too
		"what is blocked": {&checks.Report{
			Verdict: checks.Fail, RootCauses: []checks.RootCause{{Fingerprint: "1", Blocks: blocks}},
			Results: []checks.Result{{Check: "a", Status: checks.Failed, Findings: []checks.Finding{finding}}},
		}, true, ", … 5 more\n"},
	} {
		page := markdownText(tt.r, MaxSummary)
		if tt.comment {
			page = Comment(tt.r, "", maxComment)
		}
		if !strings.Contains(page, tt.want) {
			t.Errorf("%s: nothing says %q:\n%s", name, tt.want, page)
		}
	}
}

// TestMarkdownOneOfAUnit: a chain's numbers read as people write them.
func TestMarkdownOneOfAUnit(t *testing.T) {
	t.Parallel()
	for total, want := range map[int]string{1: "| 1 module |", 2: "| 2 modules |"} {
		r := &checks.Report{Chain: []checks.Link{{Link: "build", State: checks.Consistent, Total: total, Unit: "modules"}}}
		if md := markdownText(r, MaxSummary); !strings.Contains(md, want) {
			t.Errorf("a chain with %d has no %q: %s", total, want, md)
		}
	}
}

// TestMarkdownPatchOnce: a patch that mends several rules' findings stands in the
// first one's fold, not in each.
func TestMarkdownPatchOnce(t *testing.T) {
	t.Parallel()
	patch := patchOf("go.mod", "a\n", "b\n")
	finding := func(rule, patch string) checks.Finding {
		return checks.Finding{Rule: rule, Severity: checks.Error, Message: "m", Fix: checks.Fix{Command: "go mod tidy", Patch: patch}, Fingerprint: fmt.Sprint(rule, len(patch))}
	}
	r := &checks.Report{Verdict: checks.Fail, Results: []checks.Result{{Check: "tidy", Status: checks.Failed, Findings: []checks.Finding{
		finding("tidy/a", patch), finding("tidy/a", patch+" "), finding("tidy/b", patch), finding("tidy/c", patch+"  "), finding("tidy/d", ""), finding("tidy/e", ""),
	}}}}
	for name, page := range map[string]string{"summary": markdownText(r, MaxSummary), "comment": Comment(r, "", maxComment)} {
		if got := strings.Count(page, "```diff\n"); got != 3 {
			t.Errorf("the %s has %d patches, want 3:\n%s", name, got, page)
		}
		if got := strings.Count(page, "```sh\n"); got != 1+6 {
			t.Errorf("the %s has %d commands, want one in its head and one for each finding", name, got)
		}
	}
}
