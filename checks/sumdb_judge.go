package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/checksumdb"
	"github.com/gopreflight/gopreflight/internal/goproxy"
	"github.com/gopreflight/gopreflight/internal/plain"
)

const helpSumdb = "\n\nA build with a complete go.sum does not need the database. What does: `go get`, `go mod tidy` with a line to\n" +
	"add, a workspace build that selects what no go.sum names, `-mod=mod`, and fetching another Go release."

const helpLocalHead = "\n\nThe go command keeps the newest tree head that it has seen in `GOPATH/pkg/sumdb/NAME/latest`, outside of the\n" +
	"module cache: `go clean -modcache` leaves it alone. Every lookup starts from it."

var (
	ruleSumdbUnreachable = &Rule{
		ID: "sumdb/unreachable", Severity: Warning, Transient: true,
		Summary: "The checksum database cannot be reached from here.",
		Help: "No proxy of GOPROXY passes the database on (they answer 404 to `/sumdb/NAME/supported`), so the go command\n" +
			"goes to the database's own host, and does not get through; or the proxy that passes it on fails. Open the\n" +
			"way to the host, or have the module proxy pass the database on: it is a few paths below `/sumdb/`." + helpSumdb,
	}
	ruleSumdbRefused = &Rule{
		ID: "sumdb/refused", Severity: Warning, Transient: true,
		Summary: "The checksum database, or the proxy on the way to it, answers with an error.",
		Help: "To `/sumdb/NAME/supported` a proxy answers 200 if it passes the database on, and 404 or 410 if it does not:\n" +
			"the go command then asks the next entry, at last the database itself. Any other answer ends it, unless `|`\n" +
			"follows the entry. Proxies that answer 403 or 500 there keep everybody from verifying anything new: have\n" +
			"them answer 404." + helpSumdb,
	}
	ruleSumdbContent = &Rule{
		ID: "sumdb/content", Severity: Warning,
		Summary: "What answers for the checksum database sends something else than was asked for.",
		Help: "A login page, an index page or a cut-off answer stands where a signed record should. A proxy that answers\n" +
			"200 to everything makes the go command believe that it passes the database on. Check the path in GOPROXY,\n" +
			"and whether a portal answers in its place." + helpSumdb,
	}
	ruleSumdbUntrusted = &Rule{
		ID: "sumdb/untrusted", Severity: Error,
		Summary: "What answers for the checksum database is not signed by its key, or not what it signed.",
		Help: "The tree head has no signature by the key that GOSUMDB names, or a record or tile is not in the signed tree.\n" +
			"The go command believes none of it and stops. Mostly a proxy serves another database under this name, or\n" +
			"rewrites answers; GOSUMDB can also name the wrong key. Treat it as an attack until it is explained." + helpSumdb,
	}
	ruleSumdbForked = &Rule{
		ID: "sumdb/forked", Severity: Error,
		Summary: "The checksum database shows a tree that is not of the same history as before.",
		Help: "The tree only ever grows, and an earlier run has seen a signed tree that the present one does not contain. Both\n" +
			"are signed by the database's key: it shows different trees to different people, or to you at different\n" +
			"times, which is what the log is made to reveal. The go command says \"go.sum database server misbehavior\n" +
			"detected\". Keep the two tree heads of the finding and report them to the database's operator.",
	}
	ruleSumdbNeeded = &Rule{
		ID: "sumdb/needed", Severity: Error, Transient: true,
		Summary: "A build here has to look something up, and the checksum database cannot be asked or believed.",
		Help: "In a workspace, and with `-mod=mod`, the go command adds missing lines to go.work.sum or go.sum by itself, and\n" +
			"asks the database about each. The finding lists what no go.sum names. Mend what the other finding of this\n" +
			"check says; or add the lines where the database can be asked, and commit them.",
	}
	ruleSumdbLocalMalformed = &Rule{
		ID: "sumdb/local-malformed", Severity: Warning,
		Summary: "The go command's own tree head of the checksum database is damaged.",
		Help: "Every lookup stops with \"initializing sumdb.Client: reading tree note: malformed note\", whatever the database\n" +
			"answers. Delete the file: the go command starts anew from what the database says." + helpLocalHead,
	}
	ruleSumdbLocalForeign = &Rule{
		ID: "sumdb/local-foreign", Severity: Warning,
		Summary: "The go command's own tree head is not signed by the checksum database's key.",
		Help: "Every lookup stops with \"note has no verifiable signatures\". The file is of another database of the same name\n" +
			"(a private one whose key was changed, a test), or was edited. Delete it once you know why." + helpLocalHead,
	}
	ruleSumdbLocalForked = &Rule{
		ID: "sumdb/local-forked", Severity: Error,
		Summary: "The go command's own tree head is not of the checksum database's history.",
		Help: "Both are signed by the database's key, and neither contains the other: either the database shows different\n" +
			"trees to different people, or it was set up anew with its old key. Every lookup stops with \"downloaded\n" +
			"inconsistent tile\" or \"go.sum database server misbehavior detected\". Keep the file: with the database's present tree it is the proof. Report both\n" +
			"to the database's operator." + helpLocalHead,
	}
	ruleSumdbLocalUnreadable = &Rule{
		ID: "sumdb/local-unreadable", Severity: Warning,
		Summary: "The go command's own tree head of the checksum database cannot be read.",
		Help:    "Every lookup stops with the same error. Give the file to the user that builds, or delete it." + helpLocalHead,
	}
	ruleSumdbUnverified = &Rule{
		ID: "sumdb/unverified", Severity: Notice,
		Summary: "Module versions that no go.sum names would be taken without verification.",
		Help: "GOSUMDB=off, or a pattern of GONOSUMDB (GOPRIVATE unless it is set), keeps the go command from asking the\n" +
			"checksum database about them. Whoever adds their lines takes what is served at that moment, and a workspace\n" +
			"build does so by itself, without a word. For private modules that is how it has to be: add the lines on a\n" +
			"machine that you trust, and commit them. Public ones should be verified: narrow the pattern.",
	}
)

