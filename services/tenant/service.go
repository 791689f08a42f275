package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/huchain/huchain/crypto/envelope"
	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Schema holds flows, applications, tenants and their keys' ids.
var Schema = database.Schema{Name: "tenant", Steps: []string{`
CREATE TABLE flow (version INTEGER PRIMARY KEY, body TEXT NOT NULL, by TEXT NOT NULL, time INTEGER NOT NULL);
CREATE TABLE opening (id TEXT PRIMARY KEY, state TEXT NOT NULL, body TEXT NOT NULL, secret BLOB NOT NULL, flow INTEGER NOT NULL, decisions TEXT NOT NULL,
	tenant TEXT NOT NULL DEFAULT '', claim TEXT NOT NULL, error TEXT NOT NULL DEFAULT '', by TEXT NOT NULL, time INTEGER NOT NULL);
CREATE INDEX opening_state ON opening (state, id);
CREATE TABLE tenant (id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, identity TEXT NOT NULL UNIQUE, contact TEXT NOT NULL, state TEXT NOT NULL,
	defaults TEXT NOT NULL, webhook TEXT NOT NULL, secret BLOB NOT NULL, created INTEGER NOT NULL);
CREATE TABLE user (member TEXT PRIMARY KEY, tenant TEXT NOT NULL);
CREATE INDEX user_tenant ON user (tenant);
CREATE TABLE app (id TEXT PRIMARY KEY, name TEXT NOT NULL, tenant TEXT NOT NULL, key TEXT NOT NULL UNIQUE, token BLOB NOT NULL, rate INTEGER NOT NULL,
	created INTEGER NOT NULL, expires INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0, UNIQUE (tenant, name));
CREATE TABLE permission (member TEXT PRIMARY KEY, role TEXT NOT NULL)`, `
ALTER TABLE opening ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
UPDATE opening SET until = time + 30 * 86400000 WHERE state = 'opened' AND claim <> '';
CREATE INDEX opening_until ON opening (until) WHERE claim <> ''`}}

// Identities tells whether an identity holds now. HC-4704 if it does not.
type Identities interface {
	Check(ctx context.Context, identity string) (*Identity, error)
}

// Keys makes and ends API keys of the node.
type Keys interface {
	Create(name string, days int) (token, id string, expires time.Time, err error)
	Revoke(id string) error
}

// Params of a service of tenants.
type Params struct {
	Service string // name in messages, such as evidence
	DB      *database.DB
	IDs     Identities
	Keys    Keys
	Text    func(*rest.Application) []byte // what the key of a DID signs
	Secrets *envelope.Key
	Record  func(actor, action, subject, outcome string) error // in the node's audit log
	Log     *slog.Logger
	// ClaimLife is for how long the keys of a tenant that was opened can be taken; they end
	// then. 0: DefaultClaimLife.
	ClaimLife time.Duration
}

// Registry serves applications, tenants and their keys. It is safe for concurrent use.
type Registry struct{ Params }

// New makes the service. Schema, connector.Schema and notify.Schema MUST be in the database.
func New(p Params) *Registry {
	if p.ClaimLife == 0 {
		p.ClaimLife = DefaultClaimLife
	}
	return &Registry{p}
}

// Actor is who a request comes from, as the service knows it.
type Actor struct {
	Name          string // member id or name of the key
	Member        bool   // logged in as a member
	Tenant        *rest.Tenant
	App           string // id of the application, if it is one
	Rate          int    // requests a second that the application is granted
	Administrator bool
	Auditor       bool
}

// Roles of permissions.
const (
	administrator = "administrator"
	auditor       = "auditor"
)

