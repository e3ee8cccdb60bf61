package cli

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/gopreflight/gopreflight/internal/credentials"
	"github.com/gopreflight/gopreflight/internal/tempdir"
)

// Inputs for a build of private modules, of the action alone: on a command line
// others could read them, and elsewhere go, git and ssh have files of their own.
const (
	inputNetrc        = "netrc"
	inputCertificates = "ca-certificates"
	inputPrivate      = "goprivate"
	inputSSHKey       = "ssh-key"
	inputKnownHosts   = "ssh-known-hosts"
)

// openPrivate makes what these inputs hold usable to this process and its children,
// and returns what takes the files away again: at once, should there be an error.
func (sys *system) openPrivate(p place) (remove func(), err error) {
	remove = func() {}
	input := func(name string) string { return strings.TrimSpace(sys.getenv(inputVariable(name))) }
	if patterns := listOf(input(inputPrivate)); len(patterns) > 0 {
		if err := sys.setenv("GOPRIVATE=" + strings.Join(patterns, ",")); err != nil {
			return remove, err
		}
	}
	in := credentials.Inputs{
		Netrc: input(inputNetrc), Certificates: input(inputCertificates),
		SSHKey: input(inputSSHKey), KnownHosts: input(inputKnownHosts),
	}
	if in.Empty() {
		return remove, nil
	}
	// Our own log is masked by the redactor, which goes by names; what later steps
	// print, by the runner.
	for _, secret := range in.Secrets() {
		sys.environ = append(sys.environ, "GOPREFLIGHT_INPUT_SECRET="+secret)
		if isActionsLog(p) {
			fmt.Fprintln(sys.stderr, "::add-mask::"+strings.ReplaceAll(secret, "%", "%25"))
		}
	}
	machine := credentials.Machine{Getenv: sys.getenv}
	if runtime.GOOS == "linux" {
		machine.Bundles = credentials.Bundles
	}
	temp, err := tempdir.New(os.TempDir(), sys.now())
	if err != nil {
		return remove, fmt.Errorf("a folder for the inputs: %w", err)
	}
	remove = func() {
		if err := temp.Remove(); err != nil {
			sys.warn("removing the files of the inputs", err)
		}
	}
	dir, err := temp.Sub("private")
	if err == nil {
		var env []string
		if env, err = credentials.Write(dir, in, machine); err == nil {
			err = sys.setenv(env...)
		}
	}
	if err != nil {
		remove()
		return func() {}, fmt.Errorf("input %w", err)
	}
	return remove, nil
}

// setenv sets variables ("NAME=value") for this process, whose own TLS looks for
// certificates there, and for its children.
func (sys *system) setenv(env ...string) error {
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	// The last of a name counts.
	sys.environ = append(sys.environ, env...)
	return nil
}
