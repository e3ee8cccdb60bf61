package checks

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/nearest"
)

var envTextRules = []*Rule{ruleEnvQuotes, ruleEnvEmpty, ruleEnvFileLine, ruleEnvUnknownName}

var (
	ruleEnvQuotes = &Rule{
		ID:       "env/quotes",
		Severity: Error,
		Blocks:   true,
		Summary:  "A setting's value has literal quotes around it.",
		Help: `The go command takes values to the letter: the quotes are part of the path, the URL or the pattern.
The file of ` + "`go env -w`" + ` knows no quotes, nor do ` + "`docker run --env-file`, `ENV`" + ` in some forms, and many CI
variable forms. GOPROXY and GOSUMDB then fail, GOPRIVATE silently matches nothing.

Write the value without quotes.`,
	}
	ruleEnvEmpty = &Rule{
		ID:       "env/empty",
		Severity: Warning,
		Summary:  "The user's file sets a setting to nothing and so hides its default.",
		Help: `An empty variable in the environment is as good as unset, but an empty value in the file that ` + "`go env -w`" + `
writes is a value: it hides what go.env in GOROOT says, and ` + "`go env -changed`" + ` does not show it. An empty
GOTOOLCHAIN, for one, means that no other toolchain is ever selected.

Take it out with ` + "`go env -u`" + `.`,
	}
	ruleEnvFileLine = &Rule{
		ID:       "env/file-line",
		Severity: Warning,
		Summary:  "The go command ignores a line of the user's file.",
		Help: `The file has lines NAME=VALUE and nothing else: no ` + "`export`" + `, no spaces before the name or around the
equals sign. The go command passes other lines by without a word (cfg/cfg.go, readEnvFile).

Use ` + "`go env -w NAME=VALUE`" + ` instead of an editor.`,
	}
	ruleEnvUnknownName = &Rule{
		ID:       "env/unknown-name",
		Severity: Warning,
		Summary:  "A variable looks like a setting of the go command, but the go command does not know it.",
		Help: `The go command ignores variables that it does not know. A company proxy set as ` + "`GO_PROXY`" + ` is therefore
never asked, and a check switched off with ` + "`GONOSUMCHECK`" + ` stays on, without a word.

Use the name that the go command knows (` + "`go help environment`" + `).`,
	}
)

// ownQuotes are the settings in whose grammar quotes have a meaning.
var ownQuotes = []string{"GOFLAGS", "AR", "CC", "CXX", "FC", "GCCGO", "PKG_CONFIG", "GOAUTH", "GOCACHEPROG", "GODEBUG"}

// quotedValue reports whether quotes around a value are taken to the letter.
func quotedValue(s goenv.Setting) bool {
	v := strings.TrimSpace(s.Value)
	return len(v) > 1 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] &&
		!slices.Contains(ownQuotes, s.Name) && !strings.HasPrefix(s.Name, "CGO_")
}

func judgeQuotes(f *envFacts) []Finding {
	var findings []Finding
	for _, s := range f.Env.All() {
		if s.Source == goenv.Default || !goenv.IsKnown(s.Name) || !quotedValue(s) {
			continue
		}
		finding := f.about(ruleEnvQuotes, s, "the quotes are part of the value")
		finding.Fix = set(s, strings.Trim(strings.TrimSpace(s.Value), `"'`))
		findings = append(findings, finding)
	}
	return findings
}

// judgeLines judges the lines of the user's file.
func judgeLines(f *envFacts) []Finding {
	var findings []Finding
	for _, s := range f.Env.FileSettings() {
		switch {
		case s.Name == "" && strings.Contains(s.Value, "="), strings.ContainsAny(s.Name, " \t"):
			findings = append(findings, ignoredLine(f, s))
		case s.Value == "" && f.hides(s):
			finding := f.about(ruleEnvEmpty, s, "the empty value hides the default")
			finding.Fix = Fix{Description: "take it out of the file", Command: "go env -u " + s.Name}
			findings = append(findings, finding)
		}
	}
	return findings
}

// hides reports whether an empty line of the file counts. GOPROXY and GOSUMDB
// may not be empty; their own rules say so.
func (f *envFacts) hides(s goenv.Setting) bool {
	now, ok := f.Env.Lookup(s.Name)
	return ok && now == s && s.Name != "GOPROXY" && s.Name != "GOSUMDB"
}