// Actor finds out who a caller is: HC-1016 for nobody in particular.
func (s *Registry) Actor(ctx context.Context, c *rest.Caller) (*Actor, error) {
	if c.Kind == "anonymous" {
		return nil, types.Errorf(types.CodeLoginRequired, "log in by certificate, or show an application key")
	}
	out := &Actor{Name: c.Name, Member: c.Kind == "session"}
	var id string
	var revoked int64
	var err error
	if out.Member {
		if _, err = s.DB.Row(ctx, "SELECT tenant FROM user WHERE member = ?", []any{c.Name}, &id); err != nil {
			return nil, err
		}
		var role string
		if _, err = s.DB.Row(ctx, "SELECT role FROM permission WHERE member = ?", []any{c.Name}, &role); err != nil {
			return nil, err
		}
		out.Administrator = role == administrator || slices.Contains(c.Roles, types.RoleAdmin)
		out.Auditor = out.Administrator || role == auditor || slices.Contains(c.Roles, types.RoleAuditor)
	} else if _, err = s.DB.Row(ctx, "SELECT tenant, id, rate, revoked FROM app WHERE key = ?", []any{c.ID}, &id, &out.App, &out.Rate, &revoked); err != nil {
		return nil, err
	}
	if id != "" && revoked == 0 {
		out.Tenant, err = s.tenant(ctx, id)
	}
	return out, err
}

// Standing tells a caller as whom it is served.
func (s *Registry) Standing(ctx context.Context, c *rest.Caller, _ *rest.ListQuery) (*rest.Standing, error) {
	a, err := s.Actor(ctx, c)
	if err != nil {
		return nil, err
	}
	decides, err := s.decides(ctx, a)
	return &rest.Standing{Name: a.Name, Tenant: a.Tenant, App: a.App, Administrator: a.Administrator, Auditor: a.Auditor, Approver: decides}, err
}

// Acting is Actor for what only tenants do: HC-4703 if the caller is of none that is open,
// HC-4704 if the tenant's identity does not hold any more.
func (s *Registry) Acting(ctx context.Context, c *rest.Caller) (*Actor, error) {
	a, err := s.Actor(ctx, c)
	if err != nil {
		return nil, err
	}
	if a.Tenant == nil || a.Tenant.State != open {
		return nil, types.Errorf(types.CodeNoTenant, "%s %s", c.Kind, c.Name)
	}
	_, err = s.IDs.Check(ctx, a.Tenant.Identity)
	return a, err
}

// administering is Actor for what only administrators do.
func (s *Registry) administering(ctx context.Context, c *rest.Caller) (*Actor, error) {
	a, err := s.Actor(ctx, c)
	if err == nil && !a.Administrator {
		err = types.Errorf(types.CodePermissionDenied, "%s is no administrator of the service", c.Name)
	}
	return a, err
}

// Administrator refuses, with HC-2201, all but the administrators of the service.
func (s *Registry) Administrator(ctx context.Context, c *rest.Caller) (*Actor, error) {
	return s.administering(ctx, c)
}

// Permissions lists who runs the service besides the chain's administrators.
func (s *Registry) Permissions(ctx context.Context, c *rest.Caller, _ *rest.ListQuery) (*rest.Permissions, error) {
	if _, err := s.administering(ctx, c); err != nil {
		return nil, err
	}
	out := &rest.Permissions{Items: []rest.Permission{}}
	return out, s.DB.Each(ctx, "SELECT member, role FROM permission ORDER BY member", nil, func(scan func(...any) error) error {
		var p rest.Permission
		err := scan(&p.Member, &p.Role)
		out.Items = append(out.Items, p)
		return err
	})
}

// SetPermission gives or takes a part in running the service.
func (s *Registry) SetPermission(ctx context.Context, c *rest.Caller, in *rest.PermissionChange) (*rest.Permissions, error) {
	a, err := s.administering(ctx, c)
	if err != nil {
		return nil, err
	}
	if _, err := types.ParseMemberID(in.Body.Member); err != nil {
		return nil, types.Errorf(types.CodeUsage, "%w", err)
	}
	if err := s.Record(a.Name, s.Service+".permission", in.Body.Member, in.Body.Role); err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		if in.Body.Role == "none" {
			_, err := tx.Exec("DELETE FROM permission WHERE member = ?", in.Body.Member)
			return err
		}
		_, err := tx.Exec("INSERT INTO permission VALUES (?, ?) ON CONFLICT (member) DO UPDATE SET role = excluded.role", in.Body.Member, in.Body.Role)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.Permissions(ctx, c, nil)
}

const (
	open   = "open"
	closed = "closed"
)

