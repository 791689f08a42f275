package pdf

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// MaxFileBytes bounds a document that is read.
const MaxFileBytes = 32 << 20

// Opened is what Open found in a document of this package. Nothing in it is verified:
// whoever verifies makes the document anew and compares (see Signable.Matches).
type Opened struct {
	Attachments map[string][]byte
	Signature   []byte // without the filling
}

// Is reports whether a file begins as a PDF does.
func Is(file []byte) bool { return bytes.HasPrefix(file, []byte("%PDF-")) }

// Open finds attachments and the signature of a signed document that this package wrote.
func Open(file []byte) (*Opened, error) {
	if len(file) > MaxFileBytes || !Is(file) {
		return nil, fmt.Errorf("no PDF of at most %d bytes", MaxFileBytes)
	}
	o := &Opened{Attachments: map[string][]byte{}}
	_, rest, ok := bytes.Cut(file, []byte(contentsKey))
	digits, rest, closed := bytes.Cut(rest, []byte(">"))
	if !ok || !closed {
		return nil, errors.New("the PDF is not signed")
	}
	var err error
	if o.Signature, err = hex.DecodeString(string(digits)); err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	for len(o.Attachments) < MaxAttachments {
		if _, rest, ok = bytes.Cut(rest, []byte("/Type/EmbeddedFile/Name(")); !ok {
			break
		}
		name, content, err := attachment(rest)
		if err != nil {
			return nil, err
		}
		o.Attachments[name] = content
	}
	return o, nil
}

func attachment(rest []byte) (string, []byte, error) {
	name, rest, ok := bytes.Cut(rest, []byte(")"))
	_, rest, sized := bytes.Cut(rest, []byte(">>/Length "))
	number, rest, begun := bytes.Cut(rest, []byte(">>\nstream\n"))
	if !ok || !sized || !begun || len(name) > 200 || len(number) > 10 {
		return "", nil, errors.New("malformed attachment")
	}
	n, err := strconv.Atoi(string(number))
	if err != nil || n < 0 || n > len(rest) {
		return "", nil, errors.New("malformed attachment")
	}
	return string(name), rest[:n], nil
}

// Matches reports whether a file is this document, filled with this signature: every byte
// of it, the filling behind the signature too. at is where they differ first.
func (s *Signable) Matches(file, signature []byte) (at int, ok bool) {
	want, err := s.Fill(signature)
	if err != nil {
		return 0, false
	}
	for at = range min(len(want), len(file)) {
		if want[at] != file[at] {
			return at, false
		}
	}
	return min(len(want), len(file)), len(want) == len(file)
}
