package test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

// interpreting makes the last validator run contracts without compiling them.
func interpreting(n *network) {
	file := n.NodeHome(n.Nodes[3].Name).ConfigFile()
	text, err := os.ReadFile(file)
	require.NoError(n.t, err)
	require.Contains(n.t, string(text), "[vm]\n")
	changed := strings.Replace(string(text), "[vm]\n", "[vm]\ninterpreter = true\n", 1)
	require.NoError(n.t, os.WriteFile(file, []byte(changed), 0o600))
}

// TestContractsOnValidators: the sample in Go and in Rust is installed, called, upgraded
// with its state kept, frozen, unfrozen and ended by the permitted role on four
// validators, one of which interprets what the others compile; their headers, which
// commit to results, events, writes and gas, are equal. A module with a forbidden import,
// a downgrade, another role and a call to a frozen contract are refused.
// covers: T.08, T.21
func TestContractsOnValidators(t *testing.T) {
	n := shared(t, "contracts", beside, interpreting)
	ctx := context.Background()
	admin, err := n.Member("archives/admin")
	require.NoError(t, err)
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	one := n.client(0)
	call := func(by *client.Identity, contract, method string, args map[string]string) (*client.Committed, error) {
		return one.Call(ctx, by, contract, method, args)
	}
	refused := func(want types.Code, err error) {
		t.Helper()
		require.Equal(t, want, types.CodeOf(err), "%v", err)
	}

	first, next, answers := map[string][]byte{}, map[string][]byte{}, map[string][]string{}
	for _, name := range []string{"asset-go", "asset-rust"} {
		first[name], next[name] = versions(t, name)
		_, err = one.Deploy(ctx, clerk, first[name], nil, nil)
		refused(types.CodePermissionDenied, err)
		_, err := one.Deploy(ctx, admin, first[name], nil, nil)
		require.NoError(t, err)
		for _, step := range []struct {
			by     *client.Identity
			method string
			args   map[string]string
		}{
			{admin, "issue", map[string]string{"to": "archives/clerk", "amount": "100"}},
			{clerk, "transfer", map[string]string{"to": "court/clerk", "amount": "30"}},
			{clerk, "transfer", map[string]string{"to": "court/clerk", "amount": "71"}},
		} {
			out, err := call(step.by, name, step.method, step.args)
			if err != nil {
				answers[name] = append(answers[name], strings.ReplaceAll(err.Error(), name, "asset"))
				continue
			}
			answers[name] = append(answers[name], string(out.Receipt.Result))
		}
	}
	require.Equal(t, answers["asset-go"], answers["asset-rust"], "both languages answer alike")
	require.Contains(t, answers["asset-rust"][2], "asset.", "more than the balance is refused by the contract")

	// Upgrade after a rehearsal; the state stays.
	file, second := filepath.Join(t.TempDir(), "asset-rust-1.1.0.hcp"), next["asset-rust"]
	require.NoError(t, os.WriteFile(file, second, 0o644))
	n.huchain("contract", "upgrade", file, "--rehearse", "10")
	_, err = one.Upgrade(ctx, clerk, second, nil, nil)
	refused(types.CodePermissionDenied, err)
	up, err := one.Upgrade(ctx, admin, second, nil, nil)
	require.NoError(t, err)
	_, err = one.Upgrade(ctx, admin, first["asset-rust"], nil, nil)
	refused(types.CodePackageInvalid, err)
	n.reaches(up.Height, 0, 1, 2, 3) // the interpreter takes its time
	for i := range n.Nodes {
		got, err := n.client(i).Query(ctx, nil, "asset-rust", "getBalance", map[string]string{"owner": "court/clerk"})
		require.NoError(t, err)
		require.JSONEq(t, `{"owner":"court/clerk","amount":"30"}`, string(got.Result), n.Nodes[i].Name)
	}
	var record struct {
		Versions []struct {
			Version, Code, Publisher string
			Height                   uint64
		}
	}
	info, err := one.Query(ctx, nil, "contracts", "get", map[string]string{"name": "asset-rust"})
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(info.Result, &record))
	require.Len(t, record.Versions, 2)
	require.Equal(t, "archives/admin", record.Versions[1].Publisher)
	require.Equal(t, up.Height, record.Versions[1].Height)

	// Freeze, unfreeze, end.
	name, transfer := map[string]string{"name": "asset-rust"}, map[string]string{"to": "court/clerk", "amount": "1"}
	_, err = call(clerk, "contracts", "freeze", name)
	refused(types.CodePermissionDenied, err)
	_, err = call(admin, "contracts", "freeze", name)
	require.NoError(t, err)
	_, err = call(clerk, "asset-rust", "transfer", transfer)
	refused(types.CodeContractFrozen, err)
	_, err = call(admin, "contracts", "unfreeze", name)
	require.NoError(t, err)
	_, err = call(clerk, "asset-rust", "transfer", transfer)
	require.NoError(t, err)
	_, err = call(admin, "contracts", "revoke", name)
	require.NoError(t, err)
	_, err = call(clerk, "asset-rust", "transfer", transfer)
	refused(types.CodeContractFrozen, err)

	// A module that could behave differently on each node, and an endless one.
	b := wasmtest.New()
	b.Import("env", "time", wasmtest.T("i", "i"))
	foreign, err := bundle.Build("testdata/loop", b.Call("", "nop").Bytes())
	require.NoError(t, err)
	_, err = one.Deploy(ctx, admin, foreign, nil, nil)
	refused(types.CodeModuleRefused, err)
	require.ErrorContains(t, err, `import of the unknown function "env"."time"`)
	frugal := client.DefaultParams(n.Nodes[0].URL()) // an interpreter takes a minute for the usual gas
	frugal.Chain, frugal.GasLimit = n.Chain, 10_000_000
	poor, err := client.New(ctx, frugal)
	require.NoError(t, err)
	_, err = poor.Call(ctx, clerk, "loop", "spin", map[string]string{})
	refused(types.CodeOutOfGas, err)

	last, err := one.Call(ctx, clerk, "evidence", "deposit", newDeposit())
	require.NoError(t, err)
	n.reaches(last.Height, 0, 1, 2, 3) // the interpreter takes its time
	n.sameHeaders(0, 1, 2, 3)
}
