package mirror

import (
	"fmt"
	"strconv"
	"strings"
)

// dialect is what differs between the databases. Identifiers that enter SQL text come from
// manifests and match their patterns; values are parameters always.
type dialect interface {
	name() string
	// param is the placeholder of the n-th parameter, from 1.
	param(n int) string
	// next is the placeholder of the n-th parameter where each stands once, in order.
	next(n int) string
	// insertWord begins the writing of rows, all of which a failure undoes.
	insertWord() string
	// schema makes the tables.
	schema() []string
	// estimate tells the planner, before an index on a column of one record type is made, how
	// many records share a value; "" for one that finds out by itself.
	estimate(index string) string
	// field is the text of a member of a record's JSON, NULL where there is none.
	field(path ...string) string
	// number makes a number of a text expression, NULL where it is none; whole for int64.
	number(text string, whole bool) string
	// boolean makes 1 or 0 of a text expression.
	boolean(text string) string
	// binary compares a text expression by bytes.
	binary(text string) string
	// when formats a time in ms, an expression, as day, month or year.
	when(ms, unit string) string
	// sum adds up a text expression of decimal numbers, exactly; a text.
	sum(text string) string
	// granted is the condition that one of some parties holds a read grant of a record.
	granted(parties, now string) string
	// search is the condition that a record holds terms; %s stands for the parameter.
	search(words []term) (condition, argument string)
}

// The columns of the tables, in the order in which they are written and compared.
var (
	blockColumns  = []string{"height", "hash", "time", "txs", "events", "writes"}
	txColumns     = []string{"height", "idx", "id", "sender", "contract", "method", "code", "gas", "time"}
	eventColumns  = []string{"height", "idx", "tx", "tx_id", "contract", "name", "data", "time"}
	recordColumns = []string{"contract", "record", "key", "value", "deleted", "created", "created_at", "updated", "updated_at", "tx"}
)

// schemaFormat changes with the tables; a database of another format is filled anew.
const schemaFormat = 3

// tables of the common part; %[1]s is the type of a record's value.
const tables = `
CREATE TABLE tip (one INTEGER PRIMARY KEY, format INTEGER NOT NULL, genesis TEXT NOT NULL, height BIGINT NOT NULL, hash TEXT NOT NULL, time BIGINT NOT NULL);
CREATE TABLE block (height BIGINT PRIMARY KEY, hash TEXT NOT NULL, time BIGINT NOT NULL, txs INTEGER NOT NULL, events INTEGER NOT NULL, writes INTEGER NOT NULL);
CREATE TABLE tx (height BIGINT NOT NULL, idx INTEGER NOT NULL, id TEXT NOT NULL, sender TEXT NOT NULL, contract TEXT NOT NULL, method TEXT NOT NULL,
	code INTEGER NOT NULL, gas BIGINT NOT NULL, time BIGINT NOT NULL, PRIMARY KEY (height, idx))%[2]s;
CREATE INDEX tx_contract ON tx (contract, method, height, idx);
CREATE INDEX tx_sender ON tx (sender, height, idx);
CREATE TABLE event (height BIGINT NOT NULL, idx INTEGER NOT NULL, tx INTEGER NOT NULL, tx_id TEXT NOT NULL, contract TEXT NOT NULL, name TEXT NOT NULL,
	data TEXT NOT NULL, time BIGINT NOT NULL, PRIMARY KEY (height, idx))%[2]s;
CREATE INDEX event_name ON event (contract, name, height, idx);
CREATE TABLE activity (hour BIGINT NOT NULL, contract TEXT NOT NULL, method TEXT NOT NULL, code INTEGER NOT NULL, txs BIGINT NOT NULL, gas BIGINT NOT NULL,
	PRIMARY KEY (hour, contract, method, code))%[2]s;
CREATE TABLE record (%[3]s, contract TEXT NOT NULL, record TEXT NOT NULL, key TEXT NOT NULL, value %[1]s NOT NULL, deleted INTEGER NOT NULL,
	created BIGINT NOT NULL, created_at BIGINT NOT NULL, updated BIGINT NOT NULL, updated_at BIGINT NOT NULL, tx INTEGER NOT NULL%[4]s,
	UNIQUE (contract, record, key));
CREATE INDEX record_created ON record (contract, record, created_at, key, deleted, created)`

func tableDDL(json, tail, id, more string) []string {
	return strings.Split(fmt.Sprintf(tables, json, tail, id, more), ";\n")
}

// sqliteDialect is SQLite 3.45 and later.
type sqliteDialect struct{}

func (sqliteDialect) name() string       { return "sqlite" }
func (sqliteDialect) param(n int) string { return "?" + strconv.Itoa(n) }

// next has no number: the driver looks numbers up in a list, for each parameter of a long
// statement from its beginning.
func (sqliteDialect) next(int) string { return "?" }

// insertWord: what ends the transaction needs no copies of pages to undo the statement alone.
func (sqliteDialect) insertWord() string { return "INSERT OR ROLLBACK" }

func (sqliteDialect) schema() []string {
	return append(tableDDL("TEXT", " WITHOUT ROWID", "id INTEGER PRIMARY KEY", ""),
		`CREATE VIRTUAL TABLE words USING fts5(body, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 0")`,
		// Each block adds a segment; merging them four at a time, as by default, writes each word
		// some more times.
		"INSERT INTO words (words, rank) VALUES ('automerge', 8)",
		// Makes the table of statistics. Of all tables it would say that the parts of the full-text
		// index are as small as they are now, and the index would delete ranges by reading everything.
		"ANALYZE tip",
		"INSERT INTO sqlite_stat1 VALUES ('record', 'record_created', '1000000 700000 700000 50 1 1 1'), ('record', 'sqlite_autoindex_record_1', '1000000 700000 700000 1')")
}

