package rest

import (
	"time"

	"github.com/huchain/huchain/crypto"
)

// EvidenceField is a field of a template.
type EvidenceField struct {
	Name      string `json:"name" pattern:"^[a-z][A-Za-z0-9]{0,31}$"`
	Title     string `json:"title,omitempty" maxLength:"100"`
	Type      string `json:"type" enum:"text,int,decimal,bool,date,time"`
	Required  bool   `json:"required,omitempty"`
	Encrypted bool   `json:"encrypted,omitempty" doc:"Kept under SM4, shown to the tenant and those it grants alone"`
	Max       int    `json:"max,omitempty" minimum:"1" maximum:"4000" doc:"Characters of a text"`
}

// EvidenceTemplate says which fields a deposit has.
type EvidenceTemplate struct {
	ID      string          `json:"id" pattern:"^[a-z0-9][a-z0-9._-]{0,39}$"`
	Version int             `json:"version" minimum:"1" doc:"To save: one more than the newest"`
	Title   string          `json:"title" minLength:"1" maxLength:"100"`
	Fields  []EvidenceField `json:"fields" minItems:"1" maxItems:"64"`
	File    string          `json:"file,omitempty" enum:"required,optional,none" default:"optional" doc:"Whether a deposit has an original besides its fields"`
	Tenant  string          `json:"tenant,omitempty"`
	Created *time.Time      `json:"created,omitempty"`
}

// EvidenceTemplates is a list of templates in their newest versions.
type EvidenceTemplates struct {
	Items []EvidenceTemplate `json:"items"`
}

// TemplateNew saves a version of a template of the caller's tenant.
type TemplateNew struct {
	InChain
	Body EvidenceTemplate
}

// TemplateRef names a template; version 0 is the newest.
type TemplateRef struct {
	InChain
	ID      string `path:"id" maxLength:"40"`
	Version int    `query:"version" minimum:"0"`
}

// EvidenceNode is a node of an evidence-chain template.
type EvidenceNode struct {
	Name   string          `json:"name" minLength:"1" maxLength:"64"`
	Title  string          `json:"title,omitempty" maxLength:"100"`
	Party  string          `json:"party" maxLength:"40" doc:"Tenant that may deposit it"`
	After  []string        `json:"after,omitempty" maxItems:"16" doc:"Nodes that come before; the one listed before it, if left out"`
	Fields []EvidenceField `json:"fields,omitempty" maxItems:"64"`
}

// EvidenceChainTemplate says of which nodes evidence chains consist.
type EvidenceChainTemplate struct {
	ID      string         `json:"id" pattern:"^[a-z0-9][a-z0-9._-]{0,39}$"`
	Version int            `json:"version" minimum:"1" doc:"To save: one more than the newest"`
	Title   string         `json:"title" minLength:"1" maxLength:"100"`
	Nodes   []EvidenceNode `json:"nodes" minItems:"1" maxItems:"64"`
	Tenant  string         `json:"tenant,omitempty"`
	OnChain string         `json:"onChain,omitempty" doc:"Its id in contract evidence"`
	TxID    string         `json:"txId,omitempty"`
	Created *time.Time     `json:"created,omitempty"`
}

// EvidenceChainTemplates is a list of chain templates in their newest versions.
type EvidenceChainTemplates struct {
	Items []EvidenceChainTemplate `json:"items"`
}

// ChainTemplateNew saves a version of a chain template.
type ChainTemplateNew struct {
	InChain
	Body EvidenceChainTemplate
}

// EvidenceChainNew opens an evidence chain.
type EvidenceChainNew struct {
	InChain
	Body struct {
		ID       string `json:"id" pattern:"^[a-z0-9][a-z0-9._-]{0,62}$"`
		Template string `json:"template" maxLength:"40"`
		Version  int    `json:"version,omitempty" minimum:"0" doc:"0: the newest"`
		Title    string `json:"title" minLength:"1" maxLength:"200"`
	}
}

// EvidenceChain is an evidence chain with its nodes.
type EvidenceChain struct {
	ID       string             `json:"id"`
	Template string             `json:"template"`
	Version  int                `json:"version"`
	Title    string             `json:"title"`
	Tenant   string             `json:"tenant"`
	Complete bool               `json:"complete"`
	Due      []string           `json:"due" doc:"Nodes that may be added now"`
	Nodes    []EvidenceChainRow `json:"nodes"`
	Valid    bool               `json:"valid" doc:"Whether contract evidence finds the whole chain sound"`
	Reason   string             `json:"reason,omitempty" doc:"What is wrong, and where"`
	Time     time.Time          `json:"time"`
}

