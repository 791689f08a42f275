package client

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Trust is what a verifier starts from: a header, or the genesis file, and the validators
// that sign what follows.
type Trust = light.Trusted

// Trust fetches the genesis file from the node, checks it against the genesis hash and
// derives trust from it. Without a pinned genesis hash the trust is the node's word.
func (c *Client) Trust(ctx context.Context) (*Trust, error) {
	file, err := c.GenesisFile(ctx)
	if err != nil {
		return nil, err
	}
	return light.TrustGenesis(file)
}

// Links fetches the next headers on the way from one height to another; to = 0 stands
// for the newest with a certificate. A long way takes several calls.
func (c *Client) Links(ctx context.Context, from, to uint64) ([]*light.Link, error) {
	q := url.Values{"from": {strconv.FormatUint(from, 10)}}
	if to > 0 {
		q.Set("to", strconv.FormatUint(to, 10))
	}
	var in rest.Links
	if err := c.get(ctx, c.path(q, "links"), &in); err != nil {
		return nil, err
	}
	var out []*light.Link
	for i := range in.Items {
		l, err := light.DecodeLink(in.Items[i].Link)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// Follow fetches and checks the headers that lead from t to a height, which may be 0 for
// the newest with a certificate. It returns what is then trusted, and the links used.
func (c *Client) Follow(ctx context.Context, t *Trust, to uint64) (*Trust, []*light.Link, error) {
	var used []*light.Link
	for {
		links, err := c.Links(ctx, t.Height, to)
		if err != nil {
			return nil, nil, err
		}
		if len(links) == 0 {
			return nil, nil, types.Errorf(types.CodeTrustGap, "the node names no header after height %d", t.Height)
		}
		if t, err = t.Follow(links); err != nil {
			return nil, nil, err
		}
		used = append(used, links...)
		if to == 0 {
			to = t.Height // what was newest at first; the node goes on meanwhile
		}
		if t.Height >= to {
			return t, used, nil
		}
	}
}

// CheckProof checks a proof of this chain, fetching the headers between the anchor and
// the proof's where the validators have changed since. The proof is not trusted to the
// node in any part.
func (c *Client) CheckProof(ctx context.Context, raw []byte, t *Trust) (*Proven, error) {
	out, err := VerifyProof(raw, t)
	if types.CodeOf(err) != types.CodeTrustGap {
		return out, err
	}
	p, err := proof.Decode(raw)
	if err != nil {
		return nil, proofError(err)
	}
	if t, _, err = c.Follow(ctx, t, p.Header.Height); err != nil {
		return nil, err
	}
	return VerifyProof(raw, t)
}

// Proven is a fact that a proof shows, after the proof was checked.
type Proven struct {
	Fact        string        `json:"fact"` // state, absence, tx, receipt, event, write, deletion
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
// node and no network. The error is HC-4201, or HC-4202 where so many validators have
// changed since the anchor that headers in between are needed: see Client.CheckProof.
func VerifyProof(raw []byte, t *Trust) (*Proven, error) {
	p, err := proof.Decode(raw)
	if err != nil {
		return nil, proofError(err)
	}
	if err := t.CheckProof(p); err != nil {
		return nil, err
	}
	return provenBy(p, len(raw))
}

// provenBy tells what a checked proof shows.
func provenBy(p *proof.Proof, size int) (*Proven, error) {
	out := &Proven{
		Genesis: p.Header.Genesis, Height: p.Header.Height, Header: p.Header.Hash(), Time: rest.Time(p.Header.Time),
		AgeSeconds: int64(time.Since(time.Unix(0, p.Header.Time)).Seconds()), Signatures: len(p.Certificate.Signatures),
		Validators: len(p.Signers), SizeBytes: size,
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
	case p.Write != nil:
		w := p.Write
		out.Fact, out.NS, out.Key, out.Value, out.WrittenAt, out.Index = "write", w.NS, w.Key, w.Value, p.Header.Height, uint64(w.TxIndex)
		if w.Deleted {
			out.Fact = "deletion"
		}
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
