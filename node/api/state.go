package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// certifyWait is how long a request for a proof waits for the finality certificate of
// the newest block: it comes with the block after next.
const certifyWait = 5 * time.Second

func (s *Server) state(ctx context.Context, in *struct {
	ChainPath
	NS    string `path:"ns" maxLength:"32" example:"evidence" doc:"Namespace: the contract's name"`
	Key   string `path:"key" maxLength:"1024" doc:"Key: text, or 0x and hex digits"`
	Prove bool   `query:"prove" doc:"Add a proof; the row is then that of the newest certified height"`
}) (*answer[rest.State], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(in.Key)
	if err != nil {
		return nil, err
	}
	v, err := s.sight(ctx, in.Chain)
	if err != nil {
		return nil, err
	}
	if in.Prove {
		out, err := c.provenState(ctx, in.NS, key)
		if err == nil {
			err = v.showRow(in.NS, key, out.Value)
		}
		if err != nil {
			return nil, err
		}
		return &answer[rest.State]{*out}, nil
	}
	height := c.Ledger.Height()
	value, found, err := c.Ledger.Get(in.NS, key)
	if err == nil {
		err = v.showRow(in.NS, key, value)
	}
	if err != nil {
		return nil, err
	}
	return &answer[rest.State]{newState(in.NS, key, value, found, height)}, nil
}

func (c *Chain) provenState(ctx context.Context, ns string, key []byte) (*rest.State, error) {
	tip := c.Ledger.Height()
	c.waitCertified(ctx, func(certified uint64) bool {
		if certified >= tip {
			return true
		}
		// Blocks without transactions change no state, and the last of an idle chain has
		// no certificate until the next one: an earlier height then says the same.
		content, err := c.Ledger.Content(certified)
		return certified > 0 && err == nil && content.State == c.Ledger.StateRoot()
	})
	p, err := c.Ledger.ProveState(ns, key)
	if err != nil {
		return nil, err
	}
	r := p.State.Proof.Result()
	out := newState(ns, key, r.Value, r.Found, p.Header.Height)
	out.Proof, err = p.Encode()
	return &out, err
}

// waitCertified returns when enough is true of the newest certified height, or the wait
// is over; what is then missing the proof itself will say.
func (c *Chain) waitCertified(ctx context.Context, enough func(certified uint64) bool) {
	deadline := time.Now().Add(certifyWait)
	for !enough(c.Ledger.Certified()) && time.Now().Before(deadline) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func newState(ns string, key, value []byte, found bool, height uint64) rest.State {
	out := rest.State{NS: ns, Key: key, Text: rest.Printable(key), Found: found, Height: height}
	if found {
		out.Value = value
		if json.Valid(value) {
			out.JSON = json.RawMessage(value)
		}
	}
	return out
}

// parseKey reads a key as it stands in a path: percent-encoded text, or 0x and hex.
func parseKey(s string) ([]byte, error) {
	if text, err := url.PathUnescape(s); err == nil && strings.Contains(s, "%") {
		s = text
	}
	key := []byte(s)
	if digits, ok := strings.CutPrefix(s, "0x"); ok {
		raw, err := hex.DecodeString(digits)
		if err != nil {
			return nil, types.Errorf(types.CodeUsage, "key %q: %w", s, err)
		}
		key = raw
	}
	if len(key) == 0 || len(key) > types.MaxKeyBytes {
		return nil, types.Errorf(types.CodeUsage, "a key has 1 to %d bytes, not %d", types.MaxKeyBytes, len(key))
	}
	return key, nil
}

func (s *Server) states(ctx context.Context, in *struct {
	ChainPath
	NS     string `path:"ns" maxLength:"32"`
	Prefix string `query:"prefix" maxLength:"512" doc:"Keys that begin with these bytes, hex"`
	Start  string `query:"start" maxLength:"512" doc:"First key, hex"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}) (*answer[rest.States], error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	prefix, err := hex.DecodeString(in.Prefix)
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "prefix: %w", err)
	}
	start, err := hex.DecodeString(in.Start)
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "start: %w", err)
	}
	if string(start) < string(prefix) {
		start = prefix
	}
	out := rest.States{Items: []rest.State{}}
	v, err := s.sight(ctx, in.Chain)
	if err != nil {
		return nil, err
	}
	height, seen := c.Ledger.Height(), 0
	var fault error
	err = c.Ledger.Scan(in.NS, start, after(prefix), func(key, value []byte) bool {
		if seen++; len(out.Items) == in.Limit || seen > maxPassedOver {
			out.Next = append(rest.Hex(nil), key...)
			return false
		}
		ok, err := v.row(in.NS, key, value)
		if fault = err; err != nil || !ok {
			return err == nil
		}
		out.Items = append(out.Items, newState(in.NS, append([]byte(nil), key...), append([]byte(nil), value...), true, height))
		return true
	})
	if err = errors.Join(err, fault); err != nil {
		return nil, err
	}
	return &answer[rest.States]{out}, nil
}

// maxPassedOver bounds the rows looked at for one answer, most of which the caller may not
// see.
const maxPassedOver = 5000

// after is the first key behind all that begin with prefix; nil is the namespace's end.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] < 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}
