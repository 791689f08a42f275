package client

import (
	"context"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// membership is the native contract that knows who belongs to the chain.
const membership = "membership"

// RegisteredMember is a member that has registered, with its present key.
type RegisteredMember struct {
	Member   types.MemberID   `json:"member"`
	Key      crypto.PublicKey `json:"key"`
	Roles    []string         `json:"roles"`
	NotAfter time.Time        `json:"notAfter"` // end of the certificate, or of what the organisation vouched for
	Status   string           `json:"status"`
	Since    uint64           `json:"since"`
	Root     *crypto.Hash     `json:"root,omitempty"` // SM3 of the root certificate above; none for a vouched key
}

// MemberList lists the registered members of an organisation, or of all.
func (c *Client) MemberList(ctx context.Context, org string) ([]RegisteredMember, error) {
	return viewAll[RegisteredMember](ctx, c, membership, "members", org)
}

// RevokedCertificate is an entry of an organisation's revocation list.
type RevokedCertificate struct {
	Org    string `json:"org"`
	Serial string `json:"serial"`
	Reason string `json:"reason,omitempty"`
	Height uint64 `json:"height"`
}

// Revoked lists the revocation list of an organisation, or those of all.
func (c *Client) Revoked(ctx context.Context, org string) ([]RevokedCertificate, error) {
	return viewAll[RevokedCertificate](ctx, c, membership, "revoked", org)
}

// viewAll follows the pages of a listing.
func viewAll[T any](ctx context.Context, c *Client, contract, method, org string) ([]T, error) {
	all, after := []T{}, ""
	for {
		var page struct {
			Items []T
			Next  *string
		}
		if err := c.view(ctx, contract, method, map[string]any{"org": org, "after": after}, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == nil {
			return all, nil
		}
		after = *page.Next
	}
}
