package test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestKillUnderLoad: each validator in turn is killed under load. The others go on,
// nothing acknowledged is lost, and the killed one comes back to the same headers.
// covers: T.03
func TestKillUnderLoad(t *testing.T) {
	n := shared(t, "faults", beside, nil)
	l := n.startLoad(8, 0, 1, 2, 3)
	for round := range 4 * soak {
		victim := round % 4
		l.more(20)
		n.kill(victim)
		l.more(20)
		n.start(victim)
		n.ready(victim)
	}
	l.more(20)
	acks := l.stop()
	t.Logf("%d deposits acknowledged while validators were killed %d times", len(acks), 4*soak)
	n.holds(acks, 0, 1, 2, 3)
	n.sameHeaders(0, 1, 2, 3)
	n.nobodySignedTwice()
}

// oneIsAbsent is nil if all validators but one voted on the newest block whose votes a node
// knows.
func (n *network) oneIsAbsent(node int) error {
	c, err := n.dial(node)
	if err != nil {
		return err
	}
	u, err := c.Uptime(context.Background(), 10)
	if err != nil {
		return err
	}
	var last []byte
	for _, v := range u.Items {
		last = append(last, v.Marks[len(v.Marks)-1])
	}
	slices.Sort(last)
	if string(last) != "+++-" {
		return fmt.Errorf("at %d: %s", u.To, last)
	}
	return nil
}

// TestEmptyData: a validator that lost its data recovers from its peers to the same
// state, votes again, and never signs twice.
// covers: T.03
func TestEmptyData(t *testing.T) {
	n := shared(t, "faults", beside, nil)
	l := n.startLoad(8, 0, 1, 2)
	for round := range soak {
		l.more(30)
		n.kill(3)
		require.NoError(t, os.RemoveAll(n.dataDir(3)))
		l.more(30)
		n.eventually("the missing votes are seen", func() error { return n.oneIsAbsent(0) })
		n.start(3)
		n.ready(3)
		n.reaches(n.height(0), 3)

		// With another validator down the chain needs the recovered one's vote.
		other := round % 3
		n.kill(other)
		l.more(20)
		n.start(other)
		n.ready(other)
	}
	acks := l.stop()
	n.holds(acks, 0, 1, 2, 3)
	n.sameHeaders(0, 1, 2, 3)
	n.sameState(0, 1, 2, 3)
	n.nobodySignedTwice()
}

// TestTwoDown: with two of four down the chain stops and does not fork; it resumes when
// one is back, and what was submitted meanwhile is committed or refused, not both.
// covers: T.03
func TestTwoDown(t *testing.T) {
	n := shared(t, "faults", beside, nil)
	l := n.startLoad(4, 0, 1)
	for round := range soak {
		l.more(20)
		n.kill(2)
		n.kill(3)
		time.Sleep(2 * time.Second) // a block under way may still be decided
		count, height := l.count(), n.height(0)
		time.Sleep(4 * time.Second)
		require.Equal(t, count, l.count(), "a deposit was acknowledged by half of the validators")
		require.Equal(t, height, n.height(0), "two of four validators decided a block")
		require.LessOrEqual(t, n.height(1), height+1)
		back := 2 + round%2
		n.start(back)
		n.ready(back)
		l.more(20)
		n.start(5 - back)
		n.ready(5 - back)
	}
	acks := l.stop()
	n.holds(acks, 0, 1, 2, 3)
	n.sameHeaders(0, 1, 2, 3)
	n.nobodySignedTwice()
}

// sameState requires that validators agree on the content root at one height.
func (n *network) sameState(nodes ...int) {
	n.t.Helper()
	n.eventually("equal content roots", func() error {
		first, err := n.status(nodes[0])
		if err != nil {
			return err
		}
		for _, i := range nodes[1:] {
			st, err := n.status(i)
			if err != nil {
				return err
			}
			if st.Height != first.Height || st.ContentRoot != first.ContentRoot || st.HeaderHash != first.HeaderHash {
				return fmt.Errorf("%s: height %d, %s; %s: height %d, %s", n.Nodes[nodes[0]].Name, first.Height, first.ContentRoot,
					n.Nodes[i].Name, st.Height, st.ContentRoot)
			}
		}
		return nil
	})
}

// nobodySignedTwice looks for evidence of double signing, which CometBFT gathers and
// puts into blocks, and which validators then log.
func (n *network) nobodySignedTwice() {
	n.t.Helper()
	for i := range n.Nodes {
		log := strings.ToLower(n.logOf(i))
		for _, sign := range []string{"voted twice", "duplicatevoteevidence", "conflicting vote", "byzantine"} {
			require.NotContains(n.t, log, sign, "%s", n.Nodes[i].Name)
		}
	}
}

// TestRestartAll: all validators killed at once come back with everything.
// covers: T.03
func TestRestartAll(t *testing.T) {
	n := shared(t, "faults", beside, nil)
	l := n.startLoad(4, 0, 1, 2, 3)
	l.more(50 * soak)
	acks := l.stop()
	before := n.height(0)
	n.killAll()
	begin := time.Now()
	n.start(0, 1, 2, 3)
	n.ready(0, 1, 2, 3)
	clerk, err := n.Member("clerk")
	require.NoError(t, err)
	_, err = n.client(2).Call(context.Background(), clerk, "evidence", "deposit", newDeposit())
	require.NoError(t, err)
	t.Logf("from start to a further commit at height > %d: %s", before, time.Since(begin).Round(time.Millisecond))
	n.holds(acks, 0, 1, 2, 3)
	n.sameHeaders(0, 1, 2, 3)
	n.nobodySignedTwice()
}
