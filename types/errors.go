package types

import (
	"errors"
	"fmt"
)

// Code is a platform error number, shown as HC-nnnn. Numbers are never reused.
type Code uint32

// String returns "HC-nnnn", or "OK".
func (c Code) String() string {
	if c == CodeOK {
		return "OK"
	}
	return fmt.Sprintf("HC-%04d", uint32(c))
}

// Text is a sentence in the two languages of the platform.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Explanation is the row of one code in the error table.
type Explanation struct {
	Code    Code
	Message Text // what happened
	Cause   Text // why it happens
	Fix     Text // what to do
	Retry   bool // the same request may succeed later unchanged
}

// Error is a coded error: what every refusal that reaches a user is made of.
type Error struct {
	Code   Code
	Detail string // particulars of this case, in English, without secrets
	// RetryAfterMs, where positive, is how long to wait before trying again.
	RetryAfterMs int64
	Err          error // cause, for errors.Is
}

// Errorf makes a coded error with formatted details. What it wraps by %w, once or more,
// is found by errors.Is and errors.As.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Detail: err.Error(), Err: err}
}

// Error returns "HC-nnnn message: details".
func (e *Error) Error() string {
	msg := e.Code.String()
	if x, ok := Explain(e.Code); ok {
		msg += " " + x.Message.EN
	}
	if e.Detail != "" {
		msg += ": " + e.Detail
	}
	return msg
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is compare by code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf returns the code of err, CodeOK for nil, CodeInternal for an uncoded error.
func CodeOf(err error) Code {
	if err == nil {
		return CodeOK
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// Explain looks a code up in the table.
func Explain(c Code) (Explanation, bool) {
	x, ok := byCode[c]
	return x, ok
}

// Explanations returns the whole table, ascending by code.
func Explanations() []Explanation { return append([]Explanation(nil), table...) }

var byCode = func() map[Code]Explanation {
	m := make(map[Code]Explanation, len(table))
	for _, x := range table {
		m[x.Code] = x
	}
	return m
}()
