package mirror

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/driver/pgdriver/pgtest"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// world is a chain of blocks with true roots in memory, and a Source of it. What is
// attested is what was made; a lie is told by altering what Contents returns.
type world struct {
	t       testing.TB
	genesis crypto.Hash
	clerk   crypto.Signer

	mu     sync.Mutex
	blocks []*proof.Contents
	last   map[string]place // of each key
	lie    func(height uint64, c *proof.Contents)
	closed bool // permits are for owners and grantees alone
	grown  chan struct{}
}

func newWorld(t testing.TB) *world {
	clerk, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return &world{t: t, clerk: clerk, genesis: crypto.Sum([]byte(t.Name())), last: map[string]place{}, grown: make(chan struct{})}
}

// did is a call of one transaction and what it left behind.
type did struct {
	method, event, data string
	puts                map[string]string // record/key to JSON; "" deletes
	code                types.Code
}

var worldStart = time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)

// block commits a block of calls of contract permit; one an hour.
func (w *world) block(calls ...did) {
	w.mu.Lock()
	defer w.mu.Unlock()
	height := uint64(len(w.blocks) + 1)
	c := &proof.Contents{Header: types.Header{
		Genesis: w.genesis, Height: height, Time: worldStart.Add(time.Duration(height-1) * time.Hour).UnixNano(), Protocol: 1,
	}}
	if height > 1 {
		c.Header.Previous = w.blocks[height-2].Header.Hash()
	}
	for i, call := range calls {
		b := types.Body{
			Genesis: w.genesis, Contract: "permit", Method: call.method, ValidUntil: 1 << 40, GasLimit: 1000,
			Salt: [16]byte{byte(height), byte(height >> 8), byte(i), byte(i >> 8)},
		}
		b.Sender = types.AddressOf(w.clerk.Public())
		tx, err := types.SignTx(&b, nil, w.clerk)
		require.NoError(w.t, err)
		c.Txs = append(c.Txs, tx.Bytes())
		r := types.Receipt{TxID: tx.ID(), Code: call.code, GasUsed: 10, Events: 1}
		c.Receipts = append(c.Receipts, r.Encode())
		if call.event != "" {
			e := types.Event{TxIndex: uint32(i), Contract: "permit", Name: call.event, Data: []byte(call.data)}
			c.Events = append(c.Events, e.Encode())
		}
		for _, key := range sorted(call.puts) {
			part := proof.WritePart{NS: "permit", Key: []byte(key), Value: []byte(call.puts[key]), Deleted: call.puts[key] == "", TxIndex: uint32(i)}
			if was, ok := w.last[key]; ok {
				part.HasPrevious, part.PrevHeight, part.PrevTx = true, was.height, was.index
			}
			w.last[key] = place{height, uint32(i)}
			c.Writes = append(c.Writes, part)
		}
	}
	seal(c)
	w.blocks = append(w.blocks, c)
	close(w.grown)
	w.grown = make(chan struct{})
}

// seal gives a block the roots of its lists.
func seal(c *proof.Contents) {
	records := make([]proof.WriteRecord, len(c.Writes))
	for i := range c.Writes {
		records[i] = c.Writes[i].Record(c.Header.Height)
	}
	sums := func(items [][]byte) crypto.Hash {
		var out []crypto.Hash
		for _, it := range items {
			out = append(out, crypto.Sum(it))
		}
		return proof.ListRoot(out)
	}
	c.Content = proof.Content{
		Txs: sums(c.Txs), TxCount: uint64(len(c.Txs)), Receipts: sums(c.Receipts), Events: sums(c.Events), EventCount: uint64(len(c.Events)),
		WriteSet: proof.ListRoot(proof.HashRecords(records)), WriteCount: uint64(len(c.Writes)), Protocol: 1,
	}
	c.Header.Content = c.Content.Root()
}

func sorted[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	for i := range out {
		for j := range i {
			if out[i] < out[j] {
				out[i], out[j] = out[j], out[i]
			}
		}
	}
	return out
}

func (w *world) Name() string { return "http://node.test" }

func (w *world) Contents(ctx context.Context, from uint64, wait time.Duration) ([]*proof.Contents, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		w.mu.Lock()
		n, grown := uint64(len(w.blocks)), w.grown
		if from <= n {
			var out []*proof.Contents
			for h := from; h <= min(n, from+6); h++ {
				c, err := proof.DecodeContents(w.blocks[h-1].Encode())
				require.NoError(w.t, err)
				if w.lie != nil {
					w.lie(h, c)
				}
				if err := c.Verify(); err != nil { // as the client does
					w.mu.Unlock()
					return nil, err
				}
				out = append(out, c)
			}
			w.mu.Unlock()
			return out, nil
		}
		w.mu.Unlock()
		select {
		case <-grown:
		case <-ctx.Done():
			return nil, types.Errorf(types.CodeHeightUnknown, "height %d", from)
		}
	}
}

