package checks

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// clean makes findings what a report may hold: severities by the policy, text
// plain, bounded and without secrets, in one order whatever order the check
// found them in, each with its fingerprint.
func (r *Runner) clean(c *Check, s *Session, findings []Finding) []Finding {
	kept := findings
	if !r.joining {
		kept = r.judge(c, s, findings)
	}
	orderFindings(kept)
	SetFingerprints(kept)
	return kept
}

// judge is clean without the fingerprints: those that the findings came with stay.
func (r *Runner) judge(c *Check, s *Session, findings []Finding) []Finding {
	kept := make([]Finding, 0, len(findings))
	for _, f := range findings {
		rule := c.rule(f.Rule)
		r.cleanText(&f)
		f.Severity = rule.Severity
		if word, ok := s.Config.SeverityOf(f.Rule); ok {
			f.Severity = Severity(word)
		}
		for i := range s.Config.Exceptions {
			e := &s.Config.Exceptions[i]
			if e.Match(f.Rule, f.Module, f.File, s.Now()) {
				f.Exception = &Exception{Reason: plain.Line(e.Reason), Until: e.Until, Owner: plain.Line(e.Owner)}
				if f.Severity.Rank() > Notice.Rank() {
					f.Severity = Notice
				}
				break
			}
		}
		if f.Severity != Off {
			kept = append(kept, f)
		}
	}
	orderFindings(kept)
	return kept
}

// orderFindings puts findings in the order of a report.
func orderFindings(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
			strings.Compare(a.Dir, b.Dir),
			strings.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			strings.Compare(a.Rule, b.Rule),
			strings.Compare(a.Module, b.Module),
			strings.Compare(a.Key, b.Key),
			strings.Compare(a.Message, b.Message),
		)
	})
}

func (r *Runner) cleanText(f *Finding) {
	for _, s := range []*string{&f.Message, &f.File, &f.Dir, &f.Module, &f.Key, &f.Fix.Description} {
		*s = r.text(*s)
	}
	if n := min(len(f.Evidence), plain.MaxLines); n > 0 { // no more lines are kept
		evidence := slices.Clone(f.Evidence)
		for i := range n {
			evidence[i] = strings.TrimRight(bounded(evidence[i]), "\r\n")
		}
		// Together, because a key goes over several lines.
		f.Evidence = plain.Lines(append([]string{r.Redactor.Redact(strings.Join(evidence[:n], "\n"))}, evidence[n:]...))
	}
	for i, l := range f.Evidence {
		f.Evidence[i] = r.Redactor.Redact(l)
	}
	// A command that cannot be shown as it is would not do what it says.
	if r.Redactor.Redact(plain.Text(bounded(f.Fix.Command))) != f.Fix.Command {
		f.Fix.Command = ""
	}
	// Nor does a patch apply that is not as it was.
	if len(f.Fix.Patch) > maxPatch || !shownWhole(f.Fix.Patch) || r.Redactor.Redact(f.Fix.Patch) != f.Fix.Patch {
		f.Fix.Patch = ""
	}
}

// maxPatch is the longest patch that is kept, in bytes: a longer one is not read,
// and the command does the same.
const maxPatch = 8 << 10

// shownWhole reports whether a text of several lines can be shown as it is: valid
// UTF-8 that hides nothing.
func shownWhole(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool {
		return c != '\n' && c != '\t' && (unicode.IsControl(c) || plain.Invisible(c) || c == '\u2028' || c == '\u2029')
	})
}

// cleanFacts is facts as they are in a report: what JSON makes of them, with
// every text in them plain and without secrets.
func (r *Runner) cleanFacts(facts map[string]any) map[string]any {
	if len(facts) == 0 {
		return nil
	}
	var plainData map[string]any
	data, err := json.Marshal(facts)
	if err == nil {
		err = json.Unmarshal(data, &plainData)
	}
	if err != nil {
		return map[string]any{"error": r.line(err.Error())}
	}
	return r.cleanValue(plainData).(map[string]any)
}

