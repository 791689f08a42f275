// Package state is a contract's typed storage: Item, Map and Index, declared once as
// package variables, read through any call and written through a *contract.Ctx.
//
// # Layout
//
// A contract's rows live in a namespace of its own, named like the contract. Values
// are JSON. Keys, at most 256 bytes, are
//
//	Item   name
//	Map    name ‖ "/" ‖ key
//	Index  name ‖ "/" ‖ partition ‖ 0x00 ‖ key      (value 1)
//
// where a key is text whose byte order is the order of its type: strings, members and
// organisations as they are; hashes and addresses as lower-case hex; unsigned integers
// as 16 (uint32: 8) hex digits; signed ones likewise, offset so that the smallest is
// zero; times as RFC 3339. The parts of a Pair, and an index's partition, end with
// 0x00; a 0x00 within them is written 0x00 0xFF.
package state
