package host

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/tetratelabs/wazero/api"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Module is the import module of the ABI.
const Module = "huchain"

const (
	scanGroup     = 32      // entries asked of Env.Scan at a time
	maxScanLimit  = 10_000  // entries of one state_scan
	maxCallArgs   = 1 << 20 // argument bytes of a nested call
	maxLogBytes   = 1 << 10
	maxNameBytes  = 64
	moreFollow    = 1 << 31
	absent        = 0xffffffff // -1
	maxFailureLen = types.MaxErrorBytes - 2*maxNameBytes - 8
)

// Function is a function that guests may import.
type Function struct {
	Module, Name    string
	Params, Results []api.ValueType
	// Capability is what a module's manifest must declare to import it, "" for nothing.
	Capability types.Capability
	call       func(s *Session, m api.Module, p []uint64)
}

// Functions returns all functions that guests may import, in a fixed order.
func Functions() []Function {
	out := append(append([]Function(nil), abi...), wasi...)
	for i := range out {
		if out[i].Module == Module {
			out[i].Capability = needs[out[i].Name]
		}
	}
	return out
}

// needs are the functions that reach beyond the call itself.
var needs = map[string]types.Capability{
	"state_get": types.CapabilityRead, "state_scan": types.CapabilityRead,
	"state_put": types.CapabilityWrite, "state_delete": types.CapabilityWrite,
	"emit": types.CapabilityEmit,
	"call": types.CapabilityCall, "call_result": types.CapabilityCall,
	"caller_did": types.CapabilityDID,
	"sm2_verify": types.CapabilityVerify,
}

func fn(name string, params, results int, call func(s *Session, m api.Module, p []uint64)) Function {
	i32s := func(n int) []api.ValueType {
		t := make([]api.ValueType, n)
		for i := range t {
			t[i] = api.ValueTypeI32
		}
		return t
	}
	return Function{Module: Module, Name: name, Params: i32s(params), Results: i32s(results), call: call}
}

