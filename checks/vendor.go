package checks

import (
	"context"
	"errors"
	"fmt"
	goversion "go/version"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/repo"
	"github.com/gopreflight/gopreflight/internal/vendored"
	"github.com/gopreflight/gopreflight/internal/vendortree"
)

// vendor proves every vendored file against the module that it came from, with
// the answer of go mod vendor -o TMP and a recursive comparison, and runs neither.
// It compiles nothing and leaves GOCACHE alone; it may fill GOMODCACHE.
var vendor = &Check{
	Name:  "vendor",
	Stage: StageVendor,
	Title: "vendor holds what go.mod and go.sum say",
	Doc: `Compares ` + "`vendor/modules.txt`" + ` with the require and replace lines of go.mod, or of go.work and its
modules, by the rules of the go command's own test before it builds from vendor. Once they agree, it compares
**every vendored file with the module that it came from**: with the folder or zip in the module cache that is
what go.sum names, or with the directory that replaces the module; what go mod vendor leaves out (tests,
files tagged ` + "`ignore`" + `, testdata) and what it adds (embedded files, licences of parent folders) is known. Then
it follows the imports from the main modules, and writes modules.txt anew in memory.

The answer is that of ` + "`go mod vendor -o TMP`" + ` and ` + "`diff -r`" + `, but for what is no fault: files that the repository's
own .gitignore keeps out of version control, and empty folders. Line endings that git converted are told apart
from edits. Nothing is followed or opened that is no regular file.

A module that the module cache lacks is downloaded by the go command, if go.sum names it and the run is not
` + "`--offline`" + `, but for one of this
repository's own host and owner that GOPRIVATE does not name; else its files are said to be unproven. A module without a line in go.sum, and one that a directory
replaces, is at best consistent. A vendor folder that the go command would not use (a go line below 1.14, a
folder made by ` + "`go work vendor`" + ` without a go.work) is skipped and said to be so. Costs about a second for 10,000
files; what check modcache hashed is not hashed again.`,
	Needs: []*Check{gomod},
	// What has been proven is not hashed again, and what is broken is told there;
	// what is downloaded here comes after both caches were judged.
	After: []*Check{toolchainCheck, modcache, buildcache},
	Rules: append([]*Rule{
		ruleVendorMissingModulesTxt, ruleVendorNotExplicit, ruleVendorStaleExplicit, ruleVendorVersionDiffers,
		ruleVendorReplaceMissing, ruleVendorReplaceDiffers, ruleVendorReplaceStale,
		ruleVendorGoTooNew, ruleVendorPackageMissing, ruleVendorUnlistedPackage, ruleVendorMalformed,
	}, vendorFileRules...),
	Run: runVendor,
}

// A vendorTree is a vendor folder and those who build from it.
type vendorTree struct {
	// dir holds the vendor folder: a slash path relative to the root.
	dir string
	// work is the workspace that it is of; nil for one module's.
	work *repo.Workspace
	// modules build from it and are judged: exactly one without work. members are
	// all modules of the workspace.
	modules, members []*repo.Module
	// mains and workspace are the same for the comparison, files maps their
	// names to paths relative to the root.
	mains     []vendored.Main
	workspace *vendored.Workspace
	files     map[string]string
	// text is modules.txt; nil when there is none.
	text *vendored.File
	// Without modules.txt: unmet is what go.mod asks of it, and foreign whether
	// vendor holds what go mod vendor does not make, which it would delete.
	unmet   []vendored.Mismatch
	foreign bool
	// lost are listed modules with packages that have no file on disk.
	lost []lostPackages
	// irregular is what the folder is when it is none itself, but a link to one;
	// fs.ModeDir where it is.
	irregular fs.FileMode
	// proof is what comparing the files found; nil when they were not, because
	// modules.txt is not what it should be.
	proof *vendorProof
	// goVersion is the release that the modules build with; empty when unknown.
	goVersion string
	// unused is why the go command does not build from it; empty when it does.
	unused string
	// err is why it could not be judged.
	err error
}

type lostPackages struct {
	module   *vendored.Module
	packages []vendored.Package
}

