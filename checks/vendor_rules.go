package checks

import (
	"fmt"
	"go/version"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/vendored"
)

// whyVendor is why a mismatch matters; the same for all of them.
const whyVendor = `The go command compares vendor/modules.txt with go.mod before it builds from vendor, and refuses to build
anything ("inconsistent vendoring") while they differ. `

// judgeVendor is what is wrong with a vendor folder.
func judgeVendor(t *vendorTree, patched []config.PatchedModule) []Finding {
	if t.err != nil || t.unused != "" {
		return nil
	}
	if t.text == nil {
		return []Finding{t.judgeMissing()}
	}
	if t.irregular != fs.ModeDir {
		return []Finding{t.judgeLink()}
	}
	var findings []Finding
	for _, m := range t.text.Consistency(t.mains, t.workspace) {
		findings = append(findings, t.mismatch(m))
	}
	files := t.judgeFiles(patched)
	for _, m := range t.text.Modules {
		// A line that is wrong says nothing of what the module needs.
		wrong := slices.ContainsFunc(files, func(f Finding) bool { return f.Rule == ruleVendorGoVersion.ID && f.Line == m.GoLine })
		if f, ok := t.judgeGoVersion(m); ok && !wrong {
			findings = append(findings, f)
		}
	}
	for _, l := range t.lost {
		findings = append(findings, t.judgeLost(l))
	}
	// Where modules.txt is not up to date, the folder can be ahead of it.
	if t.proof != nil && len(t.proof.result.Unlisted) > 0 {
		findings = append(findings, t.judgeUnlisted(t.proof.result.Unlisted))
	}
	return append(append(findings, t.judgeIgnored()...), files...)
}

var ruleVendorMissingModulesTxt = &Rule{
	ID:       "vendor/missing-modules-txt",
	Severity: Error,
	Blocks:   true,
	Summary:  "There is a vendor folder without modules.txt, and the go command wants to build from it.",
	Help: `The go command builds from a folder named vendor beside go.mod whenever the go line is 1.14 or higher, whoever made it.
Without vendor/modules.txt no requirement of go.mod is met there, so that every build fails.

Is the folder Go's, commit modules.txt with it, or make it anew with ` + "`go mod vendor`" + ` (which replaces the whole folder).
Does it belong to another tool (PHP's Composer, Ruby's Bundler), move it away from go.mod, or build with ` + "`-mod=readonly`" + `.`,
}

// judgeMissing gives one finding where the go command names every line of go.mod.
func (t *vendorTree) judgeMissing() Finding {
	first := t.unmet[0]
	f := ruleVendorMissingModulesTxt.Finding("%s has no modules.txt, so that no requirement of %s is vendored",
		path.Join(t.dir, "vendor"), t.files[first.Name])
	f.File, f.Line, f.Dir = t.files[first.Name], first.Line, t.modules[0].Dir
	for _, m := range t.unmet {
		f.Evidence = append(f.Evidence, m.String())
	}
	f.Fix = t.fix()
	if t.foreign {
		f.Fix = Fix{Description: "If the folder is another tool's, move it or set GOFLAGS=-mod=readonly; " +
			"if it is Go's, run go mod vendor, which deletes everything else in it."}
	}
	return f
}

var (
	ruleVendorNotExplicit = &Rule{
		ID: "vendor/not-explicit", Severity: Error, Blocks: true,
		Summary: "A module is required in go.mod, but vendor/modules.txt does not list that version as required.",
		Help:    whyVendor + "Somebody added or changed a requirement without vendoring again. Run `go mod vendor` (in a workspace: `go work vendor`) and commit the vendor folder together with go.mod.",
	}
	ruleVendorStaleExplicit = &Rule{
		ID: "vendor/stale-explicit", Severity: Error, Blocks: true,
		Summary: "vendor/modules.txt lists a module as required that go.mod does not require at that version.",
		Help:    whyVendor + "Somebody removed or changed a requirement without vendoring again, or a merge took one half of the change. Run `go mod vendor` (in a workspace: `go work vendor`) and commit both.",
	}
	ruleVendorVersionDiffers = &Rule{
		ID: "vendor/version-differs", Severity: Error, Blocks: true,
		Summary: "Packages are vendored from another version than go.mod or the build list has.",
		Help:    "Below Go 1.14 the go command compares modules.txt with go.mod and refuses to build while they contradict each other like this. From 1.14 on it takes a version that no go.mod requires as modules.txt has it: nobody notices that the build list has another one, or none.\n\nRun `go mod vendor` (in a workspace: `go work vendor`) and commit the vendor folder together with go.mod.",
	}
	ruleVendorReplaceMissing = &Rule{
		ID: "vendor/replace-missing", Severity: Error, Blocks: true,
		Summary: "A module is replaced in go.mod or go.work, but not in vendor/modules.txt.",
		Help:    whyVendor + "A replace line was added after the folder was made, so that the vendored code is not the replacement's. Run `go mod vendor` (in a workspace: `go work vendor`).",
	}
	ruleVendorReplaceDiffers = &Rule{
		ID: "vendor/replace-differs", Severity: Error, Blocks: true,
		Summary: "A module is replaced by one thing in go.mod or go.work and by another in vendor/modules.txt.",
		Help:    whyVendor + "A replace line was changed after the folder was made, so that the vendored code is that of the former replacement. Run `go mod vendor` (in a workspace: `go work vendor`).",
	}
	ruleVendorReplaceStale = &Rule{
		ID: "vendor/replace-stale", Severity: Error, Blocks: true,
		Summary: "vendor/modules.txt marks a module as replaced that neither go.mod nor go.work replaces.",
		Help:    whyVendor + "A replace line was removed after the folder was made, so that the vendored code is still the replacement's. Run `go mod vendor` (in a workspace: `go work vendor`).",
	}
)

