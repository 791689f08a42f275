package bundle

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

func build(t testing.TB, code []byte) []byte {
	raw, err := Build("testdata", code)
	require.NoError(t, err)
	return raw
}

func TestBuildAndOpen(t *testing.T) {
	code := bytes.Repeat([]byte("\x00asm"), 1000)
	raw := build(t, code)
	require.Equal(t, raw, build(t, code), "a second build must give the same bytes")
	p, err := Open(raw)
	require.NoError(t, err)
	require.Equal(t, "evidence", p.Manifest.Name)
	require.Equal(t, crypto.Sum(code), p.CodeHash)
	require.Equal(t, crypto.Sum(raw), p.Hash)
	require.Equal(t, code, p.Code)
	require.JSONEq(t, `{"maxTitle":200}`, string(p.Manifest.Params))
	require.Equal(t, []Method{{"deposit", true, "ANY role:client"}, {"get", false, "public"}}, p.Manifest.Methods)
	_, ok := p.Manifest.Method("get")
	require.True(t, ok)
	_, ok = p.Manifest.Method("gett")
	require.False(t, ok)
}

func TestOpenRefuses(t *testing.T) {
	raw := build(t, []byte("code"))
	archive, err := decompress(raw)
	require.NoError(t, err)
	enc, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	refuse := func(name string, data []byte, code types.Code) {
		_, err := Open(data)
		require.Equal(t, code, types.CodeOf(err), "%s: %v", name, err)
	}
	refuse("empty", nil, types.CodePackageInvalid)
	refuse("no zstd", []byte("hello"), types.CodePackageInvalid)
	refuse("cut", raw[:len(raw)/2], types.CodePackageInvalid)
	refuse("bomb", enc.EncodeAll(make([]byte, 64<<20), nil), types.CodePackageInvalid)
	refuse("large", make([]byte, MaxPackageBytes+1), types.CodePackageInvalid)
	refuse("trailing", enc.EncodeAll(append(bytes.Clone(archive), make([]byte, 512)...), nil), types.CodePackageInvalid)
	altered := bytes.Clone(archive)
	altered[101] ^= 1 // mode of the first entry
	refuse("header", enc.EncodeAll(altered, nil), types.CodePackageInvalid)
	refuse("order", enc.EncodeAll(rearranged(t, archive), nil), types.CodePackageInvalid)
	refuse("manifest", enc.EncodeAll(bytes.Replace(archive, []byte(`"bundle":1`), []byte(`"bundle":2`), 1), nil), types.CodeManifestInvalid)
	refuse("spaces", enc.EncodeAll(bytes.Replace(archive, []byte(`"name":"evidence"`), []byte(`"name": "evidenc"`), 1), nil), types.CodeManifestInvalid)
}

func rearranged(t *testing.T, archive []byte) []byte {
	contents, err := unpack(archive)
	require.NoError(t, err)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := len(contents) - 1; i >= 0; i-- {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: packageFiles[i], Mode: 0o644, Size: int64(len(contents[i]))}))
		_, err := w.Write(contents[i])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestBuildRefusesTooLarge(t *testing.T) {
	_, err := Build("testdata", make([]byte, MaxUnpackedBytes))
	require.Equal(t, types.CodePackageInvalid, types.CodeOf(err))
	_, err = Build(t.TempDir(), nil)
	require.Equal(t, types.CodePackageInvalid, types.CodeOf(err))
}

func TestCompareVersions(t *testing.T) {
	require.Equal(t, 0, CompareVersions("1.2.3", "1.2.3"))
	require.Equal(t, -1, CompareVersions("1.2.3", "1.10.0"))
	require.Equal(t, 1, CompareVersions("2.0.0", "1.99.99"))
}

func FuzzOpen(f *testing.F) {
	f.Add(build(f, []byte("code")))
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := Open(raw)
		if err != nil {
			return
		}
		again, err := Pack(&p.Manifest, p.BundleYAML, p.Schema, p.Code)
		require.NoError(t, err)
		q, err := Open(again)
		require.NoError(t, err)
		require.Equal(t, p.Manifest, q.Manifest)
		require.Equal(t, p.Code, q.Code)
	})
}

func FuzzManifest(f *testing.F) {
	p, err := Open(build(f, nil))
	require.NoError(f, err)
	raw, err := p.Manifest.Encode()
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := DecodeManifest(raw)
		if err != nil {
			require.Equal(t, types.CodeManifestInvalid, types.CodeOf(err))
			return
		}
		again, err := m.Encode()
		require.NoError(t, err)
		require.Equal(t, raw, again)
	})
}

func FuzzParseSpec(f *testing.F) {
	raw, err := os.ReadFile(filepath.Join("testdata", YAMLFile))
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte("a: [b, c"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s, err := ParseSpec(raw); err == nil {
			_, err := s.Manifest()
			require.NoError(t, err)
		} else {
			require.Equal(t, types.CodeManifestInvalid, types.CodeOf(err))
		}
	})
}
