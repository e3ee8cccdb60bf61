package report

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// SARIF is for GitHub code scanning and for editors: the Static Analysis
// Results Interchange Format, version 2.1.0 (OASIS).
var SARIF = &Reporter{
	Name: "sarif",
	Doc:  "for code scanning and editors: SARIF 2.1.0, with every rule's help",
	Write: func(_ context.Context, d Dest, r *checks.Report) error {
		return writeJSON(d, "the SARIF report", sarif(r, registered()))
	},
}

// Limits of GitHub code scanning (GitHub documentation, "SARIF results exceed
// one or more limits"); a file over one of them is refused as a whole.
const (
	// maxSARIFResults is how many results a run may have. GitHub shows 5,000 of
	// them, the hardest first.
	maxSARIFResults = 25_000
	// maxSARIFDescription is the length in characters of a rule's short and its
	// full description ("SARIF support for code scanning", reportingDescriptor).
	maxSARIFDescription = 1024
)

const (
	sarifSchema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	sarifProgram = "gopreflight"
	sarifHome    = "https://github.com/gopreflight/gopreflight"
)

// sarif is a report as a SARIF log. rules are those that a report of this
// version can have; what others a report has (it may be another version's) are
// declared behind them by their name.
func sarif(r *checks.Report, rules []sarifRule) sarifLog {
	found := slices.DeleteFunc(issues(r), func(i issue) bool { return i.finding == nil })
	notes := sarifNotes(r)
	if more := len(found) - maxSARIFResults; more > 0 {
		slices.SortStableFunc(found, func(a, b issue) int { return cmp.Compare(b.severity.Rank(), a.severity.Rank()) })
		found = found[:maxSARIFResults]
		notes = append(notes, sarifNotification{"warning", sarifText{plain.Count(more, "more finding") + " did not fit here: the JSON report has all of them"}})
	}

	index := map[string]int{}
	for i := range rules {
		index[rules[i].ID] = i
	}
	// Where one result says whether it is suppressed, all must (SARIF 2.1.0,
	// 3.27.23).
	suppresses := slices.ContainsFunc(found, func(i issue) bool { return i.finding.Exception != nil })
	results := make([]sarifResult, 0, len(found))
	for i := range found {
		id := found[i].rule
		if _, ok := index[id]; !ok {
			index[id] = len(rules)
			rules = append(rules, unknownSARIFRule(id))
		}
		results = append(results, sarifResultOf(&found[i], index[id], suppresses))
	}

	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			// Consumers compare versions that begin with a number.
			Name: sarifProgram, Version: strings.TrimPrefix(oneLine(r.Tool.Version), "v"), InformationURI: sarifHome, Rules: rules,
		}},
		Invocations: []sarifInvocation{{
			Successful: r.Interrupted == "" && countStatus(r, checks.Errored) == 0,
			Notes:      notes,
		}},
		ColumnKind: "unicodeCodePoints",
		Results:    results,
	}
	if !r.StartedAt.IsZero() {
		run.Invocations[0].Start = r.StartedAt.UTC().Format(time.RFC3339)
	}
	return sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}}
}

// registered are the rules of all checks: a report names its rules, their prose
// is in the registry alone.
func registered() []sarifRule {
	var rules []sarifRule
	for _, c := range checks.All {
		for _, r := range c.Rules {
			rules = append(rules, sarifRuleOf(c, r))
		}
	}
	return rules
}

func sarifRuleOf(c *checks.Check, r *checks.Rule) sarifRule {
	help := strings.TrimSpace(r.Help)
	first, _, _ := strings.Cut(help, "\n\n")
	tags := []string{string(c.Stage)}
	if c.Name != string(c.Stage) {
		tags = append(tags, c.Name)
	}
	return sarifRule{
		ID:       r.ID,
		Short:    sarifText{cut(oneLine(r.Summary), maxSARIFDescription)},
		Full:     sarifText{cut(oneLine(first), maxSARIFDescription)},
		Help:     sarifHelp{Text: help, Markdown: help},
		Default:  sarifDefault{sarifLevel(r.Severity)},
		Property: sarifProperties{tags},
	}
}

// unknownSARIFRule is a rule that this version does not have.
func unknownSARIFRule(id string) sarifRule {
	const text = "A rule that this version of gopreflight does not have."
	return sarifRule{
		ID: id, Short: sarifText{text}, Full: sarifText{text}, Help: sarifHelp{text, text},
		Default: sarifDefault{"warning"}, Property: sarifProperties{[]string{}},
	}
}

func sarifResultOf(i *issue, rule int, suppresses bool) sarifResult {
	res := sarifResult{
		Rule:      i.rule,
		RuleIndex: rule,
		Level:     sarifLevel(i.severity),
		Message:   sarifText{sarifMessage(i.text)},
		Locations: []sarifLocation{{sarifPhysicalLocation{
			sarifArtifact{sarifURI(i.file), "%SRCROOT%"},
			sarifRegion{i.line, i.column, i.endLine},
		}}},
		Fingerprints: map[string]string{"gopreflight/v1": i.id},
	}
	if !i.placed {
		// By itself GitHub's upload action tells results of one rule apart by
		// what the line says (codeql-action, src/fingerprints.ts): two that are
		// at line 1 for want of a better place would be one alert.
		res.Fingerprints["primaryLocationLineHash"] = i.id
	}
	if suppresses {
		res.Suppressions = []sarifSuppression{}
		if e := i.finding.Exception; e != nil {
			res.Suppressions = append(res.Suppressions, sarifSuppression{"external", "accepted", exceptionText(e)})
		}
	}
	return res
}

// sarifNotes tells which questions have no answer, and why.
func sarifNotes(r *checks.Report) []sarifNotification {
	notes := []sarifNotification{}
	add := func(level, text string) {
		notes = append(notes, sarifNotification{level, sarifText{sarifMessage(text)}})
	}
	if why := interrupted(r); why != "" {
		add("error", why)
	}
	for i := range r.Results {
		res := &r.Results[i]
		for _, q := range unanswered(res) {
			add("error", q.text())
		}
		if res.Status == checks.Blocked {
			add("warning", oneLine(res.Check)+": "+statusText(res, blocker(r, res)))
		}
	}
	return notes
}

func sarifLevel(s checks.Severity) string {
	switch s {
	case checks.Error:
		return "error"
	case checks.Warning:
		return "warning"
	}
	return "note"
}

// sarifURI is a relative slash path as a relative URI (RFC 3986, 4.2): a colon
// in its first part would make that a scheme.
func sarifURI(file string) string {
	parts := strings.Split(file, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(p), ":", "%3A")
	}
	return strings.Join(parts, "/")
}

// sarifMessage breaks up what would be a link in a message: "[text](target)"
// (SARIF 2.1.0, 3.11.6). Braces stay single: nobody takes them for placeholders
// in a message without arguments.
func sarifMessage(s string) string { return strings.ReplaceAll(s, "](", "] (") }
