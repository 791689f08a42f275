package consensus

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

func testKeys(t testing.TB) Keys {
	dir := t.TempDir()
	k := Keys{ConsensusKeyFile: filepath.Join(dir, "k", "consensus.json"), VoteFile: filepath.Join(dir, "k", "vote.json")}
	_, err := CreateKeys(k)
	require.NoError(t, err)
	return k
}

func testGuard(t testing.TB, k Keys, now time.Time) *voteGuard {
	g, err := openVoteGuard(k, 15*time.Second, slog.New(slog.DiscardHandler), now)
	require.NoError(t, err)
	t.Cleanup(g.close)
	return g
}

func vote(height int64, round int32, block byte, ext []byte) *cmtproto.Vote {
	v := &cmtproto.Vote{Type: cmtproto.PrecommitType, Height: height, Round: round, Extension: ext, Timestamp: time.Unix(1, 0)}
	if block != 0 {
		hash := make([]byte, 32)
		hash[0] = block
		v.BlockID = cmtproto.BlockID{Hash: hash, PartSetHeader: cmtproto.PartSetHeader{Total: 1, Hash: hash}}
	}
	return v
}

func TestKeyFiles(t *testing.T) {
	k := testKeys(t)
	info, err := ReadKeys(k)
	require.NoError(t, err)
	require.NotZero(t, info.Ed25519)
	for _, f := range []string{k.ConsensusKeyFile, k.VoteFile} {
		s, err := os.Stat(f)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), s.Mode().Perm(), f)
	}
	_, err = CreateKeys(k)
	require.Equal(t, types.CodeAlreadyExists, types.CodeOf(err), "keys are never overwritten")
	again, err := ReadKeys(k)
	require.NoError(t, err)
	require.Equal(t, info, again)

	secret, err := os.ReadFile(k.ConsensusKeyFile)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(k.ConsensusKeyFile, secret[:len(secret)/2], 0o600))
	_, err = ReadKeys(k)
	require.Equal(t, types.CodeKeyFile, types.CodeOf(err))
	require.NotContains(t, err.Error(), "priv", "errors quote nothing of a key file")
	require.NoError(t, os.WriteFile(k.ConsensusKeyFile, []byte(`{"priv_key":{"type":"tendermint/PrivKeyEd25519","value":"AAAA"}}`), 0o600))
	_, err = ReadKeys(k)
	require.Equal(t, types.CodeKeyFile, types.CodeOf(err))
	require.NoError(t, os.Remove(k.ConsensusKeyFile))
	_, err = ReadKeys(k)
	require.Equal(t, types.CodeKeyFile, types.CodeOf(err))
}

// A vote is never given twice, across restarts and with the extension required.
// covers: T.03
func TestVoteGuardNeverVotesTwice(t *testing.T) {
	k := testKeys(t)
	g := testGuard(t, k, time.Now())
	require.False(t, g.isFollowing())
	_, err := openVoteGuard(k, 0, slog.New(slog.DiscardHandler), time.Now())
	require.Equal(t, types.CodeHomeLocked, types.CodeOf(err), "a second validator with this key")
	require.NoError(t, g.SignVote("c", vote(5, 0, 1, []byte("e"))))
	require.Error(t, g.SignVote("c", vote(5, 0, 2, []byte("e"))), "another block")
	require.NoError(t, g.SignVote("c", vote(5, 0, 1, []byte("e"))), "the same once more")
	require.Error(t, g.SignVote("c", vote(4, 0, 1, []byte("e"))))
	require.Error(t, g.SignVote("c", vote(6, 0, 1, nil)), "no header signature")
	require.NoError(t, g.SignVote("c", vote(6, 0, 0, nil)), "a vote for nothing needs none")

	g.close()
	g = testGuard(t, k, time.Now()) // restart
	require.Error(t, g.SignVote("c", vote(6, 0, 1, []byte("e"))))
	require.NoError(t, g.SignVote("c", vote(6, 1, 1, []byte("e"))))
	require.Error(t, g.SignProposal("c", &cmtproto.Proposal{Height: 6, Round: 1}))
	require.NoError(t, g.SignProposal("c", &cmtproto.Proposal{Height: 7, Round: 0}))
}

