package chain

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/tidwall/btree"

	"github.com/huchain/huchain/types"
)

// State is committed state as the chain reads it. An error means the storage failed or
// was found corrupt; it ends the execution of the block, never just of a transaction.
type State interface {
	// Get returns the value of key in namespace ns and whether it exists.
	// The value must not be changed.
	Get(ns string, key []byte) (value []byte, found bool, err error)
	// Scan calls fn for the keys of ns in [start, end), ascending, until fn returns
	// false. A nil end stands for the end of the namespace.
	Scan(ns string, start, end []byte, fn func(key, value []byte) bool) error
}

// entry is an uncommitted change of one key.
type entry struct {
	value   []byte
	deleted bool
	txIndex uint32
}

// overlay holds the uncommitted changes of a block over its parent state, with a journal
// so that a failed transaction, or a failed nested call, is taken back exactly. It serves
// one goroutine.
//
// Most blocks write rows and never walk them. So changes are found by their key, and are
// kept in the order of their keys only from the first walk on.
type overlay struct {
	base    State
	rows    []changedRow     // in the order in which keys were changed first
	at      map[string]int32 // place of a key in rows
	order   *btree.Map[string, int32]
	journal []undo
	spaces  []string        // namespaces with changes, also those taken back
	orgs    *orgIndex       // as in base, once it was read
	called  *ContractRecord // as in base, the one that was read last
	room    []byte          // for the key that is looked for
}

// changedRow is the change of a key, or the place of one that was taken back.
type changedRow struct {
	writtenRow
	live bool
}

type undo struct {
	at   int32
	live bool
	old  entry
}

func newOverlay(base State) *overlay { return &overlay{base: base} }

// newBlockOverlay is newOverlay with room for about so many changes.
func newBlockOverlay(base State, changes int) *overlay {
	return &overlay{base: base, rows: make([]changedRow, 0, changes), at: make(map[string]int32, changes), journal: make([]undo, 0, changes)}
}

// joinKey is what a row is found by: ns ‖ 0x00 ‖ key; a namespace holds no 0x00.
func joinKey(ns string, key []byte) string { return ns + "\x00" + string(key) }

func (o *overlay) Get(ns string, key []byte) ([]byte, bool, error) {
	if slices.Contains(o.spaces, ns) {
		o.room = append(append(append(o.room[:0], ns...), 0), key...)
		if i, ok := o.at[string(o.room)]; ok && o.rows[i].live {
			e := &o.rows[i].entry
			return e.value, !e.deleted, nil
		}
	}
	return o.base.Get(ns, key)
}

func (o *overlay) set(ns, key string, e entry) {
	i := o.place(ns, key)
	r := &o.rows[i]
	o.journal = append(o.journal, undo{at: i, live: r.live, old: r.entry})
	o.lay(i, e)
}

// place is where the change of a key stands in rows.
func (o *overlay) place(ns, key string) int32 {
	if !slices.Contains(o.spaces, ns) {
		o.spaces = append(o.spaces, ns)
	}
	i, ok := o.at[key]
	if !ok {
		if o.at == nil {
			o.at = map[string]int32{}
		}
		i = int32(len(o.rows))
		o.at[key] = i
		o.rows = append(o.rows, changedRow{writtenRow: writtenRow{key: key}})
	}
	return i
}

func (o *overlay) lay(at int32, e entry) {
	r := &o.rows[at]
	if o.order != nil && !r.live {
		o.order.Set(r.key, at)
	}
	r.entry, r.live = e, true
}

// put stores value, which the overlay keeps.
func (o *overlay) put(ns string, key, value []byte, txIndex uint32) {
	o.set(ns, joinKey(ns, key), entry{value: value, txIndex: txIndex})
}

// remove deletes a key; deleting what is absent changes nothing.
func (o *overlay) remove(ns string, key []byte, txIndex uint32) error {
	_, found, err := o.Get(ns, key)
	if err != nil || !found {
		return err
	}
	o.set(ns, joinKey(ns, key), entry{deleted: true, txIndex: txIndex})
	return nil
}

