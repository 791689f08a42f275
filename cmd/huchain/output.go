package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// Exit statuses.
const (
	exitOK      = 0
	exitRefused = 1
	exitUsage   = 2
	exitUnknown = 3
)

// chinese reports whether messages are in Chinese: by --lang, else by locale.
func (a *app) chinese() bool {
	if a.lang != "" {
		return a.lang == "zh"
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			return strings.HasPrefix(v, "zh")
		}
	}
	return false
}

// say picks the text in the language of the invocation.
func (a *app) say(zh, en string) string {
	if a.chinese() {
		return zh
	}
	return en
}

func (a *app) text(t types.Text) string { return a.say(t.ZH, t.EN) }

// report writes err to standard error as code, message, cause and fix, and returns the
// exit status it stands for.
func (a *app) report(err error) int {
	code := types.CodeOf(err)
	status := exitRefused
	switch code {
	case types.CodeUsage:
		status = exitUsage
	case types.CodeOutcomeUnknown:
		status = exitUnknown
	}
	e := rest.NewError(err)
	var u *rest.UnknownOutcome
	if errors.As(err, &u) {
		e.TxID = u.ID.String()
	}
	if a.output == "json" {
		enc := json.NewEncoder(a.err)
		enc.SetEscapeHTML(false)
		enc.Encode(e) //nolint:errcheck // standard error is closed: nobody to tell
		return status
	}
	fmt.Fprintf(a.err, "%s: %s\n", e.Code, a.text(e.Message))
	if e.Detail != "" {
		fmt.Fprintf(a.err, "  %s\n", e.Detail)
	}
	if cause := a.text(e.Cause); cause != "" {
		fmt.Fprintf(a.err, "  %s%s\n", a.say("原因：", "cause: "), cause)
	}
	if fix := a.text(e.Fix); fix != "" {
		fmt.Fprintf(a.err, "  %s%s\n", a.say("处理：", "fix:   "), fix)
	}
	if e.TxID != "" {
		fmt.Fprintf(a.err, "  huchain query tx %s\n", e.TxID)
	}
	return status
}

// print writes a result: as indented JSON with -o json, else as text writes it.
func (a *app) print(v any, text func(w io.Writer)) error {
	if a.output == "json" {
		enc := json.NewEncoder(a.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	text(w)
	return w.Flush()
}

// field is one labelled line of text output.
type field struct {
	zh, en string
	value  any
}

// fields writes labelled lines; empty values are left out.
func (a *app) fields(w io.Writer, list ...field) {
	for _, f := range list {
		if s := fmt.Sprint(f.value); s != "" && s != "<nil>" {
			fmt.Fprintf(w, "%s\t%s\n", a.say(f.zh, f.en), s)
		}
	}
}

// compact renders raw JSON on one line, as it came.
func compact(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	return string(raw)
}
