package checks

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/hostinfo"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// host asks whether the machine lets the go command work: room and permission
// where its caches and temporary files are, and a work tree that git trusts. It
// writes no probe files, and does not measure speed. It costs a few system calls
// and one run of git.
var host = &Check{
	Name:  "host",
	Stage: StageEnv,
	Title: "the machine has room and permission to build",
	Doc: `Looks at the folders that every go command writes to: GOMODCACHE, GOCACHE and the
temporary folder. Asks how much room and how many files are left, whether this user may write there,
and whether programs may run from the temporary folder. Asks git whether it trusts the work tree.

Nothing is written to find out. A read-only work tree is fine: builds do not write there. In a
container that is not the job itself, only folders inside the work tree are looked at.`,
	Rules: []*Rule{
		ruleHostDiskFull, ruleHostDiskLow, ruleHostInodesFull, ruleHostInodesLow, ruleHostNotWritable,
		ruleHostModcacheReadOnly, ruleHostTempNoexec, ruleHostHome, ruleHostGitOwnership,
	},
	Run: runHost,
}

// placeUse is what the go command does with a folder.
type placeUse int

const (
	moduleCache placeUse = iota
	buildCache
	temporary
)

// place is a folder that the go command writes to.
type place struct {
	// Name is the setting that names it: "GOMODCACHE".
	Name string
	Use  placeUse
	At   hostinfo.Path
	// Inside are folders of it that are written to as well, those that exist.
	Inside []hostinfo.Path
	// Named is whether somebody chose the folder: HOME has no part in it then,
	// even where it lies below HOME.
	Named bool
	// Filled is whether a module cache holds modules, Spare whether no module of
	// the repository is built from it.
	Filled, Spare bool
}

// hostFacts is what was found out about the machine.
type hostFacts struct {
	Cores int
	// Memory is in bytes, 0 for unknown.
	Memory int64
	Places []place
	// Home is what HOME names; its Path is empty when HOME is not set or not
	// to be judged.
	Home hostinfo.Path
	// Root is the repository's top.
	Root string
	// Distrust is why git refuses the work tree; empty when it does not, or
	// when that does not matter to a build.
	Distrust string
}

func runHost(ctx context.Context, s *Session) (Facts, []Finding, error) {
	f, err := gatherHost(ctx, s)
	if err != nil {
		return Facts{}, nil, err
	}
	return Facts{Summary: f.summary(), Values: f.values()}, judgeHost(f), nil
}

// gatherHost looks at the machine.
func gatherHost(ctx context.Context, s *Session) (hostFacts, error) {
	f := hostFacts{Cores: hostinfo.Cores(), Memory: hostinfo.Memory(), Root: s.Root()}
	for _, p := range hostPlaces(s.Env, s.Getenv) {
		p.Spare = p.Use == moduleCache && !slices.ContainsFunc(s.Modules, s.buildsFromCache)
		if s.Scope != ScopeContainer || within(s.Root(), p.At.Path) {
			f.Places = append(f.Places, p)
		}
	}
	if s.Scope == ScopeContainer {
		if len(f.Places) == 0 {
			return f, Skip("the job's machine is outside this container, use host/")
		}
		return f, nil
	}
	if home := s.Getenv("HOME"); filepath.IsAbs(home) && runtime.GOOS != "windows" {
		f.Home = hostinfo.LookAt(home)
	}
	if s.Git != nil && !hasFlag(s.Env.Get("GOFLAGS"), "buildvcs", "false") {
		trusted, words, err := s.Git.Trusted(ctx)
		if err != nil {
			return f, err
		}
		if !trusted && strings.Contains(words, "dubious ownership") {
			f.Distrust = words
		}
	}
	return f, nil
}

// buildsFromCache reports whether a module needs others, which are not vendored.
func (s *Session) buildsFromCache(m *repo.Module) bool {
	return (m.Syntax == nil || len(m.Syntax.Require) > 0) && !s.buildsFromVendor(m)
}

