package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/devnet"
	"github.com/huchain/huchain/node"
	"github.com/huchain/huchain/types"
)

func devnetCmd(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "devnet", Short: "a network of validators on this machine, to try things out and develop",
		Long: "A devnet is a real chain: separate validator processes, BFT consensus, certificates. Only its keys are\n" +
			"worth nothing: their passphrase lies beside them. It lives in <home>/devnet.",
	}
	c.AddCommand(devnetUpCmd(a), devnetStatusCmd(a), devnetDownCmd(a), devnetResetCmd(a))
	return c
}

func devnetUpCmd(a *app) *cobra.Command {
	var validators, portBase int
	var detach, noSample, apps bool
	var timeout time.Duration
	c := &cobra.Command{
		Use: "up", Short: "start the devnet, creating it if there is none",
		Long: "Starts the validators of the devnet and watches over them; Ctrl-C stops all. The first time, organisations,\n" +
			"members, validators and a genesis with the base contracts are created. With --detach the validators go on in\n" +
			"the background until \"huchain devnet down\".\n\n" +
			"With --apps a new devnet has a second chain, apps, of the organisations court, city and tax, on all nodes but node0;\n" +
			"name it with --chain apps.\n\n" +
			"Default ports: API 7100…, peers 7200…, metrics 7300…; where one is taken, a free one is used and named.",
		Example: "  huchain devnet up\n  huchain devnet up --detach --apps\n  huchain devnet up --home /tmp/other --validators 1",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			home, err := filepath.Abs(a.home)
			if err != nil {
				return err
			}
			up, err := devnet.BringUp(cmd.Context(), devnet.UpOptions{
				Home: home, Validators: validators, PortBase: portBase, Program: program, Detach: detach, NoSample: noSample, Apps: apps,
				Sources: sources(), Timeout: timeout,
				Say: func(en, zh string) { fmt.Fprintln(a.err, a.say(zh, en)+" …") },
			})
			if err != nil {
				if cmd.Context().Err() != nil {
					return types.Errorf(types.CodeNotReady, "interrupted while starting: %w", err)
				}
				return err
			}
			if err := a.printUp(up, detach); err != nil || detach {
				return err
			}
			return a.watchDevnet(cmd.Context(), up)
		},
	}
	c.Flags().IntVar(&validators, "validators", 0, fmt.Sprintf("how many validators a new devnet has, 1 to %d (default %d)", devnet.MaxValidators, devnet.DefaultValidators))
	c.Flags().IntVar(&portBase, "port-base", 0, "first port of the HTTP APIs; peers listen 100 and metrics 200 higher (default 7100)")
	c.Flags().BoolVar(&detach, "detach", false, "leave the validators running in the background")
	c.Flags().BoolVar(&apps, "apps", false, "give a new devnet the second chain, apps")
	c.Flags().BoolVar(&noSample, "no-sample", false, "do not load the demo stories into a new devnet")
	c.Flags().DurationVar(&timeout, "timeout", 90*time.Second, "how long the validators may take to serve")
	return c
}

// watchDevnet waits for Ctrl-C, or for the last validator to end.
func (a *app) watchDevnet(ctx context.Context, up *devnet.Up) error {
	defer up.Close()
	alive := len(up.Network.Nodes)
	for alive > 0 {
		select {
		case <-ctx.Done():
			fmt.Fprintln(a.err, a.say("正在停止 …", "stopping …"))
			return nil
		case e := <-up.Processes.Exits():
			alive--
			if ctx.Err() != nil {
				continue
			}
			a.reportExit(up.Network, e, alive)
		}
	}
	if ctx.Err() == nil {
		fmt.Fprintln(a.err, a.say("所有节点均已停止。", "all validators have stopped."))
	}
	return nil
}

func (a *app) reportExit(n *devnet.Network, e devnet.Exit, alive int) {
	if e.Err == nil {
		fmt.Fprintf(a.err, a.say("%s 已停止，剩余 %d 个\n", "%s has stopped, %d left\n"), e.Node, alive)
		return
	}
	fmt.Fprintf(a.err, a.say("%s 异常退出（%v），剩余 %d 个\n", "%s ended (%v), %d left\n"), e.Node, e.Err, alive)
	if alive*3 <= len(n.Nodes)*2 {
		fmt.Fprintln(a.err, a.say("  在线节点不足三分之二以上，链暂停出块，不会分叉", "  no more than two thirds are left: the chain pauses until one is back, and does not fork"))
	}
	fmt.Fprintf(a.err, "  %s huchain start --home %s\n", a.say("单独启动：", "start it alone:"), n.NodeHome(e.Node).Dir)
	fmt.Fprintf(a.err, "  %s %s\n", a.say("日志：", "its log:"), filepath.Join(n.NodeHome(e.Node).Dir, "logs", "node.log"))
}

