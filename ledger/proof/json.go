package proof

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Format names the JSON form.
const Format = "huchain-proof/1"

// hexBytes is bytes as lower-case hex digits.
type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(b []byte) error {
	v, err := hex.DecodeString(string(b))
	*h = v
	return err
}

// The JSON form, in the order of its fields. It is canonical up to white space: texts
// beside hex fields are for readers and must agree with them.
type (
	jsonProof struct {
		Format      string          `json:"format"`
		Kind        string          `json:"kind"`
		State       *jsonState      `json:"state,omitempty"`
		Tx          *jsonItem       `json:"tx,omitempty"`
		Receipt     *jsonItem       `json:"receipt,omitempty"`
		Event       *jsonItem       `json:"event,omitempty"`
		Write       *jsonItem       `json:"write,omitempty"`
		ContentPath []crypto.Hash   `json:"contentPath"`
		Header      jsonHeader      `json:"header"`
		Certificate []jsonSignature `json:"certificate"`
		Signers     []jsonValidator `json:"signers"`
		Checksum    hexBytes        `json:"checksum"` // the last 8 bytes of the compact form
	}
	jsonState struct {
		Result       string        `json:"result"` // value, deleted, absent
		NS           string        `json:"ns"`
		Key          hexBytes      `json:"key"`
		KeyText      string        `json:"keyText,omitempty"`
		Height       *uint64       `json:"height,omitempty"`  // block that wrote or deleted it
		TxIndex      *uint32       `json:"txIndex,omitempty"` // transaction in that block
		Value        *hexBytes     `json:"value,omitempty"`
		ValueText    string        `json:"valueText,omitempty"`
		ForeignKey   *crypto.Hash  `json:"foreignKey,omitempty"`
		ForeignValue *crypto.Hash  `json:"foreignValue,omitempty"`
		Siblings     []crypto.Hash `json:"siblings"` // from the root down; zero: empty
	}
	jsonItem struct {
		Bytes    hexBytes      `json:"bytes"` // encoded transaction, receipt, event or write
		TxID     *crypto.Hash  `json:"txId,omitempty"`
		Contract string        `json:"contract,omitempty"`
		Name     string        `json:"name,omitempty"`
		Text     string        `json:"text,omitempty"` // result or data
		Code     string        `json:"code,omitempty"`
		Index    uint64        `json:"index"`
		Count    uint64        `json:"count"`
		Siblings []crypto.Hash `json:"siblings"` // from the leaf up
	}
	jsonHeader struct {
		Genesis     crypto.Hash `json:"genesis"`
		Height      uint64      `json:"height"`
		TimeNs      string      `json:"timeNs"` // decimal: beyond what JavaScript numbers hold
		Time        string      `json:"time"`
		CometHash   crypto.Hash `json:"cometHash"`
		Previous    crypto.Hash `json:"previous"`
		Content     crypto.Hash `json:"content"`
		Archive     crypto.Hash `json:"archive"`
		Signers     crypto.Hash `json:"signers"`
		NextSigners crypto.Hash `json:"nextSigners"`
		Protocol    uint32      `json:"protocol"`
		Hash        crypto.Hash `json:"hash"`
	}
	jsonSignature struct {
		Index     uint32   `json:"index"`
		Signature hexBytes `json:"signature"`
	}
	jsonValidator struct {
		Key     hexBytes `json:"key"`
		Ed25519 hexBytes `json:"ed25519"`
		Power   int64    `json:"power"`
	}
)

// MarshalJSON returns the form for files and people.
func (p *Proof) MarshalJSON() ([]byte, error) {
	compact, err := p.Encode()
	if err != nil {
		return nil, err
	}
	j := &jsonProof{Format: Format, ContentPath: p.Path[:], Header: headerJSON(&p.Header),
		Checksum: compact[len(compact)-sealSize:], Certificate: []jsonSignature{}, Signers: []jsonValidator{}}
	for i := range p.Certificate.Signatures {
		s := &p.Certificate.Signatures[i]
		j.Certificate = append(j.Certificate, jsonSignature{s.Index, s.Signature[:]})
	}
	for i := range p.Signers {
		v := &p.Signers[i]
		j.Signers = append(j.Signers, jsonValidator{v.Key[:], v.Ed25519[:], v.Power})
	}
	p.partJSON(j)
	return json.Marshal(j)
}

