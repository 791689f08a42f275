package record

import (
	"unsafe"

	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/internal/rows"
)

// table is a Type without type parameters, since each instance of generic code adds to
// the size of a guest. Values are pointers to V; keys are their text.
type table struct {
	name, past    rows.Name
	make          func() any
	form          *contract.Form
	row           func(v any) []byte // key of the record's row
	flow          *Workflow
	open, private bool
	sealed        bool    // has encrypted fields
	meta          uintptr // where in a record its meta data is
	indexes       []*index
	tallies       []*tally
	referrers     []*index // back references of other records to these
}

// holder is implemented by records, through generated code.
type holder interface{ RecordMeta() *Meta }

// learn finds out about the type of v what a call would pay dearly for: asking a value
// for an interface takes a guest some 1,000 instructions.
func (t *table) learn(v any) {
	h, ok := v.(holder)
	if !ok {
		panic("a record has a field Meta of type record.Meta: run huchain contract build")
	}
	t.meta = uintptr(unsafe.Pointer(h.RecordMeta())) - uintptr(pointer(v))
	_, t.sealed = v.(sealer)
}

// pointer returns the pointer that v holds.
func pointer(v any) unsafe.Pointer { return (*[2]unsafe.Pointer)(unsafe.Pointer(&v))[1] }

func (t *table) metaOf(v any) *Meta { return (*Meta)(unsafe.Add(pointer(v), t.meta)) }

// key returns the text of a record's key, given that of its row.
func (t *table) key(row []byte) []byte { return row[len(t.name):] }

// What makes versions, beside the moves of workflows.
const (
	opCreate   = "create"
	opUpdate   = "update"
	opDelete   = "delete"
	opGrant    = "grant"
	opRevoke   = "revoke"
	opTransfer = "transfer"
)

// change says what is to become of a record.
type change struct {
	op    string // one of the above, or
	move  string // a move of the workflow
	edit  func(v any) error
	grant Grant
	party Party
}

// load reads a row into v.
func (t *table) load(row []byte, v any) (raw []byte, m *Meta, found bool) {
	raw, found = abi.Get(row)
	if !found {
		return nil, nil, false
	}
	rows.Decode(t.form, raw, v)
	return raw, t.metaOf(v), true
}

func (t *table) create(ctx *contract.Ctx, v any) error {
	row := t.row(v)
	if _, used := abi.Get(row); used {
		return ErrExists
	}
	return t.first(ctx, row, v)
}

// first stores version 1.
func (t *table) first(ctx *contract.Ctx, row []byte, v any) error {
	m := t.metaOf(v)
	*m = Meta{Owner: m.Owner, Op: opCreate}
	if m.Owner == "" {
		m.Owner = Party(ctx.Caller().Member)
	}
	if t.flow != nil {
		m.State = t.flow.states[0]
	}
	m.Created = ctx.Time()
	var room room
	before := t.nothing(&room)
	return t.write(ctx, row, nil, v, &before)
}

func (t *table) put(ctx *contract.Ctx, v any) error {
	row := t.row(v)
	old := t.make()
	raw, m, found := t.load(row, old)
	if !found {
		return t.first(ctx, row, v)
	}
	saved := *m
	if err := t.begin(ctx, &saved, &change{op: opUpdate}); err != nil {
		return err
	}
	var room room
	before := t.traces(old, &room)
	*t.metaOf(v) = saved
	return t.write(ctx, row, raw, v, &before)
}

func (t *table) change(ctx *contract.Ctx, row []byte, v any, c change) error {
	raw, m, found := t.load(row, v)
	if !found {
		return ErrNotFound
	}
	var room room
	before := t.traces(v, &room)
	saved := *m
	if err := t.begin(ctx, &saved, &c); err != nil {
		return err
	}
	if c.edit != nil {
		if err := c.edit(v); err != nil {
			return err
		}
		if string(t.row(v)) != string(row) {
			abi.Fail("internal", "a change of "+string(t.name)+" altered the key")
		}
	}
	*m = saved
	return t.write(ctx, row, raw, v, &before)
}

// begin checks that the caller may make a change and turns m into the meta data of the
// new version, but for what write sets.
func (t *table) begin(ctx *contract.Ctx, m *Meta, c *change) error {
	if m.Deleted {
		return ErrNotFound
	}
	m.Op = c.op
	switch c.op {
	case opUpdate:
		if t.flow != nil {
			return t.flow.enter(ctx, t, m, moveEdit)
		}
		return t.mayWrite(ctx, m)
	case opDelete:
		m.Deleted = true
		if t.flow != nil {
			return t.flow.enter(ctx, t, m, opDelete)
		}
		if t.open || m.Owner.Is(ctx.Caller()) {
			return nil
		}
		return ErrForbidden
	case opGrant:
		return m.grantTo(ctx, c.grant)
	case opRevoke:
		return m.revoke(ctx, c.party)
	case opTransfer:
		if !m.Owner.Is(ctx.Caller()) {
			return ErrForbidden
		}
		m.Owner = c.party
		return nil
	}
	if t.flow == nil {
		return ErrWrongState.With("the record has no workflow")
	}
	return t.flow.enter(ctx, t, m, c.move)
}

