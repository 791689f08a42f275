package snapshot

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// Params are the settings of making snapshots. Nodes that shall serve the same snapshot
// together MUST agree on ChunkBytes.
type Params struct {
	ChunkBytes  int    // a chunk is closed before it would grow beyond this
	MemoryBytes int    // rows sorted in memory at a time
	FS          vfs.FS // the disk
}

// DefaultParams returns chunks of 4 MiB, 64 MiB of memory and the machine's disk.
func DefaultParams() Params {
	return Params{ChunkBytes: 4 << 20, MemoryBytes: 64 << 20, FS: vfs.Default}
}

// Validate checks the settings: HC-1004. A chunk MUST have room for the largest row.
func (p Params) Validate() error {
	if p.ChunkBytes < 128<<10 || p.ChunkBytes > MaxChunkBytes/2 {
		return types.Errorf(types.CodeConfig, "snapshot chunks of %d bytes: must be %d to %d", p.ChunkBytes, 128<<10, MaxChunkBytes/2)
	}
	if p.FS == nil {
		return types.Errorf(types.CodeConfig, "snapshots need a disk")
	}
	if p.MemoryBytes < p.ChunkBytes {
		return types.Errorf(types.CodeConfig, "memory for snapshots must hold a chunk")
	}
	return nil
}

// creator writes one snapshot into a draft folder.
type creator struct {
	ctx    context.Context
	p      Params
	dir    string
	m      *Manifest
	chunks uint32
	bytes  int64
	parts  int // partition files made, for their names
}

// create writes the chunks of a frozen ledger into dir.
func create(ctx context.Context, f *ledger.Frozen, p Params, dir string) (*creator, error) {
	c := &creator{ctx: ctx, p: p, dir: dir, m: &Manifest{Header: f.Header, Content: f.Content}}
	if err := c.history(f); err != nil {
		return nil, err
	}
	c.m.History = c.chunks
	parts, err := c.partition(0, f.Rows)
	if err != nil {
		return nil, err
	}
	if err := c.split(parts, 0); err != nil {
		return nil, err
	}
	// What was read is checked against the state root here: a damaged row makes no snapshot.
	if err := c.m.check(); err != nil {
		return nil, state.Corrupt("the rows do not lead to the state root of height %d: %w", f.Header.Height, err)
	}
	if n := len(c.m.Encode()); n > MaxManifestBytes || c.m.Chunks() > MaxChunks {
		return nil, types.Errorf(types.CodeLimitExceeded, "manifest of %d bytes, %d chunks: make chunks larger", n, c.m.Chunks())
	}
	return c, nil
}

// history writes the history chunks and gathers the validator sets.
func (c *creator) history(f *ledger.Frozen) error {
	w := &historyWriter{limit: c.p.ChunkBytes, emit: c.write}
	for height := f.Header.Height; ; height-- {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		h, content, receipts, err := f.Receipts(height)
		if types.CodeOf(err) == types.CodeHeightUnknown {
			return types.Errorf(types.CodeSnapshotUnavailable, "block %d is not kept here, but belongs to the window of used ids", height)
		}
		if err != nil {
			return err
		}
		if f.Header.Height-height < keptHeads {
			for _, hash := range []crypto.Hash{h.Signers, h.NextSigners} {
				if c.m.set(hash) != nil {
					continue
				}
				set, err := f.ValidatorSet(hash)
				if err != nil {
					return err
				}
				c.m.Sets = append(c.m.Sets, set)
			}
		}
		if err := w.add(&h, &content, receipts); err != nil {
			return err
		}
		if lowest(&f.Header, &h) {
			return w.flush()
		}
	}
}

// write stores the next chunk.
func (c *creator) write(chunk []byte) error {
	if err := writeFile(c.p.FS, filepath.Join(c.dir, chunkName(c.chunks)), chunk); err != nil {
		return err
	}
	c.chunks++
	c.bytes += int64(len(chunk))
	return nil
}

