package client

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// The rows of native contracts that a dossier takes along: who the signers were, and
// which code ran. They are part of the protocol.
const (
	nsMembership = membership
	nsContracts  = "contracts"

	memberRow      = "addr/"
	certificateRow = "certificate/"
)

// dossierWriter collects the proofs of a dossier.
type dossierWriter struct {
	c      *Client
	proofs []*proof.Proof
	have   map[string]bool
}

func (c *Client) newDossier() *dossierWriter { return &dossierWriter{c: c, have: map[string]bool{}} }

func (w *dossierWriter) add(raw []byte) (*proof.Proof, error) {
	p, err := proof.Decode(raw)
	if err != nil {
		return nil, proofError(err)
	}
	w.proofs = append(w.proofs, p)
	return p, nil
}

// row adds the proof of a row, or of its absence.
func (w *dossierWriter) row(ctx context.Context, ns string, key []byte) (*proof.Proof, error) {
	name := ns + "\x00" + string(key)
	if w.have[name] {
		return nil, nil
	}
	w.have[name] = true
	st, err := w.c.State(ctx, ns, key, true)
	if err != nil {
		return nil, err
	}
	return w.add(st.Proof)
}

// tx adds a transaction with its outcome, the rows that are still as it wrote them, its
// signers' membership and certificates, and the record of the contract it called.
func (w *dossierWriter) tx(ctx context.Context, id crypto.Hash) error {
	tx, err := w.c.Tx(ctx, id, true)
	if err != nil {
		return err
	}
	for _, raw := range [][]byte{tx.Proof, tx.Outcome} {
		if _, err := w.add(raw); err != nil {
			return err
		}
	}
	for _, k := range tx.Writes {
		before := len(w.proofs)
		p, err := w.row(ctx, k.NS, k.Key)
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		if r := p.State.Proof.Result(); r.Height != tx.Height || r.TxIndex != tx.Index {
			w.proofs = w.proofs[:before] // written again since
			w.have[k.NS+"\x00"+string(k.Key)] = false
		}
	}
	for _, a := range append([]types.Address{tx.Sender}, tx.Cosigners...) {
		if err := w.member(ctx, a); err != nil {
			return err
		}
	}
	_, err = w.row(ctx, nsContracts, []byte("record/"+tx.Contract))
	return err
}

// member adds a member's row and certificate.
func (w *dossierWriter) member(ctx context.Context, a types.Address) error {
	for _, kind := range []string{memberRow, certificateRow} {
		if _, err := w.row(ctx, nsMembership, []byte(kind+a.String())); err != nil {
			return err
		}
	}
	return nil
}

