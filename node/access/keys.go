package access

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Key is an application's key as it is kept: without the secret.
type Key struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Chain   string       `json:"chain,omitempty"` // empty: all chains of the node
	Roles   []types.Role `json:"roles"`
	Created time.Time    `json:"created"`
	Expires time.Time    `json:"expires"`
	Revoked *time.Time   `json:"revoked,omitempty"`
	Hash    crypto.Hash  `json:"hash"` // of the whole token
}

// Bounds of keys.
const (
	MaxKeys    = 1000
	MaxKeyLife = 366 * 24 * time.Hour
	maxName    = 64
	keyPrefix  = "hck_"
	keyIDBytes = 8
	secretSize = 32
)

// Keys are the keys of a node, in a file. It is safe for concurrent use.
type Keys struct {
	path string
	mu   sync.RWMutex
	list []Key
}

// OpenKeys reads the file, if it is there.
func OpenKeys(path string) (*Keys, error) {
	k := &Keys{path: path}
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return k, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &k.list)
	}
	if err != nil {
		return nil, types.Errorf(types.CodeConfig, "API keys: %w", err)
	}
	return k, nil
}

// Create makes a key and returns its token, which is shown once and kept nowhere.
func (k *Keys) Create(name, chain string, roles []types.Role, life time.Duration, now time.Time) (token string, key Key, err error) {
	switch {
	case name == "" || len(name) > maxName || types.CleanText(name, maxName) != name || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		err = types.Errorf(types.CodeUsage, "a key's name has 1 to %d bytes", maxName)
	case chain != "" && !types.ValidName(chain):
		err = types.Errorf(types.CodeUsage, "%q is no chain name", chain)
	case len(roles) == 0:
		err = types.Errorf(types.CodeUsage, "a key needs a role")
	case life <= 0 || life > MaxKeyLife:
		err = types.Errorf(types.CodeUsage, "a key lives 1 to %d days", int(MaxKeyLife.Hours()/24))
	}
	if err != nil {
		return "", key, err
	}
	key = Key{ID: random(keyIDBytes), Name: name, Chain: chain, Roles: roles, Created: now.UTC().Truncate(time.Second), Expires: now.Add(life).UTC().Truncate(time.Second)}
	token = keyPrefix + key.ID + "_" + random(secretSize)
	key.Hash = hashOf(token)
	k.mu.Lock()
	defer k.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(k.list), func(old Key) bool { return len(k.list) >= MaxKeys && (old.Revoked != nil || now.After(old.Expires)) })
	if len(list) >= MaxKeys {
		return "", key, types.Errorf(types.CodeLimitExceeded, "%d keys are in use; revoke some", len(list))
	}
	return token, key, k.save(append(list, key))
}

// save writes the file and then takes the list on; mu is held.
func (k *Keys) save(list []Key) error {
	raw, err := json.MarshalIndent(list, "", "  ")
	if err == nil {
		err = writeFile(k.path, raw)
	}
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "API keys: %w", err)
	}
	k.list = list
	return nil
}

// writeFile replaces a file whole.
func writeFile(path string, raw []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".keys.*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(raw)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// Revoke ends a key at once. HC-1003 if there is none of that id.
func (k *Keys) Revoke(id string, now time.Time) (Key, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := slices.Clone(k.list)
	i := slices.IndexFunc(list, func(key Key) bool { return key.ID == id })
	if i < 0 {
		return Key{}, types.Errorf(types.CodeNotFound, "API key %q", id)
	}
	if list[i].Revoked == nil {
		at := now.UTC().Truncate(time.Second)
		list[i].Revoked = &at
	}
	return list[i], k.save(list)
}

// List returns all keys, the oldest first.
func (k *Keys) List() []Key {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return slices.Clone(k.list)
}

// Check returns who a token stands for; HC-1016 if it is unknown, ended or revoked, which
// one it does not say.
func (k *Keys) Check(token string, now time.Time) (*Principal, error) {
	refused := types.Errorf(types.CodeLoginRequired, "the API key is not valid")
	rest, ok := strings.CutPrefix(token, keyPrefix)
	if !ok || len(rest) != 2*keyIDBytes+1+2*secretSize {
		return nil, refused
	}
	id, hash := rest[:2*keyIDBytes], hashOf(token)
	k.mu.RLock()
	defer k.mu.RUnlock()
	i := slices.IndexFunc(k.list, func(key Key) bool { return key.ID == id })
	if i < 0 {
		return nil, refused
	}
	key := &k.list[i]
	if subtle.ConstantTimeCompare(key.Hash[:], hash[:]) != 1 || key.Revoked != nil || now.After(key.Expires) {
		return nil, refused
	}
	return &Principal{Kind: KindKey, ID: key.ID, Name: key.Name, Chain: key.Chain, Roles: key.Roles, Expires: key.Expires}, nil
}
