package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/huchain/huchain/types"
)

var update = flag.Bool("update", false, "write what a format's manifest comes to")

// defects are changes of a good bundle.yaml, with what the loader says. shape tells
// whether the published schema must refuse the file too.
var defects = []struct {
	old, new, want string
	shape          bool
}{
	{"name: evidence", "nmae: evidence", "bundle.yaml:2: key nmae is unknown here", true},
	{"name: evidence", "nmae: evidence", "bundle.yaml:1: name is missing", true},
	{"name: evidence", "name: Evidence", `bundle.yaml:2: name "Evidence" must match`, true},
	{"name: evidence", "name: 7", "bundle.yaml:2: must be text", true},
	{"bundle: 1", "bundle: 2", "bundle.yaml:1: 2 is outside 1 to 1", true},
	{"bundle: 1", "bundle: one", "bundle.yaml:1: must be an integer", true},
	{"version: 1.0.0", "version: 1.0", "bundle.yaml:3: must be text", true},
	{"version: 1.0.0", "version: v1.0.0", "bundle.yaml:3: version \"v1.0.0\" must match", true},
	{"language: go", "language: java", `bundle.yaml:4: "java" must be one of: go, rust`, true},
	{"title: {zh: 存证, en: Evidence}", "title: Evidence", "bundle.yaml:5: must be an object", true},
	{"zh: 已存证, ", "", "bundle.yaml:21: zh is missing", true},
	{"requirements: [B1.11]", "requirements: B1.11", "bundle.yaml:6: must be a list", true},
	{"requirements: [B1.11]", "requirements: [11]", "bundle.yaml:6: must be text", true},
	{"uses: [identity@1]", "uses: [identity]", `bundle.yaml:7: uses "identity" must match`, true},
	{"maxTitle: 200", "maxTitle: 2.5", "bundle.yaml:8: maxTitle: 2.5 is no string, 32-bit integer", true},
	{"maxTitle: 200", "maxTitle: 3000000000", "bundle.yaml:8: maxTitle: 3000000000 is no", true},
	{"maxTitle: 200", "maxTitle: null", "bundle.yaml:8: maxTitle: null is no", true},
	{"reads: evidence, allow", "reeds: evidence, allow", "bundle.yaml:20: key reeds is unknown here", true},
	{"allow: public", "allow: everyone", "bundle.yaml:20: allow rule", true},
	{"allow: public", "allow: ANY role:king", `bundle.yaml:20: allow rule "ANY role:king": "king" is no role`, true},
	{", allow: public", "", "bundle.yaml:20: allow is missing", true},
	{"type: sm3", "type: sha256", `bundle.yaml:14: field hash: "sha256" is no field type`, true},
	{"type: sm3", "type: list(list(list(list(list(sm3)))))", `is no field type`, true},
	{"max: 200", "max: -1", "bundle.yaml:15: -1 is outside 0", true},
	{"indexed: true", "indexed: maybe", "bundle.yaml:14: must be true or false", true},
	{"not_found:", "notFound:", `bundle.yaml:22: notFound "notFound" must match`, true},
	{"workflows: {}", "workflows: []", "bundle.yaml:23: must be named entries", true},
	{"workflows: {}", "workflows:", "bundle.yaml:23: must be named entries", true},
	{"language: go", "language: go\nlanguage: go", "bundle.yaml:5: key language stands here twice", false},
	{"title: {zh: 存证, en: Evidence}", "title: &t {zh: 存证, en: Evidence}", "bundle.yaml:5: anchors", false},
	{"dashboards: {}", "dashboards: {", "bundle.yaml:", false},
	{"dashboards: {}", "dashboards: {}\n---\nbundle: 1", "bundle.yaml:1: more than one document", false},
	{"reads: evidence", "reads: evidense", `bundle.yaml:20: method get: no record "evidense"`, false},
	{"type: time", "type: ref(nothing)", `bundle.yaml:17: field time: no record "nothing"`, false},
	{"type: time", "type: enum", "bundle.yaml:17: field time: an enum", false},
	{"key: hash", "key: digest", `bundle.yaml:11: key: record evidence has no field "digest"`, false},
	{"{reads: evidence, allow: public}", "{writes: evidence, allow: public}", "bundle.yaml:20: method get writes: public is for queries", false},
	{`"ANY role:client"`, "ANY role:client role:client", "role:client is listed twice", false},
	{`"ANY role:client"`, "ALL role:client org:archives", "roles and organisations can be mixed under ANY only", false},
	{"not_found:", "bad_arguments:", "bundle.yaml:22: bad_arguments is a reserved name", false},
	{"get: ", "init: ", "bundle.yaml:20: init is a reserved name", false},
	{"uses: [identity@1]", "uses: [evidence@1]", "bundle.yaml:7: uses evidence@1: uses itself", false},
	{"uses: [identity@1]", "uses: [b@1, a@1]", "names must ascend and differ", false},
	{"count: evidence", "count: nothing", `statistic perDay: no record "nothing"`, false},
	{"count: evidence, by: day", "sum: evidence.title", "statistic perDay: evidence.title is no field of type int or decimal", false},
	{"by: day", "by: colour", `statistic perDay: cannot be grouped by "colour"`, false},
	{"perDay: {count: evidence, by: day}", "perDay: {by: day}", "statistic perDay: needs count or sum", false},
	{"dashboards: {}", "dashboards: {d: {title: {zh: 屏, en: D}, cards: []}}", "0 entries, must be 1 to 64", true},
	{"dashboards: {}", "dashboards: {d: {title: {zh: 屏, en: D}, cards: [perDay, perDay]}}", "dashboard d: statistic perDay stands there twice", false},
	{"dashboards: {}", "dashboards: {d: {title: {zh: 屏, en: D}, cards: [perDay, perHour]}}", `dashboard d: no statistic "perHour"`, false},
	{"columns: [time,", "columns: [colour,", `view list: record evidence has no field "colour"`, false},
	{"workflows: {}", "workflows: {w: {record: evidence, states: [a, b, c, a], start: d, moves: {}}}", `workflow w: start "d" is none of its states`, false},
	{"workflows: {}", "workflows: {w: {record: evidence, states: [a, b, a], start: a, moves: {}}}", "workflow w: state a is listed twice", false},
	{"workflows: {}", "workflows: {w: {record: evidence, states: [a, b], start: a, moves: {}}}", "workflow w: no moves lead from the start to b", false},
	{"workflows: {}", "workflows: {w: {record: evidence, states: [a], start: a, moves: {m: {from: a, to: z, allow: self}}}}", `move m: "z" is no state`, false},

	{"type: time", "type: int", "bundle.yaml:17: record evidence: field time is declared int, the code holds date-time", false},
	{"      time:  {type: time}\n", "", "bundle.yaml:13: record evidence: field time of the code is missing here", false},
	{"      time:  {type: time}\n", "      time:  {type: time}\n      colour: {type: text}\n", "bundle.yaml:18: record evidence: field colour is not in the code", false},
	{"get: ", "got: ", "bundle.yaml:20: method got is not in the code", false},
	{"  get:     {reads: evidence, allow: public}\n", "", "bundle.yaml:18: method get of the code is missing here", false},
	{"{reads: evidence, allow: public}", "{writes: evidence, allow: self}", "bundle.yaml:20: method get: writes belongs", false},
	{"form: [hash, title]", "form: [hash, name]", `bundle.yaml:19: method deposit has no argument "name"`, false},
	{"not_found:", "not_there:", "bundle.yaml:22: error not_there is not in the code", false},
	{"deposited:", "stored:", "event stored is not in the code", false},
}

