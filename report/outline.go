package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// The outline is what every format for people tells, in the order in which it
// is told: root causes, other errors, warnings, notices. A consequence stands
// under its cause and nowhere else.

// rank is how early a group is told.
type rank int

const (
	rankRoot rank = iota
	rankError
	rankWarning
	rankNotice
)

// item is a finding that is nobody's consequence.
type item struct {
	*checks.Finding
	// blocks are the checks that have no answer because of it.
	blocks []string
	// follows are the findings that it caused, directly or not, in order.
	follows []*checks.Finding
}

// group is the findings of one rule that are told together.
type group struct {
	rank  rank
	rule  string
	items []item
}

// size is the number of findings in the group, consequences included.
func (g *group) size() int {
	n := len(g.items)
	for _, it := range g.items {
		n += len(it.follows)
	}
	return n
}

// outline sorts the findings of a report into groups. Every finding is in it
// exactly once.
func outline(r *checks.Report) []group {
	byPrint := map[string]*checks.Finding{}
	for _, f := range r.Findings {
		if _, dup := byPrint[f.Fingerprint]; !dup && f.Fingerprint != "" {
			byPrint[f.Fingerprint] = f
		}
	}
	follows := map[*checks.Finding][]*checks.Finding{}
	var heads []*checks.Finding
	for _, f := range r.Findings {
		if root := rootOf(f, byPrint); root != f {
			follows[root] = append(follows[root], f)
		} else {
			heads = append(heads, f)
		}
	}
	causes := map[*checks.Finding]int{} // position in RootCauses
	for i, c := range r.RootCauses {
		if f := byPrint[c.Fingerprint]; f != nil {
			if _, dup := causes[f]; !dup {
				causes[f] = i
			}
		}
	}

	type key struct {
		rank rank
		rule string
	}
	at := map[key]int{}
	var groups []group
	add := func(f *checks.Finding, k rank, blocks []string) {
		i, ok := at[key{k, f.Rule}]
		if !ok {
			i = len(groups)
			at[key{k, f.Rule}] = i
			groups = append(groups, group{rank: k, rule: f.Rule})
		}
		groups[i].items = append(groups[i].items, item{Finding: f, blocks: blocks, follows: follows[f]})
	}
	// The report calls every error that nothing caused a root cause. People call
	// it one when something comes of it, or when it is the only one. Root causes
	// keep the order that the report gives them; the others that of the checks.
	roots := slices.DeleteFunc(slices.Clone(heads), func(f *checks.Finding) bool {
		i, ok := causes[f]
		return !ok || len(causes) > 1 && len(r.RootCauses[i].Blocks) == 0 && len(follows[f]) == 0
	})
	slices.SortStableFunc(roots, func(a, b *checks.Finding) int { return cmp.Compare(causes[a], causes[b]) })
	told := map[*checks.Finding]bool{}
	for _, f := range roots {
		add(f, rankRoot, r.RootCauses[causes[f]].Blocks)
		told[f] = true
	}
	for _, f := range heads {
		if !told[f] {
			add(f, rankOf(f.Severity), nil)
		}
	}
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(a.rank, b.rank) })
	return groups
}

// maxCauses is the longest chain of causes that is followed: real ones have two
// or three links, a forged one may be a circle.
const maxCauses = 32

// rootOf follows CausedBy to the finding that explains f: f itself when nothing
// known causes it, or when the causes have no end.
func rootOf(f *checks.Finding, byPrint map[string]*checks.Finding) *checks.Finding {
	root := f
	for range maxCauses {
		next := byPrint[root.CausedBy]
		if next == nil {
			return root
		}
		root = next
	}
	return f
}

func rankOf(s checks.Severity) rank {
	switch s {
	case checks.Error:
		return rankError
	case checks.Warning:
		return rankWarning
	}
	return rankNotice
}

