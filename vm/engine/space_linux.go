package engine

import (
	"encoding/binary"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A cowImage holds the image in an anonymous file that instances map privately. A page
// that an instance writes to becomes its own; /proc/self/pagemap tells which did, and
// only those are copied back. Pages stay private once written, so that a contract that
// writes the same pages at each call pays no page fault for them; and without a page
// fault there is no need to ask which pages did.
type cowImage struct {
	fd    int
	image []byte // read-only mapping of the file
	limit uint64 // how far memory may grow
	pages *pagemap
}

// maxSticky is how many private pages an instance keeps; above, all are given back to
// the system and fault in again.
const maxSticky = 512

// newImage maps memory copy-on-write, or keeps a copy where the system can't.
func newImage(memory []byte, limit uint64) image {
	i, err := newCowImage(memory, limit)
	if err != nil {
		return heapImage(append([]byte{}, memory...))
	}
	return i
}

func newCowImage(memory []byte, limit uint64) (*cowImage, error) {
	pages, err := openPagemap()
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("huchain-contract", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, err
	}
	i := &cowImage{fd: fd, limit: limit, pages: pages}
	if err := i.fill(memory); err != nil {
		i.close()
		return nil, err
	}
	return i, nil
}

func (i *cowImage) fill(memory []byte) (err error) {
	if err := unix.Ftruncate(i.fd, int64(len(memory))); err != nil {
		return err
	}
	for at := 0; at < len(memory); {
		n, err := unix.Pwrite(i.fd, memory[at:], int64(at))
		if err != nil {
			return err
		}
		at += n
	}
	const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(i.fd), unix.F_ADD_SEALS, seals); err != nil {
		return err
	}
	if len(memory) > 0 {
		i.image, err = unix.Mmap(i.fd, 0, len(memory), unix.PROT_READ, unix.MAP_SHARED)
	}
	return err
}

func (i *cowImage) bytes() []byte { return i.image }

func (i *cowImage) kept() int64 { return int64(min(len(i.image), maxSticky*os.Getpagesize())) }

func (i *cowImage) close() {
	if i.image != nil {
		_ = unix.Munmap(i.image)
		i.image = nil
	}
	_ = unix.Close(i.fd)
}

// space reserves addresses up to the memory limit and maps the image at their start.
func (i *cowImage) space() space {
	base, err := unix.Mmap(-1, 0, int(i.limit), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil
	}
	if len(i.image) > 0 {
		_, err = unix.MmapPtr(i.fd, 0, unsafe.Pointer(&base[0]), uintptr(len(i.image)),
			unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
		if err != nil {
			_ = unix.Munmap(base)
			return nil
		}
	}
	return &cowSpace{image: i, base: base}
}

// cowSpace is a private mapping of the image with room to grow behind it.
type cowSpace struct {
	image *cowImage
	base  []byte
	high  uint64 // up to where there may be private pages: the largest size since a discard

	private []extent // all private pages, if known
	known   bool
	before  int64 // page faults of the thread when the call began; -1: not counted
}

// extent is a run of pages, from and up to an offset.
type extent struct{ from, to int }

// Reallocate implements experimental.LinearMemory: memory never moves.
func (s *cowSpace) Reallocate(size uint64) []byte {
	if size > uint64(len(s.base)) {
		return nil
	}
	s.high = max(s.high, size)
	return s.base[:size:size]
}

// Free implements experimental.LinearMemory.
func (s *cowSpace) Free() {
	if s.base != nil {
		_ = unix.Munmap(s.base)
		s.base = nil
	}
}

// begin notes that a call begins. The caller's goroutine MUST stay on its thread until
// reset, and nothing else may touch the memory.
func (s *cowSpace) begin() {
	s.before = -1
	if s.known && s.image.pages.counted {
		s.before = threadFaults()
	}
}

// discard gives all private pages back to the system.
func (s *cowSpace) discard() bool {
	n := max(s.high, uint64(len(s.image.image)))
	s.high, s.private, s.known, s.before = 0, s.private[:0], true, -1
	return n == 0 || unix.Madvise(s.base[:n], unix.MADV_DONTNEED) == nil
}

// reset looks for pages that became private only if there was a page fault since begin:
// no page does without one, and looking takes longer than copying.
func (s *cowSpace) reset() bool {
	image := s.image.image
	size := max(s.high, uint64(len(image)))
	if size == 0 {
		return true
	}
	if s.before < 0 || threadFaults() != s.before {
		s.private, s.known = s.private[:0], true
		if !s.image.pages.private(s.base[:size], func(from, to int) { s.private = append(s.private, extent{from, to}) }) {
			return s.discard()
		}
	}
	s.before = -1
	written := 0
	for _, e := range s.private {
		if written += e.to - e.from; written > maxSticky*os.Getpagesize() {
			return s.discard()
		}
		from := e.from
		if from < len(image) {
			from += copy(s.base[from:e.to], image[from:])
		}
		clear(s.base[from:e.to]) // what grew behind the image
	}
	return true
}

// threadFaults is how many page faults the calling thread has had, -1 if unknown.
func threadFaults() int64 {
	var u unix.Rusage
	// RawSyscall: it takes less than handing the processor on.
	if _, _, errno := unix.RawSyscall(unix.SYS_GETRUSAGE, unix.RUSAGE_THREAD, uintptr(unsafe.Pointer(&u)), 0); errno != 0 {
		return -1
	}
	return u.Minflt + u.Majflt
}

// pagemap reads /proc/self/pagemap (admin-guide/mm/pagemap.rst of Linux).
type pagemap struct {
	file *os.File
	fd   uintptr
	scan bool // the PAGEMAP_SCAN ioctl of Linux 6.7 works
	// counted: page faults of a thread are counted (getrusage of Linux 2.6.26).
	counted bool
}

var openPagemap = sync.OnceValues(func() (*pagemap, error) {
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil, err
	}
	p := &pagemap{file: f, fd: f.Fd()}
	return p, p.try()
})

