package checks

import (
	"errors"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/goenv"
)

var envFlagsRules = []*Rule{
	ruleEnvGOFLAGSInvalid, ruleEnvGOFLAGSSplit, ruleEnvGOFLAGSIgnored, ruleEnvGOFLAGSExec, ruleEnvGOFLAGSMod,
}

var (
	ruleEnvGOFLAGSInvalid = &Rule{
		ID:       "env/goflags-invalid",
		Severity: Error,
		Blocks:   true,
		Summary:  "GOFLAGS holds something that the go command refuses.",
		Help: `GOFLAGS is a list of flags separated by spaces; each flag has its value after ` + "`=`" + `, and quotes may only
stand around a whole flag: ` + "`GOFLAGS=\"-mod=vendor '-ldflags=-s -w'\"`" + `. A word that is no flag, or a flag that no go
command has, stops every command but ` + "`go env`" + ` (base/goflags.go, InitGOFLAGS).

Correct the value, or unset it.`,
	}
	ruleEnvGOFLAGSSplit = &Rule{
		ID:       "env/goflags-split",
		Severity: Warning,
		Summary:  "A value in GOFLAGS ends at a space, and what follows is taken for a flag of its own.",
		Help: "In `GOFLAGS=-ldflags=-s -w`" + ` only -s reaches the linker. -w is then a flag of its own, which happens to
be one of ` + "`go env`" + `, so nothing complains and the programs keep their debug information.

Put quotes around the whole flag, inside the value: ` + "`GOFLAGS=\"'-ldflags=-s -w'\"`" + `.`,
	}
	ruleEnvGOFLAGSIgnored = &Rule{
		ID:       "env/goflags-ignored",
		Severity: Warning,
		Summary:  "GOFLAGS has a flag that no longer does anything for a build.",
		Help: `Go accepts -insecure and -i in GOFLAGS because some command still knows the name, and builds pass
over them. ` + "`go get`" + ` even stops at -insecure, which was removed in Go 1.17.

Take the flag out. For a host without a valid certificate there is GOINSECURE.`,
	}
	ruleEnvGOFLAGSExec = &Rule{
		ID:       "env/goflags-exec",
		Severity: Warning,
		Summary:  "GOFLAGS makes every build run another program or read other sources.",
		Help: `-toolexec runs a program of its own in the place of the compiler and the linker, and -overlay replaces
source files: what is built is then not what was looked at. gopreflight leaves both out of its own builds
and says so here.

Pass such a flag to the one command that needs it.`,
	}
	ruleEnvGOFLAGSMod = &Rule{
		ID:       "env/goflags-mod",
		Severity: Warning,
		Summary:  "GOFLAGS=-mod=mod lets every go command change go.mod and go.sum.",
		Help: `With -mod=mod a build that lacks a requirement adds one and goes on: what is built is not what was
committed, and vendor folders are passed over. In CI that hides a go.mod that is not tidy.

Unset it. The default, -mod=readonly (or vendor where there is a vendor folder), says what is missing.`,
	}
)

func judgeGOFLAGS(f *envFacts) []Finding {
	s, ok := f.Env.Lookup("GOFLAGS")
	if !ok || s.Value == "" {
		return nil
	}
	flags, err := goenv.ParseGOFLAGS(s.Value)
	var unknown *goenv.UnknownFlagError
	if errors.As(err, &unknown) && f.Env.Asked && f.Env.Refused == nil {
		err = nil // a newer go command knows the flag
	}
	if fixed, wrong := splitFlags(s.Value); wrong {
		if err != nil {
			finding := f.about(ruleEnvGOFLAGSInvalid, s, "%v; a flag with spaces needs quotes around it", err)
			finding.Fix = set(s, fixed)
			return []Finding{finding}
		}
		finding := f.about(ruleEnvGOFLAGSSplit, s, "a value ends at the space; the rest is read as flags of their own")
		finding.Fix = set(s, fixed)
		return append([]Finding{finding}, judgeFlags(f, s, flags)...)
	}
	if err != nil {
		finding := f.about(ruleEnvGOFLAGSInvalid, s, "%v", err)
		finding.Fix = unset(s)
		if fixed := spaceForEquals(s.Value); fixed != "" {
			finding.Fix = set(s, fixed)
		}
		return []Finding{finding}
	}
	return judgeFlags(f, s, flags)
}