// EvidenceChainRow is a node that was added.
type EvidenceChainRow struct {
	Name     string            `json:"name"`
	Tenant   string            `json:"tenant"`
	Deposit  string            `json:"deposit" doc:"Id of the deposit"`
	Hash     crypto.Hash       `json:"hash"`
	Digest   crypto.Hash       `json:"digest"`
	Previous crypto.Hash       `json:"previous"`
	Fields   map[string]string `json:"fields,omitempty"`
	Time     time.Time         `json:"time"`
}

// EvidenceChainRef names an evidence chain.
type EvidenceChainRef struct {
	InChain
	ID string `path:"id" maxLength:"64"`
}

// EvidenceChains is a page of evidence chains, without nodes.
type EvidenceChains struct {
	Items []EvidenceChain `json:"items"`
	Next  string          `json:"next,omitempty"`
}

// EvidenceChainQuery asks for the chains in which the caller's tenant is a party.
type EvidenceChainQuery struct {
	InChain
	Listing
}

// EvidenceDeposit is what is deposited, but for a file.
type EvidenceDeposit struct {
	Title    string            `json:"title" minLength:"1" maxLength:"200"`
	Text     string            `json:"text,omitempty" maxLength:"1000000" doc:"The original, where it is a text; with a template the fields may be it"`
	Template string            `json:"template,omitempty" maxLength:"40"`
	Version  int               `json:"version,omitempty" minimum:"0" doc:"Of the template; 0: the newest"`
	Fields   map[string]string `json:"fields,omitempty"`
	Tags     []string          `json:"tags,omitempty" maxItems:"16"`
	Chain    string            `json:"chain,omitempty" maxLength:"64" doc:"Evidence chain to which this is a node"`
	Node     string            `json:"node,omitempty" maxLength:"64" doc:"Name of the node"`
}

// Idempotent carries the key under which a repeated request gives the first one's receipt.
type Idempotent struct {
	Key string `header:"Idempotency-Key" maxLength:"128" doc:"The same request under the same key gives the same receipt"`
}

// TextNew deposits a text, or the fields of a template.
type TextNew struct {
	InChain
	Idempotent
	Body EvidenceDeposit
}

// FileNew deposits a file, which is the body.
type FileNew struct {
	InChain
	Idempotent
	Name     string   `query:"name" maxLength:"255" doc:"Name of the file"`
	Title    string   `query:"title" maxLength:"200" doc:"The name, if left out"`
	Template string   `query:"template" maxLength:"40"`
	Version  int      `query:"version" minimum:"0"`
	Fields   string   `query:"fields" maxLength:"16000" doc:"JSON object of texts"`
	Tags     []string `query:"tags" maxItems:"16"`
	Chain    string   `query:"evidenceChain" maxLength:"64"`
	Node     string   `query:"node" maxLength:"64"`
	RawBody  []byte   `contentType:"application/octet-stream"`
}

// EvidenceReceipt is a deposit: accepted at once, committed when the chain holds its hash.
type EvidenceReceipt struct {
	ID        string            `json:"id"`
	State     string            `json:"state" enum:"accepted,committed,refused"`
	Title     string            `json:"title"`
	FileName  string            `json:"fileName,omitempty"`
	Type      string            `json:"type" doc:"Class of the original" enum:"text,form,document,image,audio,video,archive,other"`
	Media     string            `json:"media" doc:"Media type, by content"`
	SizeClass string            `json:"sizeClass" enum:"small,medium,large"`
	SizeBytes int64             `json:"sizeBytes"`
	Hash      crypto.Hash       `json:"hash" doc:"SM3 of the original"`
	SHA256    string            `json:"sha256"`
	Tenant    string            `json:"tenant"`
	Depositor string            `json:"depositor" doc:"Member or application"`
	App       string            `json:"app,omitempty" doc:"Id of the application"`
	Template  string            `json:"template,omitempty"`
	Version   int               `json:"version,omitempty"`
	Fields    map[string]string `json:"fields,omitempty"`
	Tags      []string          `json:"tags"`
	Chain     string            `json:"evidenceChain,omitempty"`
	Node      string            `json:"node,omitempty"`
	Accepted  time.Time         `json:"accepted"`
	TxID      *crypto.Hash      `json:"txId,omitempty"`
	Height    uint64            `json:"height,omitempty"`
	BlockTime *time.Time        `json:"blockTime,omitempty"`
	Error     *Error            `json:"error,omitempty" doc:"Why it was refused"`
	Notarial  *Notarisation     `json:"notarisation,omitempty"`
	GivenUp   []GivenUp         `json:"givenUp,omitempty" doc:"Where it stood in blocks that the chain's validators gave up; certificates and proofs that name such a transaction hold no more"`
}

