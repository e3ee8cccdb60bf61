package checks

import (
	"context"
	"errors"
	goversion "go/version"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/semver"

	"github.com/gopreflight/gopreflight/internal/repo"
)

// goWithPruning is the first go line with which go.mod requires every module
// that packages are built from (https://go.dev/ref/mod#graph-pruning).
const goWithPruning = "go1.17"

// maxBringers is how many of those who bring a module are named.
const maxBringers = 5

// errNoGraph says that the module graph is not to be had on this machine.
var errNoGraph = errors.New("the module graph cannot be read here")

// compareModules fills in the changes between go.mod at the base, whose text is
// given, and now.
func (s *Session) compareModules(ctx context.Context, m *repo.Module, base []byte, d *depsDiff) {
	before, after := d.before.requirements(), d.after.requirements()
	// Each is asked for once at most, and only where its answer is wanted.
	graphBefore := sync.OnceValues(func() (*moduleGraph, error) {
		return s.moduleGraph(ctx, m, base, s.baseSum(ctx, m))
	})
	graphAfter := sync.OnceValues(func() (*moduleGraph, error) {
		var sum []byte
		if m.GoSum != nil {
			sum = m.GoSum.Data
		}
		return s.moduleGraph(ctx, m, m.GoMod.Data, sum)
	})
	if !d.before.pruned() || !d.after.pruned() {
		was, errWas := graphBefore()
		is, errIs := graphAfter()
		if errWas == nil && errIs == nil {
			before, after = d.before.list(was.selected), d.after.list(is.selected)
		} else {
			d.partial = "of the requirements in go.mod alone, because the module graph cannot be read here"
			onlyDirect(before, after)
		}
	}
	d.changes = compareDeps(before, after)
	for i := range d.changes {
		c := &d.changes[i]
		if c.Direct {
			continue
		}
		graph, of := graphAfter, after
		if c.Kind == ChangeRemoved {
			graph, of = graphBefore, before
		}
		if g, err := graph(); err == nil {
			c.By = g.bringers(c.Path, func(path string) bool { return of[path].direct })
		}
	}
}

// pruned reports whether the file requires all that is built.
func (f depsFile) pruned() bool {
	return goversion.Compare("go"+f.goVersion, goWithPruning) >= 0
}

// onlyDirect takes out the indirect requirements that only one side has: the
// other may build the module without saying so.
func onlyDirect(before, after map[string]depsModule) {
	for _, side := range []struct{ own, other map[string]depsModule }{{before, after}, {after, before}} {
		for path, m := range side.own {
			if _, both := side.other[path]; !both && !m.direct {
				delete(side.own, path)
			}
		}
	}
}

// baseSum is the module's go.sum at the base; nil where it cannot be had.
func (s *Session) baseSum(ctx context.Context, m *repo.Module) []byte {
	data, err := s.readBase(ctx, strings.TrimSuffix(m.GoMod.Name, ".mod")+".sum")
	if err != nil {
		return nil
	}
	return data
}

// moduleGraph is the graph of a module with another go.mod and go.sum, by the
// module cache alone. Directories that replace modules are those at hand.
func (s *Session) moduleGraph(ctx context.Context, m *repo.Module, mod, sum []byte) (*moduleGraph, error) {
	if s.Go == nil || s.blockedBy(m, env, toolchainCheck) != nil {
		return nil, errNoGraph
	}
	// No release is fetched for this: where another one is wanted, tidy has fetched it.
	if c, err := s.choice(m); err != nil || c.Switch && !s.asked(tidy) {
		return nil, errNoGraph
	}
	dir, err := s.Temp("deps")
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "go.mod")
	if err := errors.Join(os.WriteFile(name, mod, 0o600), os.WriteFile(filepath.Join(dir, "go.sum"), sum, 0o600)); err != nil {
		return nil, err
	}
	out, err := s.askModule(ctx, m, query{args: []string{"mod", "graph", "-modfile=" + name}, noNetwork: true})
	if err != nil {
		return nil, err
	}
	if out.Exit != 0 || out.Cut > 0 {
		return nil, errNoGraph
	}
	return parseGraph(string(out.Stdout)), nil
}

// asked reports whether a check that ended before this one had its answer.
func (s *Session) asked(c *Check) bool {
	r := s.Result(c)
	return r != nil && (r.Status == Passed || r.Status == Warned || r.Status == Failed)
}

// moduleGraph is what go mod graph prints.
type moduleGraph struct {
	// selected is the version of each module that minimal version selection
	// takes: the highest that anybody requires. The main module has none.
	selected map[string]string
	// parents are those who require a module version, as "path@version".
	parents map[string][]string
}

// parseGraph reads lines "PATH[@VERSION] PATH@VERSION"; others, and the go and
// toolchain that stand among the modules, are passed over.
func parseGraph(text string) *moduleGraph {
	g := &moduleGraph{selected: map[string]string{}, parents: map[string][]string{}}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			continue
		}
		parent, child := fields[0], fields[1]
		path, version, ok := strings.Cut(child, "@")
		if !ok || path == "go" || path == "toolchain" {
			continue
		}
		g.parents[child] = append(g.parents[child], parent)
		if old, seen := g.selected[path]; !seen || semver.Compare(old, version) < 0 {
			g.selected[path] = version
		}
	}
	return g
}

// bringers are the direct requirements through which a module comes in: those
// that are nearest in the graph to who requires the selected version or, where
// only the main module asks for that one, any version.
func (g *moduleGraph) bringers(path string, direct func(path string) bool) []string {
	start := []string{path + "@" + g.selected[path]}
	if found := g.nearestDirect(start, direct); len(found) > 0 {
		return found
	}
	for child := range g.parents {
		if p, _, _ := strings.Cut(child, "@"); p == path {
			start = append(start, child)
		}
	}
	return g.nearestDirect(start, direct)
}

// nearestDirect goes from module versions towards the main module and returns
// the first direct requirements that it meets, sorted.
func (g *moduleGraph) nearestDirect(level []string, direct func(path string) bool) []string {
	seen := map[string]bool{}
	for _, node := range level {
		seen[node] = true
	}
	found := []string{}
	for len(level) > 0 && len(found) == 0 {
		var next []string
		for _, node := range level {
			for _, parent := range g.parents[node] {
				path, version, ok := strings.Cut(parent, "@")
				// The main module, and versions that are not built, explain nothing.
				if !ok || seen[parent] || g.selected[path] != version {
					continue
				}
				seen[parent] = true
				if direct(path) {
					found = append(found, path)
				} else {
					next = append(next, parent)
				}
			}
		}
		level = next
	}
	slices.Sort(found)
	return found[:min(len(found), maxBringers)]
}
