package tenant

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/services/notify"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// maxApps bounds the applications of one tenant, revoked ones not counted.
const maxApps = 50

func hexBytes(s string) ([]byte, error) { return hex.DecodeString(s) }

// makeKey makes an API key for an application, which gets its id.
func (s *Registry) makeKey(a *rest.App, days int) (err error) {
	now := time.Now()
	a.ID, a.Created = database.NewID("a", now), now.UTC().Truncate(time.Second)
	a.Token, a.Key, a.Expires, err = s.Keys.Create(s.Service+" "+a.ID, days)
	return err
}

// addApp enters an application. Its token is kept sealed until somebody takes it.
func (s *Registry) addApp(tx *sql.Tx, a *rest.App) error {
	token, err := s.Secrets.Seal([]byte(a.Token), []byte("token/"+a.ID))
	if err != nil {
		return err
	}
	_, err = tx.Exec("INSERT INTO app (id, name, tenant, key, token, rate, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		a.ID, a.Name, a.Tenant, a.Key, token, a.RequestsPerSecond, a.Created.UnixMilli(), a.Expires.UnixMilli())
	return err
}

// takeTokens reads the applications of a tenant with their tokens.
func (s *Registry) takeTokens(tx *sql.Tx, tenant string) ([]rest.App, error) {
	rows, err := tx.Query(selectApps+" WHERE tenant = ? AND length(token) > 0 ORDER BY id", tenant)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []rest.App{}
	for rows.Next() {
		a, token, err := scanApp(rows.Scan)
		if err != nil {
			return nil, err
		}
		plain, err := s.Secrets.Open(token, []byte("token/"+a.ID))
		if err != nil {
			return nil, err
		}
		a.Token = string(plain)
		list = append(list, *a)
	}
	return list, rows.Err()
}

const selectApps = "SELECT id, name, tenant, key, token, rate, created, expires, revoked FROM app"

func scanApp(scan func(...any) error) (*rest.App, []byte, error) {
	a, token := new(rest.App), []byte(nil)
	var created, expires, revoked int64
	err := scan(&a.ID, &a.Name, &a.Tenant, &a.Key, &token, &a.RequestsPerSecond, &created, &expires, &revoked)
	a.Created, a.Expires = time.UnixMilli(created).UTC(), time.UnixMilli(expires).UTC()
	if revoked > 0 {
		at := time.UnixMilli(revoked).UTC()
		a.Revoked = &at
	}
	return a, token, err
}

// Apps lists the applications of the caller's tenant, all for those who run the service.
func (s *Registry) Apps(ctx context.Context, c *rest.Caller, _ *rest.ListQuery) (*rest.Apps, error) {
	a, err := s.Actor(ctx, c)
	if err != nil {
		return nil, err
	}
	t := ""
	if a.Tenant != nil {
		t = a.Tenant.ID
	}
	if t == "" && !a.Auditor {
		return nil, types.Errorf(types.CodeNoTenant, "%s %s", c.Kind, c.Name)
	}
	out := &rest.Apps{Items: []rest.App{}}
	return out, s.DB.Each(ctx, selectApps+" WHERE ? = '' OR tenant = ? ORDER BY id DESC LIMIT 1000", []any{t, t}, func(scan func(...any) error) error {
		a, _, err := scanApp(scan)
		out.Items = append(out.Items, *a)
		return err
	})
}

// appOwner is the tenant for which a caller may make applications: its own, any for those
// who run the service, since a person without a certificate cannot make one.
func (s *Registry) appOwner(ctx context.Context, c *rest.Caller, tenant string) (*Actor, error) {
	if tenant == "" {
		a, err := s.Acting(ctx, c)
		if err == nil && !a.Member {
			err = types.Errorf(types.CodePermissionDenied, "applications are made by members")
		}
		return a, err
	}
	a, err := s.administering(ctx, c)
	if err != nil {
		return nil, err
	}
	if a.Tenant, err = s.tenant(ctx, tenant); err != nil {
		return nil, err
	}
	if a.Tenant.State != open {
		return nil, types.Errorf(types.CodeNoTenant, "tenant %s is %s", tenant, a.Tenant.State)
	}
	_, err = s.IDs.Check(ctx, a.Tenant.Identity)
	return a, err
}

// NewApp makes an application with a key, shown this once.
func (s *Registry) NewApp(ctx context.Context, c *rest.Caller, in *rest.AppNew) (*rest.App, error) {
	a, err := s.appOwner(ctx, c, in.Body.Tenant)
	if err != nil {
		return nil, err
	}
	if err := validAppName(in.Body.Name); err != nil {
		return nil, err
	}
	most := a.Tenant.Defaults.RequestsPerSecond
	app := &rest.App{Name: in.Body.Name, Tenant: a.Tenant.ID, RequestsPerSecond: in.Body.RequestsPerSecond}
	if app.RequestsPerSecond == 0 {
		app.RequestsPerSecond = most
	}
	if app.RequestsPerSecond > most {
		return nil, types.Errorf(types.CodeLimitExceeded, "the tenant is granted %d requests a second", most)
	}
	var have int
	var taken bool
	if _, err := s.DB.Row(ctx, "SELECT count(*), coalesce(max(name = ?), 0) FROM app WHERE tenant = ? AND (revoked = 0 OR name = ?)", []any{app.Name, app.Tenant, app.Name}, &have, &taken); err != nil {
		return nil, err
	}
	if taken {
		return nil, types.Errorf(types.CodeAlreadyExists, "application %s", app.Name)
	}
	if have >= maxApps {
		return nil, types.Errorf(types.CodeLimitExceeded, "%d applications; revoke some", have)
	}
	if err := s.Record(a.Name, s.Service+".app", app.Name, types.CodeOK.String()); err != nil {
		return nil, err
	}
	if err := s.makeKey(app, a.Tenant.Defaults.KeyDays); err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		if err := s.addApp(tx, app); err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE app SET token = x'' WHERE id = ?", app.ID); err != nil {
			return err
		}
		return s.tell(tx, app.Tenant, "app.created", app.ID, "application "+app.Name, map[string]any{"name": app.Name, "key": app.Key})
	})
	if err != nil {
		return nil, err
	}
	return app, nil
}

