//go:build !wasip1

package contract

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/huchain/huchain/contracts/sdk/go/abi"
)

// Serve runs one call natively against host. A refusal of the contract comes back as
// *abi.Failure; panics of the host and of the contract pass through.
func Serve(host abi.Host) (err error) {
	before := abi.Current
	abi.Current = host
	abi.Rollback() // of a call that a panic ended
	defer func() {
		abi.Current = before
		switch p := recover().(type) {
		case nil:
		case *abi.Failure:
			err = p
		default:
			panic(p)
		}
	}()
	dispatch()
	return nil
}

// NativeVariable is the environment variable under which Main serves calls.
const NativeVariable = "HUCHAIN_CONTRACT_NATIVE"

// Main serves calls over standard input and output when huchain contract test runs
// the natively compiled contract, so that one debugs it as any Go program. Messages
// are u32le length and payload; the payload is a kind byte and fields of u32le length
// and bytes. The caller sends 'C' for each call and answers requests until 'D' (done),
// 'F' (name, text: refused), 'A' (aborted by the caller's 'X') or 'P' (panic text).
func Main() {
	if os.Getenv(NativeVariable) == "" {
		fmt.Fprintln(os.Stderr, "this is a contract: run huchain contract test in its folder")
		os.Exit(2)
	}
	p := &pipe{in: bufio.NewReader(os.Stdin), out: bufio.NewWriter(os.Stdout)}
	for {
		kind, _, err := p.read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil || kind != 'C' {
			fmt.Fprintln(os.Stderr, "malformed message:", err)
			os.Exit(2)
		}
		p.serve()
	}
}

type pipe struct {
	in  *bufio.Reader
	out *bufio.Writer
}

// errAborted ends a call that the caller has given up.
var errAborted = errors.New("call aborted")

func (p *pipe) serve() {
	defer func() {
		if r := recover(); r == any(errAborted) {
			p.write('A')
		} else if r != nil {
			p.write('P', []byte(fmt.Sprint(r)))
		}
	}()
	err := Serve(p)
	var f *abi.Failure
	if errors.As(err, &f) {
		p.write('F', []byte(f.Name), []byte(f.Text))
		return
	}
	p.write('D')
}

func (p *pipe) write(kind byte, fields ...[]byte) {
	b := []byte{0, 0, 0, 0, kind}
	for _, f := range fields {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(f))), f...)
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	if _, err := p.out.Write(b); err == nil && p.out.Flush() == nil {
		return
	}
	os.Exit(2) // the caller is gone
}

func (p *pipe) read() (kind byte, fields [][]byte, err error) {
	var size [4]byte
	if _, err := io.ReadFull(p.in, size[:]); err != nil {
		return 0, nil, err
	}
	b := make([]byte, binary.LittleEndian.Uint32(size[:]))
	if len(b) == 0 {
		return 0, nil, errors.New("empty message")
	}
	if _, err := io.ReadFull(p.in, b); err != nil {
		return 0, nil, fmt.Errorf("message cut short: %w", err)
	}
	for rest := b[1:]; len(rest) > 0; {
		if len(rest) < 4 || int(binary.LittleEndian.Uint32(rest)) > len(rest)-4 {
			return 0, nil, errors.New("malformed message")
		}
		n := 4 + int(binary.LittleEndian.Uint32(rest))
		fields = append(fields, rest[4:n:n])
		rest = rest[n:]
	}
	return b[0], fields, nil
}

// ask sends a request and returns the fields of the answer.
func (p *pipe) ask(kind byte, want int, fields ...[]byte) [][]byte {
	p.write(kind, fields...)
	answer, out, err := p.read()
	if err != nil || answer == 'X' || len(out) != want {
		panic(errAborted)
	}
	return out
}

func flag(b []byte) bool { return len(b) == 1 && b[0] == 1 }

func (p *pipe) Method() string       { return string(p.ask('m', 1)[0]) }
func (p *pipe) Args() []byte         { return p.ask('a', 1)[0] }
func (p *pipe) Output(result []byte) { p.ask('o', 0, result) }
func (p *pipe) Put(key, v []byte)    { p.ask('p', 0, key, v) }
func (p *pipe) Delete(key []byte)    { p.ask('d', 0, key) }
func (p *pipe) Caller() []byte       { return p.ask('w', 1)[0] }
func (p *pipe) CallerDID() string    { return string(p.ask('i', 1)[0]) }
func (p *pipe) Chain() []byte        { return p.ask('n', 1)[0] }
func (p *pipe) Log(text string)      { p.ask('l', 0, []byte(text)) }
func (p *pipe) TxID() [32]byte       { return [32]byte(p.ask('t', 1)[0]) }
func (p *pipe) SM3(d []byte) [32]byte {
	return [32]byte(p.ask('h', 1, d)[0])
}
func (p *pipe) Emit(name string, data []byte) { p.ask('e', 0, []byte(name), data) }

func (p *pipe) Get(key []byte) ([]byte, bool) {
	out := p.ask('g', 2, key)
	return out[1], flag(out[0])
}

func (p *pipe) Scan(start, end []byte, limit uint32) ([]byte, bool) {
	open := []byte{0}
	if end == nil {
		open[0] = 1
	}
	out := p.ask('s', 2, start, end, open, binary.LittleEndian.AppendUint32(nil, limit))
	return out[1], flag(out[0])
}

func (p *pipe) Call(contract, method string, args []byte) ([]byte, bool) {
	out := p.ask('c', 2, []byte(contract), []byte(method), args)
	return out[1], flag(out[0])
}

func (p *pipe) Block() (uint64, int64) {
	b := p.ask('b', 1)[0]
	return binary.LittleEndian.Uint64(b), int64(binary.LittleEndian.Uint64(b[8:]))
}

func (p *pipe) SM2Verify(pub, msg, sig []byte) bool { return flag(p.ask('v', 1, pub, msg, sig)[0]) }
