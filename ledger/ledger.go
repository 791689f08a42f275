// Package ledger keeps one chain on disk: its state under an authenticated tree (state),
// its history (block), and proofs about both (proof).
//
// # Databases
//
// A ledger folder holds two stores, state and blocks. Committing a block writes one
// synced batch to state: rows and leaves, header and content, used ids, validator sets,
// the new tip, and a redo row with everything that blocks will hold of it. Then blocks is
// written, and synced with every sixteenth block, or as many as make 16 MiB, whereupon
// their redo rows go. At Open blocks is cut or filled to the state's height, so that a
// crash at any point leaves the last block or the one before. No consensus decision reads
// blocks.
//
// # Rows of the state store
//
// Beside those of package state; all are sealed (state.Seal), integers big-endian:
//
//	'm' ‖ "format"          → u32 format version
//	'm' ‖ "genesis"         → genesis hash
//	'm' ‖ "base"            → u64 lowest height whose block is kept; no row: 0
//	'm' ‖ "hot"             → u64 lowest height from 1 on whose contents are kept; no row: all are
//	'm' ‖ "anchor"          → what the ledger was imported under (Base.Anchor), if it was
//	'm' ‖ "tip"             → u64 height ‖ header hash ‖ content root ‖ u64 leaves ‖ u32 number of 'u' rows
//	'h' ‖ u64 height        → u16 len ‖ header ‖ content, for the last recentHeaders heights
//	'S' ‖ u64 height        → hash of signers(height) ‖ hash of nextSigners(height), at 0 and where they differ
//	'C' ‖ u64 height        → u16 len ‖ header ‖ finality certificate, where there is an 'S' row, above 0
//	'v' ‖ hash              → validator set
//	'u' ‖ u64 height        → u64 time ‖ used transaction ids
//	'P' ‖ u64 height        → hash of the certificate that block carries ‖ peaks (package archive) over the records
//	                          below that height, for the last recentHeaders heights from 1 on; of the height that a
//	                          ledger was imported at: over those up to it
//	'A' ‖ u64 segment       → root of that segment of records, once all its blocks are there
//	'r' ‖ u64 height        → redo row: rows of the block store (block.EncodePairs)
package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/driver"
	"github.com/huchain/huchain/ledger/driver/pebbledb"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// FormatVersion is the version of the forms on disk. A ledger of an older one from oldestFormat
// on is read as it is and continued in this one, from when on older programs refuse it.
const (
	FormatVersion = 5 // sections of blocks in S2
	oldestFormat  = 4 // sections in zstd
)

// recentHeaders is how many heights the state store keeps header and content of.
const recentHeaders = 1024

// Params are the settings of a ledger. They change neither roots nor forms on disk.
type Params struct {
	Driver        driver.Opener // storage
	RowCacheBytes int           // memory for rows that were read and checked
	PageBytes     int64         // size of the file, in the ledger's folder, that holds leaves of the state tree, about 80 bytes each; 0: none
	PagesLost     func(error)   // told once if that file cannot be written, as on a full disk: reading is slower then; may be nil
	ProofHeights  int           // heights that ProveState can prove at, counting the newest
	ServedBlocks  int           // about how many blocks stay in memory once read or committed; each may take 10 MB
	// CheckRowsUpTo makes Open read and check every state row while there are at most so
	// many. Rows are checked when they are read in any case; this also finds rows that
	// were removed or renamed, which a Scan alone would not miss. 10^6 rows take about 2 s.
	// Of more rows Close keeps the tree, so that Open need not read all leaves after it.
	CheckRowsUpTo uint64
	// Indexes are the optional indexes that blocks are entered in from now on. Listings by
	// one that was switched off for a while lack the blocks of that time.
	Indexes Indexes
	// History serves what was released; nil: it is not served.
	History History
}

// Indexes is a set of optional indexes.
type Indexes = block.Indexes

// Optional indexes. That by transaction id is always kept.
const (
	IndexSender   = block.IndexSender   // transactions by sender
	IndexContract = block.IndexContract // transactions by contract
	IndexEvent    = block.IndexEvent    // events by contract and name
	IndexKey      = block.IndexKey      // transactions by the keys they wrote
)

// DefaultParams returns Pebble, 32 MiB of rows in memory, a file of up to 4 GiB for leaves
// (50,000,000), 8 heights, 4 blocks, rows checked up to 10^6, and all indexes but that by key.
func DefaultParams() Params {
	return Params{Driver: pebbledb.Opener{}, RowCacheBytes: 32 << 20, PageBytes: 4 << 30, ProofHeights: 8, ServedBlocks: 4, CheckRowsUpTo: 1_000_000,
		Indexes: IndexSender | IndexContract | IndexEvent}
}

