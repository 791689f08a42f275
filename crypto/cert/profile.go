package cert

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/huchain/huchain/crypto"
)

// MaxRoles bounds the roles in a certificate.
const MaxRoles = 8

// nameRE is the form of organisations, names and roles.
var nameRE = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

var (
	oidOrganization = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidUnit         = asn1.ObjectIdentifier{2, 5, 4, 11}
)

// extensions of the profile: key identifiers, key usage, basic constraints, extended key usage.
var extensions = []asn1.ObjectIdentifier{
	{2, 5, 29, 14}, {2, 5, 29, 35}, {2, 5, 29, 15}, {2, 5, 29, 19}, {2, 5, 29, 37},
}

// sm2WithSM3 is AlgorithmIdentifier{1.2.156.10197.1.501}, without parameters.
var sm2WithSM3 = []byte{0x30, 10, 6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x75}

// Key usages of an encryption certificate (GM/T 0015-2012, GB/T 38636-2020 section 6.4.5.3).
const (
	keyUse          = smx509.KeyUsageKeyEncipherment | smx509.KeyUsageKeyAgreement
	encryptionUsage = keyUse | smx509.KeyUsageDataEncipherment
)

// spkiPrefix stands before the 64 bytes X‖Y of an uncompressed SM2 point:
// SEQUENCE{SEQUENCE{id-ecPublicKey, 1.2.156.10197.1.301}, BIT STRING{04‖…}}.
var spkiPrefix = []byte{
	0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1,
	6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d, 3, 0x42, 0, 4,
}

// splitOuter checks the outermost structure, of which the issuer signs only the first
// element, so that nobody can vary the bytes of somebody else's certificate by
// appending to it, and returns the signature as r‖s.
func splitOuter(der []byte) ([]byte, error) {
	var outer, tbs, alg cryptobyte.String
	var sig asn1.BitString
	in := cryptobyte.String(der)
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() ||
		!outer.ReadASN1Element(&tbs, cbasn1.SEQUENCE) ||
		!outer.ReadASN1Element(&alg, cbasn1.SEQUENCE) ||
		!outer.ReadASN1BitString(&sig) || !outer.Empty() {
		return nil, errors.New("malformed certificate")
	}
	if !bytes.Equal(alg, sm2WithSM3) {
		return nil, errors.New("certificate is not signed with SM2-with-SM3 (1.2.156.10197.1.501)")
	}
	if sig.BitLength != 8*len(sig.Bytes) {
		return nil, errors.New("malformed certificate signature")
	}
	raw, err := crypto.DecodeSignature(sig.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate signature: %w", err)
	}
	return raw, nil
}

func parseSPKI(spki []byte) (crypto.PublicKey, error) {
	if len(spki) != len(spkiPrefix)+64 || !bytes.HasPrefix(spki, spkiPrefix) {
		return crypto.PublicKey{}, errors.New("certificate holds no uncompressed SM2 key")
	}
	return crypto.ParsePublicKey(spki[len(spkiPrefix)-1:])
}

// readNames takes organisation, name and roles from the subject; the issuer must be of
// the same organisation.
func (c *Certificate) readNames(x *smx509.Certificate) error {
	var err error
	if c.Org, c.Name, c.Roles, err = readDN(x.Subject); err != nil {
		return fmt.Errorf("certificate subject: %w", err)
	}
	org, _, units, err := readDN(x.Issuer)
	if err != nil {
		return fmt.Errorf("certificate issuer: %w", err)
	}
	if org != c.Org || len(units) != 0 {
		return errors.New("certificate issuer is not the CA of the subject's organisation")
	}
	return nil
}

func readDN(n pkix.Name) (org, name string, units []string, err error) {
	for _, a := range n.Names {
		v, ok := a.Value.(string)
		if !ok || !nameRE.MatchString(v) {
			return "", "", nil, fmt.Errorf("%q is not a name (a-z, then up to 31 of a-z, 0-9, hyphen)", fmt.Sprint(a.Value))
		}
		switch {
		case a.Type.Equal(oidOrganization) && org == "":
			org = v
		case a.Type.Equal(oidCommonName) && name == "":
			name = v
		case a.Type.Equal(oidUnit) && len(units) < MaxRoles && !slices.Contains(units, v):
			units = append(units, v)
		default:
			return "", "", nil, fmt.Errorf("unexpected or repeated attribute %v", a.Type)
		}
	}
	if org == "" || name == "" {
		return "", "", nil, errors.New("organisation (O) or name (CN) is missing")
	}
	slices.Sort(units)
	return org, name, units, nil
}

func (c *Certificate) readExtensions(x *smx509.Certificate) error {
	for _, e := range x.Extensions {
		if !slices.ContainsFunc(extensions, e.Id.Equal) {
			return fmt.Errorf("certificate extension %v is outside the profile", e.Id)
		}
	}
	c.IsCA = x.BasicConstraintsValid && x.IsCA
	certifies := x.KeyUsage&smx509.KeyUsageCertSign != 0
	signs := x.KeyUsage&(smx509.KeyUsageDigitalSignature|smx509.KeyUsageContentCommitment) != 0
	c.Encryption = !c.IsCA && x.KeyUsage&encryptionUsage != 0
	switch {
	case c.IsCA && (!certifies || len(c.Roles) != 0):
		return errors.New("a CA certificate needs the key usage keyCertSign and has no roles")
	case !c.IsCA && (certifies || len(c.Roles) == 0):
		return errors.New("a member's certificate needs a role and no key usage keyCertSign")
	case c.Encryption && (signs || x.KeyUsage&keyUse == 0):
		return errors.New("an encryption certificate needs the key usage keyEncipherment or keyAgreement and no usage for signatures")
	case !c.IsCA && !c.Encryption && x.KeyUsage&smx509.KeyUsageDigitalSignature == 0:
		return errors.New("a member's certificate needs the key usage digitalSignature, or keyEncipherment or keyAgreement")
	}
	return nil
}
