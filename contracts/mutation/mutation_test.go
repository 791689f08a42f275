package mutation

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/build"
)

// everyVariable says how many mutants of the base bundles the tests leave out: 1 plays
// all of them (make mutation).
const everyVariable = "HUCHAIN_MUTANTS_EVERY"

// floor is the least share of mutants, in percent, that transcripts must kill; a sample
// may fall somewhat below.
const floor, sampleFloor = 80, 65

// The transcripts of the base bundles notice planted faults. make test plays a sample.
func TestBaseBundles(t *testing.T) {
	p := DefaultParams()
	p.Root = ".."
	p.Every = 25
	want := sampleFloor
	if v := os.Getenv(everyVariable); v != "" {
		n, err := strconv.Atoi(v)
		require.NoError(t, err)
		p.Every = n
		if n == 1 {
			want = floor
		}
	}
	dirs, err := build.Find(filepath.Join("..", "base"))
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, d := range dirs {
		t.Run(d, func(t *testing.T) {
			r, err := Run(t.Context(), filepath.Join("..", "base", d), p)
			require.NoError(t, err)
			t.Logf("%s: %d of %d mutants played, %d killed (%d %%)", r.Bundle, r.Played, r.Planted, r.Killed, r.Percent())
			for _, m := range r.Survivors() {
				t.Logf("survived: %s:%d %s: %s", m.File, m.Line, m.Kind, m.What)
			}
			require.GreaterOrEqual(t, r.Percent(), want)
		})
	}
}

// A bundle as contract new begins it: what is planted where, that transcripts which say
// little notice little, and that an endless loop ends.
func TestPlanted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "notes")
	require.NoError(t, build.New(dir, "notes", "go"))
	edit := func(file string, change func(string) string) {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		changed := change(string(raw))
		require.NotEqual(t, string(raw), changed)
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(changed), 0o644))
	}
	edit("contract.go", func(s string) string {
		return strings.Replace(s, "func main()", "func spin(n uint32) uint32 {\n\tfor n > 3 && n != 9 {\n\t\tn--\n\t}\n\treturn n\n}\n\nfunc main()", 1)
	})
	edit("contract.go", func(s string) string {
		i := strings.Index(s, "func write(")
		j := i + strings.Index(s[i:], "{\n") + 2
		return s[:j] + "\tif spin(5) != 3 {\n\t\treturn Note{}, errBadKey\n\t}\n" + s[j:]
	})
	p := DefaultParams()
	p.Limit = 300 * time.Millisecond
	full, err := Run(t.Context(), dir, p)
	require.NoError(t, err)
	require.Equal(t, full.Planted, full.Played)
	fates := map[string]string{}
	kinds := map[string]bool{}
	for _, m := range full.Mutants {
		fates[m.Kind+" "+m.What] = m.Fate
		kinds[m.Kind] = true
	}
	for what, fate := range map[string]string{
		"statement n-- → left out":                 killed, // loops without end
		"operand n > 3 && n != 9 → without n > 3":  killed,
		"operand n > 3 && n != 9 → without n != 9": survived,
		"comparison n > 3 → n >= 3":                killed,
		"condition spin(5) != 3 → true":            killed,
		"condition spin(5) != 3 → false":           survived,
	} {
		require.Equal(t, fate, fates[what], what)
	}
	for _, kind := range []string{"condition", "operand", "comparison", "statement", "value", "permission"} {
		require.True(t, kinds[kind], "nothing of kind %s is planted", kind)
	}

	edit("testdata/01-demo.txt", func(s string) string {
		return regexp.MustCompile(`(?m)^event .*\n`).ReplaceAllString(regexp.MustCompile(`(?m)^ok .*$`).ReplaceAllString(s, "ok …"), "")
	})
	edit("testdata/02-refusals.txt", func(string) string { return "member clerk org=archives role=client\n" })
	weak, err := Run(t.Context(), dir, p)
	require.NoError(t, err)
	require.Equal(t, full.Planted, weak.Planted)
	require.Less(t, weak.Killed, full.Killed*3/4)

	p.Every = 5
	sample, err := Run(t.Context(), dir, p)
	require.NoError(t, err)
	require.Equal(t, (sample.Planted+4)/5, sample.Played)

	edit("testdata/02-refusals.txt", func(s string) string { return s + "call clerk nothing {}\nok …\n" })
	_, err = Run(t.Context(), dir, p)
	require.ErrorContains(t, err, "even without a mutant")
}
