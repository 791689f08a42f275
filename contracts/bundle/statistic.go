package bundle

import (
	"slices"
	"strings"
)

// calendar are the groups that every statistic has: by the time of the block that made
// the record.
var calendar = []string{"day", "month", "year"}

// about returns the record that a statistic counts, or whose field it adds up.
func (x *Statistic) about() (record, field string) {
	if x.Sum == "" {
		return x.Count, ""
	}
	record, field, _ = strings.Cut(x.Sum, ".")
	return record, field
}

// validateStatistic finds what cannot be computed: no figure or two, a sum of what is no
// number, a group that records do not fall into.
func (s *Spec) validateStatistic(f *findings, name string) {
	st := s.Statistics[name]
	path := []string{"statistics", name}
	if (st.Count == "") == (st.Sum == "") {
		f.add(path, "statistic", name)
		return
	}
	record, field := st.about()
	if st.Sum != "" {
		if t, err := ParseFieldType(s.Records[record].Fields[field].Type); err != nil || t.Name != "int" && t.Name != "decimal" {
			f.add(path, "statistic_sum", name, st.Sum)
			return
		}
	}
	s.needRecord(f, record, "statistic "+name, path...)
	if _, ok := s.Records[record]; !ok || st.By == "" || slices.Contains(calendar, st.By) || slices.Contains(metaColumns, st.By) {
		return
	}
	if groups := s.groups(record); !slices.Contains(groups, st.By) {
		f.add(path, "statistic_by", name, st.By, listed(groups))
	}
}

// groups lists the fields with one plain value, by which records can be grouped.
func (s *Spec) groups(record string) (out []string) {
	fields := s.Records[record].Fields
	for _, name := range sortedKeys(fields) {
		t, err := ParseFieldType(fields[name].Type)
		if err != nil || t.Elem != nil || t.Name == "file" || t.Name == "ref" && s.Records[t.Ref].Key == "" {
			continue
		}
		out = append(out, name)
	}
	return out
}

// validateDashboard finds cards that are no statistics, or stand there twice.
func (s *Spec) validateDashboard(f *findings, name string) {
	cards := s.Dashboards[name].Cards
	path := []string{"dashboards", name, "cards"}
	for i, c := range cards {
		if _, ok := s.Statistics[c]; !ok {
			f.add(path, "dashboard_card", name, c, listed(sortedKeys(s.Statistics)))
		}
		if slices.Contains(cards[:i], c) {
			f.add(path, "dashboard_twice", name, c)
		}
	}
}

// checkStatistics finds statistics of records that the contract does not store, and
// groups by what package record does not keep of them.
func (s *Spec) checkStatistics(f *findings, schema *Schema) {
	for _, name := range sortedKeys(s.Statistics) {
		st := s.Statistics[name]
		record, _ := st.about()
		if _, ok := s.Records[record]; !ok {
			continue // said already
		}
		path := []string{"statistics", name}
		kept := schema.Records[record]
		if kept.Storage != "map" && kept.Storage != "item" && kept.Storage != "record" {
			f.add(path, "statistic_stored", name, record)
			continue
		}
		if slices.Contains(metaColumns, st.By) && kept.Storage != "record" {
			f.add(path, "meta_column", "statistic "+name, record, st.By)
		}
	}
}
