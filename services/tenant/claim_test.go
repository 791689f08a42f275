package tenant

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/services/notify"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// register vouches for every member, and counts the keys of a node.
type register struct{ live map[string]bool }

func (r *register) Check(_ context.Context, identity string) (*Identity, error) {
	return &Identity{Member: types.MemberID(identity)}, nil
}

func (r *register) Create(_ string, days int) (token, id string, expires time.Time, err error) {
	id = fmt.Sprint("key", len(r.live))
	r.live[id] = true
	return "token of " + id, id, time.Now().AddDate(0, 0, days), nil
}

func (r *register) Revoke(id string) error {
	r.live[id] = false
	return nil
}

// Keys that nobody takes in time end, and their tokens are gone; those taken stay.
// covers: B1.01
func TestUnclaimedKeysEnd(t *testing.T) {
	ctx := t.Context()
	db, err := database.Open(filepath.Join(t.TempDir(), "t.db"), Schema, connector.Schema, notify.Schema)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	secrets, err := envelope.NewKey(make([]byte, envelope.KeySize))
	require.NoError(t, err)
	node := &register{live: map[string]bool{}}
	s := New(Params{Service: "evidence", DB: db, IDs: node, Keys: node, Secrets: secrets, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Record: func(_, _, _, _ string) error { return nil }})
	admin := &rest.Caller{Kind: "session", Name: "archives/admin", Roles: []types.Role{types.RoleAdmin}}
	open := func(member string) *rest.Opening {
		who := &rest.Caller{Kind: "session", Name: member}
		in := &rest.ApplicationNew{Body: rest.Application{Kind: "enterprise", Name: member, Identity: member, Apps: []string{"oa", "erp"}}}
		o, err := s.Apply(ctx, who, in)
		require.NoError(t, err)
		claim := o.Claim
		d := &rest.DecisionNew{OpeningRef: rest.OpeningRef{ID: o.ID}}
		d.Body.Step, d.Body.Approved = "approve", true
		o, err = s.Decide(ctx, admin, d)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now().Add(s.ClaimLife), *o.ClaimUntil, time.Minute)
		o.Claim = claim
		return o
	}
	take := func(o *rest.Opening) (*rest.Apps, error) {
		in := &rest.ClaimNew{OpeningRef: rest.OpeningRef{ID: o.ID}}
		in.Body.Claim = o.Claim
		return s.ClaimKeys(ctx, &rest.Caller{Kind: "anonymous"}, in)
	}
	quick, slow := open("city/quick"), open("city/slow")
	apps, err := take(quick)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"token of key0", "token of key1"}, []string{apps.Items[0].Token, apps.Items[1].Token})
	require.NoError(t, s.expire(ctx, time.Now().Add(DefaultClaimLife-time.Hour)))
	require.Equal(t, map[string]bool{"key0": true, "key1": true, "key2": true, "key3": true}, node.live)
	require.NoError(t, s.expire(ctx, time.Now().Add(DefaultClaimLife+time.Hour)))
	require.Equal(t, map[string]bool{"key0": true, "key1": true, "key2": false, "key3": false}, node.live)
	_, err = take(slow)
	require.Equal(t, types.CodePermissionDenied, types.CodeOf(err))
	var sealed int
	_, err = db.Row(ctx, "SELECT count(*) FROM app WHERE length(token) > 0", nil, &sealed)
	require.NoError(t, err)
	require.Zero(t, sealed)
	told, err := s.Notices(ctx, &rest.Caller{Kind: "session", Name: "city/slow"}, &rest.NoticeQuery{Listing: rest.Listing{Limit: 10}})
	require.NoError(t, err)
	require.Equal(t, "keys.expired", told.Items[0].Kind)
	again := &rest.AppNew{}
	again.Body.Name, again.Body.Tenant = "oa2", slow.Tenant
	_, err = s.NewApp(ctx, &rest.Caller{Kind: "session", Name: "city/quick"}, again)
	require.Equal(t, types.CodePermissionDenied, types.CodeOf(err))
	app, err := s.NewApp(ctx, admin, again)
	require.NoError(t, err)
	require.Equal(t, slow.Tenant, app.Tenant)

	// One whose time is over is refused also before it is looked for.
	s.ClaimLife = -time.Second
	_, err = take(open("city/late"))
	require.Equal(t, types.CodeOpeningRefused, types.CodeOf(err))
}
