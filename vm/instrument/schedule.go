package instrument

import "fmt"

// Schedule is a version of the gas rules, in gas units of about one WebAssembly
// instruction. It is a consensus rule: a published version MUST NOT change.
type Schedule struct {
	Version uint32

	Op      uint32 // any instruction but block, loop, end, else and nop, which are free
	Divide  uint32 // integer division and remainder, float division and square root
	Call    uint32 // call and call_indirect
	Local   uint32 // each local at function entry
	Page    uint64 // each page asked of memory.grow
	CopyPer uint32 // memory.copy, fill and init: bytes per unit, a power of two

	Host       uint64 // any host function
	HostByte   uint64 // each byte that crosses between guest and host
	StateRead  uint64 // state_get, and each entry of a scan
	StateWrite uint64 // state_put and state_delete
	StateByte  uint64 // each byte of a key or value read
	WriteByte  uint64 // each byte of a key or value written
	Scan       uint64 // state_scan, each group of entries read
	Emit       uint64 // emit
	EventByte  uint64 // each byte of an event
	Contract   uint64 // call
	HashByte   uint64 // each byte given to sm3 or sm2_verify
	Verify     uint64 // sm2_verify
	Base       uint64 // any call of a contract

	InitGas    uint64 // limit for _initialize
	StackSlots uint32 // stack budget of a call, in slots
	FrameSlots uint32 // slots of a frame, besides locals, operands and the share for its code
}

// ScheduleV1 is the first version of the gas rules. The stack allows 1,024 frames.
func ScheduleV1() Schedule {
	return Schedule{
		Version: 1,
		Op:      1, Divide: 8, Call: 4, Local: 1, Page: 8192, CopyPer: 8,
		Host: 50, HostByte: 1, StateRead: 2000, StateWrite: 5000, StateByte: 2, WriteByte: 20,
		Scan: 3000, Emit: 1000, EventByte: 10, Contract: 20000, HashByte: 8, Verify: 100000, Base: 5000,
		InitGas: 100_000_000, StackSlots: 128 << 10, FrameSlots: 128,
	}
}

// Validate refuses schedules the instrumentation can't carry out.
func (s *Schedule) Validate() error {
	switch {
	case s.Version != 1:
		return fmt.Errorf("gas schedule of version %d is unknown", s.Version)
	case s.CopyPer == 0 || s.CopyPer&(s.CopyPer-1) != 0:
		return fmt.Errorf("gas schedule: bytes per unit %d is no power of two", s.CopyPer)
	case s.FrameSlots == 0 || s.StackSlots/s.FrameSlots > MaxDepth || s.StackSlots < s.FrameSlots || s.StackSlots > 1<<20:
		return fmt.Errorf("gas schedule: %d stack slots at %d a frame allow more than %d frames", s.StackSlots, s.FrameSlots, MaxDepth)
	case s.Page > 1<<30 || s.InitGas > 1<<40:
		return fmt.Errorf("gas schedule: price of a page or of initialisation out of range")
	}
	return nil
}

// MaxDepth is the highest number of nested function calls that any schedule may allow.
// wazero's interpreter stops at 2,000 frames; the compiler's own limit is kept out of
// reach by the share of a frame that grows with the function's code.
const MaxDepth = 1024
