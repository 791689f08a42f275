package evidence

import (
	"context"
	"strconv"
	"strings"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Statistics counts committed deposits: the tenant's, or all for those who run the service.
func (s *Service) Statistics(ctx context.Context, c *rest.Caller, q *rest.StatisticsQuery) (*rest.EvidenceStatistics, error) {
	a, err := s.Actor(ctx, c)
	if err != nil {
		return nil, err
	}
	where, args := []string{"state = 'committed'"}, []any{}
	add := func(condition string, values ...any) { where, args = append(where, condition), append(args, values...) }
	switch {
	case a.Auditor:
		if q.Tenant != "" {
			add("tenant = ?", q.Tenant)
		}
	case a.Tenant == nil:
		return nil, types.Errorf(types.CodeNoTenant, "%s %s", c.Kind, c.Name)
	default:
		add("tenant = ?", a.Tenant.ID)
	}
	if q.Type != "" {
		add("type = ?", q.Type)
	}
	if q.App != "" {
		add("app = ?", q.App)
	}
	if !q.From.IsZero() {
		add("block >= ?", q.From.UnixMilli())
	}
	if !q.Until.IsZero() {
		add("block < ?", q.Until.UnixMilli())
	}
	out := &rest.EvidenceStatistics{}
	from := " FROM deposit WHERE " + strings.Join(where, " AND ")
	if _, err := s.db.Row(ctx, "SELECT count(*), count(DISTINCT height), coalesce(sum(size), 0), coalesce(sum(notarial <> ''), 0)"+from, args, &out.Total, &out.Blocks, &out.SizeBytes, &out.Notarial); err != nil {
		return nil, err
	}
	groups := []struct {
		by   string
		into *[]rest.Count
	}{{"type", &out.ByType}, {"app", &out.ByApp}, {"date(block / 1000, 'unixepoch')", &out.ByDay}}
	if a.Auditor {
		groups = append(groups, struct {
			by   string
			into *[]rest.Count
		}{"tenant", &out.ByTenant})
	}
	for _, g := range groups {
		*g.into = []rest.Count{}
		err := s.db.Each(ctx, "SELECT "+g.by+", count(*)"+from+" GROUP BY 1 ORDER BY 1 DESC LIMIT 1000", args, func(scan func(...any) error) error {
			var n rest.Count
			err := scan(&n.Name, &n.Count)
			*g.into = append(*g.into, n)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, s.chainFigures(ctx, out, a.Auditor && len(where) == 1)
}

// chainFigures adds what the chain says: its height, and, where all are counted, how many
// records of the service its mirror holds.
func (s *Service) chainFigures(ctx context.Context, out *rest.EvidenceStatistics, all bool) error {
	c, err := s.chain(ctx)
	if err != nil {
		return err
	}
	st, err := c.Status(ctx)
	if err != nil {
		return err
	}
	out.Height = st.Height
	if !all {
		return nil
	}
	m, err := c.Statistic(ctx, &rest.StatisticQuery{Contract: contractName, Statistic: "perOwner"})
	if types.CodeOf(err) == types.CodeMirrorAbsent {
		return nil
	}
	if err != nil {
		return err
	}
	var n int64
	for _, g := range m.Groups {
		if g.Group == string(s.p.Identity.Member) {
			if n, err = strconv.ParseInt(g.Value, 10, 64); err != nil {
				return types.Errorf(types.CodeUnreachable, "statistic perOwner: %w", err)
			}
		}
	}
	out.OnChain = &n
	return nil
}

// Settings shows the running configuration to administrators; secrets are masked where it
// is read.
func (s *Service) Settings(ctx context.Context, c *rest.Caller, _ *rest.ListQuery) (*rest.Settings, error) {
	if _, err := s.Administrator(ctx, c); err != nil {
		return nil, err
	}
	return &rest.Settings{Items: s.p.Settings, Queued: s.queue.Waiting(), Since: s.started}, nil
}
