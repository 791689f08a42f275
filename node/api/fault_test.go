package api

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// complaint is what ails a consensus engine.
type complaint struct {
	submit error
	failed error
	behind bool
	silent bool          // never tells of a commit
	waits  chan struct{} // told of each wait for a commit, if not nil
}

// ill is a consensus engine in a bad way. Requests whose callers have gone still ask it.
type ill struct {
	Consensus
	of atomic.Pointer[complaint]
}

func sicken(c Consensus, of complaint) *ill {
	i := &ill{Consensus: c}
	i.of.Store(&of)
	return i
}

func (i *ill) Submit(raw []byte) (crypto.Hash, error) {
	if of := i.of.Load(); of.submit != nil || of.silent {
		return crypto.Hash{}, of.submit
	}
	return i.Consensus.Submit(raw)
}

func (i *ill) Err() error { return i.of.Load().failed }

func (i *ill) Status() Status {
	st := i.Consensus.Status()
	st.CatchingUp = i.of.Load().behind
	return st
}

func (i *ill) Watch(id crypto.Hash) Watch {
	if of := i.of.Load(); of.silent {
		return silence{told: of.waits}
	}
	return i.Consensus.Watch(id)
}

type silence struct{ told chan<- struct{} }

func (s silence) Wait(ctx context.Context) (uint64, uint32, *types.Receipt, error) {
	if s.told != nil {
		s.told <- struct{}{}
	}
	<-ctx.Done()
	return 0, 0, nil, ctx.Err()
}

func (silence) Stop() {}

func TestWhenThingsGoWrong(t *testing.T) {
	s := newSite(t)
	well := s.chain.Consensus
	sick := sicken(well, complaint{})
	chain := *s.chain
	chain.Consensus = sick
	p := DefaultParams()
	p.SubmitTimeout = 200 * time.Millisecond
	s.serve(p, &chain)
	tx, err := s.client.Sign(s.clerk, "notes", "put", map[string]string{"K": "a", "V": "1"})
	require.NoError(t, err)
	body := string(tx.Bytes())
	post := base + "/" + chain.Name + "/txs"

	sick.of.Store(&complaint{submit: &types.Error{Code: types.CodePoolFull, RetryAfterMs: 1500}})
	resp, e, _ := s.raw(http.MethodPost, post, "application/octet-stream", body)
	require.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
	require.Equal(t, "2", resp.Header.Get("Retry-After"), "seconds, rounded up")
	require.EqualValues(t, 1500, e.RetryAfterMs)

	sick.of.Store(&complaint{submit: errors.New("secret of the inside")})
	resp, e, text := s.raw(http.MethodPost, post, "application/octet-stream", body)
	require.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	require.Equal(t, types.CodeInternal.String(), e.Code)
	require.NotContains(t, text, "secret")

	sick.of.Store(&complaint{silent: true})
	resp, e, _ = s.raw(http.MethodPost, post, "application/octet-stream", body)
	require.Equal(t, http.StatusGatewayTimeout, resp.StatusCode)
	require.Equal(t, types.CodeOutcomeUnknown.String(), e.Code)
	require.Equal(t, tx.ID().String(), e.TxID)
	c, err := client.Dial(t.Context(), s.url, "", crypto.Hash{})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	_, err = c.Submit(ctx, s.clerk, tx)
	var unknown *rest.UnknownOutcome
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, tx.ID(), unknown.ID)

	resp, _, _ = s.raw(http.MethodGet, "/readyz", "", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	sick.of.Store(&complaint{silent: true, behind: true})
	resp, e, _ = s.raw(http.MethodGet, "/readyz", "", "")
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.Equal(t, types.CodeNotReady.String(), e.Code)
	resp, _, _ = s.raw(http.MethodGet, "/healthz", "", "")
	require.Equal(t, http.StatusOK, resp.StatusCode, "a node that catches up is healthy")

	sick.of.Store(&complaint{failed: types.Errorf(types.CodeDiskFailure, "write failed")})
	for _, path := range []string{"/healthz", "/readyz", base + "/" + chain.Name + "/status"} {
		resp, e, _ = s.raw(http.MethodGet, path, "", "")
		require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode, path)
		require.Equal(t, types.CodeNotReady.String(), e.Code, path)
	}
}

func TestStartingChain(t *testing.T) {
	s := newSite(t)
	s.serve(DefaultParams())
	resp, _, _ := s.raw(http.MethodGet, "/readyz", "", "")
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	s.api.Announce(s.chain.Name)
	resp, e, _ := s.raw(http.MethodGet, base+"/"+s.chain.Name+"/status", "", "")
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.Equal(t, types.CodeStarting.String(), e.Code)
	require.NotEmpty(t, resp.Header.Get("Retry-After"))
	s.api.Add(s.chain)
	resp, _, _ = s.raw(http.MethodGet, "/readyz", "", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

// More requests than the node serves at a time are told to come back.
func TestInFlightBound(t *testing.T) {
	s := newSite(t)
	chain := *s.chain
	waits := make(chan struct{}, 1)
	chain.Consensus = sicken(s.chain.Consensus, complaint{silent: true, waits: waits})
	p := DefaultParams()
	p.SubmitTimeout, p.MaxInFlight = 2*time.Second, 1
	s.serve(p, &chain)
	tx, err := s.client.Sign(s.clerk, "notes", "put", map[string]string{"K": "a", "V": "1"})
	require.NoError(t, err)
	blocked := make(chan struct{})
	go func() {
		defer close(blocked)
		s.raw(http.MethodPost, base+"/"+chain.Name+"/txs", "application/octet-stream", string(tx.Bytes()))
	}()
	<-waits
	resp, e, _ := s.raw(http.MethodGet, base+"/"+chain.Name+"/status", "", "")
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.Equal(t, types.CodeNotReady.String(), e.Code)
	require.Equal(t, "1", resp.Header.Get("Retry-After"))
	<-blocked
	resp, _, _ = s.raw(http.MethodGet, base+"/"+chain.Name+"/status", "", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func TestForeignHost(t *testing.T) {
	for host, ok := range map[string]bool{
		"127.0.0.1:7100": true, "localhost": true, "[::1]:7100": true, "127.9.9.9": true,
		"evil.example:7100": false, "10.0.0.1:7100": false, "": false, "localhost.evil.example": false,
	} {
		require.Equal(t, ok, loopbackHost(host), host)
	}
	s := newSite(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+base, nil)
	require.NoError(t, err)
	req.Host = "evil.example"
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)
}
