package rest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Error is the body of every answer that is not a success.
type Error struct {
	Code         string     `json:"code" example:"HC-2104" doc:"Platform error number; never reused"`
	Message      types.Text `json:"message" doc:"What happened"`
	Cause        types.Text `json:"cause" doc:"Why it happens"`
	Fix          types.Text `json:"fix" doc:"What to do"`
	Detail       string     `json:"detail,omitempty" doc:"Particulars of this case, in English"`
	RetryAfterMs int64      `json:"retryAfterMs,omitempty" doc:"How long to wait before the same request may succeed"`
	TxID         string     `json:"txId,omitempty" doc:"The transaction concerned: ask for it by this id"`
	RequestID    string     `json:"requestId,omitempty" doc:"Names this request in the node's log"`
}

// NewError renders err with the words of the error table.
func NewError(err error) *Error {
	code := types.CodeOf(err)
	out := &Error{Code: code.String()}
	if x, ok := types.Explain(code); ok {
		out.Message, out.Cause, out.Fix = x.Message, x.Cause, x.Fix
	}
	if e, ok := AsError(err); ok {
		out.Detail, out.RetryAfterMs = e.Detail, e.RetryAfterMs
	} else if err != nil {
		out.Detail = err.Error()
	}
	return out
}

// Coded turns the wire form back into a coded error.
func (e *Error) Coded() *types.Error {
	return &types.Error{Code: ParseCode(e.Code), Detail: e.Detail, RetryAfterMs: e.RetryAfterMs}
}

// ParseCode reads "HC-2104" or "2104"; anything else is CodeInternal.
func ParseCode(s string) types.Code {
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(s), "HC-"), 10, 32)
	if err != nil {
		return types.CodeInternal
	}
	return types.Code(n)
}

// UnknownOutcome is the error of a submission of which it is not known whether it was
// committed: HC-1009 with the id to ask by.
type UnknownOutcome struct {
	ID  crypto.Hash
	Err error // why it is not known
}

// Error names the transaction.
func (u *UnknownOutcome) Error() string {
	return fmt.Sprintf("%s: transaction %s: %v", types.CodeOutcomeUnknown, u.ID, u.Err)
}

// Unwrap answers as HC-1009.
func (u *UnknownOutcome) Unwrap() []error {
	return []error{&types.Error{Code: types.CodeOutcomeUnknown, Detail: fmt.Sprintf("transaction %s: %v", u.ID, u.Err)}, u.Err}
}
