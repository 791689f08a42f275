package chain_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

var start = time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)

// bed is a chain with a notebook contract, three organisations and members.
type bed struct {
	proven   []chain.Misbehaviour // what the next block proves
	t        *testing.T
	w        *chaintest.World
	vm       *chaintest.GoVM
	g        *chain.Genesis
	c        *chain.Chain
	twin     *chain.Chain // executes the same blocks side by side
	st       *chaintest.State
	ids      *chain.IDWindow
	packages map[crypto.Hash][]byte
	height   uint64
	now      time.Time
	clerk    *chaintest.Member
	auditor  *chaintest.Member
	admin    *chaintest.Member
}

func newBed(t *testing.T) *bed { return newBedWith(t, func(*chain.Params) {}) }

func newBedWith(t *testing.T, change func(*chain.Params)) *bed {
	return newBedOf(t, func(w *chaintest.World, _ *chaintest.GoVM) { change(&w.Genesis.Params) })
}

func newBedOf(t *testing.T, change func(*chaintest.World, *chaintest.GoVM)) *bed {
	w := chaintest.NewWorld(start, "archives", "court", "notary")
	vm := chaintest.NewGoVM()
	change(w, vm)
	vm.Install(w, "notebook", map[string]string{
		"put": "ANY role:client", "fail": "ANY role:client", "relay": "ANY role:client", "joint": "2-of role:client",
		"big": "ANY role:client", "getNote": "public", "getSecret": "ANY role:auditor", "getSneaky": "public", "loop": "ANY role:client", "broken": "ANY role:client", "stray": "ANY role:client",
	}, notebook, "caller@1")
	vm.Install(w, "caller", map[string]string{"relay": "ANY role:client", "getThrough": "public"}, relay, "notebook@1")
	g, packages := w.Seal()
	c, err := chain.New(g, vm, chain.DefaultOptions())
	require.NoError(t, err)
	res, err := c.InitGenesis(context.Background(), packages)
	require.NoError(t, err)
	b := &bed{t: t, w: w, vm: vm, packages: packages, g: g, c: c, st: chaintest.NewState(), ids: chain.NewIDWindow(), now: start.Add(time.Second)}
	b.twin = parallel(t, g, vm, 4)
	b.st.Apply(res.Writes)
	b.clerk = w.Member("archives", "clerk", "client")
	b.auditor = w.Member("court", "auditor", "auditor")
	b.admin = w.Member("archives", "admin", "admin")
	return b
}

func notebook(env host.Env, args []byte) ([]byte, error) {
	switch env.Info().Method {
	case "put", "joint":
		var in struct{ Key, Value string }
		if err := json.Unmarshal(args, &in); err != nil {
			return nil, &host.Failure{Name: "bad_arguments", Text: "not JSON"}
		}
		if err := env.Put([]byte(in.Key), []byte(in.Value)); err != nil {
			return nil, err
		}
		return []byte(`"done"`), env.Emit("noted", args)
	case "fail":
		if err := env.Put([]byte("trace"), []byte("x")); err != nil {
			return nil, err
		}
		if err := env.Emit("lie", nil); err != nil {
			return nil, err
		}
		return nil, &host.Failure{Name: "refused", Text: "as asked"}
	case "getNote":
		v, _, err := env.Get([]byte("a"))
		return append(append([]byte{'"'}, v...), '"'), err
	case "getSecret":
		return json.Marshal(env.Info().Caller.Member)
	case "getSneaky":
		return nil, env.Put([]byte("a"), []byte("b"))
	case "big":
		return nil, env.Put([]byte("a"), make([]byte, types.MaxValueBytes+1))
	case "stray":
		_, _, err := env.Call("evidence", "get", nil, 10_000)
		return nil, err
	case "loop":
		out, _, err := env.Call("caller", "relay", []byte("put"), 10_000)
		return out, err
	}
	return nil, errors.New("unreachable")
}

// relay calls notebook methods and reports what came of it, keeping a row of its own.
func relay(env host.Env, args []byte) ([]byte, error) {
	method := map[string]string{"relay": string(args), "getThrough": "put"}[env.Info().Method]
	if env.Info().Kind == host.KindCall {
		if err := env.Put([]byte("mine"), args); err != nil {
			return nil, err
		}
	}
	out, _, err := env.Call("notebook", method, []byte(`{"Key":"nested","Value":"v"}`), 10_000)
	var f *host.Failure
	if errors.As(err, &f) {
		return json.Marshal("callee: " + f.Error())
	}
	return out, err
}

