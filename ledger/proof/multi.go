package proof

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// MaxMulti bounds the keys or items of a MultiProof.
const MaxMulti = 4096

// MaxMultiBytes bounds an encoded MultiProof.
const MaxMultiBytes = 8 << 20

var multiMagic = []byte{'H', 'C', 'M', 1}

// MultiProof shows many facts of one block at the price of little more than their own
// bytes: what their paths share stands in it once. Exactly one of State and List is set.
type MultiProof struct {
	Header      types.Header
	Certificate types.FinalityCertificate
	Signers     types.ValidatorSet
	Path        ContentPath
	State       *MultiState
	List        *MultiList
}

// StateKey names a row of the state.
type StateKey struct {
	NS  string
	Key []byte
}

// MultiState is what the state held for several keys after the block.
type MultiState struct {
	Keys  []StateKey // ascending by key hash, no two alike
	Steps []Step     // the tree above the keys: node, left subtree, right subtree
}

// StepKind says what stands at a node of the tree that paths of keys lead to.
type StepKind uint8

// Kinds of steps. Keys that lead to a leaf of another key are absent.
const (
	StepBoth      StepKind = iota // keys on both sides
	StepLeft                      // keys on the left alone; Sibling is the right, or zero
	StepRight                     // keys on the right alone
	StepEmpty                     // an empty subtree: the keys are absent
	StepValue                     // the leaf of the key at position Key, which holds a value
	StepTombstone                 // the leaf of the key at position Key, which was deleted
	StepForeign                   // the leaf of a key that is not among Keys
)

// Step is one node.
type Step struct {
	Kind                     StepKind
	Sibling                  crypto.Hash // StepLeft, StepRight
	Key                      uint32      // StepValue, StepTombstone
	Height                   uint64      // StepValue, StepTombstone
	TxIndex                  uint32      // StepValue, StepTombstone
	Value                    []byte      // StepValue
	ForeignKey, ForeignValue crypto.Hash // StepForeign
}

