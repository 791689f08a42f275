package bundle

import (
	"github.com/huchain/huchain/types"
)

// MaxYAMLBytes bounds bundle.yaml.
const MaxYAMLBytes = 256 << 10

// Spec is bundle.yaml: the words, permissions and views a bundle adds to what its
// schema says is there. Keys not listed here are refused.
type Spec struct {
	Bundle       int                   `yaml:"bundle"`
	Name         string                `yaml:"name"`
	Version      string                `yaml:"version"`
	Language     string                `yaml:"language"`
	Title        Text                  `yaml:"title"`
	Summary      Text                  `yaml:"summary"`
	Requirements []string              `yaml:"requirements"`
	Uses         []string              `yaml:"uses"`
	Params       map[string]any        `yaml:"params"` // defaults for init
	Records      map[string]Record     `yaml:"records"`
	Methods      map[string]MethodSpec `yaml:"methods"`
	Events       map[string]EventSpec  `yaml:"events"`
	Errors       map[string]ErrorSpec  `yaml:"errors"`
	Workflows    map[string]Workflow   `yaml:"workflows"`
	Views        map[string]View       `yaml:"views"`
	Statistics   map[string]Statistic  `yaml:"statistics"`
	Dashboards   map[string]Dashboard  `yaml:"dashboards"`

	lines lineIndex
}

// Text is a phrase in Chinese and English; both or neither.
type Text struct {
	ZH string `yaml:"zh" json:"zh"`
	EN string `yaml:"en" json:"en"`
}

// Record describes a stored record, or with no Key a part embedded in others.
type Record struct {
	Key    string           `yaml:"key"` // field holding the key
	Title  Text             `yaml:"title"`
	Fields map[string]Field `yaml:"fields"`
}

// Field describes one field of a record.
type Field struct {
	Type      string   `yaml:"type"` // see ParseFieldType
	Title     Text     `yaml:"title"`
	Required  bool     `yaml:"required"`
	Max       int      `yaml:"max"` // characters, or items of a list
	Indexed   bool     `yaml:"indexed"`
	Sensitive bool     `yaml:"sensitive"`
	Unit      string   `yaml:"unit"`
	Values    []string `yaml:"values"` // of an enum
}

// MethodSpec says who may call a method, what it touches and how its form looks.
type MethodSpec struct {
	Writes Names    `yaml:"writes"` // records; present exactly on methods that write
	Reads  Names    `yaml:"reads"`
	Allow  string   `yaml:"allow"`
	Title  Text     `yaml:"title"`
	Form   []string `yaml:"form"` // arguments in the order a person enters them
}

// EventSpec describes an event.
type EventSpec struct {
	Record string `yaml:"record"` // record its data has the form of
	Title  Text   `yaml:"title"`
}

// ErrorSpec gives the words of a contract error.
type ErrorSpec struct {
	ZH  string `yaml:"zh"`
	EN  string `yaml:"en"`
	Fix Text   `yaml:"fix"`
}

// Workflow is the states of a record and the moves between them.
type Workflow struct {
	Record string          `yaml:"record"`
	States []string        `yaml:"states"`
	Start  string          `yaml:"start"`
	Moves  map[string]Move `yaml:"moves"`
}

// Move is one transition.
type Move struct {
	From  Names  `yaml:"from"`
	To    string `yaml:"to"`
	Allow string `yaml:"allow"`
	Title Text   `yaml:"title"`
}

// View is how records are listed or shown.
type View struct {
	Record   string   `yaml:"record"`
	Title    Text     `yaml:"title"`
	Columns  []string `yaml:"columns"`
	Filter   []string `yaml:"filter"`
	Sort     []string `yaml:"sort"`
	Timeline bool     `yaml:"timeline"`
}

// Statistic is a figure the mirror computes: the count of records or the sum of a field.
type Statistic struct {
	Count string `yaml:"count"` // record
	Sum   string `yaml:"sum"`   // record.field
	By    string `yaml:"by"`    // day, month, or a field
	Title Text   `yaml:"title"`
}

// Dashboard is a page of statistics.
type Dashboard struct {
	Title Text     `yaml:"title"`
	Cards []string `yaml:"cards"` // statistics
}

// Manifest derives what the chain reads. Errors are HC-3303.
func (s *Spec) Manifest() (*Manifest, error) {
	m := &Manifest{Bundle: s.Bundle, Name: s.Name, Version: s.Version, Language: s.Language, Uses: s.Uses}
	if len(s.Params) > 0 {
		raw, err := paramsJSON(s.Params)
		if err != nil {
			return nil, s.refuse([]string{"params"}, "%v", err)
		}
		m.Params = raw
	}
	for _, name := range sortedKeys(s.Methods) {
		x := s.Methods[name]
		m.Methods = append(m.Methods, Method{Name: name, Writes: x.Writes != nil, Allow: x.Allow})
	}
	return m, m.Validate()
}

func (s *Spec) refuse(path []string, format string, args ...any) error {
	return types.Errorf(types.CodeManifestInvalid, YAMLFile+":%d: "+format,
		append([]any{s.lines.of(path...)}, args...)...)
}
