package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/report"
)

func (sys *system) reportCommand() *cobra.Command {
	var from string
	var formats []string
	var o outputOptions
	c := &cobra.Command{
		Use:     "report --from FILE",
		Short:   "Render a saved report again, in any format",
		Long:    "Renders a report that --format json=FILE saved. Its exit code is that of the saved run.",
		Example: "  gopreflight report --from report.json\n  gopreflight report --from report.json --format markdown",
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
			if from == "" {
				return usagef("report: which one? name it with --from FILE")
			}
			place := sys.place()
			outputs, err := parseFormats(formats, isActionsLog(place))
			if err != nil {
				return err
			}
			r, err := sys.readReport(from)
			if err != nil {
				return &usageError{err}
			}
			sys.write(c.Context(), outputs, o, place, false, r)
			if code := r.ExitCode(); code != exitPass {
				return &exitError{code}
			}
			return nil
		},
	}
	c.Flags().StringVar(&from, "from", "", "the saved report, `FILE`")
	addFormatFlags(c, &formats, &o)
	return c
}

// readReport reads a saved report; "-" is standard input.
func (sys *system) readReport(name string) (*checks.Report, error) {
	in := sys.stdin
	if name != "-" {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(sys.dir, path)
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	r, err := report.ReadJSON(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}