func (a *app) printUp(up *devnet.Up, detached bool) error {
	n := up.Network
	v := map[string]any{
		"chain": n.Chain, "genesis": n.Genesis, "height": up.Status.Height, "nodes": n.Nodes, "members": n.MembersDir(), "apps": n.Apps,
		"created": up.Created, "tookMs": up.Took.Milliseconds(),
	}
	return a.print(v, func(w io.Writer) {
		fmt.Fprintf(w, a.say("\n开发网已就绪：链 %s，%d 个共识节点，高度 %d，用时 %.1f 秒\n\n", "\nThe devnet is up: chain %s, %d validators, height %d, after %.1f s\n\n"),
			n.Chain, len(n.Nodes), up.Status.Height, up.Took.Seconds())
		for i := range n.Nodes {
			fmt.Fprintf(w, "  %s\t%s/api/v1/chains/%s/status\n", n.Nodes[i].Name, n.Nodes[i].URL(), n.Chain)
		}
		if n.Apps != nil {
			fmt.Fprintf(w, a.say("\n第二条链 %s：%d 个节点同时运行（--chain %s）\n", "\nA second chain, %s, runs in %d of them (--chain %s)\n"), devnet.AppsName, len(n.Apps.Nodes), devnet.AppsName)
		}
		fmt.Fprintf(w, "\n%s\n\n", a.say("存证、查询并验证：", "Deposit something, look it up, prove it:"))
		self, home := os.Args[0], a.homeFlag()
		fmt.Fprintf(w, "  %s tx call evidence deposit '{\"hash\":\"%s\",\"title\":\"%s\"}' --as clerk%s\n", self, exampleHash, a.say("采购合同", "contract"), home)
		fmt.Fprintf(w, "  %s query view evidence get '{\"hash\":\"%s\"}'%s\n", self, exampleHash, home)
		fmt.Fprintf(w, "  %s query state evidence%s\n", self, home)
		fmt.Fprintf(w, "  %s query tx ID --prove%s\n\n", self, home)
		if detached {
			fmt.Fprintf(w, "%s %s devnet down%s\n", a.say("停止：", "Stop it:"), self, home)
		} else {
			fmt.Fprintln(w, a.say("按 Ctrl-C 停止。", "Ctrl-C stops it."))
		}
	})
}

// exampleHash is SM3("abc"), from GB/T 32905-2016.
const exampleHash = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"

// homeFlag repeats --home in suggested commands where it is not the default.
func (a *app) homeFlag() string {
	if a.home == node.DefaultHome() {
		return ""
	}
	return " --home " + a.home
}

type nodeState struct {
	Name   string `json:"name"`
	State  string `json:"state"` // running, stopped, starting
	PID    int    `json:"pid,omitempty"`
	URL    string `json:"url"`
	Height uint64 `json:"height,omitempty"`
	Peers  int    `json:"peers,omitempty"`
	Error  string `json:"error,omitempty"`
}

func devnetStatusCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "which validators run, and how far they are",
		Long:    "Shows the validators. Exit status 1 if fewer run than the chain needs to go on (more than two thirds).",
		Example: "  huchain devnet status\n  huchain devnet status -o json", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := a.devnet()
			if err != nil {
				return err
			}
			running := n.Running()
			statuses, errs := n.Statuses(cmd.Context())
			var list []nodeState
			serving := 0
			for i := range n.Nodes {
				s := nodeState{Name: n.Nodes[i].Name, State: "stopped", URL: n.Nodes[i].URL()}
				if o, ok := running[s.Name]; ok {
					s.State, s.PID = "starting", o.PID
					if errs[i] == nil {
						s.State, s.Height, s.Peers = "running", statuses[i].Height, statuses[i].Peers
						serving++
					} else {
						s.Error = errs[i].Error()
					}
				}
				list = append(list, s)
			}
			err = a.print(list, func(w io.Writer) {
				for _, s := range list {
					fmt.Fprintf(w, "%s\t%s\tpid %d\t%s\t%s %d\t%s %d\n", s.Name, s.State, s.PID, s.URL,
						a.say("高度", "height"), s.Height, a.say("对等节点", "peers"), s.Peers)
				}
			})
			if err == nil && serving*3 <= len(list)*2 {
				err = types.Errorf(types.CodeNotReady, "%d of %d validators serve", serving, len(list))
			}
			return err
		},
	}
}

func (a *app) devnet() (*devnet.Network, error) {
	home, err := filepath.Abs(a.home)
	if err != nil {
		return nil, err
	}
	return devnet.Load(home)
}

func devnetDownCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "stop the validators; data stays",
		Long:    "Stops every validator of the devnet, also one that was started alone. Only processes that hold the lock of\none of its homes are ended.",
		Example: "  huchain devnet down", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			n, err := a.devnet()
			if err != nil {
				return err
			}
			stopped, err := n.Down(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(map[string]any{"stopped": stopped}, func(w io.Writer) {
				if len(stopped) == 0 {
					fmt.Fprintln(w, a.say("没有运行中的节点", "nothing was running"))
					return
				}
				fmt.Fprintln(w, a.say("已停止：", "stopped:"), strings.Join(stopped, ", "))
			})
		},
	}
}

func devnetResetCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "reset", Short: "stop the devnet and remove it with everything on it",
		Example: "  huchain devnet reset", Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := filepath.Abs(a.home)
			if err != nil {
				return err
			}
			if err := devnet.Reset(cmd.Context(), home); err != nil {
				return err
			}
			return a.print(map[string]any{"removed": filepath.Join(home, "devnet")}, func(w io.Writer) {
				fmt.Fprintln(w, a.say("已删除", "removed"), filepath.Join(home, "devnet"))
			})
		},
	}
}
