// Package sdf signs with keys that never leave a cryptographic device, through the
// interface of GM/T 0018 (SDF) that the device's maker gives as a shared library.
//
// A static binary loads no library, so this is in builds with the tag sdf alone; in others
// Open says so. No cgo is needed for it: the library is loaded with dlopen.
//
// Devices draw a fresh nonce at each signature, so that a Key is no deterministic
// crypto.Signer: what must give one signature for one message (consensus/signer.Headers)
// remembers it.
package sdf

import "errors"

// ErrNoSDF says that this build loads no libraries.
var ErrNoSDF = errors.New("this build has no SDF: build huchain with -tags sdf")
