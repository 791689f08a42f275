package test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// TestSupervision: a regulator's rules stop a blacklisted member, a forbidden contract and
// a member over its frequency on the running chain, with the rule's id; once taken back
// they stop nobody, and all validators agree.
// covers: B6.08, B6.09, B6.10
func TestSupervision(t *testing.T) {
	n := shared(t, "calm", beside, nil)
	ctx := context.Background()
	auditor, err := n.Member("auditor")
	require.NoError(t, err)
	id, err := types.NewMemberID("notary", "intern")
	require.NoError(t, err)
	intern, err := n.AddMember(id, []types.Role{types.RoleClient})
	require.NoError(t, err)
	regulate := func(method string, args map[string]any) {
		t.Helper()
		_, err := n.client(0).Call(ctx, auditor, "supervision", method, args)
		require.NoError(t, err)
	}
	stopped := func(err error, code types.Code, rule string) {
		t.Helper()
		require.Equal(t, code.String(), types.CodeOf(err).String(), "%v", err)
		require.ErrorContains(t, err, "rule "+rule)
	}
	deposit := func(node int) error {
		_, err := n.client(node).Call(ctx, intern, "evidence", "deposit", newDeposit())
		return err
	}
	regulate("registerChain", map[string]any{"chain": n.Chain, "title": "政务协同链", "kind": "business"})
	require.NoError(t, deposit(1))

	regulate("putRule", map[string]any{"rule": "user-001", "kind": "user", "title": "冒用密钥", "chains": []string{n.Chain}, "stage": "audit", "action": "refuse"})
	regulate("block", map[string]any{"chain": n.Chain, "subject": id, "rule": "user-001", "reason": "核查中"})
	stopped(deposit(0), types.CodeBlacklisted, "user-001")
	regulate("unblock", map[string]any{"chain": n.Chain, "subject": id, "reason": "已查清"})
	require.NoError(t, deposit(0))

	regulate("putRule", map[string]any{"rule": "contract-002", "kind": "contract", "title": "停用", "chains": []string{n.Chain}, "stage": "run", "contract": "loop", "action": "refuse"})
	_, err = n.client(0).Call(ctx, intern, "loop", "spin", struct{}{})
	stopped(err, types.CodeRuleRefused, "contract-002")

	often := map[string]any{"rule": "tx-002", "kind": "transaction", "title": "至多两次", "chains": []string{n.Chain}, "stage": "run",
		"contract": "evidence", "when": `member == "notary/intern"`, "limit": map[string]int{"count": 2, "seconds": 2_592_000}, "action": "refuse"}
	regulate("putRule", often)
	require.NoError(t, deposit(0))
	require.NoError(t, deposit(2))
	stopped(deposit(0), types.CodeRuleRefused, "tx-002")
	stopped(deposit(3), types.CodeRuleRefused, "tx-002")

	digests := map[string]bool{}
	n.settle()
	for i := range n.Nodes {
		out, err := n.client(i).Query(ctx, nil, "policy", "get", struct{}{})
		require.NoError(t, err)
		raw, err := json.Marshal(out.Result)
		require.NoError(t, err)
		digests[string(raw)] = true
	}
	require.Len(t, digests, 1, "all validators have the same rules in force")
	for _, rule := range []string{"user-001", "contract-002", "tx-002"} {
		regulate("withdrawRule", map[string]any{"rule": rule, "reason": "测试结束"})
	}
	require.NoError(t, deposit(1))
}
