package bundle

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// Who may call a method that answers with records may read them all; one that only counts
// or checks them opens nothing.
func TestReaders(t *testing.T) {
	read := func(dir string) *Interface {
		spec, err := os.ReadFile("../base/" + dir + "/" + YAMLFile)
		require.NoError(t, err)
		schema, err := os.ReadFile("../base/" + dir + "/" + SchemaFile)
		require.NoError(t, err)
		x, err := ReadInterface(spec, schema)
		require.NoError(t, err)
		return x
	}
	all := func(x *Interface, record, member string, roles ...types.Role) bool {
		r := x.Readers(record)
		return r.All(types.MemberID(member), roles)
	}
	evidence, supervision, identity := read("evidence"), read("supervision"), read("identity")
	for _, record := range []string{"evidence", "template", "chain", "node"} {
		require.True(t, all(evidence, record, ""), record)
	}
	require.False(t, all(evidence, "step", "archives/clerk", types.RoleAdmin), "no record of its own")
	require.True(t, all(supervision, "blacklist", "", types.RoleAuditor), "listEntries is for auditors")
	require.False(t, all(supervision, "blacklist", "archives/clerk", types.RoleClient), "getEntry is for those concerned")
	require.False(t, all(supervision, "data", "archives/clerk", types.RoleClient), "verifyData is public and answers with no data")
	require.True(t, all(supervision, "data", "oversight/auditor", types.RoleAuditor))
	require.False(t, all(identity, "account", "archives/clerk", types.RoleClient))
	require.False(t, all(identity, "did", "archives/clerk", types.RoleAdmin), "resolve answers with a document made of it")

	require.Equal(t, []string{"evidence"}, evidence.Shown(evidence.Schema.Events["deposited"]))
	private := *evidence.Schema
	raw, err := json.Marshal(private.Records)
	require.NoError(t, err)
	private.Records = nil
	require.NoError(t, json.Unmarshal(raw, &private.Records))
	r := private.Records["evidence"]
	r.Private = true
	private.Records["evidence"] = r
	require.False(t, all(&Interface{evidence.Spec, &private}, "evidence", "archives/clerk", types.RoleAdmin))
}
