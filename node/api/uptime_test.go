package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types/rest"
)

// Votes are known of all blocks but the newest two; the only validator never misses one.
func TestUptime(t *testing.T) {
	s := newSite(t)
	for _, v := range []string{"1", "2", "3", "4"} {
		s.put("alpha", v)
	}
	set, err := s.client.Validators(t.Context(), 0)
	require.NoError(t, err)
	all, err := s.client.Uptime(t.Context(), 200)
	require.NoError(t, err)
	require.EqualValues(t, 1, all.From)
	require.Greater(t, all.To, all.From+1)
	n := int(all.To)
	require.Equal(t, []rest.ValidatorUptime{{Key: set.Items[0].Key, Voted: n, Marks: strings.Repeat("+", n)}}, all.Items)
	some, err := s.client.Uptime(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, some.To-1, some.From)
	require.Equal(t, "++", some.Items[0].Marks)
	for _, blocks := range []int{0, -1, 201} {
		_, err := s.client.Uptime(t.Context(), blocks)
		require.ErrorContains(t, err, "blocks", "%d", blocks)
	}
	res, err := http.Get(s.url + "/api/v1/chains/nochain/uptime") //nolint:noctx // a test
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusNotFound, res.StatusCode)
}
