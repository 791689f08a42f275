//go:build invariants

package engine

// invariants makes every reset compare memory with the snapshot by hash.
const invariants = true
