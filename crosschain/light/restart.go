package light

import (
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// HoldAgainst refuses a dossier that rests on a block which the chain's validators gave up
// when they restarted it (HC-4205). By certificates alone such a block looks like any other.
// It is above the act's height and older than the act, since the first block after a restart
// bears the act's time. signatures are those of the act, by key: HC-5107 unless they hold and
// are of more than two thirds of a set that the anchor or the dossier names, so verify the
// dossier first.
func (d *Dossier) HoldAgainst(anchor *Trusted, r *types.Restart, signatures map[crypto.PublicKey][]byte) error {
	if r.Genesis != anchor.Genesis {
		return types.Errorf(types.CodeRestartRefused, "it is of the chain with genesis %s, not %s", r.Genesis, anchor.Genesis)
	}
	sets := []types.ValidatorSet{anchor.Next}
	for _, l := range d.Links {
		sets = append(sets, l.Signers)
	}
	for _, p := range d.Proofs {
		sets = append(sets, p.Signers)
	}
	if !actedBy(sets, r.SignBytes(), signatures) {
		return types.Errorf(types.CodeRestartRefused, "no set of validators on the way to the proof signed it by more than two thirds")
	}
	if err := givenUp(r, anchor.Height, anchor.Time); err != nil {
		return err
	}
	for _, l := range d.Links {
		if err := givenUp(r, l.Header.Height, l.Header.Time); err != nil {
			return err
		}
	}
	for _, p := range d.Proofs {
		if err := givenUp(r, p.Header.Height, p.Header.Time); err != nil {
			return err
		}
	}
	return nil
}

func actedBy(sets []types.ValidatorSet, message []byte, signatures map[crypto.PublicKey][]byte) bool {
	holds := map[crypto.PublicKey]bool{}
	for _, set := range sets {
		var power int64
		for i := range set {
			k := set[i].Key
			sig, signed := signatures[k]
			if _, known := holds[k]; signed && !known {
				holds[k] = k.Verify(message, sig)
			}
			if holds[k] {
				power += set[i].Power
			}
		}
		if len(set) > 0 && power*3 > set.Power()*2 {
			return true
		}
	}
	return false
}

func givenUp(r *types.Restart, height uint64, timeNs int64) error {
	if height > r.Height && timeNs < r.Time {
		return types.Errorf(types.CodeBlockGivenUp, "block %d; the chain was restarted above block %d", height, r.Height)
	}
	return nil
}
