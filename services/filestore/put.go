package filestore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/types"
)

// upload is a file on its way in.
type upload struct {
	s      *Store
	m      manifest
	id     []byte
	key    *fileKey
	sm3    hash.Hash
	sha256 hash.Hash
}

// Put stores what r gives, up to MaxFileBytes, for the store and the named readers, and
// returns once Copies of every part are durable and were read back, decrypted and compared.
// Content that is stored already is not stored again; the readers are added to it.
//
// Errors: that of r; HC-4505 if it is too large; HC-4504 if too few targets can be written;
// HC-4506 if the file was removed by an order that forbids it. After an error the file is
// not there, unless it was before.
func (s *Store) Put(ctx context.Context, r io.Reader, readers ...crypto.PublicKey) (_ *File, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.p.UploadTimeout)
	defer cancel()
	u, err := s.newUpload()
	if err != nil {
		return nil, err
	}
	kept := false
	defer func() {
		if !kept {
			u.discard(context.WithoutCancel(ctx))
		}
	}()
	if err := u.receive(ctx, r); err != nil {
		return nil, err
	}
	if err := u.readBack(ctx); err != nil {
		return nil, err
	}
	defer s.hold(u.m.ID)()
	readers = append(slices.Clone(s.p.Recipients), readers...)
	if known, err := u.settle(ctx, &readers); known != nil || err != nil {
		return known, err
	}
	for _, reader := range readers {
		if err := s.grant(ctx, u.m.ID, u.key, reader); err != nil {
			return nil, err
		}
	}
	if err := u.finish(ctx); err != nil {
		return nil, err
	}
	kept = true
	s.metrics.storedFiles.Inc()
	s.metrics.storedBytes.Add(float64(u.m.SizeBytes))
	f := u.m.File
	return &f, nil
}

func (s *Store) newUpload() (*upload, error) {
	u := &upload{s: s, id: make([]byte, uploadBytes), sm3: crypto.NewHash(), sha256: sha256.New()}
	raw := make([]byte, envelope.KeySize)
	for _, b := range [][]byte{u.id, raw} {
		if _, err := rand.Read(b); err != nil {
			return nil, err
		}
	}
	var err error
	u.key, err = newFileKey(raw)
	u.m = manifest{Format: layoutFormat, Upload: hex.EncodeToString(u.id), Chunks: []crypto.Hash{}}
	u.m.ChunkBytes = s.p.ChunkBytes
	return u, err
}

// receive reads the content, chunk by chunk, and stores each as it comes.
func (u *upload) receive(ctx context.Context, r io.Reader) error {
	plain, sealed := u.s.buffer(), u.s.buffer()
	defer u.s.buffers.Put(plain)
	defer u.s.buffers.Put(sealed)
	buf := (*plain)[:u.s.p.ChunkBytes]
	for {
		n, err := io.ReadFull(r, buf)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		last := err != nil
		if n == 0 {
			break
		}
		if u.m.SizeBytes += int64(n); u.m.SizeBytes > u.s.p.MaxFileBytes {
			return types.Errorf(types.CodeFileTooLarge, "more than %d bytes", u.s.p.MaxFileBytes)
		}
		u.sm3.Write(buf[:n])
		u.sha256.Write(buf[:n])
		b, err := u.key.sm4.AppendSeal((*sealed)[:0], buf[:n], chunkBound(u.id, len(u.m.Chunks)))
		if err != nil {
			return err
		}
		*sealed = b
		sum := crypto.Sum(b)
		u.m.Chunks = append(u.m.Chunks, sum)
		if err := u.s.spread(ctx, chunkName(sum), sum, b); err != nil {
			return err
		}
		if last {
			break
		}
	}
	u.m.ID = crypto.Hash(u.sm3.Sum(nil))
	u.m.SHA256 = hex.EncodeToString(u.sha256.Sum(nil))
	return nil
}

// buffer is room for one chunk.
func (s *Store) buffer() *[]byte { return s.buffers.Get().(*[]byte) }

// readBack reads the file as a reader will.
func (u *upload) readBack(ctx context.Context) error {
	_, err := io.Copy(io.Discard, u.s.newReader(ctx, &u.m, u.key))
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	return nil
}

