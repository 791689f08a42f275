package pgdriver

import (
	"bytes"
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Pages grow while an iterator goes on in one direction.
const (
	minPage = 16
	maxPage = 1024
)

// iterator reads pages of rows, upwards or downwards, by key.
type iterator struct {
	v            *view
	lower, upper []byte // nil: open
	close        func() error

	page  []row
	at    int  // in page
	down  bool // the page runs downwards
	whole bool // nothing follows the page in its direction
	size  int
	err   error
}

type row struct{ key, value []byte }

func newIterator(v *view, lower, upper []byte, close func() error) *iterator {
	return &iterator{v: v, lower: bytes.Clone(lower), upper: bytes.Clone(upper), close: close, at: -1}
}

// bound is one end of a range.
type bound struct {
	key  []byte // nil: open
	open bool   // the key itself is left out
}

// load reads a page between two bounds from its first row on; it reports whether there is one.
func (i *iterator) load(from, to bound, down bool) bool {
	i.page, i.at, i.down, i.whole = i.page[:0], -1, down, false
	if i.err != nil {
		return false
	}
	var where []string
	var args []any
	add := func(op string, b bound) {
		if b.key != nil {
			args = append(args, b.key)
			where = append(where, "key "+op+" $"+strconv.Itoa(len(args)))
		}
	}
	low, high, order := ">=", "<", ""
	if from.open {
		low = ">"
	}
	if down {
		order = " DESC"
		from, to = to, from
		low = ">="
		if !to.open {
			high = "<="
		}
	}
	add(low, from)
	add(high, to)
	sql := "SELECT key, value FROM " + i.v.table
	if len(where) > 0 {
		sql += " WHERE " + strings.Join(where, " AND ")
	}
	sql += " ORDER BY key" + order + " LIMIT " + strconv.Itoa(i.size)
	i.v.mu.Lock()
	defer i.v.mu.Unlock()
	rows, err := i.v.tx.Query(context.Background(), sql, args...)
	if err == nil {
		i.page, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (out row, err error) {
			err = r.Scan(&out.key, &out.value)
			return out, err
		})
	}
	if i.err = wrap("iterate", err); i.err != nil {
		i.page = nil
		return false
	}
	i.whole = len(i.page) < i.size
	if len(i.page) == 0 {
		return false
	}
	i.at = 0
	return true
}

// First implements driver.Iterator.
func (i *iterator) First() bool {
	i.size = minPage
	return i.load(bound{key: i.lower}, bound{key: i.upper}, false)
}

// Last implements driver.Iterator.
func (i *iterator) Last() bool {
	i.size = minPage
	return i.load(bound{key: i.upper, open: true}, bound{key: i.lower}, true)
}

// SeekGE implements driver.Iterator.
func (i *iterator) SeekGE(key []byte) bool {
	i.size = minPage
	if i.lower != nil && bytes.Compare(key, i.lower) < 0 {
		key = i.lower
	}
	return i.load(bound{key: present(bytes.Clone(key))}, bound{key: i.upper}, false)
}

// SeekLT implements driver.Iterator.
func (i *iterator) SeekLT(key []byte) bool {
	i.size = minPage
	if i.upper != nil && bytes.Compare(key, i.upper) > 0 {
		key = i.upper
	}
	return i.load(bound{key: present(bytes.Clone(key)), open: true}, bound{key: i.lower}, true)
}

// Next implements driver.Iterator.
func (i *iterator) Next() bool { return i.move(false) }

// Prev implements driver.Iterator.
func (i *iterator) Prev() bool { return i.move(true) }

func (i *iterator) move(down bool) bool {
	if i.at < 0 || i.at >= len(i.page) {
		return false
	}
	here := i.page[i.at].key
	step := 1
	if down != i.down {
		step = -1
	}
	if next := i.at + step; next >= 0 && next < len(i.page) {
		i.at = next
		return true
	}
	if step == 1 && i.whole {
		i.at = len(i.page)
		return false
	}
	if i.size = min(2*i.size, maxPage); step < 0 {
		i.size = minPage
	}
	if down {
		return i.load(bound{key: here, open: true}, bound{key: i.lower}, true)
	}
	return i.load(bound{key: here, open: true}, bound{key: i.upper}, false)
}

// Key implements driver.Iterator.
func (i *iterator) Key() []byte {
	if i.at < 0 || i.at >= len(i.page) {
		return nil
	}
	return i.page[i.at].key
}

// Value implements driver.Iterator.
func (i *iterator) Value() []byte {
	if i.at < 0 || i.at >= len(i.page) {
		return nil
	}
	return i.page[i.at].value
}

// Error implements driver.Iterator.
func (i *iterator) Error() error { return i.err }

// Close implements driver.Iterator.
func (i *iterator) Close() error { return i.close() }
