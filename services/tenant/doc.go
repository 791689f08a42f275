// Package tenant knows who may use a service: departments, enterprises, persons and courts
// whose identity the chain vouches for. An application goes through the steps of a flow that
// the service's administrators set; the last approval opens the tenant with its users and
// application keys, and tells it by webhook, without anybody's help. Identities are checked
// again whenever a tenant acts: one that was revoked since opens nothing any more.
//
// State is in the services' database; a crash between an approval and the opening is made
// good at the next start.
package tenant
