package connector

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// A message is kept with what it tells of, tried again, given up in the open, and sent
// again under the same id; one whose transaction failed is never sent.
func TestOutbox(t *testing.T) {
	db, err := database.Open(filepath.Join(t.TempDir(), "o.db"), Schema)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	key := []byte("0123456789abcdef")
	var down atomic.Bool
	down.Store(true)
	var mu sync.Mutex
	seen := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, rerr := io.ReadAll(r.Body)
		if rerr != nil || Check(key, r.Header, body, time.Now()) != nil {
			t.Error("not signed")
		}
		mu.Lock()
		seen[r.Header.Get(HeaderID)]++
		mu.Unlock()
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(srv.Close)
	o := &Outbox{DB: db, Open: func(b []byte) ([]byte, error) { return b, nil }, Backoff: Backoff{Attempts: 3, First: time.Millisecond, Max: time.Millisecond},
		Timeout: time.Minute, Poll: time.Millisecond, HTTP: NewHTTP(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { o.Run(ctx) })
	t.Cleanup(done.Wait)
	t.Cleanup(cancel)
	m := &Message{Tenant: "t", Kind: "opened", URL: srv.URL, Secret: key, Body: []byte(`{}`)}
	require.NoError(t, db.Write(ctx, func(tx *sql.Tx) error { _, err := Enqueue(tx, m, time.Now()); return err }))
	require.Error(t, db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := Enqueue(tx, m, time.Now()); err != nil {
			return err
		}
		return io.ErrUnexpectedEOF
	}))
	var lost *rest.LostMessages
	require.Eventually(t, func() bool {
		lost, err = Lost(ctx, db, "t", rest.Listing{Limit: 10})
		return err == nil && len(lost.Items) == 1
	}, 2*time.Minute, time.Millisecond)
	id := lost.Items[0].ID
	require.Equal(t, 3, lost.Items[0].Attempts)
	require.Equal(t, map[string]int{id: 3}, seen)
	other, err := Lost(ctx, db, "another", rest.Listing{Limit: 10})
	require.NoError(t, err)
	require.Empty(t, other.Items)
	require.Equal(t, types.CodeNotFound, types.CodeOf(Resend(ctx, db, "another", id)))
	down.Store(false)
	require.NoError(t, Resend(ctx, db, "t", id))
	require.Eventually(t, func() bool {
		var n int
		found, err := db.Row(ctx, "SELECT count(*) FROM outbox", nil, &n)
		return err == nil && found && n == 0
	}, 2*time.Minute, time.Millisecond)
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, map[string]int{id: 4}, seen)
}

// An outside system that fails is asked again under the same key; a refusal is not repeated.
func TestREST(t *testing.T) {
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Idempotency-Key") != "k" {
			t.Error("no key")
		}
		switch n := asked.Add(1); {
		case r.URL.Path == "/no":
			w.WriteHeader(http.StatusForbidden)
		case n < 3:
			w.WriteHeader(http.StatusBadGateway)
		default:
			io.WriteString(w, `{"ok":true}`) //nolint:errcheck // a test
		}
	}))
	t.Cleanup(srv.Close)
	c := NewREST()
	c.Backoff.First = time.Millisecond
	raw, err := c.Call(t.Context(), srv.URL, "k", map[string]int{"a": 1})
	require.NoError(t, err)
	require.JSONEq(t, `{"ok":true}`, string(raw))
	require.EqualValues(t, 3, asked.Load())
	_, err = c.Call(t.Context(), srv.URL+"/no", "k", nil)
	require.Equal(t, types.CodeConnector, types.CodeOf(err))
	require.EqualValues(t, 4, asked.Load())
}

// CSV comes back as it was written, formulas disarmed, and what is malformed names its line.
func TestCSV(t *testing.T) {
	var b bytes.Buffer
	w, err := NewCSVWriter(&b, "名称", "值")
	require.NoError(t, err)
	require.NoError(t, w.Write("甲,\"乙\"\n丙", "=1+1"))
	require.NoError(t, w.Flush())
	var rows []map[string]string
	require.NoError(t, ReadCSV(&b, func(_ int, f map[string]string) error { rows = append(rows, f); return nil }))
	require.Equal(t, []map[string]string{{"名称": "甲,\"乙\"\n丙", "值": "'=1+1"}}, rows)
	for _, bad := range []string{"", "a,a\n", "a,\n", "a,b\n1\n", "a\n\xff\n", "a\n\"x\n", "a\n" + strings.Repeat("x", MaxRowBytes+1)} {
		err := ReadCSV(strings.NewReader(bad), func(int, map[string]string) error { return nil })
		require.Equal(t, types.CodeUsage, types.CodeOf(err), "%.20q", bad)
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("a,b\n1,2\n")
	f.Add("\ufeffa\n\"x\"\"y\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows := 0
		err := ReadCSV(strings.NewReader(text), func(n int, fields map[string]string) error {
			if rows++; n != rows || len(fields) == 0 || len(fields) > MaxColumns {
				t.Fatalf("row %d: %v", n, fields)
			}
			return nil
		})
		if err != nil && types.CodeOf(err) != types.CodeUsage {
			t.Fatal(err)
		}
	})
}
