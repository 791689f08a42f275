package chain

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Misbehaviour is what a block proves against a validator: evidence that CometBFT verified
// before anyone voted for the block.
type Misbehaviour struct {
	Kind    string           // EvidenceDoubleVote or EvidenceLightAttack
	Height  uint64           // at which it happened
	Time    int64            // of that height, Unix nanoseconds
	Address []byte           // what CometBFT calls the validator
	Power   int64            // at that height
	Key     crypto.PublicKey // SM2 key, of a validator that still is one; else zero
}

// Kinds of evidence.
const (
	EvidenceDoubleVote  = "doubleVote"  // two votes for different blocks in one round
	EvidenceLightAttack = "lightAttack" // a header signed that the chain does not have
)

// Evidence is the row evidence/<height, 20 digits>/<address>: it stands until the end of the
// chain, whatever becomes of the validator.
type Evidence struct {
	ID       string            `json:"id"` // <height>/<address>
	Kind     string            `json:"kind"`
	Height   uint64            `json:"height"`
	TimeNs   int64             `json:"timeNs"`
	Address  string            `json:"address"` // upper-case hexadecimal
	Power    int64             `json:"power"`
	Recorded uint64            `json:"recorded"`      // height of the block that holds it
	Org      string            `json:"org,omitempty"` // the node, if it was a validator when this was recorded
	Name     string            `json:"name,omitempty"`
	Key      *crypto.PublicKey `json:"key,omitempty"`
}

const (
	evidencePrefix   = "evidence/"
	evidenceEnd      = "evidence0"
	maxEvidencePage  = 100
	evidenceIDFormat = "%d/%s"
)

func evidenceKey(height uint64, address string) []byte {
	return fmt.Appendf(nil, "%s%020d/%s", evidencePrefix, height, address)
}

// parseEvidenceID reads an id.
func parseEvidenceID(id string) (key []byte, err error) {
	h, address, _ := strings.Cut(id, "/")
	height, err := strconv.ParseUint(h, 10, 62)
	raw, herr := hex.DecodeString(address)
	if err != nil || herr != nil || len(raw) != 20 || address != strings.ToUpper(address) || strconv.FormatUint(height, 10) != h {
		return nil, types.Errorf(types.CodeBadArguments, "%q is no id of evidence, which is height/address", id)
	}
	return evidenceKey(height, address), nil
}

// keepEvidence writes the rows of what the block proves, behind its transactions.
func (x *execution) keepEvidence(blk *BlockInput) error {
	for i := range blk.Misbehaviour {
		m := &blk.Misbehaviour[i]
		e := Evidence{Kind: m.Kind, Height: m.Height, TimeNs: m.Time, Address: fmt.Sprintf("%X", m.Address), Power: m.Power, Recorded: blk.Height}
		e.ID = fmt.Sprintf(evidenceIDFormat, e.Height, e.Address)
		if m.Key != (crypto.PublicKey{}) {
			e.Key = &m.Key
			nodes, err := validatorRows(x.o)
			if err != nil {
				return err
			}
			for _, v := range nodes {
				if v.Key == m.Key {
					e.Org, e.Name = v.Org, v.Name
				}
			}
		}
		if err := putJSON(x.o, NSGovernance, evidenceKey(e.Height, e.Address), &e, uint32(max(len(blk.Txs), 1)-1)); err != nil {
			return err
		}
	}
	return nil
}

// listEvidence lists evidence in order of height.
func (s *callScope) listEvidence(args []byte) (any, error) {
	in := struct {
		After string `json:"after"` // an id
		Limit int    `json:"limit"`
	}{Limit: maxEvidencePage}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	if in.Limit < 1 || in.Limit > maxEvidencePage {
		return nil, types.Errorf(types.CodeBadArguments, "limit: 1 to %d", maxEvidencePage)
	}
	from := []byte(evidencePrefix)
	if in.After != "" {
		key, err := parseEvidenceID(in.After)
		if err != nil {
			return nil, err
		}
		from = append(key, 0)
	}
	items := []Evidence{}
	var next *string
	var bad error
	err := s.o.Scan(NSGovernance, from, []byte(evidenceEnd), func(_, value []byte) bool {
		if len(items) == in.Limit {
			next = &items[len(items)-1].ID
			return false
		}
		var e Evidence
		if bad = decodeStrict(value, &e); bad != nil {
			return false
		}
		items = append(items, e)
		return true
	})
	if err == nil && bad != nil {
		err = errCorrupt("evidence row", bad)
	}
	return map[string]any{"items": items, "next": next}, err
}

// checkEvidence refuses evidence that the chain does not hold, or holds of another node.
func (s *callScope) checkEvidence(id, org, name string) error {
	key, err := parseEvidenceID(id)
	if err != nil {
		return err
	}
	var e Evidence
	found, err := getJSON(s.o, NSGovernance, key, &e)
	switch {
	case err != nil:
		return err
	case !found:
		return types.Errorf(types.CodeNotFound, "evidence %s", id)
	case e.Org != org || e.Name != name:
		return types.Errorf(types.CodeValidatorRefused, "evidence %s is against %q, not %s/%s", id, strings.Trim(e.Org+"/"+e.Name, "/"), org, name)
	}
	return nil
}
