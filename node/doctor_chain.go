package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func text(zh, en string) types.Text { return types.Text{ZH: zh, EN: en} }

// Limits at which a check finds a fault.
const (
	clockLimit       = 15 * time.Second // at 60 s a node stops
	diskForecastDays = 14
)

// certificates checks when the certificates beside the keys end.
func (d *diagnosis) certificates(name string, c ChainHome) {
	eachCertificate(c, func(file string, crt *cert.Certificate, err error) {
		what := name + filepath.Base(file)
		if err != nil {
			d.fault(what, err, text("用 huchain cert issue 重新签发该证书", "issue the certificate anew: huchain cert issue"))
			return
		}
		detail := fmt.Sprintf("%s/%s until %s", crt.Org, crt.Name, crt.NotAfter.Format(time.DateOnly))
		if left := time.Until(crt.NotAfter); left < CertificateWarning {
			d.fault(what, fmt.Errorf("%s: %d days left", detail, int(left.Hours()/24)),
				text("续期：huchain cert renew "+crt.Org+"/"+crt.Name+"，然后替换此文件", "renew it: huchain cert renew "+crt.Org+"/"+crt.Name+", then replace this file"))
			return
		}
		d.add(what, nil, detail)
	})
}

// restart tells how a chain goes on that was rebuilt from its archive or restarted. It returns
// the act, nil where there is none.
func (d *diagnosis) restart(name string, c ChainHome, g *chain.Genesis) *types.Restart {
	what := name + filepath.Base(c.RestartFile())
	was, werr := readRebuilt(c)
	act, err := readRestart(c.RestartFile(), g)
	switch {
	case werr != nil || err != nil:
		d.add(what, errors.Join(werr, err), "")
	case lacksAct(was, act):
		d.add(what, types.Errorf(types.CodeChainReadOnly, "the chain was rebuilt from its archive up to block %d", was.Height), "")
	case act != nil:
		d.add(what, nil, fmt.Sprintf("the chain was restarted above block %d", act.Restart.Height))
		return act.Terms()
	}
	return nil
}

// live asks the running node how the chain is doing: clock, peers, certification.
func (d *diagnosis) live(ctx context.Context, name string, c ChainHome) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var st rest.Status
	if err := d.getJSON(ctx, controlURL+"/api/v1/chains/"+c.Name+"/status", &st); err != nil {
		d.fault(name+"status", err, text("查看 logs/node.log", "see logs/node.log"))
		return
	}
	ahead := time.Duration(st.ClockAheadMs) * time.Millisecond
	if ahead > clockLimit {
		d.fault(name+"clock", fmt.Errorf("the newest block is %s ahead of this machine's clock", ahead),
			text("校准本机时钟（chrony 或 ntpd）", "set this machine's clock (chrony or ntpd)"))
	} else {
		d.add(name+"clock", nil, fmt.Sprintf("newest block %s ahead of it, at most %s", ahead, clockLimit))
	}
	if v := BuildVersion().String(); st.Version != v {
		d.fault(name+"version", fmt.Errorf("the node runs %s, this program is %s", st.Version, v),
			text("重启节点以运行新版本", "restart the node to run the new release"))
	}
	var peers rest.Peers
	if err := d.getJSON(ctx, controlURL+"/api/v1/chains/"+c.Name+"/peers", &peers); err != nil {
		d.fault(name+"peers", err, text("查看 logs/node.log", "see logs/node.log"))
		return
	}
	d.peers(name, &peers)
	d.releases(name, st.Version, &peers)
}

