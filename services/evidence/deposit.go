package evidence

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/services/gateway"
	"github.com/huchain/huchain/services/tenant"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

const (
	maxTag   = 32 // characters
	maxFile  = 32 << 20
	formType = "form"
	textType = "text"
)

// request is a deposit as it was asked for.
type request struct {
	rest.EvidenceDeposit
	file string // name
	raw  []byte // of a file
}

// DepositText deposits a text and answers when it is committed.
func (s *Service) DepositText(ctx context.Context, c *rest.Caller, in *rest.TextNew) (*rest.EvidenceReceipt, error) {
	out, err := s.AcceptText(ctx, c, in)
	return s.committed(ctx, out, err)
}

// DepositFile deposits a file and answers when it is committed.
func (s *Service) DepositFile(ctx context.Context, c *rest.Caller, in *rest.FileNew) (*rest.EvidenceReceipt, error) {
	out, err := s.AcceptFile(ctx, c, in)
	return s.committed(ctx, out, err)
}

// AcceptText takes a text in and answers when it is durable.
func (s *Service) AcceptText(ctx context.Context, c *rest.Caller, in *rest.TextNew) (*rest.EvidenceReceipt, error) {
	return s.accept(ctx, c, &request{EvidenceDeposit: in.Body}, in.Key)
}

// AcceptFile takes a file in and answers when it is durable.
func (s *Service) AcceptFile(ctx context.Context, c *rest.Caller, in *rest.FileNew) (*rest.EvidenceReceipt, error) {
	r := &request{EvidenceDeposit: rest.EvidenceDeposit{
		Title: in.Title, Template: in.Template, Version: in.Version, Tags: in.Tags, Chain: in.Chain, Node: in.Node,
	}, file: in.Name, raw: in.RawBody}
	if r.Title == "" {
		r.Title = in.Name
	}
	if len(in.RawBody) == 0 {
		return nil, types.Errorf(types.CodeUsage, "the file is empty")
	}
	if in.Fields != "" {
		if err := json.Unmarshal([]byte(in.Fields), &r.Fields); err != nil {
			return nil, types.Errorf(types.CodeUsage, "fields: %w", err)
		}
	}
	return s.accept(ctx, c, r, in.Key)
}

// committed waits for the commit of what was accepted. What takes longer than Wait is
// answered as accepted; what was refused is an error.
func (s *Service) committed(ctx context.Context, r *rest.EvidenceReceipt, err error) (*rest.EvidenceReceipt, error) {
	if err != nil {
		return nil, err
	}
	if r.State == gateway.Accepted {
		wait, cancel := context.WithTimeout(ctx, s.p.Wait)
		defer cancel()
		if err := s.queue.Await(wait, r.ID); err != nil {
			return nil, err
		}
		if r, err = s.receipt(ctx, r.ID); err != nil {
			return nil, err
		}
	}
	if r.State == gateway.Refused && r.Error != nil {
		return nil, r.Error.Coded()
	}
	return r, nil
}

// accept checks a deposit, stores its original, and takes it into the queue.
func (s *Service) accept(ctx context.Context, c *rest.Caller, in *request, key string) (*rest.EvidenceReceipt, error) {
	a, err := s.Acting(ctx, c)
	if err != nil {
		return nil, err
	}
	if a.App != "" {
		if err := s.limits.Take(a.App, a.Rate, time.Now()); err != nil {
			return nil, err
		}
	}
	digest, err := in.digest()
	if err != nil {
		return nil, err
	}
	hidden, err := s.check(ctx, a, in)
	if err != nil {
		return nil, err
	}
	r := &rest.EvidenceReceipt{
		ID: database.NewID("e", time.Now()), State: gateway.Accepted, Title: in.Title, FileName: in.file, Tenant: a.Tenant.ID, Depositor: a.Name, App: a.App,
		Template: in.Template, Version: in.Version, Fields: in.Fields, Tags: tidy(in.Tags), Chain: in.Chain, Node: in.Node,
	}
	if r.Chain != "" {
		if err := s.nodeDue(ctx, a.Tenant.ID, r); err != nil {
			return nil, err
		}
	}
	if err := s.store(ctx, in, r); err != nil {
		return nil, err
	}
	body, err := json.Marshal(ticket{Deposit: r.ID})
	if err != nil {
		return nil, err
	}
	item, again, err := s.queue.Accept(ctx, &gateway.Item{ID: r.ID, Caller: a.Tenant.ID + "/" + a.App, Body: body}, key, digest, func(tx *sql.Tx) error {
		r.Accepted = time.Now().UTC().Truncate(time.Millisecond)
		return s.insert(tx, r, hidden)
	})
	if err != nil {
		return nil, err
	}
	if again {
		return s.receipt(ctx, item.ID)
	}
	return r, nil
}

// ticket is what the queue holds of a deposit; the rest stands in the deposit's row.
type ticket struct {
	Deposit string `json:"deposit"`
}

// digest tells requests under one idempotence key apart.
func (in *request) digest() (crypto.Hash, error) {
	raw, err := json.Marshal(in.EvidenceDeposit)
	if err != nil {
		return crypto.Hash{}, err
	}
	content := crypto.Sum(in.raw)
	return crypto.Sum(raw, []byte{0}, []byte(in.file), content[:]), nil
}

