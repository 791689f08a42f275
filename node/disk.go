package node

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/huchain/huchain/types"
)

// freeMiB returns the space left for unprivileged processes on the disk that holds dir.
func freeMiB(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize) >> 20, nil //nolint:unconvert // its type differs between platforms
}

// CheckDisk refuses with HC-1007 if less than min MiB are free where dir lies.
func CheckDisk(dir string, min int) error {
	free, err := freeMiB(dir)
	if err != nil {
		return err
	}
	if free < int64(min) {
		return types.Errorf(types.CodeDiskLow, "%d MiB free for %s, at least %d needed (disk.minFreeMiB)", free, dir, min)
	}
	return nil
}

// CheckDisks is CheckDisk for every disk of a home.
func CheckDisks(home Home, min int) error {
	for _, dir := range home.Volumes() {
		if err := CheckDisk(dir, min); err != nil {
			return err
		}
	}
	return nil
}

// leastFreeMiB is the space left on the disk of a home that has least.
func leastFreeMiB(home Home) (least int64, err error) {
	for i, dir := range home.Volumes() {
		free, err := freeMiB(dir)
		if err != nil {
			return 0, err
		}
		if i == 0 || free < least {
			least = free
		}
	}
	return least, nil
}

// watchDisk looks every interval and returns the error once space has run low on the disk
// of the home, nil when ctx ends. A ledger whose disk is full in the middle of a write costs
// more than a stop. A ledger on a disk of its own ends its chain alone, by its first write
// that fails.
func watchDisk(ctx context.Context, home Home, min int, every time.Duration, free func(mib int64)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if mib, err := leastFreeMiB(home); err == nil {
			free(mib)
		}
		if err := CheckDisk(home.Dir, min); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
