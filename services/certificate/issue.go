package certificate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crosschain/light"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/cms"
	"github.com/huchain/huchain/types"
)

// Stamper gets time stamps: a timestamp.Authority in this process, or one elsewhere.
type Stamper interface {
	// Time returns a token over a digest.
	Time(ctx context.Context, digest crypto.Hash) ([]byte, error)
}

// Chain is where proofs come from: *client.Client.
type Chain interface {
	StateDossier(ctx context.Context, anchor *client.Trust, ns string, key []byte, members ...types.Address) (*light.Dossier, error)
}

// Params are what an issuer needs. Issuer and authority MUST be members of the chain whose
// certificates it holds, and different ones.
type Params struct {
	Trust       *client.Trust     // where verifiers begin: the chain's genesis
	Key         crypto.Signer     // of the issuer
	Certificate *cert.Certificate // of the issuer
	Stamper     Stamper
	Authority   *cert.Certificate // of the time-stamp authority
	Page        string            // of verification, where the QR code leads, as https://host/verify; empty for none
	Now         func() time.Time  // the clock
}

// Validate checks the parameters: HC-1004.
func (p *Params) Validate() error {
	switch {
	case p.Trust == nil || p.Key == nil || p.Certificate == nil || p.Stamper == nil || p.Authority == nil || p.Now == nil:
		return types.Errorf(types.CodeConfig, "certificates: a part is missing")
	case p.Key.Public() != p.Certificate.PublicKey:
		return types.Errorf(types.CodeConfig, "certificates: the issuer's certificate is of another key")
	case p.Authority.PublicKey == p.Certificate.PublicKey:
		return types.Errorf(types.CodeConfig, "certificates: the issuer cannot stamp its own")
	case len(p.Page) > 200:
		return types.Errorf(types.CodeConfig, "certificates: the address of the page is too long")
	}
	return nil
}

// Issuer issues certificates. It is safe for concurrent use.
type Issuer struct{ p Params }

// NewIssuer checks the parameters.
func NewIssuer(p Params) (*Issuer, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return &Issuer{p}, nil
}

// Certificate is an issued certificate.
type Certificate struct {
	Facts *Facts
	PDF   []byte
}

func memberID(c *cert.Certificate) types.MemberID { return types.MemberID(c.Org + "/" + c.Name) }

// Issue fetches the proof of a record from the chain, checks it, and issues a certificate,
// which it verifies as anybody would before it returns it. Errors are those of the client;
// HC-4201 if the chain's answer proves no such record.
func (i *Issuer) Issue(ctx context.Context, chain Chain, hash crypto.Hash) (*Certificate, error) {
	d, err := chain.StateDossier(ctx, i.p.Trust, Contract, RowKey(hash), types.AddressOf(i.p.Certificate.PublicKey), types.AddressOf(i.p.Authority.PublicKey))
	if err != nil {
		return nil, err
	}
	if len(d.Proofs) > 0 && d.Proofs[0].State != nil && !d.Proofs[0].State.Proof.Result().Found {
		return nil, types.Errorf(types.CodeNotFound, "no evidence has the hash %s", hash)
	}
	_, facts, err := verified(d, i.p.Trust)
	if err != nil {
		return nil, err
	}
	if facts.SM3 != hash {
		return nil, types.Errorf(types.CodeProofInvalid, "the proof is about another record")
	}
	s := &statement{Form: form, Issuer: memberID(i.p.Certificate), Authority: memberID(i.p.Authority), Page: i.p.Page, Facts: facts,
		Issued: i.p.Now().UTC().Truncate(time.Second)}
	file, err := i.sign(ctx, s, d)
	if err != nil {
		return nil, err
	}
	if _, err := Verify(file, i.p.Trust, i.p.Now()); err != nil {
		return nil, fmt.Errorf("the certificate does not hold: %w", err)
	}
	return &Certificate{facts, file}, nil
}

func (i *Issuer) sign(ctx context.Context, s *statement, d *light.Dossier) ([]byte, error) {
	doc, err := draw(s, d)
	if err != nil {
		return nil, err
	}
	parts := doc.Signed()
	signed, err := cms.Sign(i.p.Key, i.p.Certificate, cms.Data, parts[:]...)
	if err != nil {
		return nil, err
	}
	digest, err := signed.SignatureDigest()
	if err != nil {
		return nil, err
	}
	if signed.TimeStamp, err = i.p.Stamper.Time(ctx, digest); err != nil {
		return nil, fmt.Errorf("time stamp: %w", err)
	}
	if len(signed.TimeStamp) == 0 {
		return nil, errors.New("the time-stamp authority gave no token")
	}
	der, err := signed.Encode()
	if err != nil {
		return nil, err
	}
	return doc.Fill(der)
}
