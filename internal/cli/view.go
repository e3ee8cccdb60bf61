package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/term"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/ci"
	"github.com/gopreflight/gopreflight/report"
)

// view shows a run while it goes on, where the terminal text goes to standard
// output; it does nothing else.
type view struct {
	live *report.Live
	tty  bool
	// warn is where it is told that standard output is broken.
	warn func(what string, err error)

	mu sync.Mutex
	// ended are results that a log does not show yet, by check, because a
	// check declared before theirs, checks.All[shown], has not ended.
	ended map[string]checks.Result
	shown int
}

func (sys *system) newView(outputs []output, o outputOptions, p place) *view {
	v := &view{warn: sys.warn, ended: map[string]checks.Result{}}
	for _, out := range outputs {
		if out.path != "" || out.reporter != report.Terminal || o.quiet {
			continue
		}
		v.tty = sys.isTerminal()
		v.live = report.NewLive(report.LiveOptions{
			Out: sys.stdout, TTY: v.tty, Color: sys.color(o), Log: isActionsLog(p),
			Size: func() (int, int) { return sys.size() }, Now: sys.now,
		})
	}
	return v
}

func (v *view) started(c *checks.Check) {
	if v.live != nil {
		v.live.Started(c.Name)
	}
}

func (v *view) progress(c *checks.Check, text string) {
	if v.live != nil {
		v.live.Progress(c.Name, text)
	}
}

// done shows how a check ended: at once on a terminal, whose list has its order
// anyway, in declared order in a log. There the first one without an answer
// holds back itself and what follows for Settle: its cause may yet be found.
func (v *view) done(r *checks.Result) {
	switch {
	case v.live == nil:
		return
	case v.tty:
		v.live.Done(*r)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ended[r.Check] = *r
	for v.shown < len(checks.All) {
		next, ok := v.ended[checks.All[v.shown].Name]
		if !ok || next.Status == checks.Errored {
			return
		}
		v.live.Done(next)
		v.shown++
	}
}

func (v *view) end(r *checks.Report) {
	if v.live != nil {
		v.live.Settle(r.Results)
		if err := v.live.Close(); err != nil {
			v.warn("writing the log", err)
		}
	}
}

// listShown reports whether the lines of the checks stand in the log already.
func (v *view) listShown() bool { return v.live != nil && !v.tty }

func (sys *system) isTerminal() bool {
	return term.IsTerminal(int(sys.stdout.Fd())) && sys.getenv("TERM") != "dumb"
}

// color: only on a terminal, and not where somebody asked for none (no-color.org).
func (sys *system) color(o outputOptions) bool {
	return sys.isTerminal() && !o.noColor && sys.getenv("NO_COLOR") == ""
}

func (sys *system) size() (width, height int) {
	width, height, err := term.GetSize(int(sys.stdout.Fd()))
	if err != nil || width <= 0 {
		return 80, 24
	}
	return width, height
}

// isActionsLog reports whether standard output is a log whose lines can be
// commands.
func isActionsLog(p place) bool { return p.ci.Provider == ci.GitHub || p.ci.Provider == ci.Gitea }

// write writes a report in every format that was asked for. A reporter that
// fails is a warning, and changes neither the others nor the exit code.
func (sys *system) write(ctx context.Context, outputs []output, o outputOptions, p place, listShown bool, r *checks.Report) {
	reportPath := ""
	for _, out := range outputs {
		if out.reporter == report.JSON && out.path != "" {
			reportPath = out.path
		}
	}
	for _, out := range outputs {
		d := report.Dest{
			Getenv: sys.getenv, Append: appendFile, ReportPath: reportPath,
			Quiet: o.quiet, Verbose: o.verbose,
		}
		if err := sys.writeOne(ctx, out, d, o, p, listShown, r); err != nil {
			sys.warn("writing "+out.reporter.Name, err)
		}
	}
}

func (sys *system) writeOne(ctx context.Context, out output, d report.Dest, o outputOptions, p place, listShown bool, r *checks.Report) error {
	if out.path == "" {
		d.Out, d.Log, d.ListShown = sys.stdout, isActionsLog(p), listShown
		d.Color = sys.color(o)
		if sys.isTerminal() {
			d.Width, _ = sys.size()
		}
		return out.reporter.Write(ctx, d, r)
	}
	path := out.path
	if !filepath.IsAbs(path) {
		path = filepath.Join(sys.dir, path)
	}
	// Rendered first: a reporter that fails leaves no half of a file, and
	// nothing else is ever written beside it.
	var rendered bytes.Buffer
	d.Out = &rendered
	if err := out.reporter.Write(ctx, d, r); err != nil {
		return err
	}
	return os.WriteFile(path, rendered.Bytes(), 0o644)
}

func appendFile(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
}
