package checks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/checksumdb"
	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/goroot"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

var (
	ruleReleaseModified = &Rule{
		ID:       "toolchain/modified",
		Severity: Error,
		Blocks:   true,
		Summary:  "The files of the Go release are not those that were released.",
		Help: "The compiler, the linker and the standard library are in everything that is built. The checksum database\n" +
			"records the hash of each release since Go 1.21; here a list of the release's files that has that very\n" +
			"hash says which of them were changed, or added where builds read them. A patched standard library, a\n" +
			"tool that wrote into GOROOT, an archive unpacked over an older one, or an attack look alike. No command of\n" +
			"Go notices: it verifies a release when it downloads it, and never again.\n\n" +
			"Remove the whole folder and install the release again. If nobody knows who changed it, treat the machine,\n" +
			"or the image, as compromised.",
	}
	ruleReleaseUnverified = &Rule{
		ID:       "toolchain/unverified",
		Severity: Notice,
		Summary:  "Whether the files of the Go release are those that were released could not be found out.",
		Help: "The checksum database could not be asked, or GOROOT is not, as a whole, what it recorded, and nothing says\n" +
			"which file makes the difference: distributions patch Go and leave files out, images are stripped, and\n" +
			"one changed byte looks the same.\n\n" +
			"With the release's module in the module cache (the command that the finding names; some 70 MB) the files\n" +
			"can be named, and those that were left out counted. `toolchain.authentic: required` in .gopreflight.yml\n" +
			"makes it a question that must have an answer.",
	}
)

// A goRelease is an installation of Go that builds something here.
type goRelease struct {
	version, goroot string
	// installed says that it is the one in PATH, and cached that the go command
	// extracted it into the module cache.
	installed, cached bool
}

// A releaseProof is what is known of a release's files.
type releaseProof struct {
	goRelease
	state LinkState
	// why is why it is not proven, or what is to be said of the proof.
	why string
	// unanswered says that there was a question, and no answer.
	unanswered bool
	// proven of total files of the release are as released; absent are not there.
	proven, total, absent int
	settings              bool
	others                []string
	finding               *Finding
}

