package state

import (
	"encoding/binary"
	"math/bits"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
)

// CheckRows reads all state rows and all leaf rows and checks that they belong together
// one to one. It finds rows that were altered, added, removed or renamed: HC-4101.
//
// Both sides are summed up as leaf hashes modulo 2^128, so that each is read once and in
// order; only where the sums differ are the rows compared one by one, to name one.
func (s *Store) CheckRows() error {
	var rows, leaves hashSum
	err := eachPrefix(s.db, PrefixRow, func(key, value []byte) error {
		if _, err := DecodeRow(value); err != nil {
			return err
		}
		rows.add(proof.StateLeaf(RowKeyHash(key), crypto.Sum(value)))
		return nil
	})
	if err != nil {
		return err
	}
	err = eachPrefix(s.db, PrefixLeaf, func(key, value []byte) error {
		l, err := DecodeLeaf(key, value)
		leaves.add(proof.StateLeaf(l.Key, l.Value))
		return err
	})
	if err != nil || rows == leaves {
		return err
	}
	err = eachPrefix(s.db, PrefixRow, func(key, value []byte) error { return checkRow(s.db, key, value, true) })
	if err != nil {
		return err
	}
	return Corrupt("%d state rows stand against %d leaves", rows.n, leaves.n)
}

// hashSum is a sum of hashes that does not depend on their order.
type hashSum struct {
	n      uint64
	hi, lo uint64
}

func (s *hashSum) add(h crypto.Hash) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, binary.BigEndian.Uint64(h[8:]), 0)
	s.hi, _ = bits.Add64(s.hi, binary.BigEndian.Uint64(h[:]), carry)
	s.n++
}
