package node

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/huchain/huchain/crypto"
)

// Finding is the result of one check.
type Finding struct {
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// Diagnose looks for what keeps the node of a home from working. It changes nothing and
// may run beside the node.
func Diagnose(ctx context.Context, home Home) []Finding {
	d := &diagnosis{}
	if !home.Exists() {
		d.add("home", fmt.Errorf("%s holds no node.toml: \"huchain init\" makes a home", home.Dir), "")
		return d.list
	}
	cfg, err := LoadConfig(home.ConfigFile())
	d.add("node.toml", err, home.ConfigFile())
	if err != nil {
		return d.list
	}
	d.add("disk", CheckDisk(home.Dir, cfg.Disk.MinFreeMiB), fmt.Sprintf("at least %d MiB free", cfg.Disk.MinFreeMiB))
	owner, running := Holder(home.LockFile())
	if running {
		d.add("process", nil, fmt.Sprintf("running as %d since %s", owner.PID, owner.Started.Local().Format(time.DateTime)))
		d.ready(ctx, "http://"+cfg.Web.Listen+"/readyz")
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
		err = fmt.Errorf("no chain under %s", filepath.Join(home.Dir, "chains"))
	}
	d.add("chains", err, fmt.Sprintf("%d", len(chains)))
	for _, c := range chains {
		d.chain(c, running)
	}
	return d.list
}

type diagnosis struct{ list []Finding }

func (d *diagnosis) add(what string, err error, detail string) {
	f := Finding{What: what, OK: err == nil, Detail: detail}
	if err != nil {
		f.Detail = err.Error()
	}
	d.list = append(d.list, f)
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

// ready asks the running node whether it serves.
func (d *diagnosis) ready(ctx context.Context, url string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		d.add("ready", err, "")
		return
	}
	resp, err := http.DefaultClient.Do(req) //nolint:forbidigo // the context ends it
	if err == nil {
		defer resp.Body.Close()
		var v struct{ Code, Detail string }
		if json.NewDecoder(resp.Body).Decode(&v) == nil && v.Code != "" {
			err = fmt.Errorf("%s %s", v.Code, v.Detail)
		}
	}
	d.add("ready", err, "every chain serves")
}

func (d *diagnosis) chain(c ChainHome, running bool) {
	name := "chain " + c.Name + ": "
	cfg, err := LoadChainConfig(c.ConfigFile())
	d.add(name+"chain.toml", err, c.ConfigFile())
	if err == nil && !running {
		d.port(name+"p2p.listen", cfg.P2P.Listen)
	}
	g, raw, err := ReadGenesis(c)
	d.add(name+"genesis", err, crypto.Sum(raw).String())
	if err != nil {
		return
	}
	packages, err := readPackages(c, g)
	if err == nil && len(packages) < len(g.Bundles) {
		if _, serr := os.Stat(c.DataDir()); serr != nil { // needed only to make the genesis state
			err = fmt.Errorf("%d of the %d contract packages of the genesis are in %s", len(packages), len(g.Bundles), c.BundlesDir())
		}
	}
	d.add(name+"packages", err, fmt.Sprintf("%d of %d", len(packages), len(g.Bundles)))
	for _, f := range []string{"consensus.json", "vote.json", "node.json"} {
		info, err := os.Stat(filepath.Join(c.KeysDir(), f))
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("%s is readable by others (mode %o): chmod 600", f, info.Mode().Perm())
		}
		d.add(name+f, err, "present, readable by its owner alone")
	}
	if ahead := time.Until(g.Time); ahead > 15*time.Second {
		d.add(name+"clock", fmt.Errorf("the genesis time lies %s ahead of this machine's clock", ahead.Round(time.Second)), "")
	}
}
