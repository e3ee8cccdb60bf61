package checks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/checksumdb"
	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/goproxy"
	sums "github.com/gopreflight/gopreflight/internal/gosum"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

const (
	// maxLookupsAtOnce bounds how many module versions are asked for together; the
	// engine bounds the requests.
	maxLookupsAtOnce = 16
	// maxFailedLookups is after how many lookups without an answer, more than there
	// were answers, nobody is asked any more.
	maxFailedLookups = 8
	// maxLookups is up to how many lines are asked about: ten times as many as large
	// applications have. Somebody's change may have any number.
	maxLookups = 20_000
)

// sumNumbers count lines of go.sum by what became of them in the audit.
type sumNumbers struct {
	// Confirmed: the checksum database proves to have the hash.
	Confirmed int
	// Base: taken from the base revision as they are there, not asked about.
	Base int
	// Private: GONOSUMDB matches, the go command would not ask either.
	Private int
	// Withheld: of a module that shares host and owner with a main module, or of no
	// public host.
	Withheld int
	// Differ: the database has another hash.
	Differ int
	// Unknown: the database does not know the version, or has no such line.
	Unknown int
	// Unanswered: to be asked about, and no answer was to be had.
	Unanswered int
}

// toldBySumdb is the fingerprint of check sumdb's finding on a kind of fault; empty
// for none.
func (a *sumAudit) toldBySumdb(kind checksumdb.Kind) string {
	if r := a.s.Result(sumdbCheck); r != nil {
		for i := range r.Findings {
			if f := &r.Findings[i]; f.Rule == sumdbRule(kind).ID {
				return f.Fingerprint
			}
		}
	}
	return ""
}

// values are the counts by the name that they have among the facts.
func (n *sumNumbers) values() map[string]*int {
	return map[string]*int{
		"confirmed": &n.Confirmed, "fromBase": &n.Base, "private": &n.Private, "withheld": &n.Withheld,
		"differing": &n.Differ, "unknown": &n.Unknown, "unanswered": &n.Unanswered,
	}
}

// add adds the counts of a shard.
func (n *sumNumbers) add(m sumNumbers) {
	more := m.values()
	for name, count := range n.values() {
		*count += *more[name]
	}
}

// numbersOf are the counts among saved facts.
func numbersOf(facts map[string]any) sumNumbers {
	var n sumNumbers
	for name, count := range n.values() {
		*count = number(facts[name])
	}
	return n
}

// sumAudit holds lines of go.sum against the checksum database: those that the
// change adds or alters, or all.
type sumAudit struct {
	s *Session
	// client is nil where nothing is asked; why then says why.
	client *checksumdb.Client
	why    string
	// off says that it is the user's own wish that nothing is asked.
	off bool
	// all asks about every line, not only those that are not in the base.
	all bool

	// doubted are the findings of check modcache on module versions of which the
	// cache holds something else than go.sum names, by path@version: about those the
	// database is asked in any case.
	doubted map[string]*Finding

	// limit is up to how many lines are asked about.
	limit   int
	numbers sumNumbers
	lines   []auditLine
	answers map[module.Version]sumAnswer
}

// An auditLine is one line that is asked about.
type auditLine struct {
	sums.Line
	file sumFile
	// base is the hash of the same module version in the base; empty for none.
	base string
}

// A sumAnswer is what the database says about one line's module version.
type sumAnswer struct {
	hashes []string
	fault  *checksumdb.Fault
	err    error // another error, as that of ctx
}

// databaseRequired reports whether the policy wants every line of a change to be
// confirmed.
func (s *Session) databaseRequired() bool {
	return s.Config != nil && s.Config.Gosum.Database == config.Required
}

