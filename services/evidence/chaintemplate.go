package evidence

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// SaveChainTemplate saves a version of a chain template, here and on the chain, where it is
// another template that never changes: chains under way keep theirs.
func (s *Service) SaveChainTemplate(ctx context.Context, c *rest.Caller, in *rest.ChainTemplateNew) (*rest.EvidenceChainTemplate, error) {
	a, err := s.Acting(ctx, c)
	if err != nil {
		return nil, err
	}
	t := in.Body
	if err := s.checkNodes(ctx, t.Nodes); err != nil {
		return nil, err
	}
	var newest int
	var owner string
	if _, err := s.db.Row(ctx, "SELECT version, tenant FROM chain_template WHERE id = ? ORDER BY version DESC LIMIT 1", []any{t.ID}, &newest, &owner); err != nil {
		return nil, err
	}
	switch {
	case owner != "" && owner != a.Tenant.ID:
		return nil, types.Errorf(types.CodePermissionDenied, "template %s is another tenant's", t.ID)
	case t.Version != newest+1:
		return nil, types.Errorf(types.CodeTemplateFixed, "the newest version of %s is %d: save version %d", t.ID, newest, newest+1)
	}
	now := time.Now().UTC().Truncate(time.Second)
	t.Tenant, t.Created, t.OnChain = a.Tenant.ID, &now, fmt.Sprintf("%s.v%d", t.ID, t.Version)
	if err := s.defineOnChain(ctx, &t); err != nil {
		return nil, err
	}
	body, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		done, err := tx.Exec("INSERT INTO chain_template VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", t.ID, t.Version, t.Tenant, string(body), now.UnixMilli())
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return types.Errorf(types.CodeTemplateFixed, "version %d of %s is there", t.Version, t.ID)
		}
		return nil
	})
	return &t, err
}

// checkNodes checks what the contract does not know: fields, and that parties are tenants.
func (s *Service) checkNodes(ctx context.Context, nodes []rest.EvidenceNode) error {
	for i, n := range nodes {
		if _, err := s.ByID(ctx, n.Party); err != nil {
			return err
		}
		if err := checkFields(n.Fields); err != nil {
			return err
		}
		for _, f := range n.After {
			if !slices.ContainsFunc(nodes[:i], func(o rest.EvidenceNode) bool { return o.Name == f }) {
				return types.Errorf(types.CodeUsage, "node %s comes after %q, which is not listed before it", n.Name, f)
			}
		}
	}
	return nil
}

// step is a step of a template in contract evidence.
type step struct {
	Name  string   `json:"name"`
	Party string   `json:"party"`
	After []string `json:"after,omitempty"`
}

// defineOnChain defines the template in the contract. The service adds the nodes, as the one
// member that signs; which tenant may is checked here and stands in each node's metadata.
func (s *Service) defineOnChain(ctx context.Context, t *rest.EvidenceChainTemplate) error {
	cl, err := s.chain(ctx)
	if err != nil {
		return err
	}
	steps := make([]step, len(t.Nodes))
	for i, n := range t.Nodes {
		steps[i] = step{n.Name, string(s.p.Identity.Member), n.After}
	}
	done, err := cl.Call(ctx, s.p.Identity, contractName, "defineTemplate", map[string]any{"template": t.OnChain, "title": t.Title, "steps": steps})
	if err != nil {
		return s.alreadyDefined(ctx, t, steps, err)
	}
	t.TxID = done.ID.String()
	return nil
}

// alreadyDefined takes up a template that a process which ended in between had defined.
func (s *Service) alreadyDefined(ctx context.Context, t *rest.EvidenceChainTemplate, steps []step, cause error) error {
	if types.CodeOf(cause) != types.CodeContractError {
		return cause
	}
	cl, err := s.chain(ctx)
	if err != nil {
		return err
	}
	a, err := cl.Query(ctx, nil, contractName, "getTemplate", map[string]string{"template": t.OnChain})
	if err != nil {
		return cause
	}
	var have struct {
		Title string         `json:"title"`
		Steps []step         `json:"steps"`
		Owner types.MemberID `json:"owner"`
	}
	same := json.Unmarshal(a.Result, &have) == nil && have.Owner == s.p.Identity.Member && have.Title == t.Title &&
		slices.EqualFunc(have.Steps, steps, func(x, y step) bool { return x.Name == y.Name && x.Party == y.Party && slices.Equal(x.After, y.After) })
	if !same {
		return cause
	}
	return nil
}

// chainTemplate reads a version of a template, 0 for the newest.
func (s *Service) chainTemplate(ctx context.Context, id string, version int) (*rest.EvidenceChainTemplate, error) {
	t, body := &rest.EvidenceChainTemplate{}, ""
	found, err := s.db.Row(ctx, "SELECT body FROM chain_template WHERE id = ? AND (? = 0 OR version = ?) ORDER BY version DESC LIMIT 1", []any{id, version, version}, &body)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, types.Errorf(types.CodeNotFound, "chain template %s, version %d", id, version)
	}
	return t, json.Unmarshal([]byte(body), t)
}

// sees reports whether a tenant has to do with a template.
func sees(t *rest.EvidenceChainTemplate, tenant string) bool {
	return t.Tenant == tenant || slices.ContainsFunc(t.Nodes, func(n rest.EvidenceNode) bool { return n.Party == tenant })
}

// ChainTemplates lists the templates that name the caller's tenant, in their newest versions.
func (s *Service) ChainTemplates(ctx context.Context, c *rest.Caller, _ *rest.ListQuery) (*rest.EvidenceChainTemplates, error) {
	a, err := s.Acting(ctx, c)
	if err != nil {
		return nil, err
	}
	out := &rest.EvidenceChainTemplates{Items: []rest.EvidenceChainTemplate{}}
	return out, s.db.Each(ctx, "SELECT body, max(version) FROM chain_template GROUP BY id ORDER BY id", nil, func(scan func(...any) error) error {
		var t rest.EvidenceChainTemplate
		var v int
		if err := scanJSON(scan, &t, &v); err != nil {
			return err
		}
		if sees(&t, a.Tenant.ID) {
			out.Items = append(out.Items, t)
		}
		return nil
	})
}

// ChainTemplate returns a template that names the caller's tenant.
func (s *Service) ChainTemplate(ctx context.Context, c *rest.Caller, in *rest.TemplateRef) (*rest.EvidenceChainTemplate, error) {
	a, err := s.Acting(ctx, c)
	if err != nil {
		return nil, err
	}
	t, err := s.chainTemplate(ctx, in.ID, in.Version)
	if err == nil && !sees(t, a.Tenant.ID) {
		err = types.Errorf(types.CodeNotFound, "chain template %s", in.ID)
	}
	return t, err
}
