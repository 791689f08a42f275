package api

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"github.com/huchain/huchain/types"
)

// The forms of CometBFT's JSON-RPC, of which only those that the served methods need.
// Numbers of 64 bits are strings there, hashes upper-case hex, other bytes base64.

type rpcHex []byte

// MarshalText returns upper-case hex digits.
func (h rpcHex) MarshalText() ([]byte, error) {
	return []byte(strings.ToUpper(hex.EncodeToString(h))), nil
}

type rpcBlockID struct {
	Hash  rpcHex `json:"hash"`
	Parts struct {
		Total int    `json:"total"`
		Hash  rpcHex `json:"hash"`
	} `json:"parts"`
}

type rpcHeader struct {
	Version struct {
		Block uint64 `json:"block,string"`
		App   uint64 `json:"app,string"`
	} `json:"version"`
	ChainID            string     `json:"chain_id"`
	Height             uint64     `json:"height,string"`
	Time               time.Time  `json:"time"`
	LastBlockID        rpcBlockID `json:"last_block_id"`
	LastCommitHash     rpcHex     `json:"last_commit_hash"`
	DataHash           rpcHex     `json:"data_hash"`
	ValidatorsHash     rpcHex     `json:"validators_hash"`
	NextValidatorsHash rpcHex     `json:"next_validators_hash"`
	ConsensusHash      rpcHex     `json:"consensus_hash"`
	AppHash            rpcHex     `json:"app_hash"`
	LastResultsHash    rpcHex     `json:"last_results_hash"`
	EvidenceHash       rpcHex     `json:"evidence_hash"`
	ProposerAddress    rpcHex     `json:"proposer_address"`
}

type rpcCommitSig struct {
	Flag      int       `json:"block_id_flag"`
	Address   rpcHex    `json:"validator_address"`
	Timestamp time.Time `json:"timestamp"`
	Signature []byte    `json:"signature"`
}

type rpcCommit struct {
	Height     uint64         `json:"height,string"`
	Round      int            `json:"round"`
	BlockID    rpcBlockID     `json:"block_id"`
	Signatures []rpcCommitSig `json:"signatures"`
}

// flags of a signature in a commit.
const (
	rpcAbsent = 1
	rpcSigned = 2
)

type rpcBlock struct {
	Header rpcHeader `json:"header"`
	Data   struct {
		Txs [][]byte `json:"txs"`
	} `json:"data"`
	Evidence struct {
		Evidence []struct{} `json:"evidence"`
	} `json:"evidence"`
	LastCommit rpcCommit `json:"last_commit"`
}

type rpcBlockAnswer struct {
	BlockID rpcBlockID `json:"block_id"`
	Block   rpcBlock   `json:"block"`
}

type rpcCommitAnswer struct {
	SignedHeader struct {
		Header rpcHeader `json:"header"`
		Commit rpcCommit `json:"commit"`
	} `json:"signed_header"`
	Canonical bool `json:"canonical"`
}

type rpcAttribute struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Index bool   `json:"index"`
}

type rpcEvent struct {
	Type       string         `json:"type"`
	Attributes []rpcAttribute `json:"attributes"`
}

type rpcTxResult struct {
	Code      types.Code `json:"code"`
	Data      []byte     `json:"data"`
	Log       string     `json:"log"`
	Info      string     `json:"info"`
	GasWanted uint64     `json:"gas_wanted,string"`
	GasUsed   uint64     `json:"gas_used,string"`
	Events    []rpcEvent `json:"events"`
	Codespace string     `json:"codespace"`
}

type rpcBlockResults struct {
	Height                uint64        `json:"height,string"`
	TxsResults            []rpcTxResult `json:"txs_results"`
	FinalizeBlockEvents   []rpcEvent    `json:"finalize_block_events"`
	ValidatorUpdates      []struct{}    `json:"validator_updates"`
	ConsensusParamUpdates *struct{}     `json:"consensus_param_updates"`
	AppHash               []byte        `json:"app_hash"`
}

type rpcTx struct {
	Hash     rpcHex      `json:"hash"`
	Height   uint64      `json:"height,string"`
	Index    uint32      `json:"index"`
	TxResult rpcTxResult `json:"tx_result"`
	Tx       []byte      `json:"tx"`
}

type rpcPubKey struct {
	Type  string `json:"type"`
	Value []byte `json:"value"`
}

type rpcValidator struct {
	Address  rpcHex     `json:"address"`
	PubKey   *rpcPubKey `json:"pub_key"`
	Power    int64      `json:"voting_power,string"`
	Priority int64      `json:"proposer_priority,string"`
}

type rpcValidators struct {
	BlockHeight uint64         `json:"block_height,string"`
	Validators  []rpcValidator `json:"validators"`
	Count       int            `json:"count,string"`
	Total       int            `json:"total,string"`
}

type rpcStatus struct {
	NodeInfo struct {
		ProtocolVersion struct {
			P2P   uint64 `json:"p2p,string"`
			Block uint64 `json:"block,string"`
			App   uint64 `json:"app,string"`
		} `json:"protocol_version"`
		ID         string `json:"id"`
		ListenAddr string `json:"listen_addr"`
		Network    string `json:"network"`
		Version    string `json:"version"`
		Channels   rpcHex `json:"channels"`
		Moniker    string `json:"moniker"`
		Other      struct {
			TxIndex    string `json:"tx_index"`
			RPCAddress string `json:"rpc_address"`
		} `json:"other"`
	} `json:"node_info"`
	SyncInfo struct {
		LatestBlockHash     rpcHex    `json:"latest_block_hash"`
		LatestAppHash       rpcHex    `json:"latest_app_hash"`
		LatestBlockHeight   uint64    `json:"latest_block_height,string"`
		LatestBlockTime     time.Time `json:"latest_block_time"`
		EarliestBlockHash   rpcHex    `json:"earliest_block_hash"`
		EarliestAppHash     rpcHex    `json:"earliest_app_hash"`
		EarliestBlockHeight uint64    `json:"earliest_block_height,string"`
		EarliestBlockTime   time.Time `json:"earliest_block_time"`
		CatchingUp          bool      `json:"catching_up"`
	} `json:"sync_info"`
	ValidatorInfo struct {
		Address rpcHex     `json:"address"`
		PubKey  *rpcPubKey `json:"pub_key"`
		Power   int64      `json:"voting_power,string"`
	} `json:"validator_info"`
}

// RPCError is an error of JSON-RPC 2.0; Data begins with an error number of the platform.
type RPCError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    string `json:"data"`
}

// RPCAnswer is an answer of JSON-RPC 2.0.
type RPCAnswer struct {
	Version string          `json:"jsonrpc" enum:"2.0"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result,omitempty" doc:"As CometBFT 0.38 and later answer this method"`
	Error   *RPCError       `json:"error,omitempty"`
}
