package build

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

const contracts = ".."

// The lock pins what the repository's bundles build to, on any machine, twice over.
func TestLockIsUpToDate(t *testing.T) {
	p := DefaultParams()
	p.Write = false
	out := t.TempDir()
	first, err := All(t.Context(), contracts, out, p)
	require.NoError(t, err)
	require.NotEmpty(t, first.Bundles)
	raw, err := os.ReadFile(filepath.Join(out, PackageName("evidence", "1.0.0")))
	require.NoError(t, err)
	opened, err := bundle.Open(raw)
	require.NoError(t, err)
	again, err := Build(t.Context(), filepath.Join(contracts, "base", "evidence"), p)
	require.NoError(t, err)
	require.Equal(t, opened.Hash, again.Hash)
}

func TestLockText(t *testing.T) {
	l := &Lock{Toolchain, []Locked{{Dir: "base/evidence", Version: "1.0.0"}}}
	back, err := ParseLock(l.Encode())
	require.NoError(t, err)
	require.Equal(t, l, back)
	_, err = ParseLock([]byte("toolchain go1.26.8\nbase/evidence 1.0.0 code:00 package:00\n"))
	require.ErrorContains(t, err, "bundles.lock:2")
}

func TestBuildRefuses(t *testing.T) {
	_, err := Build(t.Context(), t.TempDir(), DefaultParams())
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	_, err = Build(t.Context(), t.TempDir(), Params{Toolchain: "gcc"})
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
	t.Setenv("PATH", t.TempDir())
	_, err = Build(t.Context(), filepath.Join(contracts, "base", "evidence"), DefaultParams())
	require.Equal(t, types.CodeToolMissing, types.CodeOf(err))
}

// What bundle.yaml declares of capabilities is what the module's imports need.
func TestCapabilitiesAreExact(t *testing.T) {
	b := wasmtest.New()
	b.Import("huchain", "state_put", wasmtest.T("iiii", ""))
	code := b.Call("", "nop").Bytes()
	text, err := os.ReadFile(filepath.Join("..", "..", "test", "testdata", "loop", bundle.YAMLFile))
	require.NoError(t, err)
	declared := regexp.MustCompile(`(?m)^capabilities: .*$`)
	for with, want := range map[string]string{
		"capabilities: [write]":       "",
		"capabilities: [read]":        `HC-3301|function 0, byte 0x|needs the capability write, and the manifest declares read; add write`,
		"capabilities: [read, write]": "HC-3303|bundle.yaml:6: capabilities declares read, write, the code needs write",
		"":                            "HC-3303|bundle.yaml:1: capabilities declares –, the code needs write",
	} {
		spec, err := bundle.ParseSpec(declared.ReplaceAll(text, []byte(with)))
		require.NoError(t, err)
		err = checkModule(spec, code)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		for _, words := range strings.Split(want, "|") {
			require.ErrorContains(t, err, words, with)
		}
	}
	_, err = bundle.ParseSpec(declared.ReplaceAll(text, []byte("capabilities: [steal]")))
	require.ErrorContains(t, err, "bundle.yaml:6")
}
