package evidence

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/services/tenant"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// courtKind is the kind of tenants that are courts.
const courtKind = "court"

// RegisterCase registers a case number of a court, to which owners can then grant deposits.
func (s *Service) RegisterCase(ctx context.Context, c *rest.Caller, in *rest.CaseNew) (*rest.Case, error) {
	a, err := s.Administrator(ctx, c)
	if err != nil {
		return nil, err
	}
	t, err := s.ByID(ctx, in.Body.Court)
	if err != nil {
		return nil, err
	}
	if t.Kind != courtKind {
		return nil, types.Errorf(types.CodeUsage, "tenant %s is no court", t.ID)
	}
	if err := s.p.Record(a.Name, serviceName+".case", in.Body.Number, types.CodeOK.String()); err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		done, err := tx.Exec("INSERT INTO court_case (number, court, by, time) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", in.Body.Number, t.ID, a.Name, now.UnixMilli())
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return types.Errorf(types.CodeAlreadyExists, "case %s", in.Body.Number)
		}
		return nil
	})
	return &rest.Case{Number: in.Body.Number, Court: t.ID, By: a.Name, Time: now}, err
}

// CloseCase ends a case: nothing that was granted to it is answered any more.
func (s *Service) CloseCase(ctx context.Context, c *rest.Caller, in *rest.CaseRef) (*rest.Case, error) {
	a, err := s.Administrator(ctx, c)
	if err != nil {
		return nil, err
	}
	out, err := s.courtCase(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	if err := s.p.Record(a.Name, serviceName+".closeCase", out.Number, types.CodeOK.String()); err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	out.Closed = &now
	return out, s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE court_case SET closed = ? WHERE number = ? AND closed = 0", now.UnixMilli(), out.Number)
		return err
	})
}

// courtCase reads an open case; HC-1003 if there is none.
func (s *Service) courtCase(ctx context.Context, number string) (*rest.Case, error) {
	out, at := &rest.Case{Number: number}, int64(0)
	found, err := s.db.Row(ctx, "SELECT court, by, time FROM court_case WHERE number = ? AND closed = 0", []any{number}, &out.Court, &out.By, &at)
	if err == nil && !found {
		err = types.Errorf(types.CodeNotFound, "no open case %s is registered", types.CleanText(number, 100))
	}
	out.Time = time.UnixMilli(at).UTC()
	return out, err
}

// Cases lists registered cases: a court's own, all for those who run the service.
func (s *Service) Cases(ctx context.Context, c *rest.Caller, _ *rest.ListQuery) (*rest.Cases, error) {
	court, err := s.courtScope(ctx, c)
	if err != nil {
		return nil, err
	}
	out := &rest.Cases{Items: []rest.Case{}}
	return out, s.db.Each(ctx, "SELECT number, court, by, time, closed FROM court_case WHERE ? = '' OR court = ? ORDER BY time DESC LIMIT 500", []any{court, court}, func(scan func(...any) error) error {
		var k rest.Case
		var at, closed int64
		err := scan(&k.Number, &k.Court, &k.By, &at, &closed)
		k.Time, k.Closed = time.UnixMilli(at).UTC(), moment(closed)
		out.Items = append(out.Items, k)
		return err
	})
}

// courtScope is whose cases and queries a caller sees: a court's own, or all.
func (s *Service) courtScope(ctx context.Context, c *rest.Caller) (string, error) {
	a, err := s.Actor(ctx, c)
	switch {
	case err != nil:
		return "", err
	case a.Auditor:
		return "", nil
	case a.Tenant != nil && a.Tenant.Kind == courtKind:
		return a.Tenant.ID, nil
	}
	return "", types.Errorf(types.CodePermissionDenied, "%s is no court and does not run the service", c.Name)
}

