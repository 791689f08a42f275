package devnet

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"

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
	for _, p := range n.ports(base) {
		if *p.addr == "" || fresh && *p.addr != p.want {
			*p.addr, changed = p.want, true
		}
		if node.PortFree(*p.addr) {
			continue
		}
		free, err := freeAddress()
		if err != nil {
			return false, nil, err
		}
		taken = append(taken, fmt.Sprintf("%s: %s → %s", p.name, *p.addr, free))
		*p.addr, changed = free, true
	}
	return changed, taken, nil
}

// port is an address of a node and what it is by default.
type port struct {
	name string // node and setting
	addr *string
	want string
}

func (n *Network) ports(base int) (out []port) {
	add := func(setting string, i, above int, name string, addr *string) {
		out = append(out, port{name + " " + setting, addr, fmt.Sprintf("127.0.0.1:%d", base+above+i)})
	}
	const p2p, metrics, members = node.DefaultP2PPort - node.DefaultWebPort, node.DefaultMetricsPort - node.DefaultWebPort, node.DefaultAPIPort - node.DefaultWebPort
	for i := range n.Nodes {
		v := &n.Nodes[i]
		add("web.listen", i, 0, v.Name, &v.Web)
		add("p2p.listen", i, p2p, v.Name, &v.P2P)
		add("metrics.listen", i, metrics, v.Name, &v.Metrics)
		add("api.listen", i, members, v.Name, &v.API)
	}
	if n.Apps != nil {
		for i := range n.Apps.Nodes {
			v := &n.Apps.Nodes[i]
			add(AppsName+" p2p.listen", i, p2p+node.ChainPortStep, v.Name, &v.P2P)
			add(AppsName+" api.listen", i, members+node.ChainPortStep, v.Name, &v.API)
		}
	}
	return out
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
executeWorkers = %d

[mirror]
enabled = %t
`, v.Name, v.Web, v.Metrics, n.CacheDir(), node.ExecuteWorkers(runtime.NumCPU()/len(n.Nodes)), i == 0 && !n.NoMirror) // the console asks the first
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
		if i == 0 && !n.NoMirror {
			chainTOML += n.evidenceTOML()
		}
		if err := node.WriteFile(home.Chain(n.Chain).ConfigFile(), []byte(chainTOML), 0o644); err != nil {
			return err
		}
	}
	return n.writeAppsConfigs()
}

// evidenceTOML has the first node offer the evidence service, where the network has a member
// to sign for it: one that an earlier release founded has none.
func (n *Network) evidenceTOML() string {
	if _, err := os.Stat(filepath.Join(n.MembersDir(), "archives", evidenceName+".key")); err != nil {
		return ""
	}
	return fmt.Sprintf("\n[evidence]\nenabled = true\nmember = %q\nstamp = %q\nmembers = %q\npassphraseFile = %q\n", "archives/"+evidenceName, "court/"+clockName, n.MembersDir(), n.PassphraseFile())
}
