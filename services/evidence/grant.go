package evidence

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/services/tenant"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// casePrefix begins a grant to a case of a court.
const casePrefix = "case:"

// granted reports whether a deposit is granted to somebody now.
func (s *Service) granted(ctx context.Context, deposit, to string) (bool, error) {
	var one int
	return s.db.Row(ctx, "SELECT 1 FROM granted WHERE deposit = ? AND to_whom = ? AND revoked = 0 AND (until = 0 OR until > ?)", []any{deposit, to, time.Now().UnixMilli()}, &one)
}

// owning returns a deposit that the caller's tenant owns: HC-2201 otherwise.
func (s *Service) owning(ctx context.Context, c *rest.Caller, id string) (*tenant.Actor, *rest.EvidenceReceipt, error) {
	a, r, err := s.reading(ctx, c, id)
	if err == nil && r.Tenant != a.Tenant.ID {
		err = types.Errorf(types.CodePermissionDenied, "deposit %s is another tenant's", r.ID)
	}
	return a, r, err
}

// Grant lets another tenant, or a case of a court, read a deposit.
func (s *Service) Grant(ctx context.Context, c *rest.Caller, in *rest.GrantNew) (*rest.Grant, error) {
	a, r, err := s.owning(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	to := in.Body.To
	if number, ok := strings.CutPrefix(to, casePrefix); ok {
		if _, err := s.courtCase(ctx, number); err != nil {
			return nil, err
		}
	} else if _, err := s.ByID(ctx, to); err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	var until int64
	if in.Body.Until != nil {
		if until = in.Body.Until.UnixMilli(); until <= now.UnixMilli() {
			return nil, types.Errorf(types.CodeUsage, "the grant would end before it begins")
		}
	}
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("INSERT INTO granted (deposit, to_whom, by, time, until) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET by = excluded.by, time = excluded.time, until = excluded.until, revoked = 0",
			r.ID, to, a.Name, now.UnixMilli(), until); err != nil {
			return err
		}
		if strings.HasPrefix(to, casePrefix) {
			return nil
		}
		return tenant.Tell(tx, serviceName, to, "deposit.granted", r.ID, r.Title, map[string]any{"id": r.ID, "by": r.Tenant})
	})
	return &rest.Grant{Deposit: r.ID, To: to, By: a.Name, Time: now, Until: in.Body.Until}, err
}

// RevokeGrant ends a grant at once.
func (s *Service) RevokeGrant(ctx context.Context, c *rest.Caller, in *rest.GrantRef) (*rest.Grant, error) {
	_, r, err := s.owning(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		done, err := tx.Exec("UPDATE granted SET revoked = ? WHERE deposit = ? AND to_whom = ? AND revoked = 0", time.Now().UnixMilli(), r.ID, in.To)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return types.Errorf(types.CodeNotFound, "grant of %s to %s", r.ID, in.To)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	list, err := s.grants(ctx, r.ID, in.To)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// Grants lists to whom a deposit is or was granted.
func (s *Service) Grants(ctx context.Context, c *rest.Caller, in *rest.ReceiptRef) (*rest.Grants, error) {
	_, r, err := s.owning(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	list, err := s.grants(ctx, r.ID, "")
	return &rest.Grants{Items: list}, err
}

func (s *Service) grants(ctx context.Context, deposit, to string) ([]rest.Grant, error) {
	list := []rest.Grant{}
	return list, s.db.Each(ctx, "SELECT to_whom, by, time, until, revoked FROM granted WHERE deposit = ? AND (? = '' OR to_whom = ?) ORDER BY time", []any{deposit, to, to}, func(scan func(...any) error) error {
		g := rest.Grant{Deposit: deposit}
		var at, until, revoked int64
		err := scan(&g.To, &g.By, &at, &until, &revoked)
		g.Time, g.Until, g.Revoked = time.UnixMilli(at).UTC(), moment(until), moment(revoked)
		list = append(list, g)
		return err
	})
}

// moment is a time in ms, nil for 0.
func moment(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	at := time.UnixMilli(ms).UTC()
	return &at
}

// VerifyEvidence says what contract evidence holds of a hash, a text or a deposit. It is open
// to everybody, and tells no more than the chain does.
func (s *Service) VerifyEvidence(ctx context.Context, _ *rest.Caller, in *rest.VerificationNew) (*rest.EvidenceVerdict, error) {
	out := &rest.EvidenceVerdict{Result: "unknown"}
	switch {
	case in.Body.Hash != "" && in.Body.Text != "", in.Body.Hash == "" && in.Body.Text == "" && in.Body.ID == "":
		return nil, types.Errorf(types.CodeUsage, "what is to be verified: a hash or a text, a deposit's id, or both")
	case in.Body.Hash != "":
		h, err := crypto.ParseHash(in.Body.Hash)
		if err != nil {
			return nil, types.Errorf(types.CodeUsage, "%w", err)
		}
		out.Hash = &h
	case in.Body.Text != "":
		h := crypto.Sum([]byte(in.Body.Text))
		out.Hash = &h
	}
	ask := out.Hash
	if in.Body.ID != "" {
		r, err := s.receipt(ctx, in.Body.ID)
		if types.CodeOf(err) == types.CodeNotFound || err == nil && r.TxID == nil {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out.Deposited, ask = &r.Hash, &r.Hash
	}
	c, err := s.chain(ctx)
	if err != nil {
		return nil, err
	}
	e, err := s.find(ctx, c, *ask)
	if err != nil || e == nil {
		return out, err
	}
	at, err := s.placeOf(ctx, c, *ask)
	if err != nil {
		return nil, err
	}
	out.Result, out.Title, out.Owner, out.Time, out.TxID, out.Height, out.Key = "match", e.Title, string(e.Owner), &at.Time, &at.TxID, at.Height, rowKey(*ask)
	out.Deposited = ask
	if out.Hash != nil && *out.Hash != *ask {
		out.Result = "mismatch"
	}
	return out, nil
}
