package types

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/huchain/huchain/crypto"
)

// AddressSize is the size of an address in bytes.
const AddressSize = 20

// Address names a key: the first 20 bytes of SM3(public key). A key, and with it an
// address, may be replaced by renewal; records refer to MemberID instead.
type Address [AddressSize]byte

// AddressOf returns the address of a public key.
func AddressOf(k crypto.PublicKey) Address {
	h := crypto.Sum(k[:])
	return Address(h[:AddressSize])
}

// ParseAddress reads 40 lower-case hex digits.
func ParseAddress(s string) (Address, error) {
	var a Address
	if err := a.UnmarshalText([]byte(s)); err != nil {
		return Address{}, err
	}
	return a, nil
}

// String returns 40 lower-case hex digits.
func (a Address) String() string { return hex.EncodeToString(a[:]) }

// MarshalText returns 40 lower-case hex digits.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText accepts 40 lower-case hex digits.
func (a *Address) UnmarshalText(b []byte) error {
	if len(b) != 2*AddressSize || strings.ToLower(string(b)) != string(b) {
		return errors.New("an address is 40 lower-case hex digits")
	}
	if _, err := hex.Decode(a[:], b); err != nil {
		return errors.New("an address is 40 lower-case hex digits")
	}
	return nil
}

// MemberID is the stable identity of a member of a chain: "org/name".
type MemberID string

// NamePattern is the form of organisation, member, contract and chain names.
const NamePattern = `[a-z][a-z0-9-]{0,31}`

// maxNameBytes is the most of NamePattern.
const maxNameBytes = 32

// ValidName reports whether s may name an organisation, member, contract or chain: whether
// it is of NamePattern. Every decoding of a transaction asks, so it is no regular expression.
func ValidName(s string) bool {
	if len(s) == 0 || len(s) > maxNameBytes || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// NewMemberID joins an organisation and a name.
func NewMemberID(org, name string) (MemberID, error) {
	return ParseMemberID(org + "/" + name)
}

// ParseMemberID checks the form "org/name".
func ParseMemberID(s string) (MemberID, error) {
	if org, name, _ := strings.Cut(s, "/"); !ValidName(org) || !ValidName(name) {
		return "", fmt.Errorf("%q is no member id of the form org/name (lower-case letters, digits, hyphens)", s)
	}
	return MemberID(s), nil
}

// Org returns the organisation's name.
func (m MemberID) Org() string { org, _, _ := strings.Cut(string(m), "/"); return org }

// Name returns the name within the organisation.
func (m MemberID) Name() string { _, name, _ := strings.Cut(string(m), "/"); return name }

// Role is what a certificate entitles its holder to.
type Role string

// The roles of a member, as they stand in the certificate's OU.
const (
	RoleAdmin     Role = "admin"     // votes for its organisation, issues certificates
	RoleValidator Role = "validator" // runs a validating node
	RoleNode      Role = "node"      // is a node: the certificates of its links
	RoleClient    Role = "client"    // sends transactions
	RoleAuditor   Role = "auditor"   // reads everything, writes nothing
	RoleLight     Role = "light"     // follows headers
)

// ValidRole reports whether r is one of the roles above.
func ValidRole(r Role) bool {
	switch r {
	case RoleAdmin, RoleValidator, RoleNode, RoleClient, RoleAuditor, RoleLight:
		return true
	}
	return false
}
