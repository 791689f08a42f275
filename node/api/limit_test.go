package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

func TestLimits(t *testing.T) {
	require.NoError(t, newLimits(0).take("a", time.Now()), "0 is no limit")
	l, now := newLimits(5), time.Now()
	for range 10 {
		require.NoError(t, l.take("a", now), "twice as many at once")
	}
	err := l.take("a", now)
	require.Equal(t, types.CodeRateLimited, types.CodeOf(err))
	require.NoError(t, l.take("b", now), "another caller is not concerned")
	require.Error(t, l.take("a", now), "being refused takes nothing")
	require.NoError(t, l.take("a", now.Add(200*time.Millisecond)))
	require.Error(t, l.take("a", now.Add(200*time.Millisecond)))
	for i := range rememberedCallers + 10 {
		require.NoError(t, l.take(fmt.Sprint("other ", i), now))
	}
	require.Equal(t, rememberedCallers, l.callers.Len(), "memory does not grow with callers")

	for remote, want := range map[string]string{
		"10.0.0.1:1": "10.0.0.1", "[::ffff:10.0.0.1]:1": "10.0.0.1", "[2001:db8:1:2:3::4]:1": "2001:db8:1:2::/64", "@": "@",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = remote
		require.Equal(t, want, callerOf(r))
	}
}

// A caller that asks too often is told when to come back, and finds the node healthy
// meanwhile.
func TestRateLimitIsTold(t *testing.T) {
	s := newSite(t)
	p := DefaultParams()
	p.RequestsPerSecond = 2
	s.serve(p, s.chain)
	var resp *http.Response
	var text string
	for range 12 { // the description of the API counts as well
		if resp, _, text = s.raw(http.MethodGet, base, "", ""); resp.StatusCode != http.StatusOK {
			break
		}
	}
	require.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
	require.Equal(t, "1", resp.Header.Get("Retry-After"))
	require.Contains(t, text, types.CodeRateLimited.String())
	require.NotEmpty(t, resp.Header.Get("X-Request-Id"))
	resp, _, _ = s.raw(http.MethodGet, "/healthz", "", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

// Pages of listed sites read and write; those of others can neither, whatever they send.
func TestOrigins(t *testing.T) {
	s := newSite(t)
	p := DefaultParams()
	p.Origins = []string{"https://portal.example"}
	s.serve(p, s.chain)
	ask := func(method, path, origin string, header ...string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader("x"))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/octet-stream")
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		for i := 0; i < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		return resp
	}
	txs := base + "/" + s.chain.Name + "/txs"
	const allow = "Access-Control-Allow-Origin"
	require.Equal(t, "https://portal.example", ask(http.MethodGet, base, "https://portal.example").Header.Get(allow))
	preflight := ask(http.MethodOptions, txs, "https://portal.example", "Access-Control-Request-Method", "POST")
	require.Equal(t, http.StatusNoContent, preflight.StatusCode)
	require.Contains(t, preflight.Header.Get("Access-Control-Allow-Methods"), "POST")
	require.Empty(t, preflight.Header.Get("Access-Control-Allow-Credentials"))
	require.Equal(t, http.StatusBadRequest, ask(http.MethodPost, txs, "https://portal.example").StatusCode, "let in, and no transaction")
	require.Equal(t, http.StatusBadRequest, ask(http.MethodPost, txs, s.url).StatusCode, "the console's own pages")

	for _, other := range []string{"https://evil.example", "http://portal.example", "https://portal.example:444", "https://portal.example.evil", "null"} {
		require.Empty(t, ask(http.MethodGet, base, other).Header.Get(allow), other)
		require.NotEqual(t, http.StatusNoContent, ask(http.MethodOptions, txs, other, "Access-Control-Request-Method", "POST").StatusCode, other)
		require.Equal(t, http.StatusForbidden, ask(http.MethodPost, txs, other).StatusCode, other)
	}
	require.Equal(t, http.StatusForbidden, ask(http.MethodPost, txs, "", "Sec-Fetch-Site", "cross-site").StatusCode)
	for _, bad := range []string{"*", "portal.example", "http://portal.example", "https://portal.example/", "https://", "https://a b"} {
		require.Error(t, ValidOrigin(bad), bad)
	}
}
