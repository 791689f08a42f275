package ledger

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// importBatchBytes is about how much one batch of an import holds.
const importBatchBytes = 4 << 20

// Import builds the ledger of one height out of rows instead of blocks. The caller MUST
// have verified everything it puts in. Nothing is a ledger before Finish returns: until
// then the rows lie in a folder of another name, which the next Import empties.
type Import struct {
	dir, draft string
	genesis    crypto.Hash
	driver     driver.Opener
	db, blocks driver.DB
	leaves     uint64
}

// Base is what a ledger begins with that holds no blocks up to its height.
type Base struct {
	Blocks []BaseBlock          // ascending and linked; the last is of the ledger's height
	Sets   []types.ValidatorSet // those that the headers name
	Used   []UsedIDs            // the window of used ids, ascending
	// Changes are those of the validator set up to the ledger's height, ascending.
	Changes []SetChange
	Anchor  []byte // opaque: kept for the caller, see Ledger.Anchor
	// Records are the peaks (package archive) over the records up to the ledger's height.
	Records archive.Peaks
}

// BaseBlock is a block of which header and content alone are kept.
type BaseBlock struct {
	Header  types.Header
	Content proof.Content
}

// UsedIDs are the transaction ids that one block used up.
type UsedIDs struct {
	Height uint64
	Time   int64 // Unix nanoseconds
	IDs    []crypto.Hash
}

func draftDir(dir string) string { return dir + ".import" }

