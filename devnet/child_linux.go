package devnet

import "syscall"

// childAttributes puts a validator into its own process group, so that Ctrl-C at the
// terminal reaches the watching process alone, which then stops them in order.
func childAttributes(detach bool) *syscall.SysProcAttr {
	if detach {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
