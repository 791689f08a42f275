package engine

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is written to a space, a reset brings the image back, by either way of
// finding the pages, for few pages and for more than are kept.
func TestSpaceReset(t *testing.T) {
	pages, err := openPagemap()
	require.NoError(t, err)
	had := pages.scan
	defer func() { pages.scan = had }()
	n := random(3)
	want := make([]byte, 6<<20)
	for i := range want {
		want[i] = byte(n(256))
	}
	const limit = 16 << 20
	image, err := newCowImage(want, limit)
	require.NoError(t, err)
	defer image.close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	require.True(t, pages.counted)
	for _, pages.scan = range []bool{had, false} {
		s := image.space().(*cowSpace)
		for round := range 120 {
			if round >= 40 {
				s.begin()
			}
			size := len(want) + n(64)*pageSize
			mem := s.Reallocate(uint64(size))
			require.Len(t, mem, size)
			require.Equal(t, -1, bytes.IndexFunc(mem[len(want):], func(r rune) bool { return r != 0 }), "memory grows by zeros")
			writes := n(40)
			if round%8 == 0 && round < 80 {
				writes = 4 * maxSticky
			}
			for range writes {
				at := n(size)
				if round >= 80 && len(s.private) > 0 && round%4 != 0 { // without a page fault
					e := s.private[n(len(s.private))]
					at = min(e.from+n(e.to-e.from), size-1)
				}
				mem[at]++
			}
			require.True(t, s.reset())
			require.True(t, bytes.Equal(want, s.base[:len(want)]))
		}
		require.Nil(t, s.Reallocate(limit+1))
		s.Free()
		s.Free()
	}
	require.True(t, bytes.Equal(want, image.bytes()), "the image itself never changes")
}

// Spaces of one image don't see each other's writes.
func TestSpacesAreApart(t *testing.T) {
	image, err := newCowImage(bytes.Repeat([]byte{7}, 2*pageSize), 4*pageSize)
	require.NoError(t, err)
	defer image.close()
	a, b := image.space().(*cowSpace), image.space().(*cowSpace)
	defer a.Free()
	defer b.Free()
	copy(a.base, "hello")
	require.Equal(t, byte(7), b.base[0])
	require.Equal(t, byte(7), image.bytes()[0])
	require.True(t, b.reset())
	require.Equal(t, "hello", string(a.base[:5]))
}

// Memory stays flat over many calls of all kinds, also where instances are rebuilt.
func TestResidentMemoryStaysFlat(t *testing.T) {
	e := newEngine(t, nil)
	code := load(t, e, scribbler())
	n := random(1)
	calls := func(k int) {
		for range k {
			args, gas := script(n)
			_, _ = call(e, code, newEnv("x"), string(args)) // most fail, as they should
			_ = gas
		}
		runtime.GC()
	}
	calls(2000)
	before := residentKiB(t)
	calls(4000)
	require.Less(t, residentKiB(t), before+20<<10)
	e.noShrink = true
	calls(500)
	before = residentKiB(t)
	calls(1500)
	require.Less(t, residentKiB(t), before+40<<10)
}
