package checks

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/failure"
	"github.com/gopreflight/gopreflight/internal/gocmd"
	gomodcache "github.com/gopreflight/gopreflight/internal/modcache"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
)

// modulesCheck asks whether the modules that the build needs and the module cache
// lacks can be had, before the build finds out one by one. The go command itself
// asks for them, by the chain that it would download by.
var modulesCheck = &Check{
	Name:  "modules",
	Stage: StageProxy,
	Title: "the modules that the cache lacks can be had",
	Doc: "Of the modules that go.mod requires, go.sum names the content of and the module cache lacks, a sample of\n" +
		"at most 16, spread over the list, is asked for (with `--deep` all): the go command fetches version and\n" +
		"go.mod file of each, by GOPROXY as a build would, in a folder of its own with an empty module cache.\n" +
		"No zip is fetched, so that a proxy which serves all but that is not noticed here.\n\n" +
		"Not asked for: modules that GONOPROXY matches (check private does), and those that share host and\n" +
		"owner with a module of this repository. Each 16 have `proxy.timeout` to\n" +
		"answer; what has none is left open, and counted. It costs two small requests for each module.",
	Needs: []*Check{env},
	After: []*Check{proxy},
	Rules: []*Rule{ruleModulesMissing},
	Run:   runModules,
}

var ruleModulesMissing = &Rule{
	ID: "modules/unobtainable", Severity: Error,
	Summary: "A module that the build needs is neither in the module cache nor to be had from GOPROXY.",
	Help: "The version was never published or was taken back, a proxy does not have it or refuses it, or it is\n" +
		"private and the proxy may not see it. The build stops at the first such module, and names only that.\n\n" +
		"Correct the version in go.mod, let the proxy have the module, end GOPROXY with `direct`, or, for a\n" +
		"private module, set GOPRIVATE.",
}

// maxSampled is how many modules are asked for without --deep.
const maxSampled = 16

func runModules(ctx context.Context, s *Session) (Facts, []Finding, error) {
	switch {
	case s.Offline:
		return Facts{}, nil, Skip("offline")
	case s.Go == nil:
		return Facts{}, nil, Skip("no go command")
	}
	lacking := lackingModules(s)
	if len(lacking) == 0 {
		return Facts{}, nil, Skip("the module cache lacks none that may be asked for")
	}
	if err := s.blockedBy(s.Modules[0], proxy); err != nil {
		return Facts{}, nil, err
	}
	asked := lacking
	if !s.Deep {
		asked = spread(lacking, maxSampled)
	}
	answers := map[module.Version]string{}
	for some := range slices.Chunk(asked, maxSampled) {
		before := len(answers)
		if err := askVersions(ctx, s, some, answers); err != nil {
			return Facts{}, nil, err
		}
		if s.Progress != nil {
			s.Progress("asked for %d of %s", len(answers), plain.Count(len(asked), "module"))
		}
		if len(answers) == before {
			break // nobody answers in time
		}
	}
	had := 0
	var missing missingModules
	for i := range asked {
		text, ok := answers[asked[i].Version]
		switch {
		case !ok: // no answer in time
		case text == "":
			had++
		default:
			missing.add(&asked[i], text)
		}
	}
	return Facts{
		Summary: modulesSummary(len(lacking), len(asked), had, len(answers)),
		Values:  map[string]any{"lacking": len(lacking), "asked": len(asked), "answered": len(answers), "had": had},
	}, missing.findings(s.Result(proxy)), nil
}

// modulesSummary is one line: "16 of 40 modules that the cache lacks asked for, all can be had".
func modulesSummary(lacking, asked, had, answered int) string {
	text := plain.Count(lacking, "module") + " that the cache lacks"
	if asked < lacking {
		text = fmt.Sprintf("%s of %s", plain.Thousands(asked), text)
	}
	if had == asked {
		text += ": all can be had"
	} else {
		text += fmt.Sprintf(": %s can be had", plain.Thousands(had))
	}
	if open := asked - answered; open > 0 {
		text += fmt.Sprintf(", %s did not answer in time", plain.Thousands(open))
	}
	return text
}

