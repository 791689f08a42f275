package keystore

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/pkcs"
	"github.com/emmansun/gmsm/pkcs8"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

func newKey(t testing.TB) *crypto.PrivateKey {
	t.Helper()
	k, err := crypto.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return k
}

func requireCode(t *testing.T, want types.Code, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, want, types.CodeOf(err), "%v", err)
}

func TestSaveLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "clerk.key")
	k := newKey(t)
	require.NoError(t, Save(path, k, []byte("open sesame")))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	got, err := Load(path, []byte("open sesame"))
	require.NoError(t, err)
	require.Equal(t, k.Public(), got.Public())
	a, err := k.Sign([]byte("x"))
	require.NoError(t, err)
	b, err := got.Sign([]byte("x"))
	require.NoError(t, err)
	require.Equal(t, a, b)

	_, err = Load(path, []byte("open sesamf"))
	requireCode(t, types.CodePassphrase, err)
	_, err = Load(path, nil)
	requireCode(t, types.CodePassphrase, err)
	_, err = Load(path+"x", []byte("open sesame"))
	requireCode(t, types.CodeKeyFile, err)
	require.ErrorIs(t, err, os.ErrNotExist)

	before, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(before), "open sesame")
	requireCode(t, types.CodeAlreadyExists, Save(path, newKey(t), []byte("p")))
	requireCode(t, types.CodePassphrase, Save(path+"2", k, nil))
	requireCode(t, types.CodeKeyFile, Save(filepath.Join(dir, "none", "k"), k, []byte("p")))
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "no temporary files stay")

	require.NoError(t, os.Chmod(path, 0o644))
	_, err = Load(path, []byte("open sesame"))
	requireCode(t, types.CodeKeyFile, err)
	require.ErrorContains(t, err, "chmod 600")
}

// place must not replace a file even where hard links are refused.
func TestPlaceKeepsExisting(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	require.NoError(t, os.WriteFile(to, []byte("old"), 0o600))
	require.ErrorIs(t, place(from, to), os.ErrExist) // from is missing: link fails otherwise
	require.Error(t, place(from, to+"2"))
}

// Files under other algorithms or with a work factor that would stall a node are refused.
// covers: T.20
func TestDecodePolicy(t *testing.T) {
	key, pass := newKey(t).Unwrap(), []byte("p")
	seal := func(c pkcs.Cipher, kdf pkcs.KDFOpts) []byte {
		der, err := pkcs8.MarshalPrivateKey(key, pass, pkcs.NewPBESEncrypter(c, kdf))
		require.NoError(t, err)
		return pemOf(der)
	}
	_, err := Decode(seal(pkcs.SM4CBC, pkcs.NewPBKDF2Opts(pkcs.SM3, 16, 10)), pass)
	require.NoError(t, err)
	for name, text := range map[string][]byte{
		"AES":        seal(pkcs.AES256CBC, pkcs.NewPBKDF2Opts(pkcs.SM3, 16, 10)),
		"SHA-256":    seal(pkcs.SM4CBC, pkcs.NewPBKDF2Opts(pkcs.SHA256, 16, 10)),
		"scrypt":     seal(pkcs.SM4CBC, pkcs.ScryptOpts{SaltSize: 16, CostParameter: 2, BlockSize: 8, ParallelizationParameter: 1}),
		"short salt": seal(pkcs.SM4CBC, pkcs.NewPBKDF2Opts(pkcs.SM3, 7, 10)),
		"not PEM":    []byte("x"),
		"empty":      pemOf(nil),
		"two blocks": append(seal(pkcs.SM4CBC, pkcs.NewPBKDF2Opts(pkcs.SM3, 16, 10)), pemOf(nil)...),
	} {
		_, err := Decode(text, pass)
		require.Error(t, err, name)
		require.Equal(t, types.CodeKeyFile, types.CodeOf(err), name)
	}
	whole := derOf(t, seal(pkcs.SM4CBC, pkcs.NewPBKDF2Opts(pkcs.SM3, 16, 10)))
	var e struct{ Algorithm, Data asn1.RawValue }
	mustUnmarshal(t, whole, &e)
	for _, n := range []int{0, 1, len(e.Data.Bytes) - 1} { // cut inside a cipher block
		e.Data = asn1.RawValue{Tag: asn1.TagOctetString, Bytes: e.Data.Bytes[:n:n]}
		cut, err := asn1.Marshal(e)
		require.NoError(t, err)
		_, err = Decode(pemOf(cut), pass)
		requireCode(t, types.CodeKeyFile, err)
		mustUnmarshal(t, whole, &e)
	}

	huge := seal(pkcs.SM4CBC, pkcs.NewPBKDF2Opts(pkcs.SM3, 16, 10))
	der := derOf(t, huge)
	i := bytes.Index(der, []byte{2, 1, 10, 2, 1, 16}) // iterations 10, key length 16
	require.Positive(t, i)
	der = append(append(append([]byte{}, der[:i]...), 2, 4, 0x7f, 0xff, 0xff, 0xff), der[i+6:]...) // no key length, 2^31-1
	_, err = Decode(pemOf(der), pass)
	requireCode(t, types.CodeKeyFile, err)
	require.ErrorContains(t, err, "iteration")
}

