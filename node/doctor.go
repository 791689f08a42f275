package node

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Finding is the result of one check.
type Finding struct {
	What   string     `json:"what"`
	OK     bool       `json:"ok"`
	Detail string     `json:"detail,omitempty"`
	Fix    types.Text `json:"fix,omitzero"` // of a fault: what to do
}

// Diagnose looks for what keeps the node of a home from working. It changes nothing but
// for making the folders that archive and backups are to go to, and may run beside the node,
// which it asks through the control socket: whoever may examine the home needs no login.
func Diagnose(ctx context.Context, home Home) []Finding {
	client := controlClient(home)
	defer client.CloseIdleConnections()
	return diagnose(ctx, home, client)
}

// diagnose asks the running node through a client that reaches it by controlURL.
func diagnose(ctx context.Context, home Home, client *http.Client) []Finding {
	d := &diagnosis{http: client}
	if !home.Exists() {
		d.fault("home", fmt.Errorf("%s holds no node.toml", home.Dir), types.Text{ZH: "用 huchain init 建立节点目录", EN: "make a home with huchain init"})
		return d.list
	}
	cfg, err := LoadConfig(home.ConfigFile())
	d.add("node.toml", err, home.ConfigFile())
	if err != nil {
		return d.list
	}
	d.add("disk", CheckDisks(home, cfg.Disk.MinFreeMiB), fmt.Sprintf("at least %d MiB free", cfg.Disk.MinFreeMiB))
	owner, running := Holder(home.LockFile())
	if running {
		d.add("process", nil, fmt.Sprintf("running as %d since %s", owner.PID, owner.Started.Local().Format(time.DateTime)))
		d.web(ctx, home, &cfg.Web)
	} else {
		d.add("process", nil, "not running")
		d.port("web.listen", cfg.Web.Listen)
		d.port("metrics.listen", cfg.Metrics.Listen)
	}
	if runtime.GOOS != "linux" {
		d.add("platform", nil, runtime.GOOS+": contracts run, with a slower reset of their memory")
	}
	chains, err := home.Chains()
	if err == nil && len(chains) == 0 {
		err = types.Errorf(types.CodeConfig, "no chain under %s", filepath.Join(home.Dir, "chains"))
	}
	d.add("chains", err, fmt.Sprintf("%d", len(chains)))
	for _, c := range chains {
		d.chain(ctx, home, cfg, c, running)
	}
	return d.list
}

type diagnosis struct {
	http *http.Client // that reaches the running node
	list []Finding
}

func (d *diagnosis) add(what string, err error, detail string) {
	f := Finding{What: what, OK: err == nil, Detail: detail}
	if err != nil {
		f.Detail = err.Error()
		if x, ok := types.Explain(types.CodeOf(err)); ok {
			f.Fix = x.Fix
		}
	}
	d.list = append(d.list, f)
}

// fault records a fault whose fix is known better than its code says.
func (d *diagnosis) fault(what string, err error, fix types.Text) {
	d.list = append(d.list, Finding{What: what, Detail: err.Error(), Fix: fix})
}

func (d *diagnosis) port(setting, addr string) {
	if addr == "" {
		return
	}
	l, err := Listen(setting, addr)
	if err == nil {
		l.Close()
	}
	d.add("port "+setting, err, addr+" is free")
}

// hosted tells whether the running node serves a chain of its home.
func (d *diagnosis) hosted(ctx context.Context, name string, home Home, c ChainHome) bool {
	states, err := ListChains(ctx, home)
	if err != nil {
		d.fault(name+"state", err, types.Text{ZH: "检查节点目录的权限与 control.sock", EN: "check the permissions of the home and its control.sock"})
		return true // the API may know more
	}
	for _, s := range states {
		switch {
		case s.Chain != c.Name:
		case s.State == ChainFailed:
			d.fault(name+"state", fmt.Errorf("%s", s.Error), types.Text{ZH: "排除原因后运行 huchain chain start " + c.Name, EN: "remove the cause, then: huchain chain start " + c.Name})
			return false
		case s.State == ChainStopped:
			d.add(name+"state", nil, "stopped by order")
			return false
		default:
			d.clock(name, &s)
			if s.RemoteSigner {
				d.signer(name, s.SignerAway)
			}
		}
	}
	return true
}

func (d *diagnosis) chain(ctx context.Context, home Home, node Config, c ChainHome, running bool) {
	name := "chain " + c.Name + ": "
	cfg, err := LoadChainConfig(c.ConfigFile())
	d.add(name+"chain.toml", err, c.ConfigFile())
	if err == nil && running && d.hosted(ctx, name, home, c) {
		d.live(ctx, name, c)
	}
	d.certificates(name, c)
	if err == nil && !running {
		d.dialSigner(ctx, name, c, &cfg.Keys)
		d.port(name+"p2p.listen", cfg.P2P.Listen)
		if cfg.API.Listen != "" {
			d.port(name+"api.listen", cfg.API.Listen)
		}
	}
	g, raw, err := ReadGenesis(c)
	d.add(name+"genesis", err, crypto.Sum(raw).String())
	if err != nil {
		return
	}
	packages, err := readPackages(c, g)
	if err == nil && len(packages) < len(g.Bundles) {
		if _, serr := os.Stat(c.DataDir()); serr != nil { // needed only to make the genesis state
			err = types.Errorf(types.CodePackageInvalid, "%d of the %d contract packages of the genesis are in %s", len(packages), len(g.Bundles), c.BundlesDir())
		}
	}
	d.add(name+"packages", err, fmt.Sprintf("%d of %d", len(packages), len(g.Bundles)))
	files := []string{"link.key", "link-enc.key"}
	act := d.restart(name, c, g)
	if cfg.Keys.Signer == "" { // else they are with the signer
		votes, _ := voteFiles("", act)
		if _, err := os.Stat(filepath.Join(c.KeysDir(), votes)); err != nil {
			votes, _ = voteFiles("", nil) // the chain was not started since its restart
		}
		files = append([]string{"consensus.json", votes}, files...)
	}
	for _, f := range files {
		info, err := os.Stat(filepath.Join(c.KeysDir(), f))
		switch {
		case err != nil:
			d.fault(name+f, err, types.Text{ZH: "密钥文件缺失：从离线备份恢复，vote.json 除外", EN: "a key file is missing: restore it from an offline copy, but never vote.json"})
		case info.Mode().Perm()&0o077 != 0:
			d.fault(name+f, fmt.Errorf("%s is readable by others (mode %o)", f, info.Mode().Perm()), types.Text{ZH: "chmod 600 " + f, EN: "chmod 600 " + f})
		default:
			d.add(name+f, nil, "present, readable by its owner alone")
		}
	}
	d.stores(ctx, name, c, &cfg)
	d.forecast(name, home, c, g, node.Disk.MinFreeMiB)
	if ahead := time.Until(g.Time); ahead > 15*time.Second {
		d.fault(name+"clock", fmt.Errorf("the genesis time lies %s ahead of this machine's clock", ahead.Round(time.Second)),
			types.Text{ZH: "校准本机时钟", EN: "set this machine's clock"})
	}
}
