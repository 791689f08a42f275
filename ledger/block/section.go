package block

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/state"
)

const (
	// sectionBytes is the size, uncompressed, from which a section is closed at the next
	// transaction whose position sectionStep divides, which keeps the directory small. Larger
	// sections compress better, smaller ones are what reading a single transaction costs.
	sectionBytes = 64 << 10
	sectionStep  = 16
	// fullBytes is the size from which a section is closed wherever it stands.
	fullBytes = 256 << 10
	// maxSectionBytes bounds a section: one item may follow what stays below fullBytes.
	maxSectionBytes = 8 << 20
	sealBytes       = 4 // that state.Seal adds
)

// formS2 begins a section in the form of S2 (github.com/klauspost/compress/s2, a block). Its row
// is sealed: other bytes may well expand to the same. Sections of ledger format 4 and before are
// a zstd frame instead, whose magic number begins otherwise. Zstd makes them a sixth smaller and
// takes four times as long, at every commit; the store's lowest level makes up for most of that, once.
const formS2 = 1

// zstdReader expands sections of ledger format 4; it is safe for concurrent use.
var zstdReader = sync.OnceValue(func() *zstd.Decoder {
	dec, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxSectionBytes), zstd.WithDecoderConcurrency(0))
	if err != nil {
		panic(fmt.Sprintf("zstd decoder: %v", err)) // of constant options
	}
	return dec
})

// expandRow returns what the section of a row holds.
func expandRow(key, section []byte) ([]byte, error) {
	if len(section) > 0 && section[0] == formS2 {
		var err error
		if section, err = state.Unseal(key, section); err != nil {
			return nil, err
		}
	}
	return expand(section)
}

func expand(section []byte) ([]byte, error) {
	if len(section) == 0 || section[0] != formS2 {
		return zstdReader().DecodeAll(section, nil)
	}
	section = section[1:]
	if n, err := s2.DecodedLen(section); err != nil || n > maxSectionBytes {
		return nil, errors.Join(err, errors.New("size of a section"))
	}
	return s2.Decode(nil, section)
}

// packRoom is the memory that making sections takes.
type packRoom struct{ raw, packed []byte }

var packRooms = sync.Pool{New: func() any { return &packRoom{raw: make([]byte, 0, fullBytes)} }}

// sections packs items into sections. What belongs to one transaction stands together, so
// that what transaction, receipt, events and rows repeat of each other costs little.
type sections struct {
	*packRoom
	emit   func(number uint32, section []byte)
	n      uint32
	counts [len(listed)]uint64   // items so far
	ends   [][len(listed)]uint64 // counts at the end of each section
}

func (s *sections) add(k Kind, item []byte) {
	s.raw = binary.AppendUvarint(append(s.raw, byte(k)), uint64(len(item)))
	s.raw = append(s.raw, item...)
	if i := listOf(k); i >= 0 {
		s.counts[i]++
	}
	if len(s.raw) >= fullBytes {
		s.close()
	}
}

// pause is called behind each transaction with all that belongs to it.
func (s *sections) pause(tx int) {
	if len(s.raw) >= sectionBytes && (tx+1)%sectionStep == 0 {
		s.close()
	}
}

func (s *sections) close() {
	if len(s.raw) == 0 {
		return
	}
	s.packed = slices.Grow(s.packed[:0], 1+s2.MaxEncodedLen(len(s.raw)))
	packed := s2.Encode(s.packed[1:cap(s.packed)], s.raw)
	s.emit(s.n, append(append(make([]byte, 0, 1+len(packed)+sealBytes), formS2), packed...))
	s.n++
	s.ends = append(s.ends, s.counts)
	s.raw = s.raw[:0]
}

// pack puts everything under the content root into sections. It returns the directory of
// them, nil if there is but one.
func (d *Data) pack(emit func(number uint32, section []byte)) *Directory {
	s := sections{emit: emit, packRoom: packRooms.Get().(*packRoom)}
	defer packRooms.Put(s.packRoom)
	s.add(kindIndexed, []byte{byte(d.Indexes)})
	order, first := d.byTx()
	event := 0
	for i := range d.Txs {
		s.add(KindTxs, d.Txs[i])
		s.add(KindReceipts, d.Receipts[i])
		for ; event < len(d.Events) && d.Events[event].TxIndex <= uint32(i); event++ {
			s.add(KindEvents, d.EventBytes[event])
		}
		for _, c := range order[first[i]:first[i+1]] {
			s.add(KindWrites, d.Changes[c])
		}
		s.pause(i)
	}
	for ; event < len(d.EventBytes); event++ {
		s.add(KindEvents, d.EventBytes[event])
	}
	for _, c := range order[first[len(d.Txs)]:] {
		s.add(KindWrites, d.Changes[c])
	}
	s.close()
	if s.n < 2 {
		return nil
	}
	return d.directory(s.ends)
}

