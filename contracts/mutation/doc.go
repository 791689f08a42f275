// Package mutation measures what the transcripts of a bundle notice: it plants small
// faults (mutants) in the contract's Go and in its permissions, plays the transcripts
// natively under each, and reports the faults that no transcript noticed.
//
// All mutants are compiled into one program, which switches one of them on by an
// environment variable (mutant schemata: R. Untch, A. Offutt, M. Harrold, "Mutation
// analysis using mutant schemata", ISSTA 1993): a mutant costs a few milliseconds, not
// a compilation. Existing tools for Go compile and run go test for each.
//
// # What is planted
//
//	condition    if and for conditions that always, or never, hold
//	operand      one side of && and || left out
//	comparison   == for !=, < for <=, …, and constants off by one
//	arithmetic   + for -, * for /
//	statement    an assignment, a call or an increment left out
//	value        a returned value, an assigned value or a field of a new record left empty
//	loop         a range loop that is not entered
//	permission   an allow rule that lets every member in, or a query that anyone may ask
//
// Generated code, package-level declarations, main and init are left alone.
package mutation
