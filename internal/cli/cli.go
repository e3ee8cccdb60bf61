// Package cli is the command line: flags, inputs and environment in, reports
// and exit codes out. It wires the engines, the checks and the reporters
// together.
//
// It is the only package that reads the process environment, the clock and the
// terminal, and the only one that decides an exit code. It never judges a
// repository itself.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/gopreflight/gopreflight/internal/nearest"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/report"
)

// Exit codes (README, exit codes); those of interrupted runs are in
// checks.Report.ExitCode.
const (
	exitPass  = 0
	exitUsage = 2
)

// system is what a command sees of the process it runs in.
type system struct {
	stdout, stderr *os.File
	stdin          io.Reader
	environ        []string
	getenv         func(string) string
	now            func() time.Time
	dir            string
}

// usageError is a wrong command line or configuration: nothing was checked.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// exitError carries the exit code of a run whose report says everything.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit %d", e.code) }

// signalError is the cause of a context that a signal ended.
type signalError struct{ name string }

func (e *signalError) Error() string { return "stopped by signal: " + e.name }

// Main runs the command line of this process and returns its exit code.
func Main() int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		s := <-signals
		cancel(&signalError{s.String()})
		<-signals // who asks twice does not want to wait
		if term.IsTerminal(int(os.Stdout.Fd())) {
			fmt.Fprint(os.Stdout, report.ShowCursor)
		}
		os.Exit(130)
	}()
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gopreflight:", err)
		return exitUsage
	}
	sys := &system{
		stdout: os.Stdout, stderr: os.Stderr, stdin: os.Stdin,
		environ: os.Environ(), getenv: os.Getenv, now: time.Now, dir: dir,
	}
	return sys.execute(ctx, os.Args[1:])
}

func (sys *system) execute(ctx context.Context, args []string) int {
	root := sys.rootCommand()
	root.SetArgs(args)
	root.SetOut(sys.stdout)
	root.SetErr(sys.stderr)
	err := root.ExecuteContext(ctx)
	var exit *exitError
	switch {
	case err == nil:
		return exitPass
	case errors.As(err, &exit):
		return exit.code
	}
	sys.complain(err.Error())
	return exitUsage
}

// complain writes lines to standard error, which is part of the same log as the
// report and quotes the same hostile text.
func (sys *system) complain(text string) {
	redactor := plain.NewRedactor(sys.environ)
	for line := range strings.Lines(text) {
		fmt.Fprintln(sys.stderr, report.LogLine("gopreflight: "+redactor.Line(line)))
	}
}

// warn says what went wrong beside the report, and changes nothing.
func (sys *system) warn(what string, err error) {
	sys.complain(fmt.Sprintf("warning: %s: %v", what, err))
}

// flagError names the flag that was probably meant.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if word, ok := nearest.Word(unknown.GetSpecifiedName(), names); ok {
			return usagef("%w (did you mean --%s?)", err, word)
		}
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		err = badValue("--"+invalid.GetFlag().Name, invalid.GetValue(), invalid.GetFlag())
	}
	return usagef("%w; see %s --help", err, c.CommandPath())
}

// badValue is the error for a value that a flag cannot have; name is what it was
// given as.
func badValue(name, value string, f *pflag.Flag) error {
	want := map[string]string{
		"bool":        "true or false",
		"int":         "a number",
		"duration":    `a duration such as "90s" or "5m"`,
		"stringSlice": "a list with commas",
	}[f.Value.Type()]
	return usagef("%s: want %s, got %.100q", name, cmp.Or(want, "another value"), value)
}
