package types

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// EncodeList concatenates items, each behind its length as a varint: the form in
// which frames and carriers hold transactions.
func EncodeList(items [][]byte) []byte {
	size := 0
	for _, it := range items {
		size += len(it) + 5
	}
	out := make([]byte, 0, size)
	for _, it := range items {
		out = appendFrame(out, it)
	}
	return out
}

// AppendListItem appends one item to a list under construction.
func AppendListItem(list, item []byte) []byte { return appendFrame(list, item) }

// DecodeList reads a list of 1 to maxItems non-empty items. The items alias the input.
func DecodeList(in []byte, maxItems int) ([][]byte, error) {
	var out [][]byte
	for len(in) > 0 {
		n, k := protowire.ConsumeVarint(in)
		if k < 0 || k != uvarintLen(n) || n == 0 || n > uint64(len(in)-k) {
			return nil, errors.New("malformed list of transactions")
		}
		if len(out) == maxItems {
			return nil, fmt.Errorf("more than %d transactions in a list", maxItems)
		}
		end := k + int(n)
		out = append(out, in[k:end:end])
		in = in[end:]
	}
	if len(out) == 0 {
		return nil, errors.New("empty list of transactions")
	}
	return out, nil
}
