package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// collect follows until n messages have come.
func (s *site) collect(f client.Subscription, n int) []*client.Message {
	s.t.Helper()
	var out []*client.Message
	enough := errors.New("enough")
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	err := s.client.Subscribe(ctx, f, func(m *client.Message) error {
		if out = append(out, m); len(out) == n {
			return enough
		}
		return nil
	})
	require.ErrorIs(s.t, err, enough)
	return out
}

// Every event is told once, in order, to whoever begins early or late, goes on from any
// place, or asks for a part only.
func TestFollow(t *testing.T) {
	s := newSite(t)
	var keys []string
	live := make(chan []*client.Message, 1)
	from := s.put("first", "1").Height
	go func() { live <- s.collect(client.Subscription{Of: client.StreamEvents, After: rest.Place(from)}, 5) }()
	for i := range 5 {
		keys = append(keys, fmt.Sprint("k", i))
		s.put(keys[i], "1")
	}
	got := <-live
	for i, m := range got {
		var e rest.Event
		require.NoError(t, json.Unmarshal(m.Data, &e))
		require.JSONEq(t, fmt.Sprintf(`{"k":%q}`, keys[i]), string(e.Data))
		require.Equal(t, fmt.Sprintf("%d.%d", e.Height, e.Index), m.ID)
		tx, err := s.client.Tx(t.Context(), e.TxID, false)
		require.NoError(t, err)
		require.Equal(t, e.Height, tx.Height)
	}
	require.Equal(t, got, s.collect(client.Subscription{Of: client.StreamEvents, After: rest.Place(from)}, 5), "old blocks tell the same")
	require.Equal(t, got[2:], s.collect(client.Subscription{Of: client.StreamEvents, After: got[1].ID, Contract: "notes", Name: "stored"}, 3))

	blocks := s.collect(client.Subscription{Of: client.StreamBlocks, After: "0"}, 3)
	for i, m := range blocks {
		var b rest.BlockSummary
		require.NoError(t, json.Unmarshal(m.Data, &b))
		require.EqualValues(t, i+1, b.Height)
		require.Equal(t, rest.Place(b.Height), m.ID)
	}
	txs := s.collect(client.Subscription{Of: client.StreamTxs, After: "0", Contract: "notes", Name: "put"}, 6)
	var sum rest.TxSummary
	require.NoError(t, json.Unmarshal(txs[0].Data, &sum))
	require.Equal(t, from, sum.Height)

	at := base + "/" + s.chain.Name + "/stream"
	for query, code := range map[string]types.Code{
		"?after=x": types.CodeUsage, "?after=99999999": types.CodeHeightUnknown, "?of=votes": types.CodeUsage, "?after=1.-2": types.CodeUsage,
		"?after=" + strings.Repeat("1", 33): types.CodeUsage,
	} {
		_, e, text := s.raw(http.MethodGet, at+query, "", "")
		require.Equal(t, code.String(), e.Code, "%s: %s", query, text)
	}
}

// Two hundred streams are one waiting for blocks; each sees each block.
func TestManyFollowers(t *testing.T) {
	s := newSite(t)
	waits := &counted{Consensus: s.chain.Consensus}
	chain := *s.chain
	chain.Consensus = waits
	s.serve(DefaultParams(), &chain)
	var err error
	s.client, err = client.Dial(t.Context(), s.url, "", s.chain.Genesis.Hash())
	require.NoError(t, err)
	const streams, blocks = 200, 3
	from := rest.Place(s.chain.Ledger.Height())
	done := make(chan []*client.Message, streams)
	for range streams {
		go func() {
			done <- s.collect(client.Subscription{Of: client.StreamEvents, After: from, Contract: "notes"}, blocks)
		}()
	}
	for i := range blocks {
		s.put(fmt.Sprint("k", i), "1")
	}
	first := <-done
	for range streams - 1 {
		require.Equal(t, first, <-done)
	}
	require.LessOrEqual(t, waits.n.Load(), int64(s.chain.Ledger.Height()+2), "waits for a block do not grow with streams")
}

// Who takes nothing is cut off, and holds nobody up meanwhile; who reads too slowly is told
// so and where to go on; when the chain stops its streams say why.
func TestFollowersThatLag(t *testing.T) {
	s := newSite(t)
	s.put("first", "1")
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")) //nolint:noctx // a test
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s/%s/stream?of=blocks HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", base, s.chain.Name)
	for i := range 5 {
		s.put(fmt.Sprint("k", i), "1") // commits while that client does not read
	}

	f := &feed{chain: s.chain, next: 1, news: make(chan struct{})}
	for h := uint64(1); h <= feedBlocks+10; h++ {
		f.add(t.Context(), h, nil)
	}
	require.Len(t, f.pages, feedBlocks)
	require.EqualValues(t, 11, f.pages[0].height)
	slow := &follower{s: s.api, chain: s.chain, seat: &seat{feed: f}, live: true, at: token{height: 5, whole: true}}
	require.Equal(t, types.CodeFellBehind, types.CodeOf(slow.step(t.Context())))
	for i := range f.pages {
		f.pages[i].bytes.Store(feedBytes / 4)
	}
	f.add(t.Context(), feedBlocks+11, nil)
	require.Len(t, f.pages, 5, "bounded by bytes as well")

	resp, err := http.Get(s.url + base + "/" + s.chain.Name + "/stream?of=blocks&after=0") //nolint:noctx // a test
	require.NoError(t, err)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	require.True(t, lines.Scan())
	idle := s.api.Drop(t.Context(), s.chain.Name, types.Errorf(types.CodeChainStopped, "chain %s", s.chain.Name), false)
	var last, kind string
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			kind = text
		}
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			last = text
		}
	}
	require.Equal(t, "end", kind)
	var e rest.Error
	require.NoError(t, json.Unmarshal([]byte(last), &e))
	require.Equal(t, types.CodeChainStopped.String(), e.Code)
	select {
	case <-idle: // the dead client's stream has left too
	case <-time.After(2 * time.Minute):
		t.Fatal("a stream holds the chain")
	}
}

func FuzzPlace(f *testing.F) {
	for _, s := range []string{"", "0", "12", "12.3", ".", "1.", "-1", "1.2.3", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if at, err := parseToken(s); err == nil {
			again, err := parseToken(at.String())
			require.NoError(t, err)
			require.Equal(t, at, again)
		}
	})
}

// BenchmarkFeed is what a block of 1,000 events costs the node with followers.
func BenchmarkFeed(b *testing.B) {
	p := &page{height: 1}
	l := &p.lists[ofEvents]
	l.once.Do(func() {
		for i := range 1000 {
			e := rest.Event{Height: 1, Index: uint32(i), Contract: "evidence", Name: "deposited", Data: []byte(`{"hash":"66c7f0f462eeedd9d1f2d46bdc10e4e2"}`)}
			f, err := newFrame(token{height: 1, index: uint32(i)}, &e)
			require.NoError(b, err)
			f.contract, f.name = e.Contract, e.Name
			l.frames = append(l.frames, f)
		}
	})
	f := &follower{contract: "evidence", at: token{whole: true}}
	b.ReportAllocs()
	for b.Loop() {
		f.out.Reset()
		for i := range l.frames {
			if f.wants(&l.frames[i]) {
				f.out.Write(l.frames[i].text)
			}
		}
	}
}
