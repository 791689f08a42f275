// Package light is the light client of a HuChain chain: from a genesis file or a header
// that somebody trusts, it follows finality certificates to any later header, without
// the blocks between and without a node.
//
// It rests on two facts. More than two thirds of signers(H) must sign header H, and
// honest validators sign decided headers alone. So a header is good if its own signers
// attest it, and if these signers are the set the trusted header before it names
// (nextSigners), or if validators with more than a third of that set's power are among
// those who signed: at least one of them is then honest, as long as faulty validators
// have at most a third of the power of the trusted set.
//
// That holds while the validators of the trusted set can still be held to account.
// Trust therefore has a horizon: Trusted.Age says how old an anchor is, and whoever
// shows a result must show it too. A key that left the set long ago may have leaked
// since; start from a younger header where it matters.
//
// The package has no clock, network or disk. Values are not changed once made, so they
// may be used from several goroutines.
package light
