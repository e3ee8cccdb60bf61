package checks

import (
	"context"
	"errors"
	"fmt"
	goversion "go/version"

	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
	"github.com/gopreflight/gopreflight/internal/toolchain"
)

// toolchainCheck asks which Go release each module gets: the installed one, or
// the one that GOTOOLCHAIN makes of its go and toolchain lines, and whether
// that one can be had. It costs nothing where the installed release serves;
// else the go command fetches and verifies the other one, once, as it would
// for the build. The files of each release are hashed and held against the checksum
// database's record: a second of all cores, and a request or a few.
var toolchainCheck = &Check{
	Name:  "toolchain",
	Stage: StageEnv,
	Title: "the Go release that every module asks for is there",
	Doc: `Finds the go command, and works out for every module and workspace which Go
release really runs: what GOTOOLCHAIN makes of the go and toolchain lines. Where
another release than the installed one is wanted, the go command fetches it (from
GOPROXY, verified against the checksum database), as it would for the build.

Then the files of each release that builds something here are hashed and held against the checksum
database's record of that release, which is asked where the go command would ask it: the whole is as it was
released, or not. Folders that no build reads, an edited ` + "`go.env`" + ` and further programs in ` + "`bin`" + ` do not matter.
Where files were left out, the list that gopreflight's image keeps, or the release's module in the module
cache, lets the rest be proven and names what differs. Go that a distribution patched, or that somebody built,
cannot be proven: the link of the chain is then ` + "`unproven`" + ` and says why. ` + "`toolchain.authentic: required`" + ` wants
an answer. Inside a GitHub container action the job's Go is not to be seen.`,
	Needs: []*Check{env},
	Rules: []*Rule{
		ruleToolchainNotFound, ruleToolchainTooOld, ruleToolchainUnavailable,
		ruleToolchainRedundant, ruleToolchainNotAllowed, ruleReleaseModified, ruleReleaseUnverified,
	},
	Unanswered: ruleToolchainUnavailable,
	Run:        runToolchain,
}

var (
	ruleToolchainNotFound = &Rule{
		ID:       "toolchain/not-found",
		Severity: Error,
		Blocks:   true,
		Summary:  "There is no go command in PATH.",
		Help: `Nothing can be built, and most questions cannot be asked, without a go command.

Install Go (go.dev/doc/install) or add its ` + "`bin`" + ` directory to PATH. In a workflow, put
the step that sets Go up before gopreflight.`,
	}
	ruleToolchainTooOld = &Rule{
		ID:       "toolchain/too-old",
		Severity: Error,
		Blocks:   true,
		Summary:  "The go line asks for a newer Go release than the one that runs, and GOTOOLCHAIN forbids to switch.",
		Help: `Since Go 1.21 the go line is a minimum: an older go command refuses the module. With
` + "`GOTOOLCHAIN=auto`" + ` it would fetch the release that is asked for; ` + "`GOTOOLCHAIN=local`" + ` (the setting of the
official Docker images) and a bare release name forbid that.

Install that release, use a newer image, or set ` + "`GOTOOLCHAIN=auto`" + `.`,
	}
	ruleToolchainUnavailable = &Rule{
		ID:        "toolchain/unavailable",
		Severity:  Error,
		Blocks:    true,
		Transient: true,
		Summary:   "The Go release that a module asks for cannot be had.",
		Help: `The go command fetches other releases as the module ` + "`golang.org/toolchain`" + ` from GOPROXY and
always verifies them against the checksum database, even with GOSUMDB=off. A proxy that does not
serve that module, GOPROXY=off or direct, or a release that does not exist stops every go command in
the module.

Install the release, use a proxy that serves toolchains, or correct the go or toolchain line.`,
	}
	ruleToolchainRedundant = &Rule{
		ID:       "toolchain/redundant",
		Severity: Error,
		Blocks:   true,
		Summary:  "The toolchain line says nothing that the go line does not say, and makes read-only builds fail.",
		Help: `The go command drops a toolchain line that is ` + "`default`" + `, equal to the go line, or older than
go1.21. Since builds may not change go.mod, they fail with "updates to go.mod needed" instead
(modload/init.go, UpdateGoModFromReqs).

Remove the line: ` + "`go mod edit -toolchain=none`" + `.`,
	}
	ruleToolchainNotAllowed = &Rule{
		ID:       "toolchain/not-allowed",
		Severity: Error,
		Summary:  "The Go release that runs is not one that the policy allows.",
		Help: `` + "`toolchain.allow`" + ` in .gopreflight.yml names the releases that may be used, as a rule those that
still get security fixes. Use one of them: change the image or the set-up step, or the go and toolchain lines.`,
	}
)

