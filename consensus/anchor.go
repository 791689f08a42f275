package consensus

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sort"

	cmtstate "github.com/cometbft/cometbft/proto/tendermint/state"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	sm "github.com/cometbft/cometbft/state"
	cmtstore "github.com/cometbft/cometbft/store"
	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/cometbft/cometbft/version"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/types"
)

// anchor makes the header of a snapshot trusted to whoever holds the genesis file: the
// next header names its hash and is signed by the chain's validators. Beside that it
// holds what CometBFT's state at the snapshot's height is made of, all of which follows
// from the two headers' CometHash.
//
// Its form is types.EncodeList of items: header and finality certificate of height+1;
// CometBFT's headers of height and height+1 and its commit of height, in CometBFT's
// protobuf; u64 greatest size of a block from height+1 on; the peaks over the records of
// blocks up to height, whose root the next header names; then header, certificate and next
// validator set of every change of the set up to height. Certificates and commit are those
// that blocks hold, so that every node makes the same bytes.
//
// Trust comes from the founding validators and follows each change, signed by more than
// two thirds of the set before it. That no change is left out is not proven where a set
// came back: such an anchor would give the right sets and wrong turns to propose, on the
// node that believed it, and nothing worse.
type anchor struct {
	next          types.Header
	cert          types.FinalityCertificate
	comet         [2]*cmttypes.Header // of height and height+1
	commit        *cmttypes.Commit    // of height
	maxBlockBytes int64
	records       archive.Peaks      // up to height
	changes       []ledger.SetChange // without Signers until followed
	founders      types.ValidatorSet // nil until followed
}

// fixedItems is the number of items in front of the changes.
const fixedItems = 7

// anchorLag is how many blocks above a snapshot must be there to anchor it: the
// certificate of the next header stands two blocks above that.
const anchorLag = 1 + certificateLag

// maxAnchorBytes bounds an encoded anchor, which travels with the manifest. A change takes
// 1 KB with four validators, 24 KB with 128.
const maxAnchorBytes = 900 << 10

// makeAnchor makes the anchor of a height; nil while the blocks it needs are not there.
func makeAnchor(l Ledger, states sm.Store, blocks *cmtstore.BlockStore, height uint64) (*anchor, error) {
	if l.Height() < height+anchorLag || blocks.Base() > int64(height) {
		return nil, nil
	}
	carrier := blocks.LoadBlock(int64(height + anchorLag))
	first, second := blocks.LoadBlockMeta(int64(height)), blocks.LoadBlockMeta(int64(height+1))
	commit := blocks.LoadBlockCommit(int64(height))
	if carrier == nil || first == nil || second == nil || commit == nil || len(carrier.Txs) == 0 {
		return nil, nil
	}
	a := &anchor{comet: [2]*cmttypes.Header{&first.Header, &second.Header}, commit: commit}
	cert, err := decodeCertificateFrame(carrier.Txs[0])
	if err != nil {
		return nil, err
	}
	a.cert = *cert
	if a.next, err = l.Header(height + 1); err != nil {
		return nil, err
	}
	params, err := states.LoadConsensusParams(int64(height + 1))
	if err != nil {
		return nil, fmt.Errorf("consensus parameters of height %d: %w", height+1, err)
	}
	a.maxBlockBytes = params.Block.MaxBytes
	if a.records, err = l.Records(height); err != nil {
		return nil, err
	}
	a.changes, err = l.SetChanges(height)
	return a, err
}

func (a *anchor) encode() ([]byte, error) {
	items := [][]byte{a.next.Encode(), a.cert.Encode()}
	for _, h := range a.comet {
		b, err := h.ToProto().Marshal()
		if err != nil {
			return nil, err
		}
		items = append(items, b)
	}
	b, err := a.commit.ToProto().Marshal()
	if err != nil {
		return nil, err
	}
	items = append(items, b, binary.BigEndian.AppendUint64(nil, uint64(a.maxBlockBytes)), a.records.Encode())
	for i := range a.changes {
		c := &a.changes[i]
		items = append(items, c.Header.Encode(), c.Certificate.Encode(), c.Next.Encode())
	}
	out := types.EncodeList(items)
	if len(out) > maxAnchorBytes {
		return nil, types.Errorf(types.CodeLimitExceeded, "anchor of %d bytes, at most %d: the validators changed too often", len(out), maxAnchorBytes)
	}
	return out, nil
}

