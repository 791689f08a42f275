package chain_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// counterCode is a counter that keeps its state over upgrades; and knows its version.
func counterCode(version string) chaintest.Contract {
	return func(env host.Env, args []byte) ([]byte, error) {
		v, _, err := env.Get([]byte("n"))
		if err != nil {
			return nil, err
		}
		switch env.Info().Method {
		case "init", "migrate":
			return nil, env.Put([]byte("entered"), append([]byte(version+" "), args...))
		case "add":
			return []byte(fmt.Sprint(len(v) + 1)), env.Put([]byte("n"), append(v, 'x'))
		}
		return json.Marshal(version)
	}
}

// pack makes a package of a counter and registers its code.
func pack(t *testing.T, b *bed, version, language string, methods ...bundle.Method) []byte {
	code := []byte("counter " + version)
	b.vm.Register(code, counterCode(version))
	if methods == nil {
		methods = []bundle.Method{{Name: "add", Writes: true, Allow: "ANY role:client"}, {Name: "getVersion", Allow: "public"}}
	}
	m := &bundle.Manifest{Bundle: bundle.Format, Name: "counter", Version: version, Language: language, Methods: methods, Init: true, Migrate: true}
	raw, err := bundle.Pack(m, []byte("bundle: 1\n"), []byte("{}"), code)
	require.NoError(t, err)
	return raw
}

func (b *bed) must(tx *types.Tx) types.Receipt {
	b.t.Helper()
	res := b.run(tx)
	require.True(b.t, res.Receipts[0].OK(), "%s %s", res.Receipts[0].Code, res.Receipts[0].Error)
	return res.Receipts[0]
}

// announce returns the arguments of begin, and the parts.
func announce(raw []byte) (string, [][]byte) {
	parts := slices.Collect(slices.Chunk(raw, chain.PartBytes))
	var hashes []crypto.Hash
	for _, p := range parts {
		hashes = append(hashes, crypto.Sum(p))
	}
	args, _ := json.Marshal(map[string]any{"package": crypto.Sum(raw), "bytes": len(raw), "parts": hashes})
	return string(args), parts
}

func partArgs(pkg crypto.Hash, n int, data []byte) string {
	args, _ := json.Marshal(map[string]any{"package": pkg, "part": n, "data": data})
	return string(args)
}

// upload sends the parts of a package and returns the arguments of stage.
func (b *bed) upload(by *chaintest.Member, raw []byte) string {
	begin, parts := announce(raw)
	b.must(b.call(by, "contracts", "begin", begin))
	for n, part := range parts {
		b.must(b.call(by, "contracts", "upload", partArgs(crypto.Sum(raw), n, part)))
	}
	return b.stageArgs(by, raw)
}

func (b *bed) stageArgs(by *chaintest.Member, raw []byte) string {
	sig, err := by.Key.Sign(chain.PackageSignBytes(crypto.Sum(raw)))
	require.NoError(b.t, err)
	args, _ := json.Marshal(map[string]any{"package": crypto.Sum(raw), "signature": sig})
	return string(args)
}

func (b *bed) version() string {
	out, _, err := b.c.Query(context.Background(), b.st, &chain.Query{Contract: "counter", Method: "getVersion"}, b.height, b.now.UnixNano())
	require.NoError(b.t, err)
	return string(out)
}

