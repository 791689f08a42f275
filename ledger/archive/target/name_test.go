package target

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Names are those of the pattern, tried on random ones and at the edges.
func TestNames(t *testing.T) {
	pattern := regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,100}(/[a-z0-9][a-z0-9._-]{0,100}){0,4}$`)
	names := []string{"", "/", "a/", "/a", "a//b", "a/b/c/d/e", "a/b/c/d/e/f", "..", "a/..", "a/../b", "A", "a\n", "ä", strings.Repeat("a", 101), strings.Repeat("a", 102)}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		b := make([]byte, r.IntN(9))
		for i := range b {
			b[i] = "az09._-/~A\x00"[r.IntN(11)]
		}
		names = append(names, string(b))
	}
	valid := 0
	for _, name := range names {
		require.Equal(t, pattern.MatchString(name), isName(name), "%q", name)
		if isName(name) {
			valid++
		}
	}
	require.Greater(t, valid, 1000)
}
