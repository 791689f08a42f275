// Package filestore keeps files, such as the originals of evidence, encrypted on several
// storage targets: folders or object stores (package ledger/archive/target).
//
// A file is named by SM3 of its content. It is streamed in, split into chunks, and every
// chunk is sealed with SM4-GCM under a key of the file, which is wrapped with SM2 to the
// store and to each reader. A chunk is named by SM3 of its ciphertext, so that whoever
// holds no key can still tell a good copy from a bad one. Every object stands on Copies of
// the targets, chosen by rendezvous hashing: the chunks of a file spread over all of them,
// and a target that joins or leaves moves no more than its share. Reads go to the target
// with the fewest of them under way; a copy that is missing or altered is passed over and
// written anew from a good one. Scrub does the same for all copies.
//
// Names in a target, xx being the first two digits of what follows:
//
//	c/xx/<SM3 of the ciphertext>    chunks
//	m/xx/<file>                     manifests: size, hashes, chunks, the wrapped key
//	k/xx/<file>/<reader's address>  the file's key, wrapped to a reader
//	t/xx/<file>                     orders by which a file was removed
//
// A manifest is written last, after the chunks were read back, decrypted and compared with
// the content's SM3 and SHA-256: a file is there as a whole, or not at all. What a crash
// leaves is swept once it is older than any upload may last. Manifests, wrapped keys and
// orders are signed by the store's key, so that a target cannot pass off its own.
//
// One process writes to a set of targets at a time. A target sees sizes and times, and
// which chunks are of one file from the order of arrival, never content or names.
package filestore