// newSumAudit decides whether anybody is asked. Without a base nobody knows the
// lines of the change; where the policy wants an answer, all are asked about then.
func newSumAudit(s *Session) *sumAudit {
	a := &sumAudit{
		s: s, all: s.Deep || s.databaseRequired() && s.Base == nil,
		answers: map[module.Version]sumAnswer{}, doubted: map[string]*Finding{}, limit: maxLookups,
	}
	if r := s.Result(modcache); r != nil {
		for i := range r.Findings {
			if f := &r.Findings[i]; f.Rule == ruleSumMismatch.ID {
				a.doubted[f.Module] = f
			}
		}
	}
	switch first, _, _ := strings.Cut(strings.ReplaceAll(s.Env.Get("GOPROXY"), "|", ","), ","); {
	case s.Offline:
		a.why, a.off = "offline", true
	case !a.all && s.Base == nil && s.NoBase == "":
		a.why = "there is no base revision"
	case !a.all && s.Base == nil:
		a.why = s.NoBase
	case s.Env.Get("GOSUMDB") == "off":
		a.why = "GOSUMDB=off"
	case strings.TrimSpace(first) == goproxy.Off:
		// Nothing is downloaded then, and so nothing looked up.
		a.why = "GOPROXY=off"
	default:
		client, err := s.checksumDB()
		if err != nil {
			a.why = err.Error()
			break
		}
		a.client = client
	}
	return a
}

// name is the database's; empty where it is not asked.
func (a *sumAudit) name() string {
	if a.client == nil {
		return ""
	}
	return a.client.Name()
}

// mine reports whether a file is one of this shard's: its module's, or that of the
// first member of its workspace.
func (a *sumAudit) mine(f sumFile) bool {
	return slices.ContainsFunc(a.s.Modules, func(m *repo.Module) bool { return m.Dir == f.dir })
}

// add takes the lines of a file in.
func (a *sumAudit) add(ctx context.Context, f sumFile) error {
	if a.client == nil || !a.mine(f) {
		return nil
	}
	base, err := a.baseSums(ctx, f)
	if err != nil {
		return err
	}
	for _, l := range f.parsed.Lines {
		hashes := base.Hashes(l.Mod())
		switch {
		case !l.Known():
		case a.client.Asks(l.Path) != nil:
			a.numbers.Private++
		case !a.all && slices.Contains(hashes, l.Hash) && a.doubted[l.Path+"@"+l.Version] == nil:
			a.numbers.Base++
		case !a.mayAsk(l.Path):
			a.numbers.Withheld++
		default:
			line := auditLine{Line: l, file: f}
			if len(hashes) == 1 {
				line.base = hashes[0]
			}
			a.lines = append(a.lines, line)
		}
	}
	return nil
}

// baseSums is what a file says in the base revision; nothing where it is not there
// or there is no base.
func (a *sumAudit) baseSums(ctx context.Context, f sumFile) (sums.Sums, error) {
	if a.s.Base == nil || localFile(f.file.Name) == "" {
		return nil, nil
	}
	data, err := a.s.Base.ReadFile(ctx, f.file.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		var parsed *sums.File
		if parsed, err = sums.Parse(data); err == nil {
			return parsed.Sums(), nil
		}
	}
	if a.all {
		return nil, nil // it would only be evidence
	}
	return nil, fmt.Errorf("cannot read %s of the base revision: %w", f.file.Name, err)
}

// mayAsk reports whether a module's name may be sent: unless the policy says so, not
// one that looks private, nor one of a main module's own host and owner.
func (a *sumAudit) mayAsk(path string) bool {
	if a.s.Config != nil && slices.ContainsFunc(a.s.Config.Gosum.Ask, func(p string) bool { return module.MatchPrefixPatterns(p, path) }) {
		return true
	}
	pattern, _ := looksPrivate(a.s, path)
	return pattern == "" && !slices.ContainsFunc(a.s.Repo.Modules, func(m *repo.Module) bool { return sameOwner(m.Path, path) })
}

