package checks

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/vendortree"
)

const (
	// maxVendorEvidence is how many files of a finding are named; more are counted.
	maxVendorEvidence = 30
	// foreignFrom is how many files that get built a module must have to be
	// called foreign when half of them differ: of fewer, each is told.
	foreignFrom = 3
)

// A vendorJudge makes findings of what a comparison found.
type vendorJudge struct {
	*vendorTree
	p        *vendorProof
	patched  []config.PatchedModule
	findings []Finding
}

// judgeFiles is what is wrong with the files of a vendor folder and with its
// modules.txt beyond the go command's own test.
func (t *vendorTree) judgeFiles(patched []config.PatchedModule) []Finding {
	if t.proof == nil {
		return nil
	}
	j := &vendorJudge{vendorTree: t, p: t.proof, patched: patched}
	byModule := map[int][]vendortree.Difference{}
	var missing, added, endings, ignored []vendortree.Difference
	for _, d := range j.p.result.Differences {
		if d.Kind == vendortree.Missing && j.isLost(d.Path) {
			continue // of a package that is told to be missing as a whole
		}
		isPatched := d.Module >= 0 && j.patchOf(j.p.sources[d.Module]) != nil
		switch {
		case j.p.ignored[d.Path]:
			if d.Kind == vendortree.Missing && d.Code {
				ignored = append(ignored, d)
			}
		case d.Code && d.Kind != vendortree.LineEndings || isPatched || d.Kind == vendortree.Modified:
			byModule[d.Module] = append(byModule[d.Module], d)
		case d.Kind == vendortree.LineEndings:
			endings = append(endings, d)
		case d.Kind == vendortree.Missing:
			missing = append(missing, d)
		default:
			added = append(added, d)
		}
	}
	for i := -1; i < len(j.p.sources); i++ {
		j.module(i, byModule[i])
	}
	j.many(ruleVendorLineEndings, endings, "%s other line endings than in the module", "has", "have")
	j.many(ruleVendorDataMissing, missing, "%s missing from vendor; no build reads such files", "is", "are")
	j.many(ruleVendorDataAdded, added, "%s in vendor, but in no module; no build reads such files", "is", "are")
	j.many(ruleVendorIgnored, ignored, "%s missing from vendor, because a .gitignore keeps such files out", "is", "are")
	j.notCompared()
	j.imports()
	j.versions()
	j.text()
	return j.findings
}

// judgeLink is the finding of a vendor folder that is none itself.
func (t *vendorTree) judgeLink() Finding {
	name := path.Join(t.dir, "vendor")
	f := ruleVendorIrregular.Finding("%s is %s, which was not followed", name, kindOfMode(t.irregular))
	f.File, f.Dir = name, t.ownerOf("")
	f.Fix = t.fix()
	f.Fix.Command = "rm " + shellQuote(name) + " && " + f.Fix.Command
	return f
}

// isLost reports whether a file is of a package of which nothing is there.
func (t *vendorTree) isLost(name string) bool {
	for _, l := range t.lost {
		for _, p := range l.packages {
			if strings.HasPrefix(name, p.Path+"/") {
				return true
			}
		}
	}
	return false
}

// patchOf is the policy's permission to patch a module; nil for none.
func (j *vendorJudge) patchOf(v *vendorSource) *config.PatchedModule {
	for i := range j.patched {
		if module.MatchPrefixPatterns(j.patched[i].Module, v.listed.Path) {
			return &j.patched[i]
		}
	}
	return nil
}

// module judges the differences of one module; of none when i is negative.
func (j *vendorJudge) module(i int, differences []vendortree.Difference) {
	of := func(kind vendortree.Kind, code bool) []vendortree.Difference {
		var found []vendortree.Difference
		for _, d := range differences {
			if d.Kind == kind && d.Code == code {
				found = append(found, d)
			}
		}
		return found
	}
	irregular := of(vendortree.Irregular, true)
	if len(irregular) > 0 {
		f := j.start(ruleVendorIrregular, i, irregular, fmt.Sprintf("%s is %s", j.place(irregular[0]), kindOfEntry(irregular[0])))
		j.findings = append(j.findings, f)
		differences = slices.DeleteFunc(slices.Clone(differences), func(d vendortree.Difference) bool { return d.Kind == vendortree.Irregular })
	}
	if len(differences) == 0 {
		return
	}
	if i >= 0 {
		if patch := j.patchOf(j.p.sources[i]); patch != nil {
			f := j.start(ruleVendorPatched, i, differences, fmt.Sprintf("%s of %s not as in the module, as the policy allows: %s",
				plain.Count(len(differences), "file"), j.p.sources[i].id(), patch.Reason))
			f.Fix = Fix{}
			j.findings = append(j.findings, f)
			return
		}
	}
	modified, missing, added := of(vendortree.Modified, true), of(vendortree.Missing, true), of(vendortree.Added, true)
	if i >= 0 {
		c, v := j.p.result.Modules[i], j.p.sources[i]
		if wrong := len(modified) + len(missing); c.Code >= foreignFrom && 2*wrong >= c.Code || len(c.Foreign) > 0 && len(c.Foreign) == len(v.listed.Packages) {
			f := j.start(ruleVendorForeign, i, slices.Concat(modified, missing, added), fmt.Sprintf(
				"what is vendored as %s is not that version: of %s that get built, %d differ, %d are missing, %d are there too many",
				v.id(), plain.Count(c.Code, "file"), len(modified), len(missing), len(added)))
			f.File, f.Line = j.modulesTxt(), v.listed.Line
			j.findings = append(j.findings, f)
			modified, missing, added = nil, nil, nil
		}
	}
	j.some(ruleVendorFileModified, i, modified, "%s is not the file that %s has")
	j.some(ruleVendorFileMissing, i, missing, "%s of %s is missing")
	j.some(ruleVendorFileAdded, i, added, "%s gets built, but %s has no such file")
	j.some(ruleVendorDataModified, i, of(vendortree.Modified, false), "%s is not the file that %s has; no build reads it")
}

