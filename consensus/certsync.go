package consensus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	gogo "github.com/cosmos/gogoproto/types"

	"github.com/huchain/huchain/types"
)

// CertificateChannel is the channel on which peers ask for finality certificates.
const CertificateChannel = byte(0x72)

// Messages of the channel: their first byte.
const (
	msgWantCertificate byte = 0x01 // ‖ height, 8 bytes big-endian
	msgCertificate     byte = 0x02 // ‖ types.FinalityCertificate.Encode()
)

// minCertificateGap is how often one peer is answered.
const minCertificateGap = 10 * time.Millisecond

// maxCertificateBytes bounds an encoded certificate.
const maxCertificateBytes = 64 + types.MaxValidators*80

// certificateReactor gets a certificate from peers when this node must propose one it
// could not gather, and serves those this node has.
type certificateReactor struct {
	p2p.BaseReactor
	certs *certifier
	gate  *gate // open while the ledger may be read
	blame func(peer p2p.Peer, err error)

	mu       sync.Mutex
	asked    map[uint64]int       // heights being waited for
	answered map[p2p.ID]time.Time // last answer to each peer
}

func newCertificateReactor(c *certifier, g *gate, blame func(p2p.Peer, error)) *certificateReactor {
	r := &certificateReactor{certs: c, gate: g, blame: blame, asked: map[uint64]int{}, answered: map[p2p.ID]time.Time{}}
	r.BaseReactor = *p2p.NewBaseReactor("Certificate", r)
	return r
}

// GetChannels implements p2p.Reactor.
func (r *certificateReactor) GetChannels() []*conn.ChannelDescriptor {
	return []*conn.ChannelDescriptor{{
		ID: CertificateChannel, Priority: 5, SendQueueCapacity: 8, RecvBufferCapacity: 4 << 10,
		RecvMessageCapacity: maxCertificateBytes + 16, MessageType: &gogo.BytesValue{},
	}}
}

// Receive implements p2p.Reactor. A link that is being closed may still call it.
func (r *certificateReactor) Receive(e p2p.Envelope) {
	if !r.gate.enter() {
		return
	}
	defer r.gate.leave()
	m, ok := e.Message.(*gogo.BytesValue)
	if !ok || len(m.Value) == 0 {
		r.blame(e.Src, errors.New("empty message on the certificate channel"))
		return
	}
	switch body := m.Value[1:]; {
	case m.Value[0] == msgWantCertificate && len(body) == 8:
		r.answer(e.Src, binary.BigEndian.Uint64(body))
	case m.Value[0] == msgCertificate:
		r.take(e.Src, body)
	default:
		r.blame(e.Src, fmt.Errorf("message %#x of %d bytes on the certificate channel", m.Value[0], len(m.Value)))
	}
}

// RemovePeer implements p2p.Reactor.
func (r *certificateReactor) RemovePeer(peer p2p.Peer, _ any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.answered, peer.ID())
}

func (r *certificateReactor) answer(peer p2p.Peer, height uint64) {
	r.mu.Lock()
	busy := time.Since(r.answered[peer.ID()]) < minCertificateGap
	if !busy {
		r.answered[peer.ID()] = time.Now()
	}
	r.mu.Unlock()
	if busy {
		return
	}
	if cert := r.certs.stored(height); cert != nil {
		peer.TrySend(p2p.Envelope{ChannelID: CertificateChannel, Message: &gogo.BytesValue{Value: append([]byte{msgCertificate}, cert.Encode()...)}})
	}
}

func (r *certificateReactor) take(peer p2p.Peer, body []byte) {
	cert, err := types.DecodeFinalityCertificate(body)
	if err != nil {
		r.blame(peer, err)
		return
	}
	r.mu.Lock()
	wanted := r.asked[cert.Height] > 0
	r.mu.Unlock()
	if !wanted {
		return // an answer that came too late, or one nobody asked for: not worth a check
	}
	var bad errBadCertificate
	if err := r.certs.put(&cert); errors.As(err, &bad) {
		r.blame(peer, err)
	}
}

// fetch asks all peers for the certificate of a height this node has committed and
// waits for the first good answer, at most for d.
func (r *certificateReactor) fetch(height uint64, d time.Duration) *types.FinalityCertificate {
	done, err := r.certs.await(height)
	if err != nil || d == 0 || r.Switch == nil {
		return nil
	}
	r.mu.Lock()
	r.asked[height]++
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.asked[height]--; r.asked[height] == 0 {
			delete(r.asked, height)
		}
	}()
	msg := binary.BigEndian.AppendUint64([]byte{msgWantCertificate}, height)
	r.Switch.TryBroadcast(p2p.Envelope{ChannelID: CertificateChannel, Message: &gogo.BytesValue{Value: msg}})
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return r.certs.certificate(height)
	case <-t.C:
	case <-r.Quit():
	}
	return nil
}
