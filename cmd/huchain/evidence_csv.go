package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// fieldColumn begins the names of columns that hold fields of a template.
const fieldColumn = "field."

// Columns that a file of rejected rows has besides those of its source.
const (
	rejectedRow   = "rejectedRow"
	rejectedCode  = "rejectedCode"
	rejectedCause = "rejectedCause"
)

// csvRow is a row of a file of deposits.
type csvRow struct {
	rest.EvidenceDeposit
	file, key string
}

// parseRow reads a row; an unknown column is HC-1002, so that none is dropped in silence.
func parseRow(fields map[string]string) (*csvRow, error) {
	r := &csvRow{}
	for name, v := range fields {
		switch name {
		case "title":
			r.Title = v
		case "text":
			r.Text = v
		case "file":
			r.file = v
		case "template":
			r.Template = v
		case "tags":
			r.Tags = strings.FieldsFunc(v, func(c rune) bool { return c == ';' || c == '；' })
		case "chain":
			r.Chain = v
		case "node":
			r.Node = v
		case "key":
			r.key = v
		case rejectedRow, rejectedCode, rejectedCause:
		default:
			field, ok := strings.CutPrefix(name, fieldColumn)
			if !ok {
				return nil, types.Errorf(types.CodeUsage, "column %q: title, text, file, template, tags, chain, node, key or field.NAME", types.CleanText(name, 64))
			}
			if v != "" {
				if r.Fields == nil {
					r.Fields = map[string]string{}
				}
				r.Fields[field] = v
			}
		}
	}
	return r, nil
}

// keyOf is the idempotence key of a row: its own, or what the row and its file say, so that a
// file that is imported again deposits nothing twice.
func (r *csvRow) keyOf(fields map[string]string, content []byte) string {
	if r.key != "" {
		return r.key
	}
	h := crypto.NewHash()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !strings.HasPrefix(name, "rejected") {
			fmt.Fprintf(h, "%q=%q\n", name, fields[name])
		}
	}
	h.Write(content)
	return "csv-" + crypto.Hash(h.Sum(nil)).String()
}

// put hands a row in and waits until the chain holds it.
func putRow(ctx context.Context, e *client.Evidence, dir string, fields map[string]string) error {
	r, err := parseRow(fields)
	if err != nil {
		return err
	}
	var content []byte
	if r.file != "" {
		if !filepath.IsLocal(r.file) {
			return types.Errorf(types.CodeUsage, "file %q lies outside the folder of the CSV file", types.CleanText(r.file, 200))
		}
		if content, err = os.ReadFile(filepath.Join(dir, r.file)); err != nil {
			return types.Errorf(types.CodeUsage, "%w", err)
		}
	}
	key := r.keyOf(fields, content)
	var got *rest.EvidenceReceipt
	if r.file != "" {
		got, err = e.DepositFile(ctx, &r.EvidenceDeposit, filepath.Base(r.file), content, key)
	} else {
		got, err = e.DepositText(ctx, &r.EvidenceDeposit, key)
	}
	if err == nil && got.State != "committed" {
		err = types.Errorf(types.CodeNotReady, "deposit %s is %s", got.ID, got.State)
	}
	return err
}

func evidenceImportCmd(a *app) *cobra.Command {
	var rejected string
	var workers int
	c := a.evidenceLeaf("import FILE.csv", "deposit every row of a CSV file",
		"The first row names the columns: title, text or file (a path beside the CSV file), template, field.NAME, tags (a;b), chain,\n"+
			"node, key. Rows go in side by side; what fails for a while is tried again. A row is deposited once however often the file\n"+
			"is imported, under its key or what it holds. Rows that are refused are written to --rejected with the reason, to be\n"+
			"corrected and imported; exit status 1 then.",
		"  huchain evidence import deposits.csv --as clerk", 1, 1,
		func(ctx context.Context, e *client.Evidence, args []string) error {
			in, err := os.Open(args[0])
			if err != nil {
				return types.Errorf(types.CodeUsage, "%w", err)
			}
			defer in.Close()
			if rejected == "" {
				rejected = strings.TrimSuffix(args[0], ".csv") + ".rejected.csv"
			}
			dead := &deadRows{path: rejected}
			step, end := a.countingDeposits()
			i := connector.Importer{Workers: workers, Backoff: connector.Backoff{Attempts: 8, First: 200 * time.Millisecond, Max: 10 * time.Second}, Rejected: dead.add, Progress: step,
				Put: func(ctx context.Context, _ int, fields map[string]string) error {
					return putRow(ctx, e, filepath.Dir(args[0]), fields)
				}}
			done, err := i.Run(ctx, in)
			end()
			if cerr := dead.close(); err == nil {
				err = cerr
			}
			if err != nil {
				return err
			}
			out := map[string]any{"rows": done.Rows, "rejected": done.Rejected}
			if done.Rejected > 0 {
				out["rejectedFile"] = rejected
			}
			err = a.print(out, func(w io.Writer) {
				a.fields(w, field{"行数", "rows", done.Rows}, field{"拒绝", "rejected", done.Rejected})
				if done.Rejected > 0 {
					a.fields(w, field{"拒绝的行", "rejected rows", rejected})
				}
			})
			if err == nil && done.Rejected > 0 {
				err = types.Errorf(types.CodeConnector, "%d of %d rows were refused: %s", done.Rejected, done.Rows, rejected)
			}
			return err
		})
	c.Flags().StringVar(&rejected, "rejected", "", "file for rows that are refused (default: FILE.rejected.csv)")
	c.Flags().IntVar(&workers, "workers", 16, "rows at a time")
	return c
}

