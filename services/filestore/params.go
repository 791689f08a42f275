package filestore

import (
	"context"
	"io"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/types"
)

// Params bound a store.
type Params struct {
	Copies        int           // of every object, each on another target
	ChunkBytes    int           // of plaintext
	MaxFileBytes  int64         //
	UploadTimeout time.Duration // of one Put
	Retention     time.Duration // for which a file stays, unless a legal order demands otherwise
	ScrubEvery    time.Duration // 0: only on order
	ScrubWorkers  int           // that read copies at the same time
	RestAfter     time.Duration // for which a target that failed is asked last
	// ScrubBytesPerSecond bounds what a scrub reads of all targets together, so that it takes
	// no more of disks and network than is left over; a copy counts as at least 64 KiB. 0: no
	// bound.
	ScrubBytesPerSecond int64
	// ProgressFile keeps how far a scrub came and when the last one ended, so that a process
	// that is started again goes on there; empty: each begins anew.
	ProgressFile string
	// OldKeys are the store's keys of before: what they sealed and signed is read, and
	// nothing new is. Rotate makes them dispensable.
	OldKeys []Key
	// Recipients may read every file stored from now on, beside the store and the readers
	// named with it, such as a key kept in escrow.
	Recipients []crypto.PublicKey
	Now        func() time.Time // the clock; nil: time.Now
}

// DefaultParams keep two copies of files of up to 4 GiB in chunks of 1 MiB, scrubbed daily.
func DefaultParams() Params {
	return Params{
		Copies: 2, ChunkBytes: 1 << 20, MaxFileBytes: 4 << 30, UploadTimeout: time.Hour,
		ScrubEvery: 24 * time.Hour, ScrubWorkers: 2, RestAfter: 10 * time.Second, ScrubBytesPerSecond: 64 << 20,
	}
}

// Bounds of Params.
const (
	maxTargets     = 64
	minChunkBytes  = 1 << 10
	maxChunkBytes  = 16 << 20
	maxChunks      = 16 << 10
	maxRecipients  = 16
	maxOldKeys     = 16
	minScrubRate   = 1 << 10
	maxSignedBytes = 2 << 20 // of a manifest, wrapped key or order
)

// Validate checks the bounds: HC-1004.
func (p *Params) Validate() error {
	switch {
	case p.Copies < 1 || p.Copies > maxTargets:
		return types.Errorf(types.CodeConfig, "file store: 1 to %d copies", maxTargets)
	case p.ChunkBytes < minChunkBytes || p.ChunkBytes > maxChunkBytes:
		return types.Errorf(types.CodeConfig, "file store: chunks of %d to %d bytes", minChunkBytes, maxChunkBytes)
	case p.MaxFileBytes < 1 || p.MaxFileBytes > int64(p.ChunkBytes)*maxChunks:
		return types.Errorf(types.CodeConfig, "file store: files of 1 to %d bytes with these chunks", int64(p.ChunkBytes)*maxChunks)
	case p.UploadTimeout <= 0 || p.Retention < 0 || p.ScrubEvery < 0 || p.RestAfter < 0:
		return types.Errorf(types.CodeConfig, "file store: times must not be negative, and an upload takes some")
	case p.ScrubWorkers < 1 || p.ScrubWorkers > 64:
		return types.Errorf(types.CodeConfig, "file store: 1 to 64 workers to scrub")
	case p.ScrubBytesPerSecond != 0 && p.ScrubBytesPerSecond < minScrubRate:
		return types.Errorf(types.CodeConfig, "file store: a scrub reads at least %d bytes a second", minScrubRate)
	case len(p.OldKeys) > maxOldKeys:
		return types.Errorf(types.CodeConfig, "file store: at most %d keys of before", maxOldKeys)
	case len(p.Recipients) > maxRecipients:
		return types.Errorf(types.CodeConfig, "file store: at most %d recipients", maxRecipients)
	}
	return nil
}

// Target is a place for objects whose names may end.
type Target interface {
	target.Target
	// Remove deletes an object; one that is not there is no error.
	Remove(ctx context.Context, name string) error
	// Replace is Put that gives a name other bytes; at any moment it has either.
	Replace(ctx context.Context, name string, size int64, sum crypto.Hash, r io.Reader) error
}

// Place is a target under the name by which objects are spread. The store writes it into a
// marker on the target, wherever that is mounted, and refuses one with another's marker.
type Place struct {
	Name   string
	Target Target
}

// Key is the store's own: it opens what is stored and signs manifests.
type Key interface {
	crypto.Signer
	crypto.Decrypter
}
