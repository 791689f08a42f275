package fsck

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/state"
)

// pendingStore is the block store with the rows that the next start will write into it. The
// block store is synced once in several blocks; a power cut may leave it behind the state store,
// whose redo rows hold the blocks that it lacks.
type pendingStore struct {
	driver.DB
	rows map[string][]byte
	keys []string // of rows, ascending
}

// Get implements driver.Reader.
func (p *pendingStore) Get(key []byte) ([]byte, bool, error) {
	if v, ok := p.rows[string(key)]; ok {
		return v, true, nil
	}
	return p.DB.Get(key)
}

// Iter implements driver.Reader. The iterator goes forward alone, from First.
func (p *pendingStore) Iter(lower, upper []byte) (driver.Iterator, error) {
	it, err := p.DB.Iter(lower, upper)
	from, _ := slices.BinarySearch(p.keys, string(lower))
	to := len(p.keys)
	if upper != nil {
		to, _ = slices.BinarySearch(p.keys, string(upper))
	}
	if err != nil || from >= to {
		return it, err
	}
	return &pendingIterator{Iterator: it, rows: p.rows, keys: p.keys[from:to]}, nil
}

// pendingIterator merges the store's rows with those that replace or follow them.
type pendingIterator struct {
	driver.Iterator
	rows   map[string][]byte
	keys   []string // that are left, ascending
	stored bool     // the store's iterator is on a row
	own    bool     // the row is the first of keys
}

func (i *pendingIterator) First() bool {
	i.stored = i.Iterator.First()
	return i.choose()
}

func (i *pendingIterator) Next() bool {
	if i.own {
		i.keys = i.keys[1:]
	} else {
		i.stored = i.Iterator.Next()
	}
	return i.choose()
}

func (i *pendingIterator) choose() bool {
	i.own = len(i.keys) > 0 && (!i.stored || i.keys[0] <= string(i.Iterator.Key()))
	if i.own && i.stored && i.keys[0] == string(i.Iterator.Key()) {
		i.stored = i.Iterator.Next() // it is replaced
	}
	return i.own || i.stored
}

func (i *pendingIterator) Key() []byte {
	if i.own {
		return []byte(i.keys[0])
	}
	return i.Iterator.Key()
}

func (i *pendingIterator) Value() []byte {
	if i.own {
		return i.rows[i.keys[0]]
	}
	return i.Iterator.Value()
}

// bridge has the checks read the blocks that the block store lacks out of the redo rows, where
// these lead up to the state's height. Where they do not, the walk finds that blocks are
// missing. Redo rows of blocks that the store has are left over and mean nothing.
func (c *checker) bridge(stored driver.DB) error {
	next := uint64(0)
	tip, ok, err := block.NewStore(stored).Tip()
	if err != nil {
		return nil //nolint:nilerr // the walk tells
	}
	if ok {
		next = tip + 1
	}
	p := &pendingStore{DB: stored, rows: map[string][]byte{}}
	err = c.each(c.state, []byte{'r'}, []byte{'r' + 1}, func(key, value []byte) error {
		if len(key) != 9 || binary.BigEndian.Uint64(key[1:]) != next || next > c.tip.height {
			return nil
		}
		where := fmt.Sprintf("redo row of block %d", next)
		body, err := state.Unseal(key, value)
		if err != nil {
			return nil //nolint:nilerr // it was found with the other rows of the state store
		}
		pairs, err := block.DecodePairs(bytes.Clone(body))
		if err != nil {
			return c.found(where, "%v", err)
		}
		for i := range pairs {
			p.rows[string(pairs[i].Key)] = pairs[i].Value
		}
		next++
		c.r.Redo++
		return nil
	})
	p.keys = slices.Sorted(maps.Keys(p.rows))
	c.blocks = p
	return err
}
