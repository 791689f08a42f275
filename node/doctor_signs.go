package node

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"time"
)

// clock compares this machine's clock with those of the other validators.
func (d *diagnosis) clock(name string, s *ChainState) {
	if s.ClockAheadMs == nil {
		return // alone, or no block yet since the start
	}
	off := time.Duration(*s.ClockAheadMs) * time.Millisecond
	detail := fmt.Sprintf("%s ahead of the other validators' clocks", off)
	if off < 0 {
		detail = fmt.Sprintf("%s behind the other validators' clocks", -off)
	}
	if off.Abs() > clockLimit {
		d.fault(name+"clock of the peers", fmt.Errorf("%s, at most %s", detail, clockLimit),
			text("校准本机时钟（chrony 或 ntpd）；若其他节点也报告相反方向的偏差，请核对它们的时间源", "set this machine's clock (chrony or ntpd); where other nodes find the opposite, compare their time sources"))
		return
	}
	d.add(name+"clock of the peers", nil, detail)
}

// signer tells whether the signer in another process can be asked.
func (d *diagnosis) signer(name, away string) {
	if away == "" {
		d.add(name+"signer", nil, "reached")
		return
	}
	d.fault(name+"signer", fmt.Errorf("this validator does not vote: %s", away),
		text("启动签名进程（huchain key serve），并核对 chain.toml 的 keys.signer、双方证书与防火墙", "start the signer (huchain key serve); check keys.signer in chain.toml, the certificates of both ends and the firewalls"))
}

const dialSignerTimeout = 2 * time.Second

// dialSigner sees whether anything listens where the signer of a node that does not run
// should be. Who it is shows when the node starts.
func (d *diagnosis) dialSigner(ctx context.Context, name string, c ChainHome, cfg *KeysConfig) {
	if cfg.Signer == "" {
		return
	}
	network, address, _, err := signerAddress(cfg.Signer)
	if err != nil {
		return // chain.toml is refused for it
	}
	if network == "unix" && !filepath.IsAbs(address) {
		address = filepath.Join(c.Dir, address)
	}
	ctx, cancel := context.WithTimeout(ctx, dialSignerTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		d.signer(name, err.Error())
		return
	}
	conn.Close() //nolint:errcheck // nothing was said
	d.add(name+"signer", nil, "something listens at "+address)
}
