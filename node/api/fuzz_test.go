package api

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// FuzzRequest: whatever is asked, the answer is as the description promises, an error is
// coded and tells nothing of the inside, and the node goes on.
func FuzzRequest(f *testing.F) {
	s := newSite(f)
	done := s.put("k", "v")
	api, err := New(DefaultParams(), "node0", "test", slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	require.NoError(f, err)
	api.Add(s.chain)
	p := promised(f, api.Handler())
	known := strings.NewReplacer("{chain}", s.chain.Name, "{block}", "1", "{height}", "1", "{id}", done.ID.String(), "{name}", "notes", "{contract}", "notes",
		"{method}", "getOne", "{ns}", "notes", "{key}", "k", "{member}", "archives%2Fclerk", "{order}", "start")
	for path, item := range p.paths {
		for method := range item.(map[string]any) {
			f.Add(strings.ToUpper(method), known.Replace(path), "application/json", []byte(`{"K":"k"}`))
		}
	}
	at := base + "/" + s.chain.Name
	for _, path := range []string{
		at + "/blocks?before=2&limit=200", at + "/txs?contract=notes&cursor=AAAA", at + "/events?contract=notes&name=stored&limit=1", at + "/state/notes?start=aw&limit=2",
		at + "/stream?of=events&after=1.2&contract=notes", at + "/outcomes/2?wait=1", at + "/rpc/block?height=1", at + "/rpc/tx?hash=0x" + done.ID.String() + "&prove=true",
		at + "/mirror/records/notes/note?filter=a:eq:b&sort=-a&cursor=e30", "/console/../../etc/passwd", "/api/v1/oidc/callback?state=00&code=00",
	} {
		f.Add(http.MethodGet, path, "", []byte{})
	}
	f.Add(http.MethodPost, at+"/rpc", "application/json", []byte(`[{"jsonrpc":"2.0","id":1,"method":"block","params":{"height":"1"}},{"id":null,"method":"tx","params":["AA=="]}]`))
	f.Add(http.MethodPost, at+"/query", "application/json", []byte(`{"contract":"notes","method":"getOne","args":{"K":"k"}}`))
	f.Add(http.MethodPost, at+"/txs", "application/octet-stream", []byte{0x0a, 0x01, 0xff})
	f.Fuzz(func(t *testing.T, method, target, kind string, body []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // streams end by it
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1"+target, bytes.NewReader(body))
		if err != nil || req.URL.Host != "127.0.0.1" || !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}, method) {
			return
		}
		if kind != "" {
			req.Header.Set("Content-Type", kind)
		}
		rec := httptest.NewRecorder()
		p.t = t
		p.ServeHTTP(rec, req)
		told := rec.Body.String()
		require.NotContains(t, told, types.CodeInternal.String(), "%s %s", method, target)
		for _, secret := range []string{"goroutine ", ".go:", "runtime error", "SELECT "} {
			require.NotContains(t, told, secret)
		}
		if rec.Code < 400 || method == http.MethodHead {
			return
		}
		var e rest.Error
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &e), "%s %s: %d %.200s", method, target, rec.Code, told)
		require.NotEmpty(t, e.Code)
		require.NotEmpty(t, e.Fix.ZH, "%s %s", method, target)
	})
}
