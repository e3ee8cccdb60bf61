package checks

import (
	"fmt"
	"slices"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// neededSum is a module version of which go.sum lacks a line that builds here read:
// whoever adds the line asks the checksum database.
type neededSum struct {
	mod module.Version
	// file and line are the requirement.
	file string
	line int
	// adds says that a build here adds the line by itself, and so asks the database:
	// in a workspace, or with -mod=mod.
	adds bool
}

// neededSums are the module versions that go.mod files require, after replacement,
// and of which no go.sum names the go.mod or, of direct requirements, the content. In
// a workspace all members' go.sum files and go.work.sum count, and the highest version
// that any member requires. What only the requirements of others select is not seen
// here; check gosum knows all that a module lacks.
func (s *Session) neededSums() ([]neededSum, error) {
	flags, _ := goenv.ParseGOFLAGS(s.Env.Get("GOFLAGS")) // check env reports what is wrong
	modMod := slices.ContainsFunc(flags, func(f goenv.Flag) bool { return f.Name == "mod" && f.Value == "mod" })
	var list []neededSum
	named := map[*repo.Workspace]map[module.Version]bool{}
	for _, m := range s.Modules {
		if m.Syntax == nil || s.buildsFromVendor(m) {
			continue
		}
		members := s.buildsWith(m)
		sums := named[m.Workspace]
		if sums == nil {
			var err error
			if sums, err = namedSums(members); err != nil {
				return nil, err
			}
			if m.Workspace != nil {
				named[m.Workspace] = sums
			}
		}
		for _, r := range m.Syntax.Require {
			if slices.ContainsFunc(members, func(o *repo.Module) bool { return o.Path == r.Mod.Path }) {
				continue
			}
			need := func(want module.Version, suffix string) {
				mod, ok := replacement(m, want)
				if !ok || sums[module.Version{Path: mod.Path, Version: mod.Version + suffix}] {
					return
				}
				n := neededSum{mod: mod, file: m.GoMod.Name, line: r.Syntax.Start.Line, adds: m.Workspace != nil || modMod}
				if !slices.ContainsFunc(list, func(o neededSum) bool { return o.mod == n.mod && o.adds == n.adds }) {
					list = append(list, n)
				}
			}
			need(r.Mod, "/go.mod")
			if !r.Indirect {
				need(module.Version{Path: r.Mod.Path, Version: selected(members, r.Mod)}, "")
			}
		}
	}
	return list, nil
}

// buildsWith are the main modules that a module is built with: itself, or the
// members of its workspace.
func (s *Session) buildsWith(m *repo.Module) []*repo.Module {
	if m.Workspace == nil {
		return []*repo.Module{m}
	}
	var members []*repo.Module
	for _, o := range s.Repo.Modules {
		if o.Workspace == m.Workspace {
			members = append(members, o)
		}
	}
	return members
}

// selected is the highest version of a module that main modules require.
func selected(members []*repo.Module, mod module.Version) string {
	highest := mod.Version
	for _, m := range members {
		if m.Syntax == nil {
			continue
		}
		for _, r := range m.Syntax.Require {
			if r.Mod.Path == mod.Path && semver.Compare(r.Mod.Version, highest) > 0 {
				highest = r.Mod.Version
			}
		}
	}
	return highest
}

// namedSums is what the go.sum files of main modules and their go.work.sum name.
func namedSums(members []*repo.Module) (map[module.Version]bool, error) {
	named := map[module.Version]bool{}
	for _, f := range sumFiles(members) {
		if err := f.parse(); err != nil {
			return nil, err
		}
		for _, l := range f.parsed.Lines {
			if l.Known() {
				named[l.Mod()] = true
			}
		}
	}
	return named, nil
}

// neededTexts are module versions for people, bounded.
func neededTexts(list []neededSum) []string {
	var texts []string
	for _, n := range list[:min(len(list), plain.MaxLines/2)] {
		texts = append(texts, fmt.Sprintf("%s (%s:%d)", n.mod, n.file, n.line))
	}
	if more := len(list) - len(texts); more > 0 {
		texts = append(texts, "and "+plain.Count(more, "more module version"))
	}
	return texts
}
