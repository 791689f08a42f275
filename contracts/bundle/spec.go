package bundle

import (
	"slices"

	"github.com/huchain/huchain/types"
)

// MaxYAMLBytes bounds bundle.yaml.
const MaxYAMLBytes = 256 << 10

// Spec is bundle.yaml: the words, permissions and views a bundle adds to what its
// schema says is there. Keys not listed here are refused. The tags are the shape that
// both the loader and the published JSON Schema follow, see shape.
type Spec struct {
	Bundle       int                   `yaml:"bundle" json:"bundle" is:"required min=1 max=1" doc:"Format of this file"`
	Name         string                `yaml:"name" json:"name" is:"required pattern=name" doc:"Name of the contract on the chain"`
	Version      string                `yaml:"version" json:"version" is:"required pattern=version" doc:"Three numbers; an upgrade must be higher"`
	Language     string                `yaml:"language" json:"language" is:"required oneof=go|rust" doc:"What the contract is written in"`
	Title        Text                  `yaml:"title" json:"title" is:"required" doc:"Name for people"`
	Summary      Text                  `yaml:"summary" json:"summary,omitzero" doc:"What it is for, in a sentence"`
	Requirements []string              `yaml:"requirements" json:"requirements,omitempty" is:"pattern=requirement" doc:"Requirement ids its transcripts cover"`
	Uses         []string              `yaml:"uses" json:"uses,omitempty" is:"pattern=uses max=32" doc:"Contracts it calls, ascending by name; cycles are refused"`
	Capabilities []types.Capability    `yaml:"capabilities" json:"capabilities,omitempty" is:"pattern=capability max=6" doc:"What the contract's code asks of the chain; huchain contract check says which"`
	Params       map[string]any        `yaml:"params" json:"params,omitempty" doc:"Defaults for init; changed by governance"`
	Records      map[string]Record     `yaml:"records" json:"records,omitempty" is:"keys=method" doc:"What is stored, by name"`
	Methods      map[string]MethodSpec `yaml:"methods" json:"methods" is:"required keys=method min=1 max=256" doc:"What can be called"`
	Events       map[string]EventSpec  `yaml:"events" json:"events,omitempty" is:"keys=method" doc:"What the contract announces"`
	Errors       map[string]ErrorSpec  `yaml:"errors" json:"errors,omitempty" is:"keys=error" doc:"What the contract refuses with"`
	Workflows    map[string]Workflow   `yaml:"workflows" json:"workflows,omitempty" is:"keys=method" doc:"States of records and the moves between them"`
	Views        map[string]View       `yaml:"views" json:"views,omitempty" is:"keys=method" doc:"How records are listed and shown"`
	Statistics   map[string]Statistic  `yaml:"statistics" json:"statistics,omitempty" is:"keys=method" doc:"Figures made of records"`
	Dashboards   map[string]Dashboard  `yaml:"dashboards" json:"dashboards,omitempty" is:"keys=method" doc:"Pages of statistics"`

	lines lineIndex
}

// Text is a phrase in Chinese and English; both or neither.
type Text struct {
	ZH string `yaml:"zh" json:"zh" is:"required"`
	EN string `yaml:"en" json:"en" is:"required"`
}

// Record describes a stored record, or with no Key a part embedded in others.
type Record struct {
	Key    string           `yaml:"key" json:"key,omitempty" is:"pattern=method" doc:"Field that holds the key; none for a part of other records"`
	Title  Text             `yaml:"title" json:"title" is:"required"`
	Fields map[string]Field `yaml:"fields" json:"fields,omitempty" is:"keys=method max=64"`
}

// Field describes one field of a record.
type Field struct {
	Type      string   `yaml:"type" json:"type" is:"required pattern=type" doc:"text, int, decimal, bool, time, date, enum, sm3, file, member, org, did, ref(record), list(type) or encrypted(type)"`
	Title     Text     `yaml:"title" json:"title,omitzero"`
	Required  bool     `yaml:"required" json:"required,omitempty" doc:"Forms demand it"`
	Max       int      `yaml:"max" json:"max,omitempty" doc:"Characters of a text, entries of a list"`
	Indexed   bool     `yaml:"indexed" json:"indexed,omitempty" doc:"Can be searched by"`
	Sensitive bool     `yaml:"sensitive" json:"sensitive,omitempty" doc:"Hidden where it is not asked for"`
	Unit      string   `yaml:"unit" json:"unit,omitempty" is:"max=32" doc:"Of a number"`
	Values    []string `yaml:"values" json:"values,omitempty" is:"pattern=value" doc:"Of an enum"`
}

