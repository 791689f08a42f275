package signer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/cosmos/gogoproto/proto"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

const (
	// callTimeout bounds a request: consensus waits for it. A connection that fails once
	// is not waited for again, see Remote.
	callTimeout = time.Second
	dialTimeout = 5 * time.Second
	// pingInterval is how often an idle connection is tried, and the longest pause
	// between attempts to reach a signer that is away.
	pingInterval = 3 * time.Second
	minRedial    = 100 * time.Millisecond
)

// Params say where a signer is.
type Params struct {
	// Dial connects to the signer; what it returns is authenticated.
	Dial  func(context.Context) (net.Conn, error)
	Chain string // CometBFT's chain id
	// Keys are those the signer must have; nil: any, and the signer must be there at
	// the start.
	Keys   *PublicKeys
	Logger *slog.Logger
}

// Remote is a signer in another process: the Voter of its vote key, and the crypto.Signer
// of its SM2 key. While the signer is away every request fails at once, so that the node
// follows its chain without voting; a goroutine tries to reach it again. Each signature is
// verified before it is used.
type Remote struct {
	p    Params
	keys PublicKeys

	mu     sync.Mutex // one request at a time
	conn   net.Conn   // nil while the signer is away
	known  bool       // of the vote state, as the signer last said
	last   int64      // height of the newest signature given to this node, or told by the signer
	stale  error      // why the signer is not believed any more
	logged string     // why it was last found away

	up   chan bool // wakes the goroutine
	quit chan struct{}
	wg   sync.WaitGroup
	once sync.Once
}

var (
	_ Voter         = (*Remote)(nil)
	_ crypto.Signer = (*Remote)(nil)
)

var errAway = types.Errorf(types.CodeSigner, "the signer is away")

// NewRemote connects to a signer. If it is away, that is an error (HC-6104) only without
// Params.Keys. A signer with other keys is always one.
func NewRemote(ctx context.Context, p Params) (*Remote, error) {
	r := &Remote{p: p, up: make(chan bool, 1), quit: make(chan struct{})}
	if p.Keys != nil {
		r.keys = *p.Keys
	}
	err := r.connect(ctx)
	if err != nil && (p.Keys == nil || r.stale != nil) {
		return nil, types.Errorf(types.CodeSigner, "%w", err)
	}
	r.wg.Go(r.keep)
	return r, nil
}

// PublicKeys are those of the signer.
func (r *Remote) PublicKeys() PublicKeys { return r.keys }

// Connected reports whether the signer can be asked.
func (r *Remote) Connected() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conn != nil
}

// Away is why the signer cannot be asked; empty while it can.
func (r *Remote) Away() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.conn != nil:
		return ""
	case r.logged == "":
		return errAway.Error()
	}
	return r.logged
}

// keep tries the connection now and then, and makes a new one when it is gone.
func (r *Remote) keep() {
	gap := minRedial
	t := time.NewTimer(pingInterval)
	defer t.Stop()
	for {
		select {
		case <-r.quit:
			return
		case <-r.up:
		case <-t.C:
		}
		if r.ping() || r.connect(context.Background()) == nil {
			gap = minRedial
			t.Reset(pingInterval)
		} else {
			t.Reset(gap)
			gap = min(2*gap, pingInterval)
		}
	}
}

// ping reports whether the signer still answers.
func (r *Remote) ping() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conn != nil && r.greet() == nil
}

func (r *Remote) greeting() []byte { return append([]byte{protocolVersion}, r.p.Chain...) }

// connect dials, which others do not wait for, and greets.
func (r *Remote) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := r.p.Dial(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.adopt(c, err)
}

// adopt greets the signer on a new connection, or notes why there is none. The caller
// holds mu.
func (r *Remote) adopt(c net.Conn, err error) error {
	if err == nil {
		r.drop()
		r.conn = c
		err = r.greet()
	}
	switch {
	case err == nil:
		r.p.Logger.Info("signer reached", "lastHeight", r.last)
		r.logged = ""
	case err.Error() != r.logged: // not at each attempt
		r.logged = err.Error()
		r.p.Logger.Error("signer is away; this validator does not vote", "err", err)
	}
	return err
}

func (r *Remote) greet() error {
	body, err := r.exchange(kindHello, r.greeting())
	if err == nil {
		var h *hello
		if h, err = decodeHello(body); err == nil {
			err = r.believe(h)
		}
	}
	if err != nil {
		r.drop()
	}
	return err
}

// believe checks who answers. A vote state older than a signature given to this node
// comes from a backup: nothing that such a signer says next can be relied on.
func (r *Remote) believe(h *hello) error {
	switch {
	case r.stale != nil:
		return r.stale
	case r.keys == PublicKeys{}:
		r.keys = h.keys
	}
	switch {
	case r.keys != h.keys:
		r.stale = errors.New("the signer has other keys than those of this validator")
		return r.stale
	case h.last < r.last:
		r.stale = fmt.Errorf("the signer's vote state is at height %d, below %d where it has signed: was it restored from a backup?", h.last, r.last)
		return r.stale
	}
	r.known, r.last = h.known, h.last
	return nil
}