// A validator that lost its vote state follows until a block later than its start is
// committed, and then starts above that block's height.
// covers: T.03
func TestVoteGuardFollowsWithoutState(t *testing.T) {
	k := testKeys(t)
	require.NoError(t, os.Remove(k.VoteFile))
	now := time.Now()
	g := testGuard(t, k, now)
	g.inspect(40, nil)
	require.True(t, g.isFollowing())
	require.ErrorIs(t, g.SignVote("c", vote(41, 0, 1, []byte("e"))), errFollowing)
	require.ErrorIs(t, g.SignProposal("c", &cmtproto.Proposal{Height: 41}), errFollowing)
	require.NoError(t, g.blockCommitted(41, now.Add(-time.Minute)), "synced: made before the start")
	require.NoError(t, g.blockCommitted(42, now.Add(14*time.Second)), "within the margin of clocks")
	require.ErrorIs(t, g.SignVote("c", vote(43, 0, 1, []byte("e"))), errFollowing)
	require.NoFileExists(t, k.VoteFile)

	g.close()
	g = testGuard(t, k, now.Add(time.Second)) // a restart begins the wait anew
	g.inspect(42, nil)
	require.NoError(t, g.blockCommitted(43, now.Add(17*time.Second)))
	require.False(t, g.isFollowing())
	require.Error(t, g.SignVote("c", vote(43, 7, 1, []byte("e"))), "any round of 43 may have been voted in")
	require.NoError(t, g.SignVote("c", vote(44, 0, 1, []byte("e"))))

	g.close()
	g = testGuard(t, k, now)
	require.False(t, g.isFollowing())
	require.Error(t, g.SignVote("c", vote(44, 0, 2, []byte("e"))))
}

func TestVoteGuardFreshChain(t *testing.T) {
	k := testKeys(t)
	require.NoError(t, os.Remove(k.VoteFile))
	g := testGuard(t, k, time.Now())
	g.inspect(0, nil)
	g.peerHeight = func() int64 { return 7 }
	require.ErrorIs(t, g.SignVote("c", vote(1, 0, 1, nil)), errFollowing, "peers are further: the chain is not fresh")
	g.peerHeight = func() int64 { return 1 }
	require.NoError(t, g.SignVote("c", vote(1, 0, 1, nil)))
	require.FileExists(t, k.VoteFile)
}

// A vote state older than a stored vote of ours is a restored backup.
func TestVoteGuardOldState(t *testing.T) {
	k := testKeys(t)
	g := testGuard(t, k, time.Now())
	require.NoError(t, g.SignVote("c", vote(5, 0, 1, []byte("e"))))
	commit := func(h int64) *cmttypes.Commit {
		return &cmttypes.Commit{Height: h, Signatures: []cmttypes.CommitSig{{BlockIDFlag: cmttypes.BlockIDFlagCommit, ValidatorAddress: g.address()}}}
	}
	g.inspect(5, commit(5))
	require.False(t, g.isFollowing())
	g.inspect(9, commit(9))
	require.True(t, g.isFollowing())
	require.ErrorIs(t, g.SignVote("c", vote(10, 0, 1, []byte("e"))), errFollowing)
}

func TestVoteGuardDamagedState(t *testing.T) {
	k := testKeys(t)
	require.NoError(t, os.WriteFile(k.VoteFile, []byte("{"), 0o600))
	_, err := openVoteGuard(k, 0, slog.New(slog.DiscardHandler), time.Now())
	require.Equal(t, types.CodeKeyFile, types.CodeOf(err))
}

// A vote that could not be recorded is not given.
func TestVoteGuardUnwritable(t *testing.T) {
	k := testKeys(t)
	g := testGuard(t, k, time.Now())
	require.NoError(t, os.RemoveAll(filepath.Dir(k.VoteFile)))
	require.Error(t, g.SignVote("c", vote(5, 0, 1, []byte("e"))))
}
