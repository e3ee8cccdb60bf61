package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	sums "github.com/gopreflight/gopreflight/internal/gosum"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// gosum asks whether every go.sum and go.work.sum is well formed, says one
// thing only, and has the lines that go mod tidy would write. It reads what the
// go command skips or never reaches: a bad line that go mod tidy leaves alone, a
// second hash for the same module behind the right one. The checksum database is
// asked about the lines that the change adds or alters, with --deep about all: a
// request for each module version. Never asked is about modules that GONOSUMDB
// matches or that share host and owner with a main module.
var gosum = &Check{
	Name:  "gosum",
	Stage: StageCache,
	Title: "go.sum is well formed and complete",
	Doc: "Reads every line of every go.sum and go.work.sum: fields, module versions, hashes, conflict\n" +
		"markers, and lines that name different hashes for the same content, in one file or in two.\n\n" +
		"The go command tries lines from the top and stops at the first that fits, so a wrong line behind\n" +
		"the right one is never noticed by any command, and `go mod tidy` keeps most bad lines.\n\n" +
		"Missing and unused lines are those that `go mod tidy -diff` would add or remove, in a module whose\n" +
		"go.mod is tidy.\n\n" +
		"The lines that the change adds or alters (with `--deep`: all) are held against the checksum database,\n" +
		"asked where the go command would ask it and believed only with its proofs; tiles of its log are kept in\n" +
		"the user's cache folder. Modules that GONOSUMDB matches are counted and left out, and so are those of a\n" +
		"main module's own host and owner unless `gosum.ask` names them. Where a line differs, the base revision,\n" +
		"the module cache and the place that the go command would download from are asked which one is the odd one\n" +
		"out. It costs one request for each module version, and some for tiles. Without a base revision nothing is asked.",
	After: []*Check{env, sumdbCheck, toolchainCheck, gomod, modcache, buildcache},
	Rules: []*Rule{
		ruleSumMalformed, ruleSumMergeConflict, ruleSumConflict, ruleSumAlgorithm, ruleSumUnusable,
		ruleSumMissing, ruleSumUnused, ruleSumForm,
		ruleSumDatabaseMismatch, ruleSumDatabaseUnknown, ruleSumDatabaseUntrusted, ruleSumDatabaseUnanswered, ruleSumCacheDiffers,
	},
	Join: joinGosum,
	Run:  runGosum,
}

var (
	ruleSumMalformed = &Rule{
		ID:       "gosum/malformed",
		Severity: Error,
		Blocks:   true,
		Summary:  "A line of go.sum is malformed.",
		Help: "A line is a module path, a version and a hash. With another number of fields, every go command\n" +
			"but `go mod tidy` stops with \"malformed go.sum\"; with a hash that no content can have, builds\n" +
			"stop with \"checksum mismatch\" as soon as the module is needed, or find the entry missing.\n\n" +
			"Restore the file from version control, or take the line out and run `go mod tidy`, which writes\n" +
			"missing lines after asking the checksum database. `go mod tidy` alone does not always take a bad\n" +
			"line out. Do not delete the file: its other lines are the record of what was reviewed.",
	}
	ruleSumMergeConflict = &Rule{
		ID:       "gosum/merge-conflict",
		Severity: Error,
		Blocks:   true,
		Summary:  "go.sum holds the conflict markers of a merge.",
		Help: "Every go command but `go mod tidy` stops with \"malformed go.sum\", but for markers that happen to\n" +
			"have three words: those pass unnoticed.\n\n" +
			"Keep the lines of both sides, take only the markers out, resolve go.mod, then run `go mod tidy`,\n" +
			"which drops what is not needed.",
	}
	ruleSumConflict = &Rule{
		ID:       "gosum/conflict",
		Severity: Error,
		Blocks:   true,
		Summary:  "Two go.sum lines name different hashes for the same module version.",
		Help: "A module version has one content, so one of the lines is wrong: a bad merge, an edit, or a\n" +
			"version that was published twice. The go command tries the lines of a file from the top: behind\n" +
			"the right line, a wrong one is never noticed by any command; in front of it, every build stops\n" +
			"with a SECURITY ERROR.\n\n" +
			"Fetch an independent copy, whose hash the checksum database vouches for, and take out the line\n" +
			"that differs from it. Look up in version control how it got there.",
	}
	ruleSumAlgorithm = &Rule{
		ID:       "gosum/unknown-algorithm",
		Severity: Warning,
		Summary:  "A go.sum line uses a hash algorithm that no go command knows.",
		Help: "Every released go command knows only `h1:`. Another line counts as missing: builds fail with\n" +
			"\"missing go.sum entry\" unless a line with `h1:` stands beside it, and commands that write go.sum\n" +
			"print a SECURITY WARNING and trust what they downloaded.\n\nTake the line out and run `go mod tidy`.",
	}
	ruleSumUnusable = &Rule{
		ID:       "gosum/unusable-line",
		Severity: Warning,
		Summary:  "A go.sum line names something that is no module version.",
		Help: "The go command reads such a line and never uses it, so whatever it was meant to protect is not\n" +
			"protected. It did not write the line: somebody or some tool edited the file.\n\n" +
			"Restore the file from version control, or take the line out.",
	}
)

