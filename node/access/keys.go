package access

import (
	"crypto/subtle"
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

// ended reports whether a key has been of no use since before a time.
func (k *Key) ended(before time.Time) bool {
	return k.Expires.Before(before) || k.Revoked != nil && k.Revoked.Before(before)
}

// Bounds of keys.
const (
	MaxKeys    = 1_000_000 // that are kept; ended ones make room
	MaxKeyLife = 366 * 24 * time.Hour
	maxName    = 64
	keyPrefix  = "hck_"
	keyIDBytes = 8
	secretSize = 32
	// keepEnded is for how long a key is listed that has ended.
	keepEnded = 90 * 24 * time.Hour
)

// Keys are the keys of a node, in a journal on disk and in memory. Making or revoking one
// costs one line and one sync, however many there are. It is safe for concurrent use.
type Keys struct {
	writing sync.Mutex // one change at a time; guards journal
	journal journal

	mu    sync.RWMutex   // guards what follows, and is never held while the disk is waited for
	list  []Key          // the oldest first
	index map[string]int // of an id in list
}

// OpenKeys reads the journal at path, if it is there. Keys that ended long ago are dropped.
func OpenKeys(path string) (*Keys, error) {
	k := &Keys{journal: journal{path: path}, index: map[string]int{}}
	if err := k.journal.read(k.apply); err != nil {
		return nil, err
	}
	cut := time.Now().Add(-keepEnded)
	ended := 0
	for i := range k.list {
		if k.list[i].ended(cut) {
			ended++
		}
	}
	if k.journal.foreign || k.journal.lines > 2*(len(k.list)-ended)+1000 {
		return k, k.compact(cut)
	}
	return k, nil
}

// apply takes a line of the journal on; mu is held, or nobody else has k yet.
func (k *Keys) apply(e *entry) {
	if e.Key != nil {
		if i, ok := k.index[e.Key.ID]; ok {
			k.list[i] = *e.Key
			return
		}
		k.index[e.Key.ID] = len(k.list)
		k.list = append(k.list, *e.Key)
	} else if i, ok := k.index[e.Revoke]; ok && k.list[i].Revoked == nil {
		k.list[i].Revoked = e.At
	}
}

// Create makes a key and returns its token, which is shown once and kept nowhere. It is
// durable then. HC-1014 if there are MaxKeys that have not ended.
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
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.count() >= MaxKeys {
		if err := k.compact(now); err != nil {
			return "", key, err
		}
		if n := k.count(); n >= MaxKeys {
			return "", key, types.Errorf(types.CodeLimitExceeded, "%d keys are in use; revoke some", n)
		}
	}
	return token, key, k.change(&entry{Key: &key})
}

func (k *Keys) count() int {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.list)
}

// change makes an entry durable and then takes it on; writing is held.
func (k *Keys) change(e *entry) error {
	if err := k.journal.append(e); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.apply(e)
	return nil
}

// compact writes the journal anew without keys that ended before a time; writing is held,
// or nobody else has k yet.
func (k *Keys) compact(before time.Time) error {
	all := k.List("", MaxKeys)
	kept := all[:0]
	for i := range all {
		if !all[i].ended(before) {
			kept = append(kept, all[i])
		}
	}
	if len(kept) == k.journal.lines && !k.journal.foreign {
		return nil
	}
	if err := k.journal.rewrite(kept); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.list, k.index = kept, make(map[string]int, len(kept))
	for i := range kept {
		k.index[kept[i].ID] = i
	}
	return nil
}

// Revoke ends a key at once. HC-1003 if there is none of that id.
func (k *Keys) Revoke(id string, now time.Time) (Key, error) {
	k.writing.Lock()
	defer k.writing.Unlock()
	key, ok := k.get(id)
	switch {
	case !ok:
		return Key{}, types.Errorf(types.CodeNotFound, "API key %q", id)
	case key.Revoked != nil:
		return key, nil
	}
	at := now.UTC().Truncate(time.Second)
	key.Revoked = &at
	return key, k.change(&entry{Revoke: id, At: &at})
}

func (k *Keys) get(id string) (Key, bool) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	i, ok := k.index[id]
	if !ok {
		return Key{}, false
	}
	return k.list[i], true
}

// List returns up to limit keys behind the one of id after, the oldest first; an empty or
// unknown id begins at the oldest.
func (k *Keys) List(after string, limit int) []Key {
	k.mu.RLock()
	defer k.mu.RUnlock()
	from := 0
	if i, ok := k.index[after]; ok {
		from = i + 1
	}
	return append([]Key{}, k.list[from:min(from+limit, len(k.list))]...)
}

// Check returns who a token stands for; HC-1016 if it is unknown, ended or revoked, which
// one it does not say.
func (k *Keys) Check(token string, now time.Time) (*Principal, error) {
	rest, ok := strings.CutPrefix(token, keyPrefix)
	if !ok || len(rest) != 2*keyIDBytes+1+2*secretSize {
		return nil, types.Errorf(types.CodeLoginRequired, "the API key is not valid")
	}
	hash := hashOf(token)
	key, ok := k.get(rest[:2*keyIDBytes])
	if !ok || subtle.ConstantTimeCompare(key.Hash[:], hash[:]) != 1 || key.Revoked != nil || now.After(key.Expires) {
		return nil, types.Errorf(types.CodeLoginRequired, "the API key is not valid")
	}
	return &Principal{Kind: KindKey, ID: key.ID, Name: key.Name, Chain: key.Chain, Roles: key.Roles, Expires: key.Expires}, nil
}
