package mirror

import (
	"time"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

// only returns nil if a reader may see all records of a type, else the reader, who is shown
// those that he owns or holds a read grant of. HC-2201 if the records name no owner.
func only(i *bundle.Interface, record string, r *rest.Reader) (*rest.Reader, error) {
	if r == nil {
		return nil, nil
	}
	readers := i.Readers(record)
	switch {
	case readers.All(r.Member, r.Roles):
		return nil, nil
	case !readers.Owned || r.Member == "":
		return nil, types.Errorf(types.CodePermissionDenied, "%s.%s is not shown to %q with the roles %v: no method of the contract does so", i.Spec.Name, record, r.Member, r.Roles)
	}
	return r, nil
}

// readable adds the condition that a reader owns a record or holds a read grant of it, the
// member or the organisation.
func (s *statement) readable(r *rest.Reader, nowMs int64) {
	if r == nil {
		return
	}
	parties := s.param(string(r.Member)) + ", " + s.param(r.Org())
	now := s.param(time.UnixMilli(nowMs).UTC().Format("2006-01-02T15:04:05.000Z"))
	s.add(" AND (", s.d.field("meta", "owner"), " IN (", parties, ") OR ", s.d.granted(parties, now), ")")
}
