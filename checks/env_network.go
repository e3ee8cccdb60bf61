package checks

import (
	"fmt"
	"strings"

	goversion "go/version"

	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/goproxy"
)

var envNetworkRules = []*Rule{
	ruleEnvGOPROXYInvalid, ruleEnvGOPROXYCredentials, ruleEnvGOPROXYSeparator, ruleEnvGOPROXYIgnored, ruleEnvGOPROXYOffPrivate,
	ruleEnvGOSUMDBInvalid, ruleEnvGOSUMDBOff, ruleEnvGOAUTHInvalid, ruleEnvGOVCSInvalid, ruleEnvPattern,
}

var (
	ruleEnvGOPROXYInvalid = &Rule{
		ID:       "env/goproxy-invalid",
		Severity: Error,
		Blocks:   true,
		Summary:  "GOPROXY is not a list that the go command can read.",
		Help: `GOPROXY is a list of URLs (http, https or file) and the words ` + "`direct` and `off`" + `, in lower case,
separated by ` + "`,` or `|`" + `. The go command does not look at it before it needs a module that is not in the
cache, so a wrong value shows up late and only on machines with a cold cache (modfetch/proxy.go, proxyList).

Correct the value, for example ` + "`https://goproxy.example,direct`" + `.`,
	}
	ruleEnvGOPROXYCredentials = &Rule{
		ID:       "env/goproxy-credentials",
		Severity: Error,
		Blocks:   true,
		Summary:  "GOPROXY has a user or password in an http URL, and the go command refuses to send it.",
		Help: `Over plain http everybody on the way could read the password, so the go command refuses:
"refusing to pass credentials to insecure URL". It stops there, or, where ` + "`|`" + ` follows the entry, goes on to
the next one and never uses this one.

Use https. Better still, take the credentials out of the URL and put them into a netrc file: values of
variables end up in logs.`,
	}
	ruleEnvGOPROXYSeparator = &Rule{
		ID:       "env/goproxy-separator",
		Severity: Error,
		Blocks:   true,
		Summary:  "Entries of GOPROXY are separated by something other than a comma or a pipe.",
		Help: `Only ` + "`,` and `|`" + ` separate entries. In ` + "`http://host/path direct` or `http://host/path;direct`" + ` the rest is
part of the path: the go command asks for ` + "`/path%20direct/...`" + ` and every module looks like one that does
not exist. No error names the cause.

Write a comma (next entry after "not found") or a pipe (next entry after any error).`,
	}
	ruleEnvGOPROXYIgnored = &Rule{
		ID:       "env/goproxy-ignored",
		Severity: Warning,
		Summary:  "GOPROXY has entries after direct or off, which are never used.",
		Help: "The words `direct` and `off`" + ` end the list: whatever follows is dropped without a word. A company
proxy behind ` + "`direct`" + ` never sees a request.

Put the proxy first, or take it out.`,
	}
	ruleEnvGOPROXYOffPrivate = &Rule{
		ID:       "env/goproxy-off-private",
		Severity: Warning,
		Summary:  "GOPROXY=off does not keep private modules off the network.",
		Help: `Modules that match GONOPROXY, which is GOPRIVATE unless it is set, are fetched from their
repository whatever GOPROXY says. With ` + "`GOPROXY=off`" + ` alone an offline build still goes out to the network
for them.

If nothing may be fetched, set ` + "`GONOPROXY=none`" + ` too.`,
	}
	ruleEnvGOSUMDBInvalid = &Rule{
		ID:       "env/gosumdb-invalid",
		Severity: Error,
		Summary:  "GOSUMDB is not a value that the go command can read.",
		Help: `GOSUMDB is ` + "`off`" + `, the name of a database that the go command knows (sum.golang.org), or a verifier key
NAME+HASH+KEY, each perhaps followed by a URL. The go command reads it when it first has to verify a
module that go.sum does not list, and stops then (modfetch/sumdb.go, dbDial).

Correct the value, or unset it for the default.`,
	}
	ruleEnvGOSUMDBOff = &Rule{
		ID:       "env/gosumdb-off",
		Severity: Warning,
		Summary:  "GOSUMDB=off: new modules are not verified against the checksum database.",
		Help: `What go.sum does not list yet is then taken as the proxy or the repository serves it, for public
modules too. Fetching another Go release fails altogether, because toolchains are always verified.

For private modules set GOPRIVATE or GONOSUMDB to their paths, and leave GOSUMDB alone.`,
	}
	ruleEnvGOAUTHInvalid = &Rule{
		ID:       "env/goauth-invalid",
		Severity: Error,
		Summary:  "GOAUTH is not a value that the go command can read.",
		Help: `GOAUTH is a list separated by semicolons: ` + "`netrc`, `git DIR`" + ` with an absolute path to a folder that exists,
or a command; or ` + "`off`" + ` alone. The go command reads it at its first https request and stops there
(auth/auth.go, runGoAuth).

Correct the value, or unset it: the default is ` + "`netrc`" + `.`,
	}
	ruleEnvGOVCSInvalid = &Rule{
		ID:       "env/govcs-invalid",
		Severity: Error,
		Summary:  "GOVCS is not a value that the go command can read.",
		Help: `GOVCS is a list separated by commas of PATTERN:VCS, where VCS is a list separated by ` + "`|`" + `, as in
` + "`github.com:git,public:off`" + `. The go command reads it when it first fetches a module from a repository,
and stops there (vcs/vcs.go, parseGOVCS).

Correct the value, or unset it.`,
	}
	ruleEnvPattern = &Rule{
		ID:       "env/pattern",
		Severity: Warning,
		Summary:  "A pattern of GOPRIVATE, GONOPROXY, GONOSUMDB or GOINSECURE matches nothing.",
		Help: `These settings list module path prefixes, separated by commas without spaces; each may be a glob. A
pattern with a space, a scheme, quotes or ` + "`/...`" + ` matches no module, and nothing says so: the names of
private modules then go to a public proxy and to the checksum database.

Write the path prefix alone, as in ` + "`*.corp.example,github.com/acme`" + `. To match nothing on purpose, write ` + "`none`" + `.`,
	}
)