// specSchema compiles what the binary publishes.
func specSchema(t testing.TB) *jsonschema.Schema {
	raw, err := SpecSchema()
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("https://huchain.test/bundle.json", doc))
	s, err := c.Compile("https://huchain.test/bundle.json")
	require.NoError(t, err)
	return s
}

// valid asks an independent validator about a YAML text.
func valid(t testing.TB, s *jsonschema.Schema, text string) bool {
	var v any
	require.NoError(t, yaml.Unmarshal([]byte(text), &v))
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err)
	return s.Validate(doc) == nil
}

// The loader refuses what is wrong, with line, cause and fix; what is wrong in form, the
// published schema refuses too, and it accepts the rest.
func TestSpecDefects(t *testing.T) {
	yamlRaw, err := os.ReadFile(filepath.Join("testdata", YAMLFile))
	require.NoError(t, err)
	schemaRaw, err := os.ReadFile(filepath.Join("testdata", SchemaFile))
	require.NoError(t, err)
	published := specSchema(t)
	for _, c := range defects {
		changed := strings.Replace(string(yamlRaw), c.old, c.new, 1)
		require.NotEqual(t, string(yamlRaw), changed, c.old)
		_, err := Check([]byte(changed), schemaRaw)
		require.Equal(t, types.CodeManifestInvalid, types.CodeOf(err), "%s: %v", c.new, err)
		var all *Invalid
		require.True(t, errors.As(err, &all), "%s: %v", c.new, err)
		var said []string
		for i := range all.Findings {
			f := &all.Findings[i]
			said = append(said, f.String())
			require.Contains(t, rules, f.Rule)
			for _, text := range []string{f.Message.ZH, f.Message.EN, f.Fix.ZH, f.Fix.EN} {
				require.NotEmpty(t, text, f.Rule)
				require.NotRegexp(t, `\{[0-9]\}`, text, f.Rule)
			}
		}
		require.Contains(t, strings.Join(said, "\n"), c.want, "%q", c.new)
		if c.shape {
			require.False(t, valid(t, published, changed), "the schema accepts %q", c.new)
		} else if !strings.Contains(c.want, "bundle.yaml:5:") && !strings.Contains(c.new, "---") && c.new != "dashboards: {" {
			require.True(t, valid(t, published, changed), "the schema refuses %q", c.new)
		}
	}
	_, err = Check(yamlRaw, schemaRaw)
	require.NoError(t, err)
}

