// Package lint holds the rules of this repository that a compiler does not check, as
// tests: which package may import which, what code on the consensus path may not do,
// which algorithms may serve as cryptography, how large a file may grow. Every rule
// has a test that shows it a violation.
package lint
