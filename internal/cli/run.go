package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/repo"
	"github.com/gopreflight/gopreflight/internal/shard"
)

func (sys *system) runCommand() *cobra.Command {
	o := &runOptions{}
	c := &cobra.Command{
		Use:   "run [flags] [DIR]",
		Short: "Run the checks (the default command)",
		Long: `Runs the checks on the repository that contains DIR (default: the current
directory) and on this machine. The modules below DIR are judged; where there
are none, the one that DIR lies in.`,
		Args: oneDir,
		RunE: func(c *cobra.Command, args []string) error { return sys.run(c, o, args) },
	}
	addRunFlags(c, o)
	return c
}

// run runs the checks and writes the reports. Its error is an *exitError, or a
// *usageError when nothing was checked.
func (sys *system) run(c *cobra.Command, o *runOptions, args []string) error {
	ctx := c.Context()
	if err := fromEnvironment(c.Flags(), sys.getenv); err != nil {
		return err
	}
	place := sys.place()
	if err := o.comment.settle(sys.getenv, place.ci); err != nil {
		return err
	}
	if err := o.notify.check(); err != nil {
		return err
	}
	formats := o.formats
	if path := strings.TrimSpace(sys.getenv(inputVariable(inputReport))); path != "" {
		formats = append(formats, "json="+path)
	}
	if from := listOf(sys.getenv(inputVariable(inputFrom))); len(from) > 0 {
		return sys.saved(ctx, &savedOptions{from: from, config: o.config, offline: o.offline, formats: formats, output: o.output, comment: o.comment})
	}
	if o.timeout <= 0 {
		return usagef("--timeout %s: not positive", o.timeout)
	}
	if o.jobs < 0 {
		return usagef("--jobs %d: negative", o.jobs)
	}
	index, count, err := shard.Parse(o.shard)
	if err != nil {
		return usagef("--shard %s: %s", plain.Line(o.shard), err)
	}
	outputs, err := parseFormats(formats, isActionsLog(place))
	if err != nil {
		return err
	}
	selected, err := selection(checks.All, o.only, o.skip)
	if err != nil {
		return err
	}
	dir, err := sys.startDir(args)
	if err != nil {
		return err
	}

	remove, err := sys.openPrivate(place)
	if err != nil {
		return &usageError{err}
	}
	defer remove()
	w := &wiring{sys: sys, options: o, place: place, shard: checks.Shard{Index: index, Count: count}}
	defer w.close()
	if err := w.open(ctx, dir); err != nil {
		var none *repo.NoModulesError
		if errors.As(err, &none) || !interrupted(ctx) {
			return &usageError{err}
		}
		return &exitError{(&checks.Report{Interrupted: signalName(ctx)}).ExitCode()}
	}

	view := sys.newView(outputs, o.output, place)
	runner := &checks.Runner{
		Checks:   checks.All,
		Selected: selected,
		Timeout:  o.timeout,
		Redactor: w.redactor,
		Started:  view.started,
		Progress: view.progress,
		Done:     view.done,
	}
	r := w.newReport(dir)
	var links []checks.Link
	r.Results, links, r.ModuleChanges = runner.Run(ctx, w.session)
	r.DurationMs = sys.now().Sub(r.StartedAt).Milliseconds()
	if interrupted(ctx) {
		r.Interrupted = signalName(ctx)
	}
	checks.Conclude(r, links)
	view.end(r)
	// A signal must not keep the partial report from being written; nobody waits for
	// what the network makes of the rest.
	sys.write(context.WithoutCancel(ctx), outputs, o.output, place, view.listShown(), r)
	if count == 1 || o.comment.mode == commentAlways { // the one comment is that of the joined report
		sys.comment(ctx, o.comment, place, o.offline, r)
	}
	sys.notify(ctx, o, place, w.session.Config.Notify, r)
	if code := r.ExitCode(); code != exitPass {
		return &exitError{code}
	}
	return nil
}

func interrupted(ctx context.Context) bool {
	var s *signalError
	return errors.As(context.Cause(ctx), &s)
}

func signalName(ctx context.Context) string {
	var s *signalError
	if errors.As(context.Cause(ctx), &s) {
		return s.name
	}
	return ""
}

// oneDir accepts a directory at most.
func oneDir(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("one directory at most, got %d arguments%s; see %s --help", len(args), commandHint(args[0]), c.CommandPath())
	}
	return nil
}

// oneOf accepts exactly one argument, which what describes.
func oneOf(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s: want %s, got %s; see %s --help", c.Name(), what, plain.Count(len(args), "argument"), c.CommandPath())
		}
		return nil
	}
}

// startDir is the directory to check: the argument, the input
// working-directory, or the current one.
func (sys *system) startDir(args []string) (string, error) {
	dir := strings.TrimSpace(sys.getenv(inputVariable(inputDirectory)))
	if len(args) > 0 {
		dir = args[0]
	}
	if dir == "" {
		dir = "."
	}
	abs := dir
	if !filepath.IsAbs(abs) {
		abs = filepath.Join(sys.dir, dir)
	}
	info, err := statDir(abs)
	if err != nil {
		hint := ""
		if len(args) > 0 {
			hint = commandHint(args[0])
		}
		return "", usagef("%s: %s%s", plain.Line(dir), err, hint)
	}
	return info, nil
}

// commandHint names the command that was probably meant by a word that is no
// directory.
func commandHint(word string) string {
	err := unknown("command", word, commandNames)
	if strings.Contains(err.Error(), "did you mean") {
		return fmt.Sprintf("; %s", err)
	}
	return ""
}

var commandNames = []string{"run", "list", "explain", "fix", "report", "init", "schema", "completion", "version", "help"}
