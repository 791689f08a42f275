//go:build !linux

package devnet

import "syscall"

// childAttributes as on Linux, without the death signal: other kernels have none, and
// "huchain devnet down" ends validators whose watcher was killed.
func childAttributes(detach bool) *syscall.SysProcAttr {
	if detach {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Setpgid: true}
}
