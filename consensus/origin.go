package consensus

import (
	"time"

	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/types"
)

// origin is what CometBFT's chain begins with: the genesis, or an act by which the chain was
// restarted.
type origin struct {
	genesis *chain.Genesis
	restart *types.Restart // nil: the genesis
	doc     *cmttypes.GenesisDoc
}

func newOrigin(g *chain.Genesis, r *types.Restart) (*origin, error) {
	doc, err := genesisDoc(g, r)
	return &origin{genesis: g, restart: r, doc: doc}, err
}

// genesisDoc is the chain's genesis as CometBFT knows it. A chain that was restarted begins
// above the act's height, see resume.
func genesisDoc(g *chain.Genesis, r *types.Restart) (*cmttypes.GenesisDoc, error) {
	set, err := g.ValidatorSet()
	if err != nil {
		return nil, err
	}
	doc := &cmttypes.GenesisDoc{
		ChainID: g.RestartedChainID(r), GenesisTime: g.Time.UTC(), InitialHeight: 1,
		ConsensusParams: cmttypes.DefaultConsensusParams(),
	}
	if r != nil {
		doc.GenesisTime, doc.InitialHeight = time.Unix(0, r.Time).UTC(), int64(r.Height)+1
	}
	doc.ConsensusParams.Block.MaxBytes = g.Params.MaxBlockBytes
	doc.ConsensusParams.Block.MaxGas = -1 // gas is the chain's affair
	doc.ConsensusParams.ABCI.VoteExtensionsEnableHeight = 1
	doc.ConsensusParams.Evidence.MaxBytes = 64 << 10
	for i := range set {
		pub := cmted25519.PubKey(set[i].Ed25519[:])
		doc.Validators = append(doc.Validators, cmttypes.GenesisValidator{Address: pub.Address(), PubKey: pub, Power: set[i].Power})
	}
	if err := doc.ValidateAndComplete(); err != nil {
		return nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	return doc, nil
}
