package bench

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// readOps are what explorers ask a chain that has a history, and, where the first node
// mirrors, its mirror.
var readOps = []op{
	{name: "block", weight: 20, do: blockOfRecord},
	{name: "tx", weight: 25, do: txByID},
	{name: "stateWithProof", weight: 20, do: provenState},
	{name: "txsOfSender", weight: 15, do: txsOfSender},
	{name: "mirrorRecords", weight: 15, mirror: true, do: mirrorRecords},
	{name: "mirrorSearch", weight: 4, mirror: true, do: mirrorSearch},
	{name: "statistic", weight: 1, mirror: true, do: statistic},
}

func blockOfRecord(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
	w := r.anyWritten(rnd)
	b, err := c.Block(ctx, strconv.FormatUint(w.height, 10))
	if err == nil && (b.Header.Height != w.height || b.TxCount == 0) {
		err = types.Errorf(types.CodeLedgerCorrupt, "block %d is said to be of height %d with %d transactions", w.height, b.Header.Height, b.TxCount)
	}
	return err
}

func txByID(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
	w := r.anyWritten(rnd)
	tx, err := c.Tx(ctx, w.tx, false)
	if err == nil && (tx.ID != w.tx || tx.Height != w.height) {
		err = types.Errorf(types.CodeLedgerCorrupt, "the answer is about transaction %s of block %d", tx.ID, tx.Height)
	}
	return err
}

func txsOfSender(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
	w := r.anyWritten(rnd)
	list, err := c.Txs(ctx, client.TxsBy{Sender: string(w.by.id)}, client.Page{Limit: 20})
	if err == nil && len(list.Items) == 0 {
		err = types.Errorf(types.CodeLedgerCorrupt, "%s has sent nothing", w.by.id)
	}
	return err
}

func mirrorRecords(ctx context.Context, r *run, _ *client.Client, rnd *rand.Rand) error {
	by := r.anyWritten(rnd).by
	out, err := r.clients[0].QueryRecords(ctx, &rest.RecordQuery{
		Contract: evidenceContract, Record: evidenceContract, Filter: []string{"owner:eq:" + string(by.id)}, MirrorPage: rest.MirrorPage{Limit: 20},
	})
	return found(out, err, string(by.id))
}

func mirrorSearch(ctx context.Context, r *run, _ *client.Client, rnd *rand.Rand) error {
	w := r.anyWritten(rnd)
	out, err := r.clients[0].QueryRecords(ctx, &rest.RecordQuery{
		Contract: evidenceContract, Record: evidenceContract, Search: w.word, MirrorPage: rest.MirrorPage{Limit: 20},
	})
	return found(out, err, w.word)
}

func found(out *rest.MirroredRecords, err error, what string) error {
	if err == nil && len(out.Items) == 0 {
		err = types.Errorf(types.CodeNotFound, "the mirror has no record of %s", what)
	}
	return err
}

func statistic(ctx context.Context, r *run, _ *client.Client, _ *rand.Rand) error {
	_, err := r.clients[0].Statistic(ctx, &rest.StatisticQuery{Contract: evidenceContract, Statistic: "perOwner"})
	return err
}

// logIn opens a session with a certificate and ends it.
func logIn(ctx context.Context, r *run, c *client.Client, rnd *rand.Rand) error {
	in, err := c.LogIn(ctx, r.anyMember(rnd).identity())
	if err != nil {
		return err
	}
	return in.LogOut(ctx)
}

var pages = &http.Client{Timeout: 30 * time.Second}

// consolePage fetches the console's page, as a browser does that has its scripts.
func consolePage(ctx context.Context, r *run, _ *client.Client, rnd *rand.Rand) error {
	url := r.t.Nodes[rnd.IntN(len(r.t.Nodes))] + "/console/"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := pages.Do(req)
	if err != nil {
		return types.Errorf(types.CodeUnreachable, "%w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return types.Errorf(types.CodeUnreachable, "%s answered %s: %v", url, resp.Status, err)
	}
	return nil
}
