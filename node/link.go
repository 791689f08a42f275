package node

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/cert"
	"github.com/huchain/huchain/crypto/keystore"
	"github.com/huchain/huchain/crypto/tlcp"
	"github.com/huchain/huchain/types"
)

// LinkFiles are the keys and certificates of a node's links, a pair for signing and a
// pair for encryption (GB/T 38636-2020): <base>.key and <base>.pem, and the same with
// -enc after the base. In a chain's keys folder the base is "link".
type LinkFiles struct{ Base string }

// LinkFiles names the link files in the keys folder.
func (c ChainHome) LinkFiles() LinkFiles { return LinkFiles{filepath.Join(c.KeysDir(), "link")} }

func (f LinkFiles) all() []string {
	return []string{f.Base + ".key", f.Base + ".pem", f.Base + "-enc.key", f.Base + "-enc.pem"}
}

// Save writes an identity whose keys are in memory; the keys are encrypted with secret.
func (f LinkFiles) Save(id *tlcp.Identity, secret []byte) error {
	sign, ok := id.Signer.(*crypto.PrivateKey)
	enc, ok2 := id.Decrypter.(*crypto.PrivateKey)
	if !ok || !ok2 {
		return errors.New("keys that are not in memory cannot be saved")
	}
	if err := os.MkdirAll(filepath.Dir(f.Base), 0o700); err != nil {
		return err
	}
	for _, p := range []struct {
		base string
		key  *crypto.PrivateKey
		crt  *cert.Certificate
	}{{f.Base, sign, id.Sign}, {f.Base + "-enc", enc, id.Encrypt}} {
		if err := keystore.Save(p.base+".key", p.key, secret); err != nil {
			return err
		}
		if err := WriteFile(p.base+".pem", cert.EncodePEM(p.crt.Raw), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Load opens keys and certificates; HC-6103 if a file is missing or they do not belong
// together.
func (f LinkFiles) Load(secret []byte) (*tlcp.Identity, error) {
	id := new(tlcp.Identity)
	for _, p := range []struct {
		base string
		set  func(*crypto.PrivateKey, *cert.Certificate)
	}{
		{f.Base, func(k *crypto.PrivateKey, c *cert.Certificate) { id.Signer, id.Sign = k, c }},
		{f.Base + "-enc", func(k *crypto.PrivateKey, c *cert.Certificate) { id.Decrypter, id.Encrypt = k, c }},
	} {
		text, err := os.ReadFile(p.base + ".pem")
		if errors.Is(err, fs.ErrNotExist) {
			return nil, types.Errorf(types.CodeCertFile, "%s.pem is missing: links need certificates of role node; the organisation makes them with huchain cert issue ORG/NODE --roles node, and huchain init --link takes them", p.base)
		}
		if err != nil {
			return nil, types.Errorf(types.CodeCertFile, "%w", err)
		}
		c, err := cert.ParsePEM(text)
		if err != nil {
			return nil, types.Errorf(types.CodeCertFile, "%s.pem: %w", p.base, err)
		}
		k, err := keystore.Load(p.base+".key", secret)
		if err != nil {
			return nil, err
		}
		p.set(k, c)
	}
	if err := id.Validate(); err != nil {
		return nil, types.Errorf(types.CodeCertFile, "%s: %w", f.Base, err)
	}
	return id, nil
}

// linkSource serves the link identity, and reads it anew when a file has changed, so that
// certificates are renewed without a restart. A renewal that cannot be read is logged and
// leaves the old one in use. Safe for concurrent use.
type linkSource struct {
	files  LinkFiles
	secret []byte
	log    *slog.Logger

	mu      sync.Mutex
	id      *tlcp.Identity
	changed time.Time
}

func (s *linkSource) identity() (*tlcp.Identity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var newest time.Time
	for _, f := range s.files.all() {
		if info, err := os.Stat(f); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	if s.id != nil && newest.Equal(s.changed) {
		return s.id, nil
	}
	id, err := s.files.Load(s.secret)
	switch {
	case err == nil:
		if s.id != nil {
			s.log.Info("link certificates renewed", "notAfter", id.Sign.NotAfter)
		}
		s.id = id
	case s.id == nil:
		return nil, err
	default:
		s.log.Warn("renewed link certificates are of no use; the old ones stay", "error", err)
	}
	s.changed = newest
	return s.id, nil
}