// call signs a call of m at the present time.
func (b *bed) call(m *chaintest.Member, contract, method, args string, with ...*chaintest.Member) *types.Tx {
	return chaintest.Call(b.g, m, b.now, contract, method, args, true, with...)
}

// run executes one block and commits it.
func (b *bed) run(txs ...*types.Tx) *chain.Result {
	b.t.Helper()
	b.height++
	b.now = b.now.Add(time.Second)
	blk := &chain.BlockInput{Height: b.height, Time: b.now.UnixNano(), Misbehaviour: b.proven}
	b.proven = nil
	for _, tx := range txs {
		blk.Txs = append(blk.Txs, tx.Bytes())
	}
	res, err := b.c.Execute(context.Background(), b.st, b.ids, blk)
	require.NoError(b.t, err)
	aside, err := b.twin.Execute(context.Background(), b.st, b.ids, blk)
	require.NoError(b.t, err)
	if len(res.Events) == 0 { // none, or an empty list
		res.Events, aside.Events = nil, nil
	}
	require.Equal(b.t, res, aside, "side by side as one after another")
	require.Len(b.t, res.Receipts, len(txs))
	var used []crypto.Hash // snapshots take the used ids from the receipts
	for i := range res.Receipts {
		if res.Receipts[i].UsesID() {
			used = append(used, res.Receipts[i].TxID)
		}
	}
	require.Equal(b.t, used, res.UsedIDs)
	b.st.Apply(res.Writes)
	b.ids.Add(blk.Time, res.UsedIDs)
	return res
}

// refused runs one transaction that must leave nothing but its used id.
func (b *bed) refused(code types.Code, tx *types.Tx) types.Receipt {
	b.t.Helper()
	res := b.run(tx)
	require.Equal(b.t, code.String(), res.Receipts[0].Code.String(), res.Receipts[0].Error)
	require.Empty(b.t, res.Writes)
	require.Empty(b.t, res.Events)
	require.Nil(b.t, res.Receipts[0].Result)
	return res.Receipts[0]
}

func TestCallWritesReceiptAndEvent(t *testing.T) {
	b := newBed(t)
	res := b.run(b.call(b.clerk, "notebook", "put", `{"Key":"a","Value":"1"}`))
	r := res.Receipts[0]
	require.True(t, r.OK(), r.Error)
	require.Equal(t, `"done"`, string(r.Result))
	require.EqualValues(t, 1, r.Events)
	require.Equal(t, "noted", res.Events[0].Name)
	require.Equal(t, "notebook", res.Events[0].Contract)
	require.Greater(t, r.GasUsed, uint64(1000))
	require.Len(t, res.UsedIDs, 1)
	v, found, _ := b.st.Get("notebook", []byte("a"))
	require.True(t, found)
	require.Equal(t, "1", string(v))

	// The first call registered the sender; from now on no certificate is needed.
	m, found, err := b.c.Member(b.st, b.clerk.Address())
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, b.clerk.ID, m.Member)
	res = b.run(chaintest.Call(b.g, b.clerk, b.now, "notebook", "put", `{"Key":"b","Value":"2"}`, false))
	require.True(t, res.Receipts[0].OK())
	require.Len(t, res.Writes, 1)
}

// covers: T.05
func TestRefusalsLeaveNoTrace(t *testing.T) {
	b := newBed(t)
	require.True(t, b.run(b.call(b.clerk, "notebook", "put", `{"Key":"a","Value":"1"}`)).Receipts[0].OK())

	b.refused(types.CodeUnknownContract, b.call(b.clerk, "nowhere", "put", `{}`))
	b.refused(types.CodeUnknownMethod, b.call(b.clerk, "notebook", "nothing", `{}`))
	b.refused(types.CodeBadArguments, b.call(b.clerk, "notebook", "put", `not json`))
	b.refused(types.CodeContractError, b.call(b.clerk, "notebook", "fail", `{}`))
	b.refused(types.CodeLimitExceeded, b.call(b.clerk, "notebook", "big", `{}`))
	b.refused(types.CodeReadOnly, b.call(b.clerk, "notebook", "getSneaky", `{}`))
	b.refused(types.CodePermissionDenied, b.call(b.clerk, "notebook", "getSecret", `{}`))
	b.refused(types.CodePermissionDenied, b.call(b.clerk, "notebook", "joint", `{}`))

	stranger := b.w.Member("court", "stranger", "client")
	b.refused(types.CodeUnknownSender, chaintest.Call(b.g, stranger, b.now, "notebook", "put", `{}`, false))

	other := chaintest.NewWorld(start, "archives")
	b.refused(types.CodeForeignCA, b.call(other.Member("archives", "intruder", "client"), "notebook", "put", `{}`))
	b.refused(types.CodeCertExpired, b.call(b.w.MemberUntil("court", "late", b.now.Add(-time.Minute), "client"), "notebook", "put", `{}`))

	body := func(change func(*types.Body)) *types.Tx {
		tx := b.call(b.clerk, "notebook", "put", `{"Key":"z","Value":"z"}`)
		n := tx.Body
		change(&n)
		return chaintest.Sign(&n, b.clerk, false)
	}
	b.refused(types.CodeWrongGenesis, body(func(n *types.Body) { n.Genesis[0] ^= 1 }))
	b.refused(types.CodeTxExpired, body(func(n *types.Body) { n.ValidUntil = b.now.UnixMilli() }))
	b.refused(types.CodeTxTooFar, body(func(n *types.Body) { n.ValidUntil = b.now.Add(types.Window + time.Minute).UnixMilli() }))
	b.refused(types.CodeOutOfGas, body(func(n *types.Body) { n.GasLimit = 10 }))
	b.refused(types.CodeLimitExceeded, body(func(n *types.Body) { n.GasLimit = 5_000_000_000 }))

	used := b.call(b.clerk, "notebook", "put", `{"Key":"b","Value":"2"}`)
	require.True(t, b.run(used).Receipts[0].OK())
	b.refused(types.CodeTxDuplicate, used)
}

