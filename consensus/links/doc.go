// Package links connects a node with the peers of one chain: CometBFT's reactors run over
// a Switch, whose connections are TCP with TLCP and yamux by go-libp2p.
//
// In clear a connection carries the constant names of its protocols alone
// (/multistream/1.0.0, /tlcp/1.0.0), then TLCP records. Both sides show certificates; who
// may link is judged inside the TLCP handshake. The chain is named only inside, in the
// hello that opens the one stream of a connection, and a peer of another chain hears
// nothing but that name. On the stream runs CometBFT's MConnection.
//
// A peer is known by its member id org/name, so keys and addresses may change under it.
package links
