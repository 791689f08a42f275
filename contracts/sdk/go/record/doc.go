// Package record keeps records with versions, owners, rights, workflows, indexes and
// history, over the same storage as package state.
//
// A record is a struct with a field Meta of type [Meta], declared once:
//
//	type Case struct {
//		ID    string      `json:"case"`
//		Title string      `json:"title"`
//		Org   contract.Org `json:"org"`
//		Meta  record.Meta `json:"meta"`
//	}
//
//	var (
//		cases      = record.New("case", func(c *Case) string { return c.ID }, record.Flow(caseFlow))
//		casesByOrg = record.NewIndex(cases, "caseByOrg", func(c *Case) contract.Org { return c.Org })
//	)
//
// Every change, of content, state, grants or owner, makes a new version; the version
// before is kept as it was, and each version is a row that the chain proves.
//
// # Layout
//
// With the conventions of package state, a record type "case" has the rows
//
//	case/KEY                    the newest version, as JSON; a tombstone stays here
//	case~/KEY 0x00 VERSION      an older version; VERSION is 8 hex digits
//	caseByOrg/ORG 0x00 KEY      index: value 1
//	caseByNumber/NUMBER 0x00    unique index: value KEY
//
// # Who may
//
// A method's allow rule in bundle.yaml is checked by the chain before the contract is
// entered. The library then asks of the caller, for the record at hand: to change the
// content, to be its owner or to hold a write grant (unless the type is [Open]); to
// read, nothing (unless the type is [Private]); for a move, what the workflow says.
// Rows themselves are never secret, since every node holds them: what must stay
// secret is encrypted.
package record