// RevokeApp ends the key of an application at once.
func (s *Registry) RevokeApp(ctx context.Context, c *rest.Caller, in *rest.AppRef) (*rest.App, error) {
	a, err := s.Actor(ctx, c)
	if err != nil {
		return nil, err
	}
	var app *rest.App
	err = s.DB.Each(ctx, selectApps+" WHERE id = ?", []any{in.ID}, func(scan func(...any) error) error {
		app, _, err = scanApp(scan)
		return err
	})
	if err != nil {
		return nil, err
	}
	if app == nil || !a.Administrator && (a.Tenant == nil || a.Tenant.ID != app.Tenant || !a.Member) {
		return nil, types.Errorf(types.CodeNotFound, "application %s", in.ID)
	}
	if err := s.Record(a.Name, s.Service+".app.revoke", app.ID, types.CodeOK.String()); err != nil {
		return nil, err
	}
	if err := s.Keys.Revoke(app.Key); err != nil && types.CodeOf(err) != types.CodeNotFound {
		return nil, err
	}
	now := time.Now()
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("UPDATE app SET revoked = ?, token = x'' WHERE id = ? AND revoked = 0", now.UnixMilli(), app.ID); err != nil {
			return err
		}
		return s.tell(tx, app.Tenant, "app.revoked", app.ID, "application "+app.Name+" was revoked", map[string]any{"name": app.Name, "key": app.Key})
	})
	at := now.UTC().Truncate(time.Millisecond)
	app.Revoked = &at
	return app, err
}

// tell leaves a tenant a message, and sends it by webhook if the tenant has one.
func (s *Registry) tell(tx *sql.Tx, tenant, kind, subject, text string, data map[string]any) error {
	return Tell(tx, s.Service, tenant, kind, subject, text, data)
}

// Tell leaves a tenant a message in the transaction that made what it tells of, and sends
// it by webhook if the tenant has one.
func Tell(tx *sql.Tx, service, tenant, kind, subject, text string, data map[string]any) error {
	now := time.Now()
	if err := notify.Post(tx, tenant, kind, subject, text, now); err != nil {
		return err
	}
	var url string
	var secret []byte
	if err := tx.QueryRow("SELECT webhook, secret FROM tenant WHERE id = ?", tenant).Scan(&url, &secret); err != nil || url == "" {
		return err
	}
	body, err := json.Marshal(map[string]any{"service": service, "tenant": tenant, "kind": kind, "subject": subject, "text": text, "time": now.UTC().Truncate(time.Second), "data": data})
	if err != nil {
		return err
	}
	_, err = connector.Enqueue(tx, &connector.Message{Tenant: tenant, Kind: kind, URL: url, Secret: secret, Body: body}, now)
	return err
}

// Notices lists the messages to the caller's tenant.
func (s *Registry) Notices(ctx context.Context, c *rest.Caller, q *rest.NoticeQuery) (*rest.Notices, error) {
	a, err := s.belonging(ctx, c)
	if err != nil {
		return nil, err
	}
	return notify.List(ctx, s.DB, a.Tenant.ID, q)
}

// belonging is Actor for what the users of a tenant see, also when it is closed.
func (s *Registry) belonging(ctx context.Context, c *rest.Caller) (*Actor, error) {
	a, err := s.Actor(ctx, c)
	if err == nil && a.Tenant == nil {
		err = types.Errorf(types.CodeNoTenant, "%s %s", c.Kind, c.Name)
	}
	return a, err
}

// ReadNotices marks messages as read.
func (s *Registry) ReadNotices(ctx context.Context, c *rest.Caller, in *rest.NoticeRead) (*rest.Done, error) {
	a, err := s.belonging(ctx, c)
	if err != nil {
		return nil, err
	}
	return &rest.Done{Done: true}, notify.Read(ctx, s.DB, a.Tenant.ID, in.Body.UpTo)
}

// scope is whose webhook messages a caller sees: all, for those who run the service.
func (s *Registry) scope(ctx context.Context, c *rest.Caller) (string, error) {
	a, err := s.Actor(ctx, c)
	if err == nil && a.Tenant == nil && !a.Administrator {
		err = types.Errorf(types.CodeNoTenant, "%s %s", c.Kind, c.Name)
	}
	if err != nil || a.Tenant == nil {
		return "", err
	}
	return a.Tenant.ID, nil
}

// LostMessages lists webhook messages that were given up.
func (s *Registry) LostMessages(ctx context.Context, c *rest.Caller, q *rest.DeadLetterQuery) (*rest.LostMessages, error) {
	t, err := s.scope(ctx, c)
	if err != nil {
		return nil, err
	}
	return connector.Lost(ctx, s.DB, t, q.Listing)
}

// Resend has lost messages sent again.
func (s *Registry) Resend(ctx context.Context, c *rest.Caller, in *rest.ResendRequest) (*rest.Done, error) {
	t, err := s.scope(ctx, c)
	if err != nil {
		return nil, err
	}
	return &rest.Done{Done: true}, connector.Resend(ctx, s.DB, t, in.Body.ID)
}
