package evidence

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// chainNode is a node as contract evidence keeps it.
type chainNode struct {
	Name     string      `json:"name"`
	Hash     crypto.Hash `json:"hash"`
	Metadata string      `json:"metadata"`
	Previous crypto.Hash `json:"previous"`
	Digest   crypto.Hash `json:"digest"`
	Time     time.Time   `json:"time"`
}

// onChain is an evidence chain as the contract answers it.
type onChain struct {
	Chain struct {
		Template string         `json:"template"`
		Title    string         `json:"title"`
		Owner    types.MemberID `json:"owner"`
		Complete bool           `json:"complete"`
	} `json:"chain"`
	Nodes []chainNode `json:"nodes"`
}

// OpenChain opens an evidence chain along a template that names the caller's tenant.
func (s *Service) OpenChain(ctx context.Context, c *rest.Caller, in *rest.EvidenceChainNew) (*rest.EvidenceChain, error) {
	a, err := s.Acting(ctx, c)
	if err != nil {
		return nil, err
	}
	t, err := s.chainTemplate(ctx, in.Body.Template, in.Body.Version)
	if err != nil {
		return nil, err
	}
	if !sees(t, a.Tenant.ID) {
		return nil, types.Errorf(types.CodePermissionDenied, "template %s does not name the tenant", t.ID)
	}
	cl, err := s.chain(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := cl.Call(ctx, s.p.Identity, contractName, "openChain", map[string]string{"chain": in.Body.ID, "template": t.OnChain, "title": in.Body.Title}); err != nil {
		if err = s.leftOpen(ctx, cl, in.Body.ID, t.OnChain, in.Body.Title, err); err != nil {
			return nil, err
		}
	}
	err = s.db.Write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec("INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?)", in.Body.ID, t.ID, t.Version, a.Tenant.ID, in.Body.Title, time.Now().UnixMilli()); err != nil {
			return err
		}
		for _, p := range parties(t) {
			if _, err := tx.Exec("INSERT INTO party VALUES (?, ?)", in.Body.ID, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.evidenceChain(ctx, in.Body.ID)
}

// leftOpen returns nil if the contract refuses to open a chain because it did before, for
// this service, which ended before it could note so; else the cause of the refusal.
func (s *Service) leftOpen(ctx context.Context, c *client.Client, id, template, title string, cause error) error {
	if types.CodeOf(cause) != types.CodeContractError {
		return cause
	}
	var one int
	if noted, err := s.db.Row(ctx, "SELECT 1 FROM chain WHERE id = ?", []any{id}, &one); err != nil || noted {
		return cause
	}
	on, err := s.nodesOf(ctx, c, id)
	if err != nil || len(on.Nodes) > 0 || on.Chain.Owner != s.p.Identity.Member || on.Chain.Template != template || on.Chain.Title != title {
		return cause
	}
	return nil
}

func parties(t *rest.EvidenceChainTemplate) []string {
	list := []string{t.Tenant}
	for _, n := range t.Nodes {
		list = append(list, n.Party)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Chains lists the chains to which the caller's tenant is a party, without nodes.
func (s *Service) Chains(ctx context.Context, c *rest.Caller, q *rest.EvidenceChainQuery) (*rest.EvidenceChains, error) {
	a, err := s.Acting(ctx, c)
	if err != nil {
		return nil, err
	}
	out := &rest.EvidenceChains{Items: []rest.EvidenceChain{}}
	err = s.db.Each(ctx, "SELECT id, template, version, chain.tenant, title, time FROM party JOIN chain ON chain.id = party.chain WHERE party.tenant = ? AND id > ? ORDER BY id LIMIT ?",
		[]any{a.Tenant.ID, q.Cursor, q.Limit + 1}, func(scan func(...any) error) error {
			e, err := scanChain(scan)
			out.Items = append(out.Items, *e)
			return err
		})
	if len(out.Items) > q.Limit {
		out.Items = out.Items[:q.Limit]
		out.Next = out.Items[q.Limit-1].ID
	}
	return out, err
}

func scanChain(scan func(...any) error) (*rest.EvidenceChain, error) {
	e := &rest.EvidenceChain{Due: []string{}, Nodes: []rest.EvidenceChainRow{}}
	var at int64
	err := scan(&e.ID, &e.Template, &e.Version, &e.Tenant, &e.Title, &at)
	e.Time = time.UnixMilli(at).UTC()
	return e, err
}

// Chain returns an evidence chain to a party of it, with the contract's verdict.
func (s *Service) Chain(ctx context.Context, c *rest.Caller, in *rest.EvidenceChainRef) (*rest.EvidenceChain, error) {
	a, err := s.Acting(ctx, c)
	if err != nil {
		return nil, err
	}
	var one int
	found, err := s.db.Row(ctx, "SELECT 1 FROM party WHERE tenant = ? AND chain = ?", []any{a.Tenant.ID, in.ID}, &one)
	if err == nil && !found {
		err = types.Errorf(types.CodeNotFound, "evidence chain %s", in.ID)
	}
	if err != nil {
		return nil, err
	}
	return s.evidenceChain(ctx, in.ID)
}

// chainRow reads a chain without its nodes, and its template.
func (s *Service) chainRow(ctx context.Context, id string) (e *rest.EvidenceChain, t *rest.EvidenceChainTemplate, err error) {
	err = s.db.Each(ctx, "SELECT id, template, version, tenant, title, time FROM chain WHERE id = ?", []any{id}, func(scan func(...any) error) error {
		e, err = scanChain(scan)
		return err
	})
	if err == nil && e == nil {
		err = types.Errorf(types.CodeNotFound, "evidence chain %s", types.CleanText(id, 64))
	}
	if err != nil {
		return nil, nil, err
	}
	t, err = s.chainTemplate(ctx, e.Template, e.Version)
	return e, t, err
}

func (s *Service) nodesOf(ctx context.Context, c *client.Client, id string) (*onChain, error) {
	a, err := c.Query(ctx, nil, contractName, "getChain", map[string]string{"chain": id})
	if err != nil {
		return nil, err
	}
	out := &onChain{}
	if err := json.Unmarshal(a.Result, out); err != nil {
		return nil, types.Errorf(types.CodeUnreachable, "evidence.getChain: %w", err)
	}
	return out, nil
}

// evidenceChain puts a chain together from the contract, which also judges it.
func (s *Service) evidenceChain(ctx context.Context, id string) (*rest.EvidenceChain, error) {
	e, t, err := s.chainRow(ctx, id)
	if err != nil {
		return nil, err
	}
	c, err := s.chain(ctx)
	if err != nil {
		return nil, err
	}
	on, err := s.nodesOf(ctx, c, id)
	if err != nil {
		return nil, err
	}
	e.Complete = on.Chain.Complete
	for _, n := range on.Nodes {
		var about note
		if err := json.Unmarshal([]byte(n.Metadata), &about); err != nil {
			return nil, types.Errorf(types.CodeUnreachable, "metadata of node %s: %w", n.Name, err)
		}
		row := rest.EvidenceChainRow{Name: n.Name, Tenant: about.Tenant, Deposit: about.ID, Hash: n.Hash, Digest: n.Digest, Previous: n.Previous, Time: n.Time}
		if r, hidden, err := s.receiptOf(ctx, about.ID); err == nil {
			mask(r, hidden)
			row.Fields = r.Fields
		}
		e.Nodes = append(e.Nodes, row)
	}
	for i := range t.Nodes {
		if due(t, i, on.Nodes) {
			e.Due = append(e.Due, t.Nodes[i].Name)
		}
	}
	a, err := c.Query(ctx, nil, contractName, "verifyChain", map[string]string{"chain": id})
	if err != nil {
		return nil, err
	}
	var v struct {
		Valid  bool   `json:"valid"`
		Node   string `json:"node"`
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal(a.Result, &v); err != nil {
		return nil, types.Errorf(types.CodeUnreachable, "evidence.verifyChain: %w", err)
	}
	e.Valid = v.Valid
	if !v.Valid {
		e.Reason = v.Reason + " " + v.Node
	}
	return e, nil
}

// due reports whether node i may come next, as the contract judges it.
func due(t *rest.EvidenceChainTemplate, i int, have []chainNode) bool {
	there := func(name string) bool {
		return slices.ContainsFunc(have, func(n chainNode) bool { return n.Name == name })
	}
	if there(t.Nodes[i].Name) {
		return false
	}
	after := t.Nodes[i].After
	if len(after) == 0 && i > 0 {
		after = []string{t.Nodes[i-1].Name}
	}
	return !slices.ContainsFunc(after, func(name string) bool { return !there(name) })
}

// nodeDue checks, before anything is stored, that a deposit may be the node it says: the
// party, the order and the fields. The contract judges the order again.
func (s *Service) nodeDue(ctx context.Context, tenant string, r *rest.EvidenceReceipt) error {
	e, t, err := s.chainRow(ctx, r.Chain)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(t.Nodes, func(n rest.EvidenceNode) bool { return n.Name == r.Node })
	if i < 0 {
		return violated("template %s has no node %q", t.ID, r.Node)
	}
	if t.Nodes[i].Party != tenant {
		return types.Errorf(types.CodePermissionDenied, "node %s is deposited by tenant %s", r.Node, t.Nodes[i].Party)
	}
	if r.Template == "" {
		if err := follow(t.Nodes[i].Fields, r.Fields); err != nil {
			return err
		}
	}
	c, err := s.chain(ctx)
	if err != nil {
		return err
	}
	on, err := s.reopened(ctx, c, e, t)
	if err != nil {
		return err
	}
	if !due(t, i, on.Nodes) {
		return violated("node %s is not due in chain %s", r.Node, r.Chain)
	}
	return nil
}

// addNode adds a deposit to its chain, or finds that it is there.
func (s *Service) addNode(ctx context.Context, c *client.Client, r *rest.EvidenceReceipt, n *note) error {
	words, err := json.Marshal(n)
	if err != nil {
		return err
	}
	_, err = c.Call(ctx, s.p.Identity, contractName, "addNode", map[string]any{"chain": r.Chain, "name": r.Node, "hash": r.Hash, "title": r.Title, "metadata": string(words)})
	if types.CodeOf(err) != types.CodeContractError {
		return err
	}
	on, qerr := s.nodesOf(ctx, c, r.Chain)
	if qerr != nil {
		return qerr
	}
	if slices.ContainsFunc(on.Nodes, func(have chainNode) bool { return have.Name == r.Node && have.Metadata == string(words) }) {
		return nil
	}
	return err
}