// Every rule of the table has been broken by a defect: none is dead, none untested.
func TestEveryRuleIsBroken(t *testing.T) {
	yamlRaw, err := os.ReadFile(filepath.Join("testdata", YAMLFile))
	require.NoError(t, err)
	schemaRaw, err := os.ReadFile(filepath.Join("testdata", SchemaFile))
	require.NoError(t, err)
	broken := map[string]bool{"params_form": true, "manifest": true, "capabilities": true} // these take compiled code
	try := func(text string) {
		_, err := Check([]byte(text), schemaRaw)
		var all *Invalid
		if errors.As(err, &all) {
			for _, f := range all.Findings {
				broken[f.Rule] = true
			}
		}
	}
	for _, c := range defects {
		try(strings.Replace(string(yamlRaw), c.old, c.new, 1))
	}
	try("a: " + strings.Repeat("[", 40) + strings.Repeat("]", 40))
	try(strings.Replace(string(yamlRaw), "methods:", "methods: {}\nxmethods:", 1))
	try(strings.Replace(string(yamlRaw), "en: Evidence", "en: ''", 1))
	two := strings.Replace(string(yamlRaw), "methods:", "  other:\n    title: {zh: 他, en: Other}\nmethods:", 1)
	try(two)
	schemaRaw = bytes.Replace(schemaRaw, []byte(`"init"`), []byte(`"x-init"`), 1)
	var s map[string]any
	require.NoError(t, json.Unmarshal(schemaRaw, &s))
	delete(s, "x-init")
	schemaRaw, err = json.Marshal(s)
	require.NoError(t, err)
	try(string(yamlRaw))
	enum := strings.Replace(string(schemaRaw), `"title":{"type":"string"}`, `"title":{"type":"string","enum":["a","b"]}`, -1)
	schemaRaw = []byte(enum)
	try(strings.Replace(string(yamlRaw), "{type: text, max: 200", "{type: enum, values: [a, c]", 1))
	for _, c := range recordDefects {
		for _, f := range checkRecords(t, c.old, c.new) {
			broken[f.Rule] = true
		}
	}
	for _, rule := range sortedKeys(rules) {
		require.True(t, broken[rule], "no defect breaks rule %s", rule)
	}
}

// Old formats keep loading, to the same manifest byte by byte, and the schema knows them.
func TestOldFormatsLoad(t *testing.T) {
	published := specSchema(t)
	files, err := filepath.Glob("testdata/formats/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, Format, "one file a format")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		spec, err := ParseSpec(raw)
		require.NoError(t, err, file)
		m, err := spec.Manifest()
		require.NoError(t, err)
		have, err := m.Encode()
		require.NoError(t, err)
		golden := strings.TrimSuffix(file, ".yaml") + ".json"
		if *update {
			require.NoError(t, os.WriteFile(golden, have, 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), string(have))
		require.True(t, valid(t, published, string(raw)))
	}
}

// Every bundle of this repository satisfies loader and schema.
func TestOwnBundlesSatisfySchema(t *testing.T) {
	published := specSchema(t)
	files, err := filepath.Glob("../*/*/" + YAMLFile)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = ParseSpec(raw)
		require.NoError(t, err, file)
		require.True(t, valid(t, published, string(raw)), file)
	}
}

// What the loader takes, the published schema takes: no editor marks a good file.
func FuzzSpecSchema(f *testing.F) {
	for _, file := range []string{"testdata/bundle.yaml", "testdata/formats/1.yaml"} {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(raw)
	}
	published := specSchema(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := ParseSpec(raw); err == nil {
			require.True(t, valid(t, published, string(raw)))
		}
	})
}
