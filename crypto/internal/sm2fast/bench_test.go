//go:build linux

package sm2fast

import (
	"crypto/ecdsa"
	"encoding/binary"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// sample is one signature in the forms both sides take.
type sample struct {
	pub    *ecdsa.PublicKey
	digest [32]byte
	der    []byte
	msg    []byte
	raw    []byte
	wire   [65]byte

	point  affine
	parsed signature
}

func newSample(b *testing.B, s *signer, i int) *sample {
	// As long as the body of a typical transaction.
	msg := append(make([]byte, 250), binary.BigEndian.AppendUint32(nil, uint32(i))...)
	raw, der := s.sign(b, msg)
	digest, err := sm2.CalculateSM2Hash(&s.key.PublicKey, msg, userID)
	require.NoError(b, err)
	p, ok := parsePoint((*[64]byte)(s.pub[1:]))
	require.True(b, ok)
	parsed, ok := parseSignature((*[64]byte)(raw))
	require.True(b, ok)
	return &sample{&s.key.PublicKey, [32]byte(digest), der, msg, raw, s.pub, p, parsed}
}

// BenchmarkAgainstGmsm verifies the same signatures with gmsm (assembly where it has
// any) and with each kind of table, in turns within one run, so that both meet the same
// machine. It reports µs a verification, and their ratio. "hot" is one key with 256
// signatures, "keys" are 1,000 keys in turn, "api" is everything from the bytes of
// key, message and signature on.
func BenchmarkAgainstGmsm(b *testing.B) {
	base()
	var hot, cycle []*sample
	one := newSigner(b)
	for i := range 256 {
		hot = append(hot, newSample(b, one, i))
	}
	for i := range 1000 {
		cycle = append(cycle, newSample(b, newSigner(b), i))
	}
	gmsm := func(s *sample) bool { return sm2.VerifyASN1(s.pub, s.digest[:], s.der) }
	gmsmAPI := func(s *sample) bool { return sm2.VerifyASN1WithSM2(s.pub, userID, s.msg, s.der) }
	stage := func(samples []*sample, make func(*affine) tables) func(*sample) bool {
		known := map[affine]*tables{}
		of := map[*sample]*tables{}
		for _, s := range samples {
			if known[s.point] == nil {
				t := make(&s.point)
				known[s.point] = &t
			}
			of[s] = known[s.point]
		}
		i := 0 // samples come in order
		list := []*tables{}
		for _, s := range samples {
			list = append(list, of[s])
		}
		return func(s *sample) bool {
			t := list[i]
			if i++; i == len(list) {
				i = 0
			}
			return verify(&s.point, *t, &s.digest, &s.parsed)
		}
	}
	cold := func(*affine) tables { return tables{} }
	withComb := func(p *affine) tables { return tables{comb: newComb(p)} }
	withWide := func(p *affine) tables { return tables{wide: newWindow(p, wideWindow)} }
	v := New(userID, 64<<20)
	api := func(s *sample) bool { return v.Verify(&s.wire, s.msg, s.raw) }
	for _, c := range []struct {
		name    string
		samples []*sample
		theirs  func(*sample) bool
		ours    func(*sample) bool
	}{
		{"wide/hot", hot, gmsm, stage(hot, withWide)},
		{"wide/keys", cycle, gmsm, stage(cycle, withWide)},
		{"comb/hot", hot, gmsm, stage(hot, withComb)},
		{"comb/keys", cycle, gmsm, stage(cycle, withComb)},
		{"cold/hot", hot, gmsm, stage(hot, cold)},
		{"cold/keys", cycle, gmsm, stage(cycle, cold)},
		{"api/hot", hot, gmsmAPI, api},
		{"api/keys", cycle, gmsmAPI, api},
	} {
		b.Run(c.name, func(b *testing.B) { duel(b, c.samples, c.theirs, c.ours) })
	}
}

// duel runs both over all samples in turns of 64. It counts the CPU time of its own
// thread, so that other work on the machine disturbs it less, and reports the mean and
// the best turn; on shared cores only the latter is what the code can do.
func duel(b *testing.B, samples []*sample, theirs, ours func(*sample) bool) {
	for range 25 { // until every key has its tables
		for _, s := range samples {
			require.True(b, ours(s))
		}
	}
	runtime.GC()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var spent [2]time.Duration
	best := [2]time.Duration{time.Hour, time.Hour}
	n := 0
	for b.Loop() {
		for turn := range slices.Chunk(samples, 64) {
			for i, f := range []func(*sample) bool{theirs, ours} {
				begin := threadTime(b)
				for _, s := range turn {
					if !f(s) {
						b.Fatal("a valid signature was refused")
					}
				}
				took := threadTime(b) - begin
				spent[i] += took
				if len(turn) == 64 {
					best[i] = min(best[i], took/64)
				}
			}
			n += len(turn)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(spent[0].Nanoseconds())/float64(n)/1000, "gmsm-µs")
	b.ReportMetric(float64(spent[1].Nanoseconds())/float64(n)/1000, "ours-µs")
	b.ReportMetric(float64(spent[0])/float64(spent[1]), "ratio")
	b.ReportMetric(float64(best[0])/1000, "gmsm-best-µs")
	b.ReportMetric(float64(best[1])/1000, "ours-best-µs")
	b.ReportMetric(float64(best[0])/float64(best[1]), "best-ratio")
}

// BenchmarkTogether verifies signatures of 1,000 keys in turn, one by one and in groups of
// the sizes that carriers have, in turns within one run: µs of CPU a signature.
func BenchmarkTogether(b *testing.B) {
	v := New(userID, 64<<20)
	checks := make([]Check, 1024)
	for i := range checks {
		if i < 1000 {
			checks[i] = signedCheck(b, newSigner(b), i)
		} else {
			checks[i] = checks[i-1000]
		}
		for range wideAfter {
			require.True(b, v.Verify(checks[i].Pub, checks[i].Msg, checks[i].Sig))
		}
	}
	ok := make([]bool, len(checks))
	sizes := []int{1, 4, 8, 16, 32, 128}
	spent := make([]time.Duration, len(sizes))
	n := 0
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for b.Loop() {
		for turn := range slices.Chunk(checks, 128) {
			for i, size := range sizes {
				begin := threadTime(b)
				for group := range slices.Chunk(turn, size) {
					v.VerifyEach(group, ok)
				}
				spent[i] += threadTime(b) - begin
			}
			n += len(turn)
		}
	}
	b.ReportMetric(0, "ns/op")
	for i, size := range sizes {
		b.ReportMetric(float64(spent[i].Nanoseconds())/float64(n)/1000, strconv.Itoa(size)+"-µs")
	}
}

func threadTime(b *testing.B) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

func BenchmarkBuild(b *testing.B) {
	p := generator
	b.Run("comb", func(b *testing.B) {
		for b.Loop() {
			newComb(&p)
		}
	})
	b.Run("wide", func(b *testing.B) {
		for b.Loop() {
			newWindow(&p, wideWindow)
		}
	})
	b.Run("base", func(b *testing.B) {
		for b.Loop() {
			newWindow(&p, 8)
		}
	})
}
