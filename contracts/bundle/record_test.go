package bundle

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// recordDefects are changes of testdata/record.yaml, with what the loader says.
var recordDefects = []struct{ old, new, want string }{
	{"      task: {type: text}\n", "      task: {type: text}\n      meta: {type: text}\n", "bundle.yaml:12: record task: field meta is kept by the record library"},
	{"plain: {type: ref(plain)}", "plain: {type: text}", "bundle.yaml:12: record task: field plain points to plain in the code"},
	{"by: meta.state", "by: meta.colour", "cannot be grouped by \"meta.colour\""},
	{"columns: [task, meta.owner]", "columns: [meta.colour]", "view list: record task has no field \"meta.colour\""},
	{"{record: task, columns: [task, meta.owner]", "{record: plain, columns: [id, meta.owner]", "bundle.yaml:37: view list: record plain is not one of package record, it has no meta.owner"},
	{"{count: task, by", "{count: plain, by", "bundle.yaml:38: statistic perState: record plain is not"},
	{"{count: task, by: meta.state}", "{sum: plain.weight, by: meta.state}", "statistic perState: record plain is not one of package record, it has no meta.state"},
	{"{count: task, by: meta.state}", "{count: part, by: day}", "statistic perState: the contract does not store record part by itself"},
	{"by: meta.state", "by: note", "statistic perState: cannot be grouped by \"note\""},
	{"by: meta.state", "by: tags", "statistic perState: cannot be grouped by \"tags\""},
	{"by: meta.state", "by: scan", "statistic perState: cannot be grouped by \"scan\""},
	{"by: meta.state", "by: part", "statistic perState: cannot be grouped by \"part\""},
	{"filter: [meta.state]", "filter: [note]", "view list: field note is encrypted"},
	{"filter: [meta.state]", "sort: [note]", "view list: field note is encrypted"},
	{"flow:\n", "flaw:\n", "bundle.yaml:30: workflow flaw is not in the code"},
	{"flow:\n", "flaw:\n", "bundle.yaml:29: workflow flow of the code is missing here"},
	{"record: task\n    states", "record: plain\n    states", "bundle.yaml:31: workflow flow: record plain does not follow it"},
	{"states: [open, done]", "states: [done, open]", "bundle.yaml:32: workflow flow: its states differ from the code"},
	{"start: open", "start: done", "workflow flow: its states differ from the code"},
	{"edit: {from: open, allow: self}\n", "", "move edit of the code is missing here"},
	{"edit: {from: open", "amend: {from: open", "bundle.yaml:35: move amend is not in the code"},
	{"edit: {from: open,", "edit: {from: [open, done],", "bundle.yaml:35: move edit differs from the code"},
	{"edit: {from: open,", "edit: {from: open, to: done,", "bundle.yaml:35: move edit differs from the code"},
	{"to: done, allow: \"ANY role:admin\"", "to: done, allow: \"ANY role:client\"", "bundle.yaml:36: move close differs from the code"},
	{"to: done, allow: \"ANY role:admin\"", "to: done, allow: \"ALL role:admin\"", "bundle.yaml:36: move close differs from the code"},
}

// checkRecords checks testdata/record.yaml with one change.
func checkRecords(t *testing.T, old, changed string) []Finding {
	yamlRaw, err := os.ReadFile(filepath.Join("testdata", "record.yaml"))
	require.NoError(t, err)
	schemaRaw, err := os.ReadFile(filepath.Join("testdata", "record.json"))
	require.NoError(t, err)
	text := strings.Replace(string(yamlRaw), old, changed, 1)
	_, err = Check([]byte(text), schemaRaw)
	if err == nil {
		return nil
	}
	var all *Invalid
	require.True(t, errors.As(err, &all), "%v", err)
	return all.Findings
}

// Workflow tables, meta data and columns of package record agree with the code, or are
// refused with the line.
func TestRecordDefects(t *testing.T) {
	require.Empty(t, checkRecords(t, "", ""))
	for _, c := range recordDefects {
		var said []string
		for _, f := range checkRecords(t, c.old, c.new) {
			said = append(said, f.String())
		}
		require.Contains(t, strings.Join(said, "\n"), c.want, "%q", c.new)
	}
}

func TestCheckMove(t *testing.T) {
	w := &SchemaWorkflow{States: []string{"a", "b"}}
	require.NoError(t, w.CheckMove("go", SchemaMove{[]string{"a"}, "b", "self"}))
	require.NoError(t, w.CheckMove("stay", SchemaMove{[]string{"a", "b"}, "", "public"}))
	for _, m := range []SchemaMove{{nil, "b", "self"}, {[]string{"c"}, "b", "self"}, {[]string{"a"}, "c", "self"},
		{[]string{"a"}, "b", "nobody"}, {[]string{"a"}, "b", "2-of role:admin"}} {
		require.Error(t, w.CheckMove("go", m))
	}
	require.Error(t, w.CheckMove("Go", SchemaMove{[]string{"a"}, "b", "self"}))
}
