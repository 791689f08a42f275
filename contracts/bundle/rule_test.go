package bundle

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

func signer(org string, roles ...types.Role) host.Caller {
	return host.Caller{Member: types.MemberID(org + "/x"), Org: org, Roles: roles}
}

func TestPermits(t *testing.T) {
	admin := func(orgs ...string) (out []host.Caller) {
		for _, o := range orgs {
			out = append(out, signer(o, types.RoleAdmin))
		}
		return out
	}
	for _, c := range []struct {
		rule    string
		signers []host.Caller
		orgs    int
		want    bool
	}{
		{"public", nil, 4, true},
		{"self", nil, 4, false},
		{"self", admin("a"), 4, true},
		{"ANY role:client", nil, 4, false},
		{"ANY role:client", admin("a"), 4, false},
		{"ANY role:client org:a", admin("a"), 4, true},
		{"ANY role:client role:admin", admin("b"), 4, true},
		{"ALL role:admin", admin("a", "b"), 2, true},
		{"ALL role:admin", admin("a", "b"), 3, false},
		{"ALL role:admin", admin("a", "a"), 2, false}, // one organisation signing twice counts once
		{"ALL role:admin", nil, 0, false},
		{"MAJORITY role:admin", admin("a", "b"), 4, false},
		{"MAJORITY role:admin", admin("a", "b", "c"), 4, true},
		{"2-of role:admin", admin("a", "a"), 4, false},
		{"2-of role:admin", admin("a", "b"), 4, true},
		{"2-of org:a org:b org:c", admin("a", "d"), 4, false},
		{"2-of org:a org:b org:c", admin("a", "c"), 9, true},
		{"ALL org:a org:b", admin("b", "a"), 9, true},
		{"ALL org:a org:b", admin("b"), 9, false},
		{"MAJORITY org:a org:b org:c", admin("b"), 9, false},
		{"MAJORITY org:a org:b org:c", admin("b", "c"), 9, true},
	} {
		r, err := ParseAllow(c.rule)
		require.NoError(t, err, c.rule)
		require.Equal(t, c.rule, r.String())
		require.Equal(t, c.want, r.Permits(c.signers, c.orgs), "%s by %v of %d", c.rule, c.signers, c.orgs)
	}
	require.False(t, Rule{}.Permits(admin("a"), 1))
}

func TestParseAllowRefuses(t *testing.T) {
	for _, s := range []string{"", " ", "any role:client", "ANY", "ANY ", "ANY  role:client", "ANY role:king", "ANY org:A",
		"0-of role:admin", "01-of role:admin", "-1-of role:admin", "3-of org:a org:b", "ALL role:admin org:a",
		"ANY role:client role:client", "public role:client", "ANY client", "1001-of role:admin"} {
		_, err := ParseAllow(s)
		require.Error(t, err, "%q", s)
	}
}

// A further signer never takes a permission away.
func TestPermitsIsMonotonic(t *testing.T) {
	rules := []string{"self", "ANY role:client org:a", "ALL role:admin", "MAJORITY role:admin", "2-of role:admin", "2-of org:a org:b org:c"}
	rapid.Check(t, func(t *rapid.T) {
		r, err := ParseAllow(rapid.SampledFrom(rules).Draw(t, "rule"))
		require.NoError(t, err)
		one := rapid.Custom(func(t *rapid.T) host.Caller {
			return signer(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "org"),
				rapid.SampledFrom([]types.Role{types.RoleAdmin, types.RoleClient}).Draw(t, "role"))
		})
		signers := rapid.SliceOfN(one, 0, 5).Draw(t, "signers")
		if r.Permits(signers, 4) {
			require.True(t, r.Permits(append(signers, one.Draw(t, "more")), 4))
		}
	})
}

func FuzzParseAllow(f *testing.F) {
	for _, s := range []string{"public", "self", "ANY role:client org:a", "2-of org:a org:b", "MAJORITY role:admin"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseAllow(s)
		if err == nil {
			require.Equal(t, s, r.String())
			r.Permits([]host.Caller{signer("a", types.RoleAdmin)}, 3)
		}
	})
}
