package host

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
)

// Register instantiates the import modules in a runtime. Calls that reach them MUST run
// under a Session's Context.
func Register(ctx context.Context, r wazero.Runtime) error {
	for _, set := range [][]Function{abi, wasi} {
		b := r.NewHostModuleBuilder(set[0].Module)
		for i := range set {
			f := &set[i]
			b.NewFunctionBuilder().WithGoModuleFunction(f.goFunction(), f.Params, f.Results).Export(f.Name)
		}
		if _, err := b.Instantiate(ctx); err != nil {
			return fmt.Errorf("register host module %s: %w", set[0].Module, err)
		}
	}
	return nil
}
