// Package forms checks JSON values against the schema.json of a contract: arguments
// before they are sent or served, results and events before they are shown.
package forms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
)

// Forms are the compiled schemas of one contract. They are safe for concurrent use.
type Forms struct {
	args, results map[string]*jsonschema.Schema
	init          *jsonschema.Schema
}

// closed refuses to load anything: a schema from the chain must not reach files.
type closed struct{}

// Load implements jsonschema.URLLoader.
func (closed) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s lies outside the schema", url)
}

const resource = "https://schema.invalid/schema.json" // a name; nothing is fetched

// Compile reads schema.json. Errors are HC-3303.
func Compile(raw []byte) (*Forms, error) {
	schema, err := bundle.ParseSchema(raw)
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, refuse(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(closed{})
	if err := c.AddResource(resource, doc); err != nil {
		return nil, refuse(err)
	}
	f := &Forms{args: map[string]*jsonschema.Schema{}, results: map[string]*jsonschema.Schema{}}
	for _, name := range slices.Sorted(maps.Keys(schema.Methods)) {
		m := schema.Methods[name]
		if m.Args == nil || m.Result == nil {
			return nil, refuse(fmt.Errorf("method %s lacks args or result", name))
		}
		if f.args[name], err = c.Compile(resource + "#/methods/" + name + "/args"); err != nil {
			return nil, refuse(err)
		}
		if f.results[name], err = c.Compile(resource + "#/methods/" + name + "/result"); err != nil {
			return nil, refuse(err)
		}
	}
	if schema.Init != nil {
		if f.init, err = c.Compile(resource + "#/init"); err != nil {
			return nil, refuse(err)
		}
	}
	return f, nil
}

func refuse(err error) error {
	return types.Errorf(types.CodeManifestInvalid, "%s: %w", bundle.SchemaFile, err)
}

// Args checks the arguments of a method: HC-2202 if they do not fit, HC-3102 if there is
// no such method. No bytes stand for {}.
func (f *Forms) Args(method string, raw []byte) error {
	s, ok := f.args[method]
	if !ok {
		return types.Errorf(types.CodeUnknownMethod, "%s", method)
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		raw = []byte("{}")
	}
	if err := check(s, raw); err != nil {
		return types.Errorf(types.CodeBadArguments, "%w", err)
	}
	return nil
}

// Result checks what a method returned: HC-3304 if it does not fit.
func (f *Forms) Result(method string, raw []byte) error {
	s, ok := f.results[method]
	if !ok {
		return types.Errorf(types.CodeUnknownMethod, "%s", method)
	}
	if err := check(s, raw); err != nil {
		return types.Errorf(types.CodeResultForm, "%s: %w", method, err)
	}
	return nil
}

// Params checks the parameters of init; a contract without init takes none.
func (f *Forms) Params(raw []byte) error {
	if f.init == nil {
		return errors.New("the contract has no init")
	}
	return check(f.init, raw)
}

// check returns where a value departs from its schema, and how.
func check(s *jsonschema.Schema, raw []byte) error {
	if !json.Valid(raw) {
		return errors.New("not JSON")
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	err = s.Validate(v)
	var bad *jsonschema.ValidationError
	if !errors.As(err, &bad) {
		return err
	}
	for len(bad.Causes) > 0 {
		bad = bad.Causes[0]
	}
	return fmt.Errorf("%s: %s", place(bad.InstanceLocation), bad.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
}

// place renders a path as $.a.b[0].
func place(path []string) string {
	var b strings.Builder
	b.WriteString("$")
	for _, p := range path {
		if p != "" && strings.Trim(p, "0123456789") == "" {
			b.WriteString("[" + p + "]")
		} else {
			b.WriteString("." + p)
		}
	}
	return b.String()
}
