package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Times of streams.
const (
	streamBeat  = 15 * time.Second // a stream without messages sends its place so often
	streamWrite = 10 * time.Second // a client that takes nothing for so long is cut
)

// catchingUp bounds how many followers read old blocks at a time; the others wait.
const catchingUp = 4

type streamInput struct {
	ChainPath
	Of       string `query:"of" enum:"blocks,txs,events" default:"events" doc:"What each message is: BlockSummary, TxSummary or Event"`
	Contract string `query:"contract" maxLength:"32" doc:"Only transactions that called it, or its events"`
	Name     string `query:"name" maxLength:"64" doc:"Only transactions that called this method, or events of this name"`
	After    string `query:"after" maxLength:"32" example:"1200.3" doc:"Begin behind the message with this id; HEIGHT is behind all of a block, 0 at the first one. Left out: with the next block"`
	LastID   string `header:"Last-Event-ID" maxLength:"32" doc:"As after; a browser that reconnects sends it by itself"`
}

func (s *Server) registerStream(api huma.API) {
	schemas := api.OpenAPI().Components.Schemas
	var forms []*huma.Schema
	for _, v := range []any{rest.BlockSummary{}, rest.TxSummary{}, rest.Event{}, ErrorBody{}} {
		forms = append(forms, schemas.Schema(reflect.TypeOf(v), true, ""))
	}
	register(s, api, huma.Operation{
		OperationID: "follow", Method: http.MethodGet, Path: base + "/{chain}/stream", Summary: "Blocks, transactions or events as they are committed",
		Description: "Server-sent events. The data of a message is one JSON object; its id is the place to go on from. A message without data " +
			"moves the place on where nothing was of interest. A stream that the node ends says why in a last message of type end, whose data is " +
			"an error; HC-1014 says that the client was too slow, and may go on from its place.",
		Responses: map[string]*huma.Response{"200": {Description: "Messages; the schema is that of their data", Content: map[string]*huma.MediaType{
			"text/event-stream": {Schema: &huma.Schema{OneOf: forms}},
		}}},
	}, s.stream)
}

func (s *Server) stream(ctx context.Context, in *streamInput) (*huma.StreamResponse, error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	f := &follower{s: s, chain: c, seat: s.seatAt(in.Chain), subject: map[string]int{"blocks": ofBlocks, "txs": ofTxs, "events": ofEvents}[in.Of],
		contract: in.Contract, name: in.Name}
	if f.seat == nil {
		return nil, types.Errorf(types.CodeNotFound, "chain %q", in.Chain)
	}
	if f.sight, err = s.sight(ctx, in.Chain); err != nil {
		return nil, err
	}
	if in.LastID != "" {
		in.After = in.LastID
	}
	if f.at, err = c.start(in.After); err != nil {
		return nil, err
	}
	select {
	case s.streams <- struct{}{}:
	default:
		return nil, &types.Error{Code: types.CodeNotReady, Detail: "too many streams are open", RetryAfterMs: 5000}
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer func() { <-s.streams }()
		hc.SetHeader("Content-Type", "text/event-stream")
		hc.SetHeader("Cache-Control", "no-store")
		hc.SetHeader("X-Accel-Buffering", "no")    // a proxy shall pass messages on at once
		w := hc.BodyWriter().(http.ResponseWriter) //nolint:errcheck,forcetypeassert // what humago has
		if r, ok := w.(*recorder); ok {
			r.streamed = true
		}
		f.rc, f.w = http.NewResponseController(w), w
		f.serve(ctx)
	}}, nil
}

// start is the place that a stream begins behind.
func (c *Chain) start(after string) (token, error) {
	tip := c.Ledger.Height()
	if after == "" {
		return token{height: tip, whole: true}, nil
	}
	t, err := parseToken(after)
	switch {
	case err != nil:
		return t, err
	case t.height > tip:
		return t, types.Errorf(types.CodeHeightUnknown, "a place in block %d; the newest is %d", t.height, tip)
	}
	if base := c.Ledger.Base(); t.height == 0 { // genesis has no messages
		t = token{height: max(base, 1) - 1, whole: true}
	} else if t.height+1 < base {
		return t, types.Errorf(types.CodeHeightUnknown, "block %d is not kept here; the oldest kept is %d", t.height, base)
	}
	return t, nil
}

// follower is one open stream.
type follower struct {
	s              *Server
	chain          *Chain
	seat           *seat
	subject        int
	contract, name string
	sight          *sight

	at     token // what was sent, or passed over, last
	live   bool  // it has caught up once
	judged time.Time
	rc     *http.ResponseController
	w      http.ResponseWriter
	out    bytes.Buffer
}

