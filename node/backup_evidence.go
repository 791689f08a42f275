package node

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/huchain/huchain/types"
)

// EvidenceFiles copies and checks what an evidence service keeps in its folder: its database,
// and the keys without which neither that nor the originals can be read. They are encrypted
// themselves. Originals are no part of it: each is kept several times on targets of its own.
type EvidenceFiles interface {
	// Names are the files of a copy: the keys, then the database.
	Names() []string
	// Copy makes a consistent copy of a service's folder, which may be in use, in another that
	// is empty. A damaged database is an error.
	Copy(ctx context.Context, from, to string) error
	// Check reads a copy from end to end.
	Check(ctx context.Context, dir string) error
}

// evidenceFolder is where a backup holds the evidence service.
const evidenceFolder = "evidence"

func hasFile(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return !errors.Is(err, fs.ErrNotExist)
}

// hasEvidence reports whether a folder holds the database of an evidence service.
func hasEvidence(files EvidenceFiles, dir string) bool {
	names := files.Names()
	return hasFile(dir, names[len(names)-1])
}

// copyEvidence copies a chain's evidence service, where there is one, beside the copy of its
// data. It is copied after the ledger: a deposit that the ledger has is then in both.
func copyEvidence(ctx context.Context, home ChainHome, files EvidenceFiles, dir string) error {
	if files == nil || !hasEvidence(files, home.EvidenceDir()) {
		return nil
	}
	to := filepath.Join(dir, evidenceFolder)
	if err := os.MkdirAll(to, 0o700); err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return files.Copy(ctx, home.EvidenceDir(), to)
}

// checkEvidence judges what was restored of an evidence service into a draft of the data
// folder: HC-4405 if it is damaged, HC-1011 if keys are here that are not its. Where the
// service's database is still here, that one stays: found is false then.
func checkEvidence(ctx context.Context, home ChainHome, files EvidenceFiles, draft string) (found bool, err error) {
	from := filepath.Join(draft, evidenceFolder)
	if !hasFile(draft, evidenceFolder) {
		return false, nil
	}
	if files == nil {
		return false, types.Errorf(types.CodeConfig, "the backup holds an evidence service, which this program cannot restore")
	}
	if hasEvidence(files, home.EvidenceDir()) {
		return false, os.RemoveAll(from)
	}
	for _, name := range files.Names() {
		if !hasFile(from, name) {
			return false, types.Errorf(types.CodeBackupDamaged, "the backup lacks %s/%s", evidenceFolder, name)
		}
		if !hasFile(home.EvidenceDir(), name) {
			continue
		}
		want, werr := os.ReadFile(filepath.Join(from, name))
		have, err := os.ReadFile(filepath.Join(home.EvidenceDir(), name))
		if err = errors.Join(err, werr); err != nil {
			return false, types.Errorf(types.CodeDiskFailure, "%w", err)
		}
		if !bytes.Equal(have, want) {
			return false, types.Errorf(types.CodeAlreadyExists, "%s is another than the backup's: without it nothing encrypted to it can be read, so it is not replaced", filepath.Join(home.EvidenceDir(), name))
		}
	}
	if err := files.Check(ctx, from); err != nil {
		return false, types.Errorf(types.CodeBackupDamaged, "evidence service: %w", err)
	}
	return true, nil
}

// placeEvidence moves a checked evidence service into its place, the database last: with
// that it counts as there.
func placeEvidence(home ChainHome, files EvidenceFiles, draft string) error {
	from := filepath.Join(draft, evidenceFolder)
	err := os.MkdirAll(home.EvidenceDir(), 0o700)
	for _, name := range files.Names() {
		if err == nil {
			err = os.Rename(filepath.Join(from, name), filepath.Join(home.EvidenceDir(), name))
		}
	}
	if err == nil {
		err = os.Remove(from)
	}
	if err != nil {
		return types.Errorf(types.CodeDiskFailure, "%w", err)
	}
	return nil
}
