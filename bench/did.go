package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// DIDScenario is the scenario that RunDIDs runs.
const DIDScenario = "did"

// didBatch is how many DIDs contract identity takes in one call.
const didBatch = 600

// identityContract is the contract under test.
const identityContract = "identity"

// DIDParams say how many identities to make and to look up.
type DIDParams struct {
	DIDs    int // keys made, proven and registered
	Senders int // members that send batches side by side
	Lookups int // resolutions of random DIDs
	Lookers int // clients that resolve side by side
}

// DefaultDIDParams returns the workload that make bench runs.
func DefaultDIDParams() DIDParams {
	return DIDParams{DIDs: 40_000, Senders: 4, Lookups: 20_000, Lookers: 4}
}

// Validate checks the ranges.
func (p *DIDParams) Validate() error {
	switch {
	case p.DIDs < 1 || p.DIDs > 10_000_000:
		return usage("DIDs %d are outside 1..10000000", p.DIDs)
	case p.Senders < 1 || p.Senders > 64 || p.Lookers < 1 || p.Lookers > 256:
		return usage("senders %d or lookers %d are outside 1..64, 1..256", p.Senders, p.Lookers)
	case p.Lookups < 1 || p.Lookups > 100_000_000:
		return usage("lookups %d are outside 1..100000000", p.Lookups)
	}
	return nil
}

// DIDReport is what RunDIDs adds to a report; the latencies stand among the calls.
type DIDReport struct {
	Created       int     `json:"created"`
	CreateSeconds float64 `json:"createSeconds"` // keys and signatures of the generator included
	CreatedPerS   float64 `json:"createdPerSecond"`

	KeyBytes    int     `json:"keyBytesPerDID"`   // of the state row, namespace included
	ValueBytes  int     `json:"valueBytesPerDID"` // of the state row
	StateBytes  int     `json:"stateBytesPerDID"` // row and leaf, as the ledger lays them out
	DiskBytes   float64 `json:"diskBytesPerDID,omitempty"`
	BlockBytes  float64 `json:"blockBytesPerDID"` // of transactions
	Lookups     int     `json:"lookups"`
	LookupsPerS float64 `json:"lookupsPerSecond"`
}

// didRun is one run under way.
type didRun struct {
	p                DIDParams
	t                Target
	clients          []*client.Client
	senders          []*client.Identity
	keys             [][65]byte // public keys of what was created, by position
	made             atomic.Int64
	rep              DIDReport
	started          time.Time
	batches, lookups histogram
	bytes            atomic.Int64
	height           atomic.Uint64 // of the newest batch
}

// RunDIDs creates identities in batches, each key proving itself, and then resolves
// random ones and compares the documents. An item that is refused ends the run.
func RunDIDs(ctx context.Context, p DIDParams, t Target, progress Progress) (*Report, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(string, uint64, time.Duration) {}
	}
	r := &didRun{p: p, t: t, keys: make([][65]byte, p.DIDs)}
	for _, cp := range t.clients() {
		cp.GasLimit = 500_000_000
		c, err := client.New(ctx, cp)
		if err != nil {
			return nil, err
		}
		r.clients = append(r.clients, c)
	}
	progress("members", 0, 0)
	members, err := newMembers(ctx, t.CA, p.Senders, types.RoleClient)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		r.senders = append(r.senders, m.identity())
	}
	r.started = time.Now()
	if err := r.create(ctx, progress); err != nil {
		return nil, err
	}
	if err := r.measureState(ctx); err != nil {
		return nil, err
	}
	if err := r.lookUp(ctx, progress); err != nil {
		return nil, err
	}
	return r.report(), nil
}

// item is one element of createBatch.
type item struct {
	Key       string `json:"key"`
	Signature string `json:"signature"`
}