// errClientGone ends a stream whose client does not take what is sent.
var errClientGone = errors.New("client is gone")

func (f *follower) serve(ctx context.Context) {
	f.s.metrics.streams.Inc()
	defer f.s.metrics.streams.Dec()
	defer f.seat.feed.join()()
	f.judged = time.Now()
	err := f.rc.SetReadDeadline(time.Time{}) // the server's own bounds the request
	if err == nil {
		f.out.WriteString("retry: 1000\nid: " + f.at.String() + "\n\n")
		err = f.flush()
	}
	for err == nil {
		err = f.step(ctx)
	}
	if ctx.Err() != nil || errors.Is(err, errClientGone) {
		return
	}
	f.s.metrics.streamsCut.Inc()
	raw, merr := json.Marshal(f.s.fail(ctx, err))
	if merr == nil {
		f.out.Reset()
		f.out.WriteString("event: end\ndata: ")
		f.out.Write(raw)
		f.out.WriteString("\n\n")
		_ = f.flush() // the stream ends either way
	}
}

// step sends the next block, or waits for it.
func (f *follower) step(ctx context.Context) error {
	next := f.at.height
	if f.at.whole {
		next++
	}
	p, news, err := f.seat.feed.at(next)
	switch {
	case err != nil:
		return err
	case news != nil:
		f.live = true
		return f.wait(ctx, news)
	case p == nil && f.live:
		return types.Errorf(types.CodeFellBehind, "block %d is no longer at hand; the newest is %d", next, f.chain.Ledger.Height())
	}
	var frames []frame
	if p != nil {
		frames, err = p.of(f.chain, f.subject)
	} else {
		frames, err = f.old(ctx, next)
	}
	if err != nil {
		return err
	}
	for i := range frames {
		fr := &frames[i]
		if !f.wants(fr) {
			continue
		}
		ok := f.subject != ofEvents || f.sight.as == nil
		if !ok {
			if ok, err = f.sight.event(fr.contract, fr.name); err != nil {
				return err
			}
		}
		if ok {
			f.out.Write(fr.text)
		}
	}
	f.at = token{height: next, whole: true}
	clear(f.sight.faces) // contracts may have changed with the block
	if err := f.allowed(ctx); err != nil {
		return err
	}
	return f.flush()
}

// wants reports whether a message is asked for and was not sent before.
func (f *follower) wants(fr *frame) bool {
	return (f.contract == "" || fr.contract == f.contract) && (f.name == "" || fr.name == f.name) && (f.at.whole || fr.index > f.at.index)
}

// old reads a block that is no longer at hand, for this follower alone.
func (f *follower) old(ctx context.Context, height uint64) ([]frame, error) {
	select {
	case f.s.catching <- struct{}{}:
		defer func() { <-f.s.catching }()
	case <-ctx.Done():
		return nil, errClientGone
	}
	return f.chain.render(height, f.subject)
}

// wait returns when there is news, and tells the client its place now and then.
func (f *follower) wait(ctx context.Context, news <-chan struct{}) error {
	beat := time.NewTimer(streamBeat)
	defer beat.Stop()
	select {
	case <-news:
		return nil
	case <-beat.C:
		if err := f.allowed(ctx); err != nil {
			return err
		}
		f.out.WriteString("id: " + f.at.String() + "\n\n")
		return f.flush()
	case <-ctx.Done():
		return errClientGone
	case <-f.seat.gone:
		if _, err := f.s.chain(f.chain.Name); err != nil {
			return err
		}
		return &types.Error{Code: types.CodeNotReady, Detail: "the chain was started anew", RetryAfterMs: 1000}
	case <-f.s.stopping:
		return &types.Error{Code: types.CodeNotReady, Detail: "the node is stopping", RetryAfterMs: 2000}
	}
}

// allowed judges the caller again if that was long ago: it may have lost its rights.
func (f *follower) allowed(ctx context.Context) error {
	if time.Since(f.judged) < judgeInterval {
		return nil
	}
	f.judged = time.Now()
	if again, ok := ctx.Value(judgeKey{}).(func() error); ok {
		return again()
	}
	return nil
}

// flush sends what was gathered.
func (f *follower) flush() error {
	if f.out.Len() == 0 {
		return nil
	}
	if err := f.rc.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return errClientGone
	}
	_, err := f.w.Write(f.out.Bytes())
	if err == nil {
		err = f.rc.Flush()
	}
	if f.out.Reset(); f.out.Cap() > 1<<20 {
		f.out = bytes.Buffer{}
	}
	if err != nil {
		return errClientGone
	}
	return nil
}
