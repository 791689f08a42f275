package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// ExistingHash is the hash of the i-th record that a chain was founded with for a
// measurement, see package preload.
func ExistingHash(i int) crypto.Hash { return crypto.Sum(fmt.Appendf(nil, "existing record %d", i)) }

// anyRecord picks a deposit that is on the chain: one of those it was founded with, or
// one that the run made while it prepared.
func (r *run) anyRecord(rnd *rand.Rand) crypto.Hash {
	if n := r.t.Existing; n > 0 {
		return ExistingHash(rnd.IntN(n))
	}
	return r.records[rnd.IntN(len(r.records))]
}

func mentions(answer []byte, hash crypto.Hash) error {
	if !bytes.Contains(answer, []byte(hash.String())) {
		return types.Errorf(types.CodeLedgerCorrupt, "the answer is not about %s: %s", hash, answer)
	}
	return nil
}

// readable is how many deposits a run makes for its reads.
const readable = 1000

// depositSome makes what reads are about, and fetches what proofs are checked against.
func depositSome(ctx context.Context, r *run) (err error) {
	if r.trust, err = r.clients[0].Trust(ctx); err != nil || r.t.Existing > 0 {
		return err
	}
	rnd := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // makes payloads
	r.records = make([]crypto.Hash, readable)
	return r.settle(ctx, readable, func(i int) (*types.Tx, error) {
		d := deposit(rnd, r.p.Payload)
		var args struct{ Hash crypto.Hash }
		if err := json.Unmarshal(d.args, &args); err != nil {
			return nil, fmt.Errorf("read own arguments: %w", err)
		}
		r.records[i] = args.Hash
		return r.members[i%len(r.members)].sign(r.t.Genesis, d, false)
	})
}

// issueUnits gives every account more than it can spend.
func issueUnits(ctx context.Context, r *run) error {
	const units = 1_000_000 // what one call may issue by default
	return r.settle(ctx, len(r.members), func(i int) (*types.Tx, error) {
		args := fmt.Sprintf(`{"to":"%s","amount":"%d"}`, r.members[i].id, units)
		return r.issuer.sign(r.t.Genesis, call{assetContract, "issue", []byte(args)}, false)
	})
}