func (r *Remote) drop() {
	if r.conn != nil {
		r.conn.Close() //nolint:errcheck // it has failed
		r.conn = nil
	}
}

// exchange sends one request and reads its answer. A failure, which a refusal is not,
// closes the connection. The caller holds mu.
func (r *Remote) exchange(kind byte, body []byte) ([]byte, error) {
	if r.conn == nil {
		return nil, errAway
	}
	answer, got, err := byte(0), []byte(nil), r.conn.SetDeadline(time.Now().Add(callTimeout))
	if err == nil {
		err = writeFrame(r.conn, kind, body)
	}
	if err == nil {
		answer, got, err = readFrame(r.conn)
	}
	switch {
	case err == nil && answer == kindDone:
		return got, nil
	case err == nil && answer == kindRefused:
		return nil, decodeRefusal(got)
	case err == nil:
		err = fmt.Errorf("answer of kind %#x", answer)
	}
	r.drop()
	return nil, types.Errorf(types.CodeSigner, "%w", err)
}

// call is exchange for consensus. A connection that has come to its end is made anew once.
func (r *Remote) call(kind byte, body []byte, take func([]byte) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	had := r.conn != nil
	out, err := r.exchange(kind, body)
	if err != nil && had && r.conn == nil {
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout/2)
		defer cancel()
		if r.adopt(r.p.Dial(ctx)) == nil {
			out, err = r.exchange(kind, body)
		}
	}
	if err == nil {
		if err = take(out); err != nil {
			r.drop()
			err = types.Errorf(types.CodeSigner, "answer of the signer: %w", err)
		}
	}
	if r.conn == nil {
		select {
		case r.up <- true:
		default:
		}
	}
	return err
}

// PublicKey implements Voter.
func (r *Remote) PublicKey() [32]byte { return r.keys.Ed25519 }

// Public implements crypto.Signer.
func (r *Remote) Public() crypto.PublicKey { return r.keys.SM2 }

// LastHeight implements Voter: as the signer told when it was last greeted, or signed since.
func (r *Remote) LastHeight() (int64, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conn == nil {
		return 0, false, errAway
	}
	return r.last, r.known, nil
}

// SignVote implements Voter.
func (r *Remote) SignVote(chain string, v *cmtproto.Vote) error {
	body, err := proto.Marshal(v)
	if err != nil {
		return err
	}
	return r.call(kindVote, body, func(b []byte) error {
		got := new(cmtproto.Vote)
		if err := proto.Unmarshal(b, got); err != nil {
			return err
		}
		signed := *v
		signed.Timestamp, signed.Signature, signed.ExtensionSignature = got.Timestamp, got.Signature, got.ExtensionSignature
		if !proto.Equal(&signed, got) {
			return errors.New("another vote than was asked for")
		}
		if !r.verify(cmttypes.VoteSignBytes(chain, got), got.Signature) {
			return errors.New("the vote is not signed by the key of this validator")
		}
		extended := v.Type == cmtproto.PrecommitType && !cmttypes.ProtoBlockIDIsNil(&v.BlockID)
		if extended && !r.verify(cmttypes.VoteExtensionSignBytes(chain, got), got.ExtensionSignature) || !extended && len(got.ExtensionSignature) > 0 {
			return errors.New("the vote's extension is not signed as it must be")
		}
		*v = *got
		r.last = max(r.last, v.Height)
		return nil
	})
}

// SignProposal implements Voter.
func (r *Remote) SignProposal(chain string, p *cmtproto.Proposal) error {
	body, err := proto.Marshal(p)
	if err != nil {
		return err
	}
	return r.call(kindProposal, body, func(b []byte) error {
		got := new(cmtproto.Proposal)
		if err := proto.Unmarshal(b, got); err != nil {
			return err
		}
		signed := *p
		signed.Timestamp, signed.Signature = got.Timestamp, got.Signature
		if !proto.Equal(&signed, got) {
			return errors.New("another proposal than was asked for")
		}
		if !r.verify(cmttypes.ProposalSignBytes(chain, got), got.Signature) {
			return errors.New("the proposal is not signed by the key of this validator")
		}
		*p = *got
		r.last = max(r.last, p.Height)
		return nil
	})
}

func (r *Remote) verify(message, signature []byte) bool {
	return cmted25519.PubKey(r.keys.Ed25519[:]).VerifySignature(message, signature)
}

// Sign implements crypto.Signer, for headers alone.
func (r *Remote) Sign(message []byte) (signature []byte, err error) {
	err = r.call(kindMessage, message, func(b []byte) error {
		if !r.keys.SM2.Verify(message, b) {
			return errors.New("the message is not signed by the key of this validator")
		}
		signature = bytes.Clone(b)
		return nil
	})
	return signature, err
}

// Advance implements Voter.
func (r *Remote) Advance(height int64) error {
	return r.call(kindAdvance, binary.BigEndian.AppendUint64(nil, uint64(height)), func([]byte) error {
		r.known, r.last = true, max(r.last, height)
		return nil
	})
}

// Close implements Voter.
func (r *Remote) Close() error {
	r.once.Do(func() {
		close(r.quit)
		r.wg.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.stale = errClosed
		r.drop()
	})
	return nil
}
