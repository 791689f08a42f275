package record

import "github.com/huchain/huchain/contracts/sdk/go/contract"

// Refusals of the library. Their words come with the platform: a bundle neither
// declares nor translates them, but errors.Is recognises them.
var (
	ErrNotFound   = contract.NewError("record_not_found")   // no such record, or deleted
	ErrExists     = contract.NewError("record_exists")      // the key is or was in use
	ErrForbidden  = contract.NewError("record_forbidden")   // neither owner nor grantee, or not the one the move permits
	ErrWrongState = contract.NewError("record_wrong_state") // the workflow has no such move from here
	ErrStale      = contract.NewError("record_stale")       // somebody changed the record in between
	ErrDuplicate  = contract.NewError("record_duplicate")   // a unique index holds the value for another record
	ErrBadGrant   = contract.NewError("record_bad_grant")   // no rights, a time that is over, or too many grants
)
