package consensus

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/proxy"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/types"
)

// liar is an application that bends what an honest one does: the node of a validator
// that misbehaves.
type liar struct {
	*app
	propose func(r *abci.RequestPrepareProposal, honest [][]byte) [][]byte
	extend  func(honest []byte) []byte
	lies    atomic.Int64
}

func (l *liar) PrepareProposal(ctx context.Context, r *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	res, err := l.app.PrepareProposal(ctx, r)
	if err == nil && l.propose != nil {
		if txs := l.propose(r, res.Txs); txs != nil {
			l.lies.Add(1)
			res.Txs = txs
		}
	}
	return res, err
}

// ProcessProposal accepts everything, so that the liar votes for its own proposals.
func (l *liar) ProcessProposal(ctx context.Context, r *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	res, err := l.app.ProcessProposal(ctx, r)
	if err == nil && string(r.ProposerAddress) == string(l.app.address) {
		res.Status = abci.ResponseProcessProposal_ACCEPT
	}
	return res, err
}

func (l *liar) ExtendVote(ctx context.Context, r *abci.RequestExtendVote) (*abci.ResponseExtendVote, error) {
	res, err := l.app.ExtendVote(ctx, r)
	if err == nil && l.extend != nil && r.Height >= 2 {
		l.lies.Add(1)
		res.VoteExtension = l.extend(res.VoteExtension)
	}
	return res, err
}

// VerifyVoteExtension accepts the liar's own: CometBFT checks that before it sends it.
func (l *liar) VerifyVoteExtension(ctx context.Context, r *abci.RequestVerifyVoteExtension) (*abci.ResponseVerifyVoteExtension, error) {
	if string(r.ValidatorAddress) == string(l.app.address) {
		return &abci.ResponseVerifyVoteExtension{Status: abci.ResponseVerifyVoteExtension_ACCEPT}, nil
	}
	return l.app.VerifyVoteExtension(ctx, r)
}

// bend makes a node a liar before it starts.
func (n *testNode) bend(l *liar) {
	n.open()
	l.app = n.app
	n.parts.client = proxy.NewConnSyncLocalClientCreator(l)
	require.NoError(n.net.t, n.Start(context.Background()))
	n.net.t.Cleanup(n.down)
}

// upWithLiar starts a network whose last node lies.
func upWithLiar(t *testing.T, l *liar) *network {
	net := newNetwork(t, 4)
	for _, n := range net.nodes[:3] {
		n.up()
	}
	net.nodes[3].bend(l)
	net.ready()
	return net
}

func frameOf(txs ...[]byte) []byte { return append([]byte{frameTxs}, types.EncodeList(txs)...) }

