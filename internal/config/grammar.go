package config

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/mod/module"
)

// A grammar says what a text may be. Words, pattern and not are also in the
// schema; check is for what a schema cannot say.
type grammar struct {
	// want completes "want …" in errors.
	want string
	// words are the only texts; nil for any.
	words func(Known) []string
	// pattern must match and not must not; each in the syntax that RE2 and
	// ECMA 262 share, empty for none.
	pattern, not string
	// clean makes the text canonical before it is kept; nil keeps it.
	clean func(string) string
	// check refuses what pattern and not let through; nil for nothing. Of a
	// secret text its error repeats nothing.
	check func(string) error
	// secret keeps a wrong text out of errors: it may be what it should not be,
	// a secret written down.
	secret bool
}

// show is a wrong text as errors may repeat it.
func (g grammar) show(text string) string {
	if g.secret {
		return "something else (not repeated here: it may be a secret)"
	}
	return text
}

// grammars are the grammars by the name that the tags is and keys use.
var grammars = map[string]grammar{
	"version":  {want: "the number 1", words: words("1")},
	"fail-on":  {want: "error, warning or never", words: words(Error, Warning, Never)},
	"severity": {want: "error, warning, notice or off", words: words(Error, Warning, Notice, Off)},
	"network":  {want: "deny or allow", words: words(Deny, Allow)},
	"evidence": {want: "optional or required", words: words(Optional, Required)},
	"rule":     {want: "the ID of a rule", words: func(k Known) []string { return k.Rules }},
	"text":     {want: "a text", pattern: `\S`, clean: oneLine, check: checkText},
	"date":     {want: "a date as 2027-01-31", pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`, check: checkDate},
	"duration": {want: `a duration such as "5s"`, pattern: `^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$`, check: checkDuration},
	"variable": {want: "the name of a setting such as GOPROXY", pattern: `^[A-Z][A-Z0-9_]*$`},
	"flag":     {want: `a flag such as "-mod=mod"`, pattern: `^--?[A-Za-z][A-Za-z0-9_.-]*(=.*)?$`},
	"tag":      {want: "a build tag", pattern: `^[^\s,!&|()=-]+$`, check: checkTag},
	"module-pattern": {
		want:    "a module path, or a pattern of path prefixes as in GOPRIVATE",
		pattern: `^[^\s,@/][^\s,@]*$`, not: `://|\.\.\.`, check: checkGlob,
	},
	"module": {
		want:    "a module path, path@version, or a pattern of path prefixes as in GOPRIVATE",
		pattern: `^[^\s,@/][^\s,@]*(@[^\s,@]+)?$`, not: `://|\.\.\.|[*?\[].*@`, check: checkGlob,
	},
	"probe": {want: "a module path or path@version", pattern: `^[^\s@]+(@v[^\s@]+)?$`, check: checkProbe},
	"directory-pattern": {
		want:    `a pattern of directories below the root such as "." or "./tools/..."`,
		pattern: `^(\.|\./.+)$`, not: `//|/\.?$|/\./|(^|/)\.\.(/|$)|[\\\s]`,
	},
	"file-pattern": {
		want:    "a slash path relative to the root",
		pattern: `^[^/]`, not: `^\./|//|/$|(^|/)\.\.(/|$)|\\`, check: checkGlob,
	},
	"package-pattern": {
		want:    `a package pattern such as "./..."`,
		pattern: `^[^-/\s][^\s]*$`, not: `(^|/)\.\.(/|$)|[\\@]`,
	},
	"proxy-entry": {
		want:    "an https, http or file URL without credentials, or direct",
		pattern: `^(direct|off|(https?|file)://[^\s,|@]+)$`, check: checkURL,
	},
	"go-versions": {
		want:    `constraints on Go versions such as ">=1.25.3,<1.28"`,
		pattern: `^(|\s*(>=|<=|!=|>|<|=)[^,]+(,\s*(>=|<=|!=|>|<|=)[^,]+)*)$`,
		check:   checkGoVersions,
	},
	"notify-on":       {want: "fail, change or always", words: words(OnFail, OnChange, OnAlways)},
	"notify-severity": {want: "error, warning or notice", words: words(Error, Warning, Notice)},
	"selector": {
		want:  "the name of a stage or a check, or the ID of a rule",
		words: func(k Known) []string { return slices.Concat(k.Stages, k.Checks, k.Rules) },
	},
	"notify-url": {
		want:    "${NAME} alone, or an https URL without credentials that has ${NAME} in its path only",
		pattern: `^(` + variable + `|https://[^\s/?#@\\${}]+(/([^\s?#\\${}]|` + variable + `)*)?(\?[^\s#\\${}]*)?)$`,
		check:   checkNotifyURL, secret: true,
	},
	"notify-secret": {want: "${NAME} alone", pattern: `^` + variable + `$`, secret: true},
}

// regexps are the compiled patterns of grammars.
var regexps = func() map[string]*regexp.Regexp {
	m := map[string]*regexp.Regexp{}
	for _, g := range grammars {
		for _, expr := range []string{g.pattern, g.not} {
			if expr != "" {
				m[expr] = regexp.MustCompile(expr)
			}
		}
	}
	return m
}()

func words(list ...string) func(Known) []string {
	return func(Known) []string { return list }
}

// errGrammar says that words, pattern or not refuse a text: there is no more to
// tell than what is wanted.
var errGrammar = errors.New("not in the grammar")

// read returns a text in its canonical form, errGrammar, or check's error.
func (g grammar) read(text string, known Known) (string, error) {
	switch {
	case g.words != nil && !slices.Contains(g.words(known), text),
		g.pattern != "" && !regexps[g.pattern].MatchString(text),
		g.not != "" && regexps[g.not].MatchString(text):
		return "", errGrammar
	}
	if g.clean != nil {
		text = g.clean(text)
	}
	if g.check != nil {
		if err := g.check(text); err != nil {
			return "", err
		}
	}
	return text, nil
}

// oneLine makes one line of a folded or indented text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func checkText(text string) error {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return errors.New("control characters")
	}
	return nil
}

func checkDate(text string) error {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return errors.New("no such day")
	}
	return nil
}

func checkDuration(text string) error {
	switch d, err := time.ParseDuration(text); {
	case err != nil:
		return errors.New("out of range")
	case d <= 0:
		return errors.New("not positive")
	}
	return nil
}

// checkTag is go/build/constraint's isValidTag.
func checkTag(text string) error {
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '.' {
			return fmt.Errorf("invalid character %q", r)
		}
	}
	return nil
}

func checkGlob(text string) error {
	if _, err := path.Match(text, ""); err != nil {
		return err
	}
	return nil
}

func checkProbe(text string) error {
	modPath, version, ok := strings.Cut(text, "@")
	if !ok {
		return module.CheckPath(modPath)
	}
	return module.Check(modPath, version)
}

func checkURL(text string) error {
	if text == "direct" || text == "off" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	if u.Scheme != "file" && u.Hostname() == "" {
		return errors.New("no host")
	}
	return nil
}

func checkGoVersions(text string) error {
	if text == "" {
		return nil
	}
	_, err := GoVersions(text).parse()
	return err
}
