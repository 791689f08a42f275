package test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/devnet"
)

// block is a fenced block of a document that is to be run: "```sh", or "```sh server"
// for a command that keeps running.
type block struct {
	line   int
	server bool
	text   string
}

// blocks finds the sh blocks of a document.
func blocks(doc string) ([]block, error) {
	var out []block
	var open *block
	for i, line := range strings.Split(doc, "\n") {
		switch {
		case open != nil && line == "```":
			out = append(out, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		case line == "```sh" || line == "```sh server":
			open = &block{line: i + 2, server: strings.HasSuffix(line, "server")}
		case strings.HasPrefix(line, "```sh") || strings.HasPrefix(line, "```bash") || strings.HasPrefix(line, "```console"):
			return nil, fmt.Errorf("line %d: %s: commands stand in ```sh blocks, which are run", i+1, line)
		}
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: block without an end", open.line)
	}
	return out, nil
}

// Every document with commands is run from its top, each by a test of its own, on a
// machine of its own: an empty home folder.

func TestReadme(t *testing.T) {
	t.Cleanup(func() {
		os.Remove(filepath.Join(root, "record.proof"))
		os.Remove(filepath.Join(root, "certificate.pdf"))
	})
	follow(t, "README.md")
}

func TestOperatorGuide(t *testing.T)    { follow(t, "docs/operator.md") }
func TestBundleGuide(t *testing.T)      { follow(t, "docs/bundles.md") }
func TestAuditorGuide(t *testing.T)     { follow(t, "docs/auditor.md") }
func TestSupervisionGuide(t *testing.T) { follow(t, "docs/supervision.md") }
func TestPerformance(t *testing.T)      { follow(t, "docs/performance.md") }
func TestContractGuide(t *testing.T) {
	r := follow(t, "docs/contracts.md")
	require.Len(t, r.strangers, 2, "one way in Go, one in Rust")
	require.Contains(t, r.strangers[1], "--lang rust")
}

// follow runs every command of a document, in order, as a reader would, on a host of its
// own: a network namespace, where the customary ports are free.
func follow(t *testing.T, doc string) *reader {
	occupy(t)
	text, err := os.ReadFile(filepath.Join(root, doc))
	require.NoError(t, err)
	list, err := blocks(string(text))
	require.NoError(t, err)
	require.NotEmpty(t, list, "%s has no commands", doc)
	r := newReader(t, fmt.Sprintf("hc%dd%d", os.Getpid(), readers.Add(1)))
	r.follow(doc, list)
	return r
}

var readers atomic.Int32

// reader is somebody who types in what a document says.
type reader struct {
	t    *testing.T
	host string // network namespace
	home string
	dir  string // where the reader's shell stands between blocks
	env  []string

	strangers []string // blocks that went from contract new to a committed call
}

// strangersMinutes is how long somebody who has never written a contract may take from
// contract new to a committed call.
const strangersMinutes = 5 * time.Minute

func newReader(t *testing.T, host string) *reader {
	namespace(t, host)
	home := t.TempDir()
	env := append(os.Environ(), "HOME="+home, "HUCHAIN_HOME="+filepath.Join(home, "huchain"), "HUCHAIN_BUNDLES="+packagesDir,
		"GOMODCACHE="+goEnv(t, "GOMODCACHE"), "GOCACHE="+goEnv(t, "GOCACHE"), "LANG=en_US.UTF-8", "TMPDIR="+home)
	r := &reader{t: t, host: host, home: home, dir: root, env: env}
	// The homes of the documents' devnets; contracts that were compiled once are not again.
	devnets := []string{"huchain", "huchain/two"}
	for _, dir := range devnets {
		require.NoError(t, os.MkdirAll(filepath.Join(home, dir, "devnet"), 0o755))
		require.NoError(t, os.Symlink(sharedCache, filepath.Join(home, dir, "devnet", "cache")))
	}
	t.Cleanup(func() {
		// A detached devnet outlives its reader otherwise.
		for _, dir := range devnets {
			if n, err := devnet.Load(filepath.Join(home, dir)); err == nil {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				_, err := n.Down(ctx)
				require.NoError(t, err)
			}
		}
	})
	return r
}

func goEnv(t *testing.T, name string) string {
	out, err := exec.Command("go", "env", name).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

func (r *reader) follow(doc string, list []block) {
	pwd := filepath.Join(r.home, "pwd")
	for _, b := range list {
		where := fmt.Sprintf("%s:%d", doc, b.line)
		if b.server {
			r.serve(where, b.text)
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience())
		script := "set -euo pipefail\n" + b.text + "\npwd > " + pwd + "\n"
		cmd := exec.CommandContext(ctx, "ip", "netns", "exec", r.host, "bash", "-c", script)
		cmd.Dir, cmd.Env = r.dir, r.env
		cmd.WaitDelay = 5 * time.Second
		begin := time.Now()
		out, err := cmd.CombinedOutput()
		cancel()
		require.NoError(r.t, err, "%s:\n%s\n%s", where, b.text, out)
		elapsed := time.Since(begin)
		r.t.Logf("%s (%s)\n%s", where, elapsed.Round(time.Millisecond), out)
		if strings.Contains(b.text, "contract new") && strings.Contains(b.text, "tx call") {
			r.t.Logf("from contract new to a committed call: %s", elapsed.Round(time.Second))
			if soak > 1 { // where nothing runs beside it
				require.Less(r.t, elapsed, strangersMinutes, "%s: from contract new to a committed call", where)
			}
			r.strangers = append(r.strangers, b.text)
		}
		at, err := os.ReadFile(pwd)
		require.NoError(r.t, err)
		r.dir = strings.TrimSpace(string(at))
	}
}

// serve starts a command that keeps running and waits until the devnet answers.
func (r *reader) serve(where, text string) {
	var out bytes.Buffer
	cmd := exec.Command("ip", "netns", "exec", r.host, "bash", "-c", "exec "+strings.TrimSpace(text))
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = r.dir, r.env, &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(r.t, cmd.Start(), where)
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	r.t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		select {
		case <-done:
		case <-time.After(patience()):
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			r.t.Errorf("%s: did not end on Ctrl-C", where)
		}
		r.t.Logf("%s\n%s", where, out.String())
	})
	deadline := time.Now().Add(patience())
	for {
		status := exec.Command("ip", "netns", "exec", r.host, binary, "query", "status")
		status.Env = r.env
		answer, err := status.CombinedOutput()
		if err == nil {
			return
		}
		select {
		case err := <-done:
			done <- err
			r.t.Fatalf("%s: ended: %v\n%s", where, err, out.String())
		case <-time.After(300 * time.Millisecond):
		}
		require.True(r.t, time.Now().Before(deadline), "%s: the devnet does not answer: %s", where, answer)
	}
}