func (p *Proof) partJSON(j *jsonProof) {
	switch {
	case p.State != nil:
		j.Kind, j.State = "state", p.State.json()
	case p.Tx != nil:
		j.Kind, j.Tx = "tx", itemJSON(p.Tx.Raw, &p.Tx.List)
		if tx, err := types.DecodeTx(p.Tx.Raw); err == nil {
			id := tx.ID()
			j.Tx.TxID, j.Tx.Contract, j.Tx.Name, j.Tx.Text = &id, tx.Body.Contract, tx.Body.Method, printable(tx.Body.Args)
		}
	case p.Receipt != nil:
		r := &p.Receipt.Receipt
		j.Kind, j.Receipt = "receipt", itemJSON(r.Encode(), &p.Receipt.List)
		j.Receipt.TxID, j.Receipt.Code, j.Receipt.Text = &r.TxID, r.Code.String(), printable(r.Result)
	case p.Event != nil:
		e := &p.Event.Event
		j.Kind, j.Event = "event", itemJSON(e.Encode(), &p.Event.List)
		j.Event.Contract, j.Event.Name, j.Event.Text = e.Contract, e.Name, printable(e.Data)
	case p.Write != nil:
		w := p.Write
		j.Kind, j.Write = "write", itemJSON(w.item(), &w.List)
		j.Write.Contract, j.Write.Name, j.Write.Text = w.NS, printable(w.Key), printable(w.Value)
	}
}

func (s *StatePart) json() *jsonState {
	p := &s.Proof
	j := &jsonState{NS: s.NS, Key: s.Key, KeyText: printable(s.Key), Siblings: orEmpty(p.Siblings)}
	switch p.Ends {
	case EndsValue:
		v := hexBytes(p.Value)
		j.Result, j.Height, j.TxIndex, j.Value, j.ValueText = "value", &p.Height, &p.TxIndex, &v, printable(p.Value)
	case EndsTombstone:
		j.Result, j.Height, j.TxIndex = "deleted", &p.Height, &p.TxIndex
	case EndsForeign:
		j.Result, j.ForeignKey, j.ForeignValue = "absent", &p.ForeignKey, &p.ForeignValue
	default:
		j.Result = "absent"
	}
	return j
}

func itemJSON(b []byte, l *ListProof) *jsonItem {
	return &jsonItem{Bytes: b, Index: l.Index, Count: l.Count, Siblings: orEmpty(l.Siblings)}
}

func orEmpty(h []crypto.Hash) []crypto.Hash {
	if h == nil {
		return []crypto.Hash{}
	}
	return h
}

func headerJSON(h *types.Header) jsonHeader {
	return jsonHeader{
		Genesis: h.Genesis, Height: h.Height, TimeNs: strconv.FormatInt(h.Time, 10),
		Time:      time.Unix(0, h.Time).UTC().Format(time.RFC3339Nano),
		CometHash: h.CometHash, Previous: h.Previous, Content: h.Content, Archive: h.Archive,
		Signers: h.Signers, NextSigners: h.NextSigners, Protocol: h.Protocol, Hash: h.Hash(),
	}
}

// printable returns b as text if all of it can be shown, else nothing.
func printable(b []byte) string {
	if !utf8.Valid(b) {
		return ""
	}
	for _, r := range string(b) {
		if !unicode.IsPrint(r) {
			return ""
		}
	}
	return string(b)
}

// UnmarshalJSON reads what MarshalJSON wrote; white space apart, any other byte is refused.
func (p *Proof) UnmarshalJSON(in []byte) error {
	got, err := parseJSON(in)
	if err != nil {
		return types.Errorf(types.CodeProofInvalid, "read proof: %w", err)
	}
	*p = *got
	return nil
}

