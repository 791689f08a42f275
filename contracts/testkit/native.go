package testkit

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/engine"
	"github.com/huchain/huchain/vm/host"
	"github.com/huchain/huchain/vm/instrument"
)

// Native is a chain.VM that runs contracts compiled for this machine, each in a
// process of its own. It counts no gas.
type Native struct {
	Env   []string      // added to the programs' environment
	Limit time.Duration // of one call, after which its program is ended; 0 for none

	mu    sync.Mutex
	files map[crypto.Hash]string // by hash of the WASM code it stands for
	procs map[crypto.Hash]*process
}

// NewNative returns a VM without contracts. Close ends its processes.
func NewNative() *Native {
	return &Native{files: make(map[crypto.Hash]string), procs: make(map[crypto.Hash]*process)}
}

// Add makes the program in file the meaning of some WASM code.
func (n *Native) Add(code crypto.Hash, file string) { n.files[code] = file }

// Close ends all processes.
func (n *Native) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.procs {
		p.close()
	}
	n.procs = nil
}

// Check implements chain.VM.
func (n *Native) Check(code []byte, _ []types.Capability, _ *instrument.Schedule) error {
	if n.files[crypto.Sum(code)] == "" {
		return types.Errorf(types.CodeModuleRefused, "no native program stands for this code")
	}
	return nil
}

// Load implements chain.VM: it starts the program.
func (n *Native) Load(_ context.Context, code []byte, s *instrument.Schedule) (crypto.Hash, error) {
	h := crypto.Sum(code)
	if err := n.Check(code, nil, s); err != nil {
		return h, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.procs[h] != nil {
		return h, nil
	}
	p, err := start(n.files[h], n.Env, n.Limit)
	if err == nil {
		n.procs[h] = p
	}
	return h, err
}

// Recall implements chain.VM: nothing is kept.
func (n *Native) Recall(context.Context, crypto.Hash, *instrument.Schedule) bool { return false }

// Loaded implements chain.VM.
func (n *Native) Loaded(code crypto.Hash, _ *instrument.Schedule) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.procs[code] != nil
}

// Call implements chain.VM.
func (n *Native) Call(_ context.Context, c *engine.Call) (engine.Outcome, error) {
	n.mu.Lock()
	p := n.procs[c.Code]
	n.mu.Unlock()
	if p == nil {
		return engine.Outcome{}, engine.ErrNotLoaded
	}
	out, err := p.call(c.Env, c.Args)
	return engine.Outcome{Result: out}, err
}

// process is a running contract, see contract.Main for the messages.
type process struct {
	mu    sync.Mutex
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	limit time.Duration
}

func start(file string, env []string, limit time.Duration) (*process, error) {
	cmd := exec.Command(file)
	cmd.Env = append(append(os.Environ(), contract.NativeVariable+"=1"), env...)
	if limit == 0 {
		cmd.Stderr = os.Stderr // under a limit, crashes are expected
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start contract: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start contract: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start contract: %w", err)
	}
	return &process{cmd: cmd, in: in, out: bufio.NewReader(out), limit: limit}, nil
}

// close lets the program end at the end of its input; what it answers then is of no
// interest.
func (p *process) close() {
	_ = p.in.Close()
	_ = p.cmd.Wait()
}

func (p *process) write(kind byte, fields ...[]byte) error {
	b := []byte{0, 0, 0, 0, kind}
	for _, f := range fields {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(f))), f...)
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	_, err := p.in.Write(b)
	return err
}

