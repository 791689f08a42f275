package block

import (
	"encoding/binary"

	"github.com/huchain/huchain/ledger/state"
)

// EpochStart is the lowest height of the epoch that a height lies in.
func EpochStart(height uint64) uint64 { return height >> EpochBits << EpochBits }

// Prune removes the epochs below the one that a height lies in, with all their indexes.
func (s *Store) Prune(height uint64) error {
	b := s.db.Batch()
	b.DeleteRange([]byte{0, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, uint32(height>>EpochBits)))
	return state.ReadError(b.Commit(true))
}