func parseJSON(in []byte) (*Proof, error) {
	if len(in) > 4*MaxProofBytes {
		return nil, fmt.Errorf("%d bytes", len(in))
	}
	var j jsonProof
	dec := json.NewDecoder(bytes.NewReader(in))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&j); err != nil {
		return nil, err
	}
	if j.Format != Format {
		return nil, fmt.Errorf("format %q, want %q", j.Format, Format)
	}
	p, err := j.proof()
	if err != nil {
		return nil, err
	}
	again, err := p.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, in); err != nil {
		return nil, err
	}
	if !bytes.Equal(compact.Bytes(), again) {
		return nil, errors.New("altered, or not in canonical form")
	}
	return p, nil
}

func (j *jsonProof) proof() (*Proof, error) {
	h := &j.Header
	timeNs, err := strconv.ParseInt(h.TimeNs, 10, 64)
	if err != nil || timeNs < 0 {
		return nil, errors.New("timeNs is no time")
	}
	p := &Proof{
		Header: types.Header{Genesis: h.Genesis, Height: h.Height, Time: timeNs, CometHash: h.CometHash, Previous: h.Previous,
			Content: h.Content, Archive: h.Archive, Signers: h.Signers, NextSigners: h.NextSigners, Protocol: h.Protocol},
		Certificate: types.FinalityCertificate{Height: h.Height},
	}
	if copy(p.Path[:], j.ContentPath) != ContentDepth {
		return nil, fmt.Errorf("contentPath must hold %d hashes", ContentDepth)
	}
	for _, s := range j.Certificate {
		if len(s.Signature) != crypto.SignatureSize {
			return nil, errors.New("signature of wrong size")
		}
		p.Certificate.Signatures = append(p.Certificate.Signatures, types.HeaderSignature{Index: s.Index, Signature: [64]byte(s.Signature)})
	}
	for _, v := range j.Signers {
		if len(v.Key) != crypto.PublicKeySize || len(v.Ed25519) != 32 {
			return nil, errors.New("validator key of wrong size")
		}
		p.Signers = append(p.Signers, types.Validator{Key: crypto.PublicKey(v.Key), Ed25519: [32]byte(v.Ed25519), Power: v.Power})
	}
	if err := j.parts(p); err != nil {
		return nil, err
	}
	compact, err := p.Encode()
	if err != nil {
		return nil, err
	}
	return Decode(compact) // the bounds and checks of the compact form hold here too
}

func (j *jsonProof) parts(p *Proof) (err error) {
	switch {
	case j.State != nil:
		p.State, err = j.State.part()
	case j.Tx != nil:
		p.Tx = &TxPart{Raw: j.Tx.Bytes, List: j.Tx.list()}
	case j.Receipt != nil:
		p.Receipt = &ReceiptPart{List: j.Receipt.list()}
		p.Receipt.Receipt, err = types.DecodeReceipt(j.Receipt.Bytes)
	case j.Event != nil:
		p.Event = &EventPart{List: j.Event.list()}
		p.Event.Event, err = types.DecodeEvent(j.Event.Bytes)
	case j.Write != nil:
		if p.Write, err = decodeWrite(j.Write.Bytes); err == nil {
			p.Write.List = j.Write.list()
		}
	}
	return err
}

func (i *jsonItem) list() ListProof {
	return ListProof{Index: i.Index, Count: i.Count, Siblings: i.Siblings}
}

func (s *jsonState) part() (*StatePart, error) {
	out := &StatePart{NS: s.NS, Key: s.Key, Proof: StateProof{Siblings: s.Siblings}}
	p := &out.Proof
	switch {
	case s.Height != nil && s.TxIndex != nil:
		p.Ends, p.Height, p.TxIndex = EndsTombstone, *s.Height, *s.TxIndex
		if s.Value != nil {
			p.Ends, p.Value = EndsValue, *s.Value
		}
	case s.ForeignKey != nil && s.ForeignValue != nil:
		p.Ends, p.ForeignKey, p.ForeignValue = EndsForeign, *s.ForeignKey, *s.ForeignValue
	}
	if !utf8.ValidString(s.NS) {
		return nil, errors.New("namespace is not UTF-8")
	}
	return out, nil
}
