package rest

import (
	"encoding/json"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// MirrorStatus says how far the copy of a chain in an SQL database is.
type MirrorStatus struct {
	Database string      `json:"database" enum:"sqlite,postgres" doc:"What it is kept in"`
	State    string      `json:"state" enum:"following,filling,refusing,failing" doc:"following: in step; filling: on its way to the newest block; refusing: a node lied; failing: the database or the nodes cannot be reached"`
	Height   uint64      `json:"height" doc:"Newest block it holds"`
	Tip      uint64      `json:"tip" doc:"Newest block of the chain, as a node says"`
	Lag      uint64      `json:"lagBlocks" doc:"Blocks it is behind the newest"`
	Hash     crypto.Hash `json:"hash" doc:"Of the header of height"`
	Time     *time.Time  `json:"blockTime,omitempty"`
	Error    *Error      `json:"error,omitempty" doc:"Why it does not get on, if so"`
}

// Bounds of queries of a mirror.
const (
	MaxMirrorPage    = 200
	MaxMirrorFilters = 16
	MaxMirrorSorts   = 4
	MaxMirrorSearch  = 200 // characters
)

// Reader is as whom records are read. What it may see the contract's manifest says.
type Reader struct {
	Member types.MemberID // empty: nobody in particular
	Roles  []types.Role
}

// Org is the member's organisation.
func (r *Reader) Org() string {
	if r.Member == "" {
		return ""
	}
	return r.Member.Org()
}

// MirrorPage selects part of a list.
type MirrorPage struct {
	Cursor string `query:"cursor" maxLength:"2048" doc:"Goes on where the last page ended; of the same question alone"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"20"`
}

// Span bounds block times: from <= time < to.
type Span struct {
	From time.Time `query:"from" doc:"Of block times, inclusive"`
	To   time.Time `query:"to" doc:"Of block times, exclusive"`
}

// TxQuery asks for transactions, newest first.
type TxQuery struct {
	Contract string `query:"contract" maxLength:"32"`
	Method   string `query:"method" maxLength:"64"`
	Sender   string `query:"sender" maxLength:"64" doc:"Address"`
	Code     string `query:"code" maxLength:"8" example:"OK" doc:"OK, or an error number; refused stands for all errors"`
	Span
	MirrorPage
}

// MirroredTx is a transaction as a mirror lists it.
type MirroredTx struct {
	TxSummary
	Time time.Time `json:"blockTime"`
}

// MirroredTxs is a page of transactions.
type MirroredTxs struct {
	Items  []MirroredTx `json:"items"`
	Next   string       `json:"next,omitempty" doc:"Pass as cursor to get the next page; absent on the last"`
	Height uint64       `json:"height" doc:"Newest block the mirror held"`
}

// EventQuery asks for events, newest first.
type EventQuery struct {
	Contract string `query:"contract" maxLength:"32"`
	Name     string `query:"name" maxLength:"64"`
	Span
	MirrorPage
}

// MirroredEvent is an event as a mirror lists it.
type MirroredEvent struct {
	Event
	Time time.Time `json:"blockTime"`
}

// MirroredEvents is a page of events.
type MirroredEvents struct {
	Items  []MirroredEvent `json:"items"`
	Next   string          `json:"next,omitempty" doc:"Pass as cursor to get the next page; absent on the last"`
	Height uint64          `json:"height" doc:"Newest block the mirror held"`
}

// RecordQuery asks for records of one type. Columns are the fields that bundle.yaml declares,
// meta.* where the record library keeps the record, and block.created, block.updated (times)
// and block.height.
type RecordQuery struct {
	Contract string   `path:"contract" maxLength:"32"`
	Record   string   `path:"record" maxLength:"64"`
	Filter   []string `query:"filter,explode" maxItems:"16" example:"owner:eq:archives/clerk" doc:"column:operator:value with eq, ne, lt, le, gt, ge, in (values between commas) or prefix; all must hold"`
	Search   string   `query:"q" maxLength:"200" doc:"Words that all must stand in the record's texts"`
	Sort     []string `query:"sort" maxItems:"4" example:"-block.created" doc:"Columns between commas, - in front for descending; newest first if left out"`
	Columns  []string `query:"columns" maxItems:"64" doc:"Columns wanted, between commas; all but the sensitive ones if left out"`
	Key      string   `query:"key" maxLength:"520" doc:"The one record under this key"`
	MirrorPage
}

// MirroredRecord is a record as it stands.
type MirroredRecord struct {
	Key       string                     `json:"key" doc:"As text, or 0x and hex digits"`
	Fields    map[string]json.RawMessage `json:"fields"`
	Created   time.Time                  `json:"created" doc:"Time of the block that made it"`
	CreatedAt uint64                     `json:"createdHeight"`
	Updated   time.Time                  `json:"updated" doc:"Time of the block that wrote it last"`
	UpdatedAt uint64                     `json:"updatedHeight"`
	TxIndex   uint32                     `json:"txIndex" doc:"Transaction of that block"`
}

// MirroredRecords is a page of records.
type MirroredRecords struct {
	Items  []MirroredRecord `json:"items"`
	Next   string           `json:"next,omitempty" doc:"Pass as cursor to get the next page; absent on the last"`
	Height uint64           `json:"height" doc:"Newest block the mirror held"`
}

// StatisticQuery asks for a figure that a bundle declares.
type StatisticQuery struct {
	Contract  string `path:"contract" maxLength:"32"`
	Statistic string `path:"statistic" maxLength:"64"`
	Zone      int    `query:"zone" minimum:"-840" maximum:"840" doc:"Minutes by which days begin before UTC's: 480 for China"`
	Span
}

// MirroredStatistic is a figure computed of the records as they stand.
type MirroredStatistic struct {
	Name   string       `json:"name"`
	Title  types.Text   `json:"title"`
	Record string       `json:"record"`
	By     string       `json:"by,omitempty" doc:"day, month, year, or a column of the record"`
	Unit   string       `json:"unit,omitempty" doc:"Of what is added up"`
	Total  string       `json:"total" doc:"Over all groups; a decimal number"`
	Groups []FigureItem `json:"groups" doc:"By time ascending, else the largest first; the first 1000"`
	Height uint64       `json:"height" doc:"Newest block the mirror held when this was counted; what takes long is counted again after twenty times as long"`
}

// FigureItem is the figure of one group.
type FigureItem struct {
	Group string `json:"group"`
	Value string `json:"value" doc:"A decimal number"`
}

// ActivityQuery asks how many transactions there were.
type ActivityQuery struct {
	By       string `query:"by" enum:"hour,day,month,contract,method,code" default:"day"`
	Contract string `query:"contract" maxLength:"32"`
	Zone     int    `query:"zone" minimum:"-840" maximum:"840" doc:"Minutes by which days begin before UTC's, in whole hours: 480 for China"`
	Span
}

// Activity counts transactions by group.
type Activity struct {
	Items  []ActivityItem `json:"items" doc:"By time ascending, else the largest first; the newest or largest 1000"`
	Txs    uint64         `json:"txs" doc:"Over all groups"`
	Failed uint64         `json:"refused" doc:"Of these committed without effect"`
	Height uint64         `json:"height" doc:"Newest block the mirror held"`
}

// ActivityItem is one group.
type ActivityItem struct {
	Group   string `json:"group"`
	Txs     uint64 `json:"txs"`
	Refused uint64 `json:"refused"`
	Gas     uint64 `json:"gas"`
}

// Subscription is somebody who is told of events.
type Subscription struct {
	Name     string     `json:"name"`
	Kind     string     `json:"kind" enum:"webhook,nats"`
	To       string     `json:"to" doc:"Address, without credentials"`
	Contract string     `json:"contract,omitempty" doc:"Events of this contract alone"`
	Event    string     `json:"event,omitempty" doc:"Events of this name alone"`
	State    string     `json:"state" enum:"active,waiting,suspended" doc:"waiting: a delivery failed and is tried again; suspended: too many failed"`
	Height   uint64     `json:"height" doc:"Events up to here were handed over or given up"`
	Index    uint32     `json:"eventIndex"`
	Sent     uint64     `json:"delivered"`
	Dead     uint64     `json:"dead" doc:"Deliveries that were given up"`
	Attempts int        `json:"attempts,omitempty" doc:"Failed ones of the delivery under way"`
	Next     *time.Time `json:"nextAttempt,omitempty"`
	Error    string     `json:"error,omitempty" doc:"Why the last attempt failed"`
}

// Subscriptions lists who is told of events.
type Subscriptions struct {
	Items []Subscription `json:"items"`
}

// DeadLetter is a delivery that was given up.
type DeadLetter struct {
	ID       string    `json:"id" example:"gov/1204/0" doc:"Of the event: chain/height/index"`
	Contract string    `json:"contract"`
	Event    string    `json:"event"`
	Attempts int       `json:"attempts"`
	Error    string    `json:"error" doc:"Why the last attempt failed"`
	Time     time.Time `json:"time" doc:"Of the last attempt"`
}

// DeadLetters is a page of deliveries that were given up, oldest first.
type DeadLetters struct {
	Items []DeadLetter `json:"items"`
}
