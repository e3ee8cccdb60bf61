package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gopreflight/gopreflight/internal/config"
	"github.com/gopreflight/gopreflight/report"
)

func (sys *system) initCommand() *cobra.Command {
	var toStdout bool
	c := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a commented " + config.FileName + " with every default",
		Long: `Writes ` + config.FileName + ` into DIR (default: the current directory), with every
key commented out at its default. No file is needed: the defaults serve. A file
that is there already is left alone.`,
		Args: oneDir,
		RunE: func(c *cobra.Command, args []string) error {
			if toStdout {
				_, err := sys.stdout.Write(config.Example(known()))
				return err
			}
			dir, err := sys.startDir(args)
			if err != nil {
				return err
			}
			path := filepath.Join(dir, config.FileName)
			f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
			if errors.Is(err, fs.ErrExist) {
				return usagef("%s is there already; gopreflight init --stdout prints a new one", path)
			}
			if err != nil {
				return err
			}
			if _, err := f.Write(config.Example(known())); err != nil {
				return errors.Join(err, f.Close())
			}
			if err := f.Close(); err != nil {
				return err
			}
			fmt.Fprintln(sys.stdout, report.LogLine("wrote "+path))
			if top := topAbove(dir); top != "" {
				sys.complain("warning: this one is read with --config only; without, the one at the repository's root is: " + top)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&toStdout, "stdout", false, "print it instead of writing the file")
	return c
}

// topAbove is the top of the git work tree that dir lies below; empty when it is
// the top itself, or in none.
func topAbove(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		_, err := os.Lstat(filepath.Join(at, ".git"))
		switch {
		case err == nil && at == dir, err != nil && at == filepath.Dir(at):
			return ""
		case err == nil:
			return at
		}
	}
}

func (sys *system) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "schema config|report",
		Short:     "Print the JSON Schema of the configuration or of the report",
		Example:   "  gopreflight schema config > gopreflight.schema.json",
		Args:      oneOf("config or report"),
		ValidArgs: []string{"config", "report"},
		RunE: func(c *cobra.Command, args []string) error {
			var schema []byte
			var err error
			switch args[0] {
			case "config":
				schema, err = config.Schema(known())
			case "report":
				schema, err = report.Schema()
			default:
				return unknown("schema", args[0], []string{"config", "report"})
			}
			if err != nil {
				return err
			}
			_, err = sys.stdout.Write(schema)
			return err
		},
	}
}