// estimate writes what ANALYZE would find on a long chain. Without it the planner takes two
// columns that most records share, contract and record, for a better choice than a value that
// few share, and reads all of them. What is written stays: plans do not change as the chain
// grows (sqlite.org/queryplanner-ng.html, "The Query Planner Stability Guarantee").
func (sqliteDialect) estimate(index string) string {
	return "INSERT INTO sqlite_stat1 VALUES ('record', '" + index + "', '1000000 100 50 1')"
}

func (sqliteDialect) field(path ...string) string {
	return "(value ->> '$." + strings.Join(path, ".") + "')"
}

func (sqliteDialect) number(text string, whole bool) string {
	if whole {
		return "CAST(" + text + " AS INTEGER)"
	}
	return "CAST(" + text + " AS REAL)"
}

func (sqliteDialect) boolean(text string) string { return "COALESCE(" + text + ", 0)" }

func (sqliteDialect) binary(text string) string { return text }

func (sqliteDialect) when(ms, unit string) string {
	format := map[string]string{"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}[unit]
	return "strftime('" + format + "', (" + ms + ") / 1000, 'unixepoch')"
}

func (sqliteDialect) sum(text string) string { return "huchain_sum(" + text + ")" }

func (sqliteDialect) granted(parties, now string) string {
	return "EXISTS (SELECT 1 FROM json_each(record.value, '$.meta.grants') g WHERE g.value ->> '$.to' IN (" + parties + ") AND COALESCE(g.value ->> '$.until', 'Z') > " + now +
		" AND EXISTS (SELECT 1 FROM json_each(g.value, '$.rights') r WHERE r.value = 'read'))"
}

func (sqliteDialect) search(terms []term) (condition, argument string) {
	var parts []string
	for _, t := range terms {
		p := `"` + strings.Join(t.words, " ") + `"`
		if len(t.words) == 1 {
			p += "*"
		}
		parts = append(parts, p)
	}
	return "id IN (SELECT rowid FROM words WHERE words MATCH %s)", strings.Join(parts, " AND ")
}

// postgresDialect is PostgreSQL 12 and later.
type postgresDialect struct{}

func (postgresDialect) name() string        { return "postgres" }
func (postgresDialect) param(n int) string  { return "$" + strconv.Itoa(n) }
func (p postgresDialect) next(n int) string { return p.param(n) }
func (postgresDialect) insertWord() string  { return "INSERT" }

func (postgresDialect) schema() []string {
	ddl := tableDDL("JSONB", "", "id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", ", words TSVECTOR NOT NULL")
	for i := range ddl {
		ddl[i] = strings.ReplaceAll(ddl[i], " TEXT ", ` TEXT COLLATE "C" `)
	}
	return append(ddl, "CREATE INDEX record_words ON record USING GIN (words)")
}

func (postgresDialect) field(path ...string) string {
	return "(value #>> '{" + strings.Join(path, ",") + "}')"
}

func (postgresDialect) number(text string, whole bool) string {
	if whole {
		return "CASE WHEN " + text + " ~ '^-?[0-9]{1,18}$' THEN " + text + "::bigint END"
	}
	return "CASE WHEN " + text + " ~ '^-?[0-9]{1,38}([.][0-9]{1,38})?$' THEN " + text + "::numeric END"
}

func (postgresDialect) boolean(text string) string {
	return "CASE WHEN " + text + " = 'true' THEN 1 ELSE 0 END"
}

func (postgresDialect) binary(text string) string { return text + ` COLLATE "C"` }

func (postgresDialect) when(ms, unit string) string {
	format := map[string]string{"hour": `YYYY-MM-DD"T"HH24`, "day": "YYYY-MM-DD", "month": "YYYY-MM", "year": "YYYY"}[unit]
	return "to_char(to_timestamp((" + ms + ") / 1000) AT TIME ZONE 'UTC', '" + format + "')"
}

func (p postgresDialect) sum(text string) string {
	return "COALESCE(SUM(" + p.number(text, false) + "), 0)::text"
}

func (postgresDialect) granted(parties, now string) string {
	return "EXISTS (SELECT 1 FROM jsonb_array_elements(CASE WHEN jsonb_typeof(value #> '{meta,grants}') = 'array' THEN value #> '{meta,grants}' ELSE '[]' END) g WHERE g ->> 'to' IN (" + parties +
		") AND COALESCE(g ->> 'until', 'Z') COLLATE \"C\" > " + now + " AND g -> 'rights' @> '[\"read\"]')"
}

func (postgresDialect) estimate(string) string { return "" } // autovacuum keeps statistics

// search makes a tsquery by hand: its own parser would cut hashes and ids by rules for
// prose. Words are letters and digits.
func (postgresDialect) search(terms []term) (condition, argument string) {
	var parts []string
	for _, t := range terms {
		var phrase []string
		for _, w := range t.words {
			phrase = append(phrase, "'"+w+"'")
		}
		if len(phrase) == 1 {
			phrase[0] += ":*"
		}
		parts = append(parts, strings.Join(phrase, " <-> "))
	}
	return "words @@ CAST(CAST(%s AS TEXT) AS TSQUERY)", strings.Join(parts, " & ")
}

// vector is the text form of a tsvector of words one behind the other.
func vector(words string) string {
	var b strings.Builder
	for i, w := range strings.Fields(words) {
		b.WriteString("'" + w + "':" + strconv.Itoa(i+1) + " ")
	}
	return b.String()
}