// Create, call, upgrade with state kept, freeze, unfreeze and revoke by the permitted
// role, with version history; a frozen contract, a downgrade, an unsigned package, a
// refused module and another role are refused.
// covers: T.08
func TestContractLifecycle(t *testing.T) {
	b := newBed(t)
	install := func(raw []byte) string { return fmt.Sprintf(`{"package":%q}`, crypto.Sum(raw)) }
	v1, v2 := pack(t, b, "1.0.0", "go"), pack(t, b, "1.1.0", "go")

	// Only the permitted role, only what was uploaded whole, only what is signed.
	b.refused(types.CodePermissionDenied, b.call(b.clerk, "contracts", "stage", `{"package":"`+crypto.Sum(v1).String()+`"}`))
	stage := b.upload(b.admin, v1)
	unsigned := fmt.Sprintf(`{"package":%q,"signature":"AAAA"}`, crypto.Sum(v1))
	b.refused(types.CodePackageInvalid, b.call(b.admin, "contracts", "stage", unsigned))
	b.refused(types.CodePackageInvalid, b.call(b.admin, "contracts", "stage", b.stageArgs(b.clerk, v1))) // another member's signature
	b.refused(types.CodePackageInvalid, b.call(b.admin, "contracts", "stage", strings.Replace(b.stageArgs(b.admin, v2),
		crypto.Sum(v2).String(), crypto.Sum(v1).String(), 1))) // a signature of another package
	b.refused(types.CodePackageInvalid, b.call(b.admin, "contracts", "stage", `{"package":"`+crypto.Sum(v2).String()+`"}`))
	b.refused(types.CodeNotFound, b.call(b.admin, "contracts", "create", install(v1)))
	res := b.run(b.call(b.admin, "contracts", "stage", stage))
	require.True(t, res.Receipts[0].OK(), res.Receipts[0].Error)
	require.Equal(t, []crypto.Hash{crypto.Sum(v1)}, res.Staged)
	require.NoError(t, b.c.LoadStaged(context.Background(), b.st, res.Staged[0]))
	b.refused(types.CodePermissionDenied, b.call(b.clerk, "contracts", "create", install(v1)))
	b.must(b.call(b.admin, "contracts", "create", install(v1)))
	b.refused(types.CodeAlreadyExists, b.call(b.admin, "contracts", "create", install(v1)))
	entered, _, _ := b.st.Get("counter", []byte("entered"))
	require.Equal(t, "1.0.0 ", string(entered))
	require.Equal(t, "1", string(b.must(b.call(b.clerk, "counter", "add", `{}`)).Result))
	require.Equal(t, `"1.0.0"`, b.version())

	// Upgrade keeps the state; a downgrade is refused.
	b.must(b.call(b.admin, "contracts", "stage", b.upload(b.admin, v2)))
	b.refused(types.CodePermissionDenied, b.call(b.clerk, "contracts", "upgrade", install(v2)))
	b.must(b.call(b.admin, "contracts", "upgrade", install(v2)))
	entered, _, _ = b.st.Get("counter", []byte("entered"))
	require.Equal(t, `1.1.0 {"from":"1.0.0"}`, string(entered))
	require.Equal(t, "2", string(b.must(b.call(b.clerk, "counter", "add", `{}`)).Result))
	require.Equal(t, `"1.1.0"`, b.version())
	b.refused(types.CodePackageInvalid, b.call(b.admin, "contracts", "upgrade", install(v1)))
	rec, _, err := b.c.Contract(b.st, "counter")
	require.NoError(t, err)
	require.Len(t, rec.Versions, 2)
	require.Equal(t, b.admin.ID, rec.Versions[1].Publisher)

	// Freeze, unfreeze, revoke.
	b.refused(types.CodePermissionDenied, b.call(b.clerk, "contracts", "freeze", `{"name":"counter"}`))
	b.must(b.call(b.admin, "contracts", "freeze", `{"name":"counter","reason":"drill"}`))
	b.refused(types.CodeContractFrozen, b.call(b.clerk, "counter", "add", `{}`))
	b.must(b.call(b.admin, "contracts", "unfreeze", `{"name":"counter"}`))
	b.must(b.call(b.clerk, "counter", "add", `{}`))
	b.must(b.call(b.admin, "contracts", "revoke", `{"name":"counter"}`))
	b.refused(types.CodeContractFrozen, b.call(b.clerk, "counter", "add", `{}`))
	b.refused(types.CodeContractFrozen, b.call(b.admin, "contracts", "unfreeze", `{"name":"counter"}`))
	b.refused(types.CodeContractFrozen, b.call(b.admin, "contracts", "upgrade", install(v2)))
	n, _, _ := b.st.Get("counter", []byte("n"))
	require.Equal(t, "xxx", string(n), "what a revoked contract wrote stays")
}

