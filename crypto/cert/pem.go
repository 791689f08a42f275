package cert

import (
	"bytes"
	"encoding/pem"
	"errors"
)

const pemType = "CERTIFICATE"

// EncodePEM wraps DER into one PEM block.
func EncodePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})
}

// ParsePEM reads text that holds exactly one PEM certificate and parses it. Text before
// the block, as openssl writes it, is allowed; anything but white space after it is not.
func ParsePEM(text []byte) (*Certificate, error) {
	if len(text) > 4*MaxSize {
		return nil, errors.New("certificate file is too large")
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemType || len(block.Headers) != 0 {
		return nil, errors.New("no PEM certificate found")
	}
	if len(bytes.TrimSpace(rest)) != 0 {
		return nil, errors.New("more than one certificate in the file")
	}
	return Parse(block.Bytes)
}
