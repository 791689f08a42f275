package evidence

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/services/gateway"
	"github.com/huchain/huchain/services/tenant"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// restartSchema remembers which acts of a restart were followed, and where deposits stood before.
const restartSchema = `
ALTER TABLE deposit ADD COLUMN given_up TEXT NOT NULL DEFAULT '';
CREATE INDEX deposit_notarised ON deposit (id) WHERE notarial <> '';
CREATE TABLE restart (act TEXT PRIMARY KEY, height INTEGER NOT NULL, deposits INTEGER NOT NULL, time INTEGER NOT NULL)`

// restartPage bounds the deposits that are looked at and written at a time.
const restartPage = 200

// stood is a committed deposit, or a notarisation, with where the service believes it to be.
type stood struct {
	row                  int64
	id, tenant, app, tag string // tag is the title
	tx                   crypto.Hash
	height               uint64
	block                int64 // time in ms
}

// followRestart looks, once for each act by which the chain was restarted, for deposits whose
// blocks were given up by it, and has them deposited again. It goes on until that is done: what
// it has done so far is durable, and the next start goes on with the rest.
func (s *Service) followRestart(ctx context.Context) {
	act := s.p.Restart
	for attempt := 1; act != nil; attempt++ {
		n, err := s.takeUp(ctx, act)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			if n > 0 {
				s.p.Log.Warn("the chain gave up blocks with deposits, which are deposited again", "deposits", n, "above", act.Height)
			}
			return
		}
		s.p.Log.Warn("deposits of blocks that were given up are not looked for yet", "code", types.CodeOf(err).String(), "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.p.Queue.Backoff.Pause(attempt)):
		}
	}
}

// takeUp follows one act, and returns how many deposits it found to have been given up.
func (s *Service) takeUp(ctx context.Context, act *types.Restart) (found int, err error) {
	var one int
	if done, err := s.db.Row(ctx, "SELECT 1 FROM restart WHERE act = ?", []any{act.ID().String()}, &one); err != nil || done {
		return 0, err
	}
	c, err := s.chain(ctx)
	if err != nil {
		return 0, err
	}
	for _, list := range []func(context.Context, *stood, uint64) ([]stood, error){s.committedAbove, s.notarisedAbove} {
		last := stood{height: act.Height + 1}
		for {
			page, err := list(ctx, &last, act.Height)
			if err != nil {
				return found, err
			}
			if len(page) == 0 {
				break
			}
			last = page[len(page)-1]
			gone, err := absent(ctx, c, page)
			if err == nil {
				err = s.again(ctx, gone, act.Height)
			}
			if err != nil {
				return found, err
			}
			found += len(gone)
		}
	}
	return found, s.followed(ctx, act, found)
}

// followed notes that all of an act was followed.
func (s *Service) followed(ctx context.Context, act *types.Restart, found int) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO restart VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", act.ID().String(), act.Height, found, time.Now().UnixMilli())
		return err
	})
}

// selectAbove pages through committed deposits by height, in the order of their index.
const selectAbove = `SELECT rowid, id, tenant, app, title, tx, height, block FROM deposit
	WHERE state = 'committed' AND height >= ? AND (height > ? OR rowid > ?) ORDER BY height, rowid LIMIT ?`

// committedAbove are the next deposits behind last that the service believes committed above a
// height.
func (s *Service) committedAbove(ctx context.Context, last *stood, _ uint64) (out []stood, err error) {
	err = s.db.Each(ctx, selectAbove, []any{last.height, last.height, last.row, restartPage}, func(scan func(...any) error) error {
		var d stood
		var id string
		err := scan(&d.row, &d.id, &d.tenant, &d.app, &d.tag, &id, &d.height, &d.block)
		if err == nil {
			d.tx, err = crypto.ParseHash(id)
		}
		out = append(out, d)
		return err
	})
	return out, database.Failed(err)
}

// selectNotarised pages through deposits with a notary's answer, which have an index of their own.
const selectNotarised = "SELECT id, tenant, app, title, notarial FROM deposit WHERE notarial <> '' AND id > ? ORDER BY id LIMIT ?"

// notarisedAbove are the next deposits whose notary's answer the service believes above a height.
func (s *Service) notarisedAbove(ctx context.Context, last *stood, above uint64) (out []stood, err error) {
	for from := last.id; len(out) == 0; {
		n := 0
		err := s.db.Each(ctx, selectNotarised, []any{from, restartPage}, func(scan func(...any) error) error {
			var d stood
			var text string
			var a rest.Notarisation
			err := scan(&d.id, &d.tenant, &d.app, &d.tag, &text)
			if err == nil {
				err = json.Unmarshal([]byte(text), &a)
			}
			n, from = n+1, d.id
			if d.tx, d.height = a.TxID, a.Height; d.height > above {
				out = append(out, d)
			}
			return err
		})
		if err != nil || n == 0 {
			return out, database.Failed(err)
		}
	}
	return out, nil
}

