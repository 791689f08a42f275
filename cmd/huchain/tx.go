package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/huchain/huchain/client"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/types/rest"
)

func txCmd(a *app) *cobra.Command {
	c := &cobra.Command{Use: "tx", Short: "sign and submit transactions"}
	c.AddCommand(txCallCmd(a))
	return c
}

func txCallCmd(a *app) *cobra.Command {
	var as, pass string
	var async, dry bool
	var wait time.Duration
	c := &cobra.Command{
		Use: "call CONTRACT METHOD [JSON]", Short: "call a contract and wait until the call is committed",
		ValidArgsFunction: a.completeMethod(true),
		Long: "Signs a call as a member and submits it. The command answers when the call is committed, with height,\n" +
			"transaction id and result. JSON may be @FILE or - for standard input. With a contract and a method named,\n" +
			"--help tells the method's arguments, permissions and errors.\n\n" +
			"With --dry-run the node executes the call on the newest state, permissions and gas included, and commits nothing:\n" +
			"result, gas, events and writes are shown as they would have been.\n\n" +
			"Exit status 0 means committed and in effect; 1 refused, nothing happened; 3 the outcome is unknown:\n" +
			"ask with \"huchain query tx ID\".",
		Example: `  huchain tx call evidence deposit '{"hash":"9f86…","title":"contract"}' --as clerk
  huchain tx call evidence deposit @deposit.json --as archives/clerk -o json
  huchain tx call evidence deposit @deposit.json --as clerk --async
  huchain tx call evidence deposit @deposit.json --as clerk --dry-run`,
		Args: takes(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := a.readArgs(args[2:])
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			cl, p, err := a.connect(ctx)
			if err != nil {
				return err
			}
			from, err := a.identity(p, as, pass)
			if err != nil {
				return err
			}
			tx, err := cl.Sign(from, args[0], args[1], raw)
			if err != nil {
				return err
			}
			if dry {
				return a.dryRun(ctx, cl, from, tx)
			}
			if async {
				return a.submitAsync(ctx, cl, from, tx)
			}
			ctx, cancel := context.WithTimeout(ctx, wait)
			defer cancel()
			out, err := cl.Submit(ctx, from, tx)
			if err != nil {
				return a.notCommitted(out, err)
			}
			return a.printCommitted(out)
		},
	}
	a.asFlag(c, &as, "member that signs")
	c.Flags().BoolVar(&async, "async", false, "answer when a node has accepted the call; says nothing about its commit")
	c.Flags().BoolVar(&dry, "dry-run", false, "execute without committing, and show what the call would do")
	c.MarkFlagsMutuallyExclusive("async", "dry-run")
	c.Flags().DurationVar(&wait, "wait", 60*time.Second, "how long to wait for the commit")
	passphraseFlag(c, &pass)
	a.helpOfMethod(c)
	return c
}

// readArgs reads the JSON argument of a call: literal, @FILE, or - for standard input.
func (a *app) readArgs(args []string) (json.RawMessage, error) {
	if len(args) == 0 {
		return json.RawMessage("{}"), nil
	}
	raw, err := []byte(args[0]), error(nil)
	switch {
	case args[0] == "-":
		raw, err = io.ReadAll(io.LimitReader(a.in, types.MaxArgsBytes+1))
	case len(args[0]) > 0 && args[0][0] == '@':
		raw, err = os.ReadFile(args[0][1:])
	}
	if err != nil {
		return nil, types.Errorf(types.CodeUsage, "arguments: %w", err)
	}
	if !json.Valid(raw) {
		return nil, types.Errorf(types.CodeUsage, "arguments are not JSON: %.80s", raw)
	}
	return raw, nil
}

func (a *app) submitAsync(ctx context.Context, cl *client.Client, from *client.Identity, tx *types.Tx) error {
	id, err := cl.SubmitAsync(ctx, from, tx)
	if err != nil {
		return err
	}
	return a.print(map[string]any{"id": id, "state": "accepted"}, func(w io.Writer) {
		fmt.Fprintln(w, a.say("已受理，尚未确认上链", "accepted, not yet committed"))
		a.fields(w, field{"交易", "tx", id})
		fmt.Fprintf(w, "huchain query tx %s\n", id)
	})
}

// dryRun shows what a call would do; one that would be refused is an error.
func (a *app) dryRun(ctx context.Context, cl *client.Client, from *client.Identity, tx *types.Tx) error {
	out, err := cl.Simulate(ctx, from, tx)
	if err != nil {
		return err
	}
	if code := rest.ParseCode(out.Receipt.Code); out.Receipt.Code != types.CodeOK.String() {
		return types.Errorf(code, "%s (dry run at height %d, %d gas)", out.Receipt.Error, out.Height, out.Receipt.GasUsed)
	}
	return a.print(out, func(w io.Writer) {
		fmt.Fprintln(w, a.say("试运行成功，未上链", "dry run: it would take effect; nothing was committed"))
		a.fields(w, field{"状态高度", "state of height", out.Height}, field{"结果", "result", compact(out.Receipt.Result)},
			field{"燃料", "gas", out.Receipt.GasUsed})
		for _, e := range out.Events {
			fmt.Fprintf(w, "%s\t%s.%s %s\n", a.say("事件", "event"), e.Contract, e.Name, compact(e.Data))
		}
		for _, r := range out.Writes {
			key, value := r.Text, fmt.Sprintf("%d B", len(r.Value))
			if key == "" {
				key = "0x" + r.Key.String()
			}
			if r.Deleted {
				value = a.say("删除", "deleted")
			}
			fmt.Fprintf(w, "%s\t%s %s\t%s\n", a.say("写入", "write"), r.NS, key, value)
		}
	})
}

// notCommitted names the transaction that was committed without effect.
func (a *app) notCommitted(out *client.Committed, err error) error {
	if out == nil {
		return err
	}
	e := &types.Error{Code: types.CodeOf(err), Detail: fmt.Sprintf("%s (transaction %s, committed without effect at height %d)",
		out.Receipt.Error, out.ID, out.Height), Err: err}
	return e
}

func (a *app) printCommitted(out *client.Committed) error {
	v := map[string]any{
		"id": out.ID, "state": "committed", "height": out.Height, "index": out.Index,
		"blockTime": out.BlockTime, "receipt": out.Receipt,
	}
	return a.print(v, func(w io.Writer) {
		fmt.Fprintln(w, a.say("已上链", "committed"))
		a.fields(w,
			field{"高度", "height", out.Height}, field{"交易", "tx", out.ID},
			field{"时间", "time", out.BlockTime.Format(time.RFC3339)},
			field{"结果", "result", compact(out.Receipt.Result)}, field{"燃料", "gas", out.Receipt.GasUsed})
	})
}
