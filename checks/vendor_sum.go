package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/vendortree"
)

// vendorSum is what all vendor folders come to.
type vendorSum struct {
	trees, used, broken, unknown int
	modules, packages            int
	files                        fileCounts
	unused                       string
}

func (v *vendorSum) add(t *vendorTree, found []Finding, counts fileCounts) {
	v.trees++
	switch {
	case t.err != nil:
		v.unknown++
	case t.unused != "":
		v.unused = t.unused
	default:
		v.used++
		if slices.ContainsFunc(found, func(f Finding) bool { return breaksVendor(f.Rule) }) {
			v.broken++
		}
	}
	if t.text != nil && t.unused == "" {
		v.modules += len(t.text.Modules)
		v.packages += t.text.Packages()
	}
	v.files.add(counts)
}

// breaksVendor reports whether a finding says that the folder is not what it
// should be, as far as builds go.
func breaksVendor(id string) bool {
	if id == ruleVendorMalformed.ID || id == ruleVendorUnlistedPackage.ID {
		return false
	}
	for _, r := range vendorFileRules {
		if r.ID == id {
			return r.Severity == Error
		}
	}
	return true
}

func (v *vendorSum) summary() string {
	if v.used == 0 {
		return v.unused
	}
	files := "modules.txt agrees"
	if v.used > 1 {
		files = fmt.Sprintf("%d modules.txt agree", v.used)
	}
	text := fmt.Sprintf("%s with go.mod: %s, %s", files, plain.Count(v.modules, "module"), plain.Count(v.packages, "package"))
	if c := v.files; c.total > 0 {
		text = fmt.Sprintf("%s of %s proven against go.sum (%s, %s)", plain.Thousands(c.proven), plain.Count(c.total, "file"),
			plain.Count(v.modules, "module"), plain.Bytes(c.bytes))
		if c.proven == c.total {
			text = fmt.Sprintf("%s proven against go.sum (%s, %s)", plain.Count(c.total, "file"), plain.Count(v.modules, "module"), plain.Bytes(c.bytes))
		}
		if c.consistent > 0 {
			text += fmt.Sprintf(", %s as in their sources", plain.Thousands(c.consistent))
		}
		if c.unknown > 0 {
			text += fmt.Sprintf(", %s not compared", plain.Thousands(c.unknown))
		}
		if c.ignored > 0 {
			text += fmt.Sprintf(", %s left out by .gitignore", plain.Thousands(c.ignored))
		}
	}
	return text
}

func (v *vendorSum) link() *Link {
	c := v.files
	l := &Link{Link: "vendor", Against: "go.sum", Proven: c.proven, Total: c.total, Unit: "files", Why: c.rest()}
	switch {
	case v.broken > 0:
		l.State = Broken
		if l.Why == "" {
			l.Why = "vendor is not what go.mod and go.sum say"
		}
	case v.unknown > 0:
		l.State, l.Why = Unproven, "vendor could not be compared with go.mod"
	case v.used == 0:
		l.State, l.Why = Absent, v.unused
	case c.proven == c.total && c.total > 0:
		l.State = Proven
	case c.proven+c.consistent == c.total:
		l.State = Consistent
		if c.total == 0 {
			l.Why = "modules.txt agrees with go.mod, and no package is vendored"
		}
	default:
		l.State = Unproven
	}
	return l
}

// fileCounts are what the files of one or several folders come to.
type fileCounts struct {
	// total are those that must be there, but for what .gitignore keeps out, and
	// those that are there too many. proven are the same as those of a module
	// that go.sum names, consistent as those of another source.
	total, proven, consistent int
	bytes                     int64
	// modules are those with proven files.
	modules int
	// ignored are kept out by a .gitignore; unknown could not be compared.
	ignored, unknown int
	// why says of the first unknown module why it is.
	why                    string
	unknownModules         int
	unsummed, directories  int
	endings, others, patch int
}

func (p *vendorProof) counts(patched func(*vendorSource) bool) fileCounts {
	var c fileCounts
	for i, v := range p.sources {
		m := p.result.Modules[i]
		c.total += m.Files + m.OnDisk
		if !v.known() || len(m.Errs) > 0 {
			c.unknown += m.Files - m.Equal + m.OnDisk
			c.unknownModules++
			if c.why == "" {
				if c.why = v.why; v.known() {
					c.why = m.Errs[0].Error()
				}
			}
			if !v.known() {
				continue
			}
		}
		if v.proven {
			c.proven += m.Equal
			c.bytes += m.Bytes
			c.modules++
			continue
		}
		c.consistent += m.Equal
		if v.origin.Version == "" {
			c.directories++
		} else {
			c.unsummed++
		}
	}
	c.total += p.result.UnlistedFiles
	c.others += p.result.UnlistedFiles
	for _, d := range p.result.Differences {
		if d.Kind == vendortree.Added || d.Kind == vendortree.Irregular && d.Module < 0 {
			c.total++
		}
		switch {
		case p.ignored[d.Path]:
			c.total--
			c.ignored++
		case d.Module >= 0 && patched(p.sources[d.Module]):
			c.patch++
		case d.Kind == vendortree.LineEndings:
			c.endings++
		default:
			c.others++
		}
	}
	return c
}

func (c *fileCounts) add(o fileCounts) {
	c.total += o.total
	c.proven += o.proven
	c.consistent += o.consistent
	c.bytes += o.bytes
	c.modules += o.modules
	c.ignored += o.ignored
	c.unknown += o.unknown
	c.unknownModules += o.unknownModules
	c.unsummed += o.unsummed
	c.directories += o.directories
	c.endings += o.endings
	c.others += o.others
	c.patch += o.patch
	if c.why == "" {
		c.why = o.why
	}
}

// rest says, of the files that are not proven, why not.
func (c *fileCounts) rest() string {
	var parts []string
	add := func(n int, format string, args ...any) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(c.unknownModules, "%s not compared with %s: %s", plain.Count(c.unknown, "file"), plain.Count(c.unknownModules, "module"), c.why)
	add(c.others, "%s not as in the modules", plain.Count(c.others, "file"))
	add(c.patch, "%s patched, as the policy allows", plain.Count(c.patch, "file"))
	add(c.endings, "%s with other line endings", plain.Count(c.endings, "file"))
	add(c.directories, "%s replaced by directories, which no hash stands for", plain.Count(c.directories, "module"))
	add(c.unsummed, "%s without one line in go.sum", plain.Count(c.unsummed, "module"))
	return strings.Join(parts, "; ")
}