// TestDocumentsAgree: the two READMEs show the same commands, so that running one runs both.
func TestDocumentsAgree(t *testing.T) {
	var texts [2]string
	for i, doc := range []string{"README.md", "README.zh-CN.md"} {
		text, err := os.ReadFile(filepath.Join(root, doc))
		require.NoError(t, err)
		list, err := blocks(string(text))
		require.NoError(t, err)
		for _, b := range list {
			texts[i] += b.text
		}
	}
	require.Equal(t, texts[0], texts[1])
}

// TestEveryDocumentIsRun: a document with commands that no test follows is an error.
func TestEveryDocumentIsRun(t *testing.T) {
	tests, err := os.ReadFile("docs_test.go")
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	top, err := filepath.Glob(filepath.Join(root, "*.md"))
	require.NoError(t, err)
	for _, f := range append(files, top...) {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		list, err := blocks(string(text))
		require.NoError(t, err, f)
		rel, err := filepath.Rel(root, f)
		require.NoError(t, err)
		if len(list) > 0 && rel != "README.zh-CN.md" {
			require.Contains(t, string(tests), fmt.Sprintf("follow(t, %q)", filepath.ToSlash(rel)), "its commands are not run")
		}
	}
}

// TestServiceUnit: the command of the systemd unit is one of this release.
func TestServiceUnit(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy", "huchain.service"))
	require.NoError(t, err)
	_, line, ok := strings.Cut(string(text), "\nExecStart=/usr/local/bin/huchain ")
	require.True(t, ok)
	line, _, _ = strings.Cut(line, "\n")
	out, err := exec.Command(binary, append(strings.Fields(line), "--help")...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "Runs the node", "it starts a node")
}
