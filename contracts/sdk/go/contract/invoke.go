package contract

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/codec"
)

// CallError is the refusal of a called contract. What that contract wrote is undone;
// returning the error refuses the calling method too.
type CallError struct {
	Text string // "<bundle>.<error>" or "<bundle>.<error>: text"
}

// Error returns the text.
func (e *CallError) Error() string { return e.Text }

// Code returns "<bundle>.<error>".
func (e *CallError) Code() string {
	for i := 0; i < len(e.Text); i++ {
		if e.Text[i] == ':' {
			return e.Text[:i]
		}
	}
	return e.Text
}

// Invoke calls a method of another contract, which bundle.yaml lists under uses. The
// chain enforces that a read-only call reaches read-only methods alone, and that the
// callee permits the caller.
func Invoke[A, R any](_ Reader, contract, method string, args A) (R, error) {
	var out R
	raw, ok := abi.Call(contract, method, abi.Keep(Append(&args, abi.Scratch(1024))))
	if !ok {
		return out, &CallError{string(raw)}
	}
	r := codec.NewReader(raw)
	Decode(&out, &r)
	if !r.Done() {
		return out, errCallFailed.With(contract + "." + method + ": " + r.Fault())
	}
	return out, nil
}