// A signature pasted onto a body that was seen as good must fail, cache or no cache, and
// must not use the id up.
func TestPastedSignature(t *testing.T) {
	b := newBed(t)
	good := b.call(b.clerk, "notebook", "put", `{"Key":"a","Value":"1"}`)
	_, err := b.c.Admit(b.st, good.Bytes(), b.now.UnixMilli())
	require.NoError(t, err)
	pasted := resign(t, good, b.auditor)
	_, err = b.c.Admit(b.st, pasted.Bytes(), b.now.UnixMilli())
	require.Equal(t, types.CodeBadSignature, types.CodeOf(err))

	blk := &chain.BlockInput{Height: 1, Time: b.now.UnixNano(), Txs: [][]byte{pasted.Bytes()}}
	require.Equal(t, types.CodeBadSignature, types.CodeOf(b.c.CheckBlock(b.st, b.ids, blk)))
	b.refused(types.CodeBadSignature, pasted)

	// Another body under the very same signature is found where the good one is remembered.
	altered := bytes.Replace(good.Bytes(), []byte(`"Value":"1"`), []byte(`"Value":"9"`), 1)
	require.NotEqual(t, good.Bytes(), altered)
	_, err = b.c.Admit(b.st, altered, b.now.UnixMilli())
	require.Equal(t, types.CodeBadSignature, types.CodeOf(err))
	blk = &chain.BlockInput{Height: 1, Time: b.now.UnixNano(), Txs: [][]byte{altered}}
	require.Equal(t, types.CodeBadSignature, types.CodeOf(b.c.CheckBlock(b.st, b.ids, blk)))
	require.True(t, b.run(good).Receipts[0].OK(), "the id must still be free")
}

// What was admitted is neither decoded nor verified again when a block holds it, until it
// is settled.
func TestAdmittedIsJudgedCheaply(t *testing.T) {
	b := newBed(t)
	blk := b.notes(64)
	judge := func() float64 {
		return testing.AllocsPerRun(5, func() { require.NoError(t, b.c.CheckBlock(b.st, b.ids, blk)) }) / float64(len(blk.Txs))
	}
	for _, raw := range blk.Txs {
		_, err := b.c.Admit(b.st, raw, b.now.UnixMilli())
		require.NoError(t, err)
	}
	require.Less(t, judge(), 8.0, "allocations for a transaction")
	res, err := b.c.Execute(context.Background(), b.st, b.ids, blk)
	require.NoError(t, err)
	require.Len(t, res.UsedIDs, len(blk.Txs))
	b.c.Settled(blk.Txs)
	_, err = b.c.Admit(b.st, blk.Txs[0], b.now.UnixMilli()) // verified anew, and good
	require.NoError(t, err)
}

// resign replaces the signature of tx by one of another member over the same body.
func resign(t *testing.T, tx *types.Tx, by *chaintest.Member) *types.Tx {
	sig, err := by.Key.Sign(tx.BodyBytes)
	require.NoError(t, err)
	raw := append([]byte(nil), tx.Bytes()...)
	copy(raw[len(raw)-len(sig):], sig)
	out, err := types.DecodeTx(raw)
	require.NoError(t, err)
	require.Equal(t, tx.ID(), out.ID())
	return out
}