// ask asks about all lines, many at once.
func (a *sumAudit) ask(ctx context.Context) {
	var order []module.Version
	for _, l := range a.lines {
		if _, ok := a.answers[l.Mod()]; ok {
			continue
		}
		a.answers[l.Mod()] = sumAnswer{err: errNotAsked}
		if len(order) < a.limit {
			order = append(order, l.Mod())
		}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var done, answered, failed atomic.Int64
	queue := make(chan module.Version)
	for range min(maxLookupsAtOnce, len(order)) {
		wg.Go(func() {
			for mod := range queue {
				var answer sumAnswer
				if n := failed.Load(); n >= maxFailedLookups && n > answered.Load() {
					answer.err = errNotAsked
				} else {
					answer = a.lookup(ctx, mod)
				}
				switch f := answer.fault; {
				case answer.err == nil && (f == nil || f.Kind == checksumdb.Unknown):
					answered.Add(1)
				default:
					failed.Add(1)
				}
				if n := done.Add(1); n%25 == 0 && a.s.Progress != nil {
					a.s.Progress("%s of %s held against the checksum database", plain.Thousands(int(n)), plain.Count(len(order), "line"))
				}
				mu.Lock()
				a.answers[mod] = answer
				mu.Unlock()
			}
		})
	}
	for _, mod := range order {
		queue <- mod
	}
	close(queue)
	wg.Wait()
}

// errNotAsked is the answer to what nobody was asked.
var errNotAsked = errors.New("not asked")

func (a *sumAudit) lookup(ctx context.Context, mod module.Version) sumAnswer {
	hashes, err := a.client.Lookup(ctx, mod)
	answer := sumAnswer{hashes: hashes, err: err}
	if errors.As(err, &answer.fault) {
		answer.err = nil
	}
	return answer
}

// judge counts the lines and tells of those that are not confirmed. The error says
// what the policy wants to know and nobody could tell.
func (a *sumAudit) judge(ctx context.Context) ([]Finding, error) {
	if a.client == nil {
		if a.s.databaseRequired() && !a.off {
			return nil, fmt.Errorf("gosum.database is required, and the checksum database is not asked: %s", a.why)
		}
		return nil, nil
	}
	a.ask(ctx)
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	var findings []Finding
	var differ, unknown []auditLine
	faults := map[checksumdb.Kind]*checksumdb.Fault{}
	for _, l := range a.lines {
		answer := a.answers[l.Mod()]
		switch {
		case answer.err != nil:
			a.numbers.Unanswered++
		case answer.fault != nil && answer.fault.Kind == checksumdb.Unknown:
			a.numbers.Unknown++
			unknown = append(unknown, l)
		case answer.fault != nil:
			a.numbers.Unanswered++
			if faults[answer.fault.Kind] == nil {
				faults[answer.fault.Kind] = answer.fault
			}
		case slices.Contains(answer.hashes, l.Hash):
			a.numbers.Confirmed++
			if doubt := a.doubted[l.Path+"@"+l.Version]; doubt != nil && doubt.Key == lineKey(l.Line) {
				findings = append(findings, a.cacheDiffers(l, doubt))
			}
		case len(answer.hashes) == 0:
			a.numbers.Unknown++
			unknown = append(unknown, l)
		default:
			a.numbers.Differ++
			differ = append(differ, l)
		}
	}
	findings = append(findings, a.mismatches(ctx, differ)...)
	findings = append(findings, a.unknownVersions(unknown)...)
	findings = append(findings, a.faultFindings(faults)...)
	if a.numbers.Unanswered > 0 && len(faults) == 0 {
		f := ruleSumDatabaseUnanswered.Finding("there are more lines than the %s that the checksum database is asked about", plain.Thousands(a.limit))
		f.Transient = false
		findings = append(findings, f)
	}
	if a.numbers.Unanswered > 0 && a.s.databaseRequired() {
		return findings, errors.New("gosum.database is required, and there are lines that it could not be asked about")
	}
	return findings, nil
}

// unknownVersions tells of versions that the database does not know, each once in a
// file.
func (a *sumAudit) unknownVersions(lines []auditLine) []Finding {
	var findings []Finding
	byFile := map[string]int{}
	told := map[string]bool{}
	for _, l := range lines {
		id := l.Path + "@" + l.Version
		if told[l.file.file.Name+"\x00"+id] {
			continue
		}
		told[l.file.file.Name+"\x00"+id] = true
		if byFile[l.file.file.Name]++; byFile[l.file.file.Name] > maxBadLines {
			continue
		}
		f := l.file.place(ruleSumDatabaseUnknown.Finding("the checksum database %s does not know %s", a.client.Name(), id), l.Num)
		f.Module = id
		if answer := a.answers[l.Mod()]; answer.fault != nil {
			f.Evidence = append([]string{answer.fault.Error()}, answer.fault.Detail...)
		} else {
			f.Evidence = []string{"its record of the version has no line for " + lineSubject(l.Line)}
		}
		f.Evidence = append(f.Evidence, "nobody but go.sum vouches for this version, and whoever adds it anew gets an error from the go command")
		f.Fix.Description = "If the module is private, name it in GOPRIVATE or GONOSUMDB; else find out where this version came from."
		findings = append(findings, f)
	}
	for name, n := range byFile {
		if n <= maxBadLines {
			continue
		}
		for i := range findings {
			if f := &findings[i]; f.File == name {
				f.Evidence = append(f.Evidence, fmt.Sprintf("so it is with %s of this file", plain.Count(n, "module version")))
				break
			}
		}
	}
	return findings
}

// faultFindings tells why there was no answer: what nobody should believe as an
// error, what could not be asked as a notice.
func (a *sumAudit) faultFindings(faults map[checksumdb.Kind]*checksumdb.Fault) []Finding {
	var findings []Finding
	for _, kind := range []checksumdb.Kind{checksumdb.Fork, checksumdb.Unsigned, checksumdb.Inconsistent, checksumdb.Malformed, checksumdb.Refused, checksumdb.Unreachable} {
		fault := faults[kind]
		if fault == nil {
			continue
		}
		who := fault.Host
		if who == "" {
			who = a.client.Name()
		}
		rule, what := ruleSumDatabaseUnanswered, "the checksum database could not be asked about lines of go.sum"
		switch kind {
		case checksumdb.Fork, checksumdb.Unsigned, checksumdb.Inconsistent:
			rule, what = ruleSumDatabaseUntrusted, "what answers for the checksum database is not to be believed"
		}
		f := rule.Finding("%s: %s: %s", what, who, fault.Text)
		f.Key, f.Transient, f.CausedBy = string(kind), fault.Transient(), a.toldBySumdb(kind)
		f.Evidence = slices.Concat(fault.Detail, []string{"the lines stay unproven"})
		f.Fix.Description = "See check sumdb for where the database is asked from here."
		findings = append(findings, f)
	}
	return findings
}

// why says, for the link, why no line is proven or some are not; empty when all are.
func (n sumNumbers) why(lines int, notAsked string) string {
	if notAsked != "" {
		return "not held against the checksum database: " + notAsked
	}
	if n.Confirmed == lines {
		return ""
	}
	return n.String()
}

// String is the counts for people: "3 confirmed, 500 taken from base".
func (n sumNumbers) String() string {
	parts := []string{plain.Thousands(n.Confirmed) + " confirmed by the checksum database"}
	for _, part := range []struct {
		n    int
		text string
	}{
		{n.Differ, "other than it has"},
		{n.Unknown, "unknown to it"},
		{n.Unanswered, "without an answer"},
		{n.Base, "taken from base"},
		{n.Private, "private (GONOSUMDB)"},
		{n.Withheld, "of this repository's own host and owner, or of no public host, not asked about"},
	} {
		if part.n > 0 {
			parts = append(parts, plain.Thousands(part.n)+" "+part.text)
		}
	}
	return strings.Join(parts, ", ")
}