func (p *process) read() (kind byte, fields [][]byte, err error) {
	var size [4]byte
	if _, err := io.ReadFull(p.out, size[:]); err != nil {
		return 0, nil, err
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n == 0 || n > 16<<20 {
		return 0, nil, fmt.Errorf("message of %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(p.out, b); err != nil {
		return 0, nil, err
	}
	for rest := b[1:]; len(rest) > 0; {
		if len(rest) < 4 || int(binary.LittleEndian.Uint32(rest)) > len(rest)-4 {
			return 0, nil, errors.New("malformed message")
		}
		end := 4 + int(binary.LittleEndian.Uint32(rest))
		fields = append(fields, rest[4:end:end])
		rest = rest[end:]
	}
	return b[0], fields, nil
}

// call serves one call. An error of env ends it with that error.
func (p *process) call(env host.Env, args []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit > 0 {
		timer := time.AfterFunc(p.limit, func() { _ = p.cmd.Process.Kill() }) // it may have ended by itself
		defer timer.Stop()
	}
	s := session{env: env, args: args}
	err := p.write('C')
	for err == nil {
		var kind byte
		var in [][]byte
		if kind, in, err = p.read(); err != nil {
			break
		}
		switch kind {
		case 'D':
			return s.result, nil
		case 'F':
			return nil, &host.Failure{Contract: env.Info().Contract, Name: string(in[0]), Text: string(in[1])}
		case 'A':
			return nil, s.err
		case 'P':
			return nil, types.Errorf(types.CodeTrap, "panic: %s", in[0])
		}
		var answer [][]byte
		if answer, s.err = s.serve(kind, in); s.err != nil {
			err = p.write('X')
		} else {
			err = p.write('R', answer...)
		}
	}
	return nil, fmt.Errorf("native contract ended: %w", err)
}

// session is what one call has asked so far.
type session struct {
	env    host.Env
	args   []byte
	result []byte
	err    error
}

var requestFields = map[byte]int{'m': 0, 'a': 0, 'o': 1, 'g': 1, 'p': 2, 'd': 1, 's': 4, 'e': 2, 'c': 3, 'w': 0, 'i': 0, 'n': 0, 'b': 0, 't': 0, 'h': 1, 'v': 3, 'l': 1}

func flagByte(ok bool) []byte {
	if ok {
		return []byte{1}
	}
	return []byte{0}
}

func (s *session) serve(kind byte, in [][]byte) ([][]byte, error) {
	if want, ok := requestFields[kind]; !ok || len(in) != want {
		return nil, types.Errorf(types.CodeHostMisuse, "request %q with %d fields", kind, len(in))
	}
	info := s.env.Info()
	switch kind {
	case 'm':
		return [][]byte{[]byte(info.Method)}, nil
	case 'a':
		return [][]byte{s.args}, nil
	case 'o':
		s.result = in[0]
		return nil, nil
	case 'p':
		return nil, s.env.Put(in[0], in[1])
	case 'd':
		return nil, s.env.Delete(in[0])
	case 'e':
		return nil, s.env.Emit(string(in[0]), in[1])
	case 'l':
		s.env.Log(string(in[0]))
		return nil, nil
	case 'w':
		return [][]byte{packCaller(&info.Caller)}, nil
	case 'n':
		return [][]byte{append(info.Genesis[:], info.Chain...)}, nil
	case 'b':
		b := binary.LittleEndian.AppendUint64(nil, info.Height)
		return [][]byte{binary.LittleEndian.AppendUint64(b, uint64(info.TimeMs))}, nil
	case 't':
		return [][]byte{info.TxID[:]}, nil
	case 'h':
		h := crypto.Sum(in[0])
		return [][]byte{h[:]}, nil
	case 'v':
		return [][]byte{flagByte(len(in[0]) == crypto.PublicKeySize && crypto.PublicKey(in[0]).Verify(in[1], in[2]))}, nil
	}
	return s.read(kind, in)
}

func (s *session) read(kind byte, in [][]byte) ([][]byte, error) {
	switch kind {
	case 'g':
		v, ok, err := s.env.Get(in[0])
		return [][]byte{flagByte(ok), v}, err
	case 'i':
		did, err := s.env.DID()
		return [][]byte{[]byte(did)}, err
	case 'c':
		out, _, err := s.env.Call(string(in[0]), string(in[1]), in[2], 1<<40)
		var f *host.Failure
		if errors.As(err, &f) {
			return [][]byte{flagByte(false), []byte(f.Error())}, nil
		}
		return [][]byte{flagByte(true), out}, err
	default: // 's'
		end := in[1]
		if in[2][0] == 1 {
			end = nil
		}
		pairs, more, err := s.env.Scan(in[0], end, int(binary.LittleEndian.Uint32(in[3])))
		var b []byte
		for _, kv := range pairs {
			b = append(binary.LittleEndian.AppendUint32(b, uint32(len(kv.Key))), kv.Key...)
			b = append(binary.LittleEndian.AppendUint32(b, uint32(len(kv.Value))), kv.Value...)
		}
		return [][]byte{flagByte(more), b}, err
	}
}

func packCaller(c *host.Caller) []byte {
	roles := make([]string, len(c.Roles))
	for i, r := range c.Roles {
		roles[i] = string(r)
	}
	var out []byte
	for _, f := range []string{string(c.Member), c.Org, string(c.Address[:]), strings.Join(roles, ",")} {
		out = append(append(out, byte(len(f))), f...)
	}
	return out
}
