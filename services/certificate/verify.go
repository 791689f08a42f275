package certificate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/cms"
	"github.com/huchain/huchain/crypto/timestamp"
	"github.com/huchain/huchain/services/pdf"
	"github.com/huchain/huchain/types"
)

// skew is by how much clocks may differ.
const skew = 5 * time.Minute

// Report is what a verified certificate shows.
type Report struct {
	Facts     *Facts               `json:"facts"`
	Issuer    *client.ProvenSigner `json:"issuer"`
	Issued    time.Time            `json:"issued"` // by the issuer's clock
	Authority *client.ProvenSigner `json:"timeStampAuthority"`
	Stamped   time.Time            `json:"stamped"` // by the authority's clock
	Proof     *client.Report       `json:"proof"`
	QR        string               `json:"qr"` // text of the QR code
}

// Is reports whether a file is a PDF, and so perhaps a certificate.
func Is(file []byte) bool { return pdf.Is(file) }

// Verify checks a certificate against an anchor, without a node or network: the attached
// proof; that every byte of the file is what follows from it; the issuer's signature over
// all of the file; the time stamp; and that issuer and authority are members with valid
// certificates by what the chain holds. now is this machine's clock. The errors are HC-4203
// and HC-4202 for the proof, as client.VerifyDossier, and HC-4204 for all else.
func Verify(file []byte, anchor *client.Trust, now time.Time) (*Report, error) {
	s, d, signature, err := open(file)
	if err != nil {
		return nil, altered("%w", err)
	}
	proven, facts, err := verified(d, anchor)
	if err != nil {
		return nil, err
	}
	s.Facts = facts // whatever it said
	doc, err := draw(s, d)
	if err != nil {
		return nil, altered("%w", err)
	}
	if at, ok := doc.Matches(file, signature); !ok {
		return nil, altered("from byte %d on it is not what the proof makes of it", at)
	}
	signed, err := cms.Decode(signature)
	if err != nil {
		return nil, altered("%w", err)
	}
	parts := doc.Signed()
	if signed.Type != cms.Data || signed.Content != nil {
		return nil, altered("the signature is of another kind")
	}
	if err := signed.Verify(parts[:]...); err != nil {
		return nil, altered("%w", err)
	}
	digest, err := signed.SignatureDigest()
	if err != nil {
		return nil, altered("%w", err)
	}
	token, err := timestamp.Verify(signed.TimeStamp, digest)
	if err != nil {
		return nil, altered("%w", err)
	}
	r := &Report{Facts: facts, Issued: s.Issued, Stamped: token.Time, Proof: proven, QR: facts.QR(s.Page)}
	if r.Issuer, err = memberOf(d, signed.Certificate, s.Issuer, token.Time); err != nil {
		return nil, err
	}
	if r.Authority, err = memberOf(d, token.Authority, s.Authority, token.Time); err != nil {
		return nil, err
	}
	switch {
	case signed.Certificate.PublicKey == token.Authority.PublicKey:
		return nil, altered("issuer and time-stamp authority are one")
	case token.Time.Before(facts.Time.Add(-skew)), s.Issued.Before(facts.Time.Add(-skew)), s.Issued.After(token.Time.Add(skew)):
		return nil, altered("its times contradict each other")
	case token.Time.After(now.Add(skew)):
		return nil, altered("the time stamp lies in the future")
	}
	return r, nil
}

// Proof returns the attached proof, which is not verified: to choose an anchor in it.
func Proof(file []byte) (*light.Dossier, error) {
	_, d, _, err := open(file)
	if err != nil {
		return nil, altered("%w", err)
	}
	return d, nil
}

func altered(format string, args ...any) error {
	return types.Errorf(types.CodeCertificateAltered, format, args...)
}

// open takes a certificate apart. Nothing is verified.
func open(file []byte) (*statement, *light.Dossier, []byte, error) {
	o, err := pdf.Open(file)
	if err != nil {
		return nil, nil, nil, err
	}
	var signature cryptobyte.String
	in := cryptobyte.String(o.Signature) // filled up with zeros
	if !in.ReadASN1Element(&signature, cbasn1.SEQUENCE) {
		return nil, nil, nil, fmt.Errorf("the signature is malformed")
	}
	d, s := &light.Dossier{}, &statement{}
	if err := json.Unmarshal(o.Attachments[ProofFile], d); err != nil {
		return nil, nil, nil, fmt.Errorf("%s: %w", ProofFile, err)
	}
	dec := json.NewDecoder(bytes.NewReader(o.Attachments[StatementFile]))
	dec.DisallowUnknownFields()
	if err := dec.Decode(s); err != nil {
		return nil, nil, nil, fmt.Errorf("%s: %w", StatementFile, err)
	}
	if s.Form != form {
		return nil, nil, nil, fmt.Errorf("a certificate of form %d, which this version does not know", s.Form)
	}
	return s, d, signature, nil
}

// memberOf checks that a certificate is the one that the chain holds for a member in good
// standing, and that it was valid at a time.
func memberOf(d *light.Dossier, c *cert.Certificate, id types.MemberID, at time.Time) (*client.ProvenSigner, error) {
	m, known, err := client.MemberIn(d, types.AddressOf(c.PublicKey))
	switch {
	case err != nil:
		return nil, err
	case !bytes.Equal(known.Raw, c.Raw) || m.Member != id || memberID(c) != id:
		return nil, altered("the certificate of %s is not the one on chain", id)
	case m.Status != "active":
		return nil, altered("%s was %s when this was issued", id, m.Status)
	case at.Before(c.NotBefore) || at.After(c.NotAfter):
		return nil, altered("the certificate of %s was not valid then", id)
	}
	return m, nil
}
