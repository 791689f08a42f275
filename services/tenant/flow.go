package tenant

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// DefaultFlow has one step, by the service's administrators.
func DefaultFlow() rest.Flow {
	return rest.Flow{
		Steps:    []rest.Step{{Name: "approve", Approver: administrator}},
		Defaults: rest.Defaults{KeyDays: 366, RequestsPerSecond: 50, MaxFileBytes: 32 << 20},
	}
}

// Flow returns the flow in force.
func (s *Registry) Flow(ctx context.Context, c *rest.Caller, _ *rest.ListQuery) (*rest.Flow, error) {
	if _, err := s.Actor(ctx, c); err != nil {
		return nil, err
	}
	return s.flow(ctx, -1)
}

// flow reads a version of the flow, -1 for the newest.
func (s *Registry) flow(ctx context.Context, version int) (*rest.Flow, error) {
	out, body := DefaultFlow(), ""
	found, err := s.DB.Row(ctx, "SELECT body, version FROM flow WHERE ? < 0 OR version = ? ORDER BY version DESC LIMIT 1", []any{version, version}, &body, &out.Version)
	if err != nil || !found {
		return &out, err
	}
	v := out.Version
	out = rest.Flow{}
	err = json.Unmarshal([]byte(body), &out)
	out.Version = v
	return &out, err
}

// SetFlow changes the flow for applications from now on; those under way keep theirs.
func (s *Registry) SetFlow(ctx context.Context, c *rest.Caller, in *rest.FlowChange) (*rest.Flow, error) {
	a, err := s.administering(ctx, c)
	if err != nil {
		return nil, err
	}
	for i, step := range in.Body.Steps {
		if slices.ContainsFunc(in.Body.Steps[:i], func(o rest.Step) bool { return o.Name == step.Name }) {
			return nil, types.Errorf(types.CodeUsage, "step %s occurs twice", step.Name)
		}
		if _, err := types.ParseMemberID(step.Approver); err != nil && !types.ValidName(step.Approver) {
			return nil, types.Errorf(types.CodeUsage, "step %s: approver %q is no member, no organisation and not %s", step.Name, step.Approver, administrator)
		}
	}
	if err := s.Record(a.Name, s.Service+".flow", s.Service, types.CodeOK.String()); err != nil {
		return nil, err
	}
	in.Body.Version = 0
	body, err := json.Marshal(in.Body)
	if err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO flow (version, body, by, time) VALUES ((SELECT coalesce(max(version), 0) + 1 FROM flow), ?, ?, ?)", string(body), a.Name, time.Now().UnixMilli())
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.flow(ctx, -1)
}

// mayDecide reports whether somebody is the approver of a step.
func mayDecide(step *rest.Step, a *Actor) bool {
	switch {
	case !a.Member:
		return false
	case step.Approver == administrator:
		return a.Administrator
	case strings.Contains(step.Approver, "/"):
		return step.Approver == a.Name
	}
	org, _, _ := strings.Cut(a.Name, "/")
	return step.Approver == org
}
