package host

import (
	"encoding/binary"

	"github.com/tetratelabs/wazero/api"

	"github.com/huchain/huchain/types"
)

// wasiModule is WASI preview 1. Nothing of the machine shows through: the clock stands
// at the block time, random bytes are the same in every call, there are no files,
// arguments or variables. The names exist because compilers import them unasked.
const wasiModule = "wasi_snapshot_preview1"

// Error numbers of WASI.
const (
	wasiOK    = 0
	wasiBadFD = 8
)

const (
	maxIOVectors = 64
	maxSleep     = 10_000_000 // ns in one call
)

var wasi = wasiFunctions()

func wasiFunctions() []Function {
	out := []Function{
		wfn("args_get", "ii", wasiSucceed),
		wfn("args_sizes_get", "ii", wasiNone),
		wfn("environ_get", "ii", wasiSucceed),
		wfn("environ_sizes_get", "ii", wasiNone),
		wfn("clock_res_get", "ii", func(s *Session, m api.Module, p []uint64) uint64 {
			binary.LittleEndian.PutUint64(s.read(m, p[1], 8), 1_000_000)
			return wasiOK
		}),
		wfn("clock_time_get", "iIi", wasiClock),
		wfn("random_get", "ii", wasiRandom),
		wfn("sched_yield", "", wasiSucceed),
		wfn("fd_write", "iiii", wasiWrite),
	}
	out = append(out, wfn("poll_oneoff", "iiii", wasiPoll), wfn("proc_raise", "i", func(s *Session, _ api.Module, _ []uint64) uint64 {
		s.abort(types.Errorf(types.CodeTrap, "the contract raised a signal%s", s.lastWords()))
		return 0
	}))
	exit := wfn("proc_exit", "i", func(s *Session, _ api.Module, p []uint64) uint64 {
		s.abort(types.Errorf(types.CodeTrap, "the contract exited with status %d%s", uint32(p[0]), s.lastWords()))
		return 0
	})
	exit.Results = nil
	out = append(out, exit)
	for _, name := range []string{
		"fd_advise:iIIi", "fd_allocate:iII", "fd_close:i", "fd_datasync:i", "fd_fdstat_get:ii", "fd_fdstat_set_flags:ii",
		"fd_fdstat_set_rights:iII", "fd_filestat_get:ii", "fd_filestat_set_size:iI", "fd_filestat_set_times:iIIi",
		"fd_pread:iiiIi", "fd_prestat_dir_name:iii", "fd_prestat_get:ii", "fd_pwrite:iiiIi", "fd_read:iiii",
		"fd_readdir:iiiIi", "fd_renumber:ii", "fd_seek:iIii", "fd_sync:i", "fd_tell:ii",
		"path_create_directory:iii", "path_filestat_get:iiiii", "path_filestat_set_times:iiiiIIi", "path_link:iiiiiii",
		"path_open:iiiiiIIii", "path_readlink:iiiiii", "path_remove_directory:iii", "path_rename:iiiiii",
		"path_symlink:iiiii", "path_unlink_file:iii", "sock_accept:iii", "sock_recv:iiiiii", "sock_send:iiiii", "sock_shutdown:ii",
	} {
		n, sig := cut(name)
		out = append(out, wfn(n, sig, func(*Session, api.Module, []uint64) uint64 { return wasiBadFD }))
	}
	return out
}

