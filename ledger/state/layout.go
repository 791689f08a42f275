package state

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
)

// First bytes of the keys this package owns.
const (
	PrefixRow        = 's'
	PrefixLeaf       = 'L'
	PrefixCheckpoint = 'T'

	leafKeySize = 1 + crypto.HashSize
	leafRowSize = crypto.HashSize + 8 + 4 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal appends the CRC-32C of key ‖ body to body. Rows that no tree hashes are sealed.
func Seal(key, body []byte) []byte {
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, body)
	return binary.BigEndian.AppendUint32(body, sum)
}

// Unseal checks and removes the seal. The error is HC-4101.
func Unseal(key, row []byte) ([]byte, error) {
	n := len(row) - 4
	if n >= 0 {
		sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, row[:n])
		if sum == binary.BigEndian.Uint32(row[n:]) {
			return row[:n:n], nil
		}
	}
	return nil, Corrupt("row %x does not match its checksum", key)
}

// Corrupt makes the error of a damaged ledger, HC-4101.
func Corrupt(format string, args ...any) error {
	return types.Errorf(types.CodeLedgerCorrupt, format, args...)
}

// RowKey is the key of a state row.
func RowKey(ns string, key []byte) []byte {
	return AppendRowKey(make([]byte, 0, 2+len(ns)+len(key)), ns, key)
}

// AppendRowKey appends the key of a state row to b.
func AppendRowKey(b []byte, ns string, key []byte) []byte {
	return append(append(append(b, PrefixRow, byte(len(ns))), ns...), key...)
}

// SplitRowKey is the reverse of RowKey.
func SplitRowKey(row []byte) (ns string, key []byte, err error) {
	if len(row) < 2 || row[0] != PrefixRow || len(row) < 2+int(row[1]) {
		return "", nil, Corrupt("malformed row key %x", row)
	}
	n := 2 + int(row[1])
	return string(row[2:n]), row[n:], nil
}

// RowKeyHash is the key hash of a state row, from its key.
func RowKeyHash(rowKey []byte) crypto.Hash { return crypto.Sum(rowKey[1:]) }

// Row is a decoded state row.
type Row struct {
	Height  uint64
	TxIndex uint32
	Deleted bool
	Value   []byte // aliases what it was read from
}

// DecodeRow reads the value of a state row.
func DecodeRow(b []byte) (Row, error) {
	if len(b) < proof.RowHeaderSize || b[0] != proof.RowValue && b[0] != proof.RowTombstone ||
		b[0] == proof.RowTombstone && len(b) != proof.RowHeaderSize {
		return Row{}, Corrupt("malformed state row")
	}
	r := Row{
		Height:  binary.BigEndian.Uint64(b[1:]),
		TxIndex: binary.BigEndian.Uint32(b[9:]),
		Deleted: b[0] == proof.RowTombstone,
	}
	if !r.Deleted {
		r.Value = b[proof.RowHeaderSize:len(b):len(b)]
	}
	return r, nil
}

// Leaf is a leaf of the tree as its row holds it.
type Leaf struct {
	Key, Value crypto.Hash // kh, vh
	Height     uint64
	TxIndex    uint32
}

// LeafKey is the key of a leaf row.
func LeafKey(kh crypto.Hash) []byte { return append([]byte{PrefixLeaf}, kh[:]...) }

// Row returns key and value of the leaf's row.
func (l *Leaf) Row() (key, value []byte) {
	b := l.append(make([]byte, 0, leafKeySize+leafRowSize))
	return b[:leafKeySize:leafKeySize], b[leafKeySize:]
}

// append appends key and value of the leaf's row.
func (l *Leaf) append(b []byte) []byte {
	from := len(b)
	b = append(append(b, PrefixLeaf), l.Key[:]...)
	b = append(b, l.Value[:]...)
	b = binary.BigEndian.AppendUint64(b, l.Height)
	b = binary.BigEndian.AppendUint32(b, l.TxIndex)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
}

// DecodeLeaf reads a leaf row.
func DecodeLeaf(key, value []byte) (Leaf, error) {
	var l Leaf
	if len(key) != leafKeySize || key[0] != PrefixLeaf || len(value) != leafRowSize {
		return l, Corrupt("malformed leaf row %x", key)
	}
	n := leafRowSize - 4
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value[:n])
	if sum != binary.BigEndian.Uint32(value[n:]) {
		return l, Corrupt("leaf row %x does not match its checksum", key)
	}
	copy(l.Key[:], key[1:])
	copy(l.Value[:], value)
	l.Height = binary.BigEndian.Uint64(value[crypto.HashSize:])
	l.TxIndex = binary.BigEndian.Uint32(value[crypto.HashSize+8:])
	return l, nil
}

// checkNames refuses keys and values that the layout cannot hold.
func checkNames(ns string, key, value []byte) error {
	switch {
	case len(ns) == 0 || len(ns) > proof.MaxNamespaceBytes:
		return types.Errorf(types.CodeLimitExceeded, "namespace of %d bytes", len(ns))
	case len(key) > types.MaxKeyBytes:
		return types.Errorf(types.CodeLimitExceeded, "state key of %d bytes, at most %d", len(key), types.MaxKeyBytes)
	case len(value) > types.MaxValueBytes:
		return types.Errorf(types.CodeLimitExceeded, "state value of %d bytes, at most %d", len(value), types.MaxValueBytes)
	}
	return nil
}

// describe names a row for people.
func describe(ns string, key []byte) string { return fmt.Sprintf("%s/%q", ns, key) }
