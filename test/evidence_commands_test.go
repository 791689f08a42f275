package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/services/connector"
	"github.com/huchain/huchain/types/rest"
)

// evidenceCommands: what tenants and administrators do by commands, with what they print and
// their exit statuses.
func (n *network) evidenceCommands(t *testing.T, tenant string) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	run := func(as string, out any, args ...string) {
		t.Helper()
		raw := n.huchain(append([]string{"evidence"}, append(args, "--as", as)...)...)
		require.NoError(t, json.Unmarshal(raw, out), "%s", raw)
	}
	refused := func(status int, as string, args ...string) (stdout []byte) {
		t.Helper()
		cmd := n.command(append([]string{"evidence"}, append(args, "--as", as)...)...)
		cmd.Stderr = nil
		out, err := cmd.Output()
		var exit *exec.ExitError
		require.True(t, errors.As(err, &exit), "%v", args)
		require.Equal(t, status, exit.ExitCode(), "%v: %s", args, exit.Stderr)
		return out
	}
	const admin, clerk, firm = "archives/admin", "archives/agency", "city/firm"

	// Running the service.
	var settings rest.Settings
	run(admin, &settings, "settings")
	require.NotEmpty(t, settings.Items)
	refused(1, clerk, "settings")
	var permissions rest.Permissions
	run(admin, &permissions, "permission", "set", "archives/reader", "auditor")
	require.Contains(t, permissions.Items, rest.Permission{Member: "archives/reader", Role: "auditor"})
	refused(1, clerk, "permission", "list")
	var flow rest.Flow
	run(admin, &flow, "flow", "show")
	raw, err := json.Marshal(flow)
	require.NoError(t, err)
	run(admin, &flow, "flow", "set", file("flow.json", string(raw)))
	refused(2, admin, "flow", "set", file("bad.json", `{"stepz":[]}`))
	var tenants rest.Tenants
	run(admin, &tenants, "tenant", "list", "--limit", "1")
	require.Len(t, tenants.Items, 1)
	require.NotEmpty(t, tenants.Next)
	var notices rest.Notices
	run(clerk, &notices, "notice", "list", "--unread")
	require.NotEmpty(t, notices.Items)
	var done rest.Done
	run(clerk, &done, "notice", "read", notices.Items[0].ID)
	run(clerk, &notices, "notice", "list", "--unread")
	require.Empty(t, notices.Items)
	var figures rest.EvidenceStatistics
	run(clerk, &figures, "statistics", "--type", "form")
	require.EqualValues(t, len(figures.ByType), 1)

	// An evidence chain.
	id := "cli-" + tenant[len(tenant)-8:]
	template := file("trade.json", fmt.Sprintf(`{"id":%q,"version":1,"title":"命令行","nodes":[{"name":"order","party":%q},{"name":"photo","party":%q}]}`, id, tenant, tenant))
	var t1 rest.EvidenceChainTemplate
	run(clerk, &t1, "chain-template", "save", template)
	refused(1, clerk, "chain-template", "save", template)
	run(clerk, &t1, "chain-template", "show", id, "--version", "1")
	require.Len(t, t1.Nodes, 2)
	refused(1, firm, "chain-template", "show", id)
	var c rest.EvidenceChain
	run(clerk, &c, "chain", "open", id+"-1", "--template", id, "--title", "一")
	refused(1, clerk, "chain", "add", id+"-1", "photo", "--text", "too early "+id)
	var r rest.EvidenceReceipt
	run(clerk, &r, "chain", "add", id+"-1", "order", file("order.txt", "order of "+id))
	require.Equal(t, "committed", r.State)
	run(clerk, &c, "chain", "verify", id+"-1")
	require.True(t, c.Valid && !c.Complete)
	require.Equal(t, []string{"photo"}, c.Due)
	refused(1, firm, "chain", "verify", id+"-1")

	// Courts, and grants.
	run(admin, &tenants, "tenant", "list")
	court := slices.IndexFunc(tenants.Items, func(t rest.Tenant) bool { return t.Kind == "court" })
	require.NotEqual(t, -1, court)
	var opened rest.Case
	run(admin, &opened, "court", "case", "open", "(2026)沪0115民初9号", "--court", tenants.Items[court].ID)
	var grant rest.Grant
	run(clerk, &grant, "grant", r.ID, "case:(2026)沪0115民初9号", "--until", "2036-01-01T00:00:00Z")
	var grants rest.Grants
	run(clerk, &grants, "grants", r.ID)
	require.NotNil(t, grants.Items[0].Until)
	refused(1, firm, "court", "query", "(2026)沪0115民初9号", r.ID)
	refused(1, clerk, "court", "case", "list")
	run(admin, &opened, "court", "case", "close", opened.Number)
	require.NotNil(t, opened.Closed)

	n.evidenceCSV(t, dir, run, refused)
}

