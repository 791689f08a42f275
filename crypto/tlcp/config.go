package tlcp

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
)

// Suite is the number of a cipher suite, GB/T 38636-2020 section 6.4.5.2.1.
type Suite uint16

// The suites of this package. ECC: the client encrypts a secret to the server's
// encryption certificate. ECDHE: both run the SM2 key exchange with their encryption
// certificates and fresh keys, so that a key lost later does not open what was recorded.
// The CBC suites are for old peers and are not among DefaultSuites.
const (
	ECCSM4GCMSM3   Suite = 0xE053
	ECDHESM4GCMSM3 Suite = 0xE051
	ECCSM4CBCSM3   Suite = 0xE013
	ECDHESM4CBCSM3 Suite = 0xE011
)

// DefaultSuites are the suites of a Config that names none, the preferred one first.
func DefaultSuites() []Suite { return []Suite{ECDHESM4GCMSM3, ECCSM4GCMSM3} }

// String returns the name the standard gives the suite.
func (s Suite) String() string {
	switch s {
	case ECCSM4GCMSM3:
		return "ECC_SM4_GCM_SM3"
	case ECDHESM4GCMSM3:
		return "ECDHE_SM4_GCM_SM3"
	case ECCSM4CBCSM3:
		return "ECC_SM4_CBC_SM3"
	case ECDHESM4CBCSM3:
		return "ECDHE_SM4_CBC_SM3"
	}
	return fmt.Sprintf("suite 0x%04X", uint16(s))
}

func (s Suite) known() bool { return s == ECCSM4GCMSM3 || s == ECCSM4CBCSM3 || s.ephemeral() }
func (s Suite) ephemeral() bool {
	return s == ECDHESM4GCMSM3 || s == ECDHESM4CBCSM3
}
func (s Suite) gcm() bool { return s == ECCSM4GCMSM3 || s == ECDHESM4GCMSM3 }

// Identity is what one side shows and proves. It is read-only once in use.
type Identity struct {
	Sign   *cert.Certificate
	Signer crypto.Signer // of Sign; may be a remote signer
	// Encrypt may be nil for a client that offers ECC suites alone.
	Encrypt   *cert.Certificate
	Decrypter crypto.Decrypter // of Encrypt; must be a crypto.Exchanger for ECDHE suites
}

// Validate checks that certificates and keys belong together.
func (id *Identity) Validate() error {
	switch {
	case id.Sign == nil || id.Signer == nil:
		return errors.New("tlcp: a signing certificate and its key are required")
	case id.Sign.IsCA || id.Sign.Encryption:
		return errors.New("tlcp: the signing certificate is for another use")
	case id.Sign.PublicKey != id.Signer.Public():
		return errors.New("tlcp: the signing key does not belong to the certificate")
	case id.Encrypt == nil:
		return nil
	case !id.Encrypt.Encryption:
		return errors.New("tlcp: the encryption certificate is for another use")
	case id.Decrypter == nil || id.Encrypt.PublicKey != id.Decrypter.Public():
		return errors.New("tlcp: the encryption key does not belong to the certificate")
	case id.Encrypt.Org != id.Sign.Org || id.Encrypt.Name != id.Sign.Name:
		return errors.New("tlcp: the certificates of a pair name two members")
	}
	return nil
}

func (id *Identity) chain() [][]byte {
	out := [][]byte{id.Sign.Raw}
	if id.Encrypt != nil {
		out = append(out, id.Encrypt.Raw)
	}
	return out
}

// exchanger returns the key for ECDHE suites, or nil.
func (id *Identity) exchanger() crypto.Exchanger {
	if id.Encrypt == nil {
		return nil
	}
	x, _ := id.Decrypter.(crypto.Exchanger)
	return x
}

// Config is what a connection is made with. It is shared by connections and must not be
// changed once in use; its functions are called at each handshake, from several
// goroutines, so that certificates and roots may change while connections live.
type Config struct {
	// Identity returns the own certificates and keys. Required.
	Identity func() (*Identity, error)
	// Roots returns the CA certificates of an organisation under which its members are
	// accepted; none for an organisation that is not. Required.
	Roots func(org string) []*cert.Certificate
	// VerifyPeer judges a peer whose certificates are valid under Roots: its role,
	// whether it is revoked, whether it is the one expected. Its error refuses the peer.
	VerifyPeer func(*Peer) error
	// Suites in order of preference; nil means DefaultSuites.
	Suites []Suite
	// AnonymousClients lets a server take clients that show no certificate. Peer is
	// then nil, and ECDHE suites, which need the client's certificates, are left out.
	AnonymousClients bool

	// HandshakeTimeout bounds a handshake; 0 means 10 s.
	HandshakeTimeout time.Duration
	// SessionBytes bounds what a connection carries in one direction, headers included.
	// 0 means 2^38, the most for which one SM4-GCM key keeps an attacker's advantage
	// below 2^-60 (the bound of RFC 8446 section 5.5, SM4 having AES's block size).
	SessionBytes uint64
	// SessionAge bounds how long a connection lives; 0 means 24 h.
	SessionAge time.Duration

	Rand io.Reader        // nil means crypto/rand.Reader
	Time func() time.Time // nil means time.Now
}

