// Package fsck checks a ledger folder from the outside: it reads every row of both stores
// and recomputes the tree, the roots, the links, the certificates and the indexes by
// means of its own. It shares only the layout of rows and the hashes of ledger/proof with
// the ledger, not its tree, its caches or its repair, so that a fault there shows here.
//
// The ledger MUST be closed. No row is changed.
package fsck

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// MaxFindings is the number of findings after which a check stops.
const MaxFindings = 1000

// Finding is something that is not as it must be.
type Finding struct {
	Where string `json:"where"` // store and row, or height
	What  string `json:"what"`
}

// Report is the outcome of a check.
type Report struct {
	Genesis      crypto.Hash `json:"genesis"`
	Height       uint64      `json:"height"`
	StateRoot    crypto.Hash `json:"stateRoot"` // recomputed
	Rows         uint64      `json:"rows"`      // state rows, tombstones included
	Blocks       uint64      `json:"blocks"`
	Redo         uint64      `json:"redoBlocks"` // of them, not in the block store yet: read where the next start takes them from
	Txs          uint64      `json:"txs"`
	Events       uint64      `json:"events"`
	Certificates uint64      `json:"certificates"` // verified
	IndexRows    uint64      `json:"indexRows"`
	Findings     []Finding   `json:"findings"`
}

// OK reports whether nothing was found.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// errEnough stops a check that has found MaxFindings.
var errEnough = errors.New("enough findings")

type checker struct {
	ctx           context.Context
	state, blocks driver.DB
	r             *Report

	tip      tipRow
	due      entrySums // of what the indexes must hold
	hot      uint64    // lowest height from 1 on whose contents must be there
	base     uint64    // lowest height whose block must be there
	sets     map[crypto.Hash]types.ValidatorSet
	headers  map[uint64][]byte         // bodies of the header rows in the state store
	changes  map[uint64][]byte         // bodies of the rows of changes of validators
	peaks    map[uint64][]byte         // bodies of the rows of peaks, by height
	segments map[uint64]crypto.Hash    // roots of segments of records
	used     map[uint64][]crypto.Hash  // rows of used ids
	signers  map[uint64][2]crypto.Hash // rows that name signers and next signers
	records  recordChecker
	last     crypto.Hash // hash of the header below, while walking up
}

// tipRow is the newest height as the state store has it.
type tipRow struct {
	height          uint64
	header, content crypto.Hash
	leaves          uint64
	usedRows        uint32
}

// Check checks the ledger in dir. The error tells that the check could not be made; what
// is wrong with the ledger is in the report. progress, if not nil, is called now and then.
func Check(ctx context.Context, open driver.Opener, dir string, progress func(what string, done uint64)) (*Report, error) {
	if progress == nil {
		progress = func(string, uint64) {}
	}
	st, err := open.Open(filepath.Join(dir, "state"), driver.ProfileState)
	if err != nil {
		return nil, fmt.Errorf("check ledger: %w", err)
	}
	bl, err := open.Open(filepath.Join(dir, "blocks"), driver.ProfileBlocks)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("check ledger: %w", err), st.Close())
	}
	c := &checker{ctx: ctx, state: st, blocks: bl, r: &Report{}, due: entrySums{}, used: map[uint64][]crypto.Hash{}, signers: map[uint64][2]crypto.Hash{},
		sets: map[crypto.Hash]types.ValidatorSet{}, headers: map[uint64][]byte{}, changes: map[uint64][]byte{},
		peaks: map[uint64][]byte{}, segments: map[uint64]crypto.Hash{}}
	err = c.run(progress)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return c.r, errors.Join(err, st.Close(), bl.Close())
}

func (c *checker) run(progress func(string, uint64)) error {
	if err := c.own(); err != nil {
		return err
	}
	if c.r.Genesis.IsZero() {
		return c.found("state", "no ledger was ever opened here")
	}
	if err := c.setChanges(); err != nil {
		return err
	}
	progress("rows", 0)
	if err := c.rows(); err != nil {
		return err
	}
	progress("rows", c.r.Rows)
	if err := c.bridge(c.blocks); err != nil {
		return err
	}
	if err := c.walk(progress); err != nil {
		return err
	}
	progress("indexes", 0)
	return c.indexes()
}

// found notes a finding.
func (c *checker) found(where, format string, args ...any) error {
	c.r.Findings = append(c.r.Findings, Finding{where, fmt.Sprintf(format, args...)})
	if len(c.r.Findings) >= MaxFindings {
		return errEnough
	}
	return nil
}

// each calls fn for the rows of [lower, upper).
func (c *checker) each(r driver.Reader, lower, upper []byte, fn func(key, value []byte) error) error {
	it, err := r.Iter(lower, upper)
	if err != nil {
		return err
	}
	n := 0
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		if n++; n%4096 == 0 {
			err = c.ctx.Err()
		}
		if err == nil {
			err = fn(it.Key(), it.Value())
		}
	}
	rerr, cerr := it.Error(), it.Close() // damage is told by both
	var damaged *driver.ErrCorrupt
	if errors.As(rerr, &damaged) {
		return errors.Join(err, c.found("storage", "%v", rerr))
	}
	return errors.Join(err, rerr, cerr)
}

