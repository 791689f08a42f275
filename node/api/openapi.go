package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/huchain/huchain/chain"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
)

type doc = map[string]any

// chainOpenAPI describes the routes of a chain's contracts, made of what they say of
// themselves. Contracts whose words are of no use are left out.
func (s *Server) chainOpenAPI(_ context.Context, in *ChainPath) (*rawJSON, error) {
	c, err := s.chain(in.Chain)
	if err != nil {
		return nil, err
	}
	list, err := c.Machine.Contracts(c.Ledger)
	if err != nil {
		return nil, err
	}
	paths, schemas := doc{}, doc{"Error": errorSchema, "Words": wordsSchema}
	var tags []doc
	for _, r := range list {
		x, err := s.faces.of(c, r)
		if types.CodeOf(err) == types.CodeManifestInvalid {
			continue
		} else if err != nil {
			return nil, err
		}
		tags = append(tags, doc{"name": r.Name, "description": x.Spec.Title.ZH + " / " + x.Spec.Title.EN})
		for name, t := range x.Schema.Defs {
			schemas[r.Name+"."+name] = renamed(r.Name, t)
		}
		for _, m := range r.Methods {
			if sm, ok := x.Schema.Methods[m.Name]; ok {
				paths[base+"/"+c.Name+"/contracts/"+r.Name+"/"+m.Name] = doc{"post": operation(r, &m, x, &sm)}
			}
		}
	}
	raw, err := json.Marshal(doc{
		"openapi": "3.1.0",
		"info": doc{"title": "Contracts of chain " + c.Name, "version": s.version,
			"description": "Made of the installed contracts. Everything else of the API is described at /api/v1/openapi.json."},
		"tags": tags, "paths": paths, "components": doc{"schemas": schemas},
	})
	return &rawJSON{ContentType: "application/json", Body: raw}, err
}

// renamed is a type whose references lead to the contract's own schemas.
func renamed(contract string, t *bundle.Type) *bundle.Type {
	if t == nil {
		return nil
	}
	out := *t
	if name, ok := strings.CutPrefix(t.Ref, "#/$defs/"); ok {
		out.Ref = "#/components/schemas/" + contract + "." + name
	}
	out.Items = renamed(contract, t.Items)
	if t.Properties != nil {
		out.Properties = make(map[string]*bundle.Type, len(t.Properties))
		for name, p := range t.Properties {
			out.Properties[name] = renamed(contract, p)
		}
	}
	return &out
}

func operation(r *chain.ContractRecord, m *bundle.Method, x *face, sm *bundle.SchemaMethod) doc {
	words := x.Spec.Methods[m.Name]
	content := doc{"application/octet-stream": doc{"schema": doc{"type": "string", "format": "binary", "description": "Signed transaction"}}}
	if !m.Writes && m.Allow == "public" {
		args := doc{"schema": renamed(r.Name, sm.Args)}
		if example, err := x.Example(m.Name); err == nil {
			args["example"] = example
		}
		content["application/json"] = args
	}
	about := fmt.Sprintf("%s\n\nAllowed to: `%s`. Arguments: `%s`.", sm.Doc, m.Allow, x.Schema.TypeWords(sm.Args))
	summary := m.Name
	if words.Title.ZH != "" {
		summary = words.Title.ZH + " / " + words.Title.EN
	}
	return doc{
		"operationId": r.Name + "." + m.Name, "tags": []string{r.Name}, "summary": summary, "description": strings.TrimSpace(about),
		"x-allow": m.Allow, "x-writes": m.Writes, "x-args": renamed(r.Name, sm.Args),
		"requestBody": doc{"required": true, "content": content},
		"responses": doc{
			"200": doc{"description": "The call took effect, or was answered",
				"content": doc{"application/json": doc{"schema": calledSchema(renamed(r.Name, sm.Result))}}},
			"default": doc{"description": "Refused", "content": doc{"application/json": doc{"schema": doc{"$ref": "#/components/schemas/Error"}}}},
		},
	}
}

func calledSchema(result *bundle.Type) doc {
	number, text := doc{"type": "integer", "minimum": 0}, doc{"type": "string"}
	return doc{"type": "object", "required": []string{"state", "result", "gasUsed", "height"}, "properties": doc{
		"state": doc{"type": "string", "enum": []string{"committed", "answered"}}, "result": result, "gasUsed": number, "height": number,
		"id": text, "index": number, "blockTime": doc{"type": "string", "format": "date-time"}, "events": number, "mismatch": text,
	}}
}

var (
	wordsSchema = doc{"type": "object", "properties": doc{"zh": doc{"type": "string"}, "en": doc{"type": "string"}}}
	errorSchema = doc{"type": "object", "required": []string{"code"}, "properties": doc{
		"code": doc{"type": "string"}, "detail": doc{"type": "string"}, "message": doc{"$ref": "#/components/schemas/Words"},
		"cause": doc{"$ref": "#/components/schemas/Words"}, "fix": doc{"$ref": "#/components/schemas/Words"},
	}}
)
