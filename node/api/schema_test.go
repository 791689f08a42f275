package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// promise holds every answer against what openapi.json says of its route, so that each
// test of the API also tests its description.
type promise struct {
	t       testing.TB
	next    http.Handler
	routes  *http.ServeMux // by the paths of the description
	paths   map[string]any
	mu      sync.Mutex
	schemas *jsonschema.Compiler
	seen    map[string]*jsonschema.Schema
}

func promised(t testing.TB, next http.Handler) *promise {
	p := &promise{t: t, next: next, routes: http.NewServeMux(), schemas: jsonschema.NewCompiler(), seen: map[string]*jsonschema.Schema{}}
	rec := &kept{header: http.Header{}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/api/v1/openapi.json", nil)
	require.NoError(t, err)
	next.ServeHTTP(rec, req)
	doc, err := jsonschema.UnmarshalJSON(&rec.body)
	require.NoError(t, err)
	require.NoError(t, p.schemas.AddResource("openapi.json", doc))
	p.paths = doc.(map[string]any)["paths"].(map[string]any)
	for path, item := range p.paths {
		for method := range item.(map[string]any) {
			p.routes.HandleFunc(strings.ToUpper(method)+" "+path, func(http.ResponseWriter, *http.Request) {})
		}
	}
	return p
}

// kept is an answer that is held back, or also sent on.
type kept struct {
	http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header {
	if k.ResponseWriter != nil {
		return k.ResponseWriter.Header()
	}
	return k.header
}

func (k *kept) WriteHeader(code int) {
	k.status = code
	if k.ResponseWriter != nil {
		k.ResponseWriter.WriteHeader(code)
	}
}

func (k *kept) Write(b []byte) (int, error) {
	k.body.Write(b)
	if k.ResponseWriter != nil {
		return k.ResponseWriter.Write(b)
	}
	return len(b), nil
}

func (k *kept) Unwrap() http.ResponseWriter { return k.ResponseWriter }

func (p *promise) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k := &kept{ResponseWriter: w, status: http.StatusOK}
	p.next.ServeHTTP(k, r)
	_, pattern := p.routes.Handler(r)
	method, path, ok := strings.Cut(pattern, " ")
	if !ok || p.t.Context().Err() != nil {
		return
	}
	responses := p.paths[path].(map[string]any)[strings.ToLower(method)].(map[string]any)["responses"].(map[string]any)
	status := strconv.Itoa(k.status)
	if _, ok := responses[status]; !ok {
		status = "default"
	}
	said, ok := responses[status].(map[string]any)
	if !assert.True(p.t, ok, "%s: no word of status %d", pattern, k.status) {
		return
	}
	content, _ := said["content"].(map[string]any) // a redirect has none
	for kind := range content {
		where := "openapi.json#/" + strings.Join([]string{"paths", escaped(path), strings.ToLower(method), "responses", status, "content", escaped(kind), "schema"}, "/")
		switch kind {
		case "text/event-stream":
			for line := range strings.Lines(k.body.String()) {
				if data, ok := strings.CutPrefix(line, "data: "); ok {
					p.holds(where, []byte(data))
				}
			}
		case "application/json", "application/problem+json":
			p.holds(where, k.body.Bytes())
		}
	}
}

func escaped(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B").Replace(s)
}

func (p *promise) holds(where string, body []byte) {
	p.mu.Lock()
	s := p.seen[where]
	if s == nil {
		var err error
		if s, err = p.schemas.Compile(where); !assert.NoError(p.t, err, where) {
			p.mu.Unlock()
			return
		}
		p.seen[where] = s
	}
	p.mu.Unlock()
	if !json.Valid(body) {
		assert.Fail(p.t, "answer is no JSON", "%s: %.200s", where, body)
		return
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if assert.NoError(p.t, err) {
		assert.NoError(p.t, s.Validate(v), "%s: %.300s", where, body)
	}
}