// mark returns a point to revert to.
func (o *overlay) mark() int { return len(o.journal) }

// rowsSince returns the rows changed since mark as they are now, each once.
func (o *overlay) rowsSince(mark int) []writtenRow {
	out := make([]writtenRow, 0, len(o.journal)-mark)
	for _, u := range o.journal[mark:] {
		out = append(out, o.rows[u.at].writtenRow)
	}
	slices.SortFunc(out, compareRows)
	return slices.CompactFunc(out, func(a, b writtenRow) bool { return a.key == b.key })
}

func compareRows(a, b writtenRow) int { return strings.Compare(a.key, b.key) }

// take adds changes made elsewhere, which cannot be reverted.
func (o *overlay) take(rows []writtenRow) {
	for _, w := range rows {
		ns, _, _ := strings.Cut(w.key, "\x00")
		o.lay(o.place(ns, w.key), w.entry)
	}
}

// revert takes back every change made since mark.
func (o *overlay) revert(mark int) {
	for i := len(o.journal) - 1; i >= mark; i-- {
		u := &o.journal[i]
		r := &o.rows[u.at]
		r.entry, r.live = u.old, u.live
		if o.order != nil && !r.live {
			o.order.Delete(r.key)
		}
	}
	o.journal = o.journal[:mark]
}

// ordered are the places of the changes by their keys.
func (o *overlay) ordered() *btree.Map[string, int32] {
	if o.order == nil {
		o.order = &btree.Map[string, int32]{}
		for i := range o.rows {
			if o.rows[i].live {
				o.order.Set(o.rows[i].key, int32(i))
			}
		}
	}
	return o.order
}

// Scan merges the uncommitted changes with the base, ascending.
func (o *overlay) Scan(ns string, start, end []byte, fn func(key, value []byte) bool) error {
	prefix := ns + "\x00"
	it := o.ordered().Iter()
	inRange := func() bool {
		k := it.Key()
		return strings.HasPrefix(k, prefix) && (end == nil || k[len(prefix):] < string(end))
	}
	live := it.Seek(prefix+string(start)) && inRange()
	goOn := true
	// emit yields pending changes up to and excluding limit (nil: all of them).
	emit := func(limit []byte) (shadowed bool) {
		for live && goOn {
			k := it.Key()[len(prefix):]
			if limit != nil && k > string(limit) {
				return false
			}
			shadowed = limit != nil && k == string(limit)
			if e := o.rows[it.Value()].entry; !e.deleted {
				goOn = fn([]byte(k), e.value)
			}
			live = it.Next() && inRange()
			if shadowed {
				return true
			}
		}
		return false
	}
	err := o.base.Scan(ns, start, end, func(key, value []byte) bool {
		if emit(key) {
			return goOn
		}
		if goOn {
			goOn = fn(key, value)
		}
		return goOn
	})
	if err != nil {
		return err
	}
	emit(nil)
	return nil
}

// writes returns the net changes ascending by namespace and key, whose keys MUST NOT be
// changed: they are the overlay's. A key that was made and removed within the block leaves
// nothing.
func (o *overlay) writes() ([]types.Write, error) {
	rows := make([]writtenRow, 0, len(o.rows))
	for i := range o.rows {
		if o.rows[i].live {
			rows = append(rows, o.rows[i].writtenRow)
		}
	}
	slices.SortFunc(rows, compareRows)
	out := make([]types.Write, 0, len(rows))
	for i := range rows {
		e := &rows[i].entry
		ns, key, _ := strings.Cut(rows[i].key, "\x00")
		w := types.Write{NS: ns, Key: unsafe.Slice(unsafe.StringData(key), len(key)), Value: e.value, Delete: e.deleted, TxIndex: e.txIndex}
		if e.deleted {
			if _, found, err := o.base.Get(ns, w.Key); err != nil {
				return nil, err
			} else if !found {
				continue
			}
		}
		out = append(out, w)
	}
	return out, nil
}