// Bits of an entry.
const (
	pagePresent = 1 << 63
	pageSwapped = 1 << 62
	pageFile    = 1 << 61 // of a file or shared memory: not private
)

var entryBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// private calls f for each run of private pages of b, which starts at a page.
func (p *pagemap) private(b []byte, f func(from, to int)) bool {
	if p.scan {
		return p.scanPrivate(b, f)
	}
	buf := entryBuffers.Get().(*[]byte)
	defer entryBuffers.Put(buf)
	size := os.Getpagesize()
	first := int64(uintptr(unsafe.Pointer(&b[0]))) / int64(size)
	for at := 0; at < len(b); {
		n := min(len(*buf), (len(b)-at)/size*8)
		if m, err := p.file.ReadAt((*buf)[:n], (first+int64(at/size))*8); err != nil || m != n {
			return false
		}
		for i := 0; i < n; i += 8 {
			e := binary.LittleEndian.Uint64((*buf)[i:])
			if e&pageSwapped != 0 || e&pagePresent != 0 && e&pageFile == 0 {
				f(at, at+size)
			}
			at += size
		}
	}
	return true
}

// scanArgs is struct pm_scan_arg of linux/fs.h.
type scanArgs struct {
	size, flags, start, end, walkEnd, vec, vecLen, maxPages uint64
	inverted, mask, anyOf, result                           uint64
}

const (
	pagemapScan = 0xc0606610
	scanFile    = 1 << 2
	scanPresent = 1 << 3
	scanSwapped = 1 << 4
)

// region is struct page_region of linux/fs.h.
type region struct{ start, end, _ uint64 }

var regionBuffers = sync.Pool{New: func() any { return new([256]region) }}

// scanPrivate lets the kernel skip the pages that are of no interest.
func (p *pagemap) scanPrivate(b []byte, f func(from, to int)) bool {
	base := uint64(uintptr(unsafe.Pointer(&b[0])))
	vec := regionBuffers.Get().(*[256]region)
	defer regionBuffers.Put(vec)
	args := scanArgs{
		start: base, end: base + uint64(len(b)),
		vec: uint64(uintptr(unsafe.Pointer(vec))), vecLen: uint64(len(vec)),
		inverted: scanFile, mask: scanFile, anyOf: scanPresent | scanSwapped, result: scanPresent | scanSwapped,
	}
	args.size = uint64(unsafe.Sizeof(args))
	// RawSyscall: the walk takes microseconds, less than handing the processor on.
	for args.start < args.end {
		n, _, errno := unix.RawSyscall(unix.SYS_IOCTL, p.fd, pagemapScan, uintptr(unsafe.Pointer(&args)))
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return false
		}
		for _, r := range vec[:n] {
			f(int(r.start-base), int(r.end-base))
		}
		if args.walkEnd <= args.start {
			return false
		}
		args.start = args.walkEnd
	}
	return true
}

// try finds out on a mapping of four pages, the second and last written to, whether
// pagemap tells the truth here, which way of reading it works, and whether page faults are
// counted.
func (p *pagemap) try() error {
	size := os.Getpagesize()
	fd, err := unix.MemfdCreate("huchain-try", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing is kept in it
	if _, err := unix.Pwrite(fd, make([]byte, 4*size), 0); err != nil {
		return err
	}
	b, err := unix.Mmap(fd, 0, 4*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	defer unix.Munmap(b) //nolint:errcheck // fails only if b isn't mapped
	runtime.LockOSThread()
	before := threadFaults()
	b[size] = 1
	one := threadFaults()
	b[3*size] = b[0] + 2
	p.counted = before >= 0 && one > before && threadFaults() > one
	runtime.UnlockOSThread()
	for _, p.scan = range []bool{true, false} {
		found, right := 0, true
		ok := p.private(b, func(from, to int) {
			found++
			right = right && to-from == size && (from == size || from == 3*size)
		})
		if ok && right && found == 2 {
			return nil
		}
	}
	return unix.ENOTSUP
}