// finish adds the headers that lead from the anchor to the proofs', and checks it all.
func (w *dossierWriter) finish(ctx context.Context, anchor *Trust) (*light.Dossier, error) {
	d := &light.Dossier{Proofs: w.proofs}
	order := slices.Clone(w.proofs)
	sort.SliceStable(order, func(i, j int) bool { return order[i].Header.Height < order[j].Header.Height })
	at := anchor
	for _, p := range order {
		err := at.CheckProof(p)
		if types.CodeOf(err) == types.CodeTrustGap {
			var links []*light.Link
			if at, links, err = w.c.Follow(ctx, at, p.Header.Height); err == nil {
				d.Links = append(d.Links, links...)
				err = at.CheckProof(p)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return d, d.Verify(anchor)
}

// TxDossier makes a dossier about a transaction: its inclusion and outcome, the rows it
// wrote that nothing has overwritten, membership and certificates of its signers, and
// the contract's record with the hash of its code.
func (c *Client) TxDossier(ctx context.Context, anchor *Trust, id crypto.Hash) (*light.Dossier, error) {
	w := c.newDossier()
	if err := w.tx(ctx, id); err != nil {
		return nil, err
	}
	return w.finish(ctx, anchor)
}

// StateDossier makes a dossier about a row, or its absence, with that of the transaction
// which wrote or deleted it, and of further members: their rows and certificates.
func (c *Client) StateDossier(ctx context.Context, anchor *Trust, ns string, key []byte, members ...types.Address) (*light.Dossier, error) {
	w := c.newDossier()
	p, err := w.row(ctx, ns, key)
	if err != nil {
		return nil, err
	}
	if r := p.State.Proof.Result(); (r.Found || r.Deleted) && r.Height > 0 {
		block, err := c.Block(ctx, fmt.Sprint(r.Height))
		if err != nil {
			return nil, err
		}
		if int(r.TxIndex) >= len(block.Txs) {
			return nil, types.Errorf(types.CodeProofInvalid, "the row was written by transaction %d of block %d, which the node does not show", r.TxIndex, r.Height)
		}
		if err := w.tx(ctx, block.Txs[r.TxIndex].ID); err != nil {
			return nil, err
		}
	}
	for _, a := range members {
		if err := w.member(ctx, a); err != nil {
			return nil, err
		}
	}
	return w.finish(ctx, anchor)
}

// ProofDossier makes a dossier of a single proof that a node answered.
func (c *Client) ProofDossier(ctx context.Context, anchor *Trust, raw []byte) (*light.Dossier, error) {
	w := c.newDossier()
	if _, err := w.add(raw); err != nil {
		return nil, err
	}
	return w.finish(ctx, anchor)
}

// Report is what a dossier shows, after it was checked.
type Report struct {
	Anchor   Anchor         `json:"anchor"`
	Links    int            `json:"links"` // headers between the anchor and the proofs'
	Facts    []*Proven      `json:"facts"` // the first is what the dossier is about
	Signers  []ProvenSigner `json:"signers,omitempty"`
	Contract string         `json:"contract,omitempty"`
	Version  string         `json:"version,omitempty"` // of the contract when the transaction ran
	Code     *crypto.Hash   `json:"code,omitempty"`    // SM3 of its WASM module
}

// Anchor is where trust began.
type Anchor struct {
	Genesis    crypto.Hash `json:"genesis"`
	Height     uint64      `json:"height"` // 0: the genesis file
	Time       time.Time   `json:"time"`
	AgeSeconds int64       `json:"ageSeconds"`
}

// ProvenSigner is a member who signed the transaction of a dossier.
type ProvenSigner struct {
	Member   types.MemberID `json:"member"`
	Address  types.Address  `json:"address"`
	Status   string         `json:"status"` // at the height of the proof
	Roles    []string       `json:"roles"`
	Serial   string         `json:"serial,omitempty"` // of the certificate; none for a vouched key
	NotAfter time.Time      `json:"notAfter"`
}

// VerifyDossier checks a dossier against an anchor, without a node, and that its facts
// fit together: the receipt is the transaction's, and the signatures on the transaction
// hold under the keys that the chain knows for its signers.
func VerifyDossier(d *light.Dossier, anchor *Trust) (*Report, error) {
	if err := d.Verify(anchor); err != nil {
		return nil, err
	}
	out := &Report{Links: len(d.Links), Anchor: Anchor{Genesis: anchor.Genesis, Height: anchor.Height, Time: rest.Time(anchor.Time),
		AgeSeconds: int64(anchor.Age(time.Now()).Seconds())}}
	rows := map[string]*proof.Proof{}
	var tx, receipt *proof.Proof
	for _, p := range d.Proofs {
		raw, err := p.Encode()
		if err != nil {
			return nil, proofError(err)
		}
		v, err := provenBy(p, len(raw))
		if err != nil {
			return nil, err
		}
		out.Facts = append(out.Facts, v)
		switch {
		case p.State != nil:
			rows[p.State.NS+"\x00"+string(p.State.Key)] = p
		case p.Tx != nil && tx == nil:
			tx = p
		case p.Receipt != nil && receipt == nil:
			receipt = p
		}
	}
	if tx == nil {
		return out, nil
	}
	return out, out.explain(tx, receipt, rows)
}

// explain adds who signed the transaction and which code it ran.
func (r *Report) explain(tx, receipt *proof.Proof, rows map[string]*proof.Proof) error {
	t, err := types.DecodeTx(tx.Tx.Raw)
	if err != nil {
		return proofError(err)
	}
	if receipt != nil && (receipt.Receipt.Receipt.TxID != t.ID() || receipt.Header.Height != tx.Header.Height) {
		return types.Errorf(types.CodeProofInvalid, "the receipt is of another transaction")
	}
	for i, a := range append([]types.Address{t.Body.Sender}, t.Body.Cosigners...) {
		p, ok := rows[nsMembership+"\x00"+memberRow+a.String()]
		if !ok {
			continue // a dossier of single proofs
		}
		s, key, err := signerOf(a, p, rows[nsMembership+"\x00"+certificateRow+a.String()])
		if err != nil {
			return err
		}
		if i >= len(t.Signatures) || !key.Verify(t.BodyBytes, t.Signatures[i]) {
			return types.Errorf(types.CodeProofInvalid, "the transaction is not signed by %s", s.Member)
		}
		r.Signers = append(r.Signers, *s)
	}
	r.Contract = t.Body.Contract
	if p, ok := rows[nsContracts+"\x00record/"+r.Contract]; ok && p.State.Proof.Result().Found {
		return r.ran(p.State.Proof.Result().Value, tx.Header.Height)
	}
	return nil
}

// ran finds the version of the contract that was in force at a height. Where a version
// came in the very block, the record does not tell which of the two ran.
func (r *Report) ran(record []byte, height uint64) error {
	var rec struct {
		Versions []struct {
			Version string
			Code    crypto.Hash
			Height  uint64
		}
	}
	if err := json.Unmarshal(record, &rec); err != nil {
		return types.Errorf(types.CodeProofInvalid, "contract record: %w", err)
	}
	for _, v := range rec.Versions {
		switch {
		case v.Height < height:
			r.Version, r.Code = v.Version, &v.Code
		case v.Height == height:
			r.Version, r.Code = "", nil
		}
	}
	return nil
}

// MemberIn finds a member in a dossier that VerifyDossier has accepted, and the certificate
// that the chain holds for its key. The error is HC-4201 if the dossier proves no such
// member, or no certificate.
func MemberIn(d *light.Dossier, a types.Address) (*ProvenSigner, *cert.Certificate, error) {
	var row, certificate *proof.Proof
	for _, p := range d.Proofs {
		if p.State == nil || p.State.NS != nsMembership {
			continue
		}
		switch string(p.State.Key) {
		case memberRow + a.String():
			row = p
		case certificateRow + a.String():
			certificate = p
		}
	}
	if row == nil || certificate == nil || !certificate.State.Proof.Result().Found {
		return nil, nil, types.Errorf(types.CodeProofInvalid, "it is not shown that %s is a member with a certificate", a)
	}
	s, _, err := signerOf(a, row, certificate)
	if err != nil {
		return nil, nil, err
	}
	c, err := cert.Parse(certificate.State.Proof.Result().Value)
	return s, c, err
}

// signerOf reads a member's row, whose key must be that of the address, and its
// certificate, which must name the same member and key.
func signerOf(a types.Address, row, certificate *proof.Proof) (*ProvenSigner, crypto.PublicKey, error) {
	var m struct {
		Member   types.MemberID
		Key      crypto.PublicKey
		Roles    []string
		NotAfter time.Time
		Status   string
	}
	res := row.State.Proof.Result()
	if err := json.Unmarshal(res.Value, &m); err != nil || !res.Found || types.AddressOf(m.Key) != a {
		return nil, m.Key, types.Errorf(types.CodeProofInvalid, "the chain knows no member with the address %s", a)
	}
	s := &ProvenSigner{Member: m.Member, Address: a, Status: m.Status, Roles: m.Roles, NotAfter: m.NotAfter}
	if certificate == nil || !certificate.State.Proof.Result().Found {
		return s, m.Key, nil
	}
	c, err := cert.Parse(certificate.State.Proof.Result().Value)
	if err != nil || c.PublicKey != m.Key || c.Org+"/"+c.Name != string(m.Member) {
		return nil, m.Key, types.Errorf(types.CodeProofInvalid, "the certificate is not that of %s", m.Member)
	}
	s.Serial = c.Serial
	return s, m.Key, nil
}