// judge makes the findings of what is known.
func (f *sumdbFacts) judge(s *Session) []Finding {
	var findings []Finding
	if f.fault != nil {
		findings = append(findings, f.judgeFault())
	} else if finding := f.judgeLocal(); finding != nil {
		findings = append(findings, *finding)
	}
	adding := slices.DeleteFunc(slices.Clone(f.needs), func(n neededSum) bool { return !n.adds })
	if len(findings) > 0 && len(adding) > 0 {
		needed := ruleSumdbNeeded.Finding("%s not in go.sum cannot be verified here: a build that adds the lines stops", plain.Count(len(adding), "module version"))
		needed.File, needed.Line = adding[0].file, adding[0].line
		needed.Evidence = append(neededTexts(adding), findings[0].Message)
		needed.Transient = findings[0].Transient
		needed.Fix.Description = "Mend what keeps the checksum database from being asked, or add the lines where it can be asked and commit them."
		findings = append(findings, needed)
	}
	return append(findings, f.judgeUnverified(s)...)
}

// sumdbRule is the rule that names a fault.
func sumdbRule(kind checksumdb.Kind) *Rule {
	switch kind {
	case checksumdb.Unreachable:
		return ruleSumdbUnreachable
	case checksumdb.Malformed:
		return ruleSumdbContent
	case checksumdb.Unsigned, checksumdb.Inconsistent:
		return ruleSumdbUntrusted
	case checksumdb.Fork:
		return ruleSumdbForked
	}
	return ruleSumdbRefused
}

// judgeFault is the finding about a database that cannot be asked or believed.
func (f *sumdbFacts) judgeFault() Finding {
	rule := sumdbRule(f.fault.Kind)
	atSupported := f.endpoint.URL == "" && len(f.endpoint.Asked) > 0
	host := f.fault.Host
	if host == "" {
		host = f.endpoint.Host
	}
	var message string
	switch {
	case atSupported && rule == ruleSumdbRefused:
		message = fmt.Sprintf("%s does not say whether it passes %s on (%s), and the go command stops there", host, f.name, f.fault.Text)
	case rule == ruleSumdbUnreachable && f.endpoint.Entry < 0 && len(f.endpoint.Asked) > 0 && !atSupported:
		message = fmt.Sprintf("no proxy passes %s on, and %s cannot be reached: %s", f.name, host, f.fault.Text)
	case rule == ruleSumdbUnreachable && host == f.name:
		message = fmt.Sprintf("%s cannot be reached: %s", f.name, f.fault.Text)
	case rule == ruleSumdbUnreachable:
		message = fmt.Sprintf("%s cannot be reached: %s: %s", f.name, host, f.fault.Text)
	case rule == ruleSumdbForked:
		message = fmt.Sprintf("%s shows a tree that is not of the same history as one that was seen before", f.name)
	case rule == ruleSumdbRefused:
		message = fmt.Sprintf("%s answers for %s with an error: %s", host, f.name, f.fault.Text)
	default:
		message = fmt.Sprintf("%s answers for %s, and is not to be believed: %s", host, f.name, f.fault.Text)
	}
	finding := rule.Finding("%s", message)
	finding.Key, finding.Transient = f.name, f.fault.Transient()
	for _, a := range f.endpoint.Asked {
		text := "passes it on"
		if a.Fault != nil {
			text = a.Fault.Text
		}
		finding.Evidence = append(finding.Evidence, a.Entry.String()+": /sumdb/"+f.name+"/supported: "+text)
	}
	if f.fault.URL != "" {
		finding.Evidence = append(finding.Evidence, "at: "+f.fault.URL)
	}
	finding.Evidence = slices.Concat(finding.Evidence, f.fault.Detail, f.consequence())
	finding.Fix.Description = f.advice(rule, host, atSupported)
	return finding
}

