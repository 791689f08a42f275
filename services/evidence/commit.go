package evidence

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/services/gateway"
	"github.com/huchain/huchain/services/tenant"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// note is what the chain's record says about a deposit besides its hash and title.
type note struct {
	ID       string       `json:"id"`
	Tenant   string       `json:"tenant"`
	App      string       `json:"app,omitempty"`
	Holder   string       `json:"holder,omitempty"` // the tenant's name; that of a person stays off the chain
	File     string       `json:"file,omitempty"`   // its name
	Type     string       `json:"type"`
	Media    string       `json:"media"`
	Size     int64        `json:"sizeBytes"`
	SHA256   string       `json:"sha256"`
	Template string       `json:"template,omitempty"`
	Version  int          `json:"version,omitempty"`
	Fields   *crypto.Hash `json:"fields,omitempty"`    // SM3 of the id and the fields' JSON
	Attests  *crypto.Hash `json:"notarises,omitempty"` // hash that this notarial answer is about
	Serial   string       `json:"serial,omitempty"`
}

// record is a row of contract evidence.
type record struct {
	Hash     crypto.Hash    `json:"hash"`
	Title    string         `json:"title"`
	Metadata string         `json:"metadata"`
	Owner    types.MemberID `json:"owner"`
	Time     time.Time      `json:"time"`
}

// place is where the chain holds a record.
type place struct {
	TxID   crypto.Hash
	Height uint64
	Time   time.Time
}

// carry brings a deposit onto the chain. It may be called again for one that is there.
func (s *Service) carry(ctx context.Context, i *gateway.Item) (func(*sql.Tx) error, error) {
	var t ticket
	if err := json.Unmarshal(i.Body, &t); err != nil {
		return nil, types.Errorf(types.CodeUsage, "queued request: %w", err)
	}
	r, err := s.receipt(ctx, t.Deposit)
	if err != nil {
		return nil, err
	}
	c, err := s.chain(ctx)
	if err != nil {
		return nil, err
	}
	n := note{ID: r.ID, Tenant: r.Tenant, App: r.App, File: r.FileName, Type: r.Type, Media: r.Media, Size: r.SizeBytes, SHA256: r.SHA256, Template: r.Template, Version: r.Version}
	if n.Holder, err = s.holder(ctx, r.Tenant); err != nil {
		return nil, err
	}
	if len(r.Fields) > 0 {
		raw, err := json.Marshal(r.Fields)
		if err != nil {
			return nil, err
		}
		h := crypto.Sum([]byte(r.ID), raw)
		n.Fields = &h
	}
	at, err := s.deposit(ctx, c, r.Hash, r.Title, &n)
	if err != nil {
		return nil, err
	}
	if len(r.GivenUp) > 0 && r.Chain != "" {
		if err := s.nodeTurn(ctx, c, r); err != nil {
			return nil, err
		}
	}
	if r.Chain != "" {
		if err := s.addNode(ctx, c, r, &n); err != nil {
			return nil, err
		}
	}
	var notarial []byte
	if r.Notarial != nil { // it was committed before, in a block that was given up
		if err := s.attestedAgain(ctx, c, r); err != nil {
			return nil, err
		}
		if notarial, err = json.Marshal(r.Notarial); err != nil {
			return nil, err
		}
	}
	return func(tx *sql.Tx) error {
		if notarial != nil {
			if _, err := tx.Exec("UPDATE deposit SET notarial = ? WHERE id = ?", string(notarial), r.ID); err != nil {
				return err
			}
		}
		if _, err := tx.Exec("UPDATE deposit SET state = ?, tx = ?, height = ?, block = ? WHERE id = ?", gateway.Committed, at.TxID.String(), at.Height, at.Time.UnixMilli(), r.ID); err != nil {
			return err
		}
		return tenant.Tell(tx, serviceName, r.Tenant, "deposit.committed", r.ID, r.Title, map[string]any{"id": r.ID, "hash": r.Hash, "txId": at.TxID, "height": at.Height})
	}, nil
}

// holder is the name of a tenant as the chain may show it.
func (s *Service) holder(ctx context.Context, id string) (string, error) {
	t, err := s.ByID(ctx, id)
	if err != nil || t.Kind == "person" {
		return "", err
	}
	return t.Name, nil
}

