package checks

import (
	"context"
	goversion "go/version"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/vendored"
	"github.com/gopreflight/gopreflight/internal/vendortree"
)

// A vendorProof is what comparing a vendor folder with its modules found out.
type vendorProof struct {
	// sources are the modules with packages, result what became of them, in the
	// same order.
	sources []*vendorSource
	result  *vendortree.Result
	// reached is what the imports of the main modules lead to; nil when nobody
	// looked, because what is vendored is not what it should be.
	reached *vendortree.Reached
	// ignored are those of the files that are missing, or there too many, that a
	// .gitignore keeps out of version control; paths below vendor.
	ignored map[string]bool
	// selected are the versions of the build list where modules.txt lists a
	// module that go.mod does not require; nil when nobody asked, or no answer.
	selected map[string]string
}

// prove compares the folder's files with those of their modules.
func (t *vendorTree) prove(ctx context.Context, s *Session, root *os.Root, listing *vendortree.Listing) error {
	sources, err := t.sources(ctx, s)
	if err != nil {
		return err
	}
	p := &vendorProof{sources: sources}
	o := vendortree.Options{
		Vendor: root, Listing: listing,
		Rules: vendortree.Rules{GoLine: t.goLine(), Release: t.goVersion},
	}
	for _, v := range sources {
		m := vendortree.Module{Path: v.listed.Path}
		for _, pkg := range v.listed.Packages {
			m.Packages = append(m.Packages, pkg.Path)
		}
		if v.known() {
			m.Open = func() (fs.FS, io.Closer, error) { return v.open(s) }
		}
		o.Modules = append(o.Modules, m)
	}
	if s.Progress != nil {
		o.Progress = func(done int) {
			s.Progress("%d of %s compared", done, plain.Count(len(sources), "vendored module"))
		}
	}
	if p.result, err = vendortree.Compare(ctx, o); err != nil {
		return err
	}
	if err := p.findIgnored(ctx, s, t.dir); err != nil {
		return err
	}
	p.selected = t.selectedVersions(ctx, s)
	if !slices.ContainsFunc(p.result.Differences, func(d vendortree.Difference) bool { return d.Code && !p.ignored[d.Path] }) {
		if p.reached, err = t.reach(ctx, s, p); err != nil {
			return err
		}
	}
	t.proof = p
	return ctx.Err()
}

// goLine is the go line by which go mod vendor copies: that of go.mod, or of
// go.work with its own default (gover.DefaultGoWorkVersion).
func (t *vendorTree) goLine() string {
	switch {
	case t.work != nil && t.work.Syntax != nil && t.work.Syntax.Go != nil:
		return t.work.Syntax.Go.Version
	case t.work != nil:
		return "1.18"
	case t.mains[0].File.Go != nil:
		return t.mains[0].File.Go.Version
	}
	return ""
}

// findIgnored asks git which of the files that are missing, or are there and no
// module's, are kept out of version control: whoever made the folder has them,
// or has not.
func (p *vendorProof) findIgnored(ctx context.Context, s *Session, dir string) error {
	if s.Git == nil {
		return nil
	}
	prefix := path.Join(dir, "vendor") + "/"
	var files []string
	for _, d := range p.result.Differences {
		if d.Kind == vendortree.Missing || d.Kind == vendortree.Added && !d.Code {
			files = append(files, prefix+d.Path)
		}
	}
	ignored, err := s.Git.Ignored(ctx, files)
	if err != nil {
		return err
	}
	p.ignored = map[string]bool{}
	for name := range ignored {
		p.ignored[strings.TrimPrefix(name, prefix)] = true
	}
	return nil
}

// reach follows the imports from the main modules.
func (t *vendorTree) reach(ctx context.Context, s *Session, p *vendorProof) (*vendortree.Reached, error) {
	var mains []vendortree.Main
	for _, main := range t.mains {
		dir := main.Dir
		if t.work == nil {
			dir = s.Repo.Abs(t.dir)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		m := vendortree.Main{Content: root.FS()}
		if main.File.Module != nil {
			m.Path = main.File.Module.Mod.Path
		}
		for _, i := range main.File.Ignore {
			m.Ignore = append(m.Ignore, i.Path)
		}
		for _, tool := range main.File.Tool {
			m.Tools = append(m.Tools, tool.Path)
		}
		mains = append(mains, m)
	}
	imports := map[string][]vendortree.Import{}
	for i, v := range p.sources {
		for _, pkg := range v.listed.Packages {
			imports[pkg.Path] = p.result.Modules[i].Imports[pkg.Path]
		}
	}
	if s.Progress != nil {
		s.Progress("following the imports of %s", plain.Count(len(mains), "module"))
	}
	reached := vendortree.Reach(ctx, mains, imports)
	return reached, ctx.Err()
}

// unrequired are the modules with packages that no go.mod requires at this
// version.
func (t *vendorTree) unrequired() []*vendored.Module {
	var found []*vendored.Module
	for _, m := range t.text.Modules {
		if len(m.Packages) > 0 && !m.Explicit {
			found = append(found, m)
		}
	}
	return found
}

// pruned reports whether go.mod requires every module that packages come from,
// so that modules.txt lists no other: not in a workspace, where what one member
// requires can raise what another one does.
func (t *vendorTree) pruned() bool {
	return t.work == nil && t.goLine() != "" && goversion.Compare("go"+t.goLine(), goWithPruning) >= 0
}

// selectedVersions asks the go command for the build list where modules.txt
// lists what no go.mod requires. It is nil where there is no need, or no answer.
func (t *vendorTree) selectedVersions(ctx context.Context, s *Session) map[string]string {
	if s.Go == nil || t.pruned() || len(t.unrequired()) == 0 || vendored.IsPre114(t.mains[0].File) {
		return nil
	}
	out, err := s.askModule(ctx, t.modules[0], query{
		args: []string{"list", "-m", "-e", "-mod=readonly", "-f={{.Path}} {{.Version}}", "all"}, workspace: t.work != nil, workCopy: true,
	})
	if err != nil || out.Exit != 0 || out.Cut > 0 {
		return nil
	}
	selected := map[string]string{}
	for line := range strings.Lines(string(out.Stdout)) {
		if modPath, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			selected[modPath] = version
		}
	}
	return selected
}

// goLineOf is the go line of a module version of modules.txt, where its content
// was read.
func (p *vendorProof) goLineOf(m module.Version) (string, bool) {
	for _, v := range p.sources {
		if v.listed.Version == m {
			return v.goLine, v.goKnown
		}
	}
	return "", false
}
