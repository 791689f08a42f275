//go:build !race

package sm2fast

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The race detector empties pools of working memory at random.
func TestVerifyEachAllocatesNothing(t *testing.T) {
	v := New(userID, 0)
	s := newSigner(t)
	checks := make([]Check, 40)
	for i := range checks {
		checks[i] = signedCheck(t, s, i)
	}
	ok := make([]bool, len(checks))
	v.VerifyEach(checks, ok)
	v.VerifyEach(checks, ok)
	// A garbage collection may empty the pool of working memory meanwhile.
	require.Less(t, testing.AllocsPerRun(100, func() { v.VerifyEach(checks, ok) }), 1.0)
}
