package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/quarantine"
	"github.com/gopreflight/gopreflight/report"
)

// A fixer is one run of gopreflight fix.
type fixer struct {
	sys          *system
	o            *fixOptions
	dir          string
	place        place
	rules        map[string]bool
	all, targets []*checks.Check
	redactor     *plain.Redactor
	// own are the caches that things may be moved from.
	own []string
	// bases are the folders that quarantines are made in, by cache.
	bases map[string]quarantine.Options
}

// run finds out, says what it will do, does it, and finds out again.
func (f *fixer) run(ctx context.Context) (code int, err error) {
	start := f.sys.now()
	w := f.wiring()
	defer func() { w.close() }()
	results, err := f.ask(ctx, w)
	if err != nil {
		return exitUsage, err
	}
	f.redactor = w.redactor
	if f.own, err = f.caches(w.session, results); err != nil {
		return exitUsage, err
	}
	if err := f.choose(w); err != nil {
		return exitUsage, err
	}
	r := &report.FixReport{Report: w.newReport(f.dir), DryRun: f.o.dryRun}
	list := f.plan(results)
	var open []*quarantine.Quarantine
	if !f.o.dryRun && ctx.Err() == nil {
		var waited bool
		open, waited, err = f.open(ctx, list)
		defer func() { // what a failure left open
			for _, q := range open {
				_ = q.Close()
			}
		}()
		if err != nil {
			return exitUsage, err
		}
		if waited { // another run was at work: what was found before is old
			if results, err = f.ask(ctx, w); err != nil {
				return exitUsage, err
			}
			list = f.plan(results)
		}
		list = append(list, f.interrupted(w.session, open, list)...)
	}
	r.Skipped, r.Unanswered = f.skipped(results), f.unanswered(results)
	r.Actions = actions(list)
	if err := report.WriteFixPlan(f.dest(), r); err != nil {
		f.sys.warn("writing", err)
	}
	if f.o.dryRun {
		r.Into = f.into(list)
	} else if len(list) > 0 && ctx.Err() == nil {
		f.carryOut(ctx, w.session, open, list)
		again := f.wiring()
		defer func() { again.close() }()
		if results, err = f.ask(context.WithoutCancel(ctx), again); err != nil {
			return exitUsage, err
		}
		f.judge(list, results)
		if !interrupted(ctx) {
			f.finish(w.session, open)
		}
		r.Unanswered = f.unanswered(results)
	}
	for _, q := range open {
		if dir := q.Dir(); dir != "" {
			r.Quarantines = append(r.Quarantines, dir)
		}
		q.Interrupted = interrupted(ctx)
		if err := q.Close(); err != nil {
			f.sys.warn("closing the quarantine", err)
		}
	}
	open = nil
	r.Actions = actions(list)
	r.Interrupted = signalName(ctx)
	r.DurationMs = f.sys.now().Sub(start).Milliseconds()
	if err := report.WriteFixEnd(f.dest(), r); err != nil {
		f.sys.warn("writing", err)
	}
	return fixCode(r), nil
}

// fixCode is the exit code of fix.
func fixCode(r *report.FixReport) int {
	switch {
	case r.Count(report.FixBroken, report.FixLeft) > 0, r.DryRun && r.Count(report.FixPlanned) > 0:
		return 1
	case r.Count(report.FixMissing, report.FixUnknown) > 0 || len(r.Unanswered) > 0:
		return 3
	}
	return exitPass
}

func actions(list []*mending) []report.FixAction {
	var all []report.FixAction
	for _, m := range list {
		all = append(all, m.FixAction)
	}
	return all
}

func (f *fixer) wiring() *wiring {
	return &wiring{sys: f.sys, options: &f.o.run, place: f.place}
}

// ask runs the checks that the rules need, on what is there now.
func (f *fixer) ask(ctx context.Context, w *wiring) ([]checks.Result, error) {
	if w.session == nil {
		if err := w.open(ctx, f.dir); err != nil {
			return nil, err
		}
	}
	view := f.sys.newView([]output{{reporter: report.Terminal}}, outputOptions{quiet: !f.sys.isTerminal(), noColor: f.o.run.output.noColor}, f.place)
	runner := &checks.Runner{
		Checks: withNeeds(f.all, f.targets), Timeout: f.o.run.timeout, Redactor: w.redactor,
		Started: view.started, Progress: view.progress, Done: view.done,
	}
	results, _, _ := runner.Run(ctx, w.session)
	view.end(&checks.Report{Results: results})
	return results, nil
}

// choose says for each cache where what is wrong in it goes: by --to, else the
// user's cache folder or a folder beside the cache, as long as neither is in the
// work tree or in a cache.
func (f *fixer) choose(w *wiring) error {
	f.bases = map[string]quarantine.Options{}
	in := func(dir string) (string, bool) {
		for _, above := range append([]string{w.repo.Root}, f.own...) {
			if inside(above, dir) {
				return above, true
			}
		}
		return "", false
	}
	for _, cache := range f.own {
		var into []string
		if f.o.to != "" {
			to := f.sys.absolute(f.o.to)
			for _, c := range f.own {
				if inside(c, to) {
					return fmt.Errorf("--to %s lies in the cache %s", f.o.to, c)
				}
			}
			into = []string{to}
		} else {
			var candidates []string
			if dir, err := os.UserCacheDir(); err == nil {
				candidates = append(candidates, filepath.Join(dir, "gopreflight", "quarantine"))
			}
			if real, err := filepath.EvalSymlinks(cache); err == nil {
				candidates = append(candidates, filepath.Join(filepath.Dir(real), "gopreflight-quarantine"))
			}
			for _, dir := range candidates {
				if _, bad := in(dir); !bad {
					into = append(into, dir)
				}
			}
		}
		f.bases[cache] = quarantine.Options{Cache: cache, Into: into, Now: f.sys.now, Waiting: func() {
			f.sys.complain("waiting for another gopreflight fix on " + cache)
		}}
	}
	return nil
}

