package chain_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/chain/chaintest"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

type evidencePage struct {
	Items []chain.Evidence
	Next  *string
}

func (c *council) evidence(args string) (out evidencePage, err error) {
	raw, _, err := c.c.Query(context.Background(), c.st, &chain.Query{Contract: "governance", Method: "evidence", Args: []byte(args)}, c.height, c.now.UnixNano())
	if err == nil {
		require.NoError(c.t, json.Unmarshal(raw, &out))
	}
	return out, err
}

// What a block proves against a validator stands in the state, whether or not the block has
// transactions; anyone reads it, and a vote that removes the validator may rest on it, but
// not on what the chain does not hold or holds of another.
//
// covers: T.04
func TestEvidenceStandsInTheState(t *testing.T) {
	c := newCouncil(t)
	founders, err := c.c.Validators(c.st)
	require.NoError(t, err)
	empty, err := c.evidence(`{}`)
	require.NoError(t, err)
	require.Empty(t, empty.Items)

	address := bytes.Repeat([]byte{0xab}, 20)
	proven := chain.Misbehaviour{Kind: chain.EvidenceDoubleVote, Height: 3, Time: 3e9, Address: address, Power: 10, Key: founders[0].Key}
	stranger := chain.Misbehaviour{Kind: chain.EvidenceDoubleVote, Height: 2, Time: 2e9, Address: bytes.Repeat([]byte{1}, 20), Power: 1}
	c.proven = []chain.Misbehaviour{proven, stranger}
	c.run() // no transaction beside it
	recorded := c.height
	list, err := c.evidence(``)
	require.NoError(t, err)
	require.Len(t, list.Items, 2)
	require.Nil(t, list.Next)
	old, e := list.Items[0], list.Items[1]
	require.Equal(t, fmt.Sprintf("3/%X", address), e.ID)
	require.Equal(t, "archives/node0", e.Org+"/"+e.Name)
	require.Equal(t, founders[0].Key, *e.Key)
	require.Equal(t, recorded, e.Recorded)
	require.Empty(t, old.Name, "nobody whom the chain knows now")

	page, err := c.evidence(`{"limit":1}`)
	require.NoError(t, err)
	require.Equal(t, old.ID, *page.Next)
	page, err = c.evidence(fmt.Sprintf(`{"limit":1,"after":%q}`, *page.Next))
	require.NoError(t, err)
	require.Equal(t, []chain.Evidence{e}, page.Items)
	for _, bad := range []string{`{"limit":0}`, `{"limit":101}`, `{"after":"3"}`, `{"after":"03/ABABABABABABABABABABABABABABABABABABABAB"}`, `{"after":"3/abababababababababababababababababababab"}`, `{"x":1}`} {
		_, err := c.evidence(bad)
		require.Equal(t, types.CodeBadArguments, types.CodeOf(err), bad)
	}

	// Another validator, so that removing one leaves a chain.
	key := chaintest.NewKey()
	sig, err := key.Sign(types.PossessionSignBytes(c.g.Hash(), "court", "node1", key.Public(), [32]byte{2}))
	require.NoError(t, err)
	two := c.admins[1]
	c.ok(c.admins[0], "governance", "addValidator", fmt.Sprintf(`{"org":"court","name":"node1","key":"%s","ed25519":"02%s","power":10,"possession":%q}`, key.Public(), string(bytes.Repeat([]byte("0"), 62)), b64(sig)), two)
	remove := func(node, id string) string {
		return fmt.Sprintf(`{"org":%q,"name":%q,"evidence":%q}`, node, map[string]string{"archives": "node0", "court": "node1"}[node], id)
	}
	c.no(types.CodeNotFound, c.admins[0], "governance", "removeValidator", remove("archives", fmt.Sprintf("4/%X", address)), two)
	c.no(types.CodeValidatorRefused, c.admins[0], "governance", "removeValidator", remove("court", e.ID), two)
	c.no(types.CodeValidatorRefused, c.admins[0], "governance", "removeValidator", remove("archives", old.ID), two)
	c.no(types.CodeBadArguments, c.admins[0], "governance", "removeValidator", remove("archives", "no id"), two)
	c.no(types.CodePermissionDenied, c.admins[0], "governance", "removeValidator", remove("archives", e.ID))
	id, _ := c.propose(c.admins[0], act("governance", "removeValidator", remove("archives", e.ID)))
	require.Equal(t, "adopted", c.vote(two, id, true))
	set, err := c.c.Validators(c.st)
	require.NoError(t, err)
	require.Len(t, set, 1)
	require.NotEqual(t, founders[0].Key, set[0].Key)
	list, err = c.evidence(``)
	require.NoError(t, err)
	require.Equal(t, e, list.Items[1], "it stays")
	require.NotEqual(t, crypto.PublicKey{}, *list.Items[1].Key)
}
