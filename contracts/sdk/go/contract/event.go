package contract

import "github.com/huchain/huchain/contracts/sdk/go/abi"

// Event is a kind of announcement that carries a T.
type Event[T any] struct{ name string }

// NewEvent declares an event; the name is past tense in camelCase. Events are
// declared once, as package variables.
func NewEvent[T any](name string) *Event[T] {
	Prepare(new(T))
	return &Event[T]{name}
}

// Emit announces v once the call succeeds.
func (e *Event[T]) Emit(_ *Ctx, v T) { abi.Emit(e.name, abi.Keep(Append(&v, abi.Scratch(1024)))) }
