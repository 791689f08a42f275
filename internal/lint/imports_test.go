package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// arrow says which packages of ours the packages below from may import, besides
// themselves. The longest from that matches a package decides.
type arrow struct {
	from   string
	may    []string // folders; "*" is anything
	reason string
}

var arrows = []arrow{
	{"crypto", nil, "everything builds on it"},
	{"crypto/keystore", []string{"crypto", "types"}, "it answers operators with coded errors"},
	{"types", []string{"crypto"}, "what goes over the wire must be usable without a node"},
	{"ledger", []string{"crypto", "types", "internal/offheap"}, "storage does not know who executes"},
	{"ledger/proof", []string{"crypto", "types"}, "verifiers link it without a database"},
	{"ledger/archive/target", []string{"crypto", "types"}, "services keep files in the same places as archives do"},
	{"ledger/driver", nil, "a driver stores bytes and knows no meaning"},
	{"crosschain/light", []string{"crypto", "types", "ledger/proof"}, "a light client runs without a node"},
	{"vm", []string{"crypto", "types"}, "the machine reaches the chain through host.Env alone"},
	{"contracts/sdk/go", nil, "it is compiled into contracts"},
	{"contracts/sdk/go/codegen", []string{"contracts/bundle"}, "it runs where contracts are written, not inside them"},
	{"contracts/sdk/go/codegen/alltypes", []string{"contracts/sdk/go"}, "a contract sees the SDK alone"},
	{"contracts/bundle", []string{"crypto", "types", "vm/host", "vm/check"}, "chain reads packages through it"},
	{"contracts/testkit", []string{"crypto", "types", "vm", "chain", "ledger/state", "ledger/proof", "contracts"}, "it plays a chain without a network"},
	{"contracts/base", []string{"contracts/sdk/go"}, "a contract sees the SDK alone"},
	{"contracts/apps", []string{"contracts/sdk/go"}, "a contract sees the SDK alone"},
	{"contracts/samples", []string{"contracts/sdk/go"}, "a contract sees the SDK alone"},
	{"contracts", []string{"crypto", "types", "vm", "contracts"}, "tooling of contracts needs no chain"},
	{"chain", []string{"crypto", "types", "vm", "ledger/proof", "crosschain/light", "contracts/bundle", "internal/offheap"}, "the state machine is pure: no storage, no network, no CometBFT"},
	{"consensus", []string{"crypto", "types", "vm", "chain", "ledger", "contracts/bundle"}, "it serves node, not the other way round"},
	{"client", []string{"crypto", "types", "ledger/proof", "crosschain/light"}, "SDK users link no node"},
	{"services", []string{"crypto", "types", "ledger/proof", "crosschain/light", "client", "contracts/bundle", "ledger/archive/target"}, "services reach chains through the client"},
	{"crosschain/relay", []string{"crypto", "types", "ledger/proof", "crosschain", "client"}, "the relay reaches chains through the client"},
	{"bench", []string{"crypto", "types", "ledger/proof", "client", "internal/version"}, "load comes from outside, as users' does"},
	{"bench/preload", []string{"crypto", "types", "ledger", "vm", "chain", "bench"}, "it lays records into ledgers before their chains begin"},
	{"devnet", []string{"crypto", "types", "vm", "chain", "consensus", "contracts", "node", "client"}, "it founds a network and starts its processes"},
	{"node", []string{"crypto", "types", "vm", "chain", "ledger", "consensus", "crosschain", "contracts/bundle", "internal/version", "web"}, "what node serves of services it gets through its own interfaces"},
	{"web", nil, "it holds files"},
	{"cmd", []string{"*"}, "the binary wires everything"},
	{"test", []string{"*"}, "end-to-end tests"},
	{"internal", nil, "nothing of ours is needed there"},
}

// fences say who alone may import a library or a part of the standard library.
var fences = []struct {
	lib    string
	only   []string
	reason string
}{
	{"github.com/cometbft", []string{"consensus"}, "consensus is its only importer, so that it can be replaced"},
	{"github.com/cosmos/gogoproto", []string{"consensus"}, "it belongs to CometBFT"},
	{"github.com/cockroachdb/pebble", []string{"ledger", "consensus"}, "storage goes through ledger"},
	{"github.com/tetratelabs/wazero", []string{"vm"}, "WASM runs in vm alone"},
	{"github.com/google/cel-go", []string{"chain/policy"}, "rules are judged in one place"},
	{"github.com/spf13/cobra", []string{"cmd"}, "commands are wired in cmd alone"},
	{"github.com/danielgtaylor/huma", []string{"node"}, "the HTTP API is node's"},
	{"github.com/emmansun/gmsm", []string{"crypto", "contracts/sdk/go"}, "cryptography goes through crypto"},
	{module + "/crypto/loadsign", []string{"bench"}, "it signs in variable time, for keys that protect nothing"},
	{"github.com/ebitengine/purego", []string{"crypto/sdf"}, "no library is loaded but a device's"},
	{"modernc.org/sqlite", []string{"services"}, "SQL is for copies of a chain, never for the ledger"},
	{"github.com/coreos/go-oidc", []string{"node/access"}, "logins are judged in one place"},
	{"github.com/nats-io", []string{"services"}, "messages leave by services alone"},
	{"C", nil, "the release build has no cgo"},
	{"plugin", nil, "one static binary"},
}

