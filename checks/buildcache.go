package checks

import (
	"context"
	"fmt"
	goversion "go/version"
	"path/filepath"
	"slices"
	"strings"
	"time"

	gobuildcache "github.com/gopreflight/gopreflight/internal/buildcache"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/toolchain"
)

// buildcache asks whether the objects of the build cache are what their names
// say, because builds take them by their size. It does not ask what they were
// made of: nothing in the cache tells. It reads only and runs nothing; by default
// it stops after 10 s or 4 GiB, with --deep it looks at everything.
var buildcache = &Check{
	Name:  "buildcache",
	Stage: StageCache,
	Title: "the objects of the build cache are what their names say",
	Doc: "Hashes the objects in GOCACHE, each of which is named after the SHA-256 of its content, reads every\n" +
		"entry of its index, and looks for what no go command puts there. By default the newest 4 GiB, and no\n" +
		"longer than 10 seconds; what is left is counted as not looked at, and the link of the chain is then\n" +
		"`unproven`. `--deep` looks at everything.\n\n" +
		"A build takes compiled packages from there by their size, so an edited object is linked without a word.\n" +
		"The best that can be said is `consistent`: nothing ties an object to the sources it was made of. Who\n" +
		"writes an altered object with its right name, and an index entry that leads to it, is not noticed. Against that\n" +
		"there is a cold build (`go clean -cache`, or a fresh GOCACHE), or `GODEBUG=gocacheverify=1`, which builds\n" +
		"everything again.\n\n" +
		"With GOCACHEPROG builds ask that program instead, and nothing is looked at. Nothing is written or repaired;\n" +
		"`gopreflight fix buildcache` moves aside what is wrong.",
	Needs: []*Check{env},
	Mends: true,
	Rules: []*Rule{
		ruleObjectModified, ruleIndexMisdirected, ruleBuildcacheIrregular, ruleObjectDamaged, ruleIndexMalformed,
		ruleIndexDangling, ruleForeignFile, ruleBuildcacheLarge, ruleBuildcacheUnreadable,
	},
	Run: runBuildcache,
}

const (
	// buildcacheBytes and buildcacheTime bound the check unless --deep is given.
	buildcacheBytes = 4 << 30
	buildcacheTime  = 10 * time.Second
	// buildcacheLarge is the size above which a word is said about growth.
	buildcacheLarge = 10e9
	// maxObjectFindings bounds the findings about single objects; what is beyond is one.
	maxObjectFindings = 20
)

func runBuildcache(ctx context.Context, s *Session) (Facts, []Finding, error) {
	dir := s.Env.Get("GOCACHE")
	if s.cacheProg() {
		why := "GOCACHEPROG is set: builds ask that program, not GOCACHE"
		return Facts{Link: buildcacheLink(Unproven, 0, why)}, nil, Skip(why)
	}
	if !filepath.IsAbs(dir) {
		// Check env reports it.
		return Facts{}, nil, Skip(fmt.Sprintf("GOCACHE=%s is not an absolute path", plain.Line(dir)))
	}
	if s.Scope == ScopeContainer && !within(s.Root(), dir) {
		return Facts{}, nil, Skip("the job's cache is outside this container, use host/")
	}
	o := gobuildcache.Options{Dir: dir, Now: s.Now, MaxBytes: buildcacheBytes, MaxTime: buildcacheTime}
	if s.Deep {
		o.MaxBytes, o.MaxTime = 0, 0
	}
	if s.Progress != nil {
		o.Progress = func(objects, of int, bytes int64) {
			s.Progress("%s of %s (%s)", plain.Thousands(objects), plain.Count(of, "object"), plain.Bytes(bytes))
		}
	}
	survey, err := gobuildcache.Verify(ctx, o)
	if err != nil {
		return Facts{}, nil, err
	}
	b := builtCache{dir: dir, deep: s.Deep, Survey: survey}
	facts, findings := b.facts(), b.findings()
	switch {
	case survey.Unreadable > 0:
		err = fmt.Errorf("could not read all of the build cache: %w", survey.Errs[0])
	case survey.Objects == 0 && len(findings) == 0:
		err = Skip(facts.Link.Why)
	}
	return facts, findings, err
}

