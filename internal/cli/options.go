package cli

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/internal/nearest"
	"github.com/gopreflight/gopreflight/report"
)

// runOptions are the flags of run.
type runOptions struct {
	only, skip []string
	formats    []string
	failOn     string
	base       string
	config     string
	offline    bool
	deep       bool
	jobs       int
	shard      string
	timeout    time.Duration
	output     outputOptions
	comment    commentOptions
	notify     notifyOptions
}

// outputOptions are the flags of everything that renders a report.
type outputOptions struct {
	quiet, verbose, noColor bool
}

// defaultTimeout bounds each check: long enough for the first build of a large
// application on a small runner.
const defaultTimeout = 20 * time.Minute

func addRunFlags(c *cobra.Command, o *runOptions) {
	f := c.Flags()
	f.StringSliceVar(&o.only, "only", nil, "run only these stages or checks (`LIST`, see gopreflight list;\na name that is both is the stage, tidy/tidy the check)")
	f.StringSliceVar(&o.skip, "skip", nil, "leave these stages or checks out (`LIST`)")
	f.StringVar(&o.failOn, "fail-on", "", "fail from findings of this `SEVERITY`: error, warning or never (default error)")
	f.StringVar(&o.base, "base", "", "the revision `REF` that a change is compared with (default: the CI event's)")
	f.StringVar(&o.config, "config", "", "the policy `PATH` (default "+config.FileName+" in the repository's root)")
	f.BoolVar(&o.offline, "offline", false, "send nothing; what needs the network is skipped")
	f.BoolVar(&o.deep, "deep", false, "look at everything: every zip of the module cache, every object of the build\ncache, every line of go.sum (before a cache is saved or shared)")
	f.IntVar(&o.jobs, "jobs", 0, "how many go commands run at once, `N` (default: one for each processor)")
	f.DurationVar(&o.timeout, "timeout", defaultTimeout, "how long each check may take, `D`")
	f.StringVar(&o.shard, "shard", "", "judge one of N parts of the repository, `I/N`; gopreflight report --from\njoins the N reports into one")
	addFormatFlags(c, &o.formats, &o.output)
	addCommentFlags(c, &o.comment)
	addNotifyFlags(c, &o.notify)
}

func addFormatFlags(c *cobra.Command, formats *[]string, o *outputOptions) {
	f := c.Flags()
	names := report.Names()
	half := len(names)/2 + 1 // two lines as wide as the others
	f.StringSliceVar(formats, "format", nil, "write the report as `NAME[=PATH]`, repeatable:\n"+
		strings.Join(names[:half], ", ")+",\n"+strings.Join(names[half:], ", "))
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print only errors and the verdict")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print facts, every finding and every consequence")
	f.BoolVar(&o.noColor, "no-color", false, "no colour on a terminal (as NO_COLOR)")
}

// fromEnvironment sets the flags that the command line left alone from the
// inputs of an action (INPUT_FAIL-ON), then from GOPREFLIGHT_FAIL_ON.
func fromEnvironment(flags *pflag.FlagSet, getenv func(string) string) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || err != nil {
			return
		}
		for _, name := range []string{inputVariable(f.Name), "GOPREFLIGHT_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))} {
			value := strings.TrimSpace(getenv(name))
			if value == "" {
				continue
			}
			if f.Value.Type() == "stringSlice" {
				value = strings.Join(listOf(value), ",")
			}
			if flags.Set(f.Name, value) != nil {
				err = badValue(name, value, f)
			}
			return
		}
	})
	return err
}