// decodeAnchor reads an anchor, unverified. The error is HC-4301.
func decodeAnchor(in []byte) (*anchor, error) {
	a, err := parseAnchor(in)
	if err != nil {
		return nil, types.Errorf(types.CodeSnapshotInvalid, "anchor: %w", err)
	}
	return a, nil
}

func parseAnchor(in []byte) (a *anchor, err error) {
	if len(in) > maxAnchorBytes {
		return nil, fmt.Errorf("%d bytes, at most %d", len(in), maxAnchorBytes)
	}
	items, err := types.DecodeList(in, 1<<14)
	if err != nil {
		return nil, err
	}
	if len(items) < fixedItems || (len(items)-fixedItems)%3 != 0 || len(items[5]) != 8 {
		return nil, errors.New("malformed")
	}
	a = &anchor{}
	if a.next, err = types.DecodeHeader(items[0]); err != nil {
		return nil, err
	}
	if a.cert, err = types.DecodeFinalityCertificate(items[1]); err != nil {
		return nil, err
	}
	for i := range a.comet {
		var p cmtproto.Header
		if err := p.Unmarshal(items[2+i]); err != nil {
			return nil, err
		}
		h, err := cmttypes.HeaderFromProto(&p)
		if err != nil {
			return nil, err
		}
		a.comet[i] = &h
	}
	var p cmtproto.Commit
	if err := p.Unmarshal(items[4]); err != nil {
		return nil, err
	}
	if a.commit, err = cmttypes.CommitFromProto(&p); err != nil {
		return nil, err
	}
	a.maxBlockBytes = int64(binary.BigEndian.Uint64(items[5]))
	if a.records, err = archive.DecodePeaks(items[6]); err != nil {
		return nil, err
	}
	if err := a.parseChanges(items[fixedItems:]); err != nil {
		return nil, err
	}
	// Protobuf has several forms of one content; an anchor has one.
	if canonical, err := a.encode(); err != nil || !bytes.Equal(canonical, in) {
		return nil, errors.Join(errors.New("not in its canonical form"), err)
	}
	return a, nil
}

func (a *anchor) parseChanges(items [][]byte) (err error) {
	for i := 0; i < len(items); i += 3 {
		var c ledger.SetChange
		if c.Header, err = types.DecodeHeader(items[i]); err != nil {
			return err
		}
		if c.Certificate, err = types.DecodeFinalityCertificate(items[i+1]); err != nil {
			return err
		}
		if c.Next, err = types.DecodeValidatorSet(items[i+2]); err != nil {
			return err
		}
		a.changes = append(a.changes, c)
	}
	return nil
}

// verify checks that h is a header of the chain that g founds. The error is HC-4301.
func (a *anchor) verify(o *origin, h *types.Header) error {
	if err := a.check(o, h); err != nil {
		return types.Errorf(types.CodeSnapshotInvalid, "anchor of height %d: %w", h.Height, err)
	}
	return nil
}

func (a *anchor) check(o *origin, h *types.Header) error {
	g := o.genesis
	signers, err := a.follow(g, h.Height)
	if err != nil {
		return err
	}
	set := signers.Hash()
	switch {
	case h.Genesis != g.Hash() || a.next.Genesis != g.Hash():
		return fmt.Errorf("it is of the chain with genesis %s, not %s", h.Genesis, g.Hash())
	case a.next.Height != h.Height+1 || a.next.Previous != h.Hash():
		return errors.New("the next header does not name it as its predecessor")
	case a.records.Count != h.Height || a.records.Root() != a.next.Archive:
		return errors.New("the peaks over the records are not those the next header names")
	case a.next.Signers != set || h.NextSigners != set:
		return errors.New("the changes of validators do not lead to those who sign the next header")
	}
	if err := a.cert.Verify(&a.next, signers); err != nil {
		return err
	}
	return a.checkComet(o, h)
}

