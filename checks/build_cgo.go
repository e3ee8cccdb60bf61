package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/repo"
)

// cgoOff says why this run builds without cgo, in words for a package's name, where
// the repository and the job cannot help it: "" where cgo is on, or the job itself
// switched it off. It is asked before the build.
func (s *Session) cgoOff() string {
	switch {
	case s.Scope == ScopeContainer && s.Env.Get("CGO_ENABLED") == "0" && !s.Env.IsSet("CGO_ENABLED"):
		return "the action's container has no C compiler, and %s needs one: use host/, which has the runner's"
	case s.Fork && s.Getenv("CGO_ENABLED") == "":
		// A stranger's #cgo lines choose the flags of the C compiler.
		return "cgo is off for a change from a fork, and %s needs it: set CGO_ENABLED=1 to build such changes too"
	}
	return ""
}

// withoutCgo is what a build that failed without cgo says of the repository: the
// findings in packages that have nothing to do with cgo, or else, where cgo may be
// all that was missing, a skip. Any other answer is as it was.
func (s *Session) withoutCgo(ctx context.Context, m *repo.Module, mod, off string, findings []Finding, err error) ([]Finding, error) {
	if cause, ok := errors.AsType[*causeError](err); err != nil && (!ok || len(cause.causes) == 0 || cause.causes[0].Class != "files-excluded") {
		return findings, err
	}
	first, touched := s.cgoUse(ctx, m, mod)
	if first == "" {
		return findings, err
	}
	rest := slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return touched[f.Key] })
	if len(rest) == 0 {
		return nil, Skip(fmt.Sprintf(off, first))
	}
	return rest, nil
}

// cgoUse is which packages of a build, outside of the standard library, have cgo
// files or import such a package, and the first that has. It is empty where there
// is none or that cannot be told.
func (s *Session) cgoUse(ctx context.Context, m *repo.Module, mod string) (first string, touched map[string]bool) {
	args := []string{"list", "-e", "-deps", mod, "-tags=" + strings.Join(s.Config.Build.Tags, ","),
		`-f={{if not .Standard}}{{.ImportPath}} {{len .CgoFiles}}{{range .Imports}} {{.}}{{end}}{{end}}`}
	args = append(args, s.Config.Build.Packages...)
	out, err := s.askModule(ctx, m, query{args: args, workspace: true, noNetwork: true, env: []string{"CGO_ENABLED=1"}})
	if err != nil {
		return "", nil
	}
	touched = map[string]bool{}
	// -deps: a package comes behind those that it imports.
	cgo := map[string]bool{}
	for line := range strings.Lines(string(out.Stdout)) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		if cgo[words[0]] = words[1] != "0"; cgo[words[0]] && first == "" {
			first = words[0]
		}
		touched[words[0]] = cgo[words[0]] || slices.ContainsFunc(words[2:], func(name string) bool { return cgo[name] })
	}
	return first, touched
}
