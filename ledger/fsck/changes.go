package fsck

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/huchain/huchain/types"
)

// setChanges verifies the certificates under which the validator set changed.
func (c *checker) setChanges() error {
	var heights []uint64
	for h := range c.changes {
		heights = append(heights, h)
	}
	slices.Sort(heights)
	for _, h := range heights {
		if err := c.setChange(h, c.changes[h]); err != nil {
			if err := c.found(at(h), "change of validators: %v", err); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *checker) setChange(height uint64, body []byte) error {
	if len(body) < 2 || len(body)-2 < int(binary.BigEndian.Uint16(body)) {
		return errors.New("malformed")
	}
	n := 2 + int(binary.BigEndian.Uint16(body))
	header, err := types.DecodeHeader(body[2:n])
	if err != nil {
		return err
	}
	cert, err := types.DecodeFinalityCertificate(body[n:])
	if err != nil {
		return err
	}
	if header.Height != height || header.Genesis != c.r.Genesis || c.sets[header.NextSigners] == nil {
		return errors.New("it is of another height or chain, or its next validators are missing")
	}
	return cert.Verify(&header, c.sets[header.Signers])
}
