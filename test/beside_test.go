package test

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/semaphore"
)

// Whether a test may run beside others. Most wait for blocks, elections and time-outs longer
// than they need a processor; those that measure run alone, after all others.
const (
	beside = false
	alone  = true
)

// places is how many networks run at a time, one in a soak.
const places = 5

var (
	room  = semaphore.NewWeighted(places)
	crowd sync.WaitGroup // tests that run beside others and have not ended
	early sync.WaitGroup // of longest those that have not got their place
)

// longest are the tests that take longest. They get their places before the others, so
// that none of them is left over at the end.
var longest = []string{"TestConsole", "TestContractGuide", "TestOperatorGuide", "TestContractsOnValidators", "TestFaultyNetwork"}

// occupy makes the test run in parallel with the others, from when there is room until its
// end.
func occupy(t *testing.T) {
	t.Helper()
	join(t)
	t.Parallel()
	t.Cleanup(takePlace(t))
}

// join makes the tests that run alone wait for the end of this one, and the shorter ones
// for its beginning if it is one of the longest.
func join(t *testing.T) {
	crowd.Add(1)
	t.Cleanup(crowd.Done)
	if slices.Contains(longest, t.Name()) {
		early.Add(1)
	}
}

// takePlace waits for room and returns what gives it back.
func takePlace(t *testing.T) (leave func()) {
	t.Helper()
	size := int64(1)
	if soak > 1 {
		size = places
	}
	if slices.Contains(longest, t.Name()) {
		defer early.Done()
	} else {
		early.Wait()
	}
	require.NoError(t, room.Acquire(context.Background(), size))
	t.Log("begins")
	return func() { room.Release(size) }
}

// sharedNetwork is a running network that several tests use one after the other.
type sharedNetwork struct {
	wanted int        // tests that are still to have it, of those that run beside others
	lonely int        // and of those that run alone
	mu     sync.Mutex // held by the test whose turn it is
	leave  func()     // gives up its place; nil while it has none
	n      *network   // nil until the first test, after one that failed, and after the last
}

var sharedNetworks sync.Map // of *sharedNetwork, by name

// shared returns a running network that tests of one kind share; founding one takes
// seconds. They have it one after the other without a pause, those that run alone last. A
// test MUST leave all its validators running and in step. prepare, which may be nil,
// changes the network before its first start. After a failure the next test gets a new
// one; the last test ends it.
func shared(t *testing.T, name string, apart bool, prepare func(*network)) *network {
	t.Helper()
	v, _ := sharedNetworks.LoadOrStore(name, &sharedNetwork{})
	s := v.(*sharedNetwork)
	// Every test comes here before any goes on in parallel.
	if apart {
		s.lonely++
	} else {
		s.wanted++
		join(t)
	}
	t.Parallel()
	if apart {
		crowd.Wait()
	}
	s.mu.Lock()
	t.Cleanup(s.mu.Unlock)
	if apart {
		s.lonely--
		t.Log("begins")
	} else {
		s.wanted--
		if s.leave == nil {
			s.leave = takePlace(t)
		} else {
			t.Log("begins")
		}
	}
	if s.n == nil {
		home, err := os.MkdirTemp(sharedDir, name)
		require.NoError(t, err)
		n := foundNetwork(t, home, contractsOf(name)...)
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
		if t.Failed() || s.wanted+s.lonely == 0 {
			n.killAll()
			s.n = nil
		}
		if s.wanted == 0 && s.leave != nil {
			s.leave()
			s.leave = nil
		}
	})
	return n
}

// contractsOf lists what the tests of a shared network call.
func contractsOf(network string) []string {
	switch network {
	case "calm":
		return []string{"evidence", "identity", "supervision", "loop"}
	case "console":
		return []string{"evidence", "identity", "supervision"}
	case "contracts":
		return []string{"evidence", "loop"}
	}
	return []string{"evidence"}
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
