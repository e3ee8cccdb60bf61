package vendored

import (
	"cmp"
	"go/version"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// A Line is one line that modules.txt must have.
type Line struct {
	// Text is the line, without its end.
	Text string
	// Module is the module that it is about.
	Module module.Version
	// GoVersion says that it is the one with "## " of Module, which names its
	// go line.
	GoVersion bool
}

// Expected are the lines that go mod vendor, or go work vendor, would write for
// the packages that the file lists, in their order: the modules that provide
// them or that go.mod requires, their marks, and the replacements that none of
// them has (cmd/go, modcmd/vendor.go, RunVendor of Go 1.22 and later). goLine is
// that of the main module or of go.work.
//
// goVersion is the go line of a module version, the right side where it is
// replaced; ok is false where it is not known: the file is then believed.
func (f *File) Expected(mains []Main, work *Workspace, goLine string, goVersion func(module.Version) (v string, ok bool)) []Line {
	c := newComparison(f, mains, work)
	explicit := map[module.Version]bool{}
	if !c.pre114 {
		explicit = c.required
	}
	var modules []module.Version
	for m := range explicit {
		modules = append(modules, m)
	}
	for _, m := range f.Modules {
		if len(m.Packages) > 0 && !explicit[m.Version] {
			modules = append(modules, m.Version)
		}
	}
	slices.SortFunc(modules, func(a, b module.Version) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), semver.Compare(a.Version, b.Version), strings.Compare(a.Version, b.Version))
	})

	var lines []Line
	if work != nil {
		lines = append(lines, Line{Text: "## workspace"})
	}
	written := map[module.Version]bool{}
	withGo := version.Compare("go"+goLine, "go1.17") >= 0
	for _, v := range modules {
		written[v] = true
		lines = append(lines, Line{Text: moduleText(v, c.canonical(c.inForce(v))), Module: v})
		m := f.Find(v)
		marks := ""
		if explicit[v] {
			marks = "explicit"
		}
		if withGo {
			if g := c.goVersion(v, goVersion); g != "" {
				marks = strings.TrimPrefix(marks+"; go "+g, "; ")
			}
		}
		if marks != "" {
			lines = append(lines, Line{Text: "## " + marks, Module: v, GoVersion: true})
		}
		if m == nil {
			continue
		}
		var packages []string
		for _, p := range m.Packages {
			packages = append(packages, p.Path)
		}
		slices.Sort(packages)
		for _, p := range slices.Compact(packages) {
			lines = append(lines, Line{Text: p, Module: v})
		}
	}
	if c.pre114 {
		return lines
	}
	unused := func(old module.Version) {
		to := c.inForce(old)
		if !written[old] && to != (target{}) {
			written[old] = true
			lines = append(lines, Line{Text: moduleText(old, c.canonical(to)), Module: old})
		}
	}
	if work != nil {
		for _, r := range work.File.Replace {
			unused(r.Old)
		}
	}
	for _, main := range mains {
		for _, r := range main.File.Replace {
			unused(r.Old)
		}
	}
	return lines
}

// goVersion is the go line to write beside a module version: that of the version
// that is selected for its path, which in a workspace need not be this one.
func (c *comparison) goVersion(v module.Version, known func(module.Version) (string, bool)) string {
	for _, main := range c.mains {
		if c.paths[v.Path] && main.File.Module.Mod.Path == v.Path {
			if main.File.Go == nil {
				return ""
			}
			return main.File.Go.Version
		}
	}
	selected := v
	if s, ok := c.selected[v.Path]; ok {
		selected.Version = s
	} else if c.work != nil {
		return c.written(v) // another member's requirements can raise it
	}
	if g, ok := known(selected); ok {
		return g
	}
	return c.written(v)
}

// written is what the file says.
func (c *comparison) written(v module.Version) string {
	if m := c.Find(v); m != nil {
		return m.GoVersion
	}
	return ""
}

func moduleText(m, replacement module.Version) string {
	text := "# " + m.Path
	if m.Version != "" {
		text += " " + m.Version
	}
	if replacement.Path != "" {
		text += " => " + replacement.Path
	}
	if replacement.Version != "" {
		text += " " + replacement.Version
	}
	return text
}

// A TextDifference is where the file parts from what is expected.
type TextDifference struct {
	// Line is the 1-based line of the file, Is its text and Want the one that is
	// expected there; Is is empty at the file's end, Want where that is too long.
	Line     int
	Is, Want string
	// Module is the module that the expected line is about, else the last one.
	Module module.Version
	// GoVersion says that it is a line of marks that differs in the go line alone.
	GoVersion bool
}

// Compare compares the file with the lines that Expected gives: every go line
// that differs, and then the first other difference. The ends of lines and blank
// ones do not count, nor does a replacement that is repeated at the end of the
// file, where Go 1.21 and older wrote it once more.
func (f *File) Compare(want []Line) []TextDifference {
	var found []TextDifference
	var last module.Version
	repeated := map[string]bool{}
	i := 0
	for _, l := range f.lines {
		if i < len(want) && l.text == want[i].Text {
			last = want[i].Module
			repeated[l.text] = strings.Contains(l.text, " => ")
			i++
			continue
		}
		if i < len(want) && want[i].GoVersion && marks(l.text) != "" && marks(l.text) == marks(want[i].Text) {
			found = append(found, TextDifference{Line: l.num, Is: l.text, Want: want[i].Text, Module: want[i].Module, GoVersion: true})
			last = want[i].Module
			i++
			continue
		}
		if repeated[l.text] {
			continue
		}
		d := TextDifference{Line: l.num, Is: l.text, Module: last}
		if i < len(want) {
			d.Want, d.Module = want[i].Text, want[i].Module
		}
		return append(found, d)
	}
	if i < len(want) {
		line := 1
		if n := len(f.lines); n > 0 {
			line = f.lines[n-1].num
		}
		found = append(found, TextDifference{Line: line, Want: want[i].Text, Module: want[i].Module})
	}
	return found
}

// marks are the marks of a "## " line without its go line; "" for another line,
// and "## " alone where it has no other marks.
func marks(line string) string {
	rest, ok := strings.CutPrefix(line, "## ")
	if !ok {
		return ""
	}
	kept := "##"
	for entry := range strings.SplitSeq(rest, ";") {
		if entry = strings.TrimSpace(entry); !strings.HasPrefix(entry, "go ") {
			kept += " " + entry
		}
	}
	return kept
}
