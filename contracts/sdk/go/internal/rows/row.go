package rows

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/codec"
	"github.com/huchain/huchain/contracts/sdk/go/contract"
)

// Get reads the row under key into p, which is of the form's type.
func Get(form *contract.Form, key []byte, p any) bool {
	raw, ok := abi.Get(key)
	if ok {
		Decode(form, raw, p)
	}
	return ok
}

// Decode reads a row into p; a malformed one ends the call.
func Decode(form *contract.Form, raw []byte, p any) {
	r := codec.NewReader(raw)
	form.Decode(p, &r)
	if !r.Done() {
		abi.Fail("internal", "malformed row: "+r.Fault())
	}
}

// Put writes what p points to under key.
func Put(form *contract.Form, key []byte, p any) { abi.Put(key, form.Encode(p)) }
