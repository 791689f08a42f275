package links

import (
	"bytes"
	"context"
	"fmt"
	"net"

	"github.com/cometbft/cometbft/p2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/multiformats/go-multihash"

	"github.com/huchain/huchain/crypto/tlcp"
)

// securityID is the same for every chain, because it travels in clear.
const securityID protocol.ID = "/tlcp/1.0.0"

// idOf is a peer's name in this package and in CometBFT: org/name.
func idOf(p *tlcp.Peer) p2p.ID { return p2p.ID(p.Org + "/" + p.Name) }

// libp2pID is the name in the form libp2p wants: an identity multihash, which hashes nothing.
func libp2pID(id p2p.ID) (peer.ID, error) {
	h, err := multihash.Sum([]byte(id), multihash.IDENTITY, -1)
	if err != nil {
		return "", fmt.Errorf("peer id %q: %w", id, err)
	}
	return peer.ID(h), nil
}

// nameOf is the inverse of libp2pID.
func nameOf(id peer.ID) (p2p.ID, error) {
	h, err := multihash.Decode([]byte(id))
	if err != nil || h.Code != multihash.IDENTITY {
		return "", fmt.Errorf("peer id %x is no name", string(id))
	}
	return p2p.ID(h.Digest), nil
}

// security is libp2p's secure transport over TLCP.
type security struct {
	self   peer.ID
	config *tlcp.Config
	// judge refuses a peer by name: banned, or the node itself.
	judge func(p2p.ID) error
}

var _ sec.SecureTransport = (*security)(nil)

func (s *security) ID() protocol.ID { return securityID }

func (s *security) SecureInbound(ctx context.Context, c net.Conn, _ peer.ID) (sec.SecureConn, error) {
	return s.secure(ctx, tlcp.Server(c, s.configFor("")))
}

// SecureOutbound accepts no other peer than expected.
func (s *security) SecureOutbound(ctx context.Context, c net.Conn, expected peer.ID) (sec.SecureConn, error) {
	name, err := nameOf(expected)
	if err != nil {
		return nil, err
	}
	return s.secure(ctx, tlcp.Client(c, s.configFor(name)))
}

// configFor judges a peer in the handshake, after its certificates and role.
func (s *security) configFor(expected p2p.ID) *tlcp.Config {
	c := *s.config
	c.VerifyPeer = func(p *tlcp.Peer) error {
		if expected != "" && idOf(p) != expected {
			return fmt.Errorf("the peer is %s, not %s", idOf(p), expected)
		}
		if err := s.judge(idOf(p)); err != nil {
			return err
		}
		return s.config.VerifyPeer(p)
	}
	return &c
}

func (s *security) secure(ctx context.Context, c *tlcp.Conn) (sec.SecureConn, error) {
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	remote, err := libp2pID(idOf(c.Peer()))
	if err != nil {
		c.Close() //nolint:errcheck // the cause is what counts
		return nil, err
	}
	return &secureConn{Conn: c, local: s.self, remote: remote}, nil
}

// secureConn is a TLCP connection as libp2p sees it.
type secureConn struct {
	*tlcp.Conn
	local, remote peer.ID
}

func (c *secureConn) LocalPeer() peer.ID  { return c.local }
func (c *secureConn) RemotePeer() peer.ID { return c.remote }

// RemotePublicKey is a *proven: of what a handshake found, libp2p hands on the ids and
// the key alone.
func (c *secureConn) RemotePublicKey() crypto.PubKey { return &proven{c.Peer()} }

func (c *secureConn) ConnState() network.ConnectionState {
	return network.ConnectionState{Security: securityID, Transport: "tcp"}
}

// proven is the SM2 key of a peer, with the certificates by which it was accepted.
type proven struct{ *tlcp.Peer }

// Equals implements libp2p's Key.
func (k *proven) Equals(o crypto.Key) bool {
	other, ok := o.(*proven)
	return ok && k.Sign.PublicKey == other.Sign.PublicKey
}

// Raw returns the point.
func (k *proven) Raw() ([]byte, error) { return bytes.Clone(k.Sign.PublicKey[:]), nil }

// Type is none of libp2p's, whose list has no SM2.
func (k *proven) Type() pb.KeyType { return -1 }

// Verify checks an SM2 signature.
func (k *proven) Verify(data, signature []byte) (bool, error) {
	return k.Sign.PublicKey.Verify(data, signature), nil
}
