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
	ErrUnknownRef = contract.NewError("record_unknown_ref") // a reference points to no record
	ErrInUse      = contract.NewError("record_in_use")      // other records refer to the one to be deleted
	ErrBadSeal    = contract.NewError("record_bad_seal")    // an envelope or wrapped key is malformed
	ErrBadReaders = contract.NewError("record_bad_readers") // keys are not wrapped to exactly owner and readers
	ErrRekey      = contract.NewError("record_rekey")       // a reader left, so the content needs a fresh key
	ErrOverflow   = contract.NewError("record_overflow")    // a counter beyond 64 bits
	ErrReused     = contract.NewError("record_reused")      // an idempotence key came with other arguments
	ErrBadBatch   = contract.NewError("record_bad_batch")   // too many items, or a batch within a batch
	ErrBadGrant   = contract.NewError("record_bad_grant")   // no rights, a time that is over, or too many grants
)
