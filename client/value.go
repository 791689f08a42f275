package client

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/huchain/huchain/types"
)

// The forms of values in contracts' JSON, for generated clients and for users' own types.

// Time is a time as contracts know it: UTC, in seconds, RFC 3339 in JSON. Fractions of a
// second are cut off.
type Time struct{ time.Time }

// MarshalText returns the time as 2026-03-02T01:00:00Z.
func (t Time) MarshalText() ([]byte, error) {
	return []byte(t.UTC().Truncate(time.Second).Format(time.RFC3339)), nil
}

// MarshalJSON takes the place of that of time.Time, which writes fractions.
func (t Time) MarshalJSON() ([]byte, error) {
	text, err := t.MarshalText()
	return append(append([]byte{'"'}, text...), '"'), err
}

// Int64 is a 64-bit integer, a string in JSON.
type Int64 int64

// MarshalText returns decimal digits.
func (n Int64) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(n), 10), nil }

// UnmarshalText reads decimal digits.
func (n *Int64) UnmarshalText(b []byte) error {
	v, err := strconv.ParseInt(string(b), 10, 64)
	*n = Int64(v)
	return err
}

// Uint64 is a 64-bit integer without sign, a string in JSON.
type Uint64 uint64

// MarshalText returns decimal digits.
func (n Uint64) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(n), 10), nil }

// UnmarshalText reads decimal digits.
func (n *Uint64) UnmarshalText(b []byte) error {
	v, err := strconv.ParseUint(string(b), 10, 64)
	*n = Uint64(v)
	return err
}

// List is a list that is [] in JSON where it is nil: contracts take no null.
type List[T any] []T

// MarshalJSON implements json.Marshaler.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]T(l))
}

// DecodeResult reads what a contract answered: HC-3304 if it has another form.
func DecodeResult[T any](raw json.RawMessage) (T, error) {
	var out T
	if err := json.Unmarshal(raw, &out); err != nil {
		return out, types.Errorf(types.CodeResultForm, "%w", err)
	}
	return out, nil
}
