// Package policy judges transactions by the rules of a chain's supervision contract. It
// is pure: rules, blacklist and counters come from state, time comes with the block.
//
// A rule is a row of that contract, rule/<id>, in the JSON of Rule. It says which chains
// and which contract and method it is for, at which stage it is judged, and under what
// condition it is hit: an expression in CEL, a list of words, a limit of frequency, or
// any of these together. Rows are compiled when they are written, so a rule that does
// not compile never comes into force (Compiler.Decode); a Set is what all rows together
// mean, indexed so that a call meets its own rules alone.
//
// # Expressions
//
// Only what gives equal results on every machine is allowed: no doubles, timestamps or
// durations, no map literals, no regular expression that is not a constant, and objects
// are walked in the order of their keys. Regular expressions are RE2, linear in the
// text. What an expression costs at worst on arguments of a given size is estimated when
// it is compiled; all expressions of one judgment together may cost MaxCost units. What
// costs more, or asks for a value that isn't there, is a failure, and a rule that refuses
// refuses then too. Estimates and results are those of the pinned cel-go release: another
// release is another protocol version.
package policy
