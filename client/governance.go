package client

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// governance is the native contract by which organisations decide together.
const governance = "governance"

// ProposalFormat names the form of a proposal file.
const ProposalFormat = "huchain-proposal/1"

// ProposalFile is a proposal on its way among those who shall approve: it needs no node.
// The document's bytes are what is hashed and signed; content repeats them for readers
// and must agree.
type ProposalFile struct {
	Format       string                 `json:"format"`
	ID           crypto.Hash            `json:"id"`
	Content      types.ProposalDocument `json:"content"`
	Document     []byte                 `json:"document"` // base64
	Endorsements []types.Endorsement    `json:"endorsements"`
}

// NewProposal writes down a proposal for the chain with a genesis hash.
func NewProposal(genesis crypto.Hash, title string, validUntil time.Time, actions []types.Action) (*ProposalFile, error) {
	var salt [12]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return nil, fmt.Errorf("random salt: %w", err)
	}
	d := types.ProposalDocument{Genesis: genesis, Title: title, Actions: actions, ValidUntil: validUntil.UTC().Truncate(time.Second), Salt: hex.EncodeToString(salt[:])}
	raw, err := json.Marshal(&d)
	if err != nil {
		return nil, types.Errorf(types.CodeBadArguments, "proposal: %w", err)
	}
	return &ProposalFile{Format: ProposalFormat, ID: types.ProposalID(raw), Content: d, Document: raw, Endorsements: []types.Endorsement{}}, nil
}

// ParseProposalFile reads a proposal file and checks that what it shows is what is signed.
func ParseProposalFile(text []byte) (*ProposalFile, error) {
	bad := func(format string, args ...any) error {
		return types.Errorf(types.CodeBadArguments, "proposal file: "+format, args...)
	}
	var f ProposalFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, bad("%w", err)
	}
	if f.Format != ProposalFormat {
		return nil, bad("format %q, want %q", f.Format, ProposalFormat)
	}
	var d types.ProposalDocument
	if err := json.Unmarshal(f.Document, &d); err != nil {
		return nil, bad("document: %w", err)
	}
	shown, err := json.Marshal(&f.Content)
	if err != nil {
		return nil, bad("%w", err)
	}
	meant, err := json.Marshal(&d)
	if err != nil {
		return nil, bad("%w", err)
	}
	if string(shown) != string(meant) || f.ID != types.ProposalID(f.Document) {
		return nil, bad("what it shows is not what would be signed")
	}
	return &f, nil
}

// Encode returns the file's content.
func (f *ProposalFile) Encode() ([]byte, error) {
	text, err := json.MarshalIndent(f, "", "  ")
	return append(text, '\n'), err
}

// Sign adds a member's approval. It needs no node.
func (f *ProposalFile) Sign(by *Identity) error {
	sig, err := by.Signer.Sign(types.EndorsementSignBytes(f.ID))
	if err != nil {
		return fmt.Errorf("sign proposal: %w", err)
	}
	f.Endorsements = slices.DeleteFunc(f.Endorsements, func(e types.Endorsement) bool { return e.Member == by.Member })
	f.Endorsements = append(f.Endorsements, types.Endorsement{Member: by.Member, Signature: sig, Certificate: by.Certificate})
	return nil
}

// Decision is what the chain answers to a proposal or a vote.
type Decision struct {
	ID     crypto.Hash `json:"id"`
	State  string      `json:"state"` // open, adopted, failed, withdrawn
	Error  string      `json:"error,omitempty"`
	Height uint64      `json:"height"` // of this call; an adopted proposal takes effect here
	TxID   crypto.Hash `json:"txId"`
}

func (c *Client) decide(ctx context.Context, by *Identity, method string, args any) (*Decision, error) {
	out, err := c.Call(ctx, by, governance, method, args)
	if err != nil {
		return nil, err
	}
	d := &Decision{Height: out.Height, TxID: out.ID}
	if err := json.Unmarshal(out.Receipt.Result, d); err != nil {
		return nil, types.Errorf(types.CodeUnreachable, "the chain's answer: %w", err)
	}
	return d, nil
}

// Propose puts a proposal before the chain with the endorsements collected so far; the
// sender approves it.
func (c *Client) Propose(ctx context.Context, by *Identity, f *ProposalFile) (*Decision, error) {
	return c.decide(ctx, by, "propose", map[string]any{"document": f.Document, "endorsements": f.Endorsements})
}

// Endorse brings a proposal's endorsements to the chain; they count whoever sends them.
func (c *Client) Endorse(ctx context.Context, by *Identity, f *ProposalFile) (*Decision, error) {
	return c.decide(ctx, by, "endorse", map[string]any{"proposal": f.ID, "endorsements": f.Endorsements})
}

// Vote votes on a proposal.
func (c *Client) Vote(ctx context.Context, by *Identity, id crypto.Hash, approve bool) (*Decision, error) {
	return c.decide(ctx, by, "vote", map[string]any{"proposal": id, "approve": approve})
}

// Withdraw closes a proposal of one's own.
func (c *Client) Withdraw(ctx context.Context, by *Identity, id crypto.Hash) (*Decision, error) {
	return c.decide(ctx, by, "withdraw", map[string]any{"proposal": id})
}

// Proposal is a proposal as the chain knows it.
type Proposal struct {
	ID       crypto.Hash            `json:"id"`
	Proposer types.MemberID         `json:"proposer"`
	State    string                 `json:"state"`
	Expired  bool                   `json:"expired,omitempty"`
	Height   uint64                 `json:"height"`
	Decided  uint64                 `json:"decided,omitempty"`
	Error    string                 `json:"error,omitempty"`
	Content  types.ProposalDocument `json:"content"`
	Votes    []struct {
		Member  types.MemberID `json:"member"`
		Approve bool           `json:"approve"`
		Height  uint64         `json:"height"`
	} `json:"votes"`
}

// Proposal looks a proposal up.
func (c *Client) Proposal(ctx context.Context, id crypto.Hash) (*Proposal, error) {
	var out Proposal
	return &out, c.view(ctx, governance, "proposal", map[string]any{"proposal": id}, &out)
}

// Proposals lists proposals by id; state may be empty, next is passed as after.
func (c *Client) Proposals(ctx context.Context, state string, after crypto.Hash) (items []Proposal, next *crypto.Hash, err error) {
	var out struct {
		Items []Proposal
		Next  *crypto.Hash
	}
	err = c.view(ctx, governance, "proposals", map[string]any{"state": state, "after": after}, &out)
	return out.Items, out.Next, err
}

// Rule says who may enter a method.
type Rule struct {
	Contract string `json:"contract"`
	Method   string `json:"method"`
	Allow    string `json:"allow"`
	Governed bool   `json:"governed"`
}

// Rules lists the rules of native methods, and those governance has set for others.
func (c *Client) Rules(ctx context.Context) ([]Rule, error) {
	var out struct{ Items []Rule }
	err := c.view(ctx, governance, "rules", nil, &out)
	return out.Items, err
}

// view calls a public reading method and decodes its result.
func (c *Client) view(ctx context.Context, contract, method string, args, into any) error {
	if args == nil {
		args = struct{}{}
	}
	a, err := c.Query(ctx, nil, contract, method, args)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(a.Result, into); err != nil {
		return types.Errorf(types.CodeUnreachable, "%s.%s: answer is not what is promised: %w", contract, method, err)
	}
	return nil
}
