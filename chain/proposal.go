package chain

import (
	"fmt"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// Bounds of proposals.
const (
	MaxProposalBytes   = 32 << 10
	MaxProposalActions = 16
	MaxProposalVotes   = 1024
	// MaxProposalTime is how far ahead of block time a proposal may end.
	MaxProposalTime = 180 * 24 * time.Hour
)

// ParseProposal reads a document and checks what can be checked without the state. The
// error is HC-2202.
func ParseProposal(document []byte) (*types.ProposalDocument, error) {
	var d types.ProposalDocument
	if len(document) > MaxProposalBytes {
		return nil, types.Errorf(types.CodeBadArguments, "proposal of %d bytes, at most %d", len(document), MaxProposalBytes)
	}
	if err := decodeStrict(document, &d); err != nil {
		return nil, types.Errorf(types.CodeBadArguments, "proposal: %w", err)
	}
	if len(d.Actions) == 0 || len(d.Actions) > MaxProposalActions || len(d.Title) > 256 || len(d.Salt) < 16 || len(d.Salt) > 64 {
		return nil, types.Errorf(types.CodeBadArguments, "a proposal has 1 to %d actions, a title of at most 256 bytes and a salt of 16 to 64", MaxProposalActions)
	}
	for i := range d.Actions {
		if a := &d.Actions[i]; !types.ValidName(a.Contract) || !types.ValidMethod(a.Method) {
			return nil, types.Errorf(types.CodeBadArguments, "action %d: %q %q is no contract and method", i, a.Contract, a.Method)
		}
	}
	return &d, nil
}

// ProposalState is where a proposal stands.
type ProposalState string

// The states of a proposal; an open one whose time is over can no longer take effect.
const (
	ProposalOpen      ProposalState = "open"
	ProposalAdopted   ProposalState = "adopted"   // its actions took effect at Decided
	ProposalFailed    ProposalState = "failed"    // approved, but an action failed: none took effect
	ProposalWithdrawn ProposalState = "withdrawn" // by its proposer
)

// Proposal is the row proposal/<id>.
type Proposal struct {
	ID       crypto.Hash    `json:"id"`
	Document []byte         `json:"document"` // base64 of the bytes hashed
	Proposer types.MemberID `json:"proposer"`
	State    ProposalState  `json:"state"`
	Height   uint64         `json:"height"`            // of the proposal
	Decided  uint64         `json:"decided,omitempty"` // height at which it left the state open
	Error    string         `json:"error,omitempty"`
}

// Vote is the row vote/<id>/<org>/<name>.
type Vote struct {
	Member   types.MemberID `json:"member"`
	Approve  bool           `json:"approve"`
	Height   uint64         `json:"height"`
	Endorsed []byte         `json:"endorsed,omitempty"` // base64: the signature of a vote given off line
}

func proposalKey(id crypto.Hash) []byte { return []byte("proposal/" + id.String()) }

func voteKey(id crypto.Hash, m types.MemberID) []byte {
	return []byte("vote/" + id.String() + "/" + string(m))
}

// propose puts a document before the members, with the vote of whoever signed and of
// endorsements that were collected before.
func (s *callScope) propose(args []byte) (any, error) {
	var in struct {
		Document     []byte              `json:"document"`
		Endorsements []types.Endorsement `json:"endorsements,omitempty"`
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	d, err := ParseProposal(in.Document)
	if err != nil {
		return nil, err
	}
	now := s.block.time()
	switch {
	case d.Genesis != s.c.genesis.hash:
		return nil, types.Errorf(types.CodeWrongGenesis, "the proposal is for %s, this chain is %s", d.Genesis, s.c.genesis.hash)
	case !d.ValidUntil.After(now) || d.ValidUntil.After(now.Add(MaxProposalTime)):
		return nil, types.Errorf(types.CodeBadArguments, "validUntil %s is not within %s after block time", d.ValidUntil.Format(time.RFC3339), MaxProposalTime)
	}
	for i := range d.Actions {
		if err := s.checkAction(&d.Actions[i]); err != nil {
			return nil, fmt.Errorf("action %d: %w", i, err)
		}
	}
	p := &Proposal{ID: types.ProposalID(in.Document), Document: in.Document, Proposer: s.caller().Member, State: ProposalOpen, Height: s.block.height}
	if _, found, err := s.o.Get(NSGovernance, proposalKey(p.ID)); err != nil {
		return nil, err
	} else if found {
		return nil, types.Errorf(types.CodeAlreadyExists, "proposal %s", p.ID)
	}
	if err := s.emit(NSGovernance, "proposed", map[string]any{"id": p.ID, "title": d.Title, "by": p.Proposer}); err != nil {
		return nil, err
	}
	return s.count(p, d, true, in.Endorsements)
}

// checkAction refuses what could never take effect: an unknown method, one that only
// reads, or one by which proposals are made.
func (s *callScope) checkAction(a *types.Action) error {
	if n, ok := natives[a.Contract]; ok {
		if err := n.find(a.Method, true); err != nil {
			return err
		}
		m := n.methods[a.Method]
		if !m.writes || m.allow == allowMember || a.Contract == NSGovernance && a.Method == "propose" {
			return types.Errorf(types.CodeBadArguments, "%s.%s cannot be proposed", a.Contract, a.Method)
		}
		return nil
	}
	rec, found, err := s.c.Contract(s.o, a.Contract)
	if err != nil {
		return err
	}
	if !found {
		return types.Errorf(types.CodeUnknownContract, "contract %q", a.Contract)
	}
	if m, ok := rec.Method(a.Method); !ok || !m.Writes {
		return types.Errorf(types.CodeUnknownMethod, "contract %s has no method %q that writes", a.Contract, a.Method)
	}
	return nil
}

// vote records the vote of whoever signed the transaction.
func (s *callScope) vote(args []byte) (any, error) {
	var in struct {
		Proposal crypto.Hash `json:"proposal"`
		Approve  bool        `json:"approve"`
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	p, d, err := s.openProposal(in.Proposal)
	if err != nil {
		return nil, err
	}
	for _, c := range s.signers {
		if err := s.record(p, Vote{Member: c.Member, Approve: in.Approve}); err != nil {
			return nil, err
		}
	}
	return s.settle(p, d)
}

// endorse brings votes that were given off line; who sends them does not matter.
func (s *callScope) endorse(args []byte) (any, error) {
	var in struct {
		Proposal     crypto.Hash         `json:"proposal"`
		Endorsements []types.Endorsement `json:"endorsements"`
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	p, d, err := s.openProposal(in.Proposal)
	if err != nil {
		return nil, err
	}
	if len(in.Endorsements) == 0 {
		return nil, types.Errorf(types.CodeBadArguments, "no endorsement is given")
	}
	return s.count(p, d, false, in.Endorsements)
}

// count records the signers' approval, if own, and endorsements, then sees what follows.
func (s *callScope) count(p *Proposal, d *types.ProposalDocument, own bool, list []types.Endorsement) (any, error) {
	if own {
		for _, c := range s.signers {
			if err := s.record(p, Vote{Member: c.Member, Approve: true}); err != nil {
				return nil, err
			}
		}
	}
	if err := s.charge(s.c.protocol.SignatureGas * uint64(len(list))); err != nil {
		return nil, err
	}
	for i := range list {
		if err := s.checkEndorsement(p.ID, &list[i]); err != nil {
			return nil, err
		}
		if err := s.record(p, Vote{Member: list[i].Member, Approve: true, Endorsed: list[i].Signature}); err != nil {
			return nil, err
		}
	}
	return s.settle(p, d)
}

// checkEndorsement verifies an endorsement under the present key of its member.
func (s *callScope) checkEndorsement(id crypto.Hash, e *types.Endorsement) error {
	bad := func(format string, args ...any) error {
		return types.Errorf(types.CodeBadEndorsement, "of %s: %s", e.Member, fmt.Sprintf(format, args...))
	}
	if len(e.Certificate) > 0 {
		crt, err := s.c.parseCertificate(e.Certificate)
		if err != nil {
			return err
		}
		if crt.Org+"/"+crt.Name != string(e.Member) || !crt.PublicKey.Verify(types.EndorsementSignBytes(id), e.Signature) {
			return bad("it is not signed with the key of the certificate")
		}
		if _, err := s.c.register(s.o, e.Certificate, types.AddressOf(crt.PublicKey), s.block, s.txIndex); err != nil {
			return err
		}
	}
	a, found, err := s.c.MemberAddress(s.o, e.Member)
	if err != nil {
		return err
	}
	if !found {
		return bad("no such member; add its certificate")
	}
	m, found, err := s.c.Member(s.o, a)
	if err != nil {
		return err
	}
	if !found || !m.Key.Verify(types.EndorsementSignBytes(id), e.Signature) {
		return bad("the signature does not hold under the member's present key")
	}
	return s.c.checkActive(s.o, m, s.block.time())
}

// record keeps a member's vote; a later one replaces it.
func (s *callScope) record(p *Proposal, v Vote) error {
	v.Height = s.block.height
	if _, found, err := s.o.Get(NSGovernance, voteKey(p.ID, v.Member)); err != nil {
		return err
	} else if !found {
		votes, err := s.votes(p.ID)
		if err != nil {
			return err
		}
		if len(votes) >= MaxProposalVotes {
			return types.Errorf(types.CodeLimitExceeded, "a proposal takes %d votes", MaxProposalVotes)
		}
	}
	if err := putJSON(s.o, NSGovernance, voteKey(p.ID, v.Member), &v, s.txIndex); err != nil {
		return err
	}
	return s.emit(NSGovernance, "voted", map[string]any{"proposal": p.ID, "member": v.Member, "approve": v.Approve})
}

func (s *callScope) votes(id crypto.Hash) ([]Vote, error) {
	var out []Vote
	var bad error
	prefix := "vote/" + id.String()
	err := s.o.Scan(NSGovernance, []byte(prefix+"/"), []byte(prefix+"0"), func(_, value []byte) bool {
		var v Vote
		if bad = decodeStrict(value, &v); bad != nil {
			return false
		}
		out = append(out, v)
		return true
	})
	if err == nil && bad != nil {
		err = errCorrupt("vote row", bad)
	}
	return out, err
}

// approvers are the members who approve and may act at this block's time, ascending.
func (s *callScope) approvers(id crypto.Hash) ([]host.Caller, error) {
	votes, err := s.votes(id)
	if err != nil {
		return nil, err
	}
	var out []host.Caller
	for _, v := range votes {
		if !v.Approve {
			continue
		}
		a, found, err := s.c.MemberAddress(s.o, v.Member)
		if err != nil {
			return nil, err
		}
		var m *Member
		if found {
			if m, found, err = s.c.Member(s.o, a); err != nil {
				return nil, err
			}
		}
		if !found {
			continue
		}
		if err := s.c.checkActive(s.o, m, s.block.time()); err != nil {
			if isNodeFailure(err) {
				return nil, err
			}
			continue
		}
		out = append(out, host.Caller{Member: m.Member, Org: m.Member.Org(), Address: a, Roles: m.Roles})
	}
	return out, nil
}