// hostPlaces looks at the folders that the settings name. Settings that name
// none are the check env's to report.
func hostPlaces(e *goenv.Env, getenv func(string) string) []place {
	var places []place
	if dir := e.Get("GOMODCACHE"); filepath.IsAbs(dir) {
		p := place{Name: "GOMODCACHE", Use: moduleCache, At: hostinfo.LookAt(dir), Inside: lookInside(dir, "cache", "cache/download")}
		p.Filled = len(p.Inside) == 2
		p.Named = e.IsSet("GOMODCACHE") || e.IsSet("GOPATH")
		places = append(places, p)
	}
	// A GOCACHEPROG keeps the build cache wherever it likes.
	if dir := e.Get("GOCACHE"); filepath.IsAbs(dir) && e.Get("GOCACHEPROG") == "" {
		places = append(places, place{Name: "GOCACHE", Use: buildCache, At: hostinfo.LookAt(dir), Inside: lookInside(dir, "00", "ff"),
			Named: e.IsSet("GOCACHE") || getenv("XDG_CACHE_HOME") != ""})
	}
	if name, dir := tempDir(e, getenv); filepath.IsAbs(dir) {
		places = append(places, place{Name: name, Use: temporary, At: hostinfo.LookAt(dir)})
	}
	return places
}

// lookInside looks at those folders of dir that exist.
func lookInside(dir string, names ...string) []hostinfo.Path {
	var found []hostinfo.Path
	for _, name := range names {
		if p := hostinfo.LookAt(filepath.Join(dir, filepath.FromSlash(name))); p.Exists {
			found = append(found, p)
		}
	}
	return found
}

// tempDir is where the go command makes its work directories, and the setting
// that says so: GOTMPDIR, else os.TempDir's choice.
func tempDir(e *goenv.Env, getenv func(string) string) (name, dir string) {
	if dir := e.Get("GOTMPDIR"); dir != "" {
		return "GOTMPDIR", dir
	}
	names, fallback := []string{"TMPDIR"}, "/tmp"
	if runtime.GOOS == "windows" {
		names, fallback = []string{"TMP", "TEMP", "USERPROFILE"}, ""
	}
	for _, name := range names {
		if dir := getenv(name); dir != "" {
			return name, dir
		}
	}
	return names[0], fallback
}

// hasFlag reports whether GOFLAGS has a flag with this value.
func hasFlag(goflags, name, value string) bool {
	flags, _ := goenv.ParseGOFLAGS(goflags)
	for _, f := range flags {
		if f.Name == name && f.Value == value {
			return true
		}
	}
	return false
}

// summary is one line: "2 cores, 24 GiB; 80 GiB free at GOMODCACHE".
func (f *hostFacts) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d core", f.Cores)
	if f.Cores != 1 {
		b.WriteByte('s')
	}
	if f.Memory > 0 {
		b.WriteString(", " + binarySize(uint64(f.Memory)))
	}
	for _, p := range f.Places {
		if p.At.Space != nil {
			fmt.Fprintf(&b, "; %s free at %s", binarySize(p.At.Space.Free), p.Name)
			break
		}
	}
	return b.String()
}

func (f *hostFacts) values() map[string]any {
	v := map[string]any{"cores": f.Cores, "memory": f.Memory}
	for _, p := range f.Places {
		at := map[string]any{"path": p.At.Path, "exists": p.At.Exists}
		if p.At.Space != nil {
			at["free"], at["total"] = p.At.Space.Free, p.At.Space.Total
			at["freeInodes"], at["totalInodes"] = p.At.Space.FreeInodes, p.At.Space.TotalInodes
		}
		for name, a := range map[string]hostinfo.Answer{"writable": p.At.Writable, "readOnly": p.At.ReadOnly, "noexec": p.At.NoExec} {
			if a != hostinfo.Unknown {
				at[name] = a == hostinfo.Yes
			}
		}
		v[p.Name] = at
	}
	return v
}

// binarySize is a size for people in powers of 1024, the unit of the limits:
// "80 MiB", "1.5 GiB", "24 GiB".
func binarySize(n uint64) string {
	switch gib := float64(n) / (1 << 30); {
	case n < 1<<30:
		return fmt.Sprintf("%d MiB", n>>20)
	case gib < 9.95:
		return fmt.Sprintf("%.1f GiB", gib)
	default:
		return fmt.Sprintf("%.0f GiB", gib)
	}
}
