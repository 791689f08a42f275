package devnet

import (
	"fmt"
	"net"

	"github.com/huchain/huchain/node"
)

// assignPorts gives every node its four addresses: those from base on, if one is given,
// else what it has, or the defaults; a port that is not free is replaced by one the
// kernel picks. It reports whether anything changed, and which ports were taken.
func (n *Network) assignPorts(base int) (changed bool, taken []string, err error) {
	fresh := base != 0
	if !fresh {
		base = node.DefaultWebPort
	}
	kinds := []struct {
		setting string
		first   int
		addr    func(*Node) *string
	}{
		{"web.listen", base, func(v *Node) *string { return &v.Web }},
		{"p2p.listen", base + node.DefaultP2PPort - node.DefaultWebPort, func(v *Node) *string { return &v.P2P }},
		{"metrics.listen", base + node.DefaultMetricsPort - node.DefaultWebPort, func(v *Node) *string { return &v.Metrics }},
		{"api.listen", base + node.DefaultAPIPort - node.DefaultWebPort, func(v *Node) *string { return &v.API }},
	}
	for _, k := range kinds {
		for i := range n.Nodes {
			addr := k.addr(&n.Nodes[i])
			if want := fmt.Sprintf("127.0.0.1:%d", k.first+i); *addr == "" || fresh && *addr != want {
				*addr, changed = want, true
			}
			if node.PortFree(*addr) {
				continue
			}
			free, err := freeAddress()
			if err != nil {
				return false, nil, err
			}
			taken = append(taken, fmt.Sprintf("%s %s: %s → %s", n.Nodes[i].Name, k.setting, *addr, free))
			*addr, changed = free, true
		}
	}
	return changed, taken, nil
}

// sayTaken tells which ports were replaced.
func sayTaken(say func(en, zh string), taken []string) {
	for _, t := range taken {
		if say != nil {
			say("port taken, using another: "+t, "端口被占用，已改用其他端口："+t)
		}
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// writeConfigs writes node.toml and chain.toml of every node.
func (n *Network) writeConfigs() error {
	for i := range n.Nodes {
		v := &n.Nodes[i]
		home := n.NodeHome(v.Name)
		nodeTOML := fmt.Sprintf(`# A validator of a devnet. "huchain devnet up" rewrites this file when ports change.
name = %q

[web]
listen = %q

[metrics]
listen = %q

[log]
file = "logs/node.log"
stderr = false

[vm]
cacheDir = %q
`, v.Name, v.Web, v.Metrics, n.CacheDir())
		if err := node.WriteFile(home.ConfigFile(), []byte(nodeTOML), 0o644); err != nil {
			return err
		}
		peers := ""
		for j := range n.Nodes {
			if j != i {
				peers += fmt.Sprintf("\n  %q,", n.Nodes[j].Member+"@"+n.Nodes[j].P2P)
			}
		}
		chainTOML := fmt.Sprintf("[p2p]\nlisten = %q\npeers = [%s\n]\n\n[api]\nlisten = %q\n\n[keys]\npassphraseFile = %q\n", v.P2P, peers, v.API, n.PassphraseFile())
		if err := node.WriteFile(home.Chain(n.Chain).ConfigFile(), []byte(chainTOML), 0o644); err != nil {
			return err
		}
	}
	return nil
}
