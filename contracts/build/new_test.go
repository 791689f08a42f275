package build

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// A bundle begun outside the repository builds with what was written beside it.
func TestNewOutside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "notes")
	require.NoError(t, New(dir, "my-notes", "go"))
	require.FileExists(t, filepath.Join(dir, "huchain-sdk", "contracts", "sdk", "go", "contract", "ctx.go"))
	require.NoError(t, Check(t.Context(), dir))
	p := DefaultParams()
	p.Write = false
	r, err := Build(t.Context(), dir, p)
	require.NoError(t, err)
	require.Equal(t, "my-notes", r.Manifest.Name)
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(New(dir, "my-notes", "go")))
}

func TestNewRefuses(t *testing.T) {
	require.Equal(t, types.CodeUsage, types.CodeOf(New(t.TempDir(), "Bad Name", "go")))
	require.Equal(t, types.CodeUsage, types.CodeOf(New(t.TempDir(), "ok", "cobol")))
}

// Generated files that do not match the code are refused.
func TestCheckFindsDrift(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "notes")
	require.NoError(t, New(dir, "notes", "go"))
	file := filepath.Join(dir, "contract.go")
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	changed := append(raw, []byte("\nvar errMore = contract.NewError(\"more\")\n")...)
	require.NoError(t, os.WriteFile(file, changed, 0o644))
	require.ErrorContains(t, Check(t.Context(), dir), "schema.json does not match the code")
	p := DefaultParams()
	_, err = Build(t.Context(), dir, p)
	require.ErrorContains(t, err, "bundle.yaml:22: error more of the code is missing here")
}
