package contract

import "github.com/huchain/huchain/contracts/sdk/go/abi"

// Event is a kind of announcement that carries a T.
type Event[T any] struct {
	name string
	form *Form
}

// NewEvent declares an event; the name is past tense in camelCase. Events are
// declared once, as package variables.
func NewEvent[T any](name string) *Event[T] {
	return &Event[T]{name, FormOf[T]()}
}

// Emit announces v once the call succeeds.
func (e *Event[T]) Emit(_ *Ctx, v T) { abi.Emit(e.name, e.form.Encode(&v)) }
