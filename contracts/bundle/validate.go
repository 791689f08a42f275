package bundle

import (
	"regexp"
	"slices"
)

var errorRE = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// ReservedError is the error name the SDKs use for arguments that do not decode; the
// chain reports it as HC-2202.
const ReservedError = "bad_arguments"

// validate checks what bundle.yaml alone can tell.
func (s *Spec) validate() error {
	for _, check := range []func() error{s.validateWords, s.validateRecords, s.validateMethods,
		s.validateEvents, s.validateWorkflows, s.validateViews} {
		if err := check(); err != nil {
			return err
		}
	}
	m, err := s.Manifest()
	if err == nil {
		err = m.Validate()
	}
	return err
}

func (s *Spec) text(t Text, needed bool, path ...string) error {
	if (t.ZH == "") != (t.EN == "") || needed && t.ZH == "" {
		return s.refuse(path, "needs words in zh and en")
	}
	return nil
}

func (s *Spec) validateWords() error {
	if err := s.text(s.Title, true, "title"); err != nil {
		return err
	}
	if err := s.text(s.Summary, false, "summary"); err != nil {
		return err
	}
	for _, name := range sortedKeys(s.Errors) {
		if !errorRE.MatchString(name) || name == ReservedError {
			return s.refuse([]string{"errors", name}, "error %q: must be snake_case and not %s", name, ReservedError)
		}
		e := s.Errors[name]
		if err := s.text(Text{e.ZH, e.EN}, true, "errors", name); err != nil {
			return err
		}
		if err := s.text(e.Fix, false, "errors", name, "fix"); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) validateRecords() error {
	for _, name := range sortedKeys(s.Records) {
		r := s.Records[name]
		path := []string{"records", name}
		if !methodRE.MatchString(name) {
			return s.refuse(path, "record %q: must match %s", name, MethodPattern)
		}
		if err := s.text(r.Title, true, path...); err != nil {
			return err
		}
		if _, ok := r.Fields[r.Key]; r.Key != "" && !ok {
			return s.refuse(append(path, "key"), "record %s has no field %q", name, r.Key)
		}
		for _, f := range sortedKeys(r.Fields) {
			if err := s.validateField(r.Fields[f], "records", name, "fields", f); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Spec) validateField(f Field, path ...string) error {
	name := path[len(path)-1]
	if !methodRE.MatchString(name) {
		return s.refuse(path, "field %q: must match %s", name, MethodPattern)
	}
	t, err := ParseFieldType(f.Type)
	if err != nil {
		return s.refuse(path, "field %s: %v", name, err)
	}
	if ref := t.Refs(); ref != "" {
		if _, ok := s.Records[ref]; !ok {
			return s.refuse(path, "field %s: no record %q", name, ref)
		}
	}
	if (t.Name == "enum") != (len(f.Values) > 0) {
		return s.refuse(path, "field %s: an enum, and only an enum, lists its values", name)
	}
	if f.Max < 0 {
		return s.refuse(path, "field %s: max is negative", name)
	}
	return s.text(f.Title, false, path...)
}

func (s *Spec) validateMethods() error {
	for _, name := range sortedKeys(s.Methods) {
		m := s.Methods[name]
		path := []string{"methods", name}
		if !methodRE.MatchString(name) || name == InitMethod || name == MigrateMethod {
			return s.refuse(path, "method %q: must match %s and not be init or migrate", name, MethodPattern)
		}
		rule, err := ParseAllow(m.Allow)
		if err != nil {
			return s.refuse(append(path, "allow"), "%v", err)
		}
		if m.Writes != nil && rule.Kind == Public {
			return s.refuse(append(path, "allow"), "method %s writes: public is for queries", name)
		}
		for _, rec := range slices.Concat(m.Writes, m.Reads) {
			if _, ok := s.Records[rec]; !ok {
				return s.refuse(path, "method %s: no record %q", name, rec)
			}
		}
		if err := s.text(m.Title, false, path...); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) validateEvents() error {
	for _, name := range sortedKeys(s.Events) {
		e := s.Events[name]
		if !methodRE.MatchString(name) {
			return s.refuse([]string{"events", name}, "event %q: must match %s", name, MethodPattern)
		}
		if _, ok := s.Records[e.Record]; e.Record != "" && !ok {
			return s.refuse([]string{"events", name}, "event %s: no record %q", name, e.Record)
		}
		if err := s.text(e.Title, true, "events", name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) validateWorkflows() error {
	for _, name := range sortedKeys(s.Workflows) {
		w := s.Workflows[name]
		path := []string{"workflows", name}
		if _, ok := s.Records[w.Record]; !ok {
			return s.refuse(path, "workflow %s: no record %q", name, w.Record)
		}
		if !slices.Contains(w.States, w.Start) {
			return s.refuse(path, "workflow %s: start %q is none of its states", name, w.Start)
		}
		for _, move := range sortedKeys(w.Moves) {
			m := w.Moves[move]
			at := append(path, "moves", move)
			for _, st := range append(slices.Clone(m.From), m.To) {
				if !slices.Contains(w.States, st) {
					return s.refuse(at, "move %s: %q is no state", move, st)
				}
			}
			if _, err := ParseAllow(m.Allow); err != nil {
				return s.refuse(at, "%v", err)
			}
		}
	}
	return nil
}

func (s *Spec) validateViews() error {
	for _, name := range sortedKeys(s.Views) {
		v := s.Views[name]
		path := []string{"views", name}
		record := v.Record
		if record == "" && len(s.Records) == 1 {
			record = sortedKeys(s.Records)[0]
		}
		r, ok := s.Records[record]
		if !ok {
			return s.refuse(path, "view %s: no record %q", name, record)
		}
		for _, f := range slices.Concat(v.Columns, v.Filter, v.Sort) {
			if _, ok := r.Fields[f]; !ok {
				return s.refuse(path, "view %s: record %s has no field %q", name, record, f)
			}
		}
	}
	for _, name := range sortedKeys(s.Statistics) {
		st := s.Statistics[name]
		if (st.Count == "") == (st.Sum == "") {
			return s.refuse([]string{"statistics", name}, "statistic %s: needs count or sum", name)
		}
		if _, ok := s.Records[st.Count]; st.Count != "" && !ok {
			return s.refuse([]string{"statistics", name}, "statistic %s: no record %q", name, st.Count)
		}
	}
	for _, name := range sortedKeys(s.Dashboards) {
		for _, c := range s.Dashboards[name].Cards {
			if _, ok := s.Statistics[c]; !ok {
				return s.refuse([]string{"dashboards", name}, "dashboard %s: no statistic %q", name, c)
			}
		}
	}
	return nil
}
