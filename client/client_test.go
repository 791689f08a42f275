package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

var testGenesis = crypto.Sum([]byte("genesis of the tests"))

// fakeNode answers submissions as told, one step per request; the last step repeats.
type fakeNode struct {
	*httptest.Server
	mu     sync.Mutex
	steps  []step
	bodies [][]byte
	time   time.Time // block time that status reports
}

type step struct {
	err    *rest.Error
	status int
	drop   bool // break the connection off instead of answering
	ok     bool
}

func refuse(code types.Code, status int) step {
	return step{err: rest.NewError(&types.Error{Code: code, RetryAfterMs: 10}), status: status}
}

func newFakeNode(t *testing.T, steps ...step) *fakeNode {
	f := &fakeNode{steps: steps, time: time.Now()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/chains", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(rest.Chains{Items: []rest.Chain{{Chain: "gov", Genesis: testGenesis}}})
	})
	mux.HandleFunc("GET /api/v1/chains/gov/status", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(rest.Status{BlockTime: f.time})
	})
	mux.HandleFunc("POST /api/v1/chains/gov/txs", f.submit)
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeNode) submit(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	s := f.steps[min(len(f.bodies), len(f.steps)-1)]
	f.bodies = append(f.bodies, raw)
	f.mu.Unlock()
	tx, err := types.DecodeTx(raw)
	switch {
	case err != nil:
		w.WriteHeader(400)
	case s.drop:
		panic(http.ErrAbortHandler)
	case s.ok:
		at := time.Now().UTC()
		json.NewEncoder(w).Encode(rest.Submitted{ID: tx.ID(), State: "committed", Height: 7, BlockTime: &at, Receipt: &rest.Receipt{Code: "OK", Result: json.RawMessage(`{}`)}})
	default:
		w.WriteHeader(s.status)
		json.NewEncoder(w).Encode(s.err)
	}
}

func identity(t *testing.T) *Identity {
	k, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return &Identity{Signer: k, Certificate: []byte("stands for a certificate")}
}

func dial(t *testing.T, nodes ...string) *Client {
	p := DefaultParams(nodes...)
	p.Genesis = testGenesis
	c, err := New(t.Context(), p)
	require.NoError(t, err)
	return c
}

// Whatever gets lost on the way, one signed transaction is submitted until its outcome
// is known, and never another one in its place.
func TestCallResubmitsTheSameBytes(t *testing.T) {
	n := newFakeNode(t, step{drop: true}, refuse(types.CodePoolFull, 429), refuse(types.CodeOutcomeUnknown, 504), step{ok: true})
	c := dial(t, n.URL)
	out, err := c.Call(t.Context(), identity(t), "evidence", "deposit", map[string]string{"hash": "00"})
	require.NoError(t, err)
	require.EqualValues(t, 7, out.Height)
	require.Len(t, n.bodies, 4)
	for _, b := range n.bodies {
		require.Equal(t, n.bodies[0], b)
	}
}

// The certificate goes along only when the chain does not know the sender, under the
// same transaction id.
func TestCertificateOnDemand(t *testing.T) {
	n := newFakeNode(t, refuse(types.CodeUnknownSender, 403), step{ok: true})
	id := identity(t)
	_, err := dial(t, n.URL).Call(t.Context(), id, "evidence", "deposit", nil)
	require.NoError(t, err)
	require.Len(t, n.bodies, 2)
	first, err := types.DecodeTx(n.bodies[0])
	require.NoError(t, err)
	second, err := types.DecodeTx(n.bodies[1])
	require.NoError(t, err)
	require.Empty(t, first.Certificate)
	require.Equal(t, id.Certificate, second.Certificate)
	require.Equal(t, first.ID(), second.ID())

	n = newFakeNode(t, refuse(types.CodeUnknownSender, 403))
	_, err = dial(t, n.URL).Call(t.Context(), id, "evidence", "deposit", nil)
	require.Equal(t, types.CodeUnknownSender, types.CodeOf(err))
	require.Len(t, n.bodies, 2, "a certificate that does not help is not sent again and again")
}

func TestRefusalIsFinal(t *testing.T) {
	n := newFakeNode(t, refuse(types.CodePermissionDenied, 403))
	_, err := dial(t, n.URL).Call(t.Context(), identity(t), "evidence", "deposit", nil)
	require.Equal(t, types.CodePermissionDenied, types.CodeOf(err))
	require.Len(t, n.bodies, 1)
}

// Once an answer was lost, a refusal says nothing: the transaction may have been taken.
func TestOutcomeUnknown(t *testing.T) {
	n := newFakeNode(t, step{drop: true}, refuse(types.CodeTxExpired, 400))
	n.time = time.Now().Add(-time.Minute)
	c := dial(t, n.URL)
	id := identity(t)
	tx, err := c.Sign(id, "evidence", "deposit", nil)
	require.NoError(t, err)
	_, err = c.Submit(t.Context(), id, tx)
	var unknown *rest.UnknownOutcome
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, tx.ID(), unknown.ID)
	require.Equal(t, types.CodeOutcomeUnknown, types.CodeOf(err))

	n = newFakeNode(t, step{drop: true}, refuse(types.CodeTxExpired, 400))
	n.time = time.UnixMilli(tx.Body.ValidUntil).Add(time.Second)
	_, err = dial(t, n.URL).Submit(t.Context(), id, tx)
	require.Equal(t, types.CodeTxExpired, types.CodeOf(err), "no later block can hold it: now the refusal is final")

	full := refuse(types.CodePoolFull, 429)
	full.err.RetryAfterMs = 60_000
	n = newFakeNode(t, full)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = dial(t, n.URL).Submit(ctx, id, tx)
	require.Equal(t, types.CodePoolFull, types.CodeOf(err), "never taken: a refusal, not an unknown outcome")
}

func TestFailover(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	dead := "http://" + l.Addr().String()
	l.Close()
	n := newFakeNode(t, step{ok: true})
	c := dial(t, dead, n.URL)
	_, err = c.Call(t.Context(), identity(t), "evidence", "deposit", nil)
	require.NoError(t, err)
	require.EqualValues(t, 1, c.current.Load())

	p := DefaultParams(dead)
	_, err = New(t.Context(), p)
	require.Equal(t, types.CodeUnreachable, types.CodeOf(err))
}

func TestWrongGenesis(t *testing.T) {
	n := newFakeNode(t, step{ok: true})
	_, err := Dial(t.Context(), n.URL, "gov", crypto.Sum([]byte("other")))
	require.Equal(t, types.CodeWrongGenesis, types.CodeOf(err))
	_, err = Dial(t.Context(), n.URL, "other", crypto.Hash{})
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
}

// What is no answer of a node is no answer.
func TestForeignServer(t *testing.T) {
	for _, body := range []string{"<html>", `{"code":"nonsense"}`, ``} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			io.WriteString(w, body)
		}))
		_, err := Dial(t.Context(), srv.URL, "", crypto.Hash{})
		require.Equal(t, types.CodeUnreachable, types.CodeOf(err), body)
		srv.Close()
	}
}

func TestParams(t *testing.T) {
	for _, p := range []Params{{}, DefaultParams("ftp://x"), DefaultParams("nonsense")} {
		require.Equal(t, types.CodeConfig, types.CodeOf(p.Validate()))
	}
	p := DefaultParams("http://127.0.0.1:1")
	p.Validity = time.Hour
	require.Error(t, p.Validate())
}

// The purpose tag of packages is the chain's.
func TestPackagePurpose(t *testing.T) { require.Equal(t, chain.PackagePurpose, packagePurpose) }