// JoinStates makes one proof of several of the same root. It fails if they do not fit
// together.
func JoinStates(keys []StateKey, proofs []*StateProof) (*MultiState, error) {
	if len(keys) == 0 || len(keys) != len(proofs) || len(keys) > MaxMulti {
		return nil, fmt.Errorf("join %d state proofs of %d keys, at most %d", len(proofs), len(keys), MaxMulti)
	}
	j := joiner{m: &MultiState{}}
	for i := range keys {
		j.all = append(j.all, keyed{StateKeyHash(keys[i].NS, keys[i].Key), keys[i], proofs[i]})
	}
	slices.SortFunc(j.all, func(a, b keyed) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	j.all = slices.CompactFunc(j.all, func(a, b keyed) bool { return a.hash == b.hash })
	for i := range j.all {
		j.m.Keys = append(j.m.Keys, j.all[i].key)
	}
	return j.m, j.join(0, len(j.all), 0)
}

type keyed struct {
	hash  crypto.Hash
	key   StateKey
	proof *StateProof
}

type joiner struct {
	m   *MultiState
	all []keyed
}

// join adds the steps of all[from:to], which share their first level bits.
func (j *joiner) join(from, to, level int) error {
	first := j.all[from].proof
	if len(first.Siblings) == level {
		return j.end(from, to)
	}
	mid := from
	for mid < to && Bit(&j.all[mid].hash, level) == 0 {
		mid++
	}
	for i := from; i < to; i++ {
		if len(j.all[i].proof.Siblings) <= level {
			return errors.New("join state proofs: they are of different trees")
		}
	}
	switch {
	case mid == to:
		j.m.Steps = append(j.m.Steps, Step{Kind: StepLeft, Sibling: first.Siblings[level]})
		return j.join(from, to, level+1)
	case mid == from:
		j.m.Steps = append(j.m.Steps, Step{Kind: StepRight, Sibling: first.Siblings[level]})
		return j.join(from, to, level+1)
	}
	j.m.Steps = append(j.m.Steps, Step{Kind: StepBoth})
	return errors.Join(j.join(from, mid, level+1), j.join(mid, to, level+1))
}

// end adds the leaf, or the emptiness, that the paths of all[from:to] end in.
func (j *joiner) end(from, to int) error {
	s := Step{}
	for i := from; i < to; i++ {
		p := j.all[i].proof
		switch p.Ends {
		case EndsEmpty:
			s = Step{Kind: StepEmpty}
		case EndsValue:
			s = Step{Kind: StepValue, Key: uint32(i), Height: p.Height, TxIndex: p.TxIndex, Value: p.Value}
		case EndsTombstone:
			s = Step{Kind: StepTombstone, Key: uint32(i), Height: p.Height, TxIndex: p.TxIndex}
		case EndsForeign:
			if s.Kind == StepBoth {
				s = Step{Kind: StepForeign, ForeignKey: p.ForeignKey, ForeignValue: p.ForeignValue}
			}
		}
	}
	j.m.Steps = append(j.m.Steps, s)
	return nil
}

// Root computes the state root that the proof claims, and what it says of each key.
func (m *MultiState) Root() (crypto.Hash, []StateResult, error) { return m.root(nil) }

// root is Root; singles, if there are any, become the proofs of the single keys.
func (m *MultiState) root(singles []StateProof) (crypto.Hash, []StateResult, error) {
	w := walker{m: m, results: make([]StateResult, len(m.Keys)), hashes: make([]crypto.Hash, len(m.Keys)), singles: singles}
	if len(m.Keys) == 0 || len(m.Keys) > MaxMulti {
		return crypto.Hash{}, nil, fmt.Errorf("multi-proof of %d keys", len(m.Keys))
	}
	for i := range m.Keys {
		k := &m.Keys[i]
		if len(k.NS) > MaxNamespaceBytes {
			return crypto.Hash{}, nil, errors.New("multi-proof: namespace too long")
		}
		w.hashes[i] = StateKeyHash(k.NS, k.Key)
		if i > 0 && bytes.Compare(w.hashes[i-1][:], w.hashes[i][:]) >= 0 {
			return crypto.Hash{}, nil, errors.New("multi-proof: keys do not ascend by their hashes")
		}
	}
	root, err := w.walk(0, len(m.Keys), 0)
	if err == nil && w.next != len(m.Steps) {
		err = errors.New("multi-proof: steps are left over")
	}
	return root, w.results, err
}

type walker struct {
	m       *MultiState
	hashes  []crypto.Hash // of the keys
	next    int           // step
	results []StateResult
	singles []StateProof // by key, with siblings from the leaf up; or none
}

// walk folds the subtree that the keys from:to lead to.
func (w *walker) walk(from, to, level int) (crypto.Hash, error) {
	var none crypto.Hash
	if w.next >= len(w.m.Steps) || level > MaxDepth {
		return none, errors.New("multi-proof: a step is missing")
	}
	s := &w.m.Steps[w.next]
	w.next++
	if s.Kind > StepRight {
		h, err := w.end(s, from, to, level)
		if err == nil && w.singles != nil {
			w.single(s, from, to)
		}
		return h, err
	}
	if level == MaxDepth {
		return none, errors.New("multi-proof: path too long")
	}
	mid := from
	for mid < to && Bit(&w.hashes[mid], level) == 0 {
		mid++
	}
	if (mid > from) != (s.Kind != StepRight) || (mid < to) != (s.Kind != StepLeft) {
		return none, errors.New("multi-proof: a step does not fit the keys")
	}
	left, right, err := s.Sibling, s.Sibling, error(nil)
	if s.Kind != StepRight {
		if left, err = w.walk(from, mid, level+1); err != nil {
			return none, err
		}
	}
	if s.Kind != StepLeft {
		if right, err = w.walk(mid, to, level+1); err != nil {
			return none, err
		}
	}
	for i := from; w.singles != nil && i < to; i++ {
		p := &w.singles[i]
		if i < mid {
			p.Siblings = append(p.Siblings, right)
		} else {
			p.Siblings = append(p.Siblings, left)
		}
	}
	return Inner(left, right), nil
}

// end returns the hash of what the paths of the keys from:to end in.
func (w *walker) end(s *Step, from, to, level int) (crypto.Hash, error) {
	switch s.Kind {
	case StepEmpty:
		return crypto.Hash{}, nil
	case StepForeign:
		for i := from; i < to; i++ {
			if s.ForeignKey == w.hashes[i] || !samePrefix(&s.ForeignKey, &w.hashes[i], level) {
				return crypto.Hash{}, errors.New("multi-proof: foreign leaf is not on the key's path")
			}
		}
		return StateLeaf(s.ForeignKey, s.ForeignValue), nil
	case StepValue, StepTombstone:
		if int(s.Key) < from || int(s.Key) >= to {
			return crypto.Hash{}, errors.New("multi-proof: a leaf is not of the keys that lead to it")
		}
		r := &w.results[s.Key]
		r.Height, r.TxIndex = s.Height, s.TxIndex
		if s.Kind == StepTombstone {
			r.Deleted = true
			return StateLeaf(w.hashes[s.Key], TombstoneHash(s.Height, s.TxIndex)), nil
		}
		r.Found, r.Value = true, s.Value
		return StateLeaf(w.hashes[s.Key], ValueHash(s.Height, s.TxIndex, s.Value)), nil
	}
	return crypto.Hash{}, errors.New("multi-proof: unknown step")
}

// Verify checks everything the proof claims, like Proof.Verify, and returns what it says
// of each key of State; nil for a List. The error is HC-4201.
func (p *MultiProof) Verify(t Trust) ([]StateResult, error) {
	results, err := p.verify(t)
	if err != nil {
		return nil, types.Errorf(types.CodeProofInvalid, "%w", err)
	}
	return results, nil
}

func (p *MultiProof) verify(t Trust) ([]StateResult, error) {
	if p.Header.Genesis != t.Genesis {
		return nil, errors.New("proof is of another chain: the genesis hash differs")
	}
	if p.Signers.Hash() != t.Validators.Hash() {
		return nil, errors.New("proof was signed by another validator set than the trusted one")
	}
	results, err := p.VerifyContent()
	if err != nil {
		return nil, err
	}
	return results, p.Certificate.Verify(&p.Header, t.Validators)
}

// VerifyContent checks that the facts lead to the header's content root. It does not look
// at signatures: the caller MUST trust the header by other means.
func (p *MultiProof) VerifyContent() ([]StateResult, error) {
	var results []StateResult
	var position int
	var leaf crypto.Hash
	switch {
	case (p.State != nil) == (p.List != nil):
		return nil, errors.New("a multi-proof is of keys or of a list")
	case p.State != nil:
		root, res, err := p.State.Root()
		if err != nil {
			return nil, err
		}
		for i := range res {
			if res[i].Height > p.Header.Height {
				return nil, fmt.Errorf("row of height %d in a state of height %d", res[i].Height, p.Header.Height)
			}
		}
		results, position, leaf = res, LeafState, rootLeaf(LeafState, root)
	default:
		root, err := p.List.Root()
		if err != nil {
			return nil, err
		}
		position, leaf = int(p.List.Position), countedLeaf(p.List.Position, root, p.List.Count)
	}
	if p.Path.root(position, leaf) != p.Header.Content {
		return nil, errors.New("proof does not lead to the header's content root")
	}
	return results, nil
}

func (m *MultiState) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(m.Keys)))
	for i := range m.Keys {
		k := &m.Keys[i]
		b = append(append(b, byte(len(k.NS))), k.NS...)
		b = appendBlob(b, k.Key)
	}
	for i := range m.Steps {
		s := &m.Steps[i]
		kind := byte(s.Kind)
		if s.Kind == StepLeft || s.Kind == StepRight {
			if s.Sibling.IsZero() {
				b = append(b, kind|stepNoSibling)
			} else {
				b = append(append(b, kind), s.Sibling[:]...)
			}
			continue
		}
		b = append(b, kind)
		switch s.Kind {
		case StepValue, StepTombstone:
			b = binary.BigEndian.AppendUint32(b, s.Key)
			b = binary.BigEndian.AppendUint64(b, s.Height)
			b = binary.BigEndian.AppendUint32(b, s.TxIndex)
			if s.Kind == StepValue {
				b = appendBlob(b, s.Value)
			}
		case StepForeign:
			b = append(append(b, s.ForeignKey[:]...), s.ForeignValue[:]...)
		}
	}
	return b
}

