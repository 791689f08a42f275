package chain_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/instrument"
)

// The majority changes single prices, the others stay; prices that would let contracts
// run for nothing, or past what was tested, are refused.
func TestGasIsAParameter(t *testing.T) {
	c := newCouncil(t)
	want := instrument.ScheduleV1()
	require.Equal(t, want, c.params().Gas)
	c.no(types.CodePermissionDenied, c.admins[0], "governance", "setParams", `{"gas":{"stateWrite":6000}}`)
	res := c.run(c.call(c.admins[0], "governance", "setParams", `{"gas":{"stateWrite":6000,"maxPages":2048}}`, c.admins[2]))
	require.True(t, res.Receipts[0].OK(), res.Receipts[0].Error)
	require.True(t, res.Repriced, "contracts are compiled for other prices before they are called")
	want.StateWrite, want.MaxPages = 6000, 2048
	require.Equal(t, want, c.params().Gas)
	for _, bad := range []string{`{"op":0}`, `{"version":2}`, `{"stackSlots":262144}`, `{"frameSlots":1}`, `{"maxPages":100}`,
		`{"copyPer":6}`, `{"verify":0}`, `{"stateByte":99999999999}`, `{"initGas":1}`, `{"unknown":1}`} {
		c.no(types.CodeBadArguments, c.admins[0], "governance", "setParams", `{"gas":`+bad+`}`, c.admins[2])
	}
	require.Equal(t, want, c.params().Gas)
	res = c.run(c.call(c.admins[0], "governance", "setParams", `{"maxTxGas":200000000}`, c.admins[2]))
	require.True(t, res.Receipts[0].OK(), res.Receipts[0].Error)
	require.False(t, res.Repriced)
}

// What goes wrong on this node alone while a contract calls another ends the block's
// execution: neither receipt nor contract may see it, for other nodes don't.
func TestOwnTroubleReachesNoContract(t *testing.T) {
	b := newBed(t)
	for _, contract := range []string{"notebook", "caller"} {
		method, args := "broken", ``
		if contract == "caller" {
			method, args = "relay", `broken`
		}
		tx := b.call(b.clerk, contract, method, args)
		_, err := b.c.Execute(context.Background(), b.st, b.ids, &chain.BlockInput{Height: b.height + 1, Time: b.now.UnixNano(), Txs: [][]byte{tx.Bytes()}})
		require.Equal(t, types.CodeInternal, types.CodeOf(err), contract)
	}
}

// Code that the engine has dropped, to make room, is loaded again where it is called.
func TestDroppedCodeIsLoadedAgain(t *testing.T) {
	b := newBed(t)
	for range 3 {
		b.vm.Forget(crypto.Sum([]byte("go contract notebook")))
		b.must(b.call(b.clerk, "caller", "relay", `put`))
	}
}
