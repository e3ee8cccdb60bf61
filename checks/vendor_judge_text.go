package checks

import (
	"fmt"
	"path"
	"slices"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/vendored"
	"github.com/gopreflight/gopreflight/internal/vendortree"
)

// notCompared tells of the modules of which nothing could be found out, but for
// those that check modcache has told of, and those of which nothing is there.
func (j *vendorJudge) notCompared() {
	var lines []string
	var first *vendorSource
	for i, v := range j.p.sources {
		why := ""
		switch errs := j.p.result.Modules[i].Errs; {
		case v.blocked != nil || j.p.result.Modules[i].Files+j.p.result.Modules[i].OnDisk == 0:
			continue
		case !v.known():
			why = v.why
		case len(errs) > 0:
			why = errs[0].Error()
		default:
			continue
		}
		if first == nil {
			first = v
		}
		lines = append(lines, v.id()+": "+why)
	}
	if len(lines) == 0 {
		return
	}
	text := "the vendored files of %s could not be compared with the module"
	name := plain.Count(len(lines), "module")
	if len(lines) == 1 {
		name = first.id()
	}
	f := ruleVendorNotCompared.Finding(text, name)
	f.File, f.Line, f.Dir, f.Evidence = j.modulesTxt(), first.listed.Line, j.ownerOf(""), lines
	if len(lines) == 1 {
		f.Module = first.id()
	}
	f.Fix.Description = "Fill the module cache with go mod download where there is a network, and run again."
	j.findings = append(j.findings, f)
}

// imports tells what is imported and not vendored, and the other way round.
func (j *vendorJudge) imports() {
	r := j.p.reached
	if r == nil || len(r.Errs) > 0 {
		return
	}
	// Those that are there all the same are told by vendor/unlisted-package.
	unlisted := slices.DeleteFunc(slices.Clone(r.Unlisted), func(u vendortree.UnlistedImport) bool {
		return slices.Contains(j.p.result.Unlisted, u.Path)
	})
	if len(unlisted) > 0 {
		first := unlisted[0]
		verb := "are"
		if len(unlisted) == 1 {
			verb = "is"
		}
		f := ruleVendorNotVendored.Finding("%s %s imported, but not in modules.txt, first %s",
			plain.Count(len(unlisted), "package"), verb, first.Path)
		f.File, f.Line, f.Key, f.Dir, f.Fix = j.importer(first), first.Line, first.Path, j.ownerOf(""), j.fix()
		for _, u := range unlisted {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s: imported by %s:%d", u.Path, j.importer(u), u.Line))
		}
		j.findings = append(j.findings, f)
	}
	var stale []vendored.Package
	var of *vendorSource
	modules := map[string]bool{}
	for _, v := range j.p.sources {
		for _, p := range v.listed.Packages {
			if _, found := slices.BinarySearch(r.Unused, p.Path); found {
				stale = append(stale, p)
				modules[v.id()] = true
				of = v
			}
		}
	}
	if len(stale) > 0 {
		verb := "are"
		if len(stale) == 1 {
			verb = "is"
		}
		f := ruleVendorStalePackage.Finding("%s %s vendored that nothing imports, first %s", plain.Count(len(stale), "package"), verb, stale[0].Path)
		f.File, f.Line, f.Dir, f.Fix = j.modulesTxt(), stale[0].Line, j.ownerOf(""), j.fix()
		if len(modules) == 1 {
			f.Module = of.id()
		}
		for _, p := range stale {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%d: %s", p.Line, p.Path))
		}
		j.findings = append(j.findings, f)
	}
}

// importer is the file that has an import, as a path from the root.
func (j *vendorJudge) importer(u vendortree.UnlistedImport) string {
	if u.Main < 0 {
		return path.Join(j.dir, "vendor", u.Dir, u.File)
	}
	return path.Join(path.Dir(j.files[j.mains[u.Main].Name]), u.Dir, u.File)
}

// versions tells of modules with packages at a version that is not that of the
// build list.
func (j *vendorJudge) versions() {
	if vendored.IsPre114(j.mains[0].File) && j.work == nil {
		return
	}
	for _, m := range j.unrequired() {
		mod := describeModule(m.Version)
		var f Finding
		version, listed := j.p.selected[m.Path]
		switch {
		case j.pruned():
			f = ruleVendorVersionDiffers.Finding("packages of %s are vendored, but %s", mod, j.required(m.Path))
		case j.p.selected == nil || listed && version == m.Version.Version:
			continue
		case listed:
			f = ruleVendorVersionDiffers.Finding("packages of %s are vendored, but the build list has %s", mod, version)
		default:
			f = ruleVendorVersionDiffers.Finding("packages of %s are vendored, but the build list does not have that module", mod)
		}
		f.File, f.Line, f.Module, f.Dir, f.Fix = j.modulesTxt(), m.Line, mod, j.ownerOf(""), j.fix()
		j.findings = append(j.findings, f)
	}
}

// text compares modules.txt with what go mod vendor would write, once nothing
// else is wrong with it.
func (j *vendorJudge) text() {
	if j.vendorTree.text.IgnoredCount > 0 || slices.ContainsFunc(j.findings, func(f Finding) bool { return f.Rule == ruleVendorVersionDiffers.ID }) {
		return
	}
	want := j.vendorTree.text.Expected(j.mains, j.workspace, j.goLine(), j.p.goLineOf)
	for _, d := range j.vendorTree.text.Compare(want) {
		var f Finding
		switch {
		case d.GoVersion:
			f = ruleVendorGoVersion.Finding("modules.txt says %q of %s, go mod vendor would write %q", d.Is, describeModule(d.Module), d.Want)
		case d.Is == "":
			f = ruleVendorTextDiffers.Finding("modules.txt ends before the line %q", d.Want)
		case d.Want == "":
			f = ruleVendorTextDiffers.Finding("modules.txt goes on with %q, where go mod vendor would end", d.Is)
		default:
			f = ruleVendorTextDiffers.Finding("modules.txt has %q where go mod vendor would write %q", d.Is, d.Want)
		}
		f.File, f.Line, f.Module, f.Dir, f.Fix = j.modulesTxt(), d.Line, describeModule(d.Module), j.ownerOf(""), j.fix()
		j.findings = append(j.findings, f)
	}
}

// unusedPatches tells of the policy's permissions that nothing needs, once all
// that they could be for was compared.
func unusedPatches(s *Session, trees []*vendorTree) []Finding {
	var findings []Finding
	for _, patch := range s.Config.Vendor.Patched {
		used := false
		for _, t := range trees {
			if t.unused != "" {
				continue
			}
			if t.proof == nil {
				used = true // not known
				continue
			}
			for i, v := range t.proof.sources {
				if module.MatchPrefixPatterns(patch.Module, v.listed.Path) {
					unknown := !v.known() || len(t.proof.result.Modules[i].Errs) > 0
					used = used || unknown || slices.ContainsFunc(t.proof.result.Differences, func(d vendortree.Difference) bool {
						return d.Module == i && d.Kind != vendortree.Irregular && !t.proof.ignored[d.Path]
					})
				}
			}
		}
		if used {
			continue
		}
		f := ruleVendorPatchedUnused.Finding("%s may be patched in vendor, and is not", patch.Module)
		f.File, f.Line, f.Key = s.ConfigFile, patch.Line, patch.Module
		f.Evidence = []string{"reason: " + patch.Reason}
		f.Fix.Description = "take the entry out"
		findings = append(findings, f)
	}
	return findings
}
