package test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/services/evidence"
	"github.com/huchain/huchain/services/gateway"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Deposits whose transaction the chain does not hold are deposited again by a service that learns
// of a restart below them, with a notary's answer and an evidence chain that went as well; what is
// below the restart, and what is there, stays. The service is one of this process, over a copy of
// the node's database that says what it would after a restart: other transactions.
//
// covers: B1.06 T.12
func TestEvidenceAfterARestart(t *testing.T) {
	n := shared(t, "calm", alone, nil) // last: the node's service does not count what this one deposits
	root, err := n.Member("archives/admin")
	require.NoError(t, err)
	who := n.newMember(t, "archives/restarted")
	mine := n.logIn(t, who)
	tenant, _ := n.open(t, n.logIn(t, root), mine, &rest.Application{Kind: "department", Name: "档案室", Identity: "archives/restarted", Contact: "a"})
	deposit := func(d *rest.EvidenceDeposit) *rest.EvidenceReceipt {
		d.Title = d.Text
		r, err := mine.DepositText(t.Context(), d, "")
		require.NoError(t, err)
		require.Equal(t, gateway.Committed, r.State)
		return r
	}
	of := tenant[len(tenant)-8:]
	below := deposit(&rest.EvidenceDeposit{Text: "below " + of})
	there, moved, fresh, taken, attested := deposit(&rest.EvidenceDeposit{Text: "there " + of}), deposit(&rest.EvidenceDeposit{Text: "moved " + of}),
		deposit(&rest.EvidenceDeposit{Text: "fresh " + of}), deposit(&rest.EvidenceDeposit{Text: "taken " + of}), deposit(&rest.EvidenceDeposit{Text: "attested " + of})
	template := &rest.EvidenceChainTemplate{ID: "gone-" + of, Version: 1, Title: "链", Nodes: []rest.EvidenceNode{{Name: "first", Party: tenant}, {Name: "second", Party: tenant}}}
	require.NoError(t, mine.ask(http.MethodPost, template, template, "chain-templates"))
	open := &rest.EvidenceChainNew{}
	open.Body.ID, open.Body.Template, open.Body.Title = "chain-"+of, template.ID, "链"
	require.NoError(t, mine.ask(http.MethodPost, &open.Body, new(rest.EvidenceChain), "chains"))
	first, second := deposit(&rest.EvidenceDeposit{Text: "first " + of, Chain: open.Body.ID, Node: "first"}), deposit(&rest.EvidenceDeposit{Text: "second " + of, Chain: open.Body.ID, Node: "second"})

	dir := t.TempDir()
	file := filepath.Join(dir, evidence.DatabaseFile)
	require.NoError(t, database.Copy(t.Context(), filepath.Join(n.NodeHome(n.Nodes[0].Name).Chain(n.Chain).EvidenceDir(), evidence.DatabaseFile), file))
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	stage := func(statement string, args ...any) {
		t.Helper()
		done, err := db.Exec(statement, args...)
		require.NoError(t, err)
		count, err := done.RowsAffected()
		require.NoError(t, err)
		require.NotZero(t, count, statement)
	}
	was := crypto.Sum([]byte("a transaction that was given up " + of))
	for _, r := range []*rest.EvidenceReceipt{below, moved, fresh, taken, first, second} {
		stage("UPDATE deposit SET tx = ? WHERE id = ?", was.String(), r.ID)
	}
	newHash, theirs := crypto.Sum([]byte("never seen "+of)), crypto.Sum([]byte("another's "+of))
	stage("UPDATE deposit SET hash = ? WHERE id = ?", newHash.String(), fresh.ID)
	stage("DELETE FROM item WHERE id = ?", fresh.ID) // its key is forgotten long since
	stage("UPDATE deposit SET hash = ? WHERE id = ?", theirs.String(), taken.ID)
	_, err = n.client(0).Call(t.Context(), who, "evidence", "deposit", map[string]any{"hash": theirs, "title": "another's"})
	require.NoError(t, err)
	answer := []byte("a notary's answer about " + of)
	notarial, err := json.Marshal(&rest.Notarisation{Serial: of, Notary: "notarial-office/notary", Hash: attested.Hash, Time: time.Now().UTC(), Answer: crypto.Sum(answer), TxID: was, Height: attested.Height + 1})
	require.NoError(t, err)
	stage("UPDATE deposit SET notarial = ? WHERE id = ?", string(notarial), attested.ID)
	stage("UPDATE chain_template SET id = 'new-' || id, body = replace(body, ?, ?) WHERE id = ?", template.ID, "new-"+template.ID, template.ID)
	stage("UPDATE chain SET id = 'new-' || id, template = 'new-' || template WHERE id = ?", open.Body.ID)
	stage("UPDATE deposit SET chain = 'new-' || chain WHERE chain = ?", open.Body.ID)
	require.NoError(t, db.Close())

	s, end := n.evidenceHere(t, dir, &types.Restart{Height: below.Height, Time: time.Now().UnixNano()}, answer)
	caller := &rest.Caller{Kind: "session", Name: string(who.Member), Roles: []types.Role{types.RoleClient}}
	receipt := func(id string) *rest.EvidenceReceipt {
		r, err := s.Receipt(t.Context(), caller, &rest.ReceiptWait{ReceiptRef: rest.ReceiptRef{ID: id}})
		require.NoError(t, err)
		return r
	}
	again := func(id, state string) *rest.EvidenceReceipt {
		t.Helper()
		var r *rest.EvidenceReceipt
		require.Eventually(t, func() bool {
			var err error
			if r, err = s.Receipt(t.Context(), caller, &rest.ReceiptWait{ReceiptRef: rest.ReceiptRef{ID: id}}); types.CodeOf(err) == types.CodeUnreachable {
				return false // so far
			}
			require.NoError(t, err)
			return len(r.GivenUp) > 0 && r.State != gateway.Accepted
		}, patience(), 20*time.Millisecond)
		require.Equal(t, state, r.State, r.Error)
		require.Len(t, r.GivenUp, 1)
		require.Equal(t, was, r.GivenUp[0].TxID)
		require.Equal(t, below.Height, r.GivenUp[0].Above)
		require.Equal(t, "HC-4712", r.GivenUp[0].Error.Code)
		require.NotEmpty(t, r.GivenUp[0].Error.Fix.ZH)
		return r
	}
	got := again(moved.ID, gateway.Committed)
	require.Equal(t, moved.TxID, got.TxID, "the record that is there")
	got = again(fresh.ID, gateway.Committed)
	at, err := n.client(0).Tx(t.Context(), *got.TxID, false)
	require.NoError(t, err)
	require.Equal(t, got.Height, at.Height)
	require.Greater(t, at.Height, second.Height, "deposited now")
	require.Equal(t, "HC-4708", again(taken.ID, gateway.Refused).Error.Code)
	again(first.ID, gateway.Committed)
	again(second.ID, gateway.Committed)
	var nodes struct{ Nodes []struct{ Name string } }
	answered, err := n.client(0).Query(t.Context(), nil, "evidence", "getChain", map[string]string{"chain": "new-" + open.Body.ID})
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(answered.Result, &nodes))
	require.Equal(t, []struct{ Name string }{{"first"}, {"second"}}, nodes.Nodes, "opened again, in order")
	got = again(attested.ID, gateway.Committed)
	require.Equal(t, attested.TxID, got.TxID, "it stayed where it is")
	_, err = n.client(0).Tx(t.Context(), got.Notarial.TxID, false)
	require.NoError(t, err)
	require.Empty(t, receipt(there.ID).GivenUp)
	got = receipt(below.ID)
	require.Empty(t, got.GivenUp)
	require.Equal(t, was, *got.TxID, "what is below the restart is not looked at")
	told, err := s.Notices(t.Context(), caller, &rest.NoticeQuery{Listing: rest.Listing{Limit: 100}})
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(told.Items, func(m rest.Notice) bool { return m.Kind == "deposit.givenUp" && m.Subject == fresh.ID }))
	end()
	db, err = sql.Open("sqlite", file)
	require.NoError(t, err)
	defer db.Close()
	var found int
	require.NoError(t, db.QueryRow("SELECT deposits FROM restart").Scan(&found))
	require.Equal(t, 6, found, "noted once all were in the queue")
}

