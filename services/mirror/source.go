package mirror

import (
	"context"
	"sync"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Source is a node that a mirror reads. Its word is not trusted.
type Source interface {
	// Name is what the node is called in messages: its address.
	Name() string
	// Contents returns blocks that validators attest, from a height on, each checked against
	// its header. It waits up to wait for the first: HC-4104 if it does not come.
	Contents(ctx context.Context, from uint64, wait time.Duration) ([]*proof.Contents, error)
	// Attested returns the hash of the header at a height that validators attest, led to from
	// the genesis.
	Attested(ctx context.Context, height uint64) (crypto.Hash, error)
	// Height is the newest block of the node.
	Height(ctx context.Context) (uint64, error)
	// Contracts are the names of the installed contracts.
	Contracts(ctx context.Context) ([]string, error)
	// Interface is what an installed contract says of itself.
	Interface(ctx context.Context, contract string) (*rest.Interface, error)
}

// Node is a Source over the client SDK. Attested is for one goroutine at a time.
type Node struct {
	name  string
	dial  func(ctx context.Context) (*client.Client, error)
	trust *client.Trust // newest header that was led to; nil before the first

	mu     sync.Mutex
	client *client.Client // nil before the first use
}

// NewNode reads a node that dial connects to at the first use. The client MUST have the
// genesis hash pinned: all trust begins there.
func NewNode(name string, dial func(ctx context.Context) (*client.Client, error)) *Node {
	return &Node{name: name, dial: dial}
}

// Name implements Source.
func (n *Node) Name() string { return n.name }

func (n *Node) connected(ctx context.Context) (*client.Client, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.client != nil {
		return n.client, nil
	}
	c, err := n.dial(ctx)
	if err == nil && !c.Pinned() {
		err = types.Errorf(types.CodeConfig, "a mirror must know the genesis hash of its chain")
	}
	if err == nil {
		n.client = c
	}
	return c, err
}

// Contents implements Source.
func (n *Node) Contents(ctx context.Context, from uint64, wait time.Duration) ([]*proof.Contents, error) {
	c, err := n.connected(ctx)
	if err != nil {
		return nil, err
	}
	return c.Contents(ctx, from, wait)
}

// Attested implements Source. It follows the chain upwards, so that each header costs one
// step; a height below starts at the genesis again.
func (n *Node) Attested(ctx context.Context, height uint64) (crypto.Hash, error) {
	c, err := n.connected(ctx)
	if err != nil {
		return crypto.Hash{}, err
	}
	if n.trust == nil || n.trust.Height > height {
		if n.trust, err = c.Trust(ctx); err != nil {
			return crypto.Hash{}, err
		}
	}
	if n.trust.Height < height {
		t, _, err := c.Follow(ctx, n.trust, height)
		if err != nil {
			return crypto.Hash{}, err
		}
		n.trust = t
	}
	if n.trust.Height != height {
		return crypto.Hash{}, types.Errorf(types.CodeProofInvalid, "asked for the header of height %d, led to %d", height, n.trust.Height)
	}
	return n.trust.Hash, nil
}

// Height implements Source.
func (n *Node) Height(ctx context.Context) (uint64, error) {
	c, err := n.connected(ctx)
	if err != nil {
		return 0, err
	}
	st, err := c.Status(ctx)
	if err != nil {
		return 0, err
	}
	return st.Height, nil
}

// Contracts implements Source.
func (n *Node) Contracts(ctx context.Context) ([]string, error) {
	c, err := n.connected(ctx)
	if err != nil {
		return nil, err
	}
	list, err := c.Contracts(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, it := range list.Items {
		out = append(out, it.Name)
	}
	return out, nil
}

// Interface implements Source.
func (n *Node) Interface(ctx context.Context, contract string) (*rest.Interface, error) {
	c, err := n.connected(ctx)
	if err != nil {
		return nil, err
	}
	return c.Interface(ctx, contract)
}

// lies are the errors of a node that gave what no honest one does.
func lies(err error) bool {
	switch types.CodeOf(err) {
	case types.CodeProofInvalid, types.CodeFork, types.CodeTrustGap, types.CodeWrongGenesis, types.CodeMirrorSource:
		return true
	}
	return false
}

// next reads the blocks behind a tip, linked to it and attested by validators. Where the
// node lies the error is HC-4602 and names it.
func next(ctx context.Context, src Source, from tip, wait time.Duration) ([]*proof.Contents, error) {
	blocks, err := src.Contents(ctx, from.height+1, wait)
	if err == nil {
		err = linked(blocks, from)
	}
	if err == nil {
		last := &blocks[len(blocks)-1].Header
		var hash crypto.Hash
		if hash, err = src.Attested(ctx, last.Height); err == nil && hash != last.Hash() {
			err = types.Errorf(types.CodeMirrorSource, "block %d is not the one that the validators attest", last.Height)
		}
	}
	if lies(err) {
		return nil, types.Errorf(types.CodeMirrorSource, "%s: %w", src.Name(), err)
	}
	if err != nil {
		return nil, err
	}
	return blocks, nil
}

// linked checks that blocks follow a tip and one another. Height 1 follows the genesis,
// which trust in its header begins with.
func linked(blocks []*proof.Contents, from tip) error {
	if len(blocks) == 0 {
		return types.Errorf(types.CodeMirrorSource, "no blocks after height %d, and no error", from.height)
	}
	for _, b := range blocks {
		h := &b.Header
		if h.Height != from.height+1 || from.height > 0 && h.Previous != from.hash {
			return types.Errorf(types.CodeMirrorSource, "block %d does not follow block %d (%s)", h.Height, from.height, from.hash)
		}
		from = tip{height: h.Height, hash: h.Hash()}
	}
	return nil
}