// maxBadLines is up to how many bad lines of a kind get a finding each; more
// are one finding (somebody committed something else under this name).
const maxBadLines = 20

func runGosum(ctx context.Context, s *Session) (Facts, []Finding, error) {
	held := contentHeld(s.Result(modcache))
	between := linesSeen{}
	tally := sumTally{byModule: map[*repo.Module]ModuleStatus{}}
	audit := newSumAudit(s)
	var findings []Finding
	for _, f := range sumFiles(s.allModules()) {
		err := f.parse()
		tally.add(f, err)
		if err != nil {
			continue
		}
		findings = append(findings, f.badLines()...)
		findings = append(findings, f.conflicts(held)...)
		findings = append(findings, between.conflicts(f, held)...)
		if err := audit.add(ctx, f); err != nil {
			// Which lines are the change's is not known then, of any file.
			audit.client, audit.why = nil, err.Error()
		}
	}
	audited, err := audit.judge(ctx)
	if err != nil {
		tally.errs = append(tally.errs, err)
	}
	tally.audited, tally.database, tally.notAsked = audit.numbers, audit.name(), audit.why
	findings = append(findings, tally.compare(ctx, s, findings)...)
	findings = append(findings, audited...)
	return tally.facts(tally.statuses(s.Modules), findings), findings, errors.Join(tally.errs...)
}

// joinGosum sums up what shards found out: each has read every file, and compared
// the go.sum of its own modules with what go mod tidy would write.
func joinGosum(j *Joint) Facts {
	var tally sumTally
	known := false
	for _, facts := range j.Facts {
		if len(facts) == 0 {
			continue // a shard that did not answer knows no numbers
		}
		known = true
		tally.files, tally.read, tally.lines = number(facts["files"]), number(facts["read"]), number(facts["lines"])
		tally.complete += number(facts["complete"])
		tally.audited.add(numbersOf(facts))
		tally.database, _ = facts["database"].(string)
		if why, _ := facts["notAsked"].(string); why != "" {
			tally.notAsked = why
		}
	}
	if !known {
		return Facts{} // an untrusted report, of which no facts are believed
	}
	facts := tally.facts(j.Modules, j.Findings)
	// A policy may have taken the finding out that broke the link.
	if i := slices.IndexFunc(j.Links, func(l Link) bool { return l.State == Broken }); i >= 0 && facts.Link.State != Broken {
		facts.Link.State, facts.Link.Why = Broken, j.Links[i].Why
	}
	return facts
}

// compare asks, for every module whose go.sum has no fault by itself, which
// lines are missing or unused, and notes where that cannot be told.
func (t *sumTally) compare(ctx context.Context, s *Session, faults []Finding) []Finding {
	sound := *s
	sound.Modules = nil
	for _, m := range s.Modules {
		faulty := slices.ContainsFunc(faults, func(f Finding) bool { return f.Dir == m.Dir })
		if s.Go != nil && t.byModule[m].err == nil && !faulty {
			sound.Modules = append(sound.Modules, m)
		}
	}
	statuses, findings := sound.forEachModule(ctx, func(ctx context.Context, m *repo.Module) (string, []Finding, error) {
		found, err := judgeTidySum(ctx, s, m)
		return "", found, err
	})
	for i, m := range sound.Modules {
		if statuses[i].err == nil {
			t.complete++
		}
		status, ok := t.byModule[m]
		var sk *skip
		switch err := statuses[i].err; {
		case ok && t.notAsked == "" && errors.As(err, &sk):
			// Its lines were read and held against the database: that is an answer.
			status.Reason += "; not compared with go mod tidy: " + sk.reason
			t.byModule[m] = status
		case ok || err != nil:
			status.Dir, status.err = m.Dir, err
			t.byModule[m] = status
		}
	}
	return findings
}

