// Package config is the policy file, .gopreflight.yml: its types, its defaults,
// its strict reader, its JSON Schema and the commented example that init writes.
// All four are made from one source, the struct types of this file and their
// tags, so that what is read, what is documented and what an editor completes
// cannot drift apart.
//
// It never reads a file, the environment or the clock, knows no check and no
// rule (their names are handed in, see Known), and judges nothing: it says what
// the policy is.
package config

import (
	"path"
	"regexp"
	"strings"
	"time"

	"golang.org/x/mod/module"
)

// FileName is the name of the policy file, at the root of the repository.
const FileName = ".gopreflight.yml"

// Version is the one version of the file's format.
const Version = 1

// The words that fail-on, a rule's severity and build.network take.
const (
	Error   = "error"
	Warning = "warning"
	Notice  = "notice"
	Off     = "off"
	Never   = "never"
	Deny    = "deny"
	Allow   = "allow"
)

// The words of evidence that costs a request: without an answer, Optional leaves
// a link of the chain unproven, Required leaves the run without a pass.
const (
	Optional = "optional"
	Required = "required"
)

// Known is what the file may name: the rules, the checks and the stages of the
// program.
type Known struct {
	// Rules are the IDs of all rules, retired ones too: "proxy/dns".
	Rules []string
	// Checks are the names of all checks. Where a rule is meant they only make
	// the error better for who wrote a check.
	Checks []string
	// Stages are the names of all stages.
	Stages []string
}

// Config is the whole policy. A nil list or map is an empty one. Use Default or
// Parse: the zero value lacks the defaults.
//
// Tags: yaml is the key, doc its sentence in the schema and the example, is the
// grammar of its text (of each element of a list; see grammars), keys that of a
// map's keys; need marks a key that must be there, one those of which a section has
// exactly one, with names the key that must stand beside this one, filled marks a
// list that may not be empty; example is shown by Example where a default alone
// would say too little.
type Config struct {
	// Version is the version of the file's format; always 1.
	Version int `yaml:"version" is:"version" doc:"The version of this file's format: 1."`
	// FailOn is the severity from which findings fail the run: Error, Warning or Never.
	FailOn string `yaml:"fail-on" is:"fail-on" doc:"The severity from which findings fail the run: error, warning or never."`
	// Modules are the patterns of the main modules to judge; see Selects.
	Modules []string `yaml:"modules" is:"directory-pattern" filled:"true" doc:"The modules of the repository to judge, as patterns of their directories." example:"[\"./services/...\", \"./tools\"]"`
	// Severity maps rule IDs to Error, Warning, Notice or Off.
	Severity map[string]string `yaml:"severity" keys:"rule" is:"severity" doc:"How hard a rule bites, where not as it declares: error, warning, notice or off." example:"{policy/replace-local: error}"`
	// Exceptions are findings that were accepted, in the order of the file.
	Exceptions []Exception `yaml:"exceptions" doc:"Findings that are accepted, each with a reason: they become notices." example:"[{rule: policy/replace-local, module: example.com/tools, reason: \"moves out in spring\", until: 2027-01-31, owner: platform}]"`
	// Env is what the Go settings must be.
	Env Env `yaml:"env" doc:"What the Go settings must be."`
	// Toolchain is what the Go release must be.
	Toolchain Toolchain `yaml:"toolchain" doc:"What the Go release must be."`
	// Gosum is what the checksum database is asked.
	Gosum Gosum `yaml:"gosum" doc:"What the checksum database is asked about go.sum."`
	// Proxy is how module proxies are probed.
	Proxy Proxy `yaml:"proxy" doc:"How module proxies are probed."`
	// Dependencies is what may be depended on.
	Dependencies Dependencies `yaml:"dependencies" doc:"What may be depended on."`
	// Vendor is what a vendor folder may hold.
	Vendor Vendor `yaml:"vendor" doc:"What a vendor folder may hold."`
	// Build is what is built, and how.
	Build Build `yaml:"build" doc:"What is built, and how."`
	// Notify are who is told of a verdict, in the order of the file.
	Notify []Notify `yaml:"notify" doc:"Who is told when the verdict changes: Slack, WeCom or a signed webhook. A secret is written as ${NAME}, and NAME listed in --notify-env." example:"[{slack: \"${SLACK_WEBHOOK}\", on: fail}]"`
}

