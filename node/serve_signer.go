package node

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/consensus/signer"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/types"
)

// SignerOptions say what a signing process holds and whom it serves.
type SignerOptions struct {
	// Keys is a folder with validator.key, consensus.json and vote.json, as huchain init
	// makes it. The signer adds header.json, and locks the vote state.
	Keys        string
	GenesisFile string
	// RestartFile is the act that the chain was restarted with, empty for none. The signer then
	// keeps votes and headers of after the restart in files of their own.
	RestartFile string
	// BeginVotes is the operator's word that these keys signed nothing since that restart: the
	// vote state is made. It is refused where there is one, so that it cannot be given again
	// when that one was lost.
	BeginVotes bool
	// Listen is unix:PATH, a socket for processes of the same user, or host:port for TLCP.
	Listen string
	// Link is the base of the certificates shown over TLCP, Roots a PEM file of CA
	// certificates (empty: those of the genesis), Allow the nodes that are served.
	Link, Roots string
	Allow       []string // organisation/node
	Secret      []byte   // passphrase of the key files
	// Key, if set, signs headers in place of validator.key: a device.
	Key    crypto.Signer
	Logger *slog.Logger
	// Ready is called once the signer listens.
	Ready func(SignerInfo)
}

// SignerInfo is what a signer tells its operator.
type SignerInfo struct {
	Chain     string           `json:"chain"` // with the first digits of the genesis hash
	Listening string           `json:"listening"`
	Key       crypto.PublicKey `json:"validatorKey"`
	Ed25519   crypto.Hash      `json:"ed25519"`
	Height    int64            `json:"lastHeight"` // of the newest vote
}

// ServeSigner serves a validator's keys until ctx ends. Its errors carry HC-1004, HC-1005
// (another process votes with these keys), HC-1006, HC-1011, HC-6101, HC-6103 or HC-6106.
func ServeSigner(ctx context.Context, o SignerOptions) error {
	raw, err := os.ReadFile(o.GenesisFile)
	if err != nil {
		return types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	g, err := chain.ParseGenesis(raw)
	if err != nil {
		return err
	}
	if o.Key == nil {
		if o.Key, err = keystore.Load(filepath.Join(o.Keys, "validator.key"), o.Secret); err != nil {
			return err
		}
	}
	var act *types.Restart
	if o.RestartFile != "" {
		d, err := readRestart(o.RestartFile, g)
		if err == nil && d == nil {
			err = types.Errorf(types.CodeRestartRefused, "%s is missing", o.RestartFile)
		}
		if err != nil {
			return err
		}
		act = d.Terms()
	}
	voteFile, headerFile := voteFiles(o.Keys, act)
	votes, err := signer.Files{Key: ConsensusKeys(o.Keys, nil).ConsensusKeyFile, Votes: voteFile}.Open()
	if err != nil {
		return err
	}
	defer votes.Close() //nolint:errcheck // gives the lock up
	if o.BeginVotes {
		if err := beginVotes(act, headerFile, votes); err != nil {
			return err
		}
	}
	headers, err := signer.OpenHeaders(o.Key, g.Hash(), headerFile)
	if err != nil {
		return err
	}
	s, err := signer.NewServer(g.RestartedChainID(act), votes, headers, o.Logger)
	if err != nil {
		return err
	}
	l, err := o.listen(g)
	if err != nil {
		return err
	}
	last, _, err := votes.LastHeight()
	if err != nil {
		return err
	}
	info := SignerInfo{Chain: g.RestartedChainID(act), Listening: l.Addr().String(), Key: o.Key.Public(), Ed25519: votes.PublicKey(), Height: last}
	o.Logger.Info("signer ready", "chain", info.Chain, "listen", info.Listening, "lastHeight", info.Height)
	if o.Ready != nil {
		o.Ready(info)
	}
	return s.Serve(ctx, l)
}

func (o *SignerOptions) listen(g *chain.Genesis) (net.Listener, error) {
	if len(o.Listen) > len(unixPrefix) && o.Listen[:len(unixPrefix)] == unixPrefix {
		return listenSocket(o.Listen[len(unixPrefix):])
	}
	if o.Link == "" || len(o.Allow) == 0 {
		return nil, types.Errorf(types.CodeUsage, "over TCP a signer shows certificates (--link) and serves the nodes it is told (--allow)")
	}
	for _, id := range o.Allow {
		if _, err := types.ParseMemberID(id); err != nil {
			return nil, types.Errorf(types.CodeUsage, "--allow %s: %w", id, err)
		}
	}
	link := &linkSource{files: LinkFiles{o.Link}, secret: o.Secret, log: o.Logger}
	if _, err := link.identity(); err != nil {
		return nil, err
	}
	if _, err := readRoots(o.Roots, g); err != nil {
		return nil, err
	}
	inner, err := Listen("--listen", o.Listen)
	if err != nil {
		return nil, err
	}
	return tlcp.NewListener(inner, signer.Secure(link.identity, SignerRoots(o.Roots, g, o.Logger), o.Allow...))
}

// listenSocket takes a socket's path, in place of one that nobody listens on any more.
func listenSocket(path string) (net.Listener, error) {
	if c, err := net.Dial("unix", path); err == nil {
		c.Close() //nolint:errcheck // it was made to see whether somebody answers
		return nil, types.Errorf(types.CodePortTaken, "--listen %s%s", unixPrefix, path)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, types.Errorf(types.CodeConfig, "%w", err)
		}
	}
	l, err := listenPrivate(path)
	if err != nil {
		return nil, types.Errorf(types.CodeConfig, "--listen: %w", err)
	}
	return l, nil
}
