package checks

import (
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/net/publicsuffix"

	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/goproxy"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// A namedModule is a module version of the build list that the go command knows
// by a name that others may be told: no folder and no main module.
type namedModule struct {
	module.Version
	// at is the line of go.mod that requires it, dir the main module's directory.
	at  fileLine
	dir string
	// direct says that GONOPROXY matches it, so that no proxy is told; unverified
	// that GONOSUMDB does, so that the checksum database is not.
	direct, unverified bool
	// vendored says that the main module builds from a vendor folder.
	vendored bool
}

// namedModules are what the go.mod files require, after replace directives, each
// path once, in the order of the files.
func namedModules(s *Session) []namedModule {
	var list []namedModule
	seen := map[string]bool{}
	for _, m := range s.Repo.Modules {
		seen[m.Path] = true // whatever a workspace or a replace does with it
	}
	noproxy, nosum := privatePatterns(s.Env), unverifiedPatterns(s.Env)
	for _, m := range s.Modules {
		if m.Syntax == nil {
			continue
		}
		for _, r := range m.Syntax.Require {
			mod, ok := replacement(m, r.Mod)
			if !ok || seen[mod.Path] || module.Check(mod.Path, mod.Version) != nil {
				continue
			}
			seen[mod.Path] = true
			list = append(list, namedModule{
				Version: mod, at: fileLine{m.GoMod.Name, r.Syntax.Start.Line}, dir: m.Dir,
				vendored:   s.buildsFromVendor(m),
				direct:     module.MatchPrefixPatterns(noproxy, mod.Path),
				unverified: module.MatchPrefixPatterns(nosum, mod.Path),
			})
		}
	}
	return list
}

// place puts a finding on the line that requires the module.
func (m *namedModule) place(f Finding) Finding {
	f.File, f.Line, f.Dir, f.Module = localFile(m.at.file), m.at.line, m.dir, m.String()
	return f
}

// unverifiedPatterns is what the go command takes for GONOSUMDB: GOPRIVATE when
// it is not set (cmd/go/internal/cfg).
func unverifiedPatterns(e *goenv.Env) string {
	if v := e.Get("GONOSUMDB"); v != "" {
		return v
	}
	return e.Get("GOPRIVATE")
}

// listeners are those in public whom the go command tells the names of modules.
type listeners struct {
	// proxies are the entries of GOPROXY that are the public's.
	proxies []goproxy.Entry
	// sumdb is the name of the checksum database; empty when none is asked.
	sumdb string
}

// listenersOf finds the public ones among those whom the go command asks. A
// module proxy is taken for public when it is one of those that Go itself ships
// in GOROOT/go.env: of any other nobody knows but who set it.
func listenersOf(s *Session, chain goproxy.Chain) listeners {
	var to listeners
	public := shippedProxies(s.Env.Get("GOROOT"))
	for _, e := range chain {
		if e.URL != nil && slices.Contains(public, e.URL.Host) {
			to.proxies = append(to.proxies, e)
		}
	}
	// A database of one's own is not the public's.
	if db, err := goenv.ParseGOSUMDB(s.Env.Get("GOSUMDB")); err == nil && !db.Off && db.Name == publicSumDB {
		to.sumdb = db.Name
	}
	return to
}

// publicSumDB is the one checksum database that the go command knows by its name
// (cmd/go, modfetch/key.go).
const publicSumDB = "sum.golang.org"

// shippedProxies are the hosts that GOROOT/go.env names in GOPROXY.
func shippedProxies(goroot string) []string {
	name := filepath.Join(goroot, "go.env")
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > goenv.MaxFile {
		return nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	var hosts []string
	for _, setting := range goenv.ParseFile(name, goenv.GOROOTFile, data) {
		if setting.Name != "GOPROXY" {
			continue
		}
		for _, entry := range strings.FieldsFunc(setting.Value, func(r rune) bool { return r == ',' || r == '|' }) {
			if u, err := url.Parse(entry); err == nil && u.Host != "" {
				hosts = append(hosts, u.Host)
			}
		}
	}
	return hosts
}

func (l listeners) names() []string {
	names := []string{}
	for _, e := range l.proxies {
		names = append(names, e.Host())
	}
	return names
}

// told finds the modules that look private and whose names go out, one finding
// for each pattern that would keep them in.
func (l listeners) told(s *Session, modules []namedModule) []Finding {
	type group struct {
		pattern, why string
		members      []*namedModule
		to           []string
	}
	var groups []*group
	for i := range modules {
		m := &modules[i]
		var to []string
		if !m.direct {
			to = l.names()
		}
		if l.sumdb != "" && !m.unverified {
			to = append(to, "the checksum database "+l.sumdb)
		}
		pattern, why := looksPrivate(s, m.Path)
		if pattern == "" || len(to) == 0 {
			continue
		}
		at := slices.IndexFunc(groups, func(g *group) bool { return g.pattern == pattern && slices.Equal(g.to, to) })
		if at < 0 {
			at = len(groups)
			groups = append(groups, &group{pattern: pattern, why: why, to: to})
		}
		groups[at].members = append(groups[at].members, m)
	}
	var findings []Finding
	for _, g := range groups {
		first := g.members[0]
		f := first.place(rulePrivateTold.Finding("%s looks private (%s), and %s may be told its name", first.Path, g.why, strings.Join(g.to, " and ")))
		f.Key = g.pattern
		if len(g.members) > 1 {
			f.Message += fmt.Sprintf("; the same goes for %s", plain.Count(len(g.members)-1, "other module"))
		}
		for _, m := range g.members[:min(len(g.members), maxNamed)] {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s requires %s", m.at, m))
		}
		f.Fix = addPattern(s.Env, g.pattern)
		findings = append(findings, f)
	}
	return findings
}

// maxNamed is how many modules a finding names.
const maxNamed = 10

// addPattern sets GOPRIVATE so that it matches one pattern more.
func addPattern(e *goenv.Env, pattern string) Fix {
	setting, _ := e.Lookup("GOPRIVATE")
	setting.Name = "GOPRIVATE"
	value := pattern
	if setting.Value != "" && setting.Value != "none" {
		value = setting.Value + "," + pattern
	}
	fix := set(setting, value)
	fix.Description = "if it is private, name it in GOPRIVATE, here or where the environment is made"
	return fix
}

// looksPrivate is the pattern of GOPRIVATE that would match a module which looks
// private, and why it does; empty for one that does not.
func looksPrivate(s *Session, modPath string) (pattern, why string) {
	host, _, _ := strings.Cut(modPath, "/")
	if _, err := netip.ParseAddr(host); err == nil || !isPublicHost(host) {
		return host, host + " is no name of the public internet"
	}
	if !s.PrivateRepository {
		return "", ""
	}
	for _, m := range s.Repo.Modules {
		if sameOwner(m.Path, modPath) {
			return ownerOf(modPath), "this repository is private, and it has the same host and owner"
		}
	}
	return "", ""
}

// isPublicHost reports whether a host's last labels are a suffix under which names
// of the internet are given out (publicsuffix.org). Names such as
// git.corp.internal or build.local are nobody's there.
func isPublicHost(host string) bool {
	suffix, icann := publicsuffix.PublicSuffix(strings.ToLower(host))
	return icann || strings.Contains(suffix, ".")
}

// ownerOf is the host of a module path and the element after it.
func ownerOf(modPath string) string {
	elements := strings.SplitN(modPath, "/", 3)
	return strings.Join(elements[:min(len(elements), 2)], "/")
}

// forges are hosts where everybody can have a module: a pattern that matches all
// that one of them has is meant for no private one.
var forges = []string{"github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gopkg.in", "golang.org", "google.golang.org"}

// tooBroad finds the patterns by which everybody's modules on a public host lose
// the checksum database, where there are such modules.
func tooBroad(s *Session, modules []namedModule) []Finding {
	if db, err := goenv.ParseGOSUMDB(s.Env.Get("GOSUMDB")); err != nil || db.Off {
		return nil // check env reports that nothing is verified at all
	}
	setting, _ := s.Env.Lookup("GONOSUMDB")
	if setting.Value == "" || setting.Source == goenv.Default {
		setting, _ = s.Env.Lookup("GOPRIVATE")
	}
	var findings []Finding
	for pattern := range strings.SplitSeq(setting.Value, ",") {
		if !matchesForge(pattern) {
			continue
		}
		var public []*namedModule
		for i := range modules {
			m := &modules[i]
			own := func(main *repo.Module) bool { return sameOwner(main.Path, m.Path) }
			if module.MatchPrefixPatterns(pattern, m.Path) && isPublicHost(hostOf(m.Path)) && !slices.ContainsFunc(s.Repo.Modules, own) {
				public = append(public, m)
			}
		}
		if len(public) == 0 {
			continue
		}
		f := rulePrivateTooBroad.Finding("%s=%s: %q takes the checksum database away from %s of others, %s first",
			setting.Name, setting.Value, pattern, plain.Count(len(public), "module"), public[0].Path)
		f.Key = setting.Name + " " + pattern
		for _, m := range public[:min(len(public), maxNamed)] {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s requires %s", m.at, m))
		}
		f.Fix.Description = "name the private owners alone, as in github.com/OWNER, in " + setting.Where()
		findings = append(findings, f)
	}
	return findings
}

func hostOf(modPath string) string {
	host, _, _ := strings.Cut(modPath, "/")
	return host
}

// matchesForge reports whether a pattern matches the modules of every owner on one
// of the public hosts.
func matchesForge(pattern string) bool {
	elements := strings.Split(strings.TrimSuffix(pattern, "/"), "/")
	if len(elements) > 2 || len(elements) == 2 && strings.Trim(elements[1], "*") != "" {
		return false
	}
	return slices.ContainsFunc(forges, func(host string) bool {
		ok, err := path.Match(elements[0], host)
		return ok && err == nil
	})
}
