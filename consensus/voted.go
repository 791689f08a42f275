package consensus

import (
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	"github.com/huchain/huchain/ledger/state"
	"github.com/huchain/huchain/types"
)

// Voted returns the validators that were to vote on the block of a height, and for each of
// them whether the commit that the block above carries holds its vote for it. A vote that
// reached the proposer of that block late is not in it. HC-1003 where no commit is kept:
// for the newest blocks, for those that were pruned, and for the last one before a restart.
func (n *Node) Voted(height uint64) (types.ValidatorSet, []bool, error) {
	if height == 0 {
		return nil, nil, types.Errorf(types.CodeNotFound, "nobody votes on the genesis state")
	}
	set, err := n.o.Ledger.Signers(height - 1)
	if err != nil {
		return nil, nil, err
	}
	raw, err := n.o.Ledger.LastCommit(height + 1)
	if err != nil {
		return nil, nil, err
	}
	var c cmtproto.Commit
	if err := c.Unmarshal(raw); err != nil {
		return nil, nil, state.Corrupt("commit in block %d: %v", height+1, err)
	}
	if len(c.Signatures) == 0 {
		return nil, nil, types.Errorf(types.CodeNotFound, "block %d carries no votes", height+1)
	}
	cast := make(map[string]bool, len(c.Signatures))
	for _, s := range c.Signatures {
		cast[string(s.ValidatorAddress)] = s.BlockIdFlag == cmtproto.BlockIDFlagCommit
	}
	voted := make([]bool, len(set))
	for i := range set {
		voted[i] = cast[string(voteAddress(&set[i]))]
	}
	return set, voted, nil
}
