package client

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Trust is what a verifier starts from: a chain and its validators.
type Trust = proof.Trust

// TrustGenesis derives trust from a genesis file: its hash names the chain, and the
// founding validators in it sign headers for as long as the set has not changed.
func TrustGenesis(file []byte) (Trust, error) {
	var g struct {
		Validators []struct {
			Key     crypto.PublicKey `json:"key"`
			Ed25519 string           `json:"ed25519"`
			Power   int64            `json:"power"`
		} `json:"validators"`
	}
	if err := json.Unmarshal(file, &g); err != nil {
		return Trust{}, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	t := Trust{Genesis: crypto.Sum(file)}
	for _, v := range g.Validators {
		ed, err := hex.DecodeString(v.Ed25519)
		if err != nil || len(ed) != 32 {
			return Trust{}, types.Errorf(types.CodeGenesisInvalid, "validator's ed25519 key is not 64 hex digits")
		}
		t.Validators = append(t.Validators, types.Validator{Key: v.Key, Ed25519: [32]byte(ed), Power: v.Power})
	}
	sort.Slice(t.Validators, func(i, j int) bool {
		return bytes.Compare(t.Validators[i].Key[:], t.Validators[j].Key[:]) < 0
	})
	if err := t.Validators.Validate(); err != nil {
		return Trust{}, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	return t, nil
}

// Trust fetches the genesis file from the node, checks it against the genesis hash and
// derives trust from it. Without a pinned genesis hash the trust is the node's word.
func (c *Client) Trust(ctx context.Context) (Trust, error) {
	file, err := c.GenesisFile(ctx)
	if err != nil {
		return Trust{}, err
	}
	return TrustGenesis(file)
}

// Proven is a fact that a proof shows, after the proof was checked.
type Proven struct {
	Fact        string        `json:"fact"` // state, absence, tx, receipt, event
	Genesis     crypto.Hash   `json:"genesis"`
	Height      uint64        `json:"height"`
	Header      crypto.Hash   `json:"header"`
	Time        time.Time     `json:"time"`
	AgeSeconds  int64         `json:"ageSeconds"` // how long ago the block was made, by this machine's clock
	Signatures  int           `json:"signatures"`
	Validators  int           `json:"validators"`
	SizeBytes   int           `json:"sizeBytes"`
	NS          string        `json:"ns,omitempty"`
	Key         rest.Hex      `json:"key,omitempty"`
	Value       rest.Hex      `json:"value,omitempty"`
	WrittenAt   uint64        `json:"writtenAt,omitempty"` // height at which the value was written
	TxID        *crypto.Hash  `json:"txId,omitempty"`
	Index       uint64        `json:"index,omitempty"`
	Receipt     *rest.Receipt `json:"receipt,omitempty"`
	Event       *rest.Event   `json:"event,omitempty"`
	Transaction rest.Hex      `json:"-"`
}

// VerifyProof decodes a proof and checks everything it claims against t. It needs no
// node and no network. The error is HC-4201.
func VerifyProof(raw []byte, t Trust) (*Proven, error) {
	p, err := proof.Decode(raw)
	if err != nil {
		return nil, proofError(err)
	}
	if err := p.Verify(t); err != nil {
		return nil, err
	}
	out := &Proven{
		Genesis: p.Header.Genesis, Height: p.Header.Height, Header: p.Header.Hash(), Time: rest.Time(p.Header.Time),
		AgeSeconds: int64(time.Since(time.Unix(0, p.Header.Time)).Seconds()), Signatures: len(p.Certificate.Signatures),
		Validators: len(p.Signers), SizeBytes: len(raw),
	}
	switch {
	case p.State != nil:
		r := p.State.Proof.Result()
		out.Fact, out.NS, out.Key = "absence", p.State.NS, p.State.Key
		if r.Found {
			out.Fact, out.Value, out.WrittenAt = "state", r.Value, r.Height
		}
	case p.Tx != nil:
		tx, err := types.DecodeTx(p.Tx.Raw)
		if err != nil {
			return nil, types.Errorf(types.CodeProofInvalid, "the proven bytes are no transaction: %w", err)
		}
		id := tx.ID()
		out.Fact, out.TxID, out.Index, out.Transaction = "tx", &id, p.Tx.List.Index, p.Tx.Raw
	case p.Receipt != nil:
		r := rest.NewReceipt(&p.Receipt.Receipt)
		id := p.Receipt.Receipt.TxID
		out.Fact, out.TxID, out.Index, out.Receipt = "receipt", &id, p.Receipt.List.Index, &r
	default:
		e := &p.Event.Event
		out.Fact, out.Index = "event", p.Event.List.Index
		out.Event = &rest.Event{
			Height: p.Header.Height, TxIndex: e.TxIndex, Index: uint32(p.Event.List.Index), Contract: e.Contract,
			Name: e.Name, Data: rest.JSON(e.Data),
		}
	}
	return out, nil
}

// proofError makes err HC-4201, once.
func proofError(err error) error {
	if types.CodeOf(err) == types.CodeProofInvalid {
		return err
	}
	return types.Errorf(types.CodeProofInvalid, "%w", err)
}

// FormatProof returns the readable JSON form of a proof, for files and people.
func FormatProof(raw []byte) ([]byte, error) {
	p, err := proof.Decode(raw)
	if err != nil {
		return nil, proofError(err)
	}
	text, err := json.MarshalIndent(p, "", "  ")
	return append(text, '\n'), err
}

// ParseProof reads a proof from text: its JSON form, its hex digits, or an answer of the
// HTTP API that carries them in a field "proof".
func ParseProof(text []byte) ([]byte, error) {
	digits := strings.TrimSpace(string(text))
	if strings.HasPrefix(digits, "{") {
		var carrier struct {
			Format string
			Proof  string
			Answer struct{ Proof string }
		}
		if err := json.Unmarshal(text, &carrier); err != nil {
			return nil, proofError(err)
		}
		if carrier.Format != "" {
			var p proof.Proof
			if err := json.Unmarshal(text, &p); err != nil {
				return nil, proofError(err)
			}
			return p.Encode()
		}
		digits = carrier.Proof + carrier.Answer.Proof
	}
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) == 0 {
		return nil, types.Errorf(types.CodeProofInvalid, "the text holds no proof: JSON or hex digits are expected")
	}
	return raw, nil
}

// IsState checks that the proof is about the row that a node answered, and agrees.
func (v *Proven) IsState(st *rest.State) error {
	if v.Fact != "state" && v.Fact != "absence" || v.NS != st.NS || !bytes.Equal(v.Key, st.Key) {
		return types.Errorf(types.CodeProofInvalid, "the node's proof is about something else: %s", v)
	}
	if st.Found != (v.Fact == "state") || !bytes.Equal(v.Value, st.Value) {
		return types.Errorf(types.CodeProofInvalid, "the node's answer differs from what its proof shows")
	}
	return nil
}

// IsTx checks that the proof is about the transaction that a node answered.
func (v *Proven) IsTx(tx *rest.Tx) error {
	if v.Fact != "tx" || *v.TxID != tx.ID || v.Height != tx.Height || !bytes.Equal(v.Transaction, tx.Raw) {
		return types.Errorf(types.CodeProofInvalid, "the node's answer differs from what its proof shows")
	}
	return nil
}

// String names the fact.
func (v *Proven) String() string {
	switch v.Fact {
	case "state", "absence":
		key := rest.Printable(v.Key)
		if key == "" {
			key = "0x" + v.Key.String()
		}
		return fmt.Sprintf("%s of %s %s", v.Fact, v.NS, key)
	case "tx", "receipt":
		return fmt.Sprintf("%s %s", v.Fact, v.TxID)
	default:
		return fmt.Sprintf("event %s.%s", v.Event.Contract, v.Event.Name)
	}
}