// A proposer that puts into its block what no block may hold is voted down: by bad
// frames, bad transactions, bad certificates. The others go on.
// covers: T.04
func TestLyingProposer(t *testing.T) {
	t.Parallel()
	var net *network
	var used []byte // a committed transaction
	now := time.Now
	pasted := func() []byte { // the signature of one transaction on the body of another
		a, b := net.call("p1", "1"), net.call("p2", "2")
		a.Signatures = b.Signatures
		return reencode(a)
	}
	lies := []struct {
		name  string
		block func(r *abci.RequestPrepareProposal, honest [][]byte) [][]byte
	}{
		{"pasted signature", func(_ *abci.RequestPrepareProposal, h [][]byte) [][]byte { return append(h, frameOf(pasted())) }},
		{"flipped signature", func(_ *abci.RequestPrepareProposal, h [][]byte) [][]byte {
			tx := net.call("f", "1")
			tx.Signatures[0] = append([]byte(nil), tx.Signatures[0]...)
			tx.Signatures[0][40] ^= 1
			return append(h, frameOf(reencode(tx)))
		}},
		{"duplicate", func(_ *abci.RequestPrepareProposal, h [][]byte) [][]byte {
			tx := net.call("d", "1").Bytes()
			return append(h, frameOf(tx), frameOf(tx))
		}},
		{"used id", func(_ *abci.RequestPrepareProposal, h [][]byte) [][]byte { return append(h, frameOf(used)) }},
		{"expired", func(_ *abci.RequestPrepareProposal, h [][]byte) [][]byte {
			tx := chaintest.Call(net.genesis, net.clerk, now().Add(-2*time.Minute), "store", "put", `{e:1}`, true)
			return append(h, frameOf(tx.Bytes()))
		}},
		{"too far ahead", func(_ *abci.RequestPrepareProposal, h [][]byte) [][]byte {
			tx := chaintest.Call(net.genesis, net.clerk, now().Add(20*time.Minute), "store", "put", `{e:1}`, true)
			return append(h, frameOf(tx.Bytes()))
		}},
		{"no transaction", func(_ *abci.RequestPrepareProposal, h [][]byte) [][]byte {
			return append(h, frameOf([]byte("no transaction")))
		}},
		{"unknown frame", func(_ *abci.RequestPrepareProposal, h [][]byte) [][]byte { return append(h, []byte{0x02, 1}) }},
		{"empty frame", func(_ *abci.RequestPrepareProposal, h [][]byte) [][]byte { return append(h, []byte{frameTxs}) }},
		{"second certificate", func(_ *abci.RequestPrepareProposal, h [][]byte) [][]byte { return append(h, h[0]) }},
		{"no certificate", func(_ *abci.RequestPrepareProposal, h [][]byte) [][]byte { return h[1:] }},
		{"weak certificate", func(_ *abci.RequestPrepareProposal, h [][]byte) [][]byte {
			c, err := decodeCertificateFrame(h[0])
			require.NoError(t, err)
			c.Signatures = c.Signatures[:2]
			return append([][]byte{encodeCertificateFrame(c)}, h[1:]...)
		}},
		{"forged certificate", func(_ *abci.RequestPrepareProposal, h [][]byte) [][]byte {
			c, err := decodeCertificateFrame(h[0])
			require.NoError(t, err)
			c.Signatures[0].Signature[9] ^= 1
			return append([][]byte{encodeCertificateFrame(c)}, h[1:]...)
		}},
		{"old certificate", func(r *abci.RequestPrepareProposal, h [][]byte) [][]byte {
			c, err := decodeCertificateFrame(h[0])
			require.NoError(t, err)
			c.Height--
			return append([][]byte{encodeCertificateFrame(c)}, h[1:]...)
		}},
	}
	var current atomic.Int64
	current.Store(-1)
	l := &liar{}
	l.propose = func(r *abci.RequestPrepareProposal, honest [][]byte) [][]byte {
		if i := current.Load(); i >= 0 && r.Height >= firstCertified {
			return lies[i].block(r, honest)
		}
		return nil
	}
	net = upWithLiar(t, l)
	first := net.call("used", "1")
	used = first.Bytes()
	net.nodes[0].commit(first)
	net.quiet(300 * time.Millisecond)
	for i, lie := range lies {
		t.Run(lie.name, func(t *testing.T) {
			current.Store(int64(i))
			defer current.Store(-1)
			before, rejected := l.lies.Load(), counterValue(t, net.nodes[1].app.m.proposalsRejected)
			// Until it was the liar's turn, and its proposal came before the others had given up waiting.
			for k := 0; counterValue(t, net.nodes[1].app.m.proposalsRejected) == rejected; k++ {
				require.Less(t, k, 60)
				c := net.nodes[0].commit(net.call(fmt.Sprintf("k%d-%d", i, k), "1"))
				require.True(t, c.Receipt.OK())
			}
			require.Greater(t, l.lies.Load(), before)
			net.nodes[0].commit(net.call(fmt.Sprintf("after%d", i), "1"))
		})
	}
	current.Store(-1)
	net.quiet(500 * time.Millisecond)
	net.same()
}

// reencode builds the bytes of a transaction whose parts were tampered with.
func reencode(tx *types.Tx) []byte {
	var out []byte
	field := func(n byte, b []byte) {
		out = append(out, n<<3|2)
		for l := len(b); ; l >>= 7 {
			if l < 0x80 {
				out = append(out, byte(l))
				break
			}
			out = append(out, byte(l)|0x80)
		}
		out = append(out, b...)
	}
	field(1, tx.BodyBytes)
	if len(tx.Certificate) > 0 {
		field(2, tx.Certificate)
	}
	for _, s := range tx.Signatures {
		field(3, s)
	}
	return out
}

