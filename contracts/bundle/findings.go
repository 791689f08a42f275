package bundle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/huchain/huchain/types"
)

// Finding is one fault of a bundle: where it is, what is wrong, and what to do.
type Finding struct {
	File    string     `json:"file"`
	Line    int        `json:"line"` // from 1
	Path    string     `json:"path"` // keys down to the place, joined by dots
	Rule    string     `json:"rule"` // which rule is broken, for tools
	Message types.Text `json:"message"`
	Fix     types.Text `json:"fix"`
}

// String returns "file:line: message" in English.
func (f *Finding) String() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Message.EN) }

// Invalid is all that is wrong with a bundle, ascending by line; errors.As finds it in
// the HC-3303 that ParseSpec and Check return.
type Invalid struct{ Findings []Finding }

// Error returns the first finding, and how many more there are.
func (e *Invalid) Error() string {
	s := e.Findings[0].String()
	if n := len(e.Findings) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// maxFindings bounds what one check reports.
const maxFindings = 100

// findings gathers what is wrong; the zero value is ready.
type findings struct {
	list  []Finding
	lines lineIndex
}

// add notes a fault by its rule; args fill both languages of message and fix.
func (f *findings) add(path []string, rule string, args ...any) {
	f.addAt(f.lines.of(path...), path, rule, args...)
}

func (f *findings) addAt(line int, path []string, rule string, args ...any) {
	if len(f.list) == maxFindings {
		return
	}
	w := rules[rule]
	fill := func(t types.Text) types.Text {
		return types.Text{ZH: fillIn(t.ZH, args), EN: fillIn(t.EN, args)}
	}
	f.list = append(f.list, Finding{File: YAMLFile, Line: max(line, 1), Path: strings.Join(path, "."), Rule: rule, Message: fill(w.what), Fix: fill(w.fix)})
}

// fillIn puts args where {0}, {1}, … stand.
func fillIn(s string, args []any) string {
	pairs := make([]string, 0, 2*len(args))
	for i, a := range args {
		pairs = append(pairs, fmt.Sprintf("{%d}", i), fmt.Sprint(a))
	}
	return strings.NewReplacer(pairs...).Replace(s)
}

// err returns HC-3303 with the findings, nil if there are none.
func (f *findings) err() error {
	if len(f.list) == 0 {
		return nil
	}
	slices.SortStableFunc(f.list, func(a, b Finding) int { return a.Line - b.Line })
	return types.Errorf(types.CodeManifestInvalid, "%w", &Invalid{Findings: f.list})
}
