package connector

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/huchain/huchain/types"
)

// Bounds of a CSV file.
const (
	MaxColumns  = 100
	MaxRowBytes = 64 << 10
)

// bom marks UTF-8 in files of spreadsheets.
const bom = "\ufeff"

// ReadCSV reads a file whose first row names the columns (RFC 4180, UTF-8) and hands on row
// by row, from 1. A malformed row, or an error of row, ends it with HC-1002 and the line.
func ReadCSV(in io.Reader, row func(n int, fields map[string]string) error) error {
	r := csv.NewReader(in)
	r.ReuseRecord = true
	bad := func(format string, args ...any) error { return types.Errorf(types.CodeUsage, "CSV: "+format, args...) }
	head, err := r.Read()
	if err != nil {
		return bad("%w", err)
	}
	names := make([]string, len(head))
	seen := map[string]bool{}
	for i, name := range head {
		if i == 0 {
			name = strings.TrimPrefix(name, bom)
		}
		names[i] = strings.TrimSpace(name)
		if names[i] == "" || seen[names[i]] || len(head) > MaxColumns {
			return bad("at most %d columns, each with a name of its own; column %d is %q", MaxColumns, i+1, name)
		}
		seen[names[i]] = true
	}
	for n := 1; ; n++ {
		values, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return bad("%w", err)
		}
		fields, size := make(map[string]string, len(names)), 0
		for i, v := range values {
			if size += len(v); size > MaxRowBytes || !utf8.ValidString(v) {
				return bad("row %d: at most %d bytes of UTF-8", n, MaxRowBytes)
			}
			fields[names[i]] = v
		}
		if err := row(n, fields); err != nil {
			return err
		}
	}
}

// CSVWriter writes rows that spreadsheets show as they are: a value that one would take for
// a formula gets a leading apostrophe.
type CSVWriter struct{ w *csv.Writer }

// NewCSVWriter begins a file with the names of its columns.
func NewCSVWriter(out io.Writer, columns ...string) (*CSVWriter, error) {
	if _, err := io.WriteString(out, bom); err != nil {
		return nil, err
	}
	w := &CSVWriter{csv.NewWriter(out)}
	return w, w.Write(columns...)
}

// Write adds a row.
func (w *CSVWriter) Write(values ...string) error {
	row := make([]string, len(values))
	for i, v := range values {
		if v != "" && strings.ContainsRune("=+-@\t\r", rune(v[0])) {
			v = "'" + v
		}
		row[i] = v
	}
	return w.w.Write(row)
}

// Flush ends the file.
func (w *CSVWriter) Flush() error {
	w.w.Flush()
	return w.w.Error()
}