// lackingModules are the modules whose content the build needs, the module cache
// lacks, and a proxy may be asked for.
func lackingModules(s *Session) []namedModule {
	wants, _ := wantedModules(s.Modules, s.Repo.Modules) // check gosum reports what cannot be read
	content := map[module.Version]bool{}
	for _, w := range wants {
		content[module.Version{Path: w.Path, Version: w.Version}] = !w.ModOnly
	}
	var list []namedModule
	for _, m := range namedModules(s) {
		own := slices.ContainsFunc(s.Repo.Modules, func(main *repo.Module) bool { return sameOwner(main.Path, m.Path) })
		if !content[m.Version] || m.vendored || m.direct || own || !isPublicPath(m.Path) ||
			gomodcache.Present(s.Env.Get("GOMODCACHE"), m.Path, m.Version.Version) {
			continue
		}
		list = append(list, m)
	}
	return list
}

// spread are n of a list at most, evenly from its beginning to its end: the same
// ones in every run.
func spread[T any](list []T, n int) []T {
	if len(list) <= n {
		return list
	}
	some := make([]T, n)
	for i := range some {
		some[i] = list[i*(len(list)-1)/(n-1)]
	}
	return some
}

// askVersions asks the go command for module versions and adds its answers: empty
// when one can be had, else the go command's words, and none when there was none
// in time.
func askVersions(ctx context.Context, s *Session, modules []namedModule, answers map[module.Version]string) error {
	dir, err := s.Temp("modules")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module gopreflight.invalid/modules\n"), 0o600); err != nil {
		return err
	}
	args := []string{"list", "-m", "-e", "-json=Path,Version,Error"}
	for _, m := range modules {
		args = append(args, m.String())
	}
	limited, cancel := context.WithTimeout(ctx, s.Config.Proxy.Timeout)
	defer cancel()
	out, err := s.Go.Ask(limited, gocmd.Question{Dir: dir, Args: args, Env: []string{
		// The sums are those of go.sum, which check modcache compares; nobody else is told.
		"GONOSUMDB=*", "GOFLAGS=-mod=mod", "GOWORK=off", "GOTOOLCHAIN=local", "GOMODCACHE=" + filepath.Join(dir, "mod"),
	}})
	if err != nil && (ctx.Err() != nil || !errors.Is(limited.Err(), context.DeadlineExceeded)) {
		return err
	}
	answered := false
	for d := json.NewDecoder(bytes.NewReader(out.Stdout)); ; {
		var a struct {
			Path, Version string
			Error         *struct{ Err string }
		}
		if err := d.Decode(&a); err == io.EOF {
			break
		} else if err != nil {
			return nil // cut off in the middle
		}
		text := ""
		if a.Error != nil {
			text = a.Error.Err
		}
		answers[module.Version{Path: a.Path, Version: a.Version}], answered = text, true
	}
	if !answered && err == nil {
		return newCauseError("go list -m", string(out.Stderr))
	}
	return nil
}

// missingModules are the modules that cannot be had, by why: one cause is one
// finding, at its first module.
type missingModules []*missingModule

type missingModule struct {
	finding Finding
	class   string
	others  int
}

// add takes note of a module, with the go command's words.
func (ms *missingModules) add(m *namedModule, text string) {
	var cause failure.Cause
	if causes := failure.Diagnose("go: " + text); len(causes) > 0 {
		cause = causes[0]
	}
	for _, known := range *ms {
		if cause.Class != "" && known.class == cause.Class {
			known.others++
			known.finding.Evidence = append(known.finding.Evidence, firstLine(text))
			return
		}
	}
	f := m.place(ruleModulesMissing.Finding("%s is neither in the module cache nor to be had: %s", m, cmp.Or(cause.Summary, firstLine(text))))
	f.Transient, f.Fix.Description = cause.Transient, cause.Fix
	f.Evidence = strings.Split(strings.TrimSpace(text), "\n")
	*ms = append(*ms, &missingModule{finding: f, class: cause.Class})
}

// findings are one for each cause; that no proxy has a module, check proxy may
// have found out already.
func (ms missingModules) findings(proxy *Result) []Finding {
	var findings []Finding
	for _, m := range ms {
		if proxy != nil {
			for _, f := range proxy.Findings {
				if f.Rule == ruleProxyNotFound.ID && f.Module == m.finding.Module {
					m.finding.CausedBy = f.Fingerprint
				}
			}
		}
		if m.others > 0 {
			m.finding.Message += fmt.Sprintf("; the same goes for %s", plain.Count(m.others, "other module"))
		}
		findings = append(findings, m.finding)
	}
	return findings
}
