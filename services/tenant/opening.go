package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/services/database"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// States of an application.
const (
	pending  = "pending"
	approved = "approved" // by all; the tenant is being opened
	opened   = "opened"
	refusedS = "refused"
)

// Bounds of applications.
const (
	maxPending = 1000 // applications that wait, of all applicants
	maxAppName = 32
	// expireEvery is how often keys are looked for that nobody took.
	expireEvery = time.Hour
)

// DefaultClaimLife is for how long the keys of a tenant that was opened can be taken.
const DefaultClaimLife = 30 * 24 * time.Hour

// Apply enters an application. Its identity must hold on the chain: a member applies for
// itself, the holder of a DID signs the application with the DID's key.
func (s *Registry) Apply(ctx context.Context, c *rest.Caller, in *rest.ApplicationNew) (*rest.Opening, error) {
	app := &in.Body
	flow, err := s.flow(ctx, -1)
	if err != nil {
		return nil, err
	}
	if err := complete(app, flow); err != nil {
		return nil, err
	}
	if err := s.vouch(ctx, c, app); err != nil {
		return nil, err
	}
	if len(app.Users) == 0 && !strings.HasPrefix(app.Identity, "did:") {
		app.Users = []string{app.Identity}
	}
	now := time.Now()
	id, claim := database.NewID("o", now), database.NewID("c", now)
	var secret []byte
	if app.Webhook != nil {
		if secret, err = s.Secrets.Seal([]byte(app.Webhook.Secret), []byte("webhook/"+id)); err != nil {
			return nil, err
		}
		app.Webhook.Secret = ""
	}
	body, err := json.Marshal(app)
	if err != nil {
		return nil, err
	}
	by := c.Name
	if by == "" {
		by = app.Identity
	}
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		var waiting, mine int
		if err := tx.QueryRow("SELECT count(*), coalesce(sum(by = ?), 0) FROM opening WHERE state = ?", by, pending).Scan(&waiting, &mine); err != nil {
			return err
		}
		if waiting >= maxPending || mine >= 20 {
			return types.Errorf(types.CodeLimitExceeded, "%d applications wait for a decision, %d of them by %s", waiting, mine, by)
		}
		_, err := tx.Exec("INSERT INTO opening (id, state, body, secret, flow, decisions, claim, by, time) VALUES (?, ?, ?, ?, ?, '[]', ?, ?, ?)",
			id, pending, string(body), secretOrEmpty(secret), flow.Version, crypto.Sum([]byte(claim)).String(), by, now.UnixMilli())
		return err
	})
	if err != nil {
		return nil, err
	}
	out, err := s.opening(ctx, id)
	if err == nil {
		out.Claim = claim
	}
	return out, err
}

func secretOrEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// complete checks that an application holds what the flow requires, and that it is well formed.
func complete(app *rest.Application, flow *rest.Flow) error {
	lacks := map[string]bool{"contact": app.Contact == "", "users": len(app.Users) == 0, "apps": len(app.Apps) == 0, "webhook": app.Webhook == nil}
	for _, what := range flow.Required {
		if lacks[what] {
			return types.Errorf(types.CodeOpeningRefused, "the application lacks: %s", what)
		}
	}
	if err := validUsers(app.Users); err != nil {
		return err
	}
	for i, name := range app.Apps {
		if err := validAppName(name); err != nil || slices.Contains(app.Apps[:i], name) {
			return types.Errorf(types.CodeUsage, "application %q: names have 1 to %d characters and occur once", name, maxAppName)
		}
	}
	if app.Webhook != nil {
		if len(app.Webhook.Secret) < connector.MinSecret {
			return types.Errorf(types.CodeUsage, "a webhook's secret has at least %d bytes", connector.MinSecret)
		}
		return connector.ValidURL(app.Webhook.URL)
	}
	return nil
}

func validAppName(name string) error {
	if name == "" || len([]rune(name)) > maxAppName || types.CleanText(name, 4*maxAppName) != name || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return types.Errorf(types.CodeUsage, "an application's name has 1 to %d characters", maxAppName)
	}
	return nil
}

// vouch checks that the identity holds and that its owner applies.
func (s *Registry) vouch(ctx context.Context, c *rest.Caller, app *rest.Application) error {
	id, err := s.IDs.Check(ctx, app.Identity)
	if err != nil {
		return err
	}
	if id.Member != "" {
		if c.Kind != "session" || c.Name != app.Identity {
			return refused("who applies for %s logs in as that member", app.Identity)
		}
		return nil
	}
	sig, err := hexBytes(app.Signature)
	if err != nil || !id.Key.Verify(s.Text(app), sig) {
		return refused("the application is not signed by the key of %s", app.Identity)
	}
	return nil
}

