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
type overlay struct {
	base    State
	changes btree.Map[string, entry] // key: ns ‖ 0x00 ‖ key; a namespace holds no 0x00
	journal []undo
	spaces  []string  // namespaces with changes, also those taken back
	orgs    *orgIndex // as in base, once it was read
	room    []byte    // for the key that is looked for
}

type undo struct {
	key     string
	old     entry
	existed bool
}

func newOverlay(base State) *overlay { return &overlay{base: base} }

func joinKey(ns string, key []byte) string { return ns + "\x00" + string(key) }

func (o *overlay) Get(ns string, key []byte) ([]byte, bool, error) {
	if slices.Contains(o.spaces, ns) {
		o.room = append(append(append(o.room[:0], ns...), 0), key...)
		if e, ok := o.changes.Get(unsafe.String(unsafe.SliceData(o.room), len(o.room))); ok {
			return e.value, !e.deleted, nil
		}
	}
	return o.base.Get(ns, key)
}

func (o *overlay) set(ns, key string, e entry) {
	o.changing(ns)
	old, existed := o.changes.Set(key, e)
	o.journal = append(o.journal, undo{key: key, old: old, existed: existed})
}

func (o *overlay) changing(ns string) {
	if !slices.Contains(o.spaces, ns) {
		o.spaces = append(o.spaces, ns)
	}
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
	keys := make([]string, 0, len(o.journal)-mark)
	for _, u := range o.journal[mark:] {
		keys = append(keys, u.key)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	out := make([]writtenRow, len(keys))
	for i, k := range keys {
		out[i].key = k
		out[i].entry, _ = o.changes.Get(k)
	}
	return out
}

// take adds changes made elsewhere, which cannot be reverted.
func (o *overlay) take(rows []writtenRow) {
	for _, w := range rows {
		ns, _, _ := strings.Cut(w.key, "\x00")
		o.changing(ns)
		o.changes.Set(w.key, w.entry)
	}
}

// revert takes back every change made since mark.
func (o *overlay) revert(mark int) {
	for i := len(o.journal) - 1; i >= mark; i-- {
		u := o.journal[i]
		if u.existed {
			o.changes.Set(u.key, u.old)
		} else {
			o.changes.Delete(u.key)
		}
	}
	o.journal = o.journal[:mark]
}

// Scan merges the uncommitted changes with the base, ascending.
func (o *overlay) Scan(ns string, start, end []byte, fn func(key, value []byte) bool) error {
	prefix := ns + "\x00"
	it := o.changes.Iter()
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
			if e := it.Value(); !e.deleted {
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
	out := make([]types.Write, 0, o.changes.Len())
	var err error
	o.changes.Scan(func(k string, e entry) bool {
		ns, key, _ := strings.Cut(k, "\x00")
		w := types.Write{NS: ns, Key: unsafe.Slice(unsafe.StringData(key), len(key)), Value: e.value, Delete: e.deleted, TxIndex: e.txIndex}
		if e.deleted {
			var found bool
			if _, found, err = o.base.Get(ns, w.Key); err != nil {
				return false
			}
			if !found {
				return true
			}
		}
		out = append(out, w)
		return true
	})
	return out, err
}
