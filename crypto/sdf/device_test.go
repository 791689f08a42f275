//go:build sdf

package sdf

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain/founding"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// Signatures of a device verify as those of a key file do; what the device refuses is an
// error with its number.
// covers: T.20
func TestDevice(t *testing.T) {
	dir := t.TempDir()
	library, key := filepath.Join(dir, "libsdf.so"), filepath.Join(dir, "key.pem")
	run(t, "gcc", "-shared", "-fPIC", "-DKEY=\""+key+"\"", "-o", library, "testdata/fake.c")
	run(t, "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", key)

	_, err := Open(library, 7, []byte("wrong"))
	require.ErrorContains(t, err, "0x0100000c")
	_, err = Open(library, 8, []byte("12345678"))
	require.ErrorContains(t, err, "0x01000008")
	_, err = Open(library, 7, nil)
	require.Error(t, err)
	_, err = Open(filepath.Join(dir, "none.so"), 7, []byte("12345678"))
	require.Error(t, err)
	other := filepath.Join(dir, "other.so")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "other.c"), []byte("int x;\n"), 0o600))
	run(t, "gcc", "-shared", "-fPIC", "-o", other, filepath.Join(dir, "other.c"))
	_, err = Open(other, 7, []byte("12345678"))
	require.ErrorContains(t, err, "no library of GM/T 0018")

	k, err := Open(library, 7, []byte("12345678"))
	require.NoError(t, err)
	for _, message := range []string{"", "a header", string(make([]byte, 5000))} {
		signature, err := k.Sign([]byte(message))
		require.NoError(t, err)
		require.True(t, k.Public().Verify([]byte(message), signature))
	}

	// A validator whose header key is in a device takes part in restarting its chain.
	set := types.ValidatorSet{{Key: k.Public(), Ed25519: [32]byte{1}, Power: 1}}
	p := &founding.RestartPoint{Signers: set, SignersBefore: set}
	p.Before = types.Header{Genesis: crypto.Sum(nil), Height: 1023, Time: 1, Signers: set.Hash(), NextSigners: set.Hash(), Protocol: 1}
	p.Last = p.Before
	p.Last.Height, p.Last.Time, p.Last.Previous = 1024, 2, p.Before.Hash()
	d, err := founding.NewRestart("gov", p, time.Now())
	require.NoError(t, err)
	require.NoError(t, d.Sign(k, p))
	_, err = d.Act(p)
	require.NoError(t, err)
}