// own reads the rows of the state store that are not under the tree.
func (c *checker) own() error {
	hasTip := false
	used := uint32(0)
	err := c.each(c.state, nil, nil, func(key, value []byte) error {
		where := fmt.Sprintf("state row %q", key)
		switch key[0] {
		case state.PrefixRow, state.PrefixLeaf:
			return nil
		}
		body, err := state.Unseal(key, value)
		if err != nil {
			return c.found(where, "does not match its checksum")
		}
		body = bytes.Clone(body)
		switch {
		case string(key) == "mformat":
		case string(key) == "mgenesis" && len(body) == crypto.HashSize:
			c.r.Genesis = crypto.Hash(body)
		case string(key) == "mbase" && len(body) == 8:
			c.base = binary.BigEndian.Uint64(body)
		case string(key) == "mhot" && len(body) == 8:
			c.hot = binary.BigEndian.Uint64(body)
		case string(key) == "manchor":
		case string(key) == "mtip" && len(body) == 8+32+32+8+4:
			hasTip = true
			c.tip = tipRow{binary.BigEndian.Uint64(body), crypto.Hash(body[8:40]), crypto.Hash(body[40:72]),
				binary.BigEndian.Uint64(body[72:]), binary.BigEndian.Uint32(body[80:])}
		case key[0] == state.PrefixCheckpoint:
			// Used only where it leads to the state root; the tree is recomputed here.
		case key[0] == 'h' && len(key) == 9:
			c.headers[binary.BigEndian.Uint64(key[1:])] = body
		case key[0] == 'S' && len(key) == 9 && len(body) == 64:
			c.signers[binary.BigEndian.Uint64(key[1:])] = [2]crypto.Hash{crypto.Hash(body[:32]), crypto.Hash(body[32:])}
		case key[0] == 'C' && len(key) == 9:
			c.changes[binary.BigEndian.Uint64(key[1:])] = body
		case key[0] == 'v' && len(key) == 33:
			set, err := types.DecodeValidatorSet(body)
			if err != nil || crypto.Sum(body) != crypto.Hash(key[1:]) {
				return c.found(where, "is not the validator set it is stored as")
			}
			c.sets[crypto.Hash(key[1:])] = set
		case key[0] == 'u' && len(key) == 9 && len(body) >= 8 && len(body)%32 == 8:
			used++
			var ids []crypto.Hash
			for rest := body[8:]; len(rest) > 0; rest = rest[32:] {
				ids = append(ids, crypto.Hash(rest[:32]))
			}
			c.used[binary.BigEndian.Uint64(key[1:])] = ids
		case key[0] == 'P' && len(key) == 9 && len(body) >= 32+8:
			c.peaks[binary.BigEndian.Uint64(key[1:])] = body
		case key[0] == 'A' && len(key) == 9 && len(body) == 32:
			c.segments[binary.BigEndian.Uint64(key[1:])] = crypto.Hash(body)
		case key[0] == 'r' && len(key) == 9:
			// A block that a crash may have left to the next start: see bridge.
		default:
			return c.found(where, "belongs to nothing")
		}
		return nil
	})
	if err != nil || !hasTip {
		return err
	}
	c.r.Height = c.tip.height
	if used != c.tip.usedRows {
		return c.found("state", "%d rows of used ids, the tip row says %d", used, c.tip.usedRows)
	}
	return nil
}

// rows checks state rows against leaf rows one to one, and recomputes the state root.
func (c *checker) rows() error {
	err := c.each(c.state, []byte{state.PrefixRow}, []byte{state.PrefixRow + 1}, func(key, value []byte) error {
		c.r.Rows++
		where := fmt.Sprintf("state row %q", key)
		row, err := state.DecodeRow(value)
		if err != nil {
			return c.found(where, "malformed")
		}
		lk := state.LeafKey(state.RowKeyHash(key))
		lv, ok, err := c.state.Get(lk)
		if err != nil {
			return c.found(where, "leaf cannot be read: %v", err)
		}
		if !ok {
			return c.found(where, "has no leaf")
		}
		leaf, err := state.DecodeLeaf(lk, lv)
		if err != nil || leaf.Value != crypto.Sum(value) || leaf.Height != row.Height || leaf.TxIndex != row.TxIndex {
			return c.found(where, "does not match its leaf")
		}
		if row.Height > c.tip.height {
			return c.found(where, "was written at height %d, above the newest", row.Height)
		}
		return nil
	})
	if err != nil {
		return err
	}
	var tree treeHasher
	err = c.each(c.state, []byte{state.PrefixLeaf}, []byte{state.PrefixLeaf + 1}, func(key, value []byte) error {
		leaf, err := state.DecodeLeaf(key, value)
		if err != nil {
			return c.found(fmt.Sprintf("leaf row %x", key), "malformed, or does not match its checksum")
		}
		tree.add(leaf.Key, leaf.Value)
		return nil
	})
	if err != nil {
		return err
	}
	c.r.StateRoot = tree.root()
	if tree.n != c.r.Rows || tree.n != c.tip.leaves {
		return c.found("state", "%d rows, %d leaves, the tip row says %d", c.r.Rows, tree.n, c.tip.leaves)
	}
	return nil
}
