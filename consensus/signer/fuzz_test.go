package signer

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cosmos/gogoproto/proto"

	"github.com/huchain/huchain/types"
)

func frames(kindsAndBodies ...[]byte) []byte {
	var out bytes.Buffer
	for _, b := range kindsAndBodies {
		writeFrame(&out, b[0], b[1:])
	}
	return out.Bytes()
}

func encoded(kind byte, m proto.Message) []byte {
	raw, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return append([]byte{kind}, raw...)
}

// FuzzServer: whatever a connection sends, the signer answers or ends it, and its vote
// state never goes back.
func FuzzServer(f *testing.F) {
	greeting := append([]byte{kindHello, protocolVersion}, chainID...)
	f.Add(frames(greeting, encoded(kindVote, vote(cmtproto.PrecommitType, 3, 0, 1)), encoded(kindProposal, proposal(4, 1))))
	f.Add(frames(greeting, append([]byte{kindMessage}, header(3, 1)...), []byte{kindAdvance, 0, 0, 0, 0, 0, 0, 0, 9}))
	f.Add(frames(encoded(kindVote, vote(cmtproto.PrevoteType, 3, 0, 1))))
	f.Add([]byte{0, 0, 0, 0})
	s := newSite(f)
	srv := s.server()
	f.Cleanup(func() { s.voter.Close() })
	f.Fuzz(func(t *testing.T, raw []byte) {
		before, _, _ := s.voter.LastHeight()
		near, far := net.Pipe()
		go func() {
			near.SetDeadline(time.Now().Add(time.Second))
			near.Write(raw)
			near.Close()
		}()
		go io.Copy(io.Discard, near)
		if srv.converse(far) == nil {
			t.Fatal("a connection ends with an error")
		}
		if after, _, _ := s.voter.LastHeight(); after < before {
			t.Fatalf("vote state went from %d to %d", before, after)
		}
	})
}

// FuzzRemote: whatever a signer answers, a node gets good signatures or errors.
func FuzzRemote(f *testing.F) {
	s := newSite(f)
	srv := s.server()
	f.Cleanup(func() { s.voter.Close() })
	greeting, err := srv.answer(kindHello, append([]byte{protocolVersion}, chainID...))
	if err != nil {
		f.Fatal(err)
	}
	keys, _ := decodeHello(greeting)
	good, err := srv.answer(kindVote, encoded(0, vote(cmtproto.PrecommitType, 3, 0, 1))[1:])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(kindDone, good)
	f.Add(kindRefused, encodeRefusal(types.Errorf(types.CodeVoteRefused, "no")))
	f.Add(kindDone, greeting)
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		if len(body) >= maxFrame {
			return
		}
		r := &Remote{p: Params{Chain: chainID, Logger: slog.New(slog.DiscardHandler)}, keys: keys.keys, up: make(chan bool, 1)}
		r.p.Dial = func(context.Context) (net.Conn, error) { return nil, io.EOF }
		near, far := net.Pipe()
		r.conn = near
		go func() {
			defer far.Close()
			if _, _, err := readFrame(far); err == nil {
				writeFrame(far, kind, body)
			}
		}()
		v := vote(cmtproto.PrecommitType, 3, 0, 1)
		if err := r.SignVote(chainID, v); err == nil && !bytes.Equal(body, good) && len(v.ExtensionSignature) == 0 {
			t.Fatalf("took %x", body)
		}
		near.Close()
	})
}

func FuzzHello(f *testing.F) {
	s := newSite(f)
	srv := s.server()
	f.Cleanup(func() { s.voter.Close() })
	raw, err := srv.answer(kindHello, append([]byte{protocolVersion}, chainID...))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if h, err := decodeHello(raw); err == nil && !bytes.Equal(h.encode(), raw) {
			t.Fatalf("%x is read and written as %x", raw, h.encode())
		}
	})
}
