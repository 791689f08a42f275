package cert

import (
	gocrypto "crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"github.com/huchain/huchain/crypto"
)

// caName is the CN of a root.
const caName = "ca"

// CA issues the certificates of one organisation. It is safe for concurrent use if its
// signer and its source of serial numbers are, as crypto/rand is.
type CA struct {
	root   *Certificate
	tmpl   *smx509.Certificate
	key    crypto.Signer
	random io.Reader // of serial numbers
}

// Request describes a certificate to be issued.
type Request struct {
	Name      string   // CN, [a-z][a-z0-9-]{0,31}
	Roles     []string // one to MaxRoles, distinct, the same form; which ones exist is the chain's matter
	PublicKey crypto.PublicKey
	// NotBefore and NotAfter must lie within the validity of the root; fractions of a
	// second are dropped.
	NotBefore, NotAfter time.Time
	// Encryption asks for the encryption certificate of a pair instead of a signing one.
	Encryption bool
}

// NewCA makes a self-signed root O=org, CN=ca for key and returns the CA.
func NewCA(org string, key crypto.Signer, notBefore, notAfter time.Time) (*CA, error) {
	return NewCAFrom(rand.Reader, org, key, notBefore, notAfter)
}

// NewCAFrom is NewCA with serial numbers drawn from random, so that a test which gives a
// fixed stream issues the same certificates in every run.
func NewCAFrom(random io.Reader, org string, key crypto.Signer, notBefore, notAfter time.Time) (*CA, error) {
	tmpl, err := template(random, org, caName, nil, key.Public(), notBefore, notAfter)
	if err != nil {
		return nil, err
	}
	tmpl.IsCA = true
	tmpl.MaxPathLenZero = true
	tmpl.KeyUsage = smx509.KeyUsageCertSign | smx509.KeyUsageCRLSign
	der, err := create(tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make CA root of %s: %w", org, err)
	}
	ca, err := LoadCA(der, key)
	if err != nil {
		return nil, err
	}
	ca.random = random
	return ca, nil
}

// LoadCA makes the CA of an existing root; key must be the root's.
func LoadCA(rootDER []byte, key crypto.Signer) (*CA, error) {
	root, err := Parse(rootDER)
	if err != nil {
		return nil, err
	}
	if err := root.checkSelfSigned(); err != nil {
		return nil, err
	}
	if root.PublicKey != key.Public() {
		return nil, fmt.Errorf("the key does not belong to the CA root of %s", root.Org)
	}
	tmpl, err := smx509.ParseCertificate(root.Raw)
	if err != nil {
		return nil, fmt.Errorf("parse CA root: %w", err)
	}
	return &CA{root: root, tmpl: tmpl, key: key, random: rand.Reader}, nil
}

// Root returns the CA's own certificate.
func (ca *CA) Root() *Certificate { return ca.root }

// Issue signs a member's certificate.
func (ca *CA) Issue(r Request) (*Certificate, error) {
	if len(r.Roles) == 0 {
		return nil, errors.New("a certificate needs at least one role")
	}
	tmpl, err := template(ca.random, ca.root.Org, r.Name, r.Roles, r.PublicKey, r.NotBefore, r.NotAfter)
	if err != nil {
		return nil, err
	}
	if tmpl.NotBefore.Before(ca.root.NotBefore) || tmpl.NotAfter.After(ca.root.NotAfter) {
		return nil, fmt.Errorf("validity %s to %s reaches beyond the CA's own, %s to %s",
			tmpl.NotBefore.Format(time.RFC3339), tmpl.NotAfter.Format(time.RFC3339),
			ca.root.NotBefore.Format(time.RFC3339), ca.root.NotAfter.Format(time.RFC3339))
	}
	tmpl.KeyUsage = smx509.KeyUsageDigitalSignature | smx509.KeyUsageContentCommitment
	if r.Encryption {
		tmpl.KeyUsage = encryptionUsage
	}
	der, err := create(tmpl, ca.tmpl, r.PublicKey, ca.key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate %s/%s: %w", ca.root.Org, r.Name, err)
	}
	return Parse(der)
}

func template(random io.Reader, org, name string, roles []string, key crypto.PublicKey, from, to time.Time) (*smx509.Certificate, error) {
	for _, s := range append([]string{org, name}, roles...) {
		if !nameRE.MatchString(s) {
			return nil, fmt.Errorf("%q is not a name (a-z, then up to 31 of a-z, 0-9, hyphen)", s)
		}
	}
	sorted := slices.Clone(roles)
	slices.Sort(sorted)
	if len(sorted) > MaxRoles || len(slices.Compact(slices.Clone(sorted))) != len(sorted) {
		return nil, fmt.Errorf("roles are repeated or more than %d", MaxRoles)
	}
	from, to = from.UTC().Truncate(time.Second), to.UTC().Truncate(time.Second)
	if !from.Before(to) {
		return nil, errors.New("certificate would end before it begins")
	}
	serial, err := newSerial(random)
	if err != nil {
		return nil, err
	}
	return &smx509.Certificate{
		SerialNumber:          serial,
		SignatureAlgorithm:    smx509.SM2WithSM3,
		Subject:               pkix.Name{Organization: []string{org}, OrganizationalUnit: sorted, CommonName: name},
		NotBefore:             from,
		NotAfter:              to,
		BasicConstraintsValid: true,
		SubjectKeyId:          keyID(key),
	}, nil
}

// keyID is SM3(public key)[:20]; X.509 leaves the method open (RFC 5280 section 4.2.1.2).
func keyID(k crypto.PublicKey) []byte {
	h := crypto.Sum(k[:])
	return h[:20]
}

// newSerial draws 127 bits: unique without a register, and never negative.
func newSerial(random io.Reader) (*big.Int, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, fmt.Errorf("draw serial number: %w", err)
	}
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b), nil
}

func create(tmpl, parent *smx509.Certificate, subject crypto.PublicKey, key crypto.Signer) ([]byte, error) {
	pub, err := sm2.NewPublicKey(subject[:])
	if err != nil {
		return nil, err
	}
	own := key.Public()
	ownPub, err := sm2.NewPublicKey(own[:])
	if err != nil {
		return nil, err
	}
	return smx509.CreateCertificate(rand.Reader, tmpl, parent, pub, &signer{key, ownPub})
}

// signer lends a crypto.Signer to the X.509 library, so that a CA key may live in a
// keystore file or in hardware.
type signer struct {
	key crypto.Signer
	pub *ecdsa.PublicKey
}

func (s *signer) Public() gocrypto.PublicKey { return s.pub }

// Sign gets the whole message: with SM2 the library leaves hashing to the key.
func (s *signer) Sign(_ io.Reader, msg []byte, _ gocrypto.SignerOpts) ([]byte, error) {
	raw, err := s.key.Sign(msg)
	if err != nil {
		return nil, err
	}
	return crypto.EncodeSignature(raw)
}
