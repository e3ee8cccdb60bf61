package vendortree

import (
	"path"
	"slices"
	"strings"
)

// settle counts the verdicts and makes differences of those that are not equal.
func (c *comparer) settle(r *Result) {
	for name, v := range c.verdicts {
		m := &r.Modules[v.module]
		m.Files++
		if v.code {
			m.Code++
		}
		switch {
		case v.kind == 0:
			m.Equal++
			m.Bytes += v.size
		case v.kind == Missing && c.tree.behindIrregular(name):
			// What stands in its place is told.
		default:
			r.Differences = append(r.Differences, Difference{
				Kind: v.kind, Path: name, Code: v.code, Module: v.module, Line: v.line, Is: v.is, Want: v.want,
			})
		}
	}
	for name, mode := range c.tree.irregular {
		r.Differences = append(r.Differences, Difference{Kind: Irregular, Path: name, Code: true, Module: c.owner(name), Mode: mode})
	}
}

// behindIrregular reports whether a file, or a directory that it lies in, is
// something irregular.
func (l *Listing) behindIrregular(name string) bool {
	for ; name != "."; name = path.Dir(name) {
		if _, ok := l.irregular[name]; ok {
			return true
		}
	}
	return false
}

// leftOver tells of the files of vendor that no module has.
func (c *comparer) leftOver(r *Result) error {
	c.last = newWorker(c)
	var names []string
	unlisted := map[string]bool{}
	for name := range c.tree.files {
		if _, known := c.verdicts[name]; known || name == ModulesTxt {
			continue
		}
		names = append(names, name)
		dir := path.Dir(name)
		if _, pkg := c.packages[dir]; pkg || unlisted[dir] || !strings.HasSuffix(name, ".go") || neverBuilt(name) {
			continue
		}
		if p, ok := c.above(dir); ok && (c.packages[p].unknown || c.embeds(p, name)) {
			continue
		}
		usable, err := c.usable(name)
		if err != nil {
			return err
		}
		unlisted[dir] = usable
	}
	for dir, is := range unlisted {
		if is {
			r.Unlisted = append(r.Unlisted, dir)
		}
	}
	slices.Sort(r.Unlisted)
	for _, name := range names {
		if unlisted[path.Dir(name)] {
			r.UnlistedFiles++
			continue
		}
		d, err := c.added(name)
		if err != nil {
			return err
		}
		if d != nil {
			r.Differences = append(r.Differences, *d)
		}
	}
	return nil
}

// neverBuilt reports whether a Go file is one that no import path leads to, or
// that only tests use.
func neverBuilt(name string) bool {
	if strings.HasSuffix(name, "_test.go") {
		return true
	}
	for elem := range strings.SplitSeq(name, "/") {
		if elem == "testdata" || elem[0] == '.' || elem[0] == '_' {
			return true
		}
	}
	return false
}

// added is the difference that an unknown file makes; nil where its module has
// no content to say so.
func (c *comparer) added(name string) (*Difference, error) {
	d := &Difference{Kind: Added, Path: name, Module: c.owner(name)}
	dir := path.Dir(name)
	info, inPackage := c.packages[dir]
	p, below := c.above(dir)
	switch {
	case inPackage && info.unknown || below && c.packages[p].unknown:
		return nil, nil
	case inPackage:
		d.Module, d.Code = info.module, isCode(name, info.cgo) || c.embeds(dir, name)
		if d.Code && strings.HasSuffix(name, ".go") && !c.embeds(dir, name) {
			usable, err := c.usable(name)
			if err != nil {
				return nil, err
			}
			d.Code = usable
		}
	case below:
		d.Module, d.Code = c.packages[p].module, c.embeds(p, name)
	case d.Module >= 0 && c.Modules[d.Module].Open == nil && isMetadata(path.Base(name)):
		return nil, nil
	}
	return d, nil
}

// above is the nearest package of modules.txt above a directory.
func (c *comparer) above(dir string) (string, bool) {
	for p := path.Dir(dir); p != "."; p = path.Dir(p) {
		if _, ok := c.packages[p]; ok {
			return p, true
		}
	}
	return "", false
}

// embeds reports whether a pattern of a package matches a file of vendor.
func (c *comparer) embeds(pkg, name string) bool {
	_, found := slices.BinarySearch(c.packages[pkg].embedded, strings.TrimPrefix(name, pkg+"/"))
	return found
}

// owner is the module whose path is the longest prefix of a file's; -1 for none.
func (c *comparer) owner(name string) int {
	owner := -1
	for i, m := range c.Modules {
		if (name == m.Path || strings.HasPrefix(name, m.Path+"/")) && (owner < 0 || len(m.Path) > len(c.Modules[owner].Path)) {
			owner = i
		}
	}
	return owner
}

// usable reports whether a build can use a Go file of vendor.
func (c *comparer) usable(name string) (bool, error) {
	h, err := c.last.headerOf(c.vendor, name)
	return !h.ignored, err
}

// bound drops the differences of a module above MaxDifferences.
func (r *Result) bound() {
	n := map[int]int{}
	r.Differences = slices.DeleteFunc(r.Differences, func(d Difference) bool {
		n[d.Module]++
		if n[d.Module] <= MaxDifferences {
			return false
		}
		if d.Module < 0 {
			r.Dropped++
		} else {
			r.Modules[d.Module].Dropped++
		}
		return true
	})
}
