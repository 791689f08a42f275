package contract

// Error is a refusal of the contract: its code is "<bundle>.<name>", its words stand
// in bundle.yaml. It undoes all the call has written.
type Error struct {
	name string
	text string
}

// NewError declares an error; the name is snake_case. Errors are declared once, as
// package variables, so that the schema lists them.
func NewError(name string) *Error { return &Error{name: name} }

// With adds particulars of this case, in English.
func (e *Error) With(text string) *Error { return &Error{e.name, text} }

// Name returns the name.
func (e *Error) Name() string { return e.name }

// Error returns the name, and the particulars where there are any.
func (e *Error) Error() string {
	if e.text == "" {
		return e.name
	}
	return e.name + ": " + e.text
}

// Split returns the name of an error and its particulars; an error of another kind has
// the name internal.
func Split(err error) (name, text string) {
	if e, ok := err.(*Error); ok { //nolint:errorlint // package errors would enlarge every contract; SDK errors are returned as they are
		return e.name, e.text
	}
	return "internal", err.Error()
}

// Is makes errors.Is compare by name.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.name == e.name
}

// Errors of the SDK itself.
var (
	errBadArguments = NewError("bad_arguments") // reported as HC-2202
	errCallFailed   = NewError("call_failed")   // a called contract refused
)