// CourtQuery answers a court about a deposit that its owner granted to a registered case of
// the court. Every query is recorded, also one that is refused; one that cannot be recorded
// is not answered.
func (s *Service) CourtQuery(ctx context.Context, c *rest.Caller, in *rest.CourtQueryNew) (*rest.CourtAnswer, error) {
	a, err := s.Acting(ctx, c)
	if err != nil {
		return nil, err
	}
	id := database.NewID("q", time.Now())
	out, failed := s.courtAnswer(ctx, a, in)
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO court_query VALUES (?, ?, ?, ?, ?, ?, ?)", id, in.Body.Case, in.Body.Deposit, a.Tenant.ID, a.Name, types.CodeOf(failed).String(), time.Now().UnixMilli())
		if err != nil || failed != nil {
			return err
		}
		return tenant.Tell(tx, serviceName, out.Receipt.Tenant, "deposit.queried", out.Receipt.ID, out.Receipt.Title, map[string]any{"id": out.Receipt.ID, "case": in.Body.Case, "query": id})
	})
	if failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	out.Query = id
	return out, nil
}

func (s *Service) courtAnswer(ctx context.Context, a *tenant.Actor, in *rest.CourtQueryNew) (*rest.CourtAnswer, error) {
	k, err := s.courtCase(ctx, in.Body.Case)
	if types.CodeOf(err) == types.CodeNotFound {
		err = types.Errorf(types.CodePermissionDenied, "no open case %s is registered", types.CleanText(in.Body.Case, 60))
	}
	if err != nil {
		return nil, err
	}
	if a.Tenant.Kind != courtKind || k.Court != a.Tenant.ID {
		return nil, types.Errorf(types.CodePermissionDenied, "case %s is not of %s", k.Number, a.Tenant.Name)
	}
	ok, err := s.granted(ctx, in.Body.Deposit, casePrefix+k.Number)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, types.Errorf(types.CodePermissionDenied, "the deposit was not granted to case %s", k.Number)
	}
	r, err := s.receipt(ctx, in.Body.Deposit)
	if err != nil {
		return nil, err
	}
	if r.TxID == nil {
		return nil, types.Errorf(types.CodeNotReady, "deposit %s is %s", r.ID, r.State)
	}
	dossier, err := s.Dossier(ctx, r)
	return &rest.CourtAnswer{Receipt: *r, Dossier: dossier}, err
}

// Dossier proves a committed deposit to whoever has the chain's genesis file: its
// transaction with outcome, the record it wrote, and who signed it.
func (s *Service) Dossier(ctx context.Context, r *rest.EvidenceReceipt) ([]byte, error) {
	c, err := s.chain(ctx)
	if err != nil {
		return nil, err
	}
	anchor, err := c.Trust(ctx)
	if err != nil {
		return nil, err
	}
	d, err := c.TxDossier(ctx, anchor, *r.TxID)
	if err != nil {
		return nil, err
	}
	return json.Marshal(d)
}

// CourtRecords lists what courts asked, newest first: a court's own, all for those who run
// the service.
func (s *Service) CourtRecords(ctx context.Context, c *rest.Caller, q *rest.ListQuery) (*rest.CourtRecords, error) {
	court, err := s.courtScope(ctx, c)
	if err != nil {
		return nil, err
	}
	out := &rest.CourtRecords{Items: []rest.CourtRecord{}}
	err = s.db.Each(ctx, "SELECT id, number, deposit, court, by, outcome, time FROM court_query WHERE (? = '' OR court = ?) AND (? = '' OR id < ?) ORDER BY id DESC LIMIT ?",
		[]any{court, court, q.Cursor, q.Cursor, q.Limit + 1}, func(scan func(...any) error) error {
			var r rest.CourtRecord
			var at int64
			err := scan(&r.ID, &r.Case, &r.Deposit, &r.Court, &r.By, &r.Outcome, &at)
			r.Time = time.UnixMilli(at).UTC()
			out.Items = append(out.Items, r)
			return err
		})
	if len(out.Items) > q.Limit {
		out.Items = out.Items[:q.Limit]
		out.Next = out.Items[q.Limit-1].ID
	}
	return out, err
}
