package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Chain is a chain of evidence: how far it has grown, and the digest of its last node.
type Chain struct {
	ID       string          `json:"chain"`
	Template string          `json:"template"`
	Title    string          `json:"title"`
	Owner    contract.Member `json:"owner"`
	Time     contract.Time   `json:"time"`
	Length   uint32          `json:"length"`
	Head     contract.Hash   `json:"head"`
	Complete bool            `json:"complete"`
}

// Node is one link of a chain. Digest is SM3 over the node's JSON with 64 zeros in
// the digest's place; it covers Previous, and so all nodes before.
type Node struct {
	Chain    string          `json:"chain"`
	Position uint32          `json:"position"` // from 0
	Name     string          `json:"name"`     // of the template's step
	Hash     contract.Hash   `json:"hash"`     // of the file
	Title    string          `json:"title"`
	Metadata string          `json:"metadata,omitempty"`
	Previous contract.Hash   `json:"previous"`
	Owner    contract.Member `json:"owner"`
	Time     contract.Time   `json:"time"`
	Digest   contract.Hash   `json:"digest"`
}

// ChainArgs are the arguments of openChain.
type ChainArgs struct {
	ID       string `json:"chain"`
	Template string `json:"template"`
	Title    string `json:"title"`
}

// NodeArgs are the arguments of addNode.
type NodeArgs struct {
	Chain    string        `json:"chain"`
	Name     string        `json:"name"`
	Hash     contract.Hash `json:"hash"`
	Title    string        `json:"title"`
	Metadata string        `json:"metadata,omitempty"`
}

// ChainID names a chain.
type ChainID struct {
	ID string `json:"chain"`
}

// ChainNodes is a chain with its nodes in order.
type ChainNodes struct {
	Chain Chain  `json:"chain"`
	Nodes []Node `json:"nodes"`
}

// Verdict says whether a chain holds. Where it doesn't, it names the first bad node
// and what is wrong with it: missing, reordered, party, previous, altered or head.
type Verdict struct {
	Valid    bool    `json:"valid"`
	Complete bool    `json:"complete"`
	Length   uint32  `json:"length"`
	Position *uint32 `json:"position,omitempty"`
	Node     string  `json:"node,omitempty"`
	Reason   string  `json:"reason,omitempty"`
}

// Storage.
var (
	chains = state.NewMap[string, Chain]("chain")
	nodes  = state.NewMap[state.Pair[string, uint32], Node]("node")
)

// Events.
var (
	chainOpened = contract.NewEvent[Chain]("chainOpened")
	nodeAdded   = contract.NewEvent[Node]("nodeAdded")
)

// Refusals.
var (
	errChainExists   = contract.NewError("chain_exists")
	errUnknownChain  = contract.NewError("unknown_chain")
	errChainComplete = contract.NewError("chain_complete")
	errWrongStep     = contract.NewError("wrong_step")
	errWrongParty    = contract.NewError("wrong_party")
)

// openChain begins a chain along a template.
func openChain(ctx *contract.Ctx, in ChainArgs) (Chain, error) {
	if !validID(in.ID) {
		return Chain{}, errBadID
	}
	if err := checkText(in.Title, ""); err != nil {
		return Chain{}, err
	}
	t, ok := templates.Get(ctx, in.Template)
	if !ok {
		return Chain{}, errUnknownTemplate
	}
	if chains.Has(ctx, in.ID) {
		return Chain{}, errChainExists
	}
	c := Chain{ID: in.ID, Template: in.Template, Title: in.Title, Owner: ctx.Caller().Member, Time: ctx.Time()}
	c.Head = opening(c, t)
	chains.Put(ctx, c.ID, c)
	chainOpened.Emit(ctx, c)
	return c, nil
}

// addNode adds the next node of a chain: the one its template asks for, by the party
// it permits.
func addNode(ctx *contract.Ctx, in NodeArgs) (Node, error) {
	c, ok := chains.Get(ctx, in.Chain)
	if !ok {
		return Node{}, errUnknownChain
	}
	t, ok := templates.Get(ctx, c.Template)
	if !ok {
		return Node{}, errUnknownTemplate
	}
	if c.Complete || int(c.Length) >= len(t.Steps) {
		return Node{}, errChainComplete
	}
	step, err := c.step(ctx, &t, in.Name)
	if err != nil {
		return Node{}, err
	}
	if !step.mayAdd(ctx.Caller().Member) {
		return Node{}, errWrongParty.With(step.Name + " is added by " + step.Party)
	}
	if err := checkText(in.Title, in.Metadata); err != nil {
		return Node{}, err
	}
	n := Node{Chain: c.ID, Position: c.Length, Name: in.Name, Hash: in.Hash, Title: in.Title,
		Metadata: in.Metadata, Previous: c.Head, Owner: ctx.Caller().Member, Time: ctx.Time()}
	n.Digest = n.digest()
	nodes.Put(ctx, state.Pair[string, uint32]{A: n.Chain, B: n.Position}, n)
	c.Length, c.Head = c.Length+1, n.Digest
	c.Complete = int(c.Length) == len(t.Steps)
	chains.Put(ctx, c.ID, c)
	nodeAdded.Emit(ctx, n)
	return n, nil
}

