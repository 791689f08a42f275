package bench

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

func testReport() *Report {
	var h histogram
	rnd := rand.New(rand.NewPCG(3, 4))
	rep := &Report{
		Format: ReportFormat, Scenario: "evidence", About: "deposit of a <unique> hash & more", Started: time.Unix(1_700_000_000, 0).UTC(),
		Conditions: Conditions{Validators: 2, Cores: 2, Machine: "test", Build: "0.1.0 abc", Payload: 250, Members: 10, DurationS: 20},
		Refused:    map[string]uint64{}, Blocks: 40, TxsPerBlock: 500, TxsPerBlockMax: 900,
		BlockBars: []Bucket{{256, 4}, {512, 20}, {1024, 16}},
		Calls:     []CallReport{{Kind: "deposit", Count: 5, Errors: map[string]uint64{"HC-2114": 1}}},
		Ramp:      []Step{{Rate: 100, CommittedTPS: 100, Held: true}, {Rate: 150, CommittedTPS: 120}},
		Streams:   &StreamsReport{Open: 3, Fewest: 7, Most: 8},
	}
	for range 20 {
		rep.TPSBySecond = append(rep.TPSBySecond, 1000+rnd.Uint64N(50))
	}
	for range 5000 {
		h.add(time.Duration(1+rnd.ExpFloat64()*30) * time.Millisecond)
	}
	rep.CommittedTPS, rep.Committed = 1020.5, 20410
	rep.LatencyMs, rep.LatencyBars = quantiles(&h), h.bars()
	for _, name := range []string{"node0", "node1"} {
		v := Validator{Name: name, CPUPerTxUs: 110, StagesUs: map[string]float64{}, RSSBytes: []int64{100 << 20, 120 << 20, 125 << 20}}
		for i, s := range StageNames {
			v.StagesUs[s] = float64(i + 1)
		}
		rep.Validators = append(rep.Validators, v)
	}
	rep.SetCeiling(Ceiling{TPS: 20000, DurationS: 10})
	return rep
}

// A signed report is taken as it is, in both forms; any change to it is refused, and so
// is a report without a signature.
func TestSignedReport(t *testing.T) {
	key, err := crypto.GenerateKey(rand.NewChaCha8([32]byte{7}))
	require.NoError(t, err)
	rep := testReport()
	require.Equal(t, types.CodeBadSignature, types.CodeOf(rep.Verify()))
	require.NoError(t, rep.Sign(key))
	raw, err := rep.Encode()
	require.NoError(t, err)
	shown, err := rep.HTML()
	require.NoError(t, err)
	for _, form := range [][]byte{raw, shown} {
		read, err := ParseReport(form)
		require.NoError(t, err)
		require.NoError(t, read.Verify())
		require.Equal(t, key.Public(), read.Signature.PublicKey)
	}
	for name, change := range map[string][2]string{
		"figure":     {`"committedTPS": 1020.5`, `"committedTPS": 9020.5`},
		"condition":  {`"validators": 2`, `"validators": 4`},
		"unknown":    {`"format": 1,`, `"format": 1, "more": 1,`},
		"twice":      {`"format": 1,`, `"format": 1, "format": 1,`},
		"letters":    {`"committedTPS"`, `"CommittedTPS"`},
		"after":      {"\n}\n", "\n}\n{}"},
		"figureForm": {`1020.5`, `1020.50`},
	} {
		changed := bytes.Replace(raw, []byte(change[0]), []byte(change[1]), 1)
		require.NotEqual(t, raw, changed, name)
		read, err := ParseReport(changed)
		if err == nil {
			err = read.Verify()
		}
		require.Error(t, err, name)
	}
	read, err := ParseReport(bytes.Replace(shown, []byte("<b>1020</b>"), []byte("<b>9020</b>"), 1))
	require.Equal(t, types.CodeBadArguments, types.CodeOf(err), "a page that shows something else than it holds: %v", read)
}

