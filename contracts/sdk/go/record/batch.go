package record

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/codec"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
)

// MaxBatch bounds the items of a batch.
const MaxBatch = 1024

// Results is what became of the items of a batch, in their order. Its JSON is
// {"items":[{"result":…},{"error":"record_exists","text":"…"}],"failed":1}.
type Results[R any] struct {
	Items  []Result[R]
	Failed uint32 // how many items were refused
}

// Result is what became of one item: a result, or the name of the error that refused
// it, without the bundle's name, and particulars where there are any.
type Result[R any] struct {
	Result *R
	Error  string
	Text   string
}

// Batch runs f for each item. What an item that f refuses has written and emitted is
// undone, and its error noted; the others stand. Within f no contract can be called.
// Errors: ErrBadBatch for more than MaxBatch items and for a batch within a batch.
func Batch[A, R any](_ *contract.Ctx, items []A, f func(item *A) (R, error)) (Results[R], error) {
	out := Results[R]{}
	if len(items) > MaxBatch {
		return out, ErrBadBatch.With("at most 1024 items")
	}
	for i := range items {
		if !abi.Begin() {
			return out, ErrBadBatch.With("a batch within a batch")
		}
		r, err := f(&items[i])
		if err != nil {
			abi.Rollback()
			out.Failed++
			name, text := contract.Split(err)
			out.Items = append(out.Items, Result[R]{Error: name, Text: text})
			continue
		}
		abi.Commit()
		out.Items = append(out.Items, Result[R]{Result: &r})
	}
	return out, nil
}

// AppendJSON appends the results.
func (r *Results[R]) AppendJSON(b []byte) []byte {
	b = codec.AppendRaw(b, `{"items":[`)
	for i := range r.Items {
		b = codec.Comma(b)
		if x := &r.Items[i]; x.Result != nil {
			b = contract.Append(x.Result, codec.AppendRaw(b, `{"result":`))
		} else {
			b = appendRefusal(b, x.Error, x.Text)
		}
		b = append(b, '}')
	}
	b = codec.AppendUint(codec.AppendRaw(b, `],"failed":`), uint64(r.Failed))
	return append(b, '}')
}

func appendRefusal(b []byte, name, text string) []byte {
	b = codec.AppendString(codec.AppendRaw(b, `{"error":`), name)
	if text != "" {
		b = codec.AppendString(codec.AppendRaw(b, `,"text":`), text)
	}
	return b
}

var (
	resultsFields = codec.Fields{Names: []string{"items", "failed"}, Required: 3}
	resultFields  = codec.Fields{Names: []string{"result", "error", "text"}}
)

// DecodeJSON reads the results of another contract.
func (r *Results[R]) DecodeJSON(d *codec.Reader) {
	var seen uint64
	d.Object()
	for {
		switch d.Field(&resultsFields, &seen) {
		case 0:
			d.List()
			for d.More() {
				var x Result[R]
				x.DecodeJSON(d)
				r.Items = append(r.Items, x)
			}
		case 1:
			r.Failed = d.Uint32()
		default:
			return
		}
	}
}

// DecodeJSON reads one result.
func (x *Result[R]) DecodeJSON(d *codec.Reader) {
	var seen uint64
	d.Object()
	for {
		switch d.Field(&resultFields, &seen) {
		case 0:
			x.Result = new(R)
			contract.Decode(x.Result, d)
		case 1:
			x.Error = d.String()
		case 2:
			x.Text = d.String()
		default:
			return
		}
	}
}
