package checks

import (
	goversion "go/version"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/goenv"
)

var envBuildRules = []*Rule{
	ruleEnvGO111MODULE, ruleEnvGOTOOLCHAINInvalid, ruleEnvPlatform, ruleEnvCgoCompiler, ruleEnvCgoInvalid, ruleEnvCCInvalid,
	ruleEnvRefused,
}

var (
	ruleEnvGO111MODULE = &Rule{
		ID:       "env/go111module",
		Severity: Error,
		Blocks:   true,
		Summary:  "GO111MODULE switches modules off, or is a word that the go command does not know.",
		Help: `With ` + "`GO111MODULE=off`" + ` the go command ignores go.mod and looks for packages in GOPATH, as before 2019:
"modules disabled by GO111MODULE=off", "cannot find package". Any word but ` + "`on`, `off` and `auto`" + ` stops every
command.

Unset it: modules have been the default since Go 1.16.`,
	}
	ruleEnvGOTOOLCHAINInvalid = &Rule{
		ID:       "env/gotoolchain-invalid",
		Severity: Error,
		Blocks:   true,
		Summary:  "GOTOOLCHAIN is not a value that the go command can read.",
		Help: `GOTOOLCHAIN is ` + "`local`, `auto`, `path`" + `, or a release with its "go" (` + "`go1.26.1`" + `), perhaps followed by
` + "`+auto` or `+path`" + `. Anything else stops every go command, also ` + "`go env -u`" + ` and ` + "`go version`" + `; yet ` + "`go env -w`" + ` accepts
it (toolchain/select.go).

Correct the value. A wrong one in the user's file is mended by ` + "`go env -w GOTOOLCHAIN=auto`" + `, which always works.`,
	}
	ruleEnvPlatform = &Rule{
		ID:       "env/platform",
		Severity: Error,
		Blocks:   true,
		Summary:  "GOOS and GOARCH are no pair that the go command can build for.",
		Help: `The names are in lower case, and not every system runs on every processor; ` + "`go tool dist list`" + ` shows
the pairs. Everything but the simplest commands stops with "unsupported GOOS/GOARCH pair".

Correct the values, or unset both to build for this machine.`,
	}
	ruleEnvCgoCompiler = &Rule{
		ID:       "env/cgo",
		Severity: Warning,
		Summary:  "CGO_ENABLED=1 asks for cgo, but there is no C compiler.",
		Help: `With ` + "`CGO_ENABLED=1`" + ` packages that use cgo, net and os/user of the standard library among them, need a C
compiler: "cgo: C compiler ... not found". Unset, the go command switches cgo off by itself where there is
no compiler.

Install the compiler, name another one in CC, or unset CGO_ENABLED.`,
	}
	ruleEnvCgoInvalid = &Rule{
		ID:       "env/cgo-ignored",
		Severity: Warning,
		Summary:  "CGO_ENABLED is neither 0 nor 1 and is therefore ignored.",
		Help: `The go command knows only ` + "`0` and `1`" + `; at words such as ` + "`false`" + ` it behaves as if the variable were not set, so
that programs meant to be static may need a C library (cfg/cfg.go, defaultContext).

Write 0 or 1.`,
	}
	ruleEnvCCInvalid = &Rule{
		ID:       "env/cc-invalid",
		Severity: Error,
		Blocks:   true,
		Summary:  "CC, CXX or FC cannot be read: a quote is not closed.",
		Help: `These are commands with arguments, separated by spaces, with quotes allowed around whole arguments.
The go command reads them before every build, also with cgo switched off, and stops at a quote that is
not closed (work/init.go).

Correct the quotes, or unset the variable.`,
	}
	ruleEnvRefused = &Rule{
		ID:       "env/refused",
		Severity: Error,
		Blocks:   true,
		Summary:  "The go command does not run with these settings.",
		Help: "Even `go version`" + ` fails in this environment, in the words quoted. The cause is a setting that the go
command reads at every start, as GOEXPERIMENT or GOFIPS140.

Correct or unset the setting that the words name.`,
	}
)

