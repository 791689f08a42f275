package engine

import (
	"context"
	"errors"
	"strings"

	"github.com/tetratelabs/wazero/api"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/instrument"
)

// run calls fn with gas and returns what is left of it.
func (in *instance) run(ctx context.Context, s *host.Session, fn api.Function, gas uint64) (left uint64, err error) {
	schedule := &in.module.key.schedule
	s.Schedule, s.Gas = schedule, in.gas
	in.gas.Set(gas)
	in.stack.Set(uint64(schedule.StackSlots))
	in.flag.Set(0)
	err = fn.CallWithStack(s.Context(ctx), nil)
	in.failed = err != nil
	remaining := int64(in.gas.Get())
	if remaining < 0 {
		return 0, types.Errorf(types.CodeOutOfGas, "")
	}
	if err != nil {
		err = in.explain(s, err)
	}
	return uint64(remaining), err
}

// explain finds out why a call failed that had gas left. All it looks at is the same on
// every node.
func (in *instance) explain(s *host.Session, err error) error {
	ended := s.Err()
	switch {
	case int32(in.stack.Get()) < 0:
		return types.Errorf(types.CodeStackOverflow, "")
	case in.flag.Get()&instrument.FlagMemory != 0 && (ended == nil || types.CodeOf(ended) == types.CodeTrap):
		return types.Errorf(types.CodeMemoryLimit, "at most %d MiB", in.module.key.schedule.MaxPages/16)
	case ended != nil:
		return ended
	}
	for _, trap := range traps {
		if errText(err, trap) {
			text := trap
			if last := s.Stderr(); last != "" {
				text += ": " + last
			}
			return types.Errorf(types.CodeTrap, "%s", text)
		}
	}
	return types.Errorf(types.CodeInternal, "contract execution failed: %w", err)
}

// traps are the messages of wazero for what the WebAssembly specification calls a trap.
// Anything else a run ends with is a fault of the host.
var traps = []string{
	"unreachable",
	"out of bounds memory access",
	"integer divide by zero",
	"integer overflow",
	"invalid conversion to integer",
	"invalid table access",
	"indirect call type mismatch",
	"stack overflow",
}

func errText(err error, trap string) bool {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.TrimPrefix(e.Error(), "wasm error: ") == trap {
			return true
		}
	}
	return false
}
