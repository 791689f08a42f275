package node

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

// TestMain lets the test binary play another process that holds a lock.
func TestMain(m *testing.M) {
	if path := os.Getenv("TEST_HOLD_LOCK"); path != "" {
		if _, err := Acquire(path); err != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString("held\n")
		time.Sleep(time.Minute)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A lock excludes other processes while its holder lives, names the holder, and goes
// with the holder even if that is killed.
func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home", "lock")
	_, held := Holder(path)
	require.False(t, held)
	l, err := Acquire(path)
	require.NoError(t, err)
	require.NoError(t, l.SetAddresses("http://127.0.0.1:1"))
	o, held := Holder(path)
	require.True(t, held)
	require.Equal(t, os.Getpid(), o.PID)
	require.Equal(t, []string{"http://127.0.0.1:1"}, o.Addresses)
	_, err = Acquire(path)
	require.Equal(t, types.CodeHomeLocked, types.CodeOf(err))
	require.Contains(t, err.Error(), strconv.Itoa(os.Getpid()))
	l.Release()
	_, held = Holder(path)
	require.False(t, held, "the file is still there and means nothing")

	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_HOLD_LOCK="+path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	o, held = Holder(path)
	require.True(t, held)
	require.Equal(t, cmd.Process.Pid, o.PID)
	_, err = Acquire(path)
	require.Equal(t, types.CodeHomeLocked, types.CodeOf(err))
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	l, err = Acquire(path)
	require.NoError(t, err)
	l.Release()
}

// A process id that was reused is not taken for the one that wrote the file.
func TestReusedProcessID(t *testing.T) {
	mine := Owner{PID: os.Getpid(), Ticks: startTicks(os.Getpid())}
	require.True(t, mine.Alive())
	if mine.Ticks > 0 {
		mine.Ticks++
		require.False(t, mine.Alive())
	}
	require.False(t, Owner{PID: 1}.Alive())
	require.False(t, Owner{}.Alive())
}
