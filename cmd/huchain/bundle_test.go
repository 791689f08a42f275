package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

var update = flag.Bool("update", false, "write what the extra bundle gives as golden files")

// guest is a bundle under a name made up for this run, installed on a chain of one
// validator in this process: nothing in the repository can know it.
type guest struct {
	t    *testing.T
	name string
	hash string
	home string
	web  string
}

func newGuest(t *testing.T) *guest {
	var b [4]byte
	rand.Read(b[:])
	g := &guest{t: t, name: "g" + hex.EncodeToString(b[:]), home: t.TempDir()}
	src := filepath.Join("testdata", "bundle")
	p := build.DefaultParams()
	p.Write = false
	made, err := build.Build(t.Context(), src, p) // also sees that generated files are up to date
	require.NoError(t, err)
	dir := t.TempDir()
	for _, file := range []string{bundle.YAMLFile, bundle.SchemaFile} {
		raw, err := os.ReadFile(filepath.Join(src, file))
		require.NoError(t, err)
		raw = bytes.Replace(raw, []byte("name: placeholder"), []byte("name: "+g.name), 1)
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), raw, 0o600))
	}
	pkg, err := bundle.Build(dir, made.Code)
	require.NoError(t, err)
	opened, err := bundle.Open(pkg)
	require.NoError(t, err)
	g.hash = opened.Hash.String()

	port, err := freePortRange()
	require.NoError(t, err)
	n, err := devnet.Create(t.Context(), devnet.Params{Home: g.home, Validators: 1, PortBase: port, Packages: map[string][]byte{g.name: pkg}})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- node.Run(ctx, n.NodeHome("node0"), node.Options{Stderr: io.Discard, Mirror: func(of node.MirrorOf) (node.Mirror, error) { return newMirroring(of) }, Ready: func(_, web string, _ []string) { ready <- web }})
	}()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
	})
	select {
	case g.web = <-ready:
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(2 * time.Minute):
		t.Fatal("the node is not ready")
	}
	return g
}

// cli runs one command line of the binary in this process.
func (g *guest) cli(want int, args ...string) string {
	g.t.Helper()
	var out, errs bytes.Buffer
	got := run(append(args, "--home", g.home), strings.NewReader(""), &out, &errs)
	require.Equal(g.t, want, got, "huchain %s\n%s%s", strings.Join(args, " "), out.String(), errs.String())
	return out.String() + errs.String()
}

