package tenant

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Identity is an identity that holds.
type Identity struct {
	Key    *crypto.PublicKey // of a DID
	Member types.MemberID    // of a member
}

// ChainIdentities checks DIDs in contract identity and members in the chain's register.
type ChainIdentities struct {
	Client func(context.Context) (*client.Client, error)
}

// Check implements Identities.
func (i ChainIdentities) Check(ctx context.Context, identity string) (*Identity, error) {
	c, err := i.Client(ctx)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(identity, "did:") {
		return checkDID(ctx, c, identity)
	}
	return checkMember(ctx, c, identity)
}

func refused(format string, args ...any) error {
	return types.Errorf(types.CodeIdentityRefused, format, args...)
}

func checkDID(ctx context.Context, c *client.Client, did string) (*Identity, error) {
	a, err := c.Query(ctx, nil, "identity", "resolve", map[string]string{"did": did})
	switch code := types.CodeOf(err); {
	case code == types.CodeContractError || code == types.CodeBadArguments:
		return nil, refused("%s: %w", did, err)
	case err != nil:
		return nil, err
	}
	var r struct {
		Document struct {
			VerificationMethod []struct {
				PublicKeyHex string `json:"publicKeyHex"`
			} `json:"verificationMethod"`
		} `json:"didDocument"`
		Metadata struct {
			State string `json:"state"`
		} `json:"didDocumentMetadata"`
	}
	if err := json.Unmarshal(a.Result, &r); err != nil {
		return nil, types.Errorf(types.CodeUnreachable, "identity.resolve: %w", err)
	}
	if r.Metadata.State != "active" || len(r.Document.VerificationMethod) == 0 {
		return nil, refused("%s is %s", did, r.Metadata.State)
	}
	key := new(crypto.PublicKey)
	if err := key.UnmarshalText([]byte(r.Document.VerificationMethod[0].PublicKeyHex)); err != nil {
		return nil, refused("%s: %w", did, err)
	}
	return &Identity{Key: key}, nil
}

func checkMember(ctx context.Context, c *client.Client, id string) (*Identity, error) {
	if _, err := types.ParseMemberID(id); err != nil {
		return nil, refused("%w", err)
	}
	m, err := c.Member(ctx, id)
	switch code := types.CodeOf(err); {
	case code == types.CodeNotFound || code == types.CodeUnknownSender:
		return nil, refused("the chain knows no member %s", id)
	case err != nil:
		return nil, err
	case m.State != "active":
		return nil, refused("%s is %s", id, m.State)
	case time.Now().After(m.NotAfter):
		return nil, refused("the certificate of %s ended on %s", id, m.NotAfter.Format(time.RFC3339))
	}
	return &Identity{Member: m.ID}, nil
}
