package rows

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/codec"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
)

// batch is how many rows are asked for at once.
const batch = 64

// Row is a stored row.
type Row struct{ Key, Value []byte }

// Scan hands the rows of [start,end) to f until it returns false.
func Scan(start, end []byte, f func(key, value []byte) bool) {
	for end == nil || string(start) < string(end) {
		raw, more := abi.Scan(start, end, batch)
		var last []byte
		for len(raw) > 0 {
			var r Row
			r, raw = unpack(raw)
			if last = r.Key; !f(r.Key, r.Value) {
				return
			}
		}
		if !more || last == nil {
			return
		}
		start = append(append(make([]byte, 0, len(last)+1), last...), 0)
	}
}

func unpack(b []byte) (Row, []byte) {
	key, b := chunk(b)
	value, b := chunk(b)
	return Row{key, value}, b
}

func chunk(b []byte) (item, rest []byte) {
	if len(b) < 4 {
		abi.Fail("internal", "malformed scan")
	}
	n := int(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
	if n > len(b)-4 {
		abi.Fail("internal", "malformed scan")
	}
	return b[4 : 4+n : 4+n], b[4+n:]
}

// After returns the smallest key above all that begin with prefix; nil if there is none.
func After(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for len(end) > 0 {
		if end[len(end)-1]++; end[len(end)-1] != 0 {
			return end
		}
		end = end[:len(end)-1]
	}
	return nil
}

// Begin returns where a page of the rows under base starts: behind its cursor, if it
// has one.
func Begin(base []byte, p contract.Paging) []byte {
	if p.After == "" {
		return base
	}
	tail := make([]byte, len(p.After)/2)
	if len(tail) > abi.MaxKeyBytes || !codec.DecodeHex(tail, []byte(p.After)) {
		abi.Fail("bad_arguments", "after: not a cursor of this list")
	}
	return append(append(append(make([]byte, 0, len(base)+len(tail)+1), base...), tail...), 0)
}

// Cursor returns the cursor that stands for the row under key: the rest of the key
// behind base, in hex.
func Cursor(base, key []byte) string { return string(codec.AppendHexDigits(nil, key[len(base):])) }

// Page reads one page of the rows whose keys begin with base.
func Page(base []byte, p contract.Paging) (rows []Row, next string) {
	size := int(p.Size())
	Scan(Begin(base, p), After(base), func(key, value []byte) bool {
		if len(rows) == size {
			next = Cursor(base, rows[size-1].Key)
			return false
		}
		rows = append(rows, Row{key, value})
		return true
	})
	return rows, next
}
