package rest

import (
	"encoding/json"
	"time"

	"github.com/huchain/huchain/crypto"
)

// InChain is the part of every path of a chain's services that names the chain.
type InChain struct {
	Chain string `path:"chain" maxLength:"64" example:"gov" doc:"Name of the chain"`
}

// ChainName is the chain that a request is about.
func (c *InChain) ChainName() string { return c.Chain }

// Done is the answer of what has nothing else to say.
type Done struct {
	Done bool `json:"done"`
}

// Listing selects a part of a list, newest first.
type Listing struct {
	Cursor string `query:"cursor" maxLength:"128" doc:"Go on behind the page that gave this"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"20"`
}

// Step is one step of an opening flow.
type Step struct {
	Name     string `json:"name" pattern:"^[a-z][a-z0-9-]{0,31}$"`
	Title    string `json:"title,omitempty" maxLength:"100"`
	Approver string `json:"approver" maxLength:"130" doc:"Who decides: a member org/name, an organisation, or administrator for the service's administrators" example:"archives/clerk"`
}

// Flow is how tenants are opened: what an application must hold, who decides in which
// order, and what a tenant gets.
type Flow struct {
	Version  int      `json:"version,omitempty" doc:"Counts the changes"`
	Steps    []Step   `json:"steps" minItems:"1" maxItems:"8" doc:"In this order"`
	Required []string `json:"required,omitempty" maxItems:"8" enum:"contact,users,apps,webhook" doc:"What an application must hold besides name and identity"`
	Defaults Defaults `json:"defaults"`
}

// Defaults are what a new tenant gets.
type Defaults struct {
	KeyDays           int   `json:"keyDays" minimum:"1" maximum:"366" doc:"Life of application keys"`
	RequestsPerSecond int   `json:"requestsPerSecond" minimum:"1" maximum:"10000" doc:"That each application is granted"`
	MaxFileBytes      int64 `json:"maxFileBytes" minimum:"1" maximum:"33554432" doc:"Largest original"`
}

// FlowChange is a request to change the flow.
type FlowChange struct {
	InChain
	Body Flow
}

// Application asks for a tenant.
type Application struct {
	Kind      string   `json:"kind" enum:"department,enterprise,person,court"`
	Name      string   `json:"name" minLength:"1" maxLength:"100"`
	Identity  string   `json:"identity" maxLength:"130" doc:"DID, or member id org/name with a certificate; checked against the chain" example:"archives/clerk"`
	Signature string   `json:"signature,omitempty" pattern:"^[0-9a-f]{128}$" doc:"By the key of the DID over application text; not needed where a member applies for itself"`
	Contact   string   `json:"contact,omitempty" maxLength:"200"`
	Users     []string `json:"users,omitempty" maxItems:"100" doc:"Members that act for the tenant"`
	Apps      []string `json:"apps,omitempty" maxItems:"20" doc:"Names of applications that get a key"`
	Webhook   *Webhook `json:"webhook,omitempty"`
}

// Webhook is where a tenant is told what happens to it.
type Webhook struct {
	URL    string `json:"url" maxLength:"500" example:"https://oa.example/hooks/evidence"`
	Secret string `json:"secret,omitempty" minLength:"16" maxLength:"128" doc:"Key of the signatures (HMAC with SM3); never shown again"`
}

// ApplicationNew is a request to open a tenant.
type ApplicationNew struct {
	InChain
	Body Application
}

// Opening is an application on its way.
type Opening struct {
	ID          string     `json:"id"`
	Kind        string     `json:"kind"`
	Name        string     `json:"name"`
	Identity    string     `json:"identity"`
	Contact     string     `json:"contact,omitempty"`
	Users       []string   `json:"users"`
	Apps        []string   `json:"apps"`
	Webhook     string     `json:"webhook,omitempty" doc:"Its URL"`
	FlowVersion int        `json:"flowVersion"`
	State       string     `json:"state" enum:"pending,approved,opened,refused"`
	Next        *Step      `json:"next,omitempty" doc:"The step that is due"`
	Decisions   []Decision `json:"decisions"`
	Tenant      string     `json:"tenant,omitempty" doc:"Once it is opened"`
	Claim       string     `json:"claim,omitempty" doc:"Shown once, to the applicant: takes the application keys when the tenant is open"`
	ClaimUntil  *time.Time `json:"claimUntil,omitempty" doc:"Until when the application keys can be taken; they end then"`
	Error       string     `json:"error,omitempty" doc:"Why an approved tenant is not opened yet"`
	Time        time.Time  `json:"time"`
	By          string     `json:"by" doc:"Who applied"`
}

// Decision is what an approver said at a step.
type Decision struct {
	Step     string    `json:"step"`
	By       string    `json:"by"`
	Approved bool      `json:"approved"`
	Remark   string    `json:"remark,omitempty"`
	Time     time.Time `json:"time"`
}

// OpeningRef names an application.
type OpeningRef struct {
	InChain
	ID string `path:"id" maxLength:"40"`
}

// DecisionNew decides the step that is due.
type DecisionNew struct {
	OpeningRef
	Body struct {
		Step     string `json:"step" maxLength:"32"`
		Approved bool   `json:"approved"`
		Remark   string `json:"remark,omitempty" maxLength:"500"`
	}
}

// ClaimNew takes the keys of a tenant that was opened.
type ClaimNew struct {
	OpeningRef
	Body struct {
		Claim string `json:"claim" maxLength:"64"`
	}
}