// directory makes the directory of sections that end behind so many items of each kind.
func (d *Data) directory(ends [][len(listed)]uint64) *Directory {
	out := &Directory{}
	var from [len(listed)]uint64
	for _, to := range ends {
		var counts [len(listed)]uint64
		var nodes [len(listed)][]crypto.Hash
		for k := range listed {
			counts[k] = to[k] - from[k]
			nodes[k] = d.Lists[k].Run(from[k], counts[k])
		}
		if err := out.add(counts, nodes); err != nil {
			panic(fmt.Sprintf("directory of block %d: %v", d.Height, err)) // the nodes are of these very items
		}
		from = to
	}
	return out
}

// byTx sorts the changes by transaction: those of transaction i are order[first[i]:first[i+1]],
// those of none come last.
func (d *Data) byTx() (order, first []int) {
	n := len(d.Txs)
	txOf := func(c []byte) int { return min(int(changeTx(c)), n) }
	first = make([]int, n+2)
	for _, c := range d.Changes {
		first[txOf(c)+1]++
	}
	for i := range n + 1 {
		first[i+1] += first[i]
	}
	next := slices.Clone(first)
	order = make([]int, len(d.Changes))
	for i, c := range d.Changes {
		t := txOf(c)
		order[next[t]] = i
		next[t]++
	}
	return order, first
}

// unpack calls fn for the items of a section as expanded. They stay valid.
func unpack(raw []byte, fn func(Kind, []byte) error) error {
	for len(raw) > 0 {
		n, k := binary.Uvarint(raw[1:])
		if k <= 0 || n > uint64(len(raw)-1-k) {
			return errors.New("malformed item")
		}
		end := 1 + k + int(n)
		if err := fn(Kind(raw[0]), raw[1+k:end:end]); err != nil {
			return err
		}
		raw = raw[end:]
	}
	return nil
}

// Parts is everything under the content root of a block, as encoded.
type Parts struct {
	Indexes                       Indexes
	Txs, Receipts, Events, Writes [][]byte
}

// Of returns the items of one kind.
func (p *Parts) Of(k Kind) [][]byte {
	switch k {
	case KindTxs:
		return p.Txs
	case KindReceipts:
		return p.Receipts
	case KindEvents:
		return p.Events
	}
	return p.Writes
}

func (p *Parts) add(k Kind, item []byte) error {
	switch k {
	case kindIndexed:
		if len(item) != 1 {
			return errors.New("malformed list of indexes")
		}
		p.Indexes = Indexes(item[0])
	case KindTxs:
		p.Txs = append(p.Txs, item)
	case KindReceipts:
		p.Receipts = append(p.Receipts, item)
	case KindEvents:
		p.Events = append(p.Events, item)
	case KindWrites:
		p.Writes = append(p.Writes, item)
	default:
		return fmt.Errorf("item of unknown kind %d", k)
	}
	return nil
}

// sortWrites puts changes into the order of the write set, by (NS, Key).
func sortWrites(changes [][]byte) error {
	type keyed struct {
		ns          string
		key, change []byte
	}
	all := make([]keyed, len(changes))
	for i, c := range changes {
		d, err := DecodeChange(c)
		if err != nil {
			return err
		}
		all[i] = keyed{d.NS, d.Key, c}
	}
	slices.SortStableFunc(all, func(a, b keyed) int {
		return cmp.Or(cmp.Compare(a.ns, b.ns), bytes.Compare(a.key, b.key))
	})
	for i := range all {
		changes[i] = all[i].change
	}
	return nil
}

// Parts reads a block. The caller checks it against the block's content.
func (s *Store) Parts(height uint64) (*Parts, error) {
	return s.PartsOf(height, KindTxs, KindReceipts, KindEvents, KindWrites)
}

// PartsOf reads those parts of a block that are of some kinds: what is not asked for costs
// little beside being unpacked.
func (s *Store) PartsOf(height uint64, kinds ...Kind) (*Parts, error) {
	p := &Parts{}
	err := s.eachSection(height, func(k Kind, item []byte) error {
		switch k {
		case KindTxs, KindReceipts, KindEvents, KindWrites:
			if !slices.Contains(kinds, k) {
				return nil
			}
		}
		return p.add(k, item)
	})
	if err != nil {
		return nil, err
	}
	return p, sortWrites(p.Writes)
}

// eachSection calls fn for the items of all sections of a block, in order.
func (s *Store) eachSection(height uint64, fn func(Kind, []byte) error) error {
	prefix := key(height, KindSection, u64(height))
	n := uint32(0)
	return state.EachRow(s.db, prefix, key(height, KindSection, u64(height+1)), func(k, section []byte) error {
		number := k[len(prefix):]
		if len(number) != 4 || binary.BigEndian.Uint32(number) != n {
			return state.Corrupt("sections of block %d have a gap", height)
		}
		raw, err := expandRow(k, section)
		if err == nil {
			err = unpack(raw, fn)
		}
		if err != nil {
			return state.Corrupt("section %d of block %d: %w", n, height, err)
		}
		n++
		return nil
	})
}
