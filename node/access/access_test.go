package access

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// A key is good from its making to its end or revocation, also after a restart; what is
// stored does not let anyone in.
func TestKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access", "keys.json")
	k, err := OpenKeys(path)
	require.NoError(t, err)
	now := time.Now()
	token, key, err := k.Create("portal", "gov", []types.Role{types.RoleClient}, time.Hour, now)
	require.NoError(t, err)
	who, err := k.Check(token, now)
	require.NoError(t, err)
	require.Equal(t, "portal", who.Name)
	require.Equal(t, "gov", who.Chain)
	require.True(t, who.HasAny(types.RoleClient))
	require.False(t, who.HasAny(types.RoleAdmin))

	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NotContains(t, string(raw), token[len(token)-2*secretSize:])
	for _, bad := range []string{"", token[:len(token)-1], token + "0", strings.ToUpper(token), keyPrefix + key.ID + "_" + key.Hash.String(), strings.Repeat("x", 1000)} {
		_, err := k.Check(bad, now)
		require.Equal(t, types.CodeLoginRequired, types.CodeOf(err), bad)
	}
	for i := range token {
		altered := []byte(token)
		altered[i] ^= 1
		_, err := k.Check(string(altered), now)
		require.Equal(t, types.CodeLoginRequired, types.CodeOf(err), "byte %d", i)
	}
	_, err = k.Check(token, now.Add(2*time.Hour))
	require.Equal(t, types.CodeLoginRequired, types.CodeOf(err))
	k, err = OpenKeys(path)
	require.NoError(t, err)
	_, err = k.Check(token, now)
	require.NoError(t, err)
	_, err = k.Revoke(key.ID, now)
	require.NoError(t, err)
	_, err = k.Check(token, now)
	require.Equal(t, types.CodeLoginRequired, types.CodeOf(err))
	_, err = k.Revoke("nothing", now)
	require.Equal(t, types.CodeNotFound, types.CodeOf(err))
	for _, bad := range []struct {
		name, chain string
		roles       []types.Role
		life        time.Duration
	}{{"", "", who.Roles, time.Hour}, {"a\nb", "", who.Roles, time.Hour}, {"a", "No Chain", who.Roles, time.Hour}, {"a", "", nil, time.Hour}, {"a", "", who.Roles, 0}, {"a", "", who.Roles, 2 * MaxKeyLife}} {
		_, _, err := k.Create(bad.name, bad.chain, bad.roles, bad.life, now)
		require.Equal(t, types.CodeUsage, types.CodeOf(err), "%+v", bad)
	}
}

// A challenge opens one session, on its chain, in its time, and not when altered. A session
// ends by itself, when idle, and when it is ended.
func TestSessions(t *testing.T) {
	s, now := NewSessions(), time.Now()
	begin := func(challenge, chain string, at time.Time) (string, error) {
		token, _, err := s.Begin(challenge, Session{Chain: chain, Member: "archives/clerk"}, at)
		return token, err
	}
	c, expires := s.Challenge("gov", now)
	require.WithinDuration(t, now.Add(ChallengeLife), expires, time.Second)
	for i := range c {
		altered := []byte(c)
		if altered[i] ^= 1; altered[i] == 'g' || altered[i] == '`' {
			continue
		}
		_, err := begin(string(altered), "gov", now)
		require.Equal(t, types.CodePermissionDenied, types.CodeOf(err), "digit %d", i)
	}
	_, err := begin(c, "apps", now)
	require.Error(t, err, "of another chain")
	_, err = begin(c, "gov", now.Add(ChallengeLife+2*time.Second))
	require.Error(t, err, "too late")
	other, _ := NewSessions().Challenge("gov", now)
	_, err = begin(other, "gov", now)
	require.Error(t, err, "of another node")
	token, err := begin(c, "gov", now)
	require.NoError(t, err)
	_, err = begin(c, "gov", now)
	require.Error(t, err, "twice")

	who, err := s.Check(token, now.Add(20*time.Minute))
	require.NoError(t, err)
	require.Equal(t, "archives/clerk", who.Name)
	_, err = s.Check(token, now.Add(20*time.Minute+SessionIdle+time.Second))
	require.Equal(t, types.CodeLoginRequired, types.CodeOf(err), "idle")
	for at := now; at.Before(now.Add(SessionLife)); at = at.Add(SessionIdle / 2) {
		_, err = s.Check(token, at)
		require.NoError(t, err)
	}
	_, err = s.Check(token, now.Add(SessionLife+time.Minute))
	require.Error(t, err, "however busy")
	require.Len(t, s.List(now), 1)
	require.Equal(t, 1, s.End("archives/clerk"))
	_, err = s.Check(token, now)
	require.Error(t, err)
	_, err = s.Check(who.ID, now)
	require.Error(t, err, "the id that lists show is no token")
}
