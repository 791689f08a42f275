package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

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
	return r.anyWritten(rnd).hash
}

// written is a deposit that the run has made.
type written struct {
	hash, tx crypto.Hash
	height   uint64
	by       *member
	word     string // of its title, and of no other's
}

func (r *run) anyWritten(rnd *rand.Rand) *written { return &r.records[rnd.IntN(len(r.records))] }

func mentions(answer []byte, hash crypto.Hash) error {
	if !bytes.Contains(answer, []byte(hash.String())) {
		return types.Errorf(types.CodeLedgerCorrupt, "the answer is not about %s: %s", hash, answer)
	}
	return nil
}

// readable is how many deposits a run makes for its reads, or remembers of more.
const readable = 1000

// depositSome makes what reads are about, and fetches what proofs are checked against.
func depositSome(ctx context.Context, r *run) (err error) {
	if r.t.Existing > 0 {
		r.trust, err = r.clients[0].Trust(ctx)
		return err
	}
	return r.deposits(ctx, readable)
}

// depositHistory makes as many deposits as the chain shall hold before its reads are
// measured.
func depositHistory(ctx context.Context, r *run) error {
	return r.deposits(ctx, max(r.p.Stored, readable))
}

func (r *run) deposits(ctx context.Context, n int) (err error) {
	if r.trust, err = r.clients[0].Trust(ctx); err != nil {
		return err
	}
	rnd := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // makes payloads
	every := n / readable
	err = r.settle(ctx, n, func(i int) (*types.Tx, error) {
		d := deposit(rnd, r.p.Payload)
		by := r.members[i%len(r.members)]
		tx, err := by.sign(r.t.Genesis, d, false)
		if err != nil || i%every != 0 {
			return tx, err
		}
		var args struct {
			Hash  crypto.Hash
			Title string
		}
		if err := json.Unmarshal(d.args, &args); err != nil {
			return nil, fmt.Errorf("read own arguments: %w", err)
		}
		r.records = append(r.records, written{hash: args.Hash, tx: tx.ID(), by: by, word: strings.Trim(strings.TrimPrefix(args.Title, "evidence: "), ".")})
		return tx, nil
	})
	if err != nil {
		return err
	}
	for i := range r.records {
		tx, err := r.clients[0].Tx(ctx, r.records[i].tx, false)
		if err != nil {
			return err
		}
		r.records[i].height = tx.Height
	}
	if err := r.level(ctx); err != nil {
		return err
	}
	return r.awaitMirror(ctx)
}

// issueUnits gives every account more than it can spend.
func issueUnits(ctx context.Context, r *run) error {
	const units = 1_000_000 // what one call may issue by default
	return r.settle(ctx, len(r.members), func(i int) (*types.Tx, error) {
		args := fmt.Sprintf(`{"to":"%s","amount":"%d"}`, r.members[i].id, units)
		return r.issuer.sign(r.t.Genesis, call{assetContract, "issue", []byte(args)}, false)
	})
}
