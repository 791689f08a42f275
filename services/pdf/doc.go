// Package pdf writes documents as PDF 1.7 (ISO 32000-1): flowing text in Chinese and
// English, tables of fields, QR codes, attached files, and room for a signature.
//
// The output depends on the input alone: no clock, no random identifier, no compressor
// whose next version writes other bytes, and lengths are whole numbers throughout. So a
// verifier can make a document anew from the facts it claims to show and compare the two,
// byte by byte. What is drawn by a given call MUST therefore never change; a new look is
// a new call.
//
// Fonts are embedded as subsets of the glyphs used. Two are built in: Droid Sans Fallback
// for 28,167 characters, all of the Unified Ideographs up to extension A among them, and
// Droid Sans for Latin; see font/README.md. A character outside both is written as
// [U+20BB7]: nobody's name is dropped or replaced by a similar one.
package pdf
