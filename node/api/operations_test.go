package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// operated stands for the node, whose own answers are tested with a real one.
type operated struct {
	org    string
	orders []string
}

func (o *operated) Organisation(string) (string, error) { return o.org, nil }
func (o *operated) Node(context.Context) (*rest.Node, error) {
	return &rest.Node{Name: "node0", Chains: []rest.NodeChain{}}, nil
}
func (o *operated) Order(_ context.Context, chain, order string) (*rest.NodeChain, error) {
	o.orders = append(o.orders, order+" "+chain)
	return &rest.NodeChain{Chain: chain, State: "running", Organisations: []string{}}, nil
}
func (o *operated) Certificates() (*rest.NodeCertificates, error) {
	return &rest.NodeCertificates{Items: []rest.NodeCertificate{}}, nil
}
func (o *operated) Alarms(context.Context) (*rest.Alarms, error) {
	return &rest.Alarms{Items: []rest.Alarm{}}, nil
}
func (o *operated) Archive(chain string) (*rest.NodeArchive, error) {
	return &rest.NodeArchive{Chain: chain}, nil
}
func (o *operated) Settings() (*rest.NodeSettings, error) {
	return &rest.NodeSettings{Items: []rest.NodeSetting{}}, nil
}
func (o *operated) Log(int, string) (*rest.LogLines, error) {
	return &rest.LogLines{Lines: []string{}}, nil
}
func (o *operated) Audit(int) (*rest.AuditRecords, error) {
	return &rest.AuditRecords{Items: []rest.AuditRecord{}}, nil
}

// A node is read by auditors and administrators of its organisation, and changed by the
// latter; others, of whatever role, are refused, and what was ordered or refused is recorded.
// covers: B1.10
func TestOperators(t *testing.T) {
	s, a := guarded(t)
	node := &operated{org: "archives"}
	var notes []string
	a.Record = func(actor, action, subject, outcome string) error {
		notes = append(notes, strings.Join([]string{actor, action, subject, outcome}, " "))
		return nil
	}
	p := DefaultParams()
	p.Access, p.Operations = a, node
	s.serve(p, s.chain)
	key := func(chain string, roles ...types.Role) *browser {
		token, _, err := a.Keys.Create("console", chain, roles, time.Hour, time.Now())
		require.NoError(t, err)
		b := s.browser()
		b.origin = ""
		b.header.Set("Authorization", "Bearer "+token)
		return b
	}
	clerk, admin, auditor := s.browser(), key("", types.RoleAdmin), key("", types.RoleAuditor)
	_, code := clerk.logIn(s.clerk, nil)
	require.Empty(t, code)
	paths := []string{"", "/certificates", "/alarms", "/archives", "/config", "/log", "/audit", "/sessions"}
	for _, path := range paths {
		for who, b := range map[string]*browser{types.CodeLoginRequired.String(): s.browser(), types.CodePermissionDenied.String(): clerk, "": admin, "\x00": auditor} {
			_, code := b.ask(http.MethodGet, nodePath+path, "", "", nil)
			require.Equal(t, strings.Trim(who, "\x00"), code, path)
		}
	}
	stop := nodePath + "/chains/" + s.chain.Name + "/stop"
	for want, b := range map[string]*browser{types.CodeLoginRequired.String(): s.browser(), types.CodePermissionDenied.String(): auditor, types.CodeUsage.String(): key(s.chain.Name, types.RoleAdmin)} {
		_, code := b.ask(http.MethodPost, stop, "", "", nil)
		require.Equal(t, want, code)
	}
	require.Empty(t, node.orders)
	notes = nil
	_, code = admin.ask(http.MethodPost, stop, "", "", nil)
	require.Empty(t, code)
	require.Equal(t, []string{"stop " + s.chain.Name}, node.orders)
	require.Equal(t, []string{"console chains.stop " + s.chain.Name + " ordered", "console chains.stop " + s.chain.Name + " OK"}, notes)
	_, code = clerk.ask(http.MethodDelete, nodePath+"/sessions/archives%2Fclerk", "", "", nil)
	require.Equal(t, types.CodePermissionDenied.String(), code)
	require.Contains(t, notes[len(notes)-1], "archives/clerk sessions.revoke archives/clerk HC-2201", "a refusal is recorded too")
	_, code = admin.ask(http.MethodDelete, nodePath+"/sessions/archives%2Fclerk", "", "", nil)
	require.Empty(t, code)
	_, code = clerk.ask(http.MethodGet, base+"/"+s.chain.Name+"/status", "", "", nil)
	require.Equal(t, types.CodeLoginRequired.String(), code)

	head := s.world.Member("archives", "head", "admin")
	b := s.browser()
	_, code = b.logIn(&client.Identity{Signer: head.Key, Certificate: head.Cert, Member: head.ID}, nil)
	require.Empty(t, code)
	_, code = b.ask(http.MethodGet, nodePath, "", "", nil)
	require.Empty(t, code)
	node.org = "court"
	_, code = b.ask(http.MethodGet, nodePath, "", "", nil)
	require.Equal(t, types.CodePermissionDenied.String(), code, "an administrator of another organisation")
	a.Required = false
	_, code = s.browser().ask(http.MethodGet, nodePath+"/config", "", "", nil)
	require.Equal(t, types.CodeLoginRequired.String(), code, "a listener without logins is operated by those who log in, too")
}