func TestCheckBlock(t *testing.T) {
	b := newBed(t)
	one := b.call(b.clerk, "notebook", "put", `{"Key":"a","Value":"1"}`)
	two := chaintest.Call(b.g, b.clerk, b.now, "notebook", "put", `{"Key":"b","Value":"2"}`, false)
	check := func(at time.Time, txs ...*types.Tx) types.Code {
		blk := &chain.BlockInput{Height: b.height + 1, Time: at.UnixNano()}
		for _, tx := range txs {
			blk.Txs = append(blk.Txs, tx.Bytes())
		}
		return types.CodeOf(b.c.CheckBlock(b.st, b.ids, blk))
	}
	require.Equal(t, types.CodeOK, check(b.now, one, two), "a certificate earlier in the block makes its key known")
	require.Equal(t, types.CodeUnknownSender, check(b.now, two, one))
	require.Equal(t, types.CodeTxDuplicate, check(b.now, one, one))
	require.Equal(t, types.CodeTxExpired, check(b.now.Add(time.Hour), one))
	require.Equal(t, types.CodeTxTooFar, check(b.now.Add(-time.Hour), one))
	require.Equal(t, types.CodeTxMalformed, types.CodeOf(b.c.CheckBlock(b.st, b.ids, &chain.BlockInput{Height: 1, Time: b.now.UnixNano(), Txs: [][]byte{{1, 2, 3}}})))
	b.run(one)
	require.Equal(t, types.CodeTxDuplicate, check(b.now, one))
}

func TestNestedCalls(t *testing.T) {
	b := newBed(t)
	res := b.run(b.call(b.clerk, "caller", "relay", "put"))
	require.True(t, res.Receipts[0].OK(), res.Receipts[0].Error)
	require.Equal(t, `"done"`, string(res.Receipts[0].Result))
	_, found, _ := b.st.Get("notebook", []byte("nested"))
	require.True(t, found)

	// A failing callee leaves nothing, and the caller may go on.
	res = b.run(b.call(b.clerk, "caller", "relay", "fail"))
	require.True(t, res.Receipts[0].OK(), res.Receipts[0].Error)
	require.Equal(t, `"callee: notebook.refused: as asked"`, string(res.Receipts[0].Result))
	require.Len(t, res.Writes, 1, "only the caller's own row")
	require.Empty(t, res.Events)

	// The callee's permissions hold for the original signers.
	res = b.run(b.call(b.clerk, "caller", "relay", "getSecret"))
	require.Contains(t, string(res.Receipts[0].Result), "HC-2201")

	// A contract cannot be entered twice.
	res = b.run(b.call(b.clerk, "notebook", "loop", `{}`))
	require.Contains(t, string(res.Receipts[0].Result), "HC-3106")

	// A contract calls what its package declares and nothing else.
	b.refused(types.CodePermissionDenied, b.call(b.clerk, "notebook", "stray", `{}`))

	// A query stays a query all the way down.
	_, _, err := b.c.Query(context.Background(), b.st, &chain.Query{Contract: "caller", Method: "getThrough"}, b.height, b.now.UnixNano())
	require.NoError(t, err)
	_, _, err = b.c.Query(context.Background(), b.st, &chain.Query{Contract: "caller", Method: "relay"}, b.height, b.now.UnixNano())
	require.Equal(t, types.CodePermissionDenied, types.CodeOf(err))
}

func TestCosigners(t *testing.T) {
	b := newBed(t)
	second := b.w.Member("notary", "clerk", "client")
	require.True(t, b.run(b.call(second, "membership", "register", ``)).Receipts[0].OK())
	res := b.run(b.call(b.clerk, "notebook", "joint", `{"Key":"j","Value":"1"}`, second))
	require.True(t, res.Receipts[0].OK(), res.Receipts[0].Error)

	missing := b.call(b.clerk, "notebook", "joint", `{"Key":"j","Value":"1"}`, b.w.Member("notary", "nobody", "client"))
	b.refused(types.CodeUnknownSender, missing)
}

