package block

import (
	"encoding/binary"

	"github.com/huchain/huchain/ledger/state"
)

// EpochStart is the lowest height of the epoch that a height lies in.
func EpochStart(height uint64) uint64 { return height >> EpochBits << EpochBits }

// Release removes sections and commits of the blocks from 1 on below a height.
func (s *Store) Release(height uint64) error {
	b := s.db.Batch()
	for e := uint64(0); e <= height>>EpochBits; e++ {
		for _, k := range []Kind{KindSection, KindCommit} {
			from, to := epochKey(e, k), epochKey(e, k+1)
			if e == 0 {
				from = key(1, k, u64(1))
			}
			if e == height>>EpochBits {
				to = key(height, k, u64(height))
			}
			b.DeleteRange(from, to)
		}
	}
	return state.ReadError(b.Commit(true))
}

// Prune removes the epochs below the one that a height lies in, with all their indexes.
func (s *Store) Prune(height uint64) error {
	b := s.db.Batch()
	b.DeleteRange([]byte{0, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, uint32(height>>EpochBits)))
	return state.ReadError(b.Commit(true))
}
