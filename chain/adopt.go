package chain

import (
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// isNodeFailure reports whether an error is the node's own, which no receipt can express.
func isNodeFailure(err error) bool {
	switch types.CodeOf(err) {
	case types.CodeLedgerCorrupt, types.CodeDiskFailure, types.CodeInternal:
		return true
	}
	return false
}

// settle runs the actions of a proposal with the authority of those who approve. Until
// every action's rule is satisfied nothing happens; then all of them take effect in this
// block, or, if one fails, none does and the proposal is closed as failed.
func (s *callScope) settle(p *Proposal, d *types.ProposalDocument) (any, error) {
	approvers, err := s.approvers(p.ID)
	if err != nil {
		return nil, err
	}
	mark, events, staged := s.o.mark(), len(*s.events), len(*s.staged)
	err = s.perform(d, approvers)
	if *s.fatal != nil {
		return nil, *s.fatal
	}
	if err != nil {
		if isNodeFailure(err) {
			return nil, err
		}
		s.o.revert(mark)
		*s.events, *s.staged = (*s.events)[:events], (*s.staged)[:staged]
		switch types.CodeOf(err) {
		case types.CodePermissionDenied:
			return p.answer(s)
		case types.CodeOutOfGas:
			return nil, err // the vote does not count either: try again with more gas
		}
	}
	p.State, p.Decided = ProposalAdopted, s.block.height
	if err != nil {
		code, text := receiptError(err)
		p.State, p.Error = ProposalFailed, types.CleanText(code.String()+" "+text, types.MaxErrorBytes)
	}
	if err := s.emit(NSGovernance, string(p.State), map[string]any{"id": p.ID, "title": d.Title, "error": p.Error}); err != nil {
		return nil, err
	}
	return p.answer(s)
}

// answer stores the proposal and returns it as the call's result.
func (p *Proposal) answer(s *callScope) (any, error) {
	if err := putJSON(s.o, NSGovernance, proposalKey(p.ID), p, s.txIndex); err != nil {
		return nil, err
	}
	return map[string]any{"id": p.ID, "state": p.State, "error": p.Error}, nil
}

// perform runs the actions in order; the first failure ends it.
func (s *callScope) perform(d *types.ProposalDocument, approvers []host.Caller) error {
	if len(approvers) == 0 {
		return types.Errorf(types.CodePermissionDenied, "nobody approves")
	}
	run := *s
	run.signers, run.stack = approvers, nil
	defer func() { s.gasUsed, s.gasLeft = run.gasUsed, run.gasLeft }()
	for i := range d.Actions {
		a := &d.Actions[i]
		if n, ok := natives[a.Contract]; ok {
			if _, err := n.call(&run, a.Method, a.Args); err != nil {
				return err
			}
			continue
		}
		args := a.Args
		if len(args) == 0 {
			args = types.Object("{}")
		}
		_, used, err := run.contract(a.Contract, a.Method, args, run.gasLeft, host.KindCall)
		run.gasUsed, run.gasLeft = run.gasUsed+used, run.gasLeft-min(used, run.gasLeft)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *callScope) findProposal(id crypto.Hash) (*Proposal, *types.ProposalDocument, error) {
	p := &Proposal{}
	found, err := getJSON(s.o, NSGovernance, proposalKey(id), p)
	if err != nil {
		return nil, nil, err
	}
	if !found {
		return nil, nil, types.Errorf(types.CodeNotFound, "proposal %s", id)
	}
	d, err := ParseProposal(p.Document)
	if err != nil {
		return nil, nil, errCorrupt("proposal "+id.String(), err)
	}
	return p, d, nil
}

// openProposal finds a proposal that can still take effect.
func (s *callScope) openProposal(id crypto.Hash) (*Proposal, *types.ProposalDocument, error) {
	p, d, err := s.findProposal(id)
	if err != nil {
		return nil, nil, err
	}
	if p.State != ProposalOpen {
		return nil, nil, types.Errorf(types.CodeProposalClosed, "proposal %s is %s since height %d", id, p.State, p.Decided)
	}
	if s.block.time().After(d.ValidUntil) {
		return nil, nil, types.Errorf(types.CodeProposalClosed, "proposal %s could be voted on until %s", id, d.ValidUntil.Format("2006-01-02T15:04:05Z07:00"))
	}
	return p, d, nil
}

type proposalArgs struct {
	Proposal crypto.Hash `json:"proposal"`
}

// withdraw closes a proposal of one's own.
func (s *callScope) withdraw(args []byte) (any, error) {
	var in proposalArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	p, d, err := s.openProposal(in.Proposal)
	if err != nil {
		return nil, err
	}
	if p.Proposer != s.caller().Member {
		return nil, types.Errorf(types.CodePermissionDenied, "only %s may withdraw proposal %s", p.Proposer, p.ID)
	}
	p.State, p.Decided = ProposalWithdrawn, s.block.height
	if err := s.emit(NSGovernance, string(p.State), map[string]any{"id": p.ID, "title": d.Title}); err != nil {
		return nil, err
	}
	return p.answer(s)
}

// ProposalInfo is a proposal as queries show it.
type ProposalInfo struct {
	*Proposal
	Content *types.ProposalDocument `json:"content"`
	Expired bool                    `json:"expired,omitempty"` // still open, but too late
	Votes   []Vote                  `json:"votes"`
}

func (s *callScope) proposalInfo(id crypto.Hash) (*ProposalInfo, error) {
	p, d, err := s.findProposal(id)
	if err != nil {
		return nil, err
	}
	votes, err := s.votes(id)
	if err != nil {
		return nil, err
	}
	expired := p.State == ProposalOpen && s.block.time().After(d.ValidUntil)
	return &ProposalInfo{Proposal: p, Content: d, Expired: expired, Votes: append([]Vote{}, votes...)}, nil
}

func (s *callScope) getProposal(args []byte) (any, error) {
	var in proposalArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	return s.proposalInfo(in.Proposal)
}

// proposalPage is how many proposals a query lists.
const proposalPage = 20

// listProposals lists proposals by id; state selects, next is passed as after.
func (s *callScope) listProposals(args []byte) (any, error) {
	var in struct {
		State ProposalState `json:"state,omitempty"`
		After crypto.Hash   `json:"after"`
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	start := []byte("proposal/")
	if !in.After.IsZero() {
		start = append(proposalKey(in.After), 0)
	}
	var ids []crypto.Hash
	var bad error
	err := s.o.Scan(NSGovernance, start, []byte("proposal0"), func(_, value []byte) bool {
		var p Proposal
		if bad = decodeStrict(value, &p); bad != nil {
			return false
		}
		if in.State == "" || p.State == in.State {
			ids = append(ids, p.ID)
		}
		return len(ids) <= proposalPage
	})
	if err != nil {
		return nil, err
	}
	if bad != nil {
		return nil, errCorrupt("proposal row", bad)
	}
	var next any
	if len(ids) > proposalPage {
		ids = ids[:proposalPage]
		next = ids[proposalPage-1]
	}
	items := []*ProposalInfo{}
	for _, id := range ids {
		info, err := s.proposalInfo(id)
		if err != nil {
			return nil, err
		}
		items = append(items, info)
	}
	return map[string]any{"items": items, "next": next}, nil
}
