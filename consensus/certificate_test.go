package consensus

import (
	"bytes"
	"slices"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/mock"
	gogo "github.com/cosmos/gogoproto/types"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// headerBook is the part of a ledger that certificates need, in memory.
type headerBook struct {
	headers map[uint64]types.Header
	set     types.ValidatorSet
	certs   map[uint64]*types.FinalityCertificate
}

func (b *headerBook) Header(h uint64) (types.Header, error) {
	if v, ok := b.headers[h]; ok {
		return v, nil
	}
	return types.Header{}, types.Errorf(types.CodeHeightUnknown, "height %d", h)
}

func (b *headerBook) Signers(uint64) (types.ValidatorSet, error) { return b.set, nil }

func (b *headerBook) Certificate(h uint64) (*types.FinalityCertificate, error) {
	if c := b.certs[h]; c != nil {
		return c, nil
	}
	return nil, types.Errorf(types.CodeNotFound, "certificate of %d", h)
}

func (b *headerBook) PutCertificate(c *types.FinalityCertificate) error {
	b.certs[c.Height] = c
	return nil
}

// newHeaderBook has four validators and headers 1 to 20; keys are in set order.
func newHeaderBook(t testing.TB) (*headerBook, []*crypto.PrivateKey) {
	b := &headerBook{headers: map[uint64]types.Header{}, certs: map[uint64]*types.FinalityCertificate{}}
	var keys []*crypto.PrivateKey
	for len(keys) < 4 {
		keys = append(keys, chaintest.NewKey())
		for i := len(keys) - 1; i > 0; i-- {
			p, q := keys[i-1].Public(), keys[i].Public()
			if bytes.Compare(p[:], q[:]) > 0 {
				keys[i-1], keys[i] = keys[i], keys[i-1]
			}
		}
	}
	for i, k := range keys {
		b.set = append(b.set, types.Validator{Key: k.Public(), Ed25519: [32]byte{byte(i + 1)}, Power: 10})
	}
	require.NoError(t, b.set.Validate())
	for h := uint64(1); h <= 20; h++ {
		b.headers[h] = types.Header{Genesis: crypto.Hash{9}, Height: h, Time: int64(h), Signers: b.set.Hash(), Protocol: 1}
	}
	return b, keys
}

func (b *headerBook) vote(t testing.TB, i int, key *crypto.PrivateKey, height uint64) abci.ExtendedVoteInfo {
	h := b.headers[height]
	sig, err := key.Sign(h.SignBytes())
	require.NoError(t, err)
	return abci.ExtendedVoteInfo{Validator: abci.Validator{Address: voteAddress(&b.set[i]), Power: 10}, VoteExtension: sig}
}

func TestCertifier(t *testing.T) {
	book, keys := newHeaderBook(t)
	c := newCertifier(book, keys[2])
	h := book.headers[5]

	own, err := c.sign(5)
	require.NoError(t, err)
	again, err := c.sign(5)
	require.NoError(t, err)
	require.Equal(t, own, again, "signatures are deterministic")
	_, err = newCertifier(book, nil).sign(5)
	require.Error(t, err, "a follower signs nothing")

	ok, err := c.accept(5, voteAddress(&book.set[2]), own)
	require.NoError(t, err)
	require.True(t, ok)
	for name, bad := range map[string][]byte{"short": own[:63], "empty": nil, "flipped": append(append([]byte{}, own[:63]...), own[63]^1)} {
		ok, err = c.accept(5, voteAddress(&book.set[2]), bad)
		require.NoError(t, err)
		require.False(t, ok, name)
	}
	ok, _ = c.accept(5, voteAddress(&book.set[1]), own)
	require.False(t, ok, "another validator's signature")
	ok, _ = c.accept(5, []byte("nobody"), own)
	require.False(t, ok)
	ok, _ = c.accept(6, voteAddress(&book.set[2]), own)
	require.False(t, ok, "another height's signature")
	_, err = c.accept(21, voteAddress(&book.set[2]), own)
	require.Error(t, err, "a height that is not committed")

	// Votes that nobody verified: an empty one, a forged one, two good ones.
	forged := book.vote(t, 3, keys[3], 5)
	forged.VoteExtension = bytes.Clone(forged.VoteExtension)
	forged.VoteExtension[7] ^= 1
	ignored, err := c.addVotes(5, []abci.ExtendedVoteInfo{{}, forged, book.vote(t, 0, keys[0], 5)})
	require.NoError(t, err)
	require.Equal(t, 1, ignored)
	require.Nil(t, c.certificate(5), "two of four")
	done, err := c.await(5)
	require.NoError(t, err)
	_, err = c.addVotes(5, []abci.ExtendedVoteInfo{book.vote(t, 1, keys[1], 5)})
	require.NoError(t, err)
	<-done
	cert := c.certificate(5)
	require.NoError(t, cert.Verify(&h, book.set))
	require.Equal(t, cert, book.certs[5], "it is stored at once")

	for h := uint64(6); h <= 20; h++ {
		_, err := c.await(h)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, len(c.open), openHeights+1, "old heights are forgotten")
	require.NotNil(t, c.certificate(5), "and come from the ledger")
}

// The certifier judges certificates as types.FinalityCertificate.Verify does.
func TestCertifierChecksLikeVerify(t *testing.T) {
	book, keys := newHeaderBook(t)
	h := book.headers[7]
	good := types.FinalityCertificate{Height: 7}
	for i, k := range keys {
		s := types.HeaderSignature{Index: uint32(i)}
		copy(s.Signature[:], book.vote(t, i, k, 7).VoteExtension)
		good.Signatures = append(good.Signatures, s)
	}
	for name, spoil := range map[string]func(c *types.FinalityCertificate){
		"whole": func(*types.FinalityCertificate) {},
		"three": func(c *types.FinalityCertificate) { c.Signatures = c.Signatures[1:] },
		"two":   func(c *types.FinalityCertificate) { c.Signatures = c.Signatures[2:] },
		"none":  func(c *types.FinalityCertificate) { c.Signatures = nil },
		"twice": func(c *types.FinalityCertificate) { c.Signatures[1] = c.Signatures[0] },
		"order": func(c *types.FinalityCertificate) {
			c.Signatures[0], c.Signatures[1] = c.Signatures[1], c.Signatures[0]
		},
		"index":    func(c *types.FinalityCertificate) { c.Signatures[3].Index = 4 },
		"swapped":  func(c *types.FinalityCertificate) { c.Signatures[0].Signature = c.Signatures[1].Signature },
		"one flip": func(c *types.FinalityCertificate) { c.Signatures[3].Signature[0] ^= 1 },
	} {
		t.Run(name, func(t *testing.T) {
			c := types.FinalityCertificate{Height: 7, Signatures: append([]types.HeaderSignature(nil), good.Signatures...)}
			spoil(&c)
			fresh := newCertifier(book, nil)
			want, got := c.Verify(&h, book.set), fresh.check(&c)
			require.Equal(t, want == nil, got == nil, "%v / %v", want, got)
			if want == nil {
				require.NoError(t, fresh.check(&c), "and once more from memory")
			}
		})
	}
}

// Whatever a peer sends on the two channels, this node lives on.
func FuzzPeerMessages(f *testing.F) {
	book, keys := newHeaderBook(f)
	cert := &types.FinalityCertificate{Height: 3}
	for i := range 3 {
		s := types.HeaderSignature{Index: uint32(i)}
		copy(s.Signature[:], book.vote(f, i, keys[i], 3).VoteExtension)
		cert.Signatures = append(cert.Signatures, s)
	}
	f.Add(CertificateChannel, append([]byte{msgCertificate}, cert.Encode()...))
	f.Add(CertificateChannel, []byte{msgWantCertificate, 0, 0, 0, 0, 0, 0, 0, 3})
	f.Add(CarrierChannel, append([]byte{msgCarrier}, types.EncodeList([][]byte{{1}})...))
	f.Add(CarrierChannel, []byte{msgOfferAgain})
	f.Add(CarrierChannel, []byte{})
	p := DefaultParams()
	q, _, _ := testPool(f, p)
	a := newAdmitter(&p, q.m, func(raws [][]byte, _ int64) ([]*types.Tx, []error) {
		return make([]*types.Tx, len(raws)), slices.Repeat([]error{types.Errorf(types.CodeTxMalformed, "x")}, len(raws))
	}, q, func(string, error) {})
	peer := mock.NewPeer(nil)
	f.Fuzz(func(t *testing.T, channel byte, msg []byte) {
		certs := newCertificateReactor(newCertifier(book, nil), &gate{}, func(p2p.Peer, error) {})
		certs.asked[3] = 1
		carriers := newCarrierReactor(&p, q.m, q, a, func(p2p.Peer, error) {})
		carriers.enabled.Store(true)
		e := p2p.Envelope{Src: peer, ChannelID: channel, Message: &gogo.BytesValue{Value: msg}}
		certs.Receive(e)
		carriers.Receive(e)
		select {
		case job := <-a.queue:
			a.work(job)
		default:
		}
		if c := certs.certs.certificate(3); c != nil {
			h := book.headers[3]
			if err := c.Verify(&h, book.set); err != nil {
				t.Fatal("a certificate was believed that does not verify")
			}
		}
	})
}
