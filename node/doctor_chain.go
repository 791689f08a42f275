package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
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

// live asks the running node how the chain is doing: clock, peers, certification.
func (d *diagnosis) live(ctx context.Context, name, web string, c ChainHome, cfg ChainConfig) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var st rest.Status
	if err := getJSON(ctx, "http://"+web+"/api/v1/chains/"+c.Name+"/status", &st); err != nil {
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
	others := 0
	for _, p := range cfg.P2P.Peers {
		if p != "" {
			others++
		}
	}
	if others > 1 && st.Peers == 0 {
		d.fault(name+"peers", fmt.Errorf("linked to none of %d configured", others),
			text("检查 chain.toml 中的对等节点地址与防火墙", "check the peers' addresses in chain.toml and the firewalls"))
	} else {
		d.add(name+"peers", nil, fmt.Sprintf("linked to %d, %d configured", st.Peers, others))
	}
	if v := BuildVersion().String(); st.Version != v {
		d.fault(name+"version", fmt.Errorf("the node runs %s, this program is %s", st.Version, v),
			text("重启节点以运行新版本", "restart the node to run the new release"))
	}
}

func getJSON(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // the context ends it
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
	var used int64
	err := filepath.WalkDir(c.DataDir(), func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil //nolint:nilerr // files come and go while the node runs
		}
		if info, ierr := e.Info(); ierr == nil {
			used += info.Size()
		}
		return nil
	})
	free, ferr := freeMiB(home.Dir)
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
