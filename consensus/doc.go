// Package consensus runs one chain among its validators: it joins chain (what a block
// means) and ledger (where its outcome is kept) to CometBFT, and is the only package
// that imports CometBFT.
//
// # Blocks
//
// CometBFT agrees on blocks of opaque entries, here called frames. A frame is either
// 0x01 ‖ types.EncodeList(transactions), about 64 KiB of whole transactions, or
// 0xC0 ‖ types.FinalityCertificate.Encode(). From height 3 on a block opens with the
// certificate for the height two below it; no block holds any other certificate. The first
// block after a restart opens with the act instead, 0xC1 ‖ types.Restart.Encode().
//
// # Transactions
//
// Transactions enter through Node.Submit or in carriers from peers, are verified once
// by a bounded pool of workers, and wait in the mempool until a block holds them. The
// origin alone sends them, to every peer. The mempool is in memory: a client that got
// no receipt submits again, and the id keeps it from happening twice.
//
// # Finality
//
// Votes are CometBFT's own, with ed25519 keys. Once a validator has committed height H
// it signs our header H with its SM2 key and sends the signature as the extension of
// its vote at H+1. More than two thirds of them are the finality certificate of H.
package consensus
