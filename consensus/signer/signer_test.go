package signer

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cosmos/gogoproto/proto"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/types"
)

const chainID = "gov-0123456789abcdef"

var genesis = crypto.Sum([]byte("genesis"))

// site is a folder of keys and the server that holds them.
type site struct {
	t      testing.TB
	dir    string
	key    *crypto.PrivateKey
	socket string
	cancel context.CancelFunc
	done   chan error
	voter  *File
}

func newSite(t testing.TB) *site {
	s := &site{t: t, dir: t.TempDir()}
	s.socket = filepath.Join(s.dir, "s.sock")
	require.NoError(t, s.files().Create())
	var err error
	s.key, err = crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	t.Cleanup(s.down)
	return s
}

func (s *site) files() Files {
	return Files{Key: filepath.Join(s.dir, "consensus.json"), Votes: filepath.Join(s.dir, "vote.json")}
}

func (s *site) server() *Server {
	var err error
	s.voter, err = s.files().Open()
	require.NoError(s.t, err)
	headers, err := OpenHeaders(s.key, genesis, filepath.Join(s.dir, "header.json"))
	require.NoError(s.t, err)
	srv, err := NewServer(chainID, s.voter, headers, slog.New(slog.DiscardHandler))
	require.NoError(s.t, err)
	return srv
}

// up serves on a Unix socket, or on l.
func (s *site) up(l net.Listener) {
	srv := s.server()
	if l == nil {
		var err error
		l, err = net.Listen("unix", s.socket)
		require.NoError(s.t, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.done = cancel, make(chan error, 1)
	go func() { s.done <- srv.Serve(ctx, l) }()
}

func (s *site) down() {
	if s.cancel != nil {
		s.cancel()
		require.NoError(s.t, <-s.done)
		require.NoError(s.t, s.voter.Close())
		s.cancel = nil
	}
}

func (s *site) dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", s.socket)
}

func (s *site) remote() *Remote {
	r, err := NewRemote(s.t.Context(), Params{Dial: s.dial, Chain: chainID, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { r.Close() })
	return r
}

func blockID(b byte) cmtproto.BlockID {
	hash := make([]byte, 32)
	hash[0] = b
	return cmtproto.BlockID{Hash: hash, PartSetHeader: cmtproto.PartSetHeader{Total: 1, Hash: hash}}
}

func vote(kind cmtproto.SignedMsgType, height int64, round int32, block byte) *cmtproto.Vote {
	v := &cmtproto.Vote{Type: kind, Height: height, Round: round, Timestamp: time.Unix(height, 0).UTC(), ValidatorAddress: make([]byte, 20)}
	if block != 0 {
		v.BlockID = blockID(block)
		if kind == cmtproto.PrecommitType {
			v.Extension = []byte{1, 2}
		}
	}
	return v
}

func proposal(height int64, block byte) *cmtproto.Proposal {
	return &cmtproto.Proposal{Type: cmtproto.ProposalType, Height: height, PolRound: -1, BlockID: blockID(block), Timestamp: time.Unix(height, 0).UTC()}
}

func header(height uint64, content byte) []byte {
	h := types.Header{Genesis: genesis, Height: height, Time: int64(height), Content: crypto.Hash{content}}
	return h.SignBytes()
}

func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		require.True(t, time.Now().Before(end), what)
	}
}

