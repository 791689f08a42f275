package bench

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func testMembers(t *testing.T, n int) []*member {
	key, err := crypto.GenerateKey(rand.NewChaCha8([32]byte{1}))
	require.NoError(t, err)
	now := time.Now()
	ca, err := cert.NewCA("archives", key, now.Add(-48*time.Hour), now.AddDate(1, 0, 0))
	require.NoError(t, err)
	members, err := newMembers(context.Background(), ca, n, types.RoleClient)
	require.NoError(t, err)
	return members
}

// The published workload: bodies of the size asked for, one signature, no hash twice, and
// never more than the contract keeps.
func TestEvidenceWorkload(t *testing.T) {
	members := testMembers(t, 3)
	sc, err := scenarioOf("evidence")
	require.NoError(t, err)
	rnd := rand.New(rand.NewPCG(1, 1))
	genesis := crypto.Sum([]byte("genesis"))
	seen := map[string]bool{}
	for _, size := range []int{250, 251, 264, 265, 300, 1000, 2263, 2264, 2265, 4096, 8264, 8265, 12000, 16384} {
		r := &run{p: Params{Payload: size}, members: members}
		for range 20 {
			m, c := sc.next(r, rnd)
			tx, err := m.sign(genesis, c, false)
			require.NoError(t, err)
			require.Len(t, tx.BodyBytes, size)
			require.Len(t, tx.Signatures, 1)
			var args struct{ Hash, Title, Metadata string }
			require.NoError(t, json.Unmarshal(c.args, &args))
			require.False(t, seen[args.Hash])
			seen[args.Hash] = true
			require.LessOrEqual(t, utf8.RuneCountInString(args.Title), 200)
			require.LessOrEqual(t, utf8.RuneCountInString(args.Metadata), 2000)
			require.NotContains(t, args.Metadata, string(utf8.RuneError))
		}
	}
	_, err = scenarioOf("nothing")
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
}

func TestParams(t *testing.T) {
	for name, change := range map[string]func(*Params){
		"in flight": func(p *Params) { p.InFlight = 0 },
		"scenario":  func(p *Params) { p.Scenario = "nothing" },
		"payload":   func(p *Params) { p.Payload = 16<<10 + 1 },
		"zipf":      func(p *Params) { p.Zipf = -1 },
		"clients":   func(p *Params) { p.Clients = 0 },
		"ramp":      func(p *Params) { p.Ramp, p.Rate = true, 5 },
		"profiles":  func(p *Params) { p.Stages, p.Profiles = false, "profiles" },
		"share":     func(p *Params) { p.Ramp, p.Share = true, 1.5 },
	} {
		p := DefaultParams()
		require.NoError(t, p.Validate())
		change(&p)
		require.Equal(t, types.CodeUsage, types.CodeOf(p.Validate()), name)
	}
}

// Profiles that nobody serves are refused before anything is loaded.
func TestProfilesThatNobodyServes(t *testing.T) {
	r := &run{p: DefaultParams(), t: Target{Processes: []Process{{Name: "node0", PID: 1}}}}
	r.p.Profiles = t.TempDir()
	require.Equal(t, types.CodeUsage, types.CodeOf(r.connect(t.Context())))
}

// Picks follow the law of the exponent: uniform at 0, and at 1 the first account as often
// as the second twice.
func TestZipf(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	count := func(s float64) []int {
		z, out := newZipf(100, s), make([]int, 100)
		for range 200_000 {
			out[z.pick(rnd)]++
		}
		return out
	}
	flat := count(0)
	for _, n := range flat {
		require.InDelta(t, 2000, n, 300)
	}
	steep := count(1)
	require.InDelta(t, 2, float64(steep[0])/float64(steep[1]), 0.1)
	require.InDelta(t, 10, float64(steep[0])/float64(steep[9]), 1)
}

// No account pays itself, which the contract refuses.
func TestTransferWorkload(t *testing.T) {
	r := &run{members: testMembers(t, 3), accounts: newZipf(3, 4)}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		from, c := transfer(r, rnd)
		var args struct {
			To     types.MemberID
			Amount string
		}
		require.NoError(t, json.Unmarshal(c.args, &args))
		require.NotEqual(t, from.id, args.To)
	}
}

