package node

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/founding"
	"github.com/huchain/huchain/consensus"
	"github.com/huchain/huchain/consensus/signer"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
)

// readRestart reads the act that a chain was restarted with; nil where there is none. It is
// not verified beyond its genesis: HC-5107.
func readRestart(file string, g *chain.Genesis) (*founding.RestartDraft, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, types.Errorf(types.CodeRestartRefused, "%w", err)
	}
	d, err := founding.ParseRestart(raw)
	if err != nil {
		return nil, err
	}
	if t := &d.Restart; t.Genesis != g.Hash() || t.Chain != g.Chain {
		return nil, types.Errorf(types.CodeRestartRefused, "%s is of chain %s with genesis %s, not of %s with %s", file, t.Chain, t.Genesis, g.Chain, g.Hash())
	}
	return d, nil
}

// actOf is the act that a chain folder holds, without signatures; nil where there is none.
func actOf(home ChainHome, g *chain.Genesis) (*types.Restart, error) {
	d, err := readRestart(home.RestartFile(), g)
	if d == nil {
		return nil, err
	}
	return d.Terms(), nil
}

// restartPoint is what an act at a height of a ledger has to stand on.
func restartPoint(l *ledger.Ledger, height uint64) (*founding.RestartPoint, error) {
	p := new(founding.RestartPoint)
	if height < 2 {
		return nil, types.Errorf(types.CodeRestartRefused, "the ledger ends at block %d: a chain is restarted above block 2 or later", height)
	}
	var err error
	for _, x := range []struct {
		height uint64
		header *types.Header
		set    *types.ValidatorSet
	}{{height, &p.Last, &p.Signers}, {height - 1, &p.Before, &p.SignersBefore}} {
		if *x.header, err = l.Header(x.height); err != nil {
			return nil, err
		}
		if *x.set, err = l.Signers(x.height); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// restarted decides how a chain goes on that has an act or was rebuilt: read only, or from
// the act, which it verifies. Both are zero for others.
func (r *running) restarted(home ChainHome) (*consensus.Restart, error) {
	was, err := readRebuilt(home)
	if err != nil {
		return nil, err
	}
	d, err := readRestart(home.RestartFile(), r.genesis)
	if err != nil {
		return nil, err
	}
	if lacksAct(was, d) {
		r.readOnly = true
		return nil, nil
	}
	if d == nil {
		return nil, nil
	}
	out := &consensus.Restart{Act: d.Terms()}
	r.act = out.Act
	if was != nil {
		out.Commit = was.Commit
	}
	if h := d.Restart.Height; r.ledger.Height() == h || r.ledger.Height() > h && r.ledger.Base() <= h {
		p, err := restartPoint(r.ledger, h)
		if err != nil {
			return nil, err
		}
		if out.Act, err = d.Act(p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// lacksAct reports whether a chain was rebuilt and not restarted since: an act of below is of
// before, when the chain was restarted and lost again.
func lacksAct(was *rebuiltMark, d *founding.RestartDraft) bool {
	return was != nil && (d == nil || d.Restart.Height < was.Height)
}

// atRest calls f with what an act has to stand on in a stopped chain that was rebuilt from
// its archive: HC-5107 if it was not, since consensus goes on from its own stores then.
func atRest(home Home, name string, f func(c ChainHome, g *chain.Genesis, p *founding.RestartPoint) error) error {
	c, lock, err := stoppedChain(home, name)
	if err != nil {
		return err
	}
	defer lock.Release()
	g, _, err := ReadGenesis(c)
	if err != nil {
		return err
	}
	was, err := readRebuilt(c)
	if err != nil {
		return err
	}
	if was == nil || len(was.Commit) == 0 {
		return types.Errorf(types.CodeRestartRefused, "%s was not rebuilt from genesis and archive by this release: only such a chain is restarted", c.DataDir())
	}
	params, err := ledgerParams(c)
	if err != nil {
		return err
	}
	l, err := ledger.Open(c.LedgerDir(), g.Hash(), params)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // it was only read
	if l.Height() != was.Height {
		return types.Errorf(types.CodeRestartRefused, "the ledger is at block %d: the chain was restarted above block %d already", l.Height(), was.Height)
	}
	p, err := restartPoint(l, l.Height())
	if err != nil {
		return err
	}
	return f(c, g, p)
}

// ProposeRestart begins the act that restarts a chain above the newest block of its archive,
// with the next block at a time. The chain is stopped here, and was rebuilt.
func ProposeRestart(home Home, name string, at time.Time) (d *founding.RestartDraft, err error) {
	err = atRest(home, name, func(_ ChainHome, g *chain.Genesis, p *founding.RestartPoint) error {
		d, err = founding.NewRestart(g.Chain, p, at)
		return err
	})
	return d, err
}

// maxRestartAhead is how far in the future a validator lets the next block be dated.
const maxRestartAhead = time.Minute

// ActKey is what a validator signs an act of restarting with.
type ActKey struct {
	Device         crypto.Signer // if not nil: the key is in a device, and no file is read
	File           string        // default validator.key of the chain's folder
	PassphraseFile string        // default that of chain.toml
}

func (k *ActKey) open(c ChainHome) (crypto.Signer, error) {
	if k.Device != nil {
		return k.Device, nil
	}
	file, passphrase := k.File, k.PassphraseFile
	if file == "" {
		file = filepath.Join(c.KeysDir(), "validator.key")
	}
	if passphrase == "" {
		cfg, err := LoadChainConfig(c.ConfigFile())
		if err != nil {
			return nil, err
		}
		passphrase = passphraseFile(c, cfg)
	}
	secret, err := keystore.ReadPassphrase(passphrase)
	if err != nil {
		return nil, err
	}
	return keystore.Load(file, secret)
}

// SignRestart adds a validator's signature to an act that stands on the chain as it was
// rebuilt here.
func SignRestart(home Home, name string, d *founding.RestartDraft, key ActKey) error {
	return atRest(home, name, func(c ChainHome, _ *chain.Genesis, p *founding.RestartPoint) error {
		if d.Restart.Time.After(time.Now().Add(maxRestartAhead)) {
			return types.Errorf(types.CodeRestartRefused, "it dates the next block %s, which is to come", d.Restart.Time.Format(time.RFC3339))
		}
		k, err := key.open(c)
		if err != nil {
			return err
		}
		return d.Sign(k, p)
	})
}

// ApplyRestart verifies a signed act against the chain as it was rebuilt here, and puts it
// beside the genesis file. The node takes part in consensus from the next start on.
func ApplyRestart(home Home, name string, d *founding.RestartDraft) (act *types.Restart, err error) {
	err = atRest(home, name, func(c ChainHome, g *chain.Genesis, p *founding.RestartPoint) error {
		if act, err = d.Act(p); err != nil {
			return err
		}
		old, err := readRestart(c.RestartFile(), g)
		if err != nil {
			return err
		}
		if old != nil && old.Restart.Height >= d.Restart.Height && old.Terms().ID() != d.Terms().ID() {
			return types.Errorf(types.CodeAlreadyExists, "%s is another act above block %d", c.RestartFile(), old.Restart.Height)
		}
		text, err := d.Encode()
		if err != nil {
			return err
		}
		return WriteFile(c.RestartFile(), text, 0o644)
	})
	return act, err
}

// rebuiltFile in the data folder says that a chain was rebuilt from its archive, and how
// far: until its validators restart it, it is served and takes no transaction.
const rebuiltFile = "rebuilt.json"

// rebuiltMark is its content.
type rebuiltMark struct {
	Rebuilt
	Commit []byte `json:"commit"` // what the newest block carries, in protobuf, base64
}

func (m *rebuiltMark) write(dir string) error {
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(dir, rebuiltFile), append(raw, '\n'), 0o644)
}

// readRebuilt is nil for a chain that was not rebuilt.
func readRebuilt(home ChainHome) (*rebuiltMark, error) {
	raw, err := os.ReadFile(filepath.Join(home.DataDir(), rebuiltFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	m := new(rebuiltMark)
	if err == nil {
		err = json.Unmarshal(raw, m)
	}
	if err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%s: %w", rebuiltFile, err)
	}
	return m, nil
}

// voteFiles are where a validator keeps what it voted and signed last, beside its keys. After
// a restart heights are voted on again, under another chain id, so they begin anew.
func voteFiles(dir string, act *types.Restart) (votes, headers string) {
	suffix := ""
	if act != nil {
		suffix = "-" + act.ID().String()[:16]
	}
	return filepath.Join(dir, "vote"+suffix+".json"), filepath.Join(dir, "header"+suffix+".json")
}

// beginVotes makes the vote state of a signer for a chain that was just restarted, on its
// operator's word: without it nothing tells a signer that has not signed from one whose state was
// lost. HC-1011 where there is one, HC-6106 where the signer has signed a header since.
func beginVotes(act *types.Restart, headerFile string, votes *signer.File) error {
	if act == nil {
		return types.Errorf(types.CodeUsage, "votes are begun anew for a chain that was restarted alone: name the act")
	}
	last, known, err := votes.LastHeight()
	if err != nil {
		return err
	}
	if known {
		return types.Errorf(types.CodeAlreadyExists, "the vote state, up to height %d: the signer starts without beginning it", last)
	}
	if _, err := os.Stat(headerFile); !errors.Is(err, fs.ErrNotExist) {
		return types.Errorf(types.CodeVotesMissing, "%s shows that these keys have signed since the restart", headerFile)
	}
	return votes.Advance(0)
}