// tenant reads a tenant; HC-1003 if there is none.
func (s *Registry) tenant(ctx context.Context, id string) (*rest.Tenant, error) {
	list, err := s.tenants(ctx, "id = ?", []any{id}, 1)
	if err == nil && len(list) == 0 {
		err = types.Errorf(types.CodeNotFound, "tenant %s", id)
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

func (s *Registry) tenants(ctx context.Context, where string, args []any, limit int) ([]rest.Tenant, error) {
	list := []rest.Tenant{}
	err := s.DB.Each(ctx, `SELECT id, kind, name, identity, contact, state, defaults, webhook, created, (SELECT group_concat(member, ' ') FROM user WHERE tenant = tenant.id)
		FROM tenant WHERE `+where+" ORDER BY id DESC LIMIT ?", append(args, limit), func(scan func(...any) error) error {
		var t rest.Tenant
		var at int64
		var defaults string
		var users sql.NullString
		err := scan(&t.ID, &t.Kind, &t.Name, &t.Identity, &t.Contact, &t.State, &defaults, &t.Webhook, &at, &users)
		if err == nil {
			err = json.Unmarshal([]byte(defaults), &t.Defaults)
		}
		t.Created, t.Users = time.UnixMilli(at).UTC(), strings.Fields(users.String)
		slices.Sort(t.Users)
		list = append(list, t)
		return err
	})
	return list, err
}

// Tenants lists all tenants for those who run the service, else the caller's.
func (s *Registry) Tenants(ctx context.Context, c *rest.Caller, q *rest.TenantQuery) (*rest.Tenants, error) {
	a, err := s.Actor(ctx, c)
	if err != nil {
		return nil, err
	}
	out := &rest.Tenants{Items: []rest.Tenant{}}
	switch {
	case a.Auditor:
		out.Items, err = s.tenants(ctx, "(? = '' OR id < ?)", []any{q.Cursor, q.Cursor}, q.Limit+1)
	case a.Tenant != nil:
		out.Items = append(out.Items, *a.Tenant)
	}
	if len(out.Items) > q.Limit {
		out.Items = out.Items[:q.Limit]
		out.Next = out.Items[q.Limit-1].ID
	}
	return out, err
}

// ChangeTenant sets users and state of a tenant.
func (s *Registry) ChangeTenant(ctx context.Context, c *rest.Caller, in *rest.TenantChange) (*rest.Tenant, error) {
	a, err := s.administering(ctx, c)
	if err != nil {
		return nil, err
	}
	if _, err := s.tenant(ctx, in.ID); err != nil {
		return nil, err
	}
	if err := validUsers(in.Body.Users); err != nil {
		return nil, err
	}
	if err := s.Record(a.Name, s.Service+".tenant", in.ID, in.Body.State); err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("DELETE FROM user WHERE tenant = ?", in.ID); err != nil {
			return err
		}
		if err := addUsers(tx, in.ID, in.Body.Users); err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE tenant SET state = ? WHERE id = ?", in.Body.State, in.ID); err != nil {
			return err
		}
		return s.tell(tx, in.ID, "tenant.changed", in.ID, "tenant is "+in.Body.State, map[string]any{"users": in.Body.Users, "state": in.Body.State})
	})
	if err != nil {
		return nil, err
	}
	return s.tenant(ctx, in.ID)
}

func validUsers(users []string) error {
	for _, u := range users {
		if _, err := types.ParseMemberID(u); err != nil {
			return types.Errorf(types.CodeUsage, "user: %w", err)
		}
	}
	return nil
}

// addUsers enters members as users; one who acts for another tenant is HC-1011.
func addUsers(tx *sql.Tx, tenant string, users []string) error {
	for _, u := range users {
		done, err := tx.Exec("INSERT INTO user (member, tenant) VALUES (?, ?) ON CONFLICT (member) DO UPDATE SET tenant = tenant WHERE tenant = excluded.tenant", u, tenant)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return types.Errorf(types.CodeAlreadyExists, "%s acts for another tenant", u)
		}
	}
	return nil
}

// ByID returns a tenant; HC-1003 if there is none.
func (s *Registry) ByID(ctx context.Context, id string) (*rest.Tenant, error) {
	return s.tenant(ctx, id)
}
