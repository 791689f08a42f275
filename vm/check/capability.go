package check

import (
	"slices"
	"strings"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/wasm"
)

// capabilities maps "module\x00name" to what an import needs; those not in it need nothing.
var capabilities = func() map[string]types.Capability {
	k := make(map[string]types.Capability)
	for _, f := range host.Functions() {
		if f.Capability != "" {
			k[f.Module+"\x00"+f.Name] = f.Capability
		}
	}
	return k
}()

// Needs returns the capabilities that a module's imports need, ascending.
func Needs(m *wasm.Module) (out []types.Capability) {
	for _, c := range types.Capabilities() {
		if slices.ContainsFunc(m.Imports, func(i wasm.Import) bool { return capabilities[i.Module+"\x00"+i.Name] == c }) {
			out = append(out, c)
		}
	}
	return out
}

// Granted refuses a module, which has passed Module, with an import that needs a
// capability not granted. The error is an HC-3301 *types.Error.
func Granted(m *wasm.Module, granted []types.Capability) error {
	for n, i := range m.Imports {
		c := capabilities[i.Module+"\x00"+i.Name]
		if c == "" || slices.Contains(granted, c) {
			continue
		}
		e := &wasm.Error{Func: n, Offset: i.Offset}
		e.Problem = `the import "` + i.Module + `"."` + i.Name + `" needs the capability ` + string(c) + ", and the manifest declares " + listed(granted)
		e.Fix = "add " + string(c) + " to capabilities in bundle.yaml and build anew, or do without the function"
		return Refusal(m, e)
	}
	return nil
}

func listed(c []types.Capability) string {
	if len(c) == 0 {
		return "none"
	}
	names := make([]string, len(c))
	for i := range c {
		names[i] = string(c[i])
	}
	return strings.Join(names, ", ")
}