// NewImport begins a ledger in dir, which MUST NOT hold one: HC-1011. A driver that keeps
// its rows elsewhere than in the folder cannot be imported into: HC-1004.
func NewImport(dir string, genesis crypto.Hash, open driver.Opener) (*Import, error) {
	if _, err := os.Stat(dir); err == nil || !errors.Is(err, os.ErrNotExist) {
		return nil, types.Errorf(types.CodeAlreadyExists, "%s holds a ledger", dir)
	}
	im := &Import{dir: dir, draft: draftDir(dir), genesis: genesis, driver: open}
	if err := os.RemoveAll(im.draft); err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	if err := os.MkdirAll(im.draft, 0o755); err != nil {
		return nil, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	var err error
	if im.db, err = open.Open(filepath.Join(im.draft, "state"), driver.ProfileState); err != nil {
		return nil, errors.Join(state.ReadError(err), im.Discard())
	}
	if im.blocks, err = open.Open(filepath.Join(im.draft, "blocks"), driver.ProfileBlocks); err != nil {
		return nil, errors.Join(state.ReadError(err), im.Discard())
	}
	return im, nil
}

// ImportRow is a state row with the hashes of its key and value.
type ImportRow struct {
	RowKey, Row []byte // as package state lays them out
	KH, VH      crypto.Hash
}

// Put adds rows, none of which was put in before.
func (im *Import) Put(rows []ImportRow) error {
	b, size := im.db.Batch(), 0
	for i := range rows {
		r := &rows[i]
		row, err := state.DecodeRow(r.Row)
		if err != nil {
			b.Discard()
			return err
		}
		leaf := state.Leaf{Key: r.KH, Value: r.VH, Height: row.Height, TxIndex: row.TxIndex}
		k, v := leaf.Row()
		b.Set(r.RowKey, r.Row)
		b.Set(k, v)
		if size += len(r.RowKey) + len(r.Row) + len(k) + len(v); size >= importBatchBytes {
			if err := b.Commit(false); err != nil {
				return state.ReadError(err)
			}
			b, size = im.db.Batch(), 0
		}
	}
	im.leaves += uint64(len(rows))
	return state.ReadError(b.Commit(false))
}

// Finish makes the rows the ledger of the base's height, durable when it returns.
func (im *Import) Finish(base Base) error {
	if err := base.check(im.genesis); err != nil {
		return errors.Join(err, im.Discard())
	}
	top := &base.Blocks[len(base.Blocks)-1]
	b := im.blocks.Batch()
	tk, tv := block.TipRow(top.Header.Height)
	b.Set(tk, tv)
	err := state.ReadError(b.Commit(true))
	if err == nil {
		b = im.db.Batch()
		im.own(b, &base)
		err = state.ReadError(b.Commit(true))
	}
	if err != nil {
		return errors.Join(err, im.Discard())
	}
	return im.settle()
}

// settle gives the finished ledger its name.
func (im *Import) settle() error {
	if err := im.close(); err != nil {
		return errors.Join(err, im.Discard())
	}
	if err := os.Rename(im.draft, im.dir); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	parent, err := os.Open(filepath.Dir(im.dir))
	if err == nil {
		err = errors.Join(parent.Sync(), parent.Close())
	}
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return nil
}

func (b *Base) check(genesis crypto.Hash) error {
	if len(b.Blocks) == 0 {
		return types.Errorf(types.CodeInternal, "an imported ledger needs a header")
	}
	for i := range b.Blocks {
		h := &b.Blocks[i].Header
		linked := i == 0 || h.Previous == b.Blocks[i-1].Header.Hash() && h.Height == b.Blocks[i-1].Header.Height+1
		if !linked || h.Height == 0 || h.Genesis != genesis || b.Blocks[i].Content.Root() != h.Content {
			return types.Errorf(types.CodeInternal, "imported headers do not fit together at height %d", h.Height)
		}
	}
	if top := b.Blocks[len(b.Blocks)-1].Header.Height; b.Records.Count != top {
		return types.Errorf(types.CodeInternal, "peaks over %d records are imported with height %d", b.Records.Count, top)
	}
	return nil
}

// own adds the ledger's own rows.
func (im *Import) own(batch driver.Batch, base *Base) {
	top := &base.Blocks[len(base.Blocks)-1]
	height := top.Header.Height
	setSealed(batch, formatKey, binary.BigEndian.AppendUint32(nil, FormatVersion))
	setSealed(batch, genesisKey, im.genesis[:])
	setSealed(batch, baseKey, binary.BigEndian.AppendUint64(nil, height+1))
	if len(base.Anchor) > 0 {
		setSealed(batch, anchorKey, base.Anchor)
	}
	t := tip{height: height, header: top.Header.Hash(), content: top.Header.Content, leaves: im.leaves, usedRows: uint32(len(base.Used))}
	setSealed(batch, tipKey, t.encode())
	r := records{peaks: base.Records}
	r.write(batch, height)
	for i := range base.Blocks {
		b := &base.Blocks[i]
		setSealed(batch, heightKey(prefixHeader, b.Header.Height), encodeHead(b.Header.Encode(), &b.Content))
	}
	sets := base.Sets
	for i := range base.Changes {
		c := &base.Changes[i]
		sets = append(sets, c.Signers, c.Next)
		s, n := c.Header.Signers, c.Header.NextSigners
		setSealed(batch, heightKey(prefixSigners, c.Header.Height), append(s[:], n[:]...))
		c.write(batch)
	}
	for _, set := range sets {
		h := set.Hash()
		setSealed(batch, append([]byte{prefixSet}, h[:]...), set.Encode())
	}
	for i := range base.Used {
		u := &base.Used[i]
		setSealed(batch, heightKey(prefixUsed, u.Height), encodeUsed(u.Time, u.IDs))
	}
}

func (im *Import) close() error {
	var errs []error
	for _, db := range []driver.DB{im.db, im.blocks} {
		if db != nil {
			errs = append(errs, state.ReadError(db.Close()))
		}
	}
	im.db, im.blocks = nil, nil
	return errors.Join(errs...)
}

// Discard gives the import up and removes what it wrote.
func (im *Import) Discard() error {
	err := im.close()
	if rerr := os.RemoveAll(im.draft); rerr != nil {
		err = errors.Join(err, types.Errorf(types.CodeDiskFailure, "%w", rerr))
	}
	return err
}
