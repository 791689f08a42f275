package api

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// readerOf is as whom a request reads; nil for those who read everything: parts of this
// process, nodes and validators of the chain, and whoever reaches a listener that asks for
// no login.
func readerOf(ctx context.Context) *rest.Reader {
	if v := visitOf(ctx); v != nil {
		if v.who == nil && v.stranger {
			return &rest.Reader{}
		} else if v.who == nil {
			return nil
		}
		r := &rest.Reader{Roles: v.who.Roles}
		if v.who.Address != (types.Address{}) {
			r.Member = types.MemberID(v.who.Name)
		}
		return r
	}
	v, ok := ctx.Value(visitorKey{}).(*visitor)
	if !ok {
		return nil
	}
	peer := v.conn.Peer()
	if peer.HasRole(string(types.RoleNode)) {
		return nil
	}
	r := &rest.Reader{}
	if id, err := types.NewMemberID(peer.Org, peer.Name); err == nil {
		r.Member = id
	}
	for _, role := range peer.Roles {
		r.Roles = append(r.Roles, types.Role(role))
	}
	return r
}

// copiesChain refuses those who may not have everything that blocks hold.
func copiesChain(ctx context.Context) error {
	r := readerOf(ctx)
	if r == nil || slices.ContainsFunc([]types.Role{types.RoleAdmin, types.RoleAuditor, types.RoleValidator}, func(x types.Role) bool { return slices.Contains(r.Roles, x) }) {
		return nil
	}
	return types.Errorf(types.CodePermissionDenied, "complete blocks are for administrators, auditors and validators; ask for single transactions and records")
}

// sight says what a caller may see of payloads: arguments, results, events and rows that
// hold records which the contract's manifest does not let him read. Who wrote what when,
// and under which hash, everybody sees.
type sight struct {
	chain *Chain
	s     *Server
	as    *rest.Reader // nil: everything
	faces map[string]*face
}

func (s *Server) sight(ctx context.Context, chain string) (*sight, error) {
	c, err := s.chain(chain)
	if err != nil {
		return nil, err
	}
	return &sight{chain: c, s: s, as: readerOf(ctx), faces: map[string]*face{}}, nil
}

// face returns what a contract says of itself; nil for native contracts, which are public.
func (v *sight) face(contract string) (*face, error) {
	if x, ok := v.faces[contract]; ok {
		return x, nil
	}
	r, ok, err := v.chain.Machine.Contract(v.chain.Ledger, contract)
	if err != nil {
		return nil, err
	}
	var x *face
	if ok {
		if x, err = v.s.faces.of(v.chain, r); err != nil && types.CodeOf(err) != types.CodeManifestInvalid {
			return nil, err
		}
		if err != nil {
			x = &face{} // whose words are of no use: nothing is shown
		}
	}
	v.faces[contract] = x
	return x, nil
}

// all reports whether the caller may see all of some record types.
func (v *sight) all(x *face, records []string) bool {
	return x.Interface != nil && !slices.ContainsFunc(records, func(name string) bool {
		readers := x.Readers(name)
		_, stored := x.Schema.Records[name]
		return stored && !readers.All(v.as.Member, v.as.Roles)
	})
}

// payload reports whether the caller may see what a call was made with and what came of it.
func (v *sight) payload(b *types.Body) (bool, error) {
	if v.as == nil {
		return true, nil
	}
	x, err := v.face(b.Contract)
	if x == nil || err != nil {
		return err == nil, err
	}
	if x.Interface != nil && v.all(x, x.Spec.Methods[b.Method].Writes) {
		return true, nil
	}
	for _, a := range append([]types.Address{b.Sender}, b.Cosigners...) {
		m, ok, err := v.chain.Machine.Member(v.chain.Ledger, a)
		if err != nil {
			return false, err
		}
		if ok && v.as.Member != "" && m.Member == v.as.Member {
			return true, nil
		}
	}
	return false, nil
}

// event reports whether the caller may see the data of events of a name.
func (v *sight) event(contract, name string) (bool, error) {
	if v.as == nil {
		return true, nil
	}
	x, err := v.face(contract)
	if x == nil || err != nil {
		return err == nil, err
	}
	if x.Interface == nil {
		return false, nil
	}
	records := x.Shown(x.Schema.Events[name])
	if named := x.Spec.Events[name].Record; named != "" {
		records = append(records, named)
	}
	return v.all(x, records), nil
}

// cover takes the data off an event that the caller may not see.
func (v *sight) cover(e *rest.Event) error {
	ok, err := v.event(e.Contract, e.Name)
	if err == nil && !ok {
		e.Data, e.Withheld = nil, true
	}
	return err
}

// coverTx takes off a transaction what the caller may not see.
func (v *sight) coverTx(b *types.Body, out *rest.Tx) error {
	ok, err := v.payload(b)
	if err != nil || ok {
		return err
	}
	out.Args, out.Receipt.Result, out.Receipt.Error, out.Raw, out.Proof, out.Outcome, out.Withheld = nil, nil, "", nil, nil, nil, true
	for i := range out.Events {
		if err := v.cover(&out.Events[i]); err != nil {
			return err
		}
	}
	return nil
}

// row reports whether the caller may see a row of the state: one of a record type that is
// open to him, or a record that names him or his organisation as owner or reader. Rows that
// the record library keeps beside records are seen where all records of the contract are.
func (v *sight) row(ns string, key, value []byte) (bool, error) {
	if v.as == nil {
		return true, nil
	}
	x, err := v.face(ns)
	if x == nil || err != nil {
		return err == nil, err
	}
	if x.Interface == nil {
		return false, nil
	}
	name, _, _ := strings.Cut(string(key), "/")
	if stored, ok := x.Schema.Records[name]; ok && stored.Value != nil {
		readers := x.Readers(name)
		return readers.All(v.as.Member, v.as.Roles) || readers.Owned && v.named(value), nil
	}
	var stored []string
	for record := range x.Schema.Records {
		if x.Schema.Records[record].Value != nil {
			stored = append(stored, record)
		}
	}
	return v.all(x, stored), nil
}

// named reports whether a record's meta data names the caller as owner or reader.
func (v *sight) named(value []byte) bool {
	var of struct {
		Meta struct {
			Owner  string
			Grants []struct {
				To     string
				Rights []string
				Until  time.Time
			}
		}
	}
	if v.as.Member == "" || json.Unmarshal(value, &of) != nil {
		return false
	}
	is := func(party string) bool { return party != "" && (party == string(v.as.Member) || party == v.as.Org()) }
	if is(of.Meta.Owner) {
		return true
	}
	for _, g := range of.Meta.Grants {
		if is(g.To) && slices.Contains(g.Rights, "read") && (g.Until.IsZero() || time.Now().Before(g.Until)) {
			return true
		}
	}
	return false
}

// showRow refuses a row that the caller may not see: HC-2201.
func (v *sight) showRow(ns string, key, value []byte) error {
	ok, err := v.row(ns, key, value)
	if err == nil && !ok {
		err = types.Errorf(types.CodePermissionDenied, "%s/%s is not shown to %q with the roles %v", ns, rest.Printable(key), v.as.Member, v.as.Roles)
	}
	return err
}
