package push

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Events are those of a chain that no reorganisation can take back: a mirror holds what
// validators attest.
type Events interface {
	// EventsAfter returns up to limit events behind a position, in order, and the newest
	// height, up to which there are no others.
	EventsAfter(ctx context.Context, contract, name string, height uint64, index int64, limit int) ([]rest.MirroredEvent, uint64, error)
	// Grown is closed when there may be more.
	Grown() <-chan struct{}
}

// Params bound deliveries.
type Params struct {
	Chain   string
	Backoff connector.Backoff // of one delivery
	GivenUp int               // deliveries one after the other after which a subscription is suspended
	Timeout time.Duration     // of one attempt
	Poll    time.Duration     // how often orders of other processes are looked for
}

// DefaultParams returns bounds by which a subscriber may be away for some ten minutes
// before letters go dead.
func DefaultParams(chain string) Params {
	return Params{Chain: chain, Backoff: connector.DefaultBackoff(), GivenUp: 5, Timeout: 10 * time.Second, Poll: time.Second}
}

// Hub delivers events to all subscribers of a book.
type Hub struct {
	p      Params
	book   *Book
	events Events
	log    *slog.Logger
}

// NewHub makes a hub.
func NewHub(p Params, book *Book, events Events, log *slog.Logger) *Hub {
	return &Hub{p: p, book: book, events: events, log: log}
}

// Run delivers until ctx ends. Each subscription has a goroutine of its own.
func (h *Hub) Run(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	running := map[string]context.CancelFunc{}
	for ctx.Err() == nil {
		names, err := h.book.names(ctx)
		if err != nil {
			h.log.Warn("subscriptions cannot be read", "chain", h.p.Chain, "error", err)
		} else {
			for name := range names {
				if running[name] == nil {
					wctx, cancel := context.WithCancel(ctx)
					running[name] = cancel
					workers.Go(func() { h.serve(wctx, name) })
				}
			}
			for name, cancel := range running {
				if !names[name] {
					cancel()
					delete(running, name)
				}
			}
		}
		wait(ctx, h.p.Poll, nil)
	}
}

// wait waits for a time, the end of ctx, or c.
func wait(ctx context.Context, d time.Duration, c <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-c:
	}
}

// serve delivers to one subscriber.
func (h *Hub) serve(ctx context.Context, name string) {
	carriers := carriers{}
	defer carriers.close()
	for ctx.Err() == nil {
		grown := h.events.Grown() // taken first, so that nothing is missed
		pause, err := h.round(ctx, name, carriers)
		if err != nil && ctx.Err() == nil {
			h.log.Warn("subscription does not get on", "chain", h.p.Chain, "subscription", name, "error", err)
			pause = h.p.Poll
		}
		if pause > 0 {
			wait(ctx, min(pause, h.p.Poll), grown)
		}
	}
}

// pageSize is how many events are read at a time.
const pageSize = 100

// round delivers what is due and returns how long to pause.
func (h *Hub) round(ctx context.Context, name string, c carriers) (time.Duration, error) {
	e, err := h.book.entry(ctx, name)
	if errors.Is(err, sql.ErrNoRows) {
		return h.p.Poll, nil // it was just removed
	}
	if err != nil {
		return 0, err
	}
	if err := h.resend(ctx, e, c); err != nil {
		return 0, err
	}
	if e.state == suspended {
		return h.p.Poll, nil
	}
	if pause := time.Until(time.UnixMilli(e.next)); e.attempts > 0 && pause > 0 {
		return pause, nil
	}
	if e.height == FromNow {
		_, top, err := h.events.EventsAfter(ctx, "", "", 1<<62, 0, 1)
		if err != nil {
			return 0, err
		}
		return 0, h.book.begin(ctx, name, top)
	}
	list, _, err := h.events.EventsAfter(ctx, e.Contract, e.Event, uint64(e.height), e.index, pageSize)
	if err != nil || len(list) == 0 {
		return h.p.Poll, err
	}
	for i := range list {
		ok, err := h.deliver(ctx, e, c, &list[i])
		if err != nil || !ok {
			return h.p.Poll, err
		}
	}
	return 0, nil
}

// Letter is an event as subscribers get it.
type Letter struct {
	ID        string          `json:"id"` // chain/height/index: the same at every attempt
	Chain     string          `json:"chain"`
	Height    uint64          `json:"height"`
	Index     uint32          `json:"index"`
	TxID      string          `json:"txId"`
	Contract  string          `json:"contract"`
	Event     string          `json:"event"`
	BlockTime time.Time       `json:"blockTime"`
	Data      json.RawMessage `json:"data"`
}

// deliver makes one attempt; false if the subscriber is not ready for the next event.
func (h *Hub) deliver(ctx context.Context, e *entry, c carriers, ev *rest.MirroredEvent) (bool, error) {
	l := Letter{
		ID: fmt.Sprintf("%s/%d/%d", h.p.Chain, ev.Height, ev.Index), Chain: h.p.Chain, Height: ev.Height, Index: ev.Index,
		TxID: ev.TxID.String(), Contract: ev.Contract, Event: ev.Name, BlockTime: ev.Time, Data: ev.Data,
	}
	body, err := json.Marshal(&l)
	if err != nil {
		return false, types.Errorf(types.CodeInternal, "letter %s: %w", l.ID, err)
	}
	failed := h.attempt(ctx, e, c, &l, body)
	if ctx.Err() != nil {
		return false, nil
	}
	if failed == nil {
		e.attempts, e.givenUp = 0, 0
		return true, h.book.sent(ctx, e.Name, ev.Height, ev.Index)
	}
	e.attempts++
	if e.attempts < h.p.Backoff.Attempts {
		return false, h.book.failed(ctx, e.Name, e.attempts, time.Now().Add(h.p.Backoff.Pause(e.attempts)), failed)
	}
	e.givenUp++
	h.log.Warn("delivery given up", "chain", h.p.Chain, "subscription", e.Name, "event", l.ID, "attempts", e.attempts, "error", failed)
	state := active
	if e.givenUp >= h.p.GivenUp {
		state = suspended
		h.log.Warn("subscription suspended", "chain", h.p.Chain, "subscription", e.Name, "deadLetters", e.givenUp)
	}
	err = h.book.bury(ctx, e.Name, &l, body, e.attempts, state, failed)
	e.attempts = 0
	return state == active, err
}

func (h *Hub) attempt(ctx context.Context, e *entry, c carriers, l *Letter, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, h.p.Timeout)
	defer cancel()
	carrier, err := c.of(&e.Subscription)
	if err != nil {
		return err
	}
	return carrier.carry(ctx, l, body)
}

// resend makes one attempt for each dead letter that an operator wants sent again.
func (h *Hub) resend(ctx context.Context, e *entry, c carriers) error {
	letters, err := h.book.again(ctx, e.Name)
	if err != nil {
		return err
	}
	for _, d := range letters {
		var l Letter
		err := json.Unmarshal(d.body, &l)
		if err == nil {
			err = h.attempt(ctx, e, c, &l, d.body)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err := h.book.resent(ctx, e.Name, &d, err); err != nil {
			return err
		}
	}
	return nil
}