// cacheProg reports whether builds keep what they make with a program: since
// Go 1.24, before that in an experiment of Go 1.21 (cmd/go/internal/cache, prog.go).
func (s *Session) cacheProg() bool {
	if s.Env.Get("GOCACHEPROG") == "" {
		return false
	}
	version := toolchain.Base(s.Env.Get("GOVERSION"))
	experiment := slices.Contains(strings.Split(s.Env.Get("GOEXPERIMENT"), ","), "cacheprog") || strings.Contains(s.Env.Get("GOVERSION"), "cacheprog")
	return !goversion.IsValid(version) || goversion.Compare(version, "go1.24") >= 0 ||
		goversion.Compare(version, "go1.21") >= 0 && experiment
}

// A builtCache is what was seen of the build cache.
type builtCache struct {
	*gobuildcache.Survey
	dir  string
	deep bool
}

// broken counts what builds take harm from.
func (b builtCache) broken() int {
	n := 0
	for _, kind := range harmful {
		n += b.Count[kind]
	}
	return n
}

// harmful are the kinds of problems from which builds take harm.
var harmful = []gobuildcache.Kind{gobuildcache.Modified, gobuildcache.Misdirected, gobuildcache.Irregular}

// facts are the summary, the link of the chain and the numbers.
func (b builtCache) facts() Facts {
	link := buildcacheLink(Consistent, b.Objects, "nothing ties an object to the sources that it was made of")
	left := b.left()
	switch {
	case b.broken() > 0:
		link.State, link.Why = Broken, plain.Count(b.broken(), "file")+" that builds use: not what the name says"
	case !b.Exists || b.Objects == 0 && b.Forgotten == 0 && b.Unlisted == 0:
		link.State, link.Why = Absent, fmt.Sprintf("cold: GOCACHE (%s) holds nothing that was built", b.dir)
	case left != "":
		link.State, link.Why = Unproven, left
	}
	values := map[string]any{
		"gocache": b.dir, "objects": b.Objects, "executables": b.Executables, "bytes": b.Bytes, "entries": b.Entries,
		"consistent": b.Sound, "consistentBytes": b.SoundBytes, "broken": b.broken(),
		"notLookedAt": b.Unseen, "notLookedAtBytes": b.UnseenBytes, "notListed": b.Unlisted + b.Forgotten,
		"changing": b.Changing, "unused": b.Stale, "unusedBytes": b.StaleBytes,
	}
	for name, t := range map[string]time.Time{"oldest": b.Oldest, "newest": b.Newest, "trimmed": b.Trimmed} {
		if !t.IsZero() {
			values[name] = t.UTC().Format(time.RFC3339)
		}
	}
	summary := fmt.Sprintf("%s consistent with their names (%s)", plain.Count(b.Sound, "object"), plain.Bytes(b.SoundBytes))
	if b.Sound == 1 {
		summary = fmt.Sprintf("1 object consistent with its name (%s)", plain.Bytes(b.SoundBytes))
	}
	if left != "" {
		summary += ", " + left
	}
	return Facts{Summary: summary, Link: link, Values: values}
}

func buildcacheLink(state LinkState, objects int, why string) *Link {
	return &Link{Link: "buildcache", State: state, Against: "itself", Total: objects, Unit: "objects", Why: why}
}

