package rest

// Peers lists the other nodes of a chain as one node sees them.
type Peers struct {
	Node  string `json:"node" doc:"The node asked: organisation/name of its link certificate"`
	Items []Peer `json:"items"`
}

// States of a peer.
const (
	PeerLinked = "linked"
	PeerAbsent = "absent"  // configured, and no link stands
	PeerCutOff = "cut-off" // refused for a while, for what it sent
)

// Peer is another node of the chain.
type Peer struct {
	Org           string `json:"org" doc:"Organisation, by the certificate of its links"`
	Name          string `json:"name" doc:"Name of the node in its organisation"`
	State         string `json:"state" enum:"linked,absent,cut-off"`
	Configured    bool   `json:"configured" doc:"Stands in this node's configuration; the others were heard of, or came by themselves"`
	Direction     string `json:"direction,omitempty" enum:"outbound,inbound" doc:"Who dialled; outbound is this node"`
	Address       string `json:"address,omitempty" doc:"Other end of the link, host:port"`
	Advertised    string `json:"advertised,omitempty" doc:"Where others reach it, by its own word or this node's configuration"`
	Release       string `json:"release,omitempty" doc:"What it says it runs"`
	Height        uint64 `json:"height,omitempty" doc:"The height it says it works at"`
	LinkedSeconds int64  `json:"linkedSeconds,omitempty"`
	SentBytes     int64  `json:"sentBytes" doc:"On the link that stands"`
	ReceivedBytes int64  `json:"receivedBytes"`
	Faults        int    `json:"faults" doc:"Messages of late that no honest node sends; 0 is a clean score"`
	CutOffSeconds int64  `json:"cutOffSeconds,omitempty" doc:"For how much longer links to it are refused"`
	Failure       string `json:"failure,omitempty" doc:"Why the last attempt to reach it failed"`
}