// step finds the step that a node of a name is for, if it is due.
func (c *Chain) step(r contract.Reader, t *Template, name string) (*Step, error) {
	done := make([]bool, len(t.Steps))
	for i := uint32(0); i < c.Length; i++ {
		if !t.branches() {
			done[i] = true
		} else if n, ok := nodes.Get(r, state.Pair[string, uint32]{A: c.ID, B: i}); ok {
			if at := indexOf(t.Steps, n.Name); at >= 0 {
				done[at] = true
			}
		}
	}
	if i := indexOf(t.Steps, name); i >= 0 && t.due(i, done) {
		return &t.Steps[i], nil
	}
	next := ""
	for i := range t.Steps {
		if t.due(i, done) {
			if next != "" {
				next += ", "
			}
			next += t.Steps[i].Name
		}
	}
	return nil, errWrongStep.With("next is " + next)
}

// getChain returns a chain and its nodes in order.
func getChain(v *contract.View, in ChainID) (ChainNodes, error) {
	c, ok := chains.Get(v, in.ID)
	if !ok {
		return ChainNodes{}, errUnknownChain
	}
	out := ChainNodes{Chain: c}
	for i := uint32(0); i < c.Length; i++ {
		if n, ok := nodes.Get(v, state.Pair[string, uint32]{A: c.ID, B: i}); ok {
			out.Nodes = append(out.Nodes, n)
		}
	}
	return out, nil
}

// listChains returns all chains by id.
func listChains(v *contract.View, in PageArgs) (contract.Page[Chain], error) {
	return chains.List(v, contract.Paging{After: in.After, Limit: in.Limit}), nil
}

// verifyChain recomputes a chain from its opening and names the first bad node.
func verifyChain(v *contract.View, in ChainID) (Verdict, error) {
	c, ok := chains.Get(v, in.ID)
	if !ok {
		return Verdict{}, errUnknownChain
	}
	t, ok := templates.Get(v, c.Template)
	if !ok {
		return Verdict{}, errUnknownTemplate
	}
	out := Verdict{Complete: c.Complete, Length: c.Length}
	previous := opening(c, t)
	done := make([]bool, len(t.Steps))
	for i := uint32(0); i < c.Length; i++ {
		name, reason := "", "missing"
		if int(i) < len(t.Steps) {
			if !t.branches() {
				name = t.Steps[i].Name
			}
			if n, ok := nodes.Get(v, state.Pair[string, uint32]{A: c.ID, B: i}); ok {
				at := indexOf(t.Steps, n.Name)
				if name == "" {
					name = n.Name
				}
				if reason = "reordered"; at >= 0 && t.due(at, done) {
					done[at] = true
					reason = n.fault(&c, &t.Steps[at], i, previous)
				}
				previous = n.Digest
			}
		}
		if reason == "" && i == c.Length-1 && c.Head != previous {
			reason = "head"
		}
		if reason != "" {
			out.Position, out.Node, out.Reason = &i, name, reason
			return out, nil
		}
	}
	out.Valid = (c.Length > 0 || c.Head == previous) && c.Complete == (int(c.Length) == len(t.Steps))
	if !out.Valid {
		out.Reason = "head"
	}
	return out, nil
}

// fault names what is wrong with a node, "" if nothing is.
func (n *Node) fault(c *Chain, s *Step, position uint32, previous contract.Hash) string {
	switch {
	case n.Chain != c.ID || n.Position != position || n.Name != s.Name:
		return "reordered"
	case n.Digest != n.digest():
		return "altered"
	case n.Previous != previous:
		return "previous"
	case !s.mayAdd(n.Owner):
		return "party"
	}
	return ""
}

// digest recomputes a node's Digest.
func (n Node) digest() contract.Hash {
	n.Digest = contract.Hash{}
	return contract.SM3(contract.JSON(n))
}

// opening is what the first node follows: SM3 over the JSON of the chain as it was
// opened, with 64 zeros in head's place, and of its template.
func opening(c Chain, t Template) contract.Hash {
	c.Length, c.Head, c.Complete = 0, contract.Hash{}, false
	return contract.SM3(append(contract.JSON(c), contract.JSON(t)...))
}
