package evidence

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/services/tenant"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// NotaryRequest is what a notary is asked: it fetches the record from any node, and attests
// that it saw the hash there.
type NotaryRequest struct {
	Deposit string      `json:"deposit"`
	Hash    crypto.Hash `json:"hash"`
	SHA256  string      `json:"sha256"`
	Title   string      `json:"title"`
	Chain   string      `json:"chain"`
	Genesis crypto.Hash `json:"genesis"`
	TxID    crypto.Hash `json:"txId"`
	Height  uint64      `json:"height"`
	Time    time.Time   `json:"time"`
}

// NotaryAnswer is a notary's answer: Signature is SM2 with SM3 over the bytes of Body, under
// the key of Certificate.
type NotaryAnswer struct {
	Body        json.RawMessage `json:"body"` // an Attestation
	Signature   rest.Hex        `json:"signature"`
	Certificate rest.Hex        `json:"certificate"` // DER
}

// Attestation is what a notary signs.
type Attestation struct {
	Serial  string      `json:"serial"`
	Hash    crypto.Hash `json:"hash"`
	Deposit string      `json:"deposit"`
	Time    time.Time   `json:"time"`
}

// CheckNotary verifies a notary's answer about a hash: the certificate under the roots, the
// signature under the certificate, and that it is about this hash and deposit. HC-4710.
func CheckNotary(n *Notary, raw []byte, hash crypto.Hash, deposit string, now time.Time) (*Attestation, *cert.Certificate, error) {
	bad := func(format string, args ...any) error { return types.Errorf(types.CodeAnswerRefused, format, args...) }
	var in NotaryAnswer
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, nil, bad("the notary's answer: %w", err)
	}
	c, err := cert.Parse(in.Certificate)
	if err == nil {
		err = c.Check(n.Roots, now)
	}
	if err != nil {
		return nil, nil, bad("the notary's certificate: %w", err)
	}
	if c.Org != n.Org {
		return nil, nil, bad("the certificate is of %s, not %s", c.Org, n.Org)
	}
	if !c.PublicKey.Verify(in.Body, in.Signature) {
		return nil, nil, bad("the signature does not verify under the certificate of %s/%s", c.Org, c.Name)
	}
	var a Attestation
	if err := json.Unmarshal(in.Body, &a); err != nil {
		return nil, nil, bad("attestation: %w", err)
	}
	if a.Hash != hash || a.Deposit != deposit {
		return nil, nil, bad("it is about hash %s of %q", a.Hash, types.CleanText(a.Deposit, 40))
	}
	if a.Serial == "" || types.CleanText(a.Serial, 64) != a.Serial {
		return nil, nil, bad("a serial number has 1 to 64 bytes")
	}
	return &a, c, nil
}

// Notarise has the notary attest a deposit, and deposits its signed answer, linked to it.
func (s *Service) Notarise(ctx context.Context, c *rest.Caller, in *rest.NotarisationNew) (*rest.Notarisation, error) {
	_, r, err := s.owning(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	switch {
	case s.p.Notary == nil:
		return nil, types.Errorf(types.CodeServiceAbsent, "no notary is configured")
	case r.TxID == nil:
		return nil, types.Errorf(types.CodeNotReady, "deposit %s is %s", r.ID, r.State)
	case r.Notarial != nil:
		return r.Notarial, nil
	}
	raw, err := s.notary.Call(ctx, s.p.Notary.URL, r.ID, &NotaryRequest{
		Deposit: r.ID, Hash: r.Hash, SHA256: r.SHA256, Title: r.Title, Chain: s.p.Chain, Genesis: s.p.Genesis, TxID: *r.TxID, Height: r.Height, Time: *r.BlockTime,
	})
	if err != nil {
		return nil, err
	}
	a, crt, err := CheckNotary(s.p.Notary, raw, r.Hash, r.ID, time.Now())
	if err != nil {
		return nil, err
	}
	stored, err := s.p.Files.Put(ctx, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	cl, err := s.chain(ctx)
	if err != nil {
		return nil, err
	}
	at, err := s.attest(ctx, cl, r, a.Serial, stored)
	if err != nil {
		return nil, err
	}
	out := &rest.Notarisation{Serial: a.Serial, Notary: crt.Org + "/" + crt.Name, Hash: a.Hash, Time: a.Time, Answer: stored.Hash, TxID: at.TxID, Height: at.Height}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return out, s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("UPDATE deposit SET notarial = ? WHERE id = ?", string(body), r.ID); err != nil {
			return err
		}
		return tenant.Tell(tx, serviceName, r.Tenant, "deposit.notarised", r.ID, r.Title, map[string]any{"id": r.ID, "serial": a.Serial, "txId": at.TxID})
	})
}

// attest deposits a notary's answer, as it is stored, linked to the deposit that it is about.
func (s *Service) attest(ctx context.Context, c *client.Client, r *rest.EvidenceReceipt, serial string, answer *Stored) (*place, error) {
	return s.deposit(ctx, c, answer.Hash, "公证 "+serial, &note{
		ID: r.ID, Tenant: r.Tenant, Type: "document", Media: "application/json", Size: answer.Size, SHA256: answer.SHA256, Attests: &r.Hash, Serial: serial,
	})
}