func (s *Registry) opening(ctx context.Context, id string) (*rest.Opening, error) {
	list, err := s.openings(ctx, "id = ?", []any{id}, 1)
	if err == nil && len(list) == 0 {
		err = types.Errorf(types.CodeNotFound, "application %s", id)
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

func (s *Registry) openings(ctx context.Context, where string, args []any, limit int) ([]rest.Opening, error) {
	list := []rest.Opening{}
	err := s.DB.Each(ctx, "SELECT id, state, body, flow, decisions, tenant, error, by, time, until, claim <> '' FROM opening WHERE "+where+" ORDER BY id DESC LIMIT ?", append(args, limit), func(scan func(...any) error) error {
		var o rest.Opening
		var app rest.Application
		var body, decisions string
		var at, until int64
		var claimable bool
		err := scan(&o.ID, &o.State, &body, &o.FlowVersion, &decisions, &o.Tenant, &o.Error, &o.By, &at, &until, &claimable)
		if err == nil {
			err = json.Unmarshal([]byte(body), &app)
		}
		if err == nil {
			err = json.Unmarshal([]byte(decisions), &o.Decisions)
		}
		o.Time, o.Kind, o.Name, o.Identity, o.Contact = time.UnixMilli(at).UTC(), app.Kind, app.Name, app.Identity, app.Contact
		o.Users, o.Apps = notNil(app.Users), notNil(app.Apps)
		if app.Webhook != nil {
			o.Webhook = app.Webhook.URL
		}
		if until > 0 && claimable && len(app.Apps) > 0 {
			end := time.UnixMilli(until).UTC()
			o.ClaimUntil = &end
		}
		list = append(list, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range list {
		o := &list[i]
		flow, err := s.flow(ctx, o.FlowVersion)
		if err != nil {
			return nil, err
		}
		if n := len(o.Decisions); o.State == pending && n < len(flow.Steps) {
			o.Next = &flow.Steps[n]
		}
	}
	return list, nil
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// Openings lists all applications for those who run the service or decide a step of theirs,
// else the caller's own.
func (s *Registry) Openings(ctx context.Context, c *rest.Caller, q *rest.OpeningQuery) (*rest.Openings, error) {
	a, err := s.Actor(ctx, c)
	if err != nil {
		return nil, err
	}
	all, err := s.decides(ctx, a)
	if err != nil {
		return nil, err
	}
	out := &rest.Openings{}
	out.Items, err = s.openings(ctx, "(? OR by = ?) AND (? = '' OR state = ?) AND (? = '' OR id < ?)",
		[]any{all || a.Auditor, a.Name, q.State, q.State, q.Cursor, q.Cursor}, q.Limit+1)
	if len(out.Items) > q.Limit {
		out.Items = out.Items[:q.Limit]
		out.Next = out.Items[q.Limit-1].ID
	}
	return out, err
}

// decides reports whether somebody is an approver of the flow in force.
func (s *Registry) decides(ctx context.Context, a *Actor) (bool, error) {
	flow, err := s.flow(ctx, -1)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(flow.Steps, func(step rest.Step) bool { return mayDecide(&step, a) }), nil
}

// Opening returns one application: to its applicant, and to those who see all.
func (s *Registry) Opening(ctx context.Context, c *rest.Caller, in *rest.OpeningRef) (*rest.Opening, error) {
	a, err := s.Actor(ctx, c)
	if err != nil {
		return nil, err
	}
	out, err := s.opening(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	all, err := s.decides(ctx, a)
	if err == nil && !all && !a.Auditor && out.By != a.Name {
		return nil, types.Errorf(types.CodeNotFound, "application %s", in.ID)
	}
	return out, err
}

// Decide approves or refuses the step that is due. The last approval opens the tenant.
func (s *Registry) Decide(ctx context.Context, c *rest.Caller, in *rest.DecisionNew) (*rest.Opening, error) {
	a, err := s.Actor(ctx, c)
	if err != nil {
		return nil, err
	}
	o, err := s.opening(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	switch {
	case o.Next == nil || o.Next.Name != in.Body.Step:
		return nil, types.Errorf(types.CodeOpeningRefused, "application %s is %s; step %q is not due", o.ID, o.State, in.Body.Step)
	case !mayDecide(o.Next, a):
		return nil, types.Errorf(types.CodePermissionDenied, "step %s is decided by %s", o.Next.Name, o.Next.Approver)
	case a.Name == o.By || slices.Contains(o.Users, a.Name):
		return nil, types.Errorf(types.CodePermissionDenied, "nobody decides about an application of his own")
	}
	flow, err := s.flow(ctx, o.FlowVersion)
	if err != nil {
		return nil, err
	}
	if err := s.Record(a.Name, s.Service+".opening."+in.Body.Step, o.ID, map[bool]string{true: "approved", false: "refused"}[in.Body.Approved]); err != nil {
		return nil, err
	}
	before := len(o.Decisions)
	o.Decisions = append(o.Decisions, rest.Decision{Step: in.Body.Step, By: a.Name, Approved: in.Body.Approved, Remark: in.Body.Remark, Time: time.Now().UTC().Truncate(time.Second)})
	state := pending
	switch {
	case !in.Body.Approved:
		state = refusedS
	case len(o.Decisions) == len(flow.Steps):
		state = approved
	}
	raw, err := json.Marshal(o.Decisions)
	if err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		done, err := tx.Exec("UPDATE opening SET decisions = ?, state = ? WHERE id = ? AND state = ? AND json_array_length(decisions) = ?", string(raw), state, o.ID, pending, before)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return types.Errorf(types.CodeOpeningRefused, "application %s was decided meanwhile", o.ID)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if state == approved {
		if err := s.open(ctx, o.ID); err != nil {
			return nil, err
		}
	}
	return s.opening(ctx, o.ID)
}

// open makes tenant, users and keys of an approved application. Keys are made first: one
// that a crash leaves behind is known to nobody.
func (s *Registry) open(ctx context.Context, id string) error {
	err := s.tryOpen(ctx, id)
	if err != nil {
		werr := s.DB.Write(context.WithoutCancel(ctx), func(tx *sql.Tx) error {
			_, err := tx.Exec("UPDATE opening SET error = ? WHERE id = ?", types.CleanText(err.Error(), 500), id)
			return err
		})
		if werr != nil {
			return werr
		}
	}
	return err
}

func (s *Registry) tryOpen(ctx context.Context, id string) error {
	o, err := s.opening(ctx, id)
	if err != nil {
		return err
	}
	if _, err := s.IDs.Check(ctx, o.Identity); err != nil { // it may have been revoked while the application waited
		return err
	}
	flow, err := s.flow(ctx, o.FlowVersion)
	if err != nil {
		return err
	}
	now := time.Now()
	t := database.NewID("t", now)
	apps := make([]rest.App, len(o.Apps))
	for i, name := range o.Apps {
		apps[i] = rest.App{Name: name, Tenant: t, RequestsPerSecond: flow.Defaults.RequestsPerSecond}
		if err := s.makeKey(&apps[i], flow.Defaults.KeyDays); err != nil {
			return err
		}
	}
	defaults, err := json.Marshal(flow.Defaults)
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		var secret []byte
		if err := tx.QueryRow("SELECT secret FROM opening WHERE id = ? AND state = ?", id, approved).Scan(&secret); err != nil {
			return types.Errorf(types.CodeOpeningRefused, "application %s: %w", id, err)
		}
		// The secret was sealed for the application; it moves on to the tenant.
		if len(secret) > 0 {
			plain, err := s.Secrets.Open(secret, []byte("webhook/"+id))
			if err == nil {
				secret, err = s.Secrets.Seal(plain, []byte("webhook"))
			}
			if err != nil {
				return err
			}
		}
		if _, err := tx.Exec("INSERT INTO tenant VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (identity) DO NOTHING", t, o.Kind, o.Name, o.Identity, o.Contact, open, string(defaults), o.Webhook, secretOrEmpty(secret), now.UnixMilli()); err != nil {
			return err
		}
		var there int
		if err := tx.QueryRow("SELECT count(*) FROM tenant WHERE id = ?", t).Scan(&there); err != nil || there == 0 {
			return types.Errorf(types.CodeAlreadyExists, "%s has a tenant already", o.Identity)
		}
		if err := addUsers(tx, t, o.Users); err != nil {
			return err
		}
		keys := []map[string]string{}
		for i := range apps {
			if err := s.addApp(tx, &apps[i]); err != nil {
				return err
			}
			keys = append(keys, map[string]string{"app": apps[i].ID, "name": apps[i].Name, "key": apps[i].Key})
		}
		if _, err := tx.Exec("UPDATE opening SET state = ?, tenant = ?, error = '', until = ? WHERE id = ?", opened, t, now.Add(s.ClaimLife).UnixMilli(), id); err != nil {
			return err
		}
		return s.tell(tx, t, "tenant.opened", t, o.Name+" is open", map[string]any{"application": id, "kind": o.Kind, "name": o.Name, "identity": o.Identity, "users": o.Users, "apps": keys})
	})
	if err != nil {
		for i := range apps {
			if rerr := s.Keys.Revoke(apps[i].Key); rerr != nil {
				s.Log.Warn("key not revoked", "key", apps[i].Key, "error", rerr)
			}
		}
	}
	return err
}
