package state

import (
	"encoding/binary"
	"errors"
	"hash/maphash" //lint:deterministic tells what is damaged in a file that only this process reads; not what is computed
	"os"
	"sync"

	"github.com/huchain/huchain/crypto"
)

// entry is a leaf as it is worked on: checked against the tree, with its hash, so that it
// need not be hashed again.
type entry struct {
	key, hash crypto.Hash // kh and the leaf's hash
	written
}

// pageFile holds the leaves of pages in a file that only this process reads, so that an
// update reads a page in one piece from where its node says it lies. The operating system
// keeps of the file in memory what it has memory for. Pages are appended, and the file
// begins anew at its start where it has reached its size. It is never synced: what it
// lacks is read from rows.
//
// A record is
//
//	leaves: { kh ‖ hash ‖ u64 height ‖ u32 txIndex } ‖ u64 sum
//
// with little-endian integers. The sum is keyed, by a secret of the process, and covers the
// leaves and the hash of the page in the tree, so that a record serves for that page alone:
// one that was overwritten, damaged or never written is no hit, and nobody needs to tell
// nodes when a page is gone.
//
// Records are gathered in segments, which a goroutine writes. Nobody waits for it but those
// who read many leaves in a row: where the disk is slower than commits, segments are dropped.
type pageFile struct {
	file     *os.File
	named    bool // the system does not let an open file lose its name
	lost     func(error)
	seed     maphash.Seed
	segment  int // size of a segment
	segments int // that the file has room for
	rooms    sync.Pool

	mu      sync.RWMutex
	turn    sync.Cond  // of mu: the queue or what follows has changed
	filling *segment   // the one that takes records
	queue   []*segment // to be written, oldest first
	spare   []*segment
	begun   int  // segments that were ever begun
	failed  bool // the file cannot be written
	closing bool
	done    chan struct{} // closed when the goroutine is
}

// segment is a part of the file that is written in one piece.
type segment struct {
	no   int // in the file
	used int
	buf  []byte
}

// place is where the record of a page begins in the file: 1 + offset / placeUnit; 0 is nowhere.
type place uint32

const (
	leafBytes = 2*crypto.HashSize + 8 + 4
	sumBytes  = 8
	placeUnit = 32

	// Segments are as large as the file allows up to a size from which the system keeps files
	// in large pieces of memory, where a page is read faster: 0.9 µs, and 1.2 out of segments
	// of 64 KiB.
	minSegment  = 64 << 10
	maxSegment  = 1 << 20
	minSegments = 4
	maxQueue    = 8

	// MaxPageBytes is the largest page file: up to there a place leaves newPlace unset.
	MaxPageBytes int64 = placeUnit * int64(newPlace)
)

// pageRoom is room for a record with the hash of its page where the sum lies.
type pageRoom [pageLeaves*leafBytes + crypto.HashSize]byte