// pureDirs have no clock, network or disk; impure lists what that rules out.
var (
	pureDirs = []string{"types", "chain", "ledger/proof", "vm/instrument", "vm/check", "vm/host", "crosschain/light"}
	impure   = []string{"os", "net", "net/http", "os/exec", "os/signal", "io/ioutil", "syscall", "database/sql", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand"}
)

// TestImports: imports point one way, as docs/rationale.md draws it. Tests may look
// further, since they link nothing.
func TestImports(t *testing.T) { report(t, imports(goFiles(t, false))) }

func imports(files []parsed) []string {
	var bad []string
	for _, f := range files {
		for _, spec := range f.file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue
			}
			if why := forbidden(f.dirName(), path); why != "" {
				bad = append(bad, fmt.Sprintf("%s imports %s: %s", f.path, path, why))
			}
		}
	}
	return bad
}

// forbidden says why a package in dir may not import path, or "".
func forbidden(dir, path string) string {
	for _, fence := range fences {
		if below(path, fence.lib) && !slices.ContainsFunc(fence.only, func(d string) bool { return below(dir, d) }) {
			return fmt.Sprintf("only %v may: %s", fence.only, fence.reason)
		}
	}
	if slices.Contains(impure, path) && !testSupport(dir) && slices.ContainsFunc(pureDirs, func(d string) bool { return below(dir, d) }) {
		return "pure code has no clock, network, disk, log or randomness; they stay with the caller"
	}
	ours, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return ""
	}
	a := arrowOf(dir)
	if a == nil {
		return "the folder has no row in the table of imports"
	}
	if below(ours, a.from) && arrowOf(ours) == a || slices.Contains(a.may, "*") ||
		slices.ContainsFunc(a.may, func(d string) bool { return below(ours, d) }) ||
		a.from == "ledger" && below(ours, "ledger") {
		return ""
	}
	return fmt.Sprintf("%s may import %v of ours: %s", a.from, a.may, a.reason)
}

func arrowOf(dir string) *arrow {
	var best *arrow
	for i := range arrows {
		if below(dir, arrows[i].from) && (best == nil || len(arrows[i].from) > len(best.from)) {
			best = &arrows[i]
		}
	}
	return best
}

// testSupport reports whether dir holds what several packages' tests share, such as
// chain/chaintest.
func testSupport(dir string) bool {
	return slices.ContainsFunc(strings.Split(dir, "/"), func(part string) bool { return strings.HasSuffix(part, "test") })
}

// below reports whether path is dir or lies in it.
func below(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

func TestImportRulesCatch(t *testing.T) {
	for _, c := range []struct {
		dir, path string
		ok        bool
	}{
		{"types", module + "/crypto", true},
		{"types", module + "/crypto/cert", true},
		{"crypto/cert", module + "/crypto", true},
		{"crypto", module + "/types", false},
		{"types", "os", false},
		{"chain", module + "/ledger/proof", true},
		{"chain", module + "/ledger", false},
		{"chain", module + "/ledger/state", false},
		{"chain", "net/http", false},
		{"chain/execute", "math/rand/v2", false},
		{"ledger", module + "/ledger/driver", true},
		{"ledger/proof", module + "/ledger/state", false},
		{"ledger", module + "/chain", false},
		{"consensus", "github.com/cometbft/cometbft/abci/types", true},
		{"node", "github.com/cometbft/cometbft/abci/types", false},
		{"node", module + "/client", false},
		{"client", module + "/node", false},
		{"client", module + "/consensus", false},
		{"client", module + "/ledger/proof", true},
		{"client", module + "/ledger", false},
		{"contracts/base/evidence", module + "/contracts/sdk/go", true},
		{"contracts/base/evidence", module + "/types", false},
		{"contracts/testkit", module + "/ledger/state", true},
		{"contracts/testkit", module + "/consensus", false},
		{"bench", module + "/node", false},
		{"services/mirror", module + "/client", true},
		{"services/mirror/push", module + "/services/mirror", true},
		{"services/mirror", module + "/ledger", false},
		{"services/mirror", module + "/node/api", false},
		{"node", module + "/services/mirror", false},
		{"ledger", "modernc.org/sqlite", false},
		{"node", "github.com/nats-io/nats.go", false},
		{"cmd/huchain", module + "/node", true},
		{"consensus", module + "/node", false},
		{"vm/engine", module + "/chain", false},
		{"vm/engine", "github.com/tetratelabs/wazero", true},
		{"chain", "github.com/tetratelabs/wazero", false},
		{"somewhere", module + "/types", false},
		{"crypto", "C", false},
		{"typesetting", module + "/crypto", false},
	} {
		require.Equal(t, c.ok, forbidden(c.dir, c.path) == "", "%s imports %s: %s", c.dir, c.path, forbidden(c.dir, c.path))
	}
}
