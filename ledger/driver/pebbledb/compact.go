package pebbledb

import "context"

// Compact sorts what was written in bulk into its final tables, so that whoever opens the
// store next does not pay for that. It may run beside readers.
func (s *store) Compact(ctx context.Context) error {
	return wrap("compact", s.db.Compact(ctx, []byte{0}, []byte{0xFF}, true))
}