// consequence says what does not work.
func (f *sumdbFacts) consequence() []string {
	lines := []string{"nothing that go.sum does not name can be added here: go get, go mod tidy with a line to add, another Go release; builds with a complete go.sum do without"}
	if len(f.needs) > 0 {
		lines = append(lines, "not in go.sum: "+strings.Join(neededTexts(f.needs), ", "))
	}
	return lines
}

// advice is what mends a fault, in a sentence.
func (f *sumdbFacts) advice(rule *Rule, host string, atSupported bool) string {
	switch rule {
	case ruleSumdbUnreachable:
		if f.fault.Phase == goproxy.HTTPProxy {
			return "Correct HTTPS_PROXY or HTTP_PROXY, or list the host in NO_PROXY."
		}
		if f.endpoint.Entry < 0 && !f.endpoint.Named && !atSupported {
			return "Open the way to " + host + ", or have a proxy of GOPROXY pass the database on at /sumdb/" + f.name + "/."
		}
		return "Bring " + host + " up, or open the way to it from here."
	case ruleSumdbRefused:
		if atSupported {
			return "Have " + host + " answer 404 if it does not pass the database on, or follow the entry by | in GOPROXY."
		}
		return "Ask who runs " + host + " why it answers so."
	case ruleSumdbForked:
		return "Keep both tree heads, and report them to the operator of " + f.name + "."
	}
	return "Correct the path in GOPROXY or the key in GOSUMDB, or the server that answers at " + host + "."
}

// judgeLocal is the finding about the go command's own tree head; nil for none.
func (f *sumdbFacts) judgeLocal() *Finding {
	l := f.local
	remove := "rm -f " + shellQuote(l.path)
	var finding Finding
	switch {
	case l.err != nil:
		finding = ruleSumdbLocalUnreadable.Finding("the go command's tree head of %s cannot be read: %v", f.name, l.err)
		finding.Fix = Fix{Description: "Delete it, or give it to the user that builds; the go command makes it anew.", Command: "rm -rf " + shellQuote(l.path)}
	case l.fault == nil:
		return nil
	case l.fault.Kind == checksumdb.Malformed && l.fault.URL == "":
		finding = ruleSumdbLocalMalformed.Finding("the go command's tree head of %s is damaged: %s", f.name, l.fault.Text)
		finding.Fix = Fix{Description: "Delete the file; the go command makes it anew.", Command: remove}
	case l.fault.Kind == checksumdb.Unsigned && l.fault.URL == "":
		finding = ruleSumdbLocalForeign.Finding("the go command's tree head of %s is not signed by the database's key: %s", f.name, l.fault.Text)
		finding.Fix = Fix{Description: "Delete the file; the go command makes it anew.", Command: remove}
	case l.fault.Kind == checksumdb.Fork:
		finding = ruleSumdbLocalForked.Finding("the go command's tree head of %s is not of the database's history", f.name)
		finding.Fix = Fix{Description: "Keep the file aside as the proof, and report it with the database's present tree.", Command: "mv " + shellQuote(l.path) + " " + shellQuote(l.path+".forked")}
	default:
		finding = sumdbRule(l.fault.Kind).Finding("whether the go command's tree head of %s is of the same history could not be found out: %s", f.name, l.fault.Text)
		finding.Transient = l.fault.Transient()
		if l.fault.URL != "" {
			finding.Evidence = append(finding.Evidence, "at: "+l.fault.URL)
		}
	}
	finding.Key = f.name
	finding.Evidence = append(finding.Evidence, "the file: "+l.path)
	if l.fault != nil {
		finding.Evidence = append(finding.Evidence, l.fault.Detail...)
	}
	finding.Evidence = append(finding.Evidence, f.consequence()...)
	return &finding
}

// judgeUnverified tells of what is taken without verification, where something here
// would be.
func (f *sumdbFacts) judgeUnverified(s *Session) []Finding {
	if len(f.unverified) == 0 {
		return nil
	}
	why := "GONOSUMDB (" + unverifiedPatterns(s.Env) + ") matches"
	if f.off {
		why = "GOSUMDB=off"
	}
	finding := ruleSumdbUnverified.Finding("%s not in go.sum would be taken without verification: %s", plain.Count(len(f.unverified), "module version"), why)
	finding.File, finding.Line, finding.Key = f.unverified[0].file, f.unverified[0].line, why
	finding.Evidence = neededTexts(f.unverified)
	if slices.ContainsFunc(f.unverified, func(n neededSum) bool { return n.adds }) {
		finding.Evidence = append(finding.Evidence, "a build here adds the lines by itself, without a word")
	}
	finding.Fix.Description = "Add the lines on a machine that you trust, and commit them."
	return []Finding{finding}
}