func (w *world) Attested(_ context.Context, height uint64) (crypto.Hash, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.blocks[height-1].Header.Hash(), nil
}

func (w *world) Height(context.Context) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return uint64(len(w.blocks)), nil
}

func (w *world) Contracts(context.Context) ([]string, error) { return []string{"permit"}, nil }

const permitDir = "../../contracts/samples/permit"

func (w *world) Interface(_ context.Context, contract string) (*rest.Interface, error) {
	if contract != "permit" {
		return nil, types.Errorf(types.CodeUnknownContract, "%s", contract)
	}
	yaml, err := os.ReadFile(filepath.Join(permitDir, "bundle.yaml"))
	if err != nil {
		return nil, err
	}
	schema, err := os.ReadFile(filepath.Join(permitDir, "schema.json"))
	if w.closed {
		schema = []byte(strings.Replace(string(schema), `"workflow": "approval"`, `"private": true, "workflow": "approval"`, 1))
	}
	return &rest.Interface{Name: contract, Bundle: yaml, Schema: schema}, err
}

// permit is a record of the sample.
func permit(id, site, fee, state, remark string) string {
	b, err := json.Marshal(map[string]any{
		"permit": id, "site": site, "fee": fee, "from": "2026-04-01", "contact": "00ff", "remark": remark,
		"meta": map[string]any{"version": 1, "owner": "builders/clerk", "state": state, "op": "create", "by": "builders/clerk", "time": "2026-03-02T01:00:00Z", "created": "2026-03-02T01:00:00Z"},
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// story is a chain of permits: n of them, one a block, with changes and deletions between.
func story(w *world, n int) {
	for i := range n {
		id := fmt.Sprintf("P-%03d", i)
		put := did{method: "apply", event: "decided", data: permit(id, "", "", "draft", ""), puts: map[string]string{
			"permit/" + id:    permit(id, fmt.Sprintf("S-%d", i%4), fmt.Sprintf("%d.%d0", i, i%10), []string{"draft", "granted"}[i%2], "临时占道施工许可 Road No."+fmt.Sprint(i)),
			"permit~/" + id:   "{}", // history: no record
			"count/" + id[:2]: "7",  // no object
		}}
		calls := []did{put, {method: "decide", code: types.CodePermissionDenied}}
		if i%5 == 4 { // the one before is withdrawn by the record library, the one before that by the contract
			gone := permit(fmt.Sprintf("P-%03d", i-1), "S-0", "1", "draft", "")
			calls = append(calls, did{method: "decide", puts: map[string]string{
				fmt.Sprintf("permit/P-%03d", i-1): strings.Replace(gone, `"meta":{`, `"meta":{"deleted":true,`, 1), fmt.Sprintf("permit/P-%03d", i-2): "",
			}})
		}
		w.block(calls...)
	}
}

// places are the databases that a test runs on: a real PostgreSQL server among them.
func places(t *testing.T, f func(t *testing.T, at Place)) {
	t.Run("sqlite", func(t *testing.T) { f(t, Place{Dir: t.TempDir()}) })
	t.Run("postgres", func(t *testing.T) { f(t, Place{Postgres: pgtest.Start(t).URL, Schema: "mirror_test"}) })
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// follow runs a mirror of the world until the test ends.
func (w *world) follow(at Place) *Mirror {
	m := w.mirror(at)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); m.Run(ctx) }()
	w.t.Cleanup(func() { cancel(); <-done })
	return m
}

func (w *world) mirror(at Place) *Mirror {
	p := DefaultParams(at)
	p.Wait, p.Retry, p.BatchRows, p.Reuse = 50*time.Millisecond, 10*time.Millisecond, 40, 0
	m, err := New(p, "gov", w.genesis, quiet(), w)
	require.NoError(w.t, err)
	w.t.Cleanup(m.Close)
	return m
}

// await waits until the mirror holds the newest block.
func (w *world) await(m *Mirror) *rest.MirrorStatus {
	var st *rest.MirrorStatus
	require.Eventually(w.t, func() bool {
		var err error
		st, err = m.Status(w.t.(*testing.T).Context())
		require.NoError(w.t, err)
		return st.Height == st.Tip && st.Error == nil
	}, 20*time.Second, 5*time.Millisecond, "%+v", &st)
	return st
}
