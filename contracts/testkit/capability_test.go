package testkit

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/engine"
	"github.com/huchain/huchain/vm/wasm"
	"github.com/huchain/huchain/vm/wasm/wasmtest"
)

// A module may import what its manifest declares, at creation and at an upgrade alike; a
// package from before capabilities were declared is held to whether it writes at all.
//
// covers: T.08, T.21
func TestCapabilities(t *testing.T) {
	t.Parallel()
	e, err := engine.New(t.Context(), engineParams())
	require.NoError(t, err)
	t.Cleanup(func() { _ = e.Close(t.Context()) }) //nolint:usetesting // frees memory only
	p := DefaultParams()
	p.Lanes = []Lane{{"wasm", e}}
	c, err := New(t.Context(), p)
	require.NoError(t, err)
	// A member may have so many uploads under way; a refused one stays until it is aborted.
	for _, name := range []string{"create", "upgrade"} {
		require.NoError(t, c.AddMember(t.Context(), name, "archives", "admin"))
	}
	loop := filepath.Join("..", "..", "test", "testdata", "loop")
	yamlRaw, err := os.ReadFile(filepath.Join(loop, bundle.YAMLFile))
	require.NoError(t, err)
	schemaRaw, err := os.ReadFile(filepath.Join(loop, bundle.SchemaFile))
	require.NoError(t, err)
	module := func(imports ...string) []byte {
		b := wasmtest.New()
		for _, name := range imports {
			b.Import("huchain", name, map[string]wasm.FuncType{
				"state_get": wasmtest.T("iiii", "i"), "state_put": wasmtest.T("iiii", ""), "emit": wasmtest.T("iiii", ""), "sm3": wasmtest.T("iii", ""),
			}[name])
		}
		return b.Call("", "nop").Bytes()
	}
	install := func(method, version string, writes bool, code []byte, declared ...types.Capability) *Outcome {
		m := &bundle.Manifest{Bundle: bundle.Format, Name: "loop", Version: version, Language: "go", Capabilities: declared,
			Methods: []bundle.Method{{Name: "spin", Writes: writes, Allow: map[bool]string{true: "ANY role:client", false: "public"}[writes]}}}
		raw, err := bundle.Pack(m, bytes.ReplaceAll(yamlRaw, []byte("1.0.0"), []byte(version)), schemaRaw, code)
		require.NoError(t, err)
		out, err := c.install(t.Context(), method, method, raw)
		require.NoError(t, err)
		return out
	}
	refused := func(out *Outcome, words string) {
		t.Helper()
		require.Equal(t, types.CodeModuleRefused.String(), out.Code, out.Detail)
		require.Contains(t, out.Detail, words)
	}
	put := module("sm3", "state_get", "state_put")
	refused(install("create", "1.0.0", true, put, types.CapabilityRead), `function 2, byte 0x`)
	refused(install("create", "1.0.1", true, put, types.CapabilityRead),
		`the import "huchain"."state_put" needs the capability write, and the manifest declares read; add write to capabilities in bundle.yaml`)
	refused(install("create", "1.0.2", false, put), "needs the capability write, and the manifest declares call, did, read, verify")
	require.Empty(t, install("create", "1.0.3", true, put, types.CapabilityRead, types.CapabilityWrite).Detail)
	refused(install("upgrade", "1.1.0", true, module("emit"), types.CapabilityRead, types.CapabilityWrite), `"huchain"."emit" needs the capability emit`)
	require.Empty(t, install("upgrade", "1.1.1", true, module("emit", "state_put")).Detail)
}
