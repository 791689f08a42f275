package record

import (
	"github.com/huchain/huchain/contracts/sdk/go/codec"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
)

// Party is who may own a record or be granted a right: a member "org/name", an
// organisation "org", or a DID "did:method:id".
type Party string

// Is reports whether a caller is the party, belongs to it or holds the DID. The DID
// costs a read of the state, once a call, and is asked for only where p is one.
func (p Party) Is(c *contract.Caller) bool {
	switch {
	case p == "":
		return false
	case len(p) > 4 && p[:4] == "did:":
		return string(p) == string(c.DID())
	}
	return string(p) == string(c.Member) || string(p) == string(c.Org)
}

// ValidParty reports whether s is a member, an organisation or a DID.
func ValidParty(s string) bool {
	return contract.ValidMember(s) || contract.ValidOrg(s) || contract.ValidDID(s)
}

// DecodeJSON reads a member, an organisation or a DID.
func (p *Party) DecodeJSON(r *codec.Reader) {
	s := r.String()
	if !ValidParty(s) {
		r.Fail("member org/name, organisation or DID expected")
		return
	}
	*p = Party(s)
}

// AppendJSON appends a string.
func (p *Party) AppendJSON(b []byte) []byte { return codec.AppendString(b, string(*p)) }

// AppendKey appends the text.
func (p *Party) AppendKey(b []byte) []byte { return append(b, *p...) }

// DecodeKey reads what AppendKey wrote.
func (p *Party) DecodeKey(b []byte) bool {
	*p = Party(b)
	return true
}

// Rights are what a grant permits; combine them with |.
type Rights uint8

// The rights.
const (
	Read  Rights = 1 << iota // see a private record, open its encrypted fields
	Write                    // change the content
	Share                    // grant rights one has to others
)

var rightNames = [...]string{"read", "write", "share"}

// DecodeJSON reads a list of read, write and share.
func (p *Rights) DecodeJSON(r *codec.Reader) {
	r.List()
	for r.More() {
		s := r.String()
		bit := Rights(0)
		for i, n := range rightNames {
			if n == s {
				bit = 1 << i
			}
		}
		if bit == 0 || *p&bit != 0 {
			r.Fail("read, write or share expected, each once")
			return
		}
		*p |= bit
	}
}

// AppendJSON appends a list.
func (p *Rights) AppendJSON(b []byte) []byte {
	b = append(b, '[')
	for i, n := range rightNames {
		if *p&(1<<i) != 0 {
			b = codec.AppendString(codec.Comma(b), n)
		}
	}
	return append(b, ']')
}

// Grant gives a party rights to one record.
type Grant struct {
	To     Party
	Rights Rights
	Until  contract.Time   // the grant holds before this moment; 0: until it is revoked
	By     contract.Member // who granted; set by the library
}

// holds reports whether the grant is still in force.
func (g *Grant) holds(now contract.Time) bool { return g.Until == 0 || now < g.Until }

// AppendJSON appends the grant.
func (g *Grant) AppendJSON(b []byte) []byte {
	b = g.To.AppendJSON(codec.AppendRaw(b, `{"to":`))
	b = g.Rights.AppendJSON(codec.AppendRaw(b, `,"rights":`))
	if g.Until != 0 {
		b = g.Until.AppendJSON(codec.AppendRaw(b, `,"until":`))
	}
	if g.By != "" {
		b = g.By.AppendJSON(codec.AppendRaw(b, `,"by":`))
	}
	return append(b, '}')
}

var grantFields = codec.Fields{Names: []string{"to", "rights", "until", "by"}, Required: 3}

// DecodeJSON reads a grant.
func (g *Grant) DecodeJSON(r *codec.Reader) {
	var seen uint64
	r.Object()
	for {
		switch r.Field(&grantFields, &seen) {
		case 0:
			g.To.DecodeJSON(r)
		case 1:
			g.Rights.DecodeJSON(r)
		case 2:
			g.Until.DecodeJSON(r)
		case 3:
			g.By.DecodeJSON(r)
		default:
			return
		}
	}
}
