//go:build unix

package child

import (
	"os/exec"
	"syscall"
)

// group puts the child into a session of its own, and so into a process group:
// a Ctrl-C at our terminal does not reach it first, cancellation interrupts the
// whole group, and a program that wants to ask at the terminal (ssh for a
// passphrase) finds none and fails, where in our session it would be stopped.
func group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error {
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
	}
}

// endGroup kills what is left of the group once the child itself has ended.
func endGroup(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