func (r *Runner) cleanValue(v any) any {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case []any:
		for i := range v {
			v[i] = r.cleanValue(v[i])
		}
	case map[string]any:
		clean := make(map[string]any, len(v))
		for key, value := range v {
			clean[r.text(key)] = r.cleanValue(value)
		}
		return clean
	}
	return v
}

func (r *Runner) cleanLink(l *Link) *Link {
	if l == nil {
		return nil
	}
	clean := *l
	clean.Why = r.text(l.Why)
	return &clean
}

func (r *Runner) cleanChanges(changes []ModuleChange) []ModuleChange {
	clean := make([]ModuleChange, len(changes))
	for i, c := range changes {
		by := make([]string, len(c.By))
		for j := range c.By {
			by[j] = r.text(c.By[j])
		}
		clean[i] = ModuleChange{Path: r.text(c.Path), Old: r.text(c.Old), New: r.text(c.New), Kind: c.Kind, Direct: c.Direct, By: by}
	}
	return clean
}

// text is one line of plain text without secrets.
func (r *Runner) text(s string) string { return r.Redactor.Line(bounded(s)) }

// maxCleaned is how much of a text is looked at, in bytes: far more than is kept.
const maxCleaned = 64 << 10

func bounded(s string) string { return s[:min(len(s), maxCleaned)] }

// policyName is the check that reports on the policy file itself.
const policyName = "policy"

// judgePolicyFile adds to the check policy what is wrong with the policy file
// itself: that it could not be read, and every exception that has expired, or
// that no finding matched although its rule's check ran. In a shard an exception
// may be for a module of another one: what only all shards together can tell is
// returned, for Join.
func (r *Runner) judgePolicyFile(s *Session, list []*outcome) (unused []Finding) {
	i := slices.IndexFunc(r.Checks, func(c *Check) bool { return c.Name == policyName })
	if i < 0 || list[i].Status == Skipped {
		return nil
	}
	own := list[i]
	if s.ConfigNote != "" {
		f := ruleConfigUnread.Finding("the policy of the base revision could not be read: %s", s.ConfigNote)
		f.Evidence = []string{"the defaults were used; the change's own file is never obeyed, so that it cannot relax its own gate"}
		own.Findings = append(own.Findings, f)
	}
	for j := range s.Config.Exceptions {
		e := &s.Config.Exceptions[j]
		var f Finding
		switch {
		case e.Expired(s.Now()):
			f = ruleExceptionExpired.Finding("the exception for %s ended on %s", e.Rule, e.Until)
		case s.Config.Severity[e.Rule] != config.Off && (ran(list, e.Rule) || s.Shard != nil) && !matched(list, s, e):
			f = ruleExceptionUnused.Finding("the exception for %s matches nothing", e.Rule)
		default:
			continue
		}
		f.File, f.Line, f.Key, f.Module = s.ConfigFile, e.Line, e.Rule, e.Module
		f.Evidence = []string{"reason: " + e.Reason}
		if e.Owner != "" {
			f.Evidence = append(f.Evidence, "owner: "+e.Owner)
		}
		f.Fix.Description = "take it out, or renew it"
		if f.Rule == ruleExceptionUnused.ID && s.Shard != nil {
			unused = append(unused, f)
			continue
		}
		own.Findings = append(own.Findings, f)
	}
	own.Findings = r.clean(r.Checks[i], s, own.Findings)
	r.settle(own)
	return r.judge(r.Checks[i], s, unused)
}

// ran reports whether the check that owns a rule was asked and answered.
func ran(list []*outcome, rule string) bool {
	name, _, _ := strings.Cut(rule, "/")
	for _, o := range list {
		if o.Check == name {
			return o.Status == Passed || o.Status == Warned || o.Status == Failed
		}
	}
	return false
}

// matched reports whether an exception accepts one of the findings.
func matched(list []*outcome, s *Session, e *config.Exception) bool {
	for _, o := range list {
		for i := range o.Findings {
			f := &o.Findings[i]
			if e.Match(f.Rule, f.Module, f.File, s.Now()) {
				return true
			}
		}
	}
	return false
}
