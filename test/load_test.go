package test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
)

// Deposit is the argument of evidence.deposit.
type Deposit struct {
	Hash  string `json:"hash"`
	Title string `json:"title"`
}

// newDeposit makes a deposit of a hash that no other call makes.
func newDeposit() Deposit {
	n := depositCount.Add(1)
	return Deposit{Hash: crypto.Sum(fmt.Appendf(nil, "%d %d", started.UnixNano(), n)).String(), Title: fmt.Sprintf("document %d", n)}
}

var (
	depositCount atomic.Int64
	started      = time.Now()
)

// acknowledged is a deposit that a client was told is committed.
type acknowledged struct {
	Deposit
	tx     crypto.Hash
	height uint64
}

// load is a number of clients that deposit without pause through several validators.
type load struct {
	n      *network
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	acks    []acknowledged
	refused []error
}

// startLoad starts clients that talk to the given validators, each beginning with
// another and going on to the next when one cannot be reached.
func (n *network) startLoad(workers int, nodes ...int) *load {
	n.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{n: n, cancel: cancel}
	clerk, err := n.Member("clerk")
	require.NoError(n.t, err)
	for w := range workers {
		k := w % len(nodes)
		c, err := n.dial(slices.Concat(nodes[k:], nodes[:k])...)
		require.NoError(n.t, err)
		l.wg.Add(1)
		go func() {
			defer l.wg.Done()
			for ctx.Err() == nil {
				l.deposit(ctx, c, clerk)
			}
		}()
	}
	return l
}

func (l *load) deposit(ctx context.Context, c *client.Client, from *client.Identity) {
	d := newDeposit()
	// The call is given time to end when the load is stopped, so that few outcomes
	// stay unknown.
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience())
	defer cancel()
	out, err := c.Call(call, from, "evidence", "deposit", d)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.refused = append(l.refused, err)
		return
	}
	l.acks = append(l.acks, acknowledged{d, out.ID, out.Height})
}

// count is how many deposits have been acknowledged.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acks)
}

// more waits until k further deposits are acknowledged.
func (l *load) more(k int) {
	l.n.t.Helper()
	from := l.count()
	l.n.eventually(fmt.Sprintf("%d further deposits", k), func() error {
		if got := l.count() - from; got < k {
			return fmt.Errorf("%d", got)
		}
		return nil
	})
}

// stop ends the load and returns what was acknowledged. No call may have been refused.
func (l *load) stop() []acknowledged {
	l.n.t.Helper()
	l.cancel()
	l.wg.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, err := range l.refused {
		require.NoError(l.n.t, err, "%d of %d calls failed", len(l.refused), len(l.refused)+len(l.acks))
	}
	return l.acks
}

// holds requires that each validator has every acknowledged deposit where the client
// was told it is.
func (n *network) holds(acks []acknowledged, nodes ...int) {
	n.t.Helper()
	last := uint64(0)
	for _, a := range acks {
		last = max(last, a.height)
	}
	n.reaches(last, nodes...)
	for _, i := range nodes {
		c := n.client(i)
		for _, a := range acks {
			tx, err := c.Tx(context.Background(), a.tx, false)
			require.NoError(n.t, err, "%s lost transaction %s, acknowledged at height %d", n.Nodes[i].Name, a.tx, a.height)
			require.Equal(n.t, a.height, tx.Height)
			require.Equal(n.t, "OK", tx.Receipt.Code)
		}
	}
}
