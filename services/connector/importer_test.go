package connector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// Rows that fail for a while come through, those refused are handed on once, and being told
// to come back costs no attempt; a file that is malformed says where.
func TestImporter(t *testing.T) {
	text := "n\n"
	for i := range 100 {
		text += fmt.Sprintln(i)
	}
	var mu sync.Mutex
	tries, dead, steps := map[string]int{}, []string{}, 0
	i := Importer{Workers: 8, Backoff: Backoff{Attempts: 3, First: time.Microsecond, Max: time.Microsecond},
		Rejected: func(_ int, f map[string]string, cause error) error {
			dead = append(dead, f["n"]+" "+types.CodeOf(cause).String())
			return nil
		},
		Progress: func(int) { steps++ },
		Put: func(_ context.Context, _ int, f map[string]string) error {
			mu.Lock()
			defer mu.Unlock()
			tries[f["n"]]++
			switch n := tries[f["n"]]; {
			case f["n"] == "7" && n < 3:
				return types.Errorf(types.CodeUnreachable, "away")
			case f["n"] == "8" && n < 20:
				return &types.Error{Code: types.CodeRateLimited, RetryAfterMs: 1}
			case f["n"] == "9":
				return types.Errorf(types.CodeUnreachable, "for ever")
			case f["n"] == "10":
				return types.Errorf(types.CodeDepositedBefore, "taken")
			}
			return nil
		}}
	out, err := i.Run(t.Context(), strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, Imported{Rows: 100, Rejected: 2}, out)
	require.ElementsMatch(t, []string{"9 " + types.CodeUnreachable.String(), "10 " + types.CodeDepositedBefore.String()}, dead)
	require.Equal(t, []int{3, 20, 3, 1}, []int{tries["7"], tries["8"], tries["9"], tries["10"]})
	require.Equal(t, 100, steps)
	_, err = i.Run(t.Context(), strings.NewReader("a,b\n1\n"))
	require.Equal(t, types.CodeUsage, types.CodeOf(err))
	full := errors.New("the disk is full")
	i.Rejected = func(int, map[string]string, error) error { return full }
	_, err = i.Run(t.Context(), strings.NewReader(text))
	require.ErrorIs(t, err, full)
}