func judgeGOPROXY(f *envFacts) []Finding {
	s, ok := f.sound("GOPROXY")
	if !ok {
		// Nobody set it, or a file sets it to nothing. With a broken GOROOT
		// there is no default, which is GOROOT's fault.
		if e, _ := f.Env.Lookup("GOPROXY"); e.Value != "" || e.Source != goenv.UserFile {
			return nil
		}
		s, _ = f.Env.Lookup("GOPROXY")
	}
	gonoproxy := f.Env.Get("GONOPROXY")
	chain, err := goproxy.Parse(s.Value, gonoproxy)
	if fixed, wrong := separators(s.Value, chain, err); wrong {
		finding := f.about(ruleEnvGOPROXYSeparator, s, "entries are separated by %q or %q only", ",", "|")
		finding.Fix = set(s, fixed)
		return []Finding{finding}
	}
	if err != nil {
		finding := f.about(ruleEnvGOPROXYInvalid, s, "%v", err)
		finding.Fix = unset(s)
		if lower := strings.ToLower(s.Value); lower == goproxy.Off || lower == goproxy.Direct {
			finding.Fix = set(s, lower)
		}
		return []Finding{finding}
	}
	var findings []Finding
	for _, e := range chain {
		if e.URL != nil && e.URL.Scheme == "http" && e.URL.User != nil {
			finding := f.about(ruleEnvGOPROXYCredentials, s, "the go command refuses to pass credentials to %s", e)
			finding.Key = "GOPROXY " + e.Host()
			finding.Fix.Description = "use https, and put the credentials into ~/.netrc instead"
			findings = append(findings, finding)
		}
	}
	if dropped := afterEnd(s.Value); dropped != "" {
		finding := f.about(ruleEnvGOPROXYIgnored, s, "the list ends before %s", showValue(dropped))
		finding.Fix = set(s, chain.String())
		findings = append(findings, finding)
	}
	if last := chain[len(chain)-1]; last.Keyword == goproxy.Off && len(chain) == 2 && chain[0].Keyword == goproxy.NoProxy && gonoproxy != "none" {
		finding := f.about(ruleEnvGOPROXYOffPrivate, s, "modules that match GONOPROXY=%s are still fetched", showValue(gonoproxy))
		finding.Fix = Fix{Description: "if nothing may be fetched, switch that off too", Command: "export GONOPROXY=none"}
		findings = append(findings, finding)
	}
	return findings
}

