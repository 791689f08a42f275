package node_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/ledger/archive/repo"
	"github.com/huchain/huchain/node"
)

const stoppedEnv = "HUCHAIN_TEST_STOPPED_NODE"

// stopAt ends the node whose log goes through it once a step of archiving is logged: the
// procedure waits for the line to be written.
type stopAt struct {
	step string
	end  func()
}

func (s *stopAt) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("step="+s.step)) {
		s.end()
	}
	return len(b), nil
}

// TestStoppedNode is the process that stoppedWhileArchiving stops.
func TestStoppedNode(t *testing.T) {
	spec := os.Getenv(stoppedEnv)
	if spec == "" {
		return // it only plays its part when started by the other test
	}
	dir, how, _ := strings.Cut(spec, "|")
	step, killed := strings.CutPrefix(how, "kill ")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	end := func() {
		if killed {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		cancel()
	}
	require.NoError(t, node.Run(ctx, node.Home{Dir: dir}, node.Options{Stderr: &stopAt{step, end}}))
}

// stoppedWhileArchiving: a node whose chain goes on is killed, and stopped in order, at
// steps of a real archive run. Each time it starts again; before the segment is in the
// catalogue nothing is released.
func stoppedWhileArchiving(t *testing.T, home node.Home) {
	config, err := os.ReadFile(home.ConfigFile())
	require.NoError(t, err)
	require.Contains(t, string(config), "stderr = false")
	require.NoError(t, os.WriteFile(home.ConfigFile(), bytes.Replace(config, []byte("stderr = false"), []byte("stderr = true"), 1), 0o644))
	height := uint64(0)
	for _, how := range []string{"kill " + string(repo.StepBuilt), string(repo.StepUploaded), "kill " + string(repo.StepVerified), "kill " + string(repo.StepManifest)} {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestStoppedNode$")
		cmd.Env = append(os.Environ(), stoppedEnv+"="+home.Dir+"|"+how)
		out, err := cmd.CombinedOutput()
		if strings.HasPrefix(how, "kill ") {
			require.ErrorContains(t, err, "killed", "%s: %s", how, out)
		} else {
			require.NoError(t, err, "%s: %s", how, out)
		}
		var plan node.ArchivePlan
		require.NoError(t, node.OrderArchive(t.Context(), home, "", node.ArchiveOrderPlan, nil, &plan), how)
		require.EqualValues(t, 1, plan.Hot, "after %s nothing is released", how)
		require.Zero(t, plan.Archived, "after %s", how)
		require.GreaterOrEqual(t, plan.Height, height, how)
		height = plan.Height
	}
	require.NoError(t, os.WriteFile(home.ConfigFile(), config, 0o644))
}