// GivenUp is where a deposit, or its notarisation, stood in a block that was given up.
type GivenUp struct {
	TxID      crypto.Hash `json:"txId"`
	Height    uint64      `json:"height"`
	BlockTime *time.Time  `json:"blockTime,omitempty"`
	Above     uint64      `json:"above" doc:"Height above which the chain was restarted"`
	Error     *Error      `json:"error,omitempty" doc:"What that means and what to do"`
}

// EvidenceReceipts is a page of deposits.
type EvidenceReceipts struct {
	Items []EvidenceReceipt `json:"items"`
	Next  string            `json:"next,omitempty"`
}

// ReceiptRef names a deposit.
type ReceiptRef struct {
	InChain
	ID string `path:"id" maxLength:"40"`
}

// ReceiptWait asks for a receipt, waiting for its commit.
type ReceiptWait struct {
	ReceiptRef
	WaitMs int64 `query:"waitMs" minimum:"0" maximum:"10000" doc:"How long to wait for the commit"`
}

// EvidenceSearch asks for deposits of the caller's tenant, and those granted to it.
type EvidenceSearch struct {
	InChain
	Listing
	ID    string    `query:"id" maxLength:"40"`
	Hash  string    `query:"hash" pattern:"^([0-9a-f]{64})?$"`
	From  time.Time `query:"from" doc:"Accepted at or after"`
	Until time.Time `query:"until" doc:"Accepted before"`
	Tag   string    `query:"tag" maxLength:"32"`
	Text  string    `query:"q" maxLength:"100" doc:"Part of the title"`
	Type  string    `query:"type" enum:"text,form,document,image,audio,video,archive,other"`
	App   string    `query:"app" maxLength:"40"`
	State string    `query:"state" enum:"accepted,committed,refused"`
}

// VerificationNew asks whether something was deposited: by its hash or text, against a
// deposit's id or by itself.
type VerificationNew struct {
	InChain
	Body struct {
		ID   string `json:"id,omitempty" maxLength:"40" doc:"Deposit to compare with"`
		Hash string `json:"hash,omitempty" pattern:"^[0-9a-f]{64}$" doc:"SM3 of the original"`
		Text string `json:"text,omitempty" maxLength:"1000000" doc:"The original itself, where it is a text"`
	}
}

// EvidenceVerdict answers a verification out of contract evidence.
type EvidenceVerdict struct {
	Result    string       `json:"result" enum:"match,mismatch,unknown"`
	Hash      *crypto.Hash `json:"hash,omitempty" doc:"What was asked about"`
	Deposited *crypto.Hash `json:"deposited,omitempty" doc:"What the chain holds for the id"`
	Title     string       `json:"title,omitempty"`
	Owner     string       `json:"owner,omitempty" doc:"Member that deposited it on the chain"`
	Time      *time.Time   `json:"time,omitempty" doc:"Of the block"`
	TxID      *crypto.Hash `json:"txId,omitempty"`
	Height    uint64       `json:"height,omitempty"`
	Key       string       `json:"key,omitempty" doc:"Row of contract evidence's state, whose proof GET …/state/evidence/{key}?proof=true gives"`
}

// GrantNew lets another tenant or a court case read a deposit and take its certificate.
type GrantNew struct {
	ReceiptRef
	Body struct {
		To    string     `json:"to" maxLength:"80" doc:"Tenant id, or case:NUMBER"`
		Until *time.Time `json:"until,omitempty" doc:"End of the grant"`
	}
}

// GrantRef names a grant.
type GrantRef struct {
	ReceiptRef
	To string `path:"to" maxLength:"80"`
}

// Grant is a grant.
type Grant struct {
	Deposit string     `json:"deposit"`
	To      string     `json:"to"`
	By      string     `json:"by"`
	Time    time.Time  `json:"time"`
	Until   *time.Time `json:"until,omitempty"`
	Revoked *time.Time `json:"revoked,omitempty"`
}

// Grants is a list of grants.
type Grants struct {
	Items []Grant `json:"items"`
}