// check checks a deposit against its bounds and template, whose version it settles. It
// returns the names of the fields that only the tenant and those it grants may see.
func (s *Service) check(ctx context.Context, a *tenant.Actor, in *request) ([]string, error) {
	bad := func(format string, args ...any) error { return types.Errorf(types.CodeUsage, format, args...) }
	switch title := []rune(in.Title); {
	case len(title) == 0 || len(title) > 200 || types.CleanText(in.Title, 1000) != in.Title:
		return nil, bad("a title has 1 to 200 characters")
	case int64(len(in.raw)) > min(maxFile, a.Tenant.Defaults.MaxFileBytes):
		return nil, types.Errorf(types.CodeRequestTooLarge, "a file of %d bytes; the tenant is granted %d", len(in.raw), a.Tenant.Defaults.MaxFileBytes)
	case in.raw != nil && in.Text != "":
		return nil, bad("either a text or a file")
	case (in.Chain == "") != (in.Node == ""):
		return nil, bad("name the evidence chain and its node, or neither")
	}
	for _, t := range in.Tags {
		if n := len([]rune(t)); n == 0 || n > maxTag || strings.TrimSpace(t) != t {
			return nil, bad("a tag has 1 to %d characters", maxTag)
		}
	}
	if in.Template == "" {
		if len(in.Fields) > 0 && in.Chain == "" {
			return nil, violated("fields need a template")
		}
		if in.raw == nil && in.Text == "" {
			return nil, bad("nothing to deposit: a text, a file, or the fields of a template")
		}
		return nil, nil
	}
	t, err := s.template(ctx, a.Tenant.ID, in.Template, in.Version)
	if types.CodeOf(err) == types.CodeNotFound {
		err = violated("%w", err)
	}
	if err != nil {
		return nil, err
	}
	in.Version = t.Version
	original := in.raw != nil || in.Text != ""
	if t.File == "required" && !original || t.File == "none" && original {
		return nil, violated("template %s: an original is %s", t.ID, map[string]string{"required": "required", "none": "not taken"}[t.File])
	}
	return hiddenOf(t.Fields), follow(t.Fields, in.Fields)
}

func hiddenOf(fields []rest.EvidenceField) []string {
	var out []string
	for _, f := range fields {
		if f.Encrypted {
			out = append(out, f.Name)
		}
	}
	return out
}

func tidy(tags []string) []string {
	out := slices.Clone(tags)
	slices.Sort(out)
	if out = slices.Compact(out); out == nil {
		out = []string{}
	}
	return out
}

// form is the original of a deposit that consists of fields alone. The salt keeps anyone
// from finding few-worded fields by trying.
type form struct {
	Template string            `json:"template"`
	Version  int               `json:"version"`
	Title    string            `json:"title"`
	Fields   map[string]string `json:"fields"`
	Salt     string            `json:"salt"`
}

// store gives the original to the file store, which answers once it is durable there.
func (s *Service) store(ctx context.Context, in *request, r *rest.EvidenceReceipt) error {
	content := in.raw
	switch {
	case in.Text != "":
		content, r.Type, r.Media = []byte(in.Text), textType, "text/plain"
	case in.raw == nil:
		salt := make([]byte, 16)
		if _, err := rand.Read(salt); err != nil {
			return err
		}
		var err error
		if content, err = json.Marshal(form{in.Template, in.Version, in.Title, in.Fields, hex.EncodeToString(salt)}); err != nil {
			return err
		}
		r.Type, r.Media = formType, "application/json"
	default:
		r.Type, r.Media = classify(in.file, content[:min(len(content), 512)])
	}
	stored, err := s.p.Files.Put(ctx, bytes.NewReader(content))
	if err != nil {
		return err
	}
	if stored.Hash != crypto.Sum(content) {
		return types.Errorf(types.CodeInternal, "the file store names the original %s, it is %s", stored.Hash, crypto.Sum(content))
	}
	r.Hash, r.SHA256, r.SizeBytes, r.SizeClass = stored.Hash, stored.SHA256, stored.Size, sizeClass(stored.Size)
	return nil
}

// insert enters a deposit that was accepted.
func (s *Service) insert(tx *sql.Tx, r *rest.EvidenceReceipt, hidden []string) error {
	fields, err := json.Marshal(r.Fields)
	if err == nil && len(r.Fields) > 0 {
		fields, err = s.secrets.Seal(fields, []byte("fields/"+r.ID))
	} else if err == nil {
		fields = []byte{}
	}
	if err != nil {
		return err
	}
	tags, err := json.Marshal(r.Tags)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO deposit (id, tenant, app, depositor, state, title, file, type, media, class, size, hash, sha256, template, version, fields, hidden, tags, chain, node, accepted)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.ID, r.Tenant, r.App, r.Depositor, r.State, r.Title, r.FileName, r.Type, r.Media, r.SizeClass,
		r.SizeBytes, r.Hash.String(), r.SHA256, r.Template, r.Version, fields, strings.Join(hidden, " "), string(tags), r.Chain, r.Node, r.Accepted.UnixMilli()); err != nil {
		return err
	}
	for _, t := range r.Tags {
		if _, err := tx.Exec("INSERT INTO tag VALUES (?, ?, ?)", r.Tenant, t, r.ID); err != nil {
			return err
		}
	}
	return nil
}
