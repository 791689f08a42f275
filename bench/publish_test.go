package bench

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// A document takes figures from reports alone, between its markers, and the same ones
// change nothing.
func TestPublish(t *testing.T) {
	at := func(existing, validators, payload int, tps float64) *Report {
		r := testReport()
		r.Calls = nil
		r.Conditions.Existing, r.Conditions.Validators, r.Conditions.Payload, r.CommittedTPS = existing, validators, payload, tps
		return r
	}
	reports := []*Report{
		at(10_000, 4, 250, 1000), at(10_000, 4, 250, 1100), at(10_000, 4, 250, 1050), at(1_000_000, 4, 250, 945), at(10_000, 1, 250, 4000), at(10_000, 4, 4096, 500),
	}
	doc := "# Title\n" + tableBegin + "\nold 77777\n" + tableEnd + "\nbetween\n" + growthBegin + growthEnd + "\nend\n"
	out, err := Publish([]byte(doc), reports, "growth.svg")
	require.NoError(t, err)
	text := string(out)
	require.NotContains(t, text, "77777")
	require.True(t, strings.HasPrefix(text, "# Title\n") && strings.HasSuffix(text, "\nend\n"))
	require.Contains(t, text, "| evidence | 4 | 10000 | 250 |")
	require.Contains(t, text, "1050 (1000–1100)")
	require.Contains(t, text, "| 1000000 | 945 | 90 % |")
	require.Contains(t, text, "| 4096 | 500 | 48 % |")
	require.Contains(t, text, "| 1 | 4000 | 100 % |")
	require.Contains(t, text, "](growth.svg)")
	again, err := Publish(out, reports, "growth.svg")
	require.NoError(t, err)
	require.Equal(t, text, string(again))
	_, err = Publish([]byte("# Title"), reports, "growth.svg")
	require.Equal(t, types.CodeBadArguments, types.CodeOf(err))

	chart := string(GrowthChart(reports))
	require.Contains(t, chart, "1 000 000")
	require.Equal(t, 6, strings.Count(chart, "<rect"))
	require.Nil(t, GrowthChart(reports[:1]))
}
