package pgdriver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// maxStatementBytes is about how much one statement carries.
const maxStatementBytes = 8 << 20

// batch gathers changes for one transaction.
type batch struct {
	s    *store
	ops  []op
	done bool
}

type op struct {
	kind       opKind
	key, value []byte // of a range: its bounds
}

type opKind uint8

const (
	opSet opKind = iota
	opDelete
	opDeleteRange
)

// Set implements driver.Batch.
func (b *batch) Set(key, value []byte) {
	b.ops = append(b.ops, op{opSet, present(bytes.Clone(key)), present(bytes.Clone(value))})
}

// Delete implements driver.Batch.
func (b *batch) Delete(key []byte) {
	b.ops = append(b.ops, op{kind: opDelete, key: present(bytes.Clone(key))})
}

// DeleteRange implements driver.Batch.
func (b *batch) DeleteRange(lower, upper []byte) {
	b.ops = append(b.ops, op{opDeleteRange, present(bytes.Clone(lower)), bytes.Clone(upper)})
}

// Discard implements driver.Batch.
func (b *batch) Discard() { b.ops, b.done = nil, true }

// Commit implements driver.Batch. After a failure the outcome is unknown, and the store
// takes no more writes.
func (b *batch) Commit(sync bool) error {
	if b.done {
		return errors.New("write: the batch was used before")
	}
	b.done = true
	s := b.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return fmt.Errorf("write: an earlier write failed: %w", s.broken)
	}
	s.broken = wrap("write", b.commit(sync))
	b.ops = nil
	return s.broken
}

func (b *batch) commit(sync bool) error {
	ctx := context.Background()
	tx, err := b.s.writer.Begin(ctx)
	if err != nil {
		return err
	}
	mode := "off"
	if sync {
		mode = "on"
	}
	if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = "+mode); err != nil {
		return errors.Join(err, tx.Rollback(ctx))
	}
	if err := b.apply(ctx, tx); err != nil {
		return errors.Join(err, tx.Rollback(ctx))
	}
	return tx.Commit(ctx)
}

// apply runs the changes in an order that leaves what their own order would: between two
// deletions of ranges the last change of each key counts.
func (b *batch) apply(ctx context.Context, tx pgx.Tx) error {
	for from := 0; from < len(b.ops); {
		to := from
		for to < len(b.ops) && b.ops[to].kind != opDeleteRange {
			to++
		}
		if err := b.point(ctx, tx, b.ops[from:to]); err != nil {
			return err
		}
		if to < len(b.ops) {
			if err := b.deleteRange(ctx, tx, &b.ops[to]); err != nil {
				return err
			}
			to++
		}
		from = to
	}
	return nil
}

func (b *batch) deleteRange(ctx context.Context, tx pgx.Tx, o *op) error {
	sql, args := "DELETE FROM "+b.s.table+" WHERE key >= $1", []any{o.key}
	if o.value != nil {
		sql, args = sql+" AND key < $2", append(args, o.value)
	}
	_, err := tx.Exec(ctx, sql, args...)
	return err
}

// point applies sets and deletions, in key order, which keeps the index's pages warm.
func (b *batch) point(ctx context.Context, tx pgx.Tx, ops []op) error {
	last := make([]op, len(ops))
	copy(last, ops)
	slices.SortStableFunc(last, func(x, y op) int { return bytes.Compare(x.key, y.key) })
	var gone, keys, values [][]byte
	size := 0
	flush := func() error {
		if len(gone) > 0 {
			if _, err := tx.Exec(ctx, "DELETE FROM "+b.s.table+" WHERE key = ANY($1)", gone); err != nil {
				return err
			}
		}
		if len(keys) > 0 {
			_, err := tx.Exec(ctx, "INSERT INTO "+b.s.table+" (key, value) SELECT * FROM unnest($1::bytea[], $2::bytea[])"+
				" ON CONFLICT (key) DO UPDATE SET value = excluded.value", keys, values)
			if err != nil {
				return err
			}
		}
		gone, keys, values, size = nil, nil, nil, 0
		return nil
	}
	for i := range last {
		o := &last[i]
		if i+1 < len(last) && bytes.Equal(o.key, last[i+1].key) {
			continue
		}
		if o.kind == opDelete {
			gone = append(gone, o.key)
		} else {
			keys, values = append(keys, o.key), append(values, o.value)
		}
		if size += len(o.key) + len(o.value); size >= maxStatementBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
