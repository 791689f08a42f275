// Package certificate issues and verifies certificates of evidence: a PDF that prints what
// the chain holds of a deposit, with the offline proof attached, signed by the issuer with
// SM2 (package crypto/cms) and time-stamped (package crypto/timestamp).
//
// Nothing in such a file needs to be believed. Whoever verifies it begins at the chain's
// genesis file, checks the proof, works out from it what the certificate must print, draws
// the document anew and compares every byte; then checks signature and time stamp under
// certificates that the chain itself holds. So text that differs from the facts is found
// even if the issuer signed it.
package certificate

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// Contract is the one whose records are certified.
const Contract = "evidence"

// form is the version of certificates: what they say and how they are drawn. A verifier
// knows every form there ever was.
const form = 1

// Metadata is what a record's metadata may tell of the file, as JSON; other members are
// passed over, and metadata of another form tells nothing.
type Metadata struct {
	ID     string `json:"id"`
	Holder string `json:"holder"` // for whom a service deposited
	Tenant string `json:"tenant"` // in whose name it stands there
	File   string `json:"file"`   // file name
	Media  string `json:"media"`
	Size   int64  `json:"sizeBytes"`
	SHA256 string `json:"sha256"`
}

// Facts are what a certificate says; all of them follow from its proof.
type Facts struct {
	Number       string          `json:"number"` // of the certificate: genesis, height and position
	Title        string          `json:"title"`
	Holder       string          `json:"holder,omitempty"`
	Depositor    types.MemberID  `json:"depositor"`
	Evidence     string          `json:"evidence,omitempty"` // id at the service
	File         string          `json:"file,omitempty"`
	SizeBytes    *int64          `json:"sizeBytes,omitempty"`
	SM3          crypto.Hash     `json:"sm3"`
	SHA256       string          `json:"sha256,omitempty"`
	Genesis      crypto.Hash     `json:"genesis"`
	TxID         crypto.Hash     `json:"txId"`
	Height       uint64          `json:"height"`
	Index        uint64          `json:"index"` // in the block
	Time         time.Time       `json:"time"`  // of the block
	Header       crypto.Hash     `json:"header"`
	Validators   int             `json:"validators"`
	Attestations []types.Address `json:"attestations"` // validators that signed the header
}

// record is a row of contract evidence.
type record struct {
	Hash     crypto.Hash    `json:"hash"`
	Title    string         `json:"title"`
	Metadata string         `json:"metadata"`
	Owner    types.MemberID `json:"owner"`
	Time     time.Time      `json:"time"`
}

// RowKey is the key of a record in the contract's state.
func RowKey(hash crypto.Hash) []byte { return []byte("evidence/" + hash.String()) }

// factsOf works the facts out of a dossier that VerifyDossier has accepted: the first proof
// is the record, and the transaction among the others wrote it.
func factsOf(d *light.Dossier) (*Facts, error) {
	invalid := func(format string, args ...any) error {
		return types.Errorf(types.CodeProofInvalid, format, args...)
	}
	first := d.Proofs[0]
	if first.State == nil || first.State.NS != Contract || !first.State.Proof.Result().Found {
		return nil, invalid("the proof is not about a record of %s", Contract)
	}
	row := first.State.Proof.Result()
	var r record
	if err := json.Unmarshal(row.Value, &r); err != nil || !bytes.Equal(first.State.Key, RowKey(r.Hash)) {
		return nil, invalid("the proven row is no record of evidence")
	}
	var tx, receipt *proof.Proof
	for _, p := range d.Proofs {
		switch {
		case p.Tx != nil && tx == nil:
			tx = p
		case p.Receipt != nil && receipt == nil:
			receipt = p
		}
	}
	if tx == nil || receipt == nil {
		return nil, invalid("the transaction that deposited is not proven")
	}
	t, err := types.DecodeTx(tx.Tx.Raw)
	if err != nil {
		return nil, invalid("%w", err)
	}
	// Of a header that is itself the anchor nobody has looked at the signatures.
	if err := tx.Certificate.Verify(&tx.Header, tx.Signers); err != nil {
		return nil, invalid("%w", err)
	}
	switch {
	case tx.Header.Height != row.Height || tx.Tx.List.Index != uint64(row.TxIndex) || receipt.Header.Hash() != tx.Header.Hash():
		return nil, invalid("the record was written by another transaction than the proven one")
	case receipt.Receipt.Receipt.TxID != t.ID() || !receipt.Receipt.Receipt.OK():
		return nil, invalid("the transaction failed")
	}
	f := &Facts{
		Title: r.Title, Depositor: r.Owner, SM3: r.Hash, Genesis: tx.Header.Genesis, TxID: t.ID(), Height: tx.Header.Height,
		Index: tx.Tx.List.Index, Time: time.Unix(0, tx.Header.Time).UTC(), Header: tx.Header.Hash(), Validators: len(tx.Signers),
	}
	f.Number = fmt.Sprintf("%s-%d-%d", f.Genesis.String()[:8], f.Height, f.Index)
	for _, s := range tx.Certificate.Signatures {
		f.Attestations = append(f.Attestations, types.AddressOf(tx.Signers[s.Index].Key))
	}
	f.describe(r.Metadata)
	return f, nil
}

// describe adds what the metadata tells of the file.
func (f *Facts) describe(metadata string) {
	var m Metadata
	if json.Unmarshal([]byte(metadata), &m) != nil {
		return
	}
	text := func(s string) string {
		if utf8.RuneCountInString(s) > 300 || !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r") {
			return ""
		}
		return s
	}
	f.Evidence, f.Holder, f.File = text(m.ID), text(m.Holder), text(m.File)
	if f.Holder == "" {
		f.Holder = text(m.Tenant)
	}
	if raw, err := hex.DecodeString(m.SHA256); err == nil && len(raw) == 32 {
		f.SHA256 = hex.EncodeToString(raw)
	}
	if m.Size > 0 || f.SHA256 != "" && m.Size == 0 {
		f.SizeBytes = &m.Size
	}
}

// statement is the attached file that says what does not follow from the proof, and the
// facts once more for programs.
type statement struct {
	Form      int            `json:"form"`
	Issuer    types.MemberID `json:"issuer"`
	Authority types.MemberID `json:"timeStampAuthority"`
	Issued    time.Time      `json:"issued"` // by the issuer's clock
	Page      string         `json:"page"`   // where the QR code leads; empty for none
	Facts     *Facts         `json:"facts"`
}

// verified is client.VerifyDossier and what follows from it.
func verified(d *light.Dossier, anchor *client.Trust) (*client.Report, *Facts, error) {
	report, err := client.VerifyDossier(d, anchor)
	if err != nil {
		return nil, nil, err
	}
	f, err := factsOf(d)
	return report, f, err
}
