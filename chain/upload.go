package chain

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Bounds of what uploads leave in the state until they are staged and installed.
const (
	maxOpenUploads   = 16        // on the chain
	maxMemberUploads = 4         // of one member
	uploadLife       = time.Hour // of block time without a part, after which an upload is abandoned
	maxStaged        = 16        // packages staged and not installed
	stagedLife       = 24 * time.Hour
	maxSwept         = 4 // abandoned uploads or packages that one call cleans away
)

// upload is the row open/<address>/<package>: an announced package whose parts arrive.
type upload struct {
	Bytes  int           `json:"bytes"`
	Parts  []crypto.Hash `json:"parts"`  // SM3 of each
	TimeMs int64         `json:"timeMs"` // block time of the newest part
}

func openKey(by types.Address, pkg crypto.Hash) []byte {
	return fmt.Appendf(nil, "open/%s/%s", by, pkg)
}

func uploadKey(by types.Address, pkg crypto.Hash, n int) []byte {
	return fmt.Appendf(nil, "upload/%s/%s/%04d", by, pkg, n)
}

// partSize is how long part n of a package of so many bytes must be.
func partSize(total, n int) int { return min(PartBytes, total-n*PartBytes) }

type beginArgs struct {
	Package crypto.Hash   `json:"package"`
	Bytes   int           `json:"bytes"` // of the package
	Parts   []crypto.Hash `json:"parts"` // SM3 of each part of PartBytes; the last may be shorter
}

// beginAnswer tells what is still to be done; after an interruption, begin tells it again.
type beginAnswer struct {
	Package crypto.Hash `json:"package"`
	Missing []int       `json:"missing"` // parts that were not uploaded yet
	Staged  bool        `json:"staged"`  // nothing more to upload: the package was staged
}

// beginUpload announces a package with the hash of each part, so that a wrong part is
// refused when it comes. Abandoned uploads are cleaned away on the way.
func (s *callScope) beginUpload(args []byte) (any, error) {
	var in beginArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	if in.Bytes < 1 || in.Bytes > maxPackageBytes || len(in.Parts) != (in.Bytes+PartBytes-1)/PartBytes {
		return nil, types.Errorf(types.CodeBadArguments, "%d bytes in %d parts: a package has 1 to %d bytes, in parts of %d", in.Bytes, len(in.Parts), maxPackageBytes, PartBytes)
	}
	out := beginAnswer{Package: in.Package, Missing: []int{}}
	if row, _, err := s.c.Staged(s.o, in.Package); err != nil || row != nil {
		out.Staged = true
		return &out, err
	}
	if _, genesis, err := s.o.Get(NSContracts, partKey(in.Package, 0)); err != nil || genesis {
		return nil, errOr(err, types.Errorf(types.CodeAlreadyExists, "package %s is installed since genesis", in.Package))
	}
	row := upload{Bytes: in.Bytes, Parts: in.Parts, TimeMs: s.block.timeMs()}
	var old upload
	found, err := getJSON(s.o, NSContracts, openKey(s.caller().Address, in.Package), &old)
	if err != nil {
		return nil, err
	}
	if !found {
		if err := s.sweepUploads(); err != nil {
			return nil, err
		}
	}
	for n, want := range row.Parts {
		part, have, err := s.o.Get(NSContracts, uploadKey(s.caller().Address, in.Package, n))
		if err != nil {
			return nil, err
		}
		if !have || len(part) != partSize(row.Bytes, n) || crypto.Sum(part) != want {
			out.Missing = append(out.Missing, n)
		}
	}
	return &out, putJSON(s.o, NSContracts, openKey(s.caller().Address, in.Package), &row, s.txIndex)
}

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// openUpload finds the sender's announced upload.
func (s *callScope) openUpload(pkg crypto.Hash) (*upload, error) {
	var row upload
	found, err := getJSON(s.o, NSContracts, openKey(s.caller().Address, pkg), &row)
	if err == nil && !found {
		err = types.Errorf(types.CodeNotFound, "no upload of package %s by this member is under way: begin it", pkg)
	}
	return &row, err
}

type uploadArgs struct {
	Package crypto.Hash `json:"package"`
	Part    int         `json:"part"` // from 0
	Data    []byte      `json:"data"` // base64
}

func (s *callScope) uploadPart(args []byte) (any, error) {
	var in uploadArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	row, err := s.openUpload(in.Package)
	if err != nil {
		return nil, err
	}
	if in.Part < 0 || in.Part >= len(row.Parts) {
		return nil, types.Errorf(types.CodeBadArguments, "part %d of %d, which are numbered from 0", in.Part, len(row.Parts))
	}
	if len(in.Data) != partSize(row.Bytes, in.Part) || crypto.Sum(in.Data) != row.Parts[in.Part] {
		return nil, types.Errorf(types.CodePackageInvalid, "part %d is not the one that was announced", in.Part)
	}
	row.TimeMs = s.block.timeMs()
	if err := putJSON(s.o, NSContracts, openKey(s.caller().Address, in.Package), row, s.txIndex); err != nil {
		return nil, err
	}
	s.o.put(NSContracts, uploadKey(s.caller().Address, in.Package, in.Part), in.Data, s.txIndex)
	return map[string]any{"package": in.Package, "part": in.Part, "bytes": len(in.Data)}, nil
}