func FuzzParseReport(f *testing.F) {
	rep := testReport()
	raw, err := rep.Encode()
	require.NoError(f, err)
	shown, err := rep.HTML()
	require.NoError(f, err)
	f.Add(raw)
	f.Add(shown)
	f.Add([]byte(`{"format":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		rep, err := ParseReport(raw)
		if err != nil {
			return
		}
		again, err := rep.Encode()
		require.NoError(t, err)
		read, err := ParseReport(again)
		require.NoError(t, err)
		require.Equal(t, rep, read)
		_, err = rep.HTML()
		require.NoError(t, err)
		_ = rep.Text()
	})
}

// The page needs nothing from elsewhere, runs nothing, and says everything in two
// languages; texts are escaped.
func TestPageStandsAlone(t *testing.T) {
	shown, err := testReport().HTML()
	require.NoError(t, err)
	text := string(shown)
	require.Empty(t, regexp.MustCompile(`(?i)\s(src|href|action|on[a-z]+)\s*=|@import|url\(|<script>|javascript:`).FindString(text))
	require.NotContains(t, text, "<unique>")
	require.Equal(t, strings.Count(text, `class="zh"`), strings.Count(text, `class="en"`))
	for _, want := range []string{"每秒提交交易", "Distribution of latency", "区块大小", "CPU by stage", "prefers-color-scheme:dark", "existing records"} {
		require.Contains(t, text, want)
	}
	require.Equal(t, strings.Count(text, "<svg"), strings.Count(text, "</svg>"))
	require.GreaterOrEqual(t, strings.Count(text, "<svg"), 6)
	require.NotContains(t, text, "NaN")
	empty, err := (&Report{Format: ReportFormat}).HTML()
	require.NoError(t, err)
	require.NotContains(t, string(empty), "NaN")
}

// Runs that differ are told from runs that do not, and single runs are not overrated.
func TestCompare(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	series := func(tps float64) (out []*Report) {
		for range 5 {
			r := testReport()
			r.CommittedTPS = tps + rnd.Float64()*40
			out = append(out, r)
		}
		return out
	}
	figure := func(c *Compared, name string) Comparison {
		for _, f := range c.Figures {
			if f.Figure == name {
				return f
			}
		}
		t.Fatalf("no figure %s", name)
		return Comparison{}
	}
	base := series(1000)
	for _, c := range []struct {
		with []*Report
		want string
	}{{series(1000), VerdictNoise}, {series(1200), VerdictBetter}, {series(800), VerdictWorse}} {
		out, err := Compare(base, c.with)
		require.NoError(t, err)
		require.False(t, out.Within)
		require.Empty(t, out.Differences)
		f := figure(out, "committedTPS")
		require.Equal(t, c.want, f.Verdict, "%+v", f)
	}
	one, err := Compare(base[:1], series(1200)[:1])
	require.NoError(t, err)
	require.True(t, one.Within)
	require.Equal(t, VerdictUnknown, figure(one, "latencyP99").Verdict)
	require.Equal(t, 20, figure(one, "committedTPS").Samples[0])
	other := testReport()
	other.Conditions.Validators = 7
	mixed, err := Compare(base[:1], []*Report{other})
	require.NoError(t, err)
	require.Equal(t, []string{"validators: 2 against 7"}, mixed.Differences)
	_, err = Compare(nil, base)
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
}

func TestMemoryGrowth(t *testing.T) {
	r := testReport()
	require.InDelta(t, 1.25, r.memoryGrowth(), 0.001, "from the first of three seconds to the last")
	r.Validators[1].RSSBytes = []int64{50, 100, 100, 100, 100, 100, 100, 100, 100, 150}
	require.InDelta(t, 1.5, r.memoryGrowth(), 0.001)
	require.Contains(t, r.Text(), "1.50 times")
	require.Zero(t, (&Report{}).memoryGrowth())
}

func TestMedianAndRankSum(t *testing.T) {
	require.InDelta(t, 3, median([]float64{5, 1, 3}), 0)
	require.InDelta(t, 2.5, median([]float64{4, 1, 2, 3}), 0)
	// Two samples of five without overlap: U = 0, z = (12.5-0.5)/4.787 = 2.507.
	require.InDelta(t, 0.0122, rankSum([]float64{1, 2, 3, 4, 5}, []float64{6, 7, 8, 9, 10}), 0.0002)
	require.InDelta(t, 1, rankSum([]float64{1, 1, 1, 1}, []float64{1, 1, 1, 1}), 0)
}

// A profile of verifying signatures says that signatures were verified.
func TestStagesOfOwnProfile(t *testing.T) {
	key, err := crypto.GenerateKey(rand.NewChaCha8([32]byte{8}))
	require.NoError(t, err)
	sig, err := key.Sign([]byte("message"))
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, pprof.StartCPUProfile(&out))
	pub := key.Public()
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
		require.True(t, pub.Verify([]byte("message"), sig))
	}
	pprof.StopCPUProfile()
	s, err := readStages(&out)
	require.NoError(t, err)
	require.Positive(t, s.total)
	// Samples without a stack of ours, as the race detector's own work, are the runtime's.
	ours := s.total - s.nanos[StageRuntime]
	require.Positive(t, ours, "%v", s.nanos)
	require.Greater(t, float64(s.nanos[StageSignatures]), 0.7*float64(ours), "%v", s.nanos)
}

func TestStagesByName(t *testing.T) {
	for name, want := range map[string]string{
		"github.com/huchain/huchain/ledger/state.(*Store).Prepare":         StageState,
		"github.com/huchain/huchain/ledger.(*Ledger).Commit":               StageStorage,
		"github.com/huchain/huchain/consensus.(*carrierReactor).feed":      StageMempool,
		"github.com/huchain/huchain/consensus.(*app).FinalizeBlock":        StageConsensus,
		"github.com/cometbft/cometbft/p2p/conn.(*MConnection).sendRoutine": StageLinks,
		"github.com/cometbft/cometbft/consensus.(*State).receiveRoutine":   StageConsensus,
		"runtime._ExternalCode": StageVM,
		"runtime.memmove":       "",
	} {
		require.Equal(t, want, stageOfName(name), name)
	}
}

func FuzzSplitProfile(f *testing.F) {
	var out bytes.Buffer
	require.NoError(f, pprof.Lookup("goroutine").WriteTo(&out, 0))
	raw, err := gunzip(&out)
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte{0x12, 0x04, 0x0a, 0x02, 0x01, 0x02})
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = splitProfile(raw) })
}
