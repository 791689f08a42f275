package instrument

import "fmt"

// Schedule is what running contracts costs and may use, in gas units of about one
// WebAssembly instruction. It is a parameter of the chain and a consensus rule: modules
// are instrumented with it, so that another schedule means compiling them anew.
type Schedule struct {
	Version uint32 `json:"version"` // of the rules that give these numbers their meaning: 1

	Op      uint32 `json:"op"`      // any instruction but block, loop, end, else and nop, which are free
	Divide  uint32 `json:"divide"`  // integer division and remainder, float division and square root
	Call    uint32 `json:"call"`    // call and call_indirect
	Local   uint32 `json:"local"`   // each local at function entry
	Page    uint64 `json:"page"`    // each page asked of memory.grow
	CopyPer uint32 `json:"copyPer"` // memory.copy, fill and init: bytes per unit, a power of two

	Host       uint64 `json:"host"`       // any host function
	HostByte   uint64 `json:"hostByte"`   // each byte that crosses between guest and host
	StateRead  uint64 `json:"stateRead"`  // state_get, and each entry of a scan
	StateWrite uint64 `json:"stateWrite"` // state_put and state_delete
	StateByte  uint64 `json:"stateByte"`  // each byte of a key or value read
	WriteByte  uint64 `json:"writeByte"`  // each byte of a key or value written
	Scan       uint64 `json:"scan"`       // state_scan, each group of entries read
	Emit       uint64 `json:"emit"`       // emit
	EventByte  uint64 `json:"eventByte"`  // each byte of an event
	Contract   uint64 `json:"contract"`   // call
	HashByte   uint64 `json:"hashByte"`   // each byte given to sm3 or sm2_verify
	Verify     uint64 `json:"verify"`     // sm2_verify
	Base       uint64 `json:"base"`       // any call of a contract

	InitGas    uint64 `json:"initGas"`    // limit for _initialize
	StackSlots uint32 `json:"stackSlots"` // stack budget of a call, in slots
	FrameSlots uint32 `json:"frameSlots"` // slots of a frame, besides locals, operands and the share for its code
	MaxPages   uint32 `json:"maxPages"`   // memory of an instance, 64 KiB each
}

// ScheduleV1 is what a new chain begins with. The stack allows 1,024 frames, memory 64 MiB.
func ScheduleV1() Schedule {
	return Schedule{
		Version: 1,
		Op:      1, Divide: 8, Call: 4, Local: 1, Page: 8192, CopyPer: 8,
		Host: 50, HostByte: 1, StateRead: 2000, StateWrite: 5000, StateByte: 2, WriteByte: 20,
		Scan: 3000, Emit: 1000, EventByte: 10, Contract: 20000, HashByte: 8, Verify: 100000, Base: 5000,
		InitGas: 100_000_000, StackSlots: MaxStackSlots, FrameSlots: 128, MaxPages: 1024,
	}
}

// Bounds of a schedule. Within them no price is free, no sum of prices overflows, and
// neither the interpreter's 2,000 frames nor the compiler's native stack ends a call
// before its budget does: that is tested at MaxDepth and MaxStackSlots.
const (
	MaxDepth      = 1024      // nested function calls
	MaxStackSlots = 128 << 10 // stack budget of a call
	MaxPages      = 1 << 14   // memory of an instance: 1 GiB

	maxOpPrice   = 1 << 16
	maxHostPrice = 1 << 24
	maxCopyPer   = 1 << 12
	minInitGas   = 10_000_000
	maxInitGas   = 10_000_000_000
	minMaxPages  = 512 // what a module may start with
)

// Validate refuses schedules that the instrumentation can't carry out or that would let
// a contract run for nothing.
func (s *Schedule) Validate() error {
	if s.Version != 1 {
		return fmt.Errorf("gas schedule of version %d is unknown", s.Version)
	}
	for _, p := range []struct {
		name     string
		v        uint64
		min, max uint64
	}{
		{"op", uint64(s.Op), 1, maxOpPrice}, {"divide", uint64(s.Divide), 1, maxOpPrice},
		{"call", uint64(s.Call), 1, maxOpPrice}, {"local", uint64(s.Local), 0, maxOpPrice},
		{"copyPer", uint64(s.CopyPer), 1, maxCopyPer}, {"page", s.Page, 1, maxHostPrice},
		{"host", s.Host, 1, maxHostPrice}, {"hostByte", s.HostByte, 1, maxHostPrice},
		{"stateRead", s.StateRead, 1, maxHostPrice}, {"stateWrite", s.StateWrite, 1, maxHostPrice},
		{"stateByte", s.StateByte, 1, maxHostPrice}, {"writeByte", s.WriteByte, 1, maxHostPrice},
		{"scan", s.Scan, 1, maxHostPrice}, {"emit", s.Emit, 1, maxHostPrice}, {"eventByte", s.EventByte, 1, maxHostPrice},
		{"contract", s.Contract, 1, maxHostPrice}, {"hashByte", s.HashByte, 1, maxHostPrice},
		{"verify", s.Verify, 1, maxHostPrice}, {"base", s.Base, 1, maxHostPrice},
		{"initGas", s.InitGas, minInitGas, maxInitGas}, {"maxPages", uint64(s.MaxPages), minMaxPages, MaxPages},
	} {
		if p.v < p.min || p.v > p.max {
			return fmt.Errorf("gas schedule: %s %d is outside %d..%d", p.name, p.v, p.min, p.max)
		}
	}
	switch {
	case s.CopyPer&(s.CopyPer-1) != 0:
		return fmt.Errorf("gas schedule: copyPer %d is no power of two", s.CopyPer)
	case s.FrameSlots == 0 || s.StackSlots/s.FrameSlots > MaxDepth || s.StackSlots < s.FrameSlots || s.StackSlots > MaxStackSlots:
		return fmt.Errorf("gas schedule: %d stack slots at %d a frame: at most %d slots and %d frames", s.StackSlots, s.FrameSlots, MaxStackSlots, MaxDepth)
	}
	return nil
}
