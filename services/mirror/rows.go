package mirror

import (
	"bytes"
	"regexp"
	"time"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/ledger/proof"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// batch is what whole blocks, in order, add to the tables. Rows are independent of how
// blocks are gathered into batches.
type batch struct {
	from, to  *proof.Contents
	blocks    [][]any
	txs       [][]any
	events    [][]any
	activity  map[activityKey]*activity
	removed   [][]any // keys deleted before the batch writes them, if it does
	records   map[recordKey]*recordRow
	inOrder   []recordKey        // of records, as first written
	cleaned   map[string]cleaned // of the block that is added
	manifests bool               // contracts were installed, upgraded or frozen
}

type activityKey struct {
	hour             int64 // since 1970
	contract, method string
	code             types.Code
}

// cleaned is what cleanJSON made of a text: an event often says what a row holds.
type cleaned struct {
	text  string
	value any
}

func (b *batch) clean(raw []byte) cleaned {
	c, ok := b.cleaned[string(raw)]
	if !ok {
		text, value := cleanJSON(raw)
		c = cleaned{string(text), value}
		b.cleaned[string(raw)] = c
	}
	return c
}

type activity struct{ txs, gas uint64 }

type recordKey struct{ contract, record, key string }

// recordRow is a state row that holds a JSON object: what bundles call a record. Which of
// them are records that people see is for the contract's manifest to say, at the time of a
// query; so an upgrade changes no row.
type recordRow struct {
	value, words     string
	deleted          bool
	created, updated int64 // block times in ms
	createdAt        uint64
	updatedAt        uint64
	txIndex          uint32
}

// contractsNamespace is where the chain keeps installed contracts.
const contractsNamespace = "contracts"

const hourMs = int64(time.Hour / time.Millisecond)

func newBatch() *batch {
	return &batch{activity: map[activityKey]*activity{}, records: map[recordKey]*recordRow{}, cleaned: map[string]cleaned{}}
}

// size is how many rows the batch writes, about.
func (b *batch) size() int { return len(b.txs) + len(b.events) + len(b.records) + len(b.blocks) }

// add projects a verified block.
func (b *batch) add(c *proof.Contents) error {
	if b.from == nil {
		b.from = c
	}
	b.to = c
	h := &c.Header
	at := h.Time / int64(time.Millisecond)
	b.blocks = append(b.blocks, []any{int64(h.Height), h.Hash().String(), at, len(c.Txs), len(c.Events), len(c.Writes)})
	clear(b.cleaned)
	ids := make([]string, len(c.Txs))
	for i, raw := range c.Txs {
		tx, err := types.DecodeTx(raw)
		if err != nil {
			return types.Errorf(types.CodeMirrorSource, "transaction %d of block %d: %w", i, h.Height, err)
		}
		r, err := types.DecodeReceipt(c.Receipts[i])
		if err != nil {
			return types.Errorf(types.CodeMirrorSource, "receipt %d of block %d: %w", i, h.Height, err)
		}
		ids[i] = r.TxID.String()
		contract, method := cleanText(tx.Body.Contract), cleanText(tx.Body.Method)
		b.txs = append(b.txs, []any{int64(h.Height), i, ids[i], tx.Body.Sender.String(), contract, method, int64(r.Code), int64(r.GasUsed), at})
		k := activityKey{at / hourMs, contract, method, r.Code}
		if b.activity[k] == nil {
			b.activity[k] = &activity{}
		}
		b.activity[k].txs++
		b.activity[k].gas += r.GasUsed
	}
	for i, raw := range c.Events {
		e, err := types.DecodeEvent(raw)
		if err == nil && int(e.TxIndex) >= len(ids) {
			err = types.Errorf(types.CodeMirrorSource, "of no transaction")
		}
		if err != nil {
			return types.Errorf(types.CodeMirrorSource, "event %d of block %d: %w", i, h.Height, err)
		}
		data := b.clean(rest.JSON(e.Data)).text
		b.events = append(b.events, []any{int64(h.Height), i, int64(e.TxIndex), ids[e.TxIndex], cleanText(e.Contract), cleanText(e.Name), data, at})
	}
	for i := range c.Writes {
		b.write(&c.Writes[i], h.Height, at)
	}
	return nil
}

// write takes up a state row, if it has the form of a record.
func (b *batch) write(w *proof.WritePart, height uint64, at int64) {
	if w.NS == contractsNamespace {
		b.manifests = true
	}
	k, ok := recordOf(w.NS, w.Key)
	if !ok {
		return
	}
	row := b.records[k]
	if w.Deleted {
		if row == nil {
			b.removed = append(b.removed, []any{at, int64(height), int64(w.TxIndex), k.contract, k.record, k.key})
			return
		}
		row.value, row.words, row.deleted, row.updated, row.updatedAt, row.txIndex = "{}", "", true, at, height, w.TxIndex
		return
	}
	if v := bytes.TrimLeft(w.Value, " \t\r\n"); len(v) == 0 || v[0] != '{' {
		return
	}
	value := b.clean(w.Value)
	object, ok := value.value.(map[string]any)
	if !ok {
		return
	}
	if row == nil {
		row = &recordRow{created: at, createdAt: height}
		b.records[k] = row
		b.inOrder = append(b.inOrder, k)
	}
	row.value, row.deleted, row.updated, row.updatedAt, row.txIndex = value.text, buried(object), at, height, w.TxIndex
	row.words = ""
	if !row.deleted {
		row.words = wordsOf(object)
	}
}

// buried reports whether a record is a tombstone of the record library.
func buried(v map[string]any) bool {
	meta, _ := v["meta"].(map[string]any)
	deleted, _ := meta["deleted"].(bool)
	return deleted
}

var recordName = regexp.MustCompile(`^` + bundle.MethodPattern + `$`)

// recordOf splits a state key as package state of the SDK writes it: <name>/<key>, or <name>
// alone for a single item. Keys of its indexes and histories have other forms of name.
func recordOf(ns string, key []byte) (recordKey, bool) {
	name, rest, _ := bytes.Cut(key, []byte{'/'})
	if !recordName.Match(name) || !types.ValidName(ns) {
		return recordKey{}, false
	}
	return recordKey{ns, string(name), keyText(rest)}, true
}