// evidenceHere runs an evidence service in this process. The chain is out of reach at first.
func (n *network) evidenceHere(t *testing.T, dir string, act *types.Restart, original []byte) (*evidence.Service, func()) {
	signer, err := n.Member("archives/evidence")
	require.NoError(t, err)
	secret := make([]byte, envelope.KeySize)
	_, err = rand.Read(secret)
	require.NoError(t, err)
	var tries atomic.Int32
	s, err := evidence.New(evidence.Params{
		Chain: n.Chain, Dir: dir, Identity: signer, Files: oneFile(original), Keys: noKeys{}, Record: func(string, string, string, string) error { return nil },
		Secret: secret, Queue: gateway.DefaultParams(), Wait: patience(), Restart: act, Log: slog.New(slog.DiscardHandler),
		Connect: func(ctx context.Context) (*client.Client, error) {
			if tries.Add(1) < 3 {
				return nil, types.Errorf(types.CodeUnreachable, "away")
			}
			p := client.DefaultParams(n.Nodes[0].URL())
			p.Chain = n.Chain
			return client.New(ctx, p)
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var runs sync.WaitGroup
	runs.Go(func() { s.Run(ctx) })
	end := sync.OnceFunc(func() { cancel(); runs.Wait() })
	t.Cleanup(end)
	return s, end
}

// oneFile is a store of originals that has one.
type oneFile []byte

func (f oneFile) Put(_ context.Context, r io.Reader) (*evidence.Stored, error) {
	b, err := io.ReadAll(r)
	return &evidence.Stored{Hash: crypto.Sum(b), Size: int64(len(b))}, err
}

func (f oneFile) Open(_ context.Context, hash crypto.Hash) (io.ReadCloser, error) {
	if hash != crypto.Sum(f) {
		return nil, types.Errorf(types.CodeFileMissing, "%s", hash)
	}
	return io.NopCloser(bytes.NewReader(f)), nil
}

// noKeys makes no API keys.
type noKeys struct{}

func (noKeys) Create(string, int) (token, id string, expires time.Time, err error) {
	return "", "", time.Time{}, types.Errorf(types.CodeServiceAbsent, "keys")
}
func (noKeys) Revoke(string) error { return nil }