// listOf are the words of a list: separated by commas, or one to a line as in a
// workflow file.
func listOf(value string) []string {
	return trimmed(strings.FieldsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' || r == ',' }))
}

// inputVariable is how GitHub hands an input to a container: in upper case,
// with its hyphens.
func inputVariable(name string) string { return "INPUT_" + strings.ToUpper(name) }

// output is one --format.
type output struct {
	reporter *report.Reporter
	// path is the file to write to; empty for standard output.
	path string
}

// parseFormats reads --format. Standard output carries one stream: the terminal
// text, unless one other format is sent there; github shares it with terminal.
func parseFormats(words []string, onGitHub bool) ([]output, error) {
	var outputs []output
	var streams []string
	for _, w := range words {
		name, path, hasPath := strings.Cut(strings.TrimSpace(w), "=")
		r := report.Lookup(name)
		if r == nil {
			return nil, unknown("format", name, report.Names())
		}
		if hasPath && path == "" {
			return nil, usagef("--format %s: no path after =", w)
		}
		if path == "-" {
			path = "" // standard output, as everywhere
		}
		if slices.Contains(outputs, output{r, path}) {
			continue
		}
		if path != "" && slices.ContainsFunc(outputs, func(o output) bool { return o.path == path }) {
			return nil, usagef("--format: two formats go to %s", path)
		}
		if path != "" && name == "github" {
			return nil, usagef("--format %s: github has no file, it writes to the job's log and to GITHUB_STEP_SUMMARY", w)
		}
		if path == "" && !slices.Contains(streams, name) {
			streams = append(streams, name)
		}
		outputs = append(outputs, output{r, path})
	}
	if len(streams) == 0 {
		if onGitHub {
			outputs = append(outputs, output{reporter: report.GitHub})
		}
		outputs = append(outputs, output{reporter: report.Terminal})
	}
	if len(streams) > 1 {
		slices.Sort(streams)
		if !slices.Equal(streams, []string{"github", "terminal"}) {
			return nil, usagef("standard output can carry one format, not %s: give one of them a file, as --format %s=PATH",
				strings.Join(streams, " and "), streams[0])
		}
	}
	return outputs, nil
}

// unknown is the error for a word that is none of the known ones.
func unknown(kind, got string, known []string) error {
	if word, ok := nearest.Word(got, known); ok {
		return usagef("unknown %s %q (did you mean %q?)", kind, got, word)
	}
	return usagef("unknown %s %q; there are: %s", kind, got, strings.Join(known, ", "))
}

// fullName is "stage/check", for a check whose name is that of a stage, too.
func fullName(c *checks.Check) string { return string(c.Stage) + "/" + c.Name }

// selection turns --only and --skip into the runner's question.
func selection(all []*checks.Check, only, skip []string) (func(*checks.Check) (bool, string), error) {
	only, skip = trimmed(only), trimmed(skip)
	var names []string
	for _, s := range checks.Stages {
		names = append(names, string(s))
	}
	for _, c := range all {
		if !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
		names = append(names, fullName(c))
	}
	for _, w := range slices.Concat(only, skip) {
		if !slices.Contains(names, w) {
			return nil, unknown("stage or check", w, names)
		}
	}
	named := func(list []string, c *checks.Check) bool {
		return slices.Contains(list, string(c.Stage)) || slices.Contains(list, fullName(c)) ||
			slices.Contains(list, c.Name) && !slices.Contains(checks.Stages, checks.Stage(c.Name))
	}
	none := true
	for _, c := range all {
		if (len(only) == 0 || named(only, c)) && !named(skip, c) {
			none = false
		}
	}
	if none {
		return nil, usagef("--only and --skip leave no check to run")
	}
	return func(c *checks.Check) (bool, string) {
		switch {
		case len(only) > 0 && !named(only, c):
			return false, "not selected (--only)"
		case named(skip, c):
			return false, "left out (--skip)"
		}
		return true, ""
	}, nil
}

// trimmed are the words of a list as people write it: "env, proxy".
func trimmed(list []string) []string {
	var out []string
	for _, w := range list {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// relativeTo is path relative to a root, with slashes; empty when it lies outside.
func relativeTo(root, path string) string {
	rel, err := filepath.Rel(root, path)
	if err != nil || !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.ToSlash(rel)
}
