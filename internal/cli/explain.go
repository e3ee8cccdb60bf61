package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/nearest"
)

func (sys *system) explainCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "explain RULE|CHECK",
		Short:   "Say what a rule or a check means, and how to fix and configure it",
		Example: "  gopreflight explain proxy/dns\n  gopreflight explain modcache",
		Args:    oneOf("a rule or a check"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return explainable(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			for _, check := range checks.All {
				if check.Name == args[0] {
					if asJSON {
						return writeJSON(c, listed(check))
					}
					sys.explainCheck(check)
					return nil
				}
				for _, r := range check.Rules {
					if r.ID == args[0] {
						if asJSON {
							return writeJSON(c, struct {
								listedRule
								Help string `json:"help"`
							}{listedRule{r.ID, r.Severity, r.Summary, r.Transient}, r.Help})
						}
						sys.explainRule(check, r)
						return nil
					}
				}
			}
			if _, near := nearest.Word(args[0], explainable()); !near { // too many to list here
				return usagef("unknown rule or check %q; see gopreflight list --rules", args[0])
			}
			return unknown("rule or check", args[0], explainable())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// explainable are the words that explain knows: checks first, then rules.
func explainable() []string {
	var names []string
	for _, c := range checks.All {
		names = append(names, c.Name)
	}
	for _, c := range checks.All {
		for _, r := range c.Rules {
			names = append(names, r.ID)
		}
	}
	return names
}

func (sys *system) explainCheck(c *checks.Check) {
	w := sys.stdout
	fmt.Fprintf(w, "%s (stage %s): %s\n\n%s\n", c.Name, c.Stage, c.Title, c.Doc)
	if len(c.Needs) > 0 {
		fmt.Fprintf(w, "\nNeeds: %s\n", names(c.Needs))
	}
	fmt.Fprintf(w, "\nRules:\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range c.Rules {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", r.ID, r.Severity, r.Summary)
	}
	t.Flush()
	fmt.Fprintf(w, "\nRun it alone: gopreflight --only %s\n", c.Name)
}

func names(list []*checks.Check) string {
	words := make([]string, len(list))
	for i, c := range list {
		words[i] = c.Name
	}
	return strings.Join(words, ", ")
}

func (sys *system) explainRule(c *checks.Check, r *checks.Rule) {
	w := sys.stdout
	fmt.Fprintf(w, "%s (%s", r.ID, r.Severity)
	if r.Transient {
		fmt.Fprint(w, ", trying again may help")
	}
	fmt.Fprintf(w, ")\n\n%s\n\n%s\n", r.Summary, strings.TrimSpace(r.Help))
	fmt.Fprintf(w, `
Reported by the check %s. To change how hard it bites, or to accept one case,
in .gopreflight.yml:

  severity:
    %s: %s
  exceptions: # for one case only, add module: or file:
    - {rule: %s, reason: "why", until: YYYY-MM-DD}
`, c.Name, r.ID, softer(r.Severity), r.ID)
}

// softer is a severity to show in an example: another one than the default.
func softer(s checks.Severity) checks.Severity {
	if s == checks.Error {
		return checks.Warning
	}
	return checks.Off
}
