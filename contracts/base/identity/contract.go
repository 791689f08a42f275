// Package main keeps identities: DIDs and their documents, the accounts of natural and
// legal persons, how they relate, what they may do for one another, and the digests and
// status of their credentials. No personal data is stored, only digests.
package main

import "github.com/huchain/huchain/contracts/sdk/go/contract"

var _ = contract.Methods(
	contract.Call("create", create),
	contract.Call("createBatch", createBatch),
	contract.Query("resolve", resolve),

	contract.Call("openAccount", openAccount),
	contract.Call("changeAccount", changeAccount),
	contract.Query("getAccount", getAccount),
	contract.Query("findAccount", findAccount),
	contract.Call("changeKey", changeKey),
	contract.Call("freeze", freeze),
	contract.Call("unfreeze", unfreeze),
	contract.Call("recover", recoverKey),
	contract.Call("close", closeAccount),
	contract.Call("bindMember", bindMember),
	contract.Call("unbindMember", unbindMember),

	contract.Call("relate", relate),
	contract.Call("endRelation", endRelation),
	contract.Query("checkRelation", checkRelation),
	contract.Query("listRelations", listRelations),

	contract.Call("authorise", authorise),
	contract.Call("revokeAuthorisation", revokeAuthorisation),
	contract.Query("listAuthorisations", listAuthorisations),
	contract.Query("mayAct", mayAct),

	contract.Call("registerTemplate", registerTemplate),
	contract.Call("changeTemplate", changeTemplate),
	contract.Call("enableTemplate", enableTemplate),
	contract.Call("disableTemplate", disableTemplate),
	contract.Call("delegate", delegate),
	contract.Call("endDelegation", endDelegation),
	contract.Query("getTemplate", getTemplate),
	contract.Query("listTemplates", listTemplates),
	contract.Query("listAgents", listAgents),

	contract.Query("digestCredential", digestCredential),
	contract.Call("issue", issue),
	contract.Call("suspend", suspend),
	contract.Call("resume", resume),
	contract.Call("revoke", revoke),
	contract.Query("getCredential", getCredential),
	contract.Query("verify", verify),

	contract.Call("loginByCertificate", loginByCertificate),
	contract.Call("loginByDid", loginByDID),
	contract.Query("getLogin", getLogin),

	contract.Query("trace", trace),
)

// Refusals that several methods share.
var (
	errBadDID      = contract.NewError("bad_did")
	errUnknownDID  = contract.NewError("unknown_did")
	errNotHolder   = contract.NewError("not_holder")
	errNotActive   = contract.NewError("not_active")
	errBadProof    = contract.NewError("bad_proof")
	errStaleProof  = contract.NewError("stale_proof")
	errBadID       = contract.NewError("bad_id")
	errTooLong     = contract.NewError("too_long")
	errBadPeriod   = contract.NewError("bad_period")
	errWrongState  = contract.NewError("wrong_state")
	errNotAllowed  = contract.NewError("not_allowed")
	errBatchSize   = contract.NewError("batch_size")
	errKeyTaken    = contract.NewError("key_taken")
	errNoAccount   = contract.NewError("no_account")
	errHasAccount  = contract.NewError("has_account")
	errSecond      = contract.NewError("second_account")
	errMemberBound = contract.NewError("member_bound")
)

// maxID bounds ids of templates and names, in bytes.
const maxID = 64

// validID accepts 1 to 64 letters of the Latin alphabet, digits, dots, hyphens and
// underscores.
func validID(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

// within reports whether now lies in [from, until).
func within(now, from, until contract.Time) bool { return from <= now && now < until }

func main() { contract.Main() }