// refuse notes that a deposit was refused for good.
func (s *Service) refuse(tx *sql.Tx, i *gateway.Item) error {
	raw, err := json.Marshal(i.Error)
	if err != nil {
		return err
	}
	var owner, title string
	if err := tx.QueryRow("UPDATE deposit SET state = ?, error = ? WHERE id = ? RETURNING tenant, title", gateway.Refused, string(raw), i.ID).Scan(&owner, &title); err != nil {
		return err
	}
	return tenant.Tell(tx, serviceName, owner, "deposit.refused", i.ID, title, map[string]any{"id": i.ID, "code": i.Error.Code})
}

// deposit records a hash on the chain, or finds that this very deposit is there. A hash that
// somebody else deposited is HC-4708.
func (s *Service) deposit(ctx context.Context, c *client.Client, hash crypto.Hash, title string, n *note) (*place, error) {
	words, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	done, err := c.Call(ctx, s.p.Identity, contractName, "deposit", map[string]any{"hash": hash, "title": title, "metadata": string(words)})
	if err != nil {
		return nil, err
	}
	var e record
	if err := json.Unmarshal(done.Receipt.Result, &e); err != nil {
		return nil, types.Errorf(types.CodeUnreachable, "evidence.deposit: %w", err)
	}
	if e.Metadata != string(words) || e.Owner != s.p.Identity.Member {
		return nil, types.Errorf(types.CodeDepositedBefore, "%s, on %s", hash, e.Time.Format(time.RFC3339))
	}
	if done.Receipt.Events > 0 { // the contract tells of a first deposit alone
		return &place{done.ID, done.Height, done.BlockTime}, nil
	}
	return s.placeOf(ctx, c, hash)
}

// rowKey is the key of a record in contract evidence's state.
func rowKey(hash crypto.Hash) string { return "evidence/" + hash.String() }

// placeOf finds the transaction that wrote a record, which was written once.
func (s *Service) placeOf(ctx context.Context, c *client.Client, hash crypto.Hash) (*place, error) {
	h, err := c.History(ctx, contractName, []byte(rowKey(hash)), 0, 1, false)
	if err != nil {
		return nil, err
	}
	if len(h.Items) == 0 {
		return nil, types.Errorf(types.CodeNotFound, "no writing of %s", rowKey(hash))
	}
	w := h.Items[0]
	block, err := c.Block(ctx, formatHeight(w.Height))
	if err != nil {
		return nil, err
	}
	if int(w.TxIndex) >= len(block.Txs) || w.BlockTime == nil {
		return nil, types.Errorf(types.CodeUnreachable, "block %d does not show transaction %d", w.Height, w.TxIndex)
	}
	return &place{block.Txs[w.TxIndex].ID, w.Height, *w.BlockTime}, nil
}

// find asks contract evidence for a record; nil if there is none.
func (s *Service) find(ctx context.Context, c *client.Client, hash crypto.Hash) (*record, error) {
	a, err := c.Query(ctx, nil, contractName, "verify", map[string]any{"hash": hash})
	if err != nil {
		return nil, err
	}
	var v struct {
		Found    bool    `json:"found"`
		Evidence *record `json:"evidence"`
	}
	if err := json.Unmarshal(a.Result, &v); err != nil {
		return nil, types.Errorf(types.CodeUnreachable, "evidence.verify: %w", err)
	}
	return v.Evidence, nil
}

// receipt reads a deposit as its owner sees it; HC-1003 if there is none.
func (s *Service) receipt(ctx context.Context, id string) (*rest.EvidenceReceipt, error) {
	r, _, err := s.receiptOf(ctx, id)
	return r, err
}

func (s *Service) receiptOf(ctx context.Context, id string) (r *rest.EvidenceReceipt, hidden []string, err error) {
	err = s.db.Each(ctx, selectDeposit+" WHERE id = ?", []any{id}, func(scan func(...any) error) error {
		r, hidden, err = s.scanDeposit(scan)
		return err
	})
	if err == nil && r == nil {
		err = types.Errorf(types.CodeNotFound, "deposit %s", types.CleanText(id, 40))
	}
	return r, hidden, database.Failed(err)
}