// A transaction counts once, in the time its block came; its latency counts from when it
// was due, also if that was in the window and its block came later. What has no effect
// and what others sent does not count.
func TestTracker(t *testing.T) {
	m := testMembers(t, 1)[0]
	var mine []*signed
	now := time.Now()
	for range 5 {
		tx, err := m.sign(crypto.Sum(nil), call{contract: "evidence", method: "deposit"}, false)
		require.NoError(t, err)
		mine = append(mine, &signed{tx, now})
	}
	track := newTracker(10)
	for range mine {
		<-track.room
	}
	track.measure(now)
	track.sent(mine)
	require.Equal(t, 5, track.left())
	track.rejected(mine[3].tx.ID(), types.CodeTxTooFar)
	block := &rest.Outcomes{Height: 1, Time: now, TxIDs: []crypto.Hash{mine[0].tx.ID(), crypto.Sum([]byte("foreign")), mine[1].tx.ID()},
		Refused: []rest.RefusedInside{{Index: 2, Code: "HC-3103"}}}
	track.block(block, now.Add(30*time.Millisecond))
	track.block(block, now.Add(50*time.Millisecond))
	w := track.finish(now.Add(time.Second))
	require.EqualValues(t, 1, w.committed)
	require.Equal(t, map[string]uint64{"HC-3103": 1, "HC-2106": 1}, w.refused)
	require.InDelta(t, 30, float64(w.latency.quantile(0.5).Milliseconds()), 2)
	require.Equal(t, 2, track.left())
	require.Len(t, track.room, 8)

	track.block(&rest.Outcomes{Height: 2, Time: now, TxIDs: []crypto.Hash{mine[2].tx.ID()}}, now.Add(5*time.Second))
	require.EqualValues(t, 1, w.committed, "its block came after the window")
	require.InDelta(t, 5000, float64(w.latency.max.Milliseconds()), 200)
	track.close()
	track.block(&rest.Outcomes{Height: 3, Time: now, TxIDs: []crypto.Hash{mine[4].tx.ID()}}, now.Add(9*time.Second))
	require.EqualValues(t, 2, w.latency.n)
	require.Equal(t, 0, track.left())
}

// A generator that stands still for half of the time must not hide it: what was due and
// never sent has waited since then.
func TestOmission(t *testing.T) {
	start := time.Unix(1000, 0)
	l := &loading{start: start, rate: 1000}
	w := &window{start: start.Add(time.Second), end: start.Add(3 * time.Second), refused: map[string]uint64{}}
	require.EqualValues(t, 2000, l.dueWithin(w.start, w.end))
	for range 1000 {
		w.latency.add(5 * time.Millisecond)
	}
	m := &measured{w: w}
	m.close(l, 1000)
	require.EqualValues(t, 2000, m.offered)
	require.EqualValues(t, 1000, m.missed)
	require.EqualValues(t, 2000, w.latency.n)
	require.InDelta(t, 1, w.latency.max.Seconds(), 0.01, "the first that was not sent was due a second before the end")
	require.Greater(t, w.latency.quantile(0.75), 450*time.Millisecond)
}

// Times at which something is due keep to the rate however it divides a second.
func TestDueTimes(t *testing.T) {
	start := time.Unix(1000, 0)
	for _, rate := range []int64{1, 3, 7, 999, 1000, 4096, 1_000_000} {
		l := &loading{start: start, rate: rate}
		require.Equal(t, start.Add(2*time.Second), l.dueAt(2*rate))
		require.EqualValues(t, 5*rate, l.dueWithin(start.Add(time.Second), start.Add(6*time.Second)))
	}
}

// A ramp finds about what a chain holds, also where it holds more than a rate at which it
// stumbled, and ends on a chain that holds nothing.
func TestRamp(t *testing.T) {
	climb := func(holds func(rate int) bool) (steps []Step) {
		for rate := nextRate(nil); rate > 0; rate = nextRate(steps) {
			steps = append(steps, Step{Rate: rate, Held: holds(rate)})
		}
		return steps
	}
	for _, capacity := range []int{100, 149, 151, 700, 5000, 123_456} {
		steps := climb(func(rate int) bool { return rate <= capacity })
		held := highestHeld(steps)
		require.LessOrEqual(t, held, capacity)
		require.Greater(t, float64(held)*1.5, float64(capacity))
		require.LessOrEqual(t, len(steps), maxRampSteps)
	}
	stumbles := climb(func(rate int) bool { return rate <= 3000 && rate != 505 })
	require.Greater(t, highestHeld(stumbles), 2000)
	require.Len(t, climb(func(int) bool { return false }), 2)
	require.Len(t, climb(func(int) bool { return true }), maxRampSteps)
}