// An Exception accepts the findings of one rule, everywhere or at one place.
type Exception struct {
	// Rule is the ID of the rule.
	Rule string `yaml:"rule" is:"rule" need:"true" doc:"The rule whose findings are accepted."`
	// Module narrows it to findings about a module: a pattern as GOPRIVATE's
	// (a glob of a path prefix), or path@version for one version alone. Empty: all.
	Module string `yaml:"module" is:"module" doc:"Only findings about this module: path@version, or a pattern of path prefixes as in GOPRIVATE."`
	// File narrows it to findings in a file: a slash path relative to the root,
	// or a pattern of path.Match. Empty: all.
	File string `yaml:"file" is:"file-pattern" doc:"Only findings in this file: a path relative to the root, * matching within one element."`
	// Reason is why they are accepted; never empty.
	Reason string `yaml:"reason" is:"text" need:"true" doc:"Why they are accepted."`
	// Until is the last day on which it holds, YYYY-MM-DD in UTC; empty: for ever.
	Until string `yaml:"until" is:"date" doc:"The last day on which this holds, YYYY-MM-DD; without it, for ever."`
	// Owner is who answers for it; may be empty.
	Owner string `yaml:"owner" is:"text" doc:"Who answers for it."`
	// Line is where in the file it stands, 1-based; 0 if it comes from no file.
	Line int
}

// Env is what the policy asks of the Go settings.
type Env struct {
	// Required are the names of settings that must have been set by somebody,
	// in the process environment or the user's file; what GOROOT/go.env ships
	// does not count.
	Required []string `yaml:"required" is:"variable" doc:"Settings that must have been set, by the environment or the user's file, not left to their default." example:"[GOPROXY, GOPRIVATE]"`
	// GOPROXY is what GOPROXY may list.
	GOPROXY GOPROXY `yaml:"goproxy" doc:"What GOPROXY may list."`
	// ForbidGOFLAGS are flags that GOFLAGS may not hold: "-mod=mod" with this
	// value, "-mod" with any.
	ForbidGOFLAGS []string `yaml:"forbid-goflags" is:"flag" doc:"Flags that GOFLAGS may not hold: -mod=mod forbids this value, -mod any." example:"[\"-mod=mod\"]"`
}

// GOPROXY is what the policy asks of the setting GOPROXY.
type GOPROXY struct {
	// Allow are the entries that may stand in GOPROXY, URLs and "direct"
	// ("off" is always allowed). Empty: any.
	Allow []string `yaml:"allow" is:"proxy-entry" doc:"The entries that GOPROXY may have, URLs and the word direct; empty: any." example:"[\"https://goproxy.example.com\", direct]"`
}

// Toolchain is what the policy asks of the Go release.
type Toolchain struct {
	// Allow are the releases that may be used; empty: any.
	Allow GoVersions `yaml:"allow" is:"go-versions" doc:"The Go releases that may be used, compared as Go does, comma meaning and; empty: any." example:"\">=1.25.3,<1.28\""`
	// Authentic says whether GOROOT must be proven against the checksum database:
	// Optional (the default) or Required.
	Authentic string `yaml:"authentic" is:"evidence" doc:"Whether GOROOT must be proven against the checksum database: optional, or required (no answer is then no pass)."`
}

// Gosum is what the checksum database is asked about go.sum.
type Gosum struct {
	// Database says whether the lines of a change must be confirmed: Optional
	// (the default) or Required.
	Database string `yaml:"database" is:"evidence" doc:"Whether the checksum database must confirm go.sum: optional, or required (no answer is then no pass)."`
	// Ask are patterns, as GOPRIVATE's, of modules that may be asked for although
	// they share host and owner with a main module.
	Ask []string `yaml:"ask" is:"module-pattern" doc:"The modules that the checksum database may be asked for although they share host and owner with a module of this repository, as patterns of path prefixes." example:"[github.com/ours/*]"`
}

// Proxy is how module proxies are probed.
type Proxy struct {
	// Timeout bounds the whole probe of one entry of GOPROXY; positive.
	Timeout time.Duration `yaml:"timeout" doc:"How long the probe of one GOPROXY entry may take."`
	// Probe are the modules to ask for, path or path@version. Empty: a public
	// module of the build list.
	Probe []string `yaml:"probe" is:"probe" doc:"The modules to ask a proxy for, path or path@version; empty: a public module of the build list." example:"[example.com/lib@v1.2.0]"`
}

// Dependencies is what may be depended on.
type Dependencies struct {
	// ReplaceAllow are patterns, as GOPRIVATE's, of modules that may be replaced.
	ReplaceAllow []string `yaml:"replace-allow" is:"module-pattern" doc:"The modules that a replace directive may replace, as patterns of path prefixes." example:"[example.com/tools]"`
	// Deny are modules that may not be depended on.
	Deny []DeniedModule `yaml:"deny" doc:"The modules that may not be depended on." example:"[{module: example.com/old, reason: archived, use-instead: example.com/new}]"`
}

