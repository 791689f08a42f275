// Package backup keeps copies of a chain's stores in a target: encrypted, and of files that
// were there before only once.
//
// A backup is a list of files with their SM3. Files are stored as objects, each under a key
// of its own; the list holds the keys and is encrypted in turn, under a key that is wrapped
// for whoever may restore. What a store of a chain consists of changes little between two
// backups: unchanged files are named again instead of being stored again.
//
// Names in the target, below a folder of the first 16 digits of the genesis hash:
//
//	backup/<height, twelve digits>-<first 8 digits of SM3>.json     lists
//	backup/obj-<first 16 digits of SM3>-<of the stored object>.hcb   objects
package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/archive"
	"github.com/huchain/huchain/ledger/archive/target"
	"github.com/huchain/huchain/types"
)

// Format is the version of the forms.
const Format = 1

const (
	maxListBytes = 64 << 20
	maxFiles     = 1 << 18
	maxFileBytes = 1 << 50
)

// Params are the parts of a place for backups.
type Params struct {
	Genesis    crypto.Hash
	Target     target.Target
	Key        crypto.Decrypter // encrypts for itself, and restores
	Recipients []crypto.PublicKey
}

// Validate checks that all parts are there.
func (p *Params) Validate() error {
	if p.Target == nil || p.Key == nil {
		return types.Errorf(types.CodeConfig, "a backup needs a target and a key")
	}
	return nil
}

// Info is what a backup is a copy of.
type Info struct {
	Chain   string      `json:"chain"`
	Height  uint64      `json:"height"`
	Content crypto.Hash `json:"contentRoot"` // of that height
	State   crypto.Hash `json:"stateRoot"`
	TimeMs  int64       `json:"timeMs"` // Unix milliseconds at which it was made
}

// Manifest is the list of a backup.
type Manifest struct {
	Info
	Genesis crypto.Hash `json:"genesis"`
	Files   []File      `json:"files"`
}

// File is one file of a backup.
type File struct {
	Path   string      `json:"path"` // with slashes, below the folder that was copied
	Size   int64       `json:"size"`
	Sum    crypto.Hash `json:"sm3"`
	Object string      `json:"object"`
	Stored int64       `json:"stored"` // size of the object
	Key    []byte      `json:"key"`    // SM4 key of the object
}

// listFile is the stored form of a list.
type listFile struct {
	Format  int                   `json:"format"`
	Genesis crypto.Hash           `json:"genesis"`
	Height  uint64                `json:"height"`
	Keys    []*archive.WrappedKey `json:"keys"`
	Sealed  []byte                `json:"sealed"` // Manifest, in an envelope
}

var pathPattern = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)

func (p *Params) folder() string { return p.Genesis.String()[:16] + "/backup" }

func (p *Params) recipients() []crypto.PublicKey {
	out := []crypto.PublicKey{p.Key.Public()}
	for _, k := range p.Recipients {
		if k != out[0] {
			out = append(out, k)
		}
	}
	return out
}

func bound(genesis crypto.Hash, height uint64) []byte {
	return fmt.Appendf(nil, "huchain/backup/1 %s %d", genesis, height)
}

// put stores the list of a backup and returns its name.
func (p *Params) put(ctx context.Context, m *Manifest) (string, error) {
	plain, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	data, err := archive.NewDataKey()
	if err != nil {
		return "", err
	}
	key, err := data.Envelope()
	if err != nil {
		return "", err
	}
	l := listFile{Format: Format, Genesis: p.Genesis, Height: m.Height}
	if l.Sealed, err = key.Seal(plain, bound(p.Genesis, m.Height)); err != nil {
		return "", err
	}
	for _, to := range p.recipients() {
		w, err := data.Wrap(p.Genesis, m.Height, "list", to)
		if err != nil {
			return "", err
		}
		l.Keys = append(l.Keys, w)
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return "", err
	}
	sum := crypto.Sum(raw)
	name := fmt.Sprintf("%s/%012d-%s.json", p.folder(), m.Height, sum.String()[:8])
	return name, p.Target.Put(ctx, name, int64(len(raw)), sum, bytes.NewReader(raw))
}