func TestMembership(t *testing.T) {
	b := newBed(t)
	for _, m := range []*chaintest.Member{b.clerk, b.admin, b.auditor} {
		require.True(t, b.run(b.call(m, "membership", "register", `{}`)).Receipts[0].OK())
	}
	ask := func(m *chaintest.Member) string {
		out, _, err := b.c.Query(context.Background(), b.st, &chain.Query{Contract: "membership", Method: "get",
			Args: fmt.Appendf(nil, `{"member":%q}`, m.ID)}, b.height, b.now.UnixNano())
		require.NoError(t, err)
		var row chain.Member
		require.NoError(t, json.Unmarshal(out, &row))
		return string(row.Status)
	}
	target := fmt.Sprintf(`{"member":%q}`, b.clerk.ID)
	b.refused(types.CodePermissionDenied, b.call(b.auditor, "membership", "freeze", target))
	b.refused(types.CodePermissionDenied, b.call(b.clerk, "membership", "freeze", target))
	require.True(t, b.run(b.call(b.admin, "membership", "freeze", target)).Receipts[0].OK())
	require.Equal(t, "frozen", ask(b.clerk))
	b.refused(types.CodeMemberFrozen, b.call(b.clerk, "notebook", "put", `{"Key":"a","Value":"1"}`))

	// A frozen member cannot renew its way out with a new key.
	renewed := b.w.Member("archives", "clerk", "client")
	b.refused(types.CodeMemberFrozen, b.call(renewed, "membership", "register", `{}`))

	require.True(t, b.run(b.call(b.admin, "membership", "unfreeze", target)).Receipts[0].OK())
	require.True(t, b.run(b.call(renewed, "membership", "register", `{}`)).Receipts[0].OK())
	b.refused(types.CodeMemberFrozen, b.call(b.clerk, "notebook", "put", `{"Key":"a","Value":"1"}`)) // the old key is retired
	require.True(t, b.run(b.call(renewed, "notebook", "put", `{"Key":"a","Value":"1"}`)).Receipts[0].OK())

	require.True(t, b.run(b.call(b.admin, "membership", "revoke", target)).Receipts[0].OK())
	b.refused(types.CodeMemberFrozen, b.call(b.admin, "membership", "unfreeze", target))
}

func TestKeyBoundToAnotherMember(t *testing.T) {
	b := newBed(t)
	require.True(t, b.run(b.call(b.clerk, "membership", "register", `{}`)).Receipts[0].OK())
	thief := *b.clerk
	thief.Cert = b.w.CertifyKey("court", "clerk", b.clerk.Key, "client")
	b.refused(types.CodeIdentityBound, b.call(&thief, "notebook", "put", `{}`))
	foreign := *b.clerk
	foreign.Cert = b.auditor.Cert
	b.refused(types.CodeBadCertificate, b.call(&foreign, "notebook", "put", `{}`))
}

func TestQueries(t *testing.T) {
	b := newBed(t)
	b.run(b.call(b.clerk, "notebook", "put", `{"Key":"a","Value":"1"}`))
	ask := func(q *chain.Query) (string, types.Code) {
		out, _, err := b.c.Query(context.Background(), b.st, q, b.height, b.now.UnixNano())
		return string(out), types.CodeOf(err)
	}
	out, code := ask(&chain.Query{Contract: "notebook", Method: "getNote"})
	require.Equal(t, types.CodeOK, code)
	require.Equal(t, `"1"`, out)
	_, code = ask(&chain.Query{Contract: "notebook", Method: "getSecret"})
	require.Equal(t, types.CodePermissionDenied, code)
	out, code = ask(&chain.Query{Contract: "notebook", Method: "getSecret", Caller: b.call(b.auditor, "notebook", "getSecret", ``)})
	require.Equal(t, types.CodeOK, code)
	require.Equal(t, `"court/auditor"`, out)
	_, code = ask(&chain.Query{Contract: "notebook", Method: "getSecret", Caller: b.call(b.auditor, "notebook", "getNote", ``)})
	require.Equal(t, types.CodeBadArguments, code)
	_, code = ask(&chain.Query{Contract: "membership", Method: "freeze"})
	require.Equal(t, types.CodeReadOnly, code)
	_, code = ask(&chain.Query{Contract: "notebook", Method: "getSneaky"})
	require.Equal(t, types.CodeReadOnly, code)
}

func TestBlockGasLimit(t *testing.T) {
	b := newBedWith(t, func(p *chain.Params) { p.MaxTxGas, p.MaxBlockGas = 1_000_000, 1_000_000 })
	var txs []*types.Tx
	for i := range 30 {
		tx := b.call(b.clerk, "notebook", "put", fmt.Sprintf(`{"Key":"k%d","Value":"1"}`, i))
		n := tx.Body
		n.GasLimit = 1_000_000
		txs = append(txs, chaintest.Sign(&n, b.clerk, true))
	}
	res := b.run(txs...)
	require.True(t, res.Receipts[0].OK())
	last := res.Receipts[len(txs)-1]
	require.Equal(t, types.CodeBlockFull, last.Code)
	require.Zero(t, last.GasUsed)
	require.Less(t, len(res.UsedIDs), len(txs), "what the block had no room for keeps its id")
	require.True(t, b.run(txs[len(txs)-1]).Receipts[0].OK(), "and is taken by a later block")
}
