package consensus

import (
	"bytes"
	"errors"
	"log/slog"
	"syscall"
	"testing"

	cmtlog "github.com/cometbft/cometbft/libs/log"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

func TestCometLogger(t *testing.T) {
	var out bytes.Buffer
	var failure error
	var l cmtlog.Logger = &cometLogger{
		log:    slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})),
		onFail: func(err error) { failure = err },
	}
	l = l.With("module", "p2p")
	l.Info("every round", "height", 1)
	l.Debug("every message")
	l.Error("Error stopping pool", "err", "already stopped")
	require.Empty(t, out.String(), "CometBFT's Info is Debug here")

	l.Warn("look", "peer", (*nilStringer)(nil), "msg", "own", 7, "odd key", "alone")
	require.Contains(t, out.String(), "module=p2p peer=<nil> comet_msg=own 7=\"odd key\"")
	l.Error(consensusFailure, "err", errors.New("boom"), "stack", "…")
	require.EqualError(t, failure, "boom")
	l.Error(consensusFailure, "err", "text")
	require.EqualError(t, failure, "text")
	l.Error(consensusFailure)
	require.Error(t, failure)
	l.Error(walFailure, "err", syscall.ENOSPC)
	require.Equal(t, types.CodeDiskFailure, types.CodeOf(failure))
	require.ErrorIs(t, failure, syscall.ENOSPC)
}

type nilStringer struct{ s string }

func (n *nilStringer) String() string { return n.s }