// A module that admission refuses, an altered package and one that uses what is not
// installed never become contracts.
func TestStageRefusals(t *testing.T) {
	b := newBed(t)
	m := &bundle.Manifest{Bundle: bundle.Format, Name: "stray", Version: "1.0.0", Language: "go", Uses: []string{"nowhere@1"},
		Methods: []bundle.Method{{Name: "get", Allow: "public"}}}
	raw, err := bundle.Pack(m, []byte("bundle: 1\n"), []byte("{}"), []byte("module that nobody admits"))
	require.NoError(t, err)
	b.refused(types.CodeModuleRefused, b.call(b.admin, "contracts", "stage", b.upload(b.admin, raw)))

	b.vm.Register([]byte("module that nobody admits"), counterCode("1.0.0"))
	b.must(b.call(b.admin, "contracts", "stage", b.upload(b.admin, raw)))
	b.refused(types.CodePackageInvalid, b.call(b.admin, "contracts", "create", fmt.Sprintf(`{"package":%q}`, crypto.Sum(raw))))

	// What only compiling finds wrong is refused before it can become active, and the
	// chain goes on.
	m.Uses, m.Version = nil, "1.0.1"
	broken, err := bundle.Pack(m, []byte("bundle: 1\n"), []byte("{}"), []byte("module that does not compile"))
	require.NoError(t, err)
	b.vm.RegisterBroken([]byte("module that does not compile"))
	b.must(b.call(b.admin, "contracts", "stage", b.upload(b.admin, broken)))
	b.refused(types.CodeModuleRefused, b.call(b.admin, "contracts", "create", fmt.Sprintf(`{"package":%q}`, crypto.Sum(broken))))

	altered := append([]byte(nil), raw...)
	altered[len(altered)/2] ^= 1
	b.refused(types.CodePackageInvalid, b.call(b.admin, "contracts", "stage", b.upload(b.admin, altered)))
}

func FuzzParseGenesis(f *testing.F) {
	w := chaintest.NewWorld(start, "archives")
	w.Seal()
	raw, err := json.Marshal(&w.Genesis)
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(`{"format":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		g, err := chain.ParseGenesis(raw)
		if err != nil {
			require.NotEqual(t, types.CodeInternal, types.CodeOf(err))
			return
		}
		set, err := g.ValidatorSet()
		require.NoError(t, err)
		require.NoError(t, set.Validate())
	})
}

// Whatever bytes arrive, admission answers with a code and execution with a receipt.
func FuzzAnyTransaction(f *testing.F) {
	b := newBed(&testing.T{})
	f.Add(b.call(b.clerk, "notebook", "put", `{"Key":"a","Value":"1"}`).Bytes())
	f.Add([]byte{10, 3, 1, 2, 3})
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, admitErr := b.c.Admit(b.st, raw, b.now.UnixMilli())
		blk := &chain.BlockInput{Height: 1, Time: b.now.UnixNano(), Txs: [][]byte{raw}}
		checkErr := b.c.CheckBlock(b.st, b.ids, blk)
		res, err := b.c.Execute(context.Background(), b.st, b.ids, blk)
		require.NoError(t, err)
		require.Len(t, res.Receipts, 1)
		if admitErr != nil {
			require.NotEqual(t, types.CodeInternal, types.CodeOf(admitErr))
		}
		if checkErr != nil {
			require.False(t, res.Receipts[0].OK())
		}
		if !res.Receipts[0].OK() {
			require.Empty(t, res.Writes)
		}
	})
}

// A rehearsal shows what an upgrade changes for past calls, and commits nothing.
func TestRehearse(t *testing.T) {
	b := newBed(t)
	v1 := pack(t, b, "1.0.0", "go")
	b.must(b.call(b.admin, "contracts", "stage", b.upload(b.admin, v1)))
	b.must(b.call(b.admin, "contracts", "create", fmt.Sprintf(`{"package":%q}`, crypto.Sum(v1))))
	past := []*types.Tx{b.call(b.clerk, "counter", "add", `{}`), b.call(b.clerk, "counter", "add", `{"again":true}`)}
	b.must(past[0])
	b.must(past[1])
	rehearse := func(raw []byte) []chain.RehearsedCall {
		before := b.st.Len()
		out, err := b.c.Rehearse(context.Background(), b.st, raw, past, b.height, b.now.UnixNano())
		require.NoError(t, err)
		require.Len(t, out, 2)
		require.Equal(t, before, b.st.Len())
		require.Equal(t, `"1.0.0"`, b.version())
		return out
	}
	for _, same := range rehearse(pack(t, b, "1.1.0", "go")) {
		require.Empty(t, same.Differs)
		require.Equal(t, "3", string(same.Upgrade.Result), "each call on the state as it is now")
	}
	stricter := pack(t, b, "1.2.0", "go", bundle.Method{Name: "add", Writes: true, Allow: "ANY role:auditor"})
	for _, refused := range rehearse(stricter) {
		require.Equal(t, []string{"result", "error", "writes"}, refused.Differs)
		require.Equal(t, types.CodePermissionDenied, refused.Upgrade.Code)
	}
	_, err := b.c.Rehearse(context.Background(), b.st, v1[:10], past, b.height, b.now.UnixNano())
	require.Equal(t, types.CodePackageInvalid, types.CodeOf(err))
}
