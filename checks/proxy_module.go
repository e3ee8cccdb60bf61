package checks

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/localnet"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// proxyModules chooses the modules to ask a proxy for: those that the policy
// names, else the first public module of the build list. The error is a Skip
// when there is none.
func proxyModules(mains []*repo.Module, configured []string, gonoproxy, goprivate string) ([]module.Version, error) {
	if len(configured) == 0 {
		m, ok := publicModule(mains, gonoproxy+","+goprivate)
		if !ok {
			return nil, Skip("no public module in the build list to ask a proxy for (proxy.probe can name one)")
		}
		return []module.Version{m}, nil
	}
	var modules []module.Version
	for _, text := range configured {
		path, version, _ := strings.Cut(text, "@")
		if version == "" {
			version = requiredVersion(mains, path)
		}
		if version == "" {
			return nil, fmt.Errorf("proxy.probe: no module requires %s: name its version, as in %[1]s@v1.2.3", path)
		}
		if err := module.Check(path, version); err != nil {
			return nil, fmt.Errorf("proxy.probe: %w", err)
		}
		// The go command would not ask a proxy for it, so neither do we.
		if !module.MatchPrefixPatterns(gonoproxy, path) {
			modules = append(modules, module.Version{Path: path, Version: version})
		}
	}
	if len(modules) == 0 {
		return nil, Skip("GONOPROXY or GOPRIVATE matches every module of proxy.probe")
	}
	return modules, nil
}

// requiredVersion is the highest-placed requirement of a path; empty for none.
func requiredVersion(mains []*repo.Module, path string) string {
	for _, m := range mains {
		if m.Syntax == nil {
			continue
		}
		for _, r := range m.Syntax.Require {
			if r.Mod.Path == path {
				return r.Mod.Version
			}
		}
	}
	return ""
}

// publicModule is the first module that may be asked for: direct requirements
// before indirect ones, main modules in their order, lines in theirs. Asking
// for it must tell a proxy nothing that is not public.
func publicModule(mains []*repo.Module, private string) (module.Version, bool) {
	return firstPublic(mains, private, func(module.Version) bool { return true })
}

// capitalModule is the first of them whose path has a capital; the zero value
// when the module that is probed has one itself, or none has.
func capitalModule(mains []*repo.Module, probed module.Version, private string) module.Version {
	hasCapital := func(m module.Version) bool { return strings.ToLower(m.Path) != m.Path }
	if hasCapital(probed) {
		return module.Version{}
	}
	m, _ := firstPublic(mains, private, hasCapital)
	return m
}

func firstPublic(mains []*repo.Module, private string, want func(module.Version) bool) (module.Version, bool) {
	for _, indirect := range []bool{false, true} {
		for _, m := range mains {
			if m.Syntax == nil {
				continue
			}
			for _, r := range m.Syntax.Require {
				own := func(main *repo.Module) bool { return sameOwner(main.Path, r.Mod.Path) }
				if r.Indirect != indirect || isReplaced(m, r.Mod) || !isPublicPath(r.Mod.Path) ||
					module.MatchPrefixPatterns(private, r.Mod.Path) || slices.ContainsFunc(mains, own) ||
					module.Check(r.Mod.Path, r.Mod.Version) != nil || !want(r.Mod) {
					continue
				}
				return r.Mod, true
			}
		}
	}
	return module.Version{}, false
}

// isReplaced reports whether a go.mod, or its workspace, replaces or excludes a
// module version.
func isReplaced(m *repo.Module, v module.Version) bool {
	by := func(r *modfile.Replace) bool {
		return r.Old.Path == v.Path && (r.Old.Version == "" || r.Old.Version == v.Version)
	}
	if slices.ContainsFunc(m.Syntax.Replace, by) {
		return true
	}
	if slices.ContainsFunc(m.Syntax.Exclude, func(e *modfile.Exclude) bool { return e.Mod == v }) {
		return true
	}
	w := m.Workspace
	return w != nil && w.Syntax != nil && slices.ContainsFunc(w.Syntax.Replace, by)
}

// isPublicPath reports whether a path starts with what can be a host on the
// public network.
func isPublicPath(path string) bool {
	host, _, _ := strings.Cut(path, "/")
	if _, err := netip.ParseAddr(host); err == nil || localnet.Host(host) {
		return false
	}
	return strings.Contains(host, ".")
}

// sameOwner reports whether two module paths share the host and the element
// after it, or the host when one has no more.
func sameOwner(a, b string) bool {
	ea, eb := strings.Split(a, "/"), strings.Split(b, "/")
	if !strings.EqualFold(ea[0], eb[0]) {
		return false
	}
	return len(ea) < 2 || len(eb) < 2 || strings.EqualFold(ea[1], eb[1])
}
