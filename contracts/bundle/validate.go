package bundle

import (
	"slices"
	"strings"
)

// ReservedError is the error name the SDKs use for arguments that do not decode; the
// chain reports it as HC-2202.
const ReservedError = "bad_arguments"

// validate finds what the shape of bundle.yaml cannot tell: names that refer to nothing,
// rules that contradict each other.
func (s *Spec) validate(f *findings) {
	s.validateUses(f)
	s.validateRecords(f)
	s.validateMethods(f)
	for _, name := range sortedKeys(s.Errors) {
		if name == ReservedError || strings.HasPrefix(name, recordErrorPrefix) {
			f.add([]string{"errors", name}, "reserved", name)
		}
	}
	for _, name := range sortedKeys(s.Events) {
		s.needRecord(f, s.Events[name].Record, "event "+name, "events", name)
	}
	for _, name := range sortedKeys(s.Workflows) {
		s.validateWorkflow(f, name)
	}
	for _, name := range sortedKeys(s.Views) {
		s.validateView(f, name)
	}
	for _, name := range sortedKeys(s.Statistics) {
		s.validateStatistic(f, name)
	}
	for _, name := range sortedKeys(s.Dashboards) {
		s.validateDashboard(f, name)
	}
}

// listed joins names for people.
func listed(names []string) string {
	if len(names) == 0 {
		return "–"
	}
	return strings.Join(names, ", ")
}

// needRecord finds a record name that refers to nothing; an empty one is left out.
func (s *Spec) needRecord(f *findings, record, who string, path ...string) {
	if _, ok := s.Records[record]; record != "" && !ok {
		f.add(path, "no_record", who, record, listed(sortedKeys(s.Records)))
	}
}

// needField finds a field name that refers to nothing.
func (s *Spec) needField(f *findings, record, field, who string, path ...string) {
	if _, ok := s.Records[record].Fields[field]; !ok {
		f.add(path, "no_field", who, record, field, listed(sortedKeys(s.Records[record].Fields)))
	}
}

func (s *Spec) validateUses(f *findings) {
	last := ""
	for _, u := range s.Uses {
		name, _, _ := strings.Cut(u, "@")
		switch {
		case name == s.Name:
			f.add([]string{"uses"}, "uses", u, "合约使用了自身", "uses itself")
		case name <= last:
			f.add([]string{"uses"}, "uses", u, "名称须升序且不重复", "names must ascend and differ")
		}
		last = name
	}
}

func (s *Spec) validateRecords(f *findings) {
	for _, name := range sortedKeys(s.Records) {
		r := s.Records[name]
		if r.Key != "" {
			s.needField(f, name, r.Key, "key", "records", name, "key")
		}
		for _, field := range sortedKeys(r.Fields) {
			x := r.Fields[field]
			path := []string{"records", name, "fields", field}
			t, err := ParseFieldType(x.Type)
			if err != nil {
				f.add(path, "field_type", field, x.Type)
				continue
			}
			s.needRecord(f, t.Refs(), "field "+field, path...)
			if (t.Plain().Name == "enum") != (len(x.Values) > 0) {
				f.add(path, "enum_values", field)
			}
		}
	}
}

func (s *Spec) validateMethods(f *findings) {
	for _, name := range sortedKeys(s.Methods) {
		m := s.Methods[name]
		path := []string{"methods", name}
		if name == InitMethod || name == MigrateMethod {
			f.add(path, "reserved", name)
		}
		rule, err := ParseAllow(m.Allow)
		if err != nil {
			f.add(append(path, "allow"), "allow", err)
		} else if m.Writes != nil && rule.Kind == Public {
			f.add(append(path, "allow"), "public_write", name)
		} else if text := rule.String(); text != m.Allow {
			f.add(append(path, "allow"), "manifest", "allow rule must read "+text)
		}
		for _, record := range slices.Concat(m.Writes, m.Reads) {
			s.needRecord(f, record, "method "+name, path...)
		}
	}
}

func (s *Spec) validateWorkflow(f *findings, name string) {
	w := s.Workflows[name]
	path := []string{"workflows", name}
	s.needRecord(f, w.Record, "workflow "+name, path...)
	for i, state := range w.States {
		if slices.Contains(w.States[:i], state) {
			f.add(append(path, "states"), "workflow_twice", name, state)
		}
	}
	if !slices.Contains(w.States, w.Start) {
		f.add(append(path, "start"), "workflow_start", name, w.Start, listed(w.States))
	}
	for _, move := range sortedKeys(w.Moves) {
		m := w.Moves[move]
		at := append(slices.Clone(path), "moves", move)
		for _, state := range append(slices.Clone(m.From), m.To) {
			if state != "" && !slices.Contains(w.States, state) {
				f.add(at, "workflow_state", move, state, listed(w.States))
			}
		}
		if _, err := ParseAllow(m.Allow); err != nil {
			f.add(append(at, "allow"), "allow", err)
		}
	}
	reached := w.reachable()
	for _, state := range w.States {
		if !slices.Contains(reached, state) && slices.Contains(w.States, w.Start) {
			f.add(append(path, "states"), "workflow_reach", name, state)
		}
	}
}

// reachable lists the states that moves lead to from the start.
func (w *Workflow) reachable() []string {
	out := []string{w.Start}
	for i := 0; i < len(out); i++ {
		for _, move := range sortedKeys(w.Moves) {
			m := w.Moves[move]
			if m.To != "" && slices.Contains(m.From, out[i]) && !slices.Contains(out, m.To) {
				out = append(out, m.To)
			}
		}
	}
	return out
}

func (s *Spec) validateView(f *findings, name string) {
	v := s.Views[name]
	path := []string{"views", name}
	record := s.viewRecord(v)
	if record == "" {
		f.add(path, "view_record", name, listed(sortedKeys(s.Records)))
		return
	}
	s.needRecord(f, record, "view "+name, path...)
	if _, ok := s.Records[record]; !ok {
		return
	}
	for _, field := range slices.Concat(v.Columns, v.Filter, v.Sort) {
		if !slices.Contains(metaColumns, field) {
			s.needField(f, record, field, "view "+name, path...)
		}
	}
	for _, field := range slices.Concat(v.Filter, v.Sort) {
		if t, err := ParseFieldType(s.Records[record].Fields[field].Type); err == nil && t.Name == "encrypted" {
			f.add(path, "view_sealed", name, field)
		}
	}
}