// One validator's bad header signatures are left out of every certificate; with two
// honest ones beside it there is no certificate, so no block, until a third is back.
// covers: T.04
func TestBadHeaderSignatures(t *testing.T) {
	t.Parallel()
	l := &liar{extend: func(sig []byte) []byte { sig[5] ^= 1; return sig }}
	net := upWithLiar(t, l)
	for i := range 6 {
		c := net.nodes[i%3].commit(net.call(fmt.Sprintf("x%d", i), "1"))
		require.True(t, c.Receipt.OK())
	}
	tip := net.quiet(500 * time.Millisecond)
	require.Positive(t, l.lies.Load())
	require.Positive(t, counterValue(t, net.nodes[0].app.m.extensionsRejected))
	for h := uint64(1); h <= tip-2; h++ {
		cert, err := net.nodes[0].ledger.Certificate(h)
		require.NoError(t, err)
		header, err := net.nodes[0].ledger.Header(h)
		require.NoError(t, err)
		set, err := net.nodes[0].ledger.Signers(h)
		require.NoError(t, err)
		require.NoError(t, cert.Verify(&header, set), "height %d", h)
	}

	net.nodes[0].down()
	height := net.nodes[1].ledger.Height()
	tx := net.call("held", "1")
	w := net.nodes[1].Watch(tx.ID())
	defer w.Stop()
	_, err := net.nodes[1].Submit(tx.Bytes())
	require.NoError(t, err)
	time.Sleep(2 * time.Second)
	require.Equal(t, height, net.nodes[1].ledger.Height())
	net.nodes[0].up()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err = w.Wait(ctx)
	require.NoError(t, err)
	net.quiet(500 * time.Millisecond)
	net.same()
}

// A proposer without a certificate asks its peers for it; if they have none either, it
// passes its turn and lives on.
func TestMissingCertificate(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 4)
	net.up()
	net.ready()
	for i := range 4 {
		net.nodes[i].commit(net.call(fmt.Sprintf("m%d", i), "1"))
	}
	net.quiet(300 * time.Millisecond)
	n := net.nodes[0]
	tip := n.ledger.Height()

	// A certifier that has gathered nothing, on a ledger without the certificate.
	bare := newCertifier(forgetful{n.ledger, tip - 1}, nil)
	require.Nil(t, bare.certificate(tip-1))
	n.parts.certs.certs = bare
	cert := n.parts.certs.fetch(tip-1, patience)
	require.NotNil(t, cert, "a peer has it")
	require.Equal(t, tip-1, cert.Height)

	a := &app{p: &n.p, log: n.log, m: n.app.m, ledger: n.ledger, certs: newCertifier(forgetful{n.ledger, tip - 1}, nil), pool: n.pool,
		fetch: func(uint64) *types.FinalityCertificate { return nil }}
	res, err := a.PrepareProposal(context.Background(), &abci.RequestPrepareProposal{Height: int64(tip) + 1, MaxTxBytes: 1 << 20, Time: time.Now()})
	require.NoError(t, err, "an error would end consensus")
	_, err = decodeFrames(tip+1, res.Txs, false)
	require.Error(t, err, "every node must reject it")
}

// forgetful is a ledger that lacks one certificate until it is put.
type forgetful struct {
	Ledger
	lacks uint64
}

func (f forgetful) Certificate(h uint64) (*types.FinalityCertificate, error) {
	if h == f.lacks {
		return nil, types.Errorf(types.CodeNotFound, "certificate of %d", h)
	}
	return f.Ledger.Certificate(h)
}

// A node that finds one of its own proposals unacceptable finds the transaction and
// drops it: otherwise it would never propose a good block again.
func TestOwnBadProposalIsSifted(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 1)
	net.params.TimeoutPropose = 200 * time.Millisecond
	net.up()
	n := net.nodes[0]
	eventually(t, "first block", func() bool { return n.ledger.Height() >= 3 || n.ledger.Height() >= 1 })
	net.quiet(300 * time.Millisecond)
	// Put a transaction into the pool that Admit would not let in: its signature is bad.
	bad := net.call("sift", "1")
	bad.Signatures[0] = append([]byte(nil), bad.Signatures[0]...)
	bad.Signatures[0][3] ^= 1
	tx, err := types.DecodeTx(reencode(bad))
	require.NoError(t, err)
	w := n.Watch(tx.ID())
	defer w.Stop()
	require.Nil(t, n.pool.add([]*types.Tx{tx}, ""))
	good := n.commit(net.call("fine", "1"))
	require.True(t, good.Receipt.OK())
	_, err = w.Wait(t.Context())
	require.Equal(t, types.CodeBadSignature, types.CodeOf(err), "%v", err)
	require.False(t, n.Pending(tx.ID()))
}