func runVendor(ctx context.Context, s *Session) (Facts, []Finding, error) {
	trees := vendorTrees(ctx, s)
	if len(trees) == 0 {
		why := "no vendor folder"
		return Facts{Link: &Link{Link: "vendor", State: Absent, Why: why}}, nil, Skip(why)
	}
	var findings []Finding
	outcomes := map[string]ModuleStatus{}
	sum := vendorSum{}
	var values []map[string]any
	for _, t := range trees {
		found := judgeVendor(t, s.Config.Vendor.Patched)
		findings = append(findings, found...)
		counts := t.counts(s.Config.Vendor.Patched)
		sum.add(t, found, counts)
		for _, m := range t.modules {
			o := ModuleStatus{Dir: m.Dir, Status: Passed, err: t.err}
			switch {
			case t.unused != "":
				o.Status, o.Reason = Skipped, t.unused
			case len(found) == 0:
				o.Reason = "modules.txt agrees with go.mod"
			}
			if b := t.blockedBy(); b != nil && o.err == nil {
				o.err = b
			}
			// A module can have a folder of its own beside its workspace's: what was judged counts.
			if old, ok := outcomes[m.Dir]; !ok || old.Status == Skipped && old.err == nil || o.err != nil {
				outcomes[m.Dir] = o
			}
		}
		values = append(values, t.values(counts))
	}
	findings = append(findings, unusedPatches(s, trees)...)
	var statuses []ModuleStatus
	for _, m := range s.Modules {
		o, ok := outcomes[m.Dir]
		if !ok {
			o = ModuleStatus{Dir: m.Dir, Status: Skipped, Reason: "no vendor folder"}
		}
		statuses = append(statuses, o)
	}
	return Facts{
		Summary: sum.summary(),
		Link:    sum.link(),
		Modules: statuses,
		Values:  map[string]any{"vendor": values},
	}, findings, nil
}

// vendorTrees finds the vendor folders of the modules to be judged and of
// their workspaces, and gathers what there is to know about them.
func vendorTrees(ctx context.Context, s *Session) []*vendorTree {
	var trees []*vendorTree
	seen := map[*repo.Workspace]bool{}
	for _, m := range s.Modules {
		if ws := m.Workspace; ws != nil && ws.Vendor && !seen[ws] {
			seen[ws] = true
			if t := workspaceTree(s, ws); t != nil {
				trees = append(trees, t)
			}
		}
		if m.Vendor {
			if t := moduleTree(s, m); t != nil {
				trees = append(trees, t)
			}
		}
	}
	for _, t := range trees {
		if t.err != nil || t.unused != "" {
			continue
		}
		if c, err := s.choice(t.modules[0]); err == nil && !c.TooOld {
			t.goVersion = c.Version
		}
		if t.err = t.look(ctx, s); t.err != nil {
			t.err = fmt.Errorf("reading %s: %w", path.Join(t.dir, "vendor"), t.err)
		}
	}
	return trees
}

// moduleTree is the vendor folder beside a go.mod; nil when it is the
// workspace's. Which folder the go command takes for whose is cmd/go's
// setDefaultBuildMod (modload/init.go).
func moduleTree(s *Session, m *repo.Module) *vendorTree {
	t := &vendorTree{dir: m.Dir, modules: []*repo.Module{m}}
	t.text, t.err = readModulesTxt(s, m.Dir)
	explicit := modFlag(s)
	switch {
	case t.err != nil:
	case m.Syntax == nil:
		t.err = fmt.Errorf("%s does not parse", m.GoMod.Name)
	case t.text != nil && t.text.Workspace:
		if m.Workspace != nil && m.Workspace.Dir == m.Dir {
			return nil
		}
		t.unused = "vendor was made by go work vendor, and no go.work here uses this module: the go command does not build from it"
	case t.text == nil && m.Workspace != nil:
		t.unused = "vendor has no modules.txt and the module is built in a workspace: the go command does not build from it"
	case t.text == nil && explicit != "" && explicit != "vendor":
		t.unused = fmt.Sprintf("vendor has no modules.txt, and GOFLAGS has -mod=%s: the go command does not build from it", explicit)
	case vendored.IsPre114(m.Syntax) && explicit != "vendor":
		line := "go.mod has no go line"
		if m.Syntax.Go != nil {
			line = "the go line is " + m.Syntax.Go.Version
		}
		t.unused = line + ": below Go 1.14 the go command does not build from vendor by itself"
	default:
		name := path.Base(m.GoMod.Name)
		t.mains = []vendored.Main{{Dir: ".", Name: name, File: m.Syntax}}
		t.files = map[string]string{name: m.GoMod.Name}
		if t.text == nil {
			// The zero File is what the go command sees without modules.txt.
			t.unmet = (&vendored.File{}).Consistency(t.mains, nil)
			if len(t.unmet) == 0 {
				t.unused = "vendor has no modules.txt, and go.mod requires nothing: the folder is not Go's"
			}
		}
	}
	return t
}

// workspaceTree is the vendor folder beside a go.work; nil when go work vendor
// did not make it, for then the workspace builds without it.
func workspaceTree(s *Session, ws *repo.Workspace) *vendorTree {
	if strings.HasPrefix(ws.Dir, "..") {
		return nil // not the repository's
	}
	t := &vendorTree{dir: ws.Dir, work: ws, files: map[string]string{}}
	for _, m := range s.Modules {
		if m.Workspace == ws {
			t.modules = append(t.modules, m)
		}
	}
	for _, m := range s.Repo.Modules {
		if m.Workspace == ws {
			t.members = append(t.members, m)
		}
	}
	t.text, t.err = readModulesTxt(s, ws.Dir)
	if t.err != nil {
		return t
	}
	if t.text == nil || !t.text.Workspace {
		return nil
	}
	name := path.Base(ws.Work.Name)
	t.workspace = &vendored.Workspace{Dir: s.Repo.Abs(ws.Dir), Name: name, File: ws.Syntax}
	t.files[name] = ws.Work.Name
	for _, u := range usedModules(s.Repo, ws) {
		if u.syntax == nil {
			t.err = fmt.Errorf("%s, which go.work uses, is not a module of this repository that parses", u.dir)
			return t
		}
		// The go command names it as seen from the workspace.
		name := u.goMod
		if rel, err := filepath.Rel(filepath.FromSlash(ws.Dir), filepath.FromSlash(u.goMod)); err == nil {
			name = filepath.ToSlash(rel)
		}
		t.mains = append(t.mains, vendored.Main{Dir: s.Repo.Abs(u.dir), Name: name, File: u.syntax})
		t.files[name] = u.goMod
	}
	return t
}

