package block

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/huchain/huchain/types"
)

// indexRows appends the index rows of the block, in the order of their keys: one per
// transaction id, and one per sender, contract, event name and key that the block has,
// with the positions where it has them. Most of them lie in one piece of memory.
func (d *Data) indexRows(out []Pair) []Pair {
	from := len(out)
	room := make([]byte, 0, len(d.Txs)*(epochSize+1+IDBytes+2*binary.MaxVarintLen32))
	for i := range d.Txs {
		start := len(room)
		room = append(d.appendKind(room, KindID), d.IDs[i][:IDBytes]...)
		end := len(room)
		room = Ref{d.Height, uint32(i)}.append(room)
		out = append(out, Pair{room[start:end:end], room[end:len(room):len(room)]})
	}
	if d.Indexes&IndexSender != 0 {
		out = d.senderRows(out)
	}
	l := lists{d: d, rows: map[string]*positions{}}
	var name [2 * 256]byte
	if d.Indexes&IndexContract != 0 {
		for i := range d.Contracts {
			l.add(KindContract, appendName(name[:0], d.Contracts[i]), i)
		}
	}
	if d.Indexes&IndexEvent != 0 {
		for i := range d.Events {
			e := &d.Events[i]
			contract := appendName(name[:0], e.Contract)
			l.add(KindEvent, contract, i)
			l.add(KindEventName, appendName(contract, e.Name), i)
		}
	}
	for i := range l.out {
		l.out[i].Value = l.rows[string(l.out[i].Key)].list
	}
	out = append(out, l.out...)
	if d.Indexes&IndexKey != 0 {
		out = d.keyRows(out)
	}
	slices.SortFunc(out[from:], func(a, b Pair) int { return bytes.Compare(a.Key, b.Key) })
	return out
}

// appendKind appends what the keys of the block's rows of a kind begin with.
func (d *Data) appendKind(b []byte, k Kind) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(d.Height>>EpochBits)), byte(k))
}

// senderRows appends a row for each sender. Most blocks have hardly fewer senders than
// transactions, so these are sorted rather than looked up one by one.
func (d *Data) senderRows(out []Pair) []Pair {
	order := make([]int32, len(d.Senders))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(bytes.Compare(d.Senders[a][:], d.Senders[b][:]), cmp.Compare(a, b))
	})
	room := make([]byte, 0, len(order)*(epochSize+1+len(types.Address{})+8+3))
	for len(order) > 0 {
		sender := &d.Senders[order[0]]
		start := len(room)
		room = append(d.appendKind(room, KindSender), sender[:]...)
		room = binary.BigEndian.AppendUint64(room, d.Height)
		end, last := len(room), -1
		for len(order) > 0 && d.Senders[order[0]] == *sender {
			room = appendPosition(room, last, int(order[0]))
			last, order = int(order[0]), order[1:]
		}
		out = append(out, Pair{room[start:end:end], room[end:len(room):len(room)]})
	}
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
	l.buf = binary.BigEndian.AppendUint64(append(l.d.appendKind(l.buf[:0], k), prefix...), l.d.Height)
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
