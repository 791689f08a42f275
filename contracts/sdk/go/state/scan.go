package state

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/codec"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
)

// batch is how many rows are asked for at once.
const batch = 64

type row struct{ key, value []byte }

// scan hands the rows of [start,end) to f until it returns false.
func scan(start, end []byte, f func(key, value []byte) bool) {
	for end == nil || string(start) < string(end) {
		raw, more := abi.Scan(start, end, batch)
		var last []byte
		for len(raw) > 0 {
			var r row
			r, raw = unpack(raw)
			if last = r.key; !f(r.key, r.value) {
				return
			}
		}
		if !more || last == nil {
			return
		}
		start = append(append(make([]byte, 0, len(last)+1), last...), 0)
	}
}

func unpack(b []byte) (row, []byte) {
	key, b := chunk(b)
	value, b := chunk(b)
	return row{key, value}, b
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

// after returns the smallest key above all that begin with prefix; nil if there is none.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for len(end) > 0 {
		if end[len(end)-1]++; end[len(end)-1] != 0 {
			return end
		}
		end = end[:len(end)-1]
	}
	return nil
}

// page reads one page of the rows whose keys begin with base. The cursor is the rest
// of the last key, in hex.
func page(base []byte, p contract.Paging) (rows []row, next string) {
	start := base
	if p.After != "" {
		tail := make([]byte, len(p.After)/2)
		if len(tail) > abi.MaxKeyBytes || !codec.DecodeHex(tail, []byte(p.After)) {
			abi.Fail("bad_arguments", "after: not a cursor of this list")
		}
		start = append(append(append(make([]byte, 0, len(base)+len(tail)+1), base...), tail...), 0)
	}
	size := int(p.Size())
	scan(start, after(base), func(key, value []byte) bool {
		if len(rows) == size {
			next = string(codec.AppendHexDigits(nil, rows[size-1].key[len(base):]))
			return false
		}
		rows = append(rows, row{key, value})
		return true
	})
	return rows, next
}
