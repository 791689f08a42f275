package mirror

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// place is a position in the chain, as cursors of transactions and events hold it.
type place struct {
	height uint64
	index  uint32
}

func (p place) encode() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatUint(p.height, 10) + "." + strconv.FormatUint(uint64(p.index), 10)))
}

func readPlace(text string) (place, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	height, index, ok := strings.Cut(string(b), ".")
	h, herr := strconv.ParseUint(height, 10, 62)
	i, ierr := strconv.ParseUint(index, 10, 31)
	if err != nil || herr != nil || ierr != nil || !ok {
		return place{}, refuse("the cursor is malformed")
	}
	return place{h, uint32(i)}, nil
}

// maxCode is the greatest number of an error.
const maxCode = 99999

// equal adds a condition unless the value is empty.
func (s *statement) equal(column, value string) {
	if value != "" {
		s.add(" AND ", column, " = ", s.param(cleanText(value)))
	}
}

// page adds what lists of transactions and events have in common.
func (s *statement) page(span *rest.Span, p *rest.MirrorPage) error {
	if !span.From.IsZero() {
		s.add(" AND time >= ", s.param(span.From.UnixMilli()))
	}
	if !span.To.IsZero() {
		s.add(" AND time < ", s.param(span.To.UnixMilli()))
	}
	if p.Cursor != "" {
		at, err := readPlace(p.Cursor)
		if err != nil {
			return err
		}
		s.add(" AND (height < ", s.param(int64(at.height)), " OR height = ", s.param(int64(at.height)), " AND idx < ", s.param(int64(at.index)), ")")
	}
	s.add(fmt.Sprintf(" ORDER BY height DESC, idx DESC LIMIT %d", pageSize(p.Limit)+1))
	return nil
}

// list runs a query and hands each row of the page to take, which returns its place. It
// returns the cursor of the next page, and the height of the mirror.
func (m *Mirror) list(ctx context.Context, limit int, build func(s *statement) error, take func(rows *sql.Rows) (place, error)) (next string, height uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, m.p.QueryTimeout)
	defer cancel()
	db, _, err := m.opened(ctx)
	if err != nil {
		return "", 0, err
	}
	st := &statement{d: db.dialect}
	if err := build(st); err != nil {
		return "", 0, err
	}
	err = db.read(ctx, func(q querier) error {
		at, err := readTip(ctx, q)
		if err != nil {
			return err
		}
		height = at.height
		rows, err := q.QueryContext(ctx, st.text.String(), st.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		var last place
		for n := 0; rows.Next(); n++ {
			if n == limit {
				next = last.encode()
				return nil
			}
			if last, err = take(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	return next, height, err
}

// Txs answers a query of transactions.
func (m *Mirror) Txs(ctx context.Context, q *rest.TxQuery) (*rest.MirroredTxs, error) {
	out := &rest.MirroredTxs{Items: []rest.MirroredTx{}}
	build := func(s *statement) error {
		s.add("SELECT height, idx, id, sender, contract, method, code, gas, time FROM tx WHERE 1 = 1")
		s.equal("contract", q.Contract)
		s.equal("method", q.Method)
		if q.Sender != "" {
			a, err := types.ParseAddress(q.Sender)
			if err != nil {
				return refuse("sender %q is no address", q.Sender)
			}
			s.equal("sender", a.String())
		}
		switch q.Code {
		case "":
		case "refused":
			s.add(" AND code <> 0")
		case "OK":
			s.add(" AND code = 0")
		default:
			code := rest.ParseCode(q.Code)
			if code > maxCode || code == types.CodeInternal {
				return refuse("code %q: OK, refused, or an error number", q.Code)
			}
			s.add(" AND code = ", s.param(int64(code)))
		}
		return s.page(&q.Span, &q.MirrorPage)
	}
	var err error
	out.Next, out.Height, err = m.list(ctx, pageSize(q.Limit), build, func(rows *sql.Rows) (place, error) {
		var t rest.MirroredTx
		var id, sender string
		var code uint32
		var at int64
		err := rows.Scan(&t.Height, &t.Index, &id, &sender, &t.Contract, &t.Method, &code, &t.GasUsed, &at)
		if err == nil {
			t.ID, err = crypto.ParseHash(id)
		}
		if err == nil {
			t.Sender, err = types.ParseAddress(sender)
		}
		t.Code, t.Time = types.Code(code).String(), time.UnixMilli(at).UTC()
		out.Items = append(out.Items, t)
		return place{t.Height, t.Index}, err
	})
	return out, err
}

// Events answers a query of events.
func (m *Mirror) Events(ctx context.Context, q *rest.EventQuery) (*rest.MirroredEvents, error) {
	out := &rest.MirroredEvents{Items: []rest.MirroredEvent{}}
	build := func(s *statement) error {
		s.add("SELECT height, idx, tx, tx_id, contract, name, data, time FROM event WHERE 1 = 1")
		s.equal("contract", q.Contract)
		s.equal("name", q.Name)
		return s.page(&q.Span, &q.MirrorPage)
	}
	var err error
	out.Next, out.Height, err = m.list(ctx, pageSize(q.Limit), build, func(rows *sql.Rows) (place, error) {
		e, err := scanEvent(rows)
		if err != nil {
			return place{}, err
		}
		out.Items = append(out.Items, *e)
		return place{e.Height, e.Index}, nil
	})
	return out, err
}

func scanEvent(rows *sql.Rows) (*rest.MirroredEvent, error) {
	var e rest.MirroredEvent
	var id, data string
	var at int64
	err := rows.Scan(&e.Height, &e.Index, &e.TxIndex, &id, &e.Contract, &e.Name, &data, &at)
	if err == nil {
		e.TxID, err = crypto.ParseHash(id)
	}
	e.Data, e.Time = json.RawMessage(data), time.UnixMilli(at).UTC()
	return &e, err
}

// EventsAfter returns up to limit events behind a position, in order, of a contract and a
// name where they are given; and the tip, up to which there are no others.
func (m *Mirror) EventsAfter(ctx context.Context, contract, name string, height uint64, index int64, limit int) ([]rest.MirroredEvent, uint64, error) {
	var out []rest.MirroredEvent
	build := func(s *statement) error {
		s.add("SELECT height, idx, tx, tx_id, contract, name, data, time FROM event WHERE (height > ", s.param(int64(height)),
			" OR height = ", s.param(int64(height)), " AND idx > ", s.param(index), ")")
		s.equal("contract", contract)
		s.equal("name", name)
		s.add(fmt.Sprintf(" ORDER BY height, idx LIMIT %d", limit))
		return nil
	}
	_, top, err := m.list(ctx, limit+1, build, func(rows *sql.Rows) (place, error) {
		e, err := scanEvent(rows)
		if err == nil {
			out = append(out, *e)
		}
		return place{}, err
	})
	return out, top, err
}
