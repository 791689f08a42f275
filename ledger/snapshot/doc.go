// Package snapshot makes, keeps and restores snapshots of a ledger: the state of one
// height in chunks that are verified one by one, so that a node can begin there instead
// of replaying the chain.
//
// A snapshot is a manifest and numbered chunks. The manifest leads from the header of its
// height, which the reader MUST trust for a reason of its own (a finality certificate), to
// what each chunk must be: history chunks are blocks linked by hash from that header
// downwards, state chunks are the rows of one subtree of the state tree. Two honest nodes
// with the same Params make the same snapshot of a height, byte for byte, so its chunks
// may come from many. docs/snapshots.md gives the forms byte for byte.
package snapshot
