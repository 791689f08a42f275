package database

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"

	"github.com/huchain/huchain/types"
)

// Copy makes a copy of a database at to, which MUST NOT exist, of one moment and durable when
// it returns. The file may be in use by this process or another. HC-4701 if it is damaged.
func Copy(ctx context.Context, from, to string) (err error) {
	if _, err := os.Stat(from); err != nil { // it would be made
		return Failed(err)
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: from}).EscapedPath()+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return Failed(err)
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, Failed(db.Close())) }()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return Failed(err)
	}
	if err := Check(ctx, to); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_RDWR, 0o600)
	if err != nil {
		return Failed(err)
	}
	return Failed(errors.Join(f.Chmod(0o600), f.Sync(), f.Close()))
}

// Check reads a database that is not in use from end to end: HC-4701 names what is damaged.
func Check(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&immutable=1")
	if err != nil {
		return Failed(err)
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, Failed(db.Close())) }()
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return Failed(err)
	}
	if found != "ok" {
		return types.Errorf(types.CodeServiceDatabase, "%s: %s", path, found)
	}
	return nil
}