// readModulesTxt returns nil without an error when there is no such file.
func readModulesTxt(s *Session, dir string) (*vendored.File, error) {
	name := path.Join(dir, "vendor/modules.txt")
	data, err := s.Repo.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := vendored.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}

// buildsFromVendor reports whether the go command builds a module from a vendor
// folder: the workspace's for its members, else its own (modload/init.go,
// setDefaultBuildMod).
func (s *Session) buildsFromVendor(m *repo.Module) bool {
	explicit := modFlag(s)
	switch {
	case explicit != "" && explicit != "vendor":
		return false
	case m.Workspace != nil:
		runs := s.goVersion(m)
		return m.Workspace.Vendor && !(goversion.IsValid(runs) && goversion.Compare(runs, goWithWorkVendor) < 0)
	case !m.Vendor || m.Syntax == nil:
		return false
	case explicit == "vendor":
		return true
	case vendored.IsPre114(m.Syntax):
		return false
	}
	text, err := s.Repo.ReadFile(path.Join(m.Dir, "vendor/modules.txt"))
	return err != nil || !vendored.ForWorkspace(text)
}

// goWithWorkVendor is the first release whose workspaces build from vendor.
const goWithWorkVendor = "go1.22"

// modFlag is the -mod of GOFLAGS; empty for none. check env reports bad flags.
func modFlag(s *Session) string {
	flags, _ := goenv.ParseGOFLAGS(s.Env.Get("GOFLAGS"))
	value := ""
	for _, f := range flags {
		if f.Name == "mod" {
			value = f.Value
		}
	}
	return value
}

// look finds listed packages without files, and compares the others' files with
// their modules; without modules.txt, it finds out whose folder this is.
func (t *vendorTree) look(ctx context.Context, s *Session) error {
	dir := s.Repo.Abs(path.Join(t.dir, "vendor"))
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if t.irregular = info.Mode().Type(); t.irregular != fs.ModeDir {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if t.text == nil {
		entries, err := fs.ReadDir(root.FS(), ".")
		for _, e := range entries {
			// Vendored modules begin with a host name.
			t.foreign = t.foreign || !e.IsDir() || !strings.Contains(e.Name(), ".")
		}
		return err
	}
	listing, err := vendortree.List(ctx, root)
	if err != nil {
		return err
	}
	for _, m := range t.text.Modules {
		var lost []vendored.Package
		for _, p := range m.Packages {
			if !listing.HasPackage(p.Path) {
				lost = append(lost, p)
			}
		}
		if len(lost) > 0 {
			t.lost = append(t.lost, lostPackages{m, lost})
		}
	}
	if len(t.text.Consistency(t.mains, t.workspace)) > 0 {
		return nil // the folder is to be made anew, whatever its files are
	}
	return t.prove(ctx, s, root, listing)
}

// blockedBy is the finding of check modcache that keeps a module's files from
// being compared; nil for none.
func (t *vendorTree) blockedBy() error {
	if t.proof == nil {
		return nil
	}
	for _, v := range t.proof.sources {
		if v.blocked != nil {
			return v.blocked
		}
	}
	return nil
}

// counts are what the folder's files come to; the zero value when they were not
// compared.
func (t *vendorTree) counts(patched []config.PatchedModule) fileCounts {
	if t.proof == nil {
		return fileCounts{}
	}
	j := &vendorJudge{vendorTree: t, p: t.proof, patched: patched}
	return t.proof.counts(func(v *vendorSource) bool { return j.patchOf(v) != nil })
}

func (t *vendorTree) values(c fileCounts) map[string]any {
	v := map[string]any{"dir": path.Join(t.dir, "vendor"), "workspace": t.work != nil, "used": t.unused == ""}
	if t.text != nil {
		v["modules"], v["packages"] = len(t.text.Modules), t.text.Packages()
	}
	if t.proof != nil {
		v["files"], v["filesProven"], v["filesConsistent"], v["bytesProven"] = c.total, c.proven, c.consistent, c.bytes
		v["importsFollowed"] = t.proof.reached != nil && len(t.proof.reached.Errs) == 0
		v["filesUnknown"], v["filesIgnoredByGit"], v["modulesUnknown"] = c.unknown, c.ignored, c.unknownModules
	}
	return v
}