var abi = []Function{
	fn("method", 2, 1, func(s *Session, m api.Module, p []uint64) {
		s.enter(0)
		p[0] = s.output(m, []byte(s.Env.Info().Method), p[0], p[1])
	}),
	fn("args", 2, 1, func(s *Session, m api.Module, p []uint64) {
		s.enter(0)
		p[0] = s.output(m, s.Args, p[0], p[1])
	}),
	fn("output", 2, 0, func(s *Session, m api.Module, p []uint64) {
		s.enter(0)
		s.limit("a result", int(uint32(p[1])), types.MaxResultBytes)
		s.Result = append(s.Result[:0], s.input(m, p[0], p[1], s.Schedule.HostByte)...)
	}),
	fn("fail", 4, 0, fail),
	fn("state_get", 4, 1, stateGet),
	fn("state_put", 4, 0, func(s *Session, m api.Module, p []uint64) {
		s.enter(s.Schedule.StateWrite)
		s.limit("a state value", int(uint32(p[3])), types.MaxValueBytes)
		key := s.key(m, p[0], p[1], s.Schedule.WriteByte)
		s.check(s.Env.Put(key, s.input(m, p[2], p[3], s.Schedule.WriteByte)))
	}),
	fn("state_delete", 2, 0, func(s *Session, m api.Module, p []uint64) {
		s.enter(s.Schedule.StateWrite)
		s.check(s.Env.Delete(s.key(m, p[0], p[1], s.Schedule.WriteByte)))
	}),
	fn("state_scan", 7, 1, stateScan),
	fn("emit", 4, 0, func(s *Session, m api.Module, p []uint64) {
		s.enter(s.Schedule.Emit)
		name := s.name(m, p[0], p[1], types.MaxEventNameBytes, "an event's name")
		s.limit("an event", int(uint32(p[3])), types.MaxEventBytes)
		s.check(s.Env.Emit(name, s.input(m, p[2], p[3], s.Schedule.EventByte)))
	}),
	fn("call", 6, 1, callContract),
	fn("call_result", 2, 1, func(s *Session, m api.Module, p []uint64) {
		s.enter(0)
		p[0] = s.output(m, s.callResult, p[0], p[1])
	}),
	fn("caller", 2, 1, func(s *Session, m api.Module, p []uint64) {
		s.enter(0)
		if s.caller == nil {
			s.caller = encodeCaller(&s.Env.Info().Caller)
		}
		p[0] = s.output(m, s.caller, p[0], p[1])
	}),
	fn("caller_did", 2, 1, func(s *Session, m api.Module, p []uint64) {
		s.enter(s.Schedule.StateRead)
		did, err := s.Env.DID()
		s.check(err)
		s.charge(uint64(len(did)) * s.Schedule.StateByte)
		p[0] = s.output(m, []byte(did), p[0], p[1])
	}),
	fn("chain", 2, 1, func(s *Session, m api.Module, p []uint64) {
		s.enter(0)
		info := s.Env.Info()
		p[0] = s.output(m, append(info.Genesis[:], info.Chain...), p[0], p[1])
	}),
	fn("block", 1, 0, func(s *Session, m api.Module, p []uint64) {
		s.enter(0)
		b := s.read(m, p[0], 16)
		info := s.Env.Info()
		binary.LittleEndian.PutUint64(b, info.Height)
		binary.LittleEndian.PutUint64(b[8:], uint64(info.TimeMs))
	}),
	fn("tx_id", 1, 0, func(s *Session, m api.Module, p []uint64) {
		s.enter(0)
		id := s.Env.Info().TxID
		copy(s.read(m, p[0], crypto.HashSize), id[:])
	}),
	fn("sm3", 3, 0, func(s *Session, m api.Module, p []uint64) {
		s.enter(0)
		h := crypto.Sum(s.input(m, p[0], p[1], s.Schedule.HashByte))
		copy(s.read(m, p[2], crypto.HashSize), h[:])
	}),
	fn("sm2_verify", 4, 1, sm2Verify),
	fn("log", 2, 0, func(s *Session, m api.Module, p []uint64) {
		s.enter(0)
		b := s.input(m, p[0], min(uint64(uint32(p[1])), maxLogBytes), s.Schedule.HostByte)
		s.Env.Log(strings.ToValidUTF8(string(b), "?"))
	}),
}

// name reads a short UTF-8 text.
func (s *Session) name(m api.Module, ptr, n uint64, bound int, what string) string {
	s.limit(what, int(uint32(n)), bound)
	b := s.input(m, ptr, n, s.Schedule.HostByte)
	if len(b) == 0 || !utf8.Valid(b) {
		s.misuse("%s is empty or not UTF-8", what)
	}
	return string(b)
}

func fail(s *Session, m api.Module, p []uint64) {
	s.enter(0)
	f := &Failure{Contract: s.Env.Info().Contract, Name: s.name(m, p[0], p[1], maxNameBytes, "an error's name")}
	// A longer text is cut: an error must not turn into another one.
	text := s.input(m, p[2], min(uint64(uint32(p[3])), uint64(maxFailureLen)), s.Schedule.HostByte)
	f.Text = strings.ToValidUTF8(string(text), "")
	s.abort(f)
}

func stateGet(s *Session, m api.Module, p []uint64) {
	s.enter(s.Schedule.StateRead)
	v, found, err := s.Env.Get(s.key(m, p[0], p[1], s.Schedule.StateByte))
	s.check(err)
	if !found {
		p[0] = absent
		return
	}
	s.charge(uint64(len(v)) * s.Schedule.StateByte)
	if uint64(len(v)) <= uint64(uint32(p[3])) {
		copy(s.read(m, p[2], uint64(len(v))), v)
	}
	p[0] = uint64(len(v))
}

