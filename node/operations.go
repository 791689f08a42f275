package node

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/node/audit"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// operations shows the node to those who operate it by its API.
type operations struct {
	n       *node
	ctx     context.Context // of the run: chains started by order live in it
	started time.Time
	inside  func() *http.Client // past whom the web listener lets in
}

func newOperations(ctx context.Context, n *node) *operations {
	return &operations{n: n, ctx: ctx, started: time.Now(), inside: sync.OnceValue(func() *http.Client { return n.api.Inside() })}
}

// Organisation implements api.Operations.
func (o *operations) Organisation(chain string) (string, error) {
	_, run, _ := o.n.place(chain).get()
	if run == nil {
		return "", types.Errorf(types.CodeNotReady, "chain %s does not run", chain)
	}
	org, _, _ := strings.Cut(run.consensus.Status().NodeID, "/")
	return org, nil
}

// Node implements api.Operations.
func (o *operations) Node(context.Context) (*rest.Node, error) {
	states, err := o.n.chainStates()
	if err != nil {
		return nil, err
	}
	free, err := leastFreeMiB(o.n.home)
	if err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	out := &rest.Node{Name: o.n.cfg.Name, Version: BuildVersion().String(), Started: o.started.UTC(), DiskFree: uint64(max(free, 0)) << 20,
		DiskSmall: uint64(o.n.cfg.Disk.MinFreeMiB) << 20, Chains: []rest.NodeChain{}}
	for i := range states {
		out.Chains = append(out.Chains, chainView(&states[i]))
	}
	return out, nil
}

func chainView(s *ChainState) rest.NodeChain {
	genesis, _ := crypto.ParseHash(s.Genesis) // it was a hash a moment ago
	return rest.NodeChain{
		Chain: s.Chain, State: s.State, Error: s.Error, Genesis: genesis, Organisations: s.Orgs, P2P: s.P2P, API: s.API, Height: s.Height, Peers: s.Peers,
		Validator: s.Validator, CatchingUp: s.CatchingUp, ReadOnly: s.ReadOnly, ClockAheadMs: s.ClockAheadMs, SignerAway: s.SignerAway,
	}
}

// Order implements api.Operations.
func (o *operations) Order(_ context.Context, chain, order string) (*rest.NodeChain, error) {
	f := o.n.orderStart
	if order == "stop" {
		f = o.n.orderStop
	}
	out, err := f(o.ctx, chain)
	if err != nil {
		return nil, err
	}
	state, ok := out.(*ChainState)
	if !ok {
		return nil, types.Errorf(types.CodeInternal, "order %s answers %T", order, out)
	}
	view := chainView(state)
	return &view, nil
}

// Certificates implements api.Operations.
func (o *operations) Certificates() (*rest.NodeCertificates, error) {
	homes, err := o.n.home.Chains()
	if err != nil {
		return nil, err
	}
	out := &rest.NodeCertificates{Items: []rest.NodeCertificate{}}
	now := time.Now()
	for _, h := range homes {
		eachCertificate(h, func(file string, c *cert.Certificate, err error) {
			item := rest.NodeCertificate{Chain: h.Name, File: filepath.Base(file), State: "good"}
			if err != nil {
				item.State, item.Error = "unreadable", types.CodeOf(err).String()
			} else {
				item.Member, item.Roles, item.Serial, item.NotBefore, item.NotAfter = c.Org+"/"+c.Name, c.Roles, c.Serial, c.NotBefore, c.NotAfter
				if left := c.NotAfter.Sub(now); left <= 0 {
					item.State = "ended"
				} else if left < CertificateWarning {
					item.State = "ending"
				}
			}
			out.Items = append(out.Items, item)
		})
	}
	slices.SortStableFunc(out.Items, func(a, b rest.NodeCertificate) int { return a.NotAfter.Compare(b.NotAfter) })
	return out, nil
}

// Alarms implements api.Operations.
func (o *operations) Alarms(ctx context.Context) (*rest.Alarms, error) {
	out := &rest.Alarms{Time: time.Now().UTC(), Items: []rest.Alarm{}}
	for _, f := range diagnose(ctx, o.n.home, o.inside()) {
		out.Items = append(out.Items, rest.Alarm(f))
	}
	slices.SortStableFunc(out.Items, func(a, b rest.Alarm) int {
		if a.OK == b.OK {
			return 0
		} else if a.OK {
			return 1
		}
		return -1
	})
	return out, nil
}

// Archive implements api.Operations.
func (o *operations) Archive(chain string) (*rest.NodeArchive, error) {
	_, run, _ := o.n.place(chain).get()
	out := &rest.NodeArchive{Chain: chain}
	if run == nil {
		return out, nil
	}
	out.Height, out.Hot = run.ledger.Height(), max(run.ledger.Hot(), 1)
	if run.archive == nil {
		return out, nil
	}
	p, err := run.archive.plan(time.Now())
	if err != nil {
		return nil, err
	}
	*out = rest.NodeArchive{Chain: chain, Enabled: true, Target: maskURL(p.Target), Height: p.Height, Archived: p.Archived, Hot: p.Hot, Due: p.DueTo, FreeMiB: p.FreeMiB}
	return out, nil
}