// StatisticsQuery asks for figures about deposits.
type StatisticsQuery struct {
	InChain
	From   time.Time `query:"from"`
	Until  time.Time `query:"until"`
	Type   string    `query:"type" enum:"text,form,document,image,audio,video,archive,other"`
	App    string    `query:"app" maxLength:"40"`
	Tenant string    `query:"tenant" maxLength:"40" doc:"For those who run the service"`
}

// EvidenceStatistics are figures about committed deposits.
type EvidenceStatistics struct {
	Total     int64   `json:"total"`
	Blocks    int64   `json:"blocks" doc:"Blocks that hold one or more of them"`
	Height    uint64  `json:"height" doc:"Newest block of the chain"`
	SizeBytes int64   `json:"sizeBytes" doc:"Of the originals"`
	Notarial  int64   `json:"notarial" doc:"How many a notary attested; its answers are deposits of the service too"`
	ByType    []Count `json:"byType"`
	ByApp     []Count `json:"byApp"`
	ByTenant  []Count `json:"byTenant,omitempty"`
	ByDay     []Count `json:"byDay" doc:"By block time, in UTC"`
	OnChain   *int64  `json:"onChain,omitempty" doc:"Records of the service that the chain's mirror counts, total and notarial together once it has caught up; for those who run the service, without filters"`
}

// Count is how many there are of something.
type Count struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// Setting is a value of the running configuration.
type Setting struct {
	Name    string `json:"name"`
	Value   string `json:"value" doc:"Secrets are masked"`
	Default string `json:"default"`
	Changed bool   `json:"changed"`
}

// Settings is the running configuration and how the service does.
type Settings struct {
	Items  []Setting `json:"items"`
	Queued int64     `json:"queued" doc:"Accepted deposits that wait for their commit"`
	Since  time.Time `json:"since" doc:"Start of the service"`
}

// NotarisationNew has a notary attest a deposit.
type NotarisationNew struct{ ReceiptRef }

// Notarisation is a notary's answer about a deposit, as it was linked on the chain.
type Notarisation struct {
	Serial string      `json:"serial"`
	Notary string      `json:"notary" doc:"Subject of its certificate"`
	Hash   crypto.Hash `json:"hash" doc:"What it attests"`
	Time   time.Time   `json:"time"`
	Answer crypto.Hash `json:"answer" doc:"SM3 of the signed answer, deposited on the chain"`
	TxID   crypto.Hash `json:"txId"`
	Height uint64      `json:"height"`
}

// CaseNew registers a case of a court.
type CaseNew struct {
	InChain
	Body struct {
		Number string `json:"number" pattern:"^[^\\s/]{4,60}$" example:"(2026)沪0115民初1234号"`
		Court  string `json:"court" maxLength:"40" doc:"Tenant of kind court"`
	}
}

// CaseRef names a case.
type CaseRef struct {
	InChain
	Number string `path:"number" maxLength:"60"`
}

// Case is a registered case.
type Case struct {
	Number string     `json:"number"`
	Court  string     `json:"court"`
	By     string     `json:"by"`
	Time   time.Time  `json:"time"`
	Closed *time.Time `json:"closed,omitempty"`
}

// Cases is a list of cases.
type Cases struct {
	Items []Case `json:"items"`
}

// CourtQueryNew is a court's question about a deposit.
type CourtQueryNew struct {
	InChain
	Body struct {
		Case    string `json:"case" maxLength:"60"`
		Deposit string `json:"deposit" maxLength:"40"`
	}
}

// CourtAnswer is what a court gets: the record and a dossier that proves it.
type CourtAnswer struct {
	Query   string          `json:"query" doc:"Id under which the query was recorded"`
	Receipt EvidenceReceipt `json:"receipt"`
	Dossier Hex             `json:"dossier" doc:"Proof that is checked against the genesis file alone: huchain proof verify"`
}

// CourtRecord is a query of a court as it was recorded.
type CourtRecord struct {
	ID      string    `json:"id"`
	Case    string    `json:"case"`
	Deposit string    `json:"deposit"`
	Court   string    `json:"court"`
	By      string    `json:"by"`
	Outcome string    `json:"outcome" doc:"OK, or the code of the refusal"`
	Time    time.Time `json:"time"`
}

// CourtRecords is a page of recorded queries.
type CourtRecords struct {
	Items []CourtRecord `json:"items"`
	Next  string        `json:"next,omitempty"`
}

// ListQuery asks for a page of a list without filters.
type ListQuery struct {
	InChain
	Listing
}

// Blob is a file in an answer.
type Blob struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               []byte
}
