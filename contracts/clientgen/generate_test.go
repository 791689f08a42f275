package clientgen

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/contracts/bundle/forms"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

const root = "../.."

func read(t testing.TB, dir string) (*bundle.Interface, []byte) {
	yamlRaw, err := os.ReadFile(filepath.Join(dir, bundle.YAMLFile))
	require.NoError(t, err)
	schemaRaw, err := os.ReadFile(filepath.Join(dir, bundle.SchemaFile))
	require.NoError(t, err)
	x, err := bundle.ReadInterface(yamlRaw, schemaRaw)
	require.NoError(t, err)
	return x, schemaRaw
}

// The client of every bundle of the repository compiles, and its examples of arguments
// satisfy the contract's own schema.
func TestClientsCompile(t *testing.T) {
	dirs, err := build.Find(filepath.Join(root, "contracts"))
	require.NoError(t, err)
	replace := map[string]string{}
	args := []string{"vet"}
	tmp := t.TempDir()
	abs, err := filepath.Abs(root)
	require.NoError(t, err)
	for _, d := range dirs {
		x, schema := read(t, filepath.Join(root, "contracts", d))
		code, err := Go(Source{Interface: x, Package: crypto.Sum([]byte(d))})
		require.NoError(t, err)
		again, err := Go(Source{Interface: x, Package: crypto.Sum([]byte(d))})
		require.NoError(t, err)
		require.Equal(t, string(code), string(again))
		name := PackageName(x.Spec.Name)
		file := filepath.Join(tmp, name+".go")
		require.NoError(t, os.WriteFile(file, code, 0o600))
		replace[filepath.Join(abs, "client", "zz"+name, name+".go")] = file
		args = append(args, "./client/zz"+name)

		f, err := forms.Compile(schema)
		require.NoError(t, err)
		for _, m := range x.Methods() {
			example, err := x.Example(m)
			require.NoError(t, err)
			require.NoError(t, f.Args(m, example), "%s %s", m, example)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	file := filepath.Join(tmp, "overlay.json")
	require.NoError(t, os.WriteFile(file, overlay, 0o600))
	args[0] = "build" // vet takes no overlay
	cmd := exec.Command("go", append([]string{"build", "-overlay", file}, args[1:]...)...)
	cmd.Dir = abs
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// What a node answers cannot put code of its own into a client.
func TestHostileWords(t *testing.T) {
	x, _ := read(t, filepath.Join(root, "contracts", "base", "evidence"))
	x.Spec.Title.EN = "Evidence\nfunc init() { panic(1) }"
	code, err := Go(Source{Interface: x})
	require.NoError(t, err)
	require.NotContains(t, string(code), "\nfunc init()")
	def := x.Schema.Defs["DepositArgs"]
	def.Order = append(def.Order, "a`; func init() {}")
	def.Properties[def.Order[len(def.Order)-1]] = &bundle.Type{Type: "string"}
	_, err = Go(Source{Interface: x})
	require.Equal(t, types.CodeManifestInvalid, types.CodeOf(err))
}

func TestPackageName(t *testing.T) {
	require.Equal(t, "landregister", PackageName("land-register"))
	require.Equal(t, "mapcontract", PackageName("map"))
	require.True(t, strings.HasPrefix(exported("9lives"), "X"))
}
