package api

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// A chain is taken out of service while a request for it is in flight: the request ends
// before the chain counts as idle, new ones are told why, and another chain does not notice.
func TestDrop(t *testing.T) {
	s := newSite(t)
	waits := make(chan struct{}, 1)
	busy, quiet := *s.chain, *s.chain
	busy.Consensus = sicken(s.chain.Consensus, complaint{silent: true, waits: waits})
	quiet.Name = "quiet"
	p := DefaultParams()
	p.SubmitTimeout = 2 * time.Second
	s.serve(p, &busy, &quiet)
	tx, err := s.client.Sign(s.clerk, "notes", "put", map[string]string{"K": "a", "V": "1"})
	require.NoError(t, err)

	answered := make(chan int, 1)
	go func() {
		resp, _, _ := s.raw(http.MethodPost, base+"/"+busy.Name+"/txs", "application/octet-stream", string(tx.Bytes()))
		answered <- resp.StatusCode
	}()
	<-waits
	idle := s.api.Drop(context.Background(), busy.Name, types.Errorf(types.CodeChainStopped, "by order"), false)
	select {
	case <-idle:
		t.Fatal("idle with a request in flight")
	default:
	}
	resp, e, _ := s.raw(http.MethodGet, base+"/"+busy.Name+"/status", "", "")
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.Equal(t, types.CodeChainStopped.String(), e.Code)
	require.Equal(t, http.StatusGatewayTimeout, <-answered, "the request in flight ends as it would have")
	<-idle

	resp, _, _ = s.raw(http.MethodGet, base+"/quiet/status", "", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	list, err := client.ListChains(t.Context(), client.DefaultParams(s.url))
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	require.Equal(t, "quiet", list.Items[0].Chain)
	for _, path := range []string{"/healthz", "/readyz", "/readyz?chain=quiet"} {
		resp, _, _ = s.raw(http.MethodGet, path, "", "")
		require.Equal(t, http.StatusOK, resp.StatusCode, "%s: a chain stopped by order is passed over", path)
	}
	resp, _, _ = s.raw(http.MethodGet, "/readyz?chain="+busy.Name, "", "")
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)

	<-s.api.Drop(context.Background(), busy.Name, errors.New("the disk is gone"), true)
	for path, want := range map[string]int{
		"/healthz": http.StatusOK, "/readyz": http.StatusServiceUnavailable, "/readyz?chain=quiet": http.StatusOK,
		"/readyz?chain=" + busy.Name: http.StatusServiceUnavailable,
	} {
		resp, _, _ = s.raw(http.MethodGet, path, "", "")
		require.Equal(t, want, resp.StatusCode, "%s: one failed chain among others", path)
	}

	// While a chain is being opened, clients of another find theirs, and its own are told.
	s.api.Announce(busy.Name)
	_, err = client.Dial(t.Context(), s.url, "quiet", crypto.Hash{})
	require.NoError(t, err)
	for _, name := range []string{busy.Name, ""} {
		_, err = client.Dial(t.Context(), s.url, name, crypto.Hash{})
		require.Equal(t, types.CodeStarting, types.CodeOf(err), "%q: %v", name, err)
	}
	s.api.Add(s.chain)
	resp, _, _ = s.raw(http.MethodGet, base+"/"+s.chain.Name+"/status", "", "")
	require.Equal(t, http.StatusOK, resp.StatusCode, "served anew")
	<-s.api.Drop(context.Background(), busy.Name, errors.New("left"), false)
	s.api.Forget(busy.Name)
	resp, e, _ = s.raw(http.MethodGet, base+"/"+busy.Name+"/status", "", "")
	require.Equal(t, http.StatusNotFound, resp.StatusCode, e.Code)
}
