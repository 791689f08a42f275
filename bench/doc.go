// Package bench measures what a chain commits: it signs transactions as many members,
// submits them, follows the blocks and reports committed transactions per second,
// latency from submission to commit, and what it cost.
//
// Only transactions whose receipt says OK count. Signing and submitting share the
// machine with the validators where the report says so, and the generator's own CPU time
// is reported apart.
package bench
