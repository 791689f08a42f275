package rest

import (
	"encoding/hex"
	"encoding/json"
	"unicode"
	"unicode/utf8"
)

// Hex is bytes that travel as lower-case hex digits.
type Hex []byte

// MarshalText returns lower-case hex digits.
func (h Hex) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

// UnmarshalText reads hex digits.
func (h *Hex) UnmarshalText(b []byte) error {
	raw, err := hex.DecodeString(string(b))
	if err == nil {
		*h = raw
	}
	return err
}

// String returns lower-case hex digits.
func (h Hex) String() string { return hex.EncodeToString(h) }

// JSON passes on bytes that are JSON and turns others into a JSON string of hex digits,
// so that an answer is always well-formed. Nothing stays nothing.
func JSON(b []byte) json.RawMessage {
	if len(b) == 0 {
		return nil
	}
	if json.Valid(b) {
		return json.RawMessage(b)
	}
	return json.RawMessage(`"` + hex.EncodeToString(b) + `"`)
}

// Printable returns s where all of it can be shown, else "".
func Printable(s []byte) string {
	if !utf8.Valid(s) {
		return ""
	}
	for _, r := range string(s) {
		if !unicode.IsPrint(r) {
			return ""
		}
	}
	return string(s)
}
