package evidence

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"strconv"
	"strings"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/services/tenant"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func formatHeight(h uint64) string { return strconv.FormatUint(h, 10) }

const selectDeposit = `SELECT id, tenant, app, depositor, state, title, file, type, media, class, size, hash, sha256, template, version, fields, hidden, tags, chain, node,
	accepted, tx, height, block, error, notarial, given_up FROM deposit`

// scanDeposit reads a row of selectDeposit, and which of its fields others do not see.
func (s *Service) scanDeposit(scan func(...any) error) (*rest.EvidenceReceipt, []string, error) {
	r := &rest.EvidenceReceipt{}
	var hash, hidden, tags, tx, failure, notarial, givenUp string
	var fields []byte
	var accepted, block int64
	if err := scan(&r.ID, &r.Tenant, &r.App, &r.Depositor, &r.State, &r.Title, &r.FileName, &r.Type, &r.Media, &r.SizeClass, &r.SizeBytes, &hash, &r.SHA256, &r.Template,
		&r.Version, &fields, &hidden, &tags, &r.Chain, &r.Node, &accepted, &tx, &r.Height, &block, &failure, &notarial, &givenUp); err != nil {
		return nil, nil, err
	}
	r.Accepted = time.UnixMilli(accepted).UTC()
	var err error
	if r.Hash, err = crypto.ParseHash(hash); err != nil {
		return nil, nil, err
	}
	if tx != "" {
		id, err := crypto.ParseHash(tx)
		if err != nil {
			return nil, nil, err
		}
		at := time.UnixMilli(block).UTC()
		r.TxID, r.BlockTime = &id, &at
	}
	if len(fields) > 0 {
		plain, err := s.secrets.Open(fields, []byte("fields/"+r.ID))
		if err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal(plain, &r.Fields); err != nil {
			return nil, nil, err
		}
	}
	for _, part := range []struct {
		text string
		into any
	}{{tags, &r.Tags}, {failure, &r.Error}, {notarial, &r.Notarial}, {givenUp, &r.GivenUp}} {
		if part.text != "" {
			if err := json.Unmarshal([]byte(part.text), part.into); err != nil {
				return nil, nil, err
			}
		}
	}
	for i := range r.GivenUp {
		saidOf(&r.GivenUp[i])
	}
	return r, strings.Fields(hidden), nil
}

// masked stands for a field that the reader may not see.
const masked = "••••"

func mask(r *rest.EvidenceReceipt, hidden []string) {
	for _, name := range hidden {
		if r.Fields[name] != "" {
			r.Fields[name] = masked
		}
	}
}

// Search lists deposits of the caller's tenant and those granted to it; those who run the
// service and have no tenant see all, without encrypted fields.
func (s *Service) Search(ctx context.Context, c *rest.Caller, q *rest.EvidenceSearch) (*rest.EvidenceReceipts, error) {
	a, err := s.Actor(ctx, c)
	if err != nil {
		return nil, err
	}
	where, args := []string{"1 = 1"}, []any{}
	add := func(condition string, values ...any) { where, args = append(where, condition), append(args, values...) }
	switch {
	case a.Tenant != nil:
		add("(tenant = ? OR id IN (SELECT deposit FROM granted WHERE to_whom = ? AND revoked = 0 AND (until = 0 OR until > ?)))", a.Tenant.ID, a.Tenant.ID, time.Now().UnixMilli())
	case !a.Auditor:
		return nil, types.Errorf(types.CodeNoTenant, "%s %s", c.Kind, c.Name)
	}
	if q.Cursor != "" {
		add("id < ?", q.Cursor)
	}
	for _, f := range []struct{ column, value string }{{"id", q.ID}, {"hash", q.Hash}, {"type", q.Type}, {"app", q.App}, {"state", q.State}} {
		if f.value != "" {
			add(f.column+" = ?", f.value)
		}
	}
	if q.Tag != "" {
		add("id IN (SELECT deposit FROM tag WHERE tag = ? AND tenant = deposit.tenant)", q.Tag)
	}
	if q.Text != "" {
		add("instr(lower(title), lower(?)) > 0", q.Text)
	}
	if !q.From.IsZero() {
		add("accepted >= ?", q.From.UnixMilli())
	}
	if !q.Until.IsZero() {
		add("accepted < ?", q.Until.UnixMilli())
	}
	out := &rest.EvidenceReceipts{Items: []rest.EvidenceReceipt{}}
	err = s.db.Each(ctx, selectDeposit+" WHERE "+strings.Join(where, " AND ")+" ORDER BY id DESC LIMIT ?", append(args, q.Limit+1), func(scan func(...any) error) error {
		r, hidden, err := s.scanDeposit(scan)
		if err != nil {
			return err
		}
		if a.Tenant == nil {
			mask(r, hidden)
		}
		out.Items = append(out.Items, *r)
		return nil
	})
	if len(out.Items) > q.Limit {
		out.Items = out.Items[:q.Limit]
		out.Next = out.Items[q.Limit-1].ID
	}
	return out, err
}