// create sends all batches, as many at a time as there are senders.
func (r *didRun) create(ctx context.Context, progress Progress) error {
	before := r.diskBytes()
	start := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	latencies := make([]histogram, r.p.Senders)
	for s := range r.p.Senders {
		g.Go(func() error {
			for {
				from := int(next.Add(didBatch)) - didBatch
				if from >= r.p.DIDs {
					return nil
				}
				to := min(from+didBatch, r.p.DIDs)
				if err := r.batch(ctx, s, from, to, &latencies[s]); err != nil {
					return err
				}
				progress("measure", uint64(r.made.Add(int64(to-from))), time.Since(start))
			}
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range latencies {
		r.batches.merge(&latencies[i])
	}
	took := time.Since(start).Seconds()
	r.rep.Created = r.p.DIDs
	r.rep.CreateSeconds = round(took, 3)
	r.rep.CreatedPerS = round(float64(r.p.DIDs)/took, 1)
	r.rep.BlockBytes = round(float64(r.bytes.Load())/float64(r.p.DIDs), 1)
	if after := r.diskBytes(); before > 0 {
		r.rep.DiskBytes = round(float64(after-before)/float64(r.p.DIDs), 1)
	}
	return nil
}

// batch makes keys, lets each sign for the senders' organisation, and creates their DIDs.
func (r *didRun) batch(ctx context.Context, sender, from, to int, h *histogram) error {
	c := r.clients[sender%len(r.clients)]
	items := make([]item, 0, to-from)
	for i := from; i < to; i++ {
		key, err := crypto.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		pub := key.Public()
		r.keys[i] = pub
		text := fmt.Sprintf("huchain:identity:%s:create:%s:0:%s", c.Genesis(), r.did(i), r.t.CA.Root().Org)
		sig, err := key.Sign([]byte(text))
		if err != nil {
			return err
		}
		items = append(items, item{pub.String(), fmt.Sprintf("%x", sig)})
	}
	started := time.Now()
	tx, err := c.Sign(r.senders[sender], identityContract, "createBatch", map[string]any{"items": items})
	if err != nil {
		return err
	}
	r.bytes.Add(int64(len(tx.Bytes())))
	done, err := c.Submit(ctx, r.senders[sender], tx)
	if err != nil {
		return err
	}
	h.add(time.Since(started))
	for top := r.height.Load(); done.Height > top && !r.height.CompareAndSwap(top, done.Height); top = r.height.Load() {
	}
	var out struct {
		Created int               `json:"created"`
		Refused []json.RawMessage `json:"refused"`
	}
	if err := json.Unmarshal(done.Receipt.Result, &out); err != nil {
		return fmt.Errorf("read result of createBatch: %w", err)
	}
	if out.Created != to-from {
		return types.Errorf(types.CodeContractError, "%d of %d DIDs created: %s", out.Created, to-from, out.Refused)
	}
	return nil
}

// did returns the DID of the key at a position.
func (r *didRun) did(i int) string {
	return "did:huchain:" + r.t.Chain + ":" + types.AddressOf(r.keys[i]).String()
}

// Bytes that the ledger adds to a row: a prefix and the length of the namespace before
// its key; kind, height and transaction index before its value; and a leaf, with the
// key's hash behind a prefix as its key, and the value's hash, height, transaction index
// and checksum as its value.
const (
	rowTagBytes  = 1 + 1
	rowHeadBytes = 1 + 8 + 4
	leafBytes    = 1 + 32 + 32 + 8 + 4 + 4
)

// measureState reads the row of one DID.
func (r *didRun) measureState(ctx context.Context) error {
	key := "did/" + types.AddressOf(r.keys[0]).String()
	row, err := r.clients[0].State(ctx, identityContract, []byte(key), false)
	if err != nil {
		return err
	}
	r.rep.KeyBytes = len(identityContract) + len(key)
	r.rep.ValueBytes = len(row.Value)
	r.rep.StateBytes = rowTagBytes + r.rep.KeyBytes + rowHeadBytes + r.rep.ValueBytes + leafBytes
	return nil
}

// lookUp resolves random DIDs on all nodes.
func (r *didRun) lookUp(ctx context.Context, progress Progress) error {
	progress("lookups", 0, 0)
	for _, c := range r.clients { // one of them has the last batch, the others nearly
		if _, err := c.WaitHeight(ctx, r.height.Load()); err != nil {
			return err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	latencies := make([]histogram, r.p.Lookers)
	var next atomic.Int64
	start := time.Now()
	for l := range r.p.Lookers {
		g.Go(func() error {
			c := r.clients[l%len(r.clients)]
			rnd := mathrand.New(mathrand.NewPCG(mathrand.Uint64(), mathrand.Uint64())) //nolint:gosec // picks DIDs
			for next.Add(1) <= int64(r.p.Lookups) {
				i := rnd.IntN(r.p.DIDs)
				at := time.Now()
				answer, err := c.Query(ctx, nil, identityContract, "resolve", map[string]string{"did": r.did(i)})
				if err != nil {
					return err
				}
				latencies[l].add(time.Since(at))
				want := fmt.Appendf(nil, `"publicKeyHex":"%x"`, r.keys[i])
				if !bytes.Contains(answer.Result, want) {
					return types.Errorf(types.CodeLedgerCorrupt, "%s resolves to another key: %s", r.did(i), answer.Result)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range latencies {
		r.lookups.merge(&latencies[i])
	}
	r.rep.Lookups = r.p.Lookups
	r.rep.LookupsPerS = round(float64(r.p.Lookups)/time.Since(start).Seconds(), 1)
	return nil
}

// diskBytes is the size of the state store of one validator, 0 where it is out of reach.
func (r *didRun) diskBytes() int64 {
	if r.t.StateDir == "" {
		return 0
	}
	var sum int64
	err := filepath.WalkDir(r.t.StateDir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // files come and go while the store is open
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	if err != nil {
		return 0
	}
	return sum
}

// report is what the run comes to.
func (r *didRun) report() *Report {
	c := r.t.conditions()
	c.Signature += "; one more for each DID, by its key, in the contract"
	c.Contention = "none: every batch creates DIDs of its own"
	c.Loop = fmt.Sprintf("closed, %d senders with one batch of %d each, then %d clients with one lookup each", r.p.Senders, didBatch, r.p.Lookers)
	c.Members, c.DurationS = r.p.Senders, round(r.rep.CreateSeconds, 3)
	rep := &Report{
		Format: ReportFormat, Scenario: DIDScenario, About: fmt.Sprintf("DIDs created in batches of %d, then resolved at random", didBatch),
		Started: r.started.UTC().Truncate(time.Second), Conditions: c, Refused: map[string]uint64{},
		LatencyMs: quantiles(&r.lookups), LatencyBars: r.lookups.bars(), CallsPerSecond: r.rep.LookupsPerS,
		Calls: []CallReport{
			{Kind: "createBatch", Count: r.batches.n, LatencyMs: quantiles(&r.batches)},
			{Kind: "resolve", Count: r.lookups.n, LatencyMs: quantiles(&r.lookups)},
		},
		DIDs: &r.rep,
	}
	for _, p := range r.t.Processes {
		if u, err := readUsage(p.PID); err == nil {
			rep.ValidatorRSSBytesMax = max(rep.ValidatorRSSBytesMax, u.rssBytes)
		}
	}
	return rep
}
