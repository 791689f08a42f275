package sealed_test

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client/sealed"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
)

var place = sealed.Place{Genesis: crypto.Sum([]byte("genesis")), Contract: "relief", Record: "application", Key: "a-1", Field: "idNumber"}

func person(t *testing.T, party string) (*crypto.PrivateKey, sealed.Reader) {
	k, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return k, sealed.Reader{Party: party, Key: k.Public()}
}

// Owner and readers open what was sealed; others, other places and altered bytes do not.
// covers: T.20
func TestSealOpen(t *testing.T) {
	clerk, owner := person(t, "civil/clerk")
	judge, reader := person(t, "court/judge")
	guest, _ := person(t, "press/guest")
	key, err := sealed.NewKey()
	require.NoError(t, err)
	name, err := key.Seal(place, "张某")
	require.NoError(t, err)
	keys, err := key.WrapAll(owner, reader)
	require.NoError(t, err)

	raw, err := json.Marshal(map[string]any{"name": name, "keys": keys}) // through the chain and back
	require.NoError(t, err)
	var record struct {
		Name sealed.Bytes `json:"name"`
		Keys sealed.Keys  `json:"keys"`
	}
	require.NoError(t, json.Unmarshal(raw, &record))
	require.NotContains(t, string(raw), hex.EncodeToString([]byte("张某")))
	for party, private := range map[string]*crypto.PrivateKey{"civil/clerk": clerk, "court/judge": judge} {
		k, err := sealed.Unwrap(record.Keys, party, private)
		require.NoError(t, err)
		var got string
		require.NoError(t, k.Open(place, record.Name, &got))
		require.Equal(t, "张某", got)
	}
	_, err = sealed.Unwrap(record.Keys, "press/guest", guest)
	require.ErrorIs(t, err, sealed.ErrNotReader)
	_, err = sealed.Unwrap(record.Keys, "court/judge", guest)
	require.ErrorContains(t, err, "court/judge")
	for i := range record.Keys.Wraps[1].Key {
		bad := record.Keys
		bad.Wraps = []sealed.Wrap{{To: "court/judge", Key: bytes.Clone(record.Keys.Wraps[1].Key)}}
		bad.Wraps[0].Key[i] ^= 1
		_, err = sealed.Unwrap(bad, "court/judge", judge)
		require.Error(t, err, "byte %d", i)
	}
	for i := range record.Name {
		bad := bytes.Clone(record.Name)
		bad[i] ^= 1
		require.ErrorIs(t, key.Open(place, bad, new(string)), envelope.ErrOpen)
	}
	for _, change := range []func(p *sealed.Place){
		func(p *sealed.Place) { p.Genesis[0] ^= 1 }, func(p *sealed.Place) { p.Contract = "other" },
		func(p *sealed.Place) { p.Record = "other" }, func(p *sealed.Place) { p.Key = "a-2" },
		func(p *sealed.Place) { p.Field = "name" },
		func(p *sealed.Place) { p.Contract, p.Record = "reliefa", "pplication" },
	} {
		p := place
		change(&p)
		require.ErrorIs(t, key.Open(p, record.Name, new(string)), envelope.ErrOpen)
	}
}

// A wrap of another key than the record names is noticed.
func TestWrongKeyWrapped(t *testing.T) {
	clerk, owner := person(t, "civil/clerk")
	one, err := sealed.NewKey()
	require.NoError(t, err)
	two, err := sealed.NewKey()
	require.NoError(t, err)
	keys, err := one.WrapAll(owner)
	require.NoError(t, err)
	other, err := two.Wrap(owner)
	require.NoError(t, err)
	keys.Wraps[0] = other
	_, err = sealed.Unwrap(keys, "civil/clerk", clerk)
	require.ErrorIs(t, err, sealed.ErrWrongKey)
}

// The form is the documented one: SM4-GCM under the key, the place as associated data.
func TestForm(t *testing.T) {
	clerk, owner := person(t, "civil/clerk")
	key, err := sealed.NewKey()
	require.NoError(t, err)
	keys, err := key.WrapAll(owner)
	require.NoError(t, err)
	require.Len(t, keys.Wraps[0].Key, 113)
	w := keys.Wraps[0].Key // C1 = 04‖X‖Y, C3, C2
	der, err := asn1.Marshal(struct {
		X, Y         *big.Int
		Hash, Cipher []byte
	}{new(big.Int).SetBytes(w[1:33]), new(big.Int).SetBytes(w[33:65]), w[65:97], w[97:]})
	require.NoError(t, err)
	raw, err := clerk.Decrypt(der)
	require.NoError(t, err)
	sum := crypto.Sum([]byte("huchain-record-key"), raw)
	require.Equal(t, sum[:16], []byte(keys.ID))
	e, err := key.Seal(place, "x")
	require.NoError(t, err)
	require.Equal(t, "HCE\x01", string(e[:4]))
	same, err := envelope.NewKey(raw)
	require.NoError(t, err)
	bound := append([]byte("huchain-record-field\x00"), place.Genesis[:]...)
	for _, s := range []string{"relief", "application", "a-1", "idNumber"} {
		bound = append(append(bound, 0, 0, 0, byte(len(s))), s...)
	}
	plain, err := same.Open(e, bound)
	require.NoError(t, err)
	require.Equal(t, `"x"`, string(plain))
	for _, text := range []string{key.String(), fmt.Sprintf("%v %#v %s", key, key, key)} {
		require.NotContains(t, text, hex.EncodeToString(raw))
	}
}

func TestBytesText(t *testing.T) {
	var b sealed.Bytes
	require.Error(t, json.Unmarshal([]byte(`"AB"`), &b))
	require.Error(t, json.Unmarshal([]byte(`"a"`), &b))
	require.Error(t, json.Unmarshal([]byte(`"xy"`), &b))
	require.NoError(t, json.Unmarshal([]byte(`"ab"`), &b))
	require.Equal(t, sealed.Bytes{0xAB}, b)
}
