package ledger

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/huchain/huchain/ledger/block"
	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// Single transactions, receipts and events are read out of their sections, so that what
// they cost does not depend on the size of their block.

// parts keeps what was read of blocks one section at a time; all of it is checked against
// the blocks' roots.
type parts struct {
	directories *lru.Cache[uint64, *block.Directory] // by height; nil for a block of one section
	sections    *lru.Cache[sectionKey, *block.Parts]
}

type sectionKey struct {
	height uint64
	number uint32
}

// Per served block: a directory is some KB, a section up to 256 KiB.
const (
	directoriesKept = 16
	sectionsKept    = 16
)

func newParts(servedBlocks int) (*parts, error) {
	directories, err := lru.New[uint64, *block.Directory](directoriesKept * servedBlocks)
	if err != nil {
		return nil, err
	}
	sections, err := lru.New[sectionKey, *block.Parts](sectionsKept * servedBlocks)
	return &parts{directories, sections}, err
}

// directory returns the checked directory of a block; nil if it has but one section.
func (l *Ledger) directory(height uint64) (*block.Directory, error) {
	if d, ok := l.parts.directories.Get(height); ok {
		return d, nil
	}
	_, content, err := l.checkedHead(height)
	if err != nil {
		return nil, err
	}
	d, err := l.blocks.Directory(height)
	if err != nil {
		return nil, err
	}
	if d != nil && !d.Leads(&content) {
		return nil, state.Corrupt("block %d: the directory of its sections does not lead to the roots of the header", height)
	}
	l.parts.directories.Add(height, d)
	return d, nil
}

// section returns a checked section.
func (l *Ledger) section(height uint64, d *block.Directory, number uint32) (*block.Parts, error) {
	k := sectionKey{height, number}
	if p, ok := l.parts.sections.Get(k); ok {
		return p, nil
	}
	p, err := l.blocks.Section(height, number)
	if err != nil {
		return nil, err
	}
	if !d.Holds(number, p) {
		return nil, state.Corrupt("block %d: section %d does not have the root of the header", height, number)
	}
	l.parts.sections.Add(k, p)
	return p, nil
}

// item returns one transaction, receipt or event as encoded: HC-1003 if the block holds
// fewer, HC-4101 if it was altered.
func (l *Ledger) item(r Ref, kind block.Kind) ([]byte, error) {
	if err := l.usable(); err != nil {
		return nil, err
	}
	if err := l.kept(r.Height); err != nil {
		return nil, err
	}
	if s, ok := l.served.Get(servedKey{r.Height, kind}); ok {
		return at(s.items, r, kindName(kind))
	}
	d, err := l.directory(r.Height)
	if err != nil {
		return nil, err
	}
	if d != nil {
		number, place, ok := d.Find(kind, r.Index)
		if !ok {
			return nil, types.Errorf(types.CodeNotFound, "block %d has no %d of its %s", r.Height, r.Index, kindName(kind))
		}
		p, err := l.section(r.Height, d, number)
		if err == nil {
			return p.Of(kind)[place], nil
		}
		if !l.released(r.Height) {
			return nil, err
		}
	}
	s, err := l.serve(r.Height, kind)
	if err != nil {
		return nil, err
	}
	return at(s.items, r, kindName(kind))
}

// Tx returns the transaction at a position; HC-1003 if the block holds fewer. It MUST NOT
// be modified.
func (l *Ledger) Tx(r Ref) ([]byte, error) { return l.item(r, block.KindTxs) }

// Receipt returns the receipt of the transaction at a position.
func (l *Ledger) Receipt(r Ref) (types.Receipt, error) {
	raw, err := l.item(r, block.KindReceipts)
	if err != nil {
		return types.Receipt{}, err
	}
	out, err := types.DecodeReceipt(raw)
	if err != nil {
		return out, state.Corrupt("receipt %d of block %d: %w", r.Index, r.Height, err)
	}
	return out, nil
}

// Event returns the event at a position.
func (l *Ledger) Event(r Ref) (types.Event, error) {
	raw, err := l.item(r, block.KindEvents)
	if err != nil {
		return types.Event{}, err
	}
	out, err := types.DecodeEvent(raw)
	if err != nil {
		return out, state.Corrupt("event %d of block %d: %w", r.Index, r.Height, err)
	}
	return out, nil
}

// EventsOf returns the events of the transaction at a position, and the position of the
// first of them among the events of the block.
func (l *Ledger) EventsOf(r Ref) (events []types.Event, first uint32, err error) {
	receipt, err := l.Receipt(r)
	if err != nil || receipt.Events == 0 {
		return nil, 0, err
	}
	d, err := l.directory(r.Height)
	if err != nil {
		return nil, 0, err
	}
	if d != nil {
		some, from, err := l.eventsFrom(r, d)
		if err == nil {
			return eventsOf(some, from, &r, &receipt)
		}
		if !l.released(r.Height) {
			return nil, 0, err
		}
	}
	all, err := l.Events(r.Height)
	if err != nil {
		return nil, 0, err
	}
	return eventsOf(all, 0, &r, &receipt)
}

// eventsFrom reads the sections in which the events of a transaction stand: behind it,
// perhaps in further ones. It returns the place of the first among the block's.
func (l *Ledger) eventsFrom(r Ref, d *block.Directory) (some []types.Event, first uint32, err error) {
	number, _, ok := d.Find(block.KindTxs, r.Index)
	if !ok {
		return nil, 0, types.Errorf(types.CodeNotFound, "block %d has no transaction %d", r.Height, r.Index)
	}
	for at := number; at < d.Sections(); at++ {
		p, err := l.section(r.Height, d, at)
		if err != nil {
			return nil, 0, err
		}
		for _, raw := range p.Events {
			e, err := types.DecodeEvent(raw)
			if err != nil {
				return nil, 0, state.Corrupt("event of block %d: %w", r.Height, err)
			}
			some = append(some, e)
		}
		if n := len(some); n > 0 && some[n-1].TxIndex > r.Index {
			break
		}
	}
	return some, d.First(block.KindEvents, number), nil
}

// eventsOf picks the events of a transaction out of a stretch of a block's events. The
// receipt says how many there must be.
func eventsOf(some []types.Event, from uint32, r *Ref, receipt *types.Receipt) (out []types.Event, first uint32, err error) {
	for i := range some {
		if some[i].TxIndex != r.Index {
			continue
		}
		if out == nil {
			first = from + uint32(i)
		}
		out = append(out, some[i])
	}
	if uint32(len(out)) != receipt.Events {
		return nil, 0, state.Corrupt("transaction %d of block %d has %d events, its receipt says %d", r.Index, r.Height, len(out), receipt.Events)
	}
	return out, first, nil
}
