package tenant

import (
	"context"
	"database/sql"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// ClaimKeys hands the application keys of an opened tenant to whoever holds the claim that
// the application's answer showed, once and in time.
func (s *Registry) ClaimKeys(ctx context.Context, _ *rest.Caller, in *rest.ClaimNew) (*rest.Apps, error) {
	hash := crypto.Sum([]byte(in.Body.Claim)).String()
	var id, state, t string
	var until int64
	found, err := s.DB.Row(ctx, "SELECT id, state, tenant, until FROM opening WHERE id = ? AND claim = ?", []any{in.ID, hash}, &id, &state, &t, &until)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, types.Errorf(types.CodePermissionDenied, "the claim is not that of application %s, or was used", in.ID)
	}
	if state != opened {
		return nil, types.Errorf(types.CodeOpeningRefused, "application %s is %s", id, state)
	}
	if now := time.Now(); until <= now.UnixMilli() {
		return nil, types.Errorf(types.CodeOpeningRefused, "the keys could be taken until %s, and have ended", time.UnixMilli(until).UTC().Format(time.RFC3339))
	}
	out := &rest.Apps{}
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		done, err := tx.Exec("UPDATE opening SET claim = '' WHERE id = ? AND claim = ?", id, hash)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return types.Errorf(types.CodePermissionDenied, "the claim was used")
		}
		if out.Items, err = s.takeTokens(tx, t); err != nil {
			return err
		}
		_, err = tx.Exec("UPDATE app SET token = x'' WHERE tenant = ?", t)
		return err
	})
	return out, err
}

// Run opens what was approved before the process ended, and ends keys that nobody took in
// time, until ctx ends.
func (s *Registry) Run(ctx context.Context) {
	if err := s.resume(ctx); err != nil && ctx.Err() == nil {
		s.Log.Warn("approved applications not read", "error", err)
	}
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		if err := s.expire(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.Log.Warn("unclaimed keys not ended", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Registry) resume(ctx context.Context) error {
	list, err := s.openings(ctx, "state = ?", []any{approved}, maxPending)
	for i := range list {
		if oerr := s.open(ctx, list[i].ID); oerr != nil {
			s.Log.Warn("tenant not opened", "application", list[i].ID, "error", oerr)
		}
	}
	return err
}

// expire ends the keys that could be taken until now and were not: tokens that wait for ever
// are tokens that somebody finds. The tenant stays open; its members make other applications.
func (s *Registry) expire(ctx context.Context, now time.Time) error {
	late := map[string]string{} // tenants by application
	err := s.DB.Each(ctx, "SELECT id, tenant FROM opening WHERE until > 0 AND until <= ? AND claim <> '' LIMIT 1000", []any{now.UnixMilli()}, func(scan func(...any) error) error {
		var id, t string
		err := scan(&id, &t)
		late[id] = t
		return err
	})
	if err != nil {
		return err
	}
	for id, t := range late {
		if err := s.expireOne(ctx, id, t, now); err != nil {
			return err
		}
	}
	return nil
}

// expireOne ends the keys first: should the process end in between, they are ended again.
func (s *Registry) expireOne(ctx context.Context, id, tenant string, now time.Time) error {
	var keys []string
	err := s.DB.Each(ctx, "SELECT key FROM app WHERE tenant = ? AND length(token) > 0", []any{tenant}, func(scan func(...any) error) error {
		var key string
		err := scan(&key)
		keys = append(keys, key)
		return err
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := s.Keys.Revoke(key); err != nil && types.CodeOf(err) != types.CodeNotFound {
			return err
		}
	}
	return s.DB.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("UPDATE app SET revoked = ?, token = x'' WHERE tenant = ? AND length(token) > 0", now.UnixMilli(), tenant); err != nil {
			return err
		}
		if _, err := tx.Exec("UPDATE opening SET claim = '' WHERE id = ?", id); err != nil {
			return err
		}
		if len(keys) == 0 {
			return nil
		}
		return s.tell(tx, tenant, "keys.expired", id, "application keys that nobody took have ended", map[string]any{"application": id, "keys": keys})
	})
}
