// Package node puts chains into one process: the home folder and its lock, the
// configuration, the lifecycle of every chain under chains/, logs, metrics, and the
// HTTP API in node/api. It decides nothing that the chain must agree on.
package node
