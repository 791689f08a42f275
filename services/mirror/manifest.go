package mirror

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// manifests keeps what contracts say of themselves for a while.
type manifests struct {
	age  time.Duration
	read func(ctx context.Context, contract string) (*rest.Interface, error)

	mu   sync.Mutex
	kept map[string]manifest
}

type manifest struct {
	of *bundle.Interface
	at time.Time
}

// maxManifests bounds how many are kept.
const maxManifests = 256

func newManifests(age time.Duration, read func(context.Context, string) (*rest.Interface, error)) *manifests {
	return &manifests{age: age, read: read, kept: map[string]manifest{}}
}

func (m *manifests) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.kept)
}

// of returns the interface of a contract: HC-3101 if it is not installed.
func (m *manifests) of(ctx context.Context, contract string) (*bundle.Interface, error) {
	m.mu.Lock()
	known, ok := m.kept[contract]
	m.mu.Unlock()
	if ok && time.Since(known.at) < m.age {
		return known.of, nil
	}
	raw, err := m.read(ctx, contract)
	if err != nil {
		return nil, err
	}
	i, err := bundle.ReadInterface(raw.Bundle, raw.Schema)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.kept) >= maxManifests {
		clear(m.kept)
	}
	m.kept[contract] = manifest{i, time.Now()}
	return i, nil
}

// Kinds of columns, by which values are read and compared.
type kind int

const (
	opaque  kind = iota // shown alone: lists, envelopes, embedded records
	textual             // compared by bytes
	whole
	decimals
	truth
	instant // a time in RFC 3339, as text
	day     // a date, as text
	blockMs // a column of the table: block time in ms
	heights
)

// column is what a query may speak of.
type column struct {
	name      string
	kind      kind
	sensitive bool
	path      []string // in the record's JSON; nil for columns of the table
	column    string   // of the table
}

// expr is the column as an expression that is never NULL.
func (c *column) expr(d dialect) string {
	if c.path == nil {
		return c.column
	}
	text := d.field(c.path...)
	switch c.kind {
	case whole, decimals:
		return "COALESCE(" + d.number(text, c.kind == whole) + ", 0)"
	case truth:
		return d.boolean(text)
	}
	return d.binary("COALESCE(" + text + ", '')")
}

// recordType is a type of records by its manifest.
type recordType struct {
	contract, record string // by the patterns of bundle.yaml: safe within SQL text
	spec             *bundle.Record
	columns          map[string]column
	order            []string // fields as the code declares them, then meta.*
}

var blockColumnsOf = []column{
	{name: "block.created", kind: blockMs, column: "created"},
	{name: "block.updated", kind: blockMs, column: "updated"},
	{name: "block.height", kind: heights, column: "created_at"},
}

// metaColumns are what the record library keeps.
var metaColumns = map[string]kind{"version": whole, "owner": textual, "state": textual, "by": textual, "time": instant, "created": instant}

// typeOf finds a record type: HC-4604 if the contract stores none of the name.
func typeOf(i *bundle.Interface, contract, record string) (*recordType, error) {
	spec, ok := i.Spec.Records[record]
	stored := i.Schema.Records[record]
	if !ok || stored.Storage != "map" && stored.Storage != "item" && stored.Storage != "record" {
		return nil, types.Errorf(types.CodeMirrorQuery, "contract %s keeps no records %q", contract, record)
	}
	t := &recordType{contract: contract, record: record, spec: &spec, columns: map[string]column{}}
	if value := i.Schema.Resolve(stored.Value); value != nil {
		for _, name := range value.Order {
			if _, ok := spec.Fields[name]; ok {
				t.order = append(t.order, name)
			}
		}
	}
	for name, f := range spec.Fields {
		t.columns[name] = column{name: name, kind: kindOf(i.Spec, f.Type), sensitive: f.Sensitive, path: []string{name}}
	}
	if key := t.columns[spec.Key]; stored.Key != nil && stored.Key.Format == "sm3" && key.kind == textual {
		// The key in hex digits is the field: what finds the key finds the field.
		key.path, key.column = nil, "key"
		t.columns[spec.Key] = key
	}
	if stored.Storage == "record" {
		for _, name := range slices.Sorted(maps.Keys(metaColumns)) {
			full := "meta." + name
			t.columns[full] = column{name: full, kind: metaColumns[name], path: []string{"meta", name}}
			t.order = append(t.order, full)
		}
	}
	for _, c := range blockColumnsOf {
		t.columns[c.name] = c
	}
	return t, nil
}