func ignoredLine(f *envFacts, s goenv.Setting) Finding {
	text := s.Value
	if s.Name != "" {
		text = s.Name + "=" + s.Value
	}
	finding := ruleEnvFileLine.Finding("%s: the go command ignores %s", f.where(s), showValue(text))
	beginning, value, _ := strings.Cut(text, "=")
	name := beginning
	for _, word := range []string{"export ", "set ", "setenv "} {
		name = strings.TrimPrefix(strings.TrimSpace(name), word)
	}
	name, value = strings.TrimSpace(name), strings.Trim(strings.TrimSpace(value), `"'`)
	finding.Key = name
	finding.Fix = Fix{Description: "take the line out", Command: deleteLines(s.File, beginning)}
	if goenv.IsKnown(name) && !goenv.IsProcessOnly(name) {
		finding.Fix.Description = "write the line as the go command does"
		finding.Fix.Command += " && go env -w " + shellQuote(name+"="+value)
	}
	return finding
}

// wrongNames are names that are often written, and what they were meant to be.
var wrongNames = map[string]string{
	"GONOSUMCHECK": "GONOSUMDB", "GOSUMCHECK": "GONOSUMDB", "GONOVERIFY": "GONOSUMDB",
	"GOPROXY_URL": "GOPROXY", "GO_PROXY_URL": "GOPROXY", "GOPROXIES": "GOPROXY", "GOMODPROXY": "GOPROXY", "GO_MODULE_PROXY": "GOPROXY",
	"GOSUMDB_URL": "GOSUMDB", "GOMODULES": "GO111MODULE", "CGO_ENABLE": "CGO_ENABLED",
}

// misspelt are the settings whose misspellings are worth reporting: those by
// which something is meant to be fetched, verified or kept elsewhere. Names with
// an underscore in them (GO_PROXY) are taken for these only; GO_FLAGS, GO_PATH
// and the like are the variables of many Makefiles.
var misspelt = []string{
	"GOPROXY", "GONOPROXY", "GOPRIVATE", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GO111MODULE", "GOMODCACHE", "CGO_ENABLED",
}

// judgeNames judges the names of variables in the process environment and in
// the user's file that the go command does not know.
func judgeNames(f *envFacts) []Finding {
	var findings []Finding
	for _, name := range f.Names {
		meant := meantName(name)
		if s, _ := f.Env.Lookup(meant); meant == "" || s.Source == goenv.Process || s.Source == goenv.UserFile {
			continue // not a setting's name, or the right one is set beside it
		}
		finding := ruleEnvUnknownName.Finding("%s (from the process environment): the go command does not know it; %s?", name, meant)
		finding.Key = name
		finding.Fix.Description = "use " + meant
		if value := f.Getenv(name); strings.ReplaceAll(name, "_", "") == strings.ReplaceAll(meant, "_", "") {
			finding.Fix.Command = "export " + meant + "=" + shellQuote(value)
		}
		findings = append(findings, finding)
	}
	for _, s := range f.Env.FileSettings() {
		if s.Name == "" || strings.ContainsAny(s.Name, " \t") || goenv.IsKnown(s.Name) && !goenv.IsProcessOnly(s.Name) {
			continue
		}
		finding := ruleEnvUnknownName.Finding("%s (from %s): the go command does not know it", showValue(s.Name), f.where(s))
		meant, near := nearest.Word(s.Name, goenv.Known())
		switch {
		case goenv.IsProcessOnly(s.Name) || childVariable(s.Name):
			finding = ruleEnvUnknownName.Finding("%s (from %s): it is read from the process environment only", s.Name, f.where(s))
		case meantName(s.Name) != "":
			finding.Message += "; " + meantName(s.Name) + "?"
		case near:
			finding.Message += "; " + meant + "?"
		}
		finding.Key = s.Name
		finding.Fix = Fix{Description: "take the line out", Command: deleteLines(s.File, s.Name)}
		findings = append(findings, finding)
	}
	return findings
}

// childVariable reports whether a name is one that the go command, or what it
// runs, reads from the process environment although it is no setting.
func childVariable(name string) bool {
	return slices.Contains([]string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR", "GOMAXPROCS"}, name) ||
		strings.HasPrefix(name, "GIT_")
}

// meantName is the setting that a variable's name was meant to be; empty when
// it is a setting's name, or nothing like one.
func meantName(name string) string {
	if goenv.IsKnown(name) || goenv.IsReported(name) {
		return ""
	}
	if meant := wrongNames[name]; meant != "" {
		return meant
	}
	for _, meant := range misspelt {
		if strings.ReplaceAll(name, "_", "") == strings.ReplaceAll(meant, "_", "") || isSlip(name, meant) {
			return meant
		}
	}
	return ""
}

// isSlip reports whether one name is the other with a slip of the finger: one
// letter wrong, missing or too many, or two changed places.
func isSlip(name, meant string) bool {
	if d := len(name) - len(meant); d < -1 || d > 1 || !strings.HasPrefix(name, meant[:2]) {
		return false
	}
	switch levenshtein.ComputeDistance(name, meant) {
	case 1:
		return true
	case 2:
		a, b := []byte(name), []byte(meant)
		slices.Sort(a)
		slices.Sort(b)
		return slices.Equal(a, b)
	}
	return false
}
