package contract

import (
	"github.com/huchain/huchain/contracts/sdk/go/abi"
	"github.com/huchain/huchain/contracts/sdk/go/codec"
)

// Entry is one line of the table of methods.
type Entry struct {
	name string
	run  func(v View, args []byte) ([]byte, error)
}

// Table is the list of a contract's methods.
type Table struct{ entries []Entry }

var table Table

// Methods sets the table. It is called once, from a package variable.
func Methods(entries ...Entry) *Table {
	table.entries = entries
	return &table
}

// Call lists a method that may write.
func Call[A, R any](name string, f func(ctx *Ctx, args A) (R, error)) Entry {
	in, out := FormOf[A](), FormOf[R]()
	return Entry{name, func(v View, raw []byte) ([]byte, error) {
		args := new(A)
		if err := decodeArgs(in, args, raw); err != nil {
			return nil, err
		}
		r, err := f(&Ctx{v}, *args)
		return result(out, &r, err)
	}}
}

// Query lists a method that only reads.
func Query[A, R any](name string, f func(v *View, args A) (R, error)) Entry {
	in, out := FormOf[A](), FormOf[R]()
	return Entry{name, func(v View, raw []byte) ([]byte, error) {
		args := new(A)
		if err := decodeArgs(in, args, raw); err != nil {
			return nil, err
		}
		r, err := f(&v, *args)
		return result(out, &r, err)
	}}
}

// Init lists the entry that installation calls once, with the parameters.
func Init[P any](f func(ctx *Ctx, params P) error) Entry {
	return Call("init", func(ctx *Ctx, params P) (None, error) { return None{}, f(ctx, params) })
}

// MigrateArgs tells a migrate entry which version's state it meets.
type MigrateArgs struct {
	From string `json:"from"`
}

var migrateFields = codec.Fields{Names: []string{"from"}, Required: 1}

// DecodeJSON reads {"from":"1.0.0"}.
func (v *MigrateArgs) DecodeJSON(r *codec.Reader) {
	var seen uint64
	r.Object()
	for r.Field(&migrateFields, &seen) == 0 {
		v.From = r.String()
	}
}

// Migrate lists the entry that an upgrade calls once, in the new code, with the
// version before.
func Migrate(f func(ctx *Ctx, from string) error) Entry {
	return Call("migrate", func(ctx *Ctx, in MigrateArgs) (None, error) { return None{}, f(ctx, in.From) })
}

func decodeArgs(form *Form, args any, raw []byte) error {
	r := codec.NewReader(raw)
	form.Decode(args, &r)
	if !r.Done() {
		return errBadArguments.With(r.Fault())
	}
	return nil
}

func result(form *Form, out any, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return form.Encode(out), nil
}

// dispatch serves one call.
func dispatch() {
	name := abi.Method()
	for i := range table.entries {
		if table.entries[i].name == name {
			out, err := table.entries[i].run(View{&env{}}, abi.Args())
			if err != nil {
				fail(err)
			}
			abi.Output(out)
			return
		}
	}
	abi.Fail("unknown_method", name)
}

func fail(err error) {
	abi.Fail(Split(err))
}