// checkComet checks what hangs on the CometHash of the two headers, which stand.
func (a *anchor) checkComet(o *origin, h *types.Header) error {
	first, second := a.comet[0], a.comet[1]
	switch {
	case !bytes.Equal(second.Hash(), a.next.CometHash[:]) || !bytes.Equal(first.Hash(), h.CometHash[:]):
		return errors.New("CometBFT's headers are not those the headers name")
	case first.Height != int64(h.Height) || second.Height != first.Height+1 || first.ChainID != o.doc.ChainID:
		return errors.New("CometBFT's headers are of another height or chain")
	case !bytes.Equal(second.AppHash, h.Content[:]):
		return errors.New("CometBFT's next header holds another content root")
	case !bytes.Equal(second.LastCommitHash, a.commit.Hash()) || !second.LastBlockID.Equals(a.commit.BlockID) || a.commit.Height != first.Height:
		return errors.New("the commit is not the one CometBFT's next header names")
	}
	s, err := a.state(o)
	if err != nil {
		return err
	}
	switch {
	case !bytes.Equal(second.ConsensusHash, s.ConsensusParams.Hash()):
		return errors.New("CometBFT's parameters are not those of its next header")
	case !bytes.Equal(second.ValidatorsHash, s.Validators.Hash()) || !bytes.Equal(second.NextValidatorsHash, s.NextValidators.Hash()):
		return errors.New("CometBFT's validators are not those of its next header")
	}
	return s.LastValidators.VerifyCommit(o.doc.ChainID, a.commit.BlockID, a.commit.Height, a.commit)
}

// follow leads trust from the founding validators through the changes to the set that
// signs the header after a height, and fills in who signed each change.
func (a *anchor) follow(g *chain.Genesis, height uint64) (types.ValidatorSet, error) {
	set, err := g.ValidatorSet()
	if err != nil {
		return nil, err
	}
	last := uint64(0)
	a.founders = set
	for i := range a.changes {
		c := &a.changes[i]
		h := &c.Header
		switch {
		case h.Genesis != g.Hash() || h.Height <= last || h.Height > height:
			return nil, fmt.Errorf("change %d of validators is of another chain, or out of order", i)
		case h.Signers != set.Hash() || h.NextSigners != c.Next.Hash() || h.Signers == h.NextSigners:
			return nil, fmt.Errorf("change %d of validators, at height %d, does not follow the one before", i, h.Height)
		}
		if err := c.Certificate.Verify(h, set); err != nil {
			return nil, fmt.Errorf("change of validators at height %d: %w", h.Height, err)
		}
		c.Signers = set
		set, last = c.Next, h.Height
	}
	return set, nil
}

// state is CometBFT's state after the snapshot's block, of an anchor that was followed.
// Whose turn it is to propose follows from the sets and the number of blocks.
func (a *anchor) state(o *origin) (sm.State, error) {
	s, err := sm.MakeGenesisState(o.doc)
	if err != nil {
		return s, err
	}
	first, second := a.comet[0], a.comet[1]
	if err := a.turns(&s, o.restart, first.Height); err != nil {
		return s, err
	}
	s.ConsensusParams.Block.MaxBytes = a.maxBlockBytes
	s.Version = cmtstate.Version{Consensus: second.Version, Software: version.TMCoreSemVer}
	s.LastBlockHeight, s.LastBlockTime, s.LastBlockID = first.Height, first.Time, a.commit.BlockID
	s.AppHash, s.LastResultsHash = second.AppHash, second.LastResultsHash
	s.LastHeightValidatorsChanged = first.Height + 2
	s.LastHeightConsensusParamsChanged = second.Height
	return s, nil
}