// Read returns the list of a backup: HC-4402 if there is none of that name, HC-4403 if the
// key does not open it, HC-4405 if it is damaged.
func Read(ctx context.Context, p *Params, name string) (*Manifest, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	raw, err := p.small(ctx, name)
	if err != nil {
		return nil, err
	}
	l, err := decodeList(raw)
	if err != nil {
		return nil, damaged("%s: no list of a backup, or cut: %w", name, err)
	}
	if l.Genesis != p.Genesis {
		return nil, types.Errorf(types.CodeWrongGenesis, "%s is a backup of the chain with genesis %s", name, l.Genesis)
	}
	// The name holds part of the list's own sum: what was altered shows before it is opened.
	if sum := crypto.Sum(raw); !strings.HasSuffix(name, "-"+sum.String()[:8]+".json") {
		return nil, damaged("%s: its content was altered", name)
	}
	m, err := p.open(l)
	if err != nil {
		return nil, types.Errorf(types.CodeOf(err), "%s: %w", name, err)
	}
	return m, nil
}

func (p *Params) open(l *listFile) (*Manifest, error) {
	for _, w := range l.Keys {
		if w.Recipient != p.Key.Public() {
			continue
		}
		w.Genesis, w.File = l.Genesis, "list"
		data, err := w.Unwrap(p.Key)
		if err != nil {
			return nil, err
		}
		key, err := data.Envelope()
		if err != nil {
			return nil, err
		}
		plain, err := key.Open(l.Sealed, bound(l.Genesis, l.Height))
		if err != nil {
			return nil, damaged("%w", err)
		}
		return decodeManifest(plain, p.Genesis)
	}
	return nil, types.Errorf(types.CodeArchiveKey, "the backup is not encrypted to this key")
}

// decodeList reads the stored form of a list.
func decodeList(raw []byte) (*listFile, error) {
	l := &listFile{}
	if err := decodeStrict(raw, l); err != nil {
		return nil, err
	}
	if l.Format != Format {
		return nil, fmt.Errorf("format %d, this program reads %d", l.Format, Format)
	}
	for _, w := range l.Keys {
		if w == nil {
			return nil, errors.New("a key is missing")
		}
	}
	return l, nil
}

// decodeManifest reads the list itself, once it is open: HC-4405.
func decodeManifest(plain []byte, genesis crypto.Hash) (*Manifest, error) {
	m := &Manifest{}
	if err := decodeStrict(plain, m); err != nil {
		return nil, damaged("%w", err)
	}
	if m.Genesis != genesis || len(m.Files) == 0 || len(m.Files) > maxFiles {
		return nil, damaged("it is of another chain, or empty")
	}
	seen := make(map[string]bool, len(m.Files))
	for i := range m.Files {
		f := &m.Files[i]
		if !pathPattern.MatchString(f.Path) || seen[f.Path] || f.Size < 0 || f.Size > maxFileBytes || f.Stored != storedSize(f.Size) {
			return nil, damaged("it names the file %q of %d bytes, stored as %d", f.Path, f.Size, f.Stored)
		}
		seen[f.Path] = true
	}
	return m, nil
}

func decodeStrict(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more behind its end")
	}
	return nil
}

func (p *Params) small(ctx context.Context, name string) (_ []byte, err error) {
	f, err := p.Target.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if f.Size() > maxListBytes {
		return nil, damaged("%s has %d bytes", name, f.Size())
	}
	b := make([]byte, f.Size())
	return b, f.ReadRange(ctx, b, 0)
}

// List returns the names of all backups of the chain, the oldest first.
func List(ctx context.Context, p *Params) ([]string, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	names := []string{}
	err := p.Target.List(ctx, p.folder()+"/", func(name string, _ int64) error {
		if strings.HasSuffix(name, ".json") {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// damaged names what is wrong with a backup: HC-4405.
func damaged(format string, args ...any) error {
	return types.Errorf(types.CodeBackupDamaged, format, args...)
}