// separators reports whether a space or a semicolon stands where a separator of
// GOPROXY was meant, and the value with commas in its place.
func separators(value string, chain goproxy.Chain, err error) (fixed string, wrong bool) {
	fixed = strings.Join(strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == '\t' || r == ';' || r == ',' }), ",")
	for _, e := range chain {
		if e.URL != nil && strings.ContainsAny(e.URL.Host+e.URL.Path+e.URL.RawQuery, " \t;") {
			wrong = true
		}
	}
	if err != nil && fixed != value && strings.ContainsAny(strings.TrimSpace(value), " \t;") {
		wrong = true
	}
	if _, err := goproxy.Parse(fixed, ""); err != nil {
		return "", false
	}
	return fixed, wrong
}

// afterEnd is what stands behind the first "direct" or "off" of a GOPROXY.
func afterEnd(value string) string {
	for rest := value; rest != ""; {
		entry := rest
		if i := strings.IndexAny(rest, ",|"); i >= 0 {
			entry, rest = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		if e := strings.TrimSpace(entry); e == goproxy.Direct || e == goproxy.Off {
			return strings.Trim(rest, ",| \t")
		}
	}
	return ""
}

func judgeSumDB(f *envFacts) []Finding {
	s, ok := f.sound("GOSUMDB")
	if e, _ := f.Env.Lookup("GOSUMDB"); !ok && (e.Value != "" || e.Source != goenv.UserFile) {
		return nil
	} else if !ok {
		s = e
	}
	db, err := goenv.ParseGOSUMDB(s.Value)
	var finding Finding
	switch {
	case err != nil:
		finding = f.about(ruleEnvGOSUMDBInvalid, s, "%v", err)
		finding.Fix = unset(s)
		if strings.EqualFold(strings.TrimSpace(s.Value), "off") {
			finding.Fix.Description = "unset it, or write off in lower case if no module may be verified"
		}
	case db.Off:
		finding = f.about(ruleEnvGOSUMDBOff, s, "new modules are not verified, public ones neither")
		finding.Fix = unset(s)
		if s.Source == goenv.GOROOTFile {
			finding.Fix = set(s, "sum.golang.org")
		}
		finding.Fix.Description = "let modules be verified, and name private ones in GOPRIVATE or GONOSUMDB"
	default:
		return nil
	}
	return []Finding{finding}
}

// goWithGOAUTH is the first release that reads GOAUTH.
const goWithGOAUTH = "go1.24"

func judgeAuth(f *envFacts) []Finding {
	var findings []Finding
	if s, ok := f.sound("GOAUTH"); ok && goversion.Compare(f.goVersion(), goWithGOAUTH) >= 0 {
		commands, err := goenv.ParseGOAUTH(s.Value)
		for _, dir := range goenv.GitDirs(commands) {
			if f.Missing[dir] {
				err = fmt.Errorf("GOAUTH=git: %s is not a directory", dir)
			}
		}
		if err != nil {
			finding := f.about(ruleEnvGOAUTHInvalid, s, "%v", err)
			finding.Fix = unset(s)
			findings = append(findings, finding)
		}
	}
	if s, ok := f.sound("GOVCS"); ok {
		if _, err := goenv.ParseGOVCS(s.Value); err != nil {
			finding := f.about(ruleEnvGOVCSInvalid, s, "%v", err)
			finding.Fix = unset(s)
			findings = append(findings, finding)
		}
	}
	return findings
}

// goVersion is the first word of GOVERSION: "go1.26.8".
func (f *envFacts) goVersion() string {
	version, _, _ := strings.Cut(f.Env.Get("GOVERSION"), " ")
	return version
}

func judgePatterns(f *envFacts) []Finding {
	var findings []Finding
	for _, name := range []string{"GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE"} {
		s, ok := f.sound(name)
		if !ok || s.Source == goenv.Default {
			continue
		}
		value := "," + s.Value + ","
		for _, bad := range goenv.LintPatterns(s.Value) {
			finding := f.about(ruleEnvPattern, s, "%q matches nothing: %s", bad.Pattern, bad.Why)
			finding.Key = name + " " + bad.Pattern
			findings = append(findings, finding)
			if bad.Better != "" {
				value = strings.ReplaceAll(value, ","+bad.Pattern+",", ","+bad.Better+",")
			}
		}
		// Each finding has the command that mends all of this setting.
		if value = strings.Trim(value, ","); value != s.Value {
			for i := range findings {
				if strings.HasPrefix(findings[i].Key, name+" ") {
					findings[i].Fix = set(s, value)
				}
			}
		}
	}
	return findings
}
