package node

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"

	"github.com/huchain/huchain/types"
)

// Listen opens a TCP listener; an address in use is HC-1006 and names the setting.
func Listen(setting, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, unix.EADDRINUSE):
		return nil, types.Errorf(types.CodePortTaken, "%s = %s", setting, addr)
	default:
		return nil, types.Errorf(types.CodeConfig, "%s = %s: %w", setting, addr, err)
	}
}

// PortFree tells whether addr can be listened on now.
func PortFree(addr string) bool {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		l.Close()
	}
	return err == nil
}
