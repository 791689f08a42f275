// Package gateway takes requests of registered applications in: it bounds how many each may
// send, keeps what it accepted in a durable queue, and carries it out with retries. What
// Accept returned without an error is carried out once the node runs, however often it is
// killed; the same request under the same idempotence key gives the first one's item.
package gateway
