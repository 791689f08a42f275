package engine

import (
	"github.com/huchain/huchain/vm/check"
	"github.com/huchain/huchain/vm/instrument"
)

// Check judges whether a module may be installed: admission and instrumentation,
// without compiling. The error is HC-3301.
func (e *Engine) Check(code []byte, s *instrument.Schedule) error {
	decoded, err := check.Module(code, e.p.Limits)
	if err != nil {
		return err
	}
	if _, err := instrument.Module(decoded, s); err != nil {
		return check.Refusal(decoded, err)
	}
	return nil
}