// mismatch makes a finding of a disagreement.
func (t *vendorTree) mismatch(m vendored.Mismatch) Finding {
	var f Finding
	mod := describeModule(m.Module)
	source := t.files[m.Name]
	switch m.Kind {
	case vendored.NotExplicit:
		listed := "does not list it as required"
		for _, other := range t.text.Modules {
			if other.Path == m.Module.Path && other.Explicit {
				listed = "lists " + other.Version.Version
			}
		}
		f = ruleVendorNotExplicit.Finding("%s is required in %s, but vendor/modules.txt %s", mod, source, listed)
	case vendored.StaleExplicit:
		f = ruleVendorStaleExplicit.Finding("%s is listed as required, but %s", mod, t.required(m.Module.Path))
	case vendored.VersionDiffers:
		f = ruleVendorVersionDiffers.Finding("%s %s", mod, m.Detail)
	case vendored.ReplaceMissing:
		f = ruleVendorReplaceMissing.Finding("%s is replaced in %s, but not in vendor/modules.txt", mod, source)
	case vendored.ReplaceDiffers:
		f = ruleVendorReplaceDiffers.Finding("%s %s", mod, m.Detail)
	case vendored.ReplaceStale:
		f = ruleVendorReplaceStale.Finding("%s is marked as replaced, but no go.mod or go.work replaces it", mod)
	}
	f.File, f.Line, f.Module = source, m.Line, mod
	if m.Name == "" {
		f.File = t.modulesTxt()
	}
	f.Dir = t.ownerOf(f.File)
	f.Evidence = []string{m.String()}
	f.Fix = t.fix()
	return f
}

// required says what go.mod requires of a module.
func (t *vendorTree) required(modPath string) string {
	for _, main := range t.mains {
		for _, r := range main.File.Require {
			if r.Mod.Path == modPath {
				return fmt.Sprintf("%s requires %s", t.files[main.Name], r.Mod.Version)
			}
		}
	}
	if t.work != nil {
		return "no module of the workspace requires it"
	}
	return t.modules[0].GoMod.Name + " does not require it"
}

var ruleVendorGoTooNew = &Rule{
	ID:       "vendor/go-too-new",
	Severity: Error,
	Blocks:   true,
	Summary:  "A vendored module needs a newer Go than the one that builds.",
	Help: `vendor/modules.txt records the go line of each module, and the go command refuses to build from a folder with a module
that needs a newer release than the one that runs. It does not switch to a newer one for a vendored module's sake, only for the
go and toolchain lines of go.mod and go.work.

Raise the go line of go.mod (` + "`go get go@1.N`" + `), or vendor an older version of the module.`,
}

func (t *vendorTree) judgeGoVersion(m *vendored.Module) (Finding, bool) {
	runs, _, _ := strings.Cut(t.goVersion, "-")
	if m.GoVersion == "" || !version.IsValid(runs) || version.Compare("go"+m.GoVersion, runs) <= 0 {
		return Finding{}, false
	}
	mod := describeModule(m.Version)
	f := ruleVendorGoTooNew.Finding("%s needs go >= %s, but this builds with %s", mod, m.GoVersion, t.goVersion)
	f.File, f.Line, f.Module, f.Dir = t.modulesTxt(), m.GoLine, mod, t.ownerOf("")
	return f, true
}