// Validate checks the settings.
func (p Params) Validate() error {
	switch {
	case p.Driver == nil:
		return errors.New("ledger: no storage driver")
	case p.RowCacheBytes < 0, p.PageBytes < 0:
		return errors.New("ledger: caches must not be negative")
	case p.PageBytes > state.MaxPageBytes:
		return fmt.Errorf("ledger: the page file can have at most %d bytes", state.MaxPageBytes)
	case p.ProofHeights < 3:
		return errors.New("ledger: proofs need at least 3 heights, since certificates lag by two")
	case p.ServedBlocks < 1:
		return errors.New("ledger: at least one served block must be kept")
	}
	return nil
}

// Ledger is one open chain. Reading, Prepare and proofs may run side by side; Commit
// belongs to one goroutine.
type Ledger struct {
	genesis crypto.Hash
	p       Params
	db      driver.DB // the state store, whose rows beside the tree are the ledger's own
	st      *state.Store
	blocks  *block.Store
	served  *lru.Cache[servedKey, *served]
	parts   *parts

	opened bool                        // the tip was found to be whole
	failed atomic.Pointer[types.Error] // set by a failed commit
	shown  atomic.Pointer[View]        // held; nil before the genesis commit

	redoRows redoRows // belongs to the goroutine that commits

	certificates sync.Mutex // held where one is written
	releasing    sync.Mutex // held by Release

	mu        sync.RWMutex // guards what follows
	tip       tip
	base      uint64   // lowest height whose block is kept
	hot       uint64   // lowest height from 1 on whose contents are kept; 0: all
	certified uint64   // newest height with a certificate
	used      []usedAt // heights with used-id rows, ascending
	records   records  // those below the tip
}

// tip is the newest committed height.
type tip struct {
	initialized bool
	height      uint64
	header      crypto.Hash // zero at genesis
	content     crypto.Hash
	leaves      uint64
	usedRows    uint32
}

type usedAt struct {
	height uint64
	time   int64
}

// Open opens or creates the ledger of the chain with this genesis hash in dir, repairs
// what a crash left, and rebuilds the state tree. It refuses with HC-4102 if the tree does
// not have the root of the newest header, with HC-4101 if rows are damaged, with HC-2103
// if the folder belongs to another chain.
func Open(dir string, genesis crypto.Hash, p Params) (*Ledger, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	served, err := lru.New[servedKey, *served](4 * p.ServedBlocks)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	parts, err := newParts(p.ServedBlocks)
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	l := &Ledger{genesis: genesis, p: p, served: served, parts: parts}
	if err := l.open(dir); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Ledger) open(dir string) error {
	var err error
	if l.db, err = l.p.Driver.Open(filepath.Join(dir, "state"), driver.ProfileState); err != nil {
		return state.ReadError(err)
	}
	if err := l.readMeta(); err != nil {
		return err
	}
	history, err := l.p.Driver.Open(filepath.Join(dir, "blocks"), driver.ProfileBlocks)
	if err != nil {
		return state.ReadError(err)
	}
	l.blocks = block.NewStore(history)
	if err := l.repair(); err != nil {
		return err
	}
	sp := state.Params{CacheBytes: l.p.RowCacheBytes, PageBytes: l.p.PageBytes, PageDir: dir, PagesLost: l.p.PagesLost, Keep: l.p.ProofHeights, LeafHint: l.tip.leaves}
	if l.tip.leaves > l.p.CheckRowsUpTo {
		_, c, err := l.head(l.tip.height)
		if err != nil {
			return err
		}
		sp.Checkpoint = c.State
	}
	if l.st, err = state.Open(l.db, sp); err != nil {
		return err
	}
	if err := l.checkTip(); err != nil {
		return err
	}
	if l.st.Leaves() <= l.p.CheckRowsUpTo {
		if err := l.st.CheckRows(); err != nil {
			return err
		}
	}
	if err := l.restoreRing(); err != nil {
		return err
	}
	var h types.Header
	if l.tip.height > 0 {
		if h, _, err = l.checkedHead(l.tip.height); err != nil {
			return err
		}
	}
	if err := l.indexHashes(); err != nil {
		return err
	}
	l.show(h)
	l.opened = true
	return nil
}