// sumTally sums up what was read.
type sumTally struct {
	files, read, lines int
	// complete counts the modules of which it is known what tidy would write.
	complete int
	// audited are the lines by what the checksum database, whose name database is,
	// says; notAsked is why it was not asked, empty where it was.
	audited            sumNumbers
	database, notAsked string
	// byModule is the outcome of each main module that has a go.sum.
	byModule map[*repo.Module]ModuleStatus
	// errs are about files that are no single module's.
	errs []error
}

func (t *sumTally) add(f sumFile, err error) {
	t.files++
	status := ModuleStatus{Status: Passed, err: err}
	if err == nil {
		t.read++
		t.lines += len(f.parsed.Lines)
		status.Reason = plain.Count(len(f.parsed.Lines), "line")
	}
	if f.module != nil {
		status.Dir = f.module.Dir
		t.byModule[f.module] = status
	} else if err != nil {
		t.errs = append(t.errs, err)
	}
}

// statuses are the outcomes of modules.
func (t *sumTally) statuses(modules []*repo.Module) []ModuleStatus {
	statuses := make([]ModuleStatus, len(modules))
	for i, m := range modules {
		var ok bool
		if statuses[i], ok = t.byModule[m]; !ok {
			statuses[i] = ModuleStatus{Dir: m.Dir, Status: Skipped, Reason: "no go.sum"}
		}
	}
	return statuses
}

// facts are the summary and the link.
func (t *sumTally) facts(statuses []ModuleStatus, findings []Finding) Facts {
	link := &Link{Link: "gosum", State: Consistent, Against: "itself", Total: t.lines, Unit: "lines"}
	// A line that nothing needs, or that stands elsewhere than tidy wants it,
	// leaves every module tied to its hash.
	breaking, _ := splitFindings(findings, func(f Finding) bool {
		return slices.Contains([]string{ruleSumMalformed.ID, ruleSumMergeConflict.ID, ruleSumConflict.ID, ruleSumMissing.ID, ruleSumDatabaseMismatch.ID}, f.Rule)
	})
	orderFindings(breaking)
	t.prove(link)
	switch {
	case len(breaking) > 0:
		link.State, link.Why = Broken, breaking[0].Message
	case t.files == 0:
		link.State, link.Why = Absent, "no go.sum"
	case t.read < t.files:
		link.State, link.Why = Unproven, "not every go.sum could be read"
	case t.complete < len(statuses):
		link.Why = strings.TrimPrefix(link.Why+"; whether it is complete could not be found out", "; ")
	}
	values := map[string]any{"files": t.files, "read": t.read, "lines": t.lines, "complete": t.complete}
	if t.notAsked != "" {
		values["notAsked"] = t.notAsked
	} else {
		values["database"] = t.database
		for name, n := range t.audited.values() {
			values[name] = *n
		}
	}
	return Facts{Summary: t.summary(len(statuses)), Link: link, Modules: statuses, Values: values}
}

// prove says how well the lines are known. Only what the checksum database itself
// confirmed in this run is proven: a line that stands in the base revision as it
// is here was reviewed, but nobody outside was asked about it.
func (t *sumTally) prove(link *Link) {
	link.Why = t.audited.why(t.lines, t.notAsked)
	if t.notAsked != "" {
		return
	}
	link.Against, link.Proven = "checksum database", t.audited.Confirmed
	switch n := t.audited; {
	case n.Confirmed == t.lines && t.lines > 0:
		link.State = Proven
	case n.Unknown+n.Unanswered > 0:
		link.State = Unproven
	}
}

// summary is one line for people: "2 lines in 1 file, well formed and complete".
func (t *sumTally) summary(modules int) string {
	text := fmt.Sprintf("%s in %s, well formed", plain.Count(t.lines, "line"), plain.Count(t.read, "file"))
	switch t.complete {
	case modules:
		text += " and complete"
	case 0:
	default:
		text = fmt.Sprintf("%s, complete in %s of %s", text, plain.Thousands(t.complete), plain.Count(modules, "module"))
	}
	if t.notAsked != "" || t.lines == 0 || t.database == "" {
		return text
	}
	return text + "; " + t.audited.String()
}

