package api

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func serveConsole(t *testing.T, h http.Handler, path string, header ...string) *http.Response {
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec.Result()
}

func TestConsole(t *testing.T) {
	script := "console.log(1)//" + strings.Repeat("x", 4096)
	h := console(fstest.MapFS{
		"index.html":         {Data: []byte("<title>console</title>")},
		"assets/index-1a.js": {Data: []byte(script)},
	}, true, []string{"https://portal.example"})

	for _, page := range []string{"/console/", "/console/gov", "/console/gov/tx/00", "/console/gov/member/archives%2Fclerk"} {
		resp := serveConsole(t, h, page)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode, page)
		require.Equal(t, "<title>console</title>", string(body), page)
		require.Contains(t, resp.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'", page)
		require.Equal(t, "no-cache", resp.Header.Get("Cache-Control"), page)
	}

	for _, page := range []string{"/console/verify", "/console/verify/gov"} {
		require.Contains(t, serveConsole(t, h, page).Header.Get("Content-Security-Policy"), "frame-ancestors 'self' https://portal.example", page)
	}
	for _, page := range []string{"/console/verifyx", "/console/verify/../gov", "/console/gov/verify"} {
		require.Contains(t, serveConsole(t, h, page).Header.Get("Content-Security-Policy"), "frame-ancestors 'none'", page)
	}
	require.Contains(t, policyOf("/console/verify", nil), "frame-ancestors 'none'", "no site is named")

	resp := serveConsole(t, h, "/console/../../etc/passwd")
	require.Equal(t, http.StatusBadRequest, resp.StatusCode)

	resp = serveConsole(t, h, "/console/assets/index-1a.js", "Accept-Encoding", "gzip")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Contains(t, resp.Header.Get("Content-Type"), "javascript")
	require.Contains(t, resp.Header.Get("Cache-Control"), "immutable")
	require.Equal(t, "gzip", resp.Header.Get("Content-Encoding"))
	r, err := gzip.NewReader(resp.Body)
	require.NoError(t, err)
	body, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, script, string(body))
	require.Equal(t, http.StatusNotFound, serveConsole(t, h, "/console/assets/index-2b.js").StatusCode, "a script that is gone is no page")
}

func TestConsoleNotBuilt(t *testing.T) {
	resp := serveConsole(t, console(fstest.MapFS{}, false, nil), "/console/gov")
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), "make build")
	require.Contains(t, resp.Header.Get("Content-Type"), "text/html")
}

// The console stands beside the API, on the same listener and under the same guard.
func TestConsoleIsServed(t *testing.T) {
	s := newSite(t)
	resp, err := http.Get(s.url + "/") //nolint:noctx // a test
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, consolePath, resp.Request.URL.Path, "the root leads to the console")
	require.Contains(t, resp.Header.Get("Content-Type"), "text/html")
	resp, e, _ := s.raw(http.MethodGet, "/nowhere", "", "")
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	require.NotEmpty(t, e.Code)
}