// left says what was not looked at; empty when nothing was left.
func (b builtCache) left() string {
	var parts []string
	add := func(n int, format string, args ...any) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	more := ""
	if !b.deep {
		more = "; --deep looks at all"
	}
	add(b.Unseen, "%s not looked at (%s)", plain.Count(b.Unseen, "object"), plain.Bytes(b.UnseenBytes))
	add(b.UnseenEntries, "%s not looked at", plain.Count(b.UnseenEntries, "index entry"))
	add(b.Unlisted, "%s of 256 not listed", plain.Count(b.Unlisted, "folder"))
	if len(parts) > 0 {
		parts[len(parts)-1] += more
	}
	add(b.Forgotten, "%s beyond what is remembered", plain.Count(b.Forgotten, "file"))
	add(b.Changing, "%s being written right now", plain.Count(b.Changing, "object"))
	add(b.Unreadable, "%s could not be read", plain.Count(b.Unreadable, "file"))
	return strings.Join(parts, ", ")
}

// findings are those of everything that is wrong: one for each object that builds
// take harm from, one for each kind of the rest.
func (b builtCache) findings() []Finding {
	var findings []Finding
	for _, kind := range harmful {
		problems := b.problems(kind)
		for _, p := range problems[:min(len(problems), maxObjectFindings)] {
			findings = append(findings, objectFinding(p))
		}
		if len(problems) > maxObjectFindings {
			f := b.many(kind, problems[maxObjectFindings:], b.Count[kind]-maxObjectFindings)
			f.Key = "the others"
			findings = append(findings, f)
		}
	}
	for _, kind := range []gobuildcache.Kind{gobuildcache.Damaged, gobuildcache.Malformed, gobuildcache.Dangling, gobuildcache.Foreign} {
		if n := b.Count[kind]; n > 0 {
			findings = append(findings, b.many(kind, b.problems(kind), n))
		}
	}
	if b.Bytes > buildcacheLarge {
		f := ruleBuildcacheLarge.Finding("the build cache holds %s in %s", plain.Bytes(b.Bytes), plain.Count(b.Objects, "object"))
		f.Evidence = b.growth()
		f.Fix = Fix{Description: "Empty the cache before the build whose cache is saved.", Command: "go clean -cache"}
		findings = append(findings, f)
	}
	if b.Unreadable > 0 {
		f := ruleBuildcacheUnreadable.Finding("%s in the build cache cannot be read", plain.Count(b.Unreadable, "file"))
		for _, err := range b.Errs {
			f.Evidence = append(f.Evidence, err.Error())
		}
		f.Fix.Description = fmt.Sprintf("Give %s to the user that builds, or set GOCACHE to a folder of its own.", b.dir)
		findings = append(findings, f)
	}
	return findings
}

// problems are those of one kind.
func (b builtCache) problems(kind gobuildcache.Kind) []gobuildcache.Problem {
	var list []gobuildcache.Problem
	for _, p := range b.Problems {
		if p.Kind == kind {
			list = append(list, p)
		}
	}
	return list
}

// growth says what is known about how the cache grows.
func (b builtCache) growth() []string {
	lines := []string{
		fmt.Sprintf("not used for five days: %s (%s)", plain.Count(b.Stale, "object"), plain.Bytes(b.StaleBytes)),
		"last used: " + b.Oldest.UTC().Format(time.DateOnly) + " to " + b.Newest.UTC().Format(time.DateOnly),
	}
	if b.Trimmed.IsZero() {
		return append(lines, "last trimmed: trim.txt says nothing")
	}
	return append(lines, "last trimmed: "+b.Trimmed.UTC().Format(time.DateTime)+" UTC")
}