// mainModule is the path of the main module that a report is about, the one at
// the root or else the first, and the number of the others.
func mainModule(r *checks.Report) (path string, others int) {
	mods := r.Repository.Modules
	if len(mods) == 0 {
		return "", 0
	}
	m := mods[0]
	if i := slices.IndexFunc(mods, func(m checks.RepositoryMod) bool { return m.Dir == "." }); i >= 0 {
		m = mods[i]
	}
	return cmp.Or(oneLine(m.Path), oneLine(m.Dir)), len(mods) - 1
}

// aside is what else there is to know about a run before its verdict is read.
func aside(r *checks.Report) []string {
	var parts []string
	if r.Shard.Count > 1 {
		parts = append(parts, fmt.Sprintf("%s (%s of %s)", r.Shard, plain.Thousands(len(r.Shard.Dirs)), plain.Count(len(r.Repository.Modules), "module")))
	}
	if r.Scope == checks.ScopeContainer {
		parts = append(parts, "inside a container: the job's own Go and caches are not seen")
	}
	return parts
}

// remarks is what else there is to know about a verdict.
func remarks(r *checks.Report) []string {
	var list []string
	if errors, _, _ := r.Counts(); errors > 0 && r.FailOn == "never" {
		list = append(list, "fail-on is never")
	}
	if r.Retryable && r.Verdict != checks.Pass {
		list = append(list, "trying again may help")
	}
	return list
}

// goVersion is the go command that answered: "go1.26.8 linux/amd64".
func goVersion(r *checks.Report) string {
	if r.Go.Version == "" {
		return "no go command"
	}
	v := r.Go.Version
	if goos, goarch := r.Go.Env["GOOS"], r.Go.Env["GOARCH"]; goos != "" && goarch != "" {
		v += " " + goos + "/" + goarch
	}
	return oneLine(v)
}

// verdictWord is the first word of a report.
func verdictWord(v checks.Verdict) string {
	switch v {
	case checks.Pass:
		return "PASS"
	case checks.Fail:
		return "FAIL"
	case checks.Inconclusive:
		return "INCONCLUSIVE"
	}
	return strings.ToUpper(oneLine(string(v)))
}

// tally says how many of what was found, most telling first: "one root cause,
// 2 warnings". It is empty when there is nothing to say.
func tally(r *checks.Report) string {
	var parts []string
	errors, warnings, notices := r.Counts()
	causes := len(r.RootCauses)
	switch {
	case causes == 1 && errors > 1:
		parts = append(parts, "one root cause", plain.Count(errors, "error"))
	case causes == 1:
		parts = append(parts, "one root cause")
	case causes > 1 && causes < errors:
		parts = append(parts, plain.Count(errors, "error")+" from "+plain.Count(causes, "root cause"))
	case errors > 0:
		parts = append(parts, plain.Count(errors, "error"))
	}
	if n := countStatus(r, checks.Errored); n > 0 {
		parts = append(parts, plain.Count(n, "check")+" without an answer")
	}
	if warnings > 0 {
		parts = append(parts, plain.Count(warnings, "warning"))
	}
	if notices > 0 {
		parts = append(parts, plain.Count(notices, "notice"))
	}
	return strings.Join(parts, ", ")
}

// interrupted says that a report is partial, or nothing.
func interrupted(r *checks.Report) string {
	switch r.Interrupted {
	case "":
		return ""
	case "terminated":
		return "terminated, partial report"
	}
	return "interrupted, partial report"
}

func countStatus(r *checks.Report, s checks.Status) int {
	n := 0
	for i := range r.Results {
		if r.Results[i].Status == s {
			n++
		}
	}
	return n
}

// explainCommand shows a rule's help. It is empty for a rule that is not well
// formed, which only a forged report has.
func explainCommand(rule string) string {
	check, slug, ok := strings.Cut(rule, "/")
	if !ok || !isSlug(check) || !isSlug(slug) {
		return ""
	}
	return "gopreflight explain " + rule
}