// inside reports whether dir is above or lies in it, by its name or its real one.
func inside(above, dir string) bool {
	for _, name := range []string{dir, realPath(dir)} {
		for _, root := range []string{above, realPath(above)} {
			if rel, err := filepath.Rel(root, name); err == nil && filepath.IsLocal(rel) {
				return true
			}
		}
	}
	return false
}

// realPath is a path with its links followed as far as it exists.
func realPath(name string) string {
	rest := ""
	for at := name; ; at = filepath.Dir(at) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		}
		if at == filepath.Dir(at) {
			return name
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}

// into are the folders that a dry run would move things to.
func (f *fixer) into(list []*mending) []string {
	var dirs []string
	seen := map[string]bool{}
	for _, m := range list {
		if m.Cache == "" || seen[m.Cache] {
			continue
		}
		seen[m.Cache] = true
		dir, err := quarantine.Base(f.bases[m.Cache])
		if err != nil {
			dir = err.Error()
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// open opens a quarantine for each cache that something is moved from, or that
// may have an interrupted run. waited says that another run was at work.
func (f *fixer) open(ctx context.Context, list []*mending) (open []*quarantine.Quarantine, waited bool, err error) {
	for _, cache := range f.own {
		o := f.bases[cache]
		needed := false
		for _, m := range list {
			needed = needed || m.Cache == cache && m.Outcome == report.FixPlanned
		}
		if !needed {
			base, err := quarantine.Base(o)
			if err != nil {
				continue
			}
			if _, err := os.Stat(base); err != nil {
				continue
			}
			if _, err := os.Stat(cache); err != nil {
				continue
			}
		}
		q, err := quarantine.Open(ctx, o)
		if err != nil {
			if !needed {
				f.sys.warn("looking for an interrupted fix", err)
				continue
			}
			return open, waited, err
		}
		open = append(open, q)
		waited = waited || q.Waited
	}
	return open, waited, nil
}

// interrupted are the module versions that an interrupted run moved aside and
// did not bring back, as far as this repository names them, too, and they are
// not in the list already.
func (f *fixer) interrupted(s *checks.Session, open []*quarantine.Quarantine, list []*mending) []*mending {
	var more []*mending
	for _, q := range open {
		for _, run := range q.Unfinished {
			for _, g := range run.Groups {
				known := func(m *mending) bool { return m.again != nil && m.again.ID() == g.Name }
				again := s.Named(g.Name)
				if again == nil || slices.ContainsFunc(list, known) || slices.ContainsFunc(more, known) {
					continue
				}
				m := &mending{check: "modcache", again: again}
				m.Name, m.Command = again.ID(), again.Command()
				m.Detail = "an earlier fix was interrupted; what it moved is in " + run.Dir
				more = append(more, m)
			}
		}
	}
	return more
}

// finish sets the end of interrupted runs, but of those that moved what only
// another repository names.
func (f *fixer) finish(s *checks.Session, open []*quarantine.Quarantine) {
	for _, q := range open {
		for _, run := range q.Unfinished {
			if slices.ContainsFunc(run.Groups, func(g quarantine.GroupRecord) bool {
				return strings.Contains(g.Name, "@") && s.Named(g.Name) == nil
			}) {
				continue
			}
			if err := q.Finish(run); err != nil {
				f.sys.warn("closing the manifest of an interrupted fix", err)
			}
		}
	}
}

// carryOut moves aside and brings back. What goes wrong is kept for judge.
func (f *fixer) carryOut(ctx context.Context, s *checks.Session, open []*quarantine.Quarantine, list []*mending) {
	of := map[string]*quarantine.Quarantine{}
	for _, q := range open {
		of[q.Cache()] = q
	}
	for _, m := range list {
		if m.Outcome != report.FixPlanned {
			continue
		}
		m.Detail = ""
		if ctx.Err() != nil {
			m.problem = errors.New("interrupted")
			continue
		}
		if len(m.aside) > 0 && m.problem == nil {
			g := quarantine.Group{Name: m.Name, Paths: m.aside}
			for _, finding := range m.Findings {
				g.Why = append(g.Why, strings.TrimSpace(finding.Rule+" "+finding.Place())+": "+finding.Message)
			}
			if m.again != nil {
				g.Lock = m.again.Lock
			}
			if q := of[m.Cache]; q == nil {
				m.problem = fmt.Errorf("there is no quarantine for %s", m.Cache)
			} else if _, err := q.Move(ctx, g); err != nil {
				m.problem = err
			}
		}
		if m.again != nil && m.problem == nil {
			bounded, cancel := context.WithTimeoutCause(ctx, f.o.run.timeout, fmt.Errorf("no answer within %s (--timeout)", f.o.run.timeout))
			m.missing = s.BringBack(bounded, m.again)
			cancel()
		}
	}
}

func isOtherContent(err error) bool { return errors.Is(err, checks.ErrOtherContent) }