// some is one finding about one or many files of a module. format takes the
// first file and the module.
func (j *vendorJudge) some(rule *Rule, i int, differences []vendortree.Difference, format string) {
	if len(differences) == 0 {
		return
	}
	name := "any module"
	if i >= 0 {
		name = j.p.sources[i].id()
	}
	text := fmt.Sprintf(format, j.file(differences[0]), name)
	if more := len(differences) - 1; more > 0 {
		text += fmt.Sprintf(", and so it is with %s", plain.Count(more, "more file"))
	}
	j.findings = append(j.findings, j.start(rule, i, differences, text))
}

// many is one finding about files of several modules; format takes their number
// with a verb.
func (j *vendorJudge) many(rule *Rule, differences []vendortree.Difference, format, one, several string) {
	if len(differences) == 0 {
		return
	}
	verb := several
	if len(differences) == 1 {
		verb = one
	}
	i := differences[0].Module
	if slices.ContainsFunc(differences, func(d vendortree.Difference) bool { return d.Module != i }) {
		i = -1
	}
	f := j.start(rule, i, differences, fmt.Sprintf(format, plain.Count(len(differences), "file")+" "+verb))
	switch rule {
	case ruleVendorIgnored:
		f.Fix = Fix{
			Description: "Make the folder anew where the modules are to be had, and add what .gitignore keeps out.",
			Command:     f.Fix.Command + " && git add -f " + shellQuote(path.Join(j.dir, "vendor")),
		}
	case ruleVendorLineEndings:
		f.Fix.Description = "Add \"**/vendor/** -text\" to .gitattributes, so that git leaves line endings alone, and make the folder anew."
	}
	j.findings = append(j.findings, f)
}

// start is a finding about files of a module, at the first of them that is there.
func (j *vendorJudge) start(rule *Rule, i int, differences []vendortree.Difference, text string) Finding {
	f := rule.Finding("%s", text)
	f.Dir, f.Fix = j.ownerOf(""), j.fix()
	if i >= 0 {
		f.Module = j.p.sources[i].id()
		f.File, f.Line = j.modulesTxt(), j.p.sources[i].listed.Line
	} else {
		f.File = j.modulesTxt()
	}
	at := slices.IndexFunc(differences, func(d vendortree.Difference) bool { return d.Kind != vendortree.Missing })
	if at >= 0 {
		f.File, f.Line = j.file(differences[at]), differences[at].Line
	} else if i >= 0 {
		f.Line = j.packageLine(j.p.sources[i], differences[0].Path)
	}
	for n, d := range differences {
		if n == maxVendorEvidence {
			f.Evidence = append(f.Evidence, "and "+plain.Count(len(differences)-n, "more file"))
			break
		}
		f.Evidence = append(f.Evidence, j.place(d)+": "+whatDiffers(d))
		if n == at && d.Is+d.Want != "" && d.Kind == vendortree.Modified && j.quotable(d) {
			f.Evidence = append(f.Evidence, "  vendor: "+d.Is, "  module: "+d.Want)
		}
	}
	if i < 0 && j.p.result.Dropped > 0 || i >= 0 && j.p.result.Modules[i].Dropped > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("more than %s differ", plain.Count(vendortree.MaxDifferences, "file")))
	}
	return f
}

// quotable reports whether a line of the module may be shown: not one of a
// directory outside of the repository.
func (j *vendorJudge) quotable(d vendortree.Difference) bool {
	v := j.p.sources[d.Module]
	return v.origin.Version != "" || v.inRepository
}

// packageLine is the line of modules.txt with the package of a file, else that
// of its module.
func (j *vendorJudge) packageLine(v *vendorSource, name string) int {
	line := v.listed.Line
	longest := ""
	for _, p := range v.listed.Packages {
		if strings.HasPrefix(name, p.Path+"/") && len(p.Path) > len(longest) {
			longest, line = p.Path, p.Line
		}
	}
	return line
}

// file is a file of vendor as a path from the root, place the same with its line.
func (j *vendorJudge) file(d vendortree.Difference) string { return path.Join(j.dir, "vendor", d.Path) }

func (j *vendorJudge) place(d vendortree.Difference) string {
	if d.Line > 0 {
		return fmt.Sprintf("%s:%d", j.file(d), d.Line)
	}
	return j.file(d)
}

func whatDiffers(d vendortree.Difference) string {
	switch d.Kind {
	case vendortree.Modified:
		if d.Line > 0 {
			return "differs from here on"
		}
		return "differs"
	case vendortree.LineEndings:
		return "line endings differ"
	case vendortree.Missing:
		return "missing"
	case vendortree.Added:
		return "not in the module"
	}
	return kindOfEntry(d)
}

func kindOfEntry(d vendortree.Difference) string { return kindOfMode(d.Mode) }

func kindOfMode(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	}
	return "neither a file nor a folder"
}