// objectFinding is about one thing that builds take harm from.
func objectFinding(p gobuildcache.Problem) Finding {
	f := buildcacheRules[p.Kind].Finding("%s in the build cache %s", p.Name, p.Detail)
	switch p.Kind {
	case gobuildcache.Modified:
		f.Message = fmt.Sprintf("the object %s of the build cache is not what its name says, and builds use it", p.Name)
		f.Evidence = []string{"it " + p.Detail}
	case gobuildcache.Misdirected:
		f.Message = fmt.Sprintf("the index entry %s of the build cache leads to the package of another step, and builds use it", p.Name)
		f.Evidence = []string{"it " + p.Detail}
	}
	f.Key = plain.Line(p.Name)
	if !p.Changed.IsZero() {
		f.Evidence = append(f.Evidence, "changed or last used: "+p.Changed.UTC().Format(time.DateTime)+" UTC")
	}
	f.Evidence = append(f.Evidence, "at: "+p.Path)
	f.Fix = buildcacheFix([]gobuildcache.Problem{p})
	return f
}

// many is one finding about several problems of a kind, of which n are known.
func (b builtCache) many(kind gobuildcache.Kind, problems []gobuildcache.Problem, n int) Finding {
	what := map[gobuildcache.Kind]string{
		gobuildcache.Modified:    "more object of the build cache is not what its name says, and builds use it|more objects of the build cache are not what their names say, and builds use them",
		gobuildcache.Misdirected: "more index entry leads to the package of another step, and builds use it|more index entries lead to the packages of other steps, and builds use them",
		gobuildcache.Irregular:   "more entry of the build cache is neither file nor folder|more entries of the build cache are neither files nor folders",
		gobuildcache.Damaged:     "object of the build cache is damaged; builds make it again|objects of the build cache are damaged; builds make them again",
		gobuildcache.Malformed:   "index entry of the build cache is none; builds write it again|index entries of the build cache are none; builds write them again",
		gobuildcache.Dangling:    "index entry of the build cache leads to nothing; builds write it again|index entries of the build cache lead to nothing; builds write them again",
		gobuildcache.Foreign:     "file in the build cache is none of a go command|files in the build cache are none of a go command",
	}[kind]
	one, several, _ := strings.Cut(what, "|")
	if n != 1 {
		one = several
	}
	f := buildcacheRules[kind].Finding("%s %s", plain.Thousands(n), one)
	for _, p := range problems[:min(len(problems), plain.MaxLines-2)] {
		f.Evidence = append(f.Evidence, plain.Line(p.Name)+" "+p.Detail)
	}
	if more := n - len(f.Evidence); more > 0 {
		f.Evidence = append(f.Evidence, "and "+plain.Thousands(more)+" more")
	}
	f.Evidence = append(f.Evidence, "in: "+b.dir)
	f.Fix = buildcacheFix(problems)
	return f
}

// buildcacheFix says how to mend problems of one kind.
func buildcacheFix(problems []gobuildcache.Problem) Fix {
	var fix Fix
	kind := problems[0].Kind
	switch kind {
	case gobuildcache.Modified, gobuildcache.Misdirected:
		fix.Description = "Empty the cache: who can write to it can also add what no hash shows. gopreflight fix moves only what is known to be wrong aside."
		fix.Command = "go clean -cache"
	case gobuildcache.Irregular:
		fix.Description = "Empty the cache, or move what is wrong aside; builds make again what they need."
		fix.Command = "go clean -cache"
	case gobuildcache.Foreign:
		fix.Description = "Remove what nobody misses."
	default:
		fix.Description = "Nothing has to be done: the next build that needs it makes it again."
	}
	for _, p := range problems {
		if slices.Contains(harmful, kind) || p.Stays {
			fix.Aside = append(fix.Aside, p.Path)
		}
	}
	if kind == gobuildcache.Damaged && len(fix.Aside) > 0 {
		fix.Description = "Remove the folders that hold more than one file, which no build does; all else is made again."
		fix.Command = removeObjects(fix.Aside)
	}
	return fix
}

// removeObjects is the command that removes a few objects; empty for many.
func removeObjects(paths []string) string {
	if len(paths) > 5 {
		return ""
	}
	words := make([]string, len(paths))
	for i, path := range paths {
		words[i] = shellQuote(path)
	}
	return "rm -rf " + strings.Join(words, " ")
}