// absent are those of which the chain does not hold the transaction, at that height.
func absent(ctx context.Context, c *client.Client, page []stood) (gone []stood, err error) {
	for _, d := range page {
		tx, err := c.Tx(ctx, d.tx, false)
		if err != nil && types.CodeOf(err) != types.CodeNotFound {
			return nil, err
		}
		if err != nil || tx.Height != d.height {
			gone = append(gone, d)
		}
	}
	return gone, nil
}

// again puts deposits back into the queue, and tells their tenants. Carrying out is the same as
// the first time: the contract keeps the first record of a hash.
func (s *Service) again(ctx context.Context, gone []stood, above uint64) error {
	if len(gone) == 0 {
		return nil
	}
	items := make([]*gateway.Item, len(gone))
	for i, d := range gone {
		body, err := json.Marshal(ticket{Deposit: d.id})
		if err != nil {
			return err
		}
		items[i] = &gateway.Item{ID: d.id, Caller: d.tenant + "/" + d.app, Body: body}
	}
	return s.queue.Again(ctx, items, func(tx *sql.Tx) error {
		for _, d := range gone {
			if err := giveUp(tx, &d, above); err != nil {
				return err
			}
		}
		return nil
	})
}

// giveUp notes that a deposit, or its notarisation alone, is not on the chain any more.
func giveUp(tx *sql.Tx, d *stood, above uint64) error {
	var text string
	if err := tx.QueryRow("SELECT given_up FROM deposit WHERE id = ?", d.id).Scan(&text); err != nil {
		return err
	}
	var before []rest.GivenUp
	if text != "" {
		if err := json.Unmarshal([]byte(text), &before); err != nil {
			return err
		}
	}
	before = append(before, rest.GivenUp{TxID: d.tx, Height: d.height, BlockTime: moment(d.block), Above: above})
	now, err := json.Marshal(before)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("UPDATE deposit SET given_up = ? WHERE id = ?", string(now), d.id); err != nil {
		return err
	}
	// Of a notarisation alone the deposit stays where it is.
	if _, err := tx.Exec("UPDATE deposit SET state = ?, tx = '', height = 0, block = 0 WHERE id = ? AND tx = ?", gateway.Accepted, d.id, d.tx.String()); err != nil {
		return err
	}
	return tenant.Tell(tx, serviceName, d.tenant, "deposit.givenUp", d.id, d.tag, map[string]any{"id": d.id, "txId": d.tx, "height": d.height, "above": above, "code": types.CodeDepositGivenUp.String()})
}

// saidOf is a former place with the words of the error table.
func saidOf(g *rest.GivenUp) {
	g.Error = rest.NewError(types.Errorf(types.CodeDepositGivenUp, "block %d; the chain was restarted above block %d", g.Height, g.Above))
}

// attestedAgain deposits the notary's answer about a deposit once more.
func (s *Service) attestedAgain(ctx context.Context, c *client.Client, r *rest.EvidenceReceipt) error {
	f, err := s.p.Files.Open(ctx, r.Notarial.Answer)
	if err != nil {
		return err
	}
	defer f.Close()                                                 //nolint:errcheck // it was only read
	stored, err := s.p.Files.Put(ctx, io.LimitReader(f, maxFile+1)) // which is there, and tells its sums
	if err != nil {
		return err
	}
	at, err := s.attest(ctx, c, r, r.Notarial.Serial, stored)
	if err != nil {
		return err
	}
	r.Notarial.TxID, r.Notarial.Height = at.TxID, at.Height
	return nil
}

// reopened returns the nodes of a chain, which it defines and opens again where the blocks with
// that were given up.
func (s *Service) reopened(ctx context.Context, c *client.Client, e *rest.EvidenceChain, t *rest.EvidenceChainTemplate) (*onChain, error) {
	on, err := s.nodesOf(ctx, c, e.ID)
	if s.p.Restart == nil || types.CodeOf(err) != types.CodeContractError {
		return on, err
	}
	if err := s.defineOnChain(ctx, t); err != nil {
		return nil, err
	}
	if _, err := c.Call(ctx, s.p.Identity, contractName, "openChain", map[string]string{"chain": e.ID, "template": t.OnChain, "title": e.Title}); err != nil && types.CodeOf(err) != types.CodeContractError {
		return nil, err
	}
	return s.nodesOf(ctx, c, e.ID) // opened now, or by another node's deposit meanwhile
}

// nodeTurn waits, by an error that passes (HC-5101), until the nodes that come before this one
// in its chain are there again.
func (s *Service) nodeTurn(ctx context.Context, c *client.Client, r *rest.EvidenceReceipt) error {
	e, t, err := s.chainRow(ctx, r.Chain)
	if err != nil {
		return err
	}
	on, err := s.reopened(ctx, c, e, t)
	if err != nil {
		return err
	}
	for i, n := range t.Nodes {
		if n.Name != r.Node || due(t, i, on.Nodes) {
			continue
		}
		var waits int
		if _, err := s.db.Row(ctx, "SELECT count(*) FROM deposit WHERE chain = ? AND state = ? AND id < ?", []any{r.Chain, gateway.Accepted, r.ID}, &waits); err != nil {
			return err
		}
		if waits > 0 {
			return types.Errorf(types.CodeNotReady, "%d deposits of chain %s come before it", waits, r.Chain)
		}
	}
	return nil
}
