// Package codec reads and writes the JSON of contracts without reflection, for code
// that the generator makes from a bundle's types.
//
// The form is one and strict: camelCase names, no unknown and no repeated fields,
// every field present unless it is declared omitempty, no null, integers of up to 32
// bits as numbers without fraction or exponent, 64-bit integers as decimal strings,
// bytes as lower-case hex, valid UTF-8, at most MaxDepth levels. What it accepts is a
// subset of RFC 8259. It depends on unicode/utf8 alone, since every package a guest
// imports costs code size and compile time.
package codec