// Settings implements api.Operations.
func (o *operations) Settings() (*rest.NodeSettings, error) {
	out := &rest.NodeSettings{Items: []rest.NodeSetting{}}
	settings(out, "node.toml", "", reflect.ValueOf(o.n.cfg), reflect.ValueOf(DefaultConfig()))
	homes, err := o.n.home.Chains()
	if err != nil {
		return nil, err
	}
	for _, h := range homes {
		cfg, err := LoadChainConfig(h.ConfigFile())
		if err != nil {
			return nil, err
		}
		if _, run, _ := o.n.place(h.Name).get(); run != nil {
			cfg = run.cfg // as it runs, whatever the file says by now
		}
		settings(out, "chains/"+h.Name+"/chain.toml", "", reflect.ValueOf(cfg), reflect.ValueOf(DefaultChainConfig()))
	}
	return out, nil
}

// settings writes down a configuration key by key.
func settings(out *rest.NodeSettings, file, prefix string, v, usual reflect.Value) {
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("koanf")
		if name == "" {
			continue
		}
		f, u := v.Field(i), usual.Field(i)
		if f.Kind() == reflect.Struct {
			settings(out, file, prefix+name+".", f, u)
			continue
		}
		out.Items = append(out.Items, rest.NodeSetting{File: file, Key: prefix + name, Value: masked(prefix+name, fmt.Sprint(f.Interface())), Changed: !reflect.DeepEqual(f.Interface(), u.Interface())})
	}
}

// mask stands for a secret.
const mask = "••••••"

var secretNames = regexp.MustCompile(`(?i)(secret|passphrase|password|token|credential)`)

// masked hides what is, or may hold, a secret. Names of files are none.
func masked(key, value string) string {
	switch {
	case value == "" || strings.HasSuffix(key, "File"):
		return value
	case secretNames.MatchString(key):
		return mask
	}
	return maskURL(value)
}

var passwordIn = regexp.MustCompile(`(?i)\b(password|sslpassword|passphrase|secret)(\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)`)

// maskURL hides the password of an address or a connection string.
func maskURL(value string) string {
	if u, err := url.Parse(value); err == nil && u.User != nil {
		if _, has := u.User.Password(); has {
			u.User = url.UserPassword(u.User.Username(), "xxxxxx")
			value = strings.Replace(u.String(), ":xxxxxx@", ":"+mask+"@", 1)
		}
	}
	return passwordIn.ReplaceAllString(value, "${1}${2}"+mask)
}

// maxLogTail bounds what is read of the log's end.
const maxLogTail = 4 << 20

// Log implements api.Operations.
func (o *operations) Log(lines int, contains string) (*rest.LogLines, error) {
	out := &rest.LogLines{File: o.n.cfg.Log.File, Lines: []string{}}
	if out.File == "" {
		return out, nil
	}
	tail, err := tailOf(o.n.inHome(out.File), maxLogTail)
	if err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "log: %w", err)
	}
	in := bufio.NewScanner(bytes.NewReader(tail))
	in.Buffer(nil, maxLogTail)
	for in.Scan() {
		if line := in.Text(); contains == "" || strings.Contains(line, contains) {
			out.Lines = append(out.Lines, types.CleanText(maskURL(line), 4096))
		}
	}
	if n := len(out.Lines); n > lines {
		out.Lines = out.Lines[n-lines:]
	}
	return out, in.Err()
}

// tailOf reads the end of a file from a whole line on.
func tailOf(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(info.Size()-most, 0)
	b, err := io.ReadAll(io.NewSectionReader(f, from, most))
	if err == nil && from > 0 {
		_, b, _ = bytes.Cut(b, []byte("\n"))
	}
	return b, err
}

// Audit implements api.Operations.
func (o *operations) Audit(records int) (*rest.AuditRecords, error) {
	out := &rest.AuditRecords{Items: []rest.AuditRecord{}}
	err := audit.Read(o.n.home.AuditLog(), func(r *audit.Record) {
		out.Total, out.Head = r.Seq, r.Hash
		if out.Items = append(out.Items, rest.AuditRecord{Seq: r.Seq, Time: r.Time, Actor: r.Actor, Action: r.Action, Subject: r.Subject, Outcome: r.Outcome, Hash: r.Hash}); len(out.Items) > 2*records {
			out.Items = slices.Delete(out.Items, 0, records)
		}
	})
	if n := len(out.Items); n > records {
		out.Items = out.Items[n-records:]
	}
	slices.Reverse(out.Items)
	return out, err
}
