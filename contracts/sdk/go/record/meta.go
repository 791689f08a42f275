package record

import (
	"github.com/huchain/huchain/contracts/sdk/go/codec"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
)

// Meta is what the library keeps in every record, under the field "meta". Contracts
// read it and leave writing it to the library.
type Meta struct {
	Version uint32          // from 1, one up with every change
	Owner   Party           // of the record; empty: nobody
	State   string          // in the record's workflow; empty without one
	Op      string          // what made this version: create, update, delete, grant, revoke, transfer or a move
	By      contract.Member // who made this version; empty at installation
	Time    contract.Time   // of this version
	Created contract.Time   // of version 1
	Deleted bool            // the record is a tombstone
	Grants  []Grant         // to others than the owner
}

// Expect refuses with ErrStale unless the record is at a version; 0 accepts any. It
// lets a caller say which version a change was made against.
func (m *Meta) Expect(version uint32) error {
	if version != 0 && version != m.Version {
		return ErrStale.With("the record is at version " + decimal(m.Version))
	}
	return nil
}

func decimal(v uint32) string { return string(codec.AppendUint(nil, uint64(v))) }

// stored is the JSON of the meta data stored last, since what a method has stored it mostly
// returns too. It is taken while table.write stores a row, whose bytes nobody changes.
var stored struct {
	now  bool
	meta Meta
	json []byte
}

// AppendJSON appends the meta data.
func (m *Meta) AppendJSON(b []byte) []byte {
	if stored.json != nil && m.equals(&stored.meta) {
		return append(b, stored.json...)
	}
	n := len(b)
	b = m.appendJSON(b)
	if stored.now && len(m.Grants) == 0 {
		stored.meta, stored.json = *m, b[n:len(b):len(b)]
	}
	return b
}

// equals compares meta data without grants.
func (m *Meta) equals(o *Meta) bool {
	return m.Version == o.Version && m.Time == o.Time && m.Created == o.Created && m.Deleted == o.Deleted && len(m.Grants) == 0 &&
		m.Op == o.Op && m.Owner == o.Owner && m.State == o.State && m.By == o.By
}

func (m *Meta) appendJSON(b []byte) []byte {
	b = codec.AppendUint(codec.AppendRaw(b, `{"version":`), uint64(m.Version))
	if m.Owner != "" {
		b = codec.AppendString(codec.AppendRaw(b, `,"owner":`), string(m.Owner))
	}
	if m.State != "" {
		b = codec.AppendString(codec.AppendRaw(b, `,"state":`), m.State)
	}
	b = codec.AppendString(codec.AppendRaw(b, `,"op":`), m.Op)
	if m.By != "" {
		b = codec.AppendString(codec.AppendRaw(b, `,"by":`), string(m.By))
	}
	b = m.Time.AppendJSON(codec.AppendRaw(b, `,"time":`))
	b = m.Created.AppendJSON(codec.AppendRaw(b, `,"created":`))
	if m.Deleted {
		b = codec.AppendRaw(b, `,"deleted":true`)
	}
	if len(m.Grants) > 0 {
		b = codec.AppendRaw(b, `,"grants":[`)
		for i := range m.Grants {
			b = m.Grants[i].AppendJSON(codec.Comma(b))
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

var metaFields = codec.Fields{
	Names:    []string{"version", "owner", "state", "op", "by", "time", "created", "deleted", "grants"},
	Required: 1<<0 | 1<<3 | 1<<5 | 1<<6,
}

// DecodeJSON reads what AppendJSON wrote.
func (m *Meta) DecodeJSON(r *codec.Reader) {
	var seen uint64
	r.Object()
	for {
		switch r.Field(&metaFields, &seen) {
		case 0:
			m.Version = r.Uint32()
		case 1:
			m.Owner.DecodeJSON(r)
		case 2:
			m.State = r.String()
		case 3:
			m.Op = r.String()
		case 4:
			m.By.DecodeJSON(r)
		case 5:
			m.Time.DecodeJSON(r)
		case 6:
			m.Created.DecodeJSON(r)
		case 7:
			m.Deleted = r.Bool()
		case 8:
			r.List()
			for r.More() {
				var g Grant
				g.DecodeJSON(r)
				m.Grants = append(m.Grants, g)
			}
		default:
			return
		}
	}
}
