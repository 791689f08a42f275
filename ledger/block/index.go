package block

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/huchain/huchain/types"
)

// indexRows appends the index rows of the block, in the order of their keys: one per
// transaction id, and one per sender, contract, event name and key that the block has,
// with the positions where it has them.
func (d *Data) indexRows(out []Pair) []Pair {
	from := len(out)
	for i := range d.Txs {
		out = append(out, Pair{key(d.Height, KindID, d.IDs[i][:IDBytes]), Ref{d.Height, uint32(i)}.encode()})
	}
	l := lists{d: d, rows: map[string]*positions{}}
	if d.Indexes&IndexSender != 0 {
		for i := range d.Senders {
			l.add(KindSender, d.Senders[i][:], i)
		}
	}
	var room [2 * 256]byte
	if d.Indexes&IndexContract != 0 {
		for i := range d.Contracts {
			l.add(KindContract, appendName(room[:0], d.Contracts[i]), i)
		}
	}
	if d.Indexes&IndexEvent != 0 {
		for i := range d.Events {
			e := &d.Events[i]
			contract := appendName(room[:0], e.Contract)
			l.add(KindEvent, contract, i)
			l.add(KindEventName, appendName(contract, e.Name), i)
		}
	}
	out = append(out, l.out...)
	if d.Indexes&IndexKey != 0 {
		out = d.keyRows(out)
	}
	for i := range l.out {
		out[from+len(d.Txs)+i].Value = l.rows[string(l.out[i].Key)].list
	}
	slices.SortFunc(out[from:], func(a, b Pair) int { return bytes.Compare(a.Key, b.Key) })
	return out
}

// lists collects positions by row key.
type lists struct {
	d    *Data
	rows map[string]*positions
	out  []Pair // in the order in which keys were met
	buf  []byte
}

type positions struct {
	list []byte
	last int
}

func (l *lists) add(k Kind, prefix []byte, position int) {
	l.buf = append(binary.BigEndian.AppendUint32(l.buf[:0], uint32(l.d.Height>>EpochBits)), byte(k))
	l.buf = binary.BigEndian.AppendUint64(append(l.buf, prefix...), l.d.Height)
	p := l.rows[string(l.buf)]
	if p == nil {
		p = &positions{last: -1}
		k := bytes.Clone(l.buf)
		l.rows[string(k)] = p
		l.out = append(l.out, Pair{Key: k})
	}
	p.list = appendPosition(p.list, p.last, position)
	p.last = position
}

// keyRows appends one row per key that the block wrote, with the transaction that did.
func (d *Data) keyRows(out []Pair) []Pair {
	for _, raw := range d.Changes {
		c, err := DecodeChange(raw)
		if err != nil {
			continue // made by Encode; cannot be
		}
		_, prefix := ByKey(c.NS, c.Key)
		out = append(out, Pair{key(d.Height, KindKey, prefix, u64(d.Height)), appendPosition(nil, -1, int(c.TxIndex))})
	}
	return out
}

// BySender lists transactions by who sent them.
func BySender(a types.Address) (Kind, []byte) { return KindSender, a[:] }

// ByContract lists transactions that called a contract.
func ByContract(contract string) (Kind, []byte) { return KindContract, name(contract) }

// ByEvent lists the events of a contract, of one name or, if it is empty, all.
func ByEvent(contract, event string) (Kind, []byte) {
	if event == "" {
		return KindEvent, name(contract)
	}
	return KindEventName, append(name(contract), name(event)...)
}

// ByKey lists transactions that wrote a key.
func ByKey(ns string, key []byte) (Kind, []byte) {
	b := binary.BigEndian.AppendUint16(name(ns), uint16(len(key)))
	return KindKey, append(b, key...)
}