// finish writes the manifest.
func (u *upload) finish(ctx context.Context) error {
	var err error
	if u.m.Key, err = u.key.wrap(u.m.ID, u.s.key.Public()); err != nil {
		return err
	}
	u.m.Stored = u.s.p.Now().UTC().Truncate(time.Second)
	b, err := u.s.encode(&u.m)
	if err != nil {
		return err
	}
	return u.s.spread(ctx, manifestName(u.m.ID), crypto.Sum(b), b)
}

// discard removes the chunks of an upload that came to nothing, as far as it can; the rest
// is swept later.
func (u *upload) discard(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, sum := range u.m.Chunks {
		for _, p := range u.s.ranked(chunkName(sum)) {
			if err := p.Target.Remove(ctx, chunkName(sum)); err != nil {
				return
			}
		}
	}
}

// settle finds the file stored already, adds the readers to it and returns it. Where it is
// not, or no longer whole, nil says that the upload is to take its place, for these readers
// and those it had. The file is held.
func (u *upload) settle(ctx context.Context, readers *[]crypto.PublicKey) (*File, error) {
	s, id := u.s, u.m.ID
	known, err := s.manifest(ctx, id)
	switch types.CodeOf(err) {
	case types.CodeFileMissing:
		return nil, nil
	case types.CodeFileRemoved:
		return nil, s.readmit(ctx, id, err)
	case types.CodeFileDamaged:
		*readers, err = s.ungrant(ctx, id, *readers)
		return nil, err
	case types.CodeOK:
	default:
		return nil, err
	}
	key, err := s.open(known)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, s.newReader(ctx, known, key))
	if types.CodeOf(err) == types.CodeFileDamaged {
		*readers, err = s.ungrant(ctx, id, *readers)
		return nil, err
	}
	for _, reader := range *readers {
		err = errors.Join(err, s.grant(ctx, id, key, reader))
	}
	if err != nil {
		return nil, err
	}
	known.File.Known = true
	return &known.File, nil
}

// ungrant removes the wraps of a key that opens nothing any more, and returns the readers
// with those who had them.
func (s *Store) ungrant(ctx context.Context, id crypto.Hash, readers []crypto.PublicKey) ([]crypto.PublicKey, error) {
	names := map[string]bool{}
	for _, p := range *s.places.Load() {
		if err := p.Target.List(ctx, objectName("k", id), func(name string, _ int64) error {
			names[name] = true
			return nil
		}); err != nil {
			return nil, types.Errorf(types.CodeFileTargets, "%s: %w", p.Name, err)
		}
	}
	for name := range names {
		var g grant
		if s.load(ctx, name, &g) == nil && !slices.Contains(readers, g.Reader) {
			readers = append(readers, g.Reader)
		}
		if err := s.removeAll(ctx, name); err != nil {
			return nil, err
		}
	}
	return readers, nil
}

// readmit withdraws the order by which a file was removed, unless it was a legal one.
func (s *Store) readmit(ctx context.Context, id crypto.Hash, removed error) error {
	var o order
	if err := s.load(ctx, orderName(id), &o); err != nil || o.Basis != BasisRetention {
		return removed
	}
	return s.removeAll(ctx, orderName(id))
}

// removeAll removes an object from all targets: HC-4504 if one cannot be reached.
func (s *Store) removeAll(ctx context.Context, name string) error {
	for _, p := range *s.places.Load() {
		if err := p.Target.Remove(ctx, name); err != nil {
			s.failed(p)
			return types.Errorf(types.CodeFileTargets, "%s: %w", p.Name, err)
		}
	}
	return nil
}

// manifest reads the manifest of a file: HC-4501, HC-4503, HC-4504, HC-4506.
func (s *Store) manifest(ctx context.Context, id crypto.Hash) (*manifest, error) {
	m := &manifest{}
	err := s.load(ctx, manifestName(id), m)
	if err == nil {
		return m, nil
	}
	if types.CodeOf(err) == types.CodeFileMissing {
		var o order
		if s.load(ctx, orderName(id), &o) == nil {
			return nil, types.Errorf(types.CodeFileRemoved, "%s: %s %s, by %s", id, o.Basis, o.Reference, o.By)
		}
	}
	return nil, err
}

// Stat tells of a file without reading it: HC-4501, HC-4503, HC-4504, HC-4506.
func (s *Store) Stat(ctx context.Context, id crypto.Hash) (*File, error) {
	m, err := s.manifest(ctx, id)
	if err != nil {
		return nil, err
	}
	return &m.File, nil
}
