// Package evidence is the evidence service of a chain: tenants deposit texts and files by
// API, portal and gateway. The original goes to a file store, only its hash and a few words
// about it to contract evidence, whose record anyone can check without the service. Around
// that: templates, chains of evidence, search, grants, certificates, verification, figures,
// and links to notaries and courts.
//
// A deposit is accepted into a durable queue before anything is answered, and carried out
// from there however often the process is killed. The service signs as one member of the
// chain; which tenant deposited stands in the record's metadata.
package evidence