// partBits is how many bits of the key hash one partition takes off.
const partBits = 8

// part holds the rows of one subtree, in any order: in a file, or none.
type part struct {
	path  string
	bytes int64
	rows  int
}

// partition spreads rows over files by the bits of their key hash from level on: the first
// pass of a sort that needs no more memory than its buffers.
func (c *creator) partition(level int, each func(fn func(rowKey, row []byte) error) error) (parts []part, err error) {
	w := newPartWriter(c, level)
	defer func() { err = errors.Join(err, w.close()) }()
	err = each(func(rowKey, row []byte) error {
		if w.rows++; w.rows%4096 == 0 {
			if err := c.ctx.Err(); err != nil {
				return err
			}
		}
		return w.add(rowKey, row)
	})
	return w.parts[:], err
}

// split writes the subtree at level over a run of parts, whole if it fits into a chunk.
func (c *creator) split(parts []part, level int) error {
	var size int64
	rows := 0
	for i := range parts {
		size += parts[i].bytes
		rows += parts[i].rows
	}
	switch {
	case size <= int64(c.p.MemoryBytes) || rows <= 1:
		list, err := load(c.p.FS, parts)
		if err != nil {
			return err
		}
		return c.sorted(list, level)
	case len(parts) > 1:
		mid := len(parts) / 2
		if err := c.split(parts[:mid], level+1); err != nil {
			return err
		}
		return c.split(parts[mid:], level+1)
	}
	finer, err := c.partition(level, func(fn func(rowKey, row []byte) error) error { return eachRow(c.p.FS, parts[0].path, fn) })
	if err != nil {
		return err
	}
	if err := c.p.FS.Remove(parts[0].path); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return c.split(finer, level)
}

// memRow is a row in memory.
type memRow struct {
	key, value []byte // key as in a chunk
	kh         crypto.Hash
}

// load reads and sorts the rows of parts, and removes their files.
func load(fs vfs.FS, parts []part) ([]memRow, error) {
	var rows []memRow
	for i := range parts {
		if parts[i].rows == 0 {
			continue
		}
		err := eachRow(fs, parts[i].path, func(rowKey, row []byte) error {
			rows = append(rows, memRow{key: bytes.Clone(rowKey[1:]), value: bytes.Clone(row)})
			return nil
		})
		if err != nil {
			return nil, err
		}
		if err := fs.Remove(parts[i].path); err != nil {
			return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
		}
	}
	keys := make([][]byte, len(rows))
	for i := range rows {
		keys[i] = rows[i].key
	}
	for i, kh := range crypto.SumEach(keys) {
		rows[i].kh = kh
	}
	slices.SortFunc(rows, func(a, b memRow) int { return bytes.Compare(a.kh[:], b.kh[:]) })
	return rows, nil
}

// sorted writes the subtree at level over sorted rows.
func (c *creator) sorted(rows []memRow, level int) error {
	size := 0
	for i := range rows {
		size += rowSize(rows[i].key, rows[i].value)
	}
	if size > c.p.ChunkBytes && len(rows) > 1 {
		mid, _ := slices.BinarySearchFunc(rows, byte(1), func(r memRow, b byte) int { return int(proof.Bit(&r.kh, level)) - int(b) })
		if err := c.sorted(rows[:mid], level+1); err != nil {
			return err
		}
		return c.sorted(rows[mid:], level+1)
	}
	chunk := make([]byte, 0, size)
	khs, values := make([]crypto.Hash, len(rows)), make([][]byte, len(rows))
	for i := range rows {
		chunk = appendRow(chunk, rows[i].key, rows[i].value)
		khs[i], values[i] = rows[i].kh, rows[i].value
	}
	c.m.State = append(c.m.State, subtreeOf(hashLeaves(khs, crypto.SumEach(values)), level))
	if len(rows) == 0 {
		return nil
	}
	return c.write(chunk)
}