// peers finds configured peers that are not linked, and any that were cut off.
func (d *diagnosis) peers(name string, list *rest.Peers) {
	linked, faults := 0, 0
	for i := range list.Items {
		p := &list.Items[i]
		who := p.Org + "/" + p.Name
		switch {
		case p.State == rest.PeerLinked:
			linked++
		case p.State == rest.PeerCutOff:
			faults++
			d.fault(name+"peer "+who, fmt.Errorf("cut off for %d s more after %d faults", p.CutOffSeconds, p.Faults),
				text("联系该节点的管理员：它发送了诚实节点不会发送的消息", "tell the operator of that node: it sent what no honest node sends"))
		case p.Configured:
			faults++
			d.fault(name+"peer "+who, fmt.Errorf("not linked, %s: %s", p.Advertised, cmp.Or(p.Failure, "not tried yet")), peerFix(p.Failure))
		}
	}
	if faults == 0 {
		d.add(name+"peers", nil, fmt.Sprintf("linked to %d, every configured one among them", linked))
	}
}

// peerFix goes by the words of the alert that ended a handshake.
func peerFix(failure string) types.Text {
	for word, fix := range map[string]types.Text{
		"certificate_expired": text("续期到期的节点证书：huchain cert renew", "renew the certificate of the node that has ended: huchain cert renew"),
		"certificate_revoked": text("该节点已被链上吊销：移除该对等节点，或重新签发证书", "the chain has revoked it: remove the peer, or issue it a new certificate"),
		"unknown_ca":          text("核对双方的创世文件与机构根证书是否一致", "compare the genesis files and the organisations' roots on both sides"),
		"another chain":       text("对方运行的是另一条链：核对创世哈希与端口", "the other side runs another chain: compare genesis hash and port"),
		"no room for more":    text("对方连接数已满：在对方 chain.toml 的 p2p.peers 中加入本节点", "the other side has no room: name this node in its p2p.peers"),
	} {
		if strings.Contains(failure, word) {
			return fix
		}
	}
	return text("检查对方是否运行，以及 chain.toml 中的地址与防火墙", "see whether it runs; check its address in chain.toml and the firewalls")
}

// releases finds a version skew: nodes of the chain on different releases.
func (d *diagnosis) releases(name, own string, list *rest.Peers) {
	other := map[string][]string{}
	for i := range list.Items {
		if p := &list.Items[i]; p.State == rest.PeerLinked && p.Release != "" && p.Release != own {
			other[p.Release] = append(other[p.Release], p.Org+"/"+p.Name)
		}
	}
	if len(other) == 0 {
		d.add(name+"releases", nil, "linked peers run "+own)
		return
	}
	for _, release := range slices.Sorted(maps.Keys(other)) {
		d.fault(name+"releases", fmt.Errorf("this node runs %s, %s run %s", own, strings.Join(other[release], ", "), release),
			text("完成升级，使所有节点运行同一版本", "finish the upgrade, so that all nodes run one release"))
	}
}

func (d *diagnosis) getJSON(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := d.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// forecast tells when the disk will be full if the chain goes on growing as it has since
// its founding.
func (d *diagnosis) forecast(name string, home Home, c ChainHome, g *chain.Genesis, minFreeMiB int) {
	dirs := []string{c.DataDir()}
	if info, err := os.Lstat(c.LedgerDir()); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		dirs = append(dirs, c.LedgerDir()+string(filepath.Separator)) // it was moved to another disk
	}
	var used int64
	var err error
	for _, dir := range dirs {
		err = errors.Join(err, filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return nil //nolint:nilerr // files come and go while the node runs
			}
			if info, ierr := e.Info(); ierr == nil {
				used += info.Size()
			}
			return nil
		}))
	}
	free, ferr := leastFreeMiB(home)
	days := time.Since(g.Time).Hours() / 24
	if err != nil || ferr != nil || days < 1 {
		return // too young to tell
	}
	perDay := float64(used) / days / (1 << 20)
	left := float64(free-int64(minFreeMiB)) / max(perDay, 0.001)
	detail := fmt.Sprintf("%d MiB, %.1f MiB a day, room for %.0f days", used>>20, perDay, left)
	if left < diskForecastDays {
		d.fault(name+"disk forecast", fmt.Errorf("%s", detail), text("扩充磁盘，或迁移 data 目录", "make room, or move the data folder to a larger disk"))
		return
	}
	d.add(name+"disk forecast", nil, detail)
}
