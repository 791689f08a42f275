package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Mirror is a copy of a chain in an SQL database, which answers what the ledger's own
// indexes do not: services/mirror. Errors are coded.
type Mirror interface {
	Status(ctx context.Context) (*rest.MirrorStatus, error)
	Txs(ctx context.Context, q *rest.TxQuery) (*rest.MirroredTxs, error)
	Events(ctx context.Context, q *rest.EventQuery) (*rest.MirroredEvents, error)
	Records(ctx context.Context, q *rest.RecordQuery, as *rest.Reader) (*rest.MirroredRecords, error)
	Statistic(ctx context.Context, q *rest.StatisticQuery, as *rest.Reader) (*rest.MirroredStatistic, error)
	Activity(ctx context.Context, q *rest.ActivityQuery) (*rest.Activity, error)
	Subscriptions(ctx context.Context) (*rest.Subscriptions, error)
	DeadLetters(ctx context.Context, subscription string) (*rest.DeadLetters, error)
}

const mirrorBase = base + "/{chain}/mirror"

func (s *Server) registerMirror(api huma.API) {
	get(s, api, "getMirror", mirrorBase, "How far the SQL mirror of a chain is", func(ctx context.Context, in *ChainPath) (*answer[rest.MirrorStatus], error) {
		return askMirror(s, in.Chain, func(m Mirror) (*rest.MirrorStatus, error) { return m.Status(ctx) })
	})
	get(s, api, "queryTxs", mirrorBase+"/txs", "Transactions by contract, method, sender, outcome and time, newest first", func(ctx context.Context, in *struct {
		ChainPath
		rest.TxQuery
	}) (*answer[rest.MirroredTxs], error) {
		return askMirror(s, in.Chain, func(m Mirror) (*rest.MirroredTxs, error) { return m.Txs(ctx, &in.TxQuery) })
	})
	get(s, api, "queryEvents", mirrorBase+"/events", "Events by contract, name and time, newest first", func(ctx context.Context, in *struct {
		ChainPath
		rest.EventQuery
	}) (*answer[rest.MirroredEvents], error) {
		out, err := askMirror(s, in.Chain, func(m Mirror) (*rest.MirroredEvents, error) { return m.Events(ctx, &in.EventQuery) })
		if err != nil {
			return nil, err
		}
		v, err := s.sight(ctx, in.Chain)
		for i := range out.Body.Items {
			if err == nil {
				err = v.cover(&out.Body.Items[i].Event)
			}
		}
		return out, err
	})
	get(s, api, "queryRecords", mirrorBase+"/records/{contract}/{record}", "Records of a contract: filtered, searched, sorted", func(ctx context.Context, in *struct {
		ChainPath
		rest.RecordQuery
	}) (*answer[rest.MirroredRecords], error) {
		return askMirror(s, in.Chain, func(m Mirror) (*rest.MirroredRecords, error) { return m.Records(ctx, &in.RecordQuery, readerOf(ctx)) })
	})
	get(s, api, "getStatistic", mirrorBase+"/statistics/{contract}/{statistic}", "Figure that a contract's bundle.yaml declares", func(ctx context.Context, in *struct {
		ChainPath
		rest.StatisticQuery
	}) (*answer[rest.MirroredStatistic], error) {
		return askMirror(s, in.Chain, func(m Mirror) (*rest.MirroredStatistic, error) {
			return m.Statistic(ctx, &in.StatisticQuery, readerOf(ctx))
		})
	})
	get(s, api, "getActivity", mirrorBase+"/activity", "How many transactions there were, by time, contract, method or outcome", func(ctx context.Context, in *struct {
		ChainPath
		rest.ActivityQuery
	}) (*answer[rest.Activity], error) {
		return askMirror(s, in.Chain, func(m Mirror) (*rest.Activity, error) { return m.Activity(ctx, &in.ActivityQuery) })
	})
	get(s, api, "listSubscriptions", mirrorBase+"/subscriptions", "Who is told of events, and how that goes", func(ctx context.Context, in *ChainPath) (*answer[rest.Subscriptions], error) {
		return askMirror(s, in.Chain, func(m Mirror) (*rest.Subscriptions, error) { return m.Subscriptions(ctx) })
	})
	get(s, api, "listDeadLetters", mirrorBase+"/subscriptions/{subscription}/dead", "Deliveries to a subscriber that were given up", func(ctx context.Context, in *struct {
		ChainPath
		Subscription string `path:"subscription" maxLength:"32"`
	}) (*answer[rest.DeadLetters], error) {
		return askMirror(s, in.Chain, func(m Mirror) (*rest.DeadLetters, error) { return m.DeadLetters(ctx, in.Subscription) })
	})
}

// askMirror puts a question to the mirror of a chain: HC-4601 where the node keeps none.
func askMirror[T any](s *Server, chain string, question func(Mirror) (*T, error)) (*answer[T], error) {
	c, err := s.chain(chain)
	if err != nil {
		return nil, err
	}
	if c.Mirror == nil {
		return nil, types.Errorf(types.CodeMirrorAbsent, "node %s, chain %s", s.node, c.Name)
	}
	out, err := question(c.Mirror)
	if err != nil {
		return nil, err
	}
	return &answer[T]{*out}, nil
}