// evidenceCSV: rows are deposited once however often the file is imported; what is refused is
// kept with the reason; an export holds what was imported.
func (n *network) evidenceCSV(t *testing.T, dir string, run func(string, any, ...string), refused func(int, string, ...string) []byte) {
	const clerk = "archives/agency"
	mark := filepath.Base(dir) + fmt.Sprint(len(dir)) + t.Name()
	path := filepath.Join(dir, "rows.csv")
	text := "title,text,file,tags\n"
	for i := range 20 {
		text += fmt.Sprintf("第%d行,text %d of %s,,csv;a\n", i, i, mark)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "scan.bin"), []byte("scan of "+mark), 0o644))
	text += "扫描,,scan.bin,csv\n空,,,csv\n越界,,../x,csv\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	for range 2 {
		var out struct {
			Rows, Rejected int
			RejectedFile   string
		}
		require.NoError(t, json.Unmarshal(refused(1, clerk, "import", path), &out))
		require.Equal(t, 23, out.Rows)
		require.Equal(t, 2, out.Rejected)
		dead, err := os.Open(out.RejectedFile)
		require.NoError(t, err)
		var rows []map[string]string
		require.NoError(t, connector.ReadCSV(dead, func(_ int, f map[string]string) error { rows = append(rows, f); return nil }))
		require.NoError(t, dead.Close())
		require.Len(t, rows, 2)
		for _, row := range rows {
			require.Equal(t, "HC-1002", row["rejectedCode"], "%v", row)
		}
	}
	out := filepath.Join(dir, "out.csv")
	var exported struct{ Rows int }
	run(clerk, &exported, "export", "--tag", "csv", "--out", out)
	require.Equal(t, 21, exported.Rows, "once each")
	f, err := os.Open(out)
	require.NoError(t, err)
	defer f.Close()
	titles := map[string]bool{}
	require.NoError(t, connector.ReadCSV(f, func(_ int, row map[string]string) error {
		titles[row["title"]] = true
		require.Equal(t, "committed", row["state"])
		require.Len(t, row["sm3"], 64)
		return nil
	}))
	require.Len(t, titles, 21)
	refused(2, clerk, "export")
	require.NoError(t, os.WriteFile(path, []byte("title,colour\na,b\n"), 0o644))
	refused(1, clerk, "import", path)
}

// evidenceRefusals holds every route of the service, as its description lists them, against
// callers without a login, bodies that are no JSON, and bodies that are too large.
func (n *network) evidenceRefusals(t *testing.T, token string) {
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody *struct {
				Content map[string]json.RawMessage
			}
		}
	}
	base := n.Nodes[0].URL()
	ask := func(method, path, token, kind string, body io.Reader) (int, rest.Error) {
		req, err := http.NewRequestWithContext(t.Context(), method, base+path, body)
		require.NoError(t, err)
		if kind != "" {
			req.Header.Set("Content-Type", kind)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err, "%s %s", method, path)
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		var e rest.Error
		if resp.StatusCode >= 400 {
			require.NoError(t, json.Unmarshal(raw, &e), "%s %s: %s", method, path, raw)
			require.NotEmpty(t, e.Code)
			require.NotEmpty(t, e.Fix.ZH)
		}
		return resp.StatusCode, e
	}
	resp, err := http.Get(base + "/api/v1/openapi.json")
	require.NoError(t, err)
	defer resp.Body.Close()
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&doc))
	// Open to everybody: to verify, to apply with a DID's signature, to take keys by a claim.
	public := map[string]bool{"POST verifications": true, "POST openings": true, "POST openings/x/claims": true}
	routes := 0
	for path, methods := range doc.Paths {
		_, what, ok := strings.Cut(path, "/{chain}/evidence/")
		if !ok {
			continue
		}
		for method, op := range methods {
			routes++
			method = strings.ToUpper(method)
			what := strings.NewReplacer("{id}", "x", "{to}", "x", "{number}", "x").Replace(what)
			url := "/api/v1/chains/" + n.Chain + "/evidence/" + what
			kind, good := "", ""
			if op.RequestBody != nil {
				kind, good = "application/json", "{}"
				if _, raw := op.RequestBody.Content["application/octet-stream"]; raw {
					kind, good = "application/octet-stream", "x"
				}
			}
			if op.RequestBody == nil || kind != "application/json" {
				status, e := ask(method, url, "", kind, strings.NewReader(good))
				require.Equal(t, http.StatusUnauthorized, status, "%s %s: %+v", method, url, e)
				require.Equal(t, "HC-1016", e.Code)
			}
			if kind != "application/json" {
				continue
			}
			for _, bad := range []string{"", "{", `[]`, `{"unheardOf":1}`, "\xff", strings.Repeat("[", 100_000)} {
				status, e := ask(method, url, token, kind, strings.NewReader(bad))
				if public[method+" "+what] || status != http.StatusForbidden {
					require.GreaterOrEqual(t, status, 400, "%s %s %.20q: %+v", method, url, bad, e)
					require.Less(t, status, 500, "%s %s %.20q: %+v", method, url, bad, e)
				}
			}
			status, e := ask(method, url, token, kind, strings.NewReader(`{"text":"`+strings.Repeat("x", 5<<20)+`"}`))
			require.Equal(t, http.StatusRequestEntityTooLarge, status, "%s %s: %+v", method, url, e)
		}
	}
	require.Greater(t, routes, 40)
}
