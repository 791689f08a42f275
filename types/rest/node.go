package rest

import (
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Node says how a node is doing.
type Node struct {
	Name      string      `json:"name"`
	Version   string      `json:"version"`
	Started   time.Time   `json:"started"`
	DiskFree  uint64      `json:"diskFreeBytes" doc:"On the fullest of the disks of the node and its ledgers"`
	DiskSmall uint64      `json:"diskMinFreeBytes" doc:"Below this the node stops"`
	Chains    []NodeChain `json:"chains"`
}

// NodeChain is a chain of a node.
type NodeChain struct {
	Chain         string      `json:"chain"`
	State         string      `json:"state" enum:"starting,running,stopped,failed"`
	Error         string      `json:"error,omitempty"`
	Genesis       crypto.Hash `json:"genesis"`
	Organisations []string    `json:"organisations" doc:"That founded it"`
	P2P           string      `json:"p2p"`
	API           string      `json:"api,omitempty"`
	Height        uint64      `json:"height"`
	Peers         int         `json:"peers"`
	Validator     bool        `json:"validator"`
	CatchingUp    bool        `json:"catchingUp"`
	ReadOnly      bool        `json:"readOnly,omitempty"`
	ClockAheadMs  *int64      `json:"clockAheadMs,omitempty" doc:"Of this machine's clock to the other validators'"`
	SignerAway    string      `json:"signerAway,omitempty" doc:"Why a remote signer cannot be asked"`
}

// NodeCertificates are the certificates beside the keys of a node's chains.
type NodeCertificates struct {
	Items []NodeCertificate `json:"items"`
}

// NodeCertificate is one of them.
type NodeCertificate struct {
	Chain     string    `json:"chain"`
	File      string    `json:"file"`
	Member    string    `json:"member,omitempty"`
	Roles     []string  `json:"roles,omitempty"`
	Serial    string    `json:"serial,omitempty"`
	NotBefore time.Time `json:"notBefore,omitzero"`
	NotAfter  time.Time `json:"notAfter,omitzero"`
	State     string    `json:"state" enum:"good,ending,ended,unreadable" doc:"ending: within 30 days"`
	Error     string    `json:"error,omitempty"`
}

// Alarms are what the node's own examination (huchain doctor) finds.
type Alarms struct {
	Time  time.Time `json:"time"`
	Items []Alarm   `json:"items"`
}

// Alarm is the result of one check.
type Alarm struct {
	What   string     `json:"what"`
	OK     bool       `json:"ok"`
	Detail string     `json:"detail,omitempty"`
	Fix    types.Text `json:"fix,omitzero"`
}

// NodeArchives say what of the chains' history is archived.
type NodeArchives struct {
	Items []NodeArchive `json:"items"`
}

// NodeArchive is the archive of one chain.
type NodeArchive struct {
	Chain    string `json:"chain"`
	Enabled  bool   `json:"enabled"`
	Target   string `json:"target,omitempty"`
	Height   uint64 `json:"height" doc:"Of the chain"`
	Archived uint64 `json:"archivedTo" doc:"Newest height that is archived"`
	Hot      uint64 `json:"contentsFrom" doc:"Lowest height whose contents are in the ledger"`
	Due      uint64 `json:"dueTo" doc:"Newest height that the policy lets go"`
	FreeMiB  int64  `json:"freeMiB"`
}

// NodeSetting is one line of a node's configuration as it runs.
type NodeSetting struct {
	File    string `json:"file" example:"node.toml"`
	Key     string `json:"key" example:"web.listen"`
	Value   string `json:"value" doc:"Secrets are masked"`
	Changed bool   `json:"changed" doc:"It is not the default"`
}

// NodeSettings are a node's configuration.
type NodeSettings struct {
	Items []NodeSetting `json:"items"`
}

// LogLines are the newest lines of a node's log, oldest first.
type LogLines struct {
	File  string   `json:"file"`
	Lines []string `json:"lines"`
}

// AuditRecords are the newest records of the audit log, newest first.
type AuditRecords struct {
	Items []AuditRecord `json:"items"`
	Head  crypto.Hash   `json:"head" doc:"Hash of the newest record; the chain of hashes was checked"`
	Total uint64        `json:"total"`
}

// AuditRecord is a record of an administrative call.
type AuditRecord struct {
	Seq     uint64      `json:"seq"`
	Time    time.Time   `json:"time"`
	Actor   string      `json:"actor"`
	Action  string      `json:"action"`
	Subject string      `json:"subject,omitempty"`
	Outcome string      `json:"outcome"`
	Hash    crypto.Hash `json:"hash"`
}

// WebSessions are the open sessions of a node.
type WebSessions struct {
	Items []WebSession `json:"items"`
}

// WebSession is one of them.
type WebSession struct {
	ID      string       `json:"id"`
	Chain   string       `json:"chain"`
	Member  string       `json:"member"`
	Roles   []types.Role `json:"roles"`
	By      string       `json:"by" enum:"certificate,oidc"`
	Began   time.Time    `json:"began"`
	Used    time.Time    `json:"used"`
	Expires time.Time    `json:"expires"`
}