// turns computes the sets that vote at a height and at the two after it, with everyone's
// priority to propose, as CometBFT does block by block from the genesis or a restart on.
func (a *anchor) turns(s *sm.State, r *types.Restart, height int64) error {
	last, now := s.Validators.Copy(), s.Validators.CopyIncrementProposerPriority(1)
	changes := a.changes
	if r != nil {
		var err error
		if last, now, changes, err = a.turnsAfter(r); err != nil {
			return err
		}
	}
	if height < s.InitialHeight {
		return fmt.Errorf("the chain was restarted above height %d", s.InitialHeight-1)
	}
	for k := s.InitialHeight; ; k++ { // last, now and next vote at k, k+1 and k+2; block k decides next
		next := now.Copy()
		if len(changes) > 0 && int64(changes[0].Header.Height) == k {
			updates, err := cmttypes.PB2TM.ValidatorUpdates(validatorUpdates(changes[0].Signers, changes[0].Next))
			if err == nil {
				err = next.UpdateWithChangeSet(updates)
			}
			if err != nil {
				return fmt.Errorf("change of validators at height %d: %w", k, err)
			}
			changes = changes[1:]
		}
		next.IncrementProposerPriority(1)
		if k == height {
			s.LastValidators, s.Validators, s.NextValidators = last, now, next
			return nil
		}
		last, now = now, next
	}
}

// turnsAfter are the sets that vote on the first and second block after a restart, and the
// changes above it.
func (a *anchor) turnsAfter(r *types.Restart) (first, second *cmttypes.ValidatorSet, later []ledger.SetChange, err error) {
	n := sort.Search(len(a.changes), func(i int) bool { return a.changes[i].Header.Height >= r.Height })
	later = a.changes[n:]
	var signers, next types.ValidatorSet
	switch {
	case n > 0:
		signers = a.changes[n-1].Next
	case len(later) > 0:
		signers = later[0].Signers
	default:
		signers = a.founders
	}
	next = signers
	if len(later) > 0 && later[0].Header.Height == r.Height {
		next, later = later[0].Next, later[1:]
	}
	first, second, err = firstTurns(signers, next)
	return first, second, later, err
}

// bootstrap writes the state under which a ledger was imported into empty stores.
// It is repeated if a crash interrupts it: nothing counts before the state is there.
func bootstrap(l Ledger, o *origin, states sm.Store, blocks *cmtstore.BlockStore) error {
	raw, found, err := l.Anchor()
	if err != nil || !found || l.Base() != l.Height()+1 {
		return err // what is missing here, replay will say
	}
	a, err := decodeAnchor(raw)
	if err != nil {
		return err
	}
	h, err := l.Header(l.Height())
	if err != nil {
		return err
	}
	if err := a.verify(o, &h); err != nil {
		return err
	}
	s, err := a.state(o)
	if err != nil {
		return err
	}
	if err := errors.Join(blocks.SaveSeenCommit(s.LastBlockHeight, a.commit), states.SetOfflineStateSyncHeight(s.LastBlockHeight), states.Bootstrap(s)); err != nil {
		return types.Errorf(types.CodeDiskFailure, "consensus stores: %w", err)
	}
	return nil
}

// CheckAnchor checks that an anchor, as a snapshot's folder holds it, makes h a header of
// the chain that g founds, and that r restarted, nil for nobody. It returns the changes of the validator set on the way,
// and the peaks over the records up to h. The error is HC-4301.
func CheckAnchor(g *chain.Genesis, r *types.Restart, raw []byte, h *types.Header) ([]ledger.SetChange, archive.Peaks, error) {
	if r != nil && h.Height <= r.Height {
		r = nil // a snapshot of before the restart
	}
	o, err := newOrigin(g, r)
	if err != nil {
		return nil, archive.Peaks{}, err
	}
	a, err := decodeAnchor(raw)
	if err != nil {
		return nil, archive.Peaks{}, err
	}
	return a.changes, a.records, a.verify(o, h)
}
