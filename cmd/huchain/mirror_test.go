package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/services/mirror"
	"github.com/huchain/huchain/services/mirror/push"
	"github.com/huchain/huchain/types/rest"
)

// mirror: a bundle that no code mentions is searched, counted and announced, all by its
// manifest.
//
// covers: T.02
func (g *guest) mirror() {
	t := g.t
	cl, members := g.connect()
	at := filepath.Join(g.home, "devnet", "node0")
	g.follow()
	plots := func(args ...string) *rest.MirroredRecords {
		var out rest.MirroredRecords
		require.NoError(t, json.Unmarshal([]byte(g.cli(exitOK, append([]string{"mirror", "records", g.name, "plot", "-o", "json"}, args...)...)), &out))
		return &out
	}
	one := plots("--filter", "owner:eq:archives/clerk", "--filter", "planted:lt:2026-03-03T00:00:00Z", "--search", "梨")
	require.Len(t, one.Items, 1)
	require.Equal(t, "p-7", one.Items[0].Key)
	require.Empty(t, plots("--filter", "resting:eq:true").Items)
	require.Contains(t, g.cli(exitRefused, "mirror", "records", g.name, "plot", "--filter", "trees:eq:x"), "HC-4604")
	require.Contains(t, g.cli(exitRefused, "mirror", "records", g.name, "tree"), "HC-4604")
	require.Contains(t, g.cli(exitOK, "mirror", "statistic", g.name, "weight"), "克")

	letters := make(chan push.Letter, 100)
	const key = "sixteen bytes and some"
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var l push.Letter
		if err != nil || connector.Check([]byte(key), r.Header, body, time.Now()) != nil || json.Unmarshal(body, &l) != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		letters <- l
	}))
	defer hook.Close()
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte(key), 0o600))
	dir := filepath.Join(at, "chains", "gov", "mirror")
	g.cli(exitOK, "mirror", "subscribe", "watcher", "--webhook", hook.URL, "--secret-file", secret, "--contract", g.name, "--from", "1", "--dir", dir)
	require.Contains(t, g.cli(exitRefused, "mirror", "subscribe", "watcher", "--webhook", hook.URL, "--secret-file", secret, "--dir", dir), "HC-1011")
	require.Contains(t, g.cli(exitUsage, "mirror", "subscribe", "other", "--dir", dir), "HC-1002")
	require.Contains(t, g.cli(exitOK, "mirror", "subscriptions", "--dir", dir), "watcher")
	require.Empty(t, strings.TrimSpace(g.cli(exitOK, "mirror", "dead", "watcher", "--dir", dir)))
	require.Contains(t, g.cli(exitRefused, "mirror", "resend", "watcher", "--dir", dir), "HC-1003")

	// The database is deleted while the chain goes on.
	for _, f := range []string{mirror.DatabaseFile, mirror.DatabaseFile + "-wal", mirror.DatabaseFile + "-shm"} {
		require.NoError(t, os.RemoveAll(filepath.Join(dir, f)))
	}
	for _, grams := range []string{"3", "4"} {
		_, err := cl.Call(t.Context(), members("clerk"), g.name, "harvest", json.RawMessage(`{"plot":"p-7","grams":"`+grams+`","grade":"first"}`))
		require.NoError(t, err)
	}
	g.follow()
	select {
	case l := <-letters:
		require.Equal(t, g.name, l.Contract)
		require.True(t, strings.HasPrefix(l.ID, "gov/"))
	case <-time.After(2 * time.Minute):
		t.Fatal("no letter")
	}
	of, err := node.FindMirror(node.Home{Dir: at}, "gov")
	require.NoError(t, err)
	m, err := openMirror(*of)
	require.NoError(t, err)
	defer m.Close()
	v, err := m.Verify(t.Context(), t.TempDir())
	require.NoError(t, err)
	require.True(t, v.Equal, v.Differ)
	require.Positive(t, v.Rows["record"])
}

// follow waits until the mirror is in step. One whose database is gone says that it fails
// until it has made another.
func (g *guest) follow() {
	require.Eventually(g.t, func() bool {
		var out bytes.Buffer
		var st rest.MirrorStatus
		done := run([]string{"mirror", "status", "-o", "json", "--home", g.home}, strings.NewReader(""), &out, io.Discard)
		return done == exitOK && json.Unmarshal(out.Bytes(), &st) == nil && st.Height > 0 && st.Lag <= 2
	}, 2*time.Minute, 20*time.Millisecond)
}

func TestMirrorAbsent(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "chains"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "node.toml"), []byte("name = \"n\"\n"), 0o600))
	var out, errs strings.Builder
	require.Equal(t, exitRefused, run([]string{"mirror", "verify", "--home", dir}, strings.NewReader(""), &out, &errs))
}