// abortUpload removes an upload of the sender.
func (s *callScope) abortUpload(args []byte) (any, error) {
	var in struct {
		Package crypto.Hash `json:"package"`
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	row, err := s.openUpload(in.Package)
	if err != nil {
		return nil, err
	}
	return map[string]any{"package": in.Package}, s.dropUpload(s.caller().Address.String(), in.Package.String(), len(row.Parts))
}

// dropUpload removes an upload's rows.
func (s *callScope) dropUpload(by, pkg string, parts int) error {
	for n := range parts {
		if err := s.o.remove(NSContracts, fmt.Appendf(nil, "upload/%s/%s/%04d", by, pkg, n), s.txIndex); err != nil {
			return err
		}
	}
	return s.o.remove(NSContracts, fmt.Appendf(nil, "open/%s/%s", by, pkg), s.txIndex)
}

// takeUpload assembles the sender's parts and removes them.
func (s *callScope) takeUpload(pkg crypto.Hash) ([]byte, error) {
	row, err := s.openUpload(pkg)
	if err != nil {
		return nil, err
	}
	var raw []byte
	for n := range row.Parts {
		part, found, err := s.o.Get(NSContracts, uploadKey(s.caller().Address, pkg, n))
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, types.Errorf(types.CodePackageInvalid, "part %d of %d was not uploaded", n, len(row.Parts))
		}
		raw = append(raw, part...)
	}
	if crypto.Sum(raw) != pkg {
		return nil, types.Errorf(types.CodePackageInvalid, "the uploaded parts do not have SM3 %s", pkg)
	}
	return raw, s.dropUpload(s.caller().Address.String(), pkg.String(), len(row.Parts))
}

// sweepUploads removes abandoned uploads and refuses where too many are left.
func (s *callScope) sweepUploads() error {
	type open struct {
		by, pkg string
		upload
	}
	var list []open
	var bad error
	err := s.o.Scan(NSContracts, []byte("open/"), []byte("open0"), func(key, value []byte) bool {
		var o open
		if bad = json.Unmarshal(value, &o.upload); bad != nil || len(key) != len("open/")+40+1+64 {
			bad = errCorrupt("upload "+string(key), bad)
			return false
		}
		o.by, o.pkg = string(key[5:45]), string(key[46:])
		list = append(list, o)
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return err
	}
	swept, left, own := 0, 0, 0
	for _, o := range list {
		if swept < maxSwept && s.block.timeMs()-o.TimeMs >= uploadLife.Milliseconds() {
			swept++
			if err := s.dropUpload(o.by, o.pkg, len(o.Parts)); err != nil {
				return err
			}
			continue
		}
		left++
		if o.by == s.caller().Address.String() {
			own++
		}
	}
	if left >= maxOpenUploads || own >= maxMemberUploads {
		return types.Errorf(types.CodeLimitExceeded, "%d uploads are under way, %d of them by this member; at most %d and %d: stage or abort one, or wait %s",
			left, own, maxOpenUploads, maxMemberUploads, uploadLife)
	}
	return nil
}

// sweepStaged removes packages that were staged and never installed, and refuses where
// too many are left.
func (s *callScope) sweepStaged() error {
	var stale []string
	var bad error
	left := 0
	err := s.o.Scan(NSContracts, []byte("staged/"), []byte("staged0"), func(key, value []byte) bool {
		var row Staged
		if bad = json.Unmarshal(value, &row); bad != nil {
			bad = errCorrupt("staged package", bad)
			return false
		}
		switch {
		case row.Installed:
		case len(stale) < maxSwept && s.block.timeMs()-row.TimeMs >= stagedLife.Milliseconds():
			stale = append(stale, string(key[len("staged/"):]))
		default:
			left++
		}
		return true
	})
	if err == nil {
		err = bad
	}
	for _, pkg := range stale {
		if err == nil {
			err = s.dropStaged(pkg)
		}
	}
	if err == nil && left >= maxStaged {
		err = types.Errorf(types.CodeLimitExceeded, "%d packages are staged and not installed, at most %d: install one, or wait %s", left, maxStaged, stagedLife)
	}
	return err
}

func (s *callScope) dropStaged(pkg string) error {
	hash, err := crypto.ParseHash(pkg)
	if err != nil {
		return errCorrupt("staged package", err)
	}
	var row Staged
	if _, err := getJSON(s.o, NSContracts, stagedKey(hash), &row); err != nil {
		return err
	}
	for n := 0; n*PartBytes < row.Bytes; n++ {
		if err := s.o.remove(NSContracts, partKey(hash, n), s.txIndex); err != nil {
			return err
		}
	}
	return s.o.remove(NSContracts, stagedKey(hash), s.txIndex)
}
