// Package types defines what nodes, clients and light clients exchange and hash:
// transactions, receipts, events, headers, validator sets, finality certificates,
// addresses, member ids and error codes, each with its canonical encoding.
//
// # Encoding
//
// Every message is Protocol Buffers (types/huchain.proto) in one canonical form:
// fields in ascending order, shortest varints, default values left out, repeated
// fields unpacked, no unknown fields. Decoders accept that form alone, so equal
// messages have equal bytes and a decoded message encodes to what it was read from.
// All sizes are bounded before anything is allocated.
package types
