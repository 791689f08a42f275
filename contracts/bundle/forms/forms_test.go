package forms

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
)

const hash = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"

func evidence(t testing.TB) []byte {
	raw, err := os.ReadFile(filepath.Join("..", "..", "base", "evidence", bundle.SchemaFile))
	require.NoError(t, err)
	return raw
}

func TestArgsAndResults(t *testing.T) {
	f, err := Compile(evidence(t))
	require.NoError(t, err)
	require.NoError(t, f.Args("deposit", []byte(`{"hash":"`+hash+`","title":"合同"}`)))
	require.NoError(t, f.Args("listChains", nil), "no bytes stand for {}")
	for args, want := range map[string]string{
		`{"hash":"` + hash + `"}`:                          "$: missing property",
		`{"hash":"AB","title":"x"}`:                        "$.hash: ",
		`{"hash":"` + hash + `","title":7}`:                "$.title: got number, want string",
		`{"hash":"` + hash + `","title":"x","colour":"y"}`: "$: additional properties 'colour' not allowed",
		`[]`:    "$: got array, want object",
		`{`:     "not JSON",
		`{} {}`: "not JSON",
	} {
		err := f.Args("deposit", []byte(args))
		require.Equal(t, types.CodeBadArguments, types.CodeOf(err), args)
		require.Contains(t, err.Error(), want)
	}
	err = f.Args("defineTemplate", []byte(`{"template":"t","title":"x","steps":[{"name":"a","party":"b"},{"name":1,"party":"b"}]}`))
	require.ErrorContains(t, err, "$.steps[1].name: ")
	require.Equal(t, types.CodeUnknownMethod, types.CodeOf(f.Args("burn", nil)))

	require.NoError(t, f.Result("verify", []byte(`{"found":false}`)))
	require.Equal(t, types.CodeResultForm, types.CodeOf(f.Result("verify", []byte(`{"found":"no"}`))))
	require.Error(t, f.Params([]byte(`{}`)), "evidence has no init")
}

// A schema from the chain reaches nothing outside itself.
func TestCompileRefuses(t *testing.T) {
	raw := string(evidence(t))
	for _, ref := range []string{"file:///etc/passwd", "https://example.com/x.json", "#/$defs/Nothing", "other.json"} {
		changed := strings.Replace(raw, `"#/$defs/DepositArgs"`, `"`+ref+`"`, 1)
		require.NotEqual(t, raw, changed)
		_, err := Compile([]byte(changed))
		require.Equal(t, types.CodeManifestInvalid, types.CodeOf(err), ref)
	}
	_, err := Compile([]byte(`{"schema":1,"methods":{"get":{"writes":false}}}`))
	require.Equal(t, types.CodeManifestInvalid, types.CodeOf(err))
}

// Whatever schema a package holds, compiling it answers with forms or a code, and what
// compiles judges any value.
func FuzzCompile(f *testing.F) {
	f.Add(evidence(f), []byte(`{"hash":"`+hash+`"}`))
	f.Fuzz(func(t *testing.T, schema, args []byte) {
		forms, err := Compile(schema)
		if err != nil {
			require.Equal(t, types.CodeManifestInvalid, types.CodeOf(err))
			return
		}
		for name := range forms.args {
			if err := forms.Args(name, args); err != nil {
				require.Equal(t, types.CodeBadArguments, types.CodeOf(err))
			}
		}
	})
}