// Two nodes with one key get, for each height and round, one vote, one proposal and one
// header signature between them, however they ask.
// covers: T.03
func TestTwoNodesOneSigner(t *testing.T) {
	s := newSite(t)
	s.up(nil)
	nodes := []*Remote{s.remote(), s.remote()}
	require.Equal(t, s.key.Public(), nodes[0].Public())
	require.Equal(t, nodes[0].PublicKey(), nodes[1].PublicKey())

	for height := int64(1); height <= 40; height++ {
		var mu sync.Mutex
		signed := map[string]map[byte]bool{}
		note := func(what string, block byte, err error) {
			if err != nil {
				require.Equal(t, types.CodeVoteRefused, types.CodeOf(err), "%v", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if signed[what] == nil {
				signed[what] = map[byte]bool{}
			}
			signed[what][block] = true
		}
		var wg sync.WaitGroup
		for i, r := range nodes {
			block := byte(i + 1)
			wg.Go(func() {
				note("proposal", block, r.SignProposal(chainID, proposal(height, block)))
				note("prevote", block, r.SignVote(chainID, vote(cmtproto.PrevoteType, height, 0, block)))
				note("precommit", block, r.SignVote(chainID, vote(cmtproto.PrecommitType, height, 0, block)))
				_, err := r.Sign(header(uint64(height), block))
				note("header", block, err)
			})
		}
		wg.Wait()
		for _, what := range []string{"proposal", "prevote", "precommit", "header"} {
			require.LessOrEqual(t, len(signed[what]), 1, "%s at height %d signed for two blocks", what, height)
		}
		require.Len(t, signed["precommit"], 1)
		require.Len(t, signed["header"], 1)
	}

	// The same once more is the same signature; what is older or of another kind is refused.
	first, second := vote(cmtproto.PrecommitType, 50, 0, 7), vote(cmtproto.PrecommitType, 50, 0, 7)
	second.Timestamp = second.Timestamp.Add(time.Second)
	require.NoError(t, nodes[0].SignVote(chainID, first))
	require.NoError(t, nodes[1].SignVote(chainID, second))
	require.Equal(t, first, second, "with the time of the first")
	a, err := nodes[0].Sign(header(50, 1))
	require.NoError(t, err)
	b, err := nodes[1].Sign(header(50, 1))
	require.NoError(t, err)
	require.Equal(t, a, b)
	for name, message := range map[string][]byte{
		"older header": header(49, 1), "second header": header(50, 2), "a transaction": []byte("huchain/tx/1 whatever"), "nothing": nil,
		"header of another chain": func() []byte { h := types.Header{Height: 60, Genesis: crypto.Hash{1}}; return h.SignBytes() }(),
		"possession on another":   types.PossessionSignBytes(crypto.Hash{1}, "o", "n", s.key.Public(), [32]byte{}),
	} {
		_, err := nodes[0].Sign(message)
		require.Equal(t, types.CodeVoteRefused, types.CodeOf(err), "%s: %v", name, err)
	}
	_, err = nodes[0].Sign(types.PossessionSignBytes(genesis, "o", "n", s.key.Public(), nodes[0].PublicKey()))
	require.NoError(t, err)
	require.NoError(t, nodes[0].Advance(70))
	require.Equal(t, types.CodeVoteRefused, types.CodeOf(nodes[1].SignVote(chainID, vote(cmtproto.PrevoteType, 70, 9, 1))))
	require.NoError(t, nodes[1].Advance(60), "it never goes back")
	require.Error(t, nodes[1].SignVote(chainID, vote(cmtproto.PrevoteType, 61, 0, 1)))

	other, err := NewRemote(t.Context(), Params{Dial: s.dial, Chain: "gov-ffffffffffffffff", Logger: slog.New(slog.DiscardHandler)})
	require.Nil(t, other)
	require.ErrorContains(t, err, "the keys are for chain")
	_, err = s.files().Open()
	require.Equal(t, types.CodeHomeLocked, types.CodeOf(err), "a node on the same files")
}

// A signer that goes away costs votes and nothing else; what it remembers outlives it.
func TestSignerAway(t *testing.T) {
	s := newSite(t)
	s.up(nil)
	r := s.remote()
	require.NoError(t, r.SignVote(chainID, vote(cmtproto.PrevoteType, 5, 0, 1)))
	_, err := r.Sign(header(4, 1))
	require.NoError(t, err)
	s.down()
	require.Equal(t, types.CodeSigner, types.CodeOf(r.SignVote(chainID, vote(cmtproto.PrevoteType, 6, 0, 1))))
	_, _, err = r.LastHeight()
	require.Equal(t, types.CodeSigner, types.CodeOf(err))
	_, err = NewRemote(t.Context(), Params{Dial: s.dial, Chain: chainID, Logger: slog.New(slog.DiscardHandler)})
	require.Equal(t, types.CodeSigner, types.CodeOf(err), "its keys are not known")
	keys := r.PublicKeys()
	late, err := NewRemote(t.Context(), Params{Dial: s.dial, Chain: chainID, Keys: &keys, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err, "a node starts without its signer")
	defer late.Close()

	s.up(nil)
	eventually(t, "both are back", func() bool { return r.Connected() && late.Connected() })
	require.NoError(t, r.SignVote(chainID, vote(cmtproto.PrevoteType, 6, 0, 1)))
	require.Equal(t, types.CodeVoteRefused, types.CodeOf(late.SignVote(chainID, vote(cmtproto.PrevoteType, 6, 0, 2))))
	require.Error(t, r.SignVote(chainID, vote(cmtproto.PrevoteType, 5, 0, 2)), "from before")
	_, err = late.Sign(header(4, 2))
	require.Equal(t, types.CodeVoteRefused, types.CodeOf(err), "from before")

	wrong := keys
	wrong.SM2 = func() crypto.PublicKey { k, _ := crypto.GenerateKey(rand.Reader); return k.Public() }()
	_, err = NewRemote(t.Context(), Params{Dial: s.dial, Chain: chainID, Keys: &wrong, Logger: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "other keys")
}

// A signer whose vote state was restored is not believed by a node that has a later vote
// of it, and one without a vote state does not serve.
func TestRestoredVoteState(t *testing.T) {
	s := newSite(t)
	s.up(nil)
	r := s.remote()
	require.NoError(t, r.SignVote(chainID, vote(cmtproto.PrevoteType, 5, 0, 1)))
	backup, err := os.ReadFile(s.files().Votes)
	require.NoError(t, err)
	require.NoError(t, r.SignVote(chainID, vote(cmtproto.PrevoteType, 9, 0, 1)))
	s.down()
	require.NoError(t, os.WriteFile(s.files().Votes, backup, 0o600))
	s.up(nil)
	eventually(t, "noticed", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.stale != nil })
	require.Error(t, r.SignVote(chainID, vote(cmtproto.PrevoteType, 9, 0, 2)))
	s.down()

	require.NoError(t, os.Remove(s.files().Votes))
	v, err := s.files().Open()
	require.NoError(t, err)
	defer v.Close()
	headers, err := OpenHeaders(s.key, genesis, filepath.Join(s.dir, "header.json"))
	require.NoError(t, err)
	_, err = NewServer(chainID, v, headers, slog.New(slog.DiscardHandler))
	require.Equal(t, types.CodeVotesMissing, types.CodeOf(err))

	for name, text := range map[string]string{"cut": `{"genesis"`, "no signature": `{"height":3}`, "long": string(make([]byte, maxStateFile+1))} {
		file := filepath.Join(t.TempDir(), "header.json")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err = OpenHeaders(s.key, genesis, file)
		require.Equal(t, types.CodeKeyFile, types.CodeOf(err), name)
	}
}

// A signature that could not be recorded is not given.
func TestUnwritableState(t *testing.T) {
	s := newSite(t)
	s.up(nil)
	r := s.remote()
	require.NoError(t, os.RemoveAll(s.dir))
	require.Error(t, r.SignVote(chainID, vote(cmtproto.PrevoteType, 5, 0, 1)))
	_, err := r.Sign(header(4, 1))
	require.Error(t, err)
}

// Over TLCP the signer admits the nodes it is told, and nodes the signer they are told.
// covers: T.07
func TestSignerOverTLCP(t *testing.T) {
	key, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ca, err := cert.NewCA("archives", key, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
	require.NoError(t, err)
	side := func(name, expects string) *tlcp.Config {
		id, err := tlcp.Issue(ca, cert.Request{Name: name, Roles: []string{"node"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)})
		require.NoError(t, err)
		return Secure(tlcp.Fixed(id), func(string) []*cert.Certificate { return []*cert.Certificate{ca.Root()} }, "archives/"+expects)
	}
	s := newSite(t)
	l, err := tlcp.Listen("127.0.0.1:0", side("signer", "node0"))
	require.NoError(t, err)
	s.up(l)
	dial := func(config *tlcp.Config) (*Remote, error) {
		d := &tlcp.Dialer{Config: config}
		return NewRemote(t.Context(), Params{Chain: chainID, Logger: slog.New(slog.DiscardHandler),
			Dial: func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", l.Addr().String()) }})
	}
	r, err := dial(side("node0", "signer"))
	require.NoError(t, err)
	defer r.Close()
	require.NoError(t, r.SignVote(chainID, vote(cmtproto.PrecommitType, 5, 0, 1)))
	_, err = dial(side("node1", "signer"))
	require.ErrorContains(t, err, "access_denied")
	_, err = dial(side("node0", "another"))
	require.ErrorContains(t, err, "not archives/another")
}

// liar answers a Remote with what it likes.
func liar(t testing.TB, answer func(kind byte, body []byte) (byte, []byte)) func(context.Context) (net.Conn, error) {
	return func(context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			for {
				kind, body, err := readFrame(far)
				if err != nil {
					return
				}
				kind, body = answer(kind, body)
				if writeFrame(far, kind, body) != nil {
					return
				}
			}
		}()
		t.Cleanup(func() { far.Close() })
		return near, nil
	}
}

// Whatever a signer answers, a node gets a good signature or an error: consensus would
// end in a panic over a vote without its extension's signature.
func TestLyingSigner(t *testing.T) {
	s := newSite(t)
	honest := s.server()
	defer s.voter.Close()
	var bend func(v *cmtproto.Vote)
	r, err := NewRemote(t.Context(), Params{Chain: chainID, Logger: slog.New(slog.DiscardHandler), Dial: liar(t, func(kind byte, body []byte) (byte, []byte) {
		out, err := honest.answer(kind, body)
		if err != nil {
			return kindRefused, encodeRefusal(err)
		}
		if kind == kindVote {
			v := new(cmtproto.Vote)
			if err := proto.Unmarshal(out, v); err != nil {
				panic(err)
			}
			bend(v)
			out, _ = proto.Marshal(v)
		}
		return kindDone, out
	})})
	require.NoError(t, err)
	defer r.Close()
	height := int64(0)
	for name, change := range map[string]func(*cmtproto.Vote){
		"no extension signature": func(v *cmtproto.Vote) { v.ExtensionSignature = nil },
		"no signature":           func(v *cmtproto.Vote) { v.Signature = nil },
		"another height":         func(v *cmtproto.Vote) { v.Height++ },
		"another block":          func(v *cmtproto.Vote) { v.BlockID = blockID(9) },
		"another time":           func(v *cmtproto.Vote) { v.Timestamp = v.Timestamp.Add(1) },
		"flipped":                func(v *cmtproto.Vote) { v.Signature[7] ^= 1 },
		"flipped extension":      func(v *cmtproto.Vote) { v.ExtensionSignature[7] ^= 1 },
	} {
		bend = change
		height++
		v := vote(cmtproto.PrecommitType, height, 0, 1)
		err := r.SignVote(chainID, v)
		require.Equal(t, types.CodeSigner, types.CodeOf(err), "%s: %v", name, err)
		require.Equal(t, vote(cmtproto.PrecommitType, height, 0, 1), v, "the vote stays as it was")
		eventually(t, "connected anew", r.Connected)
	}
}

func TestFrames(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		far.Write(binary.BigEndian.AppendUint32(nil, maxFrame+1))
		far.Close()
	}()
	_, _, err := readFrame(near)
	require.ErrorContains(t, err, "must be 1 to")
	require.Error(t, writeFrame(near, 1, make([]byte, maxFrame)))
}