// A DeniedModule may not be depended on.
type DeniedModule struct {
	// Module is a pattern as GOPRIVATE's.
	Module string `yaml:"module" is:"module-pattern" need:"true" doc:"The module, or a pattern of path prefixes as in GOPRIVATE."`
	// Reason is why; may be empty.
	Reason string `yaml:"reason" is:"text" doc:"Why it is denied."`
	// UseInstead is what to use instead; may be empty.
	UseInstead string `yaml:"use-instead" is:"text" doc:"What to use instead."`
}

// Vendor is what a vendor folder may hold.
type Vendor struct {
	// Patched are modules whose vendored files may differ from the module's.
	Patched []PatchedModule `yaml:"patched" doc:"The modules whose vendored files may differ from the module's own." example:"[{module: example.com/lib, reason: \"a fix that is not released yet\"}]"`
}

// A PatchedModule may differ in the vendor folder from what was published.
type PatchedModule struct {
	// Module is a pattern as GOPRIVATE's.
	Module string `yaml:"module" is:"module-pattern" need:"true" doc:"The module, or a pattern of path prefixes as in GOPRIVATE."`
	// Reason is why; never empty.
	Reason string `yaml:"reason" is:"text" need:"true" doc:"Why it is patched."`
	// Line is where in the file it stands, 1-based; 0 if it comes from no file.
	Line int
}

// Build is what is built, and how.
type Build struct {
	// Packages are the package patterns, for every main module.
	Packages []string `yaml:"packages" is:"package-pattern" filled:"true" doc:"The packages to build, in every module."`
	// Tags are the build tags.
	Tags []string `yaml:"tags" is:"tag" doc:"The build tags to build with." example:"[netgo]"`
	// Network is Deny (build from a vendor folder with the module network off)
	// or Allow (leave the network as it is).
	Network string `yaml:"network" is:"network" doc:"Whether the build of a vendored module may use the network: deny or allow."`
}

// Default returns the policy of a repository without a file.
func Default() *Config {
	return &Config{
		Version:   Version,
		FailOn:    Error,
		Modules:   []string{"./..."},
		Toolchain: Toolchain{Authentic: Optional},
		Gosum:     Gosum{Database: Optional},
		Proxy:     Proxy{Timeout: 5 * time.Second},
		Build:     Build{Packages: []string{"./..."}, Network: Deny},
	}
}

// SeverityOf returns the severity that the policy gives a rule, and whether it
// gives one.
func (c *Config) SeverityOf(rule string) (word string, ok bool) {
	word, ok = c.Severity[rule]
	return word, ok
}

// Selects reports whether the main module in dir, a slash path relative to the
// root and "." for the root, is to be judged. Patterns are the go command's:
// "..." stands for any text, and "./x/..." matches x too.
func (c *Config) Selects(dir string) bool {
	for _, pattern := range c.Modules {
		if matchDirectory(pattern, dir) {
			return true
		}
	}
	return false
}

// matchDirectory is cmd/internal/pkgpattern's MatchPattern for patterns that
// grammars["directory-pattern"] let through.
func matchDirectory(pattern, dir string) bool {
	if pattern != "." {
		pattern = strings.TrimSuffix(strings.TrimPrefix(pattern, "./"), "/")
	}
	if pattern == "..." {
		return true
	}
	re := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\.\.\.`, `.*`)
	if prefix, ok := strings.CutSuffix(re, `/.*`); ok {
		re = prefix + `(/.*)?`
	}
	ok, err := regexp.MatchString(`^(?:`+re+`)$`, dir)
	return err == nil && ok
}

// Expired reports whether the exception no longer holds on the day of now, in UTC.
func (e *Exception) Expired(now time.Time) bool {
	return e.Until != "" && e.Until < now.UTC().Format(time.DateOnly)
}

// Match reports whether the exception accepts, on the day of now, a finding of a
// rule about a module (path or path@version, may be empty) in a file (a slash
// path relative to the root, may be empty).
func (e *Exception) Match(rule, mod, file string, now time.Time) bool {
	return e.Rule == rule && e.matchModule(mod) && e.matchFile(file) && !e.Expired(now)
}

func (e *Exception) matchModule(mod string) bool {
	if e.Module == "" || e.Module == mod {
		return true
	}
	if mod == "" || strings.Contains(e.Module, "@") {
		return false
	}
	modPath, _, _ := strings.Cut(mod, "@")
	return module.MatchPrefixPatterns(e.Module, modPath)
}

func (e *Exception) matchFile(file string) bool {
	if e.File == "" || e.File == file {
		return true
	}
	ok, err := path.Match(e.File, file)
	return err == nil && ok
}