func cut(s string) (name, signature string) {
	for i := range s {
		if s[i] == ':' {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// wfn makes a WASI function of i (i32) and I (i64) parameters that returns an error number.
func wfn(name, params string, call func(s *Session, m api.Module, p []uint64) uint64) Function {
	f := Function{Module: wasiModule, Name: name, Results: []api.ValueType{api.ValueTypeI32}}
	for _, c := range params {
		t := api.ValueTypeI32
		if c == 'I' {
			t = api.ValueTypeI64
		}
		f.Params = append(f.Params, t)
	}
	f.call = func(s *Session, m api.Module, p []uint64) {
		s.charge(s.Schedule.Host)
		errno := call(s, m, p)
		if len(p) > 0 {
			p[0] = errno
		}
	}
	return f
}

func wasiSucceed(*Session, api.Module, []uint64) uint64 { return wasiOK }

// wasiNone reports a list of no items and no bytes.
func wasiNone(s *Session, m api.Module, p []uint64) uint64 {
	binary.LittleEndian.PutUint32(s.read(m, p[0], 4), 0)
	binary.LittleEndian.PutUint32(s.read(m, p[1], 4), 0)
	return wasiOK
}

// wasiClock gives block time for the wall clock. All others start at one second.
func wasiClock(s *Session, m api.Module, p []uint64) uint64 {
	t := 1_000_000_000 + s.slept
	if uint32(p[0]) == 0 && s.Env != nil {
		t = uint64(s.Env.Info().TimeMs) * 1_000_000
	}
	binary.LittleEndian.PutUint64(s.read(m, p[2], 8), t)
	return wasiOK
}

// wasiRandom gives the same sequence (SplitMix64 from zero) in every call: guests that
// seed hash tables or schedulers work, and none can diverge. It is no secret.
func wasiRandom(s *Session, m api.Module, p []uint64) uint64 {
	b := s.input(m, p[0], p[1], s.Schedule.HostByte)
	for len(b) > 0 {
		s.random += 0x9e3779b97f4a7c15
		z := s.random
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], z^z>>31)
		b = b[copy(b, word[:]):]
	}
	return wasiOK
}

// wasiWrite takes what is written to standard output and error: it goes to the debug log.
func wasiWrite(s *Session, m api.Module, p []uint64) uint64 {
	fd, n := uint32(p[0]), uint32(p[2])
	if fd != 1 && fd != 2 {
		return wasiBadFD
	}
	if n > maxIOVectors {
		s.misuse("fd_write of %d pieces", n)
	}
	total := uint32(0)
	var text []byte
	for i := uint64(0); i < uint64(n); i++ {
		v := s.read(m, uint64(uint32(p[1]))+8*i, 8)
		piece := s.input(m, uint64(binary.LittleEndian.Uint32(v)), uint64(binary.LittleEndian.Uint32(v[4:])), s.Schedule.HostByte)
		total += uint32(len(piece))
		text = append(text, piece[:min(len(piece), maxLogBytes-len(text))]...)
	}
	if fd == 2 {
		s.keepStderr(text)
	}
	if s.Env != nil && len(text) > 0 {
		s.Env.Log(string(text))
	}
	binary.LittleEndian.PutUint32(s.read(m, p[3], 4), total)
	return wasiOK
}

func (s *Session) keepStderr(text []byte) {
	for _, c := range text {
		if s.stderrDone {
			return
		}
		if c == '\n' && len(s.stderr) > 0 || len(s.stderr) == 200 {
			s.stderrDone = true
		} else if c != '\n' {
			s.stderr = append(s.stderr, c)
		}
	}
}

func (s *Session) lastWords() string {
	if t := s.Stderr(); t != "" {
		return ": " + t
	}
	return ""
}

// wasiPoll lets the guest wait for a moment of its own clock, which passes at once: the
// Go runtime does so before it prints what a contract panicked with. Longer waits and
// waits for anything else end the call.
func wasiPoll(s *Session, m api.Module, p []uint64) uint64 {
	if n := uint32(p[2]); n != 1 {
		s.noWait()
	}
	sub := s.read(m, p[0], 48)
	const clockEvent, absolute = 0, 1
	timeout := binary.LittleEndian.Uint64(sub[24:])
	if sub[8] != clockEvent || binary.LittleEndian.Uint16(sub[40:])&absolute != 0 || timeout > maxSleep-s.slept {
		s.noWait()
	}
	s.slept += timeout
	event := s.read(m, p[1], 32)
	userdata := binary.LittleEndian.Uint64(sub)
	clear(event)
	binary.LittleEndian.PutUint64(event, userdata)
	binary.LittleEndian.PutUint32(s.read(m, p[3], 4), 1)
	return wasiOK
}

func (s *Session) noWait() {
	s.abort(types.Errorf(types.CodeTrap, "the contract waited: sleeping, timers and waiting on a channel that nobody serves are not possible in a call%s", s.lastWords()))
}
