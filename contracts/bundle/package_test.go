package bundle

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
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

func TestSpecRefusals(t *testing.T) {
	yamlRaw, err := os.ReadFile(filepath.Join("testdata", YAMLFile))
	require.NoError(t, err)
	schemaRaw, err := os.ReadFile(filepath.Join("testdata", SchemaFile))
	require.NoError(t, err)
	for _, c := range []struct{ old, new, want string }{
		{"name: evidence", "nmae: evidence", "bundle.yaml:2: key nmae is unknown here"},
		{"reads: evidence, allow", "reeds: evidence, allow", "bundle.yaml:20: key reeds is unknown here"},
		{"language: go", "language: go\nlanguage: go", "bundle.yaml:5: mapping key"},
		{"allow: public", "allow: everyone", "bundle.yaml:20: allow rule"},
		{"reads: evidence", "reads: evidense", `bundle.yaml:20: method get: no record "evidense"`},
		{"type: sm3", "type: sha256", `bundle.yaml:14: field hash: "sha256" is no field type`},
		{"type: time", "type: int", "bundle.yaml:17: record evidence: field time is declared int, the code holds date-time"},
		{"      time:  {type: time}\n", "", "has no field"},
		{"get: ", "got: ", "bundle.yaml:20: method got is not in the code"},
		{"  get:     {reads: evidence, allow: public}\n", "", "bundle.yaml:18: method get of the code is missing here"},
		{"{reads: evidence, allow: public}", "{writes: evidence, allow: self}", "bundle.yaml:20: method get: writes belongs"},
		{"form: [hash, title]", "form: [hash, name]", `bundle.yaml:19: method deposit has no argument "name"`},
		{"not_found:", "not_there:", "bundle.yaml:22: error not_there is not in the code"},
		{"deposited:", "stored:", "event stored is not in the code"},
		{"zh: 已存证, ", "", "bundle.yaml:21: needs words in zh and en"},
		{"maxTitle: 200", "maxTitle: 2.5", "bundle.yaml:8: maxTitle"},
		{"title: {zh: 存证, en: Evidence}", "title: &t {zh: 存证, en: Evidence}", "bundle.yaml:5: anchors"},
		{"count: evidence", "count: nothing", "statistic perDay"},
		{"version: 1.0.0", "version: 1.0", "version"},
		{"uses: [identity@1]", "uses: [evidence@1]", "uses itself"},
	} {
		changed := strings.Replace(string(yamlRaw), c.old, c.new, 1)
		require.NotEqual(t, string(yamlRaw), changed, c.old)
		_, err := Check([]byte(changed), schemaRaw)
		require.Equal(t, types.CodeManifestInvalid, types.CodeOf(err), "%s: %v", c.new, err)
		require.Contains(t, err.Error(), c.want)
	}
	_, err = Check(yamlRaw, schemaRaw)
	require.NoError(t, err)
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