// golden compares text with a file, in which {{name}} stands for the made-up name.
func (g *guest) golden(file, text string) {
	g.t.Helper()
	text = strings.NewReplacer(g.name, "{{name}}", g.hash, "{{hash}}").Replace(text)
	file = filepath.Join("testdata", "bundle", file)
	if *update {
		require.NoError(g.t, os.WriteFile(file, []byte(text), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(g.t, err)
	require.Equal(g.t, string(want), text, file)
}

// post sends a body to the route of a method.
func (g *guest) post(method, contentType string, body []byte) (int, string) {
	g.t.Helper()
	resp, err := http.Post(g.web+"/api/v1/chains/gov/contracts/"+g.name+"/"+method, contentType, bytes.NewReader(body))
	require.NoError(g.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(g.t, err)
	return resp.StatusCode, string(raw)
}

// A bundle that no code mentions has help, completion, API routes, OpenAPI, a Go client,
// enforced permissions and listed statistics, all from its package.
func TestBundleThatNobodyKnows(t *testing.T) {
	g := newGuest(t)
	t.Setenv("LANG", "C")
	g.commands()
	g.routes()
	g.openAPI()
	g.goClient()
	g.mirror()
	g.parameters()
}

func (g *guest) commands() {
	var all strings.Builder
	for _, args := range [][]string{
		{"contract", "show", g.name},
		{"contract", "show", g.name, "--lang", "zh"},
		{"contract", "show", g.name, "harvest"},
		{"contract", "show", g.name, "audit", "--lang", "zh"},
		{"contract", "show", g.name, "register", "-o", "json"},
		{"__complete", "tx", "call", "g"},
		{"__complete", "tx", "call", g.name, ""},
		{"__complete", "query", "view", g.name, ""},
		{"__complete", "contract", "show", g.name, "ha"},
	} {
		fmt.Fprintf(&all, "$ huchain %s\n%s\n", strings.Join(args, " "), g.cli(exitOK, args...))
	}
	help := g.cli(exitOK, "tx", "call", g.name, "register", "--help")
	require.Contains(g.t, help, "--async", "the command's own help comes first")
	_, help, ok := strings.Cut(help, g.name+".register")
	require.True(g.t, ok)
	fmt.Fprintf(&all, "$ huchain tx call %s register --help\n%s.register%s", g.name, g.name, help)
	g.golden("cli.golden", all.String())
	require.Contains(g.t, g.cli(exitOK, "tx", "call", g.name, "burn", "--help"), "HC-3102")
	require.Contains(g.t, g.cli(exitRefused, "contract", "show", g.name, "burn"), "HC-3102")
	require.Contains(g.t, g.cli(exitRefused, "contract", "show", "nothing"), "HC-3101")
}

const plot = `{"plot":"p-7","planted":"2026-03-02T01:00:00Z","trees":[{"kind":"梨","count":40},{"kind":"枣","count":60}]}`

func (g *guest) routes() {
	ctx, t := g.t.Context(), g.t
	cl, members := g.connect()
	status, text := g.post("get", "application/json", []byte(`{"plot":"p-7"}`))
	require.Equal(t, http.StatusUnprocessableEntity, status, text)
	require.Contains(t, text, g.name+".not_found")
	status, text = g.post("register", "application/json", []byte(plot))
	require.Contains(t, text, types.CodeReadOnly.String(), "%d %s", status, text)

	signed := func(as, method, args string) []byte {
		tx, err := cl.Sign(members(as), g.name, method, json.RawMessage(args))
		require.NoError(t, err)
		with, err := tx.WithCertificate(members(as).Certificate)
		require.NoError(t, err)
		return with.Bytes()
	}
	for _, c := range []struct{ as, method, args, code string }{
		{"clerk", "register", `{"plot":"p-7"}`, "HC-2202"},
		{"clerk", "register", strings.Replace(plot, "40", `"40"`, 1), "HC-2202"},
	} {
		status, text = g.post(c.method, "application/octet-stream", signed(c.as, c.method, c.args))
		require.Equal(t, http.StatusBadRequest, status, text)
		require.Contains(t, text, c.code)
	}
	txs, err := cl.Txs(ctx, client.TxsBy{Contract: g.name}, client.Page{})
	require.NoError(t, err)
	require.Empty(t, txs.Items, "arguments of the wrong form reach no block")

	status, text = g.post("register", "application/octet-stream", signed("clerk", "register", plot))
	require.Equal(t, http.StatusOK, status, text)
	var called rest.Called
	require.NoError(t, json.Unmarshal([]byte(text), &called))
	require.Equal(t, "committed", called.State)
	require.Empty(t, called.Mismatch)
	status, text = g.post("get", "application/json; charset=utf-8", []byte(`{"plot":"p-7"}`))
	require.Equal(t, http.StatusOK, status, text)
	require.Contains(t, text, `"owner":"archives/clerk"`)
	for _, c := range []struct {
		as, method, args, code string
		status                 int
	}{
		{"auditor", "register", plot, "HC-2201", http.StatusForbidden},
		{"clerk", "register", strings.Replace(plot, "60", "61", 1), g.name + ".crowded", http.StatusUnprocessableEntity},
		{"auditor", "harvest", `{"plot":"p-7","grams":"5","grade":"first"}`, g.name + ".not_owner", http.StatusUnprocessableEntity},
		{"clerk", "audit", `{"plot":"p-7"}`, "HC-2201", http.StatusForbidden},
		{"auditor", "audit", `{"plot":"p-7"}`, `"state":"answered"`, http.StatusOK},
	} {
		status, text = g.post(c.method, "application/octet-stream", signed(c.as, c.method, c.args))
		require.Equal(t, c.status, status, text)
		require.Contains(t, text, c.code)
	}
	for _, c := range []struct{ method, kind, body, code string }{
		{"audit", "application/json", `{"plot":"p-7"}`, "HC-2201"},
		{"get", "application/json", `{"plot":7}`, "HC-2202"},
		{"get", "text/plain", `{"plot":"p-7"}`, "HC-1002"},
		{"get", "application/octet-stream", "no transaction", "HC-21"},
		{"get", "application/octet-stream", string(signed("clerk", "list", `{}`)), "HC-1002"},
		{"burn", "application/json", `{}`, "HC-3102"},
	} {
		status, text = g.post(c.method, c.kind, []byte(c.body))
		require.GreaterOrEqual(t, status, 400, text)
		require.Contains(t, text, c.code)
	}
}

func (g *guest) connect() (*client.Client, func(name string) *client.Identity) {
	p, err := client.LoadProfile(g.home, "devnet")
	require.NoError(g.t, err)
	cl, err := p.Connect(g.t.Context())
	require.NoError(g.t, err)
	loaded := map[string]*client.Identity{}
	return cl, func(name string) *client.Identity {
		if loaded[name] == nil {
			id, err := client.LoadMember(p.Members, name, func() ([]byte, error) {
				raw, err := os.ReadFile(p.PassphraseFile)
				return bytes.TrimSpace(raw), err
			})
			require.NoError(g.t, err)
			loaded[name] = id
		}
		return loaded[name]
	}
}

func (g *guest) openAPI() {
	cl, _ := g.connect()
	raw, err := cl.OpenAPI(g.t.Context())
	require.NoError(g.t, err)
	var doc struct {
		OpenAPI string         `json:"openapi"`
		Paths   map[string]any `json:"paths"`
		Info    map[string]any `json:"info"`
		Parts   struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}
	require.NoError(g.t, json.Unmarshal(raw, &doc))
	require.Equal(g.t, "3.1.0", doc.OpenAPI)
	require.Len(g.t, doc.Paths, 5)

	// Every schema of the document compiles, references and all.
	any3, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(g.t, err)
	c := jsonschema.NewCompiler()
	require.NoError(g.t, c.AddResource("https://chain.invalid/openapi.json", any3))
	for name := range doc.Parts.Schemas {
		_, err := c.Compile("https://chain.invalid/openapi.json#/components/schemas/" + name)
		require.NoError(g.t, err)
	}
	for path := range doc.Paths {
		at := "https://chain.invalid/openapi.json#/paths/" + strings.ReplaceAll(path, "/", "~1") + "/post/responses/200/content/application~1json/schema"
		s, err := c.Compile(at)
		require.NoError(g.t, err)
		if strings.HasSuffix(path, "/get") {
			_, answer := g.post("get", "application/json", []byte(`{"plot":"p-7"}`))
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(answer))
			require.NoError(g.t, err)
			require.NoError(g.t, s.Validate(v), "the answer has the form that OpenAPI promises")
		}
	}
	version, ok := doc.Info["version"].(string)
	require.True(g.t, ok)
	var pretty bytes.Buffer
	require.NoError(g.t, json.Indent(&pretty, raw, "", "  "))
	g.golden("openapi.golden", strings.Replace(pretty.String(), version, "{{version}}", 1)+"\n")
}

// user is a program written against the generated client.
const user = `package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/huchain/huchain/client"
	guest "github.com/huchain/huchain/client/{{name}}"
)

func main() {
	ctx := context.Background()
	p, err := client.LoadProfile(os.Args[1], "devnet")
	must(err)
	chain, err := p.Connect(ctx)
	must(err)
	secret, err := os.ReadFile(p.PassphraseFile)
	must(err)
	clerk, err := client.LoadMember(p.Members, "clerk", func() ([]byte, error) { return secret[:len(secret)-1], nil })
	must(err)
	c := guest.New(chain, clerk)
	planted := client.Time{Time: time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)}
	made, done, err := c.Register(ctx, guest.PlotArgs{Plot: "p-8", Planted: planted})
	must(err)
	plot, _, err := c.Harvest(ctx, guest.HarvestArgs{Plot: "p-8", Grams: 9007199254740993, Grade: guest.GradeFirst})
	must(err)
	got, err := c.Get(ctx, guest.PlotID{Plot: "p-8"})
	must(err)
	list, err := c.List(ctx, guest.PageArgs{Limit: 1})
	must(err)
	_, err = c.Get(ctx, guest.PlotID{Plot: "p-9"})
	_, denied := c.Audit(ctx, guest.PlotID{Plot: "p-8"})
	events, eerr := chain.Events(ctx, guest.Name, guest.EventHarvested, client.Page{})
	must(eerr)
	event, eerr := guest.DecodeEventHarvested(events.Items[0])
	must(eerr)
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"made": made, "committed": done.Height > 0, "plot": plot, "got": got, "list": list, "event": event,
		"missing": client.ContractError(err) == guest.ErrNotFound, "denied": denied.Error(),
	}))
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
`

func (g *guest) goClient() {
	t := g.t
	dir := t.TempDir()
	g.cli(exitOK, "contract", "client", g.name, "--lang", "go", "--out", dir)
	file := filepath.Join(dir, g.name+".go")
	code, err := os.ReadFile(file)
	require.NoError(t, err)
	g.golden("client.golden", string(code))

	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	program := filepath.Join(dir, "main.go")
	require.NoError(t, os.WriteFile(program, []byte(strings.ReplaceAll(user, "{{name}}", g.name)), 0o600))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(root, "client", g.name, g.name+".go"):         file,
		filepath.Join(root, "client", g.name, "program", "main.go"): program,
	}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	cmd := exec.Command("go", "run", "-overlay", filepath.Join(dir, "overlay.json"), "./client/"+g.name+"/program", g.home)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	plain := `{"plot":"p-8","trees":[],"owner":"archives/clerk","planted":"2026-03-04T05:06:07Z","grams":"0","resting":false}`
	full := strings.Replace(plain, `"grams":"0"`, `"grams":"9007199254740993","grade":"first"`, 1)
	p7 := `{"plot":"p-7","trees":[{"kind":"梨","count":40},{"kind":"枣","count":60}],"owner":"archives/clerk","planted":"2026-03-02T01:00:00Z","grams":"0","resting":false}`
	var got map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(out, &got), string(out))
	require.JSONEq(t, plain, string(got["made"]))
	require.JSONEq(t, full, string(got["plot"]))
	require.JSONEq(t, full, string(got["got"]))
	require.JSONEq(t, full, string(got["event"]))
	require.JSONEq(t, `true`, string(got["missing"]))
	require.JSONEq(t, `true`, string(got["committed"]))
	require.Contains(t, string(got["denied"]), "HC-2201")
	var list struct{ Items []json.RawMessage }
	require.NoError(t, json.Unmarshal(got["list"], &list))
	require.Len(t, list.Items, 1)
	require.JSONEq(t, p7, string(list.Items[0]))
}

// parameters are changed by governance and judged by the contract.
func (g *guest) parameters() {
	configure := []string{"contract", "configure", g.name, "--params"}
	require.Contains(g.t, g.cli(exitRefused, append(configure, `{"maxTrees":0}`, "--as", "archives/admin")...), g.name+".no_limit")
	require.Contains(g.t, g.cli(exitRefused, append(configure, `{"maxTrees":"5"}`, "--as", "archives/admin")...), "HC-2202")
	require.Contains(g.t, g.cli(exitRefused, append(configure, `{"maxTrees":5}`, "--as", "clerk")...), "HC-2201")
	require.Contains(g.t, g.cli(exitOK, append(configure, `{"maxTrees":5}`, "--as", "archives/admin")...), "parameters changed")
	six := `{"plot":"p-10","planted":"2026-03-02T01:00:00Z","trees":[{"kind":"梨","count":6}]}`
	require.Contains(g.t, g.cli(exitRefused, "tx", "call", g.name, "register", six, "--as", "clerk"), g.name+".crowded")
	g.cli(exitOK, "tx", "call", g.name, "register", strings.Replace(six, "6}", "5}", 1), "--as", "clerk")
}
