package chain

import (
	"fmt"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/huchain/huchain/chain/policy"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/types"
)

// Chain executes one chain. It holds no state but caches of pure functions, so all its
// methods are safe for concurrent use.
type Chain struct {
	genesis  *Genesis
	vm       VM
	protocol *Protocol
	verifier *verifier

	workers, parallelFrom int // see Options
	ahead, stood          atomic.Uint64

	// Decoded forms of rows and certificates, by their bytes: what is cached is a
	// function of the key, never of the state.
	members   decodedRows[types.Address, *Member]
	contracts decodedRows[string, *ContractRecord]
	certs     *lru.Cache[string, *cert.Certificate]
	params    lastDecoded[paramsRow]
	orgs      lastDecoded[orgIndex]

	validators lastDecoded[types.ValidatorSet]
	policy     *policy.Compiler
	rules      atomic.Pointer[ruleCache]
	inForce    lastDecoded[*RulesInForce]
}

type paramsRow struct {
	params Params
	hash   crypto.Hash
}

// Options are the sizes of caches and worker pools. They never influence results.
type Options struct {
	VerifyWorkers   int // signature checks side by side when a block is judged
	VerifiedEntries int // verified transactions remembered until they are settled
	VerifiedBytes   int // of them
	MemberEntries   int // decoded member rows remembered
	ContractEntries int // decoded contract rows remembered
	RuleEntries     int // compiled supervision rules remembered
	// ExecuteWorkers execute transactions of a block side by side; 1: one after another.
	// It pays from about four cores.
	ExecuteWorkers int
	ParallelFrom   int // smallest block that is executed side by side
}

// DefaultOptions suits a validator with a few hundred thousand members.
func DefaultOptions() Options {
	return Options{VerifyWorkers: 2, VerifiedEntries: 1 << 16, VerifiedBytes: 64 << 20, MemberEntries: 1 << 14, ContractEntries: 256, RuleEntries: 4096,
		ExecuteWorkers: 1, ParallelFrom: 16}
}

// Validate checks the sizes.
func (o Options) Validate() error {
	if o.VerifyWorkers < 1 || o.VerifiedEntries < 1 || o.VerifiedBytes < 1 || o.MemberEntries < 1 || o.ContractEntries < 1 || o.RuleEntries < 1 ||
		o.ExecuteWorkers < 1 || o.ParallelFrom < 1 {
		return fmt.Errorf("chain options: every size must be at least 1: %+v", o)
	}
	return nil
}

// New makes the state machine of the chain that g founds.
func New(g *Genesis, vm VM, opt Options) (*Chain, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	p, err := protocolOf(g.Protocol)
	if err != nil {
		return nil, err
	}
	c := &Chain{genesis: g, vm: vm, protocol: p, verifier: newVerifier(opt.VerifyWorkers, opt.VerifiedEntries, opt.VerifiedBytes),
		workers: opt.ExecuteWorkers, parallelFrom: opt.ParallelFrom}
	if c.members, err = newDecodedRows[types.Address, *Member](opt.MemberEntries); err != nil {
		return nil, err
	}
	if c.contracts, err = newDecodedRows[string, *ContractRecord](opt.ContractEntries); err != nil {
		return nil, err
	}
	if c.certs, err = lru.New[string, *cert.Certificate](opt.MemberEntries); err != nil {
		return nil, err
	}
	if c.policy, err = policy.NewCompiler(opt.RuleEntries); err != nil {
		return nil, err
	}
	return c, nil
}

// Genesis returns what the chain started from.
func (c *Chain) Genesis() *Genesis { return c.genesis }

var validatorsKey = []byte("validators")

// ValidatorsRow names the row that holds the validator set. Its history tells at which
// heights the set changed.
func ValidatorsRow() (ns string, key []byte) { return NSGovernance, validatorsKey }

// Validators returns the set in the state after a block: the one that votes two heights
// later and signs the header after the block's own. The result must not be changed.
func (c *Chain) Validators(st State) (types.ValidatorSet, error) {
	raw, found, err := st.Get(NSGovernance, validatorsKey)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errCorrupt("validators", fmt.Errorf("row is missing"))
	}
	set, err := c.validators.get(raw, types.DecodeValidatorSet)
	if err != nil {
		return nil, errCorrupt("validators", err)
	}
	return set, nil
}

// Params returns the governed parameters and the hash that stands for them in the
// content root.
func (c *Chain) Params(st State) (Params, crypto.Hash, error) {
	raw, found, err := st.Get(NSGovernance, []byte("params"))
	if err != nil {
		return Params{}, crypto.Hash{}, err
	}
	if !found {
		return Params{}, crypto.Hash{}, errCorrupt("chain parameters", fmt.Errorf("row is missing"))
	}
	row, err := c.params.get(raw, func(raw []byte) (paramsRow, error) {
		r := paramsRow{hash: crypto.Sum(raw)}
		err := decodeStrict(raw, &r.params)
		return r, err
	})
	if err != nil {
		return Params{}, crypto.Hash{}, errCorrupt("chain parameters", err)
	}
	return row.params, row.hash, nil
}
