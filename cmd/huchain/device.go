package main

import (
	"github.com/spf13/cobra"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/crypto/sdf"
	"github.com/huchain/huchain/types"
)

// device names a validator's key in a cryptographic device.
type device struct {
	library, pinFile string
	index            uint32
}

// flags adds the flags that name the key; what says what it signs.
func (d *device) flags(c *cobra.Command, what string) {
	f := c.Flags()
	f.StringVar(&d.library, "sdf", "", "sign "+what+" in a device, by this library of GM/T 0018 (builds with -tags sdf), in place of validator.key")
	f.Uint32Var(&d.index, "sdf-key", 1, "number of the key in the device")
	f.StringVar(&d.pinFile, "sdf-pin-file", "", "file that holds the key's PIN")
}

// open opens the key: nil if no device is named, HC-6104 if it cannot be used.
func (d *device) open() (crypto.Signer, error) {
	if d.library == "" {
		return nil, nil
	}
	pin, err := keystore.ReadPassphrase(d.pinFile)
	if err != nil {
		return nil, err
	}
	key, err := sdf.Open(d.library, d.index, pin)
	if err != nil {
		return nil, types.Errorf(types.CodeSigner, "%w", err)
	}
	return key, nil
}