// place puts a finding on a line of the file.
func (s sumFile) place(f Finding, line int) Finding {
	if f.File = localFile(s.file.Name); f.File != "" {
		f.Line = line
	}
	if s.module != nil {
		f.Dir = s.module.Dir
	}
	return f
}

// badLines tells of the lines that are not what a go command writes.
func (s sumFile) badLines() []Finding {
	byKind := map[sums.Kind][]sums.Bad{}
	for _, b := range s.parsed.Bad {
		byKind[b.Kind] = append(byKind[b.Kind], b)
	}
	var findings []Finding
	if markers := byKind[sums.Marker]; len(markers) > 0 {
		findings = append(findings, s.mergeConflict(markers))
	}
	for _, kind := range []sums.Kind{sums.Fields, sums.Hash, sums.Algorithm, sums.Module} {
		bad := byKind[kind]
		if len(bad) > maxBadLines {
			f := s.place(badRule(kind).Finding("%s, first: %s", plain.Count(len(bad), "bad line"), bad[0].Reason), bad[0].Num)
			for _, b := range bad[:maxBadLines] {
				f.Evidence = append(f.Evidence, fmt.Sprintf("line %d: %s", b.Num, b.Reason))
			}
			f.Key = string(kind)
			f.Fix.Description = "Restore the file from version control."
			findings = append(findings, f)
			continue
		}
		for _, b := range bad {
			f := s.place(badRule(kind).Finding("%s", b.Reason), b.Num)
			if b.Text != "" {
				f.Evidence = []string{b.Text}
			}
			f.Fix = s.fixBad(b)
			findings = append(findings, f)
		}
	}
	return findings
}

func badRule(kind sums.Kind) *Rule {
	switch kind {
	case sums.Algorithm:
		return ruleSumAlgorithm
	case sums.Module:
		return ruleSumUnusable
	}
	return ruleSumMalformed
}

// mergeConflict is one finding for all markers of a file.
func (s sumFile) mergeConflict(markers []sums.Bad) Finding {
	first, last := markers[0], markers[len(markers)-1]
	f := s.place(ruleSumMergeConflict.Finding("%s of a merge, first: %s", plain.Count(len(markers), "conflict marker"), first.Text), first.Num)
	if f.File != "" && last.Num > first.Num {
		f.EndLine = last.Num
	}
	for _, m := range markers[:min(len(markers), maxBadLines)] {
		f.Evidence = append(f.Evidence, fmt.Sprintf("line %d: %s", m.Num, m.Text))
	}
	f.Fix = Fix{
		Description: "Keep the lines of both sides and take the markers out; then resolve go.mod and run go mod tidy.",
		Command:     s.rewrite(`awk '!/^(<<<<<<<|[|][|][|][|][|][|][|]|=======|>>>>>>>)([ \r]|$)/' `, ""),
	}
	return f
}

// fixBad takes a bad line out, and lets the go command write a missing one.
func (s sumFile) fixBad(b sums.Bad) Fix {
	fix := Fix{Description: "Restore the file from version control, or take the line out and run go mod tidy."}
	switch {
	case b.Kind == sums.Fields && b.Text != "":
		fix.Command = s.rewrite("awk 'NF == 0 || NF == 3' ", "")
	case b.Text == "" || s.parsed.CRLF > 0 || plain.Line(b.Text) != b.Text:
		return fix // no command would find exactly this line
	default:
		// grep fails where no line is left.
		fix.Command = s.rewrite("grep -vxF -e "+shellQuote(b.Text)+" ", " || [ $? = 1 ]")
	}
	if b.Kind == sums.Module {
		fix.Description = "Restore the file from version control, or take the line out."
	} else {
		fix.Command += " && " + inDir(s.dir, "go mod tidy")
	}
	return fix
}

// rewrite is a command that replaces the file by what a filter leaves of it;
// unless says which failures of the filter are none.
func (s sumFile) rewrite(filter, unless string) string {
	name := shellQuote(s.file.Name)
	tmp := shellQuote(s.file.Name + ".new")
	command := filter + name + " > " + tmp
	if unless != "" {
		command = "{ " + command + unless + "; }"
	}
	return command + " && mv " + tmp + " " + name
}

