package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Subjects of a stream.
const (
	StreamBlocks = "blocks" // rest.BlockSummary
	StreamTxs    = "txs"    // rest.TxSummary
	StreamEvents = "events" // rest.Event
)

// Subscription says what to follow.
type Subscription struct {
	Of       string // StreamBlocks, StreamTxs or StreamEvents
	Contract string // only its transactions or events; empty: all
	Name     string // only calls of this method, or events of this name; empty: all
	// After is the place to begin behind: the ID of a message, HEIGHT for the end of a
	// block, 0 for the first block kept. Empty: with the next block.
	After string
}

// Message is one message of a stream.
type Message struct {
	ID   string          // its place: After of another Subscription goes on behind it
	Data json.RawMessage // as Subscription.Of says
}

// Times of following.
const (
	followIdle  = 45 * time.Second // nodes send something every 15 s
	followAgain = time.Second      // before a stream that broke is opened again
)

// maxMessageBytes bounds one message of a stream.
const maxMessageBytes = 16 << 20

// Subscribe hands messages to fn in order, each once, until ctx ends or fn returns an error,
// which is then returned. A stream that breaks, also one that a node ended because this
// client was too slow, is opened again behind the last message, at another node if need be.
func (c *Client) Subscribe(ctx context.Context, f Subscription, fn func(*Message) error) error {
	if f.After == "" { // a stream opened again must not begin at a later block
		st, err := c.Status(ctx)
		if err != nil {
			return err
		}
		f.After = rest.Place(st.Height)
	}
	for {
		err := c.followOnce(ctx, &f, fn)
		var stop *stopped
		switch {
		case errors.As(err, &stop):
			return stop.err
		case ctx.Err() != nil:
			return ctx.Err()
		case !goesOn(err):
			return err
		}
		if errors.As(err, new(*notSent)) {
			c.current.Store((c.current.Load() + 1) % int32(len(c.p.Nodes)))
		}
		pause := followAgain
		if e, ok := rest.AsError(err); ok && e.RetryAfterMs > 0 {
			pause = time.Duration(e.RetryAfterMs) * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// stopped is the caller's own wish to end.
type stopped struct{ err error }

func (s *stopped) Error() string { return s.err.Error() }

// goesOn reports whether a stream that ended so is worth opening again.
func goesOn(err error) bool {
	switch types.CodeOf(err) {
	case types.CodeUnreachable, types.CodeNotReady, types.CodeStarting, types.CodeFellBehind, types.CodePoolFull:
		return true
	}
	return false
}

// followOnce reads one stream to its end, which is never nil. f.After moves along.
func (c *Client) followOnce(ctx context.Context, f *Subscription, fn func(*Message) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	base := c.p.Nodes[int(c.current.Load())%len(c.p.Nodes)]
	idle := time.AfterFunc(followIdle, func() { cancel(types.Errorf(types.CodeUnreachable, "%s: silent for %s", base, followIdle)) })
	defer idle.Stop()
	resp, err := c.openStream(ctx, base, f)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	r := bufio.NewScanner(resp.Body)
	r.Buffer(make([]byte, 64<<10), maxMessageBytes)
	var id string
	var data []byte
	ended := false
	for r.Scan() {
		idle.Reset(followIdle)
		field, value, _ := bytes.Cut(r.Bytes(), []byte(": "))
		switch string(field) {
		case "id":
			id = string(value)
		case "event":
			ended = string(value) == "end"
		case "data":
			data = append(data[:0], value...)
		case "":
			switch {
			case ended:
				return endOf(base, data)
			case len(data) > 0:
				if err := fn(&Message{ID: id, Data: bytes.Clone(data)}); err != nil {
					return &stopped{err}
				}
			}
			if data = data[:0]; id != "" {
				f.After = id
			}
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return types.Errorf(types.CodeUnreachable, "%s: the stream broke off: %v", base, r.Err())
}

func (c *Client) openStream(ctx context.Context, base string, f *Subscription) (*http.Response, error) {
	q := url.Values{"of": {f.Of}, "after": {f.After}}
	if f.Contract != "" {
		q.Set("contract", f.Contract)
	}
	if f.Name != "" {
		q.Set("name", f.Name)
	}
	return c.send(ctx, base, http.MethodGet, c.path(q, "stream"), "", nil)
}

// endOf is the error that a node ended a stream with.
func endOf(base string, data []byte) error {
	var e rest.Error
	if json.Unmarshal(data, &e) != nil || !strings.HasPrefix(e.Code, "HC-") {
		return types.Errorf(types.CodeUnreachable, "%s ended the stream, not as a node does", base)
	}
	return e.Coded()
}
