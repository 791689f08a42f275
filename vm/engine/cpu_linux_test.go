package engine

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// threadTime is the processor time of this thread: on a shared machine it says more
// than the clock does.
func threadTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// residentKiB is the memory this process holds.
func residentKiB(t *testing.T) int {
	b, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	n := 0
	for _, c := range bytes.Fields(b)[1] {
		n = 10*n + int(c-'0')
	}
	return n * os.Getpagesize() >> 10
}
