package crypto_test

import (
	"crypto/rand"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	. "github.com/huchain/huchain/crypto"
)

func privateKey(t testing.TB, d string) *PrivateKey {
	t.Helper()
	k, err := NewPrivateKey(unhex(t, d))
	require.NoError(t, err)
	return k
}

// GB/T 32918.5-2017 appendix B.2 (GM/T 0003.5-2012 appendix B): static and ephemeral keys
// of both sides, and the key they agree on.
func TestSM2ExchangeVector(t *testing.T) {
	a := privateKey(t, "81EB26E941BB5AF16DF116495F90695272AE2CD63D6C4AE1678418BE48230029")
	b := privateKey(t, "785129917D45A9EA5437A59356B82338EAADDA6CEB199088F14AE10DEFA229B5")
	ea := privateKey(t, "D4DE15474DB74D06491C440D305E012400990F3E390C7E87153C12DB2EA60BB3")
	eb := privateKey(t, "7E07124814B309489125EAED101113164EBF0F3458C5BD88335C1F9D596243D6")
	want := "6c89347354de2484c60b4ab1fde4c6e5"
	ka, err := a.Exchange(Exchange{Initiator: true, Ephemeral: ea, Peer: b.Public(), PeerEphemeral: eb.Public(), Size: 16})
	require.NoError(t, err)
	kb, err := b.Exchange(Exchange{Ephemeral: eb, Peer: a.Public(), PeerEphemeral: ea.Public(), Size: 16})
	require.NoError(t, err)
	require.Equal(t, want, hex.EncodeToString(ka))
	require.Equal(t, want, hex.EncodeToString(kb))

	both, err := b.Exchange(Exchange{Initiator: true, Ephemeral: eb, Peer: a.Public(), PeerEphemeral: ea.Public(), Size: 16})
	require.NoError(t, err)
	require.NotEqual(t, ka, both, "two initiators")
	_, err = b.Exchange(Exchange{Ephemeral: eb, Peer: a.Public(), PeerEphemeral: PublicKey{4}, Size: 16})
	require.Error(t, err)
}

func TestEncryptToKey(t *testing.T) {
	k := privateKey(t, "81EB26E941BB5AF16DF116495F90695272AE2CD63D6C4AE1678418BE48230029")
	sealed, err := k.Public().Encrypt(rand.Reader, []byte("a secret"))
	require.NoError(t, err)
	opened, err := k.Decrypt(sealed)
	require.NoError(t, err)
	require.Equal(t, "a secret", string(opened))
	for i := range sealed {
		bad := append([]byte(nil), sealed...)
		bad[i] ^= 1
		_, err := k.Decrypt(bad)
		require.Error(t, err, "byte %d", i)
	}
	_, err = k.Public().Encrypt(rand.Reader, nil)
	require.Error(t, err)
}