var ruleVendorPackageMissing = &Rule{
	ID:       "vendor/package-missing",
	Severity: Error,
	Blocks:   true,
	Summary:  "vendor/modules.txt lists a package that is not in the vendor folder.",
	Help: `The go command takes the package from vendor and nowhere else, and fails with "cannot find module providing package". As a
rule the folder was complete on the machine that made it, and a line of .gitignore ("bin/", "build/", "*.pb.go") kept files out
of the commit: ` + "`git status --ignored vendor`" + ` shows them there, ` + "`git add -f vendor`" + ` adds them.`,
}

func (t *vendorTree) judgeLost(l lostPackages) Finding {
	mod := describeModule(l.module.Version)
	f := ruleVendorPackageMissing.Finding("%s of %s listed in modules.txt but not in the vendor folder, first %s",
		plain.Count(len(l.packages), "package"), mod, l.packages[0].Path)
	f.File, f.Line, f.Module, f.Dir = t.modulesTxt(), l.packages[0].Line, mod, t.ownerOf("")
	for _, p := range l.packages {
		f.Evidence = append(f.Evidence, path.Join(t.dir, "vendor", p.Path))
	}
	f.Fix = t.fix()
	f.Fix.Description = "Make the folder anew and commit all of it: look for files that .gitignore keeps out (git add -f)."
	return f
}

var ruleVendorUnlistedPackage = &Rule{
	ID:       "vendor/unlisted-package",
	Severity: Warning,
	Summary:  "The vendor folder has Go code that vendor/modules.txt does not list.",
	Help: `It was copied there by hand, or a merge kept the files and lost the lines. No module's requirement stands behind it. With a go line
of 1.23 or higher the go command ignores such a package and says that it cannot be found; below, it builds it without a word.

Run ` + "`go mod vendor`" + ` (in a workspace: ` + "`go work vendor`" + `), which removes it, or require the module that it belongs to.`,
}

func (t *vendorTree) judgeUnlisted(unlisted []string) Finding {
	f := ruleVendorUnlistedPackage.Finding("%s with Go files in vendor, but not in modules.txt, first %s",
		plain.Count(len(unlisted), "directory"), unlisted[0])
	f.File, f.Dir = t.modulesTxt(), t.ownerOf("")
	for _, dir := range unlisted {
		f.Evidence = append(f.Evidence, path.Join(t.dir, "vendor", dir))
	}
	f.Fix = t.fix()
	return f
}

var ruleVendorMalformed = &Rule{
	ID:       "vendor/malformed",
	Severity: Warning,
	Summary:  "vendor/modules.txt has lines that the go command skips without a word.",
	Help: `go mod vendor writes this file and never such a line: it was edited by hand, or a merge conflict was committed, in which case
both sides count. Do not mend it by hand; run ` + "`go mod vendor`" + ` (in a workspace: ` + "`go work vendor`" + `).`,
}

// judgeIgnored gives one finding for markers of a merge and one for other lines.
func (t *vendorTree) judgeIgnored() []Finding {
	var conflict, other []vendored.Ignored
	for _, l := range t.text.Ignored {
		if l.Conflict {
			conflict = append(conflict, l)
		} else {
			other = append(other, l)
		}
	}
	var findings []Finding
	report := func(lines []vendored.Ignored, n int, key, format string) {
		if len(lines) == 0 {
			return
		}
		f := ruleVendorMalformed.Finding(format, plain.Count(n, "line"))
		f.File, f.Line, f.Key, f.Dir = t.modulesTxt(), lines[0].Line, key, t.ownerOf("")
		for _, l := range lines {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%d: %s", l.Line, l.Text))
		}
		f.Fix = t.fix()
		findings = append(findings, f)
	}
	report(conflict, len(conflict), "conflict", "a merge conflict was left in modules.txt (%s): both sides count")
	report(other, t.text.IgnoredCount-len(conflict), "ignored", "the go command does not understand %s of modules.txt and skips them")
	return findings
}

func (t *vendorTree) modulesTxt() string { return path.Join(t.dir, "vendor/modules.txt") }

// ownerOf is the directory of the module that a finding in a file is about;
// empty when it is about all modules of a workspace.
func (t *vendorTree) ownerOf(file string) string {
	if t.work == nil {
		return t.modules[0].Dir
	}
	for _, m := range t.modules {
		if m.GoMod.Name == file {
			return m.Dir
		}
	}
	return ""
}

func (t *vendorTree) fix() Fix {
	command := "go work vendor"
	if t.work == nil {
		command = standalone(t.modules[0], "go mod vendor")
	}
	return Fix{
		Description: "Make the vendor folder anew and commit it with go.mod.",
		Command:     inDir(t.dir, command),
	}
}

// describeModule is path@version, or the path alone.
func describeModule(m module.Version) string {
	if m.Version == "" {
		return m.Path
	}
	return m.Path + "@" + m.Version
}