// stepNoSibling marks a step whose sibling is empty and not written out.
const stepNoSibling = 0x80

func (d *decoder) multiState() *MultiState {
	m := &MultiState{}
	n := d.number(4)
	if n == 0 || n > MaxMulti {
		d.fail(fmt.Errorf("multi-proof of %d keys", n))
		return m
	}
	for range n {
		k := StateKey{NS: string(d.take(int(d.u8()))), Key: d.blob(types.MaxKeyBytes)}
		if d.err != nil {
			return m
		}
		if !utf8.ValidString(k.NS) {
			d.fail(errors.New("namespace is not UTF-8"))
		}
		m.Keys = append(m.Keys, k)
	}
	for d.err == nil && len(d.rest) > 0 {
		m.Steps = append(m.Steps, d.step())
	}
	return m
}

func (d *decoder) step() Step {
	kind := d.u8()
	s := Step{Kind: StepKind(kind &^ stepNoSibling)}
	sided := s.Kind == StepLeft || s.Kind == StepRight
	if s.Kind > StepForeign || kind&stepNoSibling != 0 && !sided {
		d.fail(fmt.Errorf("unknown step %d", kind))
	}
	switch s.Kind {
	case StepLeft, StepRight:
		if kind&stepNoSibling == 0 {
			if s.Sibling = d.hash(); d.err == nil && s.Sibling.IsZero() {
				d.fail(errors.New("empty sibling written out"))
			}
		}
	case StepValue, StepTombstone:
		s.Key, s.Height, s.TxIndex = uint32(d.number(4)), d.number(8), uint32(d.number(4))
		if s.Kind == StepValue {
			s.Value = d.blob(types.MaxValueBytes)
		}
	case StepForeign:
		s.ForeignKey, s.ForeignValue = d.hash(), d.hash()
	}
	return s
}