// reading returns a deposit that the caller's tenant owns or was granted: HC-2201 otherwise,
// also for one that is not there.
func (s *Service) reading(ctx context.Context, c *rest.Caller, id string) (*tenant.Actor, *rest.EvidenceReceipt, error) {
	a, err := s.Acting(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	r, err := s.receipt(ctx, id)
	if err != nil && types.CodeOf(err) != types.CodeNotFound {
		return nil, nil, err
	}
	if err == nil && r.Tenant != a.Tenant.ID {
		var ok bool
		if ok, err = s.granted(ctx, id, a.Tenant.ID); err == nil && !ok {
			r = nil
		}
	}
	if r == nil {
		return nil, nil, types.Errorf(types.CodePermissionDenied, "deposit %s is not the tenant's, and was not granted to it", types.CleanText(id, 40))
	}
	return a, r, err
}

// Receipt returns the receipt of a deposit, waiting for its commit if asked to.
func (s *Service) Receipt(ctx context.Context, c *rest.Caller, in *rest.ReceiptWait) (*rest.EvidenceReceipt, error) {
	a, err := s.Actor(ctx, c)
	if err != nil {
		return nil, err
	}
	if a.Tenant == nil && a.Auditor {
		r, hidden, err := s.receiptOf(ctx, in.ID)
		if err == nil {
			mask(r, hidden)
		}
		return r, err
	}
	_, r, err := s.reading(ctx, c, in.ID)
	if err != nil || in.WaitMs == 0 || r.State != "accepted" {
		return r, err
	}
	wait, cancel := context.WithTimeout(ctx, time.Duration(in.WaitMs)*time.Millisecond)
	defer cancel()
	if err := s.queue.Await(wait, in.ID); err != nil {
		return nil, err
	}
	return s.receipt(ctx, in.ID)
}

// Original returns the original, whose hash the file store checks as it is read.
func (s *Service) Original(ctx context.Context, c *rest.Caller, in *rest.ReceiptRef) (*rest.Blob, error) {
	_, r, err := s.reading(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	f, err := s.p.Files.Open(ctx, r.Hash)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	name := r.FileName
	if name == "" {
		name = r.ID + map[string]string{textType: ".txt", formType: ".json"}[r.Type]
	}
	return &rest.Blob{ContentType: "application/octet-stream", ContentDisposition: attachment(name), Body: content}, nil
}

// attachment has browsers save a file rather than show it.
func attachment(name string) string {
	if v := mime.FormatMediaType("attachment", map[string]string{"filename": name}); v != "" {
		return v
	}
	return "attachment"
}

// Certificate returns the certificate of a committed deposit.
func (s *Service) Certificate(ctx context.Context, c *rest.Caller, in *rest.ReceiptRef) (*rest.Blob, error) {
	_, r, err := s.reading(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if s.p.Certify == nil {
		return nil, types.Errorf(types.CodeServiceAbsent, "certificates on this node")
	}
	if r.TxID == nil {
		return nil, types.Errorf(types.CodeNotReady, "deposit %s is %s", r.ID, r.State)
	}
	cl, err := s.chain(ctx)
	if err != nil {
		return nil, err
	}
	pdf, err := s.p.Certify.Certificate(ctx, cl, r.Hash)
	if err != nil {
		return nil, err
	}
	return &rest.Blob{ContentType: "application/pdf", ContentDisposition: attachment(r.ID + ".pdf"), Body: pdf}, nil
}

// Proof returns the proof file of a committed deposit: of its record and of the transaction
// that wrote it, for whoever has the chain's genesis file.
func (s *Service) Proof(ctx context.Context, c *rest.Caller, in *rest.ReceiptRef) (*rest.Blob, error) {
	_, r, err := s.reading(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if r.TxID == nil {
		return nil, types.Errorf(types.CodeNotReady, "deposit %s is %s", r.ID, r.State)
	}
	cl, err := s.chain(ctx)
	if err != nil {
		return nil, err
	}
	anchor, err := cl.Trust(ctx)
	if err != nil {
		return nil, err
	}
	d, err := cl.StateDossier(ctx, anchor, contractName, []byte(rowKey(r.Hash)))
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(d)
	return &rest.Blob{ContentType: "application/json", ContentDisposition: attachment(r.ID + ".json"), Body: body}, err
}
