package bundle

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The JSON form of bundle.yaml reads as bundle.yaml does.
func TestInterfaceAsJSON(t *testing.T) {
	files, err := filepath.Glob("../*/*/" + YAMLFile)
	require.NoError(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		schema, err := os.ReadFile(filepath.Join(filepath.Dir(file), SchemaFile))
		require.NoError(t, err)
		x, err := ReadInterface(raw, schema)
		require.NoError(t, err)
		asJSON, err := json.Marshal(x.Spec)
		require.NoError(t, err)
		again, err := ReadInterface(asJSON, schema)
		require.NoError(t, err, file)
		back, err := json.Marshal(again.Spec)
		require.NoError(t, err)
		require.JSONEq(t, string(asJSON), string(back))
		first, err := x.Spec.Manifest()
		require.NoError(t, err)
		second, err := again.Spec.Manifest()
		require.NoError(t, err)
		require.Equal(t, first, second)
	}
}

func TestArguments(t *testing.T) {
	yamlRaw, err := os.ReadFile("../base/evidence/" + YAMLFile)
	require.NoError(t, err)
	schemaRaw, err := os.ReadFile("../base/evidence/" + SchemaFile)
	require.NoError(t, err)
	x, err := ReadInterface(yamlRaw, schemaRaw)
	require.NoError(t, err)
	args := x.Arguments("deposit")
	require.Equal(t, []Argument{
		{"hash", "sm3", true, Text{"文件哈希", "File hash"}, 0},
		{"title", "text", true, Text{"名称", "Title"}, 200},
		{"metadata", "text", false, Text{"元数据", "Metadata"}, 2000},
	}, args)
	require.Equal(t, "list(Step)", x.Arguments("defineTemplate")[2].Type)
	require.Equal(t, "page(Evidence)", x.Schema.TypeWords(x.Schema.Methods["list"].Result))
	example, err := x.Example("defineTemplate")
	require.NoError(t, err)
	require.Equal(t, `{"template":"template-1","title":"title-1","steps":[{"name":"name-1","party":"party-1"}]}`, string(example))
}