func stateScan(s *Session, m api.Module, p []uint64) {
	s.enter(s.Schedule.Scan)
	s.limit("a scan's start", int(uint32(p[1])), types.MaxKeyBytes+1)
	start := append([]byte(nil), s.input(m, p[0], p[1], s.Schedule.StateByte)...)
	var end []byte
	if uint32(p[3]) != absent {
		s.limit("a scan's end", int(uint32(p[3])), types.MaxKeyBytes+1)
		end = append([]byte{}, s.input(m, p[2], p[3], s.Schedule.StateByte)...)
	}
	buf := s.read(m, p[5], p[6])
	if len(buf) >= moreFollow {
		s.misuse("a scan buffer of %d bytes", len(buf))
	}
	left := int(min(uint32(p[4]), maxScanLimit))
	used := 0
	for first := true; left > 0; first = false {
		if !first {
			s.charge(s.Schedule.Scan)
		}
		pairs, more, err := s.Env.Scan(start, end, min(left, scanGroup))
		s.check(err)
		for _, kv := range pairs {
			s.charge(s.Schedule.StateRead + uint64(len(kv.Key)+len(kv.Value))*s.Schedule.StateByte)
			need := 8 + len(kv.Key) + len(kv.Value)
			if need > len(buf)-used {
				p[0] = uint64(used) | moreFollow
				if used == 0 {
					p[0] = uint64(uint32(-int32(need)))
				}
				return
			}
			b := binary.LittleEndian.AppendUint32(buf[:used], uint32(len(kv.Key)))
			b = binary.LittleEndian.AppendUint32(append(b, kv.Key...), uint32(len(kv.Value)))
			used = len(append(b, kv.Value...))
			left--
		}
		if !more || len(pairs) == 0 {
			p[0] = uint64(used)
			return
		}
		start = append(append(start[:0], pairs[len(pairs)-1].Key...), 0)
	}
	// The limit is reached and the last group said that more follow, or limit was 0.
	p[0] = uint64(used)
	if used > 0 {
		p[0] |= moreFollow
	}
}

func callContract(s *Session, m api.Module, p []uint64) {
	s.enter(s.Schedule.Contract)
	contract := s.name(m, p[0], p[1], maxNameBytes, "a contract's name")
	method := s.name(m, p[2], p[3], maxNameBytes, "a method's name")
	s.limit("call arguments", int(uint32(p[5])), maxCallArgs)
	args := append([]byte(nil), s.input(m, p[4], p[5], s.Schedule.HostByte)...)
	result, used, err := s.Env.Call(contract, method, args, s.gasLeft())
	s.charge(used)
	var failure *Failure
	switch {
	case errors.As(err, &failure):
		s.callResult = []byte(failure.Error())
		p[0] = absent
	case err != nil:
		s.abort(err)
	default:
		s.callResult = result
		p[0] = uint64(len(result))
	}
}

func sm2Verify(s *Session, m api.Module, p []uint64) {
	s.enter(s.Schedule.Verify)
	pub := crypto.PublicKey(s.read(m, p[0], crypto.PublicKeySize))
	msg := s.input(m, p[1], p[2], s.Schedule.HashByte)
	sig := s.read(m, p[3], crypto.SignatureSize)
	p[0] = 0
	if pub.Verify(msg, sig) {
		p[0] = 1
	}
}

// encodeCaller writes the four length-prefixed fields of caller.
func encodeCaller(c *Caller) []byte {
	var room [256]byte
	roles := room[:0]
	for i, r := range c.Roles {
		if i > 0 {
			roles = append(roles, ',')
		}
		roles = append(roles, r...)
	}
	out := make([]byte, 0, 4+len(c.Member)+len(c.Org)+len(c.Address)+len(roles))
	out = appendField(out, string(c.Member))
	out = appendField(out, c.Org)
	out = appendField(out, c.Address[:])
	return appendField(out, roles)
}

// appendField appends u8 len ‖ f, which is cut to 255 bytes.
func appendField[T string | []byte](out []byte, f T) []byte {
	n := min(len(f), 255)
	return append(append(out, byte(n)), f[:n]...)
}

// goFunction adapts f to wazero.
func (f *Function) goFunction() api.GoModuleFunction {
	call := f.call
	return api.GoModuleFunc(func(ctx context.Context, m api.Module, p []uint64) { call(session(ctx), m, p) })
}