// write stores v as the next version; raw is what the row holds before, before what that
// left elsewhere. All checks come before the first row is written, so that a refusal which
// the contract survives leaves nothing behind.
func (t *table) write(ctx *contract.Ctx, row, raw []byte, v any, before *traces) error {
	m, key := t.metaOf(v), t.key(row)
	var room room
	after := t.traces(v, &room)
	if err := t.check(ctx, key, m, before, &after); err != nil {
		return err
	}
	if raw != nil {
		abi.Put(t.past.In(key, versionText(m.Version)), raw)
	}
	m.Version++
	m.By, m.Time = ctx.Caller().Member, ctx.Time()
	stored.now = true
	rows.Put(t.form, row, v)
	stored.now = false
	t.reindex(key, before.values, after.values)
	t.count(before.tallies, after.tallies)
	return nil
}

// traces are what a record leaves outside its own row: its values in each index, their
// texts one behind the other as rows.Terminate ends them; its share of each tally; and
// its sealed content.
type traces struct {
	values  [][]byte
	tallies []share
	sealed  seal
}

// room is for the values of most records: on the stack it costs a guest nothing.
type room [6][]byte

// tracesBytes is room for the texts of most records.
const tracesBytes = 512

// nothing are the traces of no record.
func (t *table) nothing(r *room) (out traces) {
	if n := len(t.indexes); n <= len(r) {
		out.values = r[:n]
	} else {
		out.values = make([][]byte, n)
	}
	if n := len(t.tallies); n > 0 {
		out.tallies = make([]share, n)
	}
	return out
}

// traces returns those of v, nothing if it is deleted.
func (t *table) traces(v any, r *room) traces {
	out := t.nothing(r)
	if t.metaOf(v).Deleted {
		return out
	}
	b := abi.Scratch(tracesBytes)
	for i, x := range t.indexes {
		n := len(b)
		b = x.parts(b, v)
		out.values[i] = b[n:len(b):len(b)]
	}
	for i, x := range t.tallies {
		n := len(b)
		b, out.tallies[i].amount = x.of(b, v)
		out.tallies[i].part = b[n:len(b):len(b)]
	}
	abi.Keep(b)
	if t.sealed {
		out.sealed = sealOf(v)
	}
	return out
}

// check refuses what must not be stored.
func (t *table) check(ctx *contract.Ctx, key []byte, m *Meta, before, after *traces) error {
	if m.Deleted {
		return t.checkUnused(key)
	}
	if err := t.checkIndexes(before.values, after.values); err != nil || !t.sealed {
		return err
	}
	return after.sealed.check(ctx, m, &before.sealed)
}

// versionText is the key text of a version.
func versionText(v uint32) []byte { return rows.AppendKey(make([]byte, 0, 8), &v) }

func (t *table) get(r contract.Reader, row []byte, v any) error {
	_, m, found := t.load(row, v)
	switch {
	case !found || m.Deleted:
		return ErrNotFound
	case !t.maySee(r, m):
		return ErrForbidden
	}
	return nil
}

// pageRows bounds the rows looked at for one page, in pages.
const pageRows = 4

// list hands a page of live, visible records to f and returns the next cursor.
func (t *table) list(r contract.Reader, p contract.Paging, f func(v any)) (next string) {
	base := []byte(t.name)
	w := window{base: base, size: int(p.Size())}
	rows.Scan(rows.Begin(base, p), rows.After(base), func(k, raw []byte) bool {
		if !w.more() {
			return false
		}
		v := t.make()
		rows.Decode(t.form, raw, v)
		if m := t.metaOf(v); !m.Deleted && t.maySee(r, m) {
			f(v)
			w.taken++
		}
		w.passed(k)
		return true
	})
	return w.next
}

// window counts the rows of a page, some of which may not be shown.
type window struct {
	base        []byte
	size        int
	taken, seen int
	last        []byte
	next        string
}

// more reports whether the page takes another row; if not, it sets next.
func (w *window) more() bool {
	if w.taken < w.size && w.seen < w.size*pageRows {
		return true
	}
	w.next = rows.Cursor(w.base, w.last)
	return false
}

func (w *window) passed(key []byte) { w.last, w.seen = key, w.seen+1 }
