package checks

import (
	"fmt"
	goversion "go/version"
	"slices"

	"golang.org/x/mod/modfile"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// judgeDeps is what of a change a reviewer must not overlook.
func judgeDeps(d depsDiff) []Finding {
	findings := d.replacements()
	findings = append(findings, d.downgrades()...)
	if d.isNew {
		return findings
	}
	raised := d.goRaised()
	if raised != nil {
		findings = append(findings, *raised)
	}
	if f := d.toolchainChanged(raised != nil); f != nil {
		findings = append(findings, *f)
	}
	return findings
}

var ruleDepsReplaceAdded = &Rule{
	ID: "deps/replace-added", Severity: Warning,
	Summary: "This change adds a replace line, or alters one.",
	Help: "What is built is then not what the require line says: another module, another version or a directory, whatever the name at the top of the import. " +
		"It is the shortest way to bring in foreign code, and the easiest to overlook in review.\n\n" +
		"Read what is on the right side of the line. A replacement that was reviewed is accepted by an exception, or its module is named in " +
		"`dependencies.replace-allow`. Modules of this repository that replace each other are not reported.",
}

// replacements finds the replace lines that the base does not have. It is
// silent where the policy allows the module or has reported the line.
func (d depsDiff) replacements() []Finding {
	var findings []Finding
	for _, r := range d.after.replace {
		if slices.ContainsFunc(d.before.replace, func(b *modfile.Replace) bool { return b.Old == r.Old && b.New == r.New }) ||
			d.policy.allowed(r.Old.Path) || d.reported[r.Syntax.Start.Line] {
			continue
		}
		if dir, inside := d.policy.target(r); inside && d.policy.own(dir) == r.Old.Path {
			continue
		}
		findings = append(findings, d.replaceAdded(r))
	}
	return findings
}

func (d depsDiff) replaceAdded(r *modfile.Replace) Finding {
	is := describeModule(r.New)
	i := slices.IndexFunc(d.before.replace, func(b *modfile.Replace) bool { return b.Old == r.Old })
	if i < 0 {
		// The left side may have got another version.
		i = slices.IndexFunc(d.before.replace, func(b *modfile.Replace) bool { return b.Old.Path == r.Old.Path })
	}
	if i < 0 {
		f := d.policy.finding(ruleDepsReplaceAdded, r, "this change replaces %s by %s", describeModule(r.Old), is)
		f.Fix = Fix{
			Description: "Remove the line if it was for one's own work only; else review what it brings in.",
			Command:     d.policy.edit("-dropreplace=" + describeModule(r.Old)),
		}
		return f
	}
	was := d.before.replace[i]
	f := d.policy.finding(ruleDepsReplaceAdded, r, "this change replaces %s by %s, before it was %s by %s",
		describeModule(r.Old), is, describeModule(was.Old), describeModule(was.New))
	f.Fix.Description = "Review what the line brings in now."
	return f
}

var ruleDepsDowngraded = &Rule{
	ID: "deps/downgraded", Severity: Notice,
	Summary: "This change lowers the version of a module.",
	Help: "Fixes, security fixes too, that the higher version brought are gone. Often nobody meant it: a merge took the older line, a branch was rebased on " +
		"an old go.mod, or the module that asked for the higher version was removed.\n\n" +
		"If it was not meant, `go get MODULE@VERSION` with the old version brings it back.",
}

// maxDowngraded is up to how many downgraded modules get a finding each; more
// are one finding.
const maxDowngraded = 10

func (d depsDiff) downgrades() []Finding {
	var down []depsChange
	for _, c := range d.changes {
		// A replacement that stays the same is what is built, whatever is required.
		if c.Kind == ChangeDowngraded && c.module.replacement == "" {
			down = append(down, c)
		}
	}
	if len(down) > maxDowngraded {
		f := ruleDepsDowngraded.Finding("this change lowers %s, first: %s from %s to %s",
			plain.Count(len(down), "module version"), down[0].Path, down[0].Old, down[0].New)
		f.File, f.Line, f.Key = d.after.name, down[0].module.line, "many"
		for _, c := range down {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s %s => %s", c.Path, c.Old, c.New))
		}
		return []Finding{f}
	}
	var findings []Finding
	for _, c := range down {
		f := ruleDepsDowngraded.Finding("this change lowers %s from %s to %s", c.Path, c.Old, c.New)
		f.File, f.Line, f.Module = d.after.name, c.module.line, c.Path+"@"+c.New
		f.Fix = Fix{
			Description: "If it was not meant, go back to the higher version.",
			Command:     inDir(d.module.Dir, standalone(d.module, "go get "+shellQuote(c.Path+"@"+c.Old))),
		}
		findings = append(findings, f)
	}
	return findings
}

var ruleDepsGoRaised = &Rule{
	ID: "deps/go-raised", Severity: Notice,
	Summary: "This change raises the go line.",
	Help: "From Go 1.21 on an older go command refuses the module, or fetches a newer toolchain first: everybody who builds this module or requires it needs " +
		"that release, and every go.mod that requires it gets a go line as high. The line also changes the language version and the default GODEBUG settings.\n\n" +
		"Keep the line as low as the module's own code and its dependencies allow.",
}

func (d depsDiff) goRaised() *Finding {
	was, is := d.before.goVersion, d.after.goVersion
	// "1.26" and "1.26.0" are the same release.
	if goversion.Compare("go"+was, "go"+is) >= 0 || is == was+".0" {
		return nil
	}
	from := was
	if d.before.goLine == 0 {
		from += " (without a line)"
	}
	who := "everybody who builds or requires this module needs"
	if d.module == nil {
		who = "every build in this workspace needs"
	}
	f := ruleDepsGoRaised.Finding("this change raises the go line from %s to %s: %s Go %s", from, is, who, is)
	f.File, f.Line = d.after.name, d.after.goLine
	f.Fix.Description = "Keep the old line unless the code or a dependency needs the newer release."
	return &f
}

var ruleDepsToolchainChanged = &Rule{
	ID: "deps/toolchain-changed", Severity: Notice,
	Summary: "This change adds, alters or removes a toolchain line.",
	Help: "Without GOTOOLCHAIN=local the go command fetches and runs the release that the line names, here and on every machine that builds this repository. " +
		"As a rule `go get` wrote it along with a dependency that needs a newer Go. The line has no effect on those who require the module.",
}

// toolchainChanged is silent where a raised go line took the place of the line.
func (d depsDiff) toolchainChanged(goRaised bool) *Finding {
	was, is := toolchainName(d.before.toolchain), toolchainName(d.after.toolchain)
	if was == is || is == "" && goRaised {
		return nil
	}
	var f Finding
	line := d.after.goLine
	switch {
	case is == "":
		f = ruleDepsToolchainChanged.Finding("this change removes the toolchain line, which was %s", was)
	case was == "":
		f = ruleDepsToolchainChanged.Finding("this change adds the toolchain line %s", is)
	default:
		f = ruleDepsToolchainChanged.Finding("this change alters the toolchain line from %s to %s", was, is)
	}
	if d.after.toolchain != nil {
		line = d.after.toolchain.Syntax.Start.Line
	}
	f.File, f.Line = d.after.name, line
	return &f
}

// toolchainName is what a toolchain line says; empty where there is none.
func toolchainName(t *modfile.Toolchain) string {
	if t == nil {
		return ""
	}
	return t.Name
}

// maxSame is up to how many files get a finding each for the same change of
// their go or toolchain line; more are one finding.
const maxSame = 3

// mergeSame makes one finding of the go and toolchain lines that a change alters
// in the same way in many files, as it does when a repository goes to another
// release. Where the policy has an exception for the rule, which may be for one
// of the files, each stays its own: excepted are those rules.
func mergeSame(findings []Finding, excepted []string) []Finding {
	type change struct{ rule, message string }
	same := map[change][]string{} // the places
	for i := range findings {
		f := &findings[i]
		if (f.Rule == ruleDepsGoRaised.ID || f.Rule == ruleDepsToolchainChanged.ID) && !slices.Contains(excepted, f.Rule) {
			c := change{f.Rule, f.Message}
			same[c] = append(same[c], f.Place())
		}
	}
	var merged []Finding
	for _, f := range findings {
		places := same[change{f.Rule, f.Message}]
		switch {
		case len(places) <= maxSame:
			merged = append(merged, f)
		case places[0] == f.Place():
			f.Message += fmt.Sprintf(" (the same in %s)", plain.Count(len(places)-1, "more file"))
			f.Evidence = plain.Lines(places)
			merged = append(merged, f)
		}
	}
	return merged
}

// exceptedRules are the rules of exceptions, each once.
func exceptedRules(exceptions []config.Exception) []string {
	rules := []string{}
	for _, e := range exceptions {
		rules = append(rules, e.Rule)
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}
