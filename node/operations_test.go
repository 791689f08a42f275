package node

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types/rest"
)

// Whoever reads the configuration reads no secret in it, and sees what differs from the
// default.
// covers: B1.10
func TestSettings(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Mirror.Postgres = "postgres://mirror:hunter2@db.example/huchain"
	cfg.Web.OIDC.SecretFile = "secrets/oidc"
	out := &rest.NodeSettings{}
	settings(out, "node.toml", "", reflect.ValueOf(cfg), reflect.ValueOf(DefaultConfig()))
	byKey := map[string]rest.NodeSetting{}
	for _, s := range out.Items {
		byKey[s.Key] = s
		require.NotContains(t, s.Value, "hunter2", s.Key)
	}
	require.Equal(t, "postgres://mirror:"+mask+"@db.example/huchain", byKey["mirror.postgres"].Value)
	require.True(t, byKey["mirror.postgres"].Changed)
	require.False(t, byKey["web.listen"].Changed)
	require.Equal(t, "secrets/oidc", byKey["web.oidc.secretFile"].Value, "where it is kept is no secret")
	for in, want := range map[string]string{
		"host=db user=a password=hunter2 dbname=x":  "host=db user=a password=" + mask + " dbname=x",
		"host=db password = 'hunter 2' dbname=x":    "host=db password = " + mask + " dbname=x",
		"postgres://a@db/x?password=hunter2&port=1": "postgres://a@db/x?password=" + mask + "&port=1",
		"nothing to hide":                           "nothing to hide",
	} {
		require.Equal(t, want, maskURL(in))
	}
	require.Equal(t, mask, masked("archive.s3.secret", "hunter2"))
}
