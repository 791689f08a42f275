// Package connector links services with outside systems: signed webhooks with a durable
// outbox, REST requests, and CSV. All retry with growing pauses, carry a key by which the
// other side tells a repetition, and give up in the open: what could not be delivered is
// kept and can be sent again.
package connector
