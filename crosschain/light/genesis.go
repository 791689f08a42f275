package light

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"sort"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// TrustGenesis makes an anchor of a genesis file: its SM3 names the chain, and the
// founding validators sign its first headers. The error is HC-5102.
func TrustGenesis(file []byte) (*Trusted, error) {
	var g struct {
		Time       time.Time `json:"time"`
		Validators []struct {
			Key     crypto.PublicKey `json:"key"`
			Ed25519 string           `json:"ed25519"`
			Power   int64            `json:"power"`
		} `json:"validators"`
	}
	if err := json.Unmarshal(file, &g); err != nil {
		return nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	t := &Trusted{Genesis: crypto.Sum(file), Time: g.Time.UnixNano()}
	for _, v := range g.Validators {
		ed, err := hex.DecodeString(v.Ed25519)
		if err != nil || len(ed) != 32 {
			return nil, types.Errorf(types.CodeGenesisInvalid, "validator's ed25519 key is not 64 hex digits")
		}
		t.Next = append(t.Next, types.Validator{Key: v.Key, Ed25519: [32]byte(ed), Power: v.Power})
	}
	sort.Slice(t.Next, func(i, j int) bool { return bytes.Compare(t.Next[i].Key[:], t.Next[j].Key[:]) < 0 })
	if err := t.Next.Validate(); err != nil {
		return nil, types.Errorf(types.CodeGenesisInvalid, "%w", err)
	}
	return t, nil
}
