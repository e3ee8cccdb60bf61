//go:build !unix

package child

import "os/exec"

// group and endGroup do nothing where there are no process groups: the child
// itself is still killed when the context ends.
func group(*exec.Cmd)    {}
func endGroup(*exec.Cmd) {}