// MethodSpec says who may call a method, what it touches and how its form looks.
type MethodSpec struct {
	Writes Names    `yaml:"writes" json:"writes,omitempty" is:"pattern=method" doc:"Records it writes; stands exactly at methods that write"`
	Reads  Names    `yaml:"reads" json:"reads,omitempty" is:"pattern=method" doc:"Records it reads"`
	Allow  string   `yaml:"allow" json:"allow" is:"required pattern=allow" doc:"Who may call it: public, self, or ANY, ALL, MAJORITY or n-of with role:R and org:O"`
	Title  Text     `yaml:"title" json:"title,omitzero"`
	Form   []string `yaml:"form" json:"form,omitempty" is:"pattern=method max=64" doc:"Arguments in the order a person enters them"`
}

// EventSpec describes an event.
type EventSpec struct {
	Record string `yaml:"record" json:"record,omitempty" is:"pattern=method" doc:"Record whose form its data has"`
	Title  Text   `yaml:"title" json:"title" is:"required"`
}

// ErrorSpec gives the words of a contract error.
type ErrorSpec struct {
	ZH  string `yaml:"zh" json:"zh" is:"required"`
	EN  string `yaml:"en" json:"en" is:"required"`
	Fix Text   `yaml:"fix" json:"fix,omitzero" doc:"What to do about it"`
}

// Workflow is the states of a record and the moves between them.
type Workflow struct {
	Record string          `yaml:"record" json:"record" is:"required pattern=method"`
	States []string        `yaml:"states" json:"states" is:"required pattern=state min=1 max=64"`
	Start  string          `yaml:"start" json:"start" is:"required pattern=state"`
	Moves  map[string]Move `yaml:"moves" json:"moves" is:"required keys=method"`
}

// Move is one transition.
type Move struct {
	From  Names  `yaml:"from" json:"from" is:"required pattern=state"`
	To    string `yaml:"to" json:"to,omitempty" is:"pattern=state" doc:"Left out where the move stays in its state, as edit does"`
	Allow string `yaml:"allow" json:"allow" is:"required pattern=allow" doc:"Who may make it: public, self (who may write the record), or ANY …"`
	Title Text   `yaml:"title" json:"title,omitzero"`
}

// View is how records are listed or shown.
type View struct {
	Record   string   `yaml:"record" json:"record,omitempty" is:"pattern=method" doc:"May be left out where there is one record"`
	Title    Text     `yaml:"title" json:"title,omitzero"`
	Columns  []string `yaml:"columns" json:"columns,omitempty" is:"pattern=column max=64"`
	Filter   []string `yaml:"filter" json:"filter,omitempty" is:"pattern=column max=64"`
	Sort     []string `yaml:"sort" json:"sort,omitempty" is:"pattern=column max=64"`
	Timeline bool     `yaml:"timeline" json:"timeline,omitempty" doc:"Shows the record's history"`
}

// Statistic is a figure the mirror computes: the count of records or the sum of a field.
type Statistic struct {
	Count string `yaml:"count" json:"count,omitempty" is:"pattern=method" doc:"Record to count"`
	Sum   string `yaml:"sum" json:"sum,omitempty" is:"pattern=sum" doc:"record.field to add up"`
	By    string `yaml:"by" json:"by,omitempty" is:"pattern=column" doc:"day, month, year, or a field of the record"`
	Title Text   `yaml:"title" json:"title,omitzero"`
}

// Dashboard is a page of statistics.
type Dashboard struct {
	Title Text     `yaml:"title" json:"title" is:"required"`
	Cards []string `yaml:"cards" json:"cards" is:"required pattern=method min=1 max=64" doc:"Statistics it shows"`
}

// Manifest derives what the chain reads. Errors are HC-3303.
func (s *Spec) Manifest() (*Manifest, error) {
	m := &Manifest{Bundle: s.Bundle, Name: s.Name, Version: s.Version, Language: s.Language, Uses: s.Uses}
	m.Capabilities = slices.Compact(slices.Sorted(slices.Values(s.Capabilities)))
	if len(s.Params) > 0 {
		raw, err := paramsJSON(s.Params)
		if err != nil {
			return nil, refuseManifest("%s:%d: params: %v", YAMLFile, s.lines.of("params"), err)
		}
		m.Params = raw
	}
	for _, name := range sortedKeys(s.Methods) {
		x := s.Methods[name]
		m.Methods = append(m.Methods, Method{Name: name, Writes: x.Writes != nil, Allow: x.Allow})
	}
	return m, m.Validate()
}

// Line returns the line of bundle.yaml where a path of keys stands, or the part of it
// that is there.
func (s *Spec) Line(path ...string) int { return s.lines.of(path...) }

// viewRecord returns the record a view shows, "" if it names none and there are several.
func (s *Spec) viewRecord(v View) string {
	if v.Record == "" && len(s.Records) == 1 {
		return sortedKeys(s.Records)[0]
	}
	return v.Record
}
