package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
			Out: sys.stdout, TTY: v.tty, Color: sys.color(o), ASCII: sys.ascii(p),
			Log: isActionsLog(p), Sections: sys.hasSections(p),
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
// Job logs stay plain: every colour stands beside a sign that says the same.
func (sys *system) color(o outputOptions) bool {
	return sys.isTerminal() && !o.noColor && sys.getenv("NO_COLOR") == ""
}

// ascii reports whether signs beyond ASCII would be broken: the locale names
// another character set than UTF-8 (POSIX, "Environment Variables"). No locale is
// what containers have, whose logs are UTF-8 all the same; those of GitHub and
// GitLab are whatever the locale says.
func (sys *system) ascii(p place) bool {
	switch p.ci.Provider {
	case ci.GitHub, ci.Gitea, ci.GitLab:
		return false
	case ci.Jenkins, ci.None:
	}
	locale := strings.ToUpper(cmp.Or(sys.getenv("LC_ALL"), sys.getenv("LC_CTYPE"), sys.getenv("LANG")))
	return locale != "" && !strings.Contains(locale, "UTF-8") && !strings.Contains(locale, "UTF8")
}

// hasSections reports whether standard output is a log with parts that fold.
func (sys *system) hasSections(p place) bool { return p.ci.Provider == ci.GitLab && !sys.isTerminal() }

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

// write writes a report in every format that was asked for, files first: an
// output of the step names the JSON report only when that is there. A reporter
// that fails is a warning, and changes neither the others nor the exit code.
func (sys *system) write(ctx context.Context, outputs []output, o outputOptions, p place, listShown bool, r *checks.Report) {
	outputs = slices.Clone(outputs)
	slices.SortStableFunc(outputs, func(a, b output) int { return cmp.Compare(min(1, len(b.path)), min(1, len(a.path))) })
	reportPath := ""
	for _, out := range outputs {
		d := report.Dest{
			Getenv: sys.getenv, Append: appendFile, ReportPath: reportPath,
			Quiet: o.quiet, Verbose: o.verbose,
		}
		err := sys.writeOne(ctx, out, d, o, p, listShown, r)
		if err != nil {
			sys.warn("writing "+out.reporter.Name, err)
		} else if out.reporter == report.JSON && out.path != "" {
			reportPath = sys.inWorkTree(out.path)
		}
	}
}

// inWorkTree is a path relative to the folder that the steps of a job share,
// with slashes, or else to the current directory; empty outside of it.
func (sys *system) inWorkTree(path string) string {
	root := cmp.Or(strings.TrimSpace(sys.getenv("GITHUB_WORKSPACE")), sys.dir)
	path = sys.absolute(path)
	if rel := relativeTo(root, path); rel != "" {
		return rel
	}
	// Where one of both was named through a symbolic link, their real names tell.
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return ""
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return ""
	}
	return relativeTo(root, path)
}

func (sys *system) writeOne(ctx context.Context, out output, d report.Dest, o outputOptions, p place, listShown bool, r *checks.Report) error {
	if out.path == "" {
		d.Out, d.Log, d.ListShown = sys.stdout, isActionsLog(p), listShown
		d.Color, d.ASCII, d.Sections = sys.color(o), sys.ascii(p), sys.hasSections(p)
		if sys.isTerminal() {
			d.Width, _ = sys.size()
		}
		return out.reporter.Write(ctx, d, r)
	}
	// Rendered first: a reporter that fails leaves no half of a file, and
	// nothing else is ever written beside it.
	var rendered bytes.Buffer
	d.Out = &rendered
	if err := out.reporter.Write(ctx, d, r); err != nil {
		return err
	}
	return sys.writeFile(out.path, rendered.Bytes())
}

// writeFile writes a file that the user named. A symbolic link of that name below
// the current directory is the repository's, and may lead to any other file.
func (sys *system) writeFile(name string, data []byte) error {
	path := sys.absolute(name)
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 && relativeTo(sys.dir, path) != "" {
		return fmt.Errorf("%s is a symbolic link: what it leads to is not written over", name)
	}
	return os.WriteFile(path, data, 0o644)
}

func appendFile(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
}
