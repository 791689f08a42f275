package chain

import (
	"encoding/json"

	"github.com/huchain/huchain/types"
)

// IdentityContract is the installed contract that says which DID a member acts under.
// Its row member/<org>/<name> holds the DID as a JSON string, for as long as the DID is
// neither frozen nor closed. A chain without it has no DIDs.
const IdentityContract = "identity"

// maxDIDBytes bounds a DID, as contracts' types do.
const maxDIDBytes = 255

// callerDID looks up the DID of a member, "" if it has none. It is read when a contract
// asks, so that transactions that do not ask pay nothing for it.
func callerDID(st State, m types.MemberID) (string, error) {
	if m == "" {
		return "", nil
	}
	raw, found, err := st.Get(IdentityContract, memberKey(m))
	if err != nil || !found {
		return "", err
	}
	var did string
	if json.Unmarshal(raw, &did) != nil || len(did) > maxDIDBytes {
		return "", nil // whatever contract goes by this name, it is not the chain's to judge
	}
	return did, nil
}