const (
	defaultHandshakeTimeout = 10 * time.Second
	defaultSessionBytes     = 1 << 38
	defaultSessionAge       = 24 * time.Hour
)

// Fixed returns a function for Config.Identity that always returns id.
func Fixed(id *Identity) func() (*Identity, error) {
	return func() (*Identity, error) { return id, nil }
}

// Validate checks the parts that do not change.
func (c *Config) Validate() error {
	if c == nil || c.Identity == nil || c.Roots == nil {
		return errors.New("tlcp: a Config needs Identity and Roots")
	}
	for _, s := range c.Suites {
		if !s.known() {
			return fmt.Errorf("tlcp: no such cipher suite: %v", s)
		}
	}
	if c.HandshakeTimeout < 0 || c.SessionAge < 0 || c.SessionBytes > defaultSessionBytes {
		return errors.New("tlcp: a limit of the Config is out of range")
	}
	return nil
}

func (c *Config) identity() (*Identity, error) {
	id, err := c.Identity()
	if err != nil {
		return nil, &AlertError{Alert: AlertInternalError, Err: err}
	}
	if err := id.Validate(); err != nil {
		return nil, &AlertError{Alert: AlertInternalError, Err: err}
	}
	return id, nil
}

// suites are those that the side with id can speak, in order of preference.
func (c *Config) suites(id *Identity) []Suite {
	list := c.Suites
	if list == nil {
		list = DefaultSuites()
	}
	if id.exchanger() != nil {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), Suite.ephemeral)
}

func (c *Config) rand() io.Reader {
	if c.Rand != nil {
		return c.Rand
	}
	return rand.Reader
}

func (c *Config) now() time.Time {
	if c.Time != nil {
		return c.Time()
	}
	return time.Now()
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Peer is who the other side has proven to be.
type Peer struct {
	Org, Name string
	Roles     []string          // of the signing certificate
	Sign      *cert.Certificate // it has proven to hold this key
	Encrypt   *cert.Certificate // nil if a client showed none
}

// HasRole reports whether the signing certificate names a role.
func (p *Peer) HasRole(role string) bool { return slices.Contains(p.Roles, role) }

// judgePeer checks the certificates that a peer showed. need says that the encryption
// certificate must be among them.
func (c *Config) judgePeer(chain [][]byte, need bool) (*Peer, error) {
	if len(chain) == 0 || need && len(chain) < 2 {
		return nil, faultf(AlertBadCertificate, "the peer shows %d certificates, a signing and an encryption certificate are required", len(chain))
	}
	sign, err := cert.Parse(chain[0])
	if err != nil {
		return nil, certificateFault(err)
	}
	roots, now := c.Roots(sign.Org), c.now()
	if err := sign.Check(roots, now); err != nil {
		return nil, certificateFault(err)
	}
	p := &Peer{Org: sign.Org, Name: sign.Name, Roles: sign.Roles, Sign: sign}
	// A client of the ECC suites may show one certificate, and then perhaps its root.
	if need || len(chain) > 1 && !bytes.Equal(chain[0], chain[1]) {
		enc, err := cert.Parse(chain[1])
		switch {
		case err != nil:
			return nil, certificateFault(err)
		case enc.IsCA && !need:
			enc = nil
		default:
			if err := checkPair(sign, enc, roots, now); err != nil {
				return nil, certificateFault(err)
			}
		}
		p.Encrypt = enc
	}
	if err := c.verifyPeer(p); err != nil {
		return nil, err
	}
	return p, nil
}

func (c *Config) verifyPeer(p *Peer) error {
	if c.VerifyPeer == nil {
		return nil
	}
	err := c.VerifyPeer(p)
	var own *AlertError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own
	case errors.Is(err, ErrRevoked):
		return &AlertError{Alert: AlertCertificateRevoked, Err: err}
	}
	return &AlertError{Alert: AlertAccessDenied, Err: err}
}

// Check judges a peer anew, as a handshake at this moment would: its certificates may
// have ended since, or it may have been revoked.
func (c *Config) Check(p *Peer) error {
	roots, now := c.Roots(p.Org), c.now()
	if err := p.Sign.Check(roots, now); err != nil {
		return certificateFault(err)
	}
	if p.Encrypt != nil {
		if err := p.Encrypt.CheckEncryption(roots, now); err != nil {
			return certificateFault(err)
		}
	}
	return c.verifyPeer(p)
}

func checkPair(sign, enc *cert.Certificate, roots []*cert.Certificate, at time.Time) error {
	if err := enc.CheckEncryption(roots, at); err != nil {
		return err
	}
	if enc.Org != sign.Org || enc.Name != sign.Name {
		return fmt.Errorf("%w: signing certificate of %s/%s with encryption certificate of %s/%s",
			cert.ErrUsage, sign.Org, sign.Name, enc.Org, enc.Name)
	}
	return nil
}
