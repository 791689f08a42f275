// Package mirror keeps a copy of a chain in an SQL database, SQLite or PostgreSQL, for what
// a ledger's own indexes do not answer: records filtered, sorted and searched, statistics,
// and subscriptions to events. It reaches the chain through the client alone, checks every
// block against its header's roots and every header against the validators' signatures
// before a row is written, and can be made anew from the chain at any time: nothing in it
// is the only copy of anything.
package mirror