// Only a secret that nobody can guess goes without the work of stretching it.
func TestRandomSecret(t *testing.T) {
	random := RandomSecret()
	require.NotEqual(t, random, RandomSecret())
	key := newKey(t)
	iterations := func(text []byte) int {
		var e envelope
		mustUnmarshal(t, derOf(t, text), &e)
		return e.Algorithm.Params.Derivation.Params.Iterations
	}
	text, err := Encode(key, random)
	require.NoError(t, err)
	require.Equal(t, RandomIterations, iterations(text))
	back, err := Decode(text, random)
	require.NoError(t, err)
	require.Equal(t, key.Public(), back.Public())
	_, err = Decode(text, RandomSecret())
	requireCode(t, types.CodePassphrase, err)
	for _, other := range []string{string(random[:len(random)-1]), string(random) + "0", "random-" + strings.Repeat("z", 32)} {
		text, err := Encode(key, []byte(other))
		require.NoError(t, err)
		require.Equal(t, Iterations, iterations(text))
	}
}

func TestPassphraseSources(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		p := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(p, []byte(text), mode))
		require.NoError(t, os.Chmod(p, mode))
		return p
	}
	good := write("good", "open sesame\r\n", 0o640)
	noEnv := func(string) string { return "" }
	env := func(k string) string { require.Equal(t, PassphraseFileEnv, k); return good }
	never := func(string) ([]byte, error) { t.Fatal("asked at the terminal"); return nil, nil }

	for _, s := range []source{{good, noEnv, never}, {"", env, never}} {
		p, err := s.read(true)
		require.NoError(t, err)
		require.Equal(t, "open sesame", string(p))
	}
	for _, bad := range []string{
		write("empty", "\n", 0o600), write("lines", "a\nb\n", 0o600), write("open", "a\n", 0o644),
		write("long", string(bytes.Repeat([]byte("a"), MaxPassphrase+1)), 0o600), filepath.Join(dir, "none"), dir,
	} {
		_, err := source{bad, noEnv, never}.read(false)
		requireCode(t, types.CodePassphrase, err)
	}

	answers := func(list ...string) func(string) ([]byte, error) {
		return func(string) ([]byte, error) {
			if len(list) == 0 {
				return nil, errors.New("no terminal")
			}
			a := list[0]
			list = list[1:]
			return []byte(a), nil
		}
	}
	p, err := source{"", noEnv, answers("a", "a")}.read(true)
	require.NoError(t, err)
	require.Equal(t, "a", string(p))
	_, err = source{"", noEnv, answers("a", "b")}.read(true)
	requireCode(t, types.CodePassphrase, err)
	_, err = source{"", noEnv, answers("a")}.read(true)
	requireCode(t, types.CodePassphrase, err)
	p, err = source{"", noEnv, answers("a")}.read(false)
	require.NoError(t, err)
	require.Equal(t, "a", string(p))
	_, err = source{"", noEnv, answers()}.read(false)
	requireCode(t, types.CodePassphrase, err)
}

// FuzzDecode: no file content panics or stalls, and none opens without its passphrase.
func FuzzDecode(f *testing.F) {
	der, err := pkcs8.MarshalPrivateKey(newKey(f).Unwrap(), []byte("p"),
		pkcs.NewPBESEncrypter(pkcs.SM4CBC, pkcs.NewPBKDF2Opts(pkcs.SM3, 16, 1)))
	require.NoError(f, err)
	f.Add(der)
	f.Fuzz(func(t *testing.T, der []byte) {
		if checkPolicy(der) != nil {
			return
		}
		if len(der) > 4096 {
			return
		}
		var e envelope
		if mustUnmarshal(t, der, &e); e.Algorithm.Params.Derivation.Params.Iterations > 1000 {
			return // accepted, but too slow to fuzz
		}
		_, err := Decode(pemOf(der), []byte("q"))
		require.Error(t, err)
	})
}
