package test

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// described holds the answers of a node's evidence service against what its openapi.json says
// of their routes, while a test asks for them.
type described struct {
	t       *testing.T
	next    http.RoundTripper
	routes  *http.ServeMux // by the paths of the description
	paths   map[string]any
	mu      sync.Mutex // guards what follows
	schemas *jsonschema.Compiler
	seen    map[string]*jsonschema.Schema
	met     map[string]bool // routes that answered well
}

func describing(t *testing.T, url string) *described {
	resp, err := http.Get(url + "/api/v1/openapi.json")
	require.NoError(t, err)
	defer resp.Body.Close()
	doc, err := jsonschema.UnmarshalJSON(resp.Body)
	require.NoError(t, err)
	d := &described{t: t, next: http.DefaultTransport, routes: http.NewServeMux(), schemas: jsonschema.NewCompiler(), seen: map[string]*jsonschema.Schema{}, met: map[string]bool{}}
	require.NoError(t, d.schemas.AddResource("openapi.json", doc))
	d.paths = doc.(map[string]any)["paths"].(map[string]any)
	for path, item := range d.paths {
		for method := range item.(map[string]any) {
			d.routes.HandleFunc(strings.ToUpper(method)+" "+path, func(http.ResponseWriter, *http.Request) {})
		}
	}
	return d
}

// RoundTrip implements http.RoundTripper.
func (d *described) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := d.next.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	_, pattern := d.routes.Handler(r)
	method, path, ok := strings.Cut(pattern, " ")
	if !ok || !strings.Contains(path, "/{chain}/evidence/") || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/") || strings.HasPrefix(resp.Header.Get("Content-Type"), "application/octet-stream") {
		return resp, nil
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	responses := d.paths[path].(map[string]any)[strings.ToLower(method)].(map[string]any)["responses"].(map[string]any)
	status := strconv.Itoa(resp.StatusCode)
	if _, ok := responses[status]; !ok {
		status = "default"
	}
	said, _ := responses[status].(map[string]any)
	content, _ := said["content"].(map[string]any)
	for kind := range content {
		if strings.HasSuffix(kind, "json") {
			d.holds(pattern, strings.Join([]string{"openapi.json#", "paths", pointer(path), strings.ToLower(method), "responses", status, "content", pointer(kind), "schema"}, "/"), body)
		}
	}
	if resp.StatusCode < 300 {
		d.mu.Lock()
		d.met[pattern] = true
		d.mu.Unlock()
	}
	return resp, nil
}

func pointer(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B").Replace(s)
}

func (d *described) holds(route, where string, body []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.seen[where]
	if s == nil {
		var err error
		if s, err = d.schemas.Compile(where); !assert.NoError(d.t, err, where) {
			return
		}
		d.seen[where] = s
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if assert.NoError(d.t, err, "%s: %.200s", route, body) {
		assert.NoError(d.t, s.Validate(v), "%s: %.300s", route, body)
	}
}
