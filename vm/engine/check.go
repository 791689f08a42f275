package engine

import (
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/instrument"
)

// Check judges whether a module may be installed under the capabilities that its manifest
// declares: admission and instrumentation, without compiling. The error is HC-3301.
func (e *Engine) Check(code []byte, granted []types.Capability, s *instrument.Schedule) error {
	decoded, err := check.Module(code, e.p.Limits)
	if err != nil {
		return err
	}
	if err := check.Granted(decoded, granted); err != nil {
		return err
	}
	if _, err := instrument.Module(decoded, s); err != nil {
		return check.Refusal(decoded, err)
	}
	return nil
}