// Openings is a page of applications.
type Openings struct {
	Items []Opening `json:"items"`
	Next  string    `json:"next,omitempty"`
}

// OpeningQuery asks for applications.
type OpeningQuery struct {
	InChain
	Listing
	State string `query:"state" enum:"pending,approved,opened,refused"`
}

// App is an application of a tenant.
type App struct {
	ID                string     `json:"id"`
	Name              string     `json:"name"`
	Tenant            string     `json:"tenant"`
	Key               string     `json:"key" doc:"Id of its API key"`
	Token             string     `json:"token,omitempty" doc:"The API key: shown once"`
	RequestsPerSecond int        `json:"requestsPerSecond"`
	Created           time.Time  `json:"created"`
	Expires           time.Time  `json:"expires"`
	Revoked           *time.Time `json:"revoked,omitempty"`
}

// Apps is a list of applications.
type Apps struct {
	Items []App `json:"items"`
}

// AppNew makes an application of the caller's tenant.
type AppNew struct {
	InChain
	Body struct {
		Name              string `json:"name" minLength:"1" maxLength:"32"`
		Tenant            string `json:"tenant,omitempty" maxLength:"40" doc:"For administrators of the service: the tenant that it is for; the caller's, if left out"`
		RequestsPerSecond int    `json:"requestsPerSecond,omitempty" minimum:"1" maximum:"10000" doc:"At most what the tenant is granted"`
	}
}

// AppRef names an application.
type AppRef struct {
	InChain
	ID string `path:"id" maxLength:"40"`
}

// Tenant is a party that uses a service.
type Tenant struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Name     string    `json:"name"`
	Identity string    `json:"identity"`
	Contact  string    `json:"contact,omitempty"`
	Users    []string  `json:"users"`
	State    string    `json:"state" enum:"open,closed"`
	Defaults Defaults  `json:"defaults"`
	Webhook  string    `json:"webhook,omitempty"`
	Created  time.Time `json:"created"`
}

// Tenants is a list of tenants.
type Tenants struct {
	Items []Tenant `json:"items"`
	Next  string   `json:"next,omitempty"`
}

// TenantQuery asks for tenants.
type TenantQuery struct {
	InChain
	Listing
}

// TenantChange sets the users and the state of a tenant.
type TenantChange struct {
	InChain
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Users []string `json:"users" maxItems:"100"`
		State string   `json:"state" enum:"open,closed"`
	}
}

// Standing is as whom a service serves a caller.
type Standing struct {
	Name          string  `json:"name" doc:"Member id, or name of the application's key"`
	Tenant        *Tenant `json:"tenant,omitempty" doc:"For which the caller acts"`
	App           string  `json:"app,omitempty" doc:"Id of the application, if the caller is one"`
	Administrator bool    `json:"administrator"`
	Auditor       bool    `json:"auditor" doc:"Sees all tenants; administrators are"`
	Approver      bool    `json:"approver" doc:"Decides a step of the flow in force"`
}

// Permission gives a member a part in running the service. Chain administrators run it anyway.
type Permission struct {
	Member string `json:"member" maxLength:"130" example:"archives/clerk"`
	Role   string `json:"role" enum:"administrator,auditor,none"`
}

// Permissions lists who runs the service.
type Permissions struct {
	Items []Permission `json:"items"`
}

// PermissionChange gives or, with role none, takes a permission.
type PermissionChange struct {
	InChain
	Body Permission
}

// Notice is a message to a tenant's users.
type Notice struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind" example:"deposit.committed"`
	Subject string    `json:"subject" doc:"Id of what it is about"`
	Text    string    `json:"text"`
	Time    time.Time `json:"time"`
	Read    bool      `json:"read"`
}

// Notices is a page of messages.
type Notices struct {
	Items  []Notice `json:"items"`
	Next   string   `json:"next,omitempty"`
	Unread int      `json:"unread"`
}

// NoticeQuery asks for messages.
type NoticeQuery struct {
	InChain
	Listing
	Unread bool `query:"unread" doc:"Only those not read yet"`
}

// NoticeRead marks messages up to one as read.
type NoticeRead struct {
	InChain
	Body struct {
		UpTo string `json:"upTo" maxLength:"40"`
	}
}

// DeadLetterQuery asks for webhook messages that were given up.
type DeadLetterQuery struct {
	InChain
	Listing
}

// LostMessage is a webhook message that was given up.
type LostMessage struct {
	ID       string    `json:"id"`
	Tenant   string    `json:"tenant"`
	URL      string    `json:"url"`
	Kind     string    `json:"kind"`
	Attempts int       `json:"attempts"`
	Error    string    `json:"error"`
	Time     time.Time `json:"time"`
}

// LostMessages is a page of them.
type LostMessages struct {
	Items []LostMessage `json:"items"`
	Next  string        `json:"next,omitempty"`
}

// ResendRequest has lost messages sent again: one, or all of the caller's.
type ResendRequest struct {
	InChain
	Body struct {
		ID string `json:"id,omitempty" maxLength:"40"`
	}
}

// Text is what the key of the DID signs: it names the chain, and covers everything else of
// the application.
func (a Application) Text(genesis crypto.Hash) []byte {
	a.Signature = ""
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // texts alone
	}
	return []byte("huchain:evidence:apply:" + genesis.String() + ":" + a.Identity + ":" + crypto.Sum(b).String())
}
