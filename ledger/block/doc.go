// Package block keeps the history of a chain: transactions, receipts, events, write sets,
// headers and finality certificates of every block, with indexes by header hash,
// transaction id, sender, contract, event and key.
//
// # Rows
//
// Integers are big-endian. Every key but the tip's begins with u32 epoch = height >> 17,
// so that old history is dropped by deleting one range per epoch. A sealed value ends in
// the CRC-32C of key ‖ value (see state.Seal); what is not sealed is checked against the
// block's content root when it is served.
//
//	epoch ‖ 'h' ‖ u64 height                   → u16 len ‖ header ‖ content, sealed (genesis has no header)
//	epoch ‖ 'b' ‖ u64 height ‖ u32 number      → section: transactions, receipts, events, changes
//	epoch ‖ 'd' ‖ u64 height                   → directory of the sections, if there are several, sealed
//	epoch ‖ 'F' ‖ u64 height                   → finality certificate of that height, sealed
//	epoch ‖ 'L' ‖ u64 height                   → CometBFT's commit that this block carries, in protobuf, sealed;
//	                                             written with the next block
//	epoch ‖ 'i' ‖ first 16 bytes of a transaction id → uvarint height ‖ uvarint position
//	epoch ‖ 'H' ‖ first 16 bytes of a header's hash  → uvarint height ‖ uvarint 0
//	epoch ‖ 's' ‖ address ‖ u64 height                               → positions of transactions
//	epoch ‖ 'c' ‖ u8 len ‖ contract ‖ u64 height                     → positions of transactions
//	epoch ‖ 'v' ‖ u8 len ‖ contract ‖ u64 height                     → positions of events
//	epoch ‖ 'n' ‖ u8 len ‖ contract ‖ u8 len ‖ event name ‖ u64 height → positions of events
//	epoch ‖ 'k' ‖ u8 len ‖ namespace ‖ u16 len ‖ key ‖ u64 height    → position of a transaction
//	0xff ‖ "tip"                               → u64 height, sealed
//
// A section is u8 1 ‖ S2 block, sealed, or in ledgers of format 4 and before a zstd frame, of 64 to 256 KiB
// of items, each u8 kind ‖ uvarint length ‖ bytes:
// transaction by transaction what it did, so that a value that stands in a transaction, its
// receipt, its event and its row is stored about once. The first item of a block says which
// optional indexes it has rows in. The directory holds, for each section and for each of
// transactions, receipts and events, uvarint count ‖ nodes (proof.RunNodes): what leads from
// the items of one section to the block's root over them. Positions are uvarint differences, less one, from the
// position before, the first from -1: an index has one row per block and subject.
package block
