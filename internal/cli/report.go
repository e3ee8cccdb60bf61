package cli

import (
	"cmp"
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/gopreflight/gopreflight/internal/ci"
	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// savedOptions are the flags of the command report.
type savedOptions struct {
	// from are files, folders and patterns; see sources.
	from      []string
	untrusted bool
	config    string
	offline   bool
	formats   []string
	output    outputOptions
	comment   commentOptions
}

func (sys *system) reportCommand() *cobra.Command {
	o := &savedOptions{}
	c := &cobra.Command{
		Use:   "report --from FILE...",
		Short: "Render a saved report again, in any format; join those of shards",
		Long: `Renders a report that --format json=FILE saved, and brings the comment up to date.
Its exit code is that of the saved run.

Several files are the reports of all shards of one run (run --shard I/N), in any
order: they are joined into the report that a single run would have made. A folder
stands for the *.json files in it and in its folders, a pattern (shards/*.json)
for what matches it.

A report that a run without any trust saved, as that of a pull request from a
fork, is rendered with --untrusted: verdict, severities and titles are then the
program's and the policy's own; commands, patches and links are left out; what it
says decides no exit code. In a job that workflow_run, pull_request_target or
issue_comment started, every report is untrusted.`,
		Example: "  gopreflight report --from report.json\n  gopreflight report --from report.json --format markdown\n" +
			"  gopreflight report --from shard1.json shard2.json shard3.json\n" +
			"  gopreflight report --from untrusted/report.json --untrusted",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 && len(o.from) == 0 {
				return usagef("report: name the file with --from, as --from %s", plain.Line(args[0]))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			o.from = append(o.from, args...) // a shell has made them of --from shard*.json
			if err := fromEnvironment(c.Flags(), sys.getenv); err != nil {
				return err
			}
			if len(o.from) == 0 {
				return usagef("report: which one? name it with --from FILE")
			}
			return sys.saved(c.Context(), o)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&o.from, "from", nil, "the saved report, `FILE`, or those of all shards; - is standard input")
	f.BoolVar(&o.untrusted, "untrusted", false, "believe nothing that a file says about itself")
	f.StringVar(&o.config, "config", "", "with --untrusted, the policy `PATH` (default "+config.FileName+" in the current directory)")
	f.BoolVar(&o.offline, "offline", false, "send nothing: no comment")
	addFormatFlags(c, &o.formats, &o.output)
	addCommentFlags(c, &o.comment)
	return c
}

// saved renders a saved report.
func (sys *system) saved(ctx context.Context, o *savedOptions) error {
	place := sys.place()
	if err := o.comment.settle(sys.getenv, place.ci); err != nil {
		return err
	}
	outputs, err := parseFormats(o.formats, isActionsLog(place))
	if err != nil {
		return err
	}
	o.untrusted = o.untrusted || actsForOthers(place.ci)
	r, err := sys.readSaved(o, place)
	if err != nil {
		return &usageError{err}
	}
	sys.write(ctx, outputs, o.output, place, false, r)
	sys.comment(ctx, o.comment, place, o.offline, r)
	if code := r.ExitCode(); code != exitPass && !o.untrusted {
		return &exitError{code}
	}
	return nil
}

// actsForOthers reports whether a job has the base's rights and yet was started
// by somebody who may have none: what it renders may be that one's.
func actsForOthers(c ci.Context) bool {
	return c.Event == "workflow_run" || c.Event == "issue_comment" || c.PullRequestTarget
}

// policyHere is the policy of the current directory, which an untrusted report
// is held to: in a workflow_run job that of the default branch.
func (sys *system) policyHere(path string) (*config.Config, error) {
	cfg, err := loadConfig(cmp.Or(path, config.FileName), path != "", func(name string) ([]byte, error) {
		return readConfigFile(sys.absolute(name))
	})
	if path == "" && errors.Is(err, fs.ErrNotExist) {
		return config.Default(), nil
	}
	return cfg, err
}
