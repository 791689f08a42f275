// Package archive keeps the history of a chain in segments: files of SegmentBlocks blocks
// that are small, encrypted and provable, and from which every record can be read with one
// ranged read per part.
//
// A record is what every validator has of one block. Its hash binds the block's header,
// and through the header's content root the transactions, receipts, events and writes, and
// the commit of the block before, as the block carries it. The hashes of all records form
// a Merkle mountain range (Peaks) whose root is the list root of package proof; a segment
// is an aligned subtree of it, so that its root proves a segment, whoever stored it and
// however it was compressed or encrypted.
//
// The file format is written down byte for byte in docs/archive-format.md.
package archive

import "github.com/huchain/huchain/ledger/state"

const (
	// SegmentBlocks is the number of blocks in a segment. Segment n holds the heights
	// n·SegmentBlocks+1 … (n+1)·SegmentBlocks.
	SegmentBlocks = 1 << segmentLevel
	segmentLevel  = 10

	// PageBytes is the size of a page of plaintext; the last page is shorter.
	PageBytes = 256 << 10
	// MaxPartBytes bounds one part of a record.
	MaxPartBytes = 1 << 30
)

// Segment returns the number of the segment that holds a height, which is at least 1.
func Segment(height uint64) uint64 { return (height - 1) / SegmentBlocks }

// First is the first height of a segment.
func First(segment uint64) uint64 { return segment*SegmentBlocks + 1 }

// damaged names what is wrong with a stored segment: HC-4101.
func damaged(format string, args ...any) error { return state.Corrupt("archive: "+format, args...) }
