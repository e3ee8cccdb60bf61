package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/ci"
	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/report"
)

// savedOptions are the flags of the command report.
type savedOptions struct {
	from      string
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
		Use:   "report --from FILE",
		Short: "Render a saved report again, in any format",
		Long: `Renders a report that --format json=FILE saved, and brings the comment up to date.
Its exit code is that of the saved run.

A report that a run without any trust saved, as that of a pull request from a
fork, is rendered with --untrusted: verdict, severities and titles are then the
program's and the policy's own; commands, patches and links are left out; what it
says decides no exit code. In a job that workflow_run, pull_request_target or
issue_comment started, every report is untrusted.`,
		Example: "  gopreflight report --from report.json\n  gopreflight report --from report.json --format markdown\n" +
			"  gopreflight report --from untrusted/report.json --untrusted",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("report: name the file with --from, as --from %s", plain.Line(args[0]))
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			if err := fromEnvironment(c.Flags(), sys.getenv); err != nil {
				return err
			}
			if o.from == "" {
				return usagef("report: which one? name it with --from FILE")
			}
			return sys.saved(c.Context(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.from, "from", "", "the saved report, `FILE`; - is standard input")
	f.BoolVar(&o.untrusted, "untrusted", false, "believe nothing that the file says about itself")
	f.StringVar(&o.config, "config", "", "with --untrusted, the policy `PATH` (default "+config.FileName+" in the current directory)")
	f.BoolVar(&o.offline, "offline", false, "send nothing: no comment")
	addFormatFlags(c, &o.formats, &o.output)
	addCommentFlags(c, &o.comment)
	return c
}

// saved renders a saved report.
func (sys *system) saved(ctx context.Context, o *savedOptions) error {
	if err := o.comment.check(); err != nil {
		return err
	}
	place := sys.place()
	outputs, err := parseFormats(o.formats, isActionsLog(place))
	if err != nil {
		return err
	}
	o.untrusted = o.untrusted || actsForOthers(place.ci)
	read := sys.readReport
	if o.untrusted {
		read = func(name string) (*checks.Report, error) { return sys.readUntrusted(name, o.config, place) }
	}
	r, err := read(o.from)
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

// readReport reads a saved report; "-" is standard input.
func (sys *system) readReport(name string) (*checks.Report, error) {
	return sys.readFrom(name, report.ReadJSON)
}

// readUntrusted reads a saved report of which nothing is believed but what
// checks.Distrust lets through. Where it comes from is said by the CI alone.
func (sys *system) readUntrusted(name, policy string, p place) (*checks.Report, error) {
	cfg, err := sys.policyHere(policy)
	if err != nil {
		return nil, err
	}
	claimed, err := sys.readFrom(name, report.ReadUntrusted)
	if err != nil {
		return nil, err
	}
	r := checks.Distrust(claimed, checks.All, cfg, sys.now())
	c := p.ci
	r.Repository.URL, r.Repository.Commit = c.RepositoryURL, c.HeadSHA
	r.CI = checks.CI{
		Provider: string(c.Provider), Event: c.Event, RunURL: c.RunURL, PullRequest: c.PullRequest,
		HeadSHA: c.HeadSHA, Fork: c.Fork, Conclusion: c.Triggering,
	}
	return r, nil
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

// readFrom reads a regular file or, as "-", standard input.
func (sys *system) readFrom(name string, read func(io.Reader) (*checks.Report, error)) (*checks.Report, error) {
	if name == "-" {
		return read(sys.stdin)
	}
	f, err := openRegular(sys.absolute(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", plain.Line(name), err)
	}
	return r, nil
}
