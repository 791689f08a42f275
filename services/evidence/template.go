package evidence

import (
	"context"
	"database/sql"
	"encoding/json"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func violated(format string, args ...any) error {
	return types.Errorf(types.CodeTemplateViolated, format, args...)
}

// defaultMax is the length of a text field that names none, in characters.
const defaultMax = 400

// checkFields checks the fields that a template declares.
func checkFields(fields []rest.EvidenceField) error {
	for i, f := range fields {
		if slices.ContainsFunc(fields[:i], func(o rest.EvidenceField) bool { return o.Name == f.Name }) {
			return types.Errorf(types.CodeUsage, "field %s occurs twice", f.Name)
		}
	}
	return nil
}

var (
	wholeForm   = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`)
	decimalForm = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,23})(\.[0-9]{1,12})?$`)
)

// follow checks values against the fields that are declared: HC-4706.
func follow(fields []rest.EvidenceField, values map[string]string) error {
	for _, f := range fields {
		v, ok := values[f.Name]
		if !ok || v == "" {
			if f.Required {
				return violated("field %s is required", f.Name)
			}
			continue
		}
		if !fits(&f, v) {
			return violated("field %s is no %s, or too long", f.Name, f.Type)
		}
	}
	for name := range values {
		if !slices.ContainsFunc(fields, func(f rest.EvidenceField) bool { return f.Name == name }) {
			return violated("there is no field %q", types.CleanText(name, 64))
		}
	}
	return nil
}

func fits(f *rest.EvidenceField, v string) bool {
	switch f.Type {
	case "int":
		return wholeForm.MatchString(v)
	case "decimal":
		return decimalForm.MatchString(v)
	case "bool":
		return v == "true" || v == "false"
	case "date":
		_, err := time.Parse(time.DateOnly, v)
		return err == nil
	case "time":
		_, err := time.Parse(time.RFC3339, v)
		return err == nil
	}
	most := f.Max
	if most == 0 {
		most = defaultMax
	}
	return utf8.ValidString(v) && utf8.RuneCountInString(v) <= most
}

// SaveTemplate saves a version of a template; versions never change.
func (s *Service) SaveTemplate(ctx context.Context, c *rest.Caller, in *rest.TemplateNew) (*rest.EvidenceTemplate, error) {
	a, err := s.Acting(ctx, c)
	if err != nil {
		return nil, err
	}
	t := in.Body
	if err := checkFields(t.Fields); err != nil {
		return nil, err
	}
	if t.File == "" {
		t.File = "optional"
	}
	now := time.Now().UTC().Truncate(time.Second)
	t.Tenant, t.Created = a.Tenant.ID, &now
	body, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		var newest int
		if err := tx.QueryRow("SELECT coalesce(max(version), 0) FROM template WHERE tenant = ? AND id = ?", t.Tenant, t.ID).Scan(&newest); err != nil {
			return err
		}
		if t.Version != newest+1 {
			return types.Errorf(types.CodeTemplateFixed, "the newest version of %s is %d: save version %d", t.ID, newest, newest+1)
		}
		_, err := tx.Exec("INSERT INTO template VALUES (?, ?, ?, ?, ?)", t.Tenant, t.ID, t.Version, string(body), now.UnixMilli())
		return err
	})
	return &t, err
}

// Templates lists the tenant's templates in their newest versions.
func (s *Service) Templates(ctx context.Context, c *rest.Caller, _ *rest.ListQuery) (*rest.EvidenceTemplates, error) {
	a, err := s.Acting(ctx, c)
	if err != nil {
		return nil, err
	}
	out := &rest.EvidenceTemplates{Items: []rest.EvidenceTemplate{}}
	return out, s.db.Each(ctx, "SELECT body, max(version) FROM template WHERE tenant = ? GROUP BY id ORDER BY id LIMIT 500", []any{a.Tenant.ID}, func(scan func(...any) error) error {
		var t rest.EvidenceTemplate
		var v int
		err := scanJSON(scan, &t, &v)
		out.Items = append(out.Items, t)
		return err
	})
}

// Template returns a template of the caller's tenant.
func (s *Service) Template(ctx context.Context, c *rest.Caller, in *rest.TemplateRef) (*rest.EvidenceTemplate, error) {
	a, err := s.Acting(ctx, c)
	if err != nil {
		return nil, err
	}
	return s.template(ctx, a.Tenant.ID, in.ID, in.Version)
}

// template reads a version of a tenant's template, 0 for the newest. That of another tenant
// is not there.
func (s *Service) template(ctx context.Context, tenant, id string, version int) (*rest.EvidenceTemplate, error) {
	t, body := &rest.EvidenceTemplate{}, ""
	found, err := s.db.Row(ctx, "SELECT body FROM template WHERE tenant = ? AND id = ? AND (? = 0 OR version = ?) ORDER BY version DESC LIMIT 1", []any{tenant, id, version, version}, &body)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, types.Errorf(types.CodeNotFound, "template %s of the tenant, version %d", id, version)
	}
	return t, json.Unmarshal([]byte(body), t)
}

// scanJSON reads a row whose first column is JSON.
func scanJSON(scan func(...any) error, into any, more ...any) error {
	var body string
	if err := scan(append([]any{&body}, more...)...); err != nil {
		return err
	}
	return json.Unmarshal([]byte(body), into)
}
