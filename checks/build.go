package checks

import (
	"context"
	"fmt"
	goversion "go/version"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/buildlog"
	"github.com/gopreflight/gopreflight/internal/child"
	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// build compiles the packages of every module and keeps nothing of it but the
// build cache: from vendor with the module network off where there is a vendor
// folder that counts, else read-only, so that neither go.mod nor go.sum changes.
// It does not link into files, run tests or run anything that it built.
var build = &Check{
	Name:  "build",
	Stage: StageVendor,
	Title: "every module builds",
	Doc: "Runs `go build` on the packages of every module (`build.packages`, default `./...`), from `vendor`\n" +
		"with the module network off where there is a vendor folder, with `-mod=readonly` otherwise, and\n" +
		"throws the result away. A compile error is reported at its line; what keeps the go command from\n" +
		"compiling at all is told apart from it, and attributed to the check that found its cause.\n\n" +
		"For a change from a fork cgo is off, unless CGO_ENABLED is set, because its `#cgo` lines choose the C\n" +
		"compiler's flags; it is off in the action's container, too, which has no C compiler. Packages that have\n" +
		"cgo files, or import one that has, are not judged then, and a module in which nothing else fails is\n" +
		"skipped, not failed.\n\n" +
		"It costs what the build costs, and leaves the build cache warm for it. Nothing that was built is run.",
	Needs:      []*Check{env, toolchainCheck, modcache, buildcache, gomod, vendor},
	After:      []*Check{proxy, gosum, tidy, deps}, // deps would wait for the build, which takes every processor
	Rules:      []*Rule{ruleBuildCompile, ruleBuildImport, ruleBuildEnvironment, ruleBuildUntrusted},
	Unanswered: ruleBuildEnvironment,
	Join: func(j *Joint) Facts {
		// What one run drops before anything is attributed are its compile errors.
		compile, others := splitFindings(j.Findings, func(f Finding) bool { return f.Rule == ruleBuildCompile.ID })
		j.Findings = append(dropRepeated(j.Modules, compile), others...)
		orderFindings(j.Findings)
		broken := slices.ContainsFunc(j.Links, func(l Link) bool { return l.State == Broken })
		return Facts{Summary: buildSummary(j.Modules), Link: buildLink(j.Modules, broken)}
	},
	Run: runBuild,
}

var (
	ruleBuildCompile = &Rule{
		ID:       "build/compile",
		Severity: Error,
		Summary:  "A package does not compile.",
		Help: "The compiler, or cgo, refused the source at this line. This is a fault of the code, not of the\n" +
			"machine: the go command had everything that it needed.\n\n" +
			"Correct the source; `go build ./...` in the module's directory shows the same error.",
	}
	ruleBuildImport = &Rule{
		ID:       "build/import",
		Severity: Error,
		Summary:  "A package is imported that the build list does not have.",
		Help: "No module in go.mod, nor the standard library, provides the package: a typing error in the import\n" +
			"path, a package that was moved, or a requirement that was never added.\n\n" +
			"Correct the import, or add the module with `go get` and commit go.mod and go.sum.",
	}
	ruleBuildEnvironment = &Rule{
		ID:       "build/environment",
		Severity: Error,
		Summary:  "The go command could not start to compile.",
		Help: "Something beside the source is missing or wrong: a module that cannot be had, go.mod or go.sum\n" +
			"that do not fit, a C compiler that is not there, a full disk. The evidence has the go command's own\n" +
			"words, and the fix what mends it where the cause is known.",
	}
)

var ruleBuildUntrusted = &Rule{
	ID:       "build/untrusted-checkout",
	Severity: Error,
	Summary:  "A pull_request_target job has checked out the change that it judges.",
	Help: "Such a job has the base repository's token and secrets, and whatever runs in it can read them: a\n" +
		"build runs cgo's compiler flags, a test runs anything. Nothing is built here.\n\n" +
		"Use `pull_request`, which has no secrets, for what runs the change's code; keep `pull_request_target`\n" +
		"for jobs that only read the event.",
}

// goWithBuildJSON is the first release whose go build has -json.
const goWithBuildJSON = "go1.24"

func runBuild(ctx context.Context, s *Session) (Facts, []Finding, error) {
	if s.UntrustedCheckout {
		f := ruleBuildUntrusted.Finding("this pull_request_target job has checked out the change: nothing is built")
		f.Fix.Description = "run what builds or tests the change under pull_request"
		return Facts{}, []Finding{f}, nil
	}
	statuses, findings := s.forEachModule(ctx, func(ctx context.Context, m *repo.Module) (string, []Finding, error) {
		return buildModule(ctx, s, m)
	})
	findings = dropRepeated(statuses, findings)
	return Facts{Summary: buildSummary(statuses), Modules: statuses, Link: buildLink(statuses, len(findings) > 0)}, findings, nil
}

func buildSummary(statuses []ModuleStatus) string { return answered(statuses) + " built" }

// splitFindings divides findings into those for which is holds and the others.
func splitFindings(all []Finding, is func(Finding) bool) (those, others []Finding) {
	for _, f := range all {
		if is(f) {
			those = append(those, f)
		} else {
			others = append(others, f)
		}
	}
	return those, others
}

// dropRepeated keeps one of the findings that several modules have about the
// same place, because one of them is built from another: that of the module in
// which the place lies, else the first. The others are blocked by it.
func dropRepeated(statuses []ModuleStatus, findings []Finding) []Finding {
	type place struct {
		rule, file, message, key string
		line, column             int
	}
	placeOf := func(f Finding) place { return place{f.Rule, f.File, f.Message, f.Key, f.Line, f.Column} }
	owner := map[place]string{}
	for _, f := range findings {
		p := placeOf(f)
		dir, told := owner[p]
		if !told || holds(f.Dir, f.File) && (!holds(dir, f.File) || len(f.Dir) > len(dir)) {
			owner[p] = f.Dir
		}
	}
	blocked := map[string]error{}
	kept := slices.DeleteFunc(findings, func(f Finding) bool {
		repeated := owner[placeOf(f)] != f.Dir
		if repeated {
			blocked[f.Dir] = &blockedError{rule: f.Rule}
		}
		return repeated
	})
	for i := range statuses {
		m := &statuses[i]
		if err := blocked[m.Dir]; err != nil && m.err == nil {
			m.Status, m.err = Passed, err // what is left of its findings raises it again
		}
	}
	return kept
}

// holds reports whether a file lies below a module's directory.
func holds(dir, file string) bool {
	return file != "" && (dir == "." || strings.HasPrefix(file, dir+"/"))
}

// buildLink: a build proves nothing by itself; it is as good as what it was made of.
func buildLink(statuses []ModuleStatus, broken bool) *Link {
	l := &Link{Link: "build", State: Consistent, Total: len(statuses), Unit: "modules", Why: "compiled from what the links before it hold"}
	for _, m := range statuses {
		if m.err != nil {
			l.State, l.Why = Unproven, "not every module was built"
		}
	}
	if broken {
		l.State, l.Why = Broken, "the build fails"
	}
	return l
}

func buildModule(ctx context.Context, s *Session, m *repo.Module) (string, []Finding, error) {
	vendored := s.buildsFromVendor(m)
	mod := "-mod=readonly"
	if vendored {
		mod = "-mod=vendor"
	}
	args := []string{"build", mod, "-o", os.DevNull}
	asJSON := goversion.Compare(s.goVersion(m), goWithBuildJSON) >= 0
	if asJSON {
		args = append(args, "-json")
	}
	if tags := s.Config.Build.Tags; len(tags) > 0 {
		args = append(args, "-tags="+strings.Join(tags, ","))
	}
	args = append(args, s.Config.Build.Packages...)
	q := query{
		args: args, workspace: true, exclusive: true,
		noNetwork: vendored && s.Config.Build.Network == config.Deny,
	}
	off := s.cgoOff()
	if off != "" {
		q.env = []string{"CGO_ENABLED=0"}
	}
	out, err := s.askModule(ctx, m, q)
	if err != nil {
		return "", nil, err
	}
	if out.Exit == 0 {
		return mod, nil, nil
	}
	j := buildJudge{root: s.Root(), module: m, tags: s.Config.Build.Tags}
	findings, err := j.judge("go "+strings.Join(args, " "), out, asJSON)
	if off != "" {
		findings, err = s.withoutCgo(ctx, m, mod, off, findings, err)
	}
	for i := range findings {
		if f := &findings[i]; leadsOut(s.Root(), f.File) {
			f.Message, f.Evidence = "what this link leads to, outside of the repository, does not compile", nil
		}
	}
	return "", findings, err
}

// leadsOut reports whether a file of the repository is a symbolic link out of
// it: the compiler follows it, and quotes what it finds there.
func leadsOut(root, file string) bool {
	real, err := filepath.EvalSymlinks(filepath.Join(root, filepath.FromSlash(file)))
	return err == nil && !within(root, real)
}

// A buildJudge makes findings of what the build of a module printed.
type buildJudge struct {
	// root is the repository's top, absolute.
	root   string
	module *repo.Module
	tags   []string
}

// judge makes findings of what a failed build printed. What is no fault of the
// source is an error with its causes, for the runner to attribute.
func (j buildJudge) judge(command string, out child.Output, asJSON bool) ([]Finding, error) {
	log := buildlog.Parse(out.Stdout, out.Stderr, asJSON)
	var findings, imports []Finding
	var placed *buildlog.Diagnostic // the first, of what the source cannot help
	for _, p := range log.Packages {
		for _, d := range p.Diagnostics {
			if d.Compile {
				findings = append(findings, j.finding(ruleBuildCompile, p.ImportPath, d))
			} else if placed == nil && d.File != "" {
				placed = &d
			}
		}
	}
	for _, d := range log.Loose {
		switch {
		case d.Compile:
			findings = append(findings, j.finding(ruleBuildCompile, d.Package, d))
		case d.File != "":
			imports = append(imports, j.finding(ruleBuildImport, d.Package, d))
		}
	}
	if len(findings) > 0 {
		return findings, nil
	}
	cause := newCauseError(command, log.Text)
	switch {
	case len(cause.causes) > 0 && aboutImport(cause.causes[0].Class):
		cause.own = imports
	case placed != nil:
		if name, inside := j.inRepository(placed.File); inside {
			f := unansweredFinding(ruleBuildEnvironment, cause)
			f.File, f.Line, f.Column = name, placed.Line, placed.Column
			cause.own = []Finding{f}
		}
	}
	return nil, cause
}

// aboutImport reports whether a class of the failure catalogue says that an
// import is wrong, rather than the place where it is built.
func aboutImport(class string) bool {
	return strings.HasPrefix(class, "import-") || strings.HasPrefix(class, "package-not-in-")
}

// inRepository is a file as the go command printed it, as a slash path relative
// to the root; one outside of the repository is absolute or starts with "../".
func (j buildJudge) inRepository(file string) (name string, inside bool) {
	if filepath.IsAbs(file) { // where that is the shorter form
		if name, inside = relative(j.root, file); inside {
			return name, true
		}
		return filepath.ToSlash(file), false
	}
	name = path.Join(j.module.Dir, filepath.ToSlash(file))
	return name, filepath.IsLocal(filepath.FromSlash(name))
}

// finding is a diagnostic as a finding. A file outside the repository is a
// dependency's: its place is said, its source is not quoted.
func (j buildJudge) finding(rule *Rule, pkg string, d buildlog.Diagnostic) Finding {
	f := rule.Finding("%s", d.Message)
	f.Key = pkg
	f.Evidence = d.More
	if d.File != "" {
		name, inside := j.inRepository(d.File)
		if !inside {
			f.Message = fmt.Sprintf("%s: %s", path.Base(name), d.Message)
			f.Evidence = []string{fmt.Sprintf("%s:%d:%d, outside the repository", name, d.Line, d.Column)}
			return f
		}
		f.File, f.Line, f.Column = name, d.Line, d.Column
	}
	f.Fix = Fix{Description: "correct the source; the same error is shown by", Command: j.again(rule, pkg, f.File)}
	return f
}

// again is the command that shows the error of a package, in a file, again.
func (j buildJudge) again(rule *Rule, pkg, file string) string {
	packages := "./..."
	dir := path.Dir(strings.TrimPrefix(file, j.module.Dir+"/"))
	switch {
	case holds(j.module.Dir, file) && (rule == ruleBuildImport || pkg == path.Join(j.module.Path, dir)):
		packages = strings.TrimSuffix("./"+dir, "/.")
	case file != "" && rule == ruleBuildCompile && pkg != "" && pkg != "command-line-arguments":
		packages = pkg // a //line comment names another file, or it is another module's package
	}
	// Nothing that was built is left behind.
	command := "go build -o " + os.DevNull + " "
	if len(j.tags) > 0 {
		command += shellQuote("-tags="+strings.Join(j.tags, ",")) + " "
	}
	return inDir(j.module.Dir, command+shellQuote(packages))
}
