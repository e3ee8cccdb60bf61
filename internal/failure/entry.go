package failure

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/module"
)

// rank says how near to the root an entry's words are.
type rank int

const (
	// tail is what the system, the network or git said; others quote it.
	tail rank = iota
	// plain is what the go command says of its own knowledge.
	plain
	// wrapper says that something failed and quotes why.
	wrapper
	// hint is a warning or an explanation, a cause only when nothing else is.
	hint
)

// An entry is one row of the catalogue.
type entry struct {
	class string
	rank  rank
	// pattern is an RE2 expression in multi-line mode, matched within one
	// message. The groups mod, ver, zip and url fill Cause.Module and
	// Cause.URL; every named group can be used as ${name} in summary and fix.
	pattern string
	summary string
	fix     string
	// transient: see Cause.Transient.
	transient bool
	rules     []string
}

// compiled is an entry ready for use.
type compiled struct {
	*entry
	re *regexp.Regexp
	// literal is a text that every match contains: looking for it first is
	// what makes a catalogue of this size quick.
	literal string
}

// sections are the catalogue's parts. The order matters only between entries
// of one rank that match the very same words: the first one counts.
var sections = [][]entry{
	environment, gomodFile, imports, gosumFile, proxies, network, vcs, toolchains,
	vendoring, workspaces, cache,
}

// catalogue is compiled on first use; it never changes.
var catalogue = sync.OnceValue(func() []compiled {
	var all []compiled
	for _, section := range sections {
		for i := range section {
			e := &section[i]
			tree, err := syntax.Parse(e.pattern, syntax.Perl&^syntax.OneLine)
			if err != nil {
				panic("failure: entry " + e.class + ": " + err.Error()) // a constant; a test compiles it
			}
			all = append(all, compiled{e, regexp.MustCompile("(?m)" + e.pattern), literal(tree)})
		}
	}
	return all
})

// literal returns the longest text that every match of the expression contains.
func literal(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 {
			return string(re.Rune)
		}
	case syntax.OpCapture, syntax.OpPlus:
		return literal(re.Sub[0])
	case syntax.OpConcat:
		longest := ""
		for _, sub := range re.Sub {
			if s := literal(sub); len(s) > len(longest) {
				longest = s
			}
		}
		return longest
	}
	return ""
}

// A match is an entry found in a message.
type match struct {
	*compiled
	in  *message
	loc []int // of the submatches, as regexp returns them
}

// line is the 1-based number of the line in which the match starts.
func (m match) line() int {
	return m.in.line + strings.Count(m.in.text[:m.loc[0]], "\n")
}

func (m match) group(name string) string {
	if i := m.re.SubexpIndex(name); i >= 0 && m.loc[2*i] >= 0 {
		return m.in.text[m.loc[2*i]:m.loc[2*i+1]]
	}
	return ""
}

// cause fills in the entry's templates.
func (m match) cause() Cause {
	number := m.line()
	text := strings.Split(m.in.text, "\n")[number-m.in.line]
	return Cause{
		Class:     m.class,
		Summary:   cut(m.summed()),
		Module:    m.module(),
		URL:       cut(m.url()),
		Line:      number,
		Text:      cut(strings.TrimSpace(text)),
		Fix:       m.fixed(),
		Transient: m.transient,
		Outside:   m.rank == tail,
		Rules:     slices.Clone(m.rules),
	}
}

// moduleVersion is a module at a version or query as the go command writes it;
// what precedes an error is the module that the error is about.
var moduleVersion = regexp.MustCompile(`[A-Za-z0-9][\w~-]*(?:\.[\w~-]+)+(?:/[\w.~-]+)*@[\w.+-]+`)

// replacedBy follows a module that is replaced; a finding is about the former.
var replacedBy = regexp.MustCompile(`\(replaced by [^)]*\)`)

// importer is the place of an import in the module cache: an error there is about
// what is imported, not about the module that imports it.
var importer = regexp.MustCompile(`\S+@\S+\.go:\d+(?::\d+)?:`)

// cached is the file of a module version below GOMODCACHE/cache/download.
var cached = regexp.MustCompile(`cache[/\\]download[/\\](\S+?)[/\\]@v[/\\](v[\w.+!-]+?)\.(?:zip|mod|info|ziphash|lock)\b`)

// module is the module that the match is about: what the pattern captured, else
// the last path@version before it, else the cache file that the line names.
func (m match) module() string {
	if p := m.group("mod"); p != "" {
		if v := m.group("ver"); v != "" {
			p += "@" + v
		}
		return cut(p)
	}
	before := importer.ReplaceAllString(replacedBy.ReplaceAllString(m.in.text[:m.loc[0]], ""), "")
	if all := moduleVersion.FindAllString(before, -1); len(all) > 0 {
		return cut(all[len(all)-1])
	}
	if f := cached.FindStringSubmatch(m.in.text[m.loc[0]:]); f != nil {
		p, err := module.UnescapePath(strings.ReplaceAll(f[1], `\`, "/"))
		v, verr := module.UnescapeVersion(f[2])
		if err == nil && verr == nil {
			return cut(p + "@" + v)
		}
	}
	return ""
}

var webAddress = regexp.MustCompile(`https?://[^\s"']+`)

// url is what the pattern captured, else the last address before the match or in it.
func (m match) url() string {
	if u := m.group("url"); u != "" {
		return u
	}
	if all := webAddress.FindAllString(m.in.text[:m.loc[1]], -1); len(all) > 0 {
		return strings.TrimRight(all[len(all)-1], ":;,.")
	}
	return ""
}

// shellWord holds what a value may contain when it becomes part of a command.
var shellWord = regexp.MustCompile(`^[A-Za-z0-9_./~+@%=:,][A-Za-z0-9_./~+@%=:,-]*$`)

// fixed is the fix, or nothing where a value of the text (which may be hostile)
// would not be safe in a command.
func (m match) fixed() string {
	for _, name := range m.re.SubexpNames() {
		if name != "" && strings.Contains(m.fix, "${"+name+"}") && !shellWord.MatchString(m.group(name)) {
			return ""
		}
	}
	if m.fix == "go mod vendor" && strings.Contains(m.in.text, "go work vendor") {
		return "go work vendor" // the message says which of the two it takes
	}
	return string(m.re.ExpandString(nil, m.fix, m.in.text, m.loc))
}

// summed is the summary on one line; what the text leaves open is left out.
func (m match) summed() string {
	s := string(m.re.ExpandString(nil, m.summary, m.in.text, m.loc))
	return strings.TrimRight(strings.Join(strings.Fields(s), " "), ": ")
}
