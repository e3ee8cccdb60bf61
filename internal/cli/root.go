package cli

import (
	"github.com/spf13/cobra"
)

const rootLong = `gopreflight answers, before CI builds a Go repository: will it build here; is what
gets built what was reviewed; and if not, which one thing is broken, where, and
which command fixes it. It never changes the repository.

Without a command it runs the checks in DIR (default: the current directory).`

const rootExample = `  gopreflight                        check this repository and this machine
  gopreflight --only env,proxy       why does "go get" fail here?
  gopreflight --skip build ./tools   all but the build, one directory
  gopreflight --offline              send nothing
  gopreflight --format json=report.json   and keep the report
  gopreflight explain proxy/dns      what a finding means, and its fix
  gopreflight fix --dry-run          what it could mend in the caches by itself
  gopreflight init                   write a commented .gopreflight.yml`

const exitCodes = `
Exit codes:
  0    pass
  1    fail: findings at or above --fail-on
  2    the command line or the configuration is wrong; nothing was checked
  3    inconclusive: a question got no answer
  130, 143   interrupted; the partial report was still written

Every flag of run can be given as the environment variable GOPREFLIGHT_NAME
(--fail-on: GOPREFLIGHT_FAIL_ON), and in GitHub Actions as an input of its name.
Flags beat inputs, inputs beat GOPREFLIGHT_*, and those beat .gopreflight.yml.
`

// rootCommand is the whole command line.
func (sys *system) rootCommand() *cobra.Command {
	o := &runOptions{}
	root := &cobra.Command{
		Use:           "gopreflight [run] [flags] [DIR]",
		Short:         "Check a Go repository and the machine about to build it",
		Long:          rootLong,
		Example:       rootExample,
		Args:          oneDir,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(c *cobra.Command, args []string) error { return sys.run(c, o, args) },
	}
	root.SetHelpTemplate(helpTemplate)
	root.SetFlagErrorFunc(flagError)
	addRunFlags(root, o)
	root.AddCommand(
		sys.runCommand(),
		sys.listCommand(),
		sys.explainCommand(),
		sys.fixCommand(),
		sys.reportCommand(),
		sys.initCommand(),
		sys.schemaCommand(),
		sys.versionCommand(),
	)
	return root
}

// helpTemplate is cobra's, with the exit codes at the end of what runs checks.
const helpTemplate = `{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}{{if .Flags.Lookup "fail-on"}}` + exitCodes + `{{end}}{{if .Flags.Lookup "dry-run"}}` + fixExitCodes + `{{end}}`
