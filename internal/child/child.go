// Package child runs child processes the way gopreflight needs all of them to
// run: with an explicit environment and directory, no standard input and no
// terminal, bounded output, and in a session of their own whose process group is
// ended as a whole when the context ends.
//
// It never reads the process environment, never uses a shell and never retries.
package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// DefaultLimit is how much of each output stream is kept when a Cmd names no
// limit, in bytes. What go commands print about a large repository fits.
const DefaultLimit = 64 << 20

// waitDelay is how long a process group has to end after it was interrupted,
// and how long its pipes may stay open after it ended, before it is killed.
const waitDelay = 3 * time.Second

// Cmd is one child process.
type Cmd struct {
	// Path is the program's absolute path; it is not looked up in PATH.
	Path string
	// Args are its arguments, without the program's name.
	Args []string
	// Dir is its working directory, absolute.
	Dir string
	// Env is its whole environment; of equal names the last counts.
	Env []string
	// Stdin is what it reads on its standard input; nil for nothing.
	Stdin []byte
	// Limit is how many bytes of each stream are kept; 0 means DefaultLimit.
	Limit int
}

// String is the command as people would type it, without its environment.
func (c Cmd) String() string {
	name := c.Path
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	return strings.Join(append([]string{name}, c.Args...), " ")
}

// Output is what a child process came to.
type Output struct {
	Stdout, Stderr []byte
	// Cut is how many bytes were dropped from both streams together.
	Cut int64
	// Exit is the exit code; -1 when a signal ended it.
	Exit int
}

// Run runs a command to its end. The error says that it could not be started
// or was stopped by ctx; an exit code other than 0 is not an error.
func Run(ctx context.Context, c Cmd) (Output, error) {
	// os/exec would look a bare name up in our own PATH, and run in our own folder.
	if !filepath.IsAbs(c.Path) || !filepath.IsAbs(c.Dir) {
		return Output{Exit: -1}, fmt.Errorf("%s: program %q and folder %q must be absolute paths", c, c.Path, c.Dir)
	}
	limit := c.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	stdout, stderr := &capped{limit: limit}, &capped{limit: limit}
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Dir = c.Dir
	cmd.Env = append([]string{}, c.Env...) // nil would mean our own
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if c.Stdin != nil {
		cmd.Stdin = bytes.NewReader(c.Stdin)
	}
	cmd.WaitDelay = waitDelay
	group(cmd)

	err := cmd.Run()
	if cmd.Process != nil {
		endGroup(cmd) // what the child left behind
	}
	out := Output{
		Stdout: stdout.kept.Bytes(),
		Stderr: stderr.kept.Bytes(),
		Cut:    stdout.cut + stderr.cut,
		Exit:   -1,
	}
	if cmd.ProcessState != nil {
		out.Exit = cmd.ProcessState.ExitCode()
	}
	if ctx.Err() != nil {
		return out, fmt.Errorf("%s: %w", c, context.Cause(ctx))
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return out, fmt.Errorf("%s: %w", c, err)
	}
	return out, nil
}

// capped keeps the first limit bytes and counts the rest. The buffer is no
// embedded one: io.Copy would find its ReadFrom and go around Write.
type capped struct {
	kept  bytes.Buffer
	limit int
	cut   int64
}

func (c *capped) Write(p []byte) (int, error) {
	n := min(len(p), c.limit-c.kept.Len())
	c.kept.Write(p[:n])
	c.cut += int64(len(p) - n)
	return len(p), nil
}
