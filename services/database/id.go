package database

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"
)

// NewID makes an id of a kind: later ones sort behind earlier ones, and nobody guesses one.
func NewID(kind string, now time.Time) string {
	var b [9]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails
	return fmt.Sprintf("%s%012x%s", kind, now.UnixMilli(), hex.EncodeToString(b[:]))
}
