package consensus

import (
	"testing"

	cs "github.com/cometbft/cometbft/consensus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// Two chains share a registry: same metrics, told apart by the label chain.
func TestMetricsOfTwoChains(t *testing.T) {
	reg := prometheus.NewRegistry()
	for i, id := range []string{"gov", "apps", "gov"} { // the last: started again
		m, err := newMetrics(reg, id)
		require.NoError(t, err)
		m.height.Set(float64(i + 1))
		m.refused.WithLabelValues("HC-2104").Inc()
		c, err := newCometMetrics(reg, id)
		require.NoError(t, err)
		c.consensus.Height.Set(float64(10 * (i + 1)))
		c.consensus.CommittedHeight.Set(1)
		c.consensus.MarkVoteExtensionReceived(true)
		c.consensus.StepDurationSeconds.With("step", "Propose").Observe(1)
		c.blocksync.Syncing.Set(1)
		c.state.BlockProcessingTime.Observe(3)
	}
	families, err := reg.Gather()
	require.NoError(t, err)
	got := map[string]map[string]float64{}
	for _, f := range families {
		got[f.GetName()] = map[string]float64{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "chain" {
					got[f.GetName()][l.GetValue()] = m.GetGauge().GetValue()
				}
			}
		}
	}
	require.Equal(t, map[string]float64{"gov": 3, "apps": 2}, got["huchain_consensus_height"])
	require.Equal(t, map[string]float64{"gov": 30, "apps": 20}, got["cometbft_consensus_height"])
	require.Len(t, got["cometbft_consensus_step_duration_seconds"], 2)
	require.Contains(t, got, "cometbft_consensus_latest_block_height", "names come from the struct tags")
}

// Every metric of CometBFT's structs is filled: an empty one would panic when used.
func TestCometMetricsAreComplete(t *testing.T) {
	m := &cs.Metrics{}
	require.NoError(t, fillMetrics(prometheus.NewRegistry(), "gov", "consensus", m))
	require.NotPanics(t, func() {
		m.Rounds.Set(1)
		m.MarkProposalProcessed(false)
		m.MarkVoteReceived(1, 1, 3)
		m.BlockParts.With("peer_id", "p").Add(1)
		m.QuorumPrevoteDelay.With("proposer_address", "a").Set(1)
	})
}

func TestSnakeCase(t *testing.T) {
	require.Equal(t, "block_interval_seconds", snakeCase("BlockIntervalSeconds"))
}

func TestParamsValidate(t *testing.T) {
	p := DefaultParams()
	require.NoError(t, p.Validate())
	for _, spoil := range []func(*Params){
		func(p *Params) { p.TimeoutPropose = 0 },
		func(p *Params) { p.SenderTxs = p.PoolTxs + 1 },
		func(p *Params) { p.PoolBytes = 1 },
		func(p *Params) { p.FrameBytes = 0 },
		func(p *Params) { p.CarrierQueueBytes = 0 },
	} {
		p := DefaultParams()
		spoil(&p)
		require.Error(t, p.Validate())
	}
}
