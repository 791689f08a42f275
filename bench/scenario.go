package bench

import (
	"encoding/hex"
	"fmt"
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

// scenario makes the calls of a workload. next is called by several goroutines, each
// with its own source of randomness.
type scenario struct {
	name  string
	about string
	next  func(rnd *rand.Rand) call
}

var scenarios = []scenario{
	{"evidence", "deposit of a unique hash: a blind write of two state rows", depositUnique},
}

// Scenarios lists the scenarios with a line about each.
func Scenarios() []string {
	var out []string
	for _, s := range scenarios {
		out = append(out, s.name+": "+s.about)
	}
	out = append(out, DIDScenario+": creation of DIDs in batches, then their resolution at random; --dids and --lookups say how many")
	sort.Strings(out)
	return out
}

func scenarioOf(name string) (*scenario, error) {
	for i := range scenarios {
		if scenarios[i].name == name {
			return &scenarios[i], nil
		}
	}
	return nil, usage("scenario %q is unknown; there are: %s", name, strings.Join(Scenarios(), "; "))
}

// depositUnique fills the transaction body to 250 bytes.
func depositUnique(rnd *rand.Rand) call {
	var seed [16]byte
	for i := range seed {
		seed[i] = byte(rnd.Uint32())
	}
	h := crypto.Sum(seed[:])
	args := fmt.Sprintf(`{"hash":"%s","title":"evidence: %s"}`, h, hex.EncodeToString(seed[:]))
	return call{"evidence", "deposit", []byte(args)}
}