// deadRows writes rows that were refused, and no file if there are none.
type deadRows struct {
	path    string
	file    *os.File
	csv     *connector.CSVWriter
	columns []string
}

func (d *deadRows) add(n int, fields map[string]string, cause error) error {
	if d.file == nil {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if !strings.HasPrefix(name, "rejected") {
				d.columns = append(d.columns, name)
			}
		}
		var err error
		if d.file, err = os.OpenFile(d.path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err == nil {
			d.csv, err = connector.NewCSVWriter(d.file, append(slices.Clone(d.columns), rejectedRow, rejectedCode, rejectedCause)...)
		}
		if err != nil {
			return types.Errorf(types.CodeDiskFailure, "%w", err)
		}
	}
	var row []string
	for _, name := range d.columns {
		row = append(row, fields[name])
	}
	return d.csv.Write(append(row, strconv.Itoa(n), types.CodeOf(cause).String(), types.CleanText(cause.Error(), 500))...)
}

func (d *deadRows) close() error {
	if d.file == nil {
		return nil
	}
	err := d.csv.Flush()
	if cerr := d.file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "%s: %w", d.path, err)
	}
	return nil
}

// countingDeposits is counting of deposits; step is nil where nobody watches.
func (a *app) countingDeposits() (step func(done int), ended func()) {
	progress, ended := a.counting()
	if progress == nil {
		return nil, ended
	}
	return func(done int) { progress(a.say("存证", "deposits"), uint64(done)) }, ended
}

var exportColumns = []string{"id", "state", "title", "file", "type", "media", "sizeBytes", "sm3", "sha256", "template", "tags", "chain", "node", "depositor", "app", "accepted", "transaction", "height", "blockTime", "error", "givenUp"}

func exportRow(r *rest.EvidenceReceipt) []string {
	tx, at, failure := "", "", ""
	if r.TxID != nil {
		tx = r.TxID.String()
	}
	if r.BlockTime != nil {
		at = r.BlockTime.Format(time.RFC3339Nano)
	}
	if r.Error != nil {
		failure = r.Error.Code
	}
	var gone []string
	for _, g := range r.GivenUp {
		gone = append(gone, g.TxID.String())
	}
	return []string{r.ID, r.State, r.Title, r.FileName, r.Type, r.Media, strconv.FormatInt(r.SizeBytes, 10), r.Hash.String(), r.SHA256, r.Template, strings.Join(r.Tags, ";"),
		r.Chain, r.Node, r.Depositor, r.App, r.Accepted.Format(time.RFC3339Nano), tx, strconv.FormatUint(r.Height, 10), at, failure, strings.Join(gone, ";")}
}

func evidenceExportCmd(a *app) *cobra.Command {
	var filter depositFilter
	var out string
	c := a.evidenceLeaf("export", "write deposits to a CSV file, newest first", "The same deposits as \"evidence search\" finds, all pages of them, for a spreadsheet: UTF-8 with a mark, and values that a\nspreadsheet would take for formulas get an apostrophe.",
		"  huchain evidence export --out deposits.csv --tag 合同 --as clerk", 0, 0,
		func(ctx context.Context, e *client.Evidence, _ []string) error {
			if out == "" {
				return types.Errorf(types.CodeUsage, "--out is required")
			}
			if err := filter.times(); err != nil {
				return err
			}
			draft := out + "~"
			f, err := os.OpenFile(draft, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
			if err != nil {
				return types.Errorf(types.CodeDiskFailure, "%w", err)
			}
			defer os.Remove(draft)
			step, end := a.countingDeposits()
			n, err := exportPages(ctx, e, &filter.EvidenceSearch, f, step)
			end()
			if cerr := f.Close(); err == nil && cerr != nil {
				err = types.Errorf(types.CodeDiskFailure, "%w", cerr)
			}
			if err == nil {
				if rerr := os.Rename(draft, out); rerr != nil {
					err = types.Errorf(types.CodeDiskFailure, "%w", rerr)
				}
			}
			if err != nil {
				return err
			}
			return a.print(map[string]any{"file": out, "rows": n}, func(w io.Writer) { a.fields(w, field{"文件", "file", out}, field{"行数", "rows", n}) })
		})
	filter.flags(c)
	c.Flags().StringVar(&out, "out", "", "file to write")
	return c
}

func exportPages(ctx context.Context, e *client.Evidence, q *rest.EvidenceSearch, to io.Writer, step func(int)) (int, error) {
	w, err := connector.NewCSVWriter(to, exportColumns...)
	if err != nil {
		return 0, types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	n := 0
	for q.Limit = 200; ; {
		page, err := e.Search(ctx, q)
		if err != nil {
			return n, err
		}
		for i := range page.Items {
			if err := w.Write(exportRow(&page.Items[i])...); err != nil {
				return n, types.Errorf(types.CodeDiskFailure, "%w", err)
			}
			n++
		}
		if step != nil {
			step(n)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return n, w.Flush()
		}
	}
}
