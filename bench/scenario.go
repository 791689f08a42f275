package bench

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"

	"github.com/huchain/huchain/crypto"
)

// call is one contract call of a workload.
type call struct {
	contract, method string
	args             []byte
}

// scenario is a workload: of transactions that are signed and submitted in batches, or
// of single calls by a number of clients.
type scenario struct {
	name       string
	about      string
	contention string
	needs      []string // contracts
	// prepare brings the chain to where the workload can begin; nil for nothing.
	prepare func(ctx context.Context, r *run) error
	// next makes a transaction; several goroutines call it, each with randomness of its own.
	next func(r *run, rnd *rand.Rand) (*member, call)
	// ops are the single calls, picked by weight.
	ops []op
}

// single reports whether the workload consists of single calls.
func (s *scenario) single() bool { return len(s.ops) > 0 }

const evidenceContract, assetContract = "evidence", "asset-go"

var scenarios = []scenario{
	{
		name: "evidence", about: "deposit of a unique hash: a blind write of two state rows", needs: []string{evidenceContract},
		contention: "none: every transaction writes keys of its own",
		next:       func(r *run, rnd *rand.Rand) (*member, call) { return r.anyMember(rnd), deposit(rnd, r.p.Payload) },
	},
	{
		name: "transfer", about: "transfer of units between two accounts: two rows read and written; --zipf says how unequally accounts are picked",
		needs: []string{assetContract}, prepare: issueUnits, next: transfer,
	},
	{
		name: "query", about: "state rows read with a proof, each proof checked down to the validators' signatures", needs: []string{evidenceContract},
		contention: "none: nothing is written", prepare: depositSome, ops: queryOps,
	},
	{
		name: "mixed", about: "what people do at a console: logins, pages, deposits with receipt, verification, proofs, lists, details and figures", needs: []string{evidenceContract},
		contention: "none: every deposit writes keys of its own", prepare: depositSome, ops: mixedOps,
	},
	{
		name: "read", about: "what explorers ask: blocks, transactions by id and sender, proven rows, searches and figures of the mirror; --stored says of how many deposits",
		needs: []string{evidenceContract}, contention: "none: nothing is written", prepare: depositHistory, ops: readOps,
	},
	{
		name: DIDScenario, about: "creation of DIDs in batches, then their resolution at random; --dids and --lookups say how many", needs: []string{identityContract},
	},
}

// Scenarios lists what can be run: name and description.
func Scenarios() []string {
	var out []string
	for _, s := range scenarios {
		out = append(out, s.name+": "+s.about)
	}
	sort.Strings(out)
	return out
}

// Needs lists the contracts that a scenario calls.
func Needs(name string) ([]string, error) {
	s, err := scenarioOf(name)
	if err != nil {
		return nil, err
	}
	return s.needs, nil
}

func scenarioOf(name string) (*scenario, error) {
	for i := range scenarios {
		if scenarios[i].name == name {
			return &scenarios[i], nil
		}
	}
	return nil, usage("scenario %q is unknown; there are: %s", name, strings.Join(Scenarios(), "; "))
}

func (r *run) anyMember(rnd *rand.Rand) *member { return r.members[rnd.IntN(len(r.members))] }

// metadataFrame is what metadata costs in the arguments besides its text: `,"metadata":""`.
const metadataFrame = 14

// deposit makes a deposit of a hash that no other call deposits; it fills the body of the
// transaction to the given number of bytes.
func deposit(rnd *rand.Rand, bodyBytes int) call {
	var seed [16]byte
	binary.LittleEndian.PutUint64(seed[:], rnd.Uint64())
	binary.LittleEndian.PutUint64(seed[8:], rnd.Uint64())
	args := fmt.Sprintf(`{"hash":"%s","title":"evidence: %s`, crypto.Sum(seed[:]), hex.EncodeToString(seed[:]))
	switch more := bodyBytes - minPayload; {
	case more <= metadataFrame:
		args += strings.Repeat(".", more) + `"}`
	default:
		args += `","metadata":"` + filler(rnd, more-metadataFrame) + `"}`
	}
	return call{evidenceContract, "deposit", []byte(args)}
}

// Text of one character takes 1 byte, 4 as an ideograph outside the basic plane, and 12
// as the same in escapes.
const (
	maxCharacters  = 2000 // that the contract keeps as metadata
	ideographBytes = 4
	escapedBytes   = 12
)

// filler makes text of n bytes in at most maxCharacters characters.
func filler(rnd *rand.Rand, n int) string {
	escaped := max(0, ceilDiv(n-ideographBytes*maxCharacters, escapedBytes-ideographBytes))
	n -= escapedBytes * escaped
	wide := max(0, ceilDiv(n-(maxCharacters-escaped), ideographBytes-1))
	n -= ideographBytes * wide
	var b strings.Builder
	ideograph := func() rune { return rune(0x20000 + rnd.IntN(0xA000)) }
	for range escaped {
		c := ideograph() - 0x10000
		fmt.Fprintf(&b, `\u%04x\u%04x`, 0xD800+c>>10, 0xDC00+c&0x3FF)
	}
	for range wide {
		b.WriteRune(ideograph())
	}
	for range n {
		b.WriteByte("0123456789abcdef"[rnd.IntN(16)])
	}
	return b.String()
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// zipf picks an index below its length, the i-th with a weight of 1/(i+1)^s.
type zipf []float64 // sums of weights, the last 1

func newZipf(n int, s float64) zipf {
	z := make(zipf, n)
	sum := 0.0
	for i := range z {
		sum += math.Pow(float64(i+1), -s)
		z[i] = sum
	}
	for i := range z {
		z[i] /= sum
	}
	return z
}

func (z zipf) pick(rnd *rand.Rand) int {
	return min(sort.SearchFloat64s(z, rnd.Float64()), len(z)-1)
}

// transfer moves a unit between two accounts.
func transfer(r *run, rnd *rand.Rand) (*member, call) {
	from, to := r.accounts.pick(rnd), r.accounts.pick(rnd)
	for to == from {
		to = rnd.IntN(len(r.members))
	}
	args := fmt.Sprintf(`{"to":"%s","amount":"1"}`, r.members[to].id)
	return r.members[from], call{assetContract, "transfer", []byte(args)}
}
