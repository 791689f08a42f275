package ledger

import (
	"encoding/binary"

	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// SetChange is a height whose header names another set for the height after the next than
// for the next: what leads trust from one validator set to another. These are kept
// whatever history is given up.
type SetChange struct {
	Header      types.Header
	Certificate types.FinalityCertificate
	Signers     types.ValidatorSet // who signed it
	Next        types.ValidatorSet // who votes from two heights later on
}

// certifiedChange is the change of the height a certificate is for; nil if there is none.
func (l *Ledger) certifiedChange(cert *types.FinalityCertificate) (*SetChange, error) {
	if cert == nil || cert.Height == 0 {
		return nil, nil
	}
	_, changed, err := l.sealed(heightKey(prefixSigners, cert.Height))
	if err != nil || !changed {
		return nil, err
	}
	h, err := l.Header(cert.Height)
	return &SetChange{Header: h, Certificate: *cert}, err
}

// write adds the row of a change. Its 'S' row and sets were written with its block.
func (c *SetChange) write(b driver.Batch) {
	h := c.Header.Encode()
	body := append(binary.BigEndian.AppendUint16(nil, uint16(len(h))), h...)
	setSealed(b, heightKey(prefixChange, c.Header.Height), append(body, c.Certificate.Encode()...))
}

// SetChanges returns the changes of the validator set up to a height, ascending. Those of
// the last heights are there once their certificates are.
func (l *Ledger) SetChanges(to uint64) ([]SetChange, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	var out []SetChange
	err := state.EachRow(l.db, []byte{prefixChange}, heightKey(prefixChange, to+1), func(key, row []byte) error {
		body, err := state.Unseal(key, row)
		if err != nil {
			return err
		}
		c, err := decodeChange(body)
		if err != nil {
			return err
		}
		if c.Signers, err = l.namedSet(c.Header.Signers); err != nil {
			return err
		}
		c.Next, err = l.namedSet(c.Header.NextSigners)
		out = append(out, c)
		return err
	})
	return out, err
}

func decodeChange(body []byte) (c SetChange, err error) {
	if len(body) < 2 || len(body)-2 < int(binary.BigEndian.Uint16(body)) {
		return c, state.Corrupt("malformed row of a change of validators")
	}
	n := 2 + int(binary.BigEndian.Uint16(body))
	if c.Header, err = types.DecodeHeader(body[2:n]); err == nil {
		c.Certificate, err = types.DecodeFinalityCertificate(body[n:])
	}
	if err != nil {
		return c, state.Corrupt("row of a change of validators: %w", err)
	}
	return c, nil
}