// Close closes both databases. The tree of a large state is kept for the next Open.
func (l *Ledger) Close() error {
	var errs []error
	whole := l.opened && l.usable() == nil
	if whole && l.st.Leaves() > l.p.CheckRowsUpTo {
		errs = append(errs, l.st.Checkpoint())
	}
	if l.st != nil {
		errs = append(errs, l.st.Close())
	}
	if l.blocks != nil {
		errs = append(errs, l.blocks.Close())
	}
	if whole && errors.Join(errs...) == nil { // closed, the block store is durable
		errs = append(errs, l.dropRedo())
	}
	if l.db != nil {
		errs = append(errs, state.ReadError(l.db.Close()))
	}
	return errors.Join(errs...)
}

// Height is the newest committed height; 0 before and after the genesis commit.
func (l *Ledger) Height() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.tip.height
}

// Initialized reports whether the genesis state is committed.
func (l *Ledger) Initialized() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.tip.initialized
}

// Base is the lowest height whose block is kept: 0 unless the ledger was made from a
// snapshot or older blocks were pruned.
func (l *Ledger) Base() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.base
}

// Anchor returns what the ledger was imported under (Base.Anchor); false if it was not.
func (l *Ledger) Anchor() ([]byte, bool, error) { return l.sealed(anchorKey) }

// ContentRoot is the content root of the newest height: CometBFT's AppHash.
func (l *Ledger) ContentRoot() crypto.Hash {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.tip.content
}

// StateRoot is the root of the committed state.
func (l *Ledger) StateRoot() crypto.Hash { return l.st.Root() }

func (l *Ledger) tipNow() tip {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.tip
}

// usable refuses to serve after a failed commit, whose outcome only Open can tell.
func (l *Ledger) usable() error {
	if e := l.failed.Load(); e != nil {
		return e
	}
	return nil
}

// Get returns the committed value of a key. The row is checked against its leaf: HC-4101
// if it was altered. The value MUST NOT be modified.
func (l *Ledger) Get(ns string, key []byte) (value []byte, found bool, err error) {
	if err := l.usable(); err != nil {
		return nil, false, err
	}
	return live(l.st.Get(ns, key))
}

// GetRow is Get with the height and transaction that wrote the row, tombstones included.
func (l *Ledger) GetRow(ns string, key []byte) (row state.Row, found bool, err error) {
	if err := l.usable(); err != nil {
		return state.Row{}, false, err
	}
	return l.st.Get(ns, key)
}

// Scan calls fn for the committed rows of ns with start ≤ key < end in key order until fn
// returns false; a nil end is the end of the namespace. Key and value MUST NOT be modified.
func (l *Ledger) Scan(ns string, start, end []byte, fn func(key, value []byte) bool) error {
	if err := l.usable(); err != nil {
		return err
	}
	return l.st.Scan(ns, start, end, fn)
}

// Keys of the ledger's own rows.

var (
	formatKey  = []byte("mformat")
	genesisKey = []byte("mgenesis")
	tipKey     = []byte("mtip")
	baseKey    = []byte("mbase")
	hotKey     = []byte("mhot")
	anchorKey  = []byte("manchor")
)

func heightKey(prefix byte, height uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefix}, height)
}

const (
	prefixHeader  = 'h'
	prefixSigners = 'S'
	prefixChange  = 'C'
	prefixSet     = 'v'
	prefixUsed    = 'u'
	prefixRedo    = 'r'
	prefixPeaks   = 'P'
	prefixSegment = 'A'
)

// sealed reads one of the ledger's own rows.
func (l *Ledger) sealed(key []byte) (body []byte, found bool, err error) { return sealedIn(l.db, key) }

func sealedIn(r driver.Reader, key []byte) (body []byte, found bool, err error) {
	row, found, err := r.Get(key)
	if err != nil || !found {
		return nil, false, state.ReadError(err)
	}
	body, err = state.Unseal(key, row)
	return body, err == nil, err
}

func setSealed(b driver.Batch, key, body []byte) { b.Set(key, state.Seal(key, body)) }

func (t *tip) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, t.height)
	b = append(append(b, t.header[:]...), t.content[:]...)
	b = binary.BigEndian.AppendUint64(b, t.leaves)
	return binary.BigEndian.AppendUint32(b, t.usedRows)
}

func decodeTip(b []byte) (tip, error) {
	if len(b) != 8+2*crypto.HashSize+8+4 {
		return tip{}, state.Corrupt("malformed tip row")
	}
	t := tip{initialized: true, height: binary.BigEndian.Uint64(b), leaves: binary.BigEndian.Uint64(b[72:]),
		usedRows: binary.BigEndian.Uint32(b[80:])}
	copy(t.header[:], b[8:])
	copy(t.content[:], b[40:])
	return t, nil
}

// encodeHead is the form of header and content in both stores.
func encodeHead(h []byte, c *proof.Content) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(h)))
	return append(append(b, h...), c.Encode()...)
}
