package cli

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/gopreflight/gopreflight/checks"
)

// listedCheck is one check in the machine form of list.
type listedCheck struct {
	Check string       `json:"check"`
	Stage checks.Stage `json:"stage"`
	Title string       `json:"title"`
	Rules []listedRule `json:"rules"`
}

// listedRule is one rule in the machine forms of list and explain.
type listedRule struct {
	ID        string          `json:"id"`
	Severity  checks.Severity `json:"severity"`
	Summary   string          `json:"summary"`
	Transient bool            `json:"transient"`
}

func listed(c *checks.Check) listedCheck {
	l := listedCheck{Check: c.Name, Stage: c.Stage, Title: c.Title, Rules: []listedRule{}}
	for _, r := range c.Rules {
		l.Rules = append(l.Rules, listedRule{r.ID, r.Severity, r.Summary, r.Transient})
	}
	return l
}

func (sys *system) listCommand() *cobra.Command {
	var asJSON, rules bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the checks and their rules",
		Example: "  gopreflight list --rules\n  gopreflight list --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if asJSON {
				all := []listedCheck{}
				for _, check := range checks.All {
					all = append(all, listed(check))
				}
				return writeJSON(c, all)
			}
			w := tabwriter.NewWriter(sys.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "STAGE\tCHECK\tRULES\tWHEN IT PASSES")
			for _, check := range checks.All {
				fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", check.Stage, check.Name, len(check.Rules), check.Title)
				if rules {
					for _, r := range check.Rules {
						fmt.Fprintf(w, "\t  %s\t%s\t%s\n", r.ID, r.Severity, r.Summary)
					}
				}
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&rules, "rules", false, "print every rule, too")
	return c
}

// writeJSON prints a value for machines.
func writeJSON(c *cobra.Command, v any) error {
	e := json.NewEncoder(c.OutOrStdout())
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
