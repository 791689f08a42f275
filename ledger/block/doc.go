// Package block keeps the history of a chain: transactions, receipts, events, write sets,
// headers and finality certificates of every block, with indexes by transaction id,
// sender, contract and event.
//
// # Rows
//
// Integers are big-endian. Every key but the tip's begins with u32 epoch = height >> 17,
// so that old history is dropped by deleting one range per epoch. A sealed value ends in
// the CRC-32C of key ‖ value (see state.Seal); what is not sealed is checked against the
// block's content root when it is served.
//
//	epoch ‖ 'h' ‖ u64 height                   → u16 len ‖ header ‖ content, sealed (genesis has no header)
//	epoch ‖ 't' ‖ u64 height ‖ u32 first       → frame of transactions
//	epoch ‖ 'r' ‖ u64 height ‖ u32 first       → frame of receipts
//	epoch ‖ 'e' ‖ u64 height ‖ u32 first       → frame of events
//	epoch ‖ 'w' ‖ u64 height ‖ u32 first       → frame of changes (see Change)
//	epoch ‖ 'F' ‖ u64 height                   → finality certificate of that height, sealed
//	epoch ‖ 'i' ‖ transaction id               → u64 height ‖ u32 index
//	epoch ‖ 's' ‖ address ‖ u64 height ‖ u32 index                          → empty
//	epoch ‖ 'c' ‖ u8 len ‖ contract ‖ u64 height ‖ u32 index                → empty
//	epoch ‖ 'v' ‖ u8 len ‖ contract ‖ u64 height ‖ u32 event                → empty
//	epoch ‖ 'n' ‖ u8 len ‖ contract ‖ u8 len ‖ event name ‖ u64 height ‖ u32 event → empty
//	0xff ‖ "tip"                               → u64 height, sealed
//
// A frame is a list of items, each behind its length as a varint (types.EncodeList), of
// about FrameBytes; first is the position in the block of the frame's first item.
package block