func runToolchain(ctx context.Context, s *Session) (Facts, []Finding, error) {
	if s.Go == nil {
		f := ruleToolchainNotFound.Finding("there is no go command in PATH")
		f.Evidence = []string{"PATH=" + s.Getenv("PATH")}
		f.Fix.Description = "install Go (go.dev/doc/install), or add its bin directory to PATH"
		return Facts{}, []Finding{f}, nil
	}
	local := s.Env.Get("GOVERSION")
	statuses, findings := s.forEachModule(ctx, func(ctx context.Context, m *repo.Module) (string, []Finding, error) {
		return judgeToolchain(ctx, s, m)
	})
	proofs := s.proveReleases(ctx, s.releases(ctx, s.Modules))
	if err := ctx.Err(); err != nil {
		return Facts{}, nil, context.Cause(ctx)
	}
	for _, p := range proofs {
		if p.finding != nil {
			findings = append(findings, *p.finding)
		}
	}
	link := toolchainLink(proofs)
	summary := toolchainSummary(s, local)
	if link.State == Proven {
		if summary += ", authentic"; link.Why != "" {
			summary += " (" + link.Why + ")"
		}
	}
	return Facts{
		Summary: summary,
		Modules: statuses,
		Values: map[string]any{
			"go": s.Go.Path(), "version": local, "goroot": s.Env.Get("GOROOT"), "GOTOOLCHAIN": s.Env.Get("GOTOOLCHAIN"),
			"releases": authenticValues(proofs),
		},
		Link: link,
	}, findings, s.unprovenError(proofs)
}

func judgeToolchain(ctx context.Context, s *Session, m *repo.Module) (string, []Finding, error) {
	if f := redundantToolchain(m); f != nil {
		return "", []Finding{*f}, nil
	}
	c, err := s.choice(m)
	if err != nil {
		return "", nil, err // env reports a malformed GOTOOLCHAIN, and blocks
	}
	if f := tooOld(s, m, c); f != nil {
		return "", []Finding{*f}, nil
	}
	if !s.Config.Toolchain.Allow.Allows(c.Version) {
		f := ruleToolchainNotAllowed.Finding("%s is used (by %s), the policy allows %s", c.Version, c.By, s.Config.Toolchain.Allow)
		f.File, f.Line = versionLine(m, c.By)
		f.Key = c.Version
		f.Fix.Description = "use a release that the policy allows"
		return "", []Finding{f}, nil
	}
	if _, err := s.goFor(ctx, m); err != nil {
		var cause *causeError
		if errors.As(err, &cause) {
			f := unansweredFinding(ruleToolchainUnavailable, cause)
			f.File, f.Line = versionLine(m, c.By)
			cause.own = []Finding{f}
		}
		return "", nil, err
	}
	reason := c.Version
	if c.Switch {
		reason += " by " + c.By
	}
	return reason, nil, nil
}

func toolchainSummary(s *Session, local string) string {
	others := map[string]bool{}
	for _, m := range s.Modules {
		if c, err := s.choice(m); err == nil && c.Switch {
			others[c.Version] = true
		}
	}
	switch len(others) {
	case 0:
		return fmt.Sprintf("%s at %s", local, s.Env.Get("GOROOT"))
	case 1:
		for v := range others {
			return fmt.Sprintf("%s, switched to from %s (GOTOOLCHAIN=%s)", v, local, s.Env.Get("GOTOOLCHAIN"))
		}
	}
	return fmt.Sprintf("%s and %s switched to (GOTOOLCHAIN=%s)", local, plain.Count(len(others), "other release"), s.Env.Get("GOTOOLCHAIN"))
}

// tooOld is the finding on a go line that the release which runs refuses
// (cmd/go/internal/gover/toolchain.go, TooNewError).
func tooOld(s *Session, m *repo.Module, c toolchain.Choice) *Finding {
	file, g, _ := versionLines(m)
	if !c.TooOld || g == nil {
		return nil
	}
	f := ruleToolchainTooOld.Finding("%s needs go >= %s, %s runs (GOTOOLCHAIN=%s)", file, g.Version, c.Version, s.Env.Get("GOTOOLCHAIN"))
	f.File, f.Line = file, g.Syntax.Start.Line
	f.Key = g.Version
	if set, ok := s.Env.Lookup("GOTOOLCHAIN"); ok {
		f.Evidence = []string{fmt.Sprintf("GOTOOLCHAIN=%s comes from %s", set.Value, set.Where())}
	}
	f.Fix.Description = fmt.Sprintf("install go%s or newer, or let the go command fetch it", g.Version)
	f.Fix.Command = "export GOTOOLCHAIN=auto"
	return &f
}

// redundantToolchain is the finding on a toolchain line that the go command
// would remove. A workspace's members are not updated by builds, and go.work's
// own line is not either.
func redundantToolchain(m *repo.Module) *Finding {
	if m.Syntax == nil || m.Syntax.Toolchain == nil || m.Workspace != nil {
		return nil
	}
	name, why := m.Syntax.Toolchain.Name, ""
	switch {
	case name == "default":
		why = "default is what holds without the line"
	case m.Syntax.Go != nil && name == "go"+m.Syntax.Go.Version:
		why = "the go line says the same"
	case goversion.IsValid(name) && goversion.Compare(name, "go1.21") < 0:
		why = "releases before go1.21 cannot be switched to"
	default:
		return nil
	}
	f := ruleToolchainRedundant.Finding("toolchain %s is redundant (%s): read-only builds fail with \"updates to go.mod needed\"", name, why)
	f.File, f.Line = m.GoMod.Name, m.Syntax.Toolchain.Syntax.Start.Line
	f.Key = name
	f.Fix = Fix{Description: "remove the toolchain line", Command: inDir(m.Dir, "go mod edit -toolchain=none")}
	return &f
}

// versionLine is the place of the line that made a choice; none for a choice
// that no line made.
func versionLine(m *repo.Module, by string) (place string, line int) {
	file, g, t := versionLines(m)
	switch {
	case by == "toolchain line" && t != nil:
		return file, t.Syntax.Start.Line
	case by == "go line" && g != nil:
		return file, g.Syntax.Start.Line
	}
	return "", 0
}
