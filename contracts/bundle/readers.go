package bundle

import (
	"slices"
	"strings"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// Readers says who may read the records of a type, as the contract lets its records be read:
// whoever may call a method that answers with them, without writing, sees them all, unless
// they are private; for those whom the contract lets ask for their own (self), or nobody
// asks for, each record's owner and the holders of its read grants are named in it.
type Readers struct {
	Owned bool // records name an owner and grants, as package record keeps them

	rules []Rule // that let all records be read
}

// Readers returns who may read records of a type; of one that is not stored, nobody.
func (i *Interface) Readers(record string) Readers {
	stored, ok := i.Schema.Records[record]
	out := Readers{Owned: stored.Storage == "record"}
	if !ok || stored.Private || stored.Value == nil {
		return out
	}
	for _, name := range i.Methods() {
		m := i.Schema.Methods[name]
		if m.Writes || !i.Schema.holds(m.Result, stored.Value.Ref) {
			continue
		}
		if rule, err := ParseAllow(i.Spec.Methods[name].Allow); err == nil && rule.Kind != Self {
			out.rules = append(out.rules, rule)
		}
	}
	return out
}

// All reports whether a caller may read all records of the type: a member with roles, or
// with an empty id somebody who has roles alone, or none.
func (r *Readers) All(member types.MemberID, roles []types.Role) bool {
	callers := []host.Caller{}
	if member != "" || len(roles) > 0 {
		org, _, _ := strings.Cut(string(member), "/")
		callers = append(callers, host.Caller{Member: member, Org: org, Roles: roles})
	}
	return slices.ContainsFunc(r.rules, func(x Rule) bool { return x.Kind == Public || x.Kind == Any && x.Permits(callers, 0) })
}

// Shown returns the stored record types that data of a type holds.
func (i *Interface) Shown(t *Type) (records []string) {
	for _, name := range sortedKeys(i.Schema.Records) {
		if v := i.Schema.Records[name].Value; v != nil && i.Schema.holds(t, v.Ref) {
			records = append(records, name)
		}
	}
	return records
}

// holds reports whether values of a type hold some of a named type.
func (s *Schema) holds(t *Type, ref string) bool {
	seen := map[string]bool{}
	var walk func(t *Type) bool
	walk = func(t *Type) bool {
		if t == nil || ref == "" || t.Ref != "" && seen[t.Ref] {
			return false
		}
		if t.Ref != "" {
			if t.Ref == ref {
				return true
			}
			seen[t.Ref] = true
			return walk(s.Resolve(t))
		}
		for _, name := range t.Order {
			if walk(t.Properties[name]) {
				return true
			}
		}
		return walk(t.Items)
	}
	return walk(t)
}
