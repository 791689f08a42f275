package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/huchain/huchain/services/database"
	service "github.com/huchain/huchain/services/evidence"
	"github.com/huchain/huchain/types"
)

// evidenceFiles implements node.EvidenceFiles for the service of newEvidence.
type evidenceFiles struct{}

// Names implements node.EvidenceFiles.
func (evidenceFiles) Names() []string {
	return []string{filesKeyFile, fieldsKeyFile, service.DatabaseFile}
}

// Copy implements node.EvidenceFiles.
func (evidenceFiles) Copy(ctx context.Context, from, to string) error {
	if _, err := os.Stat(filepath.Join(from, nextKeyFile)); err == nil { // fields.key may be under either
		return types.Errorf(types.CodeKeyFile, "a change of the evidence service's key is not finished: start the node once")
	}
	for _, name := range []string{filesKeyFile, fieldsKeyFile} {
		raw, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), raw, 0o600)
		}
		if err != nil {
			return types.Errorf(types.CodeKeyFile, "key of the evidence service: %w", err)
		}
	}
	return database.Copy(ctx, filepath.Join(from, service.DatabaseFile), filepath.Join(to, service.DatabaseFile))
}

// Check implements node.EvidenceFiles.
func (evidenceFiles) Check(ctx context.Context, dir string) error {
	return database.Check(ctx, filepath.Join(dir, service.DatabaseFile))
}
