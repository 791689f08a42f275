package abi

// buffer holds what a part of a call writes and emits until it is known to succeed,
// because the chain undoes whole calls alone.
type buffer struct {
	rows   []write // ascending by key
	events []event
}

type write struct {
	key, value []byte
	deleted    bool
}

type event struct {
	name string
	data []byte
}

// pending is nil unless Begin was called. The functions below see through it.
var pending *buffer

// Begin starts holding back writes and events; false if it has been started already.
func Begin() bool {
	if pending != nil {
		return false
	}
	pending = new(buffer)
	return true
}

// Commit passes on what was held back.
func Commit() {
	b := pending
	pending = nil
	for _, w := range b.rows {
		if w.deleted {
			rawDelete(w.key)
		} else {
			rawPut(w.key, w.value)
		}
	}
	for _, e := range b.events {
		rawEmit(e.name, e.data)
	}
}

// Rollback forgets what was held back.
func Rollback() { pending = nil }

// find returns the place of the first row whose key is not below key.
func (b *buffer) find(key []byte) (at int, found bool) {
	lo, hi := 0, len(b.rows)
	for lo < hi {
		mid := (lo + hi) / 2
		if string(b.rows[mid].key) < string(key) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(b.rows) && string(b.rows[lo].key) == string(key)
}

func (b *buffer) set(w write) {
	at, found := b.find(w.key)
	if !found {
		b.rows = append(b.rows, write{})
		copy(b.rows[at+1:], b.rows[at:])
	}
	b.rows[at] = w
}

// Get reads a row.
func Get(key []byte) ([]byte, bool) {
	if pending != nil {
		if at, found := pending.find(key); found {
			return pending.rows[at].value, !pending.rows[at].deleted
		}
	}
	return rawGet(key)
}

// Put writes a row. The caller keeps neither key nor value.
func Put(key, value []byte) {
	if pending != nil {
		pending.set(write{key: key, value: value})
		return
	}
	rawPut(key, value)
}

// Delete removes a row. The caller does not keep the key.
func Delete(key []byte) {
	if pending != nil {
		pending.set(write{key: key, deleted: true})
		return
	}
	rawDelete(key)
}

// Emit announces an event. The caller does not keep data.
func Emit(name string, data []byte) {
	if pending != nil {
		pending.events = append(pending.events, event{name, data})
		return
	}
	rawEmit(name, data)
}

// Call enters another contract; where ok is false the result is its error text. While
// writes are held back it ends the call, since what the other contract does cannot be.
func Call(contract, method string, args []byte) ([]byte, bool) {
	if pending != nil {
		Fail("internal", "a contract is called while writes are held back")
	}
	return rawCall(contract, method, args)
}

// Scan reads rows of [start,end), packed as u32le length and bytes of key, then of
// value, and reports whether more follow. It returns at most limit rows, and more by
// what is held back, but no row only if none follows. A nil end is the namespace's end.
func Scan(start, end []byte, limit uint32) ([]byte, bool) {
	for {
		rows, more := rawScan(start, end, limit)
		if pending == nil {
			return rows, more
		}
		merged, last := pending.merge(rows, start, end, more)
		if len(merged) > 0 || !more {
			return merged, more
		}
		start = append(append(make([]byte, 0, len(last)+1), last...), 0)
	}
}

// merge puts the rows held back in their places among those read, as far as these
// reach, and returns the last key read.
func (b *buffer) merge(rows, start, end []byte, more bool) (out, last []byte) {
	at, _ := b.find(start)
	emit := func(upTo []byte) { // rows held back that are not above upTo; all for nil
		for ; at < len(b.rows); at++ {
			w := &b.rows[at]
			if upTo != nil && string(w.key) > string(upTo) || end != nil && string(w.key) >= string(end) {
				return
			}
			if !w.deleted {
				out = pack(pack(out, w.key), w.value)
			}
		}
	}
	for len(rows) > 0 {
		var key, value []byte
		key, rows = unpack(rows)
		value, rows = unpack(rows)
		last = key
		emit(key)
		if _, replaced := b.find(key); !replaced {
			out = pack(pack(out, key), value)
		}
	}
	if !more {
		emit(nil)
	}
	return out, last
}

func pack(b, item []byte) []byte {
	n := len(item)
	return append(append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24)), item...)
}

func unpack(b []byte) (item, rest []byte) {
	n := 4 + (int(b[0]) | int(b[1])<<8 | int(b[2])<<16 | int(b[3])<<24)
	return b[4:n:n], b[n:]
}
