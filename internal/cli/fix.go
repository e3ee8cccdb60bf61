package cli

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/nearest"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/report"
)

// fixOptions are the flags of fix.
type fixOptions struct {
	dryRun bool
	to     string
	run    runOptions
}

const fixLong = `Mends what a machine can mend without a person's judgement: what is wrong in the
module cache or the build cache is moved aside, never deleted, and the go command
brings it back, held to go.sum. Then the same check is asked again, and its answer
is the outcome.

Named rules or checks are mended, without arguments all that can be. Only the
module version that is wrong is touched; of its files, those that go.sum proves
stay where they are. The repository is never written to: where go.sum and the
cache disagree and the cache agrees with itself, fix says what to find out first.

What is moved goes to a folder beside a manifest of what, why, when and from
where: gopreflight/quarantine in the user's cache folder, or gopreflight-quarantine
beside the cache where only that is on the same file system. Nothing there is read
by the go command, saved with a CI cache of the module cache, or deleted by
"go clean -modcache". --to names another folder, as one that CI keeps as evidence.`

const fixExample = `  gopreflight fix --dry-run              what would be done
  gopreflight fix                        everything that can be mended
  gopreflight fix modcache               one check
  gopreflight fix modcache/tree-modified one rule
  gopreflight fix --offline              with what is on this machine
  gopreflight fix --to evidence/         keep what was moved as an artifact`

const fixExitCodes = `
Exit codes:
  0    nothing is wrong (any more)
  1    something is still broken; with --dry-run: something is broken
  2    the command line or the configuration is wrong; nothing was done
  3    could not find out: a check got no answer, or what was moved aside could
       not be brought back (offline, or nobody serves it)
  130, 143   interrupted; the same command again ends it
`

func (sys *system) fixCommand() *cobra.Command {
	o := &fixOptions{}
	c := &cobra.Command{
		Use:     "fix [flags] [RULE|CHECK...]",
		Short:   "Mend the caches: move aside what is wrong, and bring back what is right",
		Long:    fixLong,
		Example: fixExample,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return mendable(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := fromEnvironment(c.Flags(), sys.getenv); err != nil {
				return err
			}
			return sys.fix(c.Context(), o, args)
		},
	}
	f := c.Flags()
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "only say what would be done")
	f.StringVar(&o.to, "to", "", "move things to this folder, `DIR`")
	f.StringVar(&o.run.config, "config", "", "the policy `PATH` (default .gopreflight.yml in the repository's root)")
	f.BoolVar(&o.run.offline, "offline", false, "send nothing; what needs the network is not brought back")
	f.BoolVar(&o.run.deep, "deep", false, "look at everything first, as gopreflight run --deep")
	f.DurationVar(&o.run.timeout, "timeout", defaultTimeout, "how long each check may take, `D`")
	f.BoolVarP(&o.run.output.verbose, "verbose", "v", false, "print every name")
	f.BoolVar(&o.run.output.noColor, "no-color", false, "no colour on a terminal (as NO_COLOR)")
	return c
}

// mendable are the words that fix knows: the checks whose findings it can mend,
// and their rules.
func mendable() []string {
	var names []string
	for _, c := range checks.All {
		if c.Mends {
			names = append(names, c.Name)
		}
	}
	for _, c := range checks.All {
		for _, r := range c.Rules {
			if c.Mends {
				names = append(names, r.ID)
			}
		}
	}
	return names
}

// fixTargets are the rules that the arguments name, and the checks that report
// them, in declared order. Without arguments: all rules of all that can be mended.
func fixTargets(args []string) (rules map[string]bool, list []*checks.Check, err error) {
	rules = map[string]bool{}
	known := mendable()
	for _, word := range args {
		if slices.Contains(known, word) {
			continue
		}
		if slices.Contains(explainable(), word) {
			return nil, nil, usagef("%s: there is nothing that a machine could mend; see gopreflight explain %s", word, word)
		}
		if _, near := nearest.Word(word, known); !near {
			return nil, nil, usagef("unknown rule or check %q; fix knows: %s, and their rules", plain.Line(word),
				strings.Join(slices.DeleteFunc(known, func(w string) bool { return strings.Contains(w, "/") }), ", "))
		}
		return nil, nil, unknown("rule or check", word, known)
	}
	for _, c := range checks.All {
		named := false
		for _, r := range c.Rules {
			if c.Mends && (len(args) == 0 || slices.Contains(args, c.Name) || slices.Contains(args, r.ID)) {
				rules[r.ID], named = true, true
			}
		}
		if named {
			list = append(list, c)
		}
	}
	return rules, list, nil
}

// withNeeds are checks and all that they need, in the order of all.
func withNeeds(all, list []*checks.Check) []*checks.Check {
	wanted := map[*checks.Check]bool{}
	var want func(c *checks.Check)
	want = func(c *checks.Check) {
		wanted[c] = true
		for _, need := range c.Needs {
			want(need)
		}
	}
	for _, c := range list {
		want(c)
	}
	return slices.DeleteFunc(slices.Clone(all), func(c *checks.Check) bool { return !wanted[c] })
}

// fix mends, and says what it does. Its error is an *exitError, or a *usageError
// when nothing was done.
func (sys *system) fix(ctx context.Context, o *fixOptions, args []string) error {
	rules, targets, err := fixTargets(args)
	if err != nil {
		return err
	}
	if o.run.timeout <= 0 {
		return usagef("--timeout %s: not positive", o.run.timeout)
	}
	dir, err := sys.startDir(nil)
	if err != nil {
		return err
	}
	f := &fixer{sys: sys, o: o, dir: dir, place: sys.place(), rules: rules, all: checks.All, targets: targets}
	remove, err := sys.openPrivate(f.place)
	if err != nil {
		return &usageError{err}
	}
	defer remove()
	code, err := f.run(ctx)
	switch {
	case interrupted(ctx):
		return &exitError{(&checks.Report{Interrupted: signalName(ctx)}).ExitCode()}
	case err != nil:
		return &usageError{err}
	case code != exitPass:
		return &exitError{code}
	}
	return nil
}

// dest is where the text of fix goes.
func (f *fixer) dest() report.Dest {
	d := report.Dest{
		Out: f.sys.stdout, Log: isActionsLog(f.place), Verbose: f.o.run.output.verbose,
		Color: f.sys.color(f.o.run.output), ASCII: f.sys.ascii(f.place),
	}
	if f.sys.isTerminal() {
		d.Width, _ = f.sys.size()
	}
	return d
}

// caches are the folders that things may be moved from: GOMODCACHE and GOCACHE,
// as far as they are the job's own. The error says that nothing can be mended here.
func (f *fixer) caches(s *checks.Session, results []checks.Result) ([]string, error) {
	var own []string
	foreign := false
	for _, name := range []string{"GOMODCACHE", "GOCACHE"} {
		dir := s.Env.Get(name)
		switch {
		case !filepath.IsAbs(dir):
		case s.OwnCache(dir):
			own = append(own, filepath.Clean(dir))
		default:
			foreign = true
		}
	}
	switch {
	case foreign && len(f.skipped(results)) == len(f.targets):
		return nil, errors.New("the job's caches are outside this container, and those in it are nobody's: run gopreflight fix on the runner itself, as the action host/ does")
	case len(own) == 0:
		return nil, errors.New("neither GOMODCACHE nor GOCACHE is known")
	}
	return own, nil
}
