package main

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/contracts/build"
	"github.com/huchain/huchain/devnet"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"huchain": main})
}

// TestScripts runs the command lines of testdata/*.txtar. Beside what testscript knows,
//
//	exits N command…     runs a command that must end with status N
//	evidence             builds the evidence contract once and points HUCHAIN_BUNDLES at it
//	field NAME FILE VAR  puts a field of a JSON file, or stdout, into a variable
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HUCHAIN_HOME", filepath.Join(env.WorkDir, "home"))
			env.Defer(func() { // a script that fails half-way leaves no validator behind
				if n, err := devnet.Load(filepath.Join(env.WorkDir, "home")); err == nil {
					n.Down(context.Background())
				}
			})
			env.Setenv("LANG", "C")
			env.Setenv("HOME", os.Getenv("HOME")) // the go command's caches
			port, err := freePortRange()
			env.Setenv("PORT", strconv.Itoa(port))
			if err != nil {
				return err
			}
			port, err = freePortRange()
			env.Setenv("PORT2", strconv.Itoa(port))
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "evidence": evidence, "field": jsonField,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N command…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var e *exec.ExitError
	if errors.As(err, &e) {
		got = e.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

// buildEvidence compiles the contract once for all scripts.
var buildEvidence = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "huchain-bundles-")
	if err != nil {
		return "", err
	}
	p := build.DefaultParams()
	p.Write = false
	r, err := build.Build(context.Background(), filepath.Join("..", "..", "contracts", "base", "evidence"), p)
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "evidence.hcp"), r.Package, 0o600)
})

func evidence(ts *testscript.TestScript, _ bool, _ []string) {
	dir, err := buildEvidence()
	ts.Check(err)
	ts.Setenv("HUCHAIN_BUNDLES", dir)
}

func jsonField(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: field NAME FILE VAR")
	}
	// A field is `"name": "value"` on a line of its own in the indented output.
	for _, line := range strings.Split(ts.ReadFile(args[1]), "\n") {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok && strings.Trim(name, `"`) == args[0] {
			ts.Setenv(args[2], strings.Trim(value, `",`))
			return
		}
	}
	ts.Fatalf("%s holds no field %q", args[1], args[0])
}

// freePortRange finds a base from which the ports of a small devnet are free.
func freePortRange() (int, error) {
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		base := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if base < 65000 {
			return base, nil
		}
	}
	return 0, errors.New("no free ports")
}

// Every command says what it does and shows how.
func TestCommandsAreDocumented(t *testing.T) {
	names := map[string]bool{}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		names[c.CommandPath()] = true
		require.NotEmpty(t, c.Short, c.CommandPath())
		if c.HasSubCommands() {
			for _, sub := range c.Commands() {
				walk(sub)
			}
			return
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			require.Nil(t, newRoot(&app{}).PersistentFlags().Lookup(f.Name), "%s hides the global flag --%s", c.CommandPath(), f.Name)
		})
		if c.Name() == "help" || c.Parent().Name() == "completion" {
			return
		}
		require.NotEmpty(t, c.Example, c.CommandPath())
		require.NotNil(t, c.Args, "%s checks its arguments", c.CommandPath())
		for _, line := range strings.Split(c.Example, "\n") {
			require.True(t, strings.HasPrefix(strings.TrimSpace(line), "huchain "), "%s: %q", c.CommandPath(), line)
		}
	}
	walk(newRoot(&app{}))
	for _, want := range []string{
		"devnet up", "devnet status", "devnet down", "devnet reset", "init", "start", "version", "key new", "cert issue", "cert renew", "cert revoke", "cert list", "cert inspect", "org create", "org rotate", "org retire",
		"tx call", "query status", "query block", "query tx", "query contract", "query state", "query events", "query view",
		"proof export", "proof verify", "gov propose", "gov sign", "gov vote", "gov list", "contract build", "contract check", "contract schema", "contract mutate", "contract test", "contract deploy", "contract list", "contract show",
		"explain", "fsck", "fsck audit", "key api create", "key api list", "key api revoke", "key session list", "key session revoke", "doctor", "bench run", "bench verify", "bench compare", "bench ceiling", "bench growth", "bench publish",
	} {
		require.True(t, names["huchain "+want], want)
	}
}

// A state key shown is a state key understood.
func FuzzStateKey(f *testing.F) {
	for _, s := range []string{"", "record/evidence", "a\x00b", `\x`, `back\slash`, "\xff", "存证"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, key []byte) {
		if strings.HasPrefix(string(key), "0x") {
			return // read as hex digits
		}
		got, err := parseKey(printable(key))
		require.NoError(t, err)
		require.Equal(t, string(key), string(got))
	})
}
