package record

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/codec"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/internal/rows"
)

// Once remembers what requests came to, so that a client that lost the answer asks
// again without doing it twice. A row "name/MEMBER 0x00 KEY" holds the hash of the
// request and its result.
type Once[R any] struct{ name rows.Name }

// NewOnce declares a memory of requests; the name is camelCase and unique in the
// contract.
func NewOnce[R any](name string) *Once[R] {
	contract.FormOf[R]() // its codec, for memory
	return &Once[R]{rows.Name(name + "/")}
}

// Do runs f and remembers its result under the caller and a key the caller chose; if it
// is remembered already, Do returns it without running f. An empty key runs f always.
// A refused request is not remembered. Errors: ErrReused if the key was used for
// another method or other arguments, and those of f.
func (o *Once[R]) Do(ctx *contract.Ctx, key string, f func() (R, error)) (R, error) {
	if key == "" {
		return f()
	}
	row := o.name.In([]byte(ctx.Caller().Member), []byte(key))
	request := requestHash()
	if raw, found := abi.Get(row); found {
		var m memory
		out := new(R)
		m.result = out
		rows.Decode(memories, raw, &m)
		if m.request != request {
			return *new(R), ErrReused.With(key)
		}
		return *out, nil
	}
	out, err := f()
	if err == nil {
		rows.Put(memories, row, &memory{request, &out})
	}
	return out, err
}

// requestHash is SM3(method ‖ 0x00 ‖ arguments as they were sent).
func requestHash() contract.Hash {
	method, args := abi.Method(), abi.Args()
	b := append(make([]byte, 0, len(method)+1+len(args)), method...)
	return contract.SM3(append(append(b, 0), args...))
}

// memory is a remembered request; result points to what was returned.
type memory struct {
	request contract.Hash
	result  any
}

var memories = contract.FormOf[memory]()

var memoryFields = codec.Fields{Names: []string{"request", "result"}, Required: 3}

// DecodeJSON reads into what result points to.
func (m *memory) DecodeJSON(r *codec.Reader) {
	var seen uint64
	r.Object()
	for {
		switch r.Field(&memoryFields, &seen) {
		case 0:
			m.request.DecodeJSON(r)
		case 1:
			contract.Decode(m.result, r)
		default:
			return
		}
	}
}

// AppendJSON appends the request's hash and result.
func (m *memory) AppendJSON(b []byte) []byte {
	b = m.request.AppendJSON(codec.AppendRaw(b, `{"request":`))
	return append(contract.Append(m.result, codec.AppendRaw(b, `,"result":`)), '}')
}
