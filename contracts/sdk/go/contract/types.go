package contract

import (
	"github.com/huchain/huchain/contracts/sdk/go/codec"
)

// None is for methods without arguments or without a result; its JSON is {}.
type None struct{}

// DecodeJSON accepts an empty object.
func (*None) DecodeJSON(r *codec.Reader) {
	var seen uint64
	r.Object()
	r.Field(&noFields, &seen)
}

var noFields codec.Fields

// AppendJSON appends {}.
func (*None) AppendJSON(b []byte) []byte { return append(b, "{}"...) }

// Hash is an SM3 digest; its text is 64 lower-case hex digits.
type Hash [32]byte

// IsZero reports whether h is the zero Hash.
func (h Hash) IsZero() bool { return h == Hash{} }

// String returns 64 lower-case hex digits.
func (h Hash) String() string { return string(codec.AppendHexDigits(make([]byte, 0, 64), h[:])) }

// DecodeJSON reads a hex string.
func (h *Hash) DecodeJSON(r *codec.Reader) { r.Hex(h[:]) }

// AppendJSON appends a hex string.
func (h *Hash) AppendJSON(b []byte) []byte { return codec.AppendHex(b, h[:]) }

// AppendKey appends the hex digits.
func (h *Hash) AppendKey(b []byte) []byte { return codec.AppendHexDigits(b, h[:]) }

// DecodeKey reads what AppendKey wrote.
func (h *Hash) DecodeKey(b []byte) bool { return codec.DecodeHex(h[:], b) }

// Address is the first 20 bytes of SM3(public key): 40 lower-case hex digits.
// Records refer to Member instead, since a key may be renewed.
type Address [20]byte

// String returns 40 lower-case hex digits.
func (a Address) String() string { return string(codec.AppendHexDigits(make([]byte, 0, 40), a[:])) }

// DecodeJSON reads a hex string.
func (a *Address) DecodeJSON(r *codec.Reader) { r.Hex(a[:]) }

// AppendJSON appends a hex string.
func (a *Address) AppendJSON(b []byte) []byte { return codec.AppendHex(b, a[:]) }

// Bytes is binary data; its text is lower-case hex.
type Bytes []byte

// DecodeJSON reads a hex string.
func (v *Bytes) DecodeJSON(r *codec.Reader) { *v = r.Bytes() }

// AppendJSON appends a hex string.
func (v *Bytes) AppendJSON(b []byte) []byte { return codec.AppendHex(b, *v) }

// Member is the stable identity of a member, "org/name".
type Member string

// Org returns the organisation's name.
func (m Member) Org() Org {
	for i := 0; i < len(m); i++ {
		if m[i] == '/' {
			return Org(m[:i])
		}
	}
	return ""
}

// DecodeJSON reads "org/name".
func (m *Member) DecodeJSON(r *codec.Reader) {
	s := r.String()
	if !ValidMember(s) {
		r.Fail("member id of the form org/name expected")
		return
	}
	*m = Member(s)
}

// AppendJSON appends a string.
func (m *Member) AppendJSON(b []byte) []byte { return codec.AppendString(b, string(*m)) }

// Org is an organisation's name.
type Org string

// DecodeJSON reads a name.
func (o *Org) DecodeJSON(r *codec.Reader) {
	s := r.String()
	if !validName(s) {
		r.Fail("organisation name expected")
		return
	}
	*o = Org(s)
}

// AppendJSON appends a string.
func (o *Org) AppendJSON(b []byte) []byte { return codec.AppendString(b, string(*o)) }

// DID is a decentralised identifier, "did:method:id", at most 255 bytes.
type DID string

// DecodeJSON reads a DID.
func (d *DID) DecodeJSON(r *codec.Reader) {
	s := r.String()
	if !ValidDID(s) {
		r.Fail("DID expected")
		return
	}
	*d = DID(s)
}

// AppendJSON appends a string.
func (d *DID) AppendJSON(b []byte) []byte { return codec.AppendString(b, string(*d)) }

const maxName = 32 // bytes

// validName reports whether s matches [a-z][a-z0-9-]{0,31}.
func validName(s string) bool {
	return len(s) > 0 && len(s) <= maxName && s[0]-'a' <= 'z'-'a' && nameEnd(s) == len(s)
}

// nameEnd returns the place of the first byte of s that no name holds.
func nameEnd(s string) int {
	for i := 0; i < len(s); i++ {
		if !inNames[s[i]] {
			return i
		}
	}
	return len(s)
}

// inNames are the bytes of names: a-z, 0-9 and the hyphen.
var inNames = func() (t [256]bool) {
	for c := byte('a'); c <= 'z'; c++ {
		t[c] = true
	}
	for c := byte('0'); c <= '9'; c++ {
		t[c] = true
	}
	t['-'] = true
	return t
}()

// ValidOrg reports whether s has the form of an organisation's name.
func ValidOrg(s string) bool { return validName(s) }

// ValidDID reports whether s has the form did:method:id of W3C DID Core section 3.1,
// within 7 to 255 bytes: a method of lower-case letters and digits, an id of letters,
// digits, dots, hyphens, underscores, colons and percent signs.
func ValidDID(s string) bool {
	if len(s) < 7 || len(s) > 255 || s[:4] != "did:" {
		return false
	}
	i := 4
	for i < len(s) && (s[i] >= 'a' && s[i] <= 'z' || s[i]-'0' <= 9) {
		i++
	}
	if i == 4 || i+1 >= len(s) || s[i] != ':' || s[len(s)-1] == ':' {
		return false
	}
	for i++; i < len(s); i++ {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && c-'0' > 9 && c != '.' && c != '-' && c != '_' && c != ':' && c != '%' {
			return false
		}
	}
	return true
}

// ValidMember reports whether s has the form org/name.
func ValidMember(s string) bool {
	n := nameEnd(s)
	return n > 0 && n <= maxName && n < len(s) && s[n] == '/' && s[0]-'a' <= 'z'-'a' && validName(s[n+1:])
}
