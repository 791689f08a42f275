// Package proof makes and checks Merkle proofs about a chain: that a state row, a
// transaction, a receipt or an event belongs to a block, or that a key is absent from
// the state, up to a header signed by more than two thirds of the validators.
//
// It is pure: no storage, no network, no clock. All hashes are SM3 (GB/T 32905), all
// integers big-endian. docs/proofs.md fixes every byte.
//
// # Hashes
//
//	list leaf      SM3(0x00 ‖ item)                     item: 32 bytes, SM3 of what is listed
//	list inner     SM3(0x01 ‖ left ‖ right)             RFC 6962 shape; the empty list has the zero hash
//	key hash kh    SM3(u8 len(ns) ‖ ns ‖ key)
//	value hash vh  SM3(0x02 ‖ u64 height ‖ u32 txIndex ‖ value), of a deleted key SM3(0x03 ‖ u64 height ‖ u32 txIndex)
//	state leaf     SM3(0x00 ‖ kh ‖ vh)
//	state inner    SM3(0x01 ‖ left ‖ right)             an empty subtree is 32 zero bytes, a subtree of one leaf is that leaf
//	content leaf   SM3(0x00 ‖ u8 position ‖ data)       see Content
//	content inner  SM3(0x01 ‖ left ‖ right)
package proof