// releases are the installations of Go that the modules build with: the installed
// one, which answers most questions, and those that others switch to.
func (s *Session) releases(ctx context.Context, modules []*repo.Module) []goRelease {
	list := []goRelease{{version: s.Env.Get("GOVERSION"), goroot: s.Env.Get("GOROOT"), installed: true}}
	for _, m := range modules {
		c, err := s.choice(m)
		if err != nil || !c.Switch {
			continue
		}
		path, err := s.goFor(ctx, m)
		if err != nil || path == "" {
			continue // told as toolchain/unavailable
		}
		r := goRelease{version: c.Version, goroot: filepath.Dir(filepath.Dir(path))}
		if cache := s.Env.Get("GOMODCACHE"); cache != "" {
			_, r.cached = relative(filepath.Join(cache, "golang.org"), r.goroot)
		}
		if !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}

// proveReleases holds releases against the checksum database.
func (s *Session) proveReleases(ctx context.Context, list []goRelease) []releaseProof {
	proofs := make([]releaseProof, len(list))
	for i, r := range list {
		proofs[i] = s.proveRelease(ctx, r)
	}
	return proofs
}

// notProven is a proof that there is none.
func (r goRelease) notProven(unanswered bool, format string, args ...any) releaseProof {
	return releaseProof{goRelease: r, state: Unproven, why: fmt.Sprintf(format, args...), unanswered: unanswered}
}

func (s *Session) proveRelease(ctx context.Context, r goRelease) releaseProof {
	if s.Scope == ScopeContainer {
		return r.notProven(false, "the job's Go is outside this container, use host/")
	}
	version, _, _ := strings.Cut(r.version, " ")
	mod, ok := goroot.Module(version, s.Env.Get("GOHOSTOS"), s.Env.Get("GOHOSTARCH"))
	if !ok {
		return r.notProven(true, "%s is no release that the checksum database could know", plain.Line(r.version))
	}
	client, err := s.checksumDB()
	if err != nil {
		return r.notProven(!s.Offline, "not held against the checksum database: %v", err)
	}
	if r.installed && !s.runsFrom(r.goroot) {
		return r.notProven(true, "the go command in PATH is not the one in %s", r.goroot)
	}
	if s.Progress != nil {
		s.Progress("hashing the files of %s", version)
	}
	// Both take a while: the files, and the question.
	hashing, stop := context.WithCancel(ctx)
	defer stop()
	type scanned struct {
		tree *goroot.Tree
		err  error
	}
	files := make(chan scanned, 1)
	go func() {
		scan := goroot.ScanInstalled
		if r.cached {
			scan = goroot.ScanModule
		}
		tree, err := scan(hashing, r.goroot, 0)
		files <- scanned{tree, err}
	}()
	hashes, err := client.Lookup(ctx, mod)
	if p := r.unlooked(version, client.Name(), hashes, err); p != nil {
		return *p
	}
	f := <-files
	if f.err != nil {
		p := r.notProven(true, "the files of %s cannot be read: %v", version, f.err)
		p.finding = p.unverified(version)
		return p
	}
	return s.judgeRelease(ctx, r, mod, hashes, f.tree)
}

// unlooked is why there is no record to compare with; nil when there is one. A
// finding is made of what somebody can mend.
func (r goRelease) unlooked(version, database string, hashes []string, err error) *releaseProof {
	var fault *checksumdb.Fault
	var p releaseProof
	switch {
	case errors.Is(err, checksumdb.ErrOff):
		p = r.notProven(true, "GOSUMDB=off: there is no checksum database to ask")
	case errors.As(err, &fault) && fault.Kind == checksumdb.Unknown, err == nil && len(hashes) == 0:
		p = r.notProven(true, "the checksum database %s does not know %s on this platform", database, version)
	case fault != nil:
		p = r.notProven(true, "the checksum database could not be asked about %s: %s: %s", version, fault.Host, fault.Text)
		p.finding = p.unverified(version)
		p.finding.Transient = fault.Transient()
		p.finding.Evidence = fault.Detail
		p.finding.Fix.Description = "See check sumdb for where the database is asked from here."
	case err != nil:
		p = r.notProven(true, "the checksum database could not be asked about %s: %v", version, err)
		p.finding = p.unverified(version)
	default:
		return nil
	}
	return &p
}

// unverified is the notice on a release that nobody can vouch for.
func (p *releaseProof) unverified(version string) *Finding {
	f := ruleReleaseUnverified.Finding("%s", p.why)
	f.Key = version
	return &f
}

// runsFrom reports whether the go command that runs is the one of a GOROOT.
func (s *Session) runsFrom(dir string) bool {
	if s.Go == nil {
		return false
	}
	runs, err := os.Stat(s.Go.Path())
	if err != nil {
		return false
	}
	own, err := os.Stat(filepath.Join(dir, "bin", filepath.Base(s.Go.Path())))
	return err == nil && os.SameFile(runs, own)
}

// judgeRelease compares a release's files with its record, and where they are not
// that as a whole, with a list that is.
func (s *Session) judgeRelease(ctx context.Context, r goRelease, mod module.Version, hashes []string, tree *goroot.Tree) releaseProof {
	version, _, _ := strings.Cut(r.version, " ")
	p := releaseProof{goRelease: r, state: Proven}
	if proof, ok := goroot.Prove(tree, mod, hashes); ok && !(r.cached && (proof.Settings || len(proof.Others) > 0)) {
		p.proven, p.total, p.settings, p.others = proof.Files, proof.Files, proof.Settings, proof.Others
		if proof.Settings {
			p.total++
		}
		p.why = p.remark()
		return p
	}
	list, from, notes := s.releaseList(ctx, mod, hashes)
	if list == nil {
		p = r.notProven(true, "the files in %s are, together, not what the checksum database recorded of %s, and no list says which differ: left out, patched or changed", r.goroot, version)
		p.total = len(tree.Files)
		evidence := slices.Concat([]string{
			"recorded: " + hashes[0],
			"of the files here: " + goroot.Hash(mod, tree.Files),
			fmt.Sprintf("%s, %s", plain.Count(len(tree.Files), "file"), plain.Bytes(tree.Bytes)),
		}, notes, []string{"in: " + r.goroot})
		if r.cached {
			// The go command extracts all of it, and nobody has to change it.
			f := ruleReleaseModified.Finding("the files of %s in the module cache are not those that were released", version)
			p.state, p.why, p.finding = Broken, f.Message, &f
			f.Fix = Fix{Description: "Remove the folder; the go command downloads it again.", Command: "chmod -R u+w " + shellQuote(r.goroot) + " && rm -rf " + shellQuote(r.goroot)}
		} else {
			p.finding = p.unverified(version)
			p.finding.Fix = Fix{
				Description: "Put the release's module into the module cache and run again: then the files are named.",
				Command:     `(cd "$(mktemp -d)" && GOWORK=off go mod download ` + shellQuote(mod.Path+"@"+mod.Version) + ")",
			}
		}
		p.finding.Key, p.finding.Evidence = version, evidence
		return p
	}
	d := goroot.Compare(tree, list)
	p.proven, p.total, p.absent, p.settings, p.others = d.Same, len(list), d.Absent, d.Settings, d.Others
	p.why = p.remark()
	changed := d.Changed
	if r.cached && d.Settings {
		changed = append(changed, "go.env")
	}
	if len(changed) == 0 && len(d.Added) == 0 && !(r.cached && d.Absent > 0) {
		return p
	}
	f := modifiedFinding(version, changed, d.Added, d.Absent)
	f.Key = version
	f.Evidence = append(f.Evidence, "in: "+r.goroot, "compared with: "+from)
	f.Fix.Description = "Remove the whole folder and install the release again."
	if r.cached {
		f.Fix = Fix{Description: "Remove the folder; the go command extracts it again.", Command: "chmod -R u+w " + shellQuote(r.goroot) + " && rm -rf " + shellQuote(r.goroot)}
	}
	p.state, p.why, p.finding = Broken, f.Message, &f
	return p
}

// modifiedFinding names the files that are not as released.
func modifiedFinding(version string, changed, added []string, absent int) Finding {
	var parts []string
	for _, part := range []struct {
		names []string
		what  string
	}{{changed, "changed"}, {added, "added"}} {
		if len(part.names) > 0 {
			parts = append(parts, plain.Line(part.names[0])+" "+part.what)
		}
	}
	text := strings.Join(parts, ", ")
	if more := len(changed) + len(added) - len(parts); more > 0 {
		text += " and " + plain.Count(more, "more file")
	}
	if text == "" {
		text = plain.Count(absent, "file") + " gone"
	}
	f := ruleReleaseModified.Finding("the files of %s are not those that were released: %s", version, text)
	for _, name := range changed {
		f.Evidence = append(f.Evidence, plain.Line(name)+" is not as released")
	}
	for _, name := range added {
		f.Evidence = append(f.Evidence, plain.Line(name)+" was not released")
	}
	if n := len(f.Evidence) - (plain.MaxLines - 5); n > 0 {
		f.Evidence = append(f.Evidence[:plain.MaxLines-5], "and "+plain.Count(n, "more file"))
	}
	if absent > 0 {
		f.Evidence = append(f.Evidence, plain.Count(absent, "file")+" of the release are not there")
	}
	return f
}

// remark is what is to be said of a proof; empty for the plain case.
func (p *releaseProof) remark() string {
	var parts []string
	if p.absent > 0 {
		parts = append(parts, plain.Count(p.absent, "file")+" absent")
	}
	if p.settings {
		parts = append(parts, "go.env edited")
	}
	if n := len(p.others); n > 0 {
		parts = append(parts, fmt.Sprintf("%s beside the release where builds read none, first: %s", plain.Count(n, "file"), plain.Line(p.others[0])))
	}
	return strings.Join(parts, ", ")
}

// releaseList is the list of a release's files that has the recorded hash: the one
// that an image keeps, else that of the module's zip in the module cache. list is
// nil where there is none; notes say which were there and are not to be believed.
func (s *Session) releaseList(ctx context.Context, mod module.Version, hashes []string) (list []goroot.File, from string, notes []string) {
	try := func(name string, read func() ([]goroot.File, error)) bool {
		if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() {
			return false
		}
		files, err := read()
		switch {
		case err != nil:
			notes = append(notes, fmt.Sprintf("%s is of no use: %v", name, err))
		case !slices.Contains(hashes, goroot.Hash(mod, files)):
			notes = append(notes, name+" is not the list that was recorded")
		default:
			list, from = files, name
			return true
		}
		return false
	}
	if name := s.ReleaseList; name != "" && try(name, func() ([]goroot.File, error) {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return goroot.ParseList(f, mod)
	}) {
		return list, from, nil
	}
	if cache := s.Env.Get("GOMODCACHE"); filepath.IsAbs(cache) {
		zip := filepath.Join(cache, "cache", "download", "golang.org", "toolchain", "@v", mod.Version+".zip")
		try(zip, func() ([]goroot.File, error) { return goroot.ListZip(ctx, zip, mod, 0) })
	}
	return list, from, notes
}

// toolchainLink is the link of the chain: the worst of the releases.
func toolchainLink(proofs []releaseProof) *Link {
	l := &Link{Link: "toolchain", State: Proven, Against: "checksum database", Unit: "files"}
	for i := range proofs {
		p := &proofs[i]
		l.Proven += p.proven
		l.Total += p.total
		if i == 0 || p.state.weakness() > l.State.weakness() {
			l.State, l.Why = p.state, p.why
		}
	}
	return l
}

// authenticValues are the facts about the releases.
func authenticValues(proofs []releaseProof) []any {
	values := []any{}
	for i := range proofs {
		p := &proofs[i]
		values = append(values, map[string]any{
			"version": p.version, "goroot": p.goroot, "state": string(p.state), "why": p.why,
			"files": p.proven, "absent": p.absent, "settingsEdited": p.settings, "others": len(p.others),
		})
	}
	return values
}

// unprovenError is the error where the policy wants a release to be proven and
// there was no answer; nil elsewhere.
func (s *Session) unprovenError(proofs []releaseProof) error {
	if s.Config.Toolchain.Authentic != config.Required {
		return nil
	}
	for i := range proofs {
		if p := &proofs[i]; p.unanswered {
			return fmt.Errorf("toolchain.authentic is required: %s", p.why)
		}
	}
	return nil
}
