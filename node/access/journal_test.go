package access

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// many lays a journal of n keys without their tokens.
func many(t testing.TB, n int) (*Keys, string) {
	path := filepath.Join(t.TempDir(), "keys.json")
	list := make([]Key, n)
	for i := range list {
		list[i] = Key{ID: fmt.Sprintf("%016x", i), Name: fmt.Sprint("app ", i), Roles: []types.Role{types.RoleClient}, Created: time.Now(), Expires: time.Now().Add(time.Hour), Hash: crypto.Sum([]byte(fmt.Sprint(i)))}
	}
	require.NoError(t, (&journal{path: path}).rewrite(list))
	k, err := OpenKeys(path)
	require.NoError(t, err)
	return k, path
}

// With many keys a change writes one line, as with none. HUCHAIN_TEST_API_KEYS is how many;
// the goal is for 100000.
func TestManyKeys(t *testing.T) {
	n := 5_000
	if v := os.Getenv("HUCHAIN_TEST_API_KEYS"); v != "" {
		var err error
		n, err = strconv.Atoi(v)
		require.NoError(t, err)
	}
	k, path := many(t, n)
	require.Len(t, k.List("", 2*n), n)
	before, err := os.Stat(path)
	require.NoError(t, err)
	var tokens []string
	for i := range 20 {
		token, key, err := k.Create(fmt.Sprint("portal ", i), "gov", []types.Role{types.RoleClient}, time.Hour, time.Now())
		require.NoError(t, err)
		tokens = append(tokens, token)
		if i%2 == 0 {
			_, err = k.Revoke(key.ID, time.Now())
			require.NoError(t, err)
		}
	}
	after, err := os.Stat(path)
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after), "the file is not written anew")
	require.Less(t, after.Size()-before.Size(), int64(20*500))
	k, err = OpenKeys(path)
	require.NoError(t, err)
	for i, token := range tokens {
		_, err := k.Check(token, time.Now())
		require.Equal(t, i%2 == 0, err != nil, i)
	}
	page := k.List(fmt.Sprintf("%016x", n-2), 3)
	require.Len(t, page, 3)
	require.Equal(t, fmt.Sprintf("%016x", n-1), page[0].ID)
}

// What a crash cut short is taken off, whatever its length; what was confirmed stands. A
// line that is malformed elsewhere is refused, with its number.
func TestKeysSurviveACut(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.json")
	k, err := OpenKeys(path)
	require.NoError(t, err)
	now := time.Now()
	first, key, err := k.Create("first", "", []types.Role{types.RoleClient}, time.Hour, now)
	require.NoError(t, err)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	second, _, err := k.Create("second", "", []types.Role{types.RoleClient}, time.Hour, now)
	require.NoError(t, err)
	_, err = k.Revoke(key.ID, now)
	require.NoError(t, err)
	all, err := os.ReadFile(path)
	require.NoError(t, err)
	for cut := len(whole); cut < len(all); cut += 29 {
		require.NoError(t, os.WriteFile(path, all[:cut], 0o600))
		k, err := OpenKeys(path)
		require.NoError(t, err, "cut at %d", cut)
		_, err = k.Check(first, now)
		require.NoError(t, err)
		third, _, err := k.Create("third", "", []types.Role{types.RoleClient}, time.Hour, now)
		require.NoError(t, err)
		k, err = OpenKeys(path)
		require.NoError(t, err)
		_, err = k.Check(third, now)
		require.NoError(t, err, "cut at %d", cut)
	}
	require.NoError(t, os.WriteFile(path, all, 0o600))
	k, err = OpenKeys(path)
	require.NoError(t, err)
	_, err = k.Check(first, now)
	require.Error(t, err, "revoked")
	_, err = k.Check(second, now)
	require.NoError(t, err)
	// Nobody else writes the file meanwhile, and a disk that fails changes nothing.
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	_, _, err = k.Create("fourth", "", []types.Role{types.RoleClient}, time.Hour, now)
	require.Equal(t, types.CodeDiskFailure, types.CodeOf(err))
	require.Len(t, k.List("", 10), 2)
	for _, bad := range []string{"{}\n", "x\n", `{"revoke":"a"}` + "\n", `{"key":{"id":""}}` + "\n", `{"key":{"id":"a"},"revoke":"a"}` + "\n", `{"other":1}` + "\n"} {
		require.NoError(t, os.WriteFile(path, []byte(string(whole)+bad+string(whole)), 0o600))
		_, err = OpenKeys(path)
		require.Equal(t, types.CodeConfig, types.CodeOf(err), bad)
		require.ErrorContains(t, err, "line 2")
	}
}

// A list that an earlier release wrote becomes a journal; keys that ended long ago go when
// the file is written anew.
func TestKeysAreRewritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	now := time.Now()
	old := now.Add(-2 * keepEnded)
	raw, err := json.Marshal([]Key{{ID: "a", Name: "gone", Expires: old}, {ID: "b", Name: "revoked", Expires: now.Add(time.Hour), Revoked: &old}, {ID: "c", Name: "live", Expires: now.Add(time.Hour)}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	k, err := OpenKeys(path)
	require.NoError(t, err)
	require.Len(t, k.List("", 10), 1)
	_, err = k.Revoke("c", now)
	require.NoError(t, err)
	k, err = OpenKeys(path)
	require.NoError(t, err)
	require.NotNil(t, k.List("", 10)[0].Revoked)
}

func FuzzKeys(f *testing.F) {
	_, path := many(f, 3)
	raw, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(`[{"id":"a"}]`))
	f.Add([]byte(`{"revoke":"a","at":"2026-03-02T01:00:00Z"}` + "\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		path := filepath.Join(t.TempDir(), "keys.json")
		require.NoError(t, os.WriteFile(path, in, 0o600))
		if k, err := OpenKeys(path); err == nil {
			_, _, err = k.Create("a", "", []types.Role{types.RoleClient}, time.Hour, time.Now())
			require.NoError(t, err)
			_, err = OpenKeys(path)
			require.NoError(t, err, "what was taken on can be read again")
		}
	})
}

// BenchmarkKeys makes and checks keys beside 10^2 and 10^5 others.
func BenchmarkKeys(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprint("create/", n), func(b *testing.B) {
			k, _ := many(b, n)
			for b.Loop() {
				_, _, err := k.Create("a", "", []types.Role{types.RoleClient}, time.Hour, time.Now())
				require.NoError(b, err)
			}
		})
		b.Run(fmt.Sprint("check/", n), func(b *testing.B) {
			k, _ := many(b, n)
			token, _, err := k.Create("a", "", []types.Role{types.RoleClient}, time.Hour, time.Now())
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Check(token, time.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
