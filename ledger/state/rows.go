package state

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
)

// EachRow calls fn for the rows of [lower, upper) in key order until it returns an error,
// which is then returned. Key and value are valid until fn returns. Errors of the driver
// are HC-4101 or HC-4103.
func EachRow(r driver.Reader, lower, upper []byte, fn func(key, value []byte) error) error {
	it, err := r.Iter(lower, upper)
	if err != nil {
		return ReadError(err)
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		err = fn(it.Key(), it.Value())
	}
	if err == nil {
		err = ReadError(it.Error())
	}
	return errors.Join(err, ReadError(it.Close()))
}

// eachPrefix is EachRow for the rows whose keys begin with prefix.
func eachPrefix(r driver.Reader, prefix byte, fn func(key, value []byte) error) error {
	return EachRow(r, []byte{prefix}, []byte{prefix + 1}, fn)
}

// rowLeaves reads leaves from their rows through one iterator, which is opened when the
// first is asked for.
type rowLeaves struct {
	r  driver.Reader
	it driver.Iterator
}

func (s *rowLeaves) close() error {
	if s.it == nil {
		return nil
	}
	return ReadError(s.it.Close())
}

// leavesUnder appends, in order, the leaves whose keys agree with prefix in their first
// level bits, at most limit of them.
func (s *rowLeaves) leavesUnder(dst []Leaf, prefix crypto.Hash, level, limit int) ([]Leaf, error) {
	if s.it == nil {
		it, err := s.r.Iter([]byte{PrefixLeaf}, []byte{PrefixLeaf + 1})
		if err != nil {
			return nil, ReadError(err)
		}
		s.it = it
	}
	var from [leafKeySize]byte
	from[0] = PrefixLeaf
	copy(from[1:], prefix[:level>>3])
	if rest := level & 7; rest != 0 {
		from[1+level>>3] = prefix[level>>3] & (0xff << (8 - rest))
	}
	for ok := s.it.SeekGE(from[:]); ok; ok = s.it.Next() {
		key := s.it.Key()
		if !underPrefix(key[1:], prefix[:], level) {
			break
		}
		l, err := DecodeLeaf(key, s.it.Value())
		if err != nil {
			return nil, err
		}
		dst = append(dst, l)
		if limit--; limit == 0 {
			return dst, nil
		}
	}
	return dst, ReadError(s.it.Error())
}

// sharePrefix reports whether two key hashes agree in their first bits bits.
func sharePrefix(a, b *crypto.Hash, bits int) bool {
	if bits <= 64 {
		return (binary.BigEndian.Uint64(a[:])^binary.BigEndian.Uint64(b[:]))>>(64-bits) == 0
	}
	return underPrefix(a[:], b[:], bits)
}

// underPrefix reports whether key agrees with prefix in its first bits bits.
func underPrefix(key, prefix []byte, bits int) bool {
	n := bits >> 3
	if len(key) < crypto.HashSize || !bytes.Equal(key[:n], prefix[:n]) {
		return false
	}
	rest := bits & 7
	return rest == 0 || (key[n]^prefix[n])>>(8-rest) == 0
}
