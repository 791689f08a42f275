// Package cert issues and checks the SM2 X.509 certificates of members: every
// organisation runs a CA whose root stands in the genesis file, and a certificate
// binds a key to the member id org/name and its roles (GM/T 0015-2012, SM2 with SM3).
//
// The profile is closed, because certificates are judged inside consensus and every
// node must judge alike: subject O=organisation, CN=name, OU=one per role; issuer
// O=the same organisation; X.509 version 3; an SM2 key on the named curve; signature
// algorithm SM2-with-SM3 under user id 1234567812345678; extensions basic constraints,
// key usage, extended key usage and the two key identifiers, nothing else. A member's
// certificate is for signing (digitalSignature) or for encryption (keyEncipherment or
// keyAgreement), never both; the pair of a double certificate differs in that alone.
package cert

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/emmansun/gmsm/smx509"

	"github.com/huchain/huchain/crypto"
)

// MaxSize bounds the DER of a certificate in bytes.
const MaxSize = 4096

var (
	// ErrExpired is returned by Check outside the validity of the certificate or its root.
	ErrExpired = errors.New("certificate is not valid at this time")
	// ErrForeignCA is returned by Check when none of the roots issued the certificate.
	ErrForeignCA = errors.New("certificate was not issued by a CA of its organisation")
	// ErrUsage is returned by Check for an encryption certificate, and by CheckEncryption
	// for a signing one.
	ErrUsage = errors.New("certificate is for another use of its key")
)

// Certificate is a parsed certificate. It is read-only after Parse.
type Certificate struct {
	Org  string // O: the organisation, [a-z][a-z0-9-]{0,31}
	Name string // CN: the name within the organisation, the same form
	// Roles are the OUs in ascending order, at most MaxRoles; empty for a CA.
	Roles     []string
	PublicKey crypto.PublicKey
	NotBefore time.Time // UTC, whole seconds, inclusive
	NotAfter  time.Time // UTC, whole seconds, inclusive
	Serial    string    // lower-case hex without leading zeros, at most 40 digits
	IsCA      bool
	// Encryption marks the encryption certificate of a pair; it signs nothing.
	Encryption bool
	Raw        []byte // the DER

	tbs        []byte // what the issuer signed
	signature  []byte // r‖s
	rawSubject []byte
	rawIssuer  []byte
}

// Parse reads one DER certificate of at most MaxSize bytes and checks it against the
// profile in the package comment. It does not check who signed it: see Check.
// The result keeps a copy of der.
func Parse(der []byte) (*Certificate, error) {
	if len(der) > MaxSize {
		return nil, fmt.Errorf("certificate of %d bytes, at most %d", len(der), MaxSize)
	}
	der = bytes.Clone(der)
	signature, err := splitOuter(der)
	if err != nil {
		return nil, err
	}
	x, err := smx509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse certificate: %w", err)
	}
	c := &Certificate{
		NotBefore:  x.NotBefore.UTC(),
		NotAfter:   x.NotAfter.UTC(),
		Raw:        der,
		tbs:        x.RawTBSCertificate,
		signature:  signature,
		rawSubject: x.RawSubject,
		rawIssuer:  x.RawIssuer,
	}
	if x.Version != 3 {
		return nil, fmt.Errorf("certificate of X.509 version %d, want 3", x.Version)
	}
	if c.Serial, err = serialText(x.SerialNumber); err != nil {
		return nil, err
	}
	if !c.NotBefore.Before(c.NotAfter) {
		return nil, errors.New("certificate ends before it begins")
	}
	if c.PublicKey, err = parseSPKI(x.RawSubjectPublicKeyInfo); err != nil {
		return nil, err
	}
	if err := c.readNames(x); err != nil {
		return nil, err
	}
	if err := c.readExtensions(x); err != nil {
		return nil, err
	}
	return c, nil
}

func serialText(n *big.Int) (string, error) {
	if n.Sign() <= 0 || n.BitLen() > 160 {
		return "", errors.New("certificate serial number out of range (1 to 2^160-1)")
	}
	return n.Text(16), nil
}

// Check reports whether c is a member's signing certificate that one of roots issued,
// for the same organisation, and whether both are valid at the time at (block time in
// consensus, the clock elsewhere). It returns ErrUsage, ErrForeignCA or ErrExpired,
// wrapped. Roots of other organisations may be among roots and are passed over.
func (c *Certificate) Check(roots []*Certificate, at time.Time) error {
	if c.Encryption {
		return fmt.Errorf("%w: %s/%s encrypts and cannot sign", ErrUsage, c.Org, c.Name)
	}
	return c.checkIssued(roots, at)
}

// CheckEncryption is Check for the encryption certificate of a pair.
func (c *Certificate) CheckEncryption(roots []*Certificate, at time.Time) error {
	if !c.Encryption && !c.IsCA {
		return fmt.Errorf("%w: %s/%s signs and cannot encrypt", ErrUsage, c.Org, c.Name)
	}
	return c.checkIssued(roots, at)
}

func (c *Certificate) checkIssued(roots []*Certificate, at time.Time) error {
	if c.IsCA {
		return fmt.Errorf("%w: it is a CA certificate", ErrForeignCA)
	}
	var late error
	for _, root := range roots {
		if !root.IsCA || root.Org != c.Org || !bytes.Equal(root.rawSubject, c.rawIssuer) || !c.signedBy(root) {
			continue
		}
		if late = root.checkTime(at); late == nil {
			return c.checkTime(at)
		}
	}
	if late != nil {
		return fmt.Errorf("root of the CA: %w", late)
	}
	return fmt.Errorf("%w: %s/%s", ErrForeignCA, c.Org, c.Name)
}

// CheckRoot reports whether c is a CA certificate signed with its own key and valid at
// the time at. Roots named in a genesis file go through it.
func (c *Certificate) CheckRoot(at time.Time) error {
	if err := c.checkSelfSigned(); err != nil {
		return err
	}
	return c.checkTime(at)
}

func (c *Certificate) checkSelfSigned() error {
	if !c.IsCA || !bytes.Equal(c.rawSubject, c.rawIssuer) || !c.signedBy(c) {
		return fmt.Errorf("%s/%s is no self-signed CA certificate", c.Org, c.Name)
	}
	return nil
}

func (c *Certificate) signedBy(issuer *Certificate) bool {
	return issuer.PublicKey.Verify(c.tbs, c.signature)
}

func (c *Certificate) checkTime(at time.Time) error {
	if at.Before(c.NotBefore) || at.After(c.NotAfter) {
		return fmt.Errorf("%w: %s/%s is valid from %s to %s", ErrExpired, c.Org, c.Name,
			c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339))
	}
	return nil
}
