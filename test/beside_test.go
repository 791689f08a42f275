package test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/semaphore"
)

// How much of the machine a test takes. Most tests wait for blocks, elections and time-outs
// longer than they need a processor, and run beside others; one that measures runs alone.
const (
	beside = 1
	alone  = 5
)

var room = semaphore.NewWeighted(alone)

// occupy makes the test run in parallel with the others, from when there is room until its
// end. A soak runs one test at a time.
func occupy(t *testing.T, size int64) {
	t.Helper()
	t.Parallel()
	take(t, size)
}

func take(t *testing.T, size int64) {
	t.Helper()
	if soak > 1 {
		size = alone
	}
	require.NoError(t, room.Acquire(context.Background(), size))
	t.Log("begins")
	t.Cleanup(func() { room.Release(size) })
}

// sharedNetwork is a running network that several tests use one after the other.
type sharedNetwork struct {
	wanted int        // tests that are still to have it
	mu     sync.Mutex // held by the test whose turn it is
	n      *network   // nil until the first test, after one that failed, and after the last
}

var sharedNetworks sync.Map // of *sharedNetwork, by name

// shared returns a running network that tests of one kind share; founding one takes
// seconds. A test MUST leave all its validators running and in step. prepare, which may
// be nil, changes the network before its first start. After a failure the next test
// gets a new one; the last test ends it.
func shared(t *testing.T, name string, size int64, prepare func(*network)) *network {
	t.Helper()
	v, _ := sharedNetworks.LoadOrStore(name, &sharedNetwork{})
	s := v.(*sharedNetwork)
	s.wanted++ // every test comes here before any goes past the next line
	t.Parallel()
	s.mu.Lock()
	t.Cleanup(s.mu.Unlock)
	take(t, size)
	s.wanted--
	if s.n == nil {
		home, err := os.MkdirTemp(sharedDir, name)
		require.NoError(t, err)
		n := foundNetwork(t, home)
		if prepare != nil {
			prepare(n)
		}
		s.n = n
		begin := time.Now()
		n.start(0, 1, 2, 3)
		n.ready(0, 1, 2, 3)
		t.Logf("from start to the first block on all validators: %s", time.Since(begin).Round(time.Millisecond))
	}
	n := s.n
	n.t = t
	t.Cleanup(func() {
		if t.Failed() {
			n.showLogs()
		}
		if t.Failed() || s.wanted == 0 {
			n.killAll()
			s.n = nil
		}
	})
	return n
}

// endShared ends the networks that tests have shared.
func endShared() {
	sharedNetworks.Range(func(_, v any) bool {
		if n := v.(*sharedNetwork).n; n != nil {
			n.killAll()
		}
		return true
	})
}
