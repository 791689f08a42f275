package client

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/huchain/huchain/types/rest"
)

// MirrorStatus says how far the node's mirror of the chain is. HC-4601 if it keeps none, as
// from the other queries of the mirror.
func (c *Client) MirrorStatus(ctx context.Context) (*rest.MirrorStatus, error) {
	var out rest.MirrorStatus
	return &out, c.get(ctx, c.path(nil, "mirror"), &out)
}

// QueryRecords asks the mirror for records of one type.
func (c *Client) QueryRecords(ctx context.Context, in *rest.RecordQuery) (*rest.MirroredRecords, error) {
	q := mirrorPage(&in.MirrorPage)
	q["filter"] = in.Filter
	for name, list := range map[string][]string{"sort": in.Sort, "columns": in.Columns} {
		for _, v := range list {
			if q.Has(name) {
				v = q.Get(name) + "," + v
			}
			q.Set(name, v)
		}
	}
	set(q, "q", in.Search)
	set(q, "key", in.Key)
	var out rest.MirroredRecords
	return &out, c.get(ctx, c.path(q, "mirror", "records", in.Contract, in.Record), &out)
}

// QueryTxs asks the mirror for transactions, newest first.
func (c *Client) QueryTxs(ctx context.Context, in *rest.TxQuery) (*rest.MirroredTxs, error) {
	q := mirrorPage(&in.MirrorPage)
	span(q, &in.Span)
	set(q, "contract", in.Contract)
	set(q, "method", in.Method)
	set(q, "sender", in.Sender)
	set(q, "code", in.Code)
	var out rest.MirroredTxs
	return &out, c.get(ctx, c.path(q, "mirror", "txs"), &out)
}

// QueryEvents asks the mirror for events, newest first.
func (c *Client) QueryEvents(ctx context.Context, in *rest.EventQuery) (*rest.MirroredEvents, error) {
	q := mirrorPage(&in.MirrorPage)
	span(q, &in.Span)
	set(q, "contract", in.Contract)
	set(q, "name", in.Name)
	var out rest.MirroredEvents
	return &out, c.get(ctx, c.path(q, "mirror", "events"), &out)
}

// Statistic asks the mirror for a figure that a contract declares.
func (c *Client) Statistic(ctx context.Context, in *rest.StatisticQuery) (*rest.MirroredStatistic, error) {
	q := url.Values{}
	span(q, &in.Span)
	if in.Zone != 0 {
		q.Set("zone", strconv.Itoa(in.Zone))
	}
	var out rest.MirroredStatistic
	return &out, c.get(ctx, c.path(q, "mirror", "statistics", in.Contract, in.Statistic), &out)
}

// Activity asks the mirror how many transactions there were.
func (c *Client) Activity(ctx context.Context, in *rest.ActivityQuery) (*rest.Activity, error) {
	q := url.Values{}
	span(q, &in.Span)
	set(q, "by", in.By)
	set(q, "contract", in.Contract)
	if in.Zone != 0 {
		q.Set("zone", strconv.Itoa(in.Zone))
	}
	var out rest.Activity
	return &out, c.get(ctx, c.path(q, "mirror", "activity"), &out)
}

// Subscriptions lists who is told of events by the node.
func (c *Client) Subscriptions(ctx context.Context) (*rest.Subscriptions, error) {
	var out rest.Subscriptions
	return &out, c.get(ctx, c.path(nil, "mirror", "subscriptions"), &out)
}

// DeadLetters lists deliveries to a subscriber that were given up.
func (c *Client) DeadLetters(ctx context.Context, subscription string) (*rest.DeadLetters, error) {
	var out rest.DeadLetters
	return &out, c.get(ctx, c.path(nil, "mirror", "subscriptions", subscription, "dead"), &out)
}

func mirrorPage(p *rest.MirrorPage) url.Values { return Page{Cursor: p.Cursor, Limit: p.Limit}.query() }

func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

func span(q url.Values, s *rest.Span) {
	for name, at := range map[string]time.Time{"from": s.From, "to": s.To} {
		if !at.IsZero() {
			q.Set(name, at.UTC().Format(time.RFC3339))
		}
	}
}
