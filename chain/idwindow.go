package chain

import (
	"hash/maphash" //lint:deterministic decides where in memory an id lies, so that nobody can have many lie together; not what is found
	"runtime"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/internal/offheap"
	"github.com/huchain/huchain/types"
)

// IDWindow remembers the transaction ids used in the last types.Window of block time,
// which is as long as any of them could still be replayed. It is a function of the
// committed blocks alone. It is not safe for concurrent use with Add.
//
// It takes 32 bytes an id and 12 to 32 for finding it, outside the garbage collector's heap:
// at full load a window holds a million ids.
type IDWindow struct {
	blocks []usedBlock // ascending by time

	*idMemory
	first uint32 // number of the oldest id
	next  uint32 // number of the next id; they wrap around

	seed  maphash.Seed
	slots []uint64 // those of the memory
}

// idMemory is freed once nobody holds its window any more.
type idMemory struct {
	chunks []offheap.Array[crypto.Hash] // the ids of the blocks in order, idChunk in each
	table  offheap.Array[uint64]        // open addressing with linear probing: tag<<32 | number, 0 where empty
}

func (m *idMemory) free() {
	for i := range m.chunks {
		m.chunks[i].Free()
	}
	m.table.Free()
}

// usedBlock is how many ids a block has used.
type usedBlock struct {
	timeNs int64
	ids    int
}

const (
	idChunk    = 4096
	idMinSlots = 1024
	// idTag is set in every tag, so that no slot in use is 0. The other bits of a tag are
	// of the id's hash; the lowest say where the slot would lie if it were alone.
	idTag = 1 << 31
)

// NewIDWindow returns an empty window.
func NewIDWindow() *IDWindow {
	w := &IDWindow{seed: maphash.MakeSeed(), idMemory: &idMemory{}}
	runtime.AddCleanup(w, (*idMemory).free, w.idMemory)
	return w
}

func (w *IDWindow) tag(id *crypto.Hash) uint32 { return uint32(maphash.Bytes(w.seed, id[:])) | idTag }

// at is the id of a number.
func (w *IDWindow) at(number uint32) *crypto.Hash {
	i := w.first%idChunk + (number - w.first)
	return &w.chunks[i/idChunk].Items[i%idChunk]
}

// Has reports whether id was used inside the window.
func (w *IDWindow) Has(id crypto.Hash) bool {
	if len(w.slots) == 0 {
		return false
	}
	defer runtime.KeepAlive(w) // with its memory
	mask, tag := uint32(len(w.slots)-1), w.tag(&id)
	for i := tag & mask; w.slots[i] != 0; i = (i + 1) & mask {
		if s := w.slots[i]; uint32(s>>32) == tag && *w.at(uint32(s)) == id {
			return true
		}
	}
	return false
}

// Len returns the number of ids held.
func (w *IDWindow) Len() int { return int(w.next - w.first) }

// Add records the ids used by the block of time timeNs and forgets those whose
// transactions are void by then. Blocks must come in order.
func (w *IDWindow) Add(timeNs int64, ids []crypto.Hash) {
	defer runtime.KeepAlive(w) // with its memory
	if len(ids) > 0 {
		w.blocks = append(w.blocks, usedBlock{timeNs, len(ids)})
		w.fit(w.Len() + len(ids))
		for i := range ids {
			w.append(&ids[i])
		}
	}
	horizon := types.WindowStart(timeNs)
	n := 0
	for n < len(w.blocks) && w.blocks[n].timeNs < horizon {
		for range w.blocks[n].ids {
			w.forgetFirst()
		}
		n++
	}
	w.blocks = w.blocks[n:]
	if 16*w.Len() < len(w.slots) {
		w.fit(w.Len())
	}
}

func (w *IDWindow) append(id *crypto.Hash) {
	if i := int(w.first%idChunk) + w.Len(); i/idChunk == len(w.chunks) {
		w.chunks = append(w.chunks, offheap.New[crypto.Hash](idChunk))
	}
	w.next++
	*w.at(w.next - 1) = *id
	w.put(w.tag(id), w.next-1)
}

func (w *IDWindow) put(tag, number uint32) {
	mask := uint32(len(w.slots) - 1)
	i := tag & mask
	for w.slots[i] != 0 {
		i = (i + 1) & mask
	}
	w.slots[i] = uint64(tag)<<32 | uint64(number)
}

// forgetFirst removes the oldest id, and moves what lay behind its slot up to where it is
// found without it.
func (w *IDWindow) forgetFirst() {
	mask := uint32(len(w.slots) - 1)
	i := w.tag(w.at(w.first)) & mask
	for uint32(w.slots[i]) != w.first || w.slots[i] == 0 {
		i = (i + 1) & mask
	}
	for k := (i + 1) & mask; w.slots[k] != 0; k = (k + 1) & mask {
		home := uint32(w.slots[k]>>32) & mask
		if (k-home)&mask >= (k-i)&mask {
			w.slots[i] = w.slots[k]
			i = k
		}
	}
	w.slots[i] = 0
	if w.first++; w.first%idChunk == 0 {
		w.chunks[0].Free()
		w.chunks = w.chunks[1:]
	}
}

// fit makes the table one for n ids: two thirds full at most when they are there, and a
// quarter when it has grown for them.
func (w *IDWindow) fit(n int) {
	size := max(idMinSlots, len(w.slots))
	for 3*n > 2*size {
		size *= 2
	}
	for size > idMinSlots && 8*n < size {
		size /= 2
	}
	if size == len(w.slots) {
		return
	}
	old := w.table
	w.table = offheap.New[uint64](size)
	w.slots = w.table.Items
	for _, s := range old.Items {
		if s != 0 {
			w.put(uint32(s>>32), uint32(s))
		}
	}
	old.Free()
}
