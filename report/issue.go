package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
)

// An issue is what tools that collect problems from many programs take: every
// one has a place in a file of the repository and an identity of its own. It is
// a finding, or a question without an answer: a tool that heard nothing of
// that would show its check as fine.
type issue struct {
	// finding is nil for a question without an answer.
	finding *checks.Finding
	// rule is the finding's, or the name of the check without an answer.
	rule     string
	severity checks.Severity
	// summary is one line: what is wrong.
	summary string
	// text is the summary with what mends it and what it blocks, in lines.
	text string
	// file is a relative slash path; line is at least 1, column and endLine are
	// 0 for none.
	file                  string
	line, column, endLine int
	// placed says that the line is the finding's own. What has none, a proxy's
	// certificate for one, stands at line 1 of its file, or else of the main
	// module's go.mod.
	placed bool
	// id is 32 to 64 hexadecimal digits that no other issue of the report has,
	// and the same in every run.
	id string
}

// oneLine is the issue as one line, with its rule and how it is mended.
func (i *issue) oneLine() string {
	s := i.summary
	if i.finding == nil {
		return s
	}
	s += " (" + i.rule + ")"
	fix := []string{oneLine(i.finding.Fix.Description), oneLine(strings.Join(verbatim(i.finding.Fix.Command), "; "))}
	if fix = slices.DeleteFunc(fix, empty); len(fix) > 0 {
		s += "; fix: " + strings.Join(fix, ": ")
	}
	return s
}

// issues are all issues of a report, in its order.
func issues(r *checks.Report) []issue {
	blocks := map[string][]string{}
	for _, c := range r.RootCauses {
		blocks[c.Fingerprint] = c.Blocks
	}
	ids := identities{}
	var list []issue
	for i := range r.Results {
		res := &r.Results[i]
		for j := range res.Findings {
			f := &res.Findings[j]
			list = append(list, findingIssue(r, f, blocks[f.Fingerprint], &ids))
		}
		for _, q := range unanswered(res) {
			list = append(list, questionIssue(r, q, &ids))
		}
	}
	return list
}

func findingIssue(r *checks.Report, f *checks.Finding, blocks []string, ids *identities) issue {
	is := issue{
		finding:  f,
		rule:     cmp.Or(oneLine(f.Rule), "unknown"),
		severity: f.Severity,
		summary:  cmp.Or(oneLine(f.Message), "no message"),
		text:     cmp.Or(strings.TrimSpace(annotate(f, blocks).message), "no message"),
		line:     1,
		id:       ids.next(f.Fingerprint, f.Rule, f.File, f.Dir, f.Module, f.Key),
	}
	if about := about(f); about != "" {
		is.summary += ": " + about
	}
	is.file = oneLine(f.File)
	switch {
	case !isRepoFile(is.file):
		is.file = goModFile(r, f.Dir)
	case f.Line > 0:
		is.placed, is.line, is.column = true, f.Line, max(f.Column, 0)
		if f.EndLine > f.Line {
			is.endLine = f.EndLine
		}
	}
	return is
}

func questionIssue(r *checks.Report, q question, ids *identities) issue {
	// As among the annotations: what decides the verdict is an error.
	severity := checks.Warning
	if r.Verdict == checks.Inconclusive {
		severity = checks.Error
	}
	return issue{
		rule: q.check, severity: severity, summary: q.text(), text: q.text(),
		file: goModFile(r, q.dir), line: 1, id: ids.next("", "unanswered", q.check, q.dir),
	}
}

// question is a check, or its part about one main module, that has no answer.
type question struct {
	check string
	// dir is the main module's; empty when the check as a whole has no answer.
	dir string
	// why says so in a line.
	why string
}

func (q question) text() string {
	if dir := dirName(q.dir); dir != "" {
		return q.check + " in " + dir + ": " + q.why
	}
	return q.check + ": " + q.why
}

// unanswered are the questions of a result that could not be answered. What is
// blocked is not among them: the issue that blocks it tells that.
func unanswered(res *checks.Result) []question {
	check := cmp.Or(oneLine(res.Check), "unknown")
	var list []question
	for _, m := range res.Modules {
		if m.Status == checks.Errored {
			one := checks.Result{Status: m.Status, Reason: m.Reason}
			list = append(list, question{check, m.Dir, statusText(&one, "")})
		}
	}
	if res.Status == checks.Errored && len(list) == 0 {
		list = append(list, question{check: check, why: statusText(res, "")})
	}
	return list
}

// isRepoFile reports whether a path is one that every tool takes for a file of
// the repository: relative, inside it, with slashes.
func isRepoFile(name string) bool {
	return name != "." && fs.ValidPath(name) && !strings.Contains(name, `\`)
}

// goModFile is the go.mod of the main module in dir; without a dir, of the main
// module at the root or else the first one.
func goModFile(r *checks.Report, dir string) string {
	if mods := r.Repository.Modules; dir == "" && len(mods) > 0 {
		dir = mods[0].Dir
		if slices.ContainsFunc(mods, func(m checks.RepositoryMod) bool { return m.Dir == "." }) {
			dir = "."
		}
	}
	if name := path.Join(oneLine(dir), "go.mod"); isRepoFile(name) {
		return name
	}
	return "go.mod"
}

// identities gives every issue an identity of its own. Findings have one, but a
// saved report may have been put together from several, or by anyone.
type identities struct {
	taken map[string]bool
	// count is how many identities were made of the same words.
	count map[string]int
}

var identityForm = regexp.MustCompile(`^[0-9a-f]{32,64}$`)

// next is the fingerprint where it will do, else one made of the words.
func (i *identities) next(fingerprint string, words ...string) string {
	if i.taken == nil {
		i.taken, i.count = map[string]bool{}, map[string]int{}
	}
	id := fingerprint
	for base := fmt.Sprintf("%q", append(words, fingerprint)); !identityForm.MatchString(id) || i.taken[id]; i.count[base]++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", base, i.count[base]))
		id = hex.EncodeToString(sum[:16])
	}
	i.taken[id] = true
	return id
}