func isSlug(s string) bool {
	return s != "" && s[0] != '-' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// counts says how many findings of which severity there are: "2 errors,
// 1 warning".
func counts(findings []checks.Finding) string {
	n := map[checks.Severity]int{}
	for i := range findings {
		n[findings[i].Severity]++
	}
	var parts []string
	for _, s := range []checks.Severity{checks.Error, checks.Warning, checks.Notice} {
		if n[s] > 0 {
			parts = append(parts, plain.Count(n[s], string(s)))
		}
	}
	return strings.Join(parts, ", ")
}

// blocker is the rule of the finding that blocks a check; empty when it is not
// blocked, or by a check that could not find out (its Reason says by which).
func blocker(r *checks.Report, res *checks.Result) string {
	if res.Status != checks.Blocked || res.BlockedBy == "" {
		return ""
	}
	if f := r.Find(res.BlockedBy); f != nil {
		return oneLine(f.Rule)
	}
	return ""
}

// place is where a finding is: "file:line", or the directory of its module.
func place(f *checks.Finding) string {
	if p := oneLine(f.Place()); p != "" {
		return p
	}
	if f.Dir != "." {
		return oneLine(f.Dir)
	}
	return ""
}

// about is what a finding is about beside its place, as far as its message does
// not say so: a module, what tells it from its siblings.
func about(f *checks.Finding) string {
	message := oneLine(f.Message)
	said := func(part string) bool {
		path, version, _ := strings.Cut(part, "@")
		return strings.Contains(message, path) && strings.Contains(message, version)
	}
	parts := []string{oneLine(f.Module), oneLine(f.Key)}
	return strings.Join(slices.Compact(slices.DeleteFunc(parts, said)), " ")
}

// modulesText says where a check did not come to the same end in all main
// modules, one line for every end but passed and skipped: "svc/a, svc/b" and
// why. With verbose there is a line for those too.
func modulesText(res *checks.Result, verbose bool) []moduleLine {
	if len(res.Modules) < 2 {
		return nil
	}
	var lines []moduleLine
	at := map[moduleLine]int{}
	for _, m := range res.Modules {
		one := checks.Result{Status: m.Status, Reason: m.Reason}
		key := moduleLine{status: m.Status, why: cmp.Or(statusText(&one, ""), string(m.Status))}
		i, ok := at[key]
		if !ok {
			i = len(lines)
			at[key] = i
			lines = append(lines, key)
		}
		if n := lines[i].n; n < maxModuleNames {
			lines[i].dirs += strings.Repeat(", ", min(n, 1)) + dirName(m.Dir)
		}
		lines[i].n++
	}
	if len(lines) == 1 && lines[0].status == res.Status && !verbose {
		return nil // the check's own line has said it
	}
	lines = slices.DeleteFunc(lines, func(l moduleLine) bool {
		return !verbose && (l.status == checks.Passed || l.status == checks.Skipped)
	})
	for i, l := range lines {
		if l.n > maxModuleNames {
			lines[i].dirs += ", … " + plain.Count(l.n-maxModuleNames, "more module")
		}
	}
	return lines
}

// dirName is a main module's directory as people read it: "./" for the root.
func dirName(dir string) string {
	if dir == "." {
		return "./"
	}
	return oneLine(dir)
}

// maxModuleNames is how many main modules with the same end are named.
const maxModuleNames = 6

// moduleLine is the main modules that came to the same end.
type moduleLine struct {
	status checks.Status
	why    string
	dirs   string
	n      int
}

// followText counts consequences by rule: "3 more findings: tidy/unknown,
// build/environment (2)".
func followText(follows []*checks.Finding) string {
	var rules []string
	n := map[string]int{}
	for _, f := range follows {
		rule := oneLine(f.Rule)
		if n[rule] == 0 {
			rules = append(rules, rule)
		}
		n[rule]++
	}
	for i, rule := range rules {
		if n[rule] > 1 {
			rules[i] = fmt.Sprintf("%s (%d)", rule, n[rule])
		}
	}
	return plain.Count(len(follows), "more finding") + ": " + strings.Join(rules, ", ")
}

// exceptionText is why a finding was accepted.
func exceptionText(e *checks.Exception) string {
	text := cmp.Or(oneLine(e.Reason), "no reason given")
	if e.Until != "" {
		text += ", until " + oneLine(e.Until)
	}
	if e.Owner != "" {
		text += ", owner " + oneLine(e.Owner)
	}
	return text
}