func kindOf(s *bundle.Spec, fieldType string) kind {
	t, err := bundle.ParseFieldType(fieldType)
	if err != nil || t.Elem != nil {
		return opaque
	}
	switch t.Name {
	case "int":
		return whole
	case "decimal":
		return decimals
	case "bool":
		return truth
	case "time":
		return instant
	case "date":
		return day
	case "file":
		return opaque
	case "ref":
		if s.Records[t.Ref].Key == "" {
			return opaque
		}
	}
	return textual
}

// find looks a column up that can be compared.
func (t *recordType) find(name string) (*column, error) {
	c, ok := t.columns[name]
	if !ok {
		names := slices.Sorted(maps.Keys(t.columns))
		return nil, types.Errorf(types.CodeMirrorQuery, "%s.%s has no column %q; there are %s", t.contract, t.record, name, strings.Join(names, ", "))
	}
	if c.kind == opaque {
		return nil, types.Errorf(types.CodeMirrorQuery, "column %s holds no plain value to compare", name)
	}
	return &c, nil
}

// where is the condition that a row is a live record of the type, without parameters: the
// planner then sees that the type's indexes apply.
func (t *recordType) where() string {
	return "contract = '" + t.contract + "' AND record = '" + t.record + "' AND deleted = 0"
}

// maxIndexes bounds the indexes of one record type; each costs every writing.
const maxIndexes = 4

// index makes the indexes that bundle.yaml asks for, once for each database and again when
// contracts have changed.
func (m *Mirror) index(ctx context.Context, s *store, src Source) error {
	if m.indexed == s {
		return nil
	}
	names, err := src.Contracts(ctx)
	if err != nil {
		return err
	}
	for _, contract := range names {
		i, err := m.manifests.of(ctx, contract)
		if err != nil {
			m.log.Warn("contract has no manifest to index by", "chain", m.chain, "contract", contract, "error", err)
			continue
		}
		for _, record := range slices.Sorted(maps.Keys(i.Spec.Records)) {
			t, err := typeOf(i, contract, record)
			if err != nil {
				continue // a part of other records
			}
			if err := s.indexType(ctx, t); err != nil {
				return err
			}
		}
	}
	m.indexed = s
	return nil
}

func (s *store) indexType(ctx context.Context, t *recordType) error {
	made := 0
	for _, name := range t.order {
		c := t.columns[name]
		if !t.spec.Fields[name].Indexed || c.path == nil || c.kind == opaque || made == maxIndexes {
			continue
		}
		made++
		if err := s.indexColumn(ctx, t, c.expr(s.dialect)); err != nil {
			return err
		}
	}
	return nil
}

// indexColumn makes the index by which the records with a value are found, newest first.
func (s *store) indexColumn(ctx context.Context, t *recordType, expr string) error {
	name := "by_" + crypto.Sum([]byte(t.contract + "\x00" + t.record + "\x00" + expr)).String()[:16]
	has, err := s.has(ctx, name)
	if err != nil || has {
		return err
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		if estimate := s.estimate(name); estimate != "" {
			if _, err := tx.ExecContext(ctx, estimate); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, "CREATE INDEX "+name+" ON record (("+expr+"), created_at, key) WHERE "+t.where())
		return err
	})
}