// judgeFlags judges each flag of a GOFLAGS that parses.
func judgeFlags(f *envFacts, s goenv.Setting, flags []goenv.Flag) []Finding {
	var findings []Finding
	for _, flag := range flags {
		var finding Finding
		err := goenv.CheckBuildFlag(flag)
		switch name := flag.Name; {
		case err != nil:
			finding = f.about(ruleEnvGOFLAGSInvalid, s, "%v", err)
		case name == "toolexec" || name == "overlay":
			finding = f.about(ruleEnvGOFLAGSExec, s, "-%s replaces what builds run or read; left out of this run", name)
		case name == "mod" && flag.Value == "mod":
			finding = f.about(ruleEnvGOFLAGSMod, s, "every go command may change go.mod and go.sum")
		case name == "insecure" || name == "i":
			finding = f.about(ruleEnvGOFLAGSIgnored, s, "builds ignore -%s", name)
		default:
			continue
		}
		finding.Key = "GOFLAGS -" + flag.Name
		finding.Fix = without(s, flags, flag.Name)
		findings = append(findings, finding)
	}
	return findings
}

// without is the fix that takes a flag out of GOFLAGS.
func without(s goenv.Setting, flags []goenv.Flag, name string) Fix {
	kept := slices.DeleteFunc(slices.Clone(flags), func(f goenv.Flag) bool { return f.Name == name })
	value, err := goenv.JoinGOFLAGS(kept)
	if err != nil || value == "" {
		return unset(s)
	}
	return set(s, value)
}

// listFlags are the flags whose values are flags themselves.
var listFlags = []string{"ldflags", "gcflags", "asmflags", "gccgoflags"}

// splitFlags finds in a GOFLAGS a flag whose value is a list of flags and was cut
// at a space, and returns the value with quotes around it. What follows such a
// flag belongs to it up to the next flag that go build or go test has.
func splitFlags(value string) (fixed string, wrong bool) {
	words, err := goenv.SplitQuoted(value)
	if err != nil || strings.ContainsAny(value, `'"`) {
		return "", false
	}
	var joined []string
	open := false
	for _, w := range words {
		name, _, _ := strings.Cut(strings.TrimLeft(w, "-"), "=")
		own := strings.HasPrefix(w, "-") && (goenv.IsBuildFlag(name) || goenv.IsFlag("test."+name))
		if open && !own {
			joined[len(joined)-1] += " " + w
			wrong = true
			continue
		}
		open = slices.Contains(listFlags, name) && strings.Contains(w, "=")
		joined = append(joined, w)
	}
	for i, w := range joined {
		if strings.Contains(w, " ") {
			joined[i] = "'" + w + "'"
		}
	}
	return strings.Join(joined, " "), wrong
}

// spaceForEquals is a GOFLAGS such as "-mod vendor" with "=" in the place of the
// space; empty when that makes no valid one.
func spaceForEquals(value string) string {
	words, err := goenv.SplitQuoted(value)
	if err != nil {
		return ""
	}
	var joined []string
	for _, w := range words {
		if n := len(joined); !strings.HasPrefix(w, "-") && n > 0 && !strings.Contains(joined[n-1], "=") {
			joined[n-1] += "=" + w
			continue
		}
		joined = append(joined, w)
	}
	fixed := strings.Join(joined, " ")
	flags, err := goenv.ParseGOFLAGS(fixed)
	if err != nil || fixed == value {
		return ""
	}
	for _, f := range flags {
		if goenv.CheckBuildFlag(f) != nil {
			return ""
		}
	}
	return fixed
}
