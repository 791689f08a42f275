// Package preload founds ledgers that hold records before their chain begins, so that a
// measurement can start where a chain comes to after years: with 10^7 records, made in
// minutes instead of by transactions.
package preload

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sort"
	"time"

	"github.com/huchain/huchain/bench"
	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/engine"
)

// Params say what to lay.
type Params struct {
	Dir      string // folder of the ledger, which MUST NOT exist
	Genesis  *chain.Genesis
	Packages map[crypto.Hash][]byte // contract packages that the genesis names, evidence among them
	CacheDir string                 // of compiled contracts; empty for none
	Records  int
}

const contract = "evidence"

// owners is over how many depositors the records are spread.
const owners = 1000

// batchRows is how many rows are handed over at a time.
const batchRows = 20_000

// Evidence lays the genesis state of a chain and, beside it, Records deposits of contract
// evidence with the hashes bench.ExistingHash, as the contract itself would have stored
// them. Equal parameters give equal ledgers, byte for byte of their state.
func Evidence(ctx context.Context, p Params) error {
	writes, block, err := genesis(ctx, &p)
	if err != nil {
		return err
	}
	im, err := ledger.NewImport(p.Dir, p.Genesis.Hash(), pebbledb.Opener{})
	if err != nil {
		return err
	}
	l := &layer{im: im}
	for i := range writes {
		if w := &writes[i]; !w.Delete {
			l.row(w.NS, w.Key, w.Value, w.TxIndex)
		}
	}
	at := p.Genesis.Time.UTC().Truncate(time.Second).Format(time.RFC3339)
	for i := 0; i < p.Records && l.err == nil; i++ {
		l.deposit(i, at)
		if i%batchRows == 0 && ctx.Err() != nil {
			l.err = ctx.Err()
		}
	}
	err = l.flush()
	if err == nil {
		err = im.Compact(ctx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("lay records: %w", err), im.Discard())
	}
	return im.Found(block)
}

// genesis executes the genesis, and returns its writes and the block without them.
func genesis(ctx context.Context, p *Params) ([]types.Write, *ledger.Block, error) {
	params := engine.DefaultParams()
	params.CacheDir = p.CacheDir
	vm, err := engine.New(ctx, params)
	if err != nil {
		return nil, nil, err
	}
	defer vm.Close(context.Background()) //nolint:errcheck // frees memory only
	machine, err := chain.New(p.Genesis, vm, chain.DefaultOptions())
	if err != nil {
		return nil, nil, err
	}
	res, err := machine.InitGenesis(ctx, p.Packages)
	if err != nil {
		return nil, nil, err
	}
	set, err := p.Genesis.ValidatorSet()
	if err != nil {
		return nil, nil, err
	}
	return res.Writes, &ledger.Block{Signers: set, NextSigners: set, Config: res.Config, Protocol: res.Protocol}, nil
}

// layer gathers rows.
type layer struct {
	im   *ledger.Import
	rows []ledger.ImportRow
	err  error
}

func (l *layer) row(ns string, key, value []byte, txIndex uint32) {
	rk := state.RowKey(ns, key)
	row := make([]byte, 0, proof.RowHeaderSize+len(value))
	row = append(row, proof.RowValue)
	row = binary.BigEndian.AppendUint64(row, 0)
	row = binary.BigEndian.AppendUint32(row, txIndex)
	row = append(row, value...)
	l.rows = append(l.rows, ledger.ImportRow{RowKey: rk, Row: row, KH: state.RowKeyHash(rk), VH: crypto.Sum(row)})
	if len(l.rows) >= batchRows && l.err == nil {
		l.err = l.flush()
	}
}

// flush hands the rows over in the order of their keys, which is how storage likes them.
func (l *layer) flush() error {
	if l.err != nil {
		return l.err
	}
	sort.Slice(l.rows, func(i, j int) bool { return bytes.Compare(l.rows[i].RowKey, l.rows[j].RowKey) < 0 })
	err := l.im.Put(l.rows)
	l.rows = l.rows[:0]
	return err
}

// record is Evidence of contract evidence.
type record struct {
	Hash  crypto.Hash `json:"hash"`
	Title string      `json:"title"`
	Owner string      `json:"owner"`
	Time  string      `json:"time"`
}

// deposit lays the two rows of a deposit: the record and its place in the depositor's list.
func (l *layer) deposit(i int, at string) {
	rnd := rand.New(rand.NewPCG(uint64(i), 1)) //nolint:gosec // fills titles
	r := record{
		Hash: bench.ExistingHash(i), Title: fmt.Sprintf("existing: %016x%016x", rnd.Uint64(), rnd.Uint64()),
		Owner: fmt.Sprintf("archives/existing-%d", i%owners), Time: at,
	}
	value, err := json.Marshal(r)
	if err != nil {
		l.err = err
		return
	}
	l.row(contract, bench.RecordKey(r.Hash), value, 0)
	index := fmt.Sprintf("evidenceByOwner/%s\x00%s\x00%s", r.Owner, r.Time, r.Hash)
	l.row(contract, []byte(index), []byte("1"), 0)
}