// conflicts tells of lines in one file that contradict an earlier one.
func (s sumFile) conflicts(held map[module.Version]string) []Finding {
	var findings []Finding
	for _, c := range s.parsed.Conflicts() {
		f := s.place(ruleSumConflict.Finding(
			"another hash for %s than line %d has: the go command takes line %d, and never reaches this one",
			lineSubject(c.Other), c.First.Num, c.First.Num), c.Other.Num)
		f.Module, f.Key = c.Other.Path+"@"+c.Other.Version, lineKey(c.Other)
		f.Evidence = []string{
			fmt.Sprintf("line %d: %s", c.First.Num, c.First.Hash),
			fmt.Sprintf("line %d: %s", c.Other.Num, c.Other.Hash),
			fmt.Sprintf("if line %d is the wrong one, no go command ever notices; if line %d is, builds stop with \"checksum mismatch\"", c.Other.Num, c.First.Num),
		}
		switch held[c.Other.Mod()] {
		case c.First.Hash:
			f.Evidence = append(f.Evidence, fmt.Sprintf("the module cache holds what line %d names", c.First.Num))
		case c.Other.Hash:
			f.Evidence = append(f.Evidence, fmt.Sprintf("the module cache holds what line %d names", c.Other.Num))
		}
		f.Fix = Fix{
			Description: "Fetch an independent copy and compare: take out the line that differs from the printed Sum (GoModSum for a /go.mod line).",
			Command:     independentCopy(f.Module),
		}
		findings = append(findings, f)
	}
	return findings
}

// linesSeen are the first lines about each module version, in the files so far.
type linesSeen map[module.Version]struct {
	at   fileLine
	hash string
}

// conflicts tells of lines that contradict those of an earlier file, and
// remembers the file's own. What contradicts itself in one file is told there.
func (seen linesSeen) conflicts(f sumFile, held map[module.Version]string) []Finding {
	var findings []Finding
	index := f.parsed.Sums()
	told := map[module.Version]bool{}
	for _, l := range f.parsed.Lines {
		mod := l.Mod()
		if !l.Known() || told[mod] || len(index.Hashes(mod)) != 1 {
			continue
		}
		told[mod] = true
		here := fileLine{f.file.Name, l.Num}
		first, ok := seen[mod]
		if !ok {
			first.at, first.hash = here, l.Hash
			seen[mod] = first
		}
		if first.hash == l.Hash {
			continue
		}
		c := f.place(ruleSumConflict.Finding("another hash for %s than %s has: one of them is wrong", lineSubject(l), first.at), l.Num)
		c.Module, c.Key = l.Path+"@"+l.Version, lineKey(l)
		c.Evidence = []string{first.at.String() + ": " + first.hash, here.String() + ": " + l.Hash}
		switch held[mod] {
		case first.hash:
			c.Evidence = append(c.Evidence, "the module cache holds what "+first.at.String()+" names")
		case l.Hash:
			c.Evidence = append(c.Evidence, "the module cache holds what "+here.String()+" names")
		}
		c.Fix = Fix{
			Description: "Fetch an independent copy and compare: replace the line that differs from the printed Sum (GoModSum for a /go.mod line).",
			Command:     independentCopy(c.Module),
		}
		findings = append(findings, c)
	}
	return findings
}

// lineSubject names what a line is about.
func lineSubject(l sums.Line) string {
	if l.GoMod {
		return "the go.mod of " + l.Path + "@" + l.Version
	}
	return l.Path + "@" + l.Version
}

// lineKey tells the two lines of a module version apart.
func lineKey(l sums.Line) string {
	if l.GoMod {
		return "go.mod"
	}
	return ""
}

// independentCopy is a command that downloads a module version into an empty
// cache, outside of any module: only the checksum database has a say, and
// neither go.sum nor the cache in use is touched.
func independentCopy(id string) string {
	return `(cd "$(mktemp -d)" && GOWORK=off GOFLAGS=-modcacherw GOMODCACHE="$PWD" go mod download -json ` + shellQuote(id) + ")"
}

// contentHeld is what check modcache found in the module cache for modules
// about which go.sum lines contradict each other; empty when it did not look.
func contentHeld(r *Result) map[module.Version]string {
	if r == nil {
		return nil
	}
	held, _ := r.Facts[factDisputed].(map[string]any)
	out := make(map[module.Version]string, len(held))
	for id, hash := range held {
		path, version, _ := strings.Cut(id, "@")
		out[module.Version{Path: path, Version: version}], _ = hash.(string)
	}
	return out
}
