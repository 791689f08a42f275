package bench

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// op is one kind of single call. It returns an error for an answer that is wrong, too.
type op struct {
	name   string
	weight int
	mirror bool // asks the mirror of the first node
	web    bool // asks nodes for a page: those that are reached by plain HTTP
	do     func(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error
}

// callOn makes calls as one client, one at a time, until gen ends.
func (r *run) callOn(gen, ctx context.Context, who int, due <-chan time.Time) error {
	rnd := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // picks calls and records
	c := r.clients[who%len(r.clients)]
	ops, total := r.ops()
	open := r.rate.Load() > 0
	for {
		var at time.Time
		select {
		case at = <-due:
		case <-gen.Done():
			return gen.Err()
		}
		if !open {
			at = time.Now()
		}
		pick, i := rnd.IntN(total), 0
		for pick >= ops[i].weight {
			pick -= ops[i].weight
			i++
		}
		w := r.calls.begin(at)
		err := ops[i].do(ctx, r, c, rnd)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		now := time.Now()
		r.calls.end(w, ops[i].name, at, now, err)
	}
}

// ops are the calls that the target can answer, and the sum of their weights.
func (r *run) ops() (out []op, total int) {
	plain := !slices.ContainsFunc(r.t.Nodes, func(n string) bool { return !strings.HasPrefix(n, "http://") })
	for _, o := range r.sc.ops {
		if o.mirror && !r.t.Mirror || o.web && !plain {
			continue
		}
		out, total = append(out, o), total+o.weight
	}
	return out, total
}

// opRecorder counts single calls by kind.
type opRecorder struct {
	mu     sync.Mutex
	window *callWindow
	last   *callWindow
}

// callWindow is what became of the calls due within a time.
type callWindow struct {
	start, end time.Time
	due        uint64
	kinds      map[string]*callKind
	perSecond  []uint64 // answered
}

type callKind struct {
	latency histogram
	errors  map[string]uint64
}

func newOpRecorder() *opRecorder { return &opRecorder{} }

func (o *opRecorder) measure(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.window = &callWindow{start: now, kinds: map[string]*callKind{}}
	o.last = o.window
}

func (o *opRecorder) finish(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.window.end = now
	o.window = nil
}

// begin notes a call that was due; it returns the window that it belongs to, or nil.
func (o *opRecorder) begin(due time.Time) *callWindow {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.last
	if w == nil || due.Before(w.start) || !w.end.IsZero() && !due.Before(w.end) {
		return nil
	}
	w.due++
	return w
}

func (o *opRecorder) end(w *callWindow, name string, due, now time.Time, err error) {
	if w == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	k := w.kinds[name]
	if k == nil {
		k = &callKind{errors: map[string]uint64{}}
		w.kinds[name] = k
	}
	if err != nil {
		k.errors[types.CodeOf(err).String()]++
		return
	}
	k.latency.add(now.Sub(due))
	second := int(now.Sub(w.start) / time.Second)
	for len(w.perSecond) <= second {
		w.perSecond = append(w.perSecond, 0)
	}
	w.perSecond[second]++
}

func (o *opRecorder) begun() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last.due
}

var queryOps = []op{{name: "stateWithProof", weight: 1, do: provenState}}

// mixedOps are weighted by how often people do each.
var mixedOps = []op{
	{name: "deposit", weight: 20, do: depositCall},
	{name: "verify", weight: 20, do: contractQuery("verify")},
	{name: "stateWithProof", weight: 15, do: provenState},
	{name: "get", weight: 10, do: contractQuery("get")},
	{name: "listOfOwner", weight: 10, do: listOfOwner},
	{name: "transactions", weight: 5, do: func(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
		_, err := c.Txs(ctx, client.TxsBy{Contract: evidenceContract}, client.Page{Limit: 20})
		return err
	}},
	{name: "member", weight: 5, do: func(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
		_, err := c.Member(ctx, string(r.anyMember(rnd).id))
		return err
	}},
	{name: "blocks", weight: 5, do: func(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
		_, err := c.Blocks(ctx, 0, 20)
		return err
	}},
	{name: "block", weight: 4, do: func(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
		_, err := c.Block(ctx, "latest")
		return err
	}},
	{name: "events", weight: 3, do: func(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
		_, err := c.Events(ctx, evidenceContract, "deposited", client.Page{Limit: 20})
		return err
	}},
	{name: "status", weight: 3, do: func(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
		_, err := c.Status(ctx)
		return err
	}},
	{name: "login", weight: 3, do: logIn},
	{name: "page", weight: 5, web: true, do: consolePage},
	{name: "mirrorRecords", weight: 5, mirror: true, do: mirrorRecords},
	{name: "statistic", weight: 2, mirror: true, do: statistic},
}

// depositCall deposits and waits for the receipt.
func depositCall(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
	m, d := r.anyMember(rnd), deposit(rnd, r.p.Payload)
	tx, err := m.sign(r.t.Genesis, d, false)
	if err != nil {
		return err
	}
	if err := r.take(ctx, 1); err != nil {
		return err
	}
	r.track.sent([]*signed{{tx, time.Time{}}})
	out, err := c.Submit(ctx, m.identity(), tx)
	switch code := types.CodeOf(err); {
	case err == nil && out.ID != tx.ID():
		return types.Errorf(types.CodeLedgerCorrupt, "the receipt is for transaction %s, not %s", out.ID, tx.ID())
	case err != nil && code != types.CodeOutcomeUnknown:
		r.track.forget(tx.ID())
	}
	return err
}

// contractQuery asks the contract for a deposit that exists.
func contractQuery(method string) func(context.Context, *run, *client.Client, *rand.Rand) error {
	return func(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
		hash := r.anyRecord(rnd)
		a, err := c.Query(ctx, nil, evidenceContract, method, map[string]crypto.Hash{"hash": hash})
		if err != nil {
			return err
		}
		return mentions(a.Result, hash)
	}
}

func listOfOwner(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
	_, err := c.Query(ctx, nil, evidenceContract, "list", map[string]any{"owner": r.anyMember(rnd).id, "limit": 20})
	return err
}

// provenState reads a deposit's row and checks the proof that comes with it.
func provenState(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
	hash := r.anyRecord(rnd)
	st, err := c.State(ctx, evidenceContract, RecordKey(hash), true)
	if err != nil {
		return err
	}
	p, err := c.CheckProof(ctx, st.Proof, r.trust)
	if err != nil {
		return err
	}
	if err := p.IsState(st); err != nil {
		return err
	}
	return mentions(st.Value, hash)
}

// RecordKey is the key of a deposit's state row in the namespace of contract evidence.
func RecordKey(hash crypto.Hash) []byte { return []byte("evidence/" + hash.String()) }
