package chain

import (
	"fmt"
	"slices"
	"time"

	"github.com/huchain/huchain/chain/policy"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// BlockInput is a block as consensus hands it over.
type BlockInput struct {
	Height uint64
	Time   int64    // block time, Unix nanoseconds
	Txs    [][]byte // complete transactions in order
	// Misbehaviour is the evidence that the block holds, in its order.
	Misbehaviour []Misbehaviour

	// What CheckBlock has found, for Execute: the transactions, and the keys under which
	// their signatures hold.
	decoded []*types.Tx
	keys    [][]crypto.PublicKey
}

// tx returns a transaction of the block, decoded.
func (b *BlockInput) tx(i uint32) (*types.Tx, error) {
	if b.decoded != nil {
		return b.decoded[i], nil
	}
	return types.DecodeTx(b.Txs[i])
}

// checked returns the keys under which CheckBlock found the signatures of a transaction to
// hold; nil without it.
func (b *BlockInput) checked(i uint32) []crypto.PublicKey {
	if b.keys == nil {
		return nil
	}
	return b.keys[i]
}

// Result is what executing a block gives. It is a function of genesis, the blocks
// before and the block itself.
type Result struct {
	Txs      []*types.Tx // nil where the bytes are no transaction
	UsedIDs  []crypto.Hash
	Receipts []types.Receipt // one for each transaction
	Events   []types.Event   // in order of emission
	Writes   []types.Write   // net changes, ascending by namespace and key
	GasUsed  uint64
	Staged   []crypto.Hash // packages staged: have LoadStaged compile them after commit
	Repriced bool          // the gas schedule changed: have LoadCode compile for it after commit
	Config   crypto.Hash   // hash of the chain parameters, for the content root
	Protocol uint32
}

// blockScope is what all transactions of a block have in common.
type blockScope struct {
	height uint64
	timeNs int64
	params Params
	txs    int // for errors
}

func (b *blockScope) time() time.Time { return time.Unix(0, b.timeNs).UTC() }
func (b *blockScope) timeMs() int64   { return b.timeNs / int64(time.Millisecond) }

// checkWindow judges a transaction's validity against a time in Unix milliseconds.
func checkWindow(b *types.Body, nowMs int64) error {
	switch {
	case b.ValidUntil <= nowMs:
		return types.Errorf(types.CodeTxExpired, "valid until %d, time is %d (Unix milliseconds)", b.ValidUntil, nowMs)
	case b.ValidUntil > nowMs+types.Window.Milliseconds():
		return types.Errorf(types.CodeTxTooFar, "valid until %d, at most %d ahead of %d (Unix milliseconds)",
			b.ValidUntil, types.Window.Milliseconds(), nowMs)
	}
	return nil
}

func (c *Chain) checkGenesis(b *types.Body) error {
	if b.Genesis != c.genesis.hash {
		return types.Errorf(types.CodeWrongGenesis, "transaction is for %s, this chain is %s", b.Genesis, c.genesis.hash)
	}
	return nil
}

// keyBook finds the keys that addresses stand for. An address is a hash of its key, so
// where a key comes from (state, a certificate in hand) makes no difference.
type keyBook struct {
	c     *Chain
	st    State
	extra map[types.Address]crypto.PublicKey // keys of certificates seen in the block
}

// learn takes the key of a transaction's certificate, if it is the sender's.
func (k *keyBook) learn(tx *types.Tx) {
	if len(tx.Certificate) == 0 {
		return
	}
	crt, err := k.c.parseCertificate(tx.Certificate)
	if err != nil || types.AddressOf(crt.PublicKey) != tx.Body.Sender {
		return
	}
	if k.extra == nil {
		k.extra = map[types.Address]crypto.PublicKey{}
	}
	k.extra[tx.Body.Sender] = crt.PublicKey
}

// keys appends the keys of the sender and the co-signers, and who they are as far as that
// was read: nil where a certificate told the key. HC-2108 if one is not known.
func (k *keyBook) keys(tx *types.Tx, keys []crypto.PublicKey, members []*Member) ([]crypto.PublicKey, []*Member, error) {
	for i := -1; i < len(tx.Body.Cosigners); i++ {
		a := tx.Body.Sender
		if i >= 0 {
			a = tx.Body.Cosigners[i]
		}
		if key, ok := k.extra[a]; ok {
			keys, members = append(keys, key), append(members, nil)
			continue
		}
		m, found, err := k.c.Member(k.st, a)
		if err != nil {
			return nil, nil, err
		}
		if !found {
			return nil, nil, types.Errorf(types.CodeUnknownSender, "no member has the address %s", a)
		}
		keys, members = append(keys, m.Key), append(members, m)
	}
	return keys, members, nil
}

// CheckBlock judges a proposed block without executing it. It refuses a block that holds
// bytes that are no transaction, another chain's transaction, one that is expired, not
// yet valid, a duplicate or already used, or a signature that does not hold. st and ids
// must be those of the height before. blk must not change afterwards, nor be in use by
// another call.
func (c *Chain) CheckBlock(st State, ids *IDWindow, blk *BlockInput) error {
	if len(blk.Txs) > c.protocol.MaxBlockTxs {
		return types.Errorf(types.CodeLimitExceeded, "%d transactions in a block, at most %d", len(blk.Txs), c.protocol.MaxBlockTxs)
	}
	nowMs := blk.Time / int64(time.Millisecond)
	book := keyBook{c: c, st: st}
	seen := make(map[crypto.Hash]struct{}, len(blk.Txs))
	txs := make([]*types.Tx, len(blk.Txs))
	keys := make([][]crypto.PublicKey, len(blk.Txs))
	var room [1 + types.MaxCosigners]*Member
	all := make([]crypto.PublicKey, 0, len(blk.Txs))
	var open []int // transactions whose signatures are still to be checked
	for i, raw := range blk.Txs {
		var tx *types.Tx
		var err error
		known := c.verifier.find(raw)
		if known != nil {
			tx = known.tx
		} else if tx, err = types.DecodeTx(raw); err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
		if err := c.checkPlace(tx, ids, seen, nowMs); err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
		seen[tx.ID()] = struct{}{}
		book.learn(tx)
		from := len(all)
		if all, _, err = book.keys(tx, all, room[:0]); err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
		keys[i] = all[from:len(all):len(all)]
		if known == nil || !slices.Equal(known.keys, keys[i]) {
			open = append(open, i)
		}
		txs[i] = tx
	}
	if i := c.verifier.verifyAll(open, txs, keys); i >= 0 {
		return fmt.Errorf("transaction %d: %w", i, types.Errorf(types.CodeBadSignature, "transaction %s", txs[i].ID()))
	}
	blk.decoded, blk.keys = txs, keys
	return nil
}

// Settled tells that no block will hold these transactions any more, since one does.
func (c *Chain) Settled(txs [][]byte) { c.verifier.forget(txs) }

// checkPlace judges whether a transaction may stand in a block of time nowMs behind
// those in seen.
func (c *Chain) checkPlace(tx *types.Tx, ids *IDWindow, seen map[crypto.Hash]struct{}, nowMs int64) error {
	if err := c.checkGenesis(&tx.Body); err != nil {
		return err
	}
	if err := checkWindow(&tx.Body, nowMs); err != nil {
		return err
	}
	if _, dup := seen[tx.ID()]; dup || ids.Has(tx.ID()) {
		return types.Errorf(types.CodeTxDuplicate, "transaction %s", tx.ID())
	}
	return nil
}

// Admit judges a transaction at ingress against the last committed state and the wall
// clock (Unix milliseconds). It finds early what execution would refuse, so that nothing
// of it reaches a block; it decides nothing that blocks depend on. HC-2108 means the
// sender is not known yet: try again after the next block.
func (c *Chain) Admit(st State, raw []byte, nowMs int64) (*types.Tx, error) {
	txs, errs := c.AdmitEach(st, [][]byte{raw}, nowMs)
	return txs[0], errs[0]
}

// AdmitEach is Admit of several transactions, whose signatures take less time together.
// None depends on another.
func (c *Chain) AdmitEach(st State, raws [][]byte, nowMs int64) ([]*types.Tx, []error) {
	txs, errs := types.DecodeEach(raws)
	keys, members := make([][]crypto.PublicKey, len(raws)), make([][]*Member, len(raws))
	for i, tx := range txs {
		if errs[i] != nil {
			continue
		}
		if keys[i], members[i], errs[i] = c.arrived(st, tx, nowMs); errs[i] != nil {
			txs[i] = nil
		}
	}
	good := c.verifier.verifyEach(txs, keys)
	f, err := c.foresight(st, nowMs)
	for i, tx := range txs {
		switch {
		case errs[i] != nil:
		case !good[i]:
			txs[i], errs[i] = nil, types.Errorf(types.CodeBadSignature, "transaction %s", tx.ID())
		case err != nil:
			errs[i] = err
		default:
			errs[i] = f.foresee(tx, members[i])
		}
	}
	return txs, errs
}

// arrived judges where a transaction at ingress belongs, and finds the keys that its
// signatures must hold under, and whose they are.
func (c *Chain) arrived(st State, tx *types.Tx, nowMs int64) ([]crypto.PublicKey, []*Member, error) {
	if err := c.checkGenesis(&tx.Body); err != nil {
		return nil, nil, err
	}
	if err := checkWindow(&tx.Body, nowMs); err != nil {
		return nil, nil, err
	}
	book := keyBook{c: c, st: st}
	book.learn(tx)
	n := 1 + len(tx.Body.Cosigners)
	return book.keys(tx, make([]crypto.PublicKey, 0, n), make([]*Member, 0, n))
}

// foresight tells what execution would refuse by the state of now.
type foresight struct {
	c     *Chain
	o     *overlay
	scope blockScope
	room  [1]host.Caller
}

func (c *Chain) foresight(st State, nowMs int64) (*foresight, error) {
	params, _, err := c.Params(st)
	return &foresight{c: c, o: newOverlay(st), scope: blockScope{timeNs: nowMs * int64(time.Millisecond), params: params}}, err
}

// foresee refuses what execution would refuse.
func (f *foresight) foresee(tx *types.Tx, members []*Member) error {
	defer f.o.revert(0) // what its certificate would change
	signers, err := f.c.signers(f.o, tx, members, &f.scope, 0, f.room[:0])
	if err != nil {
		return err
	}
	if _, err := f.c.gasFor(tx, f.scope.params); err != nil {
		return err
	}
	if err := f.c.foreseeRules(f.o, tx, &f.scope, signers); err != nil {
		return err
	}
	if n, ok := natives[tx.Body.Contract]; ok {
		return n.find(tx.Body.Method, true)
	}
	_, _, err = f.c.target(f.o, tx.Body.Contract, tx.Body.Method, signers)
	return err
}

// foreseeRules refuses whom the blacklist stops and what is forbidden outright. Rules
// with a condition are left to the block: their hits belong on record.
func (c *Chain) foreseeRules(o *overlay, tx *types.Tx, b *blockScope, signers []host.Caller) error {
	sup, err := c.supervision(o, &b.params)
	if err != nil || sup == nil {
		return err
	}
	var fatal error
	s := &callScope{c: c, o: o, block: b, signers: signers, sup: sup, fatal: &fatal}
	if err := s.checkBlacklist(tx.Body.Contract); err != nil || sup.exempt(tx.Body.Contract) {
		return err
	}
	if r := sup.set.Forbidden(c.genesis.Chain, tx.Body.Contract, tx.Body.Method); r != nil {
		return refusal(&policy.Hit{Rule: r})
	}
	return nil
}
