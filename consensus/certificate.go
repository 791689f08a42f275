package consensus

import (
	"fmt"
	"sync"

	abci "github.com/cometbft/cometbft/abci/types"
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// headers is what certificates need of the ledger.
type headers interface {
	Header(height uint64) (types.Header, error)
	Signers(height uint64) (types.ValidatorSet, error)
	Certificate(height uint64) (*types.FinalityCertificate, error)
	PutCertificate(c *types.FinalityCertificate) error
}

// certifier makes and judges header signatures and finality certificates.
//
// A signature is for this node's own header, so one that verifies says that its signer
// computed the same. It is safe for concurrent use.
type certifier struct {
	ledger headers
	signer crypto.Signer // nil: a follower

	mu   sync.Mutex
	open map[uint64]*gathering // by height of the header; the last few
}

// gathering collects the signatures of one header.
type gathering struct {
	header  types.Header
	message []byte // what is signed
	set     types.ValidatorSet
	byVote  map[string]int // CometBFT address -> index in set
	sigs    map[int][crypto.SignatureSize]byte
	power   int64
	total   int64
	stored  bool
	changed chan struct{} // closed when the certificate is complete
}

// openHeights is how many heights of signatures are kept. A certificate is needed two
// heights later; more serve peers that are slow.
const openHeights = 8

func newCertifier(l headers, signer crypto.Signer) *certifier {
	return &certifier{ledger: l, signer: signer, open: map[uint64]*gathering{}}
}

// gather returns the gathering of a committed height. The caller holds mu.
func (c *certifier) gather(height uint64) (*gathering, error) {
	if g := c.open[height]; g != nil {
		return g, nil
	}
	h, err := c.ledger.Header(height)
	if err != nil {
		return nil, err
	}
	set, err := c.ledger.Signers(height)
	if err != nil {
		return nil, err
	}
	g := &gathering{
		header: h, message: h.SignBytes(), set: set, byVote: make(map[string]int, len(set)),
		sigs: map[int][crypto.SignatureSize]byte{}, total: set.Power(), changed: make(chan struct{}),
	}
	for i := range set {
		g.byVote[string(voteAddress(&set[i]))] = i
	}
	c.open[height] = g
	for h := range c.open {
		if h+openHeights < height {
			delete(c.open, h)
		}
	}
	return g, nil
}

// voteAddress is what CometBFT calls a validator.
func voteAddress(v *types.Validator) []byte { return cmted25519.PubKey(v.Ed25519[:]).Address() }

// sign returns this validator's signature of the header of height. Signatures are
// deterministic: a repeated call returns the same bytes.
func (c *certifier) sign(height uint64) ([]byte, error) {
	if c.signer == nil {
		return nil, fmt.Errorf("a follower does not sign headers")
	}
	h, err := c.ledger.Header(height)
	if err != nil {
		return nil, err
	}
	return c.signer.Sign(h.SignBytes())
}

// accept verifies the signature of the validator that CometBFT calls address over the
// header of height, and keeps it. An error means that the ledger failed.
func (c *certifier) accept(height uint64, address, sig []byte) (bool, error) {
	if len(sig) != crypto.SignatureSize {
		return false, nil
	}
	c.mu.Lock()
	g, err := c.gather(height)
	c.mu.Unlock()
	if err != nil {
		return false, err
	}
	i, ok := g.byVote[string(address)]
	if !ok || !c.verify(g, i, [crypto.SignatureSize]byte(sig)) {
		return false, nil
	}
	return true, c.complete(g)
}

// verify checks one signature, unless it was checked before, and keeps it.
func (c *certifier) verify(g *gathering, index int, sig [crypto.SignatureSize]byte) bool {
	c.mu.Lock()
	known, have := g.sigs[index]
	c.mu.Unlock()
	if have && known == sig {
		return true
	}
	if !g.set[index].Key.Verify(g.message, sig[:]) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, have := g.sigs[index]; !have {
		g.sigs[index] = sig
		g.power += g.set[index].Power
	}
	return true
}

// complete stores the certificate once more than two thirds of the power signed.
func (c *certifier) complete(g *gathering) error {
	c.mu.Lock()
	if g.stored || g.power*3 <= g.total*2 {
		c.mu.Unlock()
		return nil
	}
	g.stored = true
	cert := g.certificate()
	close(g.changed)
	c.mu.Unlock()
	return c.ledger.PutCertificate(cert)
}

// certificate is made of all signatures gathered, ascending by index.
func (g *gathering) certificate() *types.FinalityCertificate {
	cert := &types.FinalityCertificate{Height: g.header.Height}
	for i := range g.set {
		if sig, ok := g.sigs[i]; ok {
			cert.Signatures = append(cert.Signatures, types.HeaderSignature{Index: uint32(i), Signature: sig})
		}
	}
	return cert
}

// certificate returns the certificate of a height, nil if there is none yet.
func (c *certifier) certificate(height uint64) *types.FinalityCertificate {
	c.mu.Lock()
	if g := c.open[height]; g != nil && g.power*3 > g.total*2 {
		defer c.mu.Unlock()
		return g.certificate()
	}
	c.mu.Unlock()
	cert := c.stored(height)
	if cert == nil || c.check(cert) != nil {
		return nil
	}
	return cert
}

// stored returns the ledger's certificate of a height, nil if there is none.
func (c *certifier) stored(height uint64) *types.FinalityCertificate {
	cert, err := c.ledger.Certificate(height)
	if err != nil {
		return nil
	}
	return cert
}

// addVotes takes the extensions of the votes that committed height+1. Votes that came
// late, and those that block sync brought, were never verified: what does not verify is
// left out. It returns how many were.
func (c *certifier) addVotes(height uint64, votes []abci.ExtendedVoteInfo) (ignored int, err error) {
	for i := range votes {
		if len(votes[i].VoteExtension) == 0 {
			continue
		}
		ok, err := c.accept(height, votes[i].Validator.Address, votes[i].VoteExtension)
		if err != nil {
			return ignored, err
		}
		if !ok {
			ignored++
		}
	}
	return ignored, nil
}

// check judges a certificate against this node's own header, as
// types.FinalityCertificate.Verify does, without verifying a signature twice.
func (c *certifier) check(cert *types.FinalityCertificate) error {
	c.mu.Lock()
	g, err := c.gather(cert.Height)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	var power int64
	for i := range cert.Signatures {
		s := &cert.Signatures[i]
		if int(s.Index) >= len(g.set) || i > 0 && cert.Signatures[i-1].Index >= s.Index {
			return errBadCertificate("it names a signer twice, or one that does not exist")
		}
		if !c.verify(g, int(s.Index), s.Signature) {
			return errBadCertificate(fmt.Sprintf("the signature of validator %d does not verify", s.Index))
		}
		power += g.set[s.Index].Power
	}
	if power*3 <= g.total*2 {
		return errBadCertificate(fmt.Sprintf("power %d of %d signed, more than two thirds needed", power, g.total))
	}
	return nil
}

// errBadCertificate marks a certificate as at fault, not the ledger.
type errBadCertificate string

func (e errBadCertificate) Error() string { return "finality certificate: " + string(e) }

// await returns a channel that closes when the certificate of height is complete.
func (c *certifier) await(height uint64) (<-chan struct{}, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, err := c.gather(height)
	if err != nil {
		return nil, err
	}
	return g.changed, nil
}

// put takes a certificate from a peer.
func (c *certifier) put(cert *types.FinalityCertificate) error {
	if err := c.check(cert); err != nil {
		return err
	}
	c.mu.Lock()
	g, err := c.gather(cert.Height)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return c.complete(g)
}
