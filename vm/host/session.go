package host

import (
	"context"
	"errors"
	"math"
	"strings"

	"github.com/tetratelabs/wazero/api"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/instrument"
)

// Session is one run of a guest: what host functions work on. It serves one call and
// one goroutine.
type Session struct {
	Env      Env // nil while _initialize runs: only WASI and log are open then
	Args     []byte
	Schedule *instrument.Schedule
	Gas      api.MutableGlobal // the injected i64 global

	Result []byte // what output gave last

	ctx        sessionContext
	err        error // why the host ended the call
	callResult []byte
	caller     []byte
	random     uint64 // state of the generator behind random_get
	slept      uint64 // ns waited in poll_oneoff
	stderr     []byte // first line the guest wrote to standard error
	stderrDone bool
}

// Context returns a context that carries s to the host functions.
func (s *Session) Context(ctx context.Context) context.Context {
	s.ctx = sessionContext{ctx, s}
	return &s.ctx
}

// Err returns the error with which a host function ended the call, nil if none did.
func (s *Session) Err() error { return s.err }

// Stderr returns the first line the guest wrote to standard error, at most 200 bytes:
// for a Go contract, what it panicked with.
func (s *Session) Stderr() string {
	return strings.ToValidUTF8(strings.TrimSpace(string(s.stderr)), "?")
}

// sessionContext is found by a type assertion, which costs less than Value.
type sessionContext struct {
	context.Context
	session *Session
}

func session(ctx context.Context) *Session {
	if c, ok := ctx.(*sessionContext); ok {
		return c.session
	}
	panic("vm/host: called without a session")
}

// errAbort unwinds the guest; the reason is in Session.err.
var errAbort = errors.New("call ended by the host")

// abort ends the call with err. It doesn't return.
func (s *Session) abort(err error) {
	s.err = err
	panic(errAbort)
}

func (s *Session) misuse(format string, args ...any) {
	s.abort(types.Errorf(types.CodeHostMisuse, format, args...))
}

func (s *Session) limit(what string, n, bound int) {
	if n > bound {
		s.abort(types.Errorf(types.CodeLimitExceeded, "%s of %d bytes, at most %d are allowed", what, n, bound))
	}
}

// charge takes gas, and ends the call if there isn't enough.
func (s *Session) charge(gas uint64) {
	left := int64(s.Gas.Get())
	if left < 0 || gas > uint64(left) {
		s.Gas.Set(math.MaxUint64) // -1: out of gas, whatever the guest would have spent
		s.abort(types.Errorf(types.CodeOutOfGas, ""))
	}
	s.Gas.Set(uint64(left) - gas)
}

func (s *Session) gasLeft() uint64 { return uint64(max(0, int64(s.Gas.Get()))) }

// enter begins a host function: its flat price, and the chance to stop a cancelled call.
func (s *Session) enter(gas uint64) {
	if s.Env == nil {
		s.misuse("the chain isn't open to _initialize: register methods there, read state in a call")
	}
	s.charge(s.Schedule.Host + gas)
	if err := s.ctx.Err(); err != nil {
		s.abort(err)
	}
}

// check ends the call if err isn't nil.
func (s *Session) check(err error) {
	if err != nil {
		s.abort(err)
	}
}

// read returns guest memory, which the caller MUST copy to keep.
func (s *Session) read(m api.Module, ptr, n uint64) []byte {
	b, ok := m.Memory().Read(uint32(ptr), uint32(n))
	if !ok {
		s.misuse("pointer 0x%x with length %d lies outside memory", uint32(ptr), uint32(n))
	}
	return b
}

// input reads n bytes after charging price for each.
func (s *Session) input(m api.Module, ptr, n, price uint64) []byte {
	b := s.read(m, ptr, n)
	s.charge(uint64(len(b)) * price)
	return b
}

// output copies min(len(b), cap) bytes to the guest and returns len(b).
func (s *Session) output(m api.Module, b []byte, ptr, cap uint64) uint64 {
	n := min(uint64(len(b)), uint64(uint32(cap)))
	dst := s.read(m, ptr, n)
	s.charge(n * s.Schedule.HostByte)
	copy(dst, b)
	return uint64(len(b))
}

// key reads a state key.
func (s *Session) key(m api.Module, ptr, n, price uint64) []byte {
	s.limit("a state key", int(uint32(n)), types.MaxKeyBytes)
	if uint32(n) == 0 {
		s.misuse("an empty state key")
	}
	return s.input(m, ptr, n, price)
}
