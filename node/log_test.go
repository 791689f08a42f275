package node

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

func TestLogger(t *testing.T) {
	home := Home{Dir: t.TempDir()}
	var stderr bytes.Buffer
	c := DefaultConfig().Log
	c.Format = "json"
	log, closer, err := NewLogger(home, c, &stderr)
	require.NoError(t, err)
	log.Info("opened", "passphrase", "swordfish", "privateKey", []byte("d"), "height", 7)
	log.Debug("not shown")
	require.NoError(t, closer.Close())
	raw, err := os.ReadFile(filepath.Join(home.Dir, "logs", "node.log"))
	require.NoError(t, err)
	for _, text := range []string{string(raw), stderr.String()} {
		require.Contains(t, text, `"height":7`)
		require.NotContains(t, text, "swordfish")
		require.NotContains(t, text, "not shown")
	}
	stderr.Reset()
	c.Stderr = false
	log, closer, err = NewLogger(home, c, &stderr)
	require.NoError(t, err)
	log.Info("again")
	require.NoError(t, closer.Close())
	require.Empty(t, stderr.String())
}

func TestLogTurnsOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.log")
	r, err := openRotating(path, 100, 2)
	require.NoError(t, err)
	line := strings.Repeat("x", 39) + "\n"
	for range 9 {
		_, err := r.Write([]byte(line))
		require.NoError(t, err)
	}
	require.NoError(t, r.Close())
	for name, lines := range map[string]int{path: 1, path + ".1": 2, path + ".2": 2} {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, lines, strings.Count(string(raw), "\n"), name)
	}
	_, err = os.Stat(path + ".3")
	require.True(t, os.IsNotExist(err))
}

func TestDisk(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, CheckDisk(dir, 1))
	require.Equal(t, types.CodeDiskLow, types.CodeOf(CheckDisk(dir, 1<<30)))
}

// A disk that runs low while the node works ends the watch with HC-1007.
func TestWatchDisk(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var seen int64
	require.NoError(t, watchDisk(ctx, Home{Dir: t.TempDir()}, 1, time.Millisecond, func(mib int64) { seen = mib }))
	require.Positive(t, seen)
	require.Equal(t, types.CodeDiskLow, types.CodeOf(watchDisk(t.Context(), Home{Dir: t.TempDir()}, 1<<30, time.Hour, func(int64) {})))
}
