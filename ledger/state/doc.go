// Package state keeps the state of a chain as rows under one authenticated tree, so that
// what every key holds, or that it holds nothing, can be proven against one hash.
//
// The tree is a compact binary sparse Merkle tree over key hashes (see ledger/proof for
// the hashes). In memory it is a binary trie of inner nodes that ends in pages of at most
// pageLeaves leaves, of which it holds hash and number. The leaves of a page come from a
// cache of bounded size, or from their rows, and are then checked against its hash. Pages
// split where they grow, so that the cost of an update depends neither on the number of
// keys nor on keys ground to fall into one place, and the root depends on contents alone.
// Leaves are never removed: deletion leaves a tombstone.
//
// A large change is worked out on all processors, each with subtrees of its own, and
// hashed level by level, eight nodes at a time.
//
// Trees are persistent: a Change holds new nodes that refer to old ones, and only Commit
// adds them to the tree. The roots of the last heights stay in a ring for proofs.
//
// # Rows
//
// Integers are big-endian; crc is CRC-32C over key ‖ value without the crc.
//
//	's' ‖ u8 len(ns) ‖ ns ‖ key → 0x02 ‖ u64 height ‖ u32 txIndex ‖ value     state row
//	                              0x03 ‖ u64 height ‖ u32 txIndex             its tombstone
//	'L' ‖ kh → vh ‖ u64 height ‖ u32 txIndex ‖ u32 crc                        leaf row
//	'T' ‖ u32 number → part of the tree as Checkpoint kept it ‖ u32 crc
//	'T' → its root ‖ u64 leaves ‖ u32 number of parts ‖ u32 crc
//
// SM3 of a state row's key without its first byte is kh, SM3 of its value is vh. The leaf
// row repeats height and txIndex, so that a block's write set can name the previous
// writing of a key without reading the row; the crc covers what the tree does not hash.
package state
