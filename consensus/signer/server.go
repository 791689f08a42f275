package signer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cosmos/gogoproto/proto"
	"golang.org/x/net/netutil"

	"github.com/huchain/huchain/types"
)

const (
	// maxConns bounds the connections that a Server serves at a time.
	maxConns = 16
	// idleTimeout ends a connection that asks nothing; clients ask at pingInterval.
	idleTimeout  = 30 * time.Second
	writeTimeout = 5 * time.Second
)

// Server answers nodes from one pair of keys and one vote state.
type Server struct {
	chain   string // CometBFT's chain id
	votes   Voter
	headers *Headers
	log     *slog.Logger
}

// NewServer serves the keys for one chain. The vote state must be there: whoever lost it
// cannot tell what was signed with it (HC-6106).
func NewServer(chain string, votes Voter, headers *Headers, log *slog.Logger) (*Server, error) {
	if len(chain) == 0 || len(chain) > maxChainName {
		return nil, types.Errorf(types.CodeConfig, "chain id %q", chain)
	}
	_, known, err := votes.LastHeight()
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, types.Errorf(types.CodeVotesMissing, "nothing else tells what was signed with these keys")
	}
	return &Server{chain, votes, headers, log}, nil
}

// Serve answers the connections of l, which admits who may sign, until ctx ends; it
// closes l and returns once no request is under way. The error is nil then.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() }) //nolint:errcheck // ends Accept
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	limited := netutil.LimitListener(l, maxConns)
	for {
		c, err := limited.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the listener was closed for this
			}
			cancel()
			return fmt.Errorf("accept signing connections: %w", err)
		}
		wg.Go(func() {
			end := context.AfterFunc(ctx, func() { c.Close() }) //nolint:errcheck // ends the connection
			defer end()
			defer c.Close() //nolint:errcheck // whatever ended it is logged
			if err := s.converse(c); err != nil && ctx.Err() == nil {
				s.log.Info("signing connection ended", "from", c.RemoteAddr().String(), "err", err)
			}
		})
	}
}

// converse answers the requests of one connection.
func (s *Server) converse(c net.Conn) error {
	for greeted := false; ; greeted = true {
		if err := c.SetDeadline(time.Now().Add(idleTimeout)); err != nil {
			return err
		}
		kind, body, err := readFrame(c)
		if err != nil {
			return err
		}
		if !greeted && kind != kindHello {
			return errors.New("request before the greeting")
		}
		answer, err := s.answer(kind, body)
		if err := c.SetDeadline(time.Now().Add(writeTimeout)); err != nil {
			return err
		}
		if err == nil {
			err = writeFrame(c, kindDone, answer)
		} else {
			s.log.Warn("not signed", "kind", kind, "err", err)
			if werr := writeFrame(c, kindRefused, encodeRefusal(err)); werr != nil || kind == kindHello {
				return errors.Join(err, werr)
			}
			err = nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *Server) answer(kind byte, body []byte) ([]byte, error) {
	switch kind {
	case kindHello:
		return s.greet(body)
	case kindVote:
		v := new(cmtproto.Vote)
		if err := proto.Unmarshal(body, v); err != nil {
			return nil, types.Errorf(types.CodeVoteRefused, "no vote: %w", err)
		}
		if err := checkVote(v); err != nil {
			return nil, types.Errorf(types.CodeVoteRefused, "no vote: %w", err)
		}
		if err := s.votes.SignVote(s.chain, v); err != nil {
			return nil, types.Errorf(types.CodeVoteRefused, "%w", err)
		}
		s.log.Debug("vote signed", "type", v.Type.String(), "height", v.Height, "round", v.Round)
		return proto.Marshal(v)
	case kindProposal:
		p := new(cmtproto.Proposal)
		if err := proto.Unmarshal(body, p); err != nil {
			return nil, types.Errorf(types.CodeVoteRefused, "no proposal: %w", err)
		}
		if p.Type != cmtproto.ProposalType || p.Height < 1 || p.Round < 0 {
			return nil, types.Errorf(types.CodeVoteRefused, "no proposal: type %d, height %d, round %d", p.Type, p.Height, p.Round)
		}
		if err := s.votes.SignProposal(s.chain, p); err != nil {
			return nil, types.Errorf(types.CodeVoteRefused, "%w", err)
		}
		s.log.Debug("proposal signed", "height", p.Height, "round", p.Round)
		return proto.Marshal(p)
	case kindMessage:
		return s.headers.Sign(body)
	case kindAdvance:
		if len(body) != 8 || body[0] > 0x3f {
			return nil, types.Errorf(types.CodeVoteRefused, "no height")
		}
		return nil, s.votes.Advance(int64(binary.BigEndian.Uint64(body)))
	}
	return nil, types.Errorf(types.CodeVoteRefused, "request of kind %d", kind)
}

func (s *Server) greet(body []byte) ([]byte, error) {
	if len(body) < 2 || len(body) > 1+maxChainName || body[0] != protocolVersion {
		return nil, types.Errorf(types.CodeSigner, "greeting of %d bytes, or of another version than %d", len(body), protocolVersion)
	}
	if chain := string(body[1:]); chain != s.chain {
		return nil, types.Errorf(types.CodeVoteRefused, "the keys are for chain %s, not %q", s.chain, chain)
	}
	h := hello{keys: PublicKeys{SM2: s.headers.Public(), Ed25519: s.votes.PublicKey()}}
	var err error
	if h.last, h.known, err = s.votes.LastHeight(); err != nil {
		return nil, err
	}
	return h.encode(), nil
}

// checkVote refuses what CometBFT's signing code would panic on.
func checkVote(v *cmtproto.Vote) error {
	switch {
	case v.Type != cmtproto.PrevoteType && v.Type != cmtproto.PrecommitType:
		return fmt.Errorf("type %d", v.Type)
	case v.Height < 1 || v.Round < 0:
		return fmt.Errorf("height %d, round %d", v.Height, v.Round)
	}
	return nil
}
