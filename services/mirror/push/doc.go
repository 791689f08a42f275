// Package push tells subscribers of a chain's events: webhooks and NATS JetStream. Each
// subscription has its own cursor in a file beside the mirror and its own goroutine, which
// reads events out of the mirror: a slow or dead subscriber holds up neither the chain nor
// another subscriber. Events come in order and at least once, each under an id that never
// changes; what a subscriber does not take in time is kept as a dead letter and can be sent
// again.
package push
