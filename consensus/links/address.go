package links

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/cometbft/cometbft/p2p"

	"github.com/huchain/huchain/types"
)

const maxAddress = 261 // a host name of 255, a colon and a port

// ParseAddress splits the address of a peer, org/name@host:port. The host may be a name
// that does not resolve yet.
func ParseAddress(s string) (id p2p.ID, address string, err error) {
	name, address, ok := strings.Cut(s, "@")
	if _, perr := types.ParseMemberID(name); !ok || perr != nil || checkAddress(address) != nil {
		return "", "", fmt.Errorf("%q is no peer address: want organisation/node@host:port", s)
	}
	return p2p.ID(name), address, nil
}

func checkAddress(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || len(s) > maxAddress || host == "" {
		return fmt.Errorf("%q is no host:port", s)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("%q has no port from 1 to 65535", s)
	}
	return nil
}
