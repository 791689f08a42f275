package types_test

import (
	"bytes"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// testKeys are a few fixed SM2 keys, ascending by public key.
var testKeys = sync.OnceValue(func() []*crypto.PrivateKey {
	var keys []*crypto.PrivateKey
	for i := range 4 {
		k, err := crypto.NewPrivateKey(bytes.Repeat([]byte{byte(i + 1)}, 32))
		if err != nil {
			panic(err)
		}
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b *crypto.PrivateKey) int {
		pa, pb := a.Public(), b.Public()
		return bytes.Compare(pa[:], pb[:])
	})
	return keys
})

func sampleBody() types.Body {
	keys := testKeys()
	cosigners := []types.Address{types.AddressOf(keys[1].Public()), types.AddressOf(keys[2].Public())}
	slices.SortFunc(cosigners, func(a, b types.Address) int { return bytes.Compare(a[:], b[:]) })
	return types.Body{
		Genesis:    crypto.Sum([]byte("genesis")),
		Sender:     types.AddressOf(keys[0].Public()),
		Cosigners:  cosigners,
		Contract:   "evidence",
		Method:     "deposit",
		Args:       []byte(`{"hash":"00"}`),
		GasLimit:   1_000_000,
		Salt:       [types.SaltSize]byte{1, 2, 3},
		ValidUntil: 1_800_000_000_000,
	}
}

func sampleTx(t testing.TB) *types.Tx {
	t.Helper()
	keys, body := testKeys(), sampleBody()
	order := []crypto.Signer{keys[1], keys[2]}
	if types.AddressOf(keys[1].Public()) != body.Cosigners[0] {
		slices.Reverse(order)
	}
	tx, err := types.SignTx(&body, []byte("certificate"), keys[0], order...)
	require.NoError(t, err)
	return tx
}

func sampleReceipt() *types.Receipt {
	return &types.Receipt{
		TxID: crypto.Sum([]byte("tx")), Code: types.CodeContractError, Error: "evidence.not_found: 未找到",
		Result: []byte(`{}`), GasUsed: 12345, Events: 2,
	}
}

func sampleEvent() *types.Event {
	return &types.Event{TxIndex: 3, Contract: "evidence", Name: "deposited", Data: []byte(`{"hash":"00"}`)}
}

func sampleHeader() *types.Header {
	h := func(s string) crypto.Hash { return crypto.Sum([]byte(s)) }
	return &types.Header{
		Genesis: h("g"), Height: 7, Time: 1_800_000_000_123_456_789, CometHash: h("c"), Previous: h("p"),
		Content: h("r"), Archive: h("a"), Signers: h("s"), NextSigners: h("n"), Protocol: 1,
	}
}

func sampleSet(t testing.TB, n int) types.ValidatorSet {
	t.Helper()
	var set types.ValidatorSet
	for i, k := range testKeys()[:n] {
		set = append(set, types.Validator{Key: k.Public(), Ed25519: [32]byte{byte(i + 1)}, Power: 10})
	}
	require.NoError(t, set.Validate())
	return set
}

// sampleCertificate attests a header whose signers are the first four test keys, with
// the signatures of the first n.
func sampleCertificate(t testing.TB, n int) *types.FinalityCertificate {
	t.Helper()
	c, _, _ := certified(t, n)
	return c
}

func certified(t testing.TB, n int) (*types.FinalityCertificate, *types.Header, types.ValidatorSet) {
	t.Helper()
	set, h := sampleSet(t, 4), sampleHeader()
	h.Signers = set.Hash()
	c := &types.FinalityCertificate{Height: h.Height}
	for i, k := range testKeys()[:n] {
		sig, err := k.Sign(h.SignBytes())
		require.NoError(t, err)
		c.Signatures = append(c.Signatures, types.HeaderSignature{Index: uint32(i), Signature: [64]byte(sig)})
	}
	return c, h, set
}
