package api

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/huchain/huchain/ledger"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// What a stream is of.
const (
	ofBlocks = iota
	ofTxs
	ofEvents
	subjects
)

// Bounds of what is kept of the newest blocks for all followers of a chain together.
const (
	feedBlocks = 256
	feedBytes  = 64 << 20
)

// frame is one message of a stream, rendered.
type frame struct {
	contract, name string
	index          uint32 // position in the block
	text           []byte // as it is sent, with its empty line
}

// page is one committed block as followers get it. What of it nobody follows is never
// rendered.
type page struct {
	height uint64
	bytes  atomic.Int64 // of the frames
	lists  [subjects]struct {
		once   sync.Once
		frames []frame
		err    error
	}
}

// of returns the frames of a subject, rendered once.
func (p *page) of(c *Chain, subject int) ([]frame, error) {
	l := &p.lists[subject]
	l.once.Do(func() {
		l.frames, l.err = c.render(p.height, subject)
		for i := range l.frames {
			p.bytes.Add(int64(len(l.frames[i].text)))
		}
	})
	return l.frames, l.err
}

// render reads a block and writes its messages.
func (c *Chain) render(height uint64, subject int) ([]frame, error) {
	switch subject {
	case ofBlocks:
		return c.renderBlock(height)
	case ofTxs:
		return c.renderTxs(height)
	}
	return c.renderEvents(height)
}

func (c *Chain) renderBlock(height uint64) ([]frame, error) {
	h, err := c.Ledger.Header(height)
	if err != nil {
		return nil, err
	}
	content, err := c.Ledger.Content(height)
	if err != nil {
		return nil, err
	}
	f, err := newFrame(token{height: height, whole: true}, &rest.BlockSummary{Header: rest.NewHeader(&h), TxCount: content.TxCount, EventCount: content.EventCount})
	return []frame{f}, err
}

func (c *Chain) renderTxs(height uint64) ([]frame, error) {
	txs, err := c.Ledger.BlockTxs(height)
	if err != nil {
		return nil, err
	}
	receipts, err := c.Ledger.Receipts(height)
	if err != nil {
		return nil, err
	}
	out := make([]frame, len(txs))
	for i, raw := range txs {
		sum, err := summarise(raw, ledger.Ref{Height: height, Index: uint32(i)}, &receipts[i])
		if err != nil {
			return nil, err
		}
		if out[i], err = newFrame(token{height: height, index: uint32(i)}, &sum); err != nil {
			return nil, err
		}
		out[i].contract, out[i].name = sum.Contract, sum.Method
	}
	return out, nil
}

func (c *Chain) renderEvents(height uint64) ([]frame, error) {
	events, err := c.Ledger.Events(height)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	receipts, err := c.Ledger.Receipts(height)
	if err != nil {
		return nil, err
	}
	out := make([]frame, len(events))
	for i := range events {
		e := &events[i]
		if int(e.TxIndex) >= len(receipts) {
			return nil, types.Errorf(types.CodeLedgerCorrupt, "event %d of block %d is of no transaction", i, height)
		}
		item := newEvent(e, height, uint32(i), receipts[e.TxIndex].TxID)
		if out[i], err = newFrame(token{height: height, index: uint32(i)}, &item); err != nil {
			return nil, err
		}
		out[i].contract, out[i].name = e.Contract, e.Name
	}
	return out, nil
}

func newFrame(at token, v any) (frame, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return frame{}, types.Errorf(types.CodeInternal, "render block %d: %w", at.height, err)
	}
	var b bytes.Buffer
	b.Grow(len(raw) + 32)
	b.WriteString("id: " + at.String() + "\ndata: ")
	b.Write(raw) // JSON has no line breaks
	b.WriteString("\n\n")
	return frame{index: at.index, text: b.Bytes()}, nil
}

// token is where a follower has got to: whole: behind all of a block, else behind one item
// of it.
type token struct {
	height uint64
	index  uint32
	whole  bool
}

func (t token) String() string {
	s := strconv.FormatUint(t.height, 10)
	if t.whole {
		return s
	}
	return s + "." + strconv.FormatUint(uint64(t.index), 10)
}

// parseToken reads HEIGHT or HEIGHT.INDEX.
func parseToken(s string) (token, error) {
	height, index, part := bytes.Cut([]byte(s), []byte("."))
	h, err := strconv.ParseUint(string(height), 10, 63)
	t := token{height: h, whole: !part}
	if err == nil && part {
		var i uint64
		i, err = strconv.ParseUint(string(index), 10, 32)
		t.index = uint32(i)
	}
	if err != nil {
		return t, types.Errorf(types.CodeUsage, "%q is no place in a stream: HEIGHT or HEIGHT.INDEX, as the id of a message", s)
	}
	return t, nil
}

// feed holds the newest blocks of a chain for its followers. It runs while there are any:
// one goroutine waits for blocks, however many follow, and nobody ever waits for a
// follower. A follower keeps no more than its place.
type feed struct {
	chain *Chain

	mu        sync.Mutex
	followers int
	end       context.CancelFunc // of the goroutine; nil while there is none
	pages     []*page            // of consecutive heights, the newest last
	next      uint64             // height that is waited for
	news      chan struct{}      // closed when that changes
	err       error              // why no more blocks will come
}

// join counts a follower in until leave is called.
func (f *feed) join() (leave func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.followers++
	if f.end == nil {
		ctx, cancel := context.WithCancel(context.Background())
		f.end, f.err, f.pages = cancel, nil, nil
		f.next, f.news = f.chain.Ledger.Height()+1, make(chan struct{})
		go f.run(ctx, f.next)
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.followers--; f.followers == 0 {
			f.end()
			f.end, f.pages = nil, nil
		}
	}
}

func (f *feed) run(ctx context.Context, height uint64) {
	for {
		err := f.chain.Consensus.AwaitHeight(ctx, height)
		if ctx.Err() != nil {
			return // nobody follows; another may run by now
		}
		f.add(ctx, height, err)
		if err != nil {
			return
		}
		height++
	}
}

func (f *feed) add(ctx context.Context, height uint64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	if f.err = err; err == nil {
		f.pages, f.next = append(f.pages, &page{height: height}), height+1
		f.prune()
	}
	close(f.news)
	f.news = make(chan struct{})
}

// prune lets go of the oldest pages beyond the bounds; mu is held.
func (f *feed) prune() {
	from, size := len(f.pages), int64(0)
	for from > 0 && len(f.pages)-from < feedBlocks {
		size += f.pages[from-1].bytes.Load()
		if size > feedBytes && len(f.pages)-from >= 2 {
			break
		}
		from--
	}
	if from > 0 {
		f.pages = slices.Delete(f.pages, 0, from)
	}
}

// at returns the page of a height; or, of one to come, a channel that is closed when there
// is news; or neither, of one that is no longer held here.
func (f *feed) at(height uint64) (*page, <-chan struct{}, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case height >= f.next && f.err != nil:
		return nil, nil, f.err
	case height >= f.next:
		return nil, f.news, nil
	case len(f.pages) > 0 && height >= f.pages[0].height:
		return f.pages[height-f.pages[0].height], nil, nil
	}
	return nil, nil, nil
}