func judgeMode(f *envFacts) []Finding {
	var findings []Finding
	s, ok := f.sound("GO111MODULE")
	off := ok && s.Value == "off"
	if ok && s.Value != "on" && s.Value != "auto" {
		why := "the go command does not know this value"
		if off {
			why = "go.mod is ignored"
		}
		finding := f.about(ruleEnvGO111MODULE, s, "%s", why)
		finding.Fix = unset(s)
		findings = append(findings, finding)
	}
	// Without modules the go command selects no toolchain either.
	if s, ok := f.sound("GOTOOLCHAIN"); ok && !off {
		if _, err := goenv.ParseGOTOOLCHAIN(s.Value); err != nil {
			finding := f.about(ruleEnvGOTOOLCHAINInvalid, s, "%v", err)
			finding.Fix = unset(s)
			// A language version (go1.26) is no toolchain.
			value := "go" + strings.TrimSpace(s.Value)
			if t, err := goenv.ParseGOTOOLCHAIN(value); err == nil && goversion.Lang(t.Min) != t.Min {
				finding.Fix = set(s, value)
			}
			if s.Source == goenv.UserFile {
				finding.Fix = Fix{Description: "write the default over it", Command: "go env -w GOTOOLCHAIN=auto"}
			}
			findings = append(findings, finding)
		}
	}
	return findings
}

func judgePlatform(f *envFacts) []Finding {
	if f.Env.Unsupported == nil {
		return nil
	}
	// The go command does not say which of the two is wrong.
	for _, name := range []string{"GOOS", "GOARCH"} {
		s, ok := f.sound(name)
		if !ok || s.Source == goenv.Default {
			continue
		}
		finding := ruleEnvPlatform.Finding("GOOS=%s, GOARCH=%s (%s from %s): the go command knows no such pair",
			showValue(f.Env.Get("GOOS")), showValue(f.Env.Get("GOARCH")), name, f.where(s))
		finding.Key = name
		finding.Evidence = []string{f.Env.Unsupported.Error()}
		finding.Fix = unset(s)
		if lower := strings.ToLower(s.Value); lower != s.Value {
			finding.Fix = set(s, lower)
		}
		return []Finding{finding}
	}
	return nil
}

func judgeC(f *envFacts) []Finding {
	var findings []Finding
	for _, name := range []string{"CC", "CXX", "FC"} {
		s, ok := f.sound(name)
		if !ok {
			continue
		}
		if _, err := goenv.SplitQuoted(s.Value); err != nil {
			finding := f.about(ruleEnvCCInvalid, s, "%v", err)
			finding.Fix = unset(s)
			findings = append(findings, finding)
		}
	}
	s, ok := f.sound("CGO_ENABLED")
	switch {
	case !ok || s.Source == goenv.Default:
	case s.Value != "0" && s.Value != "1":
		finding := f.about(ruleEnvCgoInvalid, s, "only 0 and 1 have a meaning")
		finding.Fix = unset(s)
		if slices.Contains([]string{"false", "off", "no"}, strings.ToLower(s.Value)) {
			finding.Fix = set(s, "0")
		}
		findings = append(findings, finding)
	case s.Value == "1" && f.NoCC:
		finding := f.about(ruleEnvCgoCompiler, s, "the C compiler %s is not in PATH", f.CC)
		finding.Fix = unset(s)
		finding.Fix.Description = "install the compiler, or let the go command switch cgo off"
		findings = append(findings, finding)
	}
	return findings
}

// judgeRefused says what the go command says where no other rule explains it.
func judgeRefused(f *envFacts, others []Finding) []Finding {
	refused := f.Env.Refused
	if refused == nil && f.Env.Asked {
		refused = f.Env.Err
	}
	if refused == nil {
		return nil
	}
	for _, r := range slices.Concat(envFlagsRules, envPathRules, envBuildRules, envTextRules) {
		if r.Blocks && slices.ContainsFunc(others, func(o Finding) bool { return o.Rule == r.ID }) {
			return nil
		}
	}
	words := strings.Split(strings.TrimSpace(refused.Error()), "\n")
	why := words[0]
	for _, w := range words {
		// Behind what was run and how it ended the first line is the go command's own.
		if i := strings.Index(" "+w, " go: "); i >= 0 {
			why = w[i:]
			break
		}
	}
	finding := ruleEnvRefused.Finding("the go command does not run: %s", why)
	finding.Evidence = words
	finding.Fix.Description = "correct or unset the setting that the go command names"
	return []Finding{finding}
}
