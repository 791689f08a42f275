//go:build !sdf

package sdf

import "github.com/huchain/huchain/crypto"

// Open returns ErrNoSDF.
func Open(library string, index uint32, pin []byte) (crypto.Signer, error) { return nil, ErrNoSDF }