// openPageFile makes the file in a folder, which is made if it is not there; no bytes: none.
// The file loses its name at once where the system allows it, so that nothing of it outlives
// the process. lost, unless it is nil, is called if the file cannot be written.
func openPageFile(dir string, bytes int64, lost func(error)) (*pageFile, error) {
	if bytes == 0 {
		return nil, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(dir, "pages-*")
	if err != nil {
		return nil, err
	}
	segment := min(max(int(bytes/minSegments)&^(minSegment-1), minSegment), maxSegment)
	f := &pageFile{
		file: file, lost: lost, named: os.Remove(file.Name()) != nil, seed: maphash.MakeSeed(),
		segment: segment, segments: max(int(bytes/int64(segment)), minSegments),
		rooms: sync.Pool{New: func() any { return new(pageRoom) }}, done: make(chan struct{}),
	}
	f.filling, f.turn.L = f.newSegment(), &f.mu
	go f.write() //lint:deterministic what is held decides what is read from rows, never what is computed
	return f, nil
}

// sum is that of the leaves of a record, which are followed by the hash of the page.
func (f *pageFile) sum(leavesAndHash []byte) uint64 { return maphash.Bytes(f.seed, leavesAndHash) }

// get appends the n leaves of the page that lies at a place and has a hash, if they are there.
func (f *pageFile) get(dst []entry, at place, hash *crypto.Hash, n int) ([]entry, bool) {
	if f == nil || at == 0 || n > pageLeaves {
		return dst, false
	}
	room := f.rooms.Get().(*pageRoom)
	defer f.rooms.Put(room)
	end := n * leafBytes
	if !f.read(room[:end+sumBytes], int64(at-1)*placeUnit) {
		return dst, false
	}
	sum := binary.LittleEndian.Uint64(room[end:])
	copy(room[end:], hash[:])
	if f.sum(room[:end+crypto.HashSize]) != sum {
		return dst, false
	}
	for b := room[:end]; len(b) > 0; b = b[leafBytes:] {
		dst = append(dst, entry{
			key: crypto.Hash(b[:crypto.HashSize]), hash: crypto.Hash(b[crypto.HashSize : 2*crypto.HashSize]),
			written: written{binary.LittleEndian.Uint64(b[2*crypto.HashSize:]), binary.LittleEndian.Uint32(b[2*crypto.HashSize+8:])},
		})
	}
	return dst, true
}

// read reads bytes of the file, or of a segment that is to become part of it.
func (f *pageFile) read(b []byte, offset int64) bool {
	no, from := int(offset/int64(f.segment)), int(offset%int64(f.segment))
	f.mu.RLock()
	if s := f.gathered(no); s != nil {
		n := copy(b, s.buf[from:])
		f.mu.RUnlock()
		return n == len(b)
	}
	f.mu.RUnlock()
	_, err := f.file.ReadAt(b, offset)
	return err == nil
}

// gathered is the segment of a number that is not written yet, or nil. The caller holds mu.
func (f *pageFile) gathered(no int) *segment {
	if f.filling.no == no {
		return f.filling
	}
	for _, s := range f.queue {
		if s.no == no {
			return s
		}
	}
	return nil
}

// put holds the leaves of the page with a hash from now on.
func (f *pageFile) put(leaves []entry, hash *crypto.Hash) place {
	if f == nil || len(leaves) == 0 || len(leaves) > pageLeaves {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	end := len(leaves) * leafBytes
	if f.segment-f.filling.used < end+crypto.HashSize {
		f.next()
	}
	if f.failed {
		return 0
	}
	s := f.filling
	b := s.buf[s.used:]
	for i := range leaves {
		l, to := &leaves[i], b[i*leafBytes:]
		copy(to, l.key[:])
		copy(to[crypto.HashSize:], l.hash[:])
		binary.LittleEndian.PutUint64(to[2*crypto.HashSize:], l.height)
		binary.LittleEndian.PutUint32(to[2*crypto.HashSize+8:], l.txIndex)
	}
	copy(b[end:], hash[:])
	binary.LittleEndian.PutUint64(b[end:], f.sum(b[:end+crypto.HashSize]))
	at := place((int64(s.no)*int64(f.segment)+int64(s.used))/placeUnit) + 1
	s.used = min((s.used+end+sumBytes+placeUnit-1)/placeUnit*placeUnit, f.segment)
	return at
}

func (f *pageFile) newSegment() *segment { return &segment{buf: make([]byte, f.segment)} }

// next begins a segment; the one before is to be written, or is overwritten if too many are
// already. The caller holds mu.
func (f *pageFile) next() {
	if f.failed || len(f.queue) == min(maxQueue, f.segments/2) {
		f.filling.used = 0
		return
	}
	f.queue = append(f.queue, f.filling)
	f.begun++
	if n := len(f.spare); n > 0 {
		f.filling, f.spare = f.spare[n-1], f.spare[:n-1]
	} else {
		f.filling = f.newSegment()
	}
	f.filling.no, f.filling.used = f.begun%f.segments, 0
	f.turn.Broadcast()
}

// write writes segments until close. A file that cannot be written, as on a full disk, gives
// its space back and holds nothing any more.
func (f *pageFile) write() {
	defer close(f.done)
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		for len(f.queue) == 0 && !f.closing {
			f.turn.Wait()
		}
		if f.closing {
			return
		}
		s := f.queue[0]
		if !f.failed {
			f.mu.Unlock()
			err := f.writeSegment(s)
			f.mu.Lock()
			f.failed = err != nil
		}
		f.queue, f.spare = append(f.queue[:0], f.queue[1:]...), append(f.spare, s)
		f.turn.Broadcast()
	}
}

func (f *pageFile) writeSegment(s *segment) error {
	_, err := f.file.WriteAt(s.buf, int64(s.no)*int64(f.segment))
	if err != nil {
		_ = f.file.Truncate(0)
		if f.lost != nil {
			f.lost(err)
		}
	}
	return err
}

// settle waits until what was put is written, as those must who put much in a row.
func (f *pageFile) settle() {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.queue) > 0 && !f.closing {
		f.turn.Wait()
	}
}

// room reports whether a page can be put without overwriting others.
func (f *pageFile) room() bool {
	if f == nil {
		return false
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	return !f.failed && f.begun < f.segments-1
}

// close ends the writing and removes the file. Nobody may use it any more.
func (f *pageFile) close() error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	f.closing = true
	f.turn.Broadcast()
	f.mu.Unlock()
	<-f.done
	err := f.file.Close()
	if f.named {
		err = errors.Join(err, os.Remove(f.file.Name()))
	}
	return err
}
